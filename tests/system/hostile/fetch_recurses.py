"""Calls itself without end."""

from twind.api import Person, hookimpl


class Plugin:
    name = "fetch_recurses"

    def fetch(self, ctx):
        yield from self.fetch(ctx)


@hookimpl
def twind_register(register):
    register(Plugin())
