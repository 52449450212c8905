"""What the planner does best with: what has won the gate, nobody's guidance, or no plan at all.

The gate lets policies and rules act by themselves. What the user gets is a plan, and a search may
need no guide: so plans are made with and without, lived on days that took no part in making them,
under the fitted dynamics and under perturbed ones, on common luck. The guide stays unless another
way is better by a 95 % interval.

A search has luck, and all days that are lived by the plan it found share it: with another seed the
plan is better or worse by twenty minutes and more. So it is planned days that are counted, each
with luck of its own in everything, and not how often each is lived.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from twind.rl.candidates import Limits
from twind.rl.evaluate import Difference, Score, difference, perturbed, score
from twind.rl.planner import Effort, plan_day
from twind.rl.rehearsal import Rehearsal
from twind.rl.world import pack

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from twind.rl.candidates import Guide
    from twind.rl.snapshot import Snapshot

SEARCH = "search"
"""The planner by itself."""
NOTHING = "nothing"
DAYS, DRAWS, SHAKEN = 10, 64, 4
"""Days of the fortnight that are planned, how often each is lived, and perturbed lives of each."""
EFFORT = Effort(rehearsals=2000, guide=16)
"""Twice as thorough a search takes twice as long, and two plans of a day differ as much from each
other: more days tell more."""

Runs = dict[str, "NDArray[np.float64]"]
"""The mean return of each day that was planned, (DAYS,), by who made its plan."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """Who is to make the plans.

    Attributes:
        winner: the guide's name, SEARCH or NOTHING.
        scores: of all three, best first.
        differences: of the guide to the others.

    """

    winner: str
    scores: tuple[Score, ...]
    differences: tuple[Difference, ...]


def contest(
    snapshot: Snapshot,
    name: str,
    guide: Guide,
    *,
    seed: int = 0,
    days: int = DAYS,
    draws: int = DRAWS,
    effort: Effort = EFFORT,
) -> Verdict:
    """Let the planner with a guide compete with itself alone and with doing nothing."""
    fitted, shaken = _live(snapshot, {name: guide, SEARCH: None}, seed, days, draws, effort)
    runs = {"fitted": fitted, "perturbed": shaken}
    differences = tuple(
        difference(run, name, other, under)
        for under, run in runs.items()
        for other in (SEARCH, NOTHING)
    )
    winner = name
    for other in (SEARCH, NOTHING):
        if all(difference(run, other, winner).low > 0.0 for run in runs.values()):
            winner = other
    scores = [score(one, kept) for one, kept in fitted.items()]
    return Verdict(winner, tuple(sorted(scores, key=lambda one: -one.mean)), differences)


def _live(
    snapshot: Snapshot,
    guides: Mapping[str, Guide | None],
    seed: int,
    days: int,
    draws: int,
    effort: Effort,
) -> tuple[Runs, Runs]:
    """Plan some days with each guide and live them, as fitted and perturbed."""
    planning, living, shaking = np.random.SeedSequence(seed).generate_state(3)
    lives = pack([snapshot])
    limits = Limits(most=int(snapshot.life.max_proposals))
    names = [*guides, NOTHING]
    fitted: dict[str, list[float]] = {name: [] for name in names}
    shaken: dict[str, list[float]] = {name: [] for name in names}
    for day in range(min(days, len(snapshot.days))):
        plans = [
            [
                rated.item
                for rated in plan_day(
                    snapshot,
                    day,
                    guide=guide,
                    limits=limits,
                    seed=int(planning) + day,
                    effort=effort,
                ).items
            ]
            for guide in guides.values()
        ]
        # No two days in the same perturbed lives, which may suit one way more than the other.
        others = [pack([one]) for one in perturbed([snapshot] * SHAKEN, int(shaking) + day)]
        for kept, worlds in ((fitted, [lives]), (shaken, others)):
            share = draws // len(worlds)
            # Nor with the same luck, or the same draws of what the user values.
            lived = [
                Rehearsal(world, day, share, int(living) + day).live([*plans, []], 0, share).returns
                for world in worlds
            ]
            for name, mean in zip(names, np.mean(lived, axis=(0, 2)), strict=True):
                kept[name].append(float(mean))
    return tuple(  # type: ignore[return-value]
        {name: np.array(means) for name, means in kept.items()} for kept in (fitted, shaken)
    )
