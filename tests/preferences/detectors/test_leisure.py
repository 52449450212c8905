"""What free time is spent on."""

from __future__ import annotations

import numpy as np
import pytest
from small_lives import (
    CREATE,
    EXERCISE,
    HELP,
    LEARN,
    OUTDOORS,
    REST,
    SOCIAL,
    WORK,
    block,
    gain,
    history,
    total,
)

from twind.preferences.detectors import free_time, variety

EVENINGS = [day for day in range(40) if day % 7 < 5]


def spent(*activities, days=EVENINGS, **more):
    """Return a life whose evenings go to these, in turn."""
    return history(
        *(
            block(n, day, 19.5, activity=activities[n % len(activities)], **more)
            for n, day in enumerate(days)
        )
    )


def hour_of(activity):
    return {"activity": activity, "people": int(activity == SOCIAL)}


@pytest.mark.parametrize("liked", [EXERCISE, OUTDOORS, CREATE, LEARN, HELP, SOCIAL])
def test_what_free_time_goes_to_more_than_with_others_is_valued(liked):
    other = LEARN if liked == CREATE else CREATE
    much = free_time(spent(liked, liked, liked, liked, liked, liked, liked, other))
    little = free_time(spent(*[other] * 11, liked))
    assert gain(much, hour_of(liked), hour_of(other)) > 0.05
    assert gain(little, hour_of(liked), hour_of(other)) < -0.05


def test_who_lives_as_people_in_general_do_is_found_no_different():
    # On weekday evenings 16 % of people are in company, 5 % exercise and 4 % learn.
    usual = free_time(spent(*[SOCIAL] * 16, *[EXERCISE] * 5, *[LEARN] * 4, days=range(0, 700, 7)))
    other = free_time(spent(*[SOCIAL] * 5, *[EXERCISE] * 16, *[LEARN] * 4, days=range(0, 700, 7)))
    usual_gain, other_gain = (
        gain(found, hour_of(EXERCISE), hour_of(SOCIAL)) for found in (usual, other)
    )
    assert abs(usual_gain) < 0.2 * other_gain


def test_a_calendar_that_shows_one_kind_of_thing_says_nothing():
    assert free_time(spent(EXERCISE)) == []
    assert free_time(spent(EXERCISE, REST)) == []
    assert free_time(spent(EXERCISE, WORK)) == []


def test_what_others_set_is_no_choice_of_ones_own():
    assert free_time(spent(EXERCISE, CREATE, own=False)) == []


def test_all_weekdays_are_one_habit_whatever_was_chosen():
    found = free_time(spent(EXERCISE, CREATE, CREATE))
    assert total(found) == pytest.approx(1 + np.log(len(EVENINGS)), rel=0.02)
    assert len({seen.weight for seen in found}) == 1


def test_a_series_is_one_opinion_beside_others():
    singles = spent(CREATE, days=EVENINGS[:10]).blocks
    club = [block(100 + n, day, 18, activity=EXERCISE) for n, day in enumerate(EVENINGS)]
    series = [
        block(100 + n, day, 18, activity=EXERCISE, series="club") for n, day in enumerate(EVENINGS)
    ]
    apart, together = (free_time(history(*singles, *more)) for more in (club, series))
    exercise, create = hour_of(EXERCISE), hour_of(CREATE)
    assert gain(together, exercise, create) < gain(apart, exercise, create)


CHANGE, THE_SAME = {"activity": CREATE, "varied": 1.0}, {"activity": CREATE}


def test_rotation_and_runs_are_told_apart_by_the_order_alone():
    kinds = (EXERCISE, CREATE, LEARN, OUTDOORS, SOCIAL)
    days = range(0, 240, 2)
    rotating = variety(spent(*kinds, days=days))
    in_runs = variety(spent(*(kind for kind in kinds for _ in range(24)), days=days))
    assert gain(rotating, CHANGE, THE_SAME) > 0.02
    assert gain(in_runs, CHANGE, THE_SAME) < 0.0


def test_an_order_left_to_chance_says_little():
    rng = np.random.default_rng(0)
    gains = [
        gain(
            variety(spent(*rng.integers(SOCIAL, HELP, 60), days=range(0, 120, 2))),
            CHANGE,
            THE_SAME,
        )
        for _ in range(12)
    ]
    assert abs(np.mean(gains)) < 0.05


def test_there_is_no_variety_where_nothing_could_change():
    assert variety(spent(EXERCISE)) == []
    assert variety(spent(EXERCISE, CREATE)) == []  # neither is ever away for long
    assert variety(history()) == []


def test_what_is_done_once_a_week_is_no_change():
    weekly = [block(100 + n, 7 * n, 18, activity=OUTDOORS) for n in range(8)]
    daily = spent(CREATE).blocks
    assert variety(history(*daily, *weekly)) == []
