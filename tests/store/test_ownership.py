"""What a word does at once: proposals stop citing it, and those that rested on it are withdrawn."""

from __future__ import annotations

import json
from datetime import date, timedelta

import pytest

from twind.errors import NotFoundError
from twind.model import CalendarEvent, Person, Project, Proposal, Reason, Target, Task
from twind.store import ownership, patterns, people, proposals, questions, records, sources, words
from twind.store.patterns import EvidenceRow


@pytest.fixture
def life(db):
    """Two aspects, a calendar, a task list and Ann."""
    now = db.clock.now()
    with db.transaction():
        dimension = questions.seed_dimension(db, "Values", "What counts.")
        for name in ("growth", "security"):
            aspect = questions.seed_aspect(db, dimension, name, f"VAL_{name.upper()}", "")
            db.insert(
                "patterns",
                profile_id=1,
                pattern_type="preference",
                aspect_id=aspect,
                metadata='{"twind": 1}',
            )
    start = now - timedelta(days=1)
    lunch = CalendarEvent(uid="lunch", title="Lunch", start=start, end=start + timedelta(hours=1))
    span = (now - timedelta(days=30), now + timedelta(days=30))
    records.apply(db, 1, "calendar", [lunch], span)
    thesis = [Project(uid="p", name="Thesis"), Task(uid="t", title="Write", project="p")]
    records.apply(db, 1, "tasks", thesis, span)
    records.apply(db, 1, "contacts", [Person(uid="ann", name="Ann")], span)
    row = db.value("SELECT id FROM records WHERE uid = 'lunch'")
    told = EvidenceRow(
        "k", "behaviour", start, "You lunched", "records", row, 1.0, {"VAL_GROWTH": 1},
        "calendar:lunch",
    )  # fmt: skip
    patterns.write_evidence(db, 1, [told])
    return db


def reason(ref, kind="pattern", evidence=()):
    return Reason(kind=kind, ref=ref, weight=0.5, text=f"because of {ref}", evidence=evidence)


def propose(db, *reasons, target=None):
    start = db.clock.now() + timedelta(hours=2)
    made = Proposal(
        day=date(2026, 3, 2),
        action="learn",
        target=target,
        start=start,
        end=start + timedelta(hours=1),
        duration_min=60,
        intensity="normal",
        text="Read",
        confidence=0.5,
        reasons=reasons,
        would_change="If not, not.",
    )
    ids = {pattern.code: row for row, pattern in patterns.load(db, 1)}
    [row] = proposals.add(db, 1, [made], ids)
    return row


def refs(db, row):
    return [one.ref for one in proposals.get(db, 1, row).reasons]


def lunch(db):
    row = db.value("SELECT id FROM records WHERE uid = 'lunch'")
    return {"table": "records", "id": row, "text": "Lunch"}


@pytest.mark.parametrize("kind", ["wrong", "forget", "set", "pin"])
def test_no_proposal_rests_on_a_belief_that_is_not_so(life, kind):
    both = [reason("VAL_GROWTH"), reason("VAL_SECURITY")]
    first, last = propose(life, *both), propose(life, *reversed(both))
    other = propose(life, reason("VAL_SECURITY"))
    before = proposals.get(life, 1, other)
    assert ownership.say(life, 1, kind, "val_growth", 0.5) == 2
    for row in (first, last):
        proposal = proposals.get(life, 1, row)
        assert [one.ref for one in proposal.reasons] == ["VAL_SECURITY"]
        assert proposal.status == "ignored"
        assert proposal.details["withdrawn"] == proposals.DISOWNED
        assert proposal.details["disowned"]
        stored = life.row("SELECT * FROM recommendations WHERE id = ?", (row,))
        assert "GROWTH" not in stored["description"]
        assert len(json.loads(stored["based_on_pattern_ids"])) == 1
    assert [proposals.get(life, 1, row).would_change for row in (first, last)] == [
        "",
        "If not, not.",
    ]
    assert proposals.get(life, 1, other) == before


def test_a_word_on_nothing_says_what_to_do(life):
    with pytest.raises(NotFoundError, match="twind patterns --all"):
        ownership.say(life, 1, "wrong", "VAL_NONSENSE")
    with pytest.raises(NotFoundError, match="twind patterns CODE"):
        ownership.drop(life, 1, "nonsense")
    with pytest.raises(NotFoundError, match="twind patterns --said"):
        ownership.restore(life, 1, "VAL_GROWTH")
    assert words.load(life, 1) == []


def test_dropped_evidence_is_cited_no_more_and_takes_nothing_else_with_it(life):
    step = {"table": "workflow_steps", "id": 1, "text": "Write"}
    row = propose(life, reason("VAL_GROWTH", evidence=(lunch(life), step)))
    name = words.short("calendar:lunch")
    assert ownership.drop(life, 1, name) == "You lunched"
    proposal = proposals.get(life, 1, row)
    assert proposal.status == "pending"
    assert proposal.reasons[0].evidence == (step,)
    [word] = ownership.restore(life, 1, name)
    assert (word.kind, word.subject) == ("evidence", "calendar:lunch")
    assert words.load(life, 1) == []


def test_all_that_was_said_of_an_aspect_is_taken_back_together(life):
    ownership.say(life, 1, "wrong", "VAL_GROWTH")
    ownership.say(life, 1, "pin", "VAL_GROWTH", 0.5)
    ownership.say(life, 1, "forget", "VAL_SECURITY")
    assert [one.kind for one in ownership.restore(life, 1, "val_growth")] == ["wrong", "pin"]
    assert [one.subject for one in words.load(life, 1)] == ["VAL_SECURITY"]


def test_nobody_proposes_who_is_forgotten_and_restored_it_is_all_there(life):
    [ann] = people.known(life, 1)
    target = Target(kind="person", id=ann.id, name="Ann")
    to_ann = propose(life, reason(f"entity:{ann.id}", "person"), target=target)
    other = propose(life, reason(f"person:{ann.id}"), reason("VAL_GROWTH"))
    assert ownership.forget_person(life, 1, ann.id)[1] == 2
    with pytest.raises(NotFoundError, match="twind people restore"):
        proposals.get(life, 1, to_ann)
    assert [one.id for one in proposals.load(life, 1)] == [other]
    assert refs(life, other) == ["VAL_GROWTH"]
    ownership.restore_person(life, 1, ann.id)
    assert proposals.get(life, 1, to_ann).status == "ignored"
    with pytest.raises(NotFoundError, match="nothing to restore"):
        ownership.restore_person(life, 1, ann.id)


def test_a_forgotten_source_leaves_neither_records_nor_reasons(life):
    project = life.value("SELECT id FROM workflows WHERE name = 'Thesis'")
    target = Target(kind="project", id=project, name="Thesis")
    step = life.value("SELECT id FROM workflow_steps")
    cited = {"table": "workflow_steps", "id": step, "text": "Write"}
    of_it = propose(
        life, reason(f"workflow:{project}", "deadline", (cited,)), reason("VAL_GROWTH"),
        target=target,
    )  # fmt: skip
    other = propose(life, reason("VAL_GROWTH", evidence=(cited, lunch(life))))
    sources.succeeded(life, 1, "tasks", {"cursor": 9}, 2)
    assert ownership.forget_source(life, 1, "tasks") == (2, 1)
    assert life.rows("SELECT * FROM workflows") == life.rows("SELECT * FROM workflow_steps") == []
    assert {row["source"] for row in life.rows("SELECT source FROM records")} == {
        "calendar",
        "contacts",
    }
    assert refs(life, of_it) == ["VAL_GROWTH"]
    assert proposals.get(life, 1, of_it).status == "ignored"
    assert proposals.get(life, 1, other).reasons[0].evidence == (lunch(life),)
    assert sources.state(life, 1, "tasks") == {}
    told = sources.health(life, 1)["tasks"]
    assert told["forgotten"]
    assert "twind plugins restore tasks" in told["last_error"]
    ownership.restore_source(life, 1, "tasks")
    assert "tasks" not in sources.health(life, 1)
    with pytest.raises(NotFoundError, match="nothing to restore"):
        ownership.restore_source(life, 1, "tasks")


def test_what_is_proposed_while_a_word_is_said_is_held_to_it(life):
    [ann] = people.known(life, 1)
    ownership.forget_person(life, 1, ann.id)
    ownership.say(life, 1, "forget", "VAL_GROWTH")
    ownership.say(life, 1, "wrong", "VAL_SECURITY")
    ownership.drop(life, 1, words.short("calendar:lunch"))
    late = propose(
        life, reason("VAL_GROWTH"), reason("VAL_SECURITY", evidence=(lunch(life),)),
        reason(f"person:{ann.id}"),
    )  # fmt: skip
    ownership.enforce(life, 1)
    [left] = proposals.get(life, 1, late).reasons
    assert (left.ref, left.evidence) == ("VAL_SECURITY", ())
    assert proposals.get(life, 1, late).status == "ignored"
