"""What each day brings: the morning's proposals, the question how one is, backup and tidying up."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from twind import messages
from twind.daemon import schedule
from twind.store import jobs, life

if TYPE_CHECKING:
    from twind.clock import Clock
    from twind.daemon.configuration import Configuration
    from twind.daemon.learning import Learning
    from twind.daemon.queue import Queue
    from twind.daemon.reading import Reading
    from twind.store import Store

FRESH = timedelta(minutes=30)
"""How old the last reading of the sources may be when the morning's proposals are made."""

BEFORE_PROPOSALS = ("inspect", "sync", "detect")
"""What is done before a morning is proposed for."""


class Duties:
    """Queues what is due by the clock on the wall, each once a day."""

    def __init__(
        self,
        db: Store,
        queue: Queue,
        configuration: Configuration,
        clock: Clock,
        reading: Reading,
        learning: Learning,
    ) -> None:
        self._db = db
        self._queue = queue
        self._configuration = configuration
        self._clock = clock
        self._reading = reading
        self._learning = learning

    def check(self) -> None:
        """Queue what is due."""
        self._propose()
        self._check_in()
        self._back_up_and_prune()

    def _propose(self) -> None:
        """Queue the morning's proposals, once there is a life and it has been read of late.

        Made before that, at a first start or after a night switched off, they would be the day's
        only ones and know nothing of the day.
        """
        done = jobs.done_keys(self._db, schedule.PROPOSE)
        settings = self._configuration.settings
        due = schedule.due_jobs(self._configuration.now(), settings, done)
        if not due or self._reading.read_at is None:
            return
        if not -FRESH < self._clock.now() - self._reading.read_at < FRESH:
            if not self._queue.is_at_work("sync"):
                self._reading.sync_due(news=True)
            return
        if life.is_empty(self._db, settings.profile.id):
            return
        self._learning.detect_now()
        self._put(due)

    def _check_in(self) -> None:
        """Queue the day's question how the user is, where it disturbs neither them nor a message.

        A notification that waits for a button would be closed by it.
        """
        done = jobs.done_keys(self._db, schedule.CHECKIN)
        settings = self._configuration.settings
        due = schedule.due_checkin(self._configuration.now(), settings, done)
        profile_id = settings.profile.id
        if (
            due is not None
            and not self._queue.is_at_work("notify")
            and not life.is_empty(self._db, profile_id)
            and messages.disturbs(self._db, profile_id, self._clock.now()) is None
        ):
            self._put([due])

    def _back_up_and_prune(self) -> None:
        """Queue the day's backup and then its tidying up, where there is anything to be lost.

        The morning's proposals do not wait for them. They wait for those only while these are on
        their way: where proposing fails, a backup is wanted all the more.
        """
        prefixes = (schedule.PROPOSE, schedule.BACKUP, schedule.PRUNE)
        done = {key for prefix in prefixes for key in jobs.done_keys(self._db, prefix)}
        now, settings = self._configuration.now(), self._configuration.settings
        if schedule.due_jobs(now, settings, done) and self._queue.has(*BEFORE_PROPOSALS, "propose"):
            return
        found = (of(now, settings, done) for of in (schedule.due_backup, schedule.due_prune))
        due = [one for one in found if one is not None]
        if due and not life.is_empty(self._db, settings.profile.id):
            self._put(due)

    def _put(self, due: list[schedule.Due]) -> None:
        for one in due:
            self._queue.put(one.name, one.args, key=one.key)
