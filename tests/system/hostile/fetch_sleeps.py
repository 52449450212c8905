"""Sleeps in C, holding the interpreter's lock."""

import ctypes

from twind.api import Person, hookimpl


class Plugin:
    name = "fetch_sleeps"

    def fetch(self, ctx):
        ctypes.PyDLL(None).sleep(3600)
        yield Person(uid="x", name="X")


@hookimpl
def twind_register(register):
    register(Plugin())
