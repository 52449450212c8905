"""Questionnaire items: what they have in common is found again, and choosing them pays."""

from __future__ import annotations

import figures
import items
import numpy as np
import pytest

from twind.preferences import Posterior

PEOPLE = 400


def made_up(people=PEOPLE, seed=0):
    """People's answers where every item speaks of one of five factors, and five of them loudly."""
    rng = np.random.default_rng(seed)
    loadings = np.zeros((items.ITEMS, items.FACTORS))
    loadings[np.arange(items.ITEMS), np.arange(items.ITEMS) % items.FACTORS] = 0.5
    loadings[: items.FACTORS] *= 1.7
    own = np.sqrt(1.0 - np.sum(loadings**2, axis=1))
    felt = rng.standard_normal((people, items.FACTORS)) @ loadings.T
    felt += own * rng.standard_normal(felt.shape)
    answers = np.digitize(felt, (-1.5, -0.8, 0.0, 0.8, 1.5))
    answers[rng.random(answers.shape) < 0.01] = -1
    return answers, loadings


def test_what_items_have_in_common_is_found_again():
    answers, loadings = made_up(4000)
    found = items.principal_axes(answers)
    # Factors have no order and no sign; what pairs of items share has both. Six levels say a
    # little less of two items than the feelings behind them.
    assert found @ found.T == pytest.approx(loadings @ loadings.T, abs=0.12)


def test_cuts_give_the_levels_as_often_as_they_were():
    answers, _ = made_up()
    scale = items.Scale(answers)
    nobody = Posterior(np.zeros(items.FACTORS), np.eye(items.FACTORS))
    for item in (0, 7):
        chances = [
            np.exp(-items.loss(scale, nobody, np.array([item]), np.full(items.ITEMS, level)))
            for level in range(items.LEVELS)
        ]
        there = answers[answers[:, item] >= 0, item]
        often = np.bincount(there, minlength=items.LEVELS) / len(there)
        assert sum(chances) == pytest.approx(1.0)
        assert chances == pytest.approx(often, abs=0.02)


def test_nothing_hidden_is_asked_and_nothing_twice():
    answers, _ = made_up()
    scale, asked = items.Scale(answers), []

    def watched(scale, belief, drawn_up, left):
        place = items.WAYS["chosen"](scale, belief, drawn_up, left)
        asked.append(left[place])
        return place

    pool, hidden = np.arange(20), np.arange(20, items.ITEMS)
    person = answers[np.all(answers >= 0, axis=1)][0]
    losses = items.interview(scale, person, pool, hidden, watched)
    assert len(losses) == items.MOST + 1
    assert len(set(asked)) == items.MOST
    assert set(asked) <= set(pool)
    # The first ones are those that speak loudly of a factor, one of each.
    assert {item % items.FACTORS for item in asked[: items.FACTORS]} == set(range(items.FACTORS))


@pytest.mark.parametrize("way", ["chosen", "fixed"])
def test_choosing_pays_where_it_can(way):
    answers, _ = made_up()
    scale = items.Scale(answers[:300])
    curve = items.foretell(scale, answers[300:], way, 0)
    at_random = items.foretell(scale, answers[300:], "random", 0)
    assert curve[0] == pytest.approx(at_random[0])
    assert items.as_many(curve, at_random) > items.FEW + 1


def test_as_many_reads_between_the_points():
    at_random = np.linspace(1.6, 1.0, items.MOST + 1)
    chosen = np.full(items.MOST + 1, 1.225)
    assert items.as_many(chosen, at_random) == pytest.approx(7.5)


@pytest.mark.skipif(not items.ANSWERS.is_file(), reason=f"needs {figures.CORPUS}")
def test_real_answers_are_read():
    answers = items.read_answers(items.ANSWERS)
    assert answers.shape[1] == items.ITEMS
    assert set(np.unique(answers)) == set(range(-1, items.LEVELS))
    assert np.mean(answers < 0) < 0.02
