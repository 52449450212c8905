"""What the simulated user does by themselves, and what they make of a proposal.

Left alone they follow their habits, and at work what is due. A proposal is taken up the more
probably the more they see in it; they see less in what is not yet near, which is why a twin can
help. What they accept is begun, and carried on with, with probabilities of their own.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from twind.rl import luck
from twind.rl.body import DEMAND, DEPTH_EFFORT, EFFORTFUL
from twind.rl.compiled import compiled
from twind.rl.spaces import PROJECTS
from twind.rl.world import (
    ACTIVITIES,
    ALIGNMENT,
    ENERGY,
    LEARN,
    P_ACCEPTANCE,
    P_BREAK,
    P_COMPLETION,
    P_DUTY,
    P_FATIGUE,
    P_FRICTION,
    P_LEAD,
    P_RISK,
    PART,
    PLAN,
    PROGRESS,
    RELATIONSHIPS,
    SLOT_H,
    SOCIAL,
    WORK,
    WORKING,
)
from twind.rl.worth import (
    CONTACT_WORTH,
    LIMIT_H,
    OVERDUE_DAYS,
    PROGRESS_WORTH,
    TARGET_LIMIT_H,
    UNSURE,
    UNSURE_OF_NEW,
    alignment,
    company,
    describe,
    is_new,
    speed,
    weight,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from twind.rl.world import Day, Life

ROUTINE = 0.28
"""Share of working time that goes to mail and the like, with no plan against it (28 % of the week
for e-mail alone: McKinsey Global Institute 2012, "The social economy")."""
OWN_BREAK_H = 2.0
"""After so much effort without one the user takes a break by themselves. Chosen."""
NEAR, FAR = 1.5, 0.5
"""How much progress counts to the user when the deadline is within their lead time, and beyond."""
SEEN = 1.5
"""Log odds of acceptance that a neutral free hour of gain adds. Chosen."""
USUAL = 0.8
"""Log odds that it adds if the user would do it anyway."""
REFUSED_ODDS = 0.3
"""Log odds lost with each proposal refused today."""


# --- left alone ----------------------------------------------------------------------------------


@compiled
def off_duty(activity: int, target: int) -> bool:
    """Tell what working hours are not for: all but work, plans, and learning for a project."""
    return activity not in (WORK, PLAN) and not (activity == LEARN and target > 0)


@compiled
def may_work(v: Life, w: Day, project: int) -> bool:
    """Tell whether a project may be worked on now: something left, and the hours for it."""
    if w.remaining_h[project] <= 0.0:
        return False
    if v.off_hours[project]:
        return True
    return bool(v.flags[w.day, w.slot] & WORKING)


@compiled
def own_choice(v: Life, w: Day) -> tuple[int, int]:
    """Return what the user would do now by themselves: activity (-1 for nothing) and target.

    Habit decides the activity, for an hour at a time, with a break from effort now and then, and as
    long as the day has room for it. At work they turn to what is due first the
    more probably the nearer that is (`_turns_to`); else to one of the others now and then, else to
    routine. Company is one of their people half the time.
    """
    weekend = 1 if v.weekday[w.day] >= 5 else 0
    u = luck.draw(w.hour_fate, luck.HABIT)
    kind = 0
    while kind < ACTIVITIES and u >= v.habits[weekend, w.slot, kind]:
        kind += 1
    activity = kind - 1
    if activity < 0 or w.hours[activity] >= LIMIT_H[activity]:
        return -1, 0
    worn = DEMAND[activity] >= EFFORTFUL and w.effort * SLOT_H >= OWN_BREAK_H
    if worn or w.filled_h + SLOT_H > v.holds_h[w.day]:
        return -1, 0
    whim = luck.draw(w.hour_fate, luck.WHIM)
    if activity == WORK:
        return WORK, _own_project(v, w, whim)
    if activity == SOCIAL and whim < 0.5 and v.people_count > 0:
        person = int(2.0 * whim * v.people_count)
        if w.target_h[PROJECTS + person] < TARGET_LIMIT_H:
            return SOCIAL, 1 + PROJECTS + person
    return activity, 0


@compiled
def _turns_to(left_h: float, lead_days: float, friction: float) -> float:
    """Return the probability that the user, at work, turns by themselves to what is due next.

    Whatever presses, ROUTINE takes its share. The pull of a deadline is hyperbolic in its distance
    (temporal motivation theory: Steel & König 2006; students' own pace has that form: Howell et
    al. 2006), and is half of all there is at the user's lead time. Who finds it hard to begin needs
    a deadline near.
    """
    days = max(0.0, left_h) / 24.0
    willing = 1.0 if days <= 1.0 else 1.0 - min(0.8, 2.0 * friction)
    return (1.0 - ROUTINE) * willing / (1.0 + days / lead_days)


@compiled
def _own_project(v: Life, w: Day, whim: float) -> int:
    now_h = w.day * 24.0 + w.slot * SLOT_H
    best, best_deadline = -1, np.inf
    for p in range(v.project_count):
        due = v.deadline_h[p]
        if now_h - 24.0 * OVERDUE_DAYS <= due < best_deadline and may_work(v, w, p):
            best, best_deadline = p, due
    turns = 0.0
    if best >= 0:
        turns = _turns_to(best_deadline - now_h, w.params[P_LEAD], w.params[P_FRICTION])
        if whim < turns:
            return best + 1
    other = int((whim - turns) / (1.0 - turns) * 4.0 * PROJECTS)
    if other < PROJECTS and may_work(v, w, other):
        return other + 1
    return 0


# --- asked ---------------------------------------------------------------------------------------


@compiled
def reluctance(w: Day, activity: int, depth: int) -> float:
    """Return what an hour of effort seems to cost now to somebody of average care for energy."""
    return float(DEMAND[activity] * DEPTH_EFFORT[depth] * max(0.0, 0.6 - w.energy + w.load))


@compiled
def gain(
    v: Life,
    w: Day,
    values: NDArray[np.float64],
    params: NDArray[np.float64],
    activity: int,
    target: int,
    depth: int,
) -> float:
    """Return what somebody sees in an hour of this now, in neutral free hours.

    values (REDUCED,) and params (18,) are theirs: `w.truth` and `w.params` the user's own, `w.mean`
    and `w.guess` those the twin believes in.

    What is not yet pressing to *them* (their own lead time) hardly counts, and neither do prices
    that come later: present bias is why a twin can help.
    """
    people, closeness = company(v, activity, target)
    count = describe(v, w, activity, target, depth, float(people), closeness, w.foreseen)
    seen = values[PART + ALIGNMENT] * alignment(w, values, activity, target, count) / SLOT_H
    if 0 < target <= PROJECTS:
        now_h = w.day * 24.0 + w.slot * SLOT_H
        near = v.deadline_h[target - 1] - now_h <= 24.0 * params[P_LEAD]
        worth = PROGRESS_WORTH * weight(v.priority[target - 1]) * (NEAR if near else FAR)
        seen += values[PART + PROGRESS] * worth * speed(w, depth)
    elif target > PROJECTS:
        missing = 1.0 - w.warmth[target - PROJECTS - 1]
        seen += values[PART + RELATIONSHIPS] * CONTACT_WORTH * closeness * missing
    seen -= values[PART + ENERGY] * reluctance(w, activity, depth)
    seen -= params[P_RISK] * (UNSURE + (UNSURE_OF_NEW if is_new(w, activity) else 0.0))
    flags = v.flags[w.day, w.slot]
    if flags & WORKING and off_duty(activity, target) and w.idle_h >= params[P_BREAK]:
        seen -= params[P_DUTY]
    return float(seen)


@compiled
def acceptance(
    v: Life,
    w: Day,
    values: NDArray[np.float64],
    params: NDArray[np.float64],
    activity: int,
    target: int,
    depth: int,
    hours: float,
) -> float:
    """Return the probability that somebody takes up so many hours of this now; see `gain` for who.

    Logistic in the gain they see in all of it, how near it is to habit, and how often they have
    been asked and have refused today.
    """
    weekend = 1 if v.weekday[w.day] >= 5 else 0
    usual = v.habits[weekend, w.slot, activity + 1] - v.habits[weekend, w.slot, activity]
    odds = (
        params[P_ACCEPTANCE]
        + SEEN * hours * gain(v, w, values, params, activity, target, depth)
        + USUAL * usual
        - params[P_FATIGUE] * w.proposals
        - REFUSED_ODDS * w.refused
    )
    return 1.0 / (1.0 + math.exp(-odds))


@compiled
def beginning(v: Life, w: Day, activity: int, target: int) -> float:
    """Return the probability that what was accepted is begun: what presses or is easy always is."""
    if 0 < target <= PROJECTS:
        now_h = w.day * 24.0 + w.slot * SLOT_H
        if v.deadline_h[target - 1] - now_h <= 24.0:
            return 1.0
    return float(1.0 - min(0.6, w.params[P_FRICTION]) * DEMAND[activity])


@compiled
def carrying_on(w: Day) -> float:
    """Return the probability that what was begun is carried on with for another slot.

    That of a whole hour is logistic in the user's completion and energy; a slot is its fourth root.
    """
    hour = 1.0 / (1.0 + math.exp(-w.params[P_COMPLETION] - 1.5 * (w.energy - 0.6)))
    return math.sqrt(math.sqrt(hour))
