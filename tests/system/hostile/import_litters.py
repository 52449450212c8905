"""Writes into the folder of the plugins each time it is imported."""

import time
from pathlib import Path

from twind.api import Person, hookimpl

Path(__file__).with_name("litter.txt").write_text(str(time.time_ns()))


class Plugin:
    name = "import_litters"

    def fetch(self, ctx):
        yield Person(uid="import_litters", name="Person of import_litters")


@hookimpl
def twind_register(register):
    register(Plugin())
