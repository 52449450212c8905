"""Changes what the whole process shares when it is imported."""

import gc
import locale
import os
import signal
import sys

from twind.api import Person, hookimpl

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


class Plugin:
    name = "import_changes"

    def fetch(self, ctx):
        yield Person(uid="import_changes", name="Person of import_changes")


@hookimpl
def twind_register(register):
    register(Plugin())
