"""Has a million people."""

from twind.api import Person, hookimpl


class Plugin:
    name = "fetch_million"

    def fetch(self, ctx):
        for number in range(1_000_000):
            yield Person(uid=f"{number}", name=f"Person {number}")


@hookimpl
def twind_register(register):
    register(Plugin())
