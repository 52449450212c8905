"""Whether the database that is open is still the home's."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

log = logging.getLogger(__name__)


class Whereabouts:
    """Looks after one database file.

    Attributes:
        problem: what has become of it; None while it is where it was.
        is_another: whether another file is in its place.

    """

    def __init__(self, database: Path) -> None:
        self._database = database
        self._opened = _identity(database)
        self.problem: str | None = None
        self.is_another = False

    def look(self) -> bool:
        """Look where it is; tell whether it is back."""
        there, before = _identity(self._database), self.problem
        self.is_another = there not in (None, self._opened)
        if there == self._opened:
            self.problem = None
        elif there is None:
            self.problem = f"{self._database} is gone; nothing is done until it is back"
        else:
            self.problem = f"{self._database} is another file than the one that is open"
        if self.problem and self.problem != before:
            log.error("%s", self.problem)
        is_back = bool(before) and not self.problem
        if is_back:
            log.info("%s is back", self._database)
        return is_back


def _identity(path: Path) -> tuple[int, int] | None:
    """Tell a file from any other of its name; None where there is none."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino
