"""What could be proposed on a day, with a first estimate of what it would gain.

Everything the masks allow as the day would go by itself, on the half hour or where free time
begins. The estimate is what the user sees in an hour of it, times how probably they take it up; it
falls behind for longer blocks, as an hour is worth less and less.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from twind.preferences.uptake import Uptake
from twind.rl.body import FREE_RECOVERY, LOADED_AT, RECOVERY_PER_H, TIRED_AT
from twind.rl.compiled import compiled
from twind.rl.dynamics import pass_slot
from twind.rl.learning import doubt
from twind.rl.legal import free_run, is_open, leisure_run, may_depth, may_target, room
from twind.rl.person import acceptance, gain
from twind.rl.rehearsal import Item
from twind.rl.snapshot import shortlist
from twind.rl.spaces import DURATIONS_SLOTS, INTENSITIES, LEAVE, PROJECTS, SLOTS, TARGETS
from twind.rl.vec_env import Simulation, stream, streams
from twind.rl.world import ACTIVITIES, HABIT, HELP, P_ACCEPTANCE, REST, SLOT_H, SOCIAL
from twind.rl.worth import OVERDUE_DAYS
from twind.store.projection import SINGLE_TASKS

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from twind.rl.evaluate import Choose
    from twind.rl.snapshot import Snapshot
    from twind.rl.world import Day, Life, Lives

EVERY_SLOTS = 2
"""Proposals begin on the half hour, or where free time begins."""
AN_HOUR = int(np.searchsorted(DURATIONS_SLOTS, 4))
LEAD_SLOTS = 1
"""Nothing is proposed to begin at once."""
PLACES = 6
PLACE_SLOTS = 8
"""Of the same thing, at most PLACES are promising: the best of each PLACE_SLOTS of the day."""
NEAR_SLOTS = 4
"""How far a near candidate is moved."""
LONGER = 0.35
"""How much less each hour of a block is counted on to bring than the one before."""
MEETING_FROM, MEETING_TO = 8 * 4, 22 * 4
"""The hours, in slots, in which it is decent to ask somebody else for their time."""
WITH_OTHERS = (1 + SOCIAL, 1 + HELP)
"""The types that take somebody else's time, even that of nobody in particular."""
TIRING = RECOVERY_PER_H < FREE_RECOVERY
"""By activity: what does less against fatigue than time left free. One can rest from that."""
EARNED_SLOTS = 4
"""After so much of it since waking there is something to rest from. Chosen."""
PACE = 0.8
"""Hours of normal work that an hour is counted on to bring."""
GUIDED = 12
"""Of what the guide proposes, so much at most: the rest of the candidates are the search's own."""
WILLING = 1e6
"""Log odds at which everything is taken up."""
GUIDE_WEIGHT = 1.0
"""Hours of gain that count for a candidate which what serves would propose on every day."""

Guide = Callable[[int], "Choose"]
"""What serves, as it guides a search: a way of choosing, the luck of which comes from a seed."""


def unvarying(choose: Choose) -> Guide:
    """Return what a rule is as a guide: there is no luck in it."""
    return lambda _seed: choose


@dataclass(frozen=True, slots=True)
class Limits:
    """What a plan must keep to.

    most: proposals in it. min_acceptance: nothing less probable to be taken up. spent: (type,
    target) pairs that are not to be proposed. barred: targets that nothing is to be proposed for.
    taken: slots [first, end) that are spoken for. without: types that are not to be proposed at
    all.
    trying: what an hour of doubt is worth in one proposal of a day, for what its answer will tell:
    free hours of standard deviation, as `Candidates.doubt` gives them.
    due: what it is worth, in neutral free hours, to propose what is due on the day or overdue,
    however little of it there is and whether or not the user is thought to see to it by themselves:
    of each such thing, for half of the day's proposals.
    uptake: how probably something is taken up, of how often it is in rehearsals.
    """

    most: int = 4
    min_acceptance: float = 0.4
    spent: frozenset[tuple[int, int]] = frozenset()
    barred: frozenset[int] = frozenset()
    taken: tuple[tuple[int, int], ...] = ()
    without: frozenset[int] = frozenset()
    trying: float = 0.0
    due: float = 0.0
    uptake: Uptake = field(default_factory=Uptake)

    def forbid(self, item: Item) -> bool:
        """Tell whether an item is spent, barred, in taken time, or when not to ask others for."""
        return not self.allow(np.array([item]))[0]

    def allow(self, table: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Tell which rows of a table of items, (n, 5), keep to it."""
        slot, kind, target = table[:, 0], table[:, 1], table[:, 2]
        end = slot + DURATIONS_SLOTS[table[:, 3]]
        others = (target > PROJECTS) | np.isin(kind, WITH_OTHERS)
        allowed = ~others | ((slot >= MEETING_FROM) & (end <= MEETING_TO))
        for first, last in self.taken:
            allowed &= (slot >= last) | (end <= first)
        for spent_kind, spent_target in self.spent:
            allowed &= (kind != spent_kind) | (target != spent_target)
        for barred in self.barred:
            allowed &= target != barred
        for unwanted in self.without:
            allowed &= kind != unwanted
        return np.asarray(allowed)


class Candidates:
    """What could be proposed on a day of a life, packed alone, the most promising first.

    `guide` is the policy or rule that serves, asked on `draws` days; None for nobody.
    """

    def __init__(
        self,
        snapshot: Snapshot,
        lives: Lives,
        day: int,
        limits: Limits,
        guide: Guide | None = None,
        *,
        draws: int = 48,
        seed: int = 0,
    ) -> None:
        table, scores, self._doubts = _everything(lives, day)
        self._effort, self._due = _effort(snapshot, day), _due(snapshot, day)
        first = snapshot.slot + LEAD_SLOTS if day == 0 else 0
        longest, deepest = _longest(snapshot), _deepest(snapshot)

        def may_be(rows: NDArray[np.int64]) -> NDArray[np.bool_]:
            target, duration, depth = rows[:, 2], rows[:, 3], rows[:, 4]
            kept = limits.allow(rows) & (rows[:, 0] >= first)
            return np.asarray(kept & (duration <= longest[target]) & (depth <= deepest[target]))

        self.plans: list[list[Item]] = []
        """What the guide would propose on each of the days it was asked about."""
        if guide is not None:
            days = [rows[may_be(rows)] for rows in _guided(lives, day, guide(seed), draws, seed)]
            self.plans = [[_item(row) for row in rows] for rows in days]
            table, scores = _with_guide(table, scores, days)
        kept = may_be(table)
        table, scores = table[kept], scores[kept]
        scores = scores + limits.due * self._due[table[:, 2]]
        if limits.trying:
            scores = scores + limits.trying * self._doubts_of(table)
        order = np.lexsort((*table.T[::-1], -scores))
        self._table = table[order]

    def __len__(self) -> int:
        return len(self._table)

    def everything(self) -> list[Item]:
        """Return all of them."""
        return [_item(row) for row in self._table]

    def promising(self) -> list[Item]:
        """Return the best of each thing and part of the day.

        Near-ties at neighbouring times are one candidate: they would all fall to the same conflict,
        and an improvement finds the right quarter of an hour.
        """
        things = self._table[:, 1] * TARGETS + self._table[:, 2]
        _, firsts = np.unique(things * SLOTS + self._table[:, 0] // PLACE_SLOTS, return_index=True)
        kept: Counter[int] = Counter()
        chosen = []
        for row in np.sort(firsts):
            thing = int(things[row])
            kept[thing] += 1
            if kept[thing] <= PLACES:
                chosen.append(_item(self._table[row]))
        return chosen

    def near(self, item: Item) -> list[Item]:
        """Return the same thing a little earlier or later, longer or shorter, or deeper."""
        table = self._table
        close = (table[:, 1] == item.kind) & (table[:, 2] == item.target)
        close &= np.abs(table[:, 0] - item.slot) <= NEAR_SLOTS
        close &= np.abs(table[:, 3] - item.duration) <= 1
        return [_item(row) for row in table[close]]

    def is_due(self, item: Item) -> bool:
        """Tell whether an item is for something that is due on the day or overdue."""
        return bool(self._due[item.target])

    def is_earned(self, item: Item, plan: Iterable[Item]) -> bool:
        """Tell whether there is something to rest from, if an item of a plan is a rest."""
        if item.kind != 1 + REST:
            return True
        planned = sum(
            other.end - other.slot
            for other in plan
            if other.end <= item.slot and TIRING[other.kind - 1]
        )
        return bool(self._effort[item.slot] + planned >= EARNED_SLOTS)

    def doubt(self, item: Item) -> float:
        """Return how unsure it is what the user sees in an item, in neutral free hours.

        The standard deviation under the belief; 0 for what cannot be proposed on the day as it is
        expected.
        """
        return float(self._doubts_of(np.array([item]))[0])

    def _doubts_of(self, table: NDArray[np.int64]) -> NDArray[np.float64]:
        slot, kind, target, duration, depth = table.T
        hours = DURATIONS_SLOTS[duration] * SLOT_H
        return np.asarray(hours * self._doubts[slot, kind - 1, target, depth], np.float64)


def _item(row: Iterable[int]) -> Item:
    return Item(*(int(part) for part in row))


# --- everything there is -------------------------------------------------------------------------


def _everything(
    lives: Lives, day: int
) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float32]]:
    """Return a table of all items (n, 5), their estimates (n,), and how unsure each thing is.

    The last by slot, activity, target and intensity, see `learning.doubt`.
    """
    simulation = Simulation(lives, 1, draw_truth=False, learns=False)
    simulation.begin(np.zeros(1, np.int64), np.array([stream(0, 0)], np.uint64), day=day)
    most = SLOTS * ACTIVITIES * TARGETS
    table = np.zeros((most, 4), np.int64)
    worth = np.zeros(most)
    longest = np.zeros(most, np.int64)
    doubts = np.zeros((SLOTS, ACTIVITIES, TARGETS, len(INTENSITIES)), np.float32)
    arrays = (simulation.lives.records, simulation.world.records, table, worth, longest, doubts)
    count = _enumerate(*arrays)
    durations = np.arange(len(DURATIONS_SLOTS))
    rows, chosen = np.nonzero(DURATIONS_SLOTS[None, :] <= longest[:count, None])
    hours = DURATIONS_SLOTS[chosen] / 4.0
    slot, kind, target, depth = table[rows].T
    items = np.column_stack([slot, kind, target, durations[chosen], depth])
    return items, worth[rows] * hours / (1.0 + LONGER * hours), doubts


@compiled
def _enumerate(
    lives: NDArray[np.void],
    world: NDArray[np.void],
    table: NDArray[np.int64],
    worth: NDArray[np.float64],
    longest: NDArray[np.int64],
    doubts: NDArray[np.float32],
) -> int:
    """Let the day pass and list what could be proposed: slot, type, target, intensity.

    With what is seen in an hour of it times how probably that is taken up, and for how many slots
    there is room; how unsure it is what is seen is told of every slot. Returns how many rows were
    written.
    """
    w = world[0]
    v = lives[w.life]
    count, before = 0, -2
    while w.slot < SLOTS:
        if is_open(v, w):
            begins = w.slot - before > 1 or w.slot % EVERY_SLOTS == 0
            count = _list(v, w, table, worth, longest, doubts, count, begins)
            before = w.slot
        pass_slot(v, w, -1, 0, 1, HABIT)
    return count


@compiled
def _list(
    v: Life,
    w: Day,
    table: NDArray[np.int64],
    worth: NDArray[np.float64],
    longest: NDArray[np.int64],
    doubts: NDArray[np.float32],
    count: int,
    begins: bool,
) -> int:
    """List what could be proposed now, if anything is to begin now."""
    run = free_run(v, w)
    leisure = leisure_run(v, w, run)
    for activity in range(ACTIVITIES):
        fits = room(v, w, activity, run, leisure)
        if fits < 1:
            continue
        for target in range(TARGETS):
            if not may_target(v, w, activity, target):
                continue
            for depth in range(len(INTENSITIES)):
                if not may_depth(activity, depth):
                    continue
                doubts[w.slot, activity, target, depth] = doubt(v, w, activity, target, depth)
                if begins and count < table.shape[0]:
                    seen = gain(v, w, w.mean, w.guess, activity, target, depth)
                    chance = acceptance(v, w, w.mean, w.guess, activity, target, depth, 1.0)
                    table[count, 0] = w.slot
                    table[count, 1] = activity + 1
                    table[count, 2] = target
                    table[count, 3] = depth
                    worth[count] = seen * chance
                    longest[count] = fits
                    count += 1
    return count


def _longest(snapshot: Snapshot) -> NDArray[np.int64]:
    """Return the longest duration worth proposing for each target, (TARGETS,).

    Nobody is asked for two hours for what takes a quarter of one: the shortest that is enough, at
    an unhurried pace, for what is left of a project.
    """
    longest = np.full(TARGETS, len(DURATIONS_SLOTS) - 1)
    for row, index in enumerate(shortlist(snapshot).projects):
        slots = snapshot.projects[index].remaining_h * 4 / PACE
        longest[1 + row] = min(longest[0], np.searchsorted(DURATIONS_SLOTS, slots))
    return longest


def _deepest(snapshot: Snapshot) -> NDArray[np.int64]:
    """Return the highest intensity worth proposing for each target, (TARGETS,).

    Odd jobs and habits are no undivided stretches, however many of them fill the time.
    """
    deepest = np.full(TARGETS, len(INTENSITIES) - 1)
    for row, index in enumerate(shortlist(snapshot).projects):
        project = snapshot.projects[index]
        if project.name == SINGLE_TASKS or project.kind == "habit":
            deepest[1 + row] = INTENSITIES.index("normal")
    return deepest


def _due(snapshot: Snapshot, day: int) -> NDArray[np.bool_]:
    """Return which targets are due on a day, or overdue and not yet let go of, (TARGETS,)."""
    due = np.zeros(TARGETS, np.bool_)
    for row, index in enumerate(shortlist(snapshot).projects):
        left_days = snapshot.projects[index].deadline_h / 24.0 - day
        due[1 + row] = -OVERDUE_DAYS <= left_days <= 1.0
    return due


def _effort(snapshot: Snapshot, day: int) -> NDArray[np.int64]:
    """Return how many slots of what is tiring, since waking, lie before each slot, (SLOTS,).

    Working hours are, and events of which nobody knows what they are. Whoever is exhausted now has
    had enough already.
    """
    fixed = snapshot.days[day]
    known = fixed.event_activity >= 0
    tires = fixed.work | (fixed.busy & (~known | TIRING[fixed.event_activity]))
    before = np.zeros(SLOTS, np.int64)
    for slot in range(1, SLOTS):
        before[slot] = 0 if fixed.asleep[slot - 1] else before[slot - 1] + tires[slot - 1]
    if day == 0 and (snapshot.energy < TIRED_AT or snapshot.load > LOADED_AT):
        before[snapshot.slot :] += EARNED_SLOTS
    return before


# --- what serves would propose -------------------------------------------------------------------


def _guided(
    lives: Lives, day: int, choose: Choose, draws: int, seed: int
) -> list[NDArray[np.int64]]:
    """Return what the policy or rule that serves would propose on each of some days, (n, 5) each.

    To somebody who takes everything up, which it does not know: what it would propose after a
    refusal belongs to no plan.
    """
    simulation = Simulation(lives, draws, learns=False)
    seeds = streams(seed, np.arange(draws))
    simulation.begin(np.zeros(draws, np.int64), seeds, day=day)
    world = simulation.world
    world.params[:, P_ACCEPTANCE] = WILLING
    days: list[list[tuple[int, ...]]] = [[] for _ in range(draws)]
    while not world.done.all():
        slots, alive = world.slot.copy(), ~world.done
        actions = choose(simulation.seen.as_dict())
        # Where it leaves the time alone it is asked again after an hour: asking is what takes long.
        leaves = actions[:, 0] == LEAVE
        actions[leaves, 2] = np.maximum(actions[leaves, 2], AN_HOUR)
        simulation.step(actions)
        for row in np.flatnonzero(alive & ~leaves & ~world.projected):
            days[row].append((int(slots[row]), *(int(part) for part in actions[row])))
    return [np.array(rows, np.int64).reshape(-1, 5) for rows in days]


def _with_guide(
    table: NDArray[np.int64], scores: NDArray[np.float64], days: list[NDArray[np.int64]]
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Add what the guide proposes, or the share of days on which it does to what is there."""
    counts = Counter(tuple(row) for rows in days for row in rows.tolist())
    scores = scores.copy()
    new = []
    for row, count in counts.most_common(GUIDED):
        share = GUIDE_WEIGHT * count / len(days)
        same = np.flatnonzero((table == np.array(row)).all(axis=1))
        scores[same] += share
        if not len(same):
            new.append((row, share))
    if new:
        table = np.concatenate([table, np.array([row for row, _ in new], np.int64)])
        scores = np.concatenate([scores, np.array([share for _, share in new])])
    return table, scores
