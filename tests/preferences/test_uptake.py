"""How often what is proposed is taken up, beside how often it is in rehearsals."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from twind.preferences.features import ACTIVITIES
from twind.preferences.uptake import SLOPE, Review, Uptake, learn

FIRST = datetime(2026, 3, 2, 7, tzinfo=UTC)
chances = st.floats(0.01, 0.99)


def said(activity, taken, count, rehearsed=0.5, **more):
    return [
        Review(FIRST + timedelta(hours=number), activity, rehearsed, taken, **more)
        for number in range(count)
    ]


@given(chances, chances, st.sampled_from(ACTIVITIES))
def test_it_keeps_the_order_of_the_rehearsals_and_is_less_sure(one, other, activity):
    low, high = sorted((one, other))
    told = [Uptake().probability(activity, share) for share in (low, high)]
    assert told == sorted(told)
    for share, chance in ((low, told[0]), (high, told[1])):
        assert min(share, 0.5) - 1e-9 <= chance <= max(share, 0.5) + 1e-9


def test_nobody_has_said_anything_yet():
    assert learn([], FIRST) == Uptake()


@pytest.mark.parametrize("taken", [True, False])
def test_what_is_said_to_an_activity_tells_of_that_one_alone(taken):
    learnt = learn(said("work", taken, 10), FIRST + timedelta(days=1))
    assert (learnt.probability("work", 0.5) > 0.5) is taken
    assert learnt.probability("work", 0.5) == pytest.approx(0.5 + (0.3 if taken else -0.3), abs=0.1)
    for other in set(ACTIVITIES) - {"work"}:
        assert learnt.probability(other, 0.5) == 0.5


def test_what_was_foretold_teaches_less_than_what_was_not():
    surprised, expected = (
        learn(said("rest", True, 5, rehearsed), FIRST + timedelta(days=1)).means[0]
        for rehearsed in (0.1, 0.9)
    )
    assert surprised > expected > 0.0


def test_silence_says_less_than_a_no():
    no, silence = (
        learn(said("rest", False, 5, weight=weight), FIRST + timedelta(days=1)).means[0]
        for weight in (1.0, 0.2)
    )
    assert no < silence < 0.0


def test_what_is_long_ago_counts_less_and_nothing_in_the_end():
    then, later, last = (
        learn(said("rest", False, 8), FIRST + timedelta(days=days)).probability("rest", 0.5)
        for days in (1, 90, 3000)
    )
    assert then < later < last
    assert last == pytest.approx(0.5, abs=0.01)


def test_how_readily_somebody_takes_up_each_activity_is_found_out():
    rng = np.random.default_rng(0)
    truly = dict(zip(ACTIVITIES, np.linspace(-1.0, 1.0, len(ACTIVITIES)), strict=True))
    reviews = []
    for number in range(600):
        activity, odds = ACTIVITIES[number % len(ACTIVITIES)], float(rng.normal())
        chance = 1.0 / (1.0 + math.exp(-SLOPE * odds - truly[activity]))
        rehearsed = 1.0 / (1.0 + math.exp(-odds))
        at = FIRST + timedelta(hours=number)
        reviews.append(Review(at, activity, rehearsed, bool(rng.random() < chance)))
    learnt = learn(reviews, reviews[-1].at)
    assert learnt.means == pytest.approx(tuple(truly.values()), abs=0.6)
    assert np.corrcoef(learnt.means, tuple(truly.values()))[0, 1] > 0.9
