"""The row in `profile` that everything else belongs to."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from twind.store.connection import Store


def ensure(db: Store, profile_id: int) -> None:
    """Make the profile where it does not exist."""
    with db.transaction():
        if not db.value("SELECT EXISTS (SELECT 1 FROM profile WHERE id = ?)", (profile_id,)):
            now = db.now()
            db.execute(
                "INSERT INTO profile (id, created_at, updated_at, total_responses, "
                "engagement_score, learning_version, metadata) VALUES (?, ?, ?, 0, 0, 1, '{}')",
                (profile_id, now, now),
            )


def exists(db: Store, profile_id: int) -> bool:
    """Tell whether there is such a profile."""
    return bool(db.value("SELECT EXISTS (SELECT 1 FROM profile WHERE id = ?)", (profile_id,)))
