"""The posterior: what one answer costs."""

from __future__ import annotations

import time

from figures import FAST, SEED, figure

SIZE, OPTIONS, SHARE = 80, 4, 0.1


def measure():
    """Print posterior.update_choice_s, beside one dense solve of the same size."""
    import numpy as np

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
