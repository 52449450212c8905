"""What the sources have, and what it becomes in MISSION's tables.

A sync is a diff: the records a source yields against those it had. Identity is (source, uid). The
rows of `records` keep what was yielded; people become `entities`, projects `workflows`, tasks
`workflow_steps` (see twind.store.projection); events stay here.
"""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass, field
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from twind.clock import format_utc
from twind.model import (
    CalendarEvent,
    Deleted,
    Fetched,
    Person,
    Project,
    Record,
    RecordError,
    Task,
    Unchanged,
)
from twind.store import projection
from twind.store.connection import stored_time, to_json

if TYPE_CHECKING:
    from collections.abc import Iterable

    from twind.store.connection import Store

KINDS: dict[type, str] = {
    Person: "person",
    Project: "project",
    Task: "task",
    CalendarEvent: "event",
}
_ORDER = ("person", "project", "task", "event")
"""Projects before their tasks, so that a task finds its project."""

HELD_BELOW = 0.2
HELD_FROM = 10
"""A source that had at least HELD_FROM records and suddenly has less than this share of them looks
lost rather than tidied up."""


@dataclass(slots=True)
class Changes:
    """What one sync changed."""

    added: int = 0
    changed: int = 0
    removed: int = 0
    records: int = 0
    errors: list[RecordError] = field(default_factory=list)
    held: str = ""

    def as_json(self) -> dict[str, Any]:
        """Return the counts."""
        return {
            "added": self.added,
            "changed": self.changed,
            "removed": self.removed,
            "records": self.records,
            "errors": len(self.errors),
            "held": self.held,
        }


@dataclass(frozen=True, slots=True)
class _Known:
    id: int
    kind: str
    digest: str
    group: str
    start_at: str | None
    end_at: str | None
    row_id: int | None


def payload_of(record: Record) -> str:
    """Write a record as JSON, without what the columns hold."""
    values = asdict(record)
    del values["uid"], values["group"]
    return to_json({key: _plain(value) for key, value in values.items()})


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return format_utc(value)
    if isinstance(value, date):
        return value.isoformat()
    return value


def apply(
    db: Store,
    profile_id: int,
    source: str,
    fetched: Iterable[Fetched],
    window: tuple[datetime, datetime],
    *,
    complete: bool = True,
) -> Changes:
    """Bring the records of `source` up to what it yielded, in one transaction.

    What was not yielded is deleted only if the fetch was `complete`, the record lies inside
    `window` (start, end), and the source is not suddenly empty: then `held` says why. Past events
    and done tasks are history and stay.
    """
    changes = Changes()
    records: dict[str, list[Record]] = {kind: [] for kind in _ORDER}
    seen: set[str] = set()
    unchanged: set[str] = set()
    deleted: set[str] = set()
    for item in fetched:
        match item:
            case RecordError():
                changes.errors.append(item)
            case Unchanged(group):
                unchanged.add(group)
            case Deleted(uid):
                deleted.add(uid)
            case _:
                records[KINDS[type(item)]].append(item)
                seen.add(item.uid)
    with db.transaction():
        known = _known(db, profile_id, source)
        projector = projection.Projector(db, profile_id, source)
        for kind in _ORDER:
            for record in records[kind]:
                _store(db, projector, profile_id, source, kind, record, known, changes)
        refused = {error.uid for error in changes.errors}
        absent = [
            uid
            for uid, old in known.items()
            if uid not in seen
            and old.group not in unchanged
            and old.group not in refused
            and not _refused(uid, refused)
        ]
        gone = [uid for uid in absent if uid in deleted]
        if complete:
            lost = [uid for uid in absent if _deletable(known[uid], window)]
            there = len(seen) + sum(1 for old in known.values() if old.group in unchanged)
            changes.held = _held(len(set(lost) - deleted), there)
            if not changes.held:
                gone = sorted({*gone, *lost})
        for uid in sorted(gone, key=lambda uid: -_ORDER.index(known[uid].kind)):
            projector.remove(known[uid].kind, known[uid].id, known[uid].row_id)
            db.execute("DELETE FROM records WHERE id = ?", (known[uid].id,))
            changes.removed += 1
        projector.finish()
        _store_errors(db, profile_id, source, changes.errors)
        changes.records = db.value(
            "SELECT COUNT(*) FROM records WHERE profile_id = ? AND source = ?",
            (profile_id, source),
        )
    return changes


def _known(db: Store, profile_id: int, source: str) -> dict[str, _Known]:
    rows = db.rows(
        "SELECT uid, id, kind, digest, grp, start_at, end_at, row_id FROM records "
        "WHERE profile_id = ? AND source = ?",
        (profile_id, source),
    )
    return {row["uid"]: _Known(*tuple(row)[1:]) for row in rows}


def _refused(uid: str, refused: set[str]) -> bool:
    """Tell whether a record, or the series it is an occurrence of, could not be read this time."""
    return uid in refused or uid.rpartition("/")[0] in refused


def _held(lost: int, there: int) -> str:
    """Say why what a source no longer has is kept all the same, or return ""."""
    if lost and not there:
        return f"is suddenly empty: its {lost} records are kept"
    if lost + there >= HELD_FROM and there < HELD_BELOW * (lost + there):
        return f"has suddenly lost {lost} of {lost + there} records: they are kept"
    return ""


def _deletable(old: _Known, window: tuple[datetime, datetime]) -> bool:
    if old.kind == "event":
        start, end = format_utc(window[0]), format_utc(window[1])
        return (old.end_at or "") > start and (old.start_at or "") < end
    # A task done is history, wherever its line went.
    return not (old.kind == "task" and old.end_at is not None)


def _span(record: Record) -> tuple[str | None, str | None]:
    """Return the times a record is found by: an event's, or when a task was begun and done."""
    if isinstance(record, CalendarEvent):
        return format_utc(record.start), format_utc(record.end)
    if isinstance(record, Task):
        done = record.completed_at if record.status == "done" else None
        return stored_time(record.due or record.start), stored_time(done)
    return None, None


def _store(
    db: Store,
    projector: projection.Projector,
    profile_id: int,
    source: str,
    kind: str,
    record: Record,
    known: dict[str, _Known],
    changes: Changes,
) -> None:
    payload = payload_of(record)
    digest = hashlib.sha256(f"{kind}\0{record.group}\0{payload}".encode()).hexdigest()[:32]
    old = known.get(record.uid)
    if old is not None and old.digest == digest:
        projector.keep(kind, record, old.row_id)
        return
    start_at, end_at = _span(record)
    now = db.now()
    if old is not None and old.kind != kind:
        projector.remove(old.kind, old.id, old.row_id)
    row_id = projector.put(record, old.row_id if old and old.kind == kind else None)
    if old is None:
        changes.added += 1
        record_id = db.insert(
            "records",
            profile_id=profile_id,
            source=source,
            uid=record.uid,
            kind=kind,
            grp=record.group,
            digest=digest,
            payload=payload,
            start_at=start_at,
            end_at=end_at,
            row_id=row_id,
            first_seen_at=now,
            changed_at=now,
        )
    else:
        changes.changed += 1
        record_id = old.id
        db.execute(
            "UPDATE records SET kind = ?, grp = ?, digest = ?, payload = ?, start_at = ?, "
            "end_at = ?, row_id = ?, changed_at = ? WHERE id = ?",
            (kind, record.group, digest, payload, start_at, end_at, row_id, now, old.id),
        )
    projector.linked(kind, record_id)


def _store_errors(db: Store, profile_id: int, source: str, errors: list[RecordError]) -> None:
    db.execute(
        "DELETE FROM source_errors WHERE profile_id = ? AND source = ?", (profile_id, source)
    )
    now = db.now()
    for error in errors[:1000]:
        db.insert(
            "source_errors",
            profile_id=profile_id,
            source=source,
            uid=error.uid,
            grp=error.group,
            reason=error.reason,
            seen_at=now,
        )
