"""Nobody has to watch a daemon that costs next to nothing."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import threading
from pathlib import Path

import pytest

MAX_RSS_MIB = 60
REST_S, RESTS = 5.0, 8
MAX_SHARE = 0.02
"""Of a core, on a machine that may be slow and busy: benchmarks measure what it really is."""
MAX_WAKES_PER_S = 2.0
HEAVY = ("numpy", "pandas", "torch", "numba", "llvmlite", "scipy", "gymnasium", "icalendar")
NOT_FOR_CTL = {
    "apscheduler",
    "asyncio",
    "numpy",
    "pluggy",
    "pydantic",
    "pydantic_settings",
    "rich",
    "sqlite3",
    "watchdog",
    "zoneinfo",
}


@pytest.fixture(scope="module")
def idle(life, eventually):
    """The process id of a daemon that has read everything and has nothing to do."""
    daemon = life.start()
    eventually(life.at_rest, 120)
    return daemon.pid


def cpu_ticks(pid):
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return int(fields[11]) + int(fields[12])


@pytest.mark.slow
def test_an_idle_daemon_has_loaded_nothing_heavy(idle):
    maps = Path(f"/proc/{idle}/maps").read_text()
    assert "site-packages" in maps or "pydantic_core" in maps
    libraries = set(re.findall(r"/site-packages/([A-Za-z0-9_]+)", maps))
    assert libraries.isdisjoint(HEAVY)


def test_nothing_heavy_is_imported_by_the_daemon():
    shown = subprocess.run(
        [sys.executable, "-c", "import sys, twind.daemon.service; print(*sys.modules)"],
        capture_output=True,
        text=True,
        check=True,
    )
    packages = {name.partition(".")[0] for name in shown.stdout.split()}
    assert packages.isdisjoint(
        {*HEAVY, "pluggy", "rich", "vobject", "stable_baselines3", "apprise", "requests"}
    )
    assert not {name for name in shown.stdout.split() if name.startswith("twind.plugins")}


@pytest.mark.slow
def test_an_idle_daemon_is_small(idle):
    pages = int(Path(f"/proc/{idle}/statm").read_text().split()[1])
    assert pages * os.sysconf("SC_PAGE_SIZE") / 2**20 < MAX_RSS_MIB


@pytest.mark.slow
def test_an_idle_daemon_rests(idle, life):
    # poll_s is 5 here instead of 60: the rest has one look at files and log in it. The first day's
    # jobs may still come in between: of a few rests one has to be undisturbed.
    spent_s = []
    while len(spent_s) < RESTS and min(spent_s, default=REST_S) > MAX_SHARE * REST_S:
        before = cpu_ticks(idle)
        threading.Event().wait(REST_S)
        spent_s.append((cpu_ticks(idle) - before) / os.sysconf("SC_CLK_TCK"))
    assert min(spent_s) <= MAX_SHARE * REST_S, spent_s
    assert "Traceback" not in life.log()


def wakes(pid):
    """Return how often its threads have gone to sleep so far."""
    statuses = [task.read_text() for task in Path(f"/proc/{pid}/task").glob("*/status")]
    found = [re.search(r"^voluntary_ctxt_switches:\t(\d+)", one, re.MULTILINE) for one in statuses]
    return sum(int(one[1]) for one in found)


def written(pid):
    """Return how often it, and the workers that have ended, have written anything at all."""
    return int(re.search(r"^syscw: (\d+)", Path(f"/proc/{pid}/io").read_text(), re.MULTILINE)[1])


@pytest.mark.slow
def test_an_idle_daemon_sleeps_and_writes_nothing(idle):
    # The first day's jobs may still come in between: of a few rests one has to be undisturbed.
    rests = []
    for _ in range(RESTS):
        before = wakes(idle), written(idle)
        threading.Event().wait(REST_S)
        rests.append(((wakes(idle) - before[0]) / REST_S, written(idle) - before[1]))
        if rests[-1][0] <= MAX_WAKES_PER_S and rests[-1][1] == 0:
            return
    pytest.fail(f"wakes a second, writes: {rests}")


def test_asking_the_daemon_loads_next_to_nothing(life):
    shown = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "twind", "ctl", "status", "--home", life.root],
        capture_output=True,
        text=True,
        check=False,
    )
    imported = {line.rpartition("|")[2].strip() for line in shown.stderr.splitlines()}
    assert "twind.daemon.client" in imported
    assert {name.partition(".")[0] for name in imported}.isdisjoint(NOT_FOR_CTL)
    assert "twind.settings" not in imported
    assert "twind.store" not in imported
