"""Fixed plans, lived through: what a day comes to under each of many plans, on the same luck.

A plan is a list of proposals, each with its time. It is made before the day: nobody sees what is to
come, and nothing is changed on the way. What is not legal when its time comes (an event that nobody
planned is on, the project is finished) is not proposed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from twind.rl import stepping
from twind.rl.compiled import compiled
from twind.rl.dynamics import end_day, next_day, pass_slot, propose, spend_slots
from twind.rl.legal import free_run, is_open, leisure_run, may_depth, may_target, room
from twind.rl.spaces import DURATIONS_SLOTS, SLOTS
from twind.rl.vec_env import streams
from twind.rl.world import CORE, HABIT, PART_COUNT, REFUSED, World

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from twind.rl.world import Day, Life, Lives

DAYS_AFTER = 1
"""Days lived on after the planned one: they show what something done in time is worth."""


class Item(NamedTuple):
    """One part of a plan: an action of the environment, and when it is proposed.

    slot: of the day, 0..SLOTS-1; kind, target, duration, intensity: as in twind.rl.spaces, so that
    target is 0 for nobody, 1.. for a project's row and then for a person's.
    """

    slot: int
    kind: int
    target: int
    duration: int
    intensity: int

    @property
    def end(self) -> int:
        """The slot at which it is over."""
        return self.slot + int(DURATIONS_SLOTS[self.duration])


@dataclass(frozen=True, slots=True)
class Lived:
    """What S plans came to in D days each.

    returns (S, D), parts (S, D, 5) of the reward, accepted (S, D, most items): 1 for what was taken
    up, 0 for what was refused, nan for what was not proposed.
    """

    returns: NDArray[np.float64]
    parts: NDArray[np.float64]
    accepted: NDArray[np.float64]


class Rehearsal:
    """One day of a life, to be lived under many plans.

    Args:
        lives: the life, packed alone.
        day: which of its days.
        draws: how many days are drawn: other luck, and other values of the user's.
        seed: of all of it; the first days of more draws are those of fewer.

    """

    def __init__(self, lives: Lives, day: int, draws: int, seed: int) -> None:
        self._lives = lives
        self._scratch = World(1)
        self._mornings = World(draws)
        seeds = streams(seed, np.arange(draws))
        stepping.reset(
            lives.records,
            self._mornings.records,
            np.zeros((0, CORE, CORE), np.float32),
            np.ones(draws, np.bool_),
            np.zeros(draws, np.int64),
            seeds,
            day,
            True,
        )

    def live(self, plans: Sequence[Sequence[Item]], first: int, end: int) -> Lived:
        """Live the drawn days first..end-1 under each of S plans, and DAYS_AFTER more."""
        most = max((len(plan) for plan in plans), default=0)
        table = np.full((len(plans), most + 1, 5), SLOTS + 1, np.int64)
        for row, plan in enumerate(plans):
            for place, item in enumerate(sorted(plan)):
                table[row, place] = item
        parts = np.zeros((len(plans), end - first, PART_COUNT + 1))
        accepted = np.full((len(plans), end - first, most), np.nan)
        _live_plans(
            self._lives.records,
            self._mornings.records[first:end],
            self._scratch.records,
            table,
            DAYS_AFTER,
            parts,
            accepted,
        )
        return Lived(parts.sum(axis=2), parts, accepted)


@compiled
def _live_plans(
    lives: NDArray[np.void],
    mornings: NDArray[np.void],
    scratch: NDArray[np.void],
    table: NDArray[np.int64],
    days_after: int,
    parts: NDArray[np.float64],
    accepted: NDArray[np.float64],
) -> None:
    w = scratch[0]
    for plan in range(table.shape[0]):
        for draw in range(mornings.shape[0]):
            scratch[0] = mornings[draw]
            v = lives[w.life]
            _follow(v, w, table[plan], accepted[plan, draw])
            end_day(v, w)
            for part in range(PART_COUNT + 1):
                parts[plan, draw, part] = w.reward[part]
            for _ in range(days_after):
                if not next_day(v, w):
                    break
                while w.slot < SLOTS:
                    pass_slot(v, w, -1, 0, 1, HABIT)
                end_day(v, w)
                for part in range(PART_COUNT + 1):
                    parts[plan, draw, part] += w.reward[part]


@compiled
def _follow(v: Life, w: Day, plan: NDArray[np.int64], accepted: NDArray[np.float64]) -> None:
    """Live the rest of the day by a plan, which ends with an item beyond it."""
    place = 0
    while w.slot < SLOTS:
        while plan[place, 0] < w.slot:
            place += 1
        if plan[place, 0] > w.slot:
            pass_slot(v, w, -1, 0, 1, HABIT)
            continue
        slots = _slots(v, w, plan[place])
        if slots == 0:
            place += 1
            continue
        kind, target, depth = plan[place, 1], plan[place, 2], plan[place, 4]
        begun = propose(v, w, kind - 1, target, depth, slots)
        accepted[place] = 0.0 if w.outcome == REFUSED else 1.0
        spend_slots(v, w, kind - 1, target, depth, slots, begun)


@compiled
def _slots(v: Life, w: Day, item: NDArray[np.int64]) -> int:
    """Return for how many slots an item can be proposed now: 0 where it is not legal.

    Where there is less room than planned, the longest block that fits, as the environment has it.
    """
    if not is_open(v, w):
        return 0
    activity, target, depth = item[1] - 1, item[2], item[4]
    run = free_run(v, w)
    fits = room(v, w, activity, run, leisure_run(v, w, run))
    if fits < 1 or not may_target(v, w, activity, target) or not may_depth(activity, depth):
        return 0
    duration = item[3]
    while DURATIONS_SLOTS[duration] > fits:
        duration -= 1
    return int(DURATIONS_SLOTS[duration])
