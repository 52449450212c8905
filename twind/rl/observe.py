"""What the agent sees: fills the arrays of spaces.SHAPES from the state of the simulated days.

Everything here is what a twin would know: the belief, never the truth drawn for the episode.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from twind.rl.dynamics import (
    HELP,
    LEARN,
    LEARNING,
    LIMIT_H,
    P_BREAK,
    PLAN,
    REFLECT,
    REST,
    SLOT_H,
    SOCIAL,
    TARGET_LIMIT_H,
    TOGETHER,
    WORK,
    _may_work,
    compiled,
    urgency,
)
from twind.rl.spaces import DURATIONS_SLOTS, LEAVE, PEOPLE, PROJECTS, SLOTS
from twind.rl.world import (
    ACTIVITIES,
    AFFINITY,
    ATTRIBUTES,
    EFFECT,
    EFFECT_COUNT,
    FREE,
    PART,
    PART_COUNT,
    WORKING,
    WORTH,
)

LONGEST = int(DURATIONS_SLOTS[-1])
LONGEST_BREAK_H = 1.0
"""Nobody is sent off for longer in working hours: lunch with a friend, not an afternoon."""

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from twind.rl.world import Day, Life, View


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
            _see_belief(w, o)
            _see_projects(v, w, o)
            _see_people(v, w, o)
            _see_masks(v, w, o)


@compiled
def _see_self(v: Life, w: Day, o: View) -> None:
    day, slot = w.day, w.slot
    hour = slot * SLOT_H
    weekday = v.weekday[day]
    clock = o.clock
    clock[0] = math.sin(2.0 * math.pi * hour / 24.0)
    clock[1] = math.cos(2.0 * math.pi * hour / 24.0)
    clock[2] = math.sin(2.0 * math.pi * weekday / 7.0)
    clock[3] = math.cos(2.0 * math.pi * weekday / 7.0)
    clock[4] = (24.0 - hour) / 24.0
    clock[5] = v.free_run[day, slot] * SLOT_H / 8.0 if slot < SLOTS else 0.0
    clock[6] = 1.0 if slot < SLOTS and v.flags[day, slot] & WORKING else 0.0
    clock[7] = 1.0 if weekday >= 5 else 0.0
    own = o.own
    own[0] = w.energy
    own[1] = w.load
    own[2] = min(1.5, w.slept_h / 8.0)
    own[3] = w.hours[WORK] / 8.0
    own[4] = w.hours[TOGETHER] / 4.0
    own[5] = w.proposals / 5.0
    own[6] = min(2.0, (w.stretch + 1) * 15.0 / 120.0) if w.thing >= 0 else 0.0
    own[7] = w.refused / 5.0
    for kind in range(ACTIVITIES + 1):
        o.last[kind] = 1.0 if kind == w.last_type else 0.0
    for ahead in range(24):
        free = 0
        for s in range(slot + 4 * ahead, min(SLOTS, slot + 4 * ahead + 4)):
            free += 1 if v.flags[day, s] & FREE else 0
        o.day[ahead] = free / 4.0


@compiled
def _see_belief(w: Day, o: View) -> None:
    for k in range(ATTRIBUTES):
        o.worth[k] = w.mean[WORTH + k]
        o.worth_sd[k] = w.sd[WORTH + k]
    for part in range(PART_COUNT):
        o.parts[part] = w.mean[PART + part]
        o.parts[PART_COUNT + part] = w.sd[PART + part]
    for effect in range(EFFECT_COUNT):
        o.effects[effect] = w.mean[EFFECT + effect]


@compiled
def _see_projects(v: Life, w: Day, o: View) -> None:
    now_h = w.day * 24.0 + w.slot * SLOT_H
    for p in range(PROJECTS):
        row = o.projects[p]
        row[:] = 0.0
        if v.project_id[p] < 0 or w.remaining_h[p] <= 0.0:
            continue
        left_days = (v.deadline_h[p] - now_h) / 24.0
        row[0] = 1.0
        row[1] = v.priority[p]
        row[2] = min(2.0, w.remaining_h[p] / 20.0)
        row[3] = min(1.0, max(-1.0, left_days / 14.0))
        row[4] = urgency(w.remaining_h[p], v.deadline_h[p], now_h)
        row[5] = w.progress[p]
        if math.isfinite(left_days):
            row[6] = min(2.0, w.remaining_h[p] / max(1.0, left_days) / 8.0)
        row[7] = w.mean[AFFINITY + p]
        row[8] = w.sd[AFFINITY + p]
        row[9] = 1.0 if w.target_h[p] > 0.0 else 0.0


@compiled
def _see_people(v: Life, w: Day, o: View) -> None:
    for p in range(PEOPLE):
        row = o.people[p]
        row[:] = 0.0
        if v.person_id[p] < 0:
            continue
        row[0] = 1.0
        row[1] = v.closeness[p]
        row[2] = min(3.0, w.since[p] / 30.0)
        # Warmth halves every cadence: this is days since good contact by cadence.
        row[3] = min(3.0, -math.log2(max(1e-6, w.warmth[p]))) / 3.0
        row[4] = w.mean[AFFINITY + PROJECTS + p]
        row[5] = w.sd[AFFINITY + PROJECTS + p]
        row[6] = 1.0 if w.target_h[PROJECTS + p] > 0.0 else 0.0
        row[7] = w.seen[p]


@compiled
def _see_masks(v: Life, w: Day, o: View) -> None:
    """Write what is legal now.

    Leaving is always legal. Every block fits into the free time before the next commitment and into
    what its activity's limit leaves of the day. Work that begins in working hours ends with them,
    and begins outside them only for a project that allows it. Working hours are for work, plans and
    learning for a project; anything else has a break's length there. Targets: `work` needs a
    project, `learn` may have one of learning, `social` and `help` may have a person; everything
    else is with nobody. Rest is light, reflection never deep, leaving without degree.
    """
    day, slot = w.day, w.slot
    o.mask_type[:] = 0.0
    o.mask_target[:] = 0.0
    o.mask_duration[:] = 0.0
    o.mask_intensity[:] = 0.0
    run = int(v.free_run[day, slot]) if slot < SLOTS else 0
    _allow(o, LEAVE, max(1, run))
    o.mask_target[LEAVE, 0] = 1.0
    o.mask_intensity[LEAVE, 1] = 1.0
    if run == 0:
        return
    working = (v.flags[day, slot] & WORKING) != 0
    leisure = _leisure_run(v, w, run)
    for activity in range(ACTIVITIES):
        kind = activity + 1
        fits = min(run, int((LIMIT_H[activity] - w.hours[activity]) / SLOT_H + 1e-9))
        if activity == WORK:
            if working:
                fits = min(fits, int(v.work_run[day, slot]))
        elif activity != PLAN and not (activity == LEARN and working):
            fits = min(fits, leisure)
        if fits < 1:
            continue
        possible = activity != WORK and not (activity == LEARN and working)
        if possible:
            o.mask_target[kind, 0] = 1.0
        if activity in (WORK, LEARN):
            for p in range(PROJECTS):
                sort = v.project_kind[p]
                if activity == LEARN and sort != LEARNING:
                    continue
                open_now = _may_work(v, w, p)
                if activity == LEARN and w.remaining_h[p] > 0.0:
                    open_now = True
                if open_now:
                    o.mask_target[kind, 1 + p] = 1.0
                    possible = True
        elif activity in (SOCIAL, HELP):
            for p in range(PEOPLE):
                known = v.person_id[p] >= 0
                if known and w.target_h[PROJECTS + p] < TARGET_LIMIT_H:
                    o.mask_target[kind, 1 + PROJECTS + p] = 1.0
        if possible:
            _allow(o, kind, fits)
            o.mask_intensity[kind, 0] = 1.0
            if activity != REST:
                o.mask_intensity[kind, 1] = 1.0
                if activity != REFLECT:
                    o.mask_intensity[kind, 2] = 1.0


@compiled
def _leisure_run(v: Life, w: Day, run: int) -> int:
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
def _allow(o: View, kind: int, slots: int) -> None:
    o.mask_type[kind] = 1.0
    for index in range(DURATIONS_SLOTS.shape[0]):
        if DURATIONS_SLOTS[index] <= slots:
            o.mask_duration[kind, index] = 1.0
