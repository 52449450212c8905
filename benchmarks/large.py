"""A large life in files: what a person has who has kept everything for years, and then some."""

from __future__ import annotations

import json
import random
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from calendars import HEAD, TITLES
from figures import SEED

ME = "me@example.org"
SETTINGS = f"""\
[profile]
timezone = "Europe/Berlin"
emails = ["{ME}"]
[training]
enabled = false
[plugins.calendar]
paths = ["calendars"]
[plugins.tasks]
paths = ["tasks"]
[plugins.contacts]
paths = ["contacts"]
[plugins.notify]
desktop = false
"""
EVENT = (
    "BEGIN:VEVENT\r\nUID:{uid}\r\nSUMMARY:{title}\r\nDTSTART:{start:%Y%m%dT%H%M%SZ}\r\n"
    "DTEND:{end:%Y%m%dT%H%M%SZ}\r\n{guests}END:VEVENT\r\n"
)
TODO = (
    "BEGIN:VTODO\r\nUID:{uid}\r\nSUMMARY:{title}\r\nCREATED:{begun:%Y%m%dT%H%M%SZ}\r\n"
    "DUE:{due:%Y%m%dT%H%M%SZ}\r\nSTATUS:{status}\r\n{done}END:VTODO\r\n"
)
CARD = (
    "BEGIN:VCARD\r\nVERSION:3.0\r\nUID:{uid}\r\nFN:{name}\r\nEMAIL:{email}\r\n"
    "TEL:+49 30 {number:07}\r\nORG:{organisation}\r\nEND:VCARD\r\n"
)
FIRST = ("Anna", "Bo", "Chiara", "Dev", "Elif", "Femi", "Greta", "Hugo", "Ines", "Jun")
LAST = ("Berg", "Costa", "Diaz", "Evans", "Fischer", "Gupta", "Hansen", "Ito", "Jansen", "Kim")
OPEN_SHARE = 0.05
"""Of tasks; the rest was done at some time."""
MET_SHARE = 0.2
"""Of events; with one to three people of the address book."""


@dataclass(frozen=True)
class Size:
    """How large a life is: `days` lie behind it."""

    calendars: int = 1000
    events: int = 100
    tasks: int = 20_000
    people: int = 5000
    days: int = 3 * 365

    def smaller(self, times):
        """Return a life with so many times fewer files, tasks and people."""
        return Size(
            self.calendars // times,
            self.events,
            self.tasks // times,
            self.people // times,
            self.days,
        )


def write(home, size, today):
    """Write a home with the files of a life up to three months ahead of `today` (aware, UTC).

    Tasks are two fifths todo.txt, and else iCalendar and Taskwarrior's exports, in equal parts.
    Each person has a file, as tools that fetch address books write them.
    """
    luck = random.Random(SEED)
    today = today.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    (home / "twind.toml").write_text(SETTINGS)
    _write_people(home / "contacts", size.people, luck)
    _write_calendars(home / "calendars", size, today, luck)
    _write_tasks(home / "tasks", size, today, luck)


def _write_people(folder, people, luck):
    folder.mkdir()
    for number in range(people):
        name = f"{luck.choice(FIRST)} {luck.choice(LAST)}{number}"
        (folder / f"{number:05}.vcf").write_text(
            CARD.format(
                uid=f"person-{number}",
                name=name,
                email=_email(number),
                number=number,
                organisation=f"Organisation {luck.randrange(people // 10 + 1)}",
            )
        )


def _email(number):
    return f"p{number}@example.com"


def _write_calendars(folder, size, today, luck):
    folder.mkdir()
    for number in range(size.calendars):
        events = [_event(f"{number}-{one}", size, today, luck) for one in range(size.events)]
        (folder / f"{number:04}.ics").write_text(HEAD + "".join(events) + "END:VCALENDAR\r\n")


def _event(uid, size, today, luck):
    start = today + timedelta(days=luck.randrange(-size.days, 90), hours=luck.randrange(7, 22))
    met = luck.sample(range(size.people), luck.randint(1, 3)) if luck.random() < MET_SHARE else ()
    host = f"ORGANIZER:mailto:{ME}\r\n" if met else ""
    guests = (f"ATTENDEE;PARTSTAT=ACCEPTED:mailto:{_email(one)}\r\n" for one in met)
    return EVENT.format(
        uid=f"{uid}@example.org",
        title=luck.choice(TITLES),
        start=start,
        end=start + timedelta(minutes=15 * luck.randrange(1, 9)),
        guests=host + "".join(guests),
    )


def _write_tasks(folder, size, today, luck):
    folder.mkdir()
    part = size.tasks // 10
    lines = [_todo_txt(today, size, luck) for _ in range(4 * part)]
    (folder / "todo.txt").write_text("\n".join(lines) + "\n")
    for number in range(3):
        todos = [_vtodo(f"todo-{number}-{one}", today, size, luck) for one in range(part)]
        (folder / f"{number}.ics").write_text(HEAD + "".join(todos) + "END:VCALENDAR\r\n")
    exported = [_exported(today, size, luck) for _ in range(3 * part)]
    (folder / "taskwarrior.json").write_text(json.dumps(exported))


def _begun_and_over(today, size, luck):
    """Return when a task was made, and when it is due or was done, and whether it was done."""
    if luck.random() < OPEN_SHARE:
        return today - timedelta(days=luck.randrange(60)), today + timedelta(days=14), False
    over = today - timedelta(days=luck.randrange(size.days), hours=luck.randrange(8, 20))
    return over - timedelta(days=luck.randrange(1, 30)), over, True


def _title(luck):
    return f"{luck.choice(TITLES)}: part {luck.randrange(10_000)}"


def _project(luck):
    return f"project{luck.randrange(40)}"


def _todo_txt(today, size, luck):
    begun, over, done = _begun_and_over(today, size, luck)
    said = f"{begun:%Y-%m-%d} {_title(luck)} +{_project(luck)}"
    return f"x {over:%Y-%m-%d} {said}" if done else f"{said} due:{over:%Y-%m-%d}"


def _vtodo(uid, today, size, luck):
    begun, over, done = _begun_and_over(today, size, luck)
    return TODO.format(
        uid=uid,
        title=_title(luck),
        begun=begun,
        due=over,
        status="COMPLETED" if done else "NEEDS-ACTION",
        done=f"COMPLETED:{over:%Y%m%dT%H%M%SZ}\r\n" if done else "",
    )


def _exported(today, size, luck):
    begun, over, done = _begun_and_over(today, size, luck)
    return {
        "uuid": str(uuid.UUID(int=luck.getrandbits(128), version=4)),
        "description": _title(luck),
        "project": _project(luck),
        "status": "completed" if done else "pending",
        "entry": f"{begun:%Y%m%dT%H%M%SZ}",
        ("end" if done else "due"): f"{over:%Y%m%dT%H%M%SZ}",
    }


def today():
    """Return now."""
    return datetime.now(UTC)
