"""Made-up calendars of any size."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

from figures import SEED

HEAD = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//example//EN\r\n"
EVENT = (
    "BEGIN:VEVENT\r\nUID:{uid}\r\nSUMMARY:{title}\r\nDTSTART:{start:%Y%m%dT%H%M%SZ}\r\n"
    "DTEND:{end:%Y%m%dT%H%M%SZ}\r\nEND:VEVENT\r\n"
)
TITLES = ("Meeting", "Lunch with Anna", "Gym", "Focus: report", "Dentist", "Choir")


def write(home, files, events):
    """Write a home whose calendar reaches from five months ago to two months ahead.

    `events` in each of `files` files. Returns the folder they lie in.
    """
    folder = home / "calendars"
    folder.mkdir(parents=True)
    (home / "twind.toml").write_text(
        '[profile]\ntimezone = "UTC"\n[plugins.calendar]\npaths = ["calendars"]\n'
        "[plugins.notify]\ndesktop = false\n"
    )
    luck = random.Random(SEED)
    today = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    for number in range(files):
        written = []
        for index in range(events):
            start = today + timedelta(days=luck.randrange(-150, 60), hours=luck.randrange(24))
            end = start + timedelta(minutes=15 * luck.randrange(1, 9))
            uid = f"{number}-{index}@example.org"
            written.append(EVENT.format(uid=uid, title=luck.choice(TITLES), start=start, end=end))
        (folder / f"{number:03}.ics").write_text(HEAD + "".join(written) + "END:VCALENDAR\r\n")
    return folder
