"""The plan for a day: a search over its free slots, guided by the policy, rehearsed in simulation.

What can be proposed where comes from the environment's own masks, so that no plan is ever outside
the hard limits. Candidates are those the user would see most in at that hour and those the policy
would choose; each is rehearsed on the same days with the same luck and the same draws of what the
user might value. The best joins the plan as long as it gains more than a proposal costs; then parts
of the plan are moved, exchanged and dropped for as long as the budget lasts and something is gained
by it: first of what is best so far, be it built or a day drawn from the policy, then of what came
close to it. Nobody sees future noise: the plan is fixed before the day is drawn.

Anytime and repeatable: the budget is a number of rehearsed days, so that equal seeds give equal
plans; a limit in seconds merely stops the search where it is.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from twind.clock import monotonic_s
from twind.rl.candidates import Candidates
from twind.rl.rehearsal import Item, Rehearsal
from twind.rl.spaces import PROJECTS, TYPES
from twind.rl.world import pack

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from numpy.typing import NDArray

    from twind.rl.candidates import Guide, Limits
    from twind.rl.rehearsal import Lived
    from twind.rl.snapshot import Snapshot
    from twind.rl.world import Lives

LEAST_GAIN = 0.05
"""Neutral free hours a part of a finished plan has to gain on days that took no part in making it:
less is within what luck can make of so many rehearsals."""
CHURN_PRICE = 0.3
"""Neutral free hours that a change to what the user has already been shown has to gain. Chosen:
more than a proposal, since they have read it, and may have counted on it."""
RISK_PRICE = 0.03
"""What a neutral free hour of doubt costs: the standard deviation, under the belief, of what the
user sees in a proposal. Chosen: of two things that promise the same, the surer one."""
WIDEST = 64
"""Candidates of one choice at most."""
KEPT_TO_DECIDE = 0.1
"""Share of the rehearsals that improving leaves to settling near-ties."""
RESTARTS = 2
"""From so many other plans a search goes on, once nothing is gained any more."""
ROUNDS = 3
HALVING = 4
"""A choice is made in so many rounds, each with a fraction of the candidates of the one before."""
FEWEST_DRAWS = 8
TIE = 0.03
"""Neutral free hours within which two things are as good as each other, and a draw decides."""
SURE, SURE_OF_CHANGE = 1.0, 3.0
"""Standard errors by which a plan must seem better than the one before; the second where it changes
what the user has already been shown."""


class Effort(NamedTuple):
    """How thoroughly a day is searched.

    Attributes:
        rehearsals: days lived in all, each with those after it.
        draws: at most so many different ones.
        guide: days on which the guide is asked.
        seconds: stop after so long, if not before.

    """

    rehearsals: int = 40_000
    draws: int = 768
    guide: int = 48
    seconds: float = math.inf


class Considered(NamedTuple):
    """What could have stood in an item's place, or the item itself.

    worth: beyond the item that the search had found, in neutral free hours. probability: with which
    it was to be chosen.
    """

    item: Item
    worth: float
    probability: float


@dataclass(frozen=True, slots=True)
class Rated:
    """An item of the finished plan and what rehearsing it showed.

    gain: of the day with it over the same day without it, mean, in neutral free hours. parts: the
    same by part of the reward (alignment, energy, relationships, progress, costs). rehearsed: the
    share of rehearsals in which the user took it up. acceptance: how probably they do. doubt: how
    unsure it is what they see in it, the standard deviation of that in neutral free hours.
    considered: what it was chosen from. due: what it counts for beyond its gain, being due.
    """

    item: Item
    gain: float
    parts: tuple[float, ...]
    rehearsed: float
    acceptance: float
    doubt: float = 0.0
    considered: tuple[Considered, ...] = ()
    due: float = 0.0


@dataclass(frozen=True, slots=True)
class Plan:
    """A day's plan; `silent_because` says why there is nothing in it."""

    day: int
    items: tuple[Rated, ...]
    silent_because: str | None
    considered: int


NO_ROOM = "there is no free time left in it"
NO_GAIN = "nothing would gain more than the interruption is worth"


def plan_day(
    snapshot: Snapshot,
    day: int,
    *,
    guide: Guide | None,
    limits: Limits,
    shown: Sequence[Item] = (),
    seed: int = 0,
    effort: Effort = Effort(),  # noqa: B008 - a tuple
    progress: Callable[[int, int], None] = lambda _done, _of: None,
) -> Plan:
    """Return the plan for a day of the snapshot.

    `guide` is the policy or rule that serves; None leaves the search to itself. `shown`
    is what the user has been proposed for that day and has not answered: it stands unless a change
    gains more than CHURN_PRICE. Raises nothing: a day without room, or without anything worth it,
    is a plan that says so.
    """
    lives = pack([snapshot])
    candidates = Candidates(snapshot, lives, day, limits, guide, draws=effort.guide, seed=seed)
    search = _Search(lives, day, limits, candidates, shown, seed, effort)
    if not candidates and not shown:
        return Plan(day, (), NO_ROOM, 0)
    search.build(progress)
    search.improve(progress)
    search.decide()
    rated = search.rate()
    return Plan(day, rated, None if rated else NO_GAIN, search.considered)


class _Finalist(NamedTuple):
    """A changed plan: what it is worth beyond the present one, and its returns, (draws,)."""

    plan: list[Item]
    worth: float
    returns: NDArray[np.float64]


class _Search:
    """One search. Its plan only ever gets better by what it has rehearsed."""

    def __init__(
        self,
        lives: Lives,
        day: int,
        limits: Limits,
        candidates: Candidates,
        shown: Sequence[Item],
        seed: int,
        effort: Effort,
    ) -> None:
        self._lives, self._day, self._limits = lives, day, limits
        self._candidates, self._promising = candidates, candidates.promising()
        self._seed, self._effort = seed, effort
        self._shown = frozenset(shown)
        self._until_s = monotonic_s() + effort.seconds
        self._left = effort.rehearsals
        draws = min(effort.draws, max(FEWEST_DRAWS, effort.rehearsals // 40))
        self._rehearsal = Rehearsal(lives, day, draws, seed)
        self._draws = draws
        self.plan: list[Item] = [item for item in shown if not limits.forbid(item)]
        self._returns: NDArray[np.float64] = np.empty(0)
        self._others: list[_Finalist] = []
        self.considered = 0
        self.weighed: dict[Item, tuple[Considered, ...]] = {}

    # --- building and improving ------------------------------------------------------------------

    def build(self, progress: Callable[[int, int], None]) -> None:
        """Add the best candidate as long as one gains, unless a day of the guide's is better."""
        self._keep_possible()
        begun = list(self.plan)
        share = self._left // (2 * max(1, self._limits.most))
        for number in range(len(self.plan), self._limits.most):
            progress(number, self._limits.most + 1)
            fitting = [item for item in self._promising if _fits(item, self.plan)]
            changes = [[*self.plan, item] for item in fitting]
            if not self._take_best(changes, share):
                break
        # Not before: a search that begins with the guide's day seldom leaves it for a better one.
        self._consult_guide(begun, share)

    def _consult_guide(self, begun: Sequence[Item], share: int) -> None:
        """Go on from the best of the guide's days, if it is better; keep in mind what is not."""
        found = self._finalists(self._guided_plans(begun), share)
        if found and self._is_better(found[0]):
            built = _Finalist(self.plan, 0.0, self._returns)
            self._take(found[0])
            found = [built, *found[1:]]
        self._others = found[:RESTARTS]

    def _guided_plans(self, begun: Sequence[Item]) -> list[list[Item]]:
        """Return the days that the guide would make of what stands, the commonest first."""
        found: Counter[tuple[Item, ...]] = Counter()
        for day in self._candidates.plans:
            plan = list(begun)
            for item in day:
                fits = _fits(item, plan) and self._candidates.is_earned(item, plan)
                if len(plan) < self._limits.most and fits:
                    plan.append(item)
            found[tuple(plan)] += len(plan) > len(begun)
        return [list(plan) for plan, count in found.most_common() if count]

    def _keep_possible(self) -> None:
        """Begin with what has been shown and is still possible."""
        lived = self._live([self.plan], self._draws)
        items = sorted(self.plan)
        possible = np.isfinite(lived.accepted[0]).any(axis=0)
        self.plan = [item for item, may in zip(items, possible, strict=True) if may]
        # What is not possible is not proposed, so that its day is the same without it.
        self._returns = lived.returns[0]

    def improve(self, progress: Callable[[int, int], None]) -> None:
        """Change the plan for the better; then others, as long as the budget lasts."""
        progress(self._limits.most, self._limits.most + 1)
        self._climb()
        for other in self._others:
            if not self._may_improve():
                return
            best = _Finalist(self.plan, 0.0, self._returns)
            self._take(other)
            self._climb()
            gained = float((self._returns - best.returns).mean())
            gained += self._cost(best.plan) - self._cost(self.plan)
            climbed = _Finalist(self.plan, gained, self._returns)
            self._take(best)
            if self._is_better(climbed):
                self._take(climbed)

    def _climb(self) -> None:
        """Move, exchange and drop parts of the plan until nothing is gained by it any more."""
        stands, place = 0, 0
        while self.plan and stands < len(self.plan) and self._may_improve():
            item = self.plan[place % len(self.plan)]
            others = [other for other in self.plan if other is not item]
            changes = [[*others, other] for other in self._instead(item, others)]
            better = self._take_best([others, *changes], self._left // 4)
            stands = 0 if better else stands + 1
            place += 1

    def _instead(self, item: Item, others: list[Item]) -> list[Item]:
        """Return what could stand in an item's place: itself a little otherwise, or another."""
        found = dict.fromkeys([*self._candidates.near(item), *self._promising])
        return [other for other in found if other != item and _fits(other, others)]

    def _earned(self, plan: list[Item]) -> list[Item]:
        """Return a plan without the rests that have no cause yet; what is shown stands."""
        return [
            item for item in plan if item in self._shown or self._candidates.is_earned(item, plan)
        ]

    def _goes_on(self) -> bool:
        return self._left > 0 and monotonic_s() < self._until_s

    def _may_improve(self) -> bool:
        return self._left > KEPT_TO_DECIDE * self._effort.rehearsals and self._goes_on()

    def _take_best(self, changes: list[list[Item]], budget: int) -> bool:
        """Replace the plan by the best of some changes, if one is better; tell whether."""
        found = self._finalists(changes, budget)
        if not found or not self._is_better(found[0]):
            return False
        self._take(found[0])
        return True

    def _take(self, one: _Finalist) -> None:
        self.plan, self._returns = one.plan, one.returns

    def _is_better(self, one: _Finalist) -> bool:
        """Tell whether a changed plan seems better by more than luck makes of so many days."""
        changes_shown = bool(self._shown & set(self.plan) - set(one.plan))
        sure = SURE_OF_CHANGE if changes_shown else SURE
        spread = (one.returns - self._returns).std()
        return bool(one.worth > sure * spread / math.sqrt(len(one.returns)))

    def _finalists(self, changes: list[list[Item]], budget: int) -> list[_Finalist]:
        """Return the best of some changes to the plan, lived on all days drawn, the best first.

        By sequential halving (Karnin, Koren & Somekh 2013): all of them on few days, the best of
        those on more. One round alone would choose luck: days differ more than candidates do.
        """
        budget = min(budget, self._left)
        changes = [change for change in changes if self._earned(change) == change]
        changes = changes[: min(WIDEST, max(1, budget // (ROUNDS * FEWEST_DRAWS)))]
        self.considered += len(changes)
        for number in range(ROUNDS):
            if not changes or not self._goes_on():
                return []
            last = number == ROUNDS - 1 or len(changes) == 1
            draws = budget // (ROUNDS * len(changes))
            draws = self._draws if last else min(self._draws, max(FEWEST_DRAWS, draws))
            lived = self._live(changes, draws)
            gains = (lived.returns - self._returns[:draws]).mean(axis=1)
            worth = gains + [self._cost(self.plan) - self._cost(change) for change in changes]
            order = [
                int(row)
                for row in np.argsort(-worth, kind="stable")
                if self._is_welcome(changes[row], lived, int(row))
            ]
            if last:
                return [_Finalist(changes[r], float(worth[r]), lived.returns[r]) for r in order]
            changes = [changes[row] for row in order[: max(1, len(changes) // HALVING)]]
        return []

    def decide(self) -> None:
        """Settle near-ties by a bounded draw, and note what was considered, and how probably.

        Only where several things were possible, with probabilities that are known, can be told
        later what the proposals themselves have brought about.
        """
        luck = np.random.default_rng([self._seed, self._day])
        share = self._left // max(1, len(self.plan))
        for item in list(self.plan):
            if item in self._shown or not self._goes_on():
                continue
            others = [other for other in self.plan if other is not item]
            found = self._finalists(
                [[*others, other] for other in self._instead(item, others)], share
            )
            rivals = [_Finalist(self.plan, 0.0, self._returns), *found]
            worth = np.array([one.worth for one in rivals])
            close = np.where(worth >= worth.max() - TIE, np.exp((worth - worth.max()) / TIE), 0.0)
            chances = close / close.sum()
            chosen = int(luck.choice(len(rivals), p=chances))
            news = [next(new for new in one.plan if new not in others) for one in rivals]
            self.weighed[news[chosen]] = tuple(
                Considered(new, one.worth, float(chance))
                for new, one, chance in zip(news, rivals, chances, strict=True)
            )
            if chosen:
                self._take(rivals[chosen])

    def _cost(self, plan: Sequence[Item]) -> float:
        """Return what a plan costs beyond the simulated interruptions.

        What changes of what was shown, and how unsure it is what it is worth; less what the answer
        to the least known of it will teach, and what it is worth that things due are in it.
        """
        due = {item.target for item in plan if self._candidates.is_due(item)}
        seen_to = self._limits.due * min(len(due), (self._limits.most + 1) // 2)
        doubts = [self._candidates.doubt(item) for item in plan]
        tried = self._limits.trying * max(doubts, default=0.0)
        changed = CHURN_PRICE * len(self._shown.difference(plan))
        return changed + RISK_PRICE * sum(doubts) - tried - seen_to

    def _is_welcome(self, plan: list[Item], lived: Lived, row: int) -> bool:
        """Tell whether everything new in a plan is taken up often enough."""
        return all(
            item in self._shown
            or self._chance(item, _share(lived.accepted[row, :, place]))
            >= self._limits.min_acceptance
            for place, item in enumerate(sorted(plan))
        )

    def _live(self, plans: Sequence[Sequence[Item]], draws: int) -> Lived:
        self._left -= len(plans) * draws
        return self._rehearsal.live(plans, 0, draws)

    # --- the finished plan -----------------------------------------------------------------------

    def rate(self) -> tuple[Rated, ...]:
        """Rate each part of the plan on days that took no part in choosing it; drop the losers."""
        held_out = Rehearsal(self._lives, self._day, self._draws, self._seed + 1)
        items = sorted(self.plan)
        while items:
            without = [[other for other in items if other is not item] for item in items]
            lived = held_out.live([items, *without], 0, self._draws)
            rated = [self._rated(item, place, lived) for place, item in enumerate(items)]
            most = max(one.doubt for one in rated)
            losers = [one for one in rated if not self._is_worth_it(one, tried=one.doubt == most)]
            if not losers:
                return tuple(rated)
            items.remove(min(losers, key=lambda one: one.gain).item)
            items = self._earned(items)
        return ()

    def _is_worth_it(self, one: Rated, *, tried: bool) -> bool:
        if one.item in self._shown:
            return one.gain > -CHURN_PRICE
        least = LEAST_GAIN + RISK_PRICE * one.doubt
        if tried:
            least -= self._limits.trying * one.doubt
        return one.gain + one.due > least and one.acceptance >= self._limits.min_acceptance

    def _rated(self, item: Item, place: int, lived: Lived) -> Rated:
        gains = lived.returns[0] - lived.returns[place + 1]
        parts = (lived.parts[0] - lived.parts[place + 1]).mean(axis=0)
        told = tuple(float(part) for part in parts)
        doubt, weighed = self._candidates.doubt(item), self.weighed.get(item, ())
        rehearsed = _share(lived.accepted[0, :, place])
        chance = self._chance(item, rehearsed)
        due = self._limits.due if self._candidates.is_due(item) else 0.0
        return Rated(item, float(gains.mean()), told, rehearsed, chance, doubt, weighed, due)

    def _chance(self, item: Item, rehearsed: float) -> float:
        return self._limits.uptake.probability(TYPES[item.kind], rehearsed)


def _share(told: NDArray[np.float64]) -> float:
    """Return how often a proposal is taken up that was, was not (0) or was never made (nan).

    By Laplace's rule of succession: nothing is certain after so many rehearsals.
    """
    return float((np.nansum(told) + 1.0) / (np.isfinite(told).sum() + 2.0))


def _fits(item: Item, others: Iterable[Item]) -> bool:
    """Tell whether an item leaves the others alone and is not the same thing once more.

    Nor is it for somebody whom another is for: nobody is asked for their time twice in a day.
    """
    return all(
        (item.end <= other.slot or other.end <= item.slot)
        and (item.target != other.target or (item.kind != other.kind and item.target <= PROJECTS))
        for other in others
    )
