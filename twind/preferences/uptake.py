"""How often what is proposed is taken up, beside how often it is in rehearsals.

Rehearsals know what somebody sees in a proposal, as far as that is believed. But what is proposed
is the best of many by that very belief, and so more often believed too good than too bad (Smith and
Winkler 2006, "The Optimizer's Curse"); and some things people take up more readily than their
tastes tell, or less. So

    log odds of a yes = SLOPE * log odds of the rehearsals + what the activity adds

and what somebody says to proposals tells what each activity adds with them.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from twind.preferences.features import ACTIVITIES
from twind.preferences.posterior import Posterior
from twind.preferences.willingness import fade

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

SLOPE, ADDED_SD = 0.5, 0.8
"""The slope of calibration (Cox 1958), and how much people differ in what an activity adds. Fitted
on 786 reviews of ten simulated people of ten kinds (docs/adr/0018)."""


@dataclass(frozen=True, slots=True, order=True)
class Review:
    """What was said to a proposal.

    Attributes:
        at: when it was said, aware.
        activity: one of ACTIVITIES.
        rehearsed: the share of rehearsals in which it was taken up, above 0 and below 1.
        taken: whether it was taken up, as it was or with a change.
        weight: what it counts of a whole answer.

    """

    at: datetime
    activity: str
    rehearsed: float
    taken: bool
    weight: float = 1.0


@dataclass(frozen=True, slots=True)
class Uptake:
    """What is believed that each of ACTIVITIES adds, in log odds: means and variances, (10,)."""

    means: tuple[float, ...] = (0.0,) * len(ACTIVITIES)
    variances: tuple[float, ...] = (ADDED_SD**2,) * len(ACTIVITIES)

    def probability(self, activity: str, rehearsed: float) -> float:
        """Return how probably it is taken up that is, in such a share of rehearsals, 0..1.

        What the activity adds is averaged over, by MacKay's (1992) factor.
        """
        place = ACTIVITIES.index(activity)
        odds = SLOPE * _log_odds(rehearsed) + self.means[place]
        return 1.0 / (1.0 + math.exp(-odds / math.sqrt(1.0 + math.pi / 8 * self.variances[place])))


def learn(reviews: Iterable[Review], now: datetime) -> Uptake:
    """Return what is believed after some reviews; what is old counts less.

    Raises ValueError for an activity that is none.
    """
    count = len(ACTIVITIES)
    posterior = Posterior(np.zeros(count), ADDED_SD**2 * np.eye(count))
    told = sorted(reviews)
    for one, then in zip(told, [*(other.at for other in told[1:]), now], strict=False):
        row = np.zeros(count)
        row[ACTIVITIES.index(one.activity)] = 1.0
        offset = SLOPE * _log_odds(one.rehearsed)
        posterior.update_binary(row, one.taken, offset=offset, weight=one.weight)
        fade(posterior, one.at, then)
    return Uptake(tuple(posterior.mean.tolist()), tuple(np.diag(posterior.covariance).tolist()))


def _log_odds(chance: float) -> float:
    return math.log(chance / (1.0 - chance))
