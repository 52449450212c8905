"""Eats memory."""

from twind.api import Person, hookimpl


class Plugin:
    name = "fetch_eats"

    def fetch(self, ctx):
        yield Person(uid="x", name="X")
        full = []
        while True:
            full.append(bytearray(1 << 24))


@hookimpl
def twind_register(register):
    register(Plugin())
