"""When messages are delivered: what waits, may go out now, and is not being delivered already."""

from __future__ import annotations

import contextlib
import logging
import sqlite3
from typing import TYPE_CHECKING, Any

from twind.daemon import logs
from twind.errors import StoreError
from twind.store import outbox

if TYPE_CHECKING:
    from collections.abc import Callable

    from twind.daemon.configuration import Configuration
    from twind.daemon.queue import Queue
    from twind.store import Store

log = logging.getLogger(__name__)


class Delivery:
    """Queues `notify`.

    A worker that has delivered all there was may go on listening for a button; `dismiss` ends a
    job's worker when there is more to deliver.
    """

    def __init__(
        self,
        db: Store,
        queue: Queue,
        configuration: Configuration,
        dismiss: Callable[[int], None],
    ) -> None:
        self._db = db
        self._queue = queue
        self._configuration = configuration
        self._dismiss = dismiss
        self._listening: set[int] = set()
        self._wanted = False

    def want(self, *, news: bool = False) -> None:
        """Queue `notify` if something waits to be delivered and may be."""
        if not self._is_due():
            return
        if self._is_delivering():
            self._wanted = True
        elif self._queue.put("notify", news=news) is not None:
            self.end_listening()

    def _is_due(self) -> bool:
        settings, now = self._configuration.settings, self._configuration.now()
        minute = now.hour * 60 + now.minute
        if any(hours.contains(minute) for hours in settings.hours.quiet):
            return False
        # A mail that is tried again is no reason to stop listening to a button.
        return outbox.is_due(self._db, settings.profile.id, new=self.is_listening())

    def _is_delivering(self) -> bool:
        """Tell whether a worker delivers just now: it may or may not come to what is new."""
        return any(
            job.name == "notify" and job.id not in self._listening
            for job in self._queue.running.values()
        )

    def is_listening(self) -> bool:
        """Tell whether a worker has delivered all, and only waits for a button."""
        return any(job.id in self._listening for job in self._queue.running.values())

    def end_listening(self) -> None:
        """End the workers that only wait for a button."""
        for job in self._queue.running.values():
            if job.id in self._listening:
                self._dismiss(job.id)

    def on_progress(self, job_id: int, progress: dict[str, Any]) -> None:
        """Hear from a worker."""
        if not progress.get("listening"):
            return
        self._listening.add(job_id)
        # What came in between its last delivery and now would wait for its end.
        self._wanted = False
        with contextlib.suppress(sqlite3.Error, StoreError):  # The next check asks again.
            self.want(news=True)

    def on_ended(self, job_id: int) -> None:
        """Hear that a worker's `notify` has ended."""
        self._listening.discard(job_id)
        self.mark_uncertain()
        if self._wanted:
            self._wanted = False
            self.want(news=True)

    def mark_uncertain(self) -> int:
        """Take note of what was being delivered by somebody who is dead; return how many."""
        doubtful = outbox.mark_uncertain(self._db)
        if doubtful:
            about = logs.about(event="uncertain")
            told = "%d notifications may or may not have been delivered"
            log.warning(told, doubtful, extra=about)
        return doubtful
