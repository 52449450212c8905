"""Eats memory when it is imported."""

from twind.api import Person, hookimpl

full = []
while True:
    full.append(bytearray(1 << 24))


class Plugin:
    name = "import_eats"

    def fetch(self, ctx):
        yield Person(uid="import_eats", name="Person of import_eats")


@hookimpl
def twind_register(register):
    register(Plugin())
