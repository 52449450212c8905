from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from zoneinfo import ZoneInfo

import pytest

from twind.errors import NotFoundError, TwindError
from twind.model import Feedback, Proposal, Reason, Target
from twind.store import patterns, proposals, status


@pytest.fixture
def made(db, clock):
    """Two pending proposals for today."""
    start = clock.now() + timedelta(hours=2)
    wanted = [
        Proposal(
            day=date(2026, 3, 2),
            action=action,
            target=target,
            start=start,
            end=start + timedelta(minutes=45),
            duration_min=45,
            intensity="normal",
            text=action,
            confidence=0.7,
            reasons=(Reason(kind="pattern", ref="REL_TRUST", weight=1.0, text="because"),),
            would_change="nothing",
            details={"gain": 0.5, "features": {"REL_TRUST": 0.4}},
        )
        for action, target in (("rest", None), ("social", Target(kind="person", id=3, name="Ann")))
    ]
    return proposals.add(db, 1, wanted, {"REL_TRUST": 11})


def say(db, clock, proposal_id, action, **more):
    return proposals.review(
        db, 1, Feedback(proposal_id=proposal_id, action=action, at=clock.now(), **more)
    )


def test_in_brief_they_come_without_their_reasons(db, made):
    whole, brief = proposals.load(db, 1), proposals.load(db, 1, brief=True)
    assert [one.reasons for one in brief] == [(), ()]
    assert brief == [replace(one, reasons=()) for one in whole]
    [first, _] = whole
    about = {**first.details, "life": {"break_h": 1.0}, "seen": "x", "considered": [1]}
    [row] = proposals.add(db, 1, [replace(first, details=about)], {})
    [told] = [one for one in proposals.load(db, 1, brief=True) if one.id == row]
    assert told.details == first.details


def test_those_of_a_day_are_found_beside_rows_that_are_not_twinds(db, made):
    db.execute(
        "INSERT INTO recommendations (profile_id, recommendation_type, title, status, metadata, "
        "created_at) VALUES (1, 'rest', 'Old', 'pending', '{no json', '2026-01-01')"
    )
    for brief in (False, True):
        assert len(proposals.load(db, 1, day=date(2026, 3, 2), brief=brief)) == 2
        assert proposals.load(db, 1, day=date(2026, 3, 3), brief=brief) == []


def test_what_was_kept_comes_back_whole(db, made):
    [rest, social] = proposals.load(db, 1)
    assert (rest.id, social.id) == tuple(made)
    assert social.target == Target(kind="person", id=3, name="Ann")
    assert social.reasons[0].ref == "REL_TRUST"
    assert rest.details["features"] == {"REL_TRUST": 0.4}
    row = db.row("SELECT * FROM recommendations WHERE id = ?", (made[0],))
    assert row["based_on_pattern_ids"] == "[11]"


def test_accept_reject_and_undo(db, clock, made):
    assert say(db, clock, made[0], "accept").status == "accepted"
    assert say(db, clock, made[0], "reject", reason="tired").status == "rejected"
    assert say(db, clock, made[0], "undo").status == "accepted"
    assert say(db, clock, made[0], "undo").status == "pending"
    with pytest.raises(TwindError, match="nothing has been said"):
        say(db, clock, made[0], "undo")
    assert proposals.feedback(db, 1) == []


def test_an_edit_accepts_and_keeps_what_it_changed(db, clock, made):
    later = clock.now() + timedelta(hours=5)
    edited = say(db, clock, made[1], "edit", start=later, duration_min=30)
    assert (edited.status, edited.start, edited.duration_min) == ("accepted", later, 30)
    assert edited.end == later + timedelta(minutes=30)
    shape = proposals.as_json(edited, ZoneInfo("Europe/Berlin"))
    assert shape["start"].endswith("+01:00")
    assert say(db, clock, made[1], "undo").duration_min == 45


def test_a_snooze_stays_pending(db, clock, made):
    until = clock.now() + timedelta(hours=1)
    snoozed = say(db, clock, made[0], "snooze", until=until)
    assert snoozed.status == "pending"
    assert "snoozed_until" in snoozed.details


def test_what_nobody_answered_in_time_is_ignored(db, clock, made):
    say(db, clock, made[0], "accept")
    clock.advance(hours=5)
    assert proposals.expire(db, 1, clock.now()) == 1
    assert [one.status for one in proposals.load(db, 1)] == ["accepted", "ignored"]


def test_unknown_proposals_and_those_made_elsewhere(db, clock, made):
    with db.transaction():
        foreign = db.insert(
            "recommendations", profile_id=1, recommendation_type="x", title="y", status="pending"
        )
    for unknown in (foreign, 999):
        with pytest.raises(NotFoundError, match=f"no proposal {unknown}"):
            say(db, clock, unknown, "accept")
    assert len(proposals.load(db, 1)) == 2


def test_the_status_counts_them(db, clock, made):
    say(db, clock, made[0], "accept")
    told = status.summary(db, 1)["proposals"]
    assert told == {
        "pending": 1,
        "accepted": 1,
        "rejected": 0,
        "ignored": 0,
        "acceptance_rate": 1.0,
    }


def test_a_withdrawn_proposal_is_told_from_an_ignored_one(db, made):
    proposals.withdraw(db, 1, made[:1], "the slot was taken")
    [kept, _] = proposals.load(db, 1)
    assert kept.status == "ignored"
    assert patterns.load(db, 1) == []
