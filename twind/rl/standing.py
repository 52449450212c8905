"""What has been proposed already, for a day and for those around it, as the planner sees it."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import numpy as np

from twind.rl.candidates import LEAD_SLOTS
from twind.rl.rehearsal import Item
from twind.rl.snapshot import shortlist
from twind.rl.spaces import DURATIONS_MIN, INTENSITIES, PROJECTS, SLOTS, TYPES

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import date

    from twind.model import Proposal
    from twind.rl.snapshot import Snapshot

CHANGED = "the plan has changed"
"""Why a proposal was withdrawn that the user had been shown and that another has replaced."""


def row_of(proposal: Proposal, snapshot: Snapshot) -> int:
    """Return the target of a proposal as an action has it; -1 for one not shown any more."""
    if proposal.target is None:
        return 0
    return _rows(snapshot).get((proposal.target.kind, proposal.target.id), -1)


def _rows(snapshot: Snapshot) -> dict[tuple[str, int], int]:
    """Return the targets of actions by what they are and their ids."""
    shown = shortlist(snapshot)
    rows = {("project", snapshot.projects[i].id): row + 1 for row, i in enumerate(shown.projects)}
    rows |= {
        ("person", snapshot.people[i].id): row + 1 + PROJECTS for row, i in enumerate(shown.people)
    }
    return rows


def slots_of(proposal: Proposal, snapshot: Snapshot, day: int) -> tuple[int, int]:
    """Return the slots [first, end) of a day that a proposal touches."""
    edges = [snapshot.instant(day, slot) for slot in range(SLOTS + 1)]
    first = int(np.searchsorted(edges, proposal.start, side="right")) - 1  # type: ignore[call-overload]
    last = int(np.searchsorted(edges, proposal.end, side="left"))  # type: ignore[call-overload]
    return first, last


def shown_items(pending: Iterable[Proposal], snapshot: Snapshot, day: int) -> dict[Item, Proposal]:
    """Return what the user has been shown and has not answered, as the planner may change it.

    What is about to begin, was edited to a time of the user's own, or is for somebody the agent is
    not shown any more is left out: it stands as it is.
    """
    first = snapshot.slot + LEAD_SLOTS if day == 0 else 0
    found = {}
    for one in pending:
        start, _ = slots_of(one, snapshot, day)
        row = row_of(one, snapshot)
        exact = 0 <= start < SLOTS and snapshot.instant(day, start) == one.start
        if exact and start >= first and row >= 0 and one.duration_min in DURATIONS_MIN:
            item = Item(
                start,
                TYPES.index(one.action),
                row,
                DURATIONS_MIN.index(one.duration_min),
                INTENSITIES.index(one.intensity),
            )
            found[item] = one
    return found


def spent(earlier: Iterable[Proposal], snapshot: Snapshot) -> frozenset[tuple[int, int]]:
    """Return what was proposed, as (type, target), so that none of it is proposed once more.

    One that an event displaced was never for the user to answer, and may find another hour.
    """
    return frozenset(
        (TYPES.index(one.action), row_of(one, snapshot)) for one in earlier if was_seen(one)
    )


def around(every: Iterable[Proposal], day: date) -> list[Proposal]:
    """Return what stands for the day before and the day after: what waits, and was accepted."""
    return [
        one
        for one in every
        if abs(one.day - day) == timedelta(days=1) and one.status in {"pending", "accepted"}
    ]


def barred(snapshot: Snapshot, day: int, others: Iterable[Proposal]) -> frozenset[int]:
    """Return the targets of those who are not to be asked for their time on a day.

    Who meets the user that day by the calendar, and whom one of these other proposals is for.
    """
    met = {person for person, _, _ in snapshot.days[day].meetings}
    met |= {one.target.id for one in others if one.target and one.target.kind == "person"}
    rows = _rows(snapshot)
    return frozenset(rows["person", one] for one in met if ("person", one) in rows)


def hours_taken(every: Iterable[Proposal], day: date, today: date) -> dict[int, float]:
    """Return the hours that are likely to go into steps on other days, by the step's row.

    Of what was accepted for today or later, and of what waits for an answer the day before or
    after: how much is left of a step for this day comes of that.
    """
    every = list(every)
    accepted = [one for one in every if one.status == "accepted" and one.day >= today]
    waiting = [one for one in around(every, day) if one.status == "pending"]
    hours: dict[int, float] = {}
    for one in (*accepted, *waiting):
        step = one.details.get("step")
        if step is not None and one.day != day:
            hours[step] = hours.get(step, 0.0) + one.duration_min / 60
    return hours


def was_seen(proposal: Proposal) -> bool:
    """Tell whether a proposal was the user's to answer."""
    return proposal.details.get("withdrawn") in {None, CHANGED}
