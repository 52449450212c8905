"""Has always one more, and takes its time."""

import itertools
import time

from twind.api import Person, hookimpl


class Plugin:
    name = "fetch_drips"

    def fetch(self, ctx):
        for number in itertools.count():
            time.sleep(0.5)
            yield Person(uid=f"{number}", name=f"Person {number}")


@hookimpl
def twind_register(register):
    register(Plugin())
