"""The simulated people: each keeps to the protocol, and lives a day again with the same luck."""

from __future__ import annotations

import copy
from datetime import timedelta
from itertools import pairwise

import families
import knowing
import numpy as np
import pytest

from twind.model import Option, Question, Task
from twind.preferences.features import ACTIVITIES

factories = pytest.mark.parametrize("factory", families.FAMILIES, ids=lambda one: one.__name__)
QUESTION = Question(
    7,
    "A free evening?",
    "choice",
    (Option(70, "Alone", {"PER_INTROVERSION": 1.0}), Option(71, "In company", {})),
)


def proposals(user, count=3):
    """Some of what could be proposed on the first day, apart from each other."""
    chosen = []
    for one in knowing.everything(user, user.life.first_day)[::97]:
        if all(knowing.apart(one, other) for other in chosen):
            chosen.append(one)
    return chosen[:count]


@factories
def test_a_day_is_lived_again_with_the_same_luck(factory):
    user, day = factory(3), families.FIRST_DAY
    other = copy.deepcopy(user)
    assert user.live(day, ()) == other.live(day, ())
    assert user.live(day + timedelta(days=1), ()) == other.live(day + timedelta(days=1), ())


@factories
def test_blocks_follow_each_other_and_are_of_a_known_kind(factory):
    user = factory(1)
    for number in range(7):
        day = families.FIRST_DAY + timedelta(days=number)
        blocks = user.live(day, proposals(user) if number == 0 else ())
        assert all(one.start < one.end for one in blocks)
        assert all(one.end <= other.start for one, other in pairwise(blocks))
        assert {one.activity for one in blocks} <= set(ACTIVITIES)
        assert isinstance(float(user.utility(blocks)), float)


@factories
def test_everything_is_answered_with_what_was_asked(factory):
    user, shown = factory(2), proposals(factory(2))
    assert user.answer(QUESTION) in (70, 71, "skip")
    said = user.review(families.FIRST_DAY, shown)
    assert len(said) == len(shown)
    assert all(
        word is None or word.proposal_id == one.id for word, one in zip(said, shown, strict=True)
    )
    energy = user.energy(shown[0].start)
    assert energy is None or 0.0 <= energy <= 1.0


def test_what_was_accepted_is_done_mostly():
    done, day = 0, families.FIRST_DAY
    for seed in range(30):
        user = families.Ordinary(seed)
        shown = next(
            one
            for one in knowing.everything(user, day)
            if one.action == "create" and one.start == families.at(day, 20 * 4)
        )
        done += any(block.proposal_id == shown.id for block in user.live(day, (shown,)))
    assert 20 < done < 30


def test_work_that_is_done_is_finished_in_the_tasks():
    user = families.Ordinary(0)
    for number in range(-28, 21):
        user.live(families.FIRST_DAY + timedelta(days=number), ())
    now = families.at(families.FIRST_DAY + timedelta(days=21), 28)
    tasks = [one for one in user.life.records(now) if isinstance(one, Task)]
    assert {one.status for one in tasks} == {"open", "done", "cancelled"}
    assert all(one.completed_at <= now for one in tasks if one.status == "done")


def test_tastes_change_for_who_drifts_and_for_nobody_else():
    for factory, changes in ((families.Drifting, True), (families.Ordinary, False)):
        user = factory(4)
        before = user.worth.copy()
        for number in range(families.DRIFT_DAY):
            user.live(families.FIRST_DAY + timedelta(days=number), ())
        assert (user.worth != before).any() == changes


def test_who_tires_accepts_less_after_a_week_of_suggestions():
    fresh, tired = 0, 0
    for seed in range(20):
        user = families.Tiring(seed)
        shown = proposals(user, 6)
        fresh += sum(map(knowing.accepts, user.review(families.FIRST_DAY, shown)))
        user.seen_on = [families.FIRST_DAY] * 30
        tired += sum(map(knowing.accepts, user.review(families.FIRST_DAY, shown)))
    assert tired < fresh


@factories
def test_other_luck_is_another_day_of_the_same_person(factory):
    user = factory(3)
    day = user.life.first_day
    other = user.in_other_luck(1)
    assert other.imagine(day, ()) != user.imagine(day, ())
    assert other.in_other_luck(1).imagine(day, ()) == other.imagine(day, ())
    assert np.array_equal(other.said(), user.said())
    assert other.life.meetings(day) == user.life.meetings(day)
