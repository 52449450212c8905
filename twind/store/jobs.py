"""The queue of jobs: what is to be done, being done, and was done.

A job with a key (`propose:2026-11-23`) is done once. A worker's result carries the attempt it was
started as, so that a late one changes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from twind.clock import format_utc
from twind.store.connection import from_json, to_json

if TYPE_CHECKING:
    import sqlite3
    from datetime import datetime

    from twind.store.connection import Store

KEPT_PER_NAME = 50


@dataclass(frozen=True, slots=True)
class Job:
    """One job."""

    id: int
    name: str
    key: str | None
    args: dict[str, Any]
    state: Literal["queued", "running", "done", "failed"]
    attempt: int
    result: dict[str, Any] = field(default_factory=dict)
    error: dict[str, Any] | None = None
    finished_at: str | None = None


def _job(row: sqlite3.Row) -> Job:
    return Job(
        row["id"],
        row["name"],
        row["key"],
        from_json(row["args"]),
        row["state"],
        row["attempt"],
        from_json(row["result"]),
        from_json(row["error"]) if row["error"] else None,
        row["finished_at"],
    )


def get(db: Store, job_id: int) -> Job:
    """Return one job. Raises KeyError if there is none of that id."""
    row = db.row("SELECT * FROM jobs WHERE id = ?", (job_id,))
    if row is None:
        raise KeyError(job_id)
    return _job(row)


def newest(db: Store, name: str) -> Job | None:
    """Return the job of that name that was queued last, whatever became of it."""
    row = db.row("SELECT * FROM jobs WHERE name = ? ORDER BY id DESC LIMIT 1", (name,))
    return None if row is None else _job(row)


def enqueue(db: Store, name: str, args: dict[str, Any], key: str | None = None) -> Job:
    """Queue a job, or return the one of the same key; where that failed it is queued again."""
    with db.transaction():
        row = db.row("SELECT id, state FROM jobs WHERE key = ?", (key,))
        if row is not None:
            if row["state"] == "failed":
                db.execute("UPDATE jobs SET state = 'queued' WHERE id = ?", (row["id"],))
            return get(db, row["id"])
        db.execute(
            "INSERT INTO jobs (name, key, args, state, queued_at) VALUES (?, ?, ?, 'queued', ?)",
            (name, key, to_json(args), db.now()),
        )
        job = get(db, int(db.value("SELECT last_insert_rowid()")))
        _prune(db, name)
        return job


def _prune(db: Store, name: str) -> None:
    """Forget old jobs without a key; a key is what says that something is done."""
    db.execute(
        "DELETE FROM jobs WHERE name = ? AND key IS NULL AND state IN ('done', 'failed') AND id <= "
        "(SELECT COALESCE(MAX(id), 0) FROM (SELECT id FROM jobs WHERE name = ? AND key IS NULL "
        "AND state IN ('done', 'failed') ORDER BY id DESC LIMIT -1 OFFSET ?))",
        (name, name, KEPT_PER_NAME),
    )


def prune(db: Store, before: datetime, told_before: datetime) -> int:
    """Forget the keys of jobs that were over before a moment; return how many.

    And what jobs told that were over before another.
    """
    db.execute(
        "UPDATE jobs SET result = NULL "
        "WHERE state = 'done' AND result IS NOT NULL AND finished_at < ?",
        (format_utc(told_before),),
    )
    return db.execute(
        "DELETE FROM jobs WHERE key IS NOT NULL AND state IN ('done', 'failed') "
        "AND COALESCE(finished_at, queued_at) < ?",
        (format_utc(before),),
    )


def start(db: Store, job_id: int) -> Job:
    """Mark a job as running, as a new attempt."""
    with db.transaction():
        db.execute(
            "UPDATE jobs SET state = 'running', attempt = attempt + 1, started_at = ?, "
            "result = NULL, error = NULL WHERE id = ?",
            (db.now(), job_id),
        )
        return get(db, job_id)


def finish(db: Store, job_id: int, attempt: int, result: dict[str, Any]) -> bool:
    """Mark a job as done with its result; False if that attempt no longer counts."""
    return _end(db, job_id, attempt, "done", "result", result)


def fail(db: Store, job_id: int, attempt: int, code: str, message: str) -> bool:
    """Mark a job as failed; False if that attempt no longer counts."""
    return _end(db, job_id, attempt, "failed", "error", {"code": code, "message": message})


def give_back(db: Store, job_id: int, attempt: int) -> None:
    """Queue again a running job whose worker was ended on purpose, as if it had not been begun."""
    db.execute(
        "UPDATE jobs SET state = 'queued', attempt = attempt - 1 "
        "WHERE id = ? AND attempt = ? AND state = 'running'",
        (job_id, attempt),
    )


def holds(db: Store, job_id: int, attempt: int) -> bool:
    """Tell whether a running job is still that attempt's."""
    return bool(
        db.value(
            "SELECT EXISTS (SELECT 1 FROM jobs WHERE id = ? AND attempt = ? AND state = 'running')",
            (job_id, attempt),
        )
    )


def _end(
    db: Store, job_id: int, attempt: int, state: str, column: str, value: dict[str, Any]
) -> bool:
    with db.transaction():
        return bool(
            db.execute(
                f"UPDATE jobs SET state = ?, {column} = ?, finished_at = ? "
                "WHERE id = ? AND attempt = ? AND state = 'running'",
                (state, to_json(value), db.now(), job_id, attempt),
            )
        )


def requeue_interrupted(db: Store) -> list[Job]:
    """Queue again what a dead daemon left running."""
    with db.transaction():
        ids = [row["id"] for row in db.rows("SELECT id FROM jobs WHERE state = 'running'")]
        for job_id in ids:
            db.execute("UPDATE jobs SET state = 'queued' WHERE id = ?", (job_id,))
        return [get(db, job_id) for job_id in ids]


def forget_results(db: Store) -> None:
    """Empty what ended jobs have said: that they are done is what counts later."""
    db.execute("UPDATE jobs SET result = NULL, error = NULL WHERE state IN ('done', 'failed')")


def queued(db: Store) -> list[Job]:
    """Return what waits, the longest waiting first."""
    return [_job(row) for row in db.rows("SELECT * FROM jobs WHERE state = 'queued' ORDER BY id")]


def done_keys(db: Store, prefix: str) -> set[str]:
    """Return the keys starting with `prefix` whose job is done."""
    rows = db.rows(
        "SELECT key FROM jobs WHERE state = 'done' AND substr(key, 1, ?) = ?",
        (len(prefix), prefix),
    )
    return {row["key"] for row in rows}


def failures(db: Store) -> list[Job]:
    """Return the jobs that failed when their like was last done, one of each name."""
    rows = db.rows(
        "SELECT * FROM jobs WHERE state = 'failed' AND id IN "
        "(SELECT MAX(id) FROM jobs WHERE state IN ('done', 'failed') GROUP BY name) ORDER BY id"
    )
    return [_job(row) for row in rows]


def counts(db: Store) -> dict[str, int]:
    """Return how many jobs are queued and running, and how many names failed last time."""
    found = {"queued": 0, "running": 0}
    for row in db.rows(
        "SELECT state, COUNT(*) AS n FROM jobs WHERE state IN ('queued', 'running') GROUP BY state"
    ):
        found[row["state"]] = row["n"]
    return found | {"failed": len(failures(db))}
