"""Deletes its own file while it is imported."""

from pathlib import Path

from twind.api import Person, hookimpl

Path(__file__).unlink()


class Plugin:
    name = "import_deletes"

    def fetch(self, ctx):
        yield Person(uid="import_deletes", name="Person of import_deletes")


@hookimpl
def twind_register(register):
    register(Plugin())
