"""How long things take this user: learnt from what was told of those that are done.

Lengths are lognormal. What is typical of a project is a deviation from what is typical of the user,
and that one from the population's; each is as far from the other as its evidence carries it, under
noise of heavy tails (Student's t, Lange, Little & Taylor 1989), so that a clock left running counts
for next to nothing. The figures below are chosen.

All of it is pure; the order in which things were done does not matter.
"""

from __future__ import annotations

import math
from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from twind.rl.fitting import TAILS, shared_count
from twind.rl.snapshot import Fitted

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from twind.store.life import StepRow


@dataclass(frozen=True, slots=True)
class Figure:
    """Something typical before anything is known, and how it is spread.

    Standard deviations of logarithms: between people, between one person's projects, and within
    one project.
    """

    population: float
    people: float
    projects: float
    within: float


RATIO = Figure(1.0, 0.4, 0.3, 0.6)
"""How many times its estimate a task takes. Most people need more than they think (Buehler, Griffin
& Ross 1994), but estimates in a task list may leave room for that already."""
TASK_H = Figure(1.0, 0.6, 0.4, 0.8)
"""Hours that a task takes which nobody has estimated."""
HABIT_H = Figure(0.25, 0.6, 0.6, 0.5)
"""Hours one time of a habit takes which nobody has estimated: most habits are small."""


@dataclass(frozen=True, slots=True, order=True)
class Took:
    """How long something took that is done; a `project` is a row in `workflows`.

    estimate_min: 0 where nobody had estimated it.
    """

    project: int
    habit: bool
    spent_min: float
    estimate_min: float = 0.0


@dataclass(frozen=True, slots=True)
class Typical:
    """What is typical of a user, of their projects, and from how many things that is known."""

    user: float
    by_project: Mapping[int, float] = field(default_factory=dict)
    evidence: int = 0

    def of(self, project: int) -> float:
        """Return what is typical of a project."""
        return self.by_project.get(project, self.user)


@dataclass(frozen=True, slots=True)
class Durations:
    """How long this user's tasks take: times their estimate, or hours without one."""

    ratio: Typical = Typical(RATIO.population)
    task_h: Typical = Typical(TASK_H.population)
    habit_h: Typical = Typical(HABIT_H.population)

    def hours(self, step: StepRow, project: int) -> float:
        """Return the hours a step of a project takes from beginning to end."""
        if step.estimate_min is not None:
            return step.estimate_min / 60.0 * self.ratio.of(project)
        return (self.habit_h if step.series else self.task_h).of(project)

    def fitted(self) -> tuple[Fitted, ...]:
        """Return what is typical of the user, beside what is of anybody."""
        return (
            Fitted("estimate_ratio", self.ratio.user, RATIO.population, self.ratio.evidence),
            Fitted("task_h", self.task_h.user, TASK_H.population, self.task_h.evidence),
            Fitted("habit_h", self.habit_h.user, HABIT_H.population, self.habit_h.evidence),
        )


def learn(things: Iterable[Took]) -> Durations:
    """Return how long things take somebody who took so long for these."""
    known = sorted(one for one in things if one.spent_min > 0.0)
    guessed = [one for one in known if one.estimate_min > 0.0]
    others = [one for one in known if not one.estimate_min > 0.0]
    return Durations(
        ratio=_typical(
            RATIO, [(one.project, math.log(one.spent_min / one.estimate_min)) for one in guessed]
        ),
        task_h=_typical(TASK_H, [_hours(one) for one in others if not one.habit]),
        habit_h=_typical(HABIT_H, [_hours(one) for one in others if one.habit]),
    )


def _hours(one: Took) -> tuple[int, float]:
    return one.project, math.log(one.spent_min / 60.0)


def _typical(figure: Figure, seen: Sequence[tuple[int, float]]) -> Typical:
    if not seen:
        return Typical(figure.population)
    by_project: dict[int, list[float]] = defaultdict(list)
    for project, value in seen:
        by_project[project].append(value)
    # What one project's things have in common says one thing about the user.
    alike = figure.projects**2 / (figure.projects**2 + figure.within**2)
    of_user = location(
        [
            (value, shared_count(len(values), alike))
            for values in by_project.values()
            for value in values
        ],
        math.log(figure.population),
        figure.people,
        math.hypot(figure.projects, figure.within),
    )
    return Typical(
        math.exp(of_user),
        {
            project: math.exp(
                location([(one, 1.0) for one in values], of_user, figure.projects, figure.within)
            )
            for project, values in by_project.items()
        },
        len(seen),
    )


def location(
    values: Sequence[tuple[float, float]], centre: float, spread: float, noise: float
) -> float:
    """Return where values lie, of which a normal about `centre` is known beforehand.

    values: each with what it counts. The likeliest place, under Student's t of scale `noise`; with
    far-off values there may be two, so it is looked for from the middle of the values, too.
    """
    if not values:
        return centre
    ordered = sorted(values)

    def cost(place: float) -> float:
        tails = math.fsum(
            counts * math.log1p((value - place) ** 2 / (TAILS * noise**2))
            for value, counts in ordered
        )
        return 0.5 * (TAILS + 1.0) * tails + 0.5 * ((place - centre) / spread) ** 2

    def settle(place: float) -> float:
        for _ in range(200):
            heard = [
                counts * (TAILS + 1.0) / (TAILS + ((value - place) / noise) ** 2) / noise**2
                for value, counts in ordered
            ]
            pull = math.fsum(w * value for w, (value, _) in zip(heard, ordered, strict=True))
            known = 1.0 / spread**2
            then = (pull + known * centre) / (math.fsum(heard) + known)
            if abs(then - place) < 1e-9:
                break
            place = then
        return place

    middle = ordered[len(ordered) // 2][0]
    return min((settle(start) for start in (centre, middle)), key=cost)
