"""Withheld reviews: kept apart, read back as they were, and a judge of candidates."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
import torch

from twind import reviewed
from twind.model import Feedback, Proposal
from twind.rl import reviews
from twind.rl.candidates import Candidates, Limits
from twind.rl.lives import sample_life
from twind.rl.policy import fresh_policy
from twind.rl.spaces import MASKS, SHAPES
from twind.rl.vec_env import Simulation, streams
from twind.rl.world import pack
from twind.store import proposals


def life():
    return sample_life(np.random.default_rng(5003))


def seen():
    simulation = Simulation([life()], 1)
    simulation.begin(np.zeros(1, np.int64), streams(0, np.arange(1)))
    return simulation.seen.as_dict()


def test_an_observation_comes_back_as_it_was_to_half_precision():
    before = seen()
    after = reviews.unpack(reviews.pack(before))
    for name in SHAPES:
        np.testing.assert_allclose(after[name], before[name][0], rtol=1e-3, atol=1e-4)
        if name.startswith(MASKS):
            np.testing.assert_array_equal(after[name], before[name][0])


@pytest.mark.parametrize("text", ["", "no such thing", reviews.base64.b85encode(b"x").decode()])
def test_anything_else_is_refused(text):
    with pytest.raises(ValueError, match=r"."):
        reviews.unpack(text)


def test_what_would_be_seen_is_that_moment_and_the_item_is_possible_in_it():
    items = Candidates(life(), pack([life()]), 0, Limits()).promising()[:3]
    found = reviews.seen_at(life(), 0, items)
    assert set(found) == set(items)
    for item, text in found.items():
        view = reviews.unpack(text)
        assert view["mask_type"][item.kind] == 1
        assert view["mask_target"][item.kind, item.target] == 1
        assert (1.0 - view["clock"][4]) * 96 == pytest.approx(item.slot, abs=0.1)


def propose_and_review(db, views, accepted):
    """Make and review a proposal for each view; the first of two options is liked or not."""
    start = datetime(2026, 3, 3, 9, tzinfo=UTC)
    for number, (view, like) in enumerate(zip(views, accepted, strict=True)):
        made = Proposal(
            day=start.date(),
            action="learn",
            target=None,
            start=start + timedelta(days=number),
            end=start + timedelta(days=number, hours=1),
            duration_min=60,
            intensity="normal",
            text="Read",
            confidence=0.5,
            reasons=(),
            would_change="",
            details={"seen": view, "acted": [4, 0, 3, 1]},
        )
        [row] = proposals.add(db, 1, [made], {})
        action = "accept" if like else "reject"
        proposals.review(db, 1, Feedback(proposal_id=row, action=action, at=start))


def test_only_withheld_reviews_judge_and_too_few_do_not(db):
    view = reviews.pack(seen())
    propose_and_review(db, [view] * 30, [True, False] * 15)
    assert reviews.withheld(db, 1) is None  # 6 of 30
    propose_and_review(db, [view] * 30, [True, False] * 15)
    told = reviews.withheld(db, 1)
    made = [one.id for one in proposals.load(db, 1) if reviewed.is_withheld(one.id)]
    assert len(told.liked) == len(made) == 12
    assert set(told.liked) == {1.0, -1.0}
    assert told.actions.shape == (12, 4)


def test_what_was_taken_back_does_not_judge(db):
    view = reviews.pack(seen())
    propose_and_review(db, [view] * 60, [True, False] * 30)
    told = reviews.withheld(db, 1)
    withheld = [one.id for one in proposals.load(db, 1) if reviewed.is_withheld(one.id)]
    for action in ("edit", "reject"):
        said = Feedback(proposal_id=withheld[0], action=action, at=db.clock.now(), duration_min=30)
        proposals.review(db, 1, said)
        is_rejected = action == "reject"
        now = reviews.withheld(db, 1)
        assert len(now.liked) == len(told.liked) - (not is_rejected)
    assert sum(now.liked) == sum(told.liked) - 2.0


def test_a_candidate_that_likes_what_was_rejected_is_worse():
    view = reviews.unpack(reviews.pack(seen()))
    count = 20
    liked = np.tile([1.0, -1.0], count // 2)
    # Types 4 and 6 are both possible: the user accepts the one and rejects the other.
    actions = np.where(liked[:, None] > 0, [[4, 0, 0, 1]], [[6, 0, 0, 1]])
    told = reviews.Reviews(
        {name: np.repeat(view[name][None], count, 0) for name in SHAPES}, actions, liked
    )
    told.seen["mask_type"][:] = told.seen["mask_duration"][:] = told.seen["mask_intensity"][:] = 1
    told.seen["mask_target"][:, :, 0] = 1
    good, bad = fresh_policy(1), fresh_policy(1)
    with torch.no_grad():
        good.type_logits.bias[4] += 2.0
        bad.type_logits.bias[6] += 2.0
    assert reviews.is_worse(bad, good, told)
    assert not reviews.is_worse(good, bad, told)
    assert not reviews.is_worse(good, good, told)
