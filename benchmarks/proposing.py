"""How much of a plan stands when it is made again, a quarter of an hour later and with other luck.

Nothing has changed that matters: what moves is churn. The baseline is the same planner that is not
told what it has proposed before. Simulated lives.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from figures import FAST, PEOPLE, SEED, tell

CORNER = 900_005
"""Seed of the lives: far from those of training and of the tests."""
BOOTSTRAPS = 2000


def measure():
    """Print propose.churn: the share of a day's proposals that do not stand."""
    moved = np.array([_moved(number) for number in range(PEOPLE or (8 if FAST else 40))])
    picks = np.random.default_rng(SEED).integers(0, len(moved), (BOOTSTRAPS, len(moved)))
    low, high = np.percentile(_share(moved[picks])[:, 0], [2.5, 97.5])
    told, untold = _share(moved)
    tell(
        "propose.churn", told, low, high, "share of proposals", untold, told / untold, len(moved)
    )  # fmt: skip


def _share(moved):
    """Return (…, 2): of all proposals of some lives, the share that moved, told and untold."""
    return moved[..., :2].sum(axis=-2) / moved[..., 2:].sum(axis=-2)


def _moved(number):
    """Return how many proposals moved, told of them and untold, and how many there were."""
    from twind.rl.candidates import LEAD_SLOTS, Limits
    from twind.rl.lives import sample_life
    from twind.rl.planner import plan_day
    from twind.rl.train import new_policy

    snapshot = sample_life(np.random.default_rng([CORNER, SEED, number]))
    later = replace(snapshot, slot=snapshot.slot + 1)
    guide, limits = new_policy().drawing, Limits(most=int(snapshot.life.max_proposals))

    def plan(life, seed, shown=()):
        made = plan_day(life, 0, guide=guide, limits=limits, shown=shown, seed=seed)
        return {rated.item for rated in made.items}

    first = {item for item in plan(snapshot, 2 * SEED) if item.slot >= later.slot + LEAD_SLOTS}
    told = plan(later, 2 * SEED + 1, sorted(first))
    untold = plan(later, 2 * SEED + 1)
    return len(first - told), len(first - untold), len(first)
