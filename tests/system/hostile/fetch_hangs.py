"""Hangs half-way, and is not to be stopped politely."""

import signal

from twind.api import Person, hookimpl


class Plugin:
    name = "fetch_hangs"

    def fetch(self, ctx):
        for number in (signal.SIGTERM, signal.SIGALRM, signal.SIGINT):
            signal.signal(number, signal.SIG_IGN)
        yield Person(uid="x", name="X")
        while True:
            pass


@hookimpl
def twind_register(register):
    register(Plugin())
