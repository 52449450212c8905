"""Energy and cognitive load: what a quarter of an hour, awake or asleep, does to somebody.

*Energy* is what the hour allows, by a two-process model of sleep and waking (Borbely 1982; time
constants of Daan, Beersma & Borbely 1984), less the fatigue that effort leaves. *Cognitive load* is
added by effort and removed by leisure; what is not recovered from makes the next effort dearer
(effort-recovery model: Meijman & Mulder 1998). The other constants were chosen so that days look
plausible.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numba
import numpy as np

from twind.rl.compiled import compiled, signed
from twind.rl.spaces import SLOTS
from twind.rl.world import (
    ACTIVITIES,
    DAY,
    ENERGY,
    LIFE,
    P_LOAD,
    P_RECOVERY,
    P_SOCIAL,
    PART,
    SLOT_H,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from twind.rl.world import Day, Life

RISE_H, FALL_H = 18.2, 4.2
"""Time constants of sleep pressure awake and asleep (Daan, Beersma & Borbely 1984)."""
AWAKE_KEEPS = math.exp(-SLOT_H / RISE_H)
ALERT_MAX, PRESSURE_WEIGHT = 1.0, 0.6
FATIGUE_FLOOR = -0.15
"""How far good company can lift energy above what the hour allows."""
FRESH_PRESSURE = 0.6
"""Sleep pressure at midnight, for a life that begins there."""

DEMAND = np.array([0.0, 0.8, 0.25, 0.8, 0.7, 0.1, 0.0, 0.1, 0.45, 0.5])
"""Cognitive demand of each activity at normal depth, 0..1."""
EFFORT = np.array([0.0, 0.06, 0.02, 0.06, 0.05, 0.05, 0.02, 0.0, 0.05, 0.04])
"""Energy an hour of each activity takes at normal depth. Exercise takes less than it would seem:
people feel more energetic after a bout of it (Loy, O'Connor & Dishman 2013)."""
RECOVERY_PER_H = np.array([0.50, 0.05, 0.15, 0.05, 0.10, 0.20, 0.40, 0.35, 0.05, 0.05])
"""Share of fatigue an hour of each activity removes."""
RELIEF_PER_H = np.array([1.2, 0.1, 0.5, 0.1, 0.2, 1.0, 1.2, 1.0, 0.2, 0.1])
"""Share of cognitive load an hour of each activity removes (psychological detachment)."""
DEPTH_EFFORT = np.array([0.6, 1.0, 1.5])
FREE_RECOVERY, FREE_RELIEF = 0.25, 0.8
SLEEP_RECOVERY, SLEEP_RELIEF = 0.35, 0.6
FREE_TIME, SLEEPING = 0, 1 + ACTIVITIES
"""Places in World.tires and World.loads, beside those of the activities."""
LOADED_SLEEP = 0.5
"""How much longer sleep takes to restore a fully loaded mind."""
TIRED_AT, LOADED_AT = 0.35, 0.7
EFFORTFUL = 0.3
"""Demand from which something is effort; anything less demanding is a break from it."""
FRESH_H, WORN_H, WORN = 1.5, 3.0, 0.3
"""Attention lasts for FRESH_H of effort without a break and is down to the share WORN after WORN_H
(it falls over three hours of uninterrupted work: Boksem, Meijman & Lorist 2005; even short breaks
restore it: Albulescu et al. 2022). The numbers are chosen."""
STRAIN = 0.8
"""Neutral free hours that an hour of effort costs with no attention left for it."""


@compiled
def set_energy(v: Life, w: Day, slot: int) -> None:
    """Set energy to what the beginning of a slot allows, less fatigue."""
    level = ALERT_MAX + v.alert[slot] - PRESSURE_WEIGHT * w.pressure - w.fatigue
    w.energy = min(1.0, max(0.0, level))


@compiled
def pace_recovery(w: Day) -> None:
    """Note what a slot of anything leaves of this person's fatigue and load.

    Decay is taken implicitly, 1 / (1 + rate dt), which is close to exponential at these rates.
    """
    recovery = w.params[P_RECOVERY]
    w.tires[FREE_TIME] = 1.0 / (1.0 + SLOT_H * FREE_RECOVERY * recovery)
    w.loads[FREE_TIME] = 1.0 / (1.0 + SLOT_H * FREE_RELIEF * recovery)
    for activity in range(ACTIVITIES):
        w.tires[1 + activity] = 1.0 / (1.0 + SLOT_H * RECOVERY_PER_H[activity] * recovery)
        w.loads[1 + activity] = 1.0 / (1.0 + SLOT_H * RELIEF_PER_H[activity] * recovery)
    w.tires[SLEEPING] = 1.0 / (1.0 + SLOT_H * SLEEP_RECOVERY * recovery)
    w.loads[SLEEPING] = 1.0 / (1.0 + SLOT_H * SLEEP_RELIEF * recovery)


@compiled
def wake_up(v: Life, w: Day, slot: int, awake: int) -> None:
    """Begin a life at a slot of its first day, after `awake` slots since the last sleep."""
    pressure = 0.7 * math.exp(-v.slept_h / FALL_H)
    w.pressure = 1.0 - (1.0 - pressure) * math.exp(-awake * SLOT_H / RISE_H)
    if slot == 0:
        w.pressure = FRESH_PRESSURE
    w.load = v.load
    w.slept_h = v.slept_h
    w.sleeping = 0
    w.fatigue = 0.0
    set_energy(v, w, slot)
    allowed = ALERT_MAX + v.alert[slot] - PRESSURE_WEIGHT * w.pressure
    w.fatigue = max(FATIGUE_FLOOR, allowed - v.energy)
    set_energy(v, w, slot)


@signed(numba.void(LIFE, DAY))
def sleep_on(v: Life, w: Day) -> None:
    """Sleep through the present slot. Sleep on a loaded mind restores less."""
    w.pressure /= 1.0 + SLOT_H / (FALL_H * (1.0 + LOADED_SLEEP * w.load))
    w.slept_h = (w.slept_h if w.sleeping else 0.0) + SLOT_H
    w.sleeping = 1
    w.effort = 0
    w.fatigue = max(FATIGUE_FLOOR, w.fatigue * w.tires[SLEEPING])
    w.load *= w.loads[SLEEPING]
    set_energy(v, w, w.slot + 1)


@compiled
def company_effort(people: float) -> float:
    """Return how much of what company gives or takes there is in the company of so many."""
    return min(2.0, 0.6 + 0.2 * people) if people > 0.0 else 0.0


@compiled
def _wear(v: Life, w: Day, effort: float, demand: float, tires: float, loads: float) -> None:
    """Let a slot awake tire and load somebody, and recover from it in these shares."""
    w.sleeping = 0
    w.pressure = 1.0 - (1.0 - w.pressure) * AWAKE_KEEPS
    fatigue = (w.fatigue + SLOT_H * effort) * tires
    w.fatigue = min(1.0, max(FATIGUE_FLOOR, fatigue))
    load = w.load + SLOT_H * w.params[P_LOAD] * demand * (1.0 - w.load)
    w.load = load * loads
    set_energy(v, w, w.slot + 1)


@signed(numba.void(LIFE, DAY, numba.int64, numba.int64, numba.float64))
def spend(v: Life, w: Day, activity: int, depth: int, people: float) -> None:
    """Spend the present slot awake at an activity, or free (-1), in the company of so many."""
    w.effort = w.effort + 1 if activity >= 0 and DEMAND[activity] >= EFFORTFUL else 0
    effort, demand = 0.0, 0.0
    if activity >= 0:
        effort = EFFORT[activity] * DEPTH_EFFORT[depth] * (1.0 + w.load)
        demand = DEMAND[activity] * DEPTH_EFFORT[depth]
    effort -= w.params[P_SOCIAL] * company_effort(people)
    _wear(v, w, effort, demand, w.tires[1 + activity], w.loads[1 + activity])


@compiled
def freshness(w: Day) -> float:
    """Return what is left of the attention for effort since the last break, WORN..1."""
    worn = (w.effort * SLOT_H - FRESH_H) / (WORN_H - FRESH_H)
    return float(1.0 - (1.0 - WORN) * min(1.0, max(0.0, worn)))


@compiled
def feel(w: Day) -> None:
    """Pay for how a slot awake feels.

    Well-being rises gently with energy and falls steeply near exhaustion: burnout is not a trade.
    """
    tired = max(0.0, TIRED_AT - w.energy)
    loaded = max(0.0, w.load - LOADED_AT)
    felt = 0.25 * (w.energy - 0.6) - 1.5 * tired - 1.0 * loaded - STRAIN * (1.0 - freshness(w))
    w.reward[ENERGY] += w.truth[PART + ENERGY] * felt * SLOT_H


@compiled
def live_through(
    lives: NDArray[np.void],
    world: NDArray[np.void],
    shares: NDArray[np.float64],
    company: NDArray[np.float64],
    energy: NDArray[np.float64],
    load: NDArray[np.float64],
    at: int,
    lift: float,
) -> None:
    """Live through slots that are known or can be guessed, (T,), from a midnight on.

    shares (T, ACTIVITIES + 2): how probably each was spent at what, in the order of World.tires;
    where that is not certain, the body goes its mean way. company (T,): company_effort, on average.
    at: the slot at which there is `lift` more energy than what was lived explains (-1 for none).
    Writes energy and load (T + 1,) as each slot begins, and as the last one ends. `lives` and
    `world` are one record each, with `alert` and `params` set.
    """
    v, w = lives[0], world[0]
    pace_recovery(w)
    w.pressure = FRESH_PRESSURE
    w.fatigue, w.load = 0.0, 0.0
    w.slept_h, w.sleeping = 0.0, 0
    set_energy(v, w, 0)
    end = shares.shape[0]
    for t in range(end + 1):
        w.slot = t % SLOTS
        if t == at:
            w.fatigue = min(1.0, max(FATIGUE_FLOOR, w.fatigue - lift))
            set_energy(v, w, w.slot)
        energy[t], load[t] = w.energy, w.load
        if t == end:
            break
        if shares[t, SLEEPING] > 0.5:
            sleep_on(v, w)
            continue
        effort, demand = 0.0, 0.0
        tires = shares[t, FREE_TIME] * w.tires[FREE_TIME]
        loads = shares[t, FREE_TIME] * w.loads[FREE_TIME]
        for activity in range(ACTIVITIES):
            share = shares[t, 1 + activity]
            if share > 0.0:
                effort += share * EFFORT[activity]
                demand += share * DEMAND[activity]
                tires += share * w.tires[1 + activity]
                loads += share * w.loads[1 + activity]
        effort = effort * (1.0 + w.load) - w.params[P_SOCIAL] * company[t]
        _wear(v, w, effort, demand, tires, loads)
