"""What is known to have happened, as detectors read it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class LivedBlock:
    """A block of a day that really happened.

    Attributes:
        start_local, end_local: aware, in the user's zone.
        activity: an index into ACTIVITIES, None when nobody can tell.
        people_ids: entities who took part.
        closeness: of those, 0..1, on average.
        series: what it is a repeat of, "" for a single block (its title then stands in).
        own: whether the user set it, rather than somebody else.
        title: as in the source.
        source: the row, (table, id).
        known_local: when the calendar first had it, None where nobody can tell.

    """

    start_local: datetime
    end_local: datetime
    title: str
    source: tuple[str, int]
    activity: int | None = None
    people_ids: tuple[int, ...] = ()
    closeness: float = 0.0
    series: str = ""
    own: bool = True
    known_local: datetime | None = None

    @property
    def hours(self) -> float:
        """Its length in hours, never negative."""
        return max(0.0, (self.end_local - self.start_local).total_seconds() / 3600.0)

    @property
    def middle_h(self) -> float:
        """The wall clock at its middle, 0..24."""
        start = self.start_local
        return (start.hour + start.minute / 60.0 + self.hours / 2.0) % 24.0


@dataclass(frozen=True, slots=True, kw_only=True)
class DoneTask:
    """A task that was completed; times aware, in the user's zone.

    series: the habit that it is one time of, "" for none (its title then stands in).
    """

    completed_local: datetime
    title: str
    source: tuple[str, int]
    created_local: datetime | None = None
    due_local: datetime | None = None
    project_id: int | None = None
    series: str = ""


@dataclass(frozen=True, slots=True)
class Invitation:
    """What others set and the user said yes or no to; the block was lived if it was a yes."""

    block: LivedBlock
    accepted: bool


@dataclass(frozen=True, slots=True)
class History:
    """What is known to have happened."""

    blocks: tuple[LivedBlock, ...] = ()
    tasks: tuple[DoneTask, ...] = ()
    invitations: tuple[Invitation, ...] = ()
