"""The calendar plugin, rule by rule."""

from __future__ import annotations

import importlib.util
import os
import sys
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import icalendar
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from twind.api import CalendarEvent, Context, RecordError, Unchanged, Window
from twind.home import bundled
from twind.model import OWN_UIDS

if TYPE_CHECKING:
    from pathlib import Path

spec = importlib.util.spec_from_file_location("calendar_plugin", bundled("plugins") / "calendar.py")
plugin = importlib.util.module_from_spec(spec)
sys.modules["calendar_plugin"] = plugin
spec.loader.exec_module(plugin)

BERLIN = ZoneInfo("Europe/Berlin")
WINDOW = Window(datetime(2026, 1, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC))
NOW = datetime(2026, 3, 2, 8, tzinfo=UTC)
OLD = datetime(2026, 2, 1, tzinfo=UTC).timestamp()


def context(*paths: Path, state=None, window=WINDOW, **more) -> Context:
    return Context(
        settings=plugin.CalendarSettings(paths=list(paths), **more),
        window=window,
        now=NOW,
        timezone=BERLIN,
        emails=frozenset({"me@example.org"}),
        state={} if state is None else state,
    )


def write(path: Path, text: str | bytes, mtime: float = OLD) -> Path:
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    os.utime(path, (mtime, mtime))
    return path


def vevent(*lines: str, uid: str = "a", start: str = "DTSTART:20260302T100000Z") -> str:
    return "\r\n".join(
        ["BEGIN:VEVENT", *([f"UID:{uid}"] if uid else []), start, *lines, "END:VEVENT"]
    )


def vcalendar(*parts: str) -> str:
    return "\r\n".join(["BEGIN:VCALENDAR", "VERSION:2.0", *parts, "END:VCALENDAR", ""])


def a_zone(offset: str) -> str:
    return (
        "BEGIN:VTIMEZONE\r\nTZID:Mine\r\nBEGIN:STANDARD\r\nDTSTART:19700101T000000\r\n"
        f"TZOFFSETFROM:{offset}\r\nTZOFFSETTO:{offset}\r\nEND:STANDARD\r\nEND:VTIMEZONE"
    )


def fetch(ctx: Context) -> list:
    return list(plugin.Calendar().fetch(ctx))


@pytest.fixture
def read(tmp_path):
    """Return what a calendar of these parts yields."""

    def read(*parts: str, **more) -> list:
        return fetch(context(write(tmp_path / "c.ics", vcalendar(*parts)), **more))

    return read


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)


def test_without_paths_there_is_nothing():
    assert fetch(context()) == []


def test_a_path_that_is_gone_is_a_lost_source(tmp_path):
    with pytest.raises(FileNotFoundError):
        fetch(context(tmp_path / "gone"))


def test_watches_its_paths(tmp_path):
    assert plugin.Calendar().watch(context(tmp_path)) == [tmp_path]


def test_a_plain_event(read, tmp_path):
    [event] = read(
        vevent(
            "DTEND:20260302T113000Z",
            "SUMMARY:Tea\\, at last",
            "LOCATION:Kitchen",
            "DESCRIPTION:Two\\nlines",
            "CATEGORIES:Home,Food",
            "ORGANIZER;CN=Ada:MAILTO:Ada@Example.org",
            "ATTENDEE;CN=Bob;PARTSTAT=ACCEPTED:mailto:Bob@Example.org",
            "ATTENDEE;CUTYPE=ROOM:mailto:room@example.org",
        )
    )
    assert event == CalendarEvent(
        uid="a",
        title="Tea, at last",
        start=utc(2026, 3, 2, 10),
        end=utc(2026, 3, 2, 11, 30),
        location="Kitchen",
        description="Two\nlines",
        categories=("Home", "Food"),
        organizer="ada@example.org",
        attendees=(plugin.Attendee(email="bob@example.org", name="Bob", status="accepted"),),
        group=str(tmp_path / "c.ics"),
    )


@pytest.mark.parametrize(
    ("start", "extra", "expected"),
    [
        ("DTSTART;VALUE=DATE:20260302", [], (utc(2026, 3, 1, 23), utc(2026, 3, 2, 23), True)),
        (
            "DTSTART;VALUE=DATE:20260302",
            ["DTEND;VALUE=DATE:20260304"],
            (utc(2026, 3, 1, 23), utc(2026, 3, 3, 23), True),
        ),
        # Summer time begins: that day has 23 hours.
        ("DTSTART;VALUE=DATE:20260329", [], (utc(2026, 3, 28, 23), utc(2026, 3, 29, 22), True)),
        (
            "DTSTART:20260302T100000",
            ["DURATION:PT1H"],
            (utc(2026, 3, 2, 9), utc(2026, 3, 2, 10), 0),
        ),
        (
            "DTSTART;TZID=Eastern Standard Time:20260302T100000",
            ["DURATION:PT1H"],
            (utc(2026, 3, 2, 15), utc(2026, 3, 2, 16), False),
        ),
        (
            "DTSTART;TZID=/vendor.example/2026/Europe/Lisbon:20260302T100000",
            [],
            (utc(2026, 3, 2, 10), utc(2026, 3, 2, 10), False),
        ),
    ],
)
def test_times(read, start, extra, expected):
    [event] = read(vevent(*extra, start=start))
    assert (event.start, event.end, event.all_day) == expected


def test_a_zone_of_the_file_itself(read):
    zone = a_zone("+0500")
    [event] = read(zone, vevent(start="DTSTART;TZID=Mine:20260302T100000"))
    assert event.start == utc(2026, 3, 2, 5)


def test_zones_of_one_file_do_not_leak_into_the_next(tmp_path):
    for name, offset in (("a", "+0500"), ("b", "+0700")):
        text = vcalendar(
            a_zone(offset), vevent(uid=name, start="DTSTART;TZID=Mine:20260302T100000")
        )
        write(tmp_path / f"{name}.ics", text)
    assert [event.start.hour for event in fetch(context(tmp_path))] == [5, 3]


def test_a_series_in_utc_follows_the_calendars_own_zone(read):
    events = read(
        "X-WR-TIMEZONE:Europe/Berlin",
        vevent("RRULE:FREQ=WEEKLY;COUNT=5", start="DTSTART:20260316T090000Z"),
    )
    local = [event.start.astimezone(BERLIN).hour for event in events]
    assert local == [10] * 5


@pytest.mark.parametrize(
    ("lines", "status", "busy"),
    [
        ([], "confirmed", True),
        (["TRANSP:TRANSPARENT"], "confirmed", False),
        (["STATUS:CANCELLED"], "cancelled", False),
        (["STATUS:TENTATIVE"], "tentative", True),
        (["ATTENDEE;PARTSTAT=DECLINED:mailto:ME@example.org"], "confirmed", False),
        (["ATTENDEE;PARTSTAT=TENTATIVE:mailto:me@example.org"], "tentative", True),
        (["ATTENDEE;PARTSTAT=NEEDS-ACTION:mailto:me@example.org"], "confirmed", True),
        (["ATTENDEE;PARTSTAT=DELEGATED:mailto:me@example.org"], "confirmed", False),
        (["X-MICROSOFT-CDO-BUSYSTATUS:FREE"], "confirmed", False),
        (["X-MICROSOFT-CDO-BUSYSTATUS:WORKINGELSEWHERE"], "confirmed", False),
        (["X-MICROSOFT-CDO-BUSYSTATUS:TENTATIVE"], "tentative", True),
    ],
)
def test_busy(read, lines, status, busy):
    [event] = read(vevent(*lines))
    assert (event.status, event.busy) == (status, busy)


ME, YOU, BOSS = (f"mailto:{name}@example.org" for name in ("me", "you", "boss"))


@pytest.mark.parametrize(
    ("lines", "status", "busy"),
    [
        # The user's word counts, whoever has called the others together.
        ([f"ORGANIZER:{ME}", f"ATTENDEE;PARTSTAT=DECLINED:{ME}"], "confirmed", False),
        ([f"ORGANIZER:{BOSS}", f"ATTENDEE;PARTSTAT=DECLINED:{ME}"], "confirmed", False),
        # Without the others it is open whether it takes place; the time is kept.
        ([f"ATTENDEE;PARTSTAT=DECLINED:{YOU}"], "tentative", True),
        (
            [
                f"ORGANIZER:{ME}",
                f"ATTENDEE;PARTSTAT=ACCEPTED:{ME}",
                f"ATTENDEE;PARTSTAT=DECLINED:{YOU}",
                f"ATTENDEE;PARTSTAT=DECLINED:{BOSS}",
            ],
            "tentative",
            True,
        ),
        (
            [f"ORGANIZER:{ME}", f"ATTENDEE;PARTSTAT=DECLINED:{YOU}", f"ATTENDEE:{BOSS}"],
            "confirmed",
            True,
        ),
        # Who has called the others together comes, unless they have declined themselves.
        ([f"ORGANIZER:{BOSS}", f"ATTENDEE;PARTSTAT=DECLINED:{YOU}"], "confirmed", True),
        ([f"ORGANIZER:{BOSS}", f"ATTENDEE;PARTSTAT=DECLINED:{BOSS}"], "tentative", True),
        # A room that is not to be had is nobody who declines.
        (["ATTENDEE;CUTYPE=ROOM;PARTSTAT=DECLINED:mailto:r@x.org"], "confirmed", True),
        (["STATUS:CANCELLED", f"ATTENDEE;PARTSTAT=DECLINED:{YOU}"], "cancelled", False),
    ],
)
def test_who_declines(read, lines, status, busy):
    [event] = read(vevent(*lines))
    assert (event.status, event.busy) == (status, busy)


def test_an_address_that_a_calendar_server_keeps_in_a_parameter(read):
    [event] = read(
        vevent(
            "ORGANIZER;EMAIL=Boss@example.org:/principals/users/1/",
            "ATTENDEE;EMAIL=me@example.org;PARTSTAT=DECLINED:https://x.org/principals/me@2/",
            "ATTENDEE;CN=Nobody:urn:uuid:7",
        )
    )
    assert (event.organizer, event.busy) == ("boss@example.org", False)
    assert [one.email for one in event.attendees] == ["me@example.org"]


@pytest.mark.parametrize(
    ("lines", "busy"),
    [
        ([], False),
        (["TRANSP:OPAQUE"], True),
        (["X-MICROSOFT-CDO-BUSYSTATUS:OOF"], True),
        (["TRANSP:OPAQUE", "STATUS:CANCELLED"], False),
    ],
)
def test_a_whole_day_is_busy_only_if_it_says_so(read, lines, busy):
    [event] = read(vevent(*lines, start="DTSTART;VALUE=DATE:20260302"))
    assert event.busy is busy


def test_recurrence_exclusions_additions_and_overrides(read):
    events = read(
        vevent(
            "DTEND:20260302T110000Z",
            "SUMMARY:Stand-up",
            "RRULE:FREQ=DAILY;COUNT=4",
            "EXDATE:20260303T100000Z",
            "RDATE:20260310T100000Z",
        ),
        vevent(
            "RECURRENCE-ID:20260304T100000Z",
            "SUMMARY:Moved",
            start="DTSTART:20260304T150000Z",
        ),
    )
    assert [(e.uid, e.start.hour, e.title) for e in sorted(events, key=lambda e: e.start)] == [
        ("a/20260302T100000Z", 10, "Stand-up"),
        ("a/20260304T100000Z", 15, "Moved"),
        ("a/20260305T100000Z", 10, "Stand-up"),
        ("a/20260310T100000Z", 10, "Stand-up"),
    ]
    assert {event.series for event in events} == {"a"}


def test_an_override_without_its_series(read):
    [event] = read(vevent("RECURRENCE-ID:20260301T100000Z"))
    assert (event.uid, event.series) == ("a/20260301T100000Z", "a")


def test_a_moved_tail_keeps_the_identity_of_each_occurrence(read):
    events = read(
        vevent("RRULE:FREQ=DAILY;COUNT=4"),
        vevent(
            "RECURRENCE-ID;RANGE=THISANDFUTURE:20260304T100000Z",
            start="DTSTART:20260304T120000Z",
        ),
    )
    assert {event.uid: event.start.hour for event in events} == {
        "a/20260302T100000Z": 10,
        "a/20260303T100000Z": 10,
        "a/20260304T100000Z": 12,
        "a/20260305T100000Z": 12,
    }


def test_days_recur_by_their_date(read):
    events = read(vevent("RRULE:FREQ=DAILY;COUNT=2", start="DTSTART;VALUE=DATE:20260302"))
    assert [event.uid for event in events] == ["a/20260302", "a/20260303"]


FORMS = {
    "UTC": (";VALUE=DATE-TIME", "%Y%m%dT%H%M%SZ"),
    "floating": ("", "%Y%m%dT%H%M%S"),
    "Auckland": (";TZID=Pacific/Auckland", "%Y%m%dT%H%M%S"),
    "Honolulu": (";TZID=Pacific/Honolulu", "%Y%m%dT%H%M%S"),
    "day": (";VALUE=DATE", "%Y%m%d"),
}


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=200)
@given(
    form=st.sampled_from(sorted(FORMS)),
    start=st.datetimes(datetime(2026, 2, 20), datetime(2026, 3, 16)),
    hours=st.integers(0, 24 * 12),
)
def test_a_narrow_window_holds_what_of_a_wide_one_overlaps_it(read, form, start, hours):
    narrow = Window(utc(2026, 3, 2), utc(2026, 3, 4))
    parameters, written = FORMS[form]
    begun, over = (
        f"{name}{parameters}:{moment.strftime(written)}"
        for name, moment in (("DTSTART", start), ("DTEND", start + timedelta(hours=hours)))
    )
    event = vevent(over, start=begun)
    wide = [one for one in read(event) if one.start < narrow.end]
    wide = [one for one in wide if one.end > narrow.start or one.start == one.end >= narrow.start]
    assert read(event, window=narrow) == wide


@pytest.mark.parametrize(
    "lines",
    [
        ("DTSTART:20200101T100000Z", "DTEND:20200101T090000Z"),
        ("DTSTART:20201332T100000Z", "DTEND:20201332T110000Z"),
        ("DTSTART:soon", "DTEND:20200101T110000Z"),
    ],
)
def test_what_is_broken_is_said_wherever_it_lies(read, lines):
    [error] = read(vevent(*lines[1:], start=lines[0]))
    assert isinstance(error, RecordError)


def test_only_what_overlaps_the_window(read):
    window = Window(utc(2026, 3, 2), utc(2026, 3, 3))
    events = read(
        vevent("DTEND:20260302T000000Z", uid="before", start="DTSTART:20260301T230000Z"),
        vevent("DTEND:20260302T000100Z", uid="into", start="DTSTART:20260301T230000Z"),
        vevent("DTEND:20260304T000000Z", uid="over", start="DTSTART:20260301T230000Z"),
        vevent(uid="after", start="DTSTART:20260303T000000Z"),
        window=window,
    )
    assert [event.uid for event in events] == ["into", "over"]


@pytest.mark.parametrize(
    ("rule", "problem"),
    [
        ("FREQ=SECONDLY", "too often"),
        ("FREQ=MINUTELY", "too often"),
        ("FREQ=DAILY;BYHOUR=" + ",".join(map(str, range(24))) + ";BYMINUTE=0,30,45", "too often"),
        ("FREQ=HOURLY;BYSETPOS=2", "BYSETPOS"),
        ("FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30", "never happens"),
        ("FREQ=HOURLY", "repeats 8"),
    ],
)
def test_a_rule_without_end_costs_only_itself(read, rule, problem):
    start = "DTSTART:20060302T100000Z" if "HOURLY" not in rule else "DTSTART:20260101T000000Z"
    good, bad = read(vevent(uid="good"), vevent(f"RRULE:{rule}", start=start), max_occurrences=8000)
    assert good.uid == "good"
    assert isinstance(bad, RecordError)
    assert bad.uid == "a"
    assert problem in bad.reason


def test_an_event_that_ends_before_it_starts_is_told_by_its_own_clock(read):
    zone = ";TZID=Europe/Berlin:20260301T"
    [error] = read(vevent(f"DTEND{zone}170000", start=f"DTSTART{zone}180000"))
    told = "20260301T180000 Europe/Berlin to 20260301T170000 Europe/Berlin"
    assert error.reason.endswith(f"ends before it starts: {told}")


@pytest.mark.parametrize(
    "broken",
    [
        vevent(start="DTSTART:nonsense"),
        vevent("DTEND:20260301T100000Z"),
        vevent("DURATION:PT10X"),
        vevent("RRULE:FREQ=NEVER"),
        vevent("RECURRENCE-ID:x"),
        vevent(start="DTSTART:99991231T235959Z", uid="a"),
        vevent(start="SUMMARY:no start"),
    ],
)
def test_a_broken_event_costs_only_itself(read, broken):
    found = read(vevent(uid="good"), broken)
    assert found[0].uid == "good"
    assert all(isinstance(item, RecordError) and item.uid.startswith("a") for item in found[1:])
    assert "line 7" in found[1].reason if found[1:] else "9999" in broken


def test_a_broken_ornament_costs_nothing(read):
    [event] = read(vevent("SUMMARY=nonsense", "GEO:x", "ATTACH;ENCODING=BASE64:%%", "CATEGORIES:a"))
    assert event.categories == ("a",)


@pytest.mark.parametrize(
    ("line", "title"),
    [("SUMMARY::", ":"), ('SUMMARY;ALTREP="http://x":', "(no title)"), ("SUMMARY:", "(no title)")],
)
def test_an_empty_property_says_nothing(read, line, title):
    [event] = read(vevent(line))
    assert event.title == title


def test_a_broken_override_keeps_its_last_good_version(read):
    found = read(
        vevent("RRULE:FREQ=DAILY;COUNT=2"),
        vevent("RECURRENCE-ID:20260303T100000Z", start="DTSTART:nonsense"),
    )
    assert {type(item): item.uid for item in found} == {
        RecordError: "a/20260303T100000Z",
        CalendarEvent: "a/20260302T100000Z",
    }


def test_a_file_cut_short_keeps_what_it_lacks(tmp_path):
    text = vcalendar(vevent(uid="good"), vevent(uid="half"))
    path = write(tmp_path / "c.ics", text[: text.rindex("END:VEVENT")])
    events = fetch(context(path))
    assert "good" in {item.uid for item in events if isinstance(item, CalendarEvent)}
    assert str(path) in {item.uid for item in events if isinstance(item, RecordError)}


@pytest.mark.parametrize("data", [b"", b"\x00\xff\x13", b"hello", b"BEGIN:VCARD\nEND:VCARD"])
def test_a_file_that_is_no_calendar_names_its_group(tmp_path, data):
    path = write(tmp_path / "c.ics", data)
    assert [(e.uid, e.group) for e in fetch(context(path))] == [(str(path), str(path))]


@pytest.mark.parametrize("codec", ["utf-16-le", "cp1252"])
@pytest.mark.parametrize("newline", ["\r\n", "\n", "\r"])
def test_encodings_and_line_ends(tmp_path, codec, newline):
    text = vcalendar(vevent("SUMMARY:Käse")).replace("\r\n", newline)
    [event] = fetch(context(write(tmp_path / "c.ics", text.encode(codec))))
    assert event.title == "Käse"


def test_a_fold_may_go_through_a_character(tmp_path):
    title = f"{'x' * 66}ü Größe"
    good = vevent(f"SUMMARY:{title}", "LOCATION:Köln")
    data = vcalendar(good, vevent("DTEND:none", uid="bad")).encode()
    place = data.index("ü".encode()) + 1
    data = data[:place] + b"\r\n " + data[place:]
    event, error = fetch(context(write(tmp_path / "c.ics", data)))
    assert (event.title, event.location) == (title, "Köln")
    assert "line 10:" in error.reason


def test_a_uid_is_known_without_its_escapes(read):
    series = vevent("RRULE:FREQ=DAILY;COUNT=2", uid=r"a\;b\,c")
    moved = vevent("RECURRENCE-ID:20260303T100000Z", "SUMMARY:Moved", uid="a;b,c")
    events = read(series, moved)
    assert {event.series for event in events} == {"a;b,c"}
    assert sorted(event.title for event in events) == ["(no title)", "Moved"]


def test_several_calendars_in_one_file(tmp_path):
    text = vcalendar(vevent(uid="a")) + vcalendar(vevent(uid="b"))
    assert [e.uid for e in fetch(context(write(tmp_path / "c.ics", text)))] == ["a", "b"]


def test_what_twind_has_published_is_no_appointment(read):
    mine = f"7-token{OWN_UIDS}"
    [event] = read(vevent(uid=mine), vevent(uid="b"), vevent("RRULE:FREQ=DAILY", uid=mine.upper()))
    assert event.uid == "b"
    assert read(vevent(uid=mine)) == []


def test_an_event_without_uid_gets_a_lasting_one(read):
    [first] = read(vevent("SUMMARY:x", uid=""))
    [again] = read(vevent("SUMMARY:x", "LOCATION:elsewhere", uid=""))
    assert first.uid == again.uid


def test_one_uid_for_several_events_of_a_file(read):
    events = read(vevent("SUMMARY:x"), vevent("SUMMARY:y", start="DTSTART:20260303T100000Z"))
    assert [event.uid for event in events] == ["a", "a#20260303T100000Z"]


def test_one_uid_for_several_events_at_one_time(read):
    events = read(
        vevent("SUMMARY:x"),
        vevent("SUMMARY:y"),
        vevent("SUMMARY:x", "LAST-MODIFIED:20260102T000000Z", uid="b"),
        vevent("SUMMARY:y", "LAST-MODIFIED:20260102T000000Z", uid="b"),
        vevent("SUMMARY:x", "RRULE:FREQ=DAILY;COUNT=1", uid="c"),
        vevent("SUMMARY:y", "RRULE:FREQ=DAILY;COUNT=1", uid="c"),
        vevent("SUMMARY:twice", uid="d"),
        vevent("SUMMARY:twice", uid="d"),
    )
    assert [(event.uid, event.title) for event in events] == [
        ("a", "x"),
        ("a#2", "y"),
        ("b", "x"),
        ("b#2", "y"),
        ("c/20260302T100000Z", "x"),
        ("c#2/20260302T100000Z", "y"),
        ("d", "twice"),
    ]


LATER = "DTSTART:20260303T100000Z"


@pytest.mark.parametrize(
    ("versions", "titles"),
    [
        ([vevent("SEQUENCE:0"), vevent("SEQUENCE:1", "SUMMARY:new", start=LATER)], ["new"]),
        ([vevent("SEQUENCE:1", "SUMMARY:new"), vevent("SEQUENCE:0", start="DTSTART:no")], ["new"]),
        (
            [
                vevent("SUMMARY:new", "LAST-MODIFIED:20260202T000000Z"),
                vevent("SUMMARY:old", "LAST-MODIFIED:20260102T000000Z"),
            ],
            ["new"],
        ),
        (
            [
                vevent("SEQUENCE:1", "SUMMARY:one"),
                vevent("SEQUENCE:0", "SUMMARY:old", start=LATER),
                vevent("SEQUENCE:1", "SUMMARY:other", start=LATER),
            ],
            ["one", "other"],
        ),
    ],
)
def test_of_several_versions_the_latest_counts(read, versions, titles):
    assert [event.title for event in read(*versions)] == titles


# --- several files, several times ----------------------------------------------------------------


def test_an_untouched_file_is_not_read_again(tmp_path):
    path = write(tmp_path / "c.ics", vcalendar(vevent(), vevent(uid="b", start="DTSTART:no")))
    state: dict = {}
    first = fetch(context(tmp_path, state=state))
    path.chmod(0)
    again = fetch(context(tmp_path, state=state))
    assert again == [Unchanged(str(path)), *(e for e in first if isinstance(e, RecordError))]


@pytest.mark.parametrize("change", ["window", "zone"])
def test_another_window_or_zone_reads_again(tmp_path, change):
    write(tmp_path / "c.ics", vcalendar(vevent()))
    state: dict = {}
    fetch(context(tmp_path, state=state))
    ctx = context(tmp_path, state=state, window=Window(WINDOW.start, utc(2027, 2, 1)))
    if change == "zone":
        ctx = Context(**{**_fields(context(tmp_path, state=state)), "timezone": ZoneInfo("UTC")})
    assert [type(item) for item in fetch(ctx)] == [CalendarEvent]


def _fields(ctx: Context) -> dict:
    return {name: getattr(ctx, name) for name in ctx.__slots__}


def test_too_large_a_file_names_its_group(tmp_path):
    path = write(tmp_path / "c.ics", vcalendar(vevent()))
    [error] = fetch(context(path, max_mib=1e-6))
    assert error.uid == error.group == str(path)


def test_a_series_in_two_files(tmp_path):
    for name, title in (("a", "x"), ("b", "y"), ("c", "x")):
        text = vcalendar(vevent("RRULE:FREQ=DAILY;COUNT=2", f"SUMMARY:{title}"))
        write(tmp_path / f"{name}.ics", text)
    found = fetch(context(tmp_path))
    assert [(event.title, event.uid.partition("/")[0] == event.series) for event in found] == [
        ("x", True),
        ("x", True),
        ("y", True),
        ("y", True),
    ]
    assert len({event.uid for event in found}) == 4
    assert len({event.series for event in found}) == 2


def test_an_event_moved_to_another_calendar_is_not_lost(tmp_path):
    tea, work = vevent("SUMMARY:Tea"), vevent(uid="w")
    write(tmp_path / "a.ics", vcalendar(work))
    write(tmp_path / "b.ics", vcalendar(tea, work.replace("UID:w", "UID:v")))
    state: dict = {}
    fetch(context(tmp_path, state=state))
    write(tmp_path / "a.ics", vcalendar(work, tea), OLD + 1)
    write(tmp_path / "b.ics", vcalendar(work.replace("UID:w", "UID:v")), OLD + 1)
    moved = {event.uid: event.group for event in fetch(context(tmp_path, state=state))}
    assert moved["a"] == str(tmp_path / "a.ics")


# --- round trips ---------------------------------------------------------------------------------

titles = st.text(
    st.characters(blacklist_categories=("Cc", "Cs", "Zl", "Zp")), min_size=1, max_size=30
).filter(lambda text: text.strip() == text and r"\N" not in text)  # written as a line break
starts = st.datetimes(datetime(2026, 1, 2), datetime(2026, 12, 20)).map(
    lambda moment: moment.replace(microsecond=0)
)


@st.composite
def events(draw) -> icalendar.Event:
    event = icalendar.Event()
    event.add("summary", draw(titles))
    start = draw(starts)
    if draw(st.booleans()):
        event.add("dtstart", start.date())
        event.add("dtend", start.date() + timedelta(days=draw(st.integers(1, 5))))
    else:
        zone = draw(st.sampled_from([None, UTC, BERLIN, ZoneInfo("America/New_York")]))
        event.add("dtstart", start.replace(tzinfo=zone))
        event.add("duration", timedelta(minutes=draw(st.integers(0, 600))))
    return event


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.lists(events(), min_size=1, max_size=8))
def test_what_was_written_is_read(tmp_path, written):
    calendar = icalendar.Calendar()
    for number, event in enumerate(written):
        event["uid"] = str(number)
        calendar.add_component(event)
    path = write(tmp_path / "c.ics", calendar.to_ical())
    state: dict = {}
    found = fetch(context(path, state=state))
    assert [event.uid for event in found] == [str(number) for number in range(len(written))]
    for record, event in zip(found, written, strict=True):
        assert record.title == str(event["summary"])
        assert record.all_day == (type(event["dtstart"].dt) is date)
        start = event["dtstart"].dt
        if record.all_day:
            assert record.start.astimezone(BERLIN).date() == start
            assert record.end.astimezone(BERLIN).date() == event["dtend"].dt
        else:
            # A local time of the hour that autumn repeats is its first (RFC 5545, 3.3.5).
            local = start.replace(tzinfo=start.tzinfo or BERLIN, fold=0)
            assert record.start == local.astimezone(UTC)
    assert fetch(context(path, state=state)) == [Unchanged(str(path))]
    assert fetch(context(path)) == found


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.binary(max_size=300))
def test_no_bytes_raise(tmp_path, noise):
    text = vcalendar(vevent()).encode()
    middle = len(text) // 2
    path = write(tmp_path / "c.ics", text[:middle] + noise + text[middle:])
    found = fetch(context(path))
    uids = [item.uid for item in found if isinstance(item, CalendarEvent)]
    assert len(set(uids)) == len(uids)
