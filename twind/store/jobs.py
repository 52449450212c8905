"""The queue of jobs: what is to be done, being done, and was done.

A job with a key (`propose:2026-11-23`) is done once. A worker's result carries the attempt it was
started as, so that a late one changes nothing. How often a job was interrupted in a row stands in
its error until it has ended by itself, well or not.
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
INTERRUPTED = "interrupted"
"""The error's code of a job that was given up, since each try was interrupted."""


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

    @property
    def interruptions(self) -> int:
        """How often its daemon was killed, or lost its power, in the middle of it; in a row."""
        return int((self.error or {}).get("interruptions", 0))

    @property
    def is_given_up(self) -> bool:
        """Whether it was interrupted too often."""
        return self.state == "failed" and (self.error or {}).get("code") == INTERRUPTED


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


def last_like(db: Store, name: str, args: dict[str, Any], key: str | None) -> Job | None:
    """Return the job of that key; without one, the last that was queued to do the same."""
    if key is not None:
        row = db.row("SELECT * FROM jobs WHERE key = ?", (key,))
    else:
        row = db.row(
            "SELECT * FROM jobs WHERE key IS NULL AND name = ? AND args = ? "
            "ORDER BY id DESC LIMIT 1",
            (name, to_json(args)),
        )
    return None if row is None else _job(row)


def enqueue(db: Store, name: str, args: dict[str, Any], key: str | None = None) -> Job:
    """Queue a job, or return the one of the same key; where that failed it is queued again.

    So is one without a key that was given up: its interruptions go on being counted.
    """
    with db.transaction():
        last = last_like(db, name, args, key)
        if last is not None and (key is not None or last.is_given_up):
            if last.state == "failed":
                db.execute(
                    "UPDATE jobs SET state = 'queued', queued_at = ? WHERE id = ?",
                    (db.now(), last.id),
                )
            return get(db, last.id)
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
            "result = NULL WHERE id = ?",
            (db.now(), job_id),
        )
        return get(db, job_id)


def finish(db: Store, job_id: int, attempt: int, result: dict[str, Any]) -> bool:
    """Mark a job as done with its result; False if that attempt no longer counts."""
    return _end(db, job_id, attempt, "done", result=to_json(result))


def fail(
    db: Store, job_id: int, attempt: int, code: str, message: str, *, interruptions: int = 0
) -> bool:
    """Mark a job as failed; False if that attempt no longer counts."""
    error: dict[str, Any] = {"code": code, "message": message}
    if interruptions:
        error["interruptions"] = interruptions
    return _end(db, job_id, attempt, "failed", error=to_json(error))


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
    db: Store,
    job_id: int,
    attempt: int,
    state: str,
    *,
    result: str | None = None,
    error: str | None = None,
) -> bool:
    with db.transaction():
        return bool(
            db.execute(
                "UPDATE jobs SET state = ?, result = ?, error = ?, finished_at = ? "
                "WHERE id = ? AND attempt = ? AND state = 'running'",
                (state, result, error, db.now(), job_id, attempt),
            )
        )


def requeue_interrupted(db: Store) -> list[Job]:
    """Queue again what a dead daemon left running; each has been interrupted once more."""
    with db.transaction():
        found = [_job(row) for row in db.rows("SELECT * FROM jobs WHERE state = 'running'")]
        for job in found:
            error = {"code": INTERRUPTED, "interruptions": job.interruptions + 1}
            db.execute(
                "UPDATE jobs SET state = 'queued', error = ? WHERE id = ?",
                (to_json(error), job.id),
            )
        return [get(db, job.id) for job in found]


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
