"""What is believed: patterns, the evidence behind them, and the posterior they are the face of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from twind.clock import format_utc
from twind.errors import NotFoundError
from twind.model import Pattern
from twind.store import words
from twind.store.connection import from_json, to_json
from twind.store.life import read_number

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from twind.store.connection import Store


@dataclass(frozen=True, slots=True)
class EvidenceRow:
    """One piece of evidence.

    aspects: the codes it speaks of (or "person:ID" …), and which way: 1 for it, -1 against it, 0
    for neither. origin: what it rests on, by a name that stays when a source is read anew
    (twind.store.words).
    """

    key: str
    kind: str
    at: datetime
    text: str
    source_table: str
    source_id: int | None
    weight: float
    aspects: Mapping[str, int]
    origin: str = ""


_SELECT = (
    # An aspect made elsewhere may lack its code, which its names then give.
    "SELECT p.*, COALESCE(NULLIF(a.code, ''), upper(substr(d.name, 1, 3)) || '_' || "
    "upper(replace(a.name, ' ', '_'))) AS code, "
    "a.name AS aspect, a.metadata AS about_aspect, d.name AS dimension FROM patterns p "
    "LEFT JOIN aspects a ON a.id = p.aspect_id "
    "LEFT JOIN dimensions d ON d.id = COALESCE(p.dimension_id, a.dimension_id) "
    "WHERE p.profile_id = ? ORDER BY p.id"
)


def earlier(db: Store, profile_id: int) -> dict[str, tuple[float, float]]:
    """Return what a database made elsewhere believed: code -> (strength, confidence).

    A pattern of a whole dimension stands under the dimension's name. What twind has since written
    over such a row is kept in its metadata, so that it stays a prior and is not counted twice.
    """
    found = {}
    for row in db.rows(_SELECT, (profile_id,)):
        about = from_json(row["metadata"])
        prior = about.get("prior") if "twind" in about else dict(row)
        if not isinstance(prior, dict):
            continue
        strength = read_number(prior.get("strength"))
        confidence = read_number(prior.get("confidence"))
        name = row["code"] or row["dimension"]
        if name and strength is not None:
            found[name] = (
                max(-1.0, min(1.0, strength)),
                max(0.0, min(1.0, confidence if confidence is not None else 0.5)),
            )
    return found


def write(db: Store, profile_id: int, patterns: Iterable[Pattern]) -> None:
    """Write the patterns; one whose numbers have not moved is left alone."""
    now = db.now()
    with db.transaction():
        places = {
            row["code"]: (row["dimension_id"], row["id"])
            for row in db.rows("SELECT id, code, dimension_id FROM aspects")
        }
        old: dict[int, sqlite3.Row] = {
            row["aspect_id"]: row
            for row in db.rows("SELECT * FROM patterns WHERE profile_id = ?", (profile_id,))
            if row["aspect_id"] is not None
        }
        for pattern in patterns:
            dimension_id, aspect_id = places[pattern.code]
            _write_one(db, profile_id, pattern, dimension_id, aspect_id, old.get(aspect_id), now)


def _write_one(
    db: Store,
    profile_id: int,
    pattern: Pattern,
    dimension_id: int,
    aspect_id: int,
    old: sqlite3.Row | None,
    now: str,
) -> None:
    values = (
        pattern.pattern_type,
        pattern.confidence,
        pattern.strength,
        pattern.evidence_count,
        pattern.impact,
    )
    if old is None:
        db.insert(
            "patterns",
            profile_id=profile_id,
            pattern_type=pattern.pattern_type,
            dimension_id=dimension_id,
            aspect_id=aspect_id,
            confidence=pattern.confidence,
            strength=pattern.strength,
            evidence_count=pattern.evidence_count,
            impact_score=pattern.impact,
            first_detected=now,
            last_updated=now,
            metadata=to_json({"twind": 1}),
        )
        return
    about = from_json(old["metadata"])
    before = tuple(
        old[key]
        for key in ("pattern_type", "confidence", "strength", "evidence_count", "impact_score")
    )
    if "twind" not in about:
        about["prior"] = {"strength": old["strength"], "confidence": old["confidence"]}
        about["twind"] = 1
    elif before == values:
        return
    db.execute(
        "UPDATE patterns SET pattern_type = ?, confidence = ?, strength = ?, evidence_count = ?, "
        "impact_score = ?, last_updated = ?, metadata = ?, dimension_id = ? WHERE id = ?",
        (*values, now, to_json(about), dimension_id, old["id"]),
    )


def load(db: Store, profile_id: int) -> list[tuple[int, Pattern]]:
    """Return (row id, pattern) for each aspect that has one."""
    return [
        (
            row["id"],
            Pattern(
                dimension=row["dimension"],
                aspect=row["aspect"],
                code=row["code"],
                strength=read_number(row["strength"]) or 0.0,
                confidence=read_number(row["confidence"]) or 0.0,
                evidence_count=int(read_number(row["evidence_count"]) or 0),
                impact=read_number(row["impact_score"]) or 0.0,
                pattern_type=row["pattern_type"] or "preference",
                observable=from_json(row["about_aspect"]).get("observable") is not False,
            ),
        )
        for row in db.rows(_SELECT, (profile_id,))
        if row["code"]
    ]


def describe(db: Store, code: str) -> str:
    """Return the sentence that says what an aspect is."""
    return str(db.value("SELECT description FROM aspects WHERE code = ?", (code,)) or "")


def write_evidence(db: Store, profile_id: int, rows: Iterable[EvidenceRow]) -> None:
    """Make the table hold exactly these pieces of evidence."""
    with db.transaction():
        old = {
            row["key"]: tuple(row)[1:]
            for row in db.each(
                "SELECT key, kind, at, text, source_table, source_id, weight, aspects, origin "
                "FROM evidence WHERE profile_id = ?",
                (profile_id,),
            )
        }
        for row in rows:
            values = (
                row.kind,
                format_utc(row.at),
                row.text,
                row.source_table,
                row.source_id,
                row.weight,
                to_json(dict(row.aspects)),
                row.origin,
            )
            known = old.pop(row.key, None)
            if known == values:
                continue
            if known is not None:
                db.execute(
                    "DELETE FROM evidence WHERE profile_id = ? AND key = ?", (profile_id, row.key)
                )
            db.execute(
                "INSERT INTO evidence (profile_id, key, kind, at, text, source_table, source_id, "
                "weight, aspects, origin) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (profile_id, row.key, *values),
            )
        for key in old:
            db.execute("DELETE FROM evidence WHERE profile_id = ? AND key = ?", (profile_id, key))


_SPEAKS_OF = "j.key = :name OR j.value = :name"
"""An older twind kept the codes alone, as an array, until the evidence was next read."""


def evidence_for(
    db: Store, profile_id: int, code: str, limit: int = 10, *, direction: int | None = None
) -> list[dict[str, Any]]:
    """Return the weightiest, newest evidence that speaks of an aspect (or "person:ID" …).

    What the user has said of the aspect itself comes first. direction: 1 for what speaks for it
    alone, -1 for what speaks against it. Each row says so itself; None where it was kept by an
    older twind, which did not note it.
    """
    rows = db.rows(
        "SELECT kind, at, text, source_table, source_id, weight, origin, "
        "CASE WHEN j.key = :name THEN j.value END AS direction "
        f"FROM evidence e, json_each(e.aspects) j WHERE profile_id = :profile AND ({_SPEAKS_OF}) "
        "AND (:direction IS NULL OR (j.key = :name AND j.value = :direction)) "
        "ORDER BY source_table = 'words' DESC, weight DESC, at DESC LIMIT :limit",
        {"profile": profile_id, "name": code, "direction": direction, "limit": limit},
    )
    return [
        {
            "evidence": words.short(row["origin"]),
            "table": row["source_table"],
            "id": row["source_id"],
            "kind": row["kind"],
            "at": row["at"],
            "text": row["text"],
            "weight": row["weight"],
            "direction": row["direction"],
        }
        for row in rows
    ]


def rows_behind(db: Store, profile_id: int, name: str) -> frozenset[words.Row]:
    """Return the rows of the evidence that speaks of an aspect (or "person:ID" …)."""
    rows = db.rows(
        "SELECT source_table, source_id FROM evidence e WHERE profile_id = :profile "
        f"AND EXISTS (SELECT 1 FROM json_each(e.aspects) j WHERE {_SPEAKS_OF})",
        {"profile": profile_id, "name": name},
    )
    return frozenset((row["source_table"], row["source_id"]) for row in rows)


def find_evidence(db: Store, profile_id: int, name: str) -> tuple[str, str]:
    """Return what a piece of evidence rests on, and what it says, by the name that it is shown by.

    Raises NotFoundError where there is none.
    """
    for row in db.rows(
        "SELECT origin, text FROM evidence WHERE profile_id = ? ORDER BY id", (profile_id,)
    ):
        if name in (row["origin"], words.short(row["origin"])):
            return row["origin"], row["text"]
    raise NotFoundError(
        f"there is no evidence {name}; `twind patterns CODE` lists what there is of an aspect"
    )


def event_row(db: Store, record: int) -> dict[str, Any]:
    """Return the row of an event as evidence: {"table", "id", "text", "at"}."""
    row = db.row(
        "SELECT id, start_at, json_extract(payload, '$.title') AS title FROM records WHERE id = ?",
        (record,),
    )
    assert row is not None
    return {"table": "records", "id": row["id"], "text": row["title"], "at": row["start_at"]}


def load_belief(db: Store, profile_id: int) -> bytes | None:
    """Return the posterior as it was written, or None."""
    found: bytes | None = db.value("SELECT data FROM beliefs WHERE profile_id = ?", (profile_id,))
    return found


def write_belief(db: Store, profile_id: int, data: bytes) -> None:
    """Keep the posterior."""
    with db.transaction():
        db.execute(
            "INSERT INTO beliefs VALUES (?, ?, ?) ON CONFLICT (profile_id) DO UPDATE SET "
            "data = excluded.data, updated_at = excluded.updated_at",
            (profile_id, data, db.now()),
        )
