"""Plugins that do their worst, dropped in one after the other beside good ones: the real daemon.

Each leaves the daemon running, the other sources synced, one line in the status that names it, no
process and no flood in the log.
"""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

import pytest

HOSTILE = Path(__file__).with_name("hostile")
LIMITS = """\
[limits]
job_timeout_s = {timeout_s}
memory_mib = 1024
"""
SAID = {
    "import_raises": ("failed", r"import_raises\.py:5: RuntimeError: no weather today"),
    "import_hangs": ("failed", r"import_hangs\.py: it was not done within 40 s while .* imported"),
    "import_exits": ("failed", r"import_exits\.py: it ended with status 3 .*plugins\.disabled"),
    "import_exits_well": ("failed", r"import_exits_well\.py: it ended with status 0 "),
    "import_leaves": ("failed", r"import_leaves\.py:7: SystemExit"),
    "import_recurses": ("failed", r"import_recurses\.py:7: RecursionError"),
    "import_crashes": ("failed", r"import_crashes\.py: it was killed by SIGSEGV while"),
    "import_eats": ("failed", r"import_eats\.py:\d+: MemoryError: .*limits\.memory_mib"),
    "import_floods": ("failed", r"import_floods\.py: it printed more than 16 MiB while"),
    "import_closes": ("failed", r"import_closes\.py: it closed files that are not its own"),
    "import_babbles": ("failed", r"import_babbles\.py: it made no sense while it was imported"),
    "import_stammers": ("failed", r"import_stammers\.py: it ended with status 70 while"),
    "import_deletes": (None, ""),
    "import_changes": ("ok", ""),
    "import_patches": ("ok", ""),
    "import_orphans": ("ok", ""),
    "import_threads": ("ok", ""),
    "import_litters": ("ok", ""),
    "settings_raise": ("failed", r"settings_raise\.py:14: RuntimeError: no such thing"),
    "watch_hangs": ("failed", r"watch_hangs\.py: it was not done within 40 s"),
    "watch_raises": ("degraded", r"watch_raises\.py:\d+: OSError: cannot look"),
    "fetch_raises": ("failed", r"fetch_raises\.py:\d+: OSError: the server went away"),
    "fetch_hangs": ("failed", r"fetch_hangs\.py: it was not done within \d+ s while it was read"),
    "fetch_sleeps": ("failed", r"fetch_sleeps\.py: it was not done within \d+ s"),
    "fetch_drips": ("failed", r"fetch_drips\.py: it was not done within \d+ s"),
    "fetch_never_ends": ("failed", r"fetch_never_ends\.py: fetch yielded more than 200000 records"),
    "fetch_million": ("failed", r"fetch_million\.py: fetch yielded more than 200000 records"),
    "fetch_exits": ("failed", r"fetch_exits\.py: it ended with status 4 while it was read: mend"),
    "fetch_exits_well": ("failed", r"fetch_exits_well\.py: it ended with status 0 while"),
    "fetch_kills": ("failed", r"was killed by SIG(TERM|KILL)"),
    "fetch_recurses": ("failed", r"fetch_recurses\.py:\d+: RecursionError"),
    "fetch_crashes": ("failed", r"fetch_crashes\.py: it was killed by SIGSEGV"),
    "fetch_eats": ("failed", r"fetch_eats\.py:\d+: MemoryError: .*limits\.memory_mib"),
    "fetch_prints": ("ok", ""),
    "fetch_floods": ("failed", r"fetch_floods\.py: it printed more than 16 MiB while it was read"),
    "fetch_garbles": ("degraded", ""),
    "fetch_keeps": ("failed", r"fetch_keeps\.py: ctx\.state is no JSON"),
    "fetch_keeps_much": ("failed", r"fetch_keeps_much\.py:.*limits\.memory_mib"),
    "fetch_twice": ("degraded", ""),
    "fetch_steals": ("ok", ""),
    "fetch_changes": ("ok", ""),
    "fetch_closes": ("failed", r"fetch_closes\.py: it closed files that are not its own while"),
    "fetch_babbles": ("failed", r"fetch_babbles\.py: what it told makes no sense"),
    "fetch_stammers": ("failed", r"fetch_stammers\.py: it ended with status 70 while it was read"),
    "fetch_orphans": ("ok", ""),
    "fetch_threads": ("ok", ""),
    "fetch_patches": ("ok", ""),
    "wants_a_password": ("failed", r"another password; once that is mended: twind ctl sync wants"),
    "hook_misspelt": ("failed", r"no hook twind_regsiter; did you mean twind_register\?"),
    "hook_misspelt_bare": ("failed", r"\"twind_regsiter\": did you mean twind_register\?"),
    "method_misspelt": ("failed", r"\"fecth\": did you mean fetch\?"),
    "name_taken": ("failed", r"the name \"calendar\" is taken by .*, which stays in service"),
}
"""For each of tests/system/hostile: its state, and what the status says of it."""
QUICK = [
    name for name in SAID if not re.search(r"hangs|sleeps|drips|never|million|eats|kills", name)
]


def binary(path):
    path.write_bytes(bytes(range(256)) * 8)


def latin(path):
    path.write_bytes("name = 'Zoë'".encode("latin-1"))


def unfinished(path):
    path.write_text("def fetch(self, ctx:\n")


def empty(path):
    path.touch()


def folder(path):
    path.mkdir()


def pipe(path):
    os.mkfifo(path)


def loop(path):
    path.symlink_to(path)


def sparse(path):
    with path.open("wb") as file:
        file.truncate(1 << 30)


def closed(path):
    path.write_text("name = 'x'")
    path.chmod(0)


NO_PYTHON = {
    binary: "SyntaxError|ValueError",
    latin: "SyntaxError",
    unfinished: r"unfinished\.py:1: SyntaxError",
    empty: "it has no hook twind_register",
    folder: "it is a folder without an __init__",
    pipe: "it is no file",
    loop: "Too many levels of symbolic links",
    sparse: "it is larger than 4 MiB",
    closed: "Permission denied|no hook twind_register",  # root may read all
}


class Neighbourhood:
    """A life with good plugins and a daemon; hostile ones move in, and out again."""

    def __init__(self, life, eventually, timeout_s):
        configuration = life.home.config_file
        configuration.write_text(configuration.read_text() + LIMITS.format(timeout_s=timeout_s))
        self.life, self.eventually = life, eventually
        self.folder = life.root / "plugins"
        self.lines = {}

    def start(self):
        self.daemon = self.life.start()
        self.eventually(self.life.synced, 90)

    def move_in(self, name):
        shutil.copy(HOSTILE / f"{name}.py", self.folder)

    def told(self, name):
        """Return what the status says of one, once there is something to be said."""
        if not self.is_told(name):
            self.lines = self.life.plugins()
        return self.lines[name] if self.is_told(name) else None

    def is_told(self, name):
        line = self.lines.get(name)
        return line is not None and (line["last_error"] or line["last_ok_at"])

    def assert_as_said(self, name):
        state, words = SAID[name]
        if state is None:
            self.eventually(lambda: name not in self.life.plugins(), 60)
            return
        line = self.eventually(lambda: self.told(name), 180)
        assert line["state"] == state, line
        assert re.search(words, line["last_error"] or ""), line
        assert "\n" not in (line["last_error"] or "")

    def assert_good_neighbours(self, name):
        """What is new in the calendar is read beside whatever harm is done."""
        uid = f"beside-{name}"
        self.life.add_event(self.life.event(uid, 3, "1400", "1500"))
        found = f"SELECT 1 FROM records WHERE source = 'calendar' AND uid = '{uid}'"
        self.eventually(lambda: self.life.rows(found), 90)
        plugins = self.life.plugins()
        good = {one: plugins[one]["state"] for one in ("calendar", "contacts", "tasks")}
        assert set(good.values()) == {"ok"}, good

    def assert_none_left(self):
        """No process is left but the daemon and the workers of what else there is to do."""
        self.eventually(lambda: not self.strangers(), 30)

    def strangers(self):
        mark = f"TWIND_HOME={self.life.root}".encode()
        found = []
        for process in Path("/proc").glob("[0-9]*"):
            try:
                state, parent = (process / "stat").read_text().rpartition(")")[2].split()[:2]
                ours = mark in (process / "environ").read_bytes() or int(parent) == self.daemon.pid
            except (OSError, ValueError):
                continue
            working = int(process.name) in self.daemon.workers()
            if ours and (state == "Z" or not working):
                found.append((process.name, state, parent))
        return found


@pytest.fixture(scope="module")
def street(life, eventually):
    """Everything that is quick to go wrong, moved in at once."""
    all_ = Neighbourhood(life, eventually, 60)
    for name in QUICK:
        all_.move_in(name)
    for make in NO_PYTHON:
        make(all_.folder / f"{make.__name__}.py")
    all_.start()
    return all_


@pytest.mark.slow
@pytest.mark.parametrize("name", QUICK)
def test_each_is_one_line_that_names_it(street, name):
    street.assert_as_said(name)


@pytest.mark.slow
@pytest.mark.parametrize("make", NO_PYTHON, ids=lambda make: make.__name__)
def test_what_is_no_python_is_one_line(street, make):
    line = street.eventually(lambda: street.told(make.__name__), 60)
    assert line["state"] == "failed"
    assert f"{make.__name__}.py" in line["last_error"]
    assert re.search(NO_PYTHON[make], line["last_error"]), line


@pytest.mark.slow
def test_what_was_yielded_is_in_order_or_refused(street):
    held = "SELECT source, uid FROM records WHERE source LIKE 'fetch_%' ORDER BY source, uid"
    assert street.life.rows(held) == [
        ("fetch_changes", "fetch_changes"),
        ("fetch_garbles", "good"),
        ("fetch_garbles", "long"),
        ("fetch_keeps", "x"),
        ("fetch_orphans", "fetch_orphans"),
        ("fetch_patches", "fetch_patches"),
        ("fetch_prints", "said"),
        ("fetch_raises", "half"),  # what came before a failure is good
        ("fetch_steals", "lunch1"),
        ("fetch_threads", "fetch_threads"),
        ("fetch_twice", "same"),
    ]
    stolen = "SELECT source FROM records WHERE uid IN ('lunch1', 'busy0', 'anna') ORDER BY source"
    assert street.life.rows(stolen) == [
        ("calendar",), ("calendar",), ("contacts",), ("fetch_steals",)
    ]  # fmt: skip
    assert street.life.rows("PRAGMA integrity_check") == [("ok",)]


@pytest.mark.slow
def test_the_neighbours_are_read_nothing_is_left_and_nothing_is_flooded(street):
    street.assert_good_neighbours("all")
    street.assert_none_left()
    assert len(street.life.log()) < 1 << 20
    # What plugins raise is told behind the name of their worker; this would be the daemon's own.
    assert not re.search(r"^(<\d>)?Traceback", street.life.log(), re.MULTILINE)


@pytest.mark.slow
def test_the_daemon_has_stayed_small_and_stops_in_time(street):
    status = Path(f"/proc/{street.daemon.pid}/status").read_text()
    assert int(re.search(r"VmRSS:\s+(\d+)", status)[1]) < 60 * 1024
    assert street.daemon.end() == 0


def test_every_hostile_plugin_is_tried():
    assert sorted(path.stem for path in HOSTILE.glob("*.py")) == sorted(SAID)


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_each_beside_good_ones_and_gone_again(own_life, eventually):
    street = Neighbourhood(own_life, eventually, 120)
    street.start()
    for name in SAID:
        street.move_in(name)
        street.assert_as_said(name)
        street.assert_good_neighbours(name)
        (street.folder / f"{name}.py").unlink(missing_ok=True)
        street.lines = {}
        # One that hangs may be read again just now: what it is allowed of that comes before.
        eventually(lambda name=name: name not in own_life.plugins(), 180)
        street.assert_none_left()
    status = Path(f"/proc/{street.daemon.pid}/status").read_text()
    assert int(re.search(r"VmRSS:\s+(\d+)", status)[1]) < 60 * 1024
    assert street.daemon.end() == 0
