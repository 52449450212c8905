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

        Where one plugin has taken the others with it, part them.
        """
        fetching = self._plugins.fetching()
        asked = job.args.get("plugins")
        if job.state == "failed" and (job.error or {}).get("code") in KILLED:
            self._queue.drop_retry(job)  # each source has its own turn, and rests
            self._part(asked or fetching, str((job.error or {}).get("message")))
        complete = asked is None or (bool(fetching) and self._readable(fetching) <= {*asked})
        if complete:
            self.read_at = self._clock.now()
        return complete

    def _readable(self, names: list[str]) -> set[str]:
        health = self._health()
        return {name for name in names if not health.get(name, {}).get("trouble")}

    def _part(self, names: list[str], message: str) -> None:
        if len(names) > 1:
            for name in names:
                self._queue.put("sync", {"plugins": [name]}, news=True)
        else:
            for name in names:
                sources.failed(self._db, self._profile_id, name, message)

    def _health(self) -> dict[str, dict[str, object]]:
        return sources.health(self._db, self._profile_id)

    @property
    def _profile_id(self) -> int:
        return self._configuration.settings.profile.id
