"""The gate: what serves is what wins on days that nobody has trained on.

Every candidate lives the same lives with the same luck (common random numbers), so that their
differences are paired and small differences show. The lives that choose the winner are not the
ones its score is reported from, or the winner's luck would be part of its score.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from twind.rl import population
from twind.rl.vec_env import PersonalLifeVecEnv
from twind.rl.world import pack

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from twind.rl.snapshot import Snapshot
    from twind.rl.world import Lives

Choose = Callable[[Mapping[str, "NDArray[np.float32]"]], "NDArray[np.int64]"]
"""Actions (N, 4) for a batch of N observations."""

Z = 1.96
"""Standard errors to each side of a 95 % interval, where there are many values."""
SHAKE = 0.75
"""How far perturbed dynamics lie from what was fitted, as a share of how people differ: so far off
is a fit after weeks of check-ins, between a half and nearly all of it (docs/learning.md). The whole
would be a stranger's life, of which nothing is known."""


@dataclass(frozen=True, slots=True)
class Score:
    """The mean return of a simulated day and its 95 % interval, in neutral free hours."""

    name: str
    mean: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Difference:
    """By how much `name` beats `against`, a day, paired; `under` is "fitted" or "perturbed"."""

    name: str
    against: str
    under: str
    mean: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Report:
    """What a round of the gate found.

    Attributes:
        winner: the name of what is to serve.
        candidate: what asked to.
        in_service: what served before.
        scores: of all, best first, from lives that took no part in the choice.
        differences: of the candidate to each of the others, from the lives that chose.
        days: how many days each lived for its score.
        seed: repeats the round.
        because: why the candidate does not serve although it won by itself; "" for no such reason.
        plans: scores of the days as planned with the winner, by the planner alone, and left alone
            (twind.rl.contest).

    """

    winner: str
    candidate: str
    in_service: str
    scores: tuple[Score, ...]
    differences: tuple[Difference, ...]
    days: int
    seed: int
    because: str = ""
    plans: tuple[Score, ...] = ()

    def score(self, name: str) -> Score:
        """Return a contestant's score; raises KeyError for a stranger."""
        for score in self.scores:
            if score.name == name:
                return score
        raise KeyError(name)

    def as_json(self) -> dict[str, Any]:
        """Return it as plain dicts, lists, strings and numbers."""
        return asdict(self)


def gate(
    snapshots: Sequence[Snapshot],
    field: Mapping[str, Choose],
    *,
    candidate: str,
    in_service: str,
    lives: int = 256,
    days: int = 3,
    seed: int = 0,
) -> Report:
    """Let the field compete and return who is to serve.

    The candidate replaces what serves only when the 95 % interval of its paired difference to each
    of the others lies above 0, under the fitted dynamics and under perturbed ones. Otherwise the
    best of the others serves; what is in service gives way only to what beats it likewise.

    Args:
        snapshots: the lives to start from; they are dealt out in turn.
        field: name and choice of everyone, `candidate` and `in_service` among them.
        candidate: the newcomer's name.
        in_service: the name of what serves now.
        lives: how many simulated lives each choice is made on.
        days: how many days each life lasts.
        seed: of all luck.

    """
    if candidate not in field or in_service not in field:
        raise ValueError(f"{candidate} and {in_service} must be in the field")
    choosing, shaking, reporting = np.random.SeedSequence(seed).generate_state(3)
    # Each life with dynamics of its own: many lives of few dynamics would count as those few.
    dealt = [snapshots[place % len(snapshots)] for place in range(lives)]
    fitted, shaken = pack(snapshots), pack(perturbed(dealt, int(shaking)))
    runs = {
        "fitted": {
            name: returns(fitted, choose, lives=lives, days=days, seed=int(choosing))
            for name, choose in field.items()
        },
        "perturbed": {
            name: returns(shaken, choose, lives=lives, days=days, seed=int(shaking))
            for name, choose in field.items()
        },
    }
    held_out = {
        name: returns(fitted, choose, lives=lives, days=days, seed=int(reporting))
        for name, choose in field.items()
    }
    differences = tuple(
        difference(run, candidate, other, under)
        for under, run in runs.items()
        for other in field
        if other != candidate
    )
    scores = sorted((score(name, kept) for name, kept in held_out.items()), key=lambda s: -s.mean)
    return Report(
        winner=_winner(runs, candidate, in_service, differences),
        candidate=candidate,
        in_service=in_service,
        scores=tuple(scores),
        differences=differences,
        days=lives * days,
        seed=seed,
    )


def score(name: str, daily: NDArray[np.float64]) -> Score:
    """Return the mean and its interval of daily returns (n,), each with luck of its own."""
    mean, margin = interval(daily)
    return Score(name, mean, mean - margin, mean + margin)


def difference(
    run: Mapping[str, NDArray[np.float64]], name: str, against: str, under: str = "fitted"
) -> Difference:
    """Return the paired difference of two contestants that lived the same lives, as in `score`."""
    mean, margin = interval(run[name] - run[against])
    return Difference(name, against, under, mean, mean - margin, mean + margin)


def interval(values: NDArray[np.float64]) -> tuple[float, float]:
    """Return the mean of independent values (n,), and how far its 95 % interval reaches."""
    count = len(values)
    margin = _reach(count - 1) * values.std(ddof=1) / math.sqrt(count) if count > 1 else math.inf
    return float(values.mean()), float(margin)


def _reach(freedom: int) -> float:
    """Return the standard errors to each side of a 95 % interval, by Student's t.

    Z of them for many degrees of freedom, more for few: the expansion 26.7.5 of Abramowitz & Stegun
    (1964), short by a tenth for 1, by 1 % for 2, by a thousandth and less from 3 on.
    """
    terms = (
        Z,
        (Z**3 + Z) / 4,
        (5 * Z**5 + 16 * Z**3 + 3 * Z) / 96,
        (3 * Z**7 + 19 * Z**5 + 17 * Z**3 - 15 * Z) / 384,
        (79 * Z**9 + 776 * Z**7 + 1482 * Z**5 - 1920 * Z**3 - 945 * Z) / 92160,
    )
    return math.fsum(term / freedom**power for power, term in enumerate(terms))


def _winner(
    runs: Mapping[str, Mapping[str, NDArray[np.float64]]],
    candidate: str,
    in_service: str,
    differences: Sequence[Difference],
) -> str:
    if candidate != in_service and all(each.low > 0.0 for each in differences):
        return candidate
    others = {name: kept for name, kept in runs["fitted"].items() if name != candidate}
    others[in_service] = runs["fitted"][in_service]
    best = max(others, key=lambda name: others[name].mean())
    beats = best != in_service and all(
        difference(run, best, in_service).low > 0.0 for run in runs.values()
    )
    return best if beats else in_service


# --- living -------------------------------------------------------------------------------------


def perturbed(snapshots: Sequence[Snapshot], seed: int) -> list[Snapshot]:
    """Return the snapshots with other dynamics: how days go, not what they are worth.

    Every parameter is off by SHAKE of its own spread among people; hard limits stay.
    """
    rng = np.random.default_rng(seed)
    return [replace(each, life=population.near(each.life, SHAKE, rng)) for each in snapshots]


def returns(
    snapshots: Sequence[Snapshot] | Lives,
    choose: Choose,
    *,
    lives: int,
    days: int,
    seed: int,
) -> NDArray[np.float64]:
    """Let `choose` live `lives` lives of `days` days; return the mean return of a day, (lives,).

    Equal snapshots and seeds mean equal luck, whoever chooses. Future days count as today does:
    the discount is the learner's means, not the user's.
    """
    env = PersonalLifeVecEnv(snapshots, num_envs=lives, seed=seed)
    obs = env.reset()
    earned = np.zeros(lives)
    lived = np.zeros(lives, np.int64)
    while (lived < days).any():
        stepped, rewards, dones, _ = env.step(choose(obs))
        obs = cast("dict[str, NDArray[np.float32]]", stepped)
        earned += np.where(lived < days, rewards, 0.0)
        lived += dones
    env.close()
    return earned / days
