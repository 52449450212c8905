from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

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


ME = frozenset({"me@example.org"})
ADDRESS = {"emails": ("me@example.org",)}


def guests(**answers) -> tuple[Attendee, ...]:
    return tuple(
        Attendee(email=f"{name}@example.org", status=said) for name, said in answers.items()
    )


def met(uid, *attendees, **more):
    start = NOW - timedelta(hours=24)
    return CalendarEvent(
        uid=uid, title=uid, start=start, end=start + timedelta(hours=1), attendees=attendees, **more
    )


@pytest.mark.parametrize(
    ("event", "there"),
    [
        (met("e", *guests(ann="accepted")), True),
        (met("e", *guests(ann="accepted", me="accepted")), True),
        (met("e", *guests(ann="needs-action")), True),
        (met("e", *guests(ann="accepted"), busy=False), True),
        (met("e", *guests(ann="declined", bo="accepted")), False),
        (met("e", *guests(ann="accepted", me="declined")), False),
        (met("e", *guests(ann="accepted"), status="cancelled"), False),
        (met("e", *guests(ann="accepted"), status="tentative"), False),
        (met("e", *guests(ann="accepted"), all_day=True), False),
        (met("e"), False),
    ],
)
def test_what_is_a_meeting(db, event, there):
    sync(db, Person(uid="ann", name="Ann", emails=("ann@example.org",)), event)
    [ann] = life.people(db, 1, NOW, ME)
    assert bool(ann.meetings) is there


@pytest.mark.parametrize(
    ("organizer", "answers", "others", "own"),
    [
        ("", {"ann": "accepted"}, 1, True),
        ("", {"ann": "accepted", "me": "accepted"}, 1, True),
        ("me@example.org", {"ann": "accepted", "bo": "tentative", "cy": "declined"}, 2, True),
        ("Me@Example.org", {"ann": "accepted", "me": "accepted"}, 1, True),
        ("bo@example.org", {"ann": "accepted", "me": "accepted"}, 2, False),
        ("ann@example.org", {"ann": "accepted", "me": "needs-action"}, 1, False),
        ("bo@example.org", {"ann": "accepted", "bo": "declined"}, 1, False),
    ],
)
def test_who_else_was_there_and_who_had_called_them(db, organizer, answers, others, own):
    event = met("e", *guests(**answers), organizer=organizer, series="s")
    sync(db, Person(uid="ann", name="Ann", emails=("ann@example.org",)), event)
    [ann] = life.people(db, 1, NOW.astimezone(ZoneInfo("Asia/Tokyo")), ME)
    [meeting] = ann.meetings
    assert (meeting.others, meeting.own, meeting.series) == (others, own, "s")
    assert (meeting.at, meeting.at.hour) == (event.start, 17)
    assert db.value("SELECT uid FROM records WHERE id = ?", (meeting.record,)) == "e"


def test_the_users_own_card_is_the_user_and_names_the_family(db):
    def person(name, *related, **more):
        return Person(uid=name, name=name, related=related, **more)

    sync(
        db,
        person(
            "Mia Poe", "spouse: Bo Poe", "friend, colleague: Cy", "manager: Nobody", "Di", **ADDRESS
        ),
        person("Bo Poe"),
        person("Cy Lee", groups=("Chess",)),
        person("Eva Poe", "parent: Mia Poe", "spouse: Bo Poe"),
        person("Fay", "friend: Gus"),
    )
    told = {row.name: (row.relations, row.is_user) for row in life.people(db, 1, NOW, ME)}
    assert told == {
        "Mia Poe": ((), True),
        "Bo Poe": (("spouse",), False),
        "Cy Lee": (("colleague", "friend"), False),
        # Whose parent the user is, is the user's child.
        "Eva Poe": (("child",), False),
        "Fay": ((), False),
    }
    # Nobody is the user, as far as is known: a card then speaks of its own person alone.
    assert not any(row.relations or row.is_user for row in life.people(db, 1, NOW))


def test_a_name_that_two_may_bear_is_nobodys(db):
    sync(
        db,
        Person(uid="me", name="Me", related=("friend: Ann", "spouse: Bo"), **ADDRESS),
        *(Person(uid=name, name=name) for name in ("Ann Lee", "Ann Poe", "Bo", "Bo Poe")),
    )
    told = {row.name: row.relations for row in life.people(db, 1, NOW, ME)}
    assert {name for name, relations in told.items() if relations} == {"Bo"}


@pytest.mark.parametrize("about", ['{"emails": 3, "related": {"a": 1}, "groups": "x"}', "[]", "no"])
def test_people_made_elsewhere_are_read_with_tolerance(db, about):
    with db.transaction():
        db.insert("entities", profile_id=1, entity_type="person", name="X", metadata=about)
    [row] = life.people(db, 1, NOW, ME)
    assert (row.relations, row.groups, row.is_user) == ((), (), False)


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
        Task(uid="4", title="read", project="book", status="missed", due=NOW),
    )
    [book] = life.projects(db, 1)
    assert (book.name, book.priority, book.deadline) == ("Book", 0.8, due)
    assert [(step.text, step.done, step.completed) for step in book.steps] == [
        ("write", False, False),
        ("plan", True, True),
        ("drop", True, False),
        ("read", True, False),
    ]
    assert [step.text for step in book.steps if step.missed] == ["read"]
    assert (book.steps[0].due, book.steps[0].estimate_min) == (due, 90.0)
    assert [one.name for one in life.projects(db, 1, active=False)] == ["Book", "Old"]
    assert life.projects(db, 2, active=False) == []


def test_a_step_has_all_that_its_task_tells(db):
    sync(
        db,
        Task(
            uid="1",
            title="Run",
            due=NOW,
            spent_min=25,
            progress=0.5,
            recurrence="1d",
            series="run",
            rescheduled=3,
        ),
    )
    [project] = life.projects(db, 1)
    [step] = project.steps
    assert (step.spent_min, step.progress) == (25.0, 0.5)
    assert (step.recurrence, step.series, step.rescheduled) == ("1d", "run", 3)


def test_steps_made_elsewhere_tell_nothing_more(db):
    with db.transaction():
        db.insert("workflows", profile_id=1, name="X", workflow_type="habit", status="active")
        for status, about in (("completed", None), ("Missed", '{"spent_min": "long"}')):
            db.insert(
                "workflow_steps",
                workflow_id=1,
                description="x",
                status=status,
                due_date="2026-03-01",
                metadata=about,
            )
    [project] = life.projects(db, 1)
    assert [(one.completed, one.missed, one.spent_min) for one in project.steps] == [
        (True, False, None),
        (False, True, None),
    ]
    [habit] = life.habits(db, 1)
    assert len(habit.done) == len(habit.missed) == 1


def test_habits_have_their_hits_and_misses_by_day(db):
    midnight = datetime(2026, 3, 1, tzinfo=UTC)

    def run(day, status, **more):
        due = midnight + timedelta(days=day)
        return Task(
            uid=f"r/{day}", title="Run", series="r", recurrence="1d", status=status, due=due, **more
        )

    sync(
        db,
        Project(uid="r", name="Run", kind="habit", status="abandoned"),
        Project(uid="+p", name="No times yet", kind="habit"),
        run(3, "done", completed_at=midnight + timedelta(days=2, hours=21)),
        run(1, "done", completed_at=midnight + timedelta(hours=7)),
        run(2, "missed"),
        run(4, "open"),
        run(5, "cancelled"),
        Task(uid="t", title="no habit", status="missed", due=NOW),
    )
    [habit] = life.habits(db, 1)
    assert (habit.name, habit.recurrence) == ("Run", "1d")
    assert [at.day for at in habit.done] == [1, 3]
    assert [at.date() for at in habit.missed] == [(midnight + timedelta(days=1)).date()]
    assert life.habits(db, 2) == []


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
