"""Raises where it is asked what is to be watched."""

from twind.api import Person, hookimpl


class Plugin:
    name = "watch_raises"

    def watch(self, ctx):
        raise OSError("cannot look")

    def fetch(self, ctx):
        yield Person(uid="watch", name="Watched")


@hookimpl
def twind_register(register):
    register(Plugin())
