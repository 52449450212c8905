"""Keeps what cannot be kept."""

from twind.api import Person, hookimpl


class Plugin:
    name = "fetch_keeps"

    def fetch(self, ctx):
        ctx.state["me"] = ctx.state
        yield Person(uid="x", name="X")


@hookimpl
def twind_register(register):
    register(Plugin())
