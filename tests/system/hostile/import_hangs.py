"""Never gets done with being imported."""

from twind.api import Person, hookimpl

while True:
    pass


class Plugin:
    name = "import_hangs"

    def fetch(self, ctx):
        yield Person(uid="import_hangs", name="Person of import_hangs")


@hookimpl
def twind_register(register):
    register(Plugin())
