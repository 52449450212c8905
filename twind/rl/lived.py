"""Days as they were lived, as far as anybody can tell, and how a body goes through them.

What is known is put together slot by slot, by the wall clock: sleep by the settings, what the
calendar and the task lists tell, and where nothing is known what the user does at such an hour, as
probably as they do. The body that lives it is that of the simulated day (`body`), compiled.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np

from twind.rl.body import FREE_TIME, SLEEPING, company_effort, live_through
from twind.rl.learning import apply_effects
from twind.rl.spaces import SLOT_MIN, SLOTS
from twind.rl.world import ACTIVITIES, HELP, SOCIAL, Lives, World, body_clock
from twind.rl.worth import GROUP_OTHERS

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date

    from numpy.typing import NDArray

    from twind.rl.snapshot import LifeParameters


@dataclass(frozen=True, slots=True)
class Spell:
    """Something that was done: by the wall clock, an index into ACTIVITIES or -1, the company."""

    start: datetime
    end: datetime
    activity: int
    people: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class Stretch:
    """Days in a row, from a midnight to some slot of the last one.

    Attributes:
        first: the first day.
        shares: (T, ACTIVITIES + 2), how probably each slot was spent free, at the activities,
            asleep; rows sum to 1.
        company: (T,), body.company_effort of the company in it.

    """

    first: date
    shares: NDArray[np.float64]
    company: NDArray[np.float64]

    def slot_of(self, moment: datetime) -> int:
        """Return the slot that a moment of the wall clock lies in, from 0."""
        days = (moment.date() - self.first).days
        return days * SLOTS + (moment.hour * 60 + moment.minute) // SLOT_MIN


def put_together(
    first: date,
    slots: int,
    asleep: NDArray[np.bool_],
    habits: NDArray[np.float64],
    spells: Iterable[Spell],
) -> Stretch:
    """Return the `slots` slots from `first` on as they were lived.

    asleep: (SLOTS,), where sleep is usual. habits: as Snapshot has them. Later spells win over
    earlier ones, and all over sleep.
    """
    usual = np.zeros((2, SLOTS, ACTIVITIES + 2))
    usual[:, :, : ACTIVITIES + 1] = habits
    usual[:, asleep] = np.eye(ACTIVITIES + 2)[SLEEPING]
    # Half of the company that is sought is one person's (person.own_choice).
    alone, group = company_effort(1.0), company_effort(float(GROUP_OTHERS))
    met = usual[:, :, 1 + SOCIAL] * (alone + group) / 2.0 + usual[:, :, 1 + HELP] * alone
    weekdays = (first.weekday() + np.arange(-(-slots // SLOTS))) % 7
    kinds = (weekdays >= 5).astype(int)
    shares = usual[kinds].reshape(-1, ACTIVITIES + 2)[:slots].copy()
    company = met[kinds].reshape(-1)[:slots].copy()
    stretch = Stretch(first, shares, company)
    for spell in sorted(spells, key=lambda one: (one.start, one.end)):
        begin = max(0, stretch.slot_of(spell.start))
        end = max(begin, stretch.slot_of(spell.end - timedelta(microseconds=1)) + 1)
        shares[begin:end] = np.eye(ACTIVITIES + 2)[FREE_TIME + 1 + spell.activity]
        company[begin:end] = company_effort(float(spell.people))
    return stretch


class Body:
    """Goes through a stretch of life.

    Args:
        stretch: what was lived.
        values: (REDUCED,), the mean of what is believed of the user: traits move how days work.

    """

    def __init__(self, stretch: Stretch, values: NDArray[np.float64]) -> None:
        self._stretch = stretch
        self._values = values
        self._lives, self._world = Lives(1), World(1)

    def live(
        self, life: LifeParameters, at: int = -1, lift: float = 0.0
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return energy and load, (T + 1,) each, as each slot begins and as the last one ends.

        at: the slot at which there is `lift` more energy than what was lived explains.
        """
        self._lives.alert[0] = body_clock(life.chronotype_h)
        apply_effects(life.as_array(), self._values, self._world.params[0])
        slots = len(self._stretch.shares)
        energy, load = np.empty(slots + 1), np.empty(slots + 1)
        live_through(
            self._lives.records,
            self._world.records,
            self._stretch.shares,
            self._stretch.company,
            energy,
            load,
            at,
            lift,
        )
        return energy, load
