"""Which question to ask next, and when to stop asking.

A question is worth what its answer is expected to settle of what the proposals depend on, for each
second of the user's time. What they depend on is a set of directions in the space of the parameters
(`relevant_directions`): above all, how much more one hour that could be proposed is worth than
another. With z those directions, the lesson of an answer is the variance of z that it removes on
average, summed over z, in squared free hours (`posterior.choice_lesson`): what is at stake for more
hours weighs more, and what is known already weighs nothing. Information about z, in nats, has
neither of these: it counts halving an uncertainty of minutes as much as one of hours.
"""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass
from functools import cache
from itertools import product
from typing import TYPE_CHECKING

import numpy as np

from twind.preferences import catalogue, features
from twind.preferences.observations import NOISE, Ordinal, scale_of
from twind.preferences.posterior import choice_lesson, ordinal_lesson

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from numpy.typing import NDArray

    from twind.model import Question
    from twind.preferences.belief import Belief

AFFINITY_SHARE = 0.1
"""Of the hours that could be proposed, those with one person or on one project: assumed."""
EFFECT_HOURS = 0.1
"""What a unit of a trait's effect on the day changes in what an hour is worth: assumed."""
CURIOSITY_HOURS = 0.05
"""The same for anything else: styles change no plan, but somebody has to ask."""

RECENT = 3
REPEAT_FACTOR = 0.6
"""What each of the last RECENT questions of the same dimension leaves of a question's score."""

SEVERAL = "your days"
MOSTLY = 1 / 3
"""A question is about SEVERAL dimensions where none has this share of its weights."""

STOP_GAIN_PER_S = 0.0002
"""Squared hours a second below which a question does not pay: about a fifteenth of what the first
ones give."""


@dataclass(frozen=True, slots=True)
class Ranked:
    """A question and what asking it promises.

    Attributes:
        question: what to ask.
        gain: the variance it is expected to remove of what proposals depend on, in squared hours.
        gain_per_s: the same for each second of effort.
        score: gain_per_s after the penalty for asking about one dimension again and again.
        dimension: what it is mostly about, as `dimension_of` has it.

    """

    question: Question
    gain: float
    gain_per_s: float
    score: float
    dimension: str


@dataclass(frozen=True, slots=True)
class Selection:
    """The next question, or the reason why there is none."""

    best: Ranked | None
    reason: str


def relevant_directions(belief: Belief) -> NDArray[np.float64]:
    """Return the directions (m, d) that proposals depend on, each in free hours.

    A direction's length is how much of an hour depends on it. The squares add up, so that n hours
    of one sort that could be proposed weigh as much as they do among all that could.
    """
    size = len(belief.names)
    aspects = len(catalogue.aspects())
    rows = np.concatenate(
        [_hours(), EFFECT_HOURS * features.effects().T, CURIOSITY_HOURS * np.eye(aspects)]
    )
    # A part's weight multiplies all of the part, which is in every hour.
    shares = [
        1.0 if name.startswith("part:") else AFFINITY_SHARE for name in belief.names[aspects:]
    ]
    rest = np.sqrt(shares)[:, None] * np.eye(size)[aspects:]
    return np.concatenate([np.pad(rows, ((0, 0), (0, size - aspects))), rest])


@cache
def _hours() -> NDArray[np.float64]:
    """Return what hours that could be proposed are worth beyond the average one, (75, 75).

    Of every activity, company, time of day and depth, each as often, where they differ: the squares
    of the rows' values add up to the variance of an hour's worth among them.
    """
    sorts = product(
        range(len(features.ACTIVITIES)),
        (0, 1, features.GROUP_SIZE),
        (8.0, 12.0, 20.0),
        (0.0, 0.5, 1.0),
    )
    rows = np.array(
        [
            features.aspect_features(
                features.Block(
                    activity=activity,
                    hours=1.0,
                    hour=hour,
                    people=people,
                    closeness=0.5 if people else 0.0,
                    depth=depth,
                )
            )
            for activity, people, hour, depth in sorts
            if depth <= 0.5 or activity in features.FOCUSED
        ]
    )
    rows = rows * features.rewarded()
    apart = (rows - rows.mean(axis=0)) / math.sqrt(len(rows))
    # Hundreds of hours, but only so many directions.
    shared: NDArray[np.float64] = np.asarray(np.linalg.qr(apart, mode="r"))
    shared.setflags(write=False)
    return shared


def rank(
    belief: Belief,
    questions: Sequence[Question],
    *,
    recent: Sequence[str] = (),
    worth: NDArray[np.float64] | None = None,
) -> list[Ranked]:
    """Return the questions, the most worthwhile first; deterministic, ties by id.

    recent: dimensions of the questions asked last, the latest last; one asked about twice running
    comes after every other. worth: directions (m, d) that matter, `relevant_directions` unless
    given.
    """
    directions = relevant_directions(belief) if worth is None else worth
    gains = _gains(belief, questions, directions)
    ranked = []
    for question, gain in zip(questions, gains, strict=True):
        dimension = dimension_of(question)
        per_second = float(gain) / max(question.effort_s, 1.0)
        repeats = sum(1 for name in recent[-RECENT:] if name and name == dimension)
        score = per_second * REPEAT_FACTOR**repeats
        ranked.append(Ranked(question, float(gain), per_second, score, dimension))
    worn = recent[-1] if len(recent) >= 2 and recent[-1] == recent[-2] else None
    return sorted(
        ranked,
        key=lambda one: (bool(worn) and one.dimension == worn, -one.score, one.question.id),
    )


def select(
    belief: Belief,
    questions: Sequence[Question],
    asked: Collection[int] = (),
    *,
    recent: Sequence[str] = (),
    worth: NDArray[np.float64] | None = None,
    stop_gain_per_s: float = STOP_GAIN_PER_S,
) -> Selection:
    """Return the next question, never one of `asked` (ids), or the reason to stop.

    It stops when even the most telling question left gives less than `stop_gain_per_s`.
    """
    left = [question for question in questions if question.id not in asked]
    if not left:
        return Selection(None, "every question has been asked")
    ranked = rank(belief, left, recent=recent, worth=worth)
    paying = [one for one in ranked if one.gain_per_s >= stop_gain_per_s]
    if not paying:
        return Selection(None, "no question left would change enough to be worth your time")
    best = paying[0]
    about = f" about {best.dimension}" if best.dimension else ""
    return Selection(best, f"it tells most{about} for the time it takes")


def dimension_of(question: Question) -> str:
    """Return the dimension a question is mostly about, by weight.

    SEVERAL where it is about whole hours, which mean a little of everything; "" where no aspect is
    named.
    """
    weights: dict[str, float] = defaultdict(float)
    for option in question.options:
        for code, weight in option.features.items():
            place = catalogue.index_of().get(code)
            if place is not None:
                weights[catalogue.aspects()[place].dimension] += abs(weight)
    if not weights:
        return ""
    first = max(sorted(weights), key=lambda name: weights[name])
    return first if weights[first] >= MOSTLY * sum(weights.values()) else SEVERAL


# --- gains, all questions at once -----------------------------------------------------------------


def _gains(
    belief: Belief, questions: Sequence[Question], directions: NDArray[np.float64]
) -> NDArray[np.float64]:
    gains = np.zeros(len(questions))
    scales: dict[int, Ordinal] = {}
    for place, question in enumerate(questions):
        scale = scale_of(question, 0)
        if scale is not None:
            scales[place] = scale
    choices = [
        place
        for place, question in enumerate(questions)
        if place not in scales and len(question.options) > 1
    ]
    slope = NOISE["answer"].slope
    posterior = belief.posterior
    spread = directions @ posterior.covariance
    relevant = spread.T @ spread
    if choices:
        widest = max(len(questions[place].options) for place in choices)
        offered = np.zeros((len(choices), widest), dtype=bool)
        rows = np.zeros((len(choices), widest, len(belief.names)))
        for row, place in enumerate(choices):
            for column, option in enumerate(questions[place].options):
                _fill(rows[row, column], belief, option.features, slope)
                offered[row, column] = True
        across = np.swapaxes(rows, 1, 2)
        gains[choices] = choice_lesson(
            rows @ posterior.mean,
            rows @ posterior.covariance @ across,
            rows @ relevant @ across,
            offered,
        )
    if scales:
        most = max(len(scale.cuts) for scale in scales.values())
        cuts = np.full((len(scales), most), np.inf)
        rows = np.zeros((len(scales), len(belief.names)))
        for row, scale in enumerate(scales.values()):
            cuts[row, : len(scale.cuts)] = slope * np.asarray(scale.cuts)
            _fill(rows[row], belief, scale.features, slope)
        gains[list(scales)] = ordinal_lesson(
            rows @ posterior.mean,
            np.sum((rows @ posterior.covariance) * rows, axis=1),
            np.sum((rows @ relevant) * rows, axis=1),
            cuts,
        )
    return gains


def _fill(
    row: NDArray[np.float64], belief: Belief, weights: Mapping[str, float], slope: float
) -> None:
    for name, weight in weights.items():
        place = belief.place(name)
        if place is not None:
            row[place] = slope * weight
