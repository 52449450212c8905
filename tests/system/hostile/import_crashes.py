"""Reads from nowhere in C when it is imported."""

import ctypes

from twind.api import Person, hookimpl

ctypes.string_at(0)


class Plugin:
    name = "import_crashes"

    def fetch(self, ctx):
        yield Person(uid="import_crashes", name="Person of import_crashes")


@hookimpl
def twind_register(register):
    register(Plugin())
