"""The calendar plugin on calendars that other people's programs wrote."""

from __future__ import annotations

import importlib.util
import os
import sys
import time
import warnings
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import icalendar
import pytest
import recurring_ical_events

from twind.api import CalendarEvent, Context, RecordError, Window
from twind.home import bundled

spec = importlib.util.spec_from_file_location(
    "calendar_plugin_corpus", bundled("plugins") / "calendar.py"
)
plugin = importlib.util.module_from_spec(spec)
sys.modules["calendar_plugin_corpus"] = plugin
spec.loader.exec_module(plugin)

CORPUS = Path(
    os.environ.get("TWIND_CORPUS") or Path(__file__).resolve().parents[3] / "shared" / "corpus"
)
FILES = sorted(path for path in (CORPUS / "ics").rglob("*") if path.is_file())
PRIVATE = CORPUS / "ics" / "recurring-ical-events"
WIDE = Window(datetime(1950, 1, 1, tzinfo=UTC), datetime(2045, 1, 1, tzinfo=UTC))
PARIS = ZoneInfo("Europe/Paris")
EMPTY = {
    "bom_calendar.ics",
    "empty_RDATE.ics",
    "issue_27_multiple_periods_in_freebusy_multiple_freebusies.ics",
    "rfc_7265_example_1.ics",
    "rfc_7953_3.ics",
    "time.ics",
    "valid-3.ics",
    "valid-Casablanca.ics",
    "valid-rfc5545-sec3.6.2.ics",
    "valid-rfc5545-sec3.6.4.ics",
    "valid-rfc5545-sec3.6.6.ics",
    "valid-rfc5545-sec4.4.ics",
}
"""Read by eye: no event in them, or none that happens. Everything else says something."""

pytestmark = pytest.mark.skipif(
    not FILES, reason=f"no corpus at {CORPUS}; set TWIND_CORPUS to a folder with ics/ in it"
)


def fetch(path: Path, window: Window, zone: ZoneInfo = PARIS) -> list:
    ctx = Context(
        settings=plugin.CalendarSettings(paths=[path]),
        window=window,
        now=datetime(2026, 11, 23, tzinfo=UTC),
        timezone=zone,
    )
    return list(plugin.Calendar().fetch(ctx))


def parametrized(files: list[Path]):
    return pytest.mark.parametrize("path", files, ids=[path.name for path in files])


@parametrized(FILES)
def test_every_file_speaks_and_soon(path):
    begun = time.process_time()
    year = Window(datetime(2026, 1, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC))
    fetch(path, year)
    assert time.process_time() - begun < 5
    # Half a century of a thousand birthdays is beside the point.
    decade = Window(datetime(1995, 1, 1, tzinfo=UTC), datetime(2008, 1, 1, tzinfo=UTC))
    found = fetch(path, decade if path.stat().st_size > 300_000 else WIDE)
    uids = [item.uid for item in found if isinstance(item, CalendarEvent)]
    assert len(set(uids)) == len(uids)
    assert all(error.uid and error.reason for error in found if isinstance(error, RecordError))
    assert bool(found) is (path.name not in EMPTY)


def readable() -> list[Path]:
    """The files that the library alone can read and expand."""
    names = ("galaxy", "recurring-ical-events")
    files = [path for path in FILES if path.parent.name in names]
    return files + [path for path in FILES if path.name.startswith("valid-")]


@parametrized(readable())
def test_occurrences_agree_with_the_library(path):
    start, end = datetime(2004, 1, 1, tzinfo=UTC), datetime(2006, 1, 1, tzinfo=UTC)
    if path.parent.name != "ical4j":
        start, end = datetime(2020, 9, 1, tzinfo=UTC), datetime(2023, 6, 1, tzinfo=UTC)
    found = fetch(path, Window(start, end))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        icalendar.use_zoneinfo()
        try:
            parsed = icalendar.Calendar.from_ical(path.read_bytes(), multiple=True)
            expected = [
                event
                for calendar in parsed
                for event in recurring_ical_events.of(calendar).between(
                    start.astimezone(PARIS), end.astimezone(PARIS)
                )
            ]
        except (ValueError, KeyError, AttributeError) as error:
            pytest.skip(f"the library alone cannot read it: {error}"[:120])
    # A series refused whole stands for as many as the library finds in it.
    refused = {item.uid for item in found if isinstance(item, RecordError)}
    expected = [event for event in expected if str(event.get("UID")) not in refused]
    ours = sorted(item.start for item in found if isinstance(item, CalendarEvent))
    assert len(ours) == len(expected)


def test_a_month_of_the_organisations_calendar():
    [path] = (CORPUS / "ics" / "galaxy").glob("*.ics")
    month = Window(datetime(2023, 3, 1, tzinfo=UTC), datetime(2023, 4, 1, tzinfo=UTC))
    found = fetch(path, month, ZoneInfo("UTC"))
    assert all(isinstance(item, CalendarEvent) for item in found)
    assert len(found) == 19
    assert sum(bool(item.series) for item in found) == 16
    [days] = [item for item in found if item.all_day]
    assert (days.title, days.start.day, days.end.day) == ("Galaxy Team Meeting", 21, 25)
    assert not days.busy
    # One of its three meetings was moved with the clocks: 16:00 in Berlin is earlier in UTC.
    meetings = sorted(item.start for item in found if item.title == "backend group meeting")
    assert [(start.day, start.hour) for start in meetings] == [(7, 15), (21, 15), (28, 14)]
