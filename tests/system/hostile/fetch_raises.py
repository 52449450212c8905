"""Raises half-way."""

from twind.api import Person, hookimpl


class Plugin:
    name = "fetch_raises"

    def fetch(self, ctx):
        yield Person(uid="half", name="Half")
        raise OSError("the server went away")


@hookimpl
def twind_register(register):
    register(Plugin())
