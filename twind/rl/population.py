"""How the parameters of people's days are spread over people.

The one place for it: the simulated people of `lives` are drawn from these, and what is known of the
user is weighed against them (`fitting`). A *ratio* is lognormal about the average person's value, a
*shift* normal; `spread` is the standard deviation of its logarithm, or its own. All are chosen so
that people differ plausibly, unless a source is named.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from twind.rl.snapshot import LIFE_NAMES, LifeParameters

if TYPE_CHECKING:
    from numpy.random import Generator

SHIFT_WORK_H = 9.0
"""How much later the body clock of somebody is who works nights and sleeps by day."""
BY_DAY_H = (8.0, 16.0)
"""Whoever is in the middle of their sleep between these hours sleeps by day."""
BREAK_H = (0.5, 2.0)
MAX_PROPOSALS = (3, 8)


@dataclass(frozen=True, slots=True)
class Spread:
    """How one parameter differs between people.

    `low` and `high` limit a ratio's value, and a shift's difference from the average.
    """

    kind: Literal["ratio", "shift"]
    spread: float
    low: float = -math.inf
    high: float = math.inf

    def draw(self, rng: Generator, average: float) -> float:
        """Draw somebody's value."""
        if self.kind == "ratio":
            return self._within(average * float(rng.lognormal(0.0, self.spread)))
        return average + self._within(float(rng.normal(0.0, self.spread)))

    def value(self, z: float, average: float) -> float:
        """Return the value of somebody `z` standard deviations from the average person."""
        if self.kind == "ratio":
            return self._within(average * math.exp(self.spread * z))
        return average + self._within(self.spread * z)

    def near(self, rng: Generator, value: float, share: float, average: float) -> float:
        """Draw a value off from this one by a share of the spread, within the same limits."""
        luck = share * self.spread * float(rng.standard_normal())
        if self.kind == "ratio":
            return self._within(value * math.exp(luck))
        return average + self._within(value - average + luck)

    def _within(self, value: float) -> float:
        return min(self.high, max(self.low, value))


SPREADS: dict[str, Spread] = {
    "switch_cost": Spread("ratio", 0.3),
    "start_friction": Spread("ratio", 0.4, low=0.0, high=0.6),
    "load_sensitivity": Spread("ratio", 0.25),
    "recovery": Spread("ratio", 0.2),
    "social_energy": Spread("shift", 0.03),
    "focus_gain": Spread("ratio", 0.3),
    "completion": Spread("shift", 0.6),
    "acceptance": Spread("shift", 0.6),
    "lead_time": Spread("ratio", 0.4),
    "risk_price": Spread("ratio", 0.4),
    "chronotype_h": Spread("shift", 1.2, low=-2.5, high=3.5),
    "interruption_cost": Spread("ratio", 0.4),
    "proposal_fatigue": Spread("ratio", 0.3),
    "interruptions_per_h": Spread("ratio", 0.5),
    "unplanned_per_day": Spread("ratio", 0.5),
    "duty_per_h": Spread("ratio", 0.3),
}
"""Of every parameter but the breaks and the limit of proposals, which are equally likely within
BREAK_H and MAX_PROPOSALS."""


def draw_chronotype_h(rng: Generator) -> float:
    """Draw the body clock of somebody who sleeps at night."""
    return SPREADS["chronotype_h"].draw(rng, LifeParameters().chronotype_h)


def draw_parameters(rng: Generator, chronotype_h: float) -> LifeParameters:
    """Draw how somebody's days work; their body clock is given, since their hours hang on it."""
    average = LifeParameters()
    drawn = {"chronotype_h": chronotype_h}
    for name in LIFE_NAMES:
        if name in SPREADS and name not in drawn:
            drawn[name] = SPREADS[name].draw(rng, getattr(average, name))
    drawn["break_h"] = float(rng.uniform(*BREAK_H))
    drawn["max_proposals"] = float(rng.integers(MAX_PROPOSALS[0], MAX_PROPOSALS[1] + 1))
    return LifeParameters(**drawn)


def near(life: LifeParameters, share: float, rng: Generator) -> LifeParameters:
    """Draw somebody whose days work nearly so: off by a share of how people differ.

    The limit of proposals is the user's word and stays.
    """
    average = LifeParameters()
    # Whoever sleeps by day is compared with those who do; the clocks of the two lie far apart.
    late = SHIFT_WORK_H if life.chronotype_h > SHIFT_WORK_H / 2.0 else 0.0
    average = replace(average, chronotype_h=average.chronotype_h + late)
    drawn = {
        name: spread.near(rng, getattr(life, name), share, getattr(average, name))
        for name, spread in SPREADS.items()
    }
    low, high = BREAK_H
    luck = share * (high - low) / math.sqrt(12.0) * float(rng.standard_normal())
    return replace(life, break_h=min(high, max(low, life.break_h + luck)), **drawn)


def of_sleeper(asleep_from_h: float, awake_from_h: float) -> LifeParameters:
    """Return the parameters of the average person with these hours of sleep, 0..24."""
    middle = (asleep_from_h + ((awake_from_h - asleep_from_h) % 24.0) / 2.0) % 24.0
    late = SHIFT_WORK_H if BY_DAY_H[0] <= middle < BY_DAY_H[1] else 0.0
    average = LifeParameters()
    return replace(average, chronotype_h=average.chronotype_h + late)
