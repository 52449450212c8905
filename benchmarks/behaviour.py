"""How well a person's days and habits are foretold, one after the other: real people.

Two parts of the corpus. Diaries: how the minutes of a day went to twelve activities, several days a
person; people are split in halves, at random and again, what is fitted is fitted on one half, and
each of the other half's days is foretold from the days before it. The score is the mean negative
log-probability, in nats, of what somebody is at in a moment of the day, from a person's second day
on. Habits: one person's daily habits, done or missed; each is foretold from the days before, and
the score is that of done or missed.
"""

from __future__ import annotations

import csv
import math
import sys
import tempfile
from collections import defaultdict
from datetime import UTC, date, datetime
from itertools import product
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
from figures import CORPUS, FAST, SEED, tell

DIARIES = CORPUS / "behaviour" / "time_use.csv"
TASKS = CORPUS / "tasks" / "taskwarrior"
TASKS_READ_ON = datetime(2021, 8, 26, 12, tzinfo=UTC)
TASKS_ZONE = ZoneInfo("America/Chicago")
"""Where the days of the habits end: they fall due at five in the morning UTC, in summer."""
ACTIVITIES = 12
SPLITS, MOST_PEOPLE = (1, 60) if FAST else (10, None)
CHOICES_A_DAY = 4
"""What a diary day counts as, for the posterior: hours that follow each other are one choice."""
LEAST = 1e-5
"""Share that nothing falls below: somebody will do what nobody did."""
PRIOR_DAYS = np.exp(np.arange(-1.0, 3.0, 0.1))
KEPT_A_DAY = (0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)
LENT = (0.0, 0.25, 0.5, 1.0)
HALF_LIVES = (8.0,) if FAST else (2.0, 4.0, 8.0, 16.0, math.inf)
HABIT_HALF_LIVES = (15.0,) if FAST else (4.0, 8.0, 15.0, 30.0, 60.0, 120.0, math.inf)
HABIT_SDS = (1.5, 1.0)
"""Spread of the log-odds that all habits of a person share, and of each beside it: assumed."""


def measure():
    """Print behaviour.*, each beside who knows only what all have in common."""
    if DIARIES.is_file():
        _measure_diaries()
    else:
        print(f"no behaviour.diaries.*: {DIARIES} is missing", file=sys.stderr)
    if TASKS.is_dir():
        _measure_habits()
    else:
        print(f"no behaviour.habits.*: {TASKS} is missing", file=sys.stderr)


# --- diaries -------------------------------------------------------------------------------------


def _measure_diaries():
    """Print behaviour.diaries.* and the days that the population's habits were best counted as.

    `twind`: fit_prior, and Posterior with its forgetting. `habits`: what the table of habits does,
    with its PRIOR_DAYS. `shrunken`: the same with the days fitted; `recent`: fitted as well what is
    kept of a day's count from one day to the next, and what a weekday counts at a weekend and the
    other way round. `own`: the person's days so far and nearly nothing else. `population`: the same
    for everybody.
    """
    people = diaries()
    told, days = defaultdict(list), []
    for split in range(SPLITS):
        order = np.random.default_rng([SEED, split]).permutation(len(people))
        half = len(people) // 2
        known, unseen = ([people[i] for i in part] for part in (order[:half], order[half:]))
        ways, prior_days = fitted_ways(known)
        days.append(prior_days)
        for name, make in ways.items():
            told[name].append(diary_loss(make, unseen))
    for name, nats in told.items():
        _tell(f"diaries.{name}", nats, "nats a moment", told["population"])
    tell(
        "behaviour.diaries.prior_days", np.median(days), min(days), max(days), "days, fitted", None,
        None, SPLITS,
    )  # fmt: skip


def diaries():
    """Return each person's days in order, a list of (date, whether a weekend, shares (12,))."""
    people = defaultdict(list)
    with DIARIES.open(newline="") as file:
        for row in csv.DictReader(file):
            minutes = np.array([float(row[f"t_a{one:02}"]) for one in range(1, ACTIVITIES + 1)])
            day = datetime.strptime(row["date"], "%Y%m%d").date()
            people[row["indivID"]].append((day, int(row["weekend"]), minutes / minutes.sum()))
    return [sorted(days, key=lambda day: day[0]) for days in people.values()][:MOST_PEOPLE]


def fitted_ways(known):
    """Return ways to foretell, by name, and the best number of days of the population's."""
    population = np.array(
        [
            np.mean([shares for days in known for _, kind, shares in days if kind == weekend], 0)
            for weekend in (0, 1)
        ]
    )
    population = np.maximum(population, LEAST)
    population /= population.sum(axis=1, keepdims=True)

    def best(ways):
        return min(ways, key=lambda make: diary_loss(make, known))

    shrunken = [_way(Shares, population, days) for days in PRIOR_DAYS]
    recent = [
        _way(Shares, population, *fitted) for fitted in product(PRIOR_DAYS[::4], KEPT_A_DAY, LENT)
    ]
    prior = _prior_of(known)
    ways = {
        "population": _way(Shares, population, 1e9),
        "own": _way(Shares, population, 0.01),
        "habits": _way(Shares, population),
        "shrunken": best(shrunken),
        "recent": best(recent),
        "twind": best([_way(Choices, prior, half_life) for half_life in HALF_LIVES]),
    }
    return ways, float(ways["shrunken"]().prior_days)


def _way(kind, *about):
    return lambda: kind(*about)


def diary_loss(make, people):
    """Return the loss of a way, nats a moment, from each person's second day on."""
    losses = []
    for days in people:
        way, before = make(), days[0][0]
        for number, (day, weekend, shares) in enumerate(days):
            way.pass_days((day - before).days)
            before = day
            if number:
                losses.append(-float(shares @ np.log(way.predict(weekend))))
            way.learn(weekend, shares)
    return float(np.mean(losses))


class Shares:
    """What twind's table of habits does, with all quarters of a day in one."""

    def __init__(self, population, prior_days=None, kept=1.0, lent=0.0):
        from twind.preferences.detectors.habits import PRIOR_DAYS as TWINDS

        self.population, self.kept, self.lent = population, kept, lent
        self.prior_days = TWINDS if prior_days is None else prior_days
        self.counts = np.zeros_like(population)

    def pass_days(self, days):
        """Let some days pass."""
        self.counts *= self.kept**days

    def predict(self, weekend):
        """Return the shares (12,) expected of a day."""
        from twind.preferences.detectors.habits import shrunken

        counts = self.counts[weekend] + self.lent * self.counts[1 - weekend]
        return shrunken(counts, self.population[weekend], self.prior_days)

    def learn(self, weekend, shares):
        """Learn how a day went."""
        self.counts[weekend] += shares


class Choices:
    """twind's posterior: some choices a day among the activities, apart at weekends."""

    def __init__(self, prior, half_life_days):
        self.posterior, self.half_life_days = prior.copy(), half_life_days

    def pass_days(self, days):
        """Let some days pass."""
        self.posterior.forget(float(days), half_life_days=self.half_life_days)

    def predict(self, weekend):
        """Return the shares (12,) expected of a day."""
        return self.posterior.predict_choice(_options(weekend))

    def learn(self, weekend, shares):
        """Learn how a day went."""
        for activity in np.flatnonzero(shares):
            self.posterior.update_choice(
                _options(weekend), int(activity), CHOICES_A_DAY * shares[activity]
            )


def _options(weekend):
    """Return the features of the activities, (12, 24): each for itself, and what weekends add."""
    return np.hstack([np.eye(ACTIVITIES), weekend * np.eye(ACTIVITIES)])


def _prior_of(people):
    """Return the prior that these people's days speak for, each day at moments evenly apart."""
    from twind.preferences import fit_prior

    rng = np.random.default_rng(SEED)
    return fit_prior(
        [
            [
                (_options(weekend), activity)
                for _, weekend, shares in days
                for activity in _at_moments(shares, rng.random())
            ]
            for days in people
        ]
    )


def _at_moments(shares, luck):
    """Return the activities of CHOICES_A_DAY moments, each as probable as its share."""
    moments = (np.arange(CHOICES_A_DAY) + luck) / CHOICES_A_DAY
    found = np.searchsorted(np.cumsum(shares), moments, side="right")
    return np.minimum(found, np.flatnonzero(shares)[-1]).tolist()


# --- habits --------------------------------------------------------------------------------------


def _measure_habits():
    """Print behaviour.habits.*, of all days and of the later half of what was due.

    `twind`: its posterior, over an inclination that all habits share and one of each, forgetting;
    its half-life is the best over the first half. `each`: each habit's rate so far, `each_recent`
    with the share kept a day that was best over the first half. `overall`: the rate of all.
    """
    days = habit_days()
    count = sum(map(len, days.values())) // 2
    ids = sorted({habit for due in days.values() for habit, _ in due})

    def best(ways):
        return min(ways, key=lambda make: habit_losses(make(), days)[:count].mean())

    ways = {
        "overall": _way(Rates, 1.0, True),
        "each": _way(Rates, 1.0, False),
        "each_recent": best([_way(Rates, kept, False) for kept in (*KEPT_A_DAY, 0.95)]),
        "twind": best([_way(Inclinations, ids, one) for one in HABIT_HALF_LIVES]),
    }
    losses = {name: habit_losses(make(), days) for name, make in ways.items()}
    for suffix, part in (("", slice(None)), ("_late", slice(count, None))):
        for name, each in losses.items():
            _tell(f"habits.{name}{suffix}", [each[part].mean()], "nats a time",
                  [losses["overall"][part].mean()], len(each[part]))  # fmt: skip


def habit_days():
    """Return what was due each day, {day: [(habit, whether done)]}, as twind reads the files."""
    from twind.home import Home, bundled
    from twind.store import Store, life
    from twind.testing import Twin

    found: defaultdict[date, list] = defaultdict(list)
    with tempfile.TemporaryDirectory() as root:
        settings = {"paths": [str(TASKS)]}
        with Twin(
            bundled("plugins") / "tasks", settings, root=Path(root), now=TASKS_READ_ON
        ) as twin:
            twin.sync()
        with Store.open(Home.under(Path(root)).database) as db:
            for habit in life.habits(db, 1):
                if habit.recurrence == "daily":
                    for moments, done in ((habit.done, True), (habit.missed, False)):
                        for moment in moments:
                            found[moment.astimezone(TASKS_ZONE).date()].append((habit.id, done))
    return dict(sorted(found.items()))


def habit_losses(way, days):
    """Return the loss of each time, in nats; those of one day know nothing of each other."""
    losses, before = [], next(iter(days))
    for day, due in days.items():
        way.pass_days((day - before).days)
        before = day
        for habit, done in due:
            chance = way.predict(habit)
            losses.append(-math.log(chance if done else 1.0 - chance))
        for habit, done in due:
            way.learn(habit, done)
    return np.array(losses)


class Rates:
    """Hits and misses so far, one of each more: of each habit, or of all together."""

    def __init__(self, kept, together):
        self.kept, self.together = kept, together
        self.counts = defaultdict(lambda: np.zeros(2))

    def _counts(self, habit):
        return self.counts[None if self.together else habit]

    def pass_days(self, days):
        """Let some days pass."""
        for counts in self.counts.values():
            np.multiply(counts, self.kept**days, out=counts)

    def predict(self, habit):
        """Return how probably it will be done."""
        missed, done = self._counts(habit) + 1.0
        return done / (missed + done)

    def learn(self, habit, done):
        """Learn what became of it."""
        self._counts(habit)[int(done)] += 1.0


class Inclinations:
    """twind's posterior over log-odds of being done: one share of all habits, one of each."""

    def __init__(self, ids, half_life_days):
        from twind.preferences import Posterior

        shared, single = HABIT_SDS
        spread = np.array([shared, *[single] * len(ids)])
        self.posterior = Posterior(np.zeros(1 + len(ids)), np.diag(spread**2))
        self.place = {habit: 1 + place for place, habit in enumerate(ids)}
        self.half_life_days = half_life_days

    def _features(self, habit):
        row = np.zeros(len(self.posterior.mean))
        row[[0, self.place[habit]]] = 1.0
        return row

    def pass_days(self, days):
        """Let some days pass."""
        self.posterior.forget(float(days), half_life_days=self.half_life_days)

    def predict(self, habit):
        """Return how probably it will be done."""
        row = self._features(habit)
        return float(self.posterior.predict_choice([row, np.zeros_like(row)])[0])

    def learn(self, habit, done):
        """Learn what became of it."""
        self.posterior.update_binary(self._features(habit), done)


def _tell(name, nats, unit, baseline, count=SPLITS):
    middle, base = float(np.mean(nats)), float(np.mean(baseline))
    tell(f"behaviour.{name}", middle, min(nats), max(nats), unit, base, middle / base, count)
