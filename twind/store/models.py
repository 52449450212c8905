"""The trained models and rules, and which of them serves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from twind.clock import parse_utc
from twind.errors import NotFoundError
from twind.store.connection import from_json, to_json

if TYPE_CHECKING:
    from datetime import datetime

    from twind.store.connection import Store

_TRAINING_DUE = "training_due"


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
    served_at: datetime | None


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
        parse_utc(row["served_at"]) if row["served_at"] else None,
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


def training_due(db: Store) -> str | None:
    """Return what `set_training_due` kept; None where no training would pay."""
    return db.meta_get(_TRAINING_DUE)


def set_training_due(db: Store, mark: str | None) -> None:
    """Keep that a training would pay, and of which moment: `mark` is another after each change.

    It outlives whoever found it out: a pause, a stop and a crash put the training off, no more.
    """
    db.meta_set(_TRAINING_DUE, mark)


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
            "score, report, belief, world, created_at, served_at) "
            "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
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
                db.now() if state == "serving" else None,
            ),
        )
        return int(db.value("SELECT last_insert_rowid()"))


def history(db: Store, profile_id: int) -> list[ModelRow]:
    """Return every model, the newest first."""
    rows = db.rows("SELECT * FROM models WHERE profile_id = ? ORDER BY id DESC", (profile_id,))
    return [_model(row) for row in rows]


_BASE = "base"
"""The kind of the policy that ships, where it won; it also serves where nothing else does."""


def roll_back(db: Store, profile_id: int) -> ModelRow | None:
    """Take what serves out of service for good; return what serves now, as it did before.

    None is the base policy. Raises NotFoundError where it serves and nothing else did before it.
    """
    with db.transaction():
        current = serving(db, profile_id)
        if current is None:
            raise NotFoundError("the base policy serves: there is nothing to go back from")
        # Another training of the same rule is the same rule.
        before = db.row(
            "SELECT * FROM models WHERE profile_id = ? AND state = 'retired' "
            "AND served_at IS NOT NULL AND (kind = 'ppo' OR kind != ?) "
            "ORDER BY served_at DESC, id DESC LIMIT 1",
            (profile_id, current.kind),
        )
        if before is None and current.kind == _BASE:
            raise NotFoundError("the base policy serves: there is nothing to go back to")
        reject(db, current.id)
        if before is None:
            return None
        db.execute("UPDATE models SET state = 'serving' WHERE id = ?", (before["id"],))
        return serving(db, profile_id)


def obsolete_files(db: Store, profile_id: int, keep: int) -> list[str]:
    """Return the files of networks that are not among the newest `keep`.

    What serves and what served before it are kept: a rollback needs them.
    """
    rows = db.rows(
        "SELECT file FROM models WHERE profile_id = ?1 AND file IS NOT NULL AND state != 'serving' "
        "AND id NOT IN (SELECT id FROM models WHERE profile_id = ?1 AND state = 'retired' "
        "AND served_at IS NOT NULL ORDER BY served_at DESC, id DESC LIMIT 1) "
        "ORDER BY id DESC LIMIT -1 OFFSET ?2",
        (profile_id, keep),
    )
    return [row["file"] for row in rows]


UNLEARNT = "what it was trained on is forgotten"


def unlearn(db: Store, profile_id: int) -> int:
    """Take all models out of service for good and let go of what they hold.

    Their files have then no row. A rule is chosen by how it fared on the same days, and goes too.
    Returns how many networks that were which still held something.
    """
    emptied = to_json({"because": UNLEARNT})
    with db.transaction():
        networks = db.value(
            "SELECT COUNT(*) FROM models WHERE profile_id = ? AND kind = 'ppo' AND report != ?",
            (profile_id, emptied),
        )
        db.execute(
            "UPDATE models SET state = 'rejected', file = NULL, sha256 = NULL, belief = NULL, "
            "world = NULL, score = NULL, report = ? WHERE profile_id = ?",
            (emptied, profile_id),
        )
        return int(networks)


def prune(db: Store, profile_id: int) -> int:
    """Forget what was believed when models were trained, but for the newest network's.

    Only that is ever held against what is believed now. Returns of how many it was forgotten.
    """
    return db.execute(
        "UPDATE models SET belief = NULL, world = NULL WHERE profile_id = ?1 "
        "AND (belief IS NOT NULL OR world IS NOT NULL) AND id != "
        "(SELECT MAX(id) FROM models WHERE profile_id = ?1 AND kind = 'ppo')",
        (profile_id,),
    )


def reject(db: Store, model_id: int) -> None:
    """Take a model out of service for good: its file is damaged or gone."""
    with db.transaction():
        db.execute("UPDATE models SET state = 'rejected' WHERE id = ?", (model_id,))
