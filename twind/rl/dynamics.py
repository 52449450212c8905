"""How a simulated day goes: one compiled set of dynamics for one day and for thousands.

Time passes in slots of 15 minutes, and `pass_slot` is all that a slot does. An action is the same
slot after slot until its time is over, and whatever depends on how long something has lasted
(diminishing returns, focus, a limit) looks at the day's accumulated hours and the present stretch,
never at where one block ends and the next begins. So cutting a block in two changes nothing but
what a proposal itself costs: the interruption and another chance to be refused.

A slot is lived by somebody who

- has energy and cognitive load (`body`), and values, projects and people (`worth`);
- loses time by changing to something else (attention residue, Leroy 2009), works up to full focus
  only in an uninterrupted stretch, and wears out in one without a break;
- follows habits where nobody proposes anything, and takes a proposal up or does not (`person`);
- meets interruptions and events nobody planned (`luck`).

The unit of all reward is one neutral free hour. The constants below were chosen so that days look
plausible, unless they name a source; those of a person are in snapshot.LifeParameters.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numba
import numpy as np

from twind.rl import luck
from twind.rl.body import (
    DEMAND,
    EFFORTFUL,
    feel,
    freshness,
    pace_recovery,
    sleep_on,
    spend,
    wake_up,
)
from twind.rl.compiled import compiled, signed
from twind.rl.learning import apply_effects
from twind.rl.legal import is_open
from twind.rl.person import acceptance, beginning, carrying_on, off_duty, own_choice
from twind.rl.spaces import LEAVE, PEOPLE, PROJECTS, SLOTS
from twind.rl.world import (
    ACCEPTED,
    ACTIVITIES,
    ALIGNMENT,
    ALLOWED,
    ASLEEP,
    ATTRIBUTES,
    BROKEN_OFF,
    BUSY,
    CARRIED_OUT,
    COSTS,
    DAY,
    EVENT,
    HABIT,
    HELP,
    LEFT,
    LIFE,
    NOT_BEGUN,
    P_BREAK,
    P_DUTY,
    P_INTERRUPTION_COST,
    P_INTERRUPTIONS,
    P_SWITCH,
    P_UNPLANNED,
    PART,
    PART_COUNT,
    PROGRESS,
    REDUCED,
    REFUSED,
    RELATIONSHIPS,
    SLEEP,
    SLOT_H,
    UNPLANNED,
    WORKING,
)
from twind.rl.worth import (
    EVENT_RENEWS,
    LIMIT_H,
    RENEWS,
    SETTLING,
    UNSURE,
    UNSURE_OF_NEW,
    advance,
    alignment,
    company,
    describe,
    is_new,
    meet,
    urgency,
    weight,
)

if TYPE_CHECKING:
    from twind.rl.world import Day, Life

_INT, _FLOAT, _BOOL = numba.int64, numba.float64, numba.boolean

INTERRUPTED_SHARE = 0.5
"""What an interruption leaves of a quarter of an hour."""
UNDONE_PRICE = 0.12
"""Price of an undone, fully urgent hour for each day that ends with it."""
MISSED_PRICE = 1.5
"""Price of an hour still undone when its deadline passes: more than a free hour, since free hours
are what people give up for it the night before."""
PRICED_H = 12.0
"""Hours of one project that count towards these prices."""
NEGLECT_PRICE = 0.06
"""Price of a day in which the closest relationship has faded entirely."""
AWAKE_SLOTS = 64
"""Slots of a day in which something unplanned may begin, as `unplanned_per_day` counts."""


# --- beginning -----------------------------------------------------------------------------------


@compiled
def _draw_truth(v: Life, w: Day, draw: bool) -> None:
    """Draw what the user is really like from the belief, and shape their days by it."""
    for row in range(REDUCED):
        w.mean[row] = v.mean[row]
        w.sd[row] = v.sd[row]
        w.truth[row] = v.mean[row]
    if draw:
        for column in range(REDUCED):
            z = luck.normal(w.seed, 0, luck.A_PERSON + column)
            for row in range(column, REDUCED):
                w.truth[row] += v.factor[row, column] * z
    for part in range(PART_COUNT):
        w.truth[PART + part] = min(3.0, max(0.1, w.truth[PART + part]))
    apply_effects(v.life, w.truth, w.params)
    pace_recovery(w)
    apply_effects(v.life, w.mean, w.guess)


@compiled
def begin_life(v: Life, w: Day, seed: np.uint64, day: int, draw: bool) -> None:
    """Begin a life at its `day`; at day 0 the day has come to the snapshot's slot.

    What is proposed for a later one is arranged before it comes. With `draw`, the user's own values
    are drawn from the belief; else they are its means.
    """
    w.seed = seed
    w.day = day
    _draw_truth(v, w, draw)
    for row in range(PROJECTS):
        w.remaining_h[row] = v.remaining_h[row]
        w.progress[row] = v.progress[row]
    for row in range(PEOPLE):
        w.since[row] = v.days_since[row]
        w.overdue[row] = v.days_since[row] * v.pace[row]
        w.warmth[row] = 0.5 ** w.overdue[row]
    for activity in range(ACTIVITIES):
        w.last_done[activity] = day - v.since_done[activity]
    slot = v.first_slot if day == 0 else 0
    _start_day(v, w, slot)
    w.foreseen = 1.0 if day > 0 else 0.0
    awake = 0
    for s in range(slot):
        awake = 0 if v.flags[day, s] & ASLEEP else awake + 1
    wake_up(v, w, slot, awake)
    w.effort = _effort_before(v, day, slot)


@compiled
def _effort_before(v: Life, day: int, slot: int) -> int:
    """Return for how many slots up to now events have asked for effort without a break."""
    slots = 0
    while slots < slot and v.flags[day, slot - slots - 1] & BUSY:
        activity = v.event_activity[day, slot - slots - 1]
        if activity < 0 or DEMAND[activity] < EFFORTFUL:
            break
        slots += 1
    return slots


@compiled
def _start_day(v: Life, w: Day, slot: int) -> None:
    w.slot = slot
    w.done = False
    w.projected = False
    w.strayed = True
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
    w.filled_h = 0.0
    w.foreseen = 0.0
    w.idle_h = 0.0
    w.thing = -1
    w.stretch = 0
    w.last_type = LEAVE
    w.unplanned = 0
    w.proposals = 0
    w.refused = 0
    w.begun = False
    w.hour_fate = luck.roll(w.seed, w.day, luck.AN_HOUR + slot // 4)
    _look_ahead(v, w)


@compiled
def next_day(v: Life, w: Day) -> bool:
    """Begin the day after; False, with nothing changed, when the life has no more days."""
    if w.day + 1 >= v.days:
        return False
    w.day += 1
    _start_day(v, w, 0)
    return True


# --- a slot --------------------------------------------------------------------------------------


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
    planned = 1.0 if source == EVENT else w.foreseen if source == ACCEPTED else 0.0
    count = describe(v, w, activity, target, depth, people, closeness, planned)
    share = SETTLING if w.stretch == 0 else 1.0
    if DEMAND[activity] >= EFFORTFUL:
        share *= freshness(w)
    if DEMAND[activity] >= 0.5 and luck.draw(w.fate, luck.INTERRUPTED) < (
        w.params[P_INTERRUPTIONS] * SLOT_H
    ):
        share *= INTERRUPTED_SHARE
        w.stretch = 0
    # What is fixed earns no alignment, well or ill: there was nothing to decide.
    if source not in (EVENT, UNPLANNED):
        worth = alignment(w, w.truth, activity, target, count)
        if worth > 0.0:
            # How well an hour turns out varies; on average that changes nothing.
            mood = 2.0 * luck.draw(w.hour_fate, luck.MOOD) - 1.0
            unsure = UNSURE + (UNSURE_OF_NEW if is_new(w, activity) else 0.0)
            worth *= share * (1.0 + v.moods * unsure * mood)
        w.reward[ALIGNMENT] += w.truth[PART + ALIGNMENT] * worth
    within = w.hours[activity] < LIMIT_H[activity]
    if 0 < target <= PROJECTS and within:
        earned = advance(v, w, target - 1, depth, share)
        w.reward[PROGRESS] += w.truth[PART + PROGRESS] * earned
    elif target > PROJECTS and within:
        earned = meet(v, w, target - PROJECTS - 1, share * RENEWS[depth])
        w.reward[RELATIONSHIPS] += w.truth[PART + RELATIONSHIPS] * earned
    for place in range(count):
        w.hours[w.which[place]] += w.amounts[place]
    if source != EVENT:
        w.filled_h += SLOT_H
    if target > 0:
        w.target_h[target - 1] += SLOT_H


@signed(numba.void(LIFE, DAY, _INT, _INT, _INT, _FLOAT, _FLOAT, _INT))
def live(
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
            w.reward[COSTS] -= w.params[P_SWITCH] * DEMAND[activity] * (1.0 + w.load)
        w.thing = thing
    if activity >= 0:
        _do(v, w, activity, target, depth, people, closeness, source)
    idle = off_duty(activity, target) and source != UNPLANNED
    if flags & WORKING and not flags & BUSY and idle:
        w.idle_h += SLOT_H
        if w.idle_h > w.params[P_BREAK]:
            w.reward[COSTS] -= w.params[P_DUTY] * SLOT_H
    spend(v, w, activity, depth, people)
    feel(w)
    w.log_type[w.slot] = activity + 1
    w.log_target[w.slot] = target
    w.log_source[w.slot] = source


@compiled
def _meet_at_event(v: Life, w: Day) -> None:
    met = int(v.event_met[w.day, w.slot])
    if met == 0:
        return
    for person in range(v.people_count):
        if met & (1 << person):
            earned = meet(v, w, person, EVENT_RENEWS)
            w.reward[RELATIONSHIPS] += w.truth[PART + RELATIONSHIPS] * earned
            w.target_h[PROJECTS + person] += SLOT_H
            w.seen[person] = 1.0


@compiled
def _sleep(v: Life, w: Day) -> None:
    w.thing = -1
    w.stretch = 0
    w.log_type[w.slot] = LEAVE
    w.log_source[w.slot] = SLEEP
    sleep_on(v, w)


@compiled
def _is_taken(w: Day, flags: int) -> bool:
    """Tell whether something nobody planned takes this slot; it may begin now."""
    if w.unplanned == 0:
        chance = w.params[P_UNPLANNED] / AWAKE_SLOTS
        if not flags & ALLOWED or luck.draw(w.fate, luck.UNPLANNED) >= chance:
            return False
        bits = luck.roll(w.seed, w.day, luck.A_PROPOSAL + w.slot)
        w.unplanned = 2 + int(4.0 * luck.draw(bits, luck.LENGTH))
    w.unplanned -= 1
    return True


@compiled
def _look_ahead(v: Life, w: Day) -> None:
    """Note the next deadline."""
    now_h = w.day * 24.0 + w.slot * SLOT_H
    w.next_due_h = np.inf
    for p in range(v.project_count):
        if now_h < v.deadline_h[p] < w.next_due_h:
            w.next_due_h = v.deadline_h[p]


@compiled
def _miss_deadlines(v: Life, w: Day, now_h: float) -> None:
    """Charge what is undone of the deadlines that have just passed."""
    for p in range(v.project_count):
        if now_h - SLOT_H < v.deadline_h[p] <= now_h and w.remaining_h[p] > 0.0:
            undone = min(PRICED_H, w.remaining_h[p]) * weight(v.priority[p])
            w.reward[PROGRESS] -= w.truth[PART + PROGRESS] * MISSED_PRICE * undone
    _look_ahead(v, w)


@signed(_BOOL(LIFE, DAY, _INT, _INT, _INT, _INT))
def pass_slot(v: Life, w: Day, activity: int, target: int, depth: int, source: int) -> bool:
    """Let one slot pass and go to the next; return whether the block still runs.

    Sleep, events and what nobody planned come first; `source` HABIT means that the user decides,
    ACCEPTED that they do `activity`. A block stops when its project is finished.
    """
    flags = v.flags[w.day, w.slot]
    if flags & ASLEEP:
        _sleep(v, w)
    else:
        w.fate = luck.roll(w.seed, w.day, luck.A_SLOT + w.slot)
        if flags & BUSY:
            _meet_at_event(v, w)
            people, close = v.event_people[w.day, w.slot], v.event_closeness[w.day, w.slot]
            activity = int(v.event_activity[w.day, w.slot])
            live(v, w, activity, 0, 1, float(people), float(close), EVENT)
        else:
            if _is_taken(w, flags):
                activity, target, depth, source = HELP, 0, 1, UNPLANNED
            elif source == HABIT:
                activity, target = own_choice(v, w)
                depth = 1
            others, closeness = company(v, activity, target)
            live(v, w, activity, target, depth, float(others), closeness, source)
            if source != UNPLANNED:
                w.last_type = activity + 1
    w.slot += 1
    if w.slot % 4 == 0:
        w.hour_fate = luck.roll(w.seed, w.day, luck.AN_HOUR + w.slot // 4)
    now_h = w.day * 24.0 + w.slot * SLOT_H
    if now_h >= w.next_due_h:
        _miss_deadlines(v, w, now_h)
    finished = 0 < target <= PROJECTS and w.remaining_h[target - 1] <= 0.0
    return not (source == ACCEPTED and finished)


@compiled
def end_day(v: Life, w: Day) -> None:
    """Charge what the day leaves undone and whom it leaves out, and let relationships fade."""
    day = w.day
    undone = 0.0
    for p in range(v.project_count):
        pressing = urgency(w.remaining_h[p], v.deadline_h[p], (day + 1) * 24.0)
        undone += pressing * min(PRICED_H, w.remaining_h[p]) * weight(v.priority[p])
    w.reward[PROGRESS] -= w.truth[PART + PROGRESS] * UNDONE_PRICE * undone
    neglected = 0.0
    for p in range(v.people_count):
        w.overdue[p] += v.pace[p]
        w.warmth[p] *= v.fading[p]
        w.since[p] += 1.0
        neglected += v.closeness[p] * max(0.0, 1.0 - 2.0 * w.warmth[p])
    w.reward[RELATIONSHIPS] -= w.truth[PART + RELATIONSHIPS] * NEGLECT_PRICE * neglected
    for activity in range(ACTIVITIES):
        if w.hours[activity] > 0.0:
            w.last_done[activity] = day
    w.strayed = True
    w.done = True


# --- deciding ------------------------------------------------------------------------------------


@compiled
def run_on(v: Life, w: Day) -> None:
    """Let time pass until there is something to decide or the day is over.

    Once all the day's proposals are made, the rest of it is the user's.
    """
    while w.slot < SLOTS and not is_open(v, w):
        pass_slot(v, w, -1, 0, 1, HABIT)


@compiled
def propose(v: Life, w: Day, activity: int, target: int, depth: int, slots: int) -> bool:
    """Propose so many slots of something, with what that costs; return whether the user begins."""
    bits = luck.roll(w.seed, w.day, luck.A_PROPOSAL + w.slot)
    w.reward[COSTS] -= w.params[P_INTERRUPTION_COST]
    chance = acceptance(v, w, w.truth, w.params, activity, target, depth, slots * SLOT_H)
    w.proposals += 1
    if luck.draw(bits, luck.ACCEPT) >= chance:
        w.outcome = REFUSED
        w.refused += 1
    elif luck.draw(bits, luck.BEGIN) >= beginning(v, w, activity, target):
        w.outcome = NOT_BEGUN
    else:
        w.outcome = CARRIED_OUT
    return bool(w.outcome == CARRIED_OUT)


@compiled
def spend_slots(
    v: Life, w: Day, activity: int, target: int, depth: int, slots: int, begun: bool
) -> None:
    """Let so many slots pass, at what was begun as long as the user carries on with it."""
    source = ACCEPTED if begun else HABIT
    w.strayed |= begun
    for _ in range(slots):
        if source == ACCEPTED:
            # Told before the slot: whoever has stopped does something of their own.
            bits = luck.roll(w.seed, w.day, luck.A_SLOT + w.slot)
            if luck.draw(bits, luck.CARRY_ON) >= carrying_on(w):
                w.outcome = BROKEN_OFF
                source = HABIT
        if not pass_slot(v, w, activity, target, depth, source):
            break
