"""Yields the same uid twice."""

from twind.api import Person, hookimpl


class Plugin:
    name = "fetch_twice"

    def fetch(self, ctx):
        yield Person(uid="same", name="First")
        yield Person(uid="same", name="Second")


@hookimpl
def twind_register(register):
    register(Plugin())
