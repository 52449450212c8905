"""Has another plugin's name."""

from twind.api import Person, hookimpl


class Plugin:
    name = "calendar"

    def fetch(self, ctx):
        yield Person(uid="name_taken", name="Person of name_taken")


@hookimpl
def twind_register(register):
    register(Plugin())
