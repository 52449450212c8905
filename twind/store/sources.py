"""The health of the sources and what each plugin keeps for itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from twind.store.connection import from_json, to_json

if TYPE_CHECKING:
    from twind.store.connection import Store


def state(db: Store, profile_id: int, name: str) -> dict[str, Any]:
    """Return what the plugin kept at its last good fetch."""
    return from_json(
        db.value("SELECT state FROM sources WHERE profile_id = ? AND name = ?", (profile_id, name))
    )


def _touch(db: Store, profile_id: int, name: str) -> None:
    db.execute(
        "INSERT INTO sources (profile_id, name) VALUES (?, ?) ON CONFLICT DO NOTHING",
        (profile_id, name),
    )
    db.execute(
        "UPDATE sources SET last_run_at = ? WHERE profile_id = ? AND name = ?",
        (db.now(), profile_id, name),
    )


def succeeded(
    db: Store, profile_id: int, name: str, new_state: dict[str, Any], records: int, problem: str
) -> None:
    """Note a good fetch: its state and its number of records.

    `problem` is what the user should know of it all the same ("" if nothing).
    """
    with db.transaction():
        _touch(db, profile_id, name)
        db.execute(
            "UPDATE sources SET state = ?, records = ?, last_ok_at = ?, last_error = ?, "
            "needs_user = 0 WHERE profile_id = ? AND name = ?",
            (to_json(new_state), records, db.now(), problem or None, profile_id, name),
        )


def failed(db: Store, profile_id: int, name: str, error: str, *, needs_user: bool = False) -> None:
    """Note a fetch that failed. The state stays as it was."""
    with db.transaction():
        _touch(db, profile_id, name)
        db.execute(
            "UPDATE sources SET last_error = ?, needs_user = ?, records = "
            "(SELECT COUNT(*) FROM records WHERE profile_id = ? AND source = ?) "
            "WHERE profile_id = ? AND name = ?",
            (error, int(needs_user), profile_id, name, profile_id, name),
        )


def health(db: Store, profile_id: int) -> dict[str, dict[str, Any]]:
    """Return each source's records, errors, last_ok_at, last_error and needs_user."""
    rows = db.rows(
        "SELECT name, records, last_ok_at, last_error, needs_user, (SELECT COUNT(*) FROM "
        "source_errors e WHERE e.profile_id = s.profile_id AND e.source = s.name) AS errors "
        "FROM sources s WHERE profile_id = ? ORDER BY name",
        (profile_id,),
    )
    return {
        row["name"]: {
            "records": row["records"],
            "errors": row["errors"],
            "last_ok_at": row["last_ok_at"],
            "last_error": row["last_error"],
            "needs_user": bool(row["needs_user"]),
        }
        for row in rows
    }


def errors(db: Store, profile_id: int, name: str) -> list[dict[str, str]]:
    """Return the records of a source that could not be read: uid, group and reason."""
    rows = db.rows(
        "SELECT uid, grp, reason, seen_at FROM source_errors "
        "WHERE profile_id = ? AND source = ? ORDER BY id",
        (profile_id, name),
    )
    return [
        {"uid": r["uid"], "group": r["grp"], "reason": r["reason"], "seen_at": r["seen_at"]}
        for r in rows
    ]
