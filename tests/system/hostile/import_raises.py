"""Raises when it is imported."""

from twind.api import Person, hookimpl

raise RuntimeError("no weather today")


class Plugin:
    name = "import_raises"

    def fetch(self, ctx):
        yield Person(uid="import_raises", name="Person of import_raises")


@hookimpl
def twind_register(register):
    register(Plugin())
