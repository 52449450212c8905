"""How readily somebody says yes to a proposal, whatever is in it, and how that wears off.

What they see in a proposal the simulated day tells, as log odds of its being taken up. What is
left is theirs: some like to be asked and some do not, and everybody tires of being asked. In a
trial of six weeks a suggestion to move raised steps by 66 % at first, and by 14 % on average over
all of it (HeartSteps: Klasnja et al. 2019). TIRING is assumed, so that a week of four a day all but
halves the odds, and each user's reviews say how it is with them.

    log odds of yes = log odds by what is seen in it + willing - tiring * proposals a day of late
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np

from twind.preferences.posterior import Posterior

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

WILLING_SD = 0.8
"""How much people differ in log odds."""
TIRING, TIRING_SD = 0.15, 0.15
"""Log odds that a proposal a day in LATELY_DAYS costs, and how much people differ in that."""
LATELY_DAYS = 7
HALF_LIFE_DAYS = 90.0
"""How soon half of what reviews have told of it is forgotten: moods last weeks, tastes years."""
SILENCE = 0.2
"""What no answer counts of a no: it may only mean that nobody looked."""


@dataclass(frozen=True, slots=True, order=True)
class Review:
    """What was said to a proposal.

    Attributes:
        at: when it was said, aware, in the user's zone.
        odds: log odds of a yes by what is seen in the proposal alone.
        taken: whether it was taken up, as it was or with a change.
        weight: what it counts of a whole answer.

    """

    at: datetime
    odds: float
    taken: bool
    weight: float = 1.0


@dataclass(frozen=True, slots=True)
class Willingness:
    """What is believed of it at some moment.

    Attributes:
        posterior: of (willing, tiring).
        a_day: proposals a day in the LATELY_DAYS before today.
        evidence: how many reviews it rests on.

    """

    posterior: Posterior
    a_day: float = 0.0
    evidence: int = 0

    @property
    def odds(self) -> float:
        """Return the log odds to be added to what is seen in a proposal."""
        return float(_row(self.a_day) @ self.posterior.mean)


def before() -> Posterior:
    """Return what is believed of anybody: (willing, tiring).

    Nobody's first proposal finds them tired, so that willing is 0 on average then.
    """
    return Posterior([0.0, TIRING], np.diag([WILLING_SD**2, TIRING_SD**2]))


def learn(
    reviews: Iterable[Review], proposed: Iterable[date], now: datetime
) -> tuple[Willingness, list[float]]:
    """Return what is believed now, and the log odds that were believed before each review.

    The latter in the order of the reviews, which is that of time. proposed: the day of everything
    that was ever proposed, answered or not. now: in the user's zone.
    """
    asked = Counter(proposed)
    posterior, believed = before(), []
    told = sorted(reviews)
    for seen, since in zip(told, [None, *told], strict=False):
        if since is not None:
            fade(posterior, since.at, seen.at)
        row = _row(_a_day(asked, seen.at))
        believed.append(float(row @ posterior.mean))
        posterior.update_binary(row, seen.taken, offset=seen.odds, weight=seen.weight)
    if told:
        fade(posterior, told[-1].at, now)
    return Willingness(posterior, _a_day(asked, now), len(told)), believed


def _row(a_day: float) -> NDArray[np.float64]:
    return np.array([1.0, -a_day])


def _a_day(asked: Counter[date], now: datetime) -> float:
    today = now.date()
    return (
        sum(asked[today - timedelta(days=ago)] for ago in range(1, LATELY_DAYS + 1)) / LATELY_DAYS
    )


def fade(posterior: Posterior, since: datetime, until: datetime) -> None:
    """Forget as much as is forgotten in that time."""
    days = (until - since).total_seconds() / 86_400.0
    posterior.forget(max(0.0, days), half_life_days=HALF_LIFE_DAYS)
