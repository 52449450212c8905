import json
import os
import select
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from twind.daemon import client
from twind.errors import NotRunningError
from twind.home import Home

CHECKOUT = Path(__file__).parents[2]
FAKE = Path(__file__).with_name("fake_worker.py")

DAEMON = """
import sys
from pathlib import Path
from twind.daemon import service
from twind.errors import TwindError
from twind.home import Home
try:
    home, worker, supplies = map(Path, sys.argv[1:])
    command = [sys.executable, str(worker)]
    sys.exit(service.run(Home.under(home), command=command, supplies=supplies))
except TwindError as error:
    sys.exit(f"{error.code}: {error}")
"""


class Daemon:
    """A daemon in a process of its own, with the fake worker."""

    def __init__(self, root: Path, results: dict | None = None, env: dict | None = None):
        self.home = Home.under(root)
        self.journal = root.parent / f"{root.name}.journal"
        self.log = root.parent / f"{root.name}.log"
        with self.log.open("a") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-c", DAEMON, root, FAKE, root.parent / "supplies"],
                env={
                    **os.environ,
                    "PYTHONPATH": str(CHECKOUT),
                    "FAKE_JOURNAL": str(self.journal),
                    "FAKE_RESULTS": json.dumps(results or {}),
                    **(env or {}),
                },
                stderr=log,
            )

    def ask(self, cmd: str, **more):
        return client.request(self.home, {"cmd": cmd, **more}, 30)

    def orders(self) -> list[dict]:
        if not self.journal.exists():
            return []
        return [json.loads(line) for line in self.journal.read_text().splitlines()]

    def started(self, name: str) -> list[dict]:
        return [order for order in self.orders() if order["name"] == name]

    def up(self) -> "Daemon":
        until(self._answers)
        return self

    def _answers(self) -> bool:
        assert self.process.poll() is None, self.log.read_text()
        try:
            return bool(self.ask("status"))
        except NotRunningError:
            return False

    def stop(self, number: int = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        return self.process.wait(timeout=10)


def until(condition, within_s: float = 45.0):
    """Return what `condition` says once that is true."""
    end = time.monotonic() + within_s
    while not (found := condition()):
        assert time.monotonic() < end, "it did not come true in time"
        select.select([], [], [], 0.03)
    return found


@pytest.fixture
def daemon(tmp_path):
    """Start daemons; end what is left of them."""
    running = []

    def start(root: Path = tmp_path / "h", **more) -> Daemon:
        running.append(Daemon(root, **more))
        return running[-1]

    yield start
    for one in running:
        if one.process.poll() is None:
            one.process.kill()
        one.process.wait()


@pytest.fixture(name="until")
def until_fixture():
    return until
