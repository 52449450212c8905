"""What leaves the machine's memory and cannot share a transaction with it.

`sending` is committed before the call, `sent` after it. What a crash left in between is shown as
`uncertain` and never sent again: a repeated notification is worse than a doubtful one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from twind.store.connection import from_json, to_json

if TYPE_CHECKING:
    from twind.store.connection import Store


@dataclass(frozen=True, slots=True)
class Message:
    """Something to be delivered."""

    id: int
    key: str
    payload: dict[str, Any]


def put(db: Store, profile_id: int, key: str, payload: dict[str, Any]) -> bool:
    """Queue a message; False if one with that key was ever queued."""
    with db.transaction():
        return bool(
            db.execute(
                "INSERT INTO outbox (profile_id, key, payload, state, created_at) "
                "VALUES (?, ?, ?, 'pending', ?) ON CONFLICT (key) DO NOTHING",
                (profile_id, key, to_json(payload), db.now()),
            )
        )


def pending(db: Store, profile_id: int | None = None) -> bool:
    """Tell whether anything waits to be sent, for this profile or for any."""
    return bool(
        db.value(
            "SELECT EXISTS (SELECT 1 FROM outbox WHERE state = 'pending' "
            "AND (?1 IS NULL OR profile_id = ?1))",
            (profile_id,),
        )
    )


def claim(db: Store, profile_id: int | None = None) -> Message | None:
    """Take the oldest message that waits, for this profile or for any; mark it as being sent."""
    with db.transaction():
        row = db.row(
            "SELECT * FROM outbox WHERE state = 'pending' "
            "AND (?1 IS NULL OR profile_id = ?1) ORDER BY id LIMIT 1",
            (profile_id,),
        )
        if row is None:
            return None
        db.execute("UPDATE outbox SET state = 'sending' WHERE id = ?", (row["id"],))
        return Message(row["id"], row["key"], from_json(row["payload"]))


def sent(db: Store, message_id: int, channel: str) -> None:
    """Say that a channel has taken the message."""
    with db.transaction():
        db.execute(
            "UPDATE outbox SET state = 'sent', sent_at = ?, "
            "channel = CASE WHEN channel IS NULL THEN ? ELSE channel || ', ' || ? END "
            "WHERE id = ?",
            (db.now(), channel, channel, message_id),
        )


def failed(db: Store, message_id: int, error: str) -> None:
    """Say that no channel took the message."""
    with db.transaction():
        db.execute(
            "UPDATE outbox SET state = 'failed', error = ? WHERE id = ? AND state = 'sending'",
            (error, message_id),
        )


def mark_uncertain(db: Store) -> int:
    """Mark what was being sent when its sender died; return how many there were."""
    with db.transaction():
        return db.execute("UPDATE outbox SET state = 'uncertain' WHERE state = 'sending'")


def counts(db: Store) -> dict[str, int]:
    """Return how many messages are in each state."""
    rows = db.rows("SELECT state, COUNT(*) AS n FROM outbox GROUP BY state")
    return {row["state"]: row["n"] for row in rows}
