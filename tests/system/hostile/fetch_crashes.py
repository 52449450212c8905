"""Recurses until C's stack is full."""

import sys

from twind.api import Person, hookimpl


class Plugin:
    name = "fetch_crashes"

    def fetch(self, ctx):
        sys.setrecursionlimit(1 << 30)
        yield Person(uid="x", name="X")
        deep = []
        for _ in range(1_000_000):
            deep = [deep]
        repr(deep)


@hookimpl
def twind_register(register):
    register(Plugin())
