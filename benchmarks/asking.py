"""What questions teach about simulated people: in random order, chosen, and with situations.

Each person answers as families.py has it, and nothing else is known of them. What is compared is
what an hour of each attribute is worth to them (`features.attribute_worth`) with what twind
believes of it: how well the two go together, and how far they are apart.
"""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
from families import Ordinary
from figures import FAST, PEOPLE, SEED, tell

SO_MANY = PEOPLE or (2 if FAST else 30)
AFTER = (5, 10, 20, 40)
FIRST = 10_000
"""The number of the first situation, far from those of the bank."""
AT = datetime(2026, 3, 2, 9, tzinfo=UTC)


def measure():
    """Print asking.*: correlation and root mean square error, each beside random order.

    `random` and `chosen`: questions of the bank. `situations`: chosen from these and from
    situations of the person's own days, a few of which are on offer at any time.
    """
    every = bank_questions()
    people = [Ordinary(1000 * SEED + number) for number in range(SO_MANY)]
    curves = {
        order: np.array([interview(person, every, order) for person in people])
        for order in ("random", "chosen", "situations")
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
    from twind.preferences import bank

    return [_numbered(number, one) for number, one in enumerate(bank.load(), 1)]


def _numbered(number, one):
    from twind.model import Option, Question

    options = tuple(
        Option(10 * number + place, option.text, option.features)
        for place, option in enumerate(one.options)
    )
    return Question(number, one.text, one.kind, options, one.effort_s)


class Situations:
    """The situations that a person can be asked about, and those on offer."""

    def __init__(self, person):
        from twind.preferences import situations
        from twind.preferences.bank import LifePerson

        friends = [
            LifePerson(number, name, 20.0, closeness)
            for number, (name, closeness) in enumerate(sorted(person.life.closeness.items()), 1)
        ]
        self.possible = situations.possible(friends, ())
        self.numbers = {text: FIRST + place for place, text in enumerate(sorted(self.possible))}
        self.offered = set()

    def on_offer(self, belief, asked):
        """Return a few questions, none of `asked` among them."""
        from twind.preferences import situations

        gone = {text for text, number in self.numbers.items() if number in asked}
        made = situations.choose(belief, self.possible, asked=gone, offered=self.offered - gone)
        self.offered = {one.text for one in made}
        return [_numbered(self.numbers[one.text], one) for one in made]


def interview(person, every, order):
    """Return correlation and error after each of AFTER questions, (len(AFTER), 2)."""
    from twind.preferences import Belief, elicitation
    from twind.preferences.features import attribute_worth
    from twind.preferences.observations import from_answer

    belief, made_up, recent, asked, told = Belief.prior(), Situations(person), [], set(), []
    belief.extend(f"person:{number}" for number in range(1, len(person.life.closeness) + 1))
    shuffled = np.random.default_rng([SEED, person.seed]).permutation(len(every))
    for number in range(max(AFTER)):
        question = every[shuffled[number]]
        if order != "random":
            there = every if order == "chosen" else every + made_up.on_offer(belief, asked)
            ranked = elicitation.select(belief, there, asked, recent=recent, stop_gain_per_s=0.0)
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
