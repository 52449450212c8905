"""Components of iCalendar files, read with care: zones, values and rules."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import icalendar
import pytest
from hypothesis import given
from hypothesis import strategies as st

from twind import ical
from twind.contentlines import components

TIMED = ("DTSTART", "DUE", "RRULE")
WANTED = {**ical.ZONES, "VTODO": {*TIMED, "UID", "SUMMARY", "CATEGORIES", "SEQUENCE"}}
BERLIN = ZoneInfo("Europe/Berlin")
MORNING = datetime(2026, 3, 1, 9, tzinfo=UTC)
OWN_ZONE = """\
BEGIN:VTIMEZONE
TZID:Office
BEGIN:STANDARD
DTSTART:19700101T000000
TZOFFSETFROM:+0300
TZOFFSETTO:+0300
END:STANDARD
END:VTIMEZONE
"""


def whole(*lines, before=""):
    text = (
        f"BEGIN:VCALENDAR\n{before}BEGIN:VTODO\n" + "\n".join(lines) + "\nEND:VTODO\nEND:VCALENDAR"
    )
    return components(text, WANTED)


def todo(*lines, before=""):
    [found] = whole(*lines, before=before).every("VTODO")
    return found


def settled(raw, *zones):
    return list(ical.Settler(BERLIN).settle([raw], list(zones), TIMED))


def rule(text):
    return icalendar.vRecur.from_ical(text)


# --- zones ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("zone", "offset_h"),
    [
        ("Europe/Berlin", 1),
        ("W. Europe Standard Time", 1),
        ("america/los angeles", -8),
        ("UTC+2", 2),
        ("Office", 3),
    ],
)
def test_zones_by_whatever_name(zone, offset_h):
    found = whole(f"DUE;TZID={zone}:20260301T090000", before=OWN_ZONE)
    [raw] = found.every("VTODO")
    assert settled(raw, *(one.text() for one in found.every("VTIMEZONE"))) == []
    due = ical.parse(raw, TIMED)["DUE"].dt
    zones = ical.Zones(BERLIN, BERLIN)
    assert zones.utc(due) == datetime(2026, 3, 1, 9 - offset_h, tzinfo=UTC)


def test_a_zone_nobody_knows_is_told_and_read_as_none():
    raw = todo("DUE;TZID=Atlantis:20260301T090000", before="X-WR-TIMEZONE:Nowhere\n")
    told = settled(raw)
    assert {line for line, _ in told} == {raw.line}
    assert sorted(problem for _, problem in told) == [
        f"the time zone {name} is not known; read as if in Europe/Berlin"
        for name in ("Atlantis", "Nowhere")
    ]
    assert ical.own_zone(raw) is None
    assert ical.parse(raw, TIMED)["DUE"].dt.tzinfo is None


def test_the_zone_of_the_calendar():
    raw = todo("UID:1", before="X-WR-TIMEZONE:Europe/Berlin\n")
    assert ical.own_zone(raw) == BERLIN


def test_a_zone_of_one_file_is_none_of_the_next():
    settler = ical.Settler(BERLIN)
    zones = [zone.text() for zone in whole(before=OWN_ZONE).every("VTIMEZONE")]
    raws = [todo("DUE;TZID=Office:20260301T090000") for _ in range(3)]
    assert list(settler.settle(raws[:1], zones, TIMED)) == []
    # And what nobody knows is told once a file.
    assert len(list(settler.settle(raws[1:], [], TIMED))) == 1


# --- values --------------------------------------------------------------------------------------


def test_values():
    raw = todo(
        "SUMMARY:a\\, b",
        "CATEGORIES:x,y",
        "CATEGORIES:x,z",
        "DUE;VALUE=DATE:20260301",
        "SEQUENCE:many",
    )
    found = ical.parse(raw, TIMED)
    assert ical.text(found, "SUMMARY") == "a, b"
    assert ical.text(found, "UID") == ""
    assert ical.categories(found) == ("x", "y", "z")
    assert ical.first(found, "DUE").dt == date(2026, 3, 1)
    assert ical.first(found, "DTSTART") is None
    assert "SEQUENCE" not in found


@pytest.mark.parametrize(
    "line", ["DUE:tomorrow", "DUE;VALUE=TIME:090000", "RRULE:FREQ=", "DUE;X:x"]
)
def test_what_gives_the_time_must_be_read(line):
    with pytest.raises(ValueError, match=r"(DUE|RRULE|a line) (cannot be read|is no date)"):
        ical.parse(todo("SUMMARY:x", line), TIMED)


def test_one_time_is_read_whatever_becomes_of_the_others():
    raw = todo("DTSTART:never", "DUE:20260301T090000Z")
    assert ical.moment_named(raw, "DUE") == datetime(2026, 3, 1, 9, tzinfo=UTC)


@pytest.mark.parametrize(
    ("moment", "written"),
    [
        (date(2026, 3, 1), "20260301"),
        (datetime(2026, 3, 1, 9), "20260301T090000"),
        (datetime(2026, 3, 1, 9, tzinfo=BERLIN), "20260301T080000Z"),
    ],
)
def test_times_are_written_as_the_standard_does(moment, written):
    assert ical.basic(moment) == written


@pytest.mark.parametrize(
    ("moment", "written"),
    [
        (date(2026, 3, 1), "20260301"),
        (datetime(2026, 3, 1, 9), "20260301T090000"),
        (datetime(2026, 3, 1, 9, tzinfo=UTC), "20260301T090000Z"),
        (datetime(2026, 3, 1, 9, tzinfo=BERLIN), "20260301T090000 Europe/Berlin"),
    ],
)
def test_times_are_told_as_the_file_has_them(moment, written):
    assert ical.written(moment) == written


# --- rules ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("FREQ=SECONDLY", "too often"),
        ("FREQ=DAILY;INTERVAL=0", "never ends"),
        ("FREQ=DAILY;COUNT=0", "never happens"),
        ("RSCALE=CHINESE;FREQ=YEARLY", "cannot be followed .unknown parameter 'RSCALE'"),
        ("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30", "never happens"),
        ("FREQ=HOURLY;BYSETPOS=1", "BYSETPOS"),
        ("INTERVAL=2", "no known FREQ"),
    ],
)
def test_a_rule_that_would_not_end_is_refused(text, problem):
    with pytest.raises(ValueError, match=problem):
        ical.refuse_endless(rule(text), datetime(2020, 1, 1), datetime(2027, 1, 1, tzinfo=UTC))


def test_when_a_rule_happens():
    march, april = datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 4, 1, tzinfo=UTC)
    weekly = rule("FREQ=WEEKLY")
    ical.refuse_endless(weekly, datetime(2026, 1, 5), april)
    days = list(ical.repeated(weekly, date(2026, 1, 5), march, april))
    assert days == [date(2026, 3, 2 + 7 * week) for week in range(5)]
    hours = list(ical.repeated(weekly, datetime(2026, 1, 5, 9, tzinfo=BERLIN), march, april))
    # By the clock there, which moves an hour at the end of March.
    assert [hour.astimezone(UTC).hour for hour in hours] == [8, 8, 8, 8, 7]


@pytest.mark.parametrize(
    ("until", "start", "last"),
    [
        (
            "20260310",
            datetime(2026, 3, 1, 9, tzinfo=UTC),
            datetime(2026, 3, 10, 23, 59, 59, tzinfo=UTC),
        ),
        ("20260310T120000Z", date(2026, 3, 1), date(2026, 3, 10)),
    ],
)
def test_the_end_of_a_rule_is_written_as_its_start(until, start, last):
    found = rule(f"FREQ=DAILY;UNTIL={until}")
    ical.align_rule(found, start, ical.Zones(BERLIN, UTC))
    assert found["UNTIL"] == [last]


STARTS = st.datetimes(datetime(2025, 1, 1), datetime(2026, 12, 31))


@given(
    STARTS,
    st.sampled_from(["DAILY", "WEEKLY", "MONTHLY", "YEARLY"]),
    st.integers(1, 5),
    st.integers(0, 200),
)
def test_an_estimate_is_never_too_low(start, kind, interval, days):
    found = rule(f"FREQ={kind};INTERVAL={interval}")
    begin = start.replace(tzinfo=UTC)
    end = begin + timedelta(days=days)
    times = sum(1 for _ in ical.repeated(found, begin, begin, end))
    assert times <= ical.steps(found, begin, end)


@pytest.mark.parametrize(
    ("told", "uid"),
    [
        ("a", "a"),
        ("", ""),
        (r"a\;b\,c", "a;b,c"),
        (r"C:\\new\\", "C:\\new\\"),
        (r"a\\\;b", r"a\;b"),
        (r"a\x", r"a\x"),
        ("a;b,c", "a;b,c"),
    ],
)
def test_a_uid_is_a_text(told, uid):
    assert ical.uid_of(todo(f"UID:{told}")) == uid


@given(st.text(st.characters(exclude_categories=["C"])).map(str.strip))
def test_any_uid_is_read_as_it_was_written(uid):
    written = icalendar.Event({"UID": icalendar.vText(uid)}).to_ical().decode()
    [event] = components(written, {"VEVENT": None}).every("VEVENT")
    # icalendar writes a line break for that one, whatever comes before it.
    assert r"\N" in uid or ical.uid_of(event) == uid


def test_the_latest_versions():
    old, new, other = (
        todo(f"SEQUENCE:{number}", f"SUMMARY:{title}")
        for number, title in (("2", "old"), ("10", "new"), ("10", "other"))
    )
    assert ical.latest([old, new, other]) == [new, other]
    assert ical.latest([]) == []
    assert ical.revision(todo("SEQUENCE:²")) == (0, "")
