"""Says a word of its own where its process answers, nested too deep to be read."""

import os

from twind.api import Person, hookimpl


class Plugin:
    name = "fetch_babbles"

    def fetch(self, ctx):
        yield Person(uid="x", name="X")
        os.write(3, b"[" * 100_000 + b"\n")


@hookimpl
def twind_register(register):
    register(Plugin())
