"""The part of `twind ctl status` that the database knows."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from twind.clock import format_utc
from twind.store import jobs, models, outbox, recovery, sources

if TYPE_CHECKING:
    from twind.store.connection import Store
    from twind.store.jobs import Job
    from twind.store.models import ModelRow


def summary(db: Store, profile_id: int) -> dict[str, Any]:
    """Return profile, sources, patterns, model, queue, outbox and proposals as JSON."""
    return {
        "profile": profile_id,
        "sources": {**outbox.health(db, profile_id), **sources.health(db, profile_id)},
        "patterns": _patterns(db, profile_id),
        "model": _model(db, profile_id),
        "last_training": _last_training(db, profile_id),
        "queue": jobs.counts(db),
        "failures": [_failure(job) for job in jobs.failures(db)],
        "outbox": outbox.counts(db),
        "proposals": _proposals(db, profile_id),
        "recovered": asdict(found) if (found := recovery.last(db)) else None,
        "mended_model": asdict(mended) if (mended := recovery.last_mended(db)) else None,
    }


def figures(db: Store, profile_id: int) -> dict[str, Any]:
    """Return what there is to chart: sources, queue, outbox, proposals, the database's size."""
    return {
        "sources": {**outbox.health(db, profile_id), **sources.health(db, profile_id)},
        "queue": jobs.counts(db),
        "outbox": outbox.counts(db),
        "proposals": _proposal_counts(db, profile_id),
        "last_proposal_at": db.value(
            "SELECT MAX(created_at) FROM recommendations WHERE profile_id = ? "
            "AND json_valid(metadata) AND json_extract(metadata, '$.twind') = 1",
            (profile_id,),
        ),
        "bytes": _size(Path(db.file)),
    }


def _size(database: Path) -> int:
    journal = database.with_name(f"{database.name}-wal")
    return sum(file.stat().st_size for file in (database, journal) if file.is_file())


def _failure(job: Job) -> dict[str, Any]:
    return {"job": job.name, "at": job.finished_at, "error": (job.error or {}).get("message")}


def _patterns(db: Store, profile_id: int) -> dict[str, Any]:
    rows = db.rows(
        "SELECT d.name, AVG(p.strength) AS strength, AVG(p.confidence) AS confidence, "
        "COUNT(*) AS n FROM patterns p JOIN dimensions d ON d.id = p.dimension_id "
        "WHERE p.profile_id = ? GROUP BY d.id, d.name ORDER BY d.id",
        (profile_id,),
    )
    return {
        "count": sum(row["n"] for row in rows),
        "dimensions": [
            {"name": row["name"], "strength": row["strength"], "confidence": row["confidence"]}
            for row in rows
        ],
    }


def _model(db: Store, profile_id: int) -> dict[str, Any] | None:
    model = models.serving(db, profile_id)
    if model is None:
        return None
    return {
        "id": model.id,
        "kind": model.kind,
        "trained_at": format_utc(model.created_at),
        "score": model.score,
        "beat": _beaten(model),
    }


def _beaten(model: ModelRow) -> list[dict[str, Any]]:
    """Return what scored less than a model on the same days: those it lived, or else planned."""
    for entries in (model.report.get("field", []), model.report.get("plans", [])):
        scores = {entry["name"]: entry["mean"] for entry in entries}
        if model.kind in scores:
            own = scores[model.kind]
            return [{"name": name, "score": mean} for name, mean in scores.items() if mean < own]
    return []


def _last_training(db: Store, profile_id: int) -> dict[str, Any] | None:
    """Return what became of the last training, whether or not it went into service."""
    model = models.last_training(db, profile_id)
    if model is None:
        return None
    return {
        "id": model.id,
        "trained_at": format_utc(model.created_at),
        "state": model.state,
        "score": model.score,
        "because": model.report.get("because", ""),
        "field": model.report.get("field", []),
        "plans": model.report.get("plans", []),
        "differences": model.report.get("differences", []),
    }


def _proposal_counts(db: Store, profile_id: int) -> dict[str, int]:
    rows = db.rows(
        "SELECT status, COUNT(*) AS n FROM recommendations WHERE profile_id = ? "
        "AND json_valid(metadata) AND json_extract(metadata, '$.twind') = 1 GROUP BY status",
        (profile_id,),
    )
    return {row["status"]: row["n"] for row in rows}


def _proposals(db: Store, profile_id: int) -> dict[str, Any]:
    counts = _proposal_counts(db, profile_id)
    answered = counts.get("accepted", 0) + counts.get("rejected", 0)
    return {
        "pending": counts.get("pending", 0),
        "accepted": counts.get("accepted", 0),
        "rejected": counts.get("rejected", 0),
        "ignored": counts.get("ignored", 0),
        "acceptance_rate": counts.get("accepted", 0) / answered if answered else None,
    }
