"""Read the evidence again and write the patterns, whenever the data has changed."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from twind import asking, evidence, messages, published
from twind.preferences.belief import Belief
from twind.store import changes, life, log, models, outbox, patterns

if TYPE_CHECKING:
    from twind.jobs.work import Work
    from twind.preferences.change import Found
    from twind.reader import Reader

_logger = logging.getLogger(__name__)

LOOKED = "looked_for_change"
"""Names the day on which the user was last looked at for change: once a day is enough."""
BEHIND = "evidence_behind"
"""Names what the evidence was made of that was last read: see evidence.behind_history."""
WORLD_MOVED = 0.1
"""Share of projects or people that is new or gone from which on the twin is trained again."""


def run(work: Work) -> dict[str, Any]:
    """Refresh patterns, evidence and posterior; say whether training pays.

    Returns {"patterns", "moved", "world_moved", "train_due"}: how far the posterior has moved since
    the last training (Belief.distance) and how much of the world is another; 0 and no training
    where nothing has changed that evidence is made of.
    """
    reader = work.reader()
    seq = log.max_seq(work.db)
    _publish(work)
    today = reader.local.date().isoformat()
    if _is_all_to_come(work, reader, today):
        return _nothing_new(work, seq)
    asking.seed(reader)
    found = None
    if work.db.meta_get(LOOKED) != today:
        found = evidence.look_for_change(reader)
    with work.db.transaction():
        # Another detect, a command's, may have looked meanwhile, and noted the same.
        if found is not None and work.db.meta_get(LOOKED) != today:
            _note(work, found)
        work.db.meta_set(LOOKED, today)
        world = evidence.world(reader)
        belief = evidence.refresh(reader)
        work.db.meta_set(BEHIND, evidence.behind_history(reader))
        # Read before the evidence was: what came in meanwhile is read again next time.
        log.advance(work.db, "detect", seq)
        moved, world_moved = _moved(work, belief, world)
        is_due = not life.is_empty(work.db, work.profile_id) and (
            moved >= work.settings.training.threshold or world_moved >= WORLD_MOVED
        )
        models.set_training_due(work.db, str(seq) if is_due else None)
        return work.finish(
            {
                "patterns": len(belief.patterns()),
                "moved": moved,
                "world_moved": world_moved,
                "train_due": is_due,
            }
        )


def _is_all_to_come(work: Work, reader: Reader, today: str) -> bool:
    """Tell whether only events have changed since, and none that is over: nothing was lived.

    Most changes of a calendar are of what is to come, and reading a year of evidence takes seconds
    where there is much of it.
    """
    return (
        work.db.meta_get(LOOKED) == today
        and log.pending(work.db, "detect")
        and log.only_events(work.db, "detect")
        and work.db.meta_get(BEHIND) == evidence.behind_history(reader)
    )


def _nothing_new(work: Work, seq: int) -> dict[str, Any]:
    with work.db.transaction():
        log.advance(work.db, "detect", seq)
        count = len(patterns.load(work.db, work.profile_id))
        return work.finish(
            {"patterns": count, "moved": 0.0, "world_moved": 0.0, "train_due": False}
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
