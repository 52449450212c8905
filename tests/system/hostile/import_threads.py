"""Starts a thread that never ends and that the interpreter waits for."""

import threading

from twind.api import Person, hookimpl

threading.Thread(target=threading.Event().wait).start()


class Plugin:
    name = "import_threads"

    def fetch(self, ctx):
        yield Person(uid="import_threads", name="Person of import_threads")


@hookimpl
def twind_register(register):
    register(Plugin())
