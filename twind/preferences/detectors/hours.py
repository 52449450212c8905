"""At what hours of the day things are done, where others were possible."""

from __future__ import annotations

from datetime import datetime, time
from operator import itemgetter
from typing import TYPE_CHECKING

from twind.preferences.detectors.shared import (
    LONGEST_H,
    choice,
    length,
    log_rates,
    series_of,
    series_weights,
    sparse,
)
from twind.preferences.features import ACTIVITIES, EARLY_BEFORE_H, LATE_AFTER_H, Block
from twind.preferences.observations import Choice

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date

    from twind.preferences.detectors.history import History, LivedBlock
    from twind.preferences.observations import Observation

FOCUSED = frozenset(ACTIVITIES.index(name) for name in ("work", "learn", "create"))
BANDS = (
    ("early", 6.5, EARLY_BEFORE_H),
    ("by day", EARLY_BEFORE_H, LATE_AFTER_H),
    ("late", LATE_AFTER_H, 22.5),
)
BAND_RATES = (0.12, 0.72, 0.16)


def focused_hours(history: History) -> list[Observation]:
    """Read each block of focused work alone as a choice of early, by day or late.

    Only bands whose hours were not taken by other blocks count as possible, and a block with
    nowhere else to go says nothing. It can tell whether somebody seeks the edges of the day for
    work that needs quiet. It cannot tell why: a baby, a shift or a shared flat looks like a taste;
    nor does it see work that no calendar shows.
    """
    blocks = [
        block
        for block in history.blocks
        if block.activity in FOCUSED and not block.people_ids and block.hours >= 0.5
    ]
    taken = _taken_by_day(history.blocks)
    weights = series_weights(blocks)
    found = []
    for block in blocks:
        chosen = _band(block.middle_h)
        others = [span for other, span in taken[block.start_local.date()] if other is not block]
        possible = [
            band
            for band in range(len(BANDS))
            if band == chosen or _room(others, band) >= min(block.hours, LONGEST_H)
        ]
        options = tuple(_work_at(block, band, chosen) for band in possible)
        found += choice(
            "focus",
            block,
            f"You spent {length(block)} on “{block.title}” {BANDS[chosen][0]}",
            Choice(
                options,
                possible.index(chosen),
                log_rates(BAND_RATES[band] for band in possible),
            ),
            weights[series_of(block)],
        )
    return found


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


def _work_at(block: LivedBlock, band: int, chosen: int) -> dict[str, float]:
    middle = block.middle_h if band == chosen else 0.5 * (BANDS[band][1] + BANDS[band][2])
    assert block.activity is not None
    return sparse(
        Block(
            activity=block.activity,
            hours=min(block.hours, LONGEST_H),
            hour=middle,
            depth=1.0 if block.hours >= 1.0 else 0.5,
        )
    )
