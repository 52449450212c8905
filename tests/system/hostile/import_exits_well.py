"""Ends the process that imports it, as if all were well."""

import os

from twind.api import Person, hookimpl

os._exit(0)


class Plugin:
    name = "import_exits_well"

    def fetch(self, ctx):
        yield Person(uid="import_exits_well", name="Person of import_exits_well")


@hookimpl
def twind_register(register):
    register(Plugin())
