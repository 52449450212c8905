"""The simulated day for whoever acts: one call for all days that are lived side by side.

An action is taken up to the next decision; one that is not legal is made legal first. The arrays
are those of Lives, World and Seen; nothing is allocated.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from twind.rl.compiled import compiled
from twind.rl.dynamics import (
    begin_life,
    end_day,
    next_day,
    pass_slot,
    propose,
    run_on,
    spend_slots,
)
from twind.rl.learning import answer, review
from twind.rl.person import acceptance
from twind.rl.spaces import DURATIONS_SLOTS, LEAVE, SLOTS, TARGETS, TYPES
from twind.rl.world import HABIT, LEFT, PART_COUNT, REFUSED, SLOT_H

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from twind.rl.world import Day, View


@compiled
def _legalise(
    o: View, kind: int, target: int, duration: int, depth: int
) -> tuple[int, int, int, int]:
    """Return the nearest legal action.

    An impossible type becomes leave, an impossible target the first possible one, a duration the
    longest possible that is not longer (else the shortest), an intensity the nearest (the lower of
    two).
    """
    if not 0 <= kind < len(TYPES) or o.mask_type[kind] == 0:
        kind = LEAVE
    if not 0 <= target < TARGETS or o.mask_target[kind, target] == 0:
        target = 0
        while o.mask_target[kind, target] == 0:
            target += 1
    duration = min(max(duration, 0), DURATIONS_SLOTS.shape[0] - 1)
    while duration > 0 and o.mask_duration[kind, duration] == 0:
        duration -= 1
    while o.mask_duration[kind, duration] == 0:
        duration += 1
    depth = min(max(depth, 0), 2)
    if o.mask_intensity[kind, depth] == 0:
        nearest = -1
        for other in range(3):
            if o.mask_intensity[kind, other] > 0 and (
                nearest < 0 or abs(other - depth) < abs(nearest - depth)
            ):
                nearest = other
        depth = nearest
    return kind, target, duration, depth


@compiled
def step(
    lives: NDArray[np.void],
    world: NDArray[np.void],
    seen: NDArray[np.void],
    minds: NDArray[np.float32],
    actions: NDArray[np.int64],
    rewards: NDArray[np.float64],
) -> None:
    """Take one action (N, 4) in each day, up to its next decision; write rewards (N,).

    The records are those of Lives, World and Seen; the masks in `seen` must be of the present
    moment. `minds` (N, CORE, CORE) holds the covariance of what is believed of each user,
    which reviews sharpen; with none of it (0, …) nothing is learnt. Days that are over are left as
    they are, with a reward of 0. See `World` for what else it says: done, projected, outcome,
    reward by part.
    """
    learns = minds.shape[0] > 0
    for n in range(world.shape[0]):
        w, o = world[n], seen[n]
        rewards[n] = 0.0
        if w.done:
            continue
        v = lives[w.life]
        # What the day brought before its first decision is paid with that decision.
        if w.begun:
            for part in range(PART_COUNT + 1):
                w.reward[part] = 0.0
        w.begun = True
        kind, target, duration, depth = _legalise(
            o, actions[n, 0], actions[n, 1], actions[n, 2], actions[n, 3]
        )
        w.projected = (
            kind != actions[n, 0]
            or target != actions[n, 1]
            or duration != actions[n, 2]
            or depth != actions[n, 3]
        )
        w.outcome = LEFT
        if w.slot < SLOTS:
            begun = False
            slots = DURATIONS_SLOTS[duration]
            if kind != LEAVE:
                hours = slots * SLOT_H
                if learns:
                    expected = acceptance(v, w, w.mean, w.guess, kind - 1, target, depth, hours)
                begun = propose(v, w, kind - 1, target, depth, slots)
                if learns:
                    accepted = w.outcome != REFUSED
                    review(v, w, minds[n], kind - 1, target, depth, hours, expected, accepted)
            spend_slots(v, w, kind - 1, target, depth, slots, begun)
            run_on(v, w)
        if w.slot >= SLOTS:
            end_day(v, w)
        for part in range(PART_COUNT + 1):
            rewards[n] += w.reward[part]


@compiled
def reset(
    lives: NDArray[np.void],
    world: NDArray[np.void],
    minds: NDArray[np.float32],
    which: NDArray[np.bool_],
    life: NDArray[np.int64],
    seeds: NDArray[np.uint64],
    day: int,
    draw: bool,
) -> None:
    """Begin lives (N,) where `which` (N,) says so, at their `day`, with luck from `seeds` (N,)."""
    for n in range(world.shape[0]):
        if which[n]:
            v, w = lives[life[n]], world[n]
            w.life = life[n]
            begin_life(v, w, seeds[n], day, draw)
            if minds.shape[0] > 0:
                minds[n] = v.covariance
            run_on(v, w)


@compiled
def go_on(
    lives: NDArray[np.void],
    world: NDArray[np.void],
    minds: NDArray[np.float32],
    which: NDArray[np.bool_],
    over: NDArray[np.bool_],
) -> None:
    """Begin the next day where `which` (N,) says so; `over` tells where the life has none."""
    for n in range(world.shape[0]):
        over[n] = False
        if which[n]:
            v, w = lives[world[n].life], world[n]
            over[n] = not next_day(v, w)
            if not over[n]:
                if minds.shape[0] > 0:
                    answer(v, w, minds[n])
                run_on(v, w)


@compiled
def left_alone(
    lives: NDArray[np.void],
    world: NDArray[np.void],
    scratch: NDArray[np.void],
    days: int,
    keeps: float,
    overnight: float,
    foreseen: NDArray[np.float64],
    out: NDArray[np.float64],
) -> None:
    """Write what each of N lives would earn from now on with nobody proposing anything, (N,).

    With the luck that is really to come, so it is for training alone: a policy never sees it. From
    the present slot over the rest of the day and `days` more, a slot counting `keeps` times as much
    as the one before, and what comes after a midnight `overnight` times as much. `scratch` is one
    record to live it in. `foreseen` (N, SLOTS + 1) keeps the same for each later slot of the day;
    a day that has not strayed from that since is not lived again. Nothing else of `world` changes.
    """
    for n in range(world.shape[0]):
        if world[n].strayed:
            scratch[0] = world[n]
            _foresee(lives, scratch[0], days, keeps, overnight, foreseen[n])
            world[n].strayed = False
        out[n] = foreseen[n, world[n].slot]


@compiled
def _foresee(
    lives: NDArray[np.void],
    w: Day,
    days: int,
    keeps: float,
    overnight: float,
    foreseen: NDArray[np.float64],
) -> None:
    """Live a day and those after it alone; write what is still to come at each of its slots."""
    v = lives[w.life]
    first = w.slot
    total, worth = 0.0, 1.0
    for day in range(days + 1):
        if day > 0 and not next_day(v, w):
            break
        while w.slot < SLOTS:
            if day == 0:
                foreseen[w.slot] = total
            w.reward[:] = 0.0
            pass_slot(v, w, -1, 0, 1, HABIT)
            total += worth * w.reward.sum()
            worth *= keeps
        if day == 0:
            foreseen[SLOTS] = total
        if not w.done:
            w.reward[:] = 0.0
            end_day(v, w)
            total += worth * w.reward.sum()
        worth *= overnight
    worth = 1.0
    for slot in range(first, SLOTS + 1):
        foreseen[slot] = (total - foreseen[slot]) / worth
        worth *= keeps
