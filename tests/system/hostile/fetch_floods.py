"""Prints without end."""

import os

from twind.api import Person, hookimpl


class Plugin:
    name = "fetch_floods"

    def fetch(self, ctx):
        yield Person(uid="x", name="X")
        while True:
            os.write(2, b"all is well\n" * 5000)


@hookimpl
def twind_register(register):
    register(Plugin())
