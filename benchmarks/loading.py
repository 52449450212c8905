"""The daemon and its commands on a large life (large.py), that twind has known for three years.

What lies in the files of three years is read with the clock driven from then to now, a window at a
time, as the daemon would have. A rough answer has a tenth of the files.
"""

from __future__ import annotations

import re
import resource
import sqlite3
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path

from figures import FAST, figure, seconds
from large import Size, today, write
from processes import (
    at_rest,
    cpu_s,
    job,
    python,
    resident_mib,
    started,
    status,
    stopped,
    timed,
    twind,
    wait_for,
)

SIZE = Size().smaller(10) if FAST else Size()
RUNS = 1 if FAST else 3
REST_S = 60.0
"""A look a minute at all files is part of the rest."""
LONG_S = 3600.0
"""How long to wait for a daemon that reads and learns from everything for the first time."""
PARSE = (
    "import sys, pathlib, icalendar\n"
    "for file in sorted(pathlib.Path(sys.argv[1]).glob('*.ics')):\n"
    "    icalendar.Calendar.from_ical(file.read_bytes())\n"
)
"""icalendar's reading of the calendars and nothing more."""
HISTORY = (
    "import sys\n"
    "from datetime import datetime\n"
    "from pathlib import Path\n"
    "from twind import settings\n"
    "from twind.clock import FixedClock\n"
    "from twind.home import Home\n"
    "from twind.jobs import sync\n"
    "from twind.jobs.work import Work\n"
    "from twind.store import profiles, rotation\n"
    "home = Home.under(Path(sys.argv[1]))\n"
    "clock = FixedClock(datetime.fromisoformat(sys.argv[2]))\n"
    "with rotation.opened(home, clock) as db:\n"
    "    profiles.ensure(db, 1)\n"
    "    sync.run(Work(db, home, settings.load(home), clock))\n"
)
"""A sync as of another day."""
WINDOW_DAYS = 250
"""Less than a sync looks at: syncs so far apart leave no gap."""


def measure(home):
    """Print load.*: each against its baseline in the same run, where there is one."""
    write(home, SIZE, today())
    baseline = python(5)
    _first_sync(home)
    for days in range(SIZE.days - 90, 0, -WINDOW_DAYS):
        then = today() - timedelta(days=days)
        subprocess.run([sys.executable, "-c", HISTORY, home, then.isoformat()], check=True)
    job(home, "sync")
    figure("load.unchanged_s", seconds(lambda: job(home, "sync"), RUNS), "s", baseline=baseline)
    for name, work in (("detect", "detect"), ("ask", "elicit"), ("propose", "propose")):
        taken = seconds(lambda work=work: job(home, work), RUNS)
        figure(f"load.{name}_s", taken, "s", baseline=baseline)
    _database(home)
    _daemon(home, baseline)


def _first_sync(home):
    """Print how long reading everything takes a fresh database, and at most how much memory."""
    began = time.perf_counter()
    read = job(home, "sync")["plugins"]
    took = time.perf_counter() - began
    assert not any(one.get("error") or one["errors"] for one in read.values()), read
    # Nothing larger has run before.
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    parse = [sys.executable, "-c", PARSE, home / "calendars"]
    began = time.perf_counter()
    subprocess.run(parse, check=True)
    figure("load.first_sync_s", [took], "s", baseline=[time.perf_counter() - began])
    figure("load.first_sync_peak_mib", [peak], "MiB")


def _database(home):
    """Print how large the database is beside the files it was read from."""
    files = sum(file.stat().st_size for file in home.glob("*/*") if file.is_file())
    size = (home / "twind.db").stat().st_size
    figure("load.database_mib", [size / 2**20], "MiB", baseline=[files / 2**20])


def _daemon(home, baseline):
    ready = []
    for _ in range(RUNS):
        began = time.perf_counter()
        process = started(home)
        wait_for(lambda: status(home))
        ready.append(time.perf_counter() - began)
        stopped(process)
    figure("load.ready_s", ready, "s", baseline=baseline)
    process = started(home)
    try:
        wait_for(lambda: at_rest(home), LONG_S)
        figure(
            "load.status_s", timed(twind(home, "ctl", "status"), 5 * RUNS), "s", baseline=baseline
        )
        # The day's proposals, its backup and what is pruned after it come one after the other.
        wait_for(lambda: at_rest(home) and _has_had_its_day(home), LONG_S)
        changes = [_refreshed_after_a_change(home, number) for number in range(RUNS)]
        figure("load.change_to_patterns_s", changes, "s", baseline=baseline)
        wait_for(lambda: at_rest(home), LONG_S)
        time.sleep(2.0)
        before = cpu_s(process.pid)
        time.sleep(REST_S)
        share = (cpu_s(process.pid) - before) / REST_S
        figure("load.idle_cpu_share", [share], "share of a core")
        figure("load.idle_rss_mib", [resident_mib(process.pid)], "MiB")
    finally:
        stopped(process)


def _refreshed_after_a_change(home, number):
    """Return the seconds from the change of one event to come to patterns that know of it."""
    file, changed = _with_one_changed(home / "calendars", f"Changed for the {number}. time")
    last = _last_detect(home)
    began = time.perf_counter()
    file.write_bytes(changed.encode())
    wait_for(lambda: _last_detect(home) > last, LONG_S)
    return time.perf_counter() - began


def _with_one_changed(folder, title):
    """Return a file, and its text with another title for one event of the next two months."""
    first, last = (f"{today() + timedelta(days=days):%Y%m%d}" for days in (1, 60))
    for file in sorted(folder.iterdir()):
        events = file.read_bytes().decode().split("BEGIN:VEVENT")
        for place, event in enumerate(events):
            found = re.search(r"DTSTART:(\d{8})", event)
            if found and first < found[1] < last:
                events[place] = re.sub(r"SUMMARY:[^\r]*", f"SUMMARY:{title}", event)
                return file, "BEGIN:VEVENT".join(events)
    raise ValueError("there is no event to come")


def _has_had_its_day(home):
    """Tell whether nothing of what the day brings is left, if its proposals have been made."""
    connection = sqlite3.connect(Path(home) / "twind.db", timeout=10)
    try:
        done = {row[0] for row in connection.execute("SELECT name FROM jobs WHERE state = 'done'")}
    finally:
        connection.close()
    return "propose" not in done or "prune" in done


def _last_detect(home):
    connection = sqlite3.connect(Path(home) / "twind.db", timeout=10)
    try:
        found = connection.execute(
            "SELECT COALESCE(MAX(id), 0) FROM jobs WHERE name = 'detect' AND state = 'done'"
        )
        return found.fetchone()[0]
    finally:
        connection.close()
