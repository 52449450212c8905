"""What people do anyway."""

from __future__ import annotations

import pytest
from numpy.testing import assert_allclose
from small_lives import SOCIAL, WORK, block

from twind.preferences.detectors import History, habits, population_habits


def test_habits_start_from_the_population():
    table = population_habits()
    assert (table >= 0).all()
    assert_allclose(table.sum(axis=2), 1.0)
    assert_allclose(habits(History()), table)
    assert table[0, 10 * 4, 1 + WORK] > table[1, 10 * 4, 1 + WORK]


def test_habits_learn_what_happens_every_week():
    evenings = [block(n, n, 20, 2.0) for n in range(28)]
    table = habits(History(tuple(evenings)))
    assert table[0, 21 * 4, 1 + WORK] > 0.6
    assert table[1, 21 * 4, 1 + WORK] > 0.4
    assert table[0, 15 * 4, 1 + WORK] == pytest.approx(
        population_habits()[0, 15 * 4, 1 + WORK], abs=0.35
    )


def test_a_block_over_midnight_counts_on_both_days():
    table = habits(History((block(1, 0, 23, 2.0, SOCIAL), block(2, 1, 12, 1.0))))
    prior = population_habits()
    assert table[0, 1, 1 + SOCIAL] > prior[0, 1, 1 + SOCIAL]
    assert table[0, 93, 1 + SOCIAL] > prior[0, 93, 1 + SOCIAL]
