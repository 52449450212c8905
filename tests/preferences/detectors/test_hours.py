"""At what hours things are done."""

from __future__ import annotations

import numpy as np
import pytest
from small_lives import CREATE, EXERCISE, WORK, block, gain, history, learnt, total

from twind.preferences import Belief
from twind.preferences.detectors import (
    OTHERS_WEIGHT,
    History,
    focused_hours,
    leisure_hours,
    sparse,
)
from twind.preferences.features import Block


def hour_gain(belief, hour):
    early = belief.worth(sparse(Block(activity=WORK, hours=1.0, hour=hour, depth=1.0)))[0]
    return early - belief.worth(sparse(Block(activity=WORK, hours=1.0, hour=13.0, depth=1.0)))[0]


def test_early_and_late_workers_are_told_apart():
    lark = learnt(focused_hours(History(tuple(block(n, n, 7) for n in range(20)))))
    owl = learnt(focused_hours(History(tuple(block(n, n, 20) for n in range(20)))))
    assert hour_gain(lark, 7.5) > hour_gain(owl, 7.5)
    assert hour_gain(owl, 20.5) > hour_gain(lark, 20.5)


def test_working_by_day_is_what_everybody_does():
    usual = learnt(focused_hours(History(tuple(block(n, n, 10) for n in range(20)))))
    lark = learnt(focused_hours(History(tuple(block(n, n, 7) for n in range(20)))))
    prior = hour_gain(Belief.prior(), 7.5)
    assert abs(hour_gain(usual, 7.5) - prior) < abs(hour_gain(lark, 7.5) - prior)


def test_the_night_is_neither_early_nor_late():
    assert focused_hours(History(tuple(block(n, n, 1) for n in range(20)))) == []


def test_work_with_nowhere_else_to_go_says_nothing():
    full = [block(1, 0, 10, 2.0)]
    full += [block(2, 0, 6, 3.0, activity=None), block(3, 0, 19, 4.0, activity=None)]
    assert focused_hours(History(tuple(full))) == []
    assert len(focused_hours(History((full[0],)))) == 1


def test_a_series_is_one_opinion():
    series = History(tuple(block(n, n, 7, series="gym") for n in range(50)))
    singles = History(tuple(block(n, n, 7) for n in range(50)))
    assert total(focused_hours(series)) == pytest.approx(1 + np.log(50))
    assert total(focused_hours(singles)) == pytest.approx(50)
    titled = History(tuple(block(n, n, 7, title=f"Chapter {n}") for n in range(50)))
    assert total(focused_hours(titled)) == pytest.approx(1 + np.log(50))


def test_what_others_set_says_little():
    (own,) = focused_hours(History((block(1, 0, 7),)))
    (theirs,) = focused_hours(History((block(1, 0, 7, own=False),)))
    assert theirs.weight == pytest.approx(OTHERS_WEIGHT * own.weight)


EARLY, BY_DAY, LATE = ({"activity": EXERCISE, "hour": hour} for hour in (7.5, 14.0, 20.5))


def runs(hour, days=range(20), **more):
    return history(*(block(n, day, hour, activity=EXERCISE, **more) for n, day in enumerate(days)))


def test_who_runs_before_breakfast_is_told_from_who_runs_at_night():
    early, late = leisure_hours(runs(7)), leisure_hours(runs(20))
    assert gain(early, EARLY, BY_DAY) > 0.05
    assert gain(late, LATE, BY_DAY) > 0.05
    assert gain(early, EARLY, LATE) > 0.05
    assert gain(late, EARLY, LATE) < -0.05


def test_an_hour_at_which_everything_else_was_taken_says_nothing():
    taken = [block(50, 0, 9, 10.0, None), block(51, 0, 19, 4.0, None)]
    assert leisure_hours(history(block(1, 0, 7, activity=EXERCISE), *taken)) == []
    assert len(leisure_hours(history(block(1, 0, 7, activity=EXERCISE), taken[0]))) == 1


def test_runs_at_one_time_are_one_habit_and_a_series_is_less():
    weekdays = [day for day in range(40) if day % 7 < 5]
    assert total(leisure_hours(runs(7, weekdays))) == pytest.approx(1 + np.log(len(weekdays)))
    series = total(leisure_hours(runs(7, weekdays, series="club")))
    assert series < 0.7 * (1 + np.log(len(weekdays)))


def test_hours_of_what_others_set_of_company_and_of_nights_say_nothing():
    assert leisure_hours(runs(7, own=False)) == []
    assert leisure_hours(runs(7, people_ids=(1,))) == []
    assert leisure_hours(runs(1)) == []
    assert leisure_hours(history(block(1, 0, 7, activity=CREATE))) == []
