"""Prints without end when it is imported."""

from twind.api import Person, hookimpl

while True:
    print("all is well, " * 100)


class Plugin:
    name = "import_floods"

    def fetch(self, ctx):
        yield Person(uid="import_floods", name="Person of import_floods")


@hookimpl
def twind_register(register):
    register(Plugin())
