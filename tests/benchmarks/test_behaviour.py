"""Foretelling the days and habits of real people: the pieces, on small lives, and what is read."""

from __future__ import annotations

import math
from datetime import date, timedelta
from itertools import pairwise

import behaviour
import numpy as np
import pytest
from numpy.testing import assert_allclose

from twind.preferences import Posterior

MONDAY = date(2026, 3, 2)
POPULATION = np.full((2, behaviour.ACTIVITIES), 1.0 / behaviour.ACTIVITIES)


def day(number, *activities):
    """A day that goes to these in equal shares."""
    shares = np.bincount(activities, minlength=behaviour.ACTIVITIES) / len(activities)
    when = MONDAY + timedelta(days=number)
    return when, int(when.weekday() >= 5), shares


def flat():
    return Posterior(np.zeros(24), np.eye(24))


@pytest.mark.parametrize(
    "make",
    [
        lambda: behaviour.Shares(POPULATION),
        lambda: behaviour.Choices(flat(), math.inf),
    ],
)
def test_a_way_expects_what_was_seen_and_the_other_kind_of_day_less(make):
    way = make()
    assert_allclose(way.predict(0), POPULATION[0], atol=2e-3)
    for _ in range(10):
        way.learn(0, day(0, 3)[2])
    weekday, weekend = way.predict(0), way.predict(1)
    assert weekday.sum() == pytest.approx(1.0)
    assert weekday[3] > max(0.5, weekend[3])
    assert np.all(weekday > 0.0)


def test_shares_are_kept_and_lent_as_told():
    way = behaviour.Shares(POPULATION, 1.0, 0.5, 1.0)
    way.learn(0, day(0, 3)[2])
    way.pass_days(2)
    expected = (0.25 + 1.0 / behaviour.ACTIVITIES) / 1.25
    assert way.predict(1)[3] == pytest.approx(expected)


def test_the_first_day_is_not_scored_and_each_later_one_before_it_is_learnt():
    once = [day(0, 3)]
    twice = [*once, day(1, 3)]
    make = behaviour._way(behaviour.Shares, POPULATION, 1.0)
    chance = (1.0 + 1.0 / behaviour.ACTIVITIES) / 2.0
    assert behaviour.diary_loss(make, [once, twice]) == pytest.approx(-math.log(chance))


def test_moments_are_as_probable_as_shares():
    shares = np.array([0.1, 0.0, 0.6, 0.3, 0.0])
    lucks = (np.arange(200) + 0.5) / 200
    found = np.concatenate([behaviour._at_moments(shares, luck) for luck in lucks])
    assert len(found) == behaviour.CHOICES_A_DAY * len(lucks)
    assert_allclose(np.bincount(found, minlength=5) / len(found), shares, atol=0.01)


def test_people_who_differ_are_foretold_better_by_what_is_fitted():
    rng = np.random.default_rng(0)
    people = [
        [day(number, *rng.choice([own, own, own, 11], 4)) for number in range(6)]
        for own in (0, 1, 2, 3) * 4
    ]
    ways, prior_days = behaviour.fitted_ways(people[:8])
    losses = {name: behaviour.diary_loss(make, people[8:]) for name, make in ways.items()}
    assert prior_days < 2.0
    assert losses["shrunken"] <= losses["habits"] < losses["population"]
    assert losses["twind"] < losses["population"]


def test_times_of_one_day_know_nothing_of_each_other():
    days = {MONDAY: [(1, True), (1, True)], MONDAY + timedelta(days=1): [(1, True)]}
    losses = behaviour.habit_losses(behaviour.Rates(1.0, together=False), days)
    assert_allclose(losses, -np.log([1 / 2, 1 / 2, 3 / 4]))


def test_what_all_habits_share_is_learnt_for_one_that_is_new():
    way = behaviour.Inclinations([1, 2, 3], math.inf)
    assert way.predict(3) == pytest.approx(0.5)
    for _ in range(8):
        way.learn(1, done=False)
        way.learn(2, done=False)
    assert 0.1 < way.predict(3) < 0.4
    assert way.predict(1) < way.predict(3)
    way.pass_days(30)
    assert way.predict(3) < 0.4
    forgetting = behaviour.Inclinations([1], 3.0)
    forgetting.learn(1, done=True)
    forgetting.pass_days(60)
    assert forgetting.predict(1) == pytest.approx(0.5, abs=1e-3)


def test_a_rate_of_all_and_of_each():
    each, together = behaviour.Rates(0.5, together=False), behaviour.Rates(1.0, together=True)
    for way in (each, together):
        way.learn(1, done=True)
        way.learn(1, done=True)
        way.pass_days(1)
    assert (each.predict(1), each.predict(2)) == (2 / 3, 1 / 2)
    assert together.predict(2) == 3 / 4


def test_a_corpus_that_is_missing_is_said_to_be(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(behaviour, "DIARIES", tmp_path / "no.csv")
    monkeypatch.setattr(behaviour, "TASKS", tmp_path / "none")
    behaviour.measure()
    told = capsys.readouterr()
    assert told.out == ""
    assert "no.csv is missing" in told.err
    assert "none is missing" in told.err


@pytest.mark.skipif(not behaviour.DIARIES.is_file(), reason=f"no {behaviour.DIARIES}")
def test_diaries_are_read_as_days_in_order():
    people = behaviour.diaries()
    assert (len(people), sum(map(len, people))) == (237, 1480)
    assert all(one[0] <= other[0] for days in people for one, other in pairwise(days))
    assert all(shares.sum() == pytest.approx(1.0) for days in people for _, _, shares in days)
    assert all(weekend == (when.weekday() >= 5) for days in people for when, weekend, _ in days)


@pytest.mark.skipif(not behaviour.TASKS.is_dir(), reason=f"no {behaviour.TASKS}")
def test_habits_are_read_as_what_was_due_each_day():
    days = behaviour.habit_days()
    due = [one for each in days.values() for one in each]
    assert list(days) == sorted(days)
    assert len({habit for habit, _ in due}) == 39
    assert (len(due), sum(done for _, done in due)) == (2532, 373)
