"""Says a word of its own where its process answers, when it is imported."""

import os

from twind.api import Person, hookimpl

os.write(3, b"oops\n")


class Plugin:
    name = "import_babbles"

    def fetch(self, ctx):
        yield Person(uid="x", name="X")


@hookimpl
def twind_register(register):
    register(Plugin())
