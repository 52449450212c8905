"""The user's life as the rows have it: people, projects, events.

Tolerant reading: a database made elsewhere may hold any text where a time or a number should be.
"""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from twind.clock import format_utc, parse_utc
from twind.closeness import CONVERSE, RELATIONS, Closeness, Meeting, closeness
from twind.store import linking
from twind.store.connection import from_json, texts

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from twind.store.connection import Store


PRIORITY_WORDS = {"low": 0.25, "medium": 0.5, "normal": 0.5, "high": 0.8, "urgent": 1.0}


@dataclass(frozen=True, slots=True)
class PersonRow:
    """Somebody in `entities`, with what the calendar and the address book say of them.

    Attributes:
        id, name, created_at: as the row has them.
        attributes: maps attribute_type to its value.
        meetings: those with them that have taken place, oldest first. What was cancelled, declined
            by the user or by them, or is a matter of whole days or not sure, is no meeting.
        relations: what they are to the user ("spouse"), by the user's own card or by theirs.
        groups: as their cards name them.
        is_user: whether one of their addresses is the user's own.

    """

    id: int
    name: str
    attributes: dict[str, float] = field(default_factory=dict)
    meetings: tuple[Meeting, ...] = ()
    created_at: datetime | None = None
    relations: tuple[str, ...] = ()
    groups: tuple[str, ...] = ()
    is_user: bool = False

    @property
    def contacts(self) -> tuple[datetime, ...]:
        """When the meetings began, oldest first."""
        return tuple(meeting.at for meeting in self.meetings)

    def closeness(self, now: datetime) -> Closeness:
        """Return how close they are, and from what that is known. `now` in the user's zone."""
        return closeness(
            self.meetings,
            now,
            told=self.attributes,
            relations=self.relations,
            groups=self.groups,
        )


@dataclass(frozen=True, slots=True)
class StepRow:
    """A step of a project: a task.

    `done` says that nothing is left to do: it is completed, cancelled or missed. `series` is not
    empty for one time of a habit; `rescheduled` is how often its due date was put off.
    """

    id: int
    text: str
    done: bool
    completed: bool
    missed: bool
    due: datetime | None
    completed_at: datetime | None
    created_at: datetime | None
    start: datetime | None
    priority: float | None
    estimate_min: float | None
    spent_min: float | None
    progress: float | None
    recurrence: str
    series: str
    rescheduled: int
    contexts: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ProjectRow:
    """A row of `workflows` with its steps; `parent` is the row of the project it is a part of."""

    id: int
    name: str
    kind: str
    status: str
    priority: float | None
    progress: float | None
    deadline: datetime | None
    deadline_days: float | None
    parent: int | None
    steps: tuple[StepRow, ...]


@dataclass(frozen=True, slots=True)
class HabitRow:
    """What became of a habit, oldest first.

    `recurrence` is as its source writes it. `done` holds when it was done, `missed` the last second
    that each time missed could have been done in: so each is on the day it is about.
    """

    id: int
    name: str
    recurrence: str
    done: tuple[datetime, ...]
    missed: tuple[datetime, ...]


@dataclass(frozen=True, slots=True)
class EventRow:
    """One occurrence of an event.

    `people` are the ids of those attending, in `entities`; `answers` maps the address of everybody
    invited to "accepted", "declined", "tentative" or "needs-action". `first_seen_at` is when a sync
    brought it first.
    """

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
    answers: dict[str, str]
    people: tuple[int, ...]
    categories: tuple[str, ...]
    first_seen_at: datetime

    @property
    def takes_time(self) -> bool:
        """Whether nothing can be proposed over it."""
        return self.busy and self.status != "cancelled"

    def is_own(self, emails: frozenset[str]) -> bool:
        """Tell whether the user, whose addresses these are, has set it rather than others."""
        return not self.organizer or self.organizer in emails

    def others(self, emails: frozenset[str]) -> int:
        """Return how many besides the user take part."""
        hosts = {self.organizer: "accepted"} if self.organizer else {}
        answers = hosts | self.answers
        return sum(1 for who, said in answers.items() if said != "declined" and who not in emails)

    def brought_together(self, emails: frozenset[str]) -> bool:
        """Tell whether the user was there with the others, as far as a calendar can tell."""
        declined = any(self.answers.get(email) == "declined" for email in emails)
        return self.status == "confirmed" and not self.all_day and not declined


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


def people(
    db: Store, profile_id: int, until: datetime, emails: frozenset[str] = frozenset()
) -> list[PersonRow]:
    """Return everybody the profile knows, with their meetings up to `until`, in its time zone.

    emails: the user's own addresses, lower case. Whose card has one of them is the user.
    """
    attributes: dict[int, dict[str, float]] = {}
    for row in db.rows(
        "SELECT entity_id, attribute_type, value FROM entity_attributes WHERE profile_id = ?",
        (profile_id,),
    ):
        value = read_number(row["value"])
        if value is not None:
            attributes.setdefault(row["entity_id"], {})[row["attribute_type"]] = value
    meetings: dict[int, list[Meeting]] = defaultdict(list)
    since = datetime.min.replace(tzinfo=UTC)
    for event in events(db, profile_id, since, until, with_people=True):
        if event.brought_together(emails):
            met = Meeting(
                event.start.astimezone(until.tzinfo),
                event.others(emails),
                event.is_own(emails),
                event.series,
                event.id,
            )
            for person in event.people:
                meetings[person].append(met)
    rows = db.rows(
        "SELECT id, name, created_at, metadata FROM entities "
        "WHERE profile_id = ? AND entity_type = 'person' AND id IS NOT NULL ORDER BY id",
        (profile_id,),
    )
    about = {row["id"]: from_json(row["metadata"]) for row in rows}
    users = {
        row
        for row, said in about.items()
        if emails.intersection(email.lower() for email in texts(said, "emails"))
    }
    names = {row["id"]: str(row["name"]) for row in rows}
    relations = _relations(
        names, {row: texts(said, "related") for row, said in about.items()}, users
    )
    return [
        PersonRow(
            row["id"],
            names[row["id"]],
            attributes.get(row["id"], {}),
            tuple(meetings.get(row["id"], ())),
            read_time(row["created_at"]),
            relations.get(row["id"], ()),
            texts(about[row["id"]], "groups"),
            row["id"] in users,
        )
        for row in rows
    ]


def _relations(
    names: dict[int, str], related: dict[int, tuple[str, ...]], users: set[int]
) -> dict[int, tuple[str, ...]]:
    """Return what people are to the user: as the user's own cards name them, or theirs the user.

    A card has only a name; who it is, is clear where one person alone bears it, or a longer one.
    """
    words = {row: linking.name_words(name) for row, name in names.items()} if users else {}
    user_words = {row: words.pop(row) for row in users}
    found: dict[int, set[str]] = defaultdict(set)
    for user in users:
        for kinds, name in _told(related[user]):
            for row in _bearers(name, words):
                found[row].update(kinds)
    for row in words:
        for kinds, name in _told(related[row]):
            if _bearers(name, user_words):
                known = RELATIONS.keys() & kinds
                found[row].update(CONVERSE.get(kind, kind) for kind in known)
    return {row: tuple(sorted(kinds)) for row, kinds in found.items()}


def _told(related: Iterable[str]) -> Iterator[tuple[list[str], str]]:
    """Yield (what they are, name) of each relation that says so: "spouse, friend: Bo"."""
    for text in related:
        kinds, colon, name = text.partition(": ")
        if colon:
            yield [kind.strip() for kind in kinds.split(",")], name


def _bearers(name: str, names: dict[int, tuple[str, ...]]) -> set[int]:
    """Return whom a name means: those who bear just it, or else the only one of a fitting name."""
    words = linking.name_words(name)
    exact = {row for row, other in names.items() if words and other == words}
    fitting = {row for row, other in names.items() if linking.names_fit(words, other)}
    return exact or (fitting if len(fitting) == 1 else set())


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
    parents = _parents(db, profile_id)
    return [_project(row, parents.get(row["id"]), tuple(steps.get(row["id"], ()))) for row in rows]


def habits(db: Store, profile_id: int) -> list[HabitRow]:
    """Return the hits and misses of each habit that was ever due, whether it is still kept or not.

    A habit is a workflow of that type; its times are its steps.
    """
    return [
        HabitRow(
            one.id,
            one.name,
            next((step.recurrence for step in reversed(one.steps) if step.recurrence), ""),
            _moments(
                step.completed_at or _last_second(step) for step in one.steps if step.completed
            ),
            _moments(_last_second(step) for step in one.steps if step.missed),
        )
        for one in projects(db, profile_id, active=False)
        if one.kind == "habit" and one.steps
    ]


def _moments(moments: Iterable[datetime | None]) -> tuple[datetime, ...]:
    return tuple(sorted(moment for moment in moments if moment is not None))


def _last_second(step: StepRow) -> datetime | None:
    """Return the last second a step could be done in: what is due by a day's end is of that day."""
    over = step.due or step.completed_at
    return over and over - timedelta(seconds=1)


def _parents(db: Store, profile_id: int) -> dict[int, int]:
    """Return the workflow that each is a part of, as the records behind them say."""
    rows = db.rows(
        "SELECT part.row_id AS part, whole.row_id AS whole FROM records part JOIN records whole "
        "ON whole.profile_id = part.profile_id AND whole.source = part.source "
        "AND whole.uid = json_extract(part.payload, '$.parent') AND whole.kind = 'project' "
        "WHERE part.profile_id = ? AND part.kind = 'project'",
        (profile_id,),
    )
    return {row["part"]: row["whole"] for row in rows}


def _step(row: Any) -> StepRow:
    about = from_json(row["metadata"])
    status = str(row["status"] or "pending").lower()
    completed = status in {"completed", "done"} or (
        status == "pending" and row["completed_at"] is not None
    )
    return StepRow(
        row["id"],
        str(row["description"]),
        completed or status in {"cancelled", "abandoned", "skipped", "missed"},
        completed,
        status == "missed",
        read_time(row["due_date"]),
        read_time(row["completed_at"]),
        read_time(about.get("created_at")),
        read_time(about.get("start")),
        read_number(about.get("priority")),
        read_number(about.get("estimate_min")),
        read_number(about.get("spent_min")),
        read_number(about.get("progress")),
        str(about.get("recurrence") or ""),
        str(about.get("series") or ""),
        int(read_number(about.get("rescheduled")) or 0),
        texts(about, "contexts"),
    )


def _priority(value: Any) -> float | None:
    """Read a priority, which a database made elsewhere may have put into words."""
    return PRIORITY_WORDS.get(str(value).strip().lower(), read_number(value))


def _project(row: Any, parent: int | None, steps: tuple[StepRow, ...]) -> ProjectRow:
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
        parent,
        steps,
    )


def events(
    db: Store, profile_id: int, start: datetime, end: datetime, *, with_people: bool = False
) -> list[EventRow]:
    """Return the events that overlap [start, end), in the order of their start.

    with_people: only those in which somebody takes part whom the profile knows.
    """
    linked: dict[int, list[int]] = {}
    span = (profile_id, format_utc(end), format_utc(start))
    chosen = (
        "FROM records r WHERE r.profile_id = ? AND r.kind = 'event' "
        "AND r.start_at < ? AND r.end_at > ?"
    )
    if with_people:
        chosen += " AND EXISTS (SELECT 1 FROM event_people p WHERE p.record_id = r.id)"
    for row in db.rows(
        "SELECT record_id, entity_id FROM event_people "
        f"WHERE record_id IN (SELECT r.id {chosen}) ORDER BY entity_id",
        span,
    ):
        linked.setdefault(row["record_id"], []).append(row["entity_id"])
    found = []
    for row in db.rows(
        f"SELECT r.id, r.source, r.payload, r.start_at, r.end_at, r.first_seen_at {chosen} "
        "ORDER BY start_at, id",
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
                payload["organizer"].lower(),
                {guest["email"].lower(): guest["status"] for guest in payload["attendees"]},
                tuple(linked.get(row["id"], ())),
                tuple(payload["categories"]),
                parse_utc(row["first_seen_at"]),
            )
        )
    return found


def lived(db: Store, profile_id: int, start: datetime, end: datetime) -> list[tuple[int, str]]:
    """Return (row, hash of what it says) of each event that lies within a time."""
    rows = db.rows(
        "SELECT id, digest FROM records WHERE profile_id = ? AND kind = 'event' "
        "AND start_at >= ? AND start_at < ? AND end_at <= ? ORDER BY id",
        (profile_id, format_utc(start), format_utc(end), format_utc(end)),
    )
    return [(row["id"], row["digest"]) for row in rows]


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
