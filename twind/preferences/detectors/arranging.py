"""How long beforehand things are done and arranged."""

from __future__ import annotations

import math
from collections import Counter
from typing import TYPE_CHECKING

from twind.preferences.detectors.shared import days_between, plain
from twind.preferences.features import AHEAD_DAYS, PRESSED_DAYS
from twind.preferences.observations import NOISE, Observation, Ordinal, repeat_weight

if TYPE_CHECKING:
    from twind.preferences.detectors.history import History

LEAD_RATES = (0.45, 0.30, 0.25)
LEAD_FEATURES = {"TIM_PLANNING": 1.5, "TIM_PROCRASTINATION": -1.5}
UNKNOWN_CREATION_WEIGHT = 0.5


def lead_times(history: History) -> list[Observation]:
    """Read how long before its deadline each task was done as a level: pressed, between, ahead.

    Tasks that came in too late to be done ahead say nothing; where nobody knows when one came in,
    it counts half. It can tell planning from putting off, as a trait: how days go, never what is
    rewarded. It cannot tell a task that was put off from one that had to wait for somebody else,
    or a date that was due from one that was wished for.
    """
    judged = [
        task
        for task in history.tasks
        if task.due_local is not None
        and (
            task.created_local is None
            or days_between(task.created_local, task.due_local) > AHEAD_DAYS
        )
    ]
    counts = Counter(task.series or plain(task.title) for task in judged)
    slope = NOISE["behaviour"].slope
    cuts = (_logit(LEAD_RATES[0]) / slope, _logit(1.0 - LEAD_RATES[2]) / slope)
    found = []
    for task in judged:
        assert task.due_local is not None
        lead = days_between(task.completed_local, task.due_local)
        level = 0 if lead <= PRESSED_DAYS else 2 if lead > AHEAD_DAYS else 1
        weight = repeat_weight(counts[task.series or plain(task.title)])
        if task.created_local is None:
            weight *= UNKNOWN_CREATION_WEIGHT
        found.append(
            Observation(
                key=f"behaviour:lead:{task.source[0]}:{task.source[1]}",
                at=task.completed_local,
                kind="behaviour",
                text=f"You finished “{task.title}” {_lead_text(lead)}",
                source=task.source,
                likelihood=Ordinal(LEAD_FEATURES, level, cuts),
                weight=weight,
            )
        )
    return found


def _lead_text(lead: float) -> str:
    if lead < 0.0:
        return "after it was due"
    if lead <= PRESSED_DAYS:
        return "in the last day before it was due"
    return f"{round(lead)} days before it was due"


def _logit(chance: float) -> float:
    return math.log(chance / (1.0 - chance))
