"""What the sources have, and what it becomes in MISSION's tables.

A sync is a diff: the records a source yields against those it had. Identity is (source, uid). The
rows of `records` keep what was yielded; people become `entities`, projects `workflows`, tasks
`workflow_steps` (see twind.store.projection); events stay here.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
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
from twind.store import erased, projection, sources
from twind.store.connection import stored_time, to_json

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from twind.store.connection import Store

KINDS: dict[type, str] = {
    Person: "person",
    Project: "project",
    Task: "task",
    CalendarEvent: "event",
}
_ORDER = ("person", "project", "task", "event")
"""Projects before their tasks, so that a task finds its project."""

MAX_LISTED = 1000
"""What a source refuses beyond this is counted, not listed."""
HELD_FROM = 10
HELD_SHARE = 0.5
REPLACED_SHARE = 0.5
"""When a complete fetch looks like a loss rather than like somebody tidying up.

It would delete at least HELD_FROM records and more than HELD_SHARE of those it could; fewer is an
afternoon's work by hand, and half of a list is what a person may well clear at once. A source that
brings at least REPLACED_SHARE as many new ones is no smaller than it was: some programs make new
uids at each export, and asking each time would be no use. Or it has nothing at all any more,
however little that was. A series counts once: one click deletes it. The figures are chosen.
"""


@dataclass(slots=True)
class Changes:
    """What one sync changed."""

    added: int = 0
    changed: int = 0
    removed: int = 0
    records: int = 0
    errors: list[RecordError] = field(default_factory=list)
    held: str = ""
    """What is not deleted although the source has it no more, in words; "" if nothing."""
    newly_held: bool = False

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


@dataclass(slots=True)
class _Fetched:
    """What a source yielded, sorted."""

    records: dict[str, list[Record]] = field(default_factory=lambda: {kind: [] for kind in _ORDER})
    errors: list[RecordError] = field(default_factory=list)
    seen: set[str] = field(default_factory=set)
    unchanged: set[str] = field(default_factory=set)
    deleted: set[str] = field(default_factory=set)

    @classmethod
    def of(cls, items: Iterable[Fetched]) -> _Fetched:
        sorted_ = cls()
        for item in items:
            match item:
                case RecordError():
                    sorted_.errors.append(item)
                case Unchanged(group):
                    sorted_.unchanged.add(group)
                case Deleted(uid):
                    sorted_.deleted.add(uid)
                case _:
                    sorted_.records[KINDS[type(item)]].append(item)
                    sorted_.seen.add(item.uid)
        sorted_.errors = list(dict.fromkeys(sorted_.errors))
        return sorted_

    def things(self) -> set[str]:
        """Return the uids, a series' instead of its occurrences'."""
        return {
            getattr(record, "series", "") or record.uid
            for records in self.records.values()
            for record in records
        }

    def refuses(self, uid: str, group: str, refused: set[str]) -> bool:
        """Tell whether a record, its series, its group or one above could not be read this time."""
        return bool({uid, uid.rpartition("/")[0], group, *_above(group)} & refused)


def _above(group: str) -> Iterator[str]:
    """Yield the folders that a group lies in, if it is a path or an address."""
    while group := group.rpartition("/")[0]:
        yield group


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
    `window` (start, end), and not so much is gone that it looks like a loss: then `held` says so,
    and it is held back until it returns or the user accepts it (twind.store.sources). Past events
    and tasks done or missed are history and stay. `Deleted` is the source's own word and always
    counts, for a series with its occurrences inside the window; what was yielded as well is there.
    Those whom the user has had erased are left out of all of it (twind.store.erased).
    """
    without = erased.load(db, profile_id)
    new = _Fetched.of(without.kept(source, fetched) if without else fetched)
    changes = Changes(errors=new.errors)
    with db.transaction():
        known = _known(db, profile_id, source)
        projector = projection.Projector(db, profile_id, source)
        for kind in _ORDER:
            for record in new.records[kind]:
                _store(db, projector, profile_id, source, kind, record, known, changes)
        gone = _said_gone(db, profile_id, source, known, new, window)
        if complete:
            lost = _lost(known, new, window) - gone
            kept = _held_back(db, profile_id, source, known, new, lost, window)
            changes.held = kept.text
            if kept.uids:
                upto = max(old.id for old in known.values())
                changes.newly_held = sources.hold(db, profile_id, source, upto)
            else:
                sources.release(db, profile_id, source)
            gone |= lost - kept.uids
        _delete(db, projector, known, gone)
        changes.removed = len(gone)
        projector.finish()
        _store_errors(db, profile_id, source, new, complete=complete, gone=gone)
        changes.records = db.value(
            "SELECT COUNT(*) FROM records WHERE profile_id = ? AND source = ?",
            (profile_id, source),
        )
    return changes


def forget(db: Store, profile_id: int, source: str) -> int:
    """Delete all that a source ever brought, history too; return how many records that were."""
    with db.transaction():
        known = _known(db, profile_id, source)
        projector = projection.Projector(db, profile_id, source)
        _delete(db, projector, known, known)
        projector.finish()
        sources.forget(db, profile_id, source)
    return len(known)


def erase(db: Store, profile_id: int, keys: Iterable[tuple[str, str]]) -> int:
    """Delete some records, by (source, uid), whatever they are; return how many there were."""
    by_source: dict[str, list[str]] = defaultdict(list)
    for source, uid in keys:
        by_source[source].append(uid)
    deleted = 0
    with db.transaction():
        for source, uids in by_source.items():
            known = _known(db, profile_id, source)
            there = [uid for uid in uids if uid in known]
            projector = projection.Projector(db, profile_id, source)
            _delete(db, projector, known, there)
            projector.finish()
            deleted += len(there)
    return deleted


def _delete(
    db: Store, projector: projection.Projector, known: dict[str, _Known], gone: Iterable[str]
) -> None:
    for uid in sorted(gone, key=lambda uid: (-_ORDER.index(known[uid].kind), uid)):
        projector.remove(known[uid].kind, known[uid].id, known[uid].row_id)
        db.execute("DELETE FROM records WHERE id = ?", (known[uid].id,))


def digests(db: Store, profile_id: int, source: str) -> dict[str, str]:
    """Return a hash of what each record of a source says, by its uid."""
    return {uid: old.digest for uid, old in sorted(_known(db, profile_id, source).items())}


def _known(db: Store, profile_id: int, source: str) -> dict[str, _Known]:
    rows = db.rows(
        "SELECT uid, id, kind, digest, grp, start_at, end_at, row_id FROM records "
        "WHERE profile_id = ? AND source = ?",
        (profile_id, source),
    )
    return {row["uid"]: _Known(*tuple(row)[1:]) for row in rows}


def _said_gone(
    db: Store,
    profile_id: int,
    source: str,
    known: dict[str, _Known],
    new: _Fetched,
    window: tuple[datetime, datetime],
) -> set[str]:
    """Return the uids that the source says are gone."""
    if not new.deleted:
        return set()
    gone = new.deleted & known.keys()
    for uid, series in _series(db, profile_id, source).items():
        if series in new.deleted and _deletable(known[uid], window):
            gone.add(uid)
    return gone - new.seen


def _lost(known: dict[str, _Known], new: _Fetched, window: tuple[datetime, datetime]) -> set[str]:
    """Return the uids that the source should have yielded and has not."""
    refused = {error.uid for error in new.errors}
    return {
        uid
        for uid, old in known.items()
        if uid not in new.seen
        and old.group not in new.unchanged
        and not new.refuses(uid, old.group, refused)
        and _deletable(old, window)
    }


@dataclass(frozen=True, slots=True)
class _HeldBack:
    """The records that are not deleted for now, and what is said of them."""

    uids: set[str] = field(default_factory=set)
    text: str = ""


def _held_back(
    db: Store,
    profile_id: int,
    source: str,
    known: dict[str, _Known],
    new: _Fetched,
    lost: set[str],
    window: tuple[datetime, datetime],
) -> _HeldBack:
    """Return what of `lost` is to stay until the user says otherwise.

    Once a source is held, HELD_FROM records that are still missing of those it had then keep it
    so: half of them back is no reason to delete the rest. What came later comes and goes, but not
    with all the others.
    """
    empty = not new.seen and not any(old.group in new.unchanged for old in known.values())
    if (
        not lost
        or (len(lost) < HELD_FROM and not empty)
        or sources.is_accepted(db, profile_id, source)
    ):
        return _HeldBack()
    upto = sources.held_upto(db, profile_id, source)
    if upto is not None and not empty:
        lost = {uid for uid in lost if known[uid].id <= upto}
    series = _series(db, profile_id, source)

    def things(uids: Iterable[str]) -> set[str]:
        return {series.get(uid, uid) for uid in uids}

    inside = {
        uid
        for uid, old in known.items()
        if _deletable(old, window) and (upto is None or old.id <= upto)
    }
    had, missing = things(inside), things(lost) - things(inside - lost)
    looks_lost = len(missing) >= HELD_FROM
    if upto is None:
        brought = new.things() - had
        looks_lost = (
            looks_lost
            and len(missing) > HELD_SHARE * len(had)
            and len(brought) < REPLACED_SHARE * len(missing)
        )
    if not lost or not (looks_lost or empty):
        return _HeldBack()
    told = "is suddenly empty and " if empty else ""
    return _HeldBack(lost, f"{told}would remove {len(missing)} of {len(had)} records")


def _series(db: Store, profile_id: int, source: str) -> dict[str, str]:
    """Return the series of each event and task that is an occurrence of one."""
    rows = db.rows(
        "SELECT uid, json_extract(payload, '$.series') AS series FROM records "
        "WHERE profile_id = ? AND source = ? AND kind IN ('event', 'task')",
        (profile_id, source),
    )
    return {row["uid"]: row["series"] for row in rows if row["series"]}


def _deletable(old: _Known, window: tuple[datetime, datetime]) -> bool:
    if old.kind == "event":
        start, end = format_utc(window[0]), format_utc(window[1])
        return (old.end_at or "") > start and (old.start_at or "") < end
    # A task done or missed is history, wherever its line went.
    return not (old.kind == "task" and old.end_at is not None)


def _span(record: Record) -> tuple[str | None, str | None]:
    """Return the times a record is found by: an event's, or when a task was begun and over."""
    if isinstance(record, CalendarEvent):
        return format_utc(record.start), format_utc(record.end)
    if isinstance(record, Task):
        over = {"done": record.completed_at, "missed": record.due or record.completed_at}
        return stored_time(record.due or record.start), stored_time(over.get(record.status))
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


def _store_errors(
    db: Store,
    profile_id: int,
    source: str,
    new: _Fetched,
    *,
    complete: bool,
    gone: set[str],
) -> None:
    """Keep what could not be read, since when, and when it was last seen.

    What the source said nothing of this time stays on the list: a fetch that broke off may not have
    come to it, and an unchanged group is as it was.
    """
    now = db.now()
    first: dict[tuple[str, str], str] = {}
    silent: list[tuple[str, str, str, str, str]] = []
    told = {(error.uid, error.group) for error in new.errors}
    for row in db.rows(
        "SELECT uid, grp, reason, seen_at, COALESCE(first_seen_at, seen_at) AS first_seen_at "
        "FROM source_errors WHERE profile_id = ? AND source = ? ORDER BY id",
        (profile_id, source),
    ):
        uid, group, reason, seen_at, first_seen_at = tuple(row)
        first.setdefault((uid, group), first_seen_at)
        answered = (uid, group) in told or uid in new.seen or uid in gone
        if not answered and (not complete or group in new.unchanged):
            silent.append((uid, group, reason, seen_at, first_seen_at))
    current = [
        (error.uid, error.group, error.reason, now, first.get((error.uid, error.group), now))
        for error in new.errors
    ]
    db.execute(
        "DELETE FROM source_errors WHERE profile_id = ? AND source = ?", (profile_id, source)
    )
    listed = [*silent, *current][:MAX_LISTED]
    for uid, group, reason, seen_at, first_seen_at in listed:
        db.insert(
            "source_errors",
            profile_id=profile_id,
            source=source,
            uid=uid,
            grp=group,
            reason=reason,
            seen_at=seen_at,
            first_seen_at=first_seen_at,
        )
    sources.note_unlisted(db, profile_id, source, len(silent) + len(current) - len(listed))
