"""Starts threads that never end and that the interpreter waits for."""

import threading

from twind.api import Person, hookimpl


class Plugin:
    name = "fetch_threads"

    def fetch(self, ctx):
        for _ in range(3):
            threading.Thread(target=threading.Event().wait).start()
        yield Person(uid="fetch_threads", name="Threads")


@hookimpl
def twind_register(register):
    register(Plugin())
