"""Misspells its method."""

from twind.api import Person, hookimpl


class Plugin:
    name = "method_misspelt"

    def fecth(self, ctx):
        yield Person(uid="method_misspelt", name="Person of method_misspelt")


@hookimpl
def twind_register(register):
    register(Plugin())
