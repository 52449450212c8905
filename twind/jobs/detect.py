"""Read the evidence again and write the patterns, whenever the data has changed."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from twind import asking, evidence, messages, published
from twind.preferences.belief import Belief
from twind.store import changes, life, log, models, outbox

if TYPE_CHECKING:
    from twind.jobs.work import Work
    from twind.preferences.change import Found

_logger = logging.getLogger(__name__)

LOOKED = "looked_for_change"
"""Names the day on which the user was last looked at for change: once a day is enough."""
WORLD_MOVED = 0.1
"""Share of projects or people that is new or gone from which on the twin is trained again."""


def run(work: Work) -> dict[str, Any]:
    """Refresh patterns, evidence and posterior; say whether training pays.

    Returns {"patterns", "moved", "world_moved", "train_due"}: how far the posterior has moved since
    the last training (Belief.distance) and how much of the world is another.
    """
    reader = work.reader()
    asking.seed(reader)
    seq = log.max_seq(work.db)
    _publish(work)
    today = reader.local.date().isoformat()
    found = None
    if work.db.meta_get(LOOKED) != today:
        found = evidence.look_for_change(reader)
    with work.db.transaction():
        work.db.meta_set(LOOKED, today)
        if found is not None:
            _note(work, found)
        world = evidence.world(reader)
        belief = evidence.refresh(reader)
        # Read before the evidence was: what came in meanwhile is read again next time.
        log.advance(work.db, "detect", seq)
        moved, world_moved = _moved(work, belief, world)
        return work.finish(
            {
                "patterns": len(belief.patterns()),
                "moved": moved,
                "world_moved": world_moved,
                "train_due": work.settings.training.enabled
                and not life.is_empty(work.db, work.profile_id)
                and (moved >= work.settings.training.threshold or world_moved >= WORLD_MOVED),
            }
        )


def _note(work: Work, found: Found) -> None:
    """Keep that the user has changed, and tell them."""
    noticed = changes.add(work.db, work.profile_id, found.at, found.dimension)
    outbox.put(work.db, work.profile_id, noticed.subject, messages.of_change(noticed))


def _publish(work: Work) -> None:
    """Bring the calendar file up to date: whatever changes a proposal leads here.

    It comes first, because a job that is done is not done again.
    """
    try:
        published.write(work.db, work.profile_id, work.home.calendar)
    except OSError as error:
        _logger.warning("%s: cannot be written: %s", work.home.calendar, error.strerror)


def _moved(work: Work, belief: Belief, world: str) -> tuple[float, float]:
    last = models.last_training(work.db, work.profile_id)
    if last is None:
        return belief.distance(Belief.prior()), evidence.world_distance(None, world)
    then = Belief.from_bytes(last.belief) if last.belief else Belief.prior()
    return belief.distance(then), evidence.world_distance(last.world, world)
