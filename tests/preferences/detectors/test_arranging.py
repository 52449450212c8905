"""How long beforehand things are done and arranged."""

from __future__ import annotations

from datetime import timedelta

import pytest
from small_lives import CREATE, SOCIAL, WORK, block, gain, history, learnt, task

from twind.preferences.detectors import History, arranged, lead_times


def test_planners_and_postponers_are_told_apart():
    ahead = learnt(lead_times(History(tasks=tuple(task(n, 8) for n in range(20)))))
    pressed = learnt(lead_times(History(tasks=tuple(task(n, 0.2) for n in range(20)))))
    assert ahead.strength("TIM_PLANNING") > 0.1 > pressed.strength("TIM_PLANNING")
    assert pressed.strength("TIM_PROCRASTINATION") > 0 > ahead.strength("TIM_PROCRASTINATION")


def test_what_came_in_late_says_nothing_and_what_came_in_unknown_half():
    assert lead_times(History(tasks=(task(1, 0.5, created_days=2),))) == []
    (known,) = lead_times(History(tasks=(task(1, 0.5),)))
    (unknown,) = lead_times(History(tasks=(task(1, 0.5, created_days=None),)))
    assert unknown.weight == pytest.approx(known.weight / 2)


PLANNED, UNPLANNED = {"activity": SOCIAL, "planned": 1.0}, {"activity": SOCIAL}


def evenings(hours_before, activity=SOCIAL, **more):
    found = []
    for n in range(20):
        one = block(n, n, 19, activity=activity)
        known = one.start_local - timedelta(hours=hours_before)
        found.append(block(n, n, 19, activity=activity, known_local=known, **more))
    return history(*found)


def test_planned_and_spontaneous_are_told_apart():
    planned, spontaneous = arranged(evenings(72)), arranged(evenings(3))
    assert gain(planned, PLANNED, UNPLANNED) > 0.05
    assert gain(spontaneous, PLANNED, UNPLANNED) < -0.05


def test_planning_with_others_says_less_since_everybody_does():
    alone = gain(arranged(evenings(72, CREATE)), PLANNED, UNPLANNED)
    with_others = gain(arranged(evenings(72, CREATE, people_ids=(1,))), PLANNED, UNPLANNED)
    assert 0.0 < with_others < alone


def test_when_nobody_knows_when_it_came_in_nothing_is_said():
    assert arranged(history(block(1, 0, 19, activity=SOCIAL))) == []
    assert arranged(evenings(-1)) == []  # noted afterwards
    assert arranged(evenings(72, series="choir")) == []
    assert arranged(evenings(72, own=False)) == []
    assert arranged(evenings(72, activity=WORK)) == []
