"""What free time is spent on: exercise, company, making things, others' needs … or now and then.

Rest is left out: hardly anybody writes it down, so that a calendar without it says nothing.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import numpy as np

from twind.preferences.detectors.habits import QUARTERS, population_habits
from twind.preferences.detectors.shared import (
    LEAST_RATE,
    LONGEST_H,
    REST,
    SOCIAL,
    TYPICAL_CLOSENESS,
    WORK,
    choice,
    habit_weights,
    length,
    log_rates,
    sparse,
)
from twind.preferences.features import Block
from twind.preferences.observations import Choice

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from twind.preferences.detectors.history import History, LivedBlock
    from twind.preferences.observations import Features, Observation

OFFICE_H = (9, 17)
"""Whoever is free in these hours of a weekday spends them as others spend a weekend."""

VARIED_AFTER_DAYS = 7
"""What was last done just a week ago is a weekly habit, and no change."""


def free_time(history: History) -> list[Observation]:
    """Read each block of the user's own free time as a choice of what to spend it on.

    The options are the activities that this calendar ever shows, at the rates at which people in
    general are at each at that hour. With the person's own habits as base rates nothing would ever
    be learnt; that habit is not value is said by `habit_weights` instead.

    It can tell who gives more of what is free to exercise, the outdoors, people, learning, making,
    reflecting or helping than others do. It cannot tell liking from duty, money, health or what is
    near; nor what is done without being written down, so that what a calendar never shows is no
    option, and rest is none at all.
    """
    blocks = _free(history)
    table = population_habits()
    options = sorted({block.activity for block in blocks if block.activity is not None})
    found = []
    for block, weight in zip(blocks, habit_weights(blocks), strict=True):
        assert block.activity is not None
        rates = _rates(block, table)
        found += choice(
            "free",
            block,
            f"You gave {length(block)} of your own time to “{block.title}”",
            Choice(
                tuple(_spent_on(activity, block) for activity in options),
                options.index(block.activity),
                log_rates(rates[activity] for activity in options),
            ),
            weight,
        )
    return found


def variety(history: History) -> list[Observation]:
    """Read each block of the user's own free time as a choice of the usual or of a change.

    A change is an activity not done for more than a week; what is done several times a day counts
    once. The base rates are the person's own: the share of changes among what was still to come,
    so that only the order speaks, rotation or runs, and not how often each is done. It can tell
    who likes things to change from who keeps to a few things at a time. It cannot tell a taste
    from a season, a holiday or a course that ended, and sees no variety within an activity.
    """
    by_day = {
        (block.start_local.date(), block.activity): block for block in reversed(_free(history))
    }
    blocks = list(reversed(by_day.values()))
    left = Counter(block.activity for block in blocks)
    last = {activity: blocks[0].start_local.date() for activity in left}
    found = []
    for block, weight in zip(blocks, habit_weights(blocks), strict=True):
        today = block.start_local.date()
        idle = {one for one in left if (today - last[one]).days > VARIED_AFTER_DAYS}
        changes = sum(left[one] for one in idle)
        if 0 < changes < left.total():
            chosen = int(block.activity in idle)
            found += choice(
                "variety",
                block,
                f"You did “{block.title}” {CHANGED[chosen]}",
                Choice(
                    (_varied(block, 0.0), _varied(block, 1.0)),
                    chosen,
                    log_rates(count / left.total() for count in (left.total() - changes, changes)),
                ),
                weight,
            )
        left[block.activity] -= 1
        last[block.activity] = today
    return found


CHANGED = ("where you could have had a change", "for a change")


def _free(history: History) -> list[LivedBlock]:
    """Return the blocks of the user's own free time that calendars can tell, in order."""
    return sorted(
        (
            block
            for block in history.blocks
            if block.own and block.activity not in (None, REST, WORK) and block.hours >= 0.25
        ),
        key=lambda block: (block.start_local, block.source),
    )


def _rates(block: LivedBlock, table: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the population's rates at the ten ACTIVITIES, (10,), at the hour of a free block."""
    off = block.start_local.weekday() >= 5 or OFFICE_H[0] <= block.middle_h < OFFICE_H[1]
    rates = table[int(off), int(block.middle_h * 4.0) % QUARTERS, 1:]
    return np.asarray(np.maximum(rates, LEAST_RATE))


def _spent_on(activity: int, block: LivedBlock) -> Features:
    """Return what the same time would mean if given to an activity, alone unless it is social."""
    company = activity == SOCIAL
    return sparse(
        Block(
            activity=activity,
            hours=min(block.hours, LONGEST_H),
            hour=block.middle_h,
            people=int(company),
            closeness=TYPICAL_CLOSENESS if company else 0.0,
        )
    )


def _varied(block: LivedBlock, varied: float) -> Features:
    assert block.activity is not None
    return sparse(
        Block(
            activity=block.activity,
            hours=min(block.hours, LONGEST_H),
            hour=block.middle_h,
            varied=varied,
        )
    )
