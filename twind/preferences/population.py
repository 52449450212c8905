"""What a population's choices say of somebody who is not known yet: empirical Bayes.

Usable on its own, on features of any dimension.
"""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING

import numpy as np

from twind.preferences.posterior import Posterior, finite, log_softmax, scaled

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, NDArray

    Vector = NDArray[np.float64]
    Matrix = NDArray[np.float64]
    Choices = list[tuple[Matrix, NDArray[np.intp]]]
    """A person's, stacked by their number of options: [(n, k, d), (n,) chosen]."""

DRAWS = 400
"""Points at which each person's posterior is looked at."""
FREEDOM, WIDER = 5.0, 1.2
"""Degrees of freedom of the t distribution that the points are drawn from, and how much wider its
scale matrix is than the curvature at the mode says: tails that reach beyond the posterior's."""
FEWEST = 40.0
"""Effective points below which the curvature serves instead: so many dimensions, or such evidence,
are out of the reach of the draws."""
CLOSE = 1e-3
"""Standard deviations: it is over when nothing moves by more."""
NEWTON_STEPS, TOLERANCE = 60, 1e-10
NOTHING = 1e-12
"""Of the greatest variance: in a direction with less, options differ by rounding alone."""
LEAST = 1e-10
"""A feature of less variance is taken for none: its strengths would be too wide for a Posterior."""


def fit_prior(
    histories: Sequence[Sequence[tuple[ArrayLike, int]]], iterations: int = 60
) -> Posterior:
    """Return the prior that a population's choices speak for.

    histories: one a person, each a list of (options (k, d), chosen). iterations: steps at most.

    By Monte Carlo EM (Wei & Tanner 1990): the E-step weighs draws around each person's mode by
    importance, the same draws in every step, so that it converges and repeats; the M-step takes
    their mean, and the mean of their covariances plus their scatter, with one person's worth of a
    broad guess (logits of unit variance a feature) to keep it positive definite. Of directions in
    which no options differ nobody's choices tell: there that guess stands, about 0. Raises
    ValueError without a single choice, or where dimensions differ.
    """
    people = [grouped for history in histories if (grouped := _grouped(history))]
    sizes = {options.shape[2] for person in people for options, _ in person}
    if len(sizes) != 1:
        raise ValueError(
            "histories: hold no choices" if not sizes else f"histories: d differs: {sorted(sizes)}"
        )
    size = sizes.pop()
    sd = _broad_sd(people, size)
    told = _told(people, sd)
    mean, covariance = np.zeros(size), np.eye(size)
    if told.shape[1]:
        along = [_along(person, sd[:, None] * told) for person in people]
        inner_mean, inner = _fitted(along, iterations)
        mean = told @ inner_mean
        covariance += told @ (inner - np.eye(told.shape[1])) @ told.T
    covariance = 0.5 * (covariance + covariance.T)
    return Posterior(sd * mean, np.outer(sd, sd) * covariance)


def _fitted(people: list[Choices], iterations: int) -> tuple[Vector, Matrix]:
    """Return mean (r,) and covariance (r, r) of people, whose broad guess is N(0, I)."""
    size = people[0][0][0].shape[2]
    draws = _draws(len(people), size)
    mean, covariance = np.zeros(size), np.eye(size)
    modes = [mean] * len(people)
    for _ in range(iterations):
        precision = np.asarray(np.linalg.inv(covariance), dtype=np.float64)
        fits = []
        for place, person in enumerate(people):
            modes[place], curvature = _mode(person, mean, precision, modes[place])
            fits.append(_moments(person, mean, precision, modes[place], curvature, draws[place]))
        new_mean = np.mean([middle for middle, _ in fits], axis=0)
        scatter = sum(
            (spread + np.outer(middle - new_mean, middle - new_mean) for middle, spread in fits),
            start=np.zeros((size, size)),
        )
        new_covariance = (scatter + np.eye(size)) / (len(people) + 1.0)
        sd = np.sqrt(np.diag(new_covariance))
        moved = np.abs(new_mean - mean) / sd
        widened = np.abs(new_covariance - covariance) / np.outer(sd, sd)
        mean, covariance = new_mean, 0.5 * (new_covariance + new_covariance.T)
        if max(float(moved.max()), float(widened.max())) < CLOSE:
            break
    return mean, covariance


def _differences(person: Choices) -> Matrix:
    """Return how a person's options differ from their choice's mean, (all options, d)."""
    return np.concatenate(
        [
            (options - options.mean(axis=1, keepdims=True)).reshape(-1, options.shape[2])
            for options, _ in person
        ]
    )


def _broad_sd(people: list[Choices], size: int) -> Vector:
    """Return the sds (d,) under which each feature moves logits with unit variance; else 1."""
    scale = np.zeros(size)
    for person in people:
        scale += np.sum(_differences(person) ** 2, axis=0)
    scale /= sum(options[..., 0].size for person in people for options, _ in person)
    differs = scale > max(LEAST, NOTHING * float(scale.max()))
    sd: Vector = 1.0 / np.sqrt(np.where(differs, scale, 1.0))
    return sd


def _told(people: list[Choices], sd: Vector) -> Matrix:
    """Return the directions in which options differ at all, of scaled features: (d, r)."""
    gram = sum(
        (_gram(_differences(person) * sd) for person in people), start=np.zeros(2 * sd.shape)
    )
    values, vectors = np.linalg.eigh(gram)
    told: Matrix = vectors[:, values > NOTHING * max(float(values[-1]), 1.0)]
    return told


def _gram(rows: Matrix) -> Matrix:
    return rows.T @ rows


def _along(person: Choices, axes: Matrix) -> Choices:
    """Return a person's choices with options by these axes (d, r) alone."""
    return [(options @ axes, chosen) for options, chosen in person]


def _draws(people: int, size: int) -> NDArray[np.float64]:
    """Return draws from a standard t distribution, (people, DRAWS, d), always the same.

    Each with its mirror image, so that what tells nothing moves no mean.
    """
    rng = np.random.default_rng(0)
    normal = rng.standard_normal((people, DRAWS // 2, size))
    scale = np.sqrt(FREEDOM / rng.chisquare(FREEDOM, (people, DRAWS // 2, 1)))
    half = normal * scale
    return np.concatenate([half, -half], axis=1)


# --- one person's choices at once -----------------------------------------------------------------


def _grouped(history: Sequence[tuple[ArrayLike, int]]) -> Choices:
    """Stack a person's choices by their number of options."""
    checked: list[tuple[Matrix, int]] = []
    for options, chosen in history:
        rows = scaled(finite(options, "options", (-1, -1)))
        if not 0 <= chosen < rows.shape[0]:
            raise ValueError(f"chosen: {chosen} is none of the {rows.shape[0]} options")
        checked.append((rows, int(chosen)))
    checked.sort(key=lambda choice: choice[0].shape)
    groups = [list(group) for _, group in groupby(checked, key=lambda choice: choice[0].shape)]
    return [
        (np.stack([rows for rows, _ in group]), np.array([chosen for _, chosen in group]))
        for group in groups
    ]


def _mode(person: Choices, mean: Vector, precision: Matrix, start: Vector) -> tuple[Vector, Matrix]:
    """Return the mode, (d,), given all of a person's choices, and the negative Hessian there."""
    at = start
    value, gradient, hessian = _slopes(person, mean, precision, at)
    for _ in range(NEWTON_STEPS):
        step = np.linalg.solve(hessian, gradient)
        promise = float(step @ gradient)
        if promise < TOLERANCE:
            break
        length = 1.0
        while length > 1e-6:
            trial = at + length * step
            candidate = _slopes(person, mean, precision, trial)
            if candidate[0] >= value:
                at, (value, gradient, hessian) = trial, candidate
                break
            length *= 0.5
        else:
            break
    return at, hessian


def _moments(
    person: Choices,
    mean: Vector,
    precision: Matrix,
    mode: Vector,
    curvature: Matrix,
    draws: Matrix,
) -> tuple[Vector, Matrix]:
    """Return the mean and the covariance given all of a person's choices, by importance."""
    covariance = np.linalg.inv(curvature)
    covariance = 0.5 * (covariance + covariance.T)
    points = mode + draws @ np.linalg.cholesky(WIDER * covariance).T
    away = points - mean
    logs = _log_likelihoods(person, points) - 0.5 * np.sum((away @ precision) * away, axis=1)
    distance = np.sum(draws**2, axis=1)
    logs += 0.5 * (FREEDOM + len(mode)) * np.log1p(distance / FREEDOM)
    weights = np.exp(logs - logs.max())
    weights /= weights.sum()
    if 1.0 / float(np.sum(weights**2)) < FEWEST:
        return mode, covariance
    middle = weights @ points
    centred = (points - middle) * np.sqrt(weights)[:, None]
    return middle, centred.T @ centred


def _log_likelihoods(person: Choices, points: Matrix) -> Vector:
    """Return the log-likelihood of all choices at each of s points (s, d), (s,)."""
    total = np.zeros(len(points))
    for options, chosen in person:
        logs = log_softmax(np.einsum("nkd,sd->snk", options, points, optimize=True))
        total += logs[:, np.arange(len(chosen)), chosen].sum(axis=1)
    return total


def _slopes(
    person: Choices, mean: Vector, precision: Matrix, at: Vector
) -> tuple[float, Vector, Matrix]:
    """Return the log posterior up to a constant, its gradient and its negative Hessian."""
    away = at - mean
    value = -0.5 * float(away @ precision @ away)
    gradient = -precision @ away
    hessian = precision.copy()
    for options, chosen in person:
        logs = log_softmax(options @ at)
        chances = np.exp(logs)
        rows = np.arange(len(chosen))
        expected = np.einsum("nk,nkd->nd", chances, options)
        value += float(logs[rows, chosen].sum())
        gradient += (options[rows, chosen] - expected).sum(axis=0)
        centred = (options - expected[:, None, :]) * np.sqrt(chances)[:, :, None]
        flat = centred.reshape(-1, options.shape[2])
        hessian += flat.T @ flat
    return value, gradient, hessian
