"""Questions that try the twin: situations in which it is least sure what the user would do.

A situation is a free hour of the coming days and two things it could go to, of those that the twin
proposes: what to do, whom to see, what to work on. Its options have the features of these very
hours, by the one feature map, so that an answer speaks of what plans depend on.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

from twind.preferences.bank import BankOption, BankQuestion, by_moment
from twind.preferences.detectors import sparse
from twind.preferences.features import ACTIVITIES, Block
from twind.preferences.observations import NOISE

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from twind.preferences.bank import LifePerson, LifeProject
    from twind.preferences.belief import Belief

MOST = 4
"""Situations on offer at once."""
MOST_OF_A_KIND = 5
"""People, and projects, that situations are about."""
SURE = 0.85
"""How probable an option is when there is nothing left to ask."""
EFFORT_S = 7.0

OCCASIONS = (
    ("Say Wednesday after work is free.", 18.0),
    ("Picture Saturday morning with nothing in it.", 10.0),
    ("Say an hour opens up on Sunday afternoon.", 15.0),
    ("Picture a free hour on Thursday evening.", 20.0),
)
"""Moments of any week, and their time of day: a text stays true while days pass."""

PASTIMES = {
    "rest": "an hour of doing nothing at all",
    "learn": "an hour of learning something",
    "create": "an hour of making something",
    "exercise": "an hour of exercise",
    "outdoors": "an hour outside",
    "reflect": "a quiet hour with your thoughts",
    "help": "an hour of helping somebody out",
    "plan": "an hour of putting things in order",
}


@dataclass(frozen=True, slots=True)
class _Thing:
    """What an hour could go to: as a question words it, and as a block but for its time of day."""

    text: str
    activity: str
    name: str = ""
    closeness: float = 0.0

    def features(self, hour: float) -> dict[str, float]:
        block = Block(
            activity=ACTIVITIES.index(self.activity),
            hours=1.0,
            hour=hour,
            people=1 if self.activity == "social" else 0,
            closeness=self.closeness,
        )
        return dict(sparse(block)) | ({self.name: 1.0} if self.name else {})


def possible(
    people: Sequence[LifePerson], projects: Sequence[LifeProject]
) -> dict[str, BankQuestion]:
    """Return every situation that this life could be asked about now, by its text.

    The same two things always meet in the same situation, so that nobody is asked twice which of
    them they would rather. Two of one name are left out, as in `bank.about_life`.
    """
    made = (_situation(one, other) for one, other in combinations(_things(people, projects), 2))
    return {question.text: question for question in made}


def choose(
    belief: Belief,
    candidates: dict[str, BankQuestion],
    *,
    asked: Collection[str] = (),
    offered: Collection[str] = (),
) -> tuple[BankQuestion, ...]:
    """Return up to MOST of the candidates, those whose answer the twin is least sure of.

    asked: texts that were answered. offered: texts that stand; they go on standing until they are
    answered or sure, so that nobody answers a question that is gone. None of two is about one
    thing.
    """
    unsure = {
        text: doubt
        for text, question in candidates.items()
        if text not in asked and (doubt := _doubt(belief, question)) > 0.0
    }
    chosen: list[BankQuestion] = []
    things: set[str] = set()
    for text in sorted(unsure, key=lambda text: (text not in offered, -unsure[text], text)):
        about = {option.text for option in candidates[text].options}
        if len(chosen) < MOST and not about & things:
            chosen.append(candidates[text])
            things |= about
    return tuple(chosen)


def _doubt(belief: Belief, question: BankQuestion) -> float:
    """Return what the answer would tell, in nats; 0 where it can be foretold."""
    slope = NOISE["answer"].slope
    options = slope * np.stack([belief.vector(option.features) for option in question.options])
    if float(belief.posterior.predict_choice(options).max()) >= SURE:
        return 0.0
    return belief.posterior.information_gain(options)


def _things(people: Sequence[LifePerson], projects: Sequence[LifeProject]) -> Iterator[_Thing]:
    those, todo = by_moment(people, projects)
    for activity, text in PASTIMES.items():
        yield _Thing(text, activity)
    for person in those[:MOST_OF_A_KIND]:
        yield _Thing(
            f"an hour with {person.name}", "social", f"person:{person.id}", person.closeness
        )
    for project in todo[:MOST_OF_A_KIND]:
        activity = "learn" if project.kind == "learning" else "work"
        yield _Thing(f"an hour on “{project.name}”", activity, f"project:{project.id}")


def _situation(one: _Thing, other: _Thing) -> BankQuestion:
    # What the pair is called chooses the occasion: whatever else there is, it stays the same.
    occasion, hour = OCCASIONS[zlib.crc32(f"{one.text}/{other.text}".encode()) % len(OCCASIONS)]
    return BankQuestion(
        text=f"{occasion} Which would you rather: {one.text}, or {other.text}?",
        kind="scenario",
        primary="",
        difficulty=2,
        engagement=0.9,
        effort_s=EFFORT_S,
        options=tuple(
            BankOption(thing.text[0].upper() + thing.text[1:], thing.features(hour))
            for thing in (one, other)
        ),
    )
