"""Through whose eyes a database is read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime
    from zoneinfo import ZoneInfo

    from twind.store import Store


@dataclass(frozen=True, slots=True)
class Reader:
    """Whose database is read, and through whose eyes.

    withholds: whether the reviews by which a new model is judged are left unread
    (`reviewed.is_withheld`).
    """

    db: Store
    profile_id: int
    zone: ZoneInfo
    emails: frozenset[str]
    now: datetime
    withholds: bool = False

    @property
    def local(self) -> datetime:
        """The present on the user's clock."""
        return self.now.astimezone(self.zone)
