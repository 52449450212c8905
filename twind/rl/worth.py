"""What a slot is worth: by the user's values, for a project, for a relationship.

What is done is valued by the house's one feature map (`features.list_attributes`), less and less
within a day (diminishing marginal utility), and not at all past a limit. Projects have deadlines;
people matter, and contact with them fades (closeness needs renewal in proportion to it: Roberts &
Dunbar 2011). All of it looks at the day's accumulated hours and the present stretch, never at where
one block ends and the next begins; the first quarter of an hour of anything else is worth less.

The unit is one neutral free hour. The constants were chosen so that days look plausible, unless
they name a source.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from twind.preferences import features
from twind.preferences.features import DEEP
from twind.rl.compiled import compiled
from twind.rl.spaces import PROJECTS
from twind.rl.world import AFFINITY, HELP, P_FOCUS, SLOT_H, SOCIAL, WORTH

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from twind.rl.world import Day, Life

LIMIT_H = np.array(
    [
        # rest work social learn create exercise outdoors reflect help plan
        *[4.0, 10.0, 5.0, 5.0, 5.0, 3.0, 4.0, 1.5, 4.0, 1.5],
        # alone together close group deep light early late ahead pressed planned unplanned varied
        *[10.0, 7.0, 6.0, 5.0, 4.0, 8.0, 3.0, 4.0, 5.0, 8.0, 10.0, 8.0, 5.0],
    ]
)
"""Hours a day after which nothing more is earned by an attribute; the worth of an hour falls
linearly towards it."""
PER_LIMIT = 1.0 / LIMIT_H
TARGET_LIMIT_H = 4.0
"""The same for time with one person or on one project beyond what it achieves."""
PER_TARGET_LIMIT = 1.0 / TARGET_LIMIT_H
DEPTH_GAIN = np.array([0.65, 1.0, 1.0])
DEPTH_CONTACT = np.array([0.7, 1.0, 1.3])
SETTLING = 0.5
"""What the first quarter of an hour of anything is worth of a later one: getting there, laying out
what is needed, saying hello. So a call to each of ten friends is not ten times a call to one."""
FOCUS_RAMP_H = 0.5
"""Time constant of getting into a task; resuming after an interruption took 23 minutes on average
in the field (Mark, Gudith & Klocke 2008)."""
PROGRESS_WORTH = 0.8
"""Neutral free hours that an hour of progress is worth at most priority and no urgency."""
OVERDUE_DAYS = 7.0
"""A deadline that passed longer ago is no longer pressing: the user has let it go."""
URGENT_NEED_H = 3.0
"""Needed hours a day at which a project is fully urgent."""
CONTACT_WORTH = 1.2
"""Neutral free hours that renewing the closest relationship from nothing is worth."""
CONTACT_H, EVENT_CONTACT_H = 0.75, 2.0
"""Time constants of renewal by contact, alone with somebody and at an event."""
RENEWS = 1.0 - np.exp(-SLOT_H * DEPTH_CONTACT / CONTACT_H)
EVENT_RENEWS = 1.0 - math.exp(-SLOT_H / EVENT_CONTACT_H)
"""What a slot of contact renews of what is missing, by intensity, and at an event."""
GROUP_OTHERS, GROUP_CLOSENESS = 4, 0.15
"""Company when social time is with nobody in particular."""
VARIED_DAYS = 7
"""What has not been done for so many days is a change, and less certain to turn out well."""
UNSURE, UNSURE_OF_NEW = 0.2, 0.4
"""How much an hour's worth varies with the mood of the hour, and by how much more if it is new."""
DONE_H = 0.02
"""Less left than that is done: nobody plans a block for it."""

_list = compiled(features.list_attributes)


@compiled
def urgency(remaining_h: float, deadline_h: float, now_h: float) -> float:
    """Return how pressing a project is, 0..1.

    It grows with the square of the hours a day it needs, fades over OVERDUE_DAYS once the deadline
    has passed, and is 0 without one.
    """
    if remaining_h <= 0.0 or not math.isfinite(deadline_h):
        return 0.0
    left = (deadline_h - now_h) * (1.0 / 24.0)
    if left < 0.0:
        return max(0.0, 1.0 + left * (1.0 / OVERDUE_DAYS))
    need = min(1.0, remaining_h / (max(1.0, left) * URGENT_NEED_H))
    # What is due within a day is pressing even if it is short.
    return max(need * need, 0.6 if left <= 1.0 else 0.0)


@compiled
def weight(priority: float) -> float:
    """Return how much a project of this priority counts, 0.3..1."""
    return 0.3 + 0.7 * priority


@compiled
def in_general(activity: int) -> tuple[int, float]:
    """Return how many others an activity with nobody in particular brings along, and how close."""
    if activity == SOCIAL:
        return GROUP_OTHERS, GROUP_CLOSENESS
    if activity == HELP:
        return 1, GROUP_CLOSENESS
    return 0, 0.0


@compiled
def company(v: Life, activity: int, target: int) -> tuple[int, float]:
    """Return how many others an activity with this target brings along, and how close they are."""
    if target > PROJECTS:
        return 1, v.closeness[target - PROJECTS - 1]
    return in_general(activity)


@compiled
def is_new(w: Day, activity: int) -> bool:
    """Tell whether this has not been done for a week; what is new today stays so all day."""
    return bool(w.day - w.last_done[activity] >= VARIED_DAYS)


@compiled
def describe(
    v: Life,
    w: Day,
    activity: int,
    target: int,
    depth: int,
    people: float,
    closeness: float,
    planned: float,
) -> int:
    """Write the attributes of the present slot into `w.which` and `w.amounts`; return how many."""
    lead_days = np.inf
    if 0 < target <= PROJECTS:
        now_h = w.day * 24.0 + w.slot * SLOT_H
        lead_days = (v.deadline_h[target - 1] - now_h) / 24.0
    return int(
        _list(
            w.which,
            w.amounts,
            activity,
            SLOT_H,
            (w.slot + 0.5) * SLOT_H,
            int(people),
            closeness,
            0.5 * depth,
            lead_days,
            planned,
            1.0 if is_new(w, activity) else 0.0,
        )
    )


@compiled
def margin(hours: float, per_limit: float) -> float:
    """Return what the next slot is worth of a first one: falls linearly, nothing past the limit.

    per_limit is one over the limit's hours.
    """
    return max(0.0, 1.0 - (hours + 0.5 * SLOT_H) * per_limit)


@compiled
def alignment(w: Day, values: NDArray[np.float64], activity: int, target: int, count: int) -> float:
    """Return what the slot as described is worth by some values (REDUCED,), in neutral free hours.

    What is liked diminishes within the day, attribute by attribute and for the activity as a whole;
    what is disliked does not.
    """
    left = margin(w.hours[activity], PER_LIMIT[activity])
    liked = 0.0
    disliked = 0.0
    for place in range(count):
        k = w.which[place]
        worth = values[WORTH + k] * w.amounts[place]
        if worth > 0.0:
            own = left if k == activity else left * margin(w.hours[k], PER_LIMIT[k])
            liked += worth * own
        else:
            disliked += worth
    if target > 0:
        worth = values[AFFINITY + target - 1] * SLOT_H
        if worth > 0.0:
            liked += worth * left * margin(w.target_h[target - 1], PER_TARGET_LIMIT)
        else:
            disliked += worth
    return float(liked * (0.5 + 0.5 * w.energy) + disliked)


@compiled
def speed(w: Day, depth: int) -> float:
    """Return hours of normal work done in an hour, by energy, load, depth and focus."""
    gain = DEPTH_GAIN[depth]
    if depth == 2:
        ramp = 1.0 - math.exp(-(w.stretch + 0.5) * SLOT_H / FOCUS_RAMP_H)
        gain *= 1.0 + w.params[P_FOCUS] * ramp * margin(w.hours[DEEP], PER_LIMIT[DEEP])
    return float(gain * (0.5 + 0.6 * w.energy) * (1.0 - 0.4 * w.load))


@compiled
def advance(v: Life, w: Day, project: int, depth: int, share: float) -> float:
    """Work on a project for `share` of a slot; return what that is worth, in neutral free hours."""
    before = w.remaining_h[project]
    if before <= 0.0:
        return 0.0
    done = min(before, SLOT_H * share * speed(w, depth))
    now_h = w.day * 24.0 + w.slot * SLOT_H
    pressing = urgency(before, v.deadline_h[project], now_h)
    w.remaining_h[project] = before - done
    w.progress[project] += (1.0 - w.progress[project]) * done / before
    if w.remaining_h[project] < DONE_H:
        w.remaining_h[project] = 0.0
        w.progress[project] = 1.0
    return float(PROGRESS_WORTH * weight(v.priority[project]) * (1.0 + pressing) * done)


@compiled
def meet(v: Life, w: Day, person: int, renews: float) -> float:
    """Spend a slot with a person; return what that renewal is worth, in neutral free hours.

    Contact closes what is missing exponentially, so a second hour renews less than the first, and
    nothing is missing soon after.
    """
    w.since[person] = 0.0
    if w.target_h[PROJECTS + person] >= TARGET_LIMIT_H:
        return 0.0
    gain = (1.0 - w.warmth[person]) * renews
    w.warmth[person] += gain
    w.overdue[person] = -math.log2(w.warmth[person])
    return float(CONTACT_WORTH * v.closeness[person] * gain)
