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


@pytest.mark.parametrize(
    ("sleep", "clock_h"),
    [((23.0, 6.5), 0.0), ((1.0, 9.0), 0.0), ((8.0, 15.0), 9.0), ((7.5, 15.0), 9.0), ((0, 0), 0.0)],
)
def test_whoever_sleeps_by_day_lives_by_another_clock(sleep, clock_h):
    one = population.of_sleeper(*sleep)
    assert one.chronotype_h == clock_h
    others = [name for name in LIFE_NAMES if name != "chronotype_h"]
    assert all(getattr(one, name) == getattr(AVERAGE, name) for name in others)
