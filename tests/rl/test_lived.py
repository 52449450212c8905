"""Days put together from what is known, and the body that goes through them."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta

import numpy as np
import pytest

from twind.preferences.detectors import population_habits
from twind.rl.body import (
    FREE_TIME,
    FRESH_PRESSURE,
    PRESSURE_WEIGHT,
    SLEEPING,
    company_effort,
)
from twind.rl.compiled import compiled
from twind.rl.dynamics import begin_life, pass_slot
from twind.rl.lived import Body, Spell, Stretch, put_together
from twind.rl.lives import sample_life
from twind.rl.snapshot import LifeParameters
from twind.rl.spaces import SLOTS, TYPES
from twind.rl.world import (
    ACTIVITIES,
    EVENT,
    HABIT,
    REDUCED,
    SLEEP,
    SOCIAL,
    UNPLANNED,
    WORK,
    World,
    body_clock,
    pack,
)

FRIDAY = date(2026, 3, 6)
NIGHT = np.arange(SLOTS) < 26
NOBODY = np.zeros(REDUCED)


def at(hour, minute=0, day=FRIDAY):
    return datetime(day.year, day.month, day.day, hour, minute)


def test_a_day_is_sleep_what_is_known_and_else_what_is_usual():
    habits = population_habits()
    stretch = put_together(FRIDAY, SLOTS + 40, NIGHT, habits, [Spell(at(9), at(10, 20), SOCIAL, 4)])
    assert stretch.shares.shape == (SLOTS + 40, ACTIVITIES + 2)
    assert np.allclose(stretch.shares.sum(axis=1), 1.0)
    assert np.all(stretch.shares[:26, SLEEPING] == 1.0)
    assert np.array_equal(stretch.shares[80, : ACTIVITIES + 1], habits[0, 80])
    # Saturday is of the weekend.
    assert np.array_equal(stretch.shares[SLOTS + 39, : ACTIVITIES + 1], habits[1, 39])
    met = stretch.shares[:, 1 + SOCIAL] == 1.0
    assert np.flatnonzero(met).tolist() == [36, 37, 38, 39, 40, 41]
    assert np.all(stretch.company[met] == company_effort(4.0))
    assert np.all(stretch.company[:26] == 0.0)


def test_a_spell_wins_over_sleep_and_what_came_later_over_what_came_before():
    late = [
        Spell(at(22), at(1, 0, FRIDAY + timedelta(days=1)), -1),
        Spell(at(23), at(23, 30), WORK),
    ]
    stretch = put_together(FRIDAY, 2 * SLOTS, NIGHT, population_habits(), late)
    for spells in (late, late[::-1]):
        again = put_together(FRIDAY, 2 * SLOTS, NIGHT, population_habits(), spells)
        assert np.array_equal(again.shares, stretch.shares)
    assert np.all(stretch.shares[88:92, FREE_TIME] == 1.0)
    assert np.all(stretch.shares[92:94, 1 + WORK] == 1.0)
    assert np.all(stretch.shares[94:100, FREE_TIME] == 1.0)
    assert stretch.shares[100, SLEEPING] == 1.0


def test_what_lies_outside_the_stretch_is_passed_over():
    before = Spell(at(10, 0, FRIDAY - timedelta(days=2)), at(11, 0, FRIDAY - timedelta(days=2)), 1)
    across = Spell(at(23, 0, FRIDAY - timedelta(days=1)), at(0, 30), 1)
    after = Spell(at(23, 0, FRIDAY), at(23, 30, FRIDAY + timedelta(days=3)), 1)
    habits = population_habits()
    plain = put_together(FRIDAY, 40, NIGHT, habits, [])
    stretch = put_together(FRIDAY, 40, NIGHT, habits, [before, across, after])
    assert np.array_equal(stretch.shares[2:], plain.shares[2:])
    assert np.all(stretch.shares[:2, 1 + 1] == 1.0)
    assert len(put_together(FRIDAY, 0, NIGHT, habits, [before]).shares) == 0


@compiled
def _live_alone(lives, world, seed, energy, load):
    v, w = lives[0], world[0]
    begin_life(v, w, seed, 1, False)
    for _ in range(SLOTS):
        energy[w.slot], load[w.slot] = w.energy, w.load
        pass_slot(v, w, -1, 0, 1, HABIT)
    energy[w.slot], load[w.slot] = w.energy, w.load


@pytest.mark.parametrize("seed", range(6))
def test_a_day_that_is_known_is_gone_through_as_in_the_simulation(seed):
    # The simulated day told slot by slot, from where both begin: without load and fatigue.
    snapshot = sample_life(np.random.default_rng(seed))
    rested = 1.0 + body_clock(snapshot.life.chronotype_h)[0] - PRESSURE_WEIGHT * FRESH_PRESSURE
    snapshot = replace(snapshot, energy=rested, load=0.0)
    lives, world = pack([snapshot]), World(1)
    energy, load = np.empty(SLOTS + 1), np.empty(SLOTS + 1)
    _live_alone(lives.records, world.records, np.uint64(seed), energy, load)
    shares, company = np.zeros((SLOTS, ACTIVITIES + 2)), np.zeros(SLOTS)
    for slot in range(SLOTS):
        source, kind = world.log_source[0, slot], world.log_type[0, slot]
        shares[slot, SLEEPING if source == SLEEP else kind] = 1.0
        if source == EVENT:
            company[slot] = company_effort(float(lives.event_people[0, 1, slot]))
        elif TYPES[kind] in {"social", "help"} or source == UNPLANNED:
            alone = world.log_target[0, slot] > 0 or TYPES[kind] == "help"
            company[slot] = company_effort(1.0 if alone else 4.0)
    body = Body(Stretch(snapshot.days[1].date, shares, company), lives.mean[0])
    mine, carried = body.live(snapshot.life)
    assert np.allclose(mine, energy, atol=1e-12)
    assert np.allclose(carried, load, atol=1e-12)


def test_what_is_uncertain_goes_the_mean_way():
    # Half an hour's work, half free: between the two, and at half the effort.
    def day(work):
        shares = np.zeros((SLOTS, ACTIVITIES + 2))
        shares[:, 1 + WORK], shares[:, FREE_TIME] = work, 1.0 - work
        return Body(Stretch(FRIDAY, shares, np.zeros(SLOTS)), NOBODY).live(LifeParameters())[0]

    free, half, full = day(0.0), day(0.5), day(1.0)
    assert np.all(full[4:] < half[4:])
    assert np.all(half[4:] < free[4:])


def test_a_lift_is_there_at_once_and_fades():
    stretch = put_together(FRIDAY, SLOTS, NIGHT, population_habits(), [])
    body = Body(stretch, NOBODY)
    plain, _ = body.live(LifeParameters())
    tired, _ = body.live(LifeParameters(), 40, -0.3)
    assert np.array_equal(tired[:40], plain[:40])
    assert plain[40] - tired[40] == pytest.approx(0.3)
    left = (plain - tired)[40:]
    assert np.all(np.diff(left) <= 1e-12)
    assert 0.0 < left[-1] < 0.1
    last, _ = body.live(LifeParameters(), SLOTS, -0.3)
    assert plain[-1] - last[-1] == pytest.approx(0.3)


@pytest.mark.parametrize(
    ("changes", "tells"),
    [
        ({"chronotype_h": 2.0}, lambda early, late: late > early),
        ({"chronotype_h": -2.0}, lambda early, late: late < early),
    ],
)
def test_a_late_body_clock_gains_in_the_evening_what_it_loses_in_the_morning(changes, tells):
    body = Body(put_together(FRIDAY, 4 * SLOTS, NIGHT, population_habits(), []), NOBODY)
    gained = body.live(LifeParameters(**changes))[0] - body.live(LifeParameters())[0]
    assert tells(gained[3 * SLOTS + 32], gained[3 * SLOTS + 84])
    assert gained[3 * SLOTS + 32] * gained[3 * SLOTS + 84] < 0
