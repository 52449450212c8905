"""Calendars as the programs of the world write them: zones, encodings, several in one file."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from twind.api import CalendarEvent, RecordError, Window

BERLIN = ZoneInfo("Europe/Berlin")

ZONE = """\
BEGIN:VTIMEZONE
TZID:{name}
BEGIN:STANDARD
DTSTART:16010101T030000
TZOFFSETFROM:+0200
TZOFFSETTO:+0100
RRULE:FREQ=YEARLY;INTERVAL=1;BYDAY=-1SU;BYMONTH=10
END:STANDARD
BEGIN:DAYLIGHT
DTSTART:16010101T020000
TZOFFSETFROM:+0100
TZOFFSETTO:+0200
RRULE:FREQ=YEARLY;INTERVAL=1;BYDAY=-1SU;BYMONTH=3
END:DAYLIGHT
END:VTIMEZONE
"""

OUTLOOK = f"""\
BEGIN:VCALENDAR
PRODID:-//Microsoft Corporation//Outlook 16.0 MIMEDIR//EN
VERSION:2.0
METHOD:PUBLISH
X-MS-OLK-FORCEINSPECTOROPEN:TRUE
{ZONE.format(name="W. Europe Standard Time")}\
{ZONE.format(name="Customized Time Zone")}\
BEGIN:VEVENT
CLASS:PUBLIC
DTEND;TZID="W. Europe Standard Time":20260320T110000
DTSTART;TZID="W. Europe Standard Time":20260320T100000
RRULE:FREQ=WEEKLY;COUNT=3;BYDAY=FR
SUMMARY;LANGUAGE=de:Jour fixe
TRANSP:OPAQUE
UID:040000008200E00074C5B7101A82E008
X-MICROSOFT-CDO-BUSYSTATUS:BUSY
END:VEVENT
BEGIN:VEVENT
DTEND;TZID="Customized Time Zone":20261018T110000
DTSTART;TZID="Customized Time Zone":20261018T100000
RRULE:FREQ=WEEKLY;COUNT=2
SUMMARY:Autumn
UID:040000008200E00074C5B7101A82E009
X-MICROSOFT-CDO-BUSYSTATUS:TENTATIVE
END:VEVENT
BEGIN:VEVENT
DTSTART;TZID="Tokyo Standard Time":20260320T100000
DURATION:PT1H
SUMMARY:No definition
UID:040000008200E00074C5B7101A82E00A
X-MICROSOFT-CDO-BUSYSTATUS:FREE
END:VEVENT
END:VCALENDAR
"""

GOOGLE = """\
BEGIN:VCALENDAR
PRODID:-//Google Inc//Google Calendar 70.9054//EN
VERSION:2.0
CALSCALE:GREGORIAN
METHOD:PUBLISH
X-WR-CALNAME:me@example.org
X-WR-TIMEZONE:Europe/Berlin
BEGIN:VEVENT
DTSTART:20260316T080000Z
DTEND:20260316T083000Z
RRULE:FREQ=WEEKLY;WKST=MO;UNTIL=20260413T215959Z;BYDAY=MO
EXDATE:20260323T080000Z
DTSTAMP:20260301T120000Z
ORGANIZER;CN=me@example.org:mailto:me@example.org
UID:0abc@google.com
ATTENDEE;CUTYPE=INDIVIDUAL;ROLE=REQ-PARTICIPANT;PARTSTAT=ACCEPTED;CN=Bo Lee
 ;X-NUM-GUESTS=0:mailto:bo@example.org
ATTENDEE;CUTYPE=INDIVIDUAL;ROLE=REQ-PARTICIPANT;PARTSTAT=ACCEPTED;CN=me@exa
 mple.org;X-NUM-GUESTS=0:mailto:me@example.org
ATTENDEE;CUTYPE=RESOURCE;ROLE=REQ-PARTICIPANT;PARTSTAT=DECLINED;CN=Room 4:m
 ailto:c_188@resource.calendar.google.com
DESCRIPTION:Notes\\, in two\\nlines
SEQUENCE:0
STATUS:CONFIRMED
SUMMARY:Sync with Bo
TRANSP:OPAQUE
END:VEVENT
BEGIN:VEVENT
DTSTART:20260330T130000Z
DTEND:20260330T133000Z
RECURRENCE-ID:20260330T070000Z
UID:0abc@google.com
SUMMARY:Sync with Bo (moved)
END:VEVENT
BEGIN:VEVENT
DTSTART;VALUE=DATE:20260501
DTEND;VALUE=DATE:20260502
UID:0def@google.com
SUMMARY:Holiday
TRANSP:TRANSPARENT
END:VEVENT
BEGIN:VEVENT
DTSTART:20260502T180000
DURATION:PT2H
UID:0ghi@google.com
SUMMARY:Floating
END:VEVENT
END:VCALENDAR
"""

MOZILLA_ZONE = "/mozilla.org/20070129_1/Europe/Berlin"
THUNDERBIRD = f"""\
BEGIN:VCALENDAR
PRODID:-//Mozilla.org/NONSGML Mozilla Calendar V1.1//EN
VERSION:2.0
{ZONE.format(name=MOZILLA_ZONE)}\
BEGIN:VEVENT
UID:d5eb7c8b
SUMMARY:Zahnarzt
DTSTART;TZID={MOZILLA_ZONE}:20260720T090000
DTEND;TZID={MOZILLA_ZONE}:20260720T093000
BEGIN:VALARM
ACTION:DISPLAY
TRIGGER;VALUE=DURATION:-PT15M
DESCRIPTION:Mozilla Standardbeschreibung
END:VALARM
END:VEVENT
END:VCALENDAR
"""


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)


def on_the_clock(events) -> dict[str, list[str]]:
    """Return when the events of each title begin, as a clock in Berlin shows it."""
    shown: dict[str, list[str]] = {}
    for event in sorted(events, key=lambda event: event.start):
        when = f"{event.start.astimezone(BERLIN):%m-%d %H:%M}"
        shown.setdefault(event.title, []).append(when)
    return shown


def test_outlook_with_windows_zones_and_its_own(read_calendar):
    found = read_calendar(OUTLOOK)
    assert on_the_clock(found) == {
        "Jour fixe": ["03-20 10:00", "03-27 10:00", "04-03 10:00"],
        "Autumn": ["10-18 10:00", "10-25 10:00"],
        "No definition": ["03-20 02:00"],
    }
    assert [event.start for event in found if event.title == "Autumn"] == [
        utc(2026, 10, 18, 8),
        utc(2026, 10, 25, 9),
    ]
    assert {(event.title, event.status, event.busy) for event in found} == {
        ("Jour fixe", "confirmed", True),
        ("Autumn", "tentative", True),
        ("No definition", "confirmed", False),
    }


def test_google_with_utc_times_and_the_zone_elsewhere(read_calendar):
    found = read_calendar(GOOGLE, zone="America/New_York")
    # It meets at nine in Berlin, before and after the clocks change.
    assert on_the_clock(found) == {
        "Sync with Bo": ["03-16 09:00", "04-06 09:00", "04-13 09:00"],
        "Sync with Bo (moved)": ["03-30 15:00"],
        "Floating": ["05-02 18:00"],
        "Holiday": ["05-01 06:00"],
    }
    assert {event.uid for event in found if event.series} == {
        "0abc@google.com/20260316T080000Z",
        "0abc@google.com/20260330T070000Z",
        "0abc@google.com/20260406T070000Z",
        "0abc@google.com/20260413T070000Z",
    }
    first = min(found, key=lambda event: event.start)
    assert [(one.email, one.name, one.status) for one in first.attendees] == [
        ("bo@example.org", "Bo Lee", "accepted"),
        ("me@example.org", "", "accepted"),
    ]
    assert (first.organizer, first.description) == ("me@example.org", "Notes, in two\nlines")
    # Days are the user's, and last from midnight to midnight there.
    [holiday] = [event for event in found if event.all_day]
    assert (holiday.start, holiday.end) == (utc(2026, 5, 1, 4), utc(2026, 5, 2, 4))
    assert not holiday.busy


def test_thunderbird_with_a_zone_that_bears_its_makers_name(read_calendar):
    undefined = THUNDERBIRD.replace(ZONE.format(name=MOZILLA_ZONE), "")
    for text in (THUNDERBIRD, undefined):
        assert on_the_clock(read_calendar(text, zone="UTC")) == {"Zahnarzt": ["07-20 09:00"]}


def test_several_calendars_in_one_file_each_with_a_zone(read_calendar):
    tokyo = GOOGLE.replace("Europe/Berlin", "Asia/Tokyo").replace("UID:0", "UID:1")
    found = read_calendar(GOOGLE + tokyo + THUNDERBIRD)
    assert on_the_clock(event for event in found if event.title in {"Floating", "Zahnarzt"}) == {
        "Floating": ["05-02 11:00", "05-02 18:00"],
        "Zahnarzt": ["07-20 09:00"],
    }
    # Tokyo has no summer time, so that the one series keeps its hour there and the other here.
    last = {
        event.start for event in found if event.title == "Sync with Bo" and event.start.month == 4
    }
    assert last == {utc(2026, 4, day, hour) for day in (6, 13) for hour in (7, 8)}


@pytest.mark.parametrize(
    "codec", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "latin-1", "cp1252"]
)
def test_encodings(read_calendar, codec):
    text = THUNDERBIRD.replace("Zahnarzt", "Käthes Prüfung").replace("\n", "\r\n")
    [event] = read_calendar(text.encode(codec))
    assert event.title == "Käthes Prüfung"


# --- zones that are not so clear -----------------------------------------------------------------


def an_event(zone: str, calendar_zone: str = "") -> str:
    told = f"X-WR-TIMEZONE:{calendar_zone}\n" if calendar_zone else ""
    return (
        f"BEGIN:VCALENDAR\nVERSION:2.0\n{told}BEGIN:VEVENT\nUID:a\nSUMMARY:x\n"
        f"DTSTART{zone and ';TZID='}{zone}:20260720T100000\nEND:VEVENT\nEND:VCALENDAR\n"
    )


@pytest.mark.parametrize(
    ("zone", "hour"),
    [
        ("America/New_York", 14),
        ("Eastern Standard Time", 14),
        ("America/Los Angeles", 17),
        ("europe/lisbon", 9),
        ("US/Pacific", 17),
        ("/vendor.example/2026/Asia/Tokyo", 1),
        ("GMT", 10),
        ("UTC+11", -1),
        ("GMT-0300", 13),
        ("+02:00", 8),
    ],
)
def test_a_zone_by_one_of_its_names(read_calendar, zone, hour):
    for text in (an_event(zone), an_event("", zone)):
        [event] = read_calendar(text)
        assert (event.start - utc(2026, 7, 20)).total_seconds() == hour * 3600


@pytest.mark.parametrize(
    "zone", ["Nowhere/Land", "Europe", "(UTC+01:00) Amsterdam\\, Berlin", "UTC+15", "x" * 5000]
)
def test_a_zone_that_nobody_knows_is_read_as_the_users_and_said_once(read_calendar, zone):
    for text in (an_event(zone), an_event("", zone)):
        error, event = read_calendar(text.replace("END:VEVENT", "X-Y:1\nEND:VEVENT"))
        assert event.start == utc(2026, 7, 20, 8)
        assert error.uid.startswith(error.group)
        assert zone[:60] in error.reason
        assert "read as if in Europe/Berlin" in error.reason
    other = an_event(zone).replace("UID:a", "UID:b").partition("BEGIN:VEVENT")[2]
    twice = an_event(zone).replace("END:VCALENDAR\n", f"BEGIN:VEVENT{other}")
    assert [type(item) for item in read_calendar(twice)] == [
        RecordError,
        CalendarEvent,
        CalendarEvent,
    ]


# --- nights and edges ----------------------------------------------------------------------------


def test_what_spans_midnight_is_one_event_on_both_days(read_calendar):
    text = (
        an_event("Europe/Berlin")
        .replace("T100000", "T230000")
        .replace("END:VEVENT", "DURATION:PT3H\nEND:VEVENT")
    )
    midnight = utc(2026, 7, 20, 22)
    for window in (Window(utc(2026, 7, 20), midnight), Window(midnight, utc(2026, 7, 22))):
        [event] = read_calendar(text, window=window)
        assert (event.start, event.end) == (utc(2026, 7, 20, 21), utc(2026, 7, 21, 0))


@pytest.mark.parametrize(
    ("length", "start", "there"),
    [
        ("PT1H", (2026, 7, 20, 8), True),
        ("PT1H", (2026, 7, 20, 8, 59, 59), True),
        ("PT1H", (2026, 7, 20, 9), False),
        ("PT0S", (2026, 7, 20, 8), True),
        ("PT0S", (2026, 7, 20, 8, 0, 1), False),
    ],
)
def test_the_windows_first_moment(read_calendar, length, start, there):
    text = an_event("Europe/Berlin").replace("END:VEVENT", f"DURATION:{length}\nEND:VEVENT")
    window = Window(utc(*start), utc(2026, 12, 1))
    assert bool(read_calendar(text, window=window)) is there


@pytest.mark.parametrize("rule", ["", "RRULE:FREQ=DAILY;COUNT=3\n"])
def test_the_windows_last_moment_is_outside(read_calendar, rule):
    text = an_event("Europe/Berlin").replace("END:VEVENT", f"{rule}END:VEVENT")
    first = utc(2026, 7, 20, 8)
    assert read_calendar(text, window=Window(utc(2026, 7, 1), first)) == []
    assert len(read_calendar(text, window=Window(utc(2026, 7, 1), first.replace(second=1)))) == 1


@pytest.mark.parametrize(
    ("start", "length", "expected"),
    [
        # The clocks skip from two to three on 29 March, and repeat that hour on 25 October.
        ("20260329T013000", "PT1H", (utc(2026, 3, 29, 0, 30), utc(2026, 3, 29, 1, 30))),
        ("20260329T023000", "PT30M", (utc(2026, 3, 29, 1, 30), utc(2026, 3, 29, 2))),
        ("20260329T030000", "PT30M", (utc(2026, 3, 29, 1), utc(2026, 3, 29, 1, 30))),
        ("20261025T023000", "PT30M", (utc(2026, 10, 25, 0, 30), utc(2026, 10, 25, 1))),
        ("20261025T030000", "PT30M", (utc(2026, 10, 25, 2), utc(2026, 10, 25, 2, 30))),
        # RFC 5545, 3.3.6: hours are exact, days are the calendar's.
        ("20260328T230000", "PT7H", (utc(2026, 3, 28, 22), utc(2026, 3, 29, 5))),
        ("20261024T230000", "PT7H", (utc(2026, 10, 24, 21), utc(2026, 10, 25, 4))),
        ("20260328T230000", "PT24H", (utc(2026, 3, 28, 22), utc(2026, 3, 29, 22))),
        ("20260328T230000", "P1D", (utc(2026, 3, 28, 22), utc(2026, 3, 29, 21))),
        ("20260328T230000", "P1DT1H", (utc(2026, 3, 28, 22), utc(2026, 3, 29, 22))),
        ("20260329", "PT86400S", (utc(2026, 3, 28, 23), utc(2026, 3, 29, 22))),
        ("20260328T230000", "P1W", (utc(2026, 3, 28, 22), utc(2026, 4, 4, 21))),
        # From an hour that the clocks skip a day leads to that hour of the next.
        ("20260329T023000", "P1D", (utc(2026, 3, 29, 1, 30), utc(2026, 3, 30, 0, 30))),
    ],
)
@pytest.mark.parametrize("rule", ["", "RRULE:FREQ=DAILY;COUNT=1\n"])
def test_the_nights_of_a_clock_change(read_calendar, start, length, expected, rule):
    text = an_event("Europe/Berlin").replace("20260720T100000", start)
    text = text.replace("END:VEVENT", f"DURATION:{length}\n{rule}END:VEVENT")
    [event] = read_calendar(text)
    assert (event.start, event.end) == expected
