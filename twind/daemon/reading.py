"""When sources are read: all of them now and then, some when their files change."""

from __future__ import annotations

from typing import TYPE_CHECKING

from twind.store import sources

if TYPE_CHECKING:
    from datetime import datetime
    from pathlib import Path

    from twind.clock import Clock
    from twind.daemon.configuration import Configuration
    from twind.daemon.inspected import Plugins
    from twind.daemon.queue import Queue
    from twind.store import Store
    from twind.store.jobs import Job

KILLED = frozenset({"died", "timeout"})
"""How a job ends whose worker something has killed or held up."""


class Reading:
    """Queues `sync`.

    Attributes:
        read_at: when all sources had last been read, as far as they can be; None: not yet.

    """

    def __init__(
        self,
        db: Store,
        queue: Queue,
        configuration: Configuration,
        plugins: Plugins,
        clock: Clock,
    ) -> None:
        self._db = db
        self._queue = queue
        self._configuration = configuration
        self._plugins = plugins
        self._clock = clock
        self.read_at: datetime | None = None
        self._left: set[str] = set()
        """Sources of a sync of all that are still to be read, each alone."""
        self._failing = False
        """Whether the last sync of all has failed, though its worker lived."""

    def sync_due(self, *, news: bool = False) -> None:
        """Queue a sync of all sources but those that fail and are left alone for a while."""
        now = self._clock.now()
        if self._plugins.are_to_be_inspected_again(now):
            self._queue.put("inspect", news=news)  # and then a sync
            return
        health = self._health()
        names = self._plugins.fetching()
        due = [name for name in names if not sources.is_resting(health.get(name, {}), now)]
        if len(due) == len(names):
            self._queue.put("sync", news=news)
        elif due:
            self._queue.put("sync", {"plugins": due}, news=news)
        else:
            self.read_at = now

    def on_files(self, changed: frozenset[Path]) -> None:
        """Queue a sync of the sources that watch any of these files."""
        if names := self._plugins.watching(changed):
            self._queue.put("sync", {"plugins": names}, news=True)

    def on_ended(self, job: Job) -> bool:
        """Hear that a sync has ended; tell whether all sources have been read with it.

        Where one plugin has taken the others with it, part them: all have been read when the last
        of them has ended, well or not.
        """
        fetching = self._plugins.fetching()
        asked = job.args.get("plugins")
        names = asked or fetching
        of_all = asked is None or (bool(fetching) and self._readable(fetching) <= {*asked})
        had_left = bool(self._left)
        self._left -= {*names}
        if _is_killed(job):
            self._queue.drop_retry(job)  # each source has its own turn, and rests
            if len(names) > 1:
                parted = self._part(names)
                if of_all or had_left:
                    self._left |= parted
                return False
            for name in names:
                sources.failed(self._db, self._profile_id, name, _message(job))
        if self._left or not (of_all or had_left):
            return False
        if of_all and self._notes_first_failure(job):
            return False  # The queue tries it again.
        self.read_at = self._clock.now()
        return True

    def _notes_first_failure(self, job: Job) -> bool:
        """Note whether a sync of all has failed as a whole; tell whether the one before had not.

        What fails again is waited for no more, as a source that fails again rests: else the morning
        would wait for ever.
        """
        failed = job.state == "failed" and not _is_killed(job)
        first, self._failing = failed and not self._failing, failed
        return first

    def _part(self, names: list[str]) -> set[str]:
        """Queue a sync for each source; return those that are queued (in a pause, none is)."""
        return {name for name in names if self._queue.put("sync", {"plugins": [name]}, news=True)}

    def _readable(self, names: list[str]) -> set[str]:
        health = self._health()
        return {name for name in names if not health.get(name, {}).get("trouble")}

    def _health(self) -> dict[str, dict[str, object]]:
        return sources.health(self._db, self._profile_id)

    @property
    def _profile_id(self) -> int:
        return self._configuration.settings.profile.id


def _is_killed(job: Job) -> bool:
    return job.state == "failed" and (job.error or {}).get("code") in KILLED


def _message(job: Job) -> str:
    return str((job.error or {}).get("message"))
