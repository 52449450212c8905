"""The user's own parameters, from what is known of them: the likeliest ones, population included.

Each fit is maximum a posteriori. What a parameter is before anything is known, and how far it may
reasonably be from that, stands in `population` alone; so a parameter moves as far as its evidence
carries it, and without any it is exactly the population's. The constants below say how much one
piece of evidence counts; they are chosen unless they name a source.

All of it is pure and deterministic; the order in which evidence comes does not matter.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from twind.rl.population import SPREADS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from numpy.typing import NDArray

    from twind.rl.snapshot import LifeParameters

    Live = Callable[[LifeParameters], NDArray[np.float64]]

BODY = ("chronotype_h", "recovery", "load_sensitivity", "social_energy")
"""What is fitted to check-ins."""
TYPICAL_ENERGY = 0.7
"""Energy of an average waking hour: people who use the scale alike say the same of it."""
SCALE_SHIFT, SCALE_STRETCH = 0.15, 0.3
"""How differently people use one scale: spread of where they put TYPICAL_ENERGY on it, and of the
logarithm of how far apart they put a difference."""
NOISE, NOISE_COUNTS = 0.18, 8.0
"""What lies between what is said and what the body explains, before anything is known, and how many
check-ins that counts for. On scales of 0..100 one person's energy varies by some 15 to 20 from day
to day."""
TAILS = 4.0
"""Degrees of freedom of Student's t: a word that fits nothing is hardly heard (Lange, Little &
Taylor 1989)."""
OF_TODAY = 0.75
"""Share of what is said beyond the expected that is how the day is; the rest is how one says it."""


# --- the body, from check-ins ---------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class BodyFit:
    """A body, and how its owner uses the scale of check-ins.

    Attributes:
        life: the parameters, those of BODY fitted.
        shift, stretch: somebody whose energy is TYPICAL_ENERGY + d says TYPICAL_ENERGY + shift +
            stretch * d.
        noise: standard deviation of what is said about that.
        evidence: how many check-ins it rests on; several within an hour are one.

    """

    life: LifeParameters
    shift: float = 0.0
    stretch: float = 1.0
    noise: float = NOISE
    evidence: int = 0

    def expected(self, energy: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return what is said at such energy."""
        return TYPICAL_ENERGY + self.shift + self.stretch * (energy - TYPICAL_ENERGY)

    def lift(self, said: float, energy: float) -> float:
        """Return how much more energy there is than the body explains, where this is said of it."""
        surprise = said - float(self.expected(np.array(energy)))
        return OF_TODAY * surprise / self.stretch


def by_hour(told: Iterable[tuple[int, float]], slots_per_h: int = 4) -> list[tuple[int, float]]:
    """Return (slot, energy) of what was said, with what was said within one hour as its mean."""
    hours: dict[int, list[tuple[int, float]]] = {}
    for slot, said in told:
        hours.setdefault(slot // slots_per_h, []).append((slot, said))
    return [
        (max(slot for slot, _ in those), math.fsum(said for _, said in those) / len(those))
        for _, those in sorted(hours.items())
    ]


def fit_body(
    live: Live,
    said: NDArray[np.float64],
    days: NDArray[np.int64],
    population: LifeParameters,
) -> BodyFit:
    """Return the body that best explains what was said of it.

    live: returns the energies, (N,), that a body of some parameters would have had when each was
    said. said: (N,), in 0..1. days: (N,), the day of each: what is said on one day shares how that
    day was.

    Gauss-Newton on the deviations from the population, with noise of heavy tails and of a scale
    fitted along; from several body clocks, since a clock may fit well in two places.
    """
    if not len(said):
        return BodyFit(population)
    _, which, sizes = np.unique(days, return_inverse=True, return_counts=True)
    counts = np.array([shared_count(size, OF_TODAY) for size in sizes])[which]
    problem = _Problem(live, said, counts, population)
    starts = [problem.solve(np.array([z, 0.0, 0.0, 0.0, 0.0, 0.0])) for z in (0.0, -1.5, 1.5)]
    _, z, noise = min(starts, key=lambda one: one[0])
    return replace(problem.fit(z), noise=noise, evidence=len(said))


class _Problem:
    """What is said of a body, and how well deviations from the population explain it.

    A deviation is (6,), in standard deviations: of the four of BODY, and of the scale's two.
    """

    def __init__(
        self,
        live: Live,
        said: NDArray[np.float64],
        counts: NDArray[np.float64],
        population: LifeParameters,
    ) -> None:
        self._live = live
        self._said = said
        self._counts = counts
        self._population = population

    def fit(self, z: NDArray[np.float64]) -> BodyFit:
        own = {
            name: SPREADS[name].value(float(at), getattr(self._population, name))
            for name, at in zip(BODY, z, strict=False)
        }
        shift, stretch = SCALE_SHIFT * float(z[4]), math.exp(SCALE_STRETCH * float(z[5]))
        return BodyFit(replace(self._population, **own), shift, stretch)

    def solve(self, z: NDArray[np.float64]) -> tuple[float, NDArray[np.float64], float]:
        """Return (minus log posterior, deviation, noise) where descent from `z` ends."""
        noise = NOISE
        left = self._left(z)
        cost = self._cost(z, left, noise)
        for _ in range(30):
            noise = self._noise(left, noise)
            cost = self._cost(z, left, noise)
            weights = self._weights(left, noise) / noise**2
            slope = self._slope(z, left)
            pull = slope.T @ (weights * left) - z
            step = np.linalg.solve(slope.T @ (weights[:, None] * slope) + np.eye(len(z)), pull)
            for _ in range(8):
                tried = z + step
                left_then = self._left(tried)
                cost_then = self._cost(tried, left_then, noise)
                if cost_then < cost:
                    break
                step = step / 2.0
            else:
                break
            gained, z, left, cost = cost - cost_then, tried, left_then, cost_then
            if gained < 1e-6:
                break
        return cost, z, noise

    def _left(self, z: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return what is said beyond what is expected, (N,)."""
        fit = self.fit(z)
        left: NDArray[np.float64] = self._said - fit.expected(self._live(fit.life))
        return left

    def _slope(self, z: NDArray[np.float64], left: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return how what is expected moves with each deviation, (N, 6)."""
        step = 0.05
        moved = [self._left(z + step * unit) for unit in np.eye(len(z))]
        return np.stack([(left - other) / step for other in moved], axis=1)

    def _weights(self, left: NDArray[np.float64], noise: float) -> NDArray[np.float64]:
        heard: NDArray[np.float64] = (TAILS + 1.0) / (TAILS + (left / noise) ** 2)
        return self._counts * heard

    def _noise(self, left: NDArray[np.float64], noise: float) -> float:
        squares = float(np.sum(self._weights(left, noise) * left**2))
        counted = NOISE_COUNTS + float(np.sum(self._counts))
        return math.sqrt((NOISE_COUNTS * NOISE**2 + squares) / counted)

    def _cost(self, z: NDArray[np.float64], left: NDArray[np.float64], noise: float) -> float:
        tails = 0.5 * (TAILS + 1.0) * np.log1p((left / noise) ** 2 / TAILS) + math.log(noise)
        known = NOISE_COUNTS * (math.log(noise) + 0.5 * NOISE**2 / noise**2)
        return float(np.sum(self._counts * tails)) + known + 0.5 * float(z @ z)


# --- how long before they are due things are done -------------------------------------------------

DONE_A_DAY, DONE_A_DAY_SPREAD = 0.25, 0.5
"""How probably, a day, somebody does a task that is just due, and the spread of its logarithm: so
that with a fortnight's notice some 45 % of tasks are done in the last day or later, as
the detector of lead times (arranging.LEAD_RATES) assumes."""


@dataclass(frozen=True, slots=True, order=True)
class Wait:
    """A task that could be done from some day on, and how long before its due date it was done.

    Days before the due date; negative after it. An open one has not been done until now.
    """

    from_days: float
    until_days: float
    done: bool
    weight: float = 1.0


def fit_lead_time(waits: Iterable[Wait], average: float, moved: float = 0.0) -> float:
    """Return the days before a deadline at which its pull is half, from what was done when.

    A task is done on a day the more probably the nearer it is due: by the hyperbola of the
    simulated day (`person`), as a hazard. average: the population's; moved: by how much the traits
    that are believed of the user raise its logarithm, which is explained already.
    """
    known = sorted(one for one in waits if one.from_days >= max(0.0, one.until_days))
    if not known:
        return average
    opened, until, done, weight = np.array(
        [(one.from_days, one.until_days, one.done, one.weight) for one in known]
    ).T[:, :, None]
    before, after = np.maximum(until, 0.0), np.maximum(-until, 0.0)

    def likelihood(z: NDArray[np.float64]) -> NDArray[np.float64]:
        lead = average * np.exp(SPREADS["lead_time"].spread * z[:, 0] + moved)
        rate = DONE_A_DAY * np.exp(DONE_A_DAY_SPREAD * z[:, 1])
        risen = lead * (np.log1p(opened / lead) - np.log1p(before / lead)) + after
        hazard = np.log(rate) - np.log1p(before / lead)
        return np.asarray(np.sum(weight * (done * hazard - rate * risen), axis=0))

    return SPREADS["lead_time"].value(likeliest(likelihood, 2)[0], average)


# --- what becomes of what was accepted ------------------------------------------------------------


@dataclass(frozen=True, slots=True, order=True)
class FollowUp:
    """Something that was accepted, and whether it was done.

    hours: how long it takes. demand: its cognitive demand, 0..1. pressing: it was due within a day.
    """

    hours: float
    demand: float
    pressing: bool
    done: bool


def fit_follow_through(
    told: Iterable[FollowUp],
    friction: float,
    completion: float,
    moved: tuple[float, float] = (0.0, 0.0),
) -> tuple[float, float]:
    """Return (start_friction, completion), from what was done of what was accepted.

    As the simulated day has it: begun unless it is hard to begin and does not press, and carried on
    with hour by hour, at ordinary energy. friction, completion: the population's. moved: what the
    traits believed of the user do to them already: to the one's logarithm, and to the other.
    """
    known = sorted(told)
    if not known:
        return friction, completion
    hours, demand, pressing, done = np.array(
        [(one.hours, one.demand, one.pressing, one.done) for one in known]
    ).T[:, :, None]

    def likelihood(z: NDArray[np.float64]) -> NDArray[np.float64]:
        hard = friction * np.exp(SPREADS["start_friction"].spread * z[:, 0] + moved[0])
        odds = completion + SPREADS["completion"].spread * z[:, 1] + moved[1]
        begun = 1.0 - np.minimum(0.6, hard) * demand * (1.0 - pressing)
        chance = begun * np.exp(-hours * np.log1p(np.exp(-odds)))
        chance = np.clip(chance, 1e-9, 1.0 - 1e-9)
        return np.asarray(np.sum(np.log(np.where(done > 0.0, chance, 1.0 - chance)), axis=0))

    z = likeliest(likelihood, 2)
    return (
        SPREADS["start_friction"].value(z[0], friction),
        SPREADS["completion"].value(z[1], completion),
    )


# --- what nobody planned --------------------------------------------------------------------------

MOST_UNPLANNED = 4
"""More than so many events new on their own day were imported that day, rather than happened."""


def fit_unplanned(by_day: Sequence[int], average: float) -> float:
    """Return the events nobody planned on an average day, from their number on days looked at."""
    if not by_day:
        return average
    total = sum(min(MOST_UNPLANNED, count) for count in by_day)

    def likelihood(z: NDArray[np.float64]) -> NDArray[np.float64]:
        rate = SPREADS["unplanned_per_day"].spread * z[:, 0]
        return np.asarray(total * rate - len(by_day) * average * np.exp(rate))

    return SPREADS["unplanned_per_day"].value(likeliest(likelihood, 1)[0], average)


# --- shared ---------------------------------------------------------------------------------------

REACH, POINTS, ROUNDS = 4.0, 17, 8


def shared_count(size: int, share: float) -> float:
    """Return what each of `size` things counts that share something (Kish 1965).

    share: of their variance, what is the same for all of them.

    >>> shared_count(1, 0.5)
    1.0
    """
    return 1.0 / (1.0 + share * (size - 1))


def likeliest(
    likelihood: Callable[[NDArray[np.float64]], NDArray[np.float64]], size: int
) -> list[float]:
    """Return the likeliest deviations from the population, (size,), in standard deviations.

    likelihood: the log likelihood (G,) of deviations (G, size). A grid, and finer ones about the
    best point of each; few parameters, and one best place, is all it is for.
    """
    best, reach = np.zeros(size), REACH
    for _ in range(ROUNDS):
        steps = np.linspace(-reach, reach, POINTS)
        grid = best + np.stack(np.meshgrid(*[steps] * size, indexing="ij"), axis=-1).reshape(
            -1, size
        )
        best = grid[int(np.argmax(likelihood(grid) - 0.5 * np.sum(grid**2, axis=1)))]
        reach *= 2.0 / (POINTS - 1) * 1.5
    return [float(one) for one in best]
