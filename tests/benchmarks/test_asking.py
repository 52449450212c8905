"""The interview of the benchmark: answers are learnt from, and the chosen ones teach more."""

from __future__ import annotations

import asking
import families
import numpy as np
import pytest


def test_an_interview_asks_nothing_twice_and_repeats():
    every = asking.bank_questions()
    heard = []

    class Listening(families.Ordinary):
        def answer(self, question):
            heard.append(question.id)
            return super().answer(question)

    told = asking.interview(Listening(1), every, "chosen")
    assert len(set(heard)) == len(heard) == max(asking.AFTER)
    assert told.shape == (len(asking.AFTER), 2)
    assert np.array_equal(told, asking.interview(families.Ordinary(1), every, "chosen"))


@pytest.mark.slow
def test_chosen_questions_teach_more():
    every = asking.bank_questions()
    people = [families.Ordinary(seed) for seed in range(12)]
    chosen, at_random = (
        np.mean([asking.interview(one, every, order)[:, 0] for one in people], axis=0)
        for order in ("chosen", "random")
    )
    assert chosen[-1] > at_random[-1] > 0.1
    assert chosen[-1] > chosen[0]
