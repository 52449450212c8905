"""What the agent sees: fills the arrays of spaces.SHAPES from the state of the simulated days.

Everything here is what a twin would know: the belief, never the truth drawn for the episode.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from twind.preferences.features import (
    AHEAD,
    AHEAD_DAYS,
    ALONE,
    CLOSE,
    DEEP,
    EARLY,
    EARLY_BEFORE_H,
    LATE,
    LATE_AFTER_H,
    LIGHT,
    PRESSED,
    PRESSED_DAYS,
    TOGETHER,
    UNPLANNED,
    VARIED,
)
from twind.rl.compiled import compiled
from twind.rl.legal import free_run, is_working, leisure_run, may_depth, may_target, room
from twind.rl.spaces import DURATIONS_SLOTS, LEAVE, PEOPLE, PROJECTS, SLOTS
from twind.rl.world import (
    ACTIVITIES,
    AFFINITY,
    ALIGNMENT,
    ATTRIBUTES,
    CREATE,
    EFFECT,
    EFFECT_COUNT,
    ENERGY,
    EXERCISE,
    HELP,
    LEARN,
    LIFE_COUNT,
    PART,
    PART_COUNT,
    PLAN,
    PROGRESS,
    RELATIONSHIPS,
    REST,
    SLOT_H,
    SOCIAL,
    USUAL,
    WORK,
    WORTH,
)
from twind.rl.worth import PER_LIMIT, is_new, urgency, weight

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from twind.rl.world import Day, Life, View


def _hand(count: int, turn: int) -> NDArray[np.float64]:
    """Return the sine and cosine of where the hand of a clock stands, (count, 2)."""
    angle = 2.0 * np.pi * np.arange(count) / turn
    return np.column_stack([np.sin(angle), np.cos(angle)])


HAND, WEEK = _hand(SLOTS + 1, SLOTS), _hand(7, 7)


@compiled
def observe(
    lives: NDArray[np.void],
    world: NDArray[np.void],
    seen: NDArray[np.void],
    which: NDArray[np.bool_],
) -> None:
    """Write what is seen of the days where `which` (N,) says so, into the records of Seen."""
    for n in range(world.shape[0]):
        if which[n]:
            v, w, o = lives[world[n].life], world[n], seen[n]
            _see_self(v, w, o)
            _see_day(v, w, o)
            _see_belief(v, w, o)
            _see_projects(v, w, o)
            _see_people(v, w, o)
            _see_masks(v, w, o)
            _see_advice(v, w, o)


@compiled
def _see_self(v: Life, w: Day, o: View) -> None:
    day, slot = w.day, w.slot
    hour = slot * SLOT_H
    weekday = v.weekday[day]
    clock = o.clock
    clock[0], clock[1] = HAND[slot, 0], HAND[slot, 1]
    clock[2], clock[3] = WEEK[weekday, 0], WEEK[weekday, 1]
    clock[4] = (24.0 - hour) / 24.0
    clock[5] = free_run(v, w) * SLOT_H / 8.0
    clock[6] = 1.0 if is_working(v, w) else 0.0
    clock[7] = 1.0 if weekday >= 5 else 0.0
    own = o.own
    own[0] = w.energy
    own[1] = w.load
    own[2] = min(1.5, w.slept_h / 8.0)
    own[3] = w.idle_h / 2.0
    own[4] = w.hours[TOGETHER] / 4.0
    own[5] = w.proposals / 5.0
    own[6] = min(2.0, w.effort * SLOT_H / 2.0)
    own[7] = w.refused / 5.0
    for kind in range(ACTIVITIES + 1):
        o.last[kind] = 1.0 if kind == w.last_type else 0.0
    for activity in range(ACTIVITIES):
        o.done[activity] = w.hours[activity] * PER_LIMIT[activity]


@compiled
def _see_day(v: Life, w: Day, o: View) -> None:
    """Write what is to come today: free time, and what the user usually does with it."""
    day, slot = w.day, w.slot
    weekend = 1 if v.weekday[day] >= 5 else 0
    for ahead in range(24):
        first = min(SLOTS, slot + 4 * ahead)
        free = int(v.free_before[day, min(SLOTS, first + 4)]) - int(v.free_before[day, first])
        o.day[ahead] = free / 4.0
        hour = slot // 4 + ahead
        for column in range(USUAL):
            o.usual_day[ahead, column] = v.usual[weekend, hour, column] if hour < 24 else 0.0
    for activity in range(ACTIVITIES):
        usual = 0.0
        if slot < SLOTS:
            habits = v.habits[weekend, slot]
            usual = habits[activity + 1] - habits[activity]
        o.usual[activity] = usual


@compiled
def _see_belief(v: Life, w: Day, o: View) -> None:
    for k in range(ATTRIBUTES):
        o.worth[k] = w.mean[WORTH + k]
        o.worth_sd[k] = w.sd[WORTH + k]
    for part in range(PART_COUNT):
        o.parts[part] = w.mean[PART + part]
        o.parts[PART_COUNT + part] = w.sd[PART + part]
    for effect in range(EFFECT_COUNT):
        o.effects[effect] = w.mean[EFFECT + effect]
    for index in range(LIFE_COUNT):
        o.life[index] = v.life_seen[index]


@compiled
def _see_projects(v: Life, w: Day, o: View) -> None:
    now_h = w.day * 24.0 + w.slot * SLOT_H
    for p in range(PROJECTS):
        row = o.projects[p]
        if p >= v.project_count or w.remaining_h[p] <= 0.0:
            row[:] = 0.0
            continue
        left_days = (v.deadline_h[p] - now_h) / 24.0
        row[0] = 1.0
        row[1] = v.priority[p]
        row[2] = min(2.0, w.remaining_h[p] / 20.0)
        row[3] = min(1.0, max(-1.0, left_days / 14.0))
        row[4] = urgency(w.remaining_h[p], v.deadline_h[p], now_h)
        row[5] = w.progress[p]
        row[6] = 0.0
        if math.isfinite(left_days):
            row[6] = min(2.0, w.remaining_h[p] / max(1.0, left_days) / 8.0)
        row[7] = w.mean[AFFINITY + p]
        row[8] = w.sd[AFFINITY + p]
        row[9] = 1.0 if w.target_h[p] > 0.0 else 0.0


@compiled
def _see_people(v: Life, w: Day, o: View) -> None:
    for p in range(PEOPLE):
        row = o.people[p]
        if p >= v.people_count:
            row[:] = 0.0
            continue
        row[0] = 1.0
        row[1] = v.closeness[p]
        row[2] = min(3.0, w.since[p] / 30.0)
        row[3] = min(3.0, w.overdue[p]) / 3.0
        row[4] = w.mean[AFFINITY + PROJECTS + p]
        row[5] = w.sd[AFFINITY + PROJECTS + p]
        row[6] = 1.0 if w.target_h[PROJECTS + p] > 0.0 else 0.0
        row[7] = w.seen[p]


@compiled
def _see_masks(v: Life, w: Day, o: View) -> None:
    """Write what is legal now, as twind.rl.legal has it."""
    o.mask_type[:] = 0
    o.mask_target[:] = 0
    o.mask_duration[:] = 0
    o.mask_intensity[:] = 0
    run = free_run(v, w)
    _allow(o, LEAVE, max(1, run))
    o.mask_target[LEAVE, 0] = 1
    o.mask_intensity[LEAVE, 1] = 1
    if run == 0:
        return
    leisure = leisure_run(v, w, run)
    for activity in range(ACTIVITIES):
        kind = activity + 1
        fits = room(v, w, activity, run, leisure)
        if fits < 1:
            continue
        first, end = 1, 1
        if activity in (WORK, LEARN):
            end = 1 + v.project_count
        elif activity in (SOCIAL, HELP):
            first, end = 1 + PROJECTS, 1 + PROJECTS + v.people_count
        possible = may_target(v, w, activity, 0)
        if possible:
            o.mask_target[kind, 0] = 1
        for target in range(first, end):
            if may_target(v, w, activity, target):
                o.mask_target[kind, target] = 1
                possible = True
        if possible:
            _allow(o, kind, fits)
            for depth in range(3):
                if may_depth(activity, depth):
                    o.mask_intensity[kind, depth] = 1


@compiled
def _allow(o: View, kind: int, slots: int) -> None:
    o.mask_type[kind] = 1
    for index in range(DURATIONS_SLOTS.shape[0]):
        if DURATIONS_SLOTS[index] <= slots:
            o.mask_duration[kind, index] = 1


# --- what the greedy rule thinks -----------------------------------------------------------------


@compiled
def _see_advice(v: Life, w: Day, o: View) -> None:
    """Write what an hour of each type and target is believed to be worth, seen by itself.

    In neutral free hours an hour: what its attributes are worth (with the affinity to its target),
    what it does for a deadline, for a neglected person, and for an empty battery. A type counts
    with the best target it may have now; leaving is worth nothing.
    """
    tired = min(0.5, max(0.0, 0.5 - w.energy))
    loaded = min(0.6, max(0.0, w.load - 0.4))
    rested = w.energy - w.load > 0.3
    hour = (w.slot + 0.0) * SLOT_H
    by_time = w.mean[WORTH + UNPLANNED]
    if hour < EARLY_BEFORE_H:
        by_time += w.mean[WORTH + EARLY]
    elif hour >= LATE_AFTER_H:
        by_time += w.mean[WORTH + LATE]
    aligned = max(0.0, w.mean[PART + ALIGNMENT])
    energetic = max(0.0, w.mean[PART + ENERGY])
    _advise_targets(v, w, o, aligned)
    o.advice_types[LEAVE] = 0.0
    o.advice_hours[LEAVE] = 1.0
    for activity in range(ACTIVITIES):
        kind = activity + 1
        hours = 2.0
        if activity == REST:
            hours = 1.0
        elif activity == WORK and not rested:
            hours = 1.5
        change = w.mean[WORTH + VARIED] if is_new(w, activity) else 0.0
        worth = aligned * (w.mean[WORTH + activity] + by_time + change)
        if activity in (WORK, LEARN, CREATE, EXERCISE, PLAN):
            worth -= energetic * (tired + loaded)
        elif activity == REST:
            worth += energetic * (tired + loaded)
        o.advice_types[kind] = worth + _best_target(o, kind)
        o.advice_hours[kind] = hours
    deep, light = w.mean[WORTH + DEEP], w.mean[WORTH + LIGHT]
    depth = 1.0
    if w.energy < 0.3:
        depth = 0.0
    elif deep > 0.05 and deep > light:
        depth = 2.0
    elif light > 0.05:
        depth = 0.0
    o.advice_depth[0] = depth


@compiled
def _best_target(o: View, kind: int) -> float:
    """Return what the best possible target adds; 0 where there is none, which is masked anyway."""
    best = -np.inf
    for target in range(o.advice_targets.shape[0]):
        if o.mask_target[kind, target] > 0 and o.advice_targets[target] > best:
            best = o.advice_targets[target]
    return best if best > -np.inf else 0.0


@compiled
def _advise_targets(v: Life, w: Day, o: View, aligned: float) -> None:
    now_h = w.day * 24.0 + w.slot * SLOT_H
    progressive = max(0.0, w.mean[PART + PROGRESS])
    attached = max(0.0, w.mean[PART + RELATIONSHIPS])
    alone = w.mean[WORTH + ALONE]
    o.advice_targets[:] = aligned * alone
    for p in range(v.project_count):
        if w.remaining_h[p] <= 0.0:
            continue
        left_days = (v.deadline_h[p] - now_h) / 24.0
        worth = alone + w.mean[AFFINITY + p]
        pace = 0.0
        if math.isfinite(left_days):
            pace = min(1.5, w.remaining_h[p] / max(1.0, left_days) / 2.0)
            if left_days <= PRESSED_DAYS:
                worth += w.mean[WORTH + PRESSED]
            elif left_days > AHEAD_DAYS:
                worth += w.mean[WORTH + AHEAD]
        gained = progressive * pace * weight(v.priority[p])
        o.advice_targets[1 + p] = aligned * worth + gained
    for p in range(v.people_count):
        close = v.closeness[p]
        worth = w.mean[AFFINITY + PROJECTS + p] + w.mean[WORTH + TOGETHER]
        due = 0.0
        if w.target_h[PROJECTS + p] <= 0.0:
            due = min(2.0, max(0.0, w.overdue[p] - 0.8)) * close
        worth = aligned * (worth + close * w.mean[WORTH + CLOSE]) + attached * due
        o.advice_targets[1 + PROJECTS + p] = worth
