"""The plugins, as the last inspection found them."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from twind.daemon import logs
from twind.settings import base_folder
from twind.store import sources

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime
    from pathlib import Path

    from twind.home import Home
    from twind.store.jobs import Job

SAID_TO_A_SYNC = ("name", "state", "file", "abilities", "error")

log = logging.getLogger(__name__)


class Plugins:
    """Which plugins there are, what they watch, and what is wrong with them.

    Attributes:
        found: what the last inspection said of each: {"name", "state", "error", "abilities", …}.
        code: the files and folders that they are made of.
        mute: the modules of those that deliver nothing.
        problem: why there was no inspection; None where there was.

    """

    def __init__(self, home: Home) -> None:
        self._home = home
        self._hung: tuple[datetime, datetime] | None = None
        self.found: list[dict[str, Any]] = []
        self.code: set[Path] = set(home.plugin_dirs)
        self.mute: tuple[str, ...] = ()
        self.problem: str | None = None

    def take(self, result: dict[str, Any], now: datetime) -> None:
        """Take in what an inspection has found, and say what has changed for better or worse."""
        before = self._failed()
        found = result.get("plugins")
        self.found = [dict(one) for one in found] if isinstance(found, list) else []
        self.mute = tuple(str(stem) for stem in result.get("mute") or ())
        self._hung = (self._hung[0] if self._hung else now, now) if result.get("hung") else None
        made_of = (*(result.get("folders") or ()), *(result.get("files") or ()))
        self.code = {*self._home.plugin_dirs, *self._paths(made_of)}
        self.problem = None
        self._tell_news(before, self._failed())

    def not_taken(self, error: dict[str, Any] | None) -> None:
        """Take note that an inspection has failed."""
        self.problem = f"the plugins: {(error or {}).get('message')}"

    def _failed(self) -> dict[str, Any]:
        return {one["name"]: one.get("error") for one in self.found if one.get("state") == "failed"}

    def _tell_news(self, before: dict[str, Any], failed: dict[str, Any]) -> None:
        for name, error in failed.items():
            if before.get(name) != error:
                about = logs.about(source=name, event="plugin_failed")
                log.warning("plugin %s: %s", name, error, extra=about)
        for name in sorted(before.keys() - failed.keys()):
            how = "loads again" if name in self.names() else "is gone, and fails no more"
            log.info("plugin %s %s", name, how)

    def names(self) -> set[str]:
        """Return the names of all there are."""
        return {one["name"] for one in self.found}

    def fetching(self) -> list[str]:
        """Return the names of those that can be read."""
        return [
            one["name"]
            for one in self.found
            if one.get("state") == "ok" and "fetch" in (one.get("abilities") or ())
        ]

    def watched(self) -> set[Path]:
        """Return the files and folders that are to be watched for them."""
        return {path for one in self.found for path in self._paths(one.get("watch"))}

    def watching(self, changed: frozenset[Path]) -> list[str]:
        """Return the names of those that watch any of these files."""
        return sorted(
            one["name"]
            for one in self.found
            if one.get("state") != "failed" and changed.intersection(self._paths(one.get("watch")))
        )

    def _paths(self, texts: Iterable[str] | None) -> set[Path]:
        base = base_folder(self._home)
        return {base / str(text) for text in texts or ()}

    def are_to_be_inspected_again(self, now: datetime) -> bool:
        """Tell whether one took too long to be imported, and has been left alone long enough.

        It may have had to: at login all else starts as well.
        """
        return self._hung is not None and not sources.rests(*self._hung, now)

    def told_to(self, job: Job) -> dict[str, Any]:
        """Return a job's arguments; a sync is told what was found, and imports what it reads."""
        if job.name != "sync" or not self.found:
            return job.args
        inspected = [{key: one.get(key) for key in SAID_TO_A_SYNC} for one in self.found]
        return {**job.args, "inspected": inspected}
