"""How soon a few well-chosen questions tell the rest of a questionnaire: real people.

The corpus has answers to 25 statements about oneself, from 1 (very inaccurate) to 6. People are
split in halves, at random and again; what the items have in common comes from one half, and the
other half's people are asked one item after the other. For everybody the items are dealt at random
into GROUPS groups. Each group in its turn is what is to be foretold, and none of it may be asked in
any way, so that all ways are judged by the same answers, and what is easy to foretell cannot leave
the set by being asked. That leaves a pool of 20 to choose from.

What is printed is the mean negative log-likelihood of a foretold answer in nats, less being better,
after 0, 1, … 12 questions, with its range over the splits.
"""

from __future__ import annotations

import csv
import math
import sys

import numpy as np
from figures import CORPUS, FAST, SEED, tell

ANSWERS = CORPUS / "behaviour" / "bfi.csv"
ITEMS, LEVELS = 25, 6
FACTORS = 5
"""As many as the questionnaire was made to measure."""
GROUPS = 5
MOST = 12
FEW, MANY = 5, 8
"""So many chosen ones should tell as much as so many in random order."""
SPLITS, PEOPLE = (1, 60) if FAST else (10, 250)
LOGISTIC_SD = math.pi / math.sqrt(3.0)
PROBIT = 1.702
"""What makes a logistic distribution look most like a normal one (Camilli 1994)."""


def measure():
    """Print items.*: the three curves in nats an answer, and what five chosen ones are worth.

    `chosen`: by the expected information of the answer, given those before. `fixed`: by the same,
    before any answer, and so in one order for all. `random`: in random order, everybody's another.
    All three learn by Posterior.update_ordinal from the same prior.
    """
    if not ANSWERS.is_file():
        print(f"no items.*: {ANSWERS} is missing", file=sys.stderr)
        return
    answers = read_answers(ANSWERS)
    curves = {way: [] for way in WAYS}
    for split in range(SPLITS):
        rng = np.random.default_rng([SEED, split])
        known, unseen = np.array_split(answers[rng.permutation(len(answers))], 2)
        scale = Scale(known)
        for way in WAYS:
            curves[way].append(foretell(scale, unseen[:PEOPLE], way, split))
    for asked in range(MOST + 1):
        base = np.array(curves["random"])[:, asked]
        for way in WAYS:
            nats = np.array(curves[way])[:, asked]
            tell(
                f"items.{way}_{asked}", nats.mean(), nats.min(), nats.max(), "nats an answer",
                base.mean(), nats.mean() / base.mean(), SPLITS,
            )  # fmt: skip
    for way in ("chosen", "fixed"):
        worth = [as_many(*pair) for pair in zip(curves[way], curves["random"], strict=True)]
        tell(
            f"items.{way}_{FEW}_as_random", np.mean(worth), min(worth), max(worth),
            "questions", MANY, np.mean(worth) / MANY, SPLITS,
        )  # fmt: skip


def read_answers(file):
    """Return the answers as levels 0..5, -1 where there is none: (people, ITEMS), int."""
    with file.open(newline="") as lines:
        rows = csv.reader(lines)
        next(rows)
        cells = [row[1 : ITEMS + 1] for row in rows]
    return np.array([[int(cell) - 1 if cell.isdigit() else -1 for cell in row] for row in cells])


class Scale:
    """What the items have in common, and how each is answered.

    Attributes:
        features: (ITEMS, FACTORS), what an item says of each factor; factors are standard normal.
        cuts: (ITEMS, LEVELS - 1), between the levels, as Posterior.update_ordinal takes them.

    """

    def __init__(self, answers):
        loadings = principal_axes(answers)
        # What a factor says of an answer, in units of what is the item's own: the logistic noise.
        own = np.sqrt(1.0 - np.sum(loadings**2, axis=1))
        self.features = PROBIT * loadings / own[:, None]
        self.cuts = np.array([_cuts(column[column >= 0]) for column in answers.T]) / own[:, None]


def principal_axes(answers):
    """Return the loadings of FACTORS factors, (ITEMS, FACTORS), by iterated principal axes."""
    usual = np.ma.masked_less(answers, 0).mean(axis=0)
    correlations = np.corrcoef(np.where(answers >= 0, answers, usual).T)
    shared = np.full(ITEMS, 0.5)
    for _ in range(50):
        np.fill_diagonal(correlations, shared)
        values, vectors = np.linalg.eigh(correlations)
        loadings = vectors[:, -FACTORS:] * np.sqrt(np.maximum(values[-FACTORS:], 0.0))
        shared = np.minimum(np.sum(loadings**2, axis=1), 0.95)
    return loadings * np.sqrt(shared / np.sum(loadings**2, axis=1))[:, None]


def _cuts(levels):
    """Return where a standard logistic variable is cut into levels as frequent as these."""
    counts = np.bincount(levels, minlength=LEVELS) + 0.5
    at_most = np.cumsum(counts)[:-1] / counts.sum()
    return np.log(at_most / (1.0 - at_most))


def foretell(scale, people, way, split):
    """Return the nats an answer that is foretold after 0..MOST questions, (MOST + 1,)."""
    losses, foretold = np.zeros(MOST + 1), 0
    for person, answers in enumerate(people):
        rng = np.random.default_rng([SEED, split, person])
        for group in np.array_split(rng.permutation(ITEMS), GROUPS):
            there = answers >= 0
            hidden = group[there[group]]
            there[group] = False
            pool = rng.permutation(np.flatnonzero(there))
            losses += interview(scale, answers, pool, hidden, WAYS[way])
            foretold += len(hidden)
    return losses / foretold


def interview(scale, answers, pool, hidden, choose):
    """Return the loss over the hidden items before and after each of MOST questions.

    Asks those of `pool`, in the order in which `choose(scale, belief, drawn up, left)` picks them.
    """
    from twind.preferences import Posterior

    belief = Posterior(np.zeros(FACTORS), np.eye(FACTORS))
    drawn_up = belief.copy()
    left = list(pool)
    losses = [loss(scale, belief, hidden, answers)]
    for _ in range(min(MOST, len(left))):
        item = left.pop(choose(scale, belief, drawn_up, left))
        belief.update_ordinal(scale.features[item], int(answers[item]), scale.cuts[item])
        # Somebody whose answers surprise nobody: it narrows, and stays where it is.
        drawn_up.update_linear(scale.features[item], 0.0, LOGISTIC_SD)
        losses.append(loss(scale, belief, hidden, answers))
    return np.array(losses + losses[-1:] * (MOST + 1 - len(losses)))


def most_telling(scale, belief, left):
    """Return the place of the item whose answer is expected to tell most."""
    from twind.preferences.posterior import ordinal_information

    rows = scale.features[left]
    gains = ordinal_information(rows @ belief.mean, belief.sd(rows) ** 2, scale.cuts[left])
    return int(np.argmax(gains))


WAYS = {
    "chosen": lambda scale, belief, _, left: most_telling(scale, belief, left),
    "fixed": lambda scale, _, drawn_up, left: most_telling(scale, drawn_up, left),
    "random": lambda *_: 0,
}


NODES, WEIGHTS = np.polynomial.hermite_e.hermegauss(21)
WEIGHTS /= WEIGHTS.sum()


def loss(scale, belief, items, answers):
    """Return the negative log-likelihood of these items' answers, summed."""
    rows = scale.features[items]
    values = (rows @ belief.mean)[:, None] + belief.sd(rows)[:, None] * NODES
    at_most = 1.0 / (1.0 + np.exp(values[..., None] - scale.cuts[items][:, None, :]))
    ends = np.zeros((*values.shape, 1))
    chances = WEIGHTS @ np.diff(at_most, prepend=ends, append=ends + 1.0)
    return -float(np.log(chances[np.arange(len(items)), answers[items]]).sum())


def as_many(chosen, at_random):
    """Return how many in random order tell as much as FEW chosen ones; MOST is the highest."""
    return float(np.interp(-chosen[FEW], -at_random, np.arange(MOST + 1)))
