"""What is proposed for the days around one, and what it leaves to propose."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twind import overtaken
from twind.model import Attendee, CalendarEvent, Person, Project, Target, Task
from twind.rl import standing
from twind.rl.pipeline import DataPipeline
from twind.rl.snapshot import shortlist
from twind.rl.spaces import PROJECTS
from twind.settings import parse
from twind.store import life, records

TODAY = date(2026, 3, 2)
STATUS = ("pending", "accepted", "rejected", "ignored")


def made(proposal, day, status="pending", target=None, minutes=60, step=None):
    start = datetime(day.year, day.month, day.day, 18, tzinfo=UTC)
    one = proposal(start, status=status, target=target, duration_min=minutes)
    one.details.update({} if step is None else {"step": step})
    return one


@pytest.mark.parametrize("status", STATUS)
@pytest.mark.parametrize("away", [-2, -1, 0, 1, 2])
def test_what_stands_for_the_day_before_and_after_is_around_a_day(proposal, status, away):
    one = made(proposal, TODAY + timedelta(days=away), status)
    expected = [one] if abs(away) == 1 and status in {"pending", "accepted"} else []
    assert standing.around([one], TODAY) == expected


@given(
    st.lists(
        st.tuples(
            st.integers(-3, 6), st.sampled_from(STATUS), st.sampled_from([30, 60, 90]),
            st.none() | st.integers(1, 3),
        )
    ),
    st.integers(0, 2),
)  # fmt: skip
def test_hours_are_taken_by_what_waits_around_a_day_and_what_is_accepted_from_today_on(
    proposal, told, ahead
):
    day = TODAY + timedelta(days=ahead)
    every = [
        made(proposal, TODAY + timedelta(days=away), status, None, minutes, step)
        for away, status, minutes, step in told
    ]
    expected = {}
    for away, status, minutes, step in told:
        counts = status == "accepted" and away >= 0
        counts |= status == "pending" and abs(away - ahead) == 1
        if step and counts and away != ahead:
            expected[step] = expected.get(step, 0.0) + minutes / 60
    assert standing.hours_taken(every, day, TODAY) == expected


@pytest.mark.parametrize(
    ("why", "seen"),
    [(None, True), (standing.CHANGED, True), (overtaken.TAKEN, False), (overtaken.DONE, False)],
)
def test_what_was_overtaken_was_never_the_users_to_answer_and_may_come_again(proposal, why, seen):
    one = made(proposal, TODAY, "ignored")
    one.details.update({} if why is None else {"withdrawn": why})
    assert standing.was_seen(one) is seen


@pytest.fixture
def known(db, clock):
    """The pipeline over three friends, one of whom comes to dinner tomorrow, and some tasks."""
    dinner = clock.now() + timedelta(days=1, hours=11)
    due = clock.now() + timedelta(days=2)
    guests = (Attendee(email="ada@x.org", status="accepted"),)
    records.apply(
        db,
        1,
        "test",
        [
            *(Person(uid=n, name=n.title(), emails=(f"{n}@x.org",)) for n in ("ada", "bo", "cy")),
            CalendarEvent(
                uid="e",
                title="Dinner with Ada",
                start=dinner,
                end=dinner + timedelta(hours=2),
                attendees=guests,
            ),
            Task(uid="cat", title="Get cat food", due=due),
            Task(uid="call", title="Phone the bank", due=due + timedelta(days=9)),
            Project(uid="p", name="Thesis", deadline=due),
            Task(uid="t", title="Write", project="p", due=due, estimate_min=240),
        ],
        (clock.now() - timedelta(days=30), clock.now() + timedelta(days=30)),
    )
    return DataPipeline(db, parse({"profile": {"timezone": "UTC"}}), clock)


def test_who_is_in_the_calendar_or_asked_already_is_not_asked_again(proposal, known):
    snapshot = known.snapshot(1)
    shown = shortlist(snapshot).people
    rows = {snapshot.people[place].name: 1 + PROJECTS + row for row, place in enumerate(shown)}
    [bo] = [person.id for person in snapshot.people if person.name == "Bo"]
    asked = made(proposal, TODAY, target=Target(kind="person", id=bo, name="Bo"))
    gone = made(proposal, TODAY, target=Target(kind="person", id=4711, name="Gone"))
    assert standing.barred(snapshot, 0, []) == set()
    assert standing.barred(snapshot, 1, []) == {rows["Ada"]}
    assert standing.barred(snapshot, 1, [asked, gone]) == {rows["Ada"], rows["Bo"]}


def test_a_step_that_is_proposed_for_today_is_as_good_as_done_tomorrow(known):
    snapshot = known.snapshot(1)
    steps = {s.text: s.id for one in life.projects(known.store, 1) for s in one.steps}
    same, done = known.ahead(snapshot, {})
    assert (same, done) == (snapshot, frozenset())
    ahead, done = known.ahead(snapshot, {steps["Get cat food"]: 0.5, 4711: 1.0})
    assert done == {steps["Get cat food"]}
    odd, thesis = sorted(ahead.projects, key=lambda one: one.name == "Thesis")
    before = {one.id: one for one in snapshot.projects}
    # What is left is the next of them, and not due so soon.
    assert odd.remaining_h > 0.0
    assert odd.deadline_h > before[odd.id].deadline_h + 8 * 24
    assert thesis == before[thesis.id]


def test_of_a_long_step_only_what_is_proposed_is_as_good_as_done(known):
    snapshot = known.snapshot(1)
    steps = {s.text: s.id for one in life.projects(known.store, 1) for s in one.steps}
    [thesis] = [one for one in snapshot.projects if one.name == "Thesis"]
    for hours, left in ((2.0, 2.4), (4.0, 0.8), (5.0, 0.0)):
        ahead, done = known.ahead(snapshot, {steps["Write"]: hours})
        [then] = [one for one in ahead.projects if one.id == thesis.id]
        assert then.remaining_h == pytest.approx(left)
        assert bool(done) is (left == 0.0)
