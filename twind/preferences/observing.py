"""Which aspects anything but answers tells of: found out, not listed.

A life in which everything is done that a calendar or a task list can show is read by all detectors;
what they find, and what blocks of time mean, is what can be observed. Of the rest twind knows what
it is told.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import product

import numpy as np

from twind.preferences import catalogue, detectors, features
from twind.preferences.observations import names_in

_MONDAY = datetime(2026, 1, 5, tzinfo=UTC)
_HOURS = (7, 11, 20)
_COMPANY = ((), (1,), (1, 2, 3))
_LEADS_DAYS = (-1, 0, 2, 9)
_ARRANGED_H = (2, 72)


@cache
def observable() -> frozenset[str]:
    """Return the codes of the aspects that behaviour, or feedback on it, can tell of."""
    meant = np.flatnonzero(features.meaning().any(axis=0))
    seen = {name for one in detectors.detect(_everything()) for name in names_in(one.likelihood)}
    codes = {catalogue.aspects()[place].code for place in meant} | seen
    return frozenset(codes & catalogue.index_of().keys())


def _everything() -> detectors.History:
    """Return days on each of which one activity takes place, at every time and in any company."""
    kinds = product(range(len(features.ACTIVITIES)), _HOURS, _COMPANY)
    blocks = [
        _block(number, _MONDAY + timedelta(days=number, hours=hour), activity, company)
        for number, (activity, hour, company) in enumerate(kinds)
    ]
    tasks = [
        _task(number, _MONDAY + timedelta(days=20, hours=12), lead)
        for number, lead in enumerate(_LEADS_DAYS)
    ]
    invitations = [
        detectors.Invitation(replace(block, own=False), accepted=number % 2 == 0)
        for number, block in enumerate(blocks)
    ]
    return detectors.History(tuple(blocks), tuple(tasks), tuple(invitations))


def _block(
    number: int, start: datetime, activity: int, company: tuple[int, ...]
) -> detectors.LivedBlock:
    return detectors.LivedBlock(
        start_local=start,
        end_local=start + timedelta(hours=1),
        title=f"{features.ACTIVITIES[activity]} with {len(company)}",
        source=("records", number),
        activity=activity,
        people_ids=company,
        closeness=0.5 if company else 0.0,
        known_local=start - timedelta(hours=_ARRANGED_H[number % len(_ARRANGED_H)]),
    )


def _task(number: int, due: datetime, lead_days: float) -> detectors.DoneTask:
    return detectors.DoneTask(
        completed_local=due - timedelta(days=lead_days),
        title=f"task {number}",
        source=("workflow_steps", number),
        created_local=due - timedelta(days=20),
        due_local=due,
    )
