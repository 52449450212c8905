"""Some like to be asked and some do not; everybody tires; both are learnt from reviews alone."""

import math
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from twind.preferences.willingness import HALF_LIFE_DAYS, TIRING, Review, learn

FIRST = datetime(2026, 3, 2, 8, tzinfo=UTC)


def days(count):
    return [FIRST + timedelta(days=number) for number in range(count)]


def lived(willing, tiring, a_day, count, seed=0):
    """Return the reviews of somebody who is asked `a_day` times on each of `count` days."""
    rng = np.random.default_rng(seed)
    reviews, asked = [], []
    for number, at in enumerate(days(count)):
        lately = a_day[number] if number else 0
        for _ in range(a_day[number]):
            odds = float(rng.normal())
            chance = 1.0 / (1.0 + math.exp(-(odds + willing - tiring * lately)))
            reviews.append(Review(at, odds, bool(rng.random() < chance)))
        asked += [at.date()] * a_day[number]
    return reviews, asked


def test_nobody_is_taken_to_be_tired_before_the_first_proposal():
    learnt, believed = learn([], [], FIRST)
    assert learnt.odds == 0.0
    assert (learnt.evidence, believed) == (0, [])


def test_who_was_asked_much_of_late_is_taken_to_say_yes_less_readily():
    asked = [at.date() for at in days(7) for _ in range(4)]
    learnt, _ = learn([], asked, FIRST + timedelta(days=7))
    assert learnt.a_day == 4.0
    assert learnt.odds == pytest.approx(-4 * TIRING)
    rested, _ = learn([], asked, FIRST + timedelta(days=30))
    assert rested.odds == 0.0


@pytest.mark.parametrize("willing", [-1.0, 1.0])
def test_who_says_yes_more_readily_is_found_out(willing):
    reviews, _ = lived(willing, 0.0, [2] * 40, 40)
    learnt, _ = learn(reviews, [], FIRST + timedelta(days=40))
    assert learnt.odds == pytest.approx(willing, abs=0.5)


def test_who_tires_is_told_from_who_does_not():
    a_day = [6] * 14 + [0] * 7 + [1] * 7 + [6] * 14
    found = []
    for tiring in (0.0, 0.4):
        reviews, asked = lived(0.0, tiring, a_day, len(a_day), seed=3)
        learnt, _ = learn(reviews, asked, FIRST + timedelta(days=len(a_day)))
        found.append(learnt.posterior.mean[1])
    assert found[1] > found[0] + 0.1


def test_what_was_believed_before_a_review_knows_nothing_of_it():
    reviews, asked = lived(0.0, 0.0, [1] * 10, 10)
    told = learn(reviews, asked, FIRST + timedelta(days=10))[1]
    until_then = learn(reviews[:5], asked, FIRST + timedelta(days=10))[1]
    assert told[:5] == until_then
    assert len(told) == len(reviews)


def test_moods_pass():
    reviews = [Review(FIRST, 0.0, taken=False)] * 8
    soon, _ = learn(reviews, [], FIRST)
    late, _ = learn(reviews, [], FIRST + timedelta(days=HALF_LIFE_DAYS))
    assert late.odds == pytest.approx(soon.odds / 2)


@given(
    st.lists(
        st.tuples(st.floats(-8, 8), st.booleans(), st.floats(0, 1), st.floats(0, 60)), max_size=12
    )
)
def test_a_no_never_makes_a_yes_likelier(told):
    reviews = [Review(FIRST + timedelta(days=at), odds, yes, w) for odds, yes, w, at in told]
    end = FIRST + timedelta(days=61)
    before = learn(reviews, [], end)[0].odds
    refused = learn([*reviews, Review(end, 0.0, taken=False)], [], end)[0].odds
    assert math.isfinite(before)
    assert refused < before
