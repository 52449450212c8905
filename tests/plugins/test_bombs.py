"""Files that are small, or look it, and would keep their reader busy for ever.

Each is cut or refused in seconds, and the good record beside it is read.
"""

from __future__ import annotations

import contextlib
import os
import time

import pytest

from twind.api import RecordError

SECONDS = 8.0
"""Of processor time: quiet machines need less than a tenth of it, except where it is told."""
DAYS = [f"2026{month:02}{day:02}" for month in range(1, 13) for day in range(1, 29)]
HOURS = ",".join(map(str, range(24)))
MINUTES = ",".join(map(str, range(60)))


@contextlib.contextmanager
def soon():
    begun = time.process_time()
    yield
    assert time.process_time() - begun < SECONDS


def event(*lines, uid="bomb"):
    start = "DTSTART:20260302T100000Z"
    return "\n".join(["BEGIN:VEVENT", f"UID:{uid}", start, *lines, "END:VEVENT", ""])


def zone(*lines, name="Z"):
    about = ["DTSTART:19700101T000000", "TZOFFSETFROM:+0100", "TZOFFSETTO:+0200", *lines]
    inside = "\n".join(["BEGIN:STANDARD", *about, "END:STANDARD"])
    return f"BEGIN:VTIMEZONE\nTZID:{name}\n{inside}\nEND:VTIMEZONE\n"


IN_ZONE = "BEGIN:VEVENT\nUID:bomb\nDTSTART;TZID=Z:20260302T100000\nEND:VEVENT\n"
CALENDARS = {
    "every second": (event("RRULE:FREQ=SECONDLY"), "too often"),
    "every second of some": (
        event(f"RRULE:FREQ=DAILY;BYHOUR={HOURS};BYMINUTE={MINUTES}"),
        "repeats",
    ),
    "never": (event("RRULE:FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30"), "never happens"),
    "positions": (event(f"RRULE:FREQ=HOURLY;BYMINUTE={MINUTES};BYSETPOS=1"), "BYSETPOS"),
    "rules": (event(*["RRULE:FREQ=DAILY"] * 5000), "has 5000 rules"),
    "dates": (event("EXDATE;VALUE=DATE:" + ",".join(DAYS * 400)), "too large"),
    "people": (
        event("RRULE:FREQ=HOURLY", *(f"ATTENDEE:mailto:a{n}@example.org" for n in range(2000))),
        "invites",
    ),
    "a long line": (event("DESCRIPTION:" + "\\," * (1 << 20)), "too large"),
    "a long number": (event("SEQUENCE:" + "9" * 5000), None),
    "folds": (
        "BEGIN:VEVENT\nX" + "x" * 100_000 + "=\n" + " =\n" * 100_000 + "END:VEVENT\n",
        "DTSTART",
    ),
    "depth": ("".join(f"BEGIN:A{n}\n" for n in range(50_000)), None),
    "versions of one": ("".join(event(f"SUMMARY:{n}") for n in range(1000)), None),
    "ends": ("END:\nEND:VEVENT\n" * 1000, None),
    "a zone by the minute": (
        zone(f"RRULE:FREQ=YEARLY;BYHOUR={HOURS};BYMINUTE={MINUTES}") + IN_ZONE,
        "time zone Z is not known",
    ),
    "a zone that stands still": (
        zone("RRULE:FREQ=YEARLY;INTERVAL=0") + IN_ZONE,
        "time zone Z is not known",
    ),
    "a zone that goes back": (
        zone("RRULE:FREQ=YEARLY;INTERVAL=-1") + IN_ZONE,
        "time zone Z is not known",
    ),
    "a zone of many dates": (zone(f"RDATE:{','.join(DAYS * 40)}") + IN_ZONE, "time zone Z is not"),
    "zones": (
        "".join(zone("RRULE:FREQ=YEARLY", name=f"Z{n}") for n in range(2000)) + IN_ZONE,
        "time zone Z is not known",
    ),
}


@pytest.mark.parametrize(("bomb", "said"), CALENDARS.values(), ids=CALENDARS.keys())
def test_calendars(read_calendar, bomb, said):
    good = event("SUMMARY:Good", uid="good")
    with soon():
        # The bomb stands last, for what does not end in it would hold the rest.
        found = read_calendar(f"BEGIN:VCALENDAR\n{good}{bomb}END:VCALENDAR\n")
    reasons = [one.reason for one in found if isinstance(one, RecordError)]
    assert "good" in [one.uid for one in found]
    assert said is None or any(said in reason for reason in reasons), reasons


def test_a_zone_that_tells_the_hour_too_is_none(read_calendar):
    yearly = zone("RRULE:FREQ=YEARLY;BYMINUTE=0;BYHOUR=2;BYDAY=-1SU;BYMONTH=10")
    [found] = read_calendar(f"BEGIN:VCALENDAR\n{yearly}{IN_ZONE}END:VCALENDAR\n")
    assert found.start.hour == 8


CARDS = {
    "note": ("NOTE:" + "x" * (2 << 20), "too large"),
    "birthday": ("BDAY:jan " + "9" * 500_000, None),
    "brackets": ("EMAIL:" + "(" * 500_000, "RecursionError"),
    "relation": ("item1.X-ABRELATEDNAMES:Bo\nitem1.X-ABLABEL:" + "_$!<" * 50_000, None),
    "equals signs": ("EMAIL;TYPE=a" + "=b" * 50, None),
    "equals signs and a quote": ("EMAIL;TYPE=a" + "=b" * 50 + '"c":a@example.org', None),
    "equals signs and no name": ("EMAIL;TYPE=a" + "=b" * 50 + ";ä=c:a@example.org", None),
    "parameters": ("TEL" + ";TYPE=a" * 20_000 + ":1", None),
}


@pytest.mark.parametrize(("line", "said"), CARDS.values(), ids=CARDS.keys())
def test_cards(read_contacts, line, said):
    good = "BEGIN:VCARD\nUID:good\nFN:Good\nEND:VCARD\n"
    with soon():
        found = read_contacts(f"BEGIN:VCARD\nFN:Bomb\n{line}\nEND:VCARD\n{good}")
    reasons = [one.reason for one in found if isinstance(one, RecordError)]
    assert "good" in [one.uid for one in found]
    assert bool(reasons) == bool(said)
    assert said is None or said in reasons[0]


GOOD = '[description:"good" status:"pending" uuid:"11111111-1111-1111-1111-111111111111"]'
LISTS = {
    "line": ("todo.txt", "x" * (2 << 20) + "\ngood\n"),
    "same": ("todo.txt", "a\n" * 5000 + "good\n"),
    "done": ("todo.txt", "x 2026-03-01 2026-03-01 a\n" * 5000 + "good\n"),
    "late": ("todo.txt", "".join(f"a{n} rec:1d due:0001-01-01\n" for n in range(300)) + "good\n"),
    "tree": ("a.org", "".join("*" * n + " TODO a\n" for n in range(1, 700)) + "* TODO good\n"),
    "stars": ("a.org", "*" * (2 << 20) + " TODO a\n* TODO good\n"),
    "links": ("a.org", "* TODO " + "[[" * 20_000 + "\n* TODO good\n"),
    "states": ("a.org", "#+TODO: TODO | DONE\n" * 50_000 + "* TODO good\n"),
    "inherited": (
        "a.org",
        "".join("*" * n + f" TODO a :t{n}:u{n}:v{n}:w{n}:\n" for n in range(1, 900))
        + "* TODO good\n",
    ),
    "tags": ("a.org", "* TODO a " + ":a" * 20_000 + ":\n* TODO good\n"),
    "json": ("pending.data", '{"a":' + "[" * (1 << 20) + f"\n{GOOD}\n"),
    "quotes": ("pending.data", '[a:"' + '\\"' * (1 << 20) + f"\n{GOOD}\n"),
}


@pytest.mark.parametrize(("name", "text"), LISTS.values(), ids=LISTS.keys())
def test_lists(lists, name, text):
    lists.write(name, text)
    with soon():
        found = lists.fetch()
    assert found.titled("good")


def test_a_file_that_is_a_gigabyte_of_nothing_is_not_read(read_calendar, tmp_path, calendar_plugin):
    read_calendar("")
    os.truncate(tmp_path / "calendar.ics", 1 << 30)
    from twind.testing import context

    ctx = context(calendar_plugin.CalendarSettings(paths=[tmp_path]))
    with soon():
        [error] = calendar_plugin.Calendar().fetch(ctx)
    assert error.reason == "is larger than 64 MiB"
