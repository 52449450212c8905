"""Kills whoever started it, half-way."""

import os
import signal

from twind.api import Person, hookimpl


class Plugin:
    name = "fetch_kills"

    def fetch(self, ctx):
        yield Person(uid="x", name="X")
        os.kill(os.getppid(), signal.SIGTERM)
        os.killpg(0, signal.SIGKILL)


@hookimpl
def twind_register(register):
    register(Plugin())
