"""The trained models and rules, and which of them serves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from twind.clock import parse_utc
from twind.store.connection import from_json, to_json

if TYPE_CHECKING:
    from datetime import datetime

    from twind.store.connection import Store


@dataclass(frozen=True, slots=True)
class ModelRow:
    """A model: `kind` is "ppo" or the name of a rule; a rule has no file.

    `score` is its mean on held-out simulated days, `report` the numbers of the whole field.
    """

    id: int
    kind: str
    file: str | None
    sha256: str | None
    state: Literal["serving", "retired", "rejected"]
    timesteps: int
    score: float | None
    report: dict[str, Any]
    belief: bytes | None
    world: str | None
    created_at: datetime


def _model(row: Any) -> ModelRow:
    return ModelRow(
        row["id"],
        row["kind"],
        row["file"],
        row["sha256"],
        row["state"],
        row["timesteps"],
        row["score"],
        from_json(row["report"]),
        row["belief"],
        row["world"],
        parse_utc(row["created_at"]),
    )


def serving(db: Store, profile_id: int) -> ModelRow | None:
    """Return what serves now, or None before the first training."""
    row = db.row(
        "SELECT * FROM models WHERE profile_id = ? AND state = 'serving' ORDER BY id DESC LIMIT 1",
        (profile_id,),
    )
    return None if row is None else _model(row)


def newest_network(db: Store, profile_id: int) -> ModelRow | None:
    """Return the network that serves, else the newest that is not known to be bad."""
    row = db.row(
        "SELECT * FROM models WHERE profile_id = ? AND kind = 'ppo' AND state != 'rejected' "
        "ORDER BY state = 'serving' DESC, id DESC LIMIT 1",
        (profile_id,),
    )
    return None if row is None else _model(row)


def last_training(db: Store, profile_id: int) -> ModelRow | None:
    """Return the newest trained network, whatever became of it."""
    row = db.row(
        "SELECT * FROM models WHERE profile_id = ? AND kind = 'ppo' ORDER BY id DESC LIMIT 1",
        (profile_id,),
    )
    return None if row is None else _model(row)


def put(
    db: Store,
    profile_id: int,
    *,
    kind: str,
    state: Literal["serving", "retired"],
    file: str | None = None,
    sha256: str | None = None,
    parent_id: int | None = None,
    timesteps: int = 0,
    score: float | None = None,
    report: dict[str, Any] | None = None,
    belief: bytes | None = None,
    world: str | None = None,
) -> int:
    """Keep a model; one that is to serve retires the one that did."""
    with db.transaction():
        if state == "serving":
            db.execute(
                "UPDATE models SET state = 'retired' WHERE profile_id = ? AND state = 'serving'",
                (profile_id,),
            )
        db.execute(
            "INSERT INTO models (profile_id, kind, file, sha256, state, parent_id, timesteps, "
            "score, report, belief, world, created_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                profile_id,
                kind,
                file,
                sha256,
                state,
                parent_id,
                timesteps,
                score,
                to_json(report or {}),
                belief,
                world,
                db.now(),
            ),
        )
        return int(db.value("SELECT last_insert_rowid()"))


def obsolete_files(db: Store, profile_id: int, keep: int) -> list[str]:
    """Return the files of networks that neither serve nor are among the newest `keep`."""
    rows = db.rows(
        "SELECT file FROM models WHERE profile_id = ? AND file IS NOT NULL AND state != 'serving' "
        "ORDER BY id DESC LIMIT -1 OFFSET ?",
        (profile_id, keep),
    )
    return [row["file"] for row in rows]


def reject(db: Store, model_id: int) -> None:
    """Take a model out of service for good: its file is damaged or gone."""
    with db.transaction():
        db.execute("UPDATE models SET state = 'rejected' WHERE id = ?", (model_id,))
