"""Misspells the hook."""

from twind.api import Person, hookimpl


class Plugin:
    name = "hook_misspelt"

    def fetch(self, ctx):
        yield Person(uid="hook_misspelt", name="Person of hook_misspelt")


@hookimpl
def twind_regsiter(register):
    register(Plugin())
