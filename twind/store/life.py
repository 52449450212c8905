"""The user's life as the rows have it: people, projects, events.

Tolerant reading: a database made elsewhere may hold any text where a time or a number should be.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from twind.clock import format_utc, parse_utc
from twind.store.connection import from_json

if TYPE_CHECKING:
    from datetime import datetime

    from twind.store.connection import Store


PRIORITY_WORDS = {"low": 0.25, "medium": 0.5, "normal": 0.5, "high": 0.8, "urgent": 1.0}


@dataclass(frozen=True, slots=True)
class PersonRow:
    """Somebody in `entities`, with what the calendar says of them.

    `attributes` maps attribute_type to its value; `contacts` are the times at which events with
    them began, oldest first.
    """

    id: int
    name: str
    attributes: dict[str, float]
    contacts: tuple[datetime, ...]
    created_at: datetime | None


@dataclass(frozen=True, slots=True)
class StepRow:
    """A step of a project: a task. `done` covers completed and cancelled ones."""

    id: int
    text: str
    done: bool
    completed: bool
    due: datetime | None
    completed_at: datetime | None
    created_at: datetime | None
    start: datetime | None
    priority: float | None
    estimate_min: float | None
    contexts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ProjectRow:
    """A row of `workflows` with its steps."""

    id: int
    name: str
    kind: str
    status: str
    priority: float | None
    progress: float | None
    deadline: datetime | None
    deadline_days: float | None
    steps: tuple[StepRow, ...]


@dataclass(frozen=True, slots=True)
class EventRow:
    """One occurrence of an event; `people` are the ids of those attending, in `entities`."""

    id: int
    source: str
    title: str
    start: datetime
    end: datetime
    all_day: bool
    busy: bool
    status: str
    series: str
    organizer: str
    attendees: int
    people: tuple[int, ...]
    categories: tuple[str, ...]

    @property
    def takes_time(self) -> bool:
        """Whether nothing can be proposed over it."""
        return self.busy and self.status != "cancelled"


def read_time(value: Any) -> datetime | None:
    """Read a stored time; None for what is none."""
    if not isinstance(value, str) or not value:
        return None
    try:
        return parse_utc(value)
    except (ValueError, OverflowError):
        return None


def read_number(value: Any) -> float | None:
    """Read a stored number; None for what is none or not finite."""
    try:
        number = float(value)
    except (TypeError, ValueError):
        return None
    return number if abs(number) < 1e12 else None


def people(db: Store, profile_id: int, until: datetime) -> list[PersonRow]:
    """Return everybody the profile knows, with their contacts up to `until`."""
    attributes: dict[int, dict[str, float]] = {}
    for row in db.rows(
        "SELECT entity_id, attribute_type, value FROM entity_attributes WHERE profile_id = ?",
        (profile_id,),
    ):
        value = read_number(row["value"])
        if value is not None:
            attributes.setdefault(row["entity_id"], {})[row["attribute_type"]] = value
    contacts: dict[int, list[datetime]] = {}
    for row in db.rows(
        "SELECT p.entity_id, r.start_at FROM event_people p JOIN records r ON r.id = p.record_id "
        "WHERE r.profile_id = ? AND r.start_at <= ? "
        "AND json_extract(r.payload, '$.status') != 'cancelled' ORDER BY r.start_at",
        (profile_id, format_utc(until)),
    ):
        contacts.setdefault(row["entity_id"], []).append(parse_utc(row["start_at"]))
    rows = db.rows(
        "SELECT id, name, created_at FROM entities "
        "WHERE profile_id = ? AND entity_type = 'person' AND id IS NOT NULL ORDER BY id",
        (profile_id,),
    )
    return [
        PersonRow(
            row["id"],
            str(row["name"]),
            attributes.get(row["id"], {}),
            tuple(contacts.get(row["id"], ())),
            read_time(row["created_at"]),
        )
        for row in rows
    ]


def projects(db: Store, profile_id: int, *, active: bool = True) -> list[ProjectRow]:
    """Return the projects of a profile with all their steps; by default the active ones."""
    steps: dict[int, list[StepRow]] = {}
    for row in db.rows(
        "SELECT s.* FROM workflow_steps s JOIN workflows w ON w.id = s.workflow_id "
        "WHERE w.profile_id = ? ORDER BY s.workflow_id, s.step_order, s.id",
        (profile_id,),
    ):
        steps.setdefault(row["workflow_id"], []).append(_step(row))
    rows = db.rows(
        "SELECT id, name, workflow_type, status, metadata FROM workflows "
        "WHERE profile_id = ? AND id IS NOT NULL "
        "AND (? OR COALESCE(status, 'active') = 'active') ORDER BY id",
        (profile_id, not active),
    )
    return [_project(row, tuple(steps.get(row["id"], ()))) for row in rows]


def _step(row: Any) -> StepRow:
    about = from_json(row["metadata"])
    status = str(row["status"] or "pending").lower()
    completed = status in {"completed", "done"} or (
        status == "pending" and row["completed_at"] is not None
    )
    return StepRow(
        row["id"],
        str(row["description"]),
        completed or status in {"cancelled", "abandoned", "skipped"},
        completed,
        read_time(row["due_date"]),
        read_time(row["completed_at"]),
        read_time(about.get("created_at")),
        read_time(about.get("start")),
        read_number(about.get("priority")),
        read_number(about.get("estimate_min")),
        tuple(str(item) for item in about.get("contexts") or ()),
    )


def _priority(value: Any) -> float | None:
    """Read a priority, which a database made elsewhere may have put into words."""
    return PRIORITY_WORDS.get(str(value).strip().lower(), read_number(value))


def _project(row: Any, steps: tuple[StepRow, ...]) -> ProjectRow:
    about = from_json(row["metadata"])
    return ProjectRow(
        row["id"],
        str(row["name"]),
        row["workflow_type"] or "project",
        row["status"] or "active",
        _priority(about.get("priority")),
        read_number(about.get("progress")),
        read_time(about.get("deadline")),
        read_number(about.get("deadline_days")),
        steps,
    )


def events(db: Store, profile_id: int, start: datetime, end: datetime) -> list[EventRow]:
    """Return the events that overlap [start, end), in the order of their start."""
    linked: dict[int, list[int]] = {}
    span = (profile_id, format_utc(end), format_utc(start))
    chosen = (
        "FROM records r WHERE r.profile_id = ? AND r.kind = 'event' "
        "AND r.start_at < ? AND r.end_at > ?"
    )
    for row in db.rows(
        "SELECT record_id, entity_id FROM event_people "
        f"WHERE record_id IN (SELECT r.id {chosen}) ORDER BY entity_id",
        span,
    ):
        linked.setdefault(row["record_id"], []).append(row["entity_id"])
    found = []
    for row in db.rows(
        f"SELECT r.id, r.source, r.payload, r.start_at, r.end_at {chosen} ORDER BY start_at, id",
        span,
    ):
        payload = json.loads(row["payload"])
        found.append(
            EventRow(
                row["id"],
                row["source"],
                payload["title"],
                parse_utc(row["start_at"]),
                parse_utc(row["end_at"]),
                payload["all_day"],
                payload["busy"],
                payload["status"],
                payload["series"],
                payload["organizer"],
                sum(1 for guest in payload["attendees"] if guest["status"] != "declined"),
                tuple(linked.get(row["id"], ())),
                tuple(payload["categories"]),
            )
        )
    return found


def is_empty(db: Store, profile_id: int) -> bool:
    """Tell whether the profile has neither people nor projects, events, answers nor patterns.

    Patterns that twind itself has written, and over nothing, are what it assumes of anybody.
    """
    return not any(
        db.value(f"SELECT EXISTS (SELECT 1 FROM {table} WHERE profile_id = ?)", (profile_id,))
        for table in ("entities", "workflows", "records", "responses")
    ) and all(
        "twind" in (about := from_json(row["metadata"])) and not about.get("prior")
        for row in db.rows("SELECT metadata FROM patterns WHERE profile_id = ?", (profile_id,))
    )
