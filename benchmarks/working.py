"""The jobs, each in a worker of its own, its start included, on a calendar of 2,000 events."""

from __future__ import annotations

import random
import subprocess
import sys
from datetime import UTC, datetime, timedelta

from figures import FAST, SEED, figure, seconds
from processes import job, python

FILES, EVENTS = 20, 100
"""How many files, and events in each."""

HEAD = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//example//EN\r\n"
EVENT = (
    "BEGIN:VEVENT\r\nUID:{uid}\r\nSUMMARY:{title}\r\nDTSTART:{start:%Y%m%dT%H%M%SZ}\r\n"
    "DTEND:{end:%Y%m%dT%H%M%SZ}\r\nEND:VEVENT\r\n"
)
TITLES = ("Meeting", "Lunch with Anna", "Gym", "Focus: report", "Dentist", "Choir")
PARSE = (
    "import sys, pathlib, icalendar\n"
    "for file in sorted(pathlib.Path(sys.argv[1]).glob('*.ics')):\n"
    "    icalendar.Calendar.from_ical(file.read_bytes())\n"
)


def measure(home):
    """Print sync.*, detect_s, ask_s, propose_s."""
    folder = home / "calendars"
    _write(home, folder)
    runs = 1 if FAST else 3

    def parse():
        subprocess.run([sys.executable, "-c", PARSE, folder], check=True)

    def first():
        for file in home.glob("twind.db*"):
            file.unlink()
        read = job(home, "sync")["plugins"]["calendar"]
        assert read["records"] == FILES * EVENTS, read

    taken = seconds(first, runs)
    figure("sync.first_s", taken, "s", baseline=seconds(parse, runs))
    unchanged = seconds(lambda: job(home, "sync"), runs)
    figure("sync.unchanged_s", unchanged, "s", baseline=taken)
    baseline = python(5)
    for name, work in (("detect_s", "detect"), ("ask_s", "elicit"), ("propose_s", "propose")):
        figure(name, seconds(lambda work=work: job(home, work), runs), "s", baseline=baseline)


def _write(home, folder):
    """Write a home whose calendar reaches from five months ago to two months ahead."""
    folder.mkdir(parents=True)
    (home / "twind.toml").write_text(
        '[profile]\ntimezone = "UTC"\n[plugins.calendar]\npaths = ["calendars"]\n'
        "[plugins.notify]\ndesktop = false\n"
    )
    luck = random.Random(SEED)
    today = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    for number in range(FILES):
        events = []
        for index in range(EVENTS):
            start = today + timedelta(days=luck.randrange(-150, 60), hours=luck.randrange(24))
            end = start + timedelta(minutes=15 * luck.randrange(1, 9))
            uid = f"{number}-{index}@example.org"
            events.append(EVENT.format(uid=uid, title=luck.choice(TITLES), start=start, end=end))
        (folder / f"{number:02}.ics").write_text(HEAD + "".join(events) + "END:VCALENDAR\r\n")
