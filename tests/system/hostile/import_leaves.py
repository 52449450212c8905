"""Leaves the interpreter when it is imported."""

import sys

from twind.api import Person, hookimpl

sys.exit()


class Plugin:
    name = "import_leaves"

    def fetch(self, ctx):
        yield Person(uid="import_leaves", name="Person of import_leaves")


@hookimpl
def twind_register(register):
    register(Plugin())
