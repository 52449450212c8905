"""The health of the sources and what each plugin keeps for itself."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any, Literal

from twind.clock import parse_utc
from twind.errors import NotFoundError
from twind.store import erased, words
from twind.store.connection import from_json, to_json

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from twind.store.connection import Store

Trouble = Literal["failed", "refused", "held"]
"""What is wrong with a source: its fetch fails, it wants other credentials, or it has suddenly lost
so much that its deletions are held back."""


def state(db: Store, profile_id: int, name: str) -> dict[str, Any]:
    """Return what the plugin kept at its last good fetch."""
    return from_json(_of(db, profile_id, name, "state"))


def _of(db: Store, profile_id: int, name: str, column: str) -> Any:
    return db.value(
        f"SELECT {column} FROM sources WHERE profile_id = ? AND name = ?", (profile_id, name)
    )


def _set(db: Store, profile_id: int, name: str, **columns: Any) -> None:
    assigned = ", ".join(f"{column} = ?" for column in columns)
    db.execute(
        f"UPDATE sources SET {assigned} WHERE profile_id = ? AND name = ?",
        (*columns.values(), profile_id, name),
    )


def _ensure(db: Store, profile_id: int, name: str) -> None:
    db.execute(
        "INSERT INTO sources (profile_id, name) VALUES (?, ?) ON CONFLICT DO NOTHING",
        (profile_id, name),
    )


# --- what became of a fetch ----------------------------------------------------------------------


def succeeded(
    db: Store,
    profile_id: int,
    name: str,
    new_state: dict[str, Any],
    records: int,
    problem: str = "",
) -> None:
    """Note a good fetch: its state and its number of records.

    `problem` is what the user should know of it all the same ("" if nothing). Of what is kept, too,
    those are left out whom the user has had erased.
    """
    with db.transaction():
        _ensure(db, profile_id, name)
        without = erased.load(db, profile_id)
        kept = to_json(without.value(new_state) if without else new_state)
        if kept != _of(db, profile_id, name, "state"):
            # It may be megabytes, and mostly it is as it was.
            _set(db, profile_id, name, state=kept)
        _set(
            db,
            profile_id,
            name,
            last_run_at=db.now(),
            records=records,
            last_ok_at=db.now(),
            last_error=problem or None,
            needs_user=0,
            trouble=None,
            trouble_since=None,
        )


def failed(db: Store, profile_id: int, name: str, error: str, *, needs_user: bool = False) -> None:
    """Note a fetch that failed. The state stays as it was; so does a hold, and its answer."""
    with db.transaction():
        _in_trouble(db, profile_id, name, "refused" if needs_user else "failed", error)
        _set(db, profile_id, name, needs_user=int(needs_user))


def held(db: Store, profile_id: int, name: str, problem: str) -> None:
    """Note a fetch whose deletions are held back.

    The state stays as it was, so that the source tells again what it has lost. It is no good fetch:
    `last_ok_at` stays, too.
    """
    with db.transaction():
        _in_trouble(db, profile_id, name, "held", problem)
        _set(db, profile_id, name, needs_user=0)


def _in_trouble(db: Store, profile_id: int, name: str, trouble: Trouble, error: str) -> None:
    _ensure(db, profile_id, name)
    if _of(db, profile_id, name, "trouble_since") is None:
        _set(db, profile_id, name, trouble_since=db.now())
    count = db.value(
        "SELECT COUNT(*) FROM records WHERE profile_id = ? AND source = ?", (profile_id, name)
    )
    _set(
        db,
        profile_id,
        name,
        last_run_at=db.now(),
        last_error=error,
        trouble=trouble,
        records=count,
    )


def forgotten(name: str) -> str:
    """Say of a source that it is not read any more, and what to do about it."""
    return f"{name} is forgotten, by your word; `twind plugins restore {name}` has it read again"


def forget(db: Store, profile_id: int, name: str) -> None:
    """Forget how a source fared and what it kept: read again, it is read from the beginning."""
    for table, column in (("sources", "name"), ("source_errors", "source")):
        db.execute(f"DELETE FROM {table} WHERE profile_id = ? AND {column} = ?", (profile_id, name))


def reread(db: Store, profile_id: int) -> None:
    """Have all sources read from the beginning at the next sync, and their errors told anew."""
    db.execute(
        "UPDATE sources SET state = '{}', more_errors = 0 WHERE profile_id = ?", (profile_id,)
    )
    db.execute("DELETE FROM source_errors WHERE profile_id = ?", (profile_id,))


def first_synced(db: Store, profile_id: int) -> dict[str, datetime]:
    """Return when each source brought the first of the records that it still has."""
    rows = db.rows(
        "SELECT source, MIN(first_seen_at) AS at FROM records WHERE profile_id = ? GROUP BY source",
        (profile_id,),
    )
    return {row["source"]: parse_utc(row["at"]) for row in rows}


REST_MOST = timedelta(hours=6)
"""A source that fails is tried at least this often: most of what fails is mended in a day."""


def is_resting(health: Mapping[str, Any], now: datetime) -> bool:
    """Tell whether a source that fails is not to be polled for now; `health` is what that says.

    One that wants other credentials is not polled at all: to try again and again may lock an
    account.
    """
    if health.get("trouble") == "refused":
        return True
    if health.get("trouble") != "failed":
        return False
    return rests(parse_utc(health["trouble_since"]), parse_utc(health["last_run_at"]), now)


def rests(since: datetime, last: datetime, now: datetime) -> bool:
    """Tell whether what has failed `since` then, and `last` failed then, is left alone for now.

    It is for as long as its trouble has lasted, so that each rest is about twice the one before,
    and for REST_MOST at most.
    """
    return timedelta() <= now - last < min(last - since, REST_MOST)


# --- a hold, and the user's answer ---------------------------------------------------------------


def hold(db: Store, profile_id: int, name: str, upto: int) -> bool:
    """Hold the deletions of a source back; return whether they were not before.

    upto: the last of the records that it had: what came later is not held.
    """
    if held_upto(db, profile_id, name) is not None:
        return False
    _ensure(db, profile_id, name)
    _set(db, profile_id, name, held_since=db.now(), held_upto=upto)
    return True


def release(db: Store, profile_id: int, name: str) -> None:
    """End a hold, whatever ended it; the user's answer is used up."""
    if held_upto(db, profile_id, name) is not None:
        _set(db, profile_id, name, held_since=None, held_upto=None, accepted=0)


def held_upto(db: Store, profile_id: int, name: str) -> int | None:
    """Return the last record that a source had when its hold began; None if nothing is held."""
    upto: int | None = _of(db, profile_id, name, "held_upto")
    return upto


def is_accepted(db: Store, profile_id: int, name: str) -> bool:
    """Tell whether the user has let the deletions go that are held back."""
    return bool(_of(db, profile_id, name, "accepted"))


def accept(db: Store, profile_id: int, name: str) -> str:
    """Let the next complete sync delete what is held back; return what that is, in words.

    The word is used up by that sync, in its own transaction. Raises NotFoundError where nothing is
    held back.
    """
    with db.transaction():
        if held_upto(db, profile_id, name) is None:
            raise NotFoundError(f"{name} holds nothing back: there is nothing to accept")
        _set(db, profile_id, name, accepted=1)
        return str(_of(db, profile_id, name, "last_error") or "")


# --- what is told of it --------------------------------------------------------------------------


def note_unlisted(db: Store, profile_id: int, name: str, count: int) -> None:
    """Keep how many records were refused beyond those that are listed."""
    if count or _of(db, profile_id, name, "more_errors"):
        _ensure(db, profile_id, name)
        _set(db, profile_id, name, more_errors=count)


def health(db: Store, profile_id: int) -> dict[str, dict[str, Any]]:
    """Return the health of each source that was ever synced.

    {name: {"records", "errors" (records it refuses), "last_run_at", "last_ok_at", "last_error",
    "needs_user", "trouble" (None, "failed", "refused" or "held"), "trouble_since", "held_since",
    "forgotten"}}; times as they are stored. One that is forgotten has nothing to tell but that.
    """
    rows = db.rows(
        "SELECT name, records, last_run_at, last_ok_at, last_error, needs_user, trouble, "
        "trouble_since, held_since, more_errors + (SELECT COUNT(*) FROM "
        "source_errors e WHERE e.profile_id = s.profile_id AND e.source = s.name) AS errors "
        "FROM sources s WHERE profile_id = ? ORDER BY name",
        (profile_id,),
    )
    found = {
        row["name"]: {
            "records": row["records"],
            "errors": row["errors"],
            "last_run_at": row["last_run_at"],
            "last_ok_at": row["last_ok_at"],
            "last_error": row["last_error"],
            "needs_user": bool(row["needs_user"]),
            "trouble": row["trouble"],
            "trouble_since": row["trouble_since"],
            "held_since": row["held_since"],
            "forgotten": False,
        }
        for row in rows
    }
    for word in words.load(db, profile_id):
        if word.kind == "source":
            found[word.subject] = {
                "records": 0,
                "errors": 0,
                "last_run_at": None,
                "last_ok_at": None,
                "last_error": forgotten(word.subject),
                "needs_user": False,
                "trouble": None,
                "trouble_since": None,
                "held_since": None,
                "forgotten": True,
            }
    return found


def errors(db: Store, profile_id: int, name: str) -> list[dict[str, str]]:
    """Return the records of a source that could not be read.

    Each {"uid", "group", "reason", "first_seen_at", "last_seen_at"}, times as they are stored.
    """
    rows = db.rows(
        "SELECT uid, grp, reason, seen_at, COALESCE(first_seen_at, seen_at) AS first_seen_at "
        "FROM source_errors WHERE profile_id = ? AND source = ? ORDER BY id",
        (profile_id, name),
    )
    return [
        {
            "uid": row["uid"],
            "group": row["grp"],
            "reason": row["reason"],
            "first_seen_at": row["first_seen_at"],
            "last_seen_at": row["seen_at"],
        }
        for row in rows
    ]
