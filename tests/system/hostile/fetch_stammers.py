"""Ends its process as if it had stumbled, over half a word."""

import os

from twind.api import Person, hookimpl


class Plugin:
    name = "fetch_stammers"

    def fetch(self, ctx):
        yield Person(uid="x", name="X")
        os.write(3, b'"\n')
        os._exit(70)


@hookimpl
def twind_register(register):
    register(Plugin())
