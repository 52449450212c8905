"""Misspells the hook and does not mark it as one."""

from twind.api import Person


class Plugin:
    name = "hook_misspelt_bare"

    def fetch(self, ctx):
        yield Person(uid="hook_misspelt_bare", name="Person of hook_misspelt_bare")


def twind_regsiter(register):
    register(Plugin())
