"""Evidence: what was seen, when, where it stands, and what it says about the parameters.

Features are sparse: `{"VAL_GROWTH": 0.8, "part:energy": 1.0, "person:3": 0.5}`, names as in
`belief.Belief`, in neutral free hours; time left free is `{}`.

How loudly a kind of evidence speaks stands in NOISE alone: `slope` is the inverse of the noise (a
gain of one hour's worth moves the log-odds by this much), `weight` what one piece counts. Slopes
were fitted on simulated people of five kinds, within what is known of real ones: by how well all
that they said was foretold before it was read (`python benchmarks/run.py weighing` halves and
doubles each). Real people who are asked the same choice twice give the same answer in roughly three
of four cases where options differ by half an hour's worth, which is a slope of 2 to 2.5. What is
marked assumed is just that.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from numpy.typing import NDArray

    from twind.model import Option, Question

    Features = Mapping[str, float]

Kind = Literal["answer", "feedback", "behaviour"]


@dataclass(frozen=True, slots=True)
class Noise:
    """How one kind of evidence is read; `origin` says where the numbers come from."""

    slope: float
    weight: float
    origin: Literal["assumed", "fitted"]


NOISE: dict[Kind, Noise] = {
    "answer": Noise(slope=2.0, weight=1.0, origin="assumed"),
    "feedback": Noise(slope=1.5, weight=1.0, origin="assumed"),
    "behaviour": Noise(slope=1.5, weight=0.7, origin="fitted"),
}

SCALE_SLOPE = 1.0
"""How much sharper a scale's answer is than a choice. Chosen: between those who answer the nearest
level (2) and those who answer as they choose, so often an end (0.6, fitted on simulated ones)."""

INDIFFERENCE_SD = 1.0
"""Somebody who does not care finds the options equal, give or take an hour's worth: assumed."""

REJECTION_WEIGHTS: dict[str, float] = {
    "time": 0.2,
    "not now": 0.2,
    "busy": 0.2,
    "too soon": 0.2,
    "too late": 0.2,
    "too long": 0.3,
    "too short": 0.3,
    "tired": 0.3,
    "done": 0.1,
    "already": 0.1,
    "wrong person": 0.5,
    "never": 2.0,
    "not my thing": 2.0,
    "don't want": 1.5,
}
"""What a rejection counts by the words of its reason: one about the moment says little of worth."""

REJECTED = 1.0
"""What any other rejection counts, with or without a reason."""
LEAST_PULL = 1e-9
"""A gradient smaller than that is what is left of equal numbers."""
IGNORED = 0.1
"""Silence may only mean that nobody looked."""


# --- likelihoods ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Choice:
    """One of several was chosen; `offsets` are log base rates, `()` for none."""

    options: tuple[Features, ...]
    chosen: int
    offsets: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True)
class Ordinal:
    """A level on a scale; `cuts` between levels are in the units of features @ parameters."""

    features: Features
    level: int
    cuts: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Preference:
    """One thing was preferred to another."""

    better: Features
    worse: Features


@dataclass(frozen=True, slots=True)
class Binary:
    """A yes or no; `offset` is the log-odds of yes for other reasons."""

    features: Features
    outcome: bool
    offset: float = 0.0


@dataclass(frozen=True, slots=True)
class Linear:
    """A measured value of features @ parameters, with its own noise."""

    features: Features
    value: float
    noise_sd: float


@dataclass(frozen=True, slots=True)
class Indifferent:
    """All options are worth about the same, give or take `noise_sd` hours' worth."""

    options: tuple[Features, ...]
    noise_sd: float = INDIFFERENCE_SD


@dataclass(frozen=True, slots=True)
class Change:
    """What is so noted has changed: of what was known of these parameters, only `kept` holds."""

    names: tuple[str, ...]
    kept: float


Likelihood = Choice | Ordinal | Preference | Binary | Linear | Indifferent | Change


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """One piece of evidence.

    Attributes:
        key: its stable identity, such as "response:12": the same evidence always has the same key.
        at: when it happened, aware.
        kind: answer, feedback or behaviour; chooses the noise.
        text: one sentence that the person it is about understands.
        source: the row it rests on, (table, id).
        weight: what it counts, beside its kind's weight: 1 for a whole, independent piece.
        likelihood: what it says.

    """

    key: str
    at: datetime
    kind: Kind
    text: str
    source: tuple[str, int]
    likelihood: Likelihood
    weight: float = 1.0


def names_in(likelihood: Likelihood) -> tuple[str, ...]:
    """Return the parameters a likelihood speaks about, sorted.

    What all options share is no evidence, so that it is not counted among them.
    """
    if isinstance(likelihood, Choice | Indifferent):
        told = _differing(likelihood.options)
    elif isinstance(likelihood, Change):
        told = set(likelihood.names)
    elif isinstance(likelihood, Preference):
        told = _differing((likelihood.better, likelihood.worse))
    else:
        told = {name for name, value in likelihood.features.items() if value}
    return tuple(sorted(told))


def _differing(options: Sequence[Features]) -> set[str]:
    if not options:
        return set()
    first = options[0].items()
    pairs = set().union(*(first ^ other.items() for other in options[1:]))
    # What only some name, and all hold for nothing, is the same to all.
    return {name for name, value in pairs if value}


def directions(likelihood: Likelihood) -> dict[str, int]:
    """Return which way a likelihood moves each parameter that it speaks about (`names_in`).

    1 for up, -1 for down, 0 for neither: the sign of its gradient where all parameters are 0, so
    that it says what the evidence is for whatever is believed already. What shows indifference, or
    a change, is for nothing.
    """
    pull = _gradient(likelihood)
    return {name: _sign(pull.get(name, 0.0)) for name in names_in(likelihood)}


def _gradient(likelihood: Likelihood) -> Features:
    """Return the gradient of the log likelihood at 0, but for a positive factor."""
    match likelihood:
        case Choice(options, chosen, offsets):
            rates = np.exp(np.array(offsets or [0.0] * len(options), np.float64))
            expected: dict[str, float] = {}
            for option, rate in zip(options, rates / rates.sum(), strict=True):
                for name, value in option.items():
                    expected[name] = expected.get(name, 0.0) + float(rate) * value
            return beyond(options[chosen], expected)
        case Preference(better, worse):
            return beyond(better, worse)
        case Binary(features, outcome, _):
            return features if outcome else beyond({}, features)
        case Linear(features, value, _):
            return {name: value * part for name, part in features.items()}
        case Ordinal(features, level, cuts):
            # Up where the level's middle lies above 0; the outer levels have no end.
            ends = (-math.inf, *cuts, math.inf)
            middle = _sign(ends[level] + ends[level + 1])
            return {name: middle * part for name, part in features.items()}
    return {}


def _sign(value: float) -> int:
    return 0 if abs(value) < LEAST_PULL else int(math.copysign(1.0, value))


# --- tempering ------------------------------------------------------------------------------------


def repeat_weight(repeats: int) -> float:
    """Return what each of n repeats of one thing counts, so that all count 1 + log(n).

    A weekly class is one decision confirmed now and then, not fifty decisions: counted singly,
    such series make a posterior far surer than it may be.

    >>> repeat_weight(1)
    1.0
    """
    count = max(1, repeats)
    return (1.0 + math.log(count)) / count


def nth_weight(nth: int) -> float:
    """Return what the n-th word on one kind of proposal counts: 1, then less and less.

    Each is a decision of its own, about another day, but they have much in common: the first n
    count about 2 sqrt(n). Assumed.
    """
    return 1.0 / math.sqrt(max(1, nth))


# --- answers --------------------------------------------------------------------------------------


def from_answer(
    question: Question,
    option_id: int | None,
    *,
    key: str,
    at: datetime,
    source: tuple[str, int],
    response: Literal["selected", "dont_care", "skipped"] = "selected",
    confidence: float | None = None,
) -> Observation | None:
    """Return what an answer says; None for a skipped question or one that tells nothing.

    A choice, binary, trade_off or scenario is a choice among the options; a ranking is the choice
    of what was put first (`option_id`); a scale whose options lie along one direction is a level
    along it. "Don't care" says, weakly, that the options are worth the same. confidence, 0..1, is
    the user's own; none counts as sure. Raises ValueError when the question has no such option.
    """
    if response == "skipped":
        return None
    options = tuple(option.features for option in question.options)
    if not _differing(options):
        return None
    if response == "dont_care":
        return Observation(
            key=key,
            at=at,
            kind="answer",
            text=f"You did not mind either way: “{question.text}”",
            source=source,
            likelihood=Indifferent(options),
            weight=1.0,
        )
    places = [place for place, option in enumerate(question.options) if option.id == option_id]
    if not places:
        raise ValueError(f"question {question.id} has no option {option_id}")
    chosen = question.options[places[0]]
    return Observation(
        key=key,
        at=at,
        kind="answer",
        text=_answer_text(question, chosen),
        source=source,
        likelihood=scale_of(question, places[0]) or Choice(options, places[0]),
        weight=1.0 if confidence is None else 0.3 + 0.7 * min(max(confidence, 0.0), 1.0),
    )


def _answer_text(question: Question, chosen: Option) -> str:
    verb = "You put first" if question.kind == "ranking" else "You answered"
    return f"{verb} “{chosen.text}” to “{question.text}”"


def scale_of(question: Question, level: int) -> Ordinal | None:
    """Return a scale's answer as a level along the direction of its options, None for no scale.

    The direction u is the unit vector from the first option's features to the last one's; option j
    lies at u @ features[j], and somebody answers j when u @ parameters lies nearest to it: the cuts
    are half-way. Options that do not ascend along u are no scale.
    """
    if question.kind != "scale" or len(question.options) < 3:
        return None
    names = sorted({name for option in question.options for name in option.features})
    rows: NDArray[np.float64] = np.array(
        [[option.features.get(name, 0.0) for name in names] for option in question.options]
    ).reshape(len(question.options), len(names))
    direction = rows[-1] - rows[0]
    length = float(np.linalg.norm(direction))
    if length <= 1e-9:
        return None
    direction = direction / length
    places = rows @ direction
    if not np.all(np.diff(places) > 1e-6):
        return None
    return Ordinal(
        {
            name: SCALE_SLOPE * float(part)
            for name, part in zip(names, direction, strict=True)
            if part
        },
        level,
        tuple(float(cut) for cut in SCALE_SLOPE * 0.5 * (places[:-1] + places[1:])),
    )


# --- feedback -------------------------------------------------------------------------------------


def from_feedback(
    features: Features,
    *,
    action: Literal["accept", "reject", "edit", "snooze", "undo", "ignored"],
    title: str,
    key: str,
    at: datetime,
    source: tuple[str, int],
    reason: str = "",
    baseline: Features | None = None,
    edited: Features | None = None,
    offset: float = 0.0,
    nth: int = 1,
) -> tuple[Observation, ...]:
    """Return what the user's word on a proposal says.

    features: of what was proposed; baseline: of what would have been instead (none: time left
    free); edited: of what the user made of it; offset: log odds of a yes for all other reasons,
    which say nothing of worth (`foretold_otherwise`); nth: which proposal of this kind it was, from
    1: the tenth "yes" to the same adds little (`nth_weight`).

    accept: it was worth more than the baseline. reject: less, and by its reason (REJECTION_WEIGHTS)
    mostly about the moment. edit: what it became was worth more than the baseline, and preferred to
    what was proposed, under `key` and `key/edit`. ignored: a tenth of a rejection. snooze and
    undo say nothing about worth: ().
    """
    if action in ("snooze", "undo"):
        return ()
    share = nth_weight(nth)

    def said(key: str, likelihood: Likelihood, text: str, weight: float) -> list[Observation]:
        if not names_in(likelihood):
            return []
        return [
            Observation(
                key=key,
                at=at,
                kind="feedback",
                text=text,
                source=source,
                likelihood=likelihood,
                weight=weight,
            )
        ]

    def taken(what: Features, outcome: bool) -> Binary:
        return Binary(beyond(what, baseline or {}), outcome, offset)

    if action == "accept":
        return (*said(key, taken(features, True), f"You accepted “{title}”", share),)
    if action == "ignored":
        text = f"You left “{title}” unanswered"
        return (*said(key, taken(features, False), text, IGNORED * share),)
    if action == "reject":
        because = f": {reason.strip()}" if reason.strip() else ""
        text = f"You rejected “{title}”{because}"
        return (*said(key, taken(features, False), text, rejection_weight(reason) * share),)
    became = features if edited is None else edited
    changed = Preference(became, features)
    return (
        *said(key, taken(became, True), f"You took up “{title}” with a change", share),
        *said(f"{key}/edit", changed, f"You changed “{title}” to suit you", 1.0),
    )


def foretold_otherwise(odds: float, worth: float, doubt: float) -> float:
    """Return the log odds of a yes that worth does not account for: an offset for `from_feedback`.

    odds: with which the simulated day foretold a yes, whatever it might be worth. worth, doubt:
    mean and standard deviation of what it was believed to be worth then beyond its baseline. So a
    review is surprising, and teaches, as far as it is not what the day foretold, whatever that
    counts and features leave out. Odds averaged over doubt lie nearer to even than those of the
    mean, by a factor (MacKay 1992) that is taken off again.
    """
    slope = NOISE["feedback"].slope
    return odds * math.sqrt(1.0 + math.pi / 8.0 * (slope * doubt) ** 2) - slope * worth


def beyond(features: Features, baseline: Features) -> dict[str, float]:
    """Return what features have beyond those of a baseline, the zeros left out."""
    names = dict.fromkeys((*features, *baseline))
    differences = {name: features.get(name, 0.0) - baseline.get(name, 0.0) for name in names}
    return {name: value for name, value in differences.items() if value}


def rejection_weight(reason: str) -> float:
    """Return what a rejection counts by its reason; the first entry found in it decides."""
    said = reason.casefold().strip()
    # The strongest words first: "never at this time" is a never.
    for words, weight in sorted(REJECTION_WEIGHTS.items(), key=lambda item: -item[1]):
        if words in said:
            return weight
    return REJECTED
