"""What people do anyway: habits, which stand apart from what they value."""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING

import numpy as np

from twind.preferences.features import ACTIVITIES

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from twind.preferences.detectors.history import History, LivedBlock

QUARTERS = 96

PRIOR_DAYS = 3.5
"""How many observed days of its kind the population's table counts as: fitted on how 237 people's
diary days went to twelve activities (`python benchmarks/run.py behaviour`; 2.5 to 4.1 by halves of
them). Diaries leave out nothing and these had no hours: for calendars it is a guess still."""

UNSEEN_DAY = 0.15
"""What a quarter of an hour without an entry counts as time left free: most of life is in no
calendar, so that a gap says little. Assumed: on 23 days of its kind it weighs as much as the
population does."""

_POPULATION: tuple[tuple[tuple[int, int, dict[str, float]], ...], ...] = (
    (  # Monday to Friday
        (6, 7, {"rest": 0.05, "exercise": 0.04, "reflect": 0.02}),
        (7, 9, {"work": 0.15, "rest": 0.1, "exercise": 0.05, "plan": 0.02, "reflect": 0.02}),
        (9, 12, {"work": 0.6, "learn": 0.04, "plan": 0.03, "help": 0.03, "social": 0.03}),
        (12, 13, {"work": 0.25, "rest": 0.25, "social": 0.15, "outdoors": 0.05}),
        (13, 17, {"work": 0.58, "learn": 0.04, "plan": 0.03, "help": 0.03, "social": 0.03}),
        (
            17,
            19,
            {
                "work": 0.15,
                "rest": 0.2,
                "social": 0.1,
                "exercise": 0.1,
                "help": 0.1,
                "outdoors": 0.06,
                "create": 0.03,
                "learn": 0.03,
            },
        ),
        (
            19,
            22,
            {
                "rest": 0.4,
                "social": 0.16,
                "help": 0.06,
                "exercise": 0.05,
                "create": 0.05,
                "work": 0.05,
                "learn": 0.04,
                "reflect": 0.03,
                "plan": 0.02,
            },
        ),
        (22, 24, {"rest": 0.2, "social": 0.03, "reflect": 0.03}),
    ),
    (  # Saturday and Sunday
        (7, 9, {"rest": 0.15, "exercise": 0.05, "reflect": 0.03}),
        (
            9,
            12,
            {
                "rest": 0.15,
                "outdoors": 0.12,
                "help": 0.12,
                "social": 0.1,
                "exercise": 0.08,
                "work": 0.08,
                "create": 0.05,
                "plan": 0.04,
                "reflect": 0.04,
                "learn": 0.03,
            },
        ),
        (12, 14, {"rest": 0.25, "social": 0.22, "outdoors": 0.08, "help": 0.06, "work": 0.05}),
        (
            14,
            18,
            {
                "social": 0.18,
                "outdoors": 0.15,
                "rest": 0.15,
                "help": 0.1,
                "work": 0.07,
                "exercise": 0.07,
                "create": 0.06,
                "learn": 0.03,
            },
        ),
        (18, 22, {"social": 0.28, "rest": 0.35, "create": 0.04, "help": 0.04, "learn": 0.02}),
        (22, 24, {"rest": 0.2, "social": 0.12}),
    ),
)
"""Hours of a day and the share of people at each activity; the rest of them, and those asleep,
count as free. The shape of national time-use surveys, rounded by hand: assumed."""


def population_habits() -> NDArray[np.float64]:
    """Return the population's table, (2, 96, 11): see `habits`."""
    table = np.zeros((2, QUARTERS, 1 + len(ACTIVITIES)))
    for kind, day in enumerate(_POPULATION):
        for start, end, shares in day:
            for name, share in shares.items():
                table[kind, 4 * start : 4 * end, 1 + ACTIVITIES.index(name)] = share
    table[:, :, 0] = 1.0 - table.sum(axis=2)
    return table


def habits(
    history: History, first: date | None = None, last: date | None = None
) -> NDArray[np.float64]:
    """Return what this person does by the quarter of an hour when nobody proposes anything.

    Shape (2, 96, 11): weekday or weekend, quarter of the day from midnight, and the probabilities
    of (free, the ten ACTIVITIES), summing to one. Counts of the days first..last (those of the
    blocks, unless given), spread a little over neighbouring quarters, on top of PRIOR_DAYS days of
    the population's table. Blocks whose activity nobody can tell are left out.
    """
    known = [block for block in history.blocks if block.activity is not None]
    days = [block.start_local.date() for block in history.blocks]
    first = min(days) if first is None and days else first
    last = max(days) if last is None and days else last
    prior = population_habits()
    if first is None or last is None or last < first:
        return prior
    every = [first + timedelta(days=offset) for offset in range((last - first).days + 1)]
    counts = np.zeros_like(prior)
    for kind in (0, 1):
        total = sum(1 for day in every if (day.weekday() >= 5) == bool(kind))
        counts[kind, :, 0] = UNSEEN_DAY * total
    for block in known:
        assert block.activity is not None
        for day, quarter in _quarters(block):
            if first <= day <= last:
                kind = int(day.weekday() >= 5)
                counts[kind, quarter, 1 + block.activity] += 1.0
                counts[kind, quarter, 0] = max(0.0, counts[kind, quarter, 0] - UNSEEN_DAY)
    kernel = np.array([1.0, 2.0, 3.0, 2.0, 1.0]) / 9.0
    spread = sum(
        (
            part * np.roll(counts, shift, axis=1)
            for part, shift in zip(kernel, range(-2, 3), strict=True)
        ),
        start=np.zeros_like(counts),
    )
    return shrunken(spread, prior)


def shrunken(
    counts: NDArray[np.float64], prior: NDArray[np.float64], prior_days: float = PRIOR_DAYS
) -> NDArray[np.float64]:
    """Return shares (..., k) after these counts of days, on top of some days of the population's.

    The mean of a Dirichlet distribution. counts: (..., k), at least 0; prior: the population's
    shares, (..., k), each row summing to one, as those returned do.
    """
    table = counts + prior_days * prior
    shares: NDArray[np.float64] = table / table.sum(axis=-1, keepdims=True)
    return shares


def _quarters(block: LivedBlock) -> Iterable[tuple[date, int]]:
    """Yield each quarter of an hour whose middle a block covers, at most two days of them."""
    at = block.start_local.replace(tzinfo=None)
    end = block.end_local.replace(tzinfo=None)
    at = at.replace(minute=at.minute - at.minute % 15, second=0, microsecond=0)
    start = block.start_local.replace(tzinfo=None)
    half = timedelta(minutes=7.5)
    for _ in range(2 * QUARTERS):
        if at + half >= end:
            return
        if at + half >= start:
            yield at.date(), at.hour * 4 + at.minute // 15
        at += 2 * half
