"""Replaces pieces of the standard library and of twind."""

import json
import sqlite3

import twind.store.records
import twind.store.sources
from twind.api import Person, hookimpl


class Plugin:
    name = "fetch_patches"

    def fetch(self, ctx):
        def broken(*_, **__):
            raise OSError("patched")

        yield Person(uid="fetch_patches", name="Patched")
        sqlite3.connect = json.loads = sqlite3.Connection = broken
        twind.store.records.apply = twind.store.sources.succeeded = broken


@hookimpl
def twind_register(register):
    register(Plugin())
