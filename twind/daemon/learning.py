"""When twind learns: `detect` after changes, and `train` where it finds that to pay."""

from __future__ import annotations

import sqlite3
from typing import TYPE_CHECKING

from twind.daemon.debounce import Debounce
from twind.errors import StoreError
from twind.store import log as change_log
from twind.store import models

if TYPE_CHECKING:
    from twind.daemon.configuration import Configuration
    from twind.daemon.queue import Queue
    from twind.store import Store

QUIET_S, MOST_S = 2.0, 30.0
"""How long after the last change patterns are refreshed, and how long a change waits at most."""


class Learning:
    """Queues `detect` and `train`. To be made inside the loop."""

    def __init__(self, db: Store, queue: Queue, configuration: Configuration) -> None:
        self._db = db
        self._queue = queue
        self._configuration = configuration
        self._soon = Debounce(self._after_changes, quiet_s=QUIET_S, most_s=MOST_S)
        self._data_version = db.data_version()
        self._detected_seq = -1

    def look(self, *, anyway: bool = False) -> None:
        """Have what was written since learnt soon; `anyway`, also where nobody else has written."""
        version = self._db.data_version()
        if version != self._data_version or anyway:
            self._data_version = version
            if self._is_due():
                self._soon.touch()

    def detect_now(self) -> None:
        """Queue `detect` if it is due: what comes after it in the queue builds on it."""
        self._soon.forget()
        if self._is_due():
            self._queue.put("detect")

    def _is_due(self) -> bool:
        """Tell whether the log has moved since `detect` last began.

        A detect that is done and has not caught up is not begun again for the same changes: that
        would go round for ever.
        """
        return change_log.max_seq(self._db) > self._detected_seq and change_log.pending(
            self._db, "detect"
        )

    def _after_changes(self) -> None:
        try:
            self.detect_now()
        except (sqlite3.Error, StoreError) as error:
            self._queue.store_fails(error)

    def detect_begins(self) -> None:
        """Take note of how far a `detect` that begins can see."""
        self._detected_seq = change_log.max_seq(self._db)

    def detect_failed(self) -> None:
        """Have it all learnt again."""
        self._detected_seq = -1

    def train_if_due(self, *, news: bool = False) -> None:
        """Queue `train` where `detect` has found that it pays; `news`: it has just found that.

        While one is at work, it is asked again when that has ended: what moved before it began it
        knows.
        """
        if (
            self._configuration.settings.training.enabled
            and models.training_due(self._db) is not None
            and not self._queue.is_at_work("train")
        ):
            self._queue.put("train", news=news)

    def train_ended(self) -> None:
        """Have `detect` say whether what has moved meanwhile is worth another training."""
        if models.training_due(self._db) is not None:
            self._queue.put("detect", news=True)

    def stop(self) -> None:
        """Act on nothing any more."""
        self._soon.forget()
