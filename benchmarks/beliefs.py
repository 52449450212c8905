"""The posterior: what one answer costs, and what it takes to read everything again."""

from __future__ import annotations

import tempfile
import time
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import numpy as np
from figures import FAST, SEED, figure

SIZE, OPTIONS, SHARE = 80, 4, 0.1
PIECES = 2_000 if FAST else 10_000
LIVED_DAYS = 60 if FAST else 360


def measure():
    """Print posterior.update_choice_s and posterior.learn_10000_s.

    The first beside one dense solve of the same size; the second, all evidence of a life read
    anew, beside as many subtractions of a vector's square from the covariance, without which no
    Gaussian learns anything.
    """
    from twind.preferences import Posterior

    rng = np.random.default_rng(SEED)
    posterior = Posterior(np.zeros(SIZE), np.eye(SIZE) * 0.25)
    matrix = rng.normal(size=(SIZE, SIZE))
    runs = 100 if FAST else 500
    shape = (runs + 1, OPTIONS, SIZE)
    options = rng.normal(size=shape) * (rng.random(shape) < SHARE)
    posterior.update_choice(options[runs], 0)
    updates, solves = [], []
    for number in range(runs):
        began = time.perf_counter()
        posterior.update_choice(options[number], 0)
        between = time.perf_counter()
        np.linalg.solve(matrix, options[number].T)
        updates.append(between - began)
        solves.append(time.perf_counter() - between)
    figure("posterior.update_choice_s", updates, "s", baseline=solves)
    _measure_learning()


def _measure_learning():
    belief, pieces = evidence_of_a_life()
    taken, squares = [], []
    for _ in range(3):
        began = time.perf_counter()
        learnt = belief.copy()
        learnt.learn(pieces)
        between = time.perf_counter()
        covariance = learnt.posterior.covariance
        for place in range(len(pieces)):
            row = covariance[place % len(covariance)]
            covariance = covariance - 1e-9 * np.outer(row, row)
        taken.append(between - began)
        squares.append(time.perf_counter() - between)
    figure(f"posterior.learn_{PIECES}_s", taken, "s", baseline=squares)


def evidence_of_a_life():
    """Return a prior, and PIECES of evidence as a simulated person's calendar gives it.

    Where the year has fewer, what lies before it is the same over again.
    """
    import fidelity
    import knowing
    from families import Ordinary

    from twind import evidence

    user = Ordinary(SEED)
    days = [user.life.first_day + timedelta(days=number) for number in range(-LIVED_DAYS, 0)]
    diary = [
        one for day in days for one in fidelity.noted(user, day, knowing.lived(user, day, ())[1])
    ]
    with tempfile.TemporaryDirectory() as root:
        twin = fidelity.Companion(user, diary, Path(root), "twind", 0)
        try:
            twin.wake_up(user.life.first_day)
            prior, found = evidence.prior(twin.reader()), evidence.collect(twin.reader())
        finally:
            twin.close()
    pieces = list(found)
    for year in range(1, 2 + PIECES // len(found)):
        back = timedelta(days=LIVED_DAYS * year)
        pieces += [replace(one, key=f"{one.key}/{year}", at=one.at - back) for one in found]
    return prior, pieces[:PIECES]
