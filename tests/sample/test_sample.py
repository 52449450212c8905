"""The sample life is a good life on any day, in any zone."""

from __future__ import annotations

import tomllib
from datetime import date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import icalendar
import pytest
import recurring_ical_events
import vobject
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pytodotxt import TodoTxt

from twind import sample
from twind.home import Home
from twind.settings import load

BERLIN = ZoneInfo("Europe/Berlin")
TODAYS = st.dates(date(2024, 1, 1), date(2032, 12, 31))
ZONES = st.sampled_from(
    ["Europe/Berlin", "UTC", "America/New_York", "Pacific/Auckland", "Asia/Kolkata"]
)
each_day = settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def occurrences(folder, today, zone):
    """Return (start, end, event) of all timed events seven weeks back and four ahead, sorted."""
    calendar = icalendar.Calendar.from_ical((folder / "calendar.ics").read_bytes())
    found = recurring_ical_events.of(calendar).between(
        today - timedelta(weeks=9), today + timedelta(weeks=5)
    )
    return sorted(
        (
            (event.start.astimezone(zone), event.end.astimezone(zone), event)
            for event in found
            if isinstance(event.start, datetime)
        ),
        key=lambda item: item[:2],
    )


def ours(event):
    """Return what Ada said to an event that others take part in."""
    attendees = event.get("attendee", [])
    attendees = attendees if isinstance(attendees, list) else [attendees]
    return next((a.params["PARTSTAT"] for a in attendees if "ada@" in a), None)


@each_day
@given(today=TODAYS, zone=ZONES.map(ZoneInfo))
def test_no_two_things_at_once_and_none_at_night(tmp_path, today, zone):
    sample.write(tmp_path, today, zone)
    attended = [one for one in occurrences(tmp_path, today, zone) if ours(one[2]) != "DECLINED"]
    assert len(attended) > 100
    for (_, end, before), (start, _, after) in pairwise(attended):
        assert end <= start, (before["summary"], after["summary"], start)
    assert all(start.hour >= 7 and end.hour < 22 for start, end, _ in attended)
    assert attended[0][0].date() < today - timedelta(days=41)
    assert attended[-1][0].date() > today + timedelta(days=13)


@each_day
@given(today=TODAYS)
def test_the_configuration_is_one_twind_reads(tmp_path, today):
    sample.write(tmp_path, today, BERLIN)
    configuration = load(Home.under(tmp_path))
    assert configuration.profile.timezone == "Europe/Berlin"
    assert len(configuration.profile.emails) == 2
    for name in ("calendar", "tasks", "contacts"):
        assert (tmp_path / configuration.plugins.section(name)["paths"][0]).is_file()


@each_day
@given(today=TODAYS)
def test_every_task_reads_and_projects_are_as_told(tmp_path, today):
    sample.write(tmp_path, today, BERLIN)
    tasks = TodoTxt(tmp_path / "todo.txt").parse()
    assert "{" not in (tmp_path / "todo.txt").read_text()
    projects = {project for task in tasks for project in task.projects}
    assert projects == {
        "Abernathy_cabinet",
        "Captain's_bench",
        "Taxes",
        "Learn_Portuguese",
        "Chair_book",
    }
    for task in tasks:
        assert task.creation_date <= today
        if task.is_completed:
            assert task.creation_date <= task.completion_date < today
        else:
            assert all(date.fromisoformat(due) > today for due in task.attributes.get("due", ())), (
                task
            )
    assert {"rec", "t", "due", "est"} <= {key for task in tasks for key in task.attributes}


@each_day
@given(today=TODAYS)
def test_twenty_people_of_differing_closeness(tmp_path, today):
    sample.write(tmp_path, today, BERLIN)
    cards = list(vobject.readComponents((tmp_path / "contacts.vcf").read_text()))
    assert len(cards) == 20
    assert len({card.fn.value for card in cards}) == 20
    assert all(date.fromisoformat(c.bday.value) < today for c in cards if hasattr(c, "bday"))
    emails = {e.value: card.fn.value for card in cards for e in card.contents.get("email", ())}
    met = {}
    for start, _, event in occurrences(tmp_path, today, BERLIN):
        attendees = event.get("attendee", [])
        for guest in attendees if isinstance(attendees, list) else [attendees]:
            address = guest.removeprefix("mailto:")
            assert address in emails or "ada@" in address
            if start.date() < today:
                met.setdefault(emails.get(address), []).append((today - start.date()).days)
    assert len(met["Noor Haddad"]) >= 10
    assert min(met["Birgit Holm"]) >= 43
    assert len(set(emails.values()) - set(met)) >= 1


def test_a_declined_a_tentative_and_days_that_do_and_do_not_block(tmp_path):
    sample.write(tmp_path, date(2026, 3, 5), BERLIN)
    calendar = icalendar.Calendar.from_ical((tmp_path / "calendar.ics").read_bytes())
    replies = {ours(event) for event in calendar.events}
    assert {"DECLINED", "TENTATIVE", "ACCEPTED"} <= replies
    whole_days = {e["transp"] for e in calendar.events if not isinstance(e.start, datetime)}
    assert whole_days == {"OPAQUE", "TRANSPARENT"}
    assert any("exdate" in event for event in calendar.events)
    assert any("recurrence-id" in event for event in calendar.events)


def test_overrides_move_the_occurrence_they_name(tmp_path):
    today = date(2026, 3, 5)
    sample.write(tmp_path, today, BERLIN)
    swims = [
        start
        for start, _, event in occurrences(tmp_path, today, BERLIN)
        if event["summary"] == "Swim with Noor"
    ]
    assert [f"{at:%H:%M}" for at in swims if at.date() == today] == ["07:30"]
    assert not any(date(2026, 1, 26) <= at.date() <= date(2026, 1, 31) for at in swims)


def test_writing_again_gives_the_same_life(tmp_path):
    for name in ("one", "two"):
        sample.write(tmp_path / name, date(2028, 2, 29), BERLIN)
    for file in ("twind.toml", "calendar.ics", "todo.txt", "contacts.vcf"):
        assert (tmp_path / "one" / file).read_bytes() == (tmp_path / "two" / file).read_bytes()
    assert tomllib.loads((tmp_path / "one/twind.toml").read_text())["training"] == {
        "enabled": False
    }


@pytest.mark.parametrize(
    ("options", "taken"),
    [
        (["An uninterrupted morning at the bench", "Three meetings with the spreadsheet"], 0),
        (["Go to a crowded networking party", "Walk with a friend"], 1),
        (["Blue", "Green"], None),
        (["Walk", "A walk"], None),
        ([], None),
    ],
)
def test_ada_takes_what_draws_her_and_skips_what_leaves_her_cold(options, taken):
    assert sample.choose("What would you rather do?", options) == taken


@pytest.mark.parametrize(
    ("question", "options", "taken"),
    [
        ("Thursday is free. Birgit Holm or “Taxes”?", ["Birgit Holm", "“Taxes”", "Neither"], 0),
        ("How does “Taxes” look to you?", ["I would rather clean the windows", "A whole day"], 0),
        ("How does “Wax” look to you?", ["A whole day", "An hour of it would be fine"], 1),
    ],
)
def test_ada_has_opinions_of_her_own_life(question, options, taken):
    assert sample.choose(question, options) == taken


def test_no_opinion_is_hidden_behind_an_earlier_one():
    told = [opinion.question.casefold() for opinion in sample.answers()]
    assert len(told) >= 12
    assert not any(earlier in later for n, later in enumerate(told) for earlier in told[:n])
