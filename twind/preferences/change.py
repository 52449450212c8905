"""Sudden change: whether what has come in of late speaks of somebody else.

Slow drift is what forgetting is for. For sudden change the recent evidence is foretold twice, piece
by piece, each before it is learnt: by what was believed before it, and by the same belief that has
let go of most of what it knew of one dimension, or of everything. Where letting go foretells it so
much better that chance hardly does that (the logarithm of the Bayes factor, Kass & Raftery 1995),
something has changed.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np

from twind.preferences import catalogue
from twind.preferences.belief import ATTRIBUTE_NAMES
from twind.preferences.observations import NOISE, Change

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Sequence

    from twind.preferences.belief import Belief
    from twind.preferences.observations import Observation

SINCE_DAYS = (14, 7)
"""How long ago it may have been."""
KEPT = 0.5
"""How much of what was known is kept of what has changed: values flip, but rarely all at once."""
LEAST_NATS = 5.0
"""Log Bayes factor from which it is a change. Kass & Raftery call 3 to 5 strong, and more very
strong; who looks every day, at several dimensions, sees much."""
FEWEST_BEFORE, FEWEST_SINCE = 20, 8
"""Pieces of evidence before it and since, below which nobody can tell."""
APART_DAYS = 28
"""One dimension changes no more often."""
LOOKED_AT = 3
"""Dimensions that are looked at: those which the recent evidence has moved most."""


@dataclass(frozen=True, slots=True)
class Found:
    """A change.

    Attributes:
        at: from when on.
        dimension: of what; "" for much of all there is.
        nats: log Bayes factor.

    """

    at: datetime
    dimension: str
    nats: float


def as_evidence(dimension: str) -> Change:
    """Return what a change of a dimension, or of everything (""), says as evidence."""
    return Change(names_of(dimension), KEPT)


def names_of(dimension: str) -> tuple[str, ...]:
    """Return the codes of a dimension's aspects; for "" all that is believed of hours as such."""
    beyond = () if dimension else ATTRIBUTE_NAMES
    return beyond + tuple(
        aspect.code for aspect in catalogue.aspects() if dimension in ("", aspect.dimension)
    )


def find(
    prior: Belief,
    evidence: Iterable[Observation],
    now: datetime,
    known: Iterable[tuple[datetime, str]] = (),
) -> Found | None:
    """Return the likeliest change of late, or None where nothing speaks for one.

    prior: what is believed before any evidence; left as it is. known: when which dimension was
    found to have changed before, rightly or not.
    """
    seen = sorted(evidence, key=lambda one: (one.at, one.key))
    settled = {dimension for at, dimension in known if at > now - timedelta(days=APART_DAYS)}
    if "" in settled:
        return None
    found: list[Found] = []
    belief, last = prior.copy(), None
    for days in SINCE_DAYS:
        at = now - timedelta(days=days)
        before = [one for one in seen if one.at < at]
        since = [one for one in seen if one.at >= at]
        belief.learn([one for one in before if last is None or one.at >= last], at, since=last)
        last = at
        if len(before) >= FEWEST_BEFORE and len(since) >= FEWEST_SINCE:
            found += _since(belief, since, at, settled)
    return max(
        (one for one in found if one.nats >= LEAST_NATS), key=lambda one: one.nats, default=None
    )


def _since(
    belief: Belief, evidence: Sequence[Observation], at: datetime, settled: Collection[str]
) -> Iterator[Found]:
    """Yield how much better the evidence since then is foretold by having let go of what."""
    stays = belief.copy()
    unchanged = _told(stays, evidence)
    for dimension in ("", *_moved(belief, stays)):
        if dimension not in settled:
            changed = belief.copy()
            changed.let_go(names_of(dimension), KEPT)
            yield Found(at, dimension, _told(changed, evidence) - unchanged)


def _told(belief: Belief, evidence: Iterable[Observation]) -> float:
    """Learn from evidence; return how well it was foretold, in nats, by its weight."""
    nats = 0.0
    for seen in evidence:
        chance = belief.foretell(seen)
        if chance is not None:
            weight = NOISE[seen.kind].weight * seen.weight
            nats += weight * math.log(max(chance, 1e-12))
        belief.update(seen)
    return nats


def _moved(before: Belief, after: Belief) -> list[str]:
    """Return the dimensions that the evidence has moved most, by what was known of them."""
    far = {}
    for dimension in catalogue.dimensions():
        moves = [
            (after.mean_of(aspect.code) - before.mean_of(aspect.code)) / before.sd_of(aspect.code)
            for aspect in dimension.aspects
        ]
        far[dimension.name] = float(np.sum(np.square(moves)))
    return sorted(far, key=lambda name: -far[name])[:LOOKED_AT]
