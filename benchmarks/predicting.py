"""A supervised predictor of acceptance: what learns from the same reviews, and knows no more.

Bayesian logistic regression (a Gaussian prior, the mode by Newton's method) on what a proposal is:
its activity, the hour, its length, whom or what it is for. It proposes what is likeliest to be
accepted, and a little of the rest, to learn of it.
"""

from __future__ import annotations

import itertools

import numpy as np

from twind.preferences.features import ACTIVITIES

EXPLORES = 0.2
"""How often it proposes at random, whatever it expects: who does not is silent after a few noes."""
LEAST = 0.5
"""Below this probability it says nothing else."""
BANDS_H = 4
PRECISION = 1.0


class Predictor:
    """Somebody who proposes what will be accepted, at most so much a day."""

    def __init__(self, seed, most):
        self.seed, self.most = seed, most
        self.rows, self.taken = [], []

    def propose(self, everything, day, clash):
        """Return proposals for a day, out of all there could be, no two of which `clash`."""
        if not everything:
            return []
        rng = np.random.default_rng([self.seed, day.toordinal()])
        features = np.array([self._describe(one) for one in everything])
        chances = 1.0 / (1.0 + np.exp(-features @ self._weights(features.shape[1])))
        chosen = []
        for _ in range(self.most):
            explores = rng.random() < EXPLORES
            # Ties are many: hours of one band are alike.
            likeliest = np.lexsort((rng.random(len(everything)), -chances))
            order = rng.permutation(len(everything)) if explores else likeliest
            fresh = (
                everything[row]
                for row in order
                if (explores or chances[row] >= LEAST)
                and not any(clash(everything[row], one) for one in chosen)
            )
            chosen += itertools.islice(fresh, 1)
        return sorted(chosen, key=lambda one: one.start)

    def learn(self, proposal, taken):
        """Take note of what was said to a proposal."""
        self.rows.append(self._describe(proposal))
        self.taken.append(float(taken))

    def _describe(self, proposal):
        row = np.zeros(len(ACTIVITIES) + 24 // BANDS_H + 4)
        row[ACTIVITIES.index(proposal.action)] = 1.0
        row[len(ACTIVITIES) + proposal.start.hour // BANDS_H] = 1.0
        kind = proposal.target.kind if proposal.target is not None else ""
        row[-4:] = 1.0, proposal.duration_min / 60 - 1.0, kind == "person", kind == "project"
        return row

    def _weights(self, size):
        weights = np.zeros(size)
        if not self.rows:
            return weights
        rows, taken = np.array(self.rows), np.array(self.taken)
        for _ in range(20):
            chances = 1.0 / (1.0 + np.exp(-rows @ weights))
            gradient = rows.T @ (taken - chances) - PRECISION * weights
            hessian = (rows.T * (chances * (1.0 - chances))) @ rows + PRECISION * np.eye(size)
            weights = weights + np.linalg.solve(hessian, gradient)
        return weights
