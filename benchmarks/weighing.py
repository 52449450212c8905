"""How loudly each kind of evidence is to speak: what is foretold of simulated people, and how well.

People of five kinds live with it for some weeks, and answer questions as twind's model has it. Then
all that they said is read again in the order of time, each answer and each word on a proposal
foretold before it is read, with the constants as they are and with each halved and doubled. Who
speaks too loudly makes twind surer than it may be, and is found out by the next that is said.
"""

from __future__ import annotations

import tempfile
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from multiprocessing import get_context
from pathlib import Path

import fidelity
import numpy as np
from families import Contradictory, Habitual, Lexicographic, Linear, Ordinary
from figures import FAST, PEOPLE, SEED, tell

KINDS = (Ordinary, Linear, Lexicographic, Habitual, Contradictory)
DAYS = 7 if FAST else 28
SO_MANY = PEOPLE or (1 if FAST else 5)
FIRST = 100
"""The first person is this far from those on whom the constants were fitted."""
FACTORS = (0.5, 2.0)
NOISES = ("answer", "feedback", "behaviour")
MEASURED = ("answer", "scale", "feedback", "rmse")


def measure():
    """Print weighing.*: nats an answer, a level on a scale and a review, and the error of worth.

    `as_is`, and each constant halved and doubled, each beside as it is; lower is better.
    """
    seeds = [1000 * SEED + FIRST + number for number in range(SO_MANY)]
    with ProcessPoolExecutor(None, get_context("spawn")) as pool:
        told = list(pool.map(foretold, [number % len(KINDS) for number in range(SO_MANY)], seeds))
    middle = {name: np.nanmean([each[name] for each in told], axis=0) for name in settings()}
    for name, values in middle.items():
        for measured, value, base in zip(MEASURED, values, middle["as_is"], strict=True):
            unit = "hours" if measured == "rmse" else "nats"
            tell(
                f"weighing.{name}.{measured}", value, None, None, f"{unit}; simulated",
                base, value / base, SO_MANY,
            )  # fmt: skip


def settings():
    """Return by name what to change: a constant of observations.py, and by which factor."""
    changes = {"as_is": ("SCALE_SLOPE", 1.0)}
    for factor in FACTORS:
        for name in ("SCALE_SLOPE", "REJECTED"):
            changes[f"{name.lower()}_x{factor:g}"] = (name, factor)
        for kind in NOISES:
            changes[f"{kind}_slope_x{factor:g}"] = (kind, factor)
    return changes


def foretold(kind, seed):
    """Live with one person; return by setting what was lost on what they said, (4,)."""
    user = KINDS[kind](seed)
    diary = fidelity.lived_before(user)
    with tempfile.TemporaryDirectory() as root:
        twin = fidelity.Companion(user, diary, Path(root), "twind", 0)
        try:
            for number in range(DAYS):
                day = user.life.first_day + timedelta(days=number)
                twin.live(day, number, fidelity.Told())
            return {name: _lost(twin, *change) for name, change in settings().items()}
        finally:
            twin.close()


def _lost(twin, name, factor):
    """Return the mean nats lost on answers, scales and reviews, and the error of worth."""
    from twind import evidence
    from twind.preferences.features import attribute_worth
    from twind.preferences.observations import Ordinal

    lost = {"answer": [], "scale": [], "feedback": []}
    with changed(name, factor):
        reader = twin.reader()
        belief, last = evidence.prior(reader), None
        for seen in sorted(evidence.collect(reader), key=lambda one: (one.at, one.key)):
            belief.fade(last or seen.at, seen.at)
            last = seen.at
            chance = belief.foretell(seen)
            kind = "scale" if isinstance(seen.likelihood, Ordinal) else seen.kind
            if chance is not None and seen.kind in ("answer", "feedback"):
                lost[kind].append(-np.log(chance))
            belief.update(seen)
    error = attribute_worth(belief.strengths()) - twin.user.worth
    return [
        *(np.mean(each) if each else np.nan for each in lost.values()),
        np.sqrt(np.mean(error**2)),
    ]


@contextmanager
def changed(name, factor):
    """Read evidence with one constant otherwise."""
    from twind.preferences import observations

    noise = dict(observations.NOISE)
    constant = getattr(observations, name, None)
    if constant is None:
        observations.NOISE[name] = replace(noise[name], slope=factor * noise[name].slope)
    else:
        setattr(observations, name, factor * constant)
    try:
        yield
    finally:
        observations.NOISE.update(noise)
        if constant is not None:
            setattr(observations, name, constant)
