"""Proposals whose time is taken, or whose work is done, before anybody has said yes to them."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from twind import overtaken
from twind.model import CalendarEvent, Feedback, Project, Target, Task
from twind.overtaken import DONE, TAKEN
from twind.sentences import beginning
from twind.store import life, proposals, records


def task(uid, title, status="open"):
    return Task(uid=uid, title=title, project="a", status=status)


LINES = [
    Project(uid="a", name="Alpha"),
    task("a1", "Write report"),
    task("a2", "Send it"),
    Project(uid="b", name="Beta"),
]


@pytest.fixture
def sync(db, clock):
    """Bring the database up to these records of a source."""

    def apply(*fetched):
        window = (clock.now() - timedelta(days=9), clock.now() + timedelta(days=9))
        records.apply(db, 1, "test", fetched, window)

    return apply


@pytest.fixture
def propose(db, clock, proposal):
    """Propose an hour of a project from its first open step on; return its row."""

    def keep(name=None, hours=2):
        [project] = [one for one in life.projects(db, 1) if one.name == name] or [None]
        target = project and Target(kind="project", id=project.id, name=project.name)
        made = proposal(clock.now() + timedelta(hours=hours), action="work", target=target)
        steps = [] if project is None else [step for step in project.steps if not step.done]
        if steps:
            made.details["step"] = steps[0].id
            made = replace(made, text=f"Work on “{name}” for an hour{beginning(steps[0].text)}")
        [row] = proposals.add(db, 1, [made], {})
        return row

    return keep


def withdrawn(db, row):
    overtaken.withdraw(db, 1)
    one = proposals.get(db, 1, row)
    assert one.status == ("ignored" if "withdrawn" in one.details else "pending")
    return one.details.get("withdrawn")


@pytest.mark.parametrize(
    ("then", "why"),
    [
        (LINES, None),
        ([*LINES, task("a3", "Print it")], None),
        ([*LINES, task("a2", "Send it", "done")], None),
        ([*LINES, task("a1", "Write report", "done")], DONE),
        ([*LINES, task("a1", "Write report", "cancelled")], DONE),
        ([LINES[0], *LINES[2:]], DONE),
        ([LINES[0], *LINES[2:], task("moved", "Write report")], None),
        ([LINES[0], *LINES[2:], task("moved", "Write another report")], DONE),
        (LINES[3:], DONE),
        ([*LINES, Project(uid="a", name="Alpha", status="done")], DONE),
    ],
    ids=[
        "as it was",
        "another step",
        "another step done",
        "done",
        "given up",
        "line gone",
        "line moved",
        "line changed",
        "project gone",
        "project done",
    ],
)
def test_what_is_done_or_gone_is_no_longer_proposed(db, sync, propose, then, why):
    sync(*LINES)
    row = propose("Alpha")
    sync(*{one.uid: one for one in then}.values())
    assert withdrawn(db, row) == why


def test_a_project_without_steps_is_worked_on_as_a_whole(db, sync, propose):
    sync(*LINES)
    row = propose("Beta")
    assert withdrawn(db, row) is None
    beta = Task(uid="b1", title="All of it", project="b", status="done")
    sync(*LINES, beta)
    assert withdrawn(db, row) == DONE


@pytest.mark.parametrize(
    ("hours", "more", "why"),
    [
        (2.5, {}, TAKEN),
        (3, {}, None),
        (2.5, {"busy": False}, None),
        (2.5, {"status": "cancelled"}, None),
    ],
)
def test_an_event_that_takes_time_takes_that_of_a_proposal(
    db, clock, sync, propose, hours, more, why
):
    row = propose()
    start = clock.now() + timedelta(hours=hours)
    end = start + timedelta(hours=1)
    sync(CalendarEvent(uid="e", title="Funeral", start=start, end=end, **more))
    assert withdrawn(db, row) == why


def test_what_was_accepted_stands_and_what_is_over_was_left_unanswered(db, clock, sync, propose):
    sync(*LINES)
    accepted, over = propose("Alpha"), propose("Alpha", hours=-2)
    proposals.review(db, 1, Feedback(proposal_id=accepted, action="accept", at=clock.now()))
    sync(*LINES[3:])
    overtaken.withdraw(db, 1)
    assert proposals.get(db, 1, accepted).status == "accepted"
    assert proposals.expire(db, 1, clock.now()) == 1
    assert "withdrawn" not in proposals.get(db, 1, over).details
