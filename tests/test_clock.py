from __future__ import annotations

import ast
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

import twind
from twind import clock

BERLIN = ZoneInfo("Europe/Berlin")
FORBIDDEN = {
    ("datetime", "now"),
    ("datetime", "utcnow"),
    ("datetime", "today"),
    ("date", "today"),
    ("time", "time"),
    ("time", "monotonic"),
    ("time", "localtime"),
}


@given(st.datetimes(timezones=st.just(UTC)))
def test_what_is_stored_is_read_back_and_sorts_as_time_does(moment):
    assert clock.parse_utc(clock.format_utc(moment)) == moment
    later = moment + timedelta(seconds=1) if moment.year < 9999 else moment
    assert clock.format_utc(moment) <= clock.format_utc(later)


def test_a_naive_time_is_refused():
    with pytest.raises(ValueError, match="without a zone"):
        clock.format_utc(datetime(2026, 1, 1))


def test_wall_times_on_the_days_the_clocks_change():
    spring, autumn = date(2026, 3, 29), date(2026, 10, 25)
    day = timedelta(days=1)
    assert clock.local_midnight(spring + day, BERLIN) - clock.local_midnight(
        spring, BERLIN
    ) == timedelta(hours=23)
    assert clock.local_midnight(autumn + day, BERLIN) - clock.local_midnight(
        autumn, BERLIN
    ) == timedelta(hours=25)
    assert clock.local_time(spring, 12 * 60, BERLIN) == datetime(2026, 3, 29, 10, tzinfo=UTC)
    assert clock.local_time(spring, 25 * 60, BERLIN) == datetime(2026, 3, 29, 23, tzinfo=UTC)


def test_what_people_read_is_on_their_own_clock():
    night = "2026-03-02T23:30:00.000001+00:00"
    assert clock.when(night, BERLIN) == "2026-03-03 00:30"
    assert clock.day_of(night, BERLIN) == "2026-03-03"
    assert clock.when("2026-03-02T23:30:59+05:30") == "2026-03-02 23:30"


def test_only_the_clock_reads_the_clock():
    found = []
    for file in Path(twind.__file__).parent.rglob("*.py"):
        if file.name == "clock.py":
            continue
        found += [
            f"{file}:{node.lineno}"
            for node in ast.walk(ast.parse(file.read_text("utf-8")))
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Attribute)
                and isinstance(node.func.value, ast.Name)
                and (node.func.value.id, node.func.attr) in FORBIDDEN
            )
        ]
    assert found == []
