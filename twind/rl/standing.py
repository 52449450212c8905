"""What has been proposed for a day already, as the planner sees it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from twind.rl.candidates import LEAD_SLOTS
from twind.rl.rehearsal import Item
from twind.rl.snapshot import shortlist
from twind.rl.spaces import DURATIONS_MIN, INTENSITIES, PROJECTS, SLOTS, TYPES

if TYPE_CHECKING:
    from collections.abc import Iterable

    from twind.model import Proposal
    from twind.rl.snapshot import Snapshot

CHANGED = "the plan has changed"
"""Why a proposal was withdrawn that the user had been shown and that another has replaced."""


def row_of(proposal: Proposal, snapshot: Snapshot) -> int:
    """Return the target of a proposal as an action has it; -1 for one not shown any more."""
    if proposal.target is None:
        return 0
    shown = shortlist(snapshot)
    rows = {("project", snapshot.projects[i].id): row + 1 for row, i in enumerate(shown.projects)}
    rows |= {
        ("person", snapshot.people[i].id): row + 1 + PROJECTS for row, i in enumerate(shown.people)
    }
    return rows.get((proposal.target.kind, proposal.target.id), -1)


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


def was_seen(proposal: Proposal) -> bool:
    """Tell whether a proposal was the user's to answer."""
    return proposal.details.get("withdrawn") in {None, CHANGED}
