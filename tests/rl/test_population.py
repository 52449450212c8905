"""One spread of each parameter: what people are drawn from is what the user is weighed against."""

from __future__ import annotations

import math
from dataclasses import fields

import numpy as np
import pytest

from twind.rl import population
from twind.rl.lives import sample_life
from twind.rl.population import SPREADS
from twind.rl.snapshot import LIFE_NAMES, LifeParameters

AVERAGE = LifeParameters()
UNIFORM = {"break_h", "max_proposals"}


def test_every_parameter_has_a_spread():
    assert {*SPREADS, *UNIFORM} == {item.name for item in fields(LifeParameters)}


@pytest.fixture(scope="module")
def lives():
    """Return the parameters of 400 simulated people (seeds 0..399)."""
    return [sample_life(np.random.default_rng(seed)).life for seed in range(400)]


@pytest.mark.parametrize("name", sorted(SPREADS))
def test_people_differ_as_their_spread_says(lives, name):
    # Those apart who sleep by day.
    drawn = np.array([getattr(life, name) for life in lives if life.chronotype_h < 5.0])
    spread, average = SPREADS[name], getattr(AVERAGE, name)
    for z in (-1.0, 0.0, 1.0):
        below = float(np.mean(drawn < spread.value(z, average)))
        expected = 0.5 * (1.0 + math.erf(z / math.sqrt(2.0)))
        assert below == pytest.approx(expected, abs=0.09)


@pytest.mark.parametrize("name", sorted(SPREADS))
def test_nobody_lies_beyond_the_limits(name):
    rng = np.random.default_rng(1)
    spread, average = SPREADS[name], getattr(AVERAGE, name)
    ends = [spread.value(z, average) for z in (-50.0, 50.0)]
    drawn = [spread.draw(rng, average) for _ in range(500)]
    assert min(ends) <= min(drawn)
    assert max(drawn) <= max(ends)
    assert spread.value(0.0, average) == average


@pytest.mark.parametrize("name", sorted(SPREADS))
def test_who_is_near_is_off_by_a_share_of_the_spread(name):
    rng = np.random.default_rng(2)
    near = np.array([getattr(population.near(AVERAGE, 0.5, rng), name) for _ in range(2000)])
    average = getattr(AVERAGE, name)
    off = np.log(near / average) if SPREADS[name].kind == "ratio" else near - average
    assert off.mean() == pytest.approx(0.0, abs=0.05 * SPREADS[name].spread)
    assert off.std() == pytest.approx(0.5 * SPREADS[name].spread, rel=0.1)


@pytest.mark.parametrize("clock_h", [-2.4, 3.4, 6.6, 12.4])
def test_who_is_near_keeps_within_the_limits(clock_h):
    rng = np.random.default_rng(3)
    one = LifeParameters(chronotype_h=clock_h, start_friction=0.59, break_h=1.9, max_proposals=7.0)
    near = [population.near(one, 1.0, rng) for _ in range(300)]
    late = 0.0 if clock_h < 5.0 else population.SHIFT_WORK_H
    assert min(other.chronotype_h - late for other in near) >= -2.5
    assert max(other.chronotype_h - late for other in near) <= 3.5
    assert max(other.start_friction for other in near) == 0.6
    assert min(other.break_h for other in near) >= population.BREAK_H[0]
    assert max(other.break_h for other in near) == population.BREAK_H[1]
    assert {other.max_proposals for other in near} == {7.0}


@pytest.mark.parametrize(
    ("sleep", "clock_h"),
    [((23.0, 6.5), 0.0), ((1.0, 9.0), 0.0), ((8.0, 15.0), 9.0), ((7.5, 15.0), 9.0), ((0, 0), 0.0)],
)
def test_whoever_sleeps_by_day_lives_by_another_clock(sleep, clock_h):
    one = population.of_sleeper(*sleep)
    assert one.chronotype_h == clock_h
    others = [name for name in LIFE_NAMES if name != "chronotype_h"]
    assert all(getattr(one, name) == getattr(AVERAGE, name) for name in others)
