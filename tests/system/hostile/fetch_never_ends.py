"""Has always one more."""

import itertools

from twind.api import Person, hookimpl


class Plugin:
    name = "fetch_never_ends"

    def fetch(self, ctx):
        for number in itertools.count():
            yield Person(uid=f"{number}", name=f"Person {number}")


@hookimpl
def twind_register(register):
    register(Plugin())
