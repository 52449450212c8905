"""How long beforehand things are done and arranged."""

from __future__ import annotations

import math
from collections import Counter
from typing import TYPE_CHECKING

from twind.preferences.detectors.shared import (
    FREE_TIME,
    LONGEST_H,
    choice,
    days_between,
    habit_weights,
    log_rates,
    plain,
    sparse,
)
from twind.preferences.features import AHEAD_DAYS, PRESSED_DAYS, Block
from twind.preferences.observations import NOISE, Choice, Observation, Ordinal, repeat_weight

if TYPE_CHECKING:
    from twind.preferences.detectors.history import History, LivedBlock
    from twind.preferences.observations import Features

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


PLANNED_RATES = {"alone": (0.5, 0.5), "with others": (0.3, 0.7)}
"""How much of what people put into calendars for themselves is arranged on the day itself, and how
much before."""


def arranged(history: History) -> list[Observation]:
    """Read each single free-time block of the user's own as arranged before its day or on it.

    Known where the calendar was watched when the block came in; what came in after it had begun was
    noted, not arranged, and a series was arranged once, who knows when. It can tell who likes free
    hours settled from who leaves them open. It cannot tell a change of plans from a plan, what was
    arranged and not written down until its day, nor a taste from friends who need a week's notice.
    """
    blocks = [
        block
        for block in history.blocks
        if block.own
        and block.activity in FREE_TIME
        and not block.series
        and block.hours >= 0.25
        and block.known_local is not None
        and block.known_local < block.start_local
    ]
    found = []
    for block, weight in zip(blocks, habit_weights(blocks), strict=True):
        assert block.known_local is not None
        before = block.known_local.date() < block.start_local.date()
        rates = PLANNED_RATES["with others" if block.people_ids else "alone"]
        found += choice(
            "arranged",
            block,
            f"You arranged “{block.title}” {'before its day' if before else 'on the day itself'}",
            Choice((_planned(block, 0.0), _planned(block, 1.0)), int(before), log_rates(rates)),
            weight,
        )
    return found


def _planned(block: LivedBlock, planned: float) -> Features:
    assert block.activity is not None
    return sparse(
        Block(
            activity=block.activity,
            hours=min(block.hours, LONGEST_H),
            hour=block.middle_h,
            people=len(block.people_ids),
            closeness=block.closeness,
            planned=planned,
        )
    )


def _logit(chance: float) -> float:
    return math.log(chance / (1.0 - chance))
