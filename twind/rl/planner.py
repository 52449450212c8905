"""The plan for a day: a search over its free slots, guided by the policy, rehearsed in simulation.

What can be proposed where comes from the environment's own masks, so that no plan is ever outside
the hard limits. Candidates are those the user would see most in at that hour and those the policy
would choose; each is rehearsed on the same days with the same luck and the same draws of what the
user might value. The best joins the plan as long as it gains more than the interruption is worth,
and at last every part of the plan is moved about a little. Nobody sees future noise: the plan is
fixed before the day is drawn. Anytime and repeatable: the budget is rounds and days, not seconds.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from twind.rl import dynamics
from twind.rl.snapshot import shortlist
from twind.rl.spaces import DURATIONS_SLOTS, LEAVE, PROJECTS, SLOTS, TARGETS, TYPES
from twind.rl.vec_env import Simulation, stream

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from numpy.typing import NDArray

    from twind.rl.evaluate import Choose
    from twind.rl.snapshot import Snapshot

DAYS_AFTER = 1
PLACES = 6
PLACE_SLOTS = 8
"""Candidates for the same thing: at most PLACES, the best of each PLACE_SLOTS of the day."""
EVERY_SLOTS = 2
"""Candidates begin on the half hour, or where free time begins."""
NEAR_SLOTS = 4
"""How far the refinement moves a part of the plan."""
PRICE = 0.12
"""Neutral free hours a proposal has to gain beyond what the simulated interruption costs: what it
takes the user to read it and decide. Chosen."""
MEETING_FROM, MEETING_TO = 8 * 4, 22 * 4
"""The hours, in slots, in which it is decent to ask somebody else for their time."""
PACE = 0.8
"""Hours of normal work that an hour is counted on to bring."""
LEAD_SLOTS = 1
"""Nothing is proposed to begin at once."""
GUIDED = 12
"""Of what the guide proposes, so much at most: the rest of the candidates are the search's own."""
GUIDE_WEIGHT = 1.0
"""Hours of gain that count for a candidate which what serves would propose on every day."""


class Effort(NamedTuple):
    """How thoroughly a day is searched.

    Attributes:
        rounds: how many candidates are rehearsed how often; the best of a round go into the next
            (sequential halving: Karnin, Koren & Somekh 2013). One round alone would choose luck:
            the days differ more than the candidates do.
        rating: rehearsals of the finished plan.
        guide: days on which the guide is asked.

    """

    rounds: tuple[tuple[int, int], ...] = ((48, 24), (8, 144))
    rating: int = 192
    guide: int = 16


@dataclass(frozen=True, slots=True, order=True)
class Item:
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
class Rated:
    """An item of the finished plan and what rehearsing it showed.

    gain: of the day with it over the same day without it, mean, in neutral free hours. parts: the
    same by part of the reward (alignment, energy, relationships, progress, costs). acceptance: the
    share of rehearsals in which the user took it up.
    """

    item: Item
    gain: float
    parts: tuple[float, ...]
    acceptance: float


@dataclass(frozen=True, slots=True)
class Plan:
    """A day's plan; `silent_because` says why there is nothing in it."""

    day: int
    items: tuple[Rated, ...]
    silent_because: str | None
    considered: int


@dataclass(frozen=True, slots=True)
class _Rehearsal:
    """returns (S, K), parts (S, K, 5), accepted (S, K, most items) as 0, 1 or nan."""

    returns: NDArray[np.float64]
    parts: NDArray[np.float64]
    accepted: NDArray[np.float64]


def rehearse(
    snapshot: Snapshot, plans: Sequence[Sequence[Item]], *, day: int, draws: int, seed: int
) -> _Rehearsal:
    """Live a day under each of S plans, and DAYS_AFTER, `draws` times with the same luck and users.

    The days after are the user's own: they show what it is worth that something is done in time.
    """
    size = len(plans) * draws
    simulation = Simulation([snapshot], size)
    seeds = np.array([stream(seed, number) for number in range(draws)], np.uint64)
    simulation.begin(np.zeros(size, np.int64), np.tile(seeds, len(plans)), day=day)
    script = _Script(plans, draws)
    world = simulation.world
    total, parts = np.zeros(size), np.zeros((size, world.reward.shape[1]))
    for _ in range(1 + DAYS_AFTER):
        while not world.done.all():
            alive = ~world.done
            actions, said = script.actions(world.slot)
            total += simulation.step(actions)
            parts[alive] += world.reward[alive]
            script.note(said & alive, world.outcome)
        script.end()
        if simulation.go_on(world.done).all():
            break
    shape = (len(plans), draws)
    return _Rehearsal(
        total.reshape(shape),
        parts.reshape(*shape, -1),
        script.accepted.reshape(*shape, -1),
    )


class _Script:
    """Carries out fixed plans: proposes each item at its time and leaves the rest to the user."""

    def __init__(self, plans: Sequence[Sequence[Item]], draws: int) -> None:
        most = max((len(plan) for plan in plans), default=0)
        starts = np.full((len(plans), most + 1), SLOTS + 1)
        actions = np.zeros((len(plans), most + 1, 4), np.int64)
        for row, plan in enumerate(plans):
            for place, item in enumerate(sorted(plan)):
                starts[row, place] = item.slot
                actions[row, place] = (item.kind, item.target, item.duration, item.intensity)
        self._starts = np.repeat(starts, draws, axis=0)
        self._actions = np.repeat(actions, draws, axis=0)
        self._rows = np.arange(len(self._starts))
        self._next = np.zeros(len(self._starts), np.int64)
        self._last = most
        self._due = self._next.copy()
        self.accepted = np.full((len(self._starts), most), np.nan)

    def actions(self, slots: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        """Return the actions (N, 4) at these slots, and where they are proposals."""
        while True:
            starts = self._starts[self._rows, self._next]
            missed = starts < slots
            if not missed.any():
                break
            self._next += missed
        said = starts == slots
        actions = self._actions[self._rows, self._next].copy()
        gap = np.maximum(1, starts - slots)
        leave = np.searchsorted(DURATIONS_SLOTS, gap, side="right") - 1
        actions[~said] = 0
        actions[~said, 2] = leave[~said]
        self._due = self._next.copy()
        self._next += said
        return actions, said

    def end(self) -> None:
        """Drop what was not reached: the day it was meant for is over."""
        self._next[:] = self._last

    def note(self, said: NDArray[np.bool_], outcome: NDArray[np.int64]) -> None:
        """Remember which proposals were taken up."""
        rows = np.flatnonzero(said)
        self.accepted[rows, self._due[rows]] = outcome[rows] != dynamics.REFUSED


@dataclass(frozen=True, slots=True)
class Limits:
    """What a plan must keep to.

    most: proposals in it. min_acceptance: nothing less probable to be taken up. spent: (type,
    target) pairs that are not to be proposed. taken: slots [first, end) that are spoken for.
    """

    most: int = 4
    min_acceptance: float = 0.3
    spent: frozenset[tuple[int, int]] = frozenset()
    taken: tuple[tuple[int, int], ...] = ()

    def forbid(self, item: Item) -> bool:
        """Tell whether an item is spent, in taken time, or at an hour not to ask others for."""
        return (
            (item.kind, item.target) in self.spent
            or any(item.slot < end and item.end > start for start, end in self.taken)
            or (item.target > PROJECTS and not MEETING_FROM <= item.slot < item.end <= MEETING_TO)
        )


def plan_day(
    snapshot: Snapshot,
    day: int,
    *,
    choose: Choose,
    limits: Limits,
    seed: int = 0,
    effort: Effort = Effort(),  # noqa: B008 - a tuple
    progress: Callable[[int, int], None] = lambda _done, _of: None,
) -> Plan:
    """Return the plan for a day of the snapshot; `choose`, the policy or rule that serves, guides.

    Raises nothing: a day without room, or without anything worth it, is a plan that says so.
    """
    possible = _possible(snapshot, day, choose, limits, seed, effort.guide)
    candidates = _promising(possible)
    if not candidates:
        return Plan(day, (), "there is no free time left in it", 0)
    chosen: list[Item] = []
    considered = 0
    for number in range(limits.most):
        progress(number, limits.most + 1)
        fitting = [item for item in candidates if _fits(item, chosen)]
        found = _best_addition(snapshot, day, chosen, fitting, limits, seed, effort.rounds)
        considered += len(fitting)
        if found is None:
            break
        chosen.append(found)
    if not chosen:
        return Plan(day, (), "nothing would gain more than the interruption is worth", considered)
    progress(limits.most, limits.most + 1)
    items = [item for _, item in possible]
    chosen = _refine(snapshot, day, chosen, items, limits, seed, effort.rounds)
    rated = [
        each
        for each in _rate(snapshot, day, chosen, seed + len(effort.rounds), effort.rating)
        if each.gain > PRICE and each.acceptance >= limits.min_acceptance
    ]
    silent = None if rated else "nothing would gain more than the interruption is worth"
    return Plan(day, tuple(rated), silent, considered)


def _fits(item: Item, others: Iterable[Item]) -> bool:
    """Tell whether an item leaves the others alone and is not the same thing once more."""
    return all(
        (item.end <= other.slot or other.end <= item.slot)
        and (item.kind, item.target) != (other.kind, other.target)
        for other in others
    )


# --- candidates ----------------------------------------------------------------------------------


def _possible(
    snapshot: Snapshot, day: int, choose: Choose, limits: Limits, seed: int, guide_draws: int
) -> list[tuple[float, Item]]:
    """Return everything that could be proposed with a first estimate of its gain, best first."""
    simulation = Simulation([snapshot], 1, draw_truth=False)
    simulation.begin(np.zeros(1, np.int64), np.array([stream(0, 0)], np.uint64), day=day)
    world = simulation.world
    first = snapshot.slot + LEAD_SLOTS if day == 0 else 0
    wait = np.array([[LEAVE, 0, 0, 0]])
    scored: list[tuple[float, Item]] = []
    before = -1
    while not world.done.all():
        slot = int(world.slot[0])
        fresh = before < 0 or slot - before > 1
        before = slot
        if slot >= first and (fresh or slot % EVERY_SLOTS == 0) and slot < SLOTS:
            scored += _at(simulation, slot, limits)
        simulation.step(wait)
    estimates = {item: score for score, item in scored}
    for item, share in _guided(snapshot, day, choose, limits, seed, guide_draws).items():
        if item.slot >= first:
            estimates[item] = estimates.get(item, 0.0) + GUIDE_WEIGHT * share
    longest = _longest(snapshot)
    scored = [
        (score, item) for item, score in estimates.items() if item.duration <= longest[item.target]
    ]
    scored.sort(key=lambda pair: (-pair[0], pair[1]))
    return scored


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


def _promising(possible: Iterable[tuple[float, Item]]) -> list[Item]:
    """Return the best of each thing and part of the day, the most promising first.

    Near-ties at neighbouring times are one candidate: they would all fall to the same conflict,
    and the refinement finds the right quarter of an hour.
    """
    kept: Counter[tuple[int, int]] = Counter()
    places: set[tuple[int, int, int]] = set()
    chosen: list[Item] = []
    for _, item in possible:
        place = (item.kind, item.target, item.slot // PLACE_SLOTS)
        if place not in places and kept[place[:2]] < PLACES:
            places.add(place)
            kept[place[:2]] += 1
            chosen.append(item)
    return chosen


def _at(simulation: Simulation, slot: int, limits: Limits) -> list[tuple[float, Item]]:
    """Return what could be proposed at the present slot, with a first estimate of its gain."""
    seen, world = simulation.seen.as_dict(), simulation.world
    found = []
    for kind in range(1, len(TYPES)):
        if not seen["mask_type"][0, kind]:
            continue
        for target in np.flatnonzero(seen["mask_target"][0, kind]):
            for intensity in np.flatnonzero(seen["mask_intensity"][0, kind]):
                place = (simulation.lives, world, 0, kind - 1, int(target), int(intensity))
                gain = dynamics.gain_per_h(*place)
                chance = dynamics.acceptance(*place)
                for duration in np.flatnonzero(seen["mask_duration"][0, kind]):
                    item = Item(slot, kind, int(target), int(duration), int(intensity))
                    if not limits.forbid(item):
                        hours = (item.end - item.slot) / 4
                        found.append((chance * gain * hours / (1.0 + 0.35 * hours), item))
    return found


def _guided(
    snapshot: Snapshot, day: int, choose: Choose, limits: Limits, seed: int, draws: int
) -> dict[Item, float]:
    """Return what the policy or rule that serves would propose, by the share of days it does."""
    simulation = Simulation([snapshot], draws)
    seeds = np.array([stream(seed, number) for number in range(draws)], np.uint64)
    simulation.begin(np.zeros(draws, np.int64), seeds, day=day)
    world = simulation.world
    shares: Counter[Item] = Counter()
    while not world.done.all():
        slots, alive = world.slot.copy(), ~world.done
        actions = choose(simulation.seen.as_dict())
        simulation.step(actions)
        for row in np.flatnonzero(alive & (actions[:, 0] != LEAVE) & ~world.projected):
            item = Item(int(slots[row]), *(int(part) for part in actions[row]))
            if not limits.forbid(item):
                shares[item] += 1
    return {item: count / draws for item, count in shares.most_common(GUIDED)}


# --- the search ----------------------------------------------------------------------------------


def _best_addition(
    snapshot: Snapshot,
    day: int,
    chosen: list[Item],
    candidates: Sequence[Item],
    limits: Limits,
    seed: int,
    rounds: Sequence[tuple[int, int]],
) -> Item | None:
    """Return the candidate that adds most to the plan, if it adds more than it costs."""
    gains: NDArray[np.float64] = np.empty(0)
    for number, (size, draws) in enumerate(rounds):
        candidates = candidates[:size]
        if not candidates:
            return None
        plans = [chosen, *([*chosen, item] for item in candidates)]
        lived = rehearse(snapshot, plans, day=day, draws=draws, seed=seed + number)
        gains = (lived.returns[1:] - lived.returns[:1]).mean(axis=1)
        places = [
            sorted(plan).index(item) for plan, item in zip(plans[1:], candidates, strict=True)
        ]
        welcome = [
            _acceptance(lived.accepted[row + 1, :, place]) >= limits.min_acceptance
            for row, place in enumerate(places)
        ]
        order = [row for row in np.argsort(-gains) if welcome[row]]
        candidates, gains = [candidates[row] for row in order], gains[order]
    return candidates[0] if candidates and gains[0] > PRICE else None


def _refine(
    snapshot: Snapshot,
    day: int,
    chosen: list[Item],
    possible: list[Item],
    limits: Limits,
    seed: int,
    rounds: Sequence[tuple[int, int]],
) -> list[Item]:
    """Try each part of the plan earlier, later, longer, shorter, deeper; take what is better."""
    for place, item in enumerate(chosen):
        others = [other for other in chosen if other is not item]
        changes = [
            change
            for change in possible
            if (change.kind, change.target) == (item.kind, item.target)
            and abs(change.slot - item.slot) <= NEAR_SLOTS
            and abs(change.duration - item.duration) <= 1
            and _fits(change, others)
        ]
        chosen[place] = _best_addition(snapshot, day, others, changes, limits, seed, rounds) or item
    return chosen


def _rate(
    snapshot: Snapshot, day: int, chosen: Sequence[Item], seed: int, draws: int
) -> list[Rated]:
    """Rate each part of the finished plan on days that took no part in choosing it."""
    ordered = sorted(chosen)
    without = [[other for other in ordered if other is not item] for item in ordered]
    lived = rehearse(snapshot, [ordered, *without], day=day, draws=draws, seed=seed)
    rated = []
    for place, item in enumerate(ordered):
        gains = lived.returns[0] - lived.returns[place + 1]
        parts = (lived.parts[0] - lived.parts[place + 1]).mean(axis=0)
        acceptance = _acceptance(lived.accepted[0, :, place])
        rated.append(Rated(item, float(gains.mean()), tuple(float(p) for p in parts), acceptance))
    return rated


def _acceptance(told: NDArray[np.float64]) -> float:
    """Return how probably a proposal is taken up that was, was not (0) or was never made (nan).

    By Laplace's rule of succession: nothing is certain after so many rehearsals.
    """
    return float((np.nansum(told) + 1.0) / (np.isfinite(told).sum() + 2.0))
