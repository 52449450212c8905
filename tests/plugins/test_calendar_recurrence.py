"""Series: what is added, left out, moved; and rules that would not end."""

from __future__ import annotations

import time
import tracemalloc
from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from twind.api import CalendarEvent, RecordError, Unchanged, Window
from twind.testing import context

TEN = "DTSTART;TZID=Europe/Berlin:20260302T100000"
DAY = "DTSTART;VALUE=DATE:20260302"
DAILY = "RRULE:FREQ=DAILY;COUNT=4"


def component(*lines: str, uid: str = "a") -> str:
    return "\n".join(["BEGIN:VEVENT", f"UID:{uid}", *lines, "END:VEVENT"])


def calendar(*components: str) -> str:
    return "\n".join(["BEGIN:VCALENDAR", "VERSION:2.0", *components, "END:VCALENDAR", ""])


@pytest.fixture
def days(read_calendar):
    """Return the days of March 2026 on which a calendar of these components has something.

    Those whose title is not empty come with it.
    """

    def days(*components: str) -> list[int | tuple[int, str]]:
        found = read_calendar(calendar(*components))
        assert all(isinstance(event, CalendarEvent) for event in found), found
        assert len({event.uid for event in found}) == len(found)
        shown = []
        for event in sorted(found, key=lambda event: event.start):
            # A day's event begins at midnight in Berlin, an hour earlier in UTC.
            day = event.end.day if event.all_day else event.start.day
            shown.append(day if event.title == "(no title)" else (day, event.title))
        return shown

    return days


# --- left out ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "excluded",
    [
        "EXDATE;TZID=Europe/Berlin:20260303T100000",
        "EXDATE:20260303T090000Z",
        "EXDATE;TZID=America/New_York:20260303T040000",
        "EXDATE:20260303T100000",
        "EXDATE;VALUE=DATE:20260303",
        "EXDATE:20260303",
        "EXDATE:20260303T090000Z,20260320T090000Z\nEXDATE:",
        "EXRULE:FREQ=WEEKLY;BYDAY=TU",
    ],
)
def test_an_occurrence_is_left_out_however_it_is_named(days, excluded):
    assert days(component(TEN, DAILY, excluded)) == [2, 4, 5]


@pytest.mark.parametrize(
    "excluded",
    [
        "EXDATE;VALUE=DATE:20260303",
        "EXDATE:20260303T000000",
        "EXDATE:20260303T000000Z",
        "EXDATE:20260302T230000Z",
        "EXDATE;TZID=Europe/Berlin:20260303T000000",
    ],
)
def test_a_day_is_left_out_however_it_is_named(days, excluded):
    assert days(component(DAY, DAILY, excluded)) == [2, 4, 5]


def test_a_day_left_out_takes_all_its_occurrences(days):
    often = "RRULE:FREQ=DAILY;BYHOUR=10,12;COUNT=6"
    assert days(component(TEN, often, "EXDATE;VALUE=DATE:20260303")) == [2, 2, 4, 4]


def test_only_the_hour_that_is_left_out_is_left_out(read_calendar):
    hourly = component(
        TEN, "RRULE:FREQ=HOURLY;COUNT=4", "EXDATE;TZID=Europe/Berlin:20260302T110000"
    )
    moved = component(
        "RECURRENCE-ID;TZID=Europe/Berlin:20260302T120000",
        "DTSTART;TZID=Europe/Berlin:20260302T200000",
    )
    found = read_calendar(calendar(hourly, moved))
    assert sorted(event.start.hour for event in found) == [9, 12, 19]


# --- in UTC, with a zone for the calendar --------------------------------------------------------


@pytest.fixture
def starts(read_calendar):
    """Return when a series in UTC happens, without the year; the clocks change on 8 March in Los
    Angeles, on 29 March and 25 October in Berlin."""

    def starts(zone: str, start: str, *lines: str, moved: str = "") -> list[str]:
        series = component(f"DTSTART:2026{start}00Z", *lines)
        moves = [component(f"RECURRENCE-ID:2026{moved}00Z", DAY)] if moved else []
        found = read_calendar(calendar(f"X-WR-TIMEZONE:{zone}", series, *moves))
        return sorted(f"{event.start:%m%dT%H%M}" for event in found if not event.all_day)

    return starts


@pytest.mark.parametrize(
    ("start", "lines", "expected"),
    [
        # The days are those of UTC where they fit the start there,
        ("0303T0200", ["RRULE:FREQ=WEEKLY;BYDAY=TU;COUNT=2"], ["0303T0200", "0310T0200"]),
        ("0303T0200", ["RRULE:FREQ=MONTHLY;BYDAY=1TU;COUNT=2"], ["0303T0200", "0407T0200"]),
        ("0301T0030", ["RRULE:FREQ=MONTHLY;BYMONTHDAY=1;COUNT=2"], ["0301T0030", "0401T0030"]),
        ("0228T0030", ["RRULE:FREQ=MONTHLY;BYMONTHDAY=-1;COUNT=2"], ["0228T0030", "0331T0030"]),
        ("0201T0030", ["RRULE:FREQ=YEARLY;BYMONTH=2,4;COUNT=2"], ["0201T0030", "0401T0030"]),
        ("0401T0030", ["RRULE:FREQ=MONTHLY;COUNT=3"], ["0401T0030", "0501T0030", "0601T0030"]),
        (
            "0306T0200",
            ["RRULE:FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR;COUNT=3"],
            ["0306T0200", "0309T0200", "0310T0200"],
        ),
        # those of the zone where they fit it there alone, or else what is left out does;
        ("0303T0200", ["RRULE:FREQ=WEEKLY;BYDAY=MO;COUNT=2"], ["0303T0200", "0310T0100"]),
        ("0301T0200", ["RRULE:FREQ=MONTHLY;BYMONTHDAY=28;COUNT=2"], ["0301T0200", "0329T0100"]),
        ("0301T0200", ["RRULE:FREQ=MONTHLY;BYMONTHDAY=-1;COUNT=2"], ["0301T0200", "0401T0100"]),
        (
            "0306T0200",
            ["RRULE:FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR;COUNT=4", "EXDATE:20260310T010000Z"],
            ["0306T0200", "0307T0200", "0311T0100"],
        ),
        # and where none is named, or both have the same, it recurs by the clock.
        ("0216T0200", ["RRULE:FREQ=MONTHLY;COUNT=2"], ["0216T0200", "0316T0100"]),
        ("0303T0200", ["RRULE:FREQ=WEEKLY;COUNT=2"], ["0303T0200", "0310T0100"]),
        ("0303T1800", ["RRULE:FREQ=WEEKLY;BYDAY=TU;COUNT=2"], ["0303T1800", "0310T1700"]),
    ],
)
def test_whose_days_a_rule_in_utc_names(starts, start, lines, expected):
    assert starts("America/Los_Angeles", start, *lines) == expected


@pytest.mark.parametrize(
    ("rule", "hours"),
    [
        ("BYHOUR=8,14", ["0800", "1400"] * 3),
        ("BYHOUR=9,15", ["0800", "1400", *["0700", "1300"] * 2]),
    ],
)
def test_whose_hours_a_rule_in_utc_names(starts, rule, hours):
    left_out = f"EXDATE:20260331T{hours[-2]}00Z"
    found = starts("Europe/Berlin", "0328T0800", f"RRULE:FREQ=DAILY;{rule};COUNT=8", left_out)
    assert [one[-4:] for one in found if one < "0331"] == hours
    assert [one for one in found if one > "0331"] == [f"0331T{hours[-1]}"]


WEEKS = "RRULE:FREQ=WEEKLY;BYDAY=MO;COUNT=4"


@pytest.mark.parametrize(
    ("lines", "moved", "expected"),
    [
        ([WEEKS, "EXDATE:20260406T080000Z"], "", ["0323T0800", "0330T0800", "0413T0800"]),
        ([WEEKS, "EXDATE:20260406T070000Z"], "", ["0323T0800", "0330T0700", "0413T0700"]),
        ([WEEKS, "EXDATE:20260323T080000Z"], "", ["0330T0700", "0406T0700", "0413T0700"]),
        ([WEEKS], "0413T0800", ["0323T0800", "0330T0800", "0406T0800"]),
        ([WEEKS], "0413T0700", ["0323T0800", "0330T0700", "0406T0700"]),
        ([WEEKS, "EXDATE:20260406T080000Z"], "0413T0800", ["0323T0800", "0330T0800"]),
        (["RRULE:FREQ=WEEKLY;UNTIL=20260330T080000Z"], "", ["0323T0800", "0330T0800"]),
        (["RRULE:FREQ=WEEKLY;UNTIL=20260330T070000Z"], "", ["0323T0800", "0330T0700"]),
        (["RRULE:FREQ=WEEKLY;UNTIL=20260330T215959Z"], "", ["0323T0800", "0330T0700"]),
    ],
)
def test_what_a_series_in_utc_leaves_out_or_moves_tells_its_clock(starts, lines, moved, expected):
    assert starts("Europe/Berlin", "0323T0800", *lines, moved=moved) == expected


def test_the_last_of_a_series_in_utc_is_not_lost_when_the_clocks_go_back(starts):
    rule = "RRULE:FREQ=WEEKLY;UNTIL=20261026T070000Z"
    assert starts("Europe/Berlin", "1019T0700", rule) == ["1019T0700", "1026T0700"]


# --- added ---------------------------------------------------------------------------------------


def test_periods_are_added_with_lengths_of_their_own(read_calendar):
    added = component(
        TEN,
        "DURATION:PT1H",
        "RDATE;VALUE=PERIOD:20260304T090000Z/20260304T120000Z,20260305T090000Z/PT30M",
        "RDATE;VALUE=PERIOD;TZID=America/New_York:20260306T090000/20260306T110000",
        "RDATE;TZID=Europe/Berlin;VALUE=PERIOD:20260307T100000/PT3H",
    )
    found = sorted(read_calendar(calendar(added)), key=lambda event: event.start)
    assert [
        (event.start.day, event.start.hour, (event.end - event.start).total_seconds() / 60)
        for event in found
    ] == [(2, 9, 60), (4, 9, 180), (5, 9, 30), (6, 14, 120), (7, 9, 180)]
    assert {event.series for event in found} == {"a"}


def test_each_night_lasts_its_hours(read_calendar):
    nights = component(
        "DTSTART;TZID=Europe/Berlin:20260327T230000", "DURATION:PT8H", "RRULE:FREQ=DAILY;COUNT=4"
    )
    later = component(
        "RECURRENCE-ID;RANGE=THISANDFUTURE;TZID=Europe/Berlin:20260328T230000",
        "DTSTART;TZID=Europe/Berlin:20260328T230000",
        "DURATION:PT6H",
    )

    def hours(*components):
        found = sorted(read_calendar(calendar(*components)), key=lambda event: event.start)
        return [(event.end - event.start).total_seconds() / 3600 for event in found]

    # The clocks go forward in the second night.
    assert hours(nights) == [8, 8, 8, 8]
    assert hours(nights, later) == [8, 6, 6, 6]
    assert hours(nights.replace("PT8H", "P1D")) == [24, 23, 24, 24]
    assert hours(nights.replace("PT8H", "P1DT1H"), later) == [25, 6, 6, 6]


@pytest.mark.parametrize(
    ("start", "added"),
    [
        (TEN, "RDATE:20260304T090000Z"),
        (TEN, "RDATE;VALUE=DATE:20260304"),
        (TEN, "RDATE:20260304T100000"),
        (TEN, "RDATE;TZID=America/New_York:20260304T040000"),
        (DAY, "RDATE;VALUE=DATE:20260304"),
        (DAY, "RDATE:20260304T000000Z"),
    ],
)
def test_what_is_added_is_like_the_series(read_calendar, start, added):
    first, second = read_calendar(calendar(component(start, "RRULE:FREQ=DAILY;COUNT=1", added)))
    assert (second.start - first.start).total_seconds() == 2 * 86_400
    assert second.all_day is first.all_day


@pytest.mark.parametrize("name", ["RDATE", "EXDATE"])
def test_a_time_without_a_day_is_none(read_calendar, name):
    [error] = read_calendar(calendar(component(TEN, DAILY, f"{name};VALUE=TIME:100000")))
    assert error.reason.endswith(f"{name} is no date")


def test_blanks_in_a_rule_mean_nothing(days):
    assert days(component(TEN, "RRULE:FREQ=DAILY; COUNT=3;BYDAY=MO, TU,\n  WE")) == [2, 3, 4]


def test_what_is_added_twice_happens_once(days):
    assert days(component(TEN, DAILY, "RDATE:20260303T090000Z,20260303T090000Z")) == [2, 3, 4, 5]


# --- moved ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("start", "named"),
    [
        (TEN, "RECURRENCE-ID;TZID=Europe/Berlin:20260303T100000"),
        (TEN, "RECURRENCE-ID:20260303T090000Z"),
        (TEN, "RECURRENCE-ID:20260303T100000"),
        (TEN, "RECURRENCE-ID;TZID=Asia/Tokyo:20260303T180000"),
        (TEN, "RECURRENCE-ID;VALUE=DATE:20260303"),
        (DAY, "RECURRENCE-ID;VALUE=DATE:20260303"),
        (DAY, "RECURRENCE-ID:20260303T000000"),
        (DAY, "RECURRENCE-ID:20260302T230000Z"),
    ],
)
def test_an_occurrence_is_moved_however_it_is_named(days, start, named):
    moved = component(named, start.replace("0302", "0310"), "SUMMARY:moved")
    assert days(component(start, DAILY), moved) == [2, 4, 5, (10, "moved")]
    # Exporters write them in any order.
    assert days(moved, component(start, DAILY)) == [2, 4, 5, (10, "moved")]


def test_of_two_moves_of_one_occurrence_the_later_revision_counts(days):
    def move(day: int, revision: int) -> str:
        return component(
            "RECURRENCE-ID:20260303T090000Z",
            f"SEQUENCE:{revision}",
            f"DTSTART:202603{day}T090000Z",
            f"SUMMARY:{revision}",
        )

    assert days(component(TEN, DAILY), move(11, 1), move(12, 3), move(13, 2)) == [
        2,
        4,
        5,
        (12, "3"),
    ]


def test_a_cancelled_occurrence_is_one_that_does_not_take_place(read_calendar):
    off = component(
        "RECURRENCE-ID:20260303T090000Z", "DTSTART:20260303T090000Z", "STATUS:CANCELLED"
    )
    found = read_calendar(calendar(component(TEN, DAILY), off))
    assert {event.start.day: (event.status, event.busy) for event in found} == {
        2: ("confirmed", True),
        3: ("cancelled", False),
        4: ("confirmed", True),
        5: ("confirmed", True),
    }


def test_occurrences_without_their_series(read_calendar):
    lone = [
        component(f"RECURRENCE-ID:202603{day:02}T090000Z", f"DTSTART:202603{day:02}T150000Z")
        for day in (3, 10, 17)
    ]
    found = read_calendar(calendar(*lone))
    assert [(event.uid, event.start.hour, event.series) for event in found] == [
        (f"a/202603{day:02}T090000Z", 15, "a") for day in (3, 10, 17)
    ]


def test_an_occurrence_moved_over_the_windows_edge(read_calendar):
    march = Window(datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 4, 1, tzinfo=UTC))
    monthly = component("DTSTART:20251115T090000Z", "RRULE:FREQ=MONTHLY")
    into = component("RECURRENCE-ID:20251215T090000Z", "DTSTART:20260320T090000Z")
    out = component("RECURRENCE-ID:20260315T090000Z", "DTSTART:20260420T090000Z")
    found = read_calendar(calendar(monthly, into, out), window=march)
    assert [event.uid for event in found] == ["a/20251215T090000Z"]


def test_what_was_left_out_and_moved_is_left_out(days):
    moved = component("RECURRENCE-ID:20260303T090000Z", "DTSTART:20260310T090000Z")
    assert days(component(TEN, DAILY, "EXDATE:20260303T090000Z"), moved) == [2, 4, 5]


@pytest.mark.parametrize("named", [";VALUE=DATE:20260303", ":20260303T100000"])
def test_a_move_that_cannot_be_read_is_an_error_of_that_occurrence(read_calendar, named):
    broken = component(f"RECURRENCE-ID{named}", "DTSTART:nonsense")
    error, *found = read_calendar(calendar(component(TEN, DAILY), broken))
    assert (type(error), error.uid) == (RecordError, "a/20260303T090000Z")
    assert [event.start.day for event in found] == [2, 4, 5]


# --- until ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("start", "until"),
    [
        (TEN, "20260304T090000Z"),
        (TEN, "20260304T100000"),
        (TEN, "20260304"),
        (TEN.replace("Berlin", "Lisbon"), "20260304T100000"),
        (TEN.replace("Europe/Berlin", "America/New_York"), "20260304T100000"),
        (TEN.replace("Europe/Berlin", "America/New_York"), "20260304"),
        (TEN.replace(";TZID=Europe/Berlin", ""), "20260304T090000Z"),
        (TEN.replace(";TZID=Europe/Berlin", ""), "20260304"),
        (DAY, "20260304"),
        (DAY, "20260304T000000Z"),
        (DAY, "20260303T230000Z"),
        (DAY, "20260304T225959Z"),
    ],
)
def test_a_series_ends_with_the_day_or_time_it_names(days, start, until):
    assert days(component(start, f"RRULE:FREQ=DAILY;UNTIL={until}")) == [2, 3, 4]


def test_where_a_series_begins(days):
    # Who deletes "this and all that follow" at the first of them leaves such a rule behind.
    assert days(component(TEN, "RRULE:FREQ=DAILY;UNTIL=20260101T000000Z")) == []
    assert days(component(TEN, "RRULE:FREQ=WEEKLY;BYDAY=WE;COUNT=2")) == [2, 4, 11]


# --- rules that would not end --------------------------------------------------------------------

HOURS = ",".join(map(str, range(24)))
SIXTY = ",".join(map(str, range(60)))


NASTY = [
    ("20260101T000000Z", "FREQ=SECONDLY", "too often"),
    ("20060101T000000Z", "FREQ=MINUTELY;INTERVAL=5", "too often"),
    ("00010101T000000Z", "FREQ=DAILY", "too often"),
    ("20260101T000000Z", f"FREQ=DAILY;BYMINUTE={SIXTY};BYHOUR={HOURS}", "too often"),
    ("20260101T000000Z", "FREQ=DAILY;INTERVAL=0", "INTERVAL=0"),
    ("20260101T000000Z", "FREQ=DAILY;INTERVAL=-1", "INTERVAL=-1"),
    ("20260101T000000Z", "FREQ=DAILY;COUNT=0", "COUNT=0"),
    ("20260101T000000Z", "FREQ=DAILY;BYHOUR=25", "BYHOUR=25"),
    ("20200101T000000Z", "FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30", "never happens"),
    ("20200101T000000Z", "FREQ=MONTHLY;BYMONTHDAY=31;BYMONTH=2,4,6,9,11", "never happens"),
    ("20200101T000000Z", "FREQ=YEARLY;BYWEEKNO=53;BYMONTH=6", "never happens"),
    ("20200101T000000Z", "FREQ=MONTHLY;BYDAY=MO;BYSETPOS=366", "never happens"),
    ("20200101T000000Z", "FREQ=SECONDLY;INTERVAL=86400;BYMONTH=2;BYMONTHDAY=30", "never"),
    ("20200101T000000Z", "FREQ=HOURLY;BYSETPOS=2", "BYSETPOS"),
    ("20200101T000000Z", "FREQ=MINUTELY;INTERVAL=1440;BYHOUR=5", "Invalid combination"),
]
MANY = [
    ("20260101T000000Z", "FREQ=SECONDLY;COUNT=150000", "repeats 150000 times"),
    ("20260101T000000Z", "FREQ=MINUTELY;INTERVAL=5", "repeats 105120 times"),
    (
        "20260101T000000Z",
        f"FREQ=YEARLY;BYHOUR={HOURS};BYMINUTE={SIXTY};BYSECOND={SIXTY}",
        "repeats 86400 times",
    ),
]


@pytest.mark.parametrize(
    ("start", "rule", "problem"),
    [
        *((start, f"RRULE:{rule}", problem) for start, rule, problem in NASTY + MANY),
        *((start, f"RRULE:FREQ=YEARLY\nEXRULE:{rule}", problem) for start, rule, problem in NASTY),
    ],
)
def test_a_rule_that_would_not_end_is_refused_by_name(read_calendar, start, rule, problem):
    good = component("DTSTART:20260302T100000Z", uid="good")
    nasty = component(f"DTSTART:{start}", rule, uid="nasty")
    begun = time.process_time()
    event, error = read_calendar(calendar(good, nasty))
    assert time.process_time() - begun < 5
    assert event.uid == "good"
    assert (type(error), error.uid) == (RecordError, "nasty")
    assert problem in error.reason


def test_many_rules_of_one_series_count_together(read_calendar):
    rules = "\n".join(f"RRULE:FREQ=HOURLY;INTERVAL={number}" for number in range(1, 9))
    [error] = read_calendar(calendar(component("DTSTART:20260101T000000Z", rules)))
    assert "times in the window" in error.reason


def numbers(first: int, last: int):
    return st.lists(
        st.integers(first, last).filter(bool), min_size=1, max_size=24, unique=True
    ).map(lambda found: ",".join(map(str, found)))


RULES = st.builds(
    lambda freq, parts: ";".join(
        [f"FREQ={freq}", *(f"{key}={value}" for key, value in parts.items())]
    ),
    st.sampled_from(["SECONDLY", "MINUTELY", "HOURLY", "DAILY", "WEEKLY", "MONTHLY", "YEARLY"]),
    st.fixed_dictionaries(
        {},
        optional={
            "INTERVAL": st.integers(0, 700_000),
            "COUNT": st.integers(0, 300_000),
            "UNTIL": st.sampled_from(["20260401", "20260401T000000", "20990101T000000Z"]),
            "BYSECOND": numbers(0, 59),
            "BYMINUTE": numbers(0, 59),
            "BYHOUR": numbers(0, 24),
            "BYDAY": st.sampled_from(["MO", "MO,TU,WE,TH,FR", "5SU", "-1FR", "1MO,-5TU"]),
            "BYMONTHDAY": numbers(-31, 31),
            "BYYEARDAY": numbers(-366, 366),
            "BYWEEKNO": numbers(-53, 53),
            "BYMONTH": numbers(1, 12),
            "BYSETPOS": numbers(-366, 366),
            "WKST": st.sampled_from(["MO", "SU"]),
        },
    ),
)


@pytest.mark.slow
@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    RULES,
    st.sampled_from(["DTSTART:19700101T000000Z", TEN, DAY, "DTSTART:20260101T000000"]),
    st.sampled_from(["RRULE", "EXRULE"]),
)
def test_any_rule_takes_bounded_time_and_memory(read_calendar, rule, start, kind):
    more = "RRULE:FREQ=WEEKLY\n" if kind == "EXRULE" else ""
    text = calendar(component(start, f"{more}{kind}:{rule}"))
    tracemalloc.start()
    begun = time.process_time()
    found = read_calendar(text, max_occurrences=2000)
    taken, (_, peak) = time.process_time() - begun, tracemalloc.get_traced_memory()
    tracemalloc.stop()
    # Counting memory makes it several times slower; and other people's machines are slower still.
    assert taken < 20
    assert peak < 100 * 2**20
    assert len(found) <= 2000
    assert len({item.uid for item in found}) == len(found)


# --- ten thousand files --------------------------------------------------------------------------


@pytest.mark.slow
def test_of_ten_thousand_events_only_the_one_that_changed_is_read(
    tmp_path, calendar_plugin, write_settled
):
    folder = tmp_path / "calendar"
    folder.mkdir()
    paths = [folder / f"{number:05}.ics" for number in range(10_000)]

    def write(path, title: str, mtime: float) -> None:
        text = component(f"SUMMARY:{title}", TEN, uid=path.stem)
        write_settled(path, calendar(text), mtime)

    def fetch(state: dict) -> list:
        ctx = context(calendar_plugin.CalendarSettings(paths=[folder]), state=state)
        return list(calendar_plugin.Calendar().fetch(ctx))

    state: dict = {}
    for path in paths:
        write(path, "one", 1_770_000_000)
    assert len(fetch(state)) == 10_000
    for path in paths:
        # The same time and length: only who reads them would know.
        write(path, "two", 1_770_000_000)
    write(paths[7], "two", 1_770_000_060)
    found = fetch(state)
    assert [item.uid for item in found if isinstance(item, CalendarEvent)] == ["00007"]
    assert sum(isinstance(item, Unchanged) for item in found) == 9_999
