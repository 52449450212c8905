from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twind.model import Attendee, CalendarEvent, Person, Project, Task
from twind.store import life, profiles, records

NOW = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
WINDOW = (NOW - timedelta(days=100), NOW + timedelta(days=100))
ANN = Attendee(email="Ann@example.org", status="accepted")


def event(uid, hours, **more):
    start = NOW + timedelta(hours=hours)
    return CalendarEvent(
        uid=uid, title=uid, start=start, end=start + timedelta(hours=1), attendees=(ANN,), **more
    )


def sync(db, *fetched, profile_id=1, source="test"):
    records.apply(db, profile_id, source, fetched, WINDOW)


def test_contacts_are_the_meetings_that_have_been(db):
    sync(
        db,
        Person(uid="ann", name="Ann", emails=("ann@example.org",)),
        event("long ago", -48),
        event("yesterday", -24),
        event("called off", -12, status="cancelled"),
        event("tomorrow", 24),
    )
    [ann] = life.people(db, 1, NOW)
    assert [NOW - at for at in ann.contacts] == [timedelta(hours=48), timedelta(hours=24)]
    assert life.people(db, 2, NOW) == []


def test_events_are_those_that_overlap(db):
    sync(db, event("before", -3), event("over", -0.5), event("in", 1), event("after", 2))
    found = life.events(db, 1, NOW, NOW + timedelta(hours=2))
    assert [one.title for one in found] == ["over", "in"]
    assert life.events(db, 2, NOW, NOW + timedelta(hours=2)) == []


@pytest.mark.parametrize(
    ("more", "takes"),
    [({}, True), ({"busy": False}, False), ({"status": "cancelled"}, False)],
)
def test_what_takes_time(db, more, takes):
    sync(db, event("one", 1, **more))
    [one] = life.events(db, 1, *WINDOW)
    assert one.takes_time is takes


def test_projects_come_with_their_steps(db):
    due = NOW + timedelta(days=2)
    sync(
        db,
        Project(uid="book", name="Book", priority=0.8, deadline=due),
        Project(uid="old", name="Old", status="completed"),
        Task(uid="1", title="write", project="book", due=due, estimate_min=90, contexts=("home",)),
        Task(uid="2", title="plan", project="book", status="done", completed_at=NOW),
        Task(uid="3", title="drop", project="book", status="cancelled"),
    )
    [book] = life.projects(db, 1)
    assert (book.name, book.priority, book.deadline) == ("Book", 0.8, due)
    assert [(step.text, step.done, step.completed) for step in book.steps] == [
        ("write", False, False),
        ("plan", True, True),
        ("drop", True, False),
    ]
    assert (book.steps[0].due, book.steps[0].estimate_min) == (due, 90.0)
    assert [one.name for one in life.projects(db, 1, active=False)] == ["Book", "Old"]
    assert life.projects(db, 2, active=False) == []


@pytest.mark.parametrize(
    ("priority", "read"), [("High", 0.8), ("3", 3.0), (None, None), ("?", None), (float(5), 5.0)]
)
def test_workflows_made_elsewhere_are_read_with_tolerance(db, priority, read):
    about = json.dumps({"priority": priority, "progress": "half", "deadline_days": "4"})
    with db.transaction():
        db.insert("workflows", profile_id=1, name="X", workflow_type="", status="active")
        db.execute("UPDATE workflows SET metadata = ?", (about,))
    [found] = life.projects(db, 1)
    assert (found.priority, found.progress, found.deadline_days) == (read, None, 4.0)
    assert found.kind == "project"


@given(st.one_of(st.none(), st.text(), st.binary(), st.floats(), st.integers()))
def test_any_value_reads_as_a_time_and_a_number_or_as_none(value):
    moment, number = life.read_time(value), life.read_number(value)
    assert moment is None or moment.tzinfo is UTC
    assert number is None or abs(number) < 1e12


def test_a_profile_is_empty_until_it_holds_something_of_its_own(db):
    profiles.ensure(db, 2)
    sync(db, Person(uid="ann", name="Ann"), profile_id=2)
    assert life.is_empty(db, 1)
    assert not life.is_empty(db, 2)
