"""Keeps more than anybody should."""

from twind.api import Person, hookimpl


class Plugin:
    name = "fetch_keeps_much"

    def fetch(self, ctx):
        ctx.state["all"] = "x" * 500_000_000
        yield Person(uid="x", name="X")


@hookimpl
def twind_register(register):
    register(Plugin())
