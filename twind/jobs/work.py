"""What a job is given, and how it says that it is done."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from twind.reader import Reader
from twind.store import jobs, recovery

if TYPE_CHECKING:
    from collections.abc import Callable

    from twind.clock import Clock
    from twind.home import Home
    from twind.settings import TwindSettings
    from twind.store import Store

_logger = logging.getLogger("twind.work")


@dataclass(slots=True)
class Work:
    """One job at work.

    Attributes:
        db: the open store.
        home: where things are.
        settings: twind.toml.
        clock: the time.
        args: what was asked for.
        progress: call it with a small dict to say how far it is.
        job_id: the row in `jobs`; None where the command line runs a job by itself.
        attempt: the lease under which it runs.

    """

    db: Store
    home: Home
    settings: TwindSettings
    clock: Clock
    args: dict[str, Any] = field(default_factory=dict)
    progress: Callable[[dict[str, Any]], None] = lambda _: None
    job_id: int | None = None
    attempt: int = 0
    finished: bool = False

    @property
    def profile_id(self) -> int:
        """The profile this twind serves."""
        return self.settings.profile.id

    def reader(self) -> Reader:
        """Return the database as evidence, at this moment."""
        return Reader(
            self.db,
            self.profile_id,
            self.settings.zone,
            self.settings.emails,
            self.clock.now(),
        )

    def mend(self) -> None:
        """Hold the model that serves to what was saved, before it is used."""
        if (told := recovery.mend_models(self.db, self.profile_id, self.home)) is not None:
            now = f"is that of {told.backup} again" if told.backup else "is out of service"
            _logger.warning("the model %s was damaged, and %s; see %s", told.file, now, told.aside)

    def check(self) -> None:
        """Raise StaleAttemptError when a newer attempt has taken the job over.

        To be called in each transaction of a job that stores what it does in several.
        """
        if self.job_id is not None and not jobs.holds(self.db, self.job_id, self.attempt):
            raise StaleAttemptError(self.job_id)

    def finish(self, result: dict[str, Any]) -> dict[str, Any]:
        """Mark the job as done; to be called in the transaction that stores what it did.

        Raises StaleAttemptError, and with it undoes that transaction, when a newer attempt has
        taken the job over.
        """
        if (
            self.job_id is not None
            and not self.finished
            and not jobs.finish(self.db, self.job_id, self.attempt, result)
        ):
            raise StaleAttemptError(self.job_id)
        self.finished = True
        return result


class StaleAttemptError(Exception):
    """This worker was given up and its job started again: nothing it did may count."""
