"""The settings as they are now: read again on demand, and gone on with where the new ones fail."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from twind.daemon import logs
from twind.errors import SettingsError

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from twind.clock import Clock
    from twind.home import Home
    from twind.settings import TwindSettings

log = logging.getLogger(__name__)


class Configuration:
    """What `load` made of a home's twind.toml.

    Attributes:
        settings: those that hold.
        problem: why they are not what the file says now; None where they are.

    """

    def __init__(self, home: Home, load: Callable[[Home], TwindSettings], clock: Clock) -> None:
        """Read the settings. Raises SettingsError."""
        self._home = home
        self._load = load
        self._clock = clock
        self.settings = load(home)
        self.problem: str | None = None
        self._was_there = home.config_file.exists()

    def reload(self) -> None:
        """Read the settings again; raise SettingsError, and keep those there were, if none are."""
        try:
            self.settings = self._read()
        except SettingsError as error:
            self.problem = str(error)
            about = logs.about(code=error.code, event="settings")
            log.warning("going on with the settings as they were: %s", error, extra=about)
            raise
        self.problem = None
        self._was_there = self._home.config_file.exists()

    def _read(self) -> TwindSettings:
        # A file that was there and is gone is no wish for the defaults.
        file = self._home.config_file
        if self._was_there and not file.exists():
            raise SettingsError(f"{file} is gone; an empty one means the defaults")
        return self._load(self._home)

    def now(self) -> datetime:
        """Return the time on the user's clock."""
        return self._clock.now().astimezone(self.settings.zone)
