"""At what hours of the day things are done, where others were possible."""

from __future__ import annotations

from datetime import datetime, time
from operator import itemgetter
from typing import TYPE_CHECKING

import numpy as np

from twind.preferences.detectors.habits import population_habits
from twind.preferences.detectors.shared import (
    LEAST_RATE,
    LONGEST_H,
    choice,
    habit_weights,
    length,
    log_rates,
    series_of,
    series_weights,
    sparse,
)
from twind.preferences.features import (
    ACTIVITIES,
    EARLY_BEFORE_H,
    FOCUSED,
    LATE_AFTER_H,
    Block,
)
from twind.preferences.observations import Choice

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from datetime import date

    from numpy.typing import NDArray

    from twind.preferences.detectors.history import History, LivedBlock
    from twind.preferences.observations import Features, Observation

ANY_HOUR = frozenset(ACTIVITIES.index(name) for name in ("exercise", "outdoors", "reflect"))
BANDS = (
    ("early in the day", 6.5, EARLY_BEFORE_H),
    ("by day", EARLY_BEFORE_H, LATE_AFTER_H),
    ("late in the day", LATE_AFTER_H, 22.5),
)
BAND_RATES = (0.12, 0.72, 0.16)
NIGHT_UNTIL_H = 5.0


def focused_hours(history: History) -> list[Observation]:
    """Read each block of focused work alone as a choice of early, by day or late.

    Only bands whose hours were not taken by other blocks count as possible, and a block with
    nowhere else to go says nothing. It can tell whether somebody seeks the edges of the day for
    work that needs quiet. It cannot tell why: a baby, a shift or a shared flat looks like a taste;
    nor does it see work that no calendar shows. In the night it is neither early nor late.
    """
    blocks = [
        block
        for block in history.blocks
        if block.activity in FOCUSED
        and not block.people_ids
        and block.hours >= 0.5
        and block.middle_h >= NIGHT_UNTIL_H
    ]
    weights = series_weights(blocks)
    found = []
    for block, possible in _possible_bands(blocks, history):
        found += choice(
            "focus",
            block,
            f"You spent {length(block)} on “{block.title}” {BANDS[_band(block.middle_h)][0]}",
            _choice_of(block, possible, BAND_RATES),
            weights[series_of(block)],
        )
    return found


def leisure_hours(history: History) -> list[Observation]:
    """Read exercise, time outdoors and reflection, own and alone, as a choice of hours, likewise.

    Base rates are those at which people in general are at the same activity in these hours of such
    a day, and what one does again and again at one time is one habit. It can tell who goes for the
    early morning and who for the evening, for what can be done at any time. It cannot tell a taste
    from opening hours, daylight or working hours that no calendar shows; and when somebody sleeps
    is not to be had from calendars: nights are left out.
    """
    blocks = [
        block
        for block in history.blocks
        if block.own
        and block.activity in ANY_HOUR
        and not block.people_ids
        and block.hours >= 0.25
        and block.middle_h >= NIGHT_UNTIL_H
    ]
    table = population_habits()
    weights = {
        block.source: weight for block, weight in zip(blocks, habit_weights(blocks), strict=True)
    }
    found = []
    for block, possible in _possible_bands(blocks, history):
        found += choice(
            "hours",
            block,
            f"You chose “{block.title}” {BANDS[_band(block.middle_h)][0]}",
            _choice_of(block, possible, _people_at(block, table)),
            weights[block.source],
        )
    return found


def _possible_bands(
    blocks: Iterable[LivedBlock], history: History
) -> Iterable[tuple[LivedBlock, list[int]]]:
    """Yield each block with the bands of its day that had room for it, its own among them."""
    taken = _taken_by_day(history.blocks)
    for block in blocks:
        others = [span for other, span in taken[block.start_local.date()] if other is not block]
        yield (
            block,
            [
                band
                for band in range(len(BANDS))
                if band == _band(block.middle_h)
                or _room(others, band) >= min(block.hours, LONGEST_H)
            ],
        )


def _choice_of(block: LivedBlock, possible: list[int], rates: Sequence[float]) -> Choice:
    chosen = _band(block.middle_h)
    return Choice(
        tuple(_done_at(block, band, chosen) for band in possible),
        possible.index(chosen),
        log_rates(rates[band] for band in possible),
    )


def _people_at(block: LivedBlock, table: NDArray[np.float64]) -> list[float]:
    """Return how many people are at a block's activity in each band of such a day, on average."""
    assert block.activity is not None
    shares = table[int(block.start_local.weekday() >= 5), :, 1 + block.activity]
    people = np.maximum(shares, LEAST_RATE)
    return [float(people[round(4.0 * start) : round(4.0 * end)].sum()) for _, start, end in BANDS]


def _band(hour: float) -> int:
    if hour < EARLY_BEFORE_H:
        return 0
    return 2 if hour >= LATE_AFTER_H else 1


def _taken_by_day(
    blocks: Iterable[LivedBlock],
) -> dict[date, list[tuple[LivedBlock, tuple[float, float]]]]:
    """Return each day's blocks with their spans, in seconds since its midnight and in order."""
    by_day: dict[date, list[tuple[LivedBlock, tuple[float, float]]]] = {}
    for block in blocks:
        day = block.start_local.date()
        midnight = datetime.combine(day, time())
        start = (block.start_local.replace(tzinfo=None) - midnight).total_seconds()
        end = (block.end_local.replace(tzinfo=None) - midnight).total_seconds()
        by_day.setdefault(day, []).append((block, (start, end)))
    for taken in by_day.values():
        taken.sort(key=itemgetter(1))
    return by_day


def _room(taken: Iterable[tuple[float, float]], band: int) -> float:
    """Return how many hours of a band of a day none of these spans, in their order, covers."""
    at, high = 3600.0 * BANDS[band][1], 3600.0 * BANDS[band][2]
    free = 0.0
    for start, end in taken:
        if end > at and start < high:
            free += max(0.0, start - at)
            at = max(at, end)
    free += max(0.0, high - at)
    return free / 3600.0


def _done_at(block: LivedBlock, band: int, chosen: int) -> Features:
    assert block.activity is not None
    depth = 1.0 if block.hours >= 1.0 else 0.5
    return sparse(
        Block(
            activity=block.activity,
            hours=min(block.hours, LONGEST_H),
            hour=block.middle_h if band == chosen else 0.5 * (BANDS[band][1] + BANDS[band][2]),
            depth=depth if block.activity in FOCUSED else 0.5,
        )
    )
