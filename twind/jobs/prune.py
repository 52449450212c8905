"""Let go of what is of no use any more, so that the database grows with the life and not with time.

What the user said, what the sources have and what twind believes stays. The rest is kept for as
long as anything may look at it: the change log until it has been read, what a job told for
TOLD_DAYS, and all else for KEPT_DAYS, longer than evidence is read back (evidence.HISTORY_DAYS).
SQLite uses the room again for what comes: the file does not shrink.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

from twind.store import jobs, log, models, outbox, proposals

if TYPE_CHECKING:
    from twind.jobs.work import Work

KEPT_DAYS = 400
"""For keys of jobs, messages that were delivered or never can be, and proposals nobody answered."""
TOLD_DAYS = 30


def run(work: Work) -> dict[str, Any]:
    """Return how many rows were let go of, by what they were."""
    now = work.clock.now()
    before, told_before = (now - timedelta(days=days) for days in (KEPT_DAYS, TOLD_DAYS))
    with work.db.transaction():
        return work.finish(
            {
                "changes": log.prune(work.db),
                "jobs": jobs.prune(work.db, before, told_before),
                "messages": outbox.prune(work.db, before),
                "proposals": proposals.prune(work.db, work.profile_id, before),
                "beliefs": models.prune(work.db, work.profile_id),
            }
        )
