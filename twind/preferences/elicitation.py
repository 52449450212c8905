"""Which question to ask next, and when to stop asking.

A question is worth the information its answer is expected to give about what the proposals depend
on, for each second of the user's time. What they depend on is a set of directions in the space of
the parameters (`relevant_directions`): what an hour of each attribute is worth, what traits do to
the day, the weights of the reward's parts, the affinities. With u the options' utilities and z
those directions, the information of an answer about z is

    I(answer; z) = I(answer; u) - I(answer; u | z),

both terms by the quadrature of `posterior.choice_information`; the second with the covariance of u
given z, at z's mean, which is the one approximation here. z is taken with a resolution of
RESOLUTION hours' worth, below which no plan would change.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from twind.preferences import catalogue, features
from twind.preferences.observations import NOISE, Ordinal, scale_of
from twind.preferences.posterior import choice_information, ordinal_information

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from numpy.typing import NDArray

    from twind.model import Question
    from twind.preferences.belief import Belief

RESOLUTION = 0.1
CURIOSITY = 0.1
"""What a nat about anything else counts: styles change no plan, but somebody has to ask."""

RECENT = 3
REPEAT_FACTOR = 0.6
"""What each of the last RECENT questions of the same dimension leaves of a question's score."""

STOP_GAIN_PER_S = 0.004
"""Nats a second below which a question does not pay: about a tenth of what the first ones give."""


@dataclass(frozen=True, slots=True)
class Ranked:
    """A question and what asking it promises.

    Attributes:
        question: what to ask.
        gain_nats: expected information about what proposals depend on, with CURIOSITY's share of
            the rest.
        gain_per_s: the same for each second of effort.
        score: gain_per_s after the penalty for asking about one dimension again and again.
        dimension: what it is mostly about, "" where no aspect is named.

    """

    question: Question
    gain_nats: float
    gain_per_s: float
    score: float
    dimension: str


@dataclass(frozen=True, slots=True)
class Selection:
    """The next question, or the reason why there is none."""

    best: Ranked | None
    reason: str


def relevant_directions(belief: Belief) -> NDArray[np.float64]:
    """Return the directions (m, d) that proposals depend on, each in neutral free hours."""
    size = len(belief.names)
    aspects = len(catalogue.aspects())
    worth = np.zeros((len(features.ATTRIBUTES), size))
    worth[:, :aspects] = features.meaning() * features.rewarded()
    effects = np.zeros((len(catalogue.EFFECTS), size))
    effects[:, :aspects] = features.effects().T
    rows = np.concatenate([worth, effects, np.eye(size)[aspects:]])
    return rows[np.any(rows != 0.0, axis=1)]


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


def next_question(
    belief: Belief,
    questions: Sequence[Question],
    asked: Collection[int] = (),
    worth: NDArray[np.float64] | None = None,
    *,
    recent: Sequence[str] = (),
) -> Ranked | None:
    """Return the best question to ask next, None when asking no longer pays (see `select`)."""
    return select(belief, questions, asked, recent=recent, worth=worth).best


def dimension_of(question: Question) -> str:
    """Return the dimension a question is mostly about, by weight; "" where no aspect is named."""
    weights: dict[str, float] = defaultdict(float)
    for option in question.options:
        for code, weight in option.features.items():
            place = catalogue.index_of().get(code)
            if place is not None:
                weights[catalogue.aspects()[place].dimension] += abs(weight)
    return max(sorted(weights), key=lambda name: weights[name]) if weights else ""


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
    solver = _Conditioner(posterior.covariance, directions)
    if choices:
        widest = max(len(questions[place].options) for place in choices)
        offered = np.zeros((len(choices), widest), dtype=bool)
        rows = np.zeros((len(choices), widest, len(belief.names)))
        for row, place in enumerate(choices):
            for column, option in enumerate(questions[place].options):
                _fill(rows[row, column], belief, option.features, slope)
                offered[row, column] = True
        inner, given = solver.covariances(rows)
        means = rows @ posterior.mean
        whole = choice_information(means, inner, offered)
        gains[choices] = _relevant(whole, choice_information(means, given, offered))
    if scales:
        most = max(len(scale.cuts) for scale in scales.values())
        cuts = np.full((len(scales), most), np.inf)
        rows = np.zeros((len(scales), 1, len(belief.names)))
        for row, scale in enumerate(scales.values()):
            cuts[row, : len(scale.cuts)] = slope * np.asarray(scale.cuts)
            _fill(rows[row, 0], belief, scale.features, slope)
        inner, given = solver.covariances(rows)
        means = (rows @ posterior.mean)[:, 0]
        whole = ordinal_information(means, inner[:, 0, 0], cuts)
        gains[list(scales)] = _relevant(whole, ordinal_information(means, given[:, 0, 0], cuts))
    return gains


def _relevant(whole: NDArray[np.float64], irrelevant: NDArray[np.float64]) -> NDArray[np.float64]:
    relevant = np.clip(whole - irrelevant, 0.0, whole)
    return relevant + CURIOSITY * (whole - relevant)


def _fill(
    row: NDArray[np.float64], belief: Belief, weights: Mapping[str, float], slope: float
) -> None:
    for name, weight in weights.items():
        place = belief.place(name)
        if place is not None:
            row[place] = slope * weight


class _Conditioner:
    """Covariances of utilities, and what is left of them once the relevant directions are known."""

    def __init__(self, covariance: NDArray[np.float64], directions: NDArray[np.float64]) -> None:
        self.covariance = covariance
        self.spread = covariance @ directions.T
        inner = directions @ self.spread
        inner.flat[:: inner.shape[0] + 1] += RESOLUTION**2
        self.whitened = np.linalg.solve(np.linalg.cholesky(inner), self.spread.T)

    def covariances(
        self, rows: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return cov(u) and cov(u | z), each (n, k, k), for rows (n, k, d)."""
        across = np.swapaxes(rows, 1, 2)
        inner = rows @ self.covariance @ across
        known = rows @ self.whitened.T
        return inner, inner - known @ np.swapaxes(known, 1, 2)
