"""Sudden changes in what the user values, as they were noticed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from twind.clock import format_utc, parse_utc

if TYPE_CHECKING:
    from datetime import datetime

    from twind.store.connection import Store


@dataclass(frozen=True, slots=True)
class Noticed:
    """A change of one dimension since some moment; of much of all there is where that is ""."""

    id: int
    at: datetime
    dimension: str

    @property
    def subject(self) -> str:
        """What the user's word on it is about (`twind.store.words`)."""
        return f"changes/{self.id}"


def add(db: Store, profile_id: int, at: datetime, dimension: str) -> Noticed:
    """Keep a change."""
    with db.transaction():
        row = db.insert(
            "changes",
            profile_id=profile_id,
            at=format_utc(at),
            dimension=dimension,
            noticed_at=db.now(),
        )
    return Noticed(row, at, dimension)


def load(db: Store, profile_id: int) -> list[Noticed]:
    """Return all that were ever noticed, the user having denied them or not, oldest first."""
    rows = db.rows(
        "SELECT id, at, dimension FROM changes WHERE profile_id = ? ORDER BY id", (profile_id,)
    )
    return [Noticed(row["id"], parse_utc(row["at"]), row["dimension"]) for row in rows]
