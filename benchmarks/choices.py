"""How well a person's choices are foretold, one after the other, from a population's: real people.

The corpus has stated choices among four electricity offers. People are split in halves, at random
and again; the prior comes from one half, and each choice of the other half's people is predicted
before it is seen. What is printed is the mean negative log-likelihood of a choice in nats, less
being better (ln 4 = 1.386 for who knows nothing), and its range over the splits; late ones are from
the ninth on.
"""

from __future__ import annotations

import csv
import sys

import numpy as np
from figures import CORPUS, FAST, SEED, tell

CHOICES = CORPUS / "behaviour" / "electricity_choices.csv"
FEATURES = ("pf", "cl", "loc", "wk", "tod", "seas")
OFFERS = 4
LATE = 8
SPLITS = 1 if FAST else 10
PARTICLES = 6000


def measure():
    """Print choices.* in nats a choice, each beside a pooled logit on the same splits.

    `twind`: fit_prior and Posterior. `particles`: the same prior, and no approximation from there
    on but the number of draws. `laplace`: the usual cheaper way, priors and updates from the
    curvature at the mode. `pooled`: one logit for everybody, which learns nothing of a person.
    """
    if not CHOICES.is_file():
        print(f"no choices.*: {CHOICES} is missing", file=sys.stderr)
        return
    people = _people()
    told = {}
    for split in range(SPLITS):
        order = np.random.default_rng([SEED, split]).permutation(len(people))
        half = len(people) // 2
        known, unseen = ([people[i] for i in part] for part in (order[:half], order[half:]))
        for name, losses in _contest(known, unseen, split).items():
            told.setdefault(name, []).append([losses.mean(), losses[:, LATE:].mean()])
    for place, suffix in enumerate(("", "_late")):
        pooled = np.array(told["pooled"])[:, place]
        for name, values in told.items():
            nats = np.array(values)[:, place]
            tell(
                f"choices.{name}{suffix}", nats.mean(), nats.min(), nats.max(), "nats a choice",
                pooled.mean(), nats.mean() / pooled.mean(), SPLITS,
            )  # fmt: skip


def _people():
    """Return each person's choices, a list of (options (4, 6), chosen); most made twelve."""
    people = {}
    with CHOICES.open(newline="") as file:
        for row in csv.DictReader(file):
            options = [
                [float(row[f"{name}{offer}"]) for name in FEATURES]
                for offer in range(1, OFFERS + 1)
            ]
            choice = np.array(options), int(float(row["choice"])) - 1
            people.setdefault(row["id"], []).append(choice)
    return list(people.values())


def _contest(known, unseen, split):
    """Return the losses of each way, (people, most choices), nan where there are fewer."""
    from twind.preferences import fit_prior

    prior = fit_prior(known)
    draws = np.random.default_rng(split).multivariate_normal(
        prior.mean, prior.covariance, PARTICLES
    )
    at, spread = _laplace_prior(known)
    pooled = _mode([choice for one in known for choice in one], np.zeros(len(at)), None)[0]
    ways = {
        "twind": lambda: _Filter(prior.copy()),
        "particles": lambda: _Particles(draws),
        "laplace": lambda: _Laplace(at, spread),
        "pooled": lambda: _Pooled(pooled),
    }
    return {name: _losses(make, unseen) for name, make in ways.items()}


def _losses(make, people):
    losses = np.full((len(people), max(map(len, people))), np.nan)
    for row, choices in enumerate(people):
        way = make()
        for column, (options, chosen) in enumerate(choices):
            losses[row, column] = -np.log(way.predict(options)[chosen])
            way.learn(options, chosen)
    return np.ma.masked_invalid(losses)


class _Filter:
    """What twind does."""

    def __init__(self, posterior):
        self.predict, self.learn = posterior.predict_choice, posterior.update_choice


class _Particles:
    """Draws from the prior, weighed by what was chosen."""

    def __init__(self, draws):
        self.draws, self.logs = draws, np.zeros(len(draws))

    def predict(self, options):
        weights = np.exp(self.logs - self.logs.max())
        return weights @ np.exp(_log_softmax(self.draws @ options.T)) / weights.sum()

    def learn(self, options, chosen):
        self.logs += _log_softmax(self.draws @ options.T)[:, chosen]


class _Laplace:
    """The mode and its curvature, choice by choice; predicted from draws of that Gaussian."""

    def __init__(self, mean, covariance):
        self.mean, self.covariance = mean, covariance
        self.normal = np.random.default_rng(SEED).standard_normal((1000, len(mean)))

    def predict(self, options):
        draws = self.mean + self.normal @ np.linalg.cholesky(self.covariance).T
        return np.exp(_log_softmax(draws @ options.T)).mean(axis=0)

    def learn(self, options, chosen):
        self.mean, self.covariance = _mode([(options, chosen)], self.mean, self.covariance)


class _Pooled:
    """The same for everybody."""

    def __init__(self, values):
        self.values = values

    def predict(self, options):
        return np.exp(_log_softmax(self.values @ options.T))

    def learn(self, options, chosen):
        pass


def _laplace_prior(people):
    """Return mean and covariance of a population by EM with each person's curvature."""
    mean, covariance = np.zeros(len(FEATURES)), np.eye(len(FEATURES))
    for _ in range(40):
        fits = [_mode(choices, mean, covariance) for choices in people]
        modes = np.array([mode for mode, _ in fits])
        mean = modes.mean(axis=0)
        covariance = np.mean([spread for _, spread in fits], axis=0) + np.cov(modes.T, bias=True)
    return mean, covariance


def _mode(choices, mean, covariance):
    """Return where the posterior of some choices is highest, and its inverse curvature there.

    By Newton's method, each step halved until it climbs; without a covariance, the likelihood's.
    """
    options = np.stack([each for each, _ in choices])
    chosen = np.array([each for _, each in choices])
    precision = np.zeros((len(mean),) * 2) if covariance is None else np.linalg.inv(covariance)
    rows = np.arange(len(chosen))

    def height(at):
        away = at - mean
        return _log_softmax(options @ at)[rows, chosen].sum() - 0.5 * away @ precision @ away

    at = mean
    for _ in range(50):
        chances = np.exp(_log_softmax(options @ at))
        expected = np.einsum("nk,nkd->nd", chances, options)
        centred = options - expected[:, None]
        hessian = precision + np.einsum("nk,nkd,nke->de", chances, centred, centred)
        gradient = (options[rows, chosen] - expected).sum(axis=0) - precision @ (at - mean)
        step = np.linalg.solve(hessian, gradient)
        while height(at + step) < height(at) and np.abs(step).max() > 1e-9:
            step = step / 2
        at = at + step
        if np.abs(step).max() < 1e-7:
            break
    return at, np.linalg.inv(hessian)


def _log_softmax(logits):
    shifted = logits - logits.max(axis=-1, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))
