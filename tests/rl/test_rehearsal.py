"""Plans lived through: as the environment would, on common luck, never outside what is legal."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

from twind.rl.candidates import Candidates, Limits
from twind.rl.lives import sample_life
from twind.rl.rehearsal import DAYS_AFTER, Item, Rehearsal
from twind.rl.spaces import DURATIONS_SLOTS, LEAVE, SLOTS, TYPES
from twind.rl.vec_env import Simulation, streams
from twind.rl.world import REFUSED, pack

WORK, SOCIAL = TYPES.index("work"), TYPES.index("social")


def life(seed):
    return sample_life(np.random.default_rng(seed))


def as_the_environment_does(lives, plan, day, draw, seed):
    """Live a plan step by step through the environment: its return, and what was taken up."""
    simulation = Simulation(lives, 1, learns=False)
    simulation.begin(np.zeros(1, np.int64), streams(seed, np.array([draw])), day=day)
    world = simulation.world
    total, accepted = 0.0, {}
    for number in range(1 + DAYS_AFTER):
        while not world.done[0]:
            slot, seen = int(world.slot[0]), simulation.seen
            action = [LEAVE, 0, 0, 1]
            for place, item in enumerate(sorted(plan) if number == 0 else []):
                possible = (
                    item.slot == slot < SLOTS
                    and seen.mask_type[0, item.kind]
                    and seen.mask_target[0, item.kind, item.target]
                    and seen.mask_intensity[0, item.kind, item.intensity]
                )
                if possible:
                    action = [item.kind, item.target, item.duration, item.intensity]
                    accepted[place] = None
            total += float(simulation.step([action])[0])
            for place, told in accepted.items():
                if told is None:
                    accepted[place] = float(world.outcome[0] != REFUSED)
        if simulation.go_on(np.ones(1, np.bool_))[0]:
            break
    return total, accepted


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    day=st.integers(0, 2),
    luck=st.randoms(use_true_random=False),
)
def test_a_plan_is_lived_as_the_environment_lives_it(seed, day, luck):
    lives = pack([life(seed)])
    offered = Candidates(life(seed), lives, day, Limits(taken=())).promising()
    # A block may be cut short by what is next; one that is proposed as long as it fits is not.
    plan, end = [], 0
    for item in sorted(luck.sample(offered, min(6, len(offered)))):
        if item.slot >= end:
            plan.append(item)
            end = item.end
    lived = Rehearsal(lives, day, 3, seed).live([plan], 0, 3)
    for draw in range(3):
        total, accepted = as_the_environment_does(lives, plan, day, draw, seed)
        assert lived.returns[0, draw] == pytest.approx(total, abs=1e-9)
        told = {
            place: value
            for place, value in enumerate(lived.accepted[0, draw])
            if not np.isnan(value)
        }
        assert told == accepted


def test_equal_plans_live_equal_days():
    lives = pack([life(3)])
    item = Candidates(life(3), lives, 0, Limits()).promising()[0]
    lived = Rehearsal(lives, 0, 6, seed=2).live([[], [item], [item]], 0, 6)
    assert lived.returns.shape == (3, 6)
    assert lived.parts.shape == (3, 6, 5)
    np.testing.assert_array_equal(lived.returns[1], lived.returns[2])
    assert not np.array_equal(lived.returns[0], lived.returns[1])
    assert np.isnan(lived.accepted[0]).all()
    np.testing.assert_allclose(lived.parts.sum(axis=2), lived.returns)


def test_the_first_days_of_more_draws_are_those_of_fewer():
    lives = pack([life(4)])
    few, many = (Rehearsal(lives, 0, draws, seed=1).live([[]], 0, 4) for draws in (4, 9))
    np.testing.assert_array_equal(few.returns, many.returns)


def test_what_is_not_legal_is_not_proposed():
    lives = pack([life(5)])
    asleep = Item(int(np.argmax(life(5).days[0].asleep)), SOCIAL, 0, 0, 1)
    nobody = Item(40, WORK, 0, 0, 1)
    lived = Rehearsal(lives, 0, 8, seed=0).live([[], [asleep], [nobody]], 0, 8)
    assert np.isnan(lived.accepted).all()
    np.testing.assert_array_equal(lived.returns[1], lived.returns[0])
    np.testing.assert_array_equal(lived.returns[2], lived.returns[0])


def test_an_item_ends_when_its_duration_is_over():
    assert [Item(8, 1, 0, n, 0).end - 8 for n in range(len(DURATIONS_SLOTS))] == list(
        DURATIONS_SLOTS
    )


# --- the same, left to the user ------------------------------------------------------------------


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10**6), steps=st.integers(0, 6))
def test_left_alone_is_what_leaving_earns(seed, steps):
    """Without discount: the rest of the day and the next, whatever has been proposed so far."""
    simulation = Simulation([life(seed)], 4)
    simulation.begin(np.zeros(4, np.int64), streams(seed, np.arange(4)))
    rng = np.random.default_rng(seed)
    for _ in range(steps):
        simulation.step(rng.integers(0, 11, (4, 4)))
    foreseen = simulation.left_alone(1, 1.0)
    before = simulation.world.records.copy()
    earned = np.zeros(4)
    for _ in range(2):
        while not simulation.world.done.all():
            earned += simulation.step(np.tile([LEAVE, 0, 5, 1], (4, 1)))
        simulation.go_on(np.ones(4, np.bool_))
    begun = before["begun"]
    # Before the first decision a day has earned something already, which is paid with it.
    already = np.where(begun, 0.0, before["reward"].sum(axis=1))
    np.testing.assert_allclose(foreseen[~before["done"]], (earned - already)[~before["done"]])


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10**6), gamma=st.floats(0.9, 1.0), asked=st.lists(st.booleans()))
def test_what_is_foreseen_stands_until_something_is_begun(seed, gamma, asked):
    simulation = Simulation([life(seed)], 8)
    simulation.begin(np.zeros(8, np.int64), streams(seed, np.arange(8)))
    rng = np.random.default_rng(seed)
    simulation.left_alone(1, gamma, 0.5)
    kept = 0
    for asks in asked:
        actions = rng.integers(0, 11, (8, 4))
        actions[:, 0] *= asks
        simulation.step(actions)
        simulation.go_on(simulation.world.done.copy())
        kept += (~simulation.world.strayed).sum()
        foreseen = simulation.left_alone(1, gamma, 0.5)
        simulation.world.strayed[:] = True
        np.testing.assert_allclose(foreseen, simulation.left_alone(1, gamma, 0.5), atol=1e-9)
    event(f"kept {min(kept, 1)}")


def test_what_is_foreseen_is_foreseen_anew_for_another_discount():
    simulation = Simulation([life(3)], 2)
    simulation.begin(np.zeros(2, np.int64), streams(3, np.arange(2)))
    once = simulation.left_alone(1, 1.0)
    assert (simulation.left_alone(0, 1.0) != once).all()
    np.testing.assert_array_equal(simulation.left_alone(1, 1.0), once)


# --- candidates ----------------------------------------------------------------------------------


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_every_candidate_is_legal_and_within_the_limits(seed):
    snapshot = life(seed)
    limits = Limits(taken=((40, 50),), spent=frozenset({(SOCIAL, 0)}))
    found = Candidates(snapshot, pack([snapshot]), 0, limits)
    promising = found.promising()
    assert len({(one.kind, one.target, one.slot // 8) for one in promising}) == len(promising)
    for item in [*promising, *(near for one in promising[:3] for near in found.near(one))]:
        assert snapshot.days[0].free[item.slot : item.end].all()
        assert item.slot > snapshot.slot
        assert not limits.forbid(item)
        assert item.end <= 40 or item.slot >= 50
        assert (item.kind, item.target) != (SOCIAL, 0)
