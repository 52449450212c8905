"""The calendar plugin on calendars that other people's programs wrote."""

from __future__ import annotations

import importlib.util
import os
import sys
import time
import warnings
from collections import Counter
from datetime import UTC, date, datetime
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


SPANS = [(1995, 1998), (2003, 2006), (2007, 2010), (2012, 2015), (2020, 2023), (2025, 2027)]
UNREADABLE = {
    "has an event without DTSTART": {
        "invalid-0.ics",
        "valid-mansour.ics",
        "broken_ical.ics",
        "created_calendar_with_unicode_fields.ics",
        "event_with_escaped_character1.ics",
        "event_with_escaped_character3.ics",
        "event_with_escaped_characters.ics",
        "issue_100_transformed_doctests_into_unittests.ics",
        "issue_1050_uid_in_description.ics",
        "issue_1561_image_value.ics",
        "issue_322_expected_calendar.ics",
        "issue_355_url_escaping_empty_param.ics",
        "issue_64_event_with_ascii_summary.ics",
        "issue_64_event_with_non_ascii_summary.ics",
        "issue_798_related_to.ics",
        "issue_82_expected_output.ics",
        "rfc_6868.ics",
        "rfc_7265_request_status.ics",
        "rfc_7986_image.ics",
        "rfc_9253_related_to.ics",
    },
    "has a time that is none": {
        "invalid-phpicalendar_sample.ics",
        "invalid-twinkle.ics",
        "issue_1081_invalid_start_valid_end.ics",
        "issue_464_invalid_rdate.ics",
        "multiple_timezones.ics",
        "parsing_error.ics",
    },
    "has a rule that is none": {
        "invalid-smallcluster.ics",
        "issue_1081_invalid_rrule_freq.ics",
        "issue_165_missing_event.ics",
    },
    "has a line that is none": {
        "Index_Error.ics",
        "fuzz_testcase_vtimezone_lone_cr.ics",
        "issue_104_broken_calendar.ics",
    },
    "has two DTSTART in an event": {
        "america_new_york.ics",
        "america_new_york_forward_reference.ics",
        "pacific_fiji.ics",
    },
}
"""The files that icalendar and recurring-ical-events alone read not at all, for one bad event."""
FRIDAYS_THE_13TH = [
    datetime(year, month, 13, 9, tzinfo=ZoneInfo("US/Eastern")).astimezone(UTC)
    for first, last in SPANS
    for year in range(first, last)
    for month in range(1, 13)
    if date(year, month, 13).weekday() == 4 and date(year, month, 13) > date(1997, 9, 2)
]
DIFFERENT = {
    # (what the library alone has, what the plugin alone has)
    "basic.ics": ([], [datetime(2022, 8, 3, 22, tzinfo=UTC)]),
    "valid-classify.ics": ([datetime(1997, 7, 1, 20, tzinfo=UTC)], []),
    "valid-friday13-NOT.ics": (FRIDAYS_THE_13TH, []),
}
"""Where the two differ, and the plugin is right: a rule of times until a day includes that day, two
revisions of one event are one event, and an EXRULE leaves every Friday the 13th out."""


def start_and_end(event: icalendar.Event) -> tuple[datetime, datetime]:
    """Return when an event of the library begins and ends, in UTC."""
    moments = []
    for name in ("DTSTART", "DTEND"):
        moment = event[name].dt
        if not isinstance(moment, datetime):
            moment = datetime.combine(moment, datetime.min.time())
        moments.append((moment if moment.tzinfo else moment.replace(tzinfo=PARIS)).astimezone(UTC))
    return moments[0], moments[1]


def expanded_by_the_library(path: Path) -> list[Counter] | None:
    """Return the occurrences of each span as the library alone reads the file, if it does."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        icalendar.use_zoneinfo()
        try:
            parsed = icalendar.Calendar.from_ical(path.read_bytes(), multiple=True)
            queries = [recurring_ical_events.of(calendar) for calendar in parsed]
            return [
                Counter(
                    start_and_end(event)
                    for query in queries
                    for event in query.between(
                        datetime(first, 1, 1, tzinfo=UTC).astimezone(PARIS),
                        datetime(last, 1, 1, tzinfo=UTC).astimezone(PARIS),
                    )
                )
                for first, last in SPANS
            ]
        except (ValueError, KeyError, AttributeError, TypeError):
            return None


def starts(difference: Counter) -> list[datetime]:
    return [start for start, _ in sorted(difference.elements())]


@parametrized(FILES)
def test_occurrences_agree_with_the_library(path):
    expected = expanded_by_the_library(path)
    assert (expected is None) is any(path.name in names for names in UNREADABLE.values())
    missing, more = [], []
    for (first, last), theirs in zip(SPANS, expected or [], strict=bool(expected)):
        window = Window(datetime(first, 1, 1, tzinfo=UTC), datetime(last, 1, 1, tzinfo=UTC))
        found = fetch(path, window)
        ours = Counter((e.start, e.end) for e in found if isinstance(e, CalendarEvent))
        missing += starts(theirs - ours)
        more += starts(ours - theirs)
    assert (missing, more) == DIFFERENT.get(path.name, ([], []))


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
