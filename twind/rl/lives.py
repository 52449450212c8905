"""Random but plausible people and lives: for training before anyone is known, and for tests.

`sample_life` draws a person (values and traits from a broad prior), hours to match (early birds,
office workers, night workers, people without a job), a fortnight of events, projects with
deadlines, people with cadences, and habits. What is *believed* of the person is drawn around their
true values with varying certainty, from a stranger to an old friend, and is calibrated: the truth
is a fair draw from the belief. Some lives have no projects, some no people, some hundreds.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import numpy as np

from twind import clock
from twind.model import HORIZON_DAYS
from twind.preferences import Belief as PriorBelief
from twind.preferences import features
from twind.preferences.catalogue import aspects
from twind.preferences.detectors import population_habits
from twind.rl import population
from twind.rl.snapshot import (
    KINDS,
    WORK,
    Belief,
    DayPlan,
    PersonState,
    ProjectState,
    Snapshot,
    day_plan,
)
from twind.rl.spaces import SLOTS, TYPES

if TYPE_CHECKING:
    from numpy.random import Generator
    from numpy.typing import NDArray

ANSWER_NOISE = 2.0
"""Noise of one answer, in prior standard deviations."""

LONG_AGO_DAYS = 30
"""Nothing was last done longer ago than that, as far as anybody remembers."""

_KIND_ODDS = (0.6, 0.1, 0.2, 0.1)  # by KINDS
_MONDAY = date(2026, 1, 5)


def sample_life(rng: Generator) -> Snapshot:
    """Draw a life: equal states of `rng` give equal lives."""
    hours = _Hours(rng)
    people = _sample_people(rng)
    projects = _sample_projects(rng)
    first = _MONDAY + timedelta(days=int(rng.integers(0, 364)))
    days = tuple(
        _sample_day(rng, first + timedelta(days=index), hours, people)
        for index in range(HORIZON_DAYS)
    )
    belief = _sample_belief(rng, projects, people)
    habits = _sample_habits(rng, hours, belief)
    # Most days are planned in the morning, some from the middle of the day.
    morning = int(np.argmax(~days[0].asleep))
    slot = morning + (int(rng.integers(0, 40)) if rng.random() < 0.3 else int(rng.integers(0, 4)))
    slot = min(slot, SLOTS - 1)
    zone = "Europe/Berlin"
    return Snapshot(
        profile_id=0,
        start=clock.local_time(first, slot * 15, ZoneInfo(zone)),
        zone=zone,
        slot=slot,
        days=days,
        projects=projects,
        people=people,
        belief=belief,
        habits=habits,
        life=population.draw_parameters(rng, hours.body_clock_h),
        energy=float(np.clip(rng.normal(0.72, 0.15), 0.15, 0.98)),
        load=float(np.clip(rng.exponential(0.12), 0.0, 0.9)),
        days_since_done=_sample_last_done(rng, habits, days[0].weekday),
    )


class _Hours:
    """When somebody sleeps and works, in slots of the day."""

    def __init__(self, rng: Generator) -> None:
        chronotype_h = population.draw_chronotype_h(rng)
        self.shift = rng.random() < 0.06  # works nights, sleeps by day
        self.body_clock_h = chronotype_h + (population.SHIFT_WORK_H if self.shift else 0.0)
        wake_h = 6.75 + 0.6 * chronotype_h + rng.normal(0.0, 0.5)
        self.wake = int(np.clip(round(wake_h * 4), 18, 44))
        self.bed = (self.wake + 96 - round(rng.uniform(6.5, 8.5) * 4)) % SLOTS
        if self.shift:
            self.wake, self.bed = 60, 30
        self.has_job = rng.random() < 0.8
        length = int(4 * rng.choice([4.0, 6.0, 8.0, 8.0, 8.5, 9.0]))
        begin = 80 if self.shift else int(np.clip(self.wake + rng.integers(4, 12), 24, 48))
        self.work = (begin, min(SLOTS, begin + length))
        self.work_days = 5 if rng.random() < 0.85 else int(rng.integers(3, 7))
        self.quiet = int(rng.integers(0, 8))  # slots before bed in which nobody is disturbed
        self.meetings_per_day = rng.gamma(1.5, 1.2)

    def asleep(self) -> NDArray[np.bool_]:
        return _between(self.bed, self.wake)

    def working(self, weekday: int) -> NDArray[np.bool_]:
        if not self.has_job or weekday >= self.work_days:
            return np.zeros(SLOTS, bool)
        return _between(*self.work)


def _between(first: int, end: int) -> NDArray[np.bool_]:
    slots = np.arange(SLOTS)
    if first <= end:
        return (slots >= first) & (slots < end)
    return (slots >= first) | (slots < end)


def _sample_day(
    rng: Generator, day: date, hours: _Hours, people: tuple[PersonState, ...]
) -> DayPlan:
    asleep, working = hours.asleep(), hours.working(day.weekday())
    quiet = _between((hours.bed - hours.quiet) % SLOTS, hours.wake)
    busy = np.zeros(SLOTS, bool)
    activity = np.full(SLOTS, -1)
    others = np.zeros(SLOTS)
    closeness = np.zeros(SLOTS)
    meetings = []
    events = [(working, WORK)] * int(rng.poisson(hours.meetings_per_day if working.any() else 0))
    leisure = ~asleep & ~working
    if rng.random() < (0.5 if day.weekday() >= 4 else 0.25):
        events.append((leisure, int(rng.choice([-1, 2, 2, 3, 5, 6, 8]))))
    for within, kind in events:
        length = int(rng.choice([2, 4, 4, 6, 8]))
        starts = np.flatnonzero(within[: SLOTS - length])
        if not len(starts):
            continue
        start = int(rng.choice(starts))
        span = slice(start, start + length)
        if busy[span].any() or not within[span].all():
            continue
        busy[span], activity[span] = True, kind
        others[span] = rng.integers(1, 7) if kind in (1, 2, 8) else 0
        if kind in (1, 2, 8) and people and rng.random() < (0.8 if kind == 2 else 0.3):
            person = people[int(rng.integers(len(people)))]
            meetings.append((person.id, start, start + length))
            closeness[span] = person.closeness
        elif others[start]:
            closeness[span] = 0.2
    return day_plan(
        day,
        allowed=~asleep & ~quiet,
        work=working,
        busy=busy,
        asleep=asleep,
        event_activity=activity,
        event_people=others,
        event_closeness=closeness,
        meetings=meetings,
    )


def _sample_projects(rng: Generator) -> tuple[ProjectState, ...]:
    count = 0 if rng.random() < 0.08 else int(1 + rng.gamma(1.6, 3.0))
    projects = []
    for index in range(count):
        due = rng.random() < 0.6
        left = float(np.clip(rng.lognormal(1.3, 0.9), 0.25, 60.0))
        progress = float(rng.beta(1.0, 2.0))
        projects.append(
            ProjectState(
                id=index + 1,
                name=f"project {index + 1}",
                kind=KINDS[int(rng.choice(4, p=_KIND_ODDS))],  # type: ignore[arg-type]
                priority=float(rng.beta(2.0, 2.0)),
                remaining_h=0.0 if rng.random() < 0.03 else left,
                deadline_h=float(rng.uniform(-24.0, 24.0 * 16)) if due else np.inf,
                progress=progress,
                off_hours=bool(rng.random() < 0.4),
            )
        )
    return tuple(projects)


def _sample_people(rng: Generator) -> tuple[PersonState, ...]:
    count = 0 if rng.random() < 0.08 else int(1 + rng.gamma(1.5, 7.0))
    people = []
    for index in range(count):
        closeness = float(rng.beta(1.2, 2.5))
        # Close ones are met every few days, acquaintances every few months (Roberts & Dunbar 2011).
        cadence = float(np.clip(3.0 * np.exp(3.2 * (1.0 - closeness) + rng.normal(0, 0.5)), 1, 365))
        since = float(np.clip(cadence * rng.exponential(0.9), 0.0, 720.0))
        people.append(
            PersonState(
                id=index + 1,
                name=f"person {index + 1}",
                closeness=closeness,
                days_since=since,
                cadence_days=cadence,
            )
        )
    return tuple(people)


def _sample_belief(
    rng: Generator, projects: tuple[ProjectState, ...], people: tuple[PersonState, ...]
) -> Belief:
    """Draw what is believed after some evidence about somebody from the population.

    The evidence is a noisy look at each parameter, of a precision between none at all (a stranger,
    one life in six) and a score of answers. The mean is spread by what the evidence has taken from
    the prior's covariance: drawing the truth from the belief gives back the population.
    """
    prior = PriorBelief.prior([one.id for one in people], [one.id for one in projects])
    names, mean = tuple(prior.names), np.array(prior.posterior.mean)
    covariance = np.array(prior.posterior.covariance)
    if rng.random() >= 1.0 / 6.0:
        answers = rng.exponential(6.0) * rng.exponential(1.0, len(names))
        precision = answers / np.diag(covariance) / ANSWER_NOISE**2
        narrowed = np.linalg.inv(np.linalg.inv(covariance) + np.diag(precision))
        narrowed = 0.5 * (narrowed + narrowed.T)
        mean += _draw(rng, covariance - narrowed)
        covariance = narrowed
    return Belief(names=names, mean=mean, covariance=covariance)


def _draw(rng: Generator, covariance: NDArray[np.float64]) -> NDArray[np.float64]:
    values, vectors = np.linalg.eigh(covariance)
    noise = rng.standard_normal(len(values)) * np.sqrt(np.maximum(values, 0.0))
    drawn: NDArray[np.float64] = vectors @ noise
    return drawn


def _sample_habits(rng: Generator, hours: _Hours, belief: Belief) -> NDArray[np.float64]:
    """Draw habits: the population's table, turned to these hours, leaning to what they value.

    People do more of what they like, but far from all they would like to: the lean is mild, and
    taste adds what values do not explain.
    """
    rows = len(aspects())
    true = belief.mean[:rows] + _draw(rng, belief.covariance[:rows, :rows])
    worth = features.attribute_worth(true)[: len(features.ACTIVITIES)]
    lean = np.concatenate([[0.0], np.clip(1.2 * worth, -2.5, 2.0)])
    taste = np.exp(lean + rng.normal(0.0, 0.5, len(TYPES)))
    habits = np.roll(population_habits(), 60 - hours.wake if hours.shift else 0, axis=1) * taste
    share = rng.uniform(0.6, 0.95)
    for kind, weekday in ((0, 0), (1, 6)):
        working = hours.working(weekday)
        habits[kind, :, 1 + WORK] *= 0.1
        habits[kind] /= habits[kind].sum(axis=1, keepdims=True)
        habits[kind, working] *= 1.0 - share
        habits[kind, working, 1 + WORK] += share
    table: NDArray[np.float64] = habits / habits.sum(axis=2, keepdims=True)
    return table


def _sample_last_done(
    rng: Generator, habits: NDArray[np.float64], weekday: int
) -> tuple[float, ...]:
    """Draw how many days ago each activity was last done, by how usual it is."""
    hourly = habits.reshape(2, 24, 4, len(TYPES)).mean(axis=2)[:, :, 1:]
    daily = 1.0 - np.prod(1.0 - hourly, axis=1)
    since = np.full(len(features.ACTIVITIES), float(LONG_AGO_DAYS))
    for days in range(LONG_AGO_DAYS - 1, 0, -1):
        weekend = int((weekday - days) % 7 >= 5)
        since[rng.random(len(since)) < daily[weekend]] = days
    return tuple(since)
