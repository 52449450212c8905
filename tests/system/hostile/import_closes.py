"""Closes whatever is open when it is imported."""

import os

from twind.api import Person, hookimpl

os.closerange(0, 4096)


class Plugin:
    name = "import_closes"

    def fetch(self, ctx):
        yield Person(uid="import_closes", name="Person of import_closes")


@hookimpl
def twind_register(register):
    register(Plugin())
