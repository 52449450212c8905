"""What the formats share: days, priorities, projects, and which tasks are history."""

from __future__ import annotations

import hashlib
import re
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Iterable
    from zoneinfo import ZoneInfo

    from twind.api import Context, Settings, Task

MAX_TEXT = 2000
"""Characters kept of a task's description."""
FORGOTTEN = timedelta(hours=12)
"""A clock that ran for longer was forgotten, and says nothing."""

_LEARNING = re.compile(r"\b(learn|study|course|lesson|class)", re.IGNORECASE)


def begins(day: date, zone: ZoneInfo) -> datetime:
    """Return the instant at which a day begins."""
    return datetime.combine(day, time(), tzinfo=zone).astimezone(UTC)


def ends(day: date, zone: ZoneInfo) -> datetime:
    """Return the instant at which a day is over: what is due on it is due by then."""
    return begins(day + timedelta(days=1), zone)


def today(ctx: Context[Settings]) -> date:
    """Return the user's day."""
    return ctx.now.astimezone(ctx.timezone).date()


def letter_priority(letter: str) -> float | None:
    """Map A, B, C to 1, 0.75, 0.5, and D to Z evenly further down to 0.1."""
    if not re.fullmatch("[A-Za-z]", letter):
        return None
    rank = ord(letter.upper()) - ord("A")
    return 1.0 - 0.25 * rank if rank <= 2 else 0.5 - (rank - 2) * 0.4 / 23


def number_priority(number: int) -> float | None:
    """Map 1 (the highest of RFC 5545) to 9 evenly to 1 to 0.1; anything else is none."""
    return 1.0 - (number - 1) * 0.9 / 8 if 1 <= number <= 9 else None


def kind_of(name: str) -> Literal["learning", "project"]:
    """Tell from its name what a project is about."""
    return "learning" if _LEARNING.search(name) else "project"


def most_urgent(tasks: Iterable[Task]) -> float | None:
    """Return the priority of what is made of these tasks: the highest of the open ones."""
    told = (task.priority for task in tasks if task.status == "open")
    return max((priority for priority in told if priority is not None), default=None)


def is_wanted(task: Task, ctx: Context[Settings], over: datetime | None = None) -> bool:
    """Tell whether a task is to be yielded: what is over only where that was in the window.

    `over` is when it was cancelled. What nobody knows the end of is kept, undated.
    """
    ended = {"done": task.completed_at, "missed": task.due, "cancelled": over}.get(task.status)
    return ended is None or ctx.window.start <= ended < ctx.window.end


def spent_min(stretches: Iterable[tuple[datetime, datetime]]) -> float | None:
    """Return the minutes that were worked in all; None where nothing tells."""
    told = [end - begin for begin, end in stretches if timedelta() <= end - begin <= FORGOTTEN]
    return sum(told, timedelta()).total_seconds() / 60 if told else None


def digest(text: str) -> str:
    """Return an identity made of what is known of a thing."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:24]
