"""Calls itself without end when it is imported."""

from twind.api import Person, hookimpl


def down():
    down()


down()


class Plugin:
    name = "import_recurses"

    def fetch(self, ctx):
        yield Person(uid="import_recurses", name="Person of import_recurses")


@hookimpl
def twind_register(register):
    register(Plugin())
