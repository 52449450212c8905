"""The user's own reviews as a test: whether a policy thinks more of what was accepted.

With each proposal goes what a policy would have seen at that moment. A share of the reviews is
withheld from the belief that training starts from (`reviewed.is_withheld`); on those a candidate
must not be worse than what serves: its probability of what was accepted, against that of what was
rejected.
"""

from __future__ import annotations

import base64
import math
import zlib
from contextlib import suppress
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from twind import reviewed
from twind.rl.evaluate import interval
from twind.rl.spaces import LEAVE, MASKS, SHAPES
from twind.rl.vec_env import Simulation, stream
from twind.store import proposals, words

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Mapping

    from numpy.typing import NDArray

    from twind.rl.policy import TwinPolicy
    from twind.rl.rehearsal import Item
    from twind.rl.snapshot import Snapshot
    from twind.store import Store

_LIKED = {"accept": 1.0, "reject": -1.0}
"""What was edited was neither."""
FEWEST = 8
"""Fewer withheld reviews tell nothing."""

_SIZES = {name: math.prod(shape) for name, shape in SHAPES.items()}


class Reviews(NamedTuple):
    """Withheld reviews.

    Attributes:
        seen: observations, (n, …) by the names of spaces.SHAPES.
        actions: what was proposed, (n, 4).
        liked: 1 for accepted, -1 for rejected, (n,).

    """

    seen: dict[str, NDArray[np.float32]]
    actions: NDArray[np.int64]
    liked: NDArray[np.float64]


def seen_at(snapshot: Snapshot, day: int, items: Iterable[Item]) -> dict[Item, str]:
    """Return what a policy would see as each item is proposed, as text to keep with the proposal.

    On the day as it is expected, left to the user up to then. What is not reached has no text.
    """
    waiting = sorted(items)
    simulation = Simulation([snapshot], 1, draw_truth=False, learns=False)
    simulation.begin(np.zeros(1, np.int64), np.array([stream(0, 0)], np.uint64), day=day)
    found = {}
    while not simulation.world.done[0]:
        slot = int(simulation.world.slot[0])
        for item in waiting:
            if item.slot == slot:
                found[item] = pack(simulation.seen.as_dict())
        simulation.step(np.array([[LEAVE, 0, 0, 1]]))
    return found


def pack(seen: Mapping[str, NDArray[np.generic]]) -> str:
    """Write one observation (leading axis 1) as text, to half precision."""
    flat = np.concatenate([seen[name][0].ravel().astype(np.float16) for name in SHAPES])
    return base64.b85encode(zlib.compress(flat.tobytes())).decode()


def unpack(text: str) -> dict[str, NDArray[np.float32]]:
    """Read what `pack` wrote. Raises ValueError for anything else, an older twind's among it."""
    try:
        flat = np.frombuffer(zlib.decompress(base64.b85decode(text)), np.float16)
    except zlib.error as error:
        raise ValueError(str(error)) from error
    if len(flat) != sum(_SIZES.values()):
        raise ValueError(f"an observation of {len(flat)} numbers, not {sum(_SIZES.values())}")
    parts = np.split(flat.astype(np.float32), np.cumsum(list(_SIZES.values()))[:-1])
    return {name: part.reshape(SHAPES[name]) for name, part in zip(SHAPES, parts, strict=True)}


def withheld(store: Store, profile_id: int) -> Reviews | None:
    """Return the reviews withheld from training, or None where there are too few of either kind."""
    dropped = words.rows(store, profile_id)
    liked_by_id = [
        (said.proposal_id, _LIKED[said.action])
        for row, said in reviewed.last_words(store, profile_id)
        if reviewed.is_withheld(said.proposal_id)
        and said.action in _LIKED
        and ("feedback", row) not in dropped
    ]
    made = _made(store, profile_id, {id_ for id_, _ in liked_by_id})
    known = [(made[id_], like) for id_, like in liked_by_id if id_ in made]
    seen = [observation for (observation, _), _ in known]
    actions = [action for (_, action), _ in known]
    liked = [like for _, like in known]
    if len(liked) < FEWEST or len(set(liked)) < 2:
        return None
    arrays = {name: np.stack([one[name] for one in seen]) for name in SHAPES}
    for name in SHAPES:
        if name.startswith(MASKS):
            arrays[name] = np.rint(arrays[name])
    return Reviews(arrays, np.array(actions, np.int64), np.array(liked))


def _made(
    store: Store, profile_id: int, ids: Collection[int]
) -> dict[int, tuple[dict[str, NDArray[np.float32]], list[int]]]:
    """Return what a policy saw and did when it made these proposals, where that is known."""
    made = {}
    for one in proposals.each(store, profile_id):
        if one.id is not None and one.id in ids:
            # Those made before that was kept, or by an older twind, go without.
            with suppress(KeyError, TypeError, ValueError):
                made[one.id] = (unpack(one.details["seen"]), one.details["acted"])
    return made


def is_worse(candidate: TwinPolicy, in_service: TwinPolicy, reviews: Reviews) -> bool:
    """Tell whether a candidate thinks less well of what the user liked, by a 95 % interval."""
    gained = reviews.liked * (
        candidate.action_log_probs(reviews.seen, reviews.actions)
        - in_service.action_log_probs(reviews.seen, reviews.actions)
    )
    mean, margin = interval(gained)
    return mean + margin < 0.0
