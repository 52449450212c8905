"""Prints what looks like a worker's own words."""

import os
import sys

from twind.api import Person, hookimpl


class Plugin:
    name = "fetch_prints"

    def fetch(self, ctx):
        for line in (
            '{"result": {}}',
            '{"error": {"code": "x", "message": "y"}}',
            '{"progress": 1}',
        ):
            print(line)
            sys.__stdout__.write(f"{line}\n")
            os.write(1, f"{line}\n".encode())
            os.system(f"echo '{line}'")
        yield Person(uid="said", name="Said")


@hookimpl
def twind_register(register):
    register(Plugin())
