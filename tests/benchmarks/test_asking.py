"""The interview of the benchmark: answers are learnt from, and the chosen ones teach more."""

from __future__ import annotations

import asking
import families
import numpy as np
import pytest


@pytest.mark.parametrize("order", ["chosen", "situations"])
def test_an_interview_asks_nothing_twice_and_repeats(order):
    every = asking.bank_questions()
    heard = []

    class Listening(families.Ordinary):
        def answer(self, question):
            heard.append(question.id)
            return super().answer(question)

    told = asking.interview(Listening(1), every, order)
    assert len(set(heard)) == len(heard) == max(asking.AFTER)
    assert told.shape == (len(asking.AFTER), 2)
    assert np.array_equal(told, asking.interview(families.Ordinary(1), every, order))


def test_situations_are_varied_with_other_questions():
    every, heard = asking.bank_questions(), []

    class Listening(families.Ordinary):
        def answer(self, question):
            heard.append(question.id >= asking.FIRST)
            return super().answer(question)

    asking.interview(Listening(2), every, "situations")
    assert any(heard)
    in_a_row = max(len(run) for run in "".join("s" if one else " " for one in heard).split())
    assert in_a_row <= 4


@pytest.mark.slow
def test_situations_teach_more_than_the_bank_in_random_order():
    every = asking.bank_questions()
    people = [families.Ordinary(seed) for seed in range(12)]
    situations, at_random = (
        np.mean([asking.interview(one, every, order)[:, 0] for one in people], axis=0)
        for order in ("situations", "random")
    )
    assert np.all(situations > at_random)
