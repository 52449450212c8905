"""How a simulated day goes: one compiled set of dynamics for one day and for thousands.

Time passes in slots of 15 minutes, and `_pass` is all that a slot does. An action is the same slot
after slot until its time is over, and whatever depends on how long something has lasted
(diminishing returns, focus, a limit) looks at the day's accumulated hours and the present stretch,
never at where one block ends and the next begins. So cutting a block in two changes nothing but
what a proposal itself costs: the interruption and another chance to be refused.

A slot is lived by somebody who

- has *energy*: a two-process model of sleep and waking (Borbely 1982; time constants of Daan,
  Beersma & Borbely 1984) sets what the hour allows, and fatigue from effort takes from it;
- carries *cognitive load* that effort adds and leisure removes (effort-recovery model, Meijman &
  Mulder 1998: load that is not recovered from makes the next effort dearer);
- loses time by changing tasks (attention residue, Leroy 2009) and works up to full focus only in an
  uninterrupted stretch;
- values what they do by `features.fill_attributes`, less and less within a day (diminishing
  marginal utility), and not at all past a limit;
- has projects with deadlines, and people who matter and with whom contact fades (closeness needs
  renewal in proportion to it: Roberts & Dunbar 2011).

Luck is a hash of (seed, day, slot, channel), so that two policies meet the same interruptions,
unplanned events, moods and coin flips at the same time of day.

The unit of all reward is one neutral free hour. The constants below were chosen so that days look
plausible, unless they name a source; those of a person are in snapshot.LifeParameters.

numba keeps what it compiled beside this file and looks at this file's date alone: after a change of
`features.fill_attributes`, touch this file.
"""

from __future__ import annotations

import math
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar, cast

import numba
import numpy as np

from twind.preferences import features
from twind.rl.snapshot import KINDS, LIFE_NAMES
from twind.rl.spaces import DURATIONS_SLOTS, LEAVE, PEOPLE, PROJECTS, SLOTS, TARGETS, TYPES
from twind.rl.world import (
    ACTIVITIES,
    AFFINITY,
    ALLOWED,
    ASLEEP,
    ATTRIBUTES,
    BUSY,
    EFFECT,
    EFFECT_COUNT,
    FREE,
    PART,
    PART_COUNT,
    REDUCED,
    WORKING,
    WORTH,
    Lives,
    World,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from twind.rl.world import Day, Life, View

F = TypeVar("F", bound="Callable[..., Any]")


def compiled(function: F, signature: Any = None) -> F:
    """Compile with numba, keeping the result on disk wherever there is a place to keep it.

    A signature is for what is called with constants, which numba would compile for each anew.
    """
    try:
        wrap = numba.njit(signature, cache=True, nogil=True, error_model="numpy")
        return cast("F", wrap(function))
    except RuntimeError:  # no folder that may be written: compile in memory, at each start
        return cast("F", numba.njit(signature, nogil=True, error_model="numpy")(function))


def _signed(signature: Any) -> Callable[[F], F]:
    return partial(compiled, signature=signature)


_LIFE, _DAY = (numba.from_dtype(kind(0).records.dtype) for kind in (Lives, World))
_INT, _FLOAT, _BOOL = numba.int64, numba.float64, numba.boolean

_fill_attributes = compiled(features.fill_attributes)

# --- names of what lies in the arrays ------------------------------------------------------------

SLOT_H = 0.25
REST, WORK, SOCIAL, LEARN, CREATE, EXERCISE, OUTDOORS, REFLECT, HELP, PLAN = range(ACTIVITIES)
TOGETHER = features.ATTRIBUTES.index("together")
LEARNING = KINDS.index("learning")
PROJECT = KINDS.index("project")

(
    P_SWITCH,
    P_FRICTION,
    P_LOAD,
    P_RECOVERY,
    P_SOCIAL,
    P_FOCUS,
    P_COMPLETION,
    P_ACCEPTANCE,
    P_LEAD,
    P_RISK,
    P_CHRONOTYPE,
    P_INTERRUPTION_COST,
    P_FATIGUE,
    P_INTERRUPTIONS,
    P_UNPLANNED,
    P_DUTY,
    P_BREAK,
    P_MAX_PROPOSALS,
) = range(len(LIFE_NAMES))

HABIT, ACCEPTED, EVENT, SLEEP, UNPLANNED = range(5)
"""Where a lived slot came from, in `World.log_source`."""

LEFT, CARRIED_OUT, REFUSED, BROKEN_OFF, NOT_BEGUN = range(5)
"""What became of an action, in `World.outcome`."""

ALIGNMENT, ENERGY, RELATIONSHIPS, PROGRESS, COSTS = range(PART_COUNT + 1)
"""Columns of `World.reward`; the first four are features.PARTS."""

(
    C_MOOD,
    C_HABIT,
    C_HABIT_TARGET,
    C_INTERRUPTED,
    C_UNPLANNED,
    C_UNPLANNED_LENGTH,
    C_ACCEPT,
    C_BEGIN,
    C_CARRY_ON,
    C_TRUTH,
) = range(10)

# --- constants -----------------------------------------------------------------------------------

LIFE_COUNT = len(LIFE_NAMES)

LIMIT_H = np.array(
    [
        # rest work social learn create exercise outdoors reflect help plan
        *[4.0, 10.0, 5.0, 5.0, 5.0, 2.0, 4.0, 1.5, 4.0, 1.5],
        # alone together close group deep light early late ahead pressed planned unplanned varied
        *[10.0, 7.0, 6.0, 5.0, 4.0, 8.0, 3.0, 4.0, 5.0, 8.0, 10.0, 8.0, 5.0],
    ]
)
"""Hours a day after which nothing more is earned by an attribute; the worth of an hour falls
linearly towards it."""
TARGET_LIMIT_H = 4.0
"""The same for time with one person or on one project beyond what it achieves."""

DEMAND = np.array([0.0, 0.8, 0.25, 0.8, 0.7, 0.1, 0.0, 0.1, 0.45, 0.5])
"""Cognitive demand of each activity at normal depth, 0..1."""
EFFORT = np.array([0.0, 0.06, 0.02, 0.06, 0.05, 0.10, 0.02, 0.0, 0.05, 0.04])
"""Energy an hour of each activity takes at normal depth."""
RECOVERY_PER_H = np.array([0.50, 0.05, 0.15, 0.05, 0.10, 0.20, 0.40, 0.35, 0.05, 0.05])
"""Share of fatigue an hour of each activity removes."""
RELIEF_PER_H = np.array([1.2, 0.1, 0.5, 0.1, 0.2, 1.0, 1.2, 1.0, 0.2, 0.1])
"""Share of cognitive load an hour of each activity removes (psychological detachment)."""
FREE_RECOVERY, FREE_RELIEF = 0.25, 0.8
SLEEP_RECOVERY, SLEEP_RELIEF = 0.35, 0.6
DEPTH_EFFORT = np.array([0.6, 1.0, 1.5])
DEPTH_GAIN = np.array([0.65, 1.0, 1.0])
DEPTH_CONTACT = np.array([0.7, 1.0, 1.3])

RISE_H, FALL_H = 18.2, 4.2
"""Time constants of sleep pressure awake and asleep (Daan, Beersma & Borbely 1984)."""
AWAKE_KEEPS = math.exp(-SLOT_H / RISE_H)
CIRCADIAN, ACROPHASE_H = 0.12, 17.0
"""Amplitude and peak of the body clock's share in alertness; the amplitude as there."""
ALERT_MAX, PRESSURE_WEIGHT = 1.0, 0.6
FATIGUE_FLOOR = -0.15
"""How far good company can lift energy above what the hour allows."""

FOCUS_RAMP_H = 0.5
"""Time constant of getting into a task; resuming after an interruption took 23 minutes on average
in the field (Mark, Gudith & Klocke 2008)."""
TIRED_AT, LOADED_AT = 0.35, 0.7
PROGRESS_WORTH = 0.8
"""Neutral free hours that an hour of progress is worth at most priority and no urgency."""
UNDONE_PRICE = 0.12
"""Price of an undone, fully urgent hour for each day that ends with it."""
MISSED_PRICE = 1.5
"""Price of an hour still undone when its deadline passes: more than a free hour, since free hours
are what people give up for it the night before."""
PRICED_H = 12.0
"""Hours of one project that count towards these prices."""
OVERDUE_DAYS = 7.0
"""A deadline that passed longer ago is no longer pressing: the user has let it go."""
ROUTINE = 0.28
"""Share of working time that goes to mail and the like, with no plan against it (28 % of the week
for e-mail alone: McKinsey Global Institute 2012, "The social economy")."""
URGENT_NEED_H = 3.0
"""Needed hours a day at which a project is fully urgent."""
CONTACT_WORTH = 1.2
"""Neutral free hours that renewing the closest relationship from nothing is worth."""
CONTACT_H, EVENT_CONTACT_H = 0.75, 2.0
"""Time constants of renewal by contact, alone with somebody and at an event."""
NEGLECT_PRICE = 0.06
"""Price of a day in which the closest relationship has faded entirely."""
GROUP_OTHERS, GROUP_CLOSENESS = 4, 0.15
"""Company when social time is with nobody in particular."""

_G = np.uint64(0x9E3779B97F4A7C15)
_A = np.uint64(0xBF58476D1CE4E5B9)
_B = np.uint64(0x94D049BB133111EB)
_S27, _S30, _S31, _S11 = np.uint64(27), np.uint64(30), np.uint64(31), np.uint64(11)


# --- luck ----------------------------------------------------------------------------------------


@compiled
def _mix(value: np.uint64) -> np.uint64:
    """Return the finaliser of SplitMix64 (Steele, Lea & Flood 2014)."""
    value = (value ^ (value >> _S30)) * _A
    value = (value ^ (value >> _S27)) * _B
    return value ^ (value >> _S31)


@_signed(_FLOAT(numba.uint64, _INT, _INT, _INT))
def luck(seed: np.uint64, day: int, slot: int, channel: int) -> float:
    """Return a number in [0, 1) that depends on these four alone."""
    place = np.uint64(day * 4096 + slot * 32 + channel + 1)
    return float(_mix(seed + _mix(place * _G)) >> _S11) * (1.0 / 9007199254740992.0)


@compiled
def derive_seed(seed: np.uint64, index: int) -> np.uint64:
    """Return the seed of the index-th stream of a seed."""
    return _mix(_mix(seed + _G) + np.uint64(index + 1) * _G)


@compiled
def _normal(seed: np.uint64, index: int) -> float:
    """Return a standard normal deviate (Box & Muller 1958)."""
    u = 1.0 - luck(seed, 2 * index, 0, C_TRUTH)
    v = luck(seed, 2 * index + 1, 0, C_TRUTH)
    return math.sqrt(-2.0 * math.log(u)) * math.cos(2.0 * math.pi * v)


# --- beginning -----------------------------------------------------------------------------------


@compiled
def _alertness(hour: float, pressure: float, chronotype_h: float) -> float:
    """Return what the hour allows: sleep pressure against the body clock (Borbely 1982)."""
    phase = 2.0 * math.pi * (hour - ACROPHASE_H - chronotype_h) / 24.0
    return ALERT_MAX - PRESSURE_WEIGHT * pressure + CIRCADIAN * math.cos(phase)


@compiled
def _set_energy(w: Day, hour: float) -> None:
    level = _alertness(hour, w.pressure, w.params[P_CHRONOTYPE]) - w.fatigue
    w.energy = min(1.0, max(0.0, level))


@compiled
def _draw_truth(v: Life, w: Day, draw: bool) -> None:
    """Draw what the user is really like from the belief, and shape their days by it."""
    for row in range(REDUCED):
        w.mean[row] = v.mean[row]
        w.sd[row] = v.sd[row]
        w.truth[row] = v.mean[row]
    if draw:
        for column in range(REDUCED):
            z = _normal(w.seed, column)
            for row in range(REDUCED):
                w.truth[row] += v.factor[row, column] * z
    for part in range(PART_COUNT):
        w.truth[PART + part] = min(3.0, max(0.1, w.truth[PART + part]))
    for index in range(LIFE_COUNT):
        w.params[index] = v.life[index]
    for effect in range(EFFECT_COUNT):
        e = min(1.0, max(-1.0, w.truth[EFFECT + effect]))
        if effect == P_SOCIAL:
            w.params[effect] += 0.08 * e
        elif effect in (P_COMPLETION, P_ACCEPTANCE):
            w.params[effect] += e
        else:
            w.params[effect] *= math.exp(e)


@compiled
def _begin_life(v: Life, w: Day, seed: np.uint64, day: int, draw: bool) -> None:
    """Begin a life at its `day`; at day 0 the day has come to the snapshot's slot.

    With `draw`, the user's own values are drawn from the belief; else they are its means. Runs on
    to the first decision.
    """
    w.seed = seed
    w.day = day
    _draw_truth(v, w, draw)
    for row in range(PROJECTS):
        w.remaining_h[row] = v.remaining_h[row]
        w.progress[row] = v.progress[row]
    for row in range(PEOPLE):
        w.since[row] = v.days_since[row]
        w.warmth[row] = 0.5 ** (v.days_since[row] / v.cadence[row])
    for activity in range(ACTIVITIES):
        w.last_done[activity] = day - 3
    _start_day(w)
    w.slept_h = v.slept_h
    slot = v.first_slot if day == 0 else 0
    w.slot = slot
    awake = 0
    for s in range(slot):
        awake = 0 if v.flags[day, s] & ASLEEP else awake + 1
    pressure = 0.7 * math.exp(-v.slept_h / FALL_H)
    w.pressure = 1.0 - (1.0 - pressure) * math.exp(-awake * SLOT_H / RISE_H)
    if slot == 0:
        w.pressure = 0.6
    w.load = v.load
    hour = slot * SLOT_H
    allowed = _alertness(hour, w.pressure, w.params[P_CHRONOTYPE])
    w.fatigue = max(FATIGUE_FLOOR, allowed - v.energy)
    w.sleeping = 0
    _set_energy(w, hour)
    _run_on(v, w)


@compiled
def _start_day(w: Day) -> None:
    w.slot = 0
    w.done = False
    w.projected = False
    w.outcome = LEFT
    for k in range(ATTRIBUTES):
        w.hours[k] = 0.0
    for t in range(PROJECTS + PEOPLE):
        w.target_h[t] = 0.0
    for p in range(PEOPLE):
        w.seen[p] = 0.0
    for s in range(SLOTS):
        w.log_type[s] = -1
        w.log_target[s] = 0
        w.log_source[s] = 0
    for part in range(PART_COUNT + 1):
        w.reward[part] = 0.0
    w.idle_h = 0.0
    w.thing = -1
    w.stretch = 0
    w.last_type = LEAVE
    w.unplanned = 0
    w.proposals = 0
    w.refused = 0
    w.begun = False


@compiled
def _next_day(v: Life, w: Day) -> bool:
    """Begin the day after; False, with nothing changed, when the life has no more days."""
    if w.day + 1 >= v.days:
        return False
    w.day += 1
    _start_day(w)
    _run_on(v, w)
    return True


# --- a slot --------------------------------------------------------------------------------------


@compiled
def urgency(remaining_h: float, deadline_h: float, now_h: float) -> float:
    """Return how pressing a project is, 0..1.

    It grows with the square of the hours a day it needs, fades over OVERDUE_DAYS once the deadline
    has passed, and is 0 without one.
    """
    if remaining_h <= 0.0 or not math.isfinite(deadline_h):
        return 0.0
    left = (deadline_h - now_h) / 24.0
    if left < 0.0:
        return max(0.0, 1.0 + left / OVERDUE_DAYS)
    need = min(1.0, remaining_h / max(1.0, left) / URGENT_NEED_H)
    # What is due within a day is pressing even if it is short.
    return max(need * need, 0.6 if left <= 1.0 else 0.0)


@compiled
def _weight(priority: float) -> float:
    return 0.3 + 0.7 * priority


@compiled
def _describe(v: Life, activity: int, target: int) -> tuple[int, float]:
    """Return how many others an activity with this target brings along, and how close they are."""
    if target > PROJECTS:
        return 1, v.closeness[target - PROJECTS - 1]
    if activity == SOCIAL:
        return GROUP_OTHERS, GROUP_CLOSENESS
    if activity == HELP:
        return 1, GROUP_CLOSENESS
    return 0, 0.0


@compiled
def _fill(
    v: Life,
    w: Day,
    activity: int,
    target: int,
    depth: int,
    people: float,
    closeness: float,
    planned: float,
) -> None:
    """Describe the present slot in `w.scratch`, by the house's one feature map."""
    lead_days = np.inf
    if 0 < target <= PROJECTS:
        now_h = w.day * 24.0 + w.slot * SLOT_H
        lead_days = (v.deadline_h[target - 1] - now_h) / 24.0
    varied = 1.0 if w.day - w.last_done[activity] >= 7 else 0.0
    hour = w.slot * SLOT_H + 0.5 * SLOT_H
    _fill_attributes(
        w.scratch,
        activity,
        SLOT_H,
        hour,
        int(people),
        closeness,
        0.5 * depth,
        lead_days,
        planned,
        varied,
    )


@compiled
def _margin(hours: float, limit: float) -> float:
    """Return what the next slot is worth of a first one: falls linearly, nothing past the limit."""
    return max(0.0, 1.0 - (hours + 0.5 * SLOT_H) / limit)


@compiled
def _alignment(w: Day, activity: int, target: int) -> float:
    """Return what the slot in `w.scratch` is worth to the user, in neutral free hours.

    What they like diminishes within the day, attribute by attribute and for the activity as a
    whole; what they dislike does not.
    """
    left = _margin(w.hours[activity], LIMIT_H[activity])
    liked = 0.0
    disliked = 0.0
    for k in range(ATTRIBUTES):
        amount = w.scratch[k]
        if amount == 0.0:
            continue
        worth = w.truth[WORTH + k] * amount
        if worth > 0.0:
            own = left if k == activity else left * _margin(w.hours[k], LIMIT_H[k])
            liked += worth * own
        else:
            disliked += worth
    if target > 0:
        worth = w.truth[AFFINITY + target - 1] * SLOT_H
        if worth > 0.0:
            liked += worth * left * _margin(w.target_h[target - 1], TARGET_LIMIT_H)
        else:
            disliked += worth
    return float(liked * (0.5 + 0.5 * w.energy) + disliked)


@compiled
def _speed(w: Day, depth: int) -> float:
    """Return hours of normal work done in an hour, by energy, load, depth and focus."""
    gain = DEPTH_GAIN[depth]
    if depth == 2:
        ramp = 1.0 - math.exp(-(w.stretch + 0.5) * SLOT_H / FOCUS_RAMP_H)
        gain *= 1.0 + w.params[P_FOCUS] * ramp
    return float(gain * (0.5 + 0.6 * w.energy) * (1.0 - 0.4 * w.load))


@compiled
def _advance(v: Life, w: Day, project: int, depth: int, share: float) -> float:
    """Work on a project for `share` of a slot; return what that is worth, in neutral free hours."""
    before = w.remaining_h[project]
    if before <= 0.0:
        return 0.0
    done = min(before, SLOT_H * share * _speed(w, depth))
    now_h = w.day * 24.0 + w.slot * SLOT_H
    pressing = urgency(before, v.deadline_h[project], now_h)
    w.remaining_h[project] = before - done
    w.progress[project] += (1.0 - w.progress[project]) * done / before
    # Less than a minute left is done: nobody plans a block for it.
    if w.remaining_h[project] < 0.02:
        w.remaining_h[project] = 0.0
        w.progress[project] = 1.0
    return float(PROGRESS_WORTH * _weight(v.priority[project]) * (1.0 + pressing) * done)


@compiled
def _meet(v: Life, w: Day, person: int, hours: float, constant_h: float) -> float:
    """Spend time with a person; return what that renewal is worth, in neutral free hours.

    Contact closes what is missing exponentially, so a second hour renews less than the first, and
    nothing is missing soon after.
    """
    w.since[person] = 0.0
    if w.target_h[PROJECTS + person] >= TARGET_LIMIT_H:
        return 0.0
    gain = (1.0 - w.warmth[person]) * (1.0 - math.exp(-hours / constant_h))
    w.warmth[person] += gain
    return float(CONTACT_WORTH * v.closeness[person] * gain)


@_signed(numba.void(_DAY, _INT, _INT, _FLOAT, _BOOL))
def _change_body(w: Day, activity: int, depth: int, people: float, asleep: bool) -> None:
    """Move sleep pressure, fatigue and load through one slot, and energy with them.

    Decay is taken implicitly, x / (1 + rate dt), which is close to exponential at these rates.
    """
    dt = SLOT_H
    recovery = w.params[P_RECOVERY]
    if asleep:
        # Sleep on a loaded mind restores less (Meijman & Mulder 1998).
        fall = FALL_H * (1.0 + 0.5 * w.load)
        w.pressure *= math.exp(-dt / fall)
        w.slept_h = (w.slept_h if w.sleeping else 0.0) + dt
        w.sleeping = 1
        effort, recover, demand, relief = 0.0, SLEEP_RECOVERY, 0.0, SLEEP_RELIEF
    else:
        w.sleeping = 0
        w.pressure = 1.0 - (1.0 - w.pressure) * AWAKE_KEEPS
        if activity < 0:
            effort, recover, demand, relief = 0.0, FREE_RECOVERY, 0.0, FREE_RELIEF
        else:
            harder = DEPTH_EFFORT[depth]
            effort = EFFORT[activity] * harder * (1.0 + w.load)
            demand = DEMAND[activity] * harder
            recover, relief = RECOVERY_PER_H[activity], RELIEF_PER_H[activity]
        if people > 0:
            effort -= w.params[P_SOCIAL] * min(2.0, 0.6 + 0.2 * people)
    w.fatigue += dt * effort
    w.fatigue /= 1.0 + dt * recover * recovery
    w.fatigue = min(1.0, max(FATIGUE_FLOOR, w.fatigue))
    load = w.load
    load += dt * w.params[P_LOAD] * demand * (1.0 - load)
    w.load = load / (1.0 + dt * relief * recovery)
    _set_energy(w, (w.slot + 1) * dt)


@compiled
def _do(
    v: Life,
    w: Day,
    activity: int,
    target: int,
    depth: int,
    people: float,
    closeness: float,
    source: int,
) -> None:
    """Do something for one slot: what it is worth, what it moves, what it adds to the day."""
    day, slot = w.day, w.slot
    planned = 1.0 if source == EVENT else 0.0
    _fill(v, w, activity, target, depth, people, closeness, planned)
    share = 1.0
    if DEMAND[activity] >= 0.5 and luck(w.seed, day, slot, C_INTERRUPTED) < (
        w.params[P_INTERRUPTIONS] * SLOT_H
    ):
        share = 0.5
        w.stretch = 0
    # How well an hour turns out varies, more so for what is new; on average it changes nothing.
    mood = 2.0 * luck(w.seed, day, slot // 4, C_MOOD) - 1.0
    unsure = 0.2 + (0.4 if day - w.last_done[activity] >= 7 else 0.0)
    worth = _alignment(w, activity, target)
    if worth > 0.0:
        worth *= share * (1.0 + unsure * mood)
    # What is fixed earns no alignment, well or ill: there was nothing to decide.
    if source not in (EVENT, UNPLANNED):
        w.reward[ALIGNMENT] += w.truth[PART + ALIGNMENT] * worth
    within = w.hours[activity] < LIMIT_H[activity]
    if 0 < target <= PROJECTS and within:
        gain = _advance(v, w, target - 1, depth, share)
        w.reward[PROGRESS] += w.truth[PART + PROGRESS] * gain
    elif target > PROJECTS and within:
        hours = SLOT_H * DEPTH_CONTACT[depth]
        gain = _meet(v, w, target - PROJECTS - 1, hours, CONTACT_H)
        w.reward[RELATIONSHIPS] += w.truth[PART + RELATIONSHIPS] * gain
    for k in range(ATTRIBUTES):
        w.hours[k] += w.scratch[k]
    if target > 0:
        w.target_h[target - 1] += SLOT_H
    # What is new today stays new all day: `last_done` moves at the day's end.


@compiled
def _off_duty(activity: int, target: int) -> bool:
    """Tell what working hours are not for: all but work, plans, and learning for a project."""
    return activity not in (WORK, PLAN) and not (activity == LEARN and target > 0)


@_signed(numba.void(_LIFE, _DAY, _INT, _INT, _INT, _FLOAT, _FLOAT, _INT))
def _live(
    v: Life,
    w: Day,
    activity: int,
    target: int,
    depth: int,
    people: float,
    closeness: float,
    source: int,
) -> None:
    """Live one slot awake: `activity` -1 is time left free. Adds to `w.reward`."""
    flags = v.flags[w.day, w.slot]
    thing = activity * 32 + target if activity >= 0 else -1
    if thing == w.thing:
        w.stretch += 1
    else:
        w.stretch = 0
        if activity >= 0 and source != EVENT:
            cost = w.params[P_SWITCH] * DEMAND[activity] * (1.0 + w.load)
            w.reward[COSTS] -= cost
        w.thing = thing
    if activity >= 0:
        _do(v, w, activity, target, depth, people, closeness, source)
    idle = _off_duty(activity, target) and source != UNPLANNED
    if flags & WORKING and not flags & BUSY and idle:
        w.idle_h += SLOT_H
        if w.idle_h > w.params[P_BREAK]:
            w.reward[COSTS] -= w.params[P_DUTY] * SLOT_H
    _change_body(w, activity, depth, people, False)
    tired = max(0.0, TIRED_AT - w.energy)
    loaded = max(0.0, w.load - LOADED_AT)
    # Well-being rises gently with energy and falls steeply near exhaustion: burnout is not a trade.
    felt = 0.25 * (w.energy - 0.6) - 1.5 * tired - 1.0 * loaded
    w.reward[ENERGY] += w.truth[PART + ENERGY] * felt * SLOT_H
    w.log_type[w.slot] = activity + 1
    w.log_target[w.slot] = target
    w.log_source[w.slot] = source


@compiled
def _meet_at_event(v: Life, w: Day) -> None:
    day, slot = w.day, w.slot
    met = int(v.event_met[day, slot])
    for person in range(PEOPLE):
        if met & (1 << person):
            gain = _meet(v, w, person, SLOT_H, EVENT_CONTACT_H)
            w.reward[RELATIONSHIPS] += w.truth[PART + RELATIONSHIPS] * gain
            w.target_h[PROJECTS + person] += SLOT_H
            w.seen[person] = 1.0


@compiled
def _may_work(v: Life, w: Day, project: int) -> bool:
    """Tell whether a project may be worked on now: something left, and the hours for it."""
    if w.remaining_h[project] <= 0.0:
        return False
    if v.off_hours[project]:
        return True
    return bool(v.flags[w.day, w.slot] & WORKING)


@compiled
def _own_choice(v: Life, w: Day) -> tuple[int, int]:
    """Return what the user would do now by themselves: activity (-1 for nothing) and target.

    Habit decides the activity, for an hour at a time. At work they turn to what is due first the
    more probably the nearer that is (`_turns_to`); else to one of the others now and then, else to
    routine. Company is one of their people half the time.
    """
    day, slot = w.day, w.slot
    weekend = 1 if v.weekday[day] >= 5 else 0
    hour = slot // 4
    u = luck(w.seed, day, hour, C_HABIT)
    kind = 0
    while kind < ACTIVITIES and u >= v.habits[weekend, slot, kind]:
        kind += 1
    activity = kind - 1
    if activity < 0 or w.hours[activity] >= LIMIT_H[activity]:
        return -1, 0
    whim = luck(w.seed, day, hour, C_HABIT_TARGET)
    if activity == WORK:
        return WORK, _own_project(v, w, whim)
    if activity == SOCIAL and whim < 0.5:
        count = 0
        for p in range(PEOPLE):
            count += 1 if v.person_id[p] >= 0 else 0
        if count > 0:
            person = int(2.0 * whim * count)
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
    for p in range(PROJECTS):
        due = v.deadline_h[p]
        if now_h - 24.0 * OVERDUE_DAYS <= due < best_deadline and _may_work(v, w, p):
            best, best_deadline = p, due
    turns = 0.0
    if best >= 0:
        turns = _turns_to(best_deadline - now_h, w.params[P_LEAD], w.params[P_FRICTION])
        if whim < turns:
            return best + 1
    other = int((whim - turns) / (1.0 - turns) * 4.0 * PROJECTS)
    if other < PROJECTS and _may_work(v, w, other):
        return other + 1
    return 0


@compiled
def _sleep(w: Day) -> None:
    w.thing = -1
    w.stretch = 0
    w.log_type[w.slot] = LEAVE
    w.log_source[w.slot] = SLEEP
    _change_body(w, -1, 1, 0.0, True)


@compiled
def _is_taken(w: Day, flags: int) -> bool:
    """Tell whether something nobody planned takes this slot; it may begin now."""
    begins = luck(w.seed, w.day, w.slot, C_UNPLANNED) < w.params[P_UNPLANNED] / 64.0
    if begins and w.unplanned == 0 and flags & ALLOWED:
        w.unplanned = 2 + int(4.0 * luck(w.seed, w.day, w.slot, C_UNPLANNED_LENGTH))
    if w.unplanned == 0:
        return False
    w.unplanned -= 1
    return True


@compiled
def _miss_deadlines(v: Life, w: Day) -> None:
    now_h = w.day * 24.0 + w.slot * SLOT_H
    for p in range(PROJECTS):
        if now_h - SLOT_H < v.deadline_h[p] <= now_h and w.remaining_h[p] > 0.0:
            undone = min(PRICED_H, w.remaining_h[p]) * _weight(v.priority[p])
            w.reward[PROGRESS] -= w.truth[PART + PROGRESS] * MISSED_PRICE * undone


@_signed(_BOOL(_LIFE, _DAY, _INT, _INT, _INT, _INT))
def _pass(v: Life, w: Day, activity: int, target: int, depth: int, source: int) -> bool:
    """Let one slot pass and go to the next; return whether the block still runs.

    Sleep, events and what nobody planned come first; `source` HABIT means that the user decides,
    ACCEPTED that they do `activity`. A block stops when its project is finished.
    """
    flags = v.flags[w.day, w.slot]
    if flags & ASLEEP:
        _sleep(w)
    elif flags & BUSY:
        _meet_at_event(v, w)
        people, closeness = v.event_people[w.day, w.slot], v.event_closeness[w.day, w.slot]
        activity = int(v.event_activity[w.day, w.slot])
        _live(v, w, activity, 0, 1, float(people), float(closeness), EVENT)
    else:
        if _is_taken(w, flags):
            activity, target, depth, source = HELP, 0, 1, UNPLANNED
        elif source == HABIT:
            activity, target = _own_choice(v, w)
            depth = 1
        others, close = _describe(v, activity, target)
        _live(v, w, activity, target, depth, float(others), close, source)
        if source != UNPLANNED:
            w.last_type = activity + 1
    w.slot += 1
    _miss_deadlines(v, w)
    finished = 0 < target <= PROJECTS and w.remaining_h[target - 1] <= 0.0
    return not (source == ACCEPTED and finished)


@compiled
def _end_day(v: Life, w: Day) -> None:
    """Charge what the day leaves undone and whom it leaves out, and let relationships fade."""
    day = w.day
    undone = 0.0
    for p in range(PROJECTS):
        pressing = urgency(w.remaining_h[p], v.deadline_h[p], (day + 1) * 24.0)
        undone += pressing * min(PRICED_H, w.remaining_h[p]) * _weight(v.priority[p])
    w.reward[PROGRESS] -= w.truth[PART + PROGRESS] * UNDONE_PRICE * undone
    neglected = 0.0
    for p in range(PEOPLE):
        if v.person_id[p] >= 0:
            w.warmth[p] *= 0.5 ** (1.0 / v.cadence[p])
            w.since[p] += 1.0
            neglected += v.closeness[p] * max(0.0, 1.0 - 2.0 * w.warmth[p])
    w.reward[RELATIONSHIPS] -= w.truth[PART + RELATIONSHIPS] * NEGLECT_PRICE * neglected
    for activity in range(ACTIVITIES):
        if w.hours[activity] > 0.0:
            w.last_done[activity] = day
    w.done = True


# --- deciding ------------------------------------------------------------------------------------


@compiled
def _undecided(v: Life, w: Day) -> bool:
    """Tell whether there is something to decide in the present slot."""
    return bool(
        v.flags[w.day, w.slot] & FREE
        and w.unplanned == 0
        and w.proposals < w.params[P_MAX_PROPOSALS]
    )


@compiled
def _run_on(v: Life, w: Day) -> None:
    """Let time pass until there is something to decide or the day is over.

    Once all the day's proposals are made, the rest of it is the user's.
    """
    while w.slot < SLOTS and not _undecided(v, w):
        _pass(v, w, -1, 0, 1, HABIT)


@compiled
def _gain(v: Life, w: Day, activity: int, target: int, depth: int) -> float:
    """Return what the user feels an hour of this would be worth now, in neutral free hours.

    What is not yet pressing to *them* (their own lead time) hardly counts, and neither do prices
    that come later: present bias is why a twin can help.
    """
    people, closeness = _describe(v, activity, target)
    _fill(v, w, activity, target, depth, float(people), closeness, 0.0)
    gain = w.truth[PART + ALIGNMENT] * _alignment(w, activity, target) / SLOT_H
    if 0 < target <= PROJECTS:
        now_h = w.day * 24.0 + w.slot * SLOT_H
        near = v.deadline_h[target - 1] - now_h <= 24.0 * w.params[P_LEAD]
        worth = PROGRESS_WORTH * _weight(v.priority[target - 1]) * (1.5 if near else 0.5)
        gain += w.truth[PART + PROGRESS] * worth * _speed(w, depth)
    elif target > PROJECTS:
        missing = 1.0 - w.warmth[target - PROJECTS - 1]
        gain += w.truth[PART + RELATIONSHIPS] * CONTACT_WORTH * closeness * missing
    gain -= DEMAND[activity] * DEPTH_EFFORT[depth] * max(0.0, 0.6 - w.energy + w.load)
    unsure = 0.2 + (0.4 if w.day - w.last_done[activity] >= 7 else 0.0)
    gain -= w.params[P_RISK] * unsure
    flags = v.flags[w.day, w.slot]
    if flags & WORKING and _off_duty(activity, target) and w.idle_h >= w.params[P_BREAK]:
        gain -= w.params[P_DUTY]
    return float(gain)


@compiled
def _acceptance(v: Life, w: Day, activity: int, target: int, depth: int) -> float:
    """Return the probability that the user takes this proposal up now.

    Logistic in the gain they see in it, how near it is to habit, and how often they have been asked
    and have refused today.
    """
    day, slot = w.day, w.slot
    weekend = 1 if v.weekday[day] >= 5 else 0
    usual = v.habits[weekend, slot, activity + 1] - v.habits[weekend, slot, activity]
    odds = (
        w.params[P_ACCEPTANCE]
        + 1.5 * _gain(v, w, activity, target, depth)
        + 0.8 * usual
        - w.params[P_FATIGUE] * w.proposals
        - 0.3 * w.refused
    )
    return 1.0 / (1.0 + math.exp(-odds))


@compiled
def _completion(w: Day) -> float:
    """Return the probability that an accepted hour, once begun, is carried through."""
    return 1.0 / (1.0 + math.exp(-w.params[P_COMPLETION] - 1.5 * (w.energy - 0.6)))


@compiled
def _beginning(v: Life, w: Day, activity: int, target: int) -> float:
    """Return the probability that what was accepted is begun: what presses or is easy always is."""
    pressing = 0.0
    if 0 < target <= PROJECTS:
        now_h = w.day * 24.0 + w.slot * SLOT_H
        left = v.deadline_h[target - 1] - now_h
        pressing = 1.0 if left <= 24.0 else 0.0
    return float(1.0 - min(0.6, w.params[P_FRICTION]) * DEMAND[activity] * (1.0 - pressing))


@compiled
def _act(v: Life, w: Day, kind: int, target: int, slots: int, depth: int) -> None:
    """Carry an action out to its end, whatever the user makes of it."""
    source, activity = HABIT, kind - 1
    w.outcome = LEFT
    if kind != LEAVE:
        day, slot = w.day, w.slot
        crowd = 1.0 + 0.5 * w.proposals
        w.reward[COSTS] -= w.params[P_INTERRUPTION_COST] * crowd
        chance = _acceptance(v, w, activity, target, depth)
        w.proposals += 1
        if luck(w.seed, day, slot, C_ACCEPT) >= chance:
            w.outcome = REFUSED
            w.refused += 1
        elif luck(w.seed, day, slot, C_BEGIN) >= _beginning(v, w, activity, target):
            w.outcome = NOT_BEGUN
        else:
            w.outcome = CARRIED_OUT
            source = ACCEPTED
    for _ in range(slots):
        if source == ACCEPTED:
            keep = _completion(w) ** SLOT_H
            if luck(w.seed, w.day, w.slot, C_CARRY_ON) >= keep:
                w.outcome = BROKEN_OFF
                source = HABIT
        if not _pass(v, w, activity, target, depth, source):
            break


@compiled
def _legalise(
    o: View, kind: int, target: int, duration: int, depth: int
) -> tuple[int, int, int, int]:
    """Return the nearest legal action.

    An impossible type becomes leave, an impossible target the first possible one, a duration the
    longest possible that is not longer (else the shortest), an intensity the nearest (the lower of
    two).
    """
    if not 0 <= kind < len(TYPES) or o.mask_type[kind] == 0.0:
        kind = LEAVE
    if not 0 <= target < TARGETS or o.mask_target[kind, target] == 0.0:
        target = 0
        while o.mask_target[kind, target] == 0.0:
            target += 1
    duration = min(max(duration, 0), DURATIONS_SLOTS.shape[0] - 1)
    while duration > 0 and o.mask_duration[kind, duration] == 0.0:
        duration -= 1
    while o.mask_duration[kind, duration] == 0.0:
        duration += 1
    depth = min(max(depth, 0), 2)
    if o.mask_intensity[kind, depth] == 0.0:
        nearest = -1
        for other in range(3):
            if o.mask_intensity[kind, other] > 0.0 and (
                nearest < 0 or abs(other - depth) < abs(nearest - depth)
            ):
                nearest = other
        depth = nearest
    return kind, target, duration, depth


# --- over all days -------------------------------------------------------------------------------


@compiled
def step(
    lives: NDArray[np.void],
    world: NDArray[np.void],
    seen: NDArray[np.void],
    actions: NDArray[np.int64],
    rewards: NDArray[np.float64],
) -> None:
    """Take one action (N, 4) in each day, up to its next decision; write rewards (N,).

    The records are those of Lives, World and Seen; the masks in `seen` must be of the present
    moment. Days that are over are left as they are, with a reward of 0. See `World` for what else
    it says: done, projected, outcome, reward by part.
    """
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
            _act(v, w, kind, target, DURATIONS_SLOTS[duration], depth)
            _run_on(v, w)
        if w.slot >= SLOTS:
            _end_day(v, w)
        for part in range(PART_COUNT + 1):
            rewards[n] += w.reward[part]


@compiled
def reset(
    lives: NDArray[np.void],
    world: NDArray[np.void],
    which: NDArray[np.bool_],
    life: NDArray[np.int64],
    seeds: NDArray[np.uint64],
    day: int,
    draw: bool,
) -> None:
    """Begin lives (N,) where `which` (N,) says so, at their `day`, with luck from `seeds` (N,)."""
    for n in range(world.shape[0]):
        if which[n]:
            world[n].life = life[n]
            _begin_life(lives[life[n]], world[n], seeds[n], day, draw)


@compiled
def go_on(
    lives: NDArray[np.void],
    world: NDArray[np.void],
    which: NDArray[np.bool_],
    over: NDArray[np.bool_],
) -> None:
    """Begin the next day where `which` (N,) says so; `over` tells where the life has none."""
    for n in range(world.shape[0]):
        over[n] = which[n] and not _next_day(lives[world[n].life], world[n])


@compiled
def _prospect(
    lives: NDArray[np.void],
    world: NDArray[np.void],
    n: int,
    activity: int,
    target: int,
    depth: int,
) -> tuple[float, float]:
    v, w = lives[world[n].life], world[n]
    return (
        _gain(v, w, activity, target, depth),
        _acceptance(v, w, activity, target, depth),
    )


def gain_per_h(lives: Lives, world: World, n: int, activity: int, target: int, depth: int) -> float:
    """Return what the n-th day's user feels an hour of this would be worth now.

    In neutral free hours, by their own values as drawn (without `draw_truth`: as believed).
    """
    return _prospect(lives.records, world.records, n, activity, target, depth)[0]


def acceptance(lives: Lives, world: World, n: int, activity: int, target: int, depth: int) -> float:
    """Return the probability that the n-th day's user takes this proposal up now."""
    return _prospect(lives.records, world.records, n, activity, target, depth)[1]
