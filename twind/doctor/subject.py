"""Who is examined: one home, read without changing it."""

from __future__ import annotations

import os
from functools import cached_property
from typing import TYPE_CHECKING, Any

from twind import settings
from twind.clock import Clock, SystemClock
from twind.daemon import client
from twind.doctor.finding import NothingYetError
from twind.errors import TwindError
from twind.store import Store

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from twind.home import Home
    from twind.settings import TwindSettings

ANSWER_S = 10.0


class Subject:
    """One home. What is expensive is looked up once, when a check wants it.

    `inspect` returns what the job `inspect` tells of the plugins, in a process of its own.
    """

    def __init__(
        self,
        home: Home,
        inspect: Callable[[Home], list[dict[str, Any]]],
        clock: Clock | None = None,
        environ: Mapping[str, str] | None = None,
    ) -> None:
        self.home = home
        self.clock = clock or SystemClock()
        self.environ = os.environ if environ is None else environ
        self._inspect = inspect

    def again(self) -> Subject:
        """Return the same home, to be looked at afresh."""
        return Subject(self.home, self._inspect, self.clock, self.environ)

    @cached_property
    def settings(self) -> TwindSettings:
        """twind.toml. Raises SettingsError."""
        return settings.load(self.home)

    @property
    def profile_id(self) -> int:
        """The profile of twind.toml."""
        return self.settings.profile.id

    @cached_property
    def db(self) -> Store:
        """The database, to be read only. Raises NothingYetError, StoreError."""
        file = self.home.database
        if not file.exists() or file.stat().st_size == 0:
            raise NothingYetError("there is no database yet")
        return Store.read(file, self.clock)

    @cached_property
    def status(self) -> dict[str, Any]:
        """The daemon's own word. Raises TwindError, of which NotRunningError."""
        return client.request(self.home, {"cmd": "status"}, ANSWER_S)

    @property
    def is_running(self) -> bool:
        """Tell whether a daemon answers."""
        try:
            return bool(self.status)
        except TwindError:
            return False

    @cached_property
    def plugins(self) -> list[dict[str, Any]]:
        """What importing the plugins tells. Raises TwindError."""
        _ = self.db  # the inspection would make one
        return self._inspect(self.home)

    def close(self) -> None:
        """Close the database, if it was opened."""
        if "db" in self.__dict__:
            self.db.close()
