"""How the user's energy was, each time they said it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from twind.clock import format_utc
from twind.errors import NotFoundError
from twind.store.life import read_time

if TYPE_CHECKING:
    from datetime import datetime

    from twind.store.connection import Store

LEVELS = 5
"""What is said is one of so many, from 1, exhausted, to this, fresh."""


@dataclass(frozen=True, slots=True)
class CheckIn:
    """What the user said of their energy: from 0, exhausted, to 1, fresh."""

    id: int
    at: datetime
    energy: float
    note: str = ""

    @property
    def level(self) -> int:
        """The nearest of the LEVELS, from 1."""
        return 1 + round(self.energy * (LEVELS - 1))


def energy_of(level: int) -> float:
    """Return what one of the LEVELS stands for, 0..1. Raises ValueError for none of them."""
    if not 1 <= level <= LEVELS:
        raise ValueError(f"{level} is not from 1 (exhausted) to {LEVELS} (fresh)")
    return (level - 1) / (LEVELS - 1)


def add(db: Store, profile_id: int, energy: float, note: str = "") -> CheckIn:
    """Keep how the user's energy is now."""
    now = db.clock.now()
    with db.transaction():
        row = db.insert(
            "checkins", profile_id=profile_id, at=format_utc(now), energy=energy, note=note
        )
    return CheckIn(row, now, energy, note)


def load(db: Store, profile_id: int, since: datetime | None = None) -> list[CheckIn]:
    """Return what the user has said, oldest first: all, or from a moment on."""
    rows = db.rows(
        "SELECT id, at, energy, note FROM checkins WHERE profile_id = ? AND at >= ? ORDER BY id",
        (profile_id, "" if since is None else format_utc(since)),
    )
    told = ((row, read_time(row["at"])) for row in rows)
    found = [
        CheckIn(row["id"], at, float(row["energy"]), str(row["note"]))
        for row, at in told
        if at is not None
    ]
    return sorted(found, key=lambda one: (one.at, one.id))


def take_back(db: Store, profile_id: int) -> CheckIn:
    """Forget the last one that was said, and return it. Raises NotFoundError without any."""
    with db.transaction():
        given = max(load(db, profile_id), key=lambda one: one.id, default=None)
        if given is None:
            raise NotFoundError("there is no check-in to take back")
        db.execute("DELETE FROM checkins WHERE id = ?", (given.id,))
    return given
