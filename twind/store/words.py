"""What the user has said of what twind believes, and of what it may learn from.

A word stands until it is taken back, whatever the sources say. Its subject is what stays the same
when a source is read anew: an aspect's code, a source's name, a record as SOURCE:UID, another row
as TABLE/ID (no source's name has a slash).

- `wrong`: what was known of an aspect up to then is not so; `forget`: nothing is to be believed of
  it. `set`: it is `value`, as far as the user knows now; `pin`: it is `value`, whatever comes.
- `evidence`: nothing is to be learnt from this. `person`: this record of somebody is nobody twind
  knows. `source`: it is not to be read.
"""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import blake2b
from typing import TYPE_CHECKING, Literal

from twind.clock import parse_utc
from twind.store.connection import to_json

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from twind.store.connection import Store

Kind = Literal["wrong", "forget", "set", "pin", "evidence", "person", "source"]
Row = tuple[str, int]
"""A table and an id in it."""

_REPLACES: dict[Kind, tuple[Kind, ...]] = {
    "wrong": ("forget", "set", "pin"),
    "forget": ("wrong", "set", "pin"),
    "set": ("forget", "pin"),
    "pin": ("forget", "set"),
}
"""Which earlier words on the same aspect a word ends. What was wrong stays so when it is set."""
_OF_RECORD = (
    "r.source = substr(w.subject, 1, instr(w.subject, ':') - 1) "
    "AND r.uid = substr(w.subject, instr(w.subject, ':') + 1)"
)
ASPECT_KINDS = frozenset(_REPLACES)


@dataclass(frozen=True, slots=True)
class Word:
    """One word that stands; `text` is what it is about, as the user was told."""

    id: int
    kind: Kind
    subject: str
    value: float | None
    text: str
    at: datetime


def load(db: Store, profile_id: int) -> list[Word]:
    """Return all words that stand, oldest first."""
    rows = db.rows(
        "SELECT id, kind, subject, value, text, at FROM words WHERE profile_id = ? ORDER BY id",
        (profile_id,),
    )
    return [
        Word(
            row["id"], row["kind"], row["subject"], row["value"], row["text"], parse_utc(row["at"])
        )
        for row in rows
    ]


def say(
    db: Store,
    profile_id: int,
    kind: Kind,
    subject: str,
    *,
    value: float | None = None,
    text: str = "",
) -> None:
    """Keep a word, in place of those that it ends."""
    with db.transaction():
        take_back(db, profile_id, (kind, *_REPLACES.get(kind, ())), subject)
        db.insert(
            "words",
            profile_id=profile_id,
            kind=kind,
            subject=subject,
            value=value,
            text=text,
            at=db.now(),
        )


def take_back(db: Store, profile_id: int, kinds: tuple[Kind, ...], subject: str) -> int:
    """Take words on a subject back; return how many there were."""
    marks = ", ".join("?" for _ in kinds)
    return db.execute(
        f"DELETE FROM words WHERE profile_id = ? AND subject = ? AND kind IN ({marks})",
        (profile_id, subject, *kinds),
    )


def forget_source(db: Store, profile_id: int, source: str) -> None:
    """Delete the words on what a source has brought; that it is not to be read stands."""
    of_it = f"{source}:"
    db.execute(
        "DELETE FROM words WHERE profile_id = ? AND kind IN ('evidence', 'person') "
        "AND substr(subject, 1, ?) = ?",
        (profile_id, len(of_it), of_it),
    )


# --- what they mean for the rows of now -----------------------------------------------------------


def origins(db: Store, profile_id: int) -> dict[Row, str]:
    """Return SOURCE:UID of each row that a record stands behind, but for people's."""
    found: dict[Row, str] = {}
    for row in db.rows(
        "SELECT id, source, uid, kind, row_id FROM records "
        "WHERE profile_id = ? AND kind != 'person'",
        (profile_id,),
    ):
        found["records", row["id"]] = f"{row['source']}:{row['uid']}"
        if row["kind"] == "task" and row["row_id"] is not None:
            found["workflow_steps", row["row_id"]] = f"{row['source']}:{row['uid']}"
    return found


def origin(row: Row, known: Mapping[Row, str]) -> str:
    """Return what a row is called as a subject; `known` are `origins`."""
    return known.get(row, f"{row[0]}/{row[1]}")


def short(subject: str) -> str:
    """Return ten letters by which the user can name what a piece of evidence rests on."""
    return blake2b(subject.encode(), digest_size=5).hexdigest()


def people(db: Store, profile_id: int) -> frozenset[int]:
    """Return the rows in `entities` of those whom twind is not to know."""
    rows = db.rows(
        f"SELECT r.row_id FROM words w JOIN records r ON r.profile_id = w.profile_id "
        f"AND {_OF_RECORD} WHERE w.profile_id = ?1 AND w.kind = 'person' "
        "AND r.kind = 'person' AND r.row_id IS NOT NULL "
        "UNION SELECT e.id FROM entities e JOIN words w ON w.profile_id = e.profile_id "
        "AND w.kind = 'person' AND w.subject = ':' || e.id WHERE e.profile_id = ?1",
        (profile_id,),
    )
    return frozenset(row[0] for row in rows)


def rows(db: Store, profile_id: int) -> frozenset[Row]:
    """Return the rows that nothing is to be learnt from, and that no reason is to cite.

    What was dropped, and the events with somebody whom twind is not to know.
    """
    found: set[Row] = set()
    for row in db.rows(
        "SELECT w.subject, r.id, r.kind, r.row_id FROM words w LEFT JOIN records r "
        f"ON r.profile_id = w.profile_id AND {_OF_RECORD} "
        "WHERE w.profile_id = ? AND w.kind = 'evidence'",
        (profile_id,),
    ):
        if row["id"] is not None:
            found.add(("records", row["id"]))
        elif ":" not in row["subject"]:
            table, _, number = row["subject"].partition("/")
            found.add((table, int(number)))
        if row["kind"] == "task" and row["row_id"] is not None:
            found.add(("workflow_steps", row["row_id"]))
    met = db.rows(
        "SELECT record_id FROM event_people WHERE entity_id IN (SELECT value FROM json_each(?))",
        (to_json(sorted(people(db, profile_id))),),
    )
    found.update(("records", row["record_id"]) for row in met)
    return frozenset(found)


def is_forgotten(db: Store, profile_id: int, source: str) -> bool:
    """Tell whether a source is not to be read."""
    return bool(
        db.value(
            "SELECT EXISTS (SELECT 1 FROM words "
            "WHERE profile_id = ? AND kind = 'source' AND subject = ?)",
            (profile_id, source),
        )
    )
