"""What leaves the machine's memory and cannot share a transaction with it.

A message goes to each channel by itself, and each is a row in `deliveries`: `sending` is committed
before the call, `sent` after it. What a crash left in between is `uncertain` and never sent again:
a repeated notification is worse than a doubtful one. What surely did not arrive waits and is tried
again. A message's own `state` sums its deliveries up.

    pending    it has yet to be sent, on one channel at least
    sending    just now, or nobody knows yet what became of the sender
    uncertain  on one channel at least it may or may not have arrived
    sent       at least one channel took it, and none is in doubt
    failed     no channel took it
    dropped    it was of no use any more before any channel had it
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from twind.clock import format_utc, parse_utc
from twind.store.connection import from_json, to_json

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from twind.store.connection import Store

RETRY_S, RETRY_MOST_S = 60.0, 3600.0
"""How long to wait after a first failure, and at most: it doubles."""
NOBODY_S = 900.0
"""How long to wait where there is no channel at all."""
_IS_DUE = "(due_at IS NULL OR due_at <= :now OR due_at > :furthest)"
"""Nothing is put off for longer than an hour: what seems to be was, by a clock that went wrong."""
MAX_TRIES = 30
"""As many fill a day. A channel that has been away for longer has missed the message."""


@dataclass(frozen=True, slots=True)
class Address:
    """Where a message goes: a plugin's channel, and what people call it just now."""

    plugin: str
    channel: str
    name: str = field(compare=False)


@dataclass(frozen=True, slots=True)
class Message:
    """Something to be delivered; `due` is None until it is settled where it goes."""

    id: int
    key: str
    payload: dict[str, Any]
    created_at: datetime
    due: frozenset[Address] | None = None


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


# --- what is to be sent --------------------------------------------------------------------------


def is_due(db: Store, profile_id: int | None = None, *, new: bool = False) -> bool:
    """Tell whether anything is to be sent now, for this profile or for any.

    `new` leaves out what has been tried before.
    """
    return bool(
        db.value(
            "SELECT EXISTS (SELECT 1 FROM outbox WHERE state = 'pending' "
            "AND (:profile IS NULL OR profile_id = :profile) "
            f"AND {_IS_DUE} AND (due_at IS NULL OR NOT :new))",
            {"profile": profile_id, "new": int(new), **_times(db)},
        )
    )


def due(db: Store, profile_id: int | None = None) -> list[Message]:
    """Return what is to be sent now, the oldest first, for this profile or for any."""
    rows = db.rows(
        "SELECT * FROM outbox WHERE state = 'pending' "
        f"AND (:profile IS NULL OR profile_id = :profile) AND {_IS_DUE} ORDER BY id",
        {"profile": profile_id, **_times(db)},
    )
    return [
        Message(
            row["id"],
            row["key"],
            from_json(row["payload"]),
            parse_utc(row["created_at"]),
            _due_at(db, row["id"]),
        )
        for row in rows
    ]


def _due_at(db: Store, message_id: int) -> frozenset[Address] | None:
    rows = db.rows(
        f"SELECT *, state = 'waiting' AND {_IS_DUE} AS is_due FROM deliveries "
        "WHERE message_id = :message",
        {"message": message_id, **_times(db)},
    )
    waiting = (row for row in rows if row["is_due"])
    found = (Address(row["plugin"], row["channel"], row["name"]) for row in waiting)
    return frozenset(found) if rows else None


def _times(db: Store) -> dict[str, str]:
    return {"now": db.now(), "furthest": _from_now(db, RETRY_MOST_S)}


def address(db: Store, message_id: int, addresses: Iterable[Address]) -> None:
    """Settle which channels a message goes to: those there are when it is first sent."""
    with db.transaction():
        for one in addresses:
            db.execute(
                "INSERT INTO deliveries (message_id, plugin, channel, name, state, changed_at) "
                "VALUES (?, ?, ?, ?, 'waiting', ?) ON CONFLICT DO NOTHING",
                (message_id, one.plugin, one.channel, one.name, db.now()),
            )


# --- what becomes of it --------------------------------------------------------------------------


def sending(db: Store, ids: Iterable[int], to: Address) -> None:
    """Say, before the call, that these messages are being handed to a channel, as one."""
    _note(db, ids, to, "sending")


def sent(db: Store, ids: Iterable[int], to: Address) -> None:
    """Say that a channel has taken the messages."""
    _note(db, ids, to, "sent")


def uncertain(db: Store, ids: Iterable[int], to: Address, error: str) -> None:
    """Say that a channel may or may not have taken the messages."""
    _note(db, ids, to, "uncertain", error)


def failed(db: Store, ids: Iterable[int], to: Address, error: str, *, again: bool) -> int:
    """Say that a channel has not taken the messages; it is tried `again` later, or it is not.

    Returns how often it has not taken one of them by now.
    """
    most = 0
    with db.transaction():
        for message_id in ids:
            tries = db.value(
                "UPDATE deliveries SET tries = tries + 1 "
                "WHERE message_id = ? AND plugin = ? AND channel = ? RETURNING tries",
                (message_id, to.plugin, to.channel),
            )
            most = max(most, tries)
            if again and tries < MAX_TRIES:
                wait_s = min(RETRY_S * 2.0 ** (tries - 1), RETRY_MOST_S)
                _note(db, [message_id], to, "waiting", error, _from_now(db, wait_s))
            else:
                _note(db, [message_id], to, "failed", error)
    return most


def _from_now(db: Store, seconds: float) -> str:
    return format_utc(db.clock.now() + timedelta(seconds=seconds))


def drop(db: Store, message_id: int, why: str) -> None:
    """Send a message to nobody any more, since it is of no use."""
    with db.transaction():
        db.execute(
            "UPDATE deliveries SET state = 'dropped', due_at = NULL, error = ?, changed_at = ? "
            "WHERE message_id = ? AND state = 'waiting'",
            (why, db.now(), message_id),
        )
        if not _sum_up(db, message_id):
            _conclude(db, message_id, "dropped", why)


def forsake(db: Store, why: str) -> None:
    """Send nothing any more of all that waits; what was just being sent is uncertain."""
    with db.transaction():
        mark_uncertain(db)
        for row in db.rows("SELECT id FROM outbox WHERE state = 'pending'"):
            drop(db, row["id"], why)


def forget(db: Store, profile_id: int, about: str, name: str) -> None:
    """Delete all messages whose payload has this name under this key ("source", "dimension")."""
    db.execute(
        "DELETE FROM outbox WHERE profile_id = ? AND json_valid(payload) "
        "AND json_extract(payload, '$.' || ?) = ?",
        (profile_id, about, name),
    )


def give_up(db: Store, message_id: int, why: str) -> None:
    """Say that there is nobody to hand a message to."""
    _conclude(db, message_id, "failed", why)


def postpone(db: Store, message_id: int, why: str) -> None:
    """Try a message later that there is nobody to hand to just now."""
    with db.transaction():
        db.execute(
            "UPDATE outbox SET due_at = ?, error = ? WHERE id = ? AND state = 'pending'",
            (_from_now(db, NOBODY_S), why, message_id),
        )


def mark_uncertain(db: Store) -> int:
    """Mark what was being sent when its sender died; return how many messages there were."""
    found = (
        "SELECT id FROM outbox WHERE state = 'sending' UNION "
        "SELECT message_id FROM deliveries WHERE state = 'sending'"
    )
    if not db.rows(found):
        return 0  # asked each minute: it takes nobody's turn to write
    with db.transaction():
        rows = db.rows(found)
        db.execute(
            "UPDATE deliveries SET state = 'uncertain', changed_at = ?, "
            "error = 'the sender was interrupted' WHERE state = 'sending'",
            (db.now(),),
        )
        for row in rows:
            if not _sum_up(db, row["id"]):
                _conclude(db, row["id"], "uncertain", "the sender was interrupted")
        return len(rows)


def _note(
    db: Store,
    ids: Iterable[int],
    to: Address,
    state: str,
    error: str | None = None,
    due_at: str | None = None,
) -> None:
    with db.transaction():
        for message_id in ids:
            db.execute(
                "UPDATE deliveries SET state = ?, error = ?, due_at = ?, changed_at = ? "
                "WHERE message_id = ? AND plugin = ? AND channel = ?",
                (state, error, due_at, db.now(), message_id, to.plugin, to.channel),
            )
            _sum_up(db, message_id)


def _sum_up(db: Store, message_id: int) -> bool:
    """Bring a message's state up to its deliveries; False where it has none."""
    rows = db.rows(
        "SELECT * FROM deliveries WHERE message_id = ? ORDER BY changed_at, rowid", (message_id,)
    )
    if not rows:
        return False
    states = {row["state"] for row in rows}
    order = ("sending", "waiting", "uncertain", "sent", "failed", "dropped")
    state = next(one for one in order if one in states)
    waiting = [row["due_at"] for row in rows if row["state"] == "waiting"]
    db.execute(
        "UPDATE outbox SET state = ?, due_at = ?, error = ?, channel = ?, sent_at = ? WHERE id = ?",
        (
            "pending" if state == "waiting" else state,
            min(waiting) if waiting and None not in waiting else None,
            "; ".join(f"{row['name']}: {row['error']}" for row in rows if row["error"]) or None,
            ", ".join(row["name"] for row in rows if row["state"] == "sent") or None,
            max((row["changed_at"] for row in rows if row["state"] == "sent"), default=None),
            message_id,
        ),
    )
    return True


def _conclude(db: Store, message_id: int, state: str, why: str) -> None:
    with db.transaction():
        db.execute(
            "UPDATE outbox SET state = ?, error = ?, due_at = NULL WHERE id = ?",
            (state, why, message_id),
        )


def prune(db: Store, before: datetime) -> int:
    """Forget the messages made before a moment of which nothing is to be sent any more."""
    return db.execute(
        "DELETE FROM outbox WHERE state IN ('sent', 'failed', 'dropped', 'uncertain') "
        "AND created_at < ?",
        (format_utc(before),),
    )


# --- what is told of it --------------------------------------------------------------------------


def counts(db: Store) -> dict[str, int]:
    """Return how many messages are in each state."""
    rows = db.rows("SELECT state, COUNT(*) AS n FROM outbox GROUP BY state")
    return {row["state"]: row["n"] for row in rows}


def reached(db: Store, profile_id: int, prefix: str) -> list[datetime]:
    """Return when the messages of such keys were made that the user has had, or may, in order."""
    rows = db.rows(
        "SELECT created_at FROM outbox WHERE profile_id = ? AND substr(key, 1, ?) = ? "
        "AND state IN ('sent', 'uncertain') ORDER BY id",
        (profile_id, len(prefix), prefix),
    )
    return [parse_utc(row["created_at"]) for row in rows]


def by_channel(db: Store, profile_id: int) -> list[dict[str, Any]]:
    """Return how each channel fares that a message ever went to.

    Each {"plugin", "channel" (its name), "last_sent_at", "last_error" (of the last message it was
    to have, if that went wrong), "message_id" (of that one)}; times as they are stored.
    """
    rows = db.rows(
        "SELECT d.* FROM deliveries d JOIN outbox o ON o.id = d.message_id "
        "WHERE o.profile_id = ? ORDER BY d.message_id, d.rowid",
        (profile_id,),
    )
    told: dict[tuple[str, str], dict[str, Any]] = {}
    for row in rows:
        before = told.get((row["plugin"], row["channel"]), {"last_sent_at": None})
        sent_at = row["changed_at"] if row["state"] == "sent" else before["last_sent_at"]
        told[row["plugin"], row["channel"]] = {
            "plugin": row["plugin"],
            "channel": row["name"],
            "last_sent_at": sent_at,
            "last_error": None if row["state"] in {"sent", "dropped"} else row["error"],
            "message_id": row["message_id"],
        }
    return list(told.values())


def health(db: Store, profile_id: int) -> dict[str, dict[str, Any]]:
    """Return how each plugin that delivers fares, in the shape of `sources.health`.

    {name: {"records", "errors" (both 0), "last_ok_at", "last_error" (of its channels, where the
    last message went)}}; times as they are stored.
    """
    channels = by_channel(db, profile_id)
    told = {}
    for plugin in dict.fromkeys(one["plugin"] for one in channels):
        own = [one for one in channels if one["plugin"] == plugin]
        last = max(one["message_id"] for one in own)
        errors = [
            f"{one['channel']}: {one['last_error']}"
            for one in own
            if one["last_error"] and one["message_id"] == last
        ]
        told[plugin] = {
            "records": 0,
            "errors": 0,
            "last_ok_at": max((one["last_sent_at"] or "" for one in own), default="") or None,
            "last_error": "; ".join(errors) or None,
        }
    return told
