"""Closes whatever is open."""

import os

from twind.api import Person, hookimpl


class Plugin:
    name = "fetch_closes"

    def fetch(self, ctx):
        yield Person(uid="x", name="X")
        os.closerange(0, 4096)


@hookimpl
def twind_register(register):
    register(Plugin())
