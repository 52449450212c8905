"""iCalendar: content lines, and events from them."""

from __future__ import annotations

import contextlib

from plugins import calendar
from targets import Target
from targets.shared import HERE, context, exhaust
from twind import contentlines
from twind.api import SourceFile

EVENT = b"""BEGIN:VCALENDAR\r
X-WR-TIMEZONE:Europe/Paris\r
BEGIN:VTIMEZONE\r
TZID:Home\r
BEGIN:STANDARD\r
DTSTART:19701025T030000\r
RRULE:FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU\r
TZOFFSETFROM:+0200\r
TZOFFSETTO:+0100\r
END:STANDARD\r
END:VTIMEZONE\r
BEGIN:VEVENT\r
UID:a\r
DTSTART;TZID=Home:20260302T100000\r
DTEND;TZID=Home:20260302T110000\r
RRULE:FREQ=WEEKLY;BYDAY=MO,WE;COUNT=9\r
EXDATE;TZID=Home:20260304T100000\r
SUMMARY:Stand-up\\, daily\r
SEQUENCE:3\r
ATTENDEE;CN="Ann";PARTSTAT=ACCEPTED:mailto:ann@example.org\r
END:VEVENT\r
BEGIN:VEVENT\r
UID:a\r
RECURRENCE-ID;RANGE=THISANDFUTURE;TZID=Home:20260309T100000\r
DTSTART;TZID=Home:20260309T120000\r
DURATION:PT1H\r
END:VEVENT\r
END:VCALENDAR\r
"""
DAYS = b"""BEGIN:VCALENDAR
BEGIN:VEVENT
UID:b
DTSTART;VALUE=DATE:20260401
RRULE:FREQ=MONTHLY;BYMONTHDAY=-1;UNTIL=20270101T000000Z
EXRULE:FREQ=YEARLY;BYMONTH=5
RDATE;VALUE=PERIOD:20260505T100000Z/PT2H
LAST-MODIFIED:20260101T000000Z
CATEGORIES:a,b
TRANSP:OPAQUE
STATUS:CANCELLED
END:VEVENT
END:VCALENDAR
"""
WORDS = """
BEGIN:VCALENDAR BEGIN:VEVENT END:VEVENT BEGIN:VTIMEZONE BEGIN:DAYLIGHT BEGIN: END:
DTSTART: DTEND: DURATION: RRULE: EXRULE: RDATE: EXDATE: RECURRENCE-ID SEQUENCE: UID: SUMMARY:
FREQ=SECONDLY FREQ=MINUTELY FREQ=HOURLY FREQ=DAILY FREQ=WEEKLY FREQ=MONTHLY FREQ=YEARLY
;INTERVAL= ;COUNT= ;UNTIL= ;BYDAY= ;BYMONTH= ;BYMONTHDAY= ;BYYEARDAY= ;BYWEEKNO= ;BYSETPOS=
;BYHOUR= ;BYMINUTE= ;BYSECOND= ;WKST= ;BYEASTER= ;RSCALE= ;SKIP= ;RANGE=THISANDFUTURE
;VALUE=DATE ;VALUE=PERIOD ;TZID= TZOFFSETTO: TZOFFSETFROM: TZNAME: X-WR-TIMEZONE:
99991231T235959 00010101T000000 20260302T100000Z P1W -PT1S /PT0S
ATTENDEE; ORGANIZER: mailto: ;CN= ;PARTSTAT= ;ENCODING=QUOTED-PRINTABLE:
"""


def cut(data: bytes) -> None:
    """Cut a text into its components: nothing raises, and none lies too deep."""
    whole = contentlines.components(SourceFile(HERE, data).text, {"VEVENT": None, "VALARM": None})
    waiting = [(whole, 0)]
    while waiting:
        one, depth = waiting.pop()
        assert depth <= contentlines.DEEPEST
        assert one is whole or one.kind
        waiting += [(part, depth + 1) for part in one.parts]
    for event in whole.every("VEVENT"):
        event.value("UID")
        event.text()


def events(data: bytes) -> None:
    """Read a calendar, and expand all that is in it."""
    reader = calendar._Reader(context(calendar.CalendarSettings(max_occurrences=300)))
    exhaust(reader.parse(SourceFile(HERE / "c.ics", data)))


def rules(data: bytes) -> None:
    """Read a series with this rule."""
    rule = data.replace(b"\n", b"").replace(b"\r", b"")
    start = b"DTSTART:20260302T100000Z" if len(rule) % 2 else b"DTSTART;VALUE=DATE:20240229"
    with contextlib.suppress(ValueError):
        events(
            b"\n".join(
                [b"BEGIN:VCALENDAR", b"BEGIN:VEVENT", start, b"RRULE:" + rule, b"END:VEVENT", b""]
            )
        )


TARGETS = {
    "contentlines": Target(cut, (EVENT, DAYS), WORDS, "ics/*/*"),
    "calendar": Target(events, (EVENT, DAYS), WORDS, "ics/*/*"),
    "rules": Target(
        rules,
        (
            b"FREQ=WEEKLY;BYDAY=MO,WE;COUNT=9",
            b"FREQ=YEARLY;BYEASTER=1",
            b"FREQ=MONTHLY;BYSETPOS=-1",
        ),
        WORDS,
    ),
}
