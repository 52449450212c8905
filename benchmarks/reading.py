"""Reading sources, in a worker of its own, its start included: 20,000 events in 200 files.

A rough answer reads a quarter of them.
"""

from __future__ import annotations

import subprocess
import sys

from calendars import write
from figures import FAST, figure, seconds
from processes import job, python

FILES, EVENTS = 50 if FAST else 200, 100
"""How many files, and events in each."""

PARSE = (
    "import sys, pathlib, icalendar\n"
    "for file in sorted(pathlib.Path(sys.argv[1]).glob('*.ics')):\n"
    "    icalendar.Calendar.from_ical(file.read_bytes())\n"
)


def measure(home):
    """Print sync.first_s, sync.unchanged_s, sync.one_file_s.

    The first sync is held against icalendar's reading of the same files and nothing more, the
    others against a process of Python that does nothing.
    """
    folder = write(home, FILES, EVENTS)
    runs = 1 if FAST else 3

    def parse():
        subprocess.run([sys.executable, "-c", PARSE, folder], check=True)

    def first():
        for file in home.glob("twind.db*"):
            file.unlink()
        assert _read(home)["added"] == FILES * EVENTS

    def unchanged():
        assert _read(home)["changed"] == 0

    titles = iter(f"Moved {number}" for number in range(runs + 1))

    def one_file():
        file = folder / "007.ics"
        lines = file.read_text().splitlines(keepends=True)
        at = next(i for i, line in enumerate(lines) if line.startswith("SUMMARY:"))
        lines[at] = f"SUMMARY:{next(titles)}\n"
        file.write_text("".join(lines))
        assert _read(home)["changed"] == 1

    figure("sync.first_s", seconds(first, runs), "s", baseline=seconds(parse, runs))
    baseline = python(5)
    figure("sync.unchanged_s", seconds(unchanged, 3 * runs), "s", baseline=baseline)
    figure("sync.one_file_s", seconds(one_file, runs), "s", baseline=baseline)


def _read(home):
    return job(home, "sync")["plugins"]["calendar"]
