"""A life in files, and real processes that live it: what the tests of the whole share."""

from __future__ import annotations

import json
import os
import signal
import sqlite3
import subprocess
import sys
import threading
from datetime import UTC, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from twind.clock import SystemClock, monotonic_s
from twind.home import Home

sys.path.insert(0, str(Path(__file__).parent))

from machine import Machine, why_not

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

SOURCES = ("calendar", "contacts", "tasks")
CONFIGURATION = """\
[profile]
timezone = "UTC"
[hours]
sleep = "23:00-06:30"
quiet = "22:00-06:30"
[schedule]
poll_s = 5
[training]
enabled = false
[plugins.calendar]
paths = ["cal.ics"]
[plugins.contacts]
paths = ["people.vcf"]
[plugins.tasks]
paths = ["todo.txt"]
[plugins.notify]
desktop = false
"""
EVENT = """\
BEGIN:VEVENT\r
UID:{uid}\r
SUMMARY:{title}\r
DTSTART:{day:%Y%m%d}T{start}00Z\r
DTEND:{day:%Y%m%d}T{end}00Z\r
{more}END:VEVENT\r
"""
HEAD = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//example//EN\r\n"
FOOT = "END:VCALENDAR\r\n"
ATTENDED = "ATTENDEE;PARTSTAT=ACCEPTED:mailto:anna@example.org\r\n"


def eventually(found: Callable[[], Any], timeout_s: float = 60.0) -> Any:
    """Return what `found` returns once it is true, looking five times a second."""
    pause, end = threading.Event(), monotonic_s() + timeout_s
    while monotonic_s() < end:
        if value := found():
            return value
        pause.wait(0.2)
    raise AssertionError(f"not within {timeout_s:g} s: {found}")


class Life:
    """A home folder with a calendar, tasks and contacts, and the commands given to it."""

    def __init__(self, root: Path, *, empty: bool = False) -> None:
        self.root = root
        self.home = Home.under(root)
        self.today = SystemClock().now().astimezone(UTC).date()
        self.tomorrow = self.today + timedelta(days=1)
        self.daemons: list[Daemon] = []
        if not empty:
            self._write_files(root)

    def _write_files(self, root: Path) -> None:
        (root / "plugins").mkdir()
        self.home.config_file.write_text(CONFIGURATION)
        self._write_calendar()
        (root / "people.vcf").write_text(
            "BEGIN:VCARD\r\nVERSION:3.0\r\nUID:anna\r\nFN:Anna Berg\r\n"
            "EMAIL:anna@example.org\r\nEND:VCARD\r\n"
        )
        done, begun, due = (self.today + timedelta(days=days) for days in (-3, -9, 2))
        (root / "todo.txt").write_text(
            f"(A) Write the chapter +thesis due:{due} est:3h\n"
            f"Buy paint +flat\nx {done} {begun} Outline +thesis\n"
        )

    def _write_calendar(self) -> None:
        events = [
            self.event(f"lunch{n}", -7 * n, "1200", "1300", "Lunch", ATTENDED) for n in range(1, 7)
        ]
        events += [self.event(f"busy{n}", n, "0900", "1130", "Workshop") for n in range(5)]
        (self.root / "cal.ics").write_text(HEAD + "".join(events) + FOOT)

    def event(
        self, uid: str, days: int, start: str, end: str, title: str = "Meeting", more: str = ""
    ) -> str:
        """Return an event `days` from today, from `start` to `end` (HHMM, UTC)."""
        day = self.today + timedelta(days=days)
        return EVENT.format(uid=uid, title=title, day=day, start=start, end=end, more=more)

    def add_event(self, event: str) -> None:
        """Add an event to the calendar as an editor does: beside it, then over it."""
        calendar = self.root / "cal.ics"
        beside = self.root / "cal.ics.new"
        beside.write_text(calendar.read_text().removesuffix(FOOT) + event + FOOT)
        beside.replace(calendar)

    # --- commands --------------------------------------------------------------------------------

    def command(self, *argv: str, timeout_s: float = 120.0) -> subprocess.CompletedProcess[str]:
        """Run `twind ARGV --home …` off a terminal, with nothing on its stdin."""
        return subprocess.run(
            [sys.executable, "-m", "twind", *argv, "--home", str(self.root)],
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            timeout=timeout_s,
            check=False,
        )

    def twind(self, *argv: str, expect: int = 0) -> Any:
        """Return the data of a command's JSON, or its error where `expect` is not 0."""
        done = self.command(*argv, "--json")
        assert done.returncode == expect, (argv, done.stdout, done.stderr)
        shape = json.loads(done.stdout)
        assert shape["ok"] is (expect == 0)
        return shape["data" if shape["ok"] else "error"]

    def plugins(self) -> dict[str, Any]:
        """Return the plugins of the daemon's status, by name."""
        return {one["name"]: one for one in self.twind("ctl", "status")["plugins"]}

    def synced(self) -> dict[str, Any] | None:
        """Return the daemon's status once every source has been read."""
        status = self.twind("ctl", "status")
        read = {one["name"] for one in status["plugins"] if one["last_ok_at"]}
        return status if read.issuperset(SOURCES) else None

    def at_rest(self) -> dict[str, Any] | None:
        """Return the status once everything is read, learnt from and done."""
        status = self.synced()
        if not status or not status["patterns"]["count"]:
            return None
        return None if status["queue"]["queued"] + status["queue"]["running"] else status

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """Ask the database, as any other program may."""
        connection = sqlite3.connect(self.home.database, timeout=10)
        try:
            return connection.execute(sql).fetchall()
        finally:
            connection.close()

    # --- the daemon ------------------------------------------------------------------------------

    def start(self) -> Daemon:
        """Start the daemon and return it once it answers."""
        daemon = Daemon(self)
        self.daemons.append(daemon)
        eventually(daemon.answers)
        return daemon

    def log(self) -> str:
        """Return what the daemons have written so far."""
        return (self.root / "daemon.log").read_text()


class Daemon:
    """One process of `twind run`."""

    def __init__(self, life: Life) -> None:
        self._life = life
        with (life.root / "daemon.log").open("a") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "twind", "run", "--home", str(life.root)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        self.pid = self.process.pid

    def answers(self) -> bool:
        """Tell whether it answers on its socket; an AssertionError if it has ended."""
        assert self.process.poll() is None, self._life.log()
        return self._life.command("ctl", "status").returncode == 0

    def workers(self) -> list[int]:
        """Return the process ids of the workers it has started and that still run."""
        listed = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split()
        return [int(pid) for pid in listed]

    def end(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Send a signal and return the exit status."""
        self.process.send_signal(number)
        return self.process.wait(timeout=20)

    def clean_up(self) -> None:
        """Leave no process behind, whatever the test has done."""
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait(timeout=20)


def alive(pid: int) -> bool:
    """Tell whether a process runs; one that only waits to be reaped does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


@pytest.fixture(scope="module")
def life(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Life]:
    """A life in files; whatever daemon is started on it ends with the module."""
    assert "TWIND_HOME" not in os.environ
    life = Life(tmp_path_factory.mktemp("life"))
    yield life
    for daemon in life.daemons:
        daemon.clean_up()


@pytest.fixture
def own_life(tmp_path: Path) -> Iterator[Life]:
    """A life in files for one test alone."""
    life = Life(tmp_path)
    yield life
    for daemon in life.daemons:
        daemon.clean_up()


@pytest.fixture
def empty_life(tmp_path: Path) -> Iterator[Life]:
    """A home with nothing in it, not even a configuration."""
    life = Life(tmp_path, empty=True)
    yield life
    for daemon in life.daemons:
        daemon.clean_up()


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    """A booted systemd, with the system's twind installed and Ada's files handed over to it."""
    if reason := why_not():
        pytest.skip(reason)
    booted = Machine(tmp_path_factory.mktemp("booted"))
    try:
        booted.move_in(Life(tmp_path_factory.mktemp("files")).root)
        yield booted
    finally:
        booted.stop()


@pytest.fixture(name="eventually", scope="session")
def eventually_fixture() -> Callable[..., Any]:
    """The wait that every test here uses."""
    return eventually


@pytest.fixture(name="alive", scope="session")
def alive_fixture() -> Callable[[int], bool]:
    """Tell whether a process runs."""
    return alive
