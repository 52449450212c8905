"""The nouns, as frozen records.

Times are aware and in UTC, durations in minutes, an all-day event's end is exclusive. The first
group is what plugins yield; the second is what twind itself makes of it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, Literal

# --- what a source has ---------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Somebody in the user's life.

    `uid` is the source's own, stable identity; two people may share a name.
    """

    uid: str
    name: str
    emails: tuple[str, ...] = ()
    phones: tuple[str, ...] = ()
    organisation: str = ""
    groups: tuple[str, ...] = ()
    birthday: date | None = None
    related: tuple[str, ...] = ()
    """The people close to them, by name; what they are comes first if it is told: "spouse: Bo"."""
    note: str = ""
    book: str = ""
    """The address book they stand in, where the source has several. It tells its people apart."""
    group: str = ""
    """The file or collection it came from: what `Unchanged` speaks of."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Project:
    """Something the user works towards; tasks name it by its `uid`."""

    uid: str
    name: str
    kind: Literal["project", "habit", "learning", "decision"] = "project"
    status: Literal["active", "paused", "completed", "abandoned"] = "active"
    priority: float | None = None
    """0 (someday) to 1 (above all else)."""
    deadline: datetime | None = None
    description: str = ""
    parent: str | None = None
    """The project it is a part of, by its uid."""
    group: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """One thing to do. A task without a project stands on its own.

    What recurs is a Project of the kind "habit", and each time it is to be done is a task whose
    `series` is that project's uid; the habit's `parent` is the project that it belongs to itself.
    """

    uid: str
    title: str
    project: str | None = None
    status: Literal["open", "done", "cancelled", "missed"] = "open"
    """A missed one was not done while it could be: one time of a habit, mostly."""
    priority: float | None = None
    start: datetime | None = None
    """Not before (a threshold date)."""
    due: datetime | None = None
    created_at: datetime | None = None
    completed_at: datetime | None = None
    estimate_min: float | None = None
    spent_min: float | None = None
    """How long has been worked on it, where the source tells."""
    progress: float | None = None
    """How much of it is done, 0 to 1, where the source tells."""
    recurrence: str = ""
    series: str = ""
    """The habit it is one time of, by its uid: its step lies there."""
    rescheduled: int = 0
    """How often its due date was put off, as far as the source tells; twind counts what it sees."""
    contexts: tuple[str, ...] = ()
    description: str = ""
    group: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Attendee:
    """Somebody invited to an event."""

    email: str
    name: str = ""
    status: Literal["accepted", "declined", "tentative", "needs-action"] = "needs-action"


@dataclass(frozen=True, slots=True, kw_only=True)
class CalendarEvent:
    """One occurrence of an event: a recurring series yields one of these for each.

    `uid` names the occurrence, `series` the recurring event it belongs to ("" for a single one).
    """

    uid: str
    title: str
    start: datetime
    end: datetime
    all_day: bool = False
    busy: bool = True
    status: Literal["confirmed", "tentative", "cancelled"] = "confirmed"
    series: str = ""
    organizer: str = ""
    attendees: tuple[Attendee, ...] = ()
    location: str = ""
    description: str = ""
    categories: tuple[str, ...] = ()
    group: str = ""


Record = Person | Project | Task | CalendarEvent


@dataclass(frozen=True, slots=True)
class RecordError:
    """A record that could not be read. Its last good version stays."""

    uid: str
    reason: str
    group: str = ""


@dataclass(frozen=True, slots=True)
class Unchanged:
    """Everything known of this group (a file, a collection) stands as it was."""

    group: str


@dataclass(frozen=True, slots=True)
class Deleted:
    """The source says that this record is gone."""

    uid: str


Fetched = Record | RecordError | Unchanged | Deleted


# --- what twind makes of it ----------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Option:
    """One answer a question offers; `features` maps an aspect's code to its weight."""

    id: int
    text: str
    features: dict[str, float]


@dataclass(frozen=True, slots=True)
class Question:
    """A question and its options, in the order they are shown.

    `kind` is MISSION's question_type; `effort_s` the seconds a considered answer takes.
    """

    id: int
    text: str
    kind: Literal["choice", "ranking", "scale", "binary", "trade_off", "scenario"]
    options: tuple[Option, ...]
    effort_s: float = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Pattern:
    """What twind believes about one aspect.

    strength is the posterior mean in [-1, 1]; confidence the share of the prior variance that the
    evidence has removed, in [0, 1]; impact how much the coming plan would change with it;
    observable whether anything but answers tells of it.
    """

    dimension: str
    aspect: str
    code: str
    strength: float
    confidence: float
    evidence_count: int
    impact: float
    pattern_type: Literal["preference", "behavioral", "temporal", "contextual"] = "preference"
    observable: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """One reason for a proposal.

    kind: pattern, deadline, person, energy, time, habit or trial. ref: the pattern's code, or
    "workflow:3", "entity:7". weight: its share of the proposal's gain. evidence: the rows behind
    it, each {"table", "id", "text"}.
    """

    kind: str
    ref: str
    weight: float
    text: str
    evidence: tuple[dict[str, Any], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Whom or what a proposal is about; `id` is the row in `entities` or `workflows`."""

    kind: Literal["person", "project"]
    id: int
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """One thing the twin proposes to do."""

    day: date
    action: str
    target: Target | None
    start: datetime
    end: datetime
    duration_min: int
    intensity: Literal["light", "normal", "deep"]
    text: str
    confidence: float
    reasons: tuple[Reason, ...]
    would_change: str
    id: int | None = None
    status: Literal["pending", "accepted", "rejected", "ignored"] = "pending"
    details: dict[str, Any] = field(default_factory=dict)
    """Kept with the proposal for learning: features, gain, probability of acceptance, model id."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Feedback:
    """What the user said to a proposal."""

    proposal_id: int
    action: Literal["accept", "reject", "edit", "snooze", "undo"]
    at: datetime
    reason: str = ""
    start: datetime | None = None
    duration_min: int | None = None
    until: datetime | None = None


# --- what passes through a notification plugin ---------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Button:
    """A button on a notification; `id` comes back in `Pressed`."""

    id: str
    label: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Channel:
    """One way to the user that a plugin offers.

    `id` stays the same from one day to the next and holds no secret; `name` is what people see.
    """

    id: str
    name: str = ""
    buttons: bool = False
    """Whether it shows buttons, and hears them. Where it does not, the text says how to answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Notification:
    """One message to the user, in plain text: the channel escapes it for itself."""

    key: str
    title: str
    body: str
    buttons: tuple[Button, ...] = ()
    listen_s: float = 0.0
    """How long the channel may wait for a button."""
    channel: str = ""
    """The `id` of the channel it is for; the plugin's name where it is a single one."""


@dataclass(frozen=True, slots=True)
class Delivered:
    """The channel has taken the notification; nothing sends it again."""

    channel: str


@dataclass(frozen=True, slots=True)
class Pressed:
    """The user pressed the button with this id."""

    button: str


HORIZON_DAYS = 14
"""How many days can be planned, today the first: those that a chain of simulated days lives."""
OWN_UIDS = ".twind"
"""How the UIDs of the events end that twind itself publishes (twind.published)."""


def is_own_event(uid: str) -> bool:
    """Tell whether an event's UID is one that twind made: to be passed over by what reads events.

    Otherwise a calendar program that has subscribed to twind's file would hand twind its own
    proposals back as appointments.
    """
    return uid.strip().lower().endswith(OWN_UIDS)
