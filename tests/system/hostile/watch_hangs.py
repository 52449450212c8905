"""Never says what is to be watched."""

from twind.api import Person, hookimpl


class Plugin:
    name = "watch_hangs"

    def watch(self, ctx):
        while True:
            pass

    def fetch(self, ctx):
        yield Person(uid="x", name="X")


@hookimpl
def twind_register(register):
    register(Plugin())
