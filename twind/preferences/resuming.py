"""Learning on: evidence that has been learnt once is not learnt again.

Learning goes through the evidence in the order of time, so that a belief kept after the last piece
is where to go on when more has come in behind it, as an answer does. A mark names what a belief
rests on: the prior and every piece of evidence up to it, in order. Where the marks of now do not
hold the kept one, because something earlier is gone or counts differently, all is learnt anew. What
comes out is the same either way, to the last bit.
"""

from __future__ import annotations

from hashlib import blake2b
from typing import TYPE_CHECKING

import twind
from twind.errors import ModelError
from twind.preferences.belief import Belief
from twind.preferences.observations import NOISE
from twind.preferences.posterior import HALF_LIFE_DAYS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import datetime

    from twind.preferences.observations import Observation

_MARK_BYTES = 32


def learn(
    prior: Belief, observations: Iterable[Observation], until: datetime, kept: bytes | None = None
) -> tuple[Belief, bytes]:
    """Return what is believed at `until` after all evidence, and what to keep for the next time.

    prior: what is believed before any evidence; left as it is. kept: what an earlier call returned
    to be kept, by this version of twind or any other; what is of no use is passed over. The belief
    is that of `prior.copy().learn(observations, until)`.
    """
    seen = sorted(observations, key=lambda one: (one.at, one.key))
    marks = list(_marks(prior, seen, until))
    found = _resume(kept, marks)
    belief, done = found or (prior.copy(), 0)
    since = min(seen[done - 1].at, until) if done else None
    last = min(seen[-1].at, until) if seen else until
    belief.learn(seen[done:], last, since=since)
    keeping = marks[-1] + belief.to_bytes()
    belief.fade(last, until)
    return belief, keeping


def _marks(prior: Belief, seen: Sequence[Observation], until: datetime) -> Iterator[bytes]:
    """Yield the mark of the prior, and that after each piece of evidence."""
    rests_on = blake2b(
        repr((twind.__version__, NOISE, HALF_LIFE_DAYS)).encode(), digest_size=_MARK_BYTES
    )
    rests_on.update(prior.to_bytes())
    yield rests_on.digest()
    for one in seen:
        told = (one.key, min(one.at, until), one.kind, one.weight, one.likelihood)
        rests_on.update(repr(told).encode())
        yield rests_on.digest()


def _resume(kept: bytes | None, marks: Sequence[bytes]) -> tuple[Belief, int] | None:
    """Return the kept belief and how much of the evidence it has learnt; None to begin anew."""
    if kept is None or kept[:_MARK_BYTES] not in marks:
        return None
    try:
        return Belief.from_bytes(kept[_MARK_BYTES:]), marks.index(kept[:_MARK_BYTES])
    except ModelError:
        return None
