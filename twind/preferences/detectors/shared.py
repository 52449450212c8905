"""What detectors share: how a block becomes an observation, and what repeats of it count.

Times are the user's wall clock.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from functools import lru_cache
from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np

from twind.preferences import catalogue
from twind.preferences.features import ACTIVITIES, Block, aspect_features
from twind.preferences.observations import Choice, Observation, names_in, repeat_weight

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import datetime

    from twind.preferences.detectors.history import LivedBlock
    from twind.preferences.observations import Features

REST, WORK, SOCIAL = (ACTIVITIES.index(name) for name in ("rest", "work", "social"))
FREE_TIME = frozenset(
    ACTIVITIES.index(name) for name in ("rest", "social", "exercise", "outdoors", "create", "learn")
)

OTHERS_WEIGHT = 0.2
"""A meeting that somebody else set was at most agreed to."""

LONGEST_H = 2.0
"""A block says no more than two hours of it would: the rest follows from having begun."""

TYPICAL_CLOSENESS = 0.5

LEAST_RATE = 0.01
"""Share of people at an activity at an hour at which the table of the population has nobody."""


@lru_cache(maxsize=4096)
def sparse(block: Block) -> Features:
    """Return a block's features by aspect code, the zeros left out.

    A life is made of few different blocks, and a year of evidence shares what they mean.
    """
    dense = aspect_features(block)
    aspects = catalogue.aspects()
    named = {aspects[place].code: float(dense[place]) for place in np.flatnonzero(dense)}
    return MappingProxyType(named)


def choice(
    detector: str,
    block: LivedBlock,
    text: str,
    likelihood: Choice,
    weight: float,
    told: tuple[str, ...] = (),
) -> list[Observation]:
    """Return the observation, or nothing where the options are the same to every parameter."""
    if len(likelihood.options) < 2 or not (told or names_in(likelihood)):
        return []
    return [
        Observation(
            key=f"behaviour:{detector}:{block.source[0]}:{block.source[1]}",
            at=block.start_local,
            kind="behaviour",
            text=text,
            source=block.source,
            likelihood=likelihood,
            weight=weight * (1.0 if block.own else OTHERS_WEIGHT),
        )
    ]


def log_rates(rates: Iterable[float]) -> tuple[float, ...]:
    """Return base rates as a choice's offsets."""
    return tuple(math.log(rate) for rate in rates)


def series_of(block: LivedBlock) -> str:
    """Return what a block is a repeat of; a title repeats itself."""
    return block.series or f"title:{plain(block.title)}"


def series_weights(blocks: Iterable[LivedBlock]) -> dict[str, float]:
    """Return by series what each of its blocks counts."""
    counts = Counter(series_of(block) for block in blocks)
    return {series: repeat_weight(count) for series, count in counts.items()}


def habit_weights(blocks: Sequence[LivedBlock]) -> list[float]:
    """Return what each block counts where what is chosen time and again is one habit.

    The blocks of weekdays share a habit, as those of weekends do, and n of them count 1 + log(n)
    together: each the same, whatever was chosen, so that who lives as people in general do is found
    to be no different from them. Repeats of a series from the source count as by `repeat_weight`
    beside the others.
    """
    repeats = Counter(block.series for block in blocks)
    single = [repeat_weight(repeats[block.series] if block.series else 1) for block in blocks]
    weekend = [block.start_local.weekday() >= 5 for block in blocks]
    together = [
        sum(weight for weight, off in zip(single, weekend, strict=True) if off == kind)
        for kind in (False, True)
    ]
    return [
        weight * repeat_weight(round(together[off]))
        for weight, off in zip(single, weekend, strict=True)
    ]


def plain(title: str) -> str:
    """Return a title without case and numbers, so that "Run 3" repeats "Run 2"."""
    return " ".join(re.sub(r"[\W\d_]+", " ", title.casefold()).split())


def length(block: LivedBlock) -> str:
    """Return how long a block was, in words."""
    minutes = round(block.hours * 60.0)
    if minutes == 60:
        return "an hour"
    return f"{minutes} minutes" if minutes < 90 else f"{round(minutes / 60.0, 1):g} hours"


def days_between(start: datetime, end: datetime) -> float:
    """Return the days from one moment to another."""
    return (end - start).total_seconds() / 86_400.0
