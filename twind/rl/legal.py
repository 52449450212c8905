"""What may be proposed now: the hard limits.

Leaving is always legal. Every block fits into the free time before the next commitment, into what
its activity's limit leaves of the day (work and study share one) and into what the day itself
holds: a part of waking time stays free for meals, the household and ways. Work that begins in
working hours ends with them, and begins outside them only for a project that allows it. Working
hours are for work, plans and learning for a project; anything else has a break's length there.
`work` needs a project, `learn` may have one of learning, `social` and `help` may have a person;
everything else is with nobody. Rest is light, nothing is deep but focused effort, real time for
people and hard training, and leaving is without degree.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from twind.preferences.features import FOCUSED
from twind.rl.compiled import compiled
from twind.rl.person import may_work
from twind.rl.snapshot import KINDS
from twind.rl.spaces import DURATIONS_SLOTS, PROJECTS, SLOTS
from twind.rl.world import (
    EXERCISE,
    FREE,
    HELP,
    LEARN,
    P_BREAK,
    P_MAX_PROPOSALS,
    PLAN,
    REST,
    SLOT_H,
    SOCIAL,
    WORK,
    WORKING,
)
from twind.rl.worth import LIMIT_H, TARGET_LIMIT_H

if TYPE_CHECKING:
    from twind.rl.world import Day, Life

LEARNING = KINDS.index("learning")
INTENSE = (*FOCUSED, SOCIAL, EXERCISE)
"""What may be proposed as deep: undivided effort, hard training, real time for somebody."""
LONGEST = int(DURATIONS_SLOTS[-1])
LONGEST_BREAK_H = 1.0
"""Nobody is sent off for longer in working hours: lunch with a friend, not an afternoon."""


@compiled
def is_open(v: Life, w: Day) -> bool:
    """Tell whether there is something to decide in the present slot."""
    return bool(
        v.flags[w.day, w.slot] & FREE
        and w.unplanned == 0
        and w.proposals < w.params[P_MAX_PROPOSALS]
    )


@compiled
def free_run(v: Life, w: Day) -> int:
    """Return how many free slots in a row begin now."""
    return int(v.free_run[w.day, w.slot]) if w.slot < SLOTS else 0


@compiled
def leisure_run(v: Life, w: Day, run: int) -> int:
    """Return for how many of the `run` free slots the user may be off duty.

    All of them outside working hours; within, as long as a break may be and is left of the day's.
    """
    left = min(LONGEST_BREAK_H, w.params[P_BREAK] - w.idle_h)
    for ahead in range(min(run, LONGEST)):
        if v.flags[w.day, w.slot + ahead] & WORKING:
            left -= SLOT_H
            if left < 0.0:
                return ahead
    return run


@compiled
def is_working(v: Life, w: Day) -> bool:
    """Tell whether these are working hours."""
    return bool(w.slot < SLOTS and v.flags[w.day, w.slot] & WORKING)


@compiled
def room(v: Life, w: Day, activity: int, run: int, leisure: int) -> int:
    """Return for how many slots an activity may be proposed, of `run` and `leisure` free ones."""
    left_h = min(LIMIT_H[activity] - w.hours[activity], v.holds_h[w.day] - w.filled_h)
    if activity in (WORK, LEARN):
        # Study is work by another name.
        left_h = min(left_h, LIMIT_H[WORK] - w.hours[WORK] - w.hours[LEARN])
    fits = min(run, int(left_h / SLOT_H + 1e-9))
    working = is_working(v, w)
    if activity == WORK:
        return min(fits, int(v.work_run[w.day, w.slot])) if working else fits
    if activity == PLAN or (activity == LEARN and working):
        return fits
    return min(fits, leisure)


@compiled
def may_target(v: Life, w: Day, activity: int, target: int) -> bool:
    """Tell whether an activity may be proposed now with this target, if there is room for it."""
    if target == 0:
        return activity != WORK and not (activity == LEARN and is_working(v, w))
    if target <= PROJECTS:
        p = target - 1
        if activity == WORK:
            return may_work(v, w, p)
        return bool(activity == LEARN and v.project_kind[p] == LEARNING and w.remaining_h[p] > 0.0)
    p = target - 1 - PROJECTS
    return bool(
        activity in (SOCIAL, HELP)
        and p < v.people_count
        and w.target_h[PROJECTS + p] < TARGET_LIMIT_H
    )


@compiled
def may_depth(activity: int, depth: int) -> bool:
    """Tell whether an activity may be proposed at this intensity."""
    return depth == 0 or activity in INTENSE or (depth == 1 and activity != REST)
