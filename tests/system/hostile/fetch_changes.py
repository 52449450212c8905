"""Changes what the whole process shares."""

import gc
import locale
import os
import signal
import sys

from twind.api import Person, hookimpl


class Plugin:
    name = "fetch_changes"

    def fetch(self, ctx):
        os.chdir("/")
        os.umask(0o777)
        os.environ.clear()
        locale.setlocale(locale.LC_ALL, "C")
        for number in (signal.SIGTERM, signal.SIGALRM, signal.SIGINT, signal.SIGCHLD):
            signal.signal(number, signal.SIG_IGN)
        sys.path.clear()
        sys.setrecursionlimit(60)
        sys.stdout.close()
        sys.stdout = sys.stderr = None
        gc.disable()
        yield Person(uid="fetch_changes", name="Changed")


@hookimpl
def twind_register(register):
    register(Plugin())
