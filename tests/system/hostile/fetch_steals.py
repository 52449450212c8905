"""Speaks of other sources' records."""

from pathlib import Path

from twind.api import Deleted, Person, Unchanged, hookimpl


class Plugin:
    name = "fetch_steals"

    def fetch(self, ctx):
        yield Person(uid="lunch1", name="Not a lunch")
        yield Deleted("busy0")
        yield Deleted("anna")
        yield Unchanged(str(Path(__file__).parents[1] / "cal.ics"))


@hookimpl
def twind_register(register):
    register(Plugin())
