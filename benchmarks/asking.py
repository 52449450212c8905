"""What the questions of the bank teach about simulated people, chosen or in random order.

Each person answers as families.py has it, and nothing else is known of them. What is compared is
what an hour of each attribute is worth to them (`features.attribute_worth`) with what twind
believes of it: how well the two go together, and how far they are apart.
"""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
from families import Ordinary
from figures import FAST, PEOPLE, SEED, tell

SO_MANY = PEOPLE or (4 if FAST else 30)
AFTER = (5, 10, 20, 40)
AT = datetime(2026, 3, 2, 9, tzinfo=UTC)


def measure():
    """Print asking.*: correlation and root mean square error, chosen beside random."""
    every = bank_questions()
    people = [Ordinary(1000 * SEED + number) for number in range(SO_MANY)]
    curves = {
        order: np.array([interview(person, every, order) for person in people])
        for order in ("chosen", "random")
    }
    for place, count in enumerate(AFTER):
        for measured, name in enumerate(("correlation", "rmse")):
            base = curves["random"][:, place, measured].mean()
            for order, curve in curves.items():
                values = curve[:, place, measured]
                tell(
                    f"asking.{order}_{count}_{name}", values.mean(), values.min(), values.max(),
                    "hours" if name == "rmse" else "", base, values.mean() / base, SO_MANY,
                )  # fmt: skip


def bank_questions():
    """Return the questions of the bank, as the database would number them."""
    from twind.model import Option, Question
    from twind.preferences import bank

    return [
        Question(
            number,
            one.text,
            one.kind,
            tuple(
                Option(10 * number + place, option.text, option.features)
                for place, option in enumerate(one.options)
            ),
            one.effort_s,
        )
        for number, one in enumerate(bank.load(), 1)
    ]


def interview(person, every, order):
    """Return correlation and error after each of AFTER questions, (len(AFTER), 2)."""
    from twind.preferences import Belief, elicitation
    from twind.preferences.features import attribute_worth
    from twind.preferences.observations import from_answer

    belief, recent, asked, told = Belief.prior(), [], set(), []
    shuffled = np.random.default_rng([SEED, person.seed]).permutation(len(every))
    for number in range(max(AFTER)):
        question = every[shuffled[number]]
        if order == "chosen":
            ranked = elicitation.select(belief, every, asked, recent=recent, stop_gain_per_s=0.0)
            question = ranked.best.question
        asked.add(question.id)
        recent.append(elicitation.dimension_of(question))
        seen = from_answer(
            question, person.answer(question),
            key=f"response:{question.id}", at=AT, source=("responses", question.id),
        )  # fmt: skip
        if seen is not None:
            belief.update(seen)
        if number + 1 in AFTER:
            worth = attribute_worth(belief.strengths())
            error = np.sqrt(np.mean((worth - person.worth) ** 2))
            told.append((np.corrcoef(worth, person.worth)[0, 1], error))
    return np.array(told)
