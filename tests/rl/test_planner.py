"""The plan for a day: inside the hard limits, repeatable, sparing, and urgent things first."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from twind.preferences.belief import Belief as Believed
from twind.preferences.detectors import population_habits
from twind.preferences.features import ACTIVITIES
from twind.preferences.uptake import Uptake
from twind.rl import candidates, planner, rules
from twind.rl.candidates import LEAD_SLOTS, Limits
from twind.rl.planner import LEAST_GAIN, TIE, Effort, plan_day
from twind.rl.policy import fresh_policy
from twind.rl.rehearsal import Item
from twind.rl.snapshot import (
    Belief,
    PersonState,
    ProjectState,
    Snapshot,
    day_plan,
    shortlist,
)
from twind.rl.spaces import DURATIONS_MIN, INTENSITIES, PROJECTS, SLOTS, TYPES
from twind.rl.world import pack
from twind.store.projection import SINGLE_TASKS

MONDAY = date(2026, 3, 2)
REST, WORK, SOCIAL, HELP = (TYPES.index(name) for name in ("rest", "work", "social", "help"))
DEEP = INTENSITIES.index("deep")


def stretch(*spans):
    mask = np.zeros(SLOTS, bool)
    for start, end in spans:
        mask[int(start * 4) : int(end * 4)] = True
    return mask


def life(
    *, busy=(), allowed=((7, 22),), asleep=((0, 7), (23, 24)), projects=(), people=(), slot=28
):
    known = Believed.prior((one.id for one in people), (one.id for one in projects))
    day = {
        "allowed": stretch(*allowed) & ~stretch(*asleep),
        "work": stretch((9, 17)),
        "asleep": stretch(*asleep),
    }
    days = tuple(
        day_plan(MONDAY + timedelta(days=n), busy=stretch(*busy) if n == 0 else None, **day)
        for n in range(3)
    )
    return Snapshot(
        profile_id=1,
        start=datetime(2026, 3, 2, slot // 4, tzinfo=UTC),
        zone="UTC",
        slot=slot,
        days=days,
        projects=tuple(projects),
        people=tuple(people),
        belief=Belief(
            names=known.names,
            mean=known.posterior.mean,
            covariance=known.posterior.covariance,
        ),
        habits=population_habits(),
    )


ANN = PersonState(id=3, name="Ann", closeness=0.9, days_since=40.0, cadence_days=10.0)
THESIS = ProjectState(id=5, name="Thesis", priority=0.7, remaining_h=4.0, deadline_h=30.0)


def plan(snapshot, day=0, limits=None, guide=None, seed=0, shown=()):
    """Plan with few rehearsals: the limits hold whatever their number."""
    effort = Effort(rehearsals=3000, guide=4)
    return plan_day(
        snapshot,
        day,
        guide=guide,
        limits=limits or Limits(),
        shown=shown,
        seed=seed,
        effort=effort,
    )


def assert_within(snapshot, made, limits):
    day = snapshot.days[made.day]
    assert len(made.items) <= limits.most
    first = snapshot.slot + LEAD_SLOTS if made.day == 0 else 0
    covered = np.zeros(SLOTS, int)
    for rated in made.items:
        item = rated.item
        assert first <= item.slot < item.end <= SLOTS
        assert day.free[item.slot : item.end].all()
        assert not limits.forbid(item)
        assert rated.gain + rated.due > LEAST_GAIN
        assert limits.min_acceptance <= rated.acceptance <= 1.0
        assert len(rated.parts) == 5
        covered[item.slot : item.end] += 1
    assert covered.max() <= 1
    kinds = [(one.item.kind, one.item.target) for one in made.items]
    assert len(set(kinds)) == len(kinds)
    people = [target for _, target in kinds if target > PROJECTS]
    assert len(set(people)) == len(people)


def test_what_is_less_known_is_more_doubtful_and_has_to_promise_more():
    ben = replace(ANN, id=4, name="Ben")
    snapshot = life(people=[ANN, ben], allowed=((18, 22),))
    known = snapshot.belief.names.index("person:4")
    covariance = snapshot.belief.covariance.copy()
    covariance[known] *= 0.1
    covariance[:, known] *= 0.1
    snapshot = replace(snapshot, belief=replace(snapshot.belief, covariance=covariance))
    found = candidates.Candidates(snapshot, pack([snapshot]), 0, Limits())
    rows = {snapshot.people[place].id: row for row, place in enumerate(shortlist(snapshot).people)}
    unsure, surer = (
        found.doubt(planner.Item(76, SOCIAL, 1 + PROJECTS + rows[person], 3, 1))
        for person in (ANN.id, ben.id)
    )
    assert 0.0 < surer < unsure
    twice = found.doubt(planner.Item(76, SOCIAL, 1 + PROJECTS + rows[ben.id], 5, 1))
    assert twice == pytest.approx(2.0 * surer)
    made = plan(snapshot)
    assert all(one.gain > LEAST_GAIN + planner.RISK_PRICE * one.doubt for one in made.items)
    assert any(one.doubt > 0.0 for one in made.items)


def test_one_thing_of_a_day_is_tried_where_answers_are_worth_something():
    snapshot = life(people=[ANN], allowed=((18, 22),))
    plain, curious = plan(snapshot), plan(snapshot, limits=Limits(trying=1.0))
    least = [
        one for one in curious.items if one.gain <= LEAST_GAIN + planner.RISK_PRICE * one.doubt
    ]
    assert len(least) <= 1
    assert max(one.doubt for one in curious.items) > max(
        (one.doubt for one in plain.items), default=0.0
    )
    known = replace(snapshot.belief, covariance=1e-6 * snapshot.belief.covariance)
    sure = replace(snapshot, belief=known)
    things = [
        {(one.item.kind, one.item.target) for one in plan(sure, limits=Limits(trying=trying)).items}
        for trying in (0.0, 1.0)
    ]
    assert things[0] == things[1]


hour = st.integers(0, 95).map(lambda quarter: quarter / 4)
span = st.tuples(hour, st.sampled_from([0.25, 0.5, 1.0, 3.0, 8.0])).map(
    lambda pair: (pair[0], min(24.0, pair[0] + pair[1]))
)


@settings(max_examples=25, deadline=None)
@given(
    busy=st.lists(span, max_size=8),
    allowed=st.lists(span, min_size=1, max_size=3),
    asleep=st.lists(span, max_size=2),
    taken=st.lists(st.tuples(st.integers(0, 95), st.integers(1, 12)), max_size=2),
    most=st.integers(0, 4),
    slot=st.integers(0, 95),
    day=st.integers(0, 1),
    guide=st.sampled_from([None, *map(candidates.unvarying, (rules.urgency, rules.greedy))]),
)
def test_no_plan_leaves_the_hard_limits(busy, allowed, asleep, taken, most, slot, day, guide):
    snapshot = life(
        busy=busy, allowed=allowed, asleep=asleep, slot=slot, people=[ANN], projects=[THESIS]
    )
    limits = Limits(
        most=most,
        taken=tuple((start, start + length) for start, length in taken),
        spent=frozenset({(WORK, 0)}),
    )
    made = plan(snapshot, day, limits, guide)
    assert_within(snapshot, made, limits)
    assert bool(made.items) != bool(made.silent_because)


def test_the_same_seed_gives_the_same_plan():
    snapshot = life(projects=[THESIS], people=[ANN])
    first, second = (plan(snapshot, guide=fresh_policy().drawing, seed=1) for _ in range(2))
    assert first == second
    assert first.items


def test_never_more_than_wanted():
    snapshot = life(projects=[THESIS], people=[ANN])
    many = plan(snapshot)
    assert 1 <= len(many.items) <= 4
    assert len(plan(snapshot, limits=Limits(most=1)).items) == 1
    assert plan(snapshot, limits=Limits(most=0)).items == ()


def test_what_somebody_never_says_yes_to_is_not_proposed():
    snapshot = life(projects=[THESIS], people=[ANN])
    made = plan(snapshot)
    [first, *_] = made.items
    assert first.acceptance == Limits().uptake.probability(TYPES[first.item.kind], first.rehearsed)
    activity = TYPES[first.item.kind]
    means = tuple(-9.0 if one == activity else 0.0 for one in ACTIVITIES)
    refused = plan(snapshot, limits=Limits(uptake=Uptake(means)))
    assert activity not in {TYPES[one.item.kind] for one in refused.items}


def test_a_type_that_is_not_wanted_is_never_proposed():
    snapshot = life(projects=[THESIS], people=[ANN])
    [first, *_] = plan(snapshot).items
    limits = Limits(without=frozenset({first.item.kind}))
    assert limits.forbid(first.item)
    for guide in (None, candidates.unvarying(rules.greedy)):
        made = plan(snapshot, limits=limits, guide=guide)
        assert first.item.kind not in {one.item.kind for one in made.items}
    # What was shown before it was unwanted goes, too.
    kept = plan(snapshot, limits=limits, shown=(first.item,))
    assert first.item not in {one.item for one in kept.items}


def test_what_is_spent_or_taken_is_left_alone():
    snapshot = life(projects=[THESIS], people=[ANN])
    before = plan(snapshot)
    spent = frozenset((one.item.kind, one.item.target) for one in before.items)
    after = plan(snapshot, limits=Limits(spent=spent))
    assert spent.isdisjoint((one.item.kind, one.item.target) for one in after.items)
    morning = Limits(taken=((0, 14 * 4),))
    assert all(one.item.slot >= 14 * 4 for one in plan(snapshot, limits=morning).items)


def everything(snapshot):
    return candidates.Candidates(snapshot, pack([snapshot]), 0, Limits()).everything()


def test_no_stroll_and_no_errand_is_deep():
    deep = {TYPES[one.kind] for one in everything(life(projects=[THESIS])) if one.intensity == DEEP}
    assert deep == {"work", "learn", "create", "social", "exercise"}


@pytest.mark.parametrize("errands", [{"name": SINGLE_TASKS}, {"kind": "habit"}])
def test_errands_are_not_deep(errands):
    snapshot = life(projects=[replace(THESIS, **errands), replace(THESIS, id=6)])
    [row] = [
        1 + row
        for row, place in enumerate(shortlist(snapshot).projects)
        if snapshot.projects[place].id == THESIS.id
    ]
    levels = {
        target: {one.intensity for one in everything(snapshot) if one.target == target}
        for target in (1, 2)
    }
    assert DEEP not in levels.pop(row)
    [other] = levels.values()
    assert DEEP in other


def test_nobody_in_particular_is_asked_at_decent_hours_alone_either():
    snapshot = life(people=[ANN], allowed=((6, 24),), asleep=((0, 6),), slot=20)
    asked = [one for one in everything(snapshot) if one.kind in (SOCIAL, HELP)]
    assert {one.target for one in asked} > {0}
    for one in asked:
        assert 8 * 4 <= one.slot < one.end <= 22 * 4
    assert Limits().forbid(Item(26, HELP, 0, 1, 1))
    assert not Limits().forbid(Item(32, HELP, 0, 1, 1))


def rest_at(slot):
    return Item(slot, REST, 0, 3, 0)


@pytest.mark.parametrize(
    ("more", "first"),
    [
        ({}, 10 * 4),  # after an hour of work, which begins at nine
        ({"busy": ((7.5, 8.5),)}, 8 * 4 + 2),
        ({"busy": ((7.5, 8),)}, 9 * 4 + 2),
        ({"busy": ((1, 3),), "asleep": ((0, 1), (3, 7))}, 10 * 4),  # and slept on it
    ],
)
def test_there_is_nothing_to_rest_from_before_some_effort(more, first):
    snapshot = life(projects=[THESIS], people=[ANN], **more)
    found = candidates.Candidates(snapshot, pack([snapshot]), 0, Limits())
    assert [found.is_earned(rest_at(slot), []) for slot in range(28, 60)] == [
        slot >= first for slot in range(28, 60)
    ]


def test_what_is_planned_tires_too_and_a_stroll_does_not():
    snapshot = life(projects=[THESIS])
    found = candidates.Candidates(snapshot, pack([snapshot]), 0, Limits())
    work, stroll = (Item(28, kind, 0, 3, 1) for kind in (WORK, TYPES.index("outdoors")))
    assert found.is_earned(rest_at(32), [work, rest_at(32)])
    assert not found.is_earned(rest_at(31), [work])
    assert not found.is_earned(rest_at(32), [stroll])
    assert found.is_earned(stroll, [])


def test_who_is_exhausted_has_something_to_rest_from_at_once():
    for state in ({"energy": 0.2}, {"load": 0.9}):
        snapshot = replace(life(), **state)
        for day, earned in ((0, True), (1, False)):
            found = candidates.Candidates(snapshot, pack([snapshot]), day, Limits())
            assert found.is_earned(rest_at(30), []) is earned


@pytest.mark.parametrize("guide", [None, candidates.unvarying(rules.greedy)])
def test_no_plan_begins_with_a_rest(guide):
    """Not even that of somebody who likes nothing better; what they have been shown stands."""
    snapshot = life(allowed=((7, 9),))
    mean = snapshot.belief.mean.copy()
    mean[snapshot.belief.names.index("MEN_CALM")] = 2.0
    snapshot = replace(snapshot, belief=replace(snapshot.belief, mean=mean))
    made = plan(snapshot, guide=guide)
    assert made.items
    assert REST not in {one.item.kind for one in made.items}
    [shown] = plan(snapshot, guide=guide, limits=Limits(most=1), shown=[rest_at(30)]).items
    assert shown.item == rest_at(30)


PLANTS = ProjectState(id=8, name="Plants", kind="habit", remaining_h=0.25, deadline_h=24.0)


@pytest.mark.parametrize(
    ("deadline_h", "today", "tomorrow"),
    [
        (24.0, True, True),
        (24.5, False, True),
        (48.5, False, False),
        (np.inf, False, False),
        (-24.0 * 6.5, True, False),  # a week overdue it is let go of
    ],
)
def test_what_is_due_on_a_day(deadline_h, today, tomorrow):
    snapshot = life(projects=[replace(PLANTS, deadline_h=deadline_h)])
    for day, due in enumerate((today, tomorrow)):
        found = candidates.Candidates(snapshot, pack([snapshot]), day, Limits())
        assert found.is_due(Item(40, WORK, 1, 0, 1)) is due
        assert not found.is_due(rest_at(40))


def test_what_is_due_that_day_has_its_place_however_little_it_is():
    snapshot = life(projects=[PLANTS, replace(THESIS, deadline_h=24.0 * 9)], people=[ANN])
    [row] = [
        1 + row
        for row, place in enumerate(shortlist(snapshot).projects)
        if snapshot.projects[place].id == PLANTS.id
    ]
    [one] = [one for one in plan(snapshot, limits=Limits(due=0.5)).items if one.item.target == row]
    assert one.due == 0.5
    assert row not in {one.item.target for one in plan(snapshot).items}


def test_what_is_due_leaves_half_of_the_day_to_the_rest():
    many = [replace(PLANTS, id=number) for number in range(1, 6)]
    made = plan(life(projects=many, people=[ANN]), limits=Limits(due=0.5)).items
    assert sum(0 < one.item.target <= PROJECTS for one in made) == 2
    assert len(made) > 2


@pytest.mark.parametrize("guide", [None, candidates.unvarying(rules.greedy)])
def test_nobody_who_is_barred_is_asked_for_their_time(guide):
    ben = replace(ANN, id=4, name="Ben")
    snapshot = life(projects=[THESIS], people=[ANN, ben])
    rows = {1 + PROJECTS + row for row in range(2)}
    asked = [one.item for one in plan(snapshot, guide=guide).items if one.item.target in rows]
    assert asked
    limits = Limits(barred=frozenset({asked[0].target}))
    assert limits.forbid(asked[0])
    # Nor where it has been shown: a meeting has come into the calendar since.
    again = plan(snapshot, limits=limits, guide=guide, shown=tuple(asked))
    assert asked[0].target not in {one.item.target for one in again.items}


def test_a_person_is_asked_for_their_time_once_in_a_plan():
    see, help_them = (Item(40, kind, 1 + PROJECTS, 1, 1) for kind in (SOCIAL, TYPES.index("help")))
    work, learn = (Item(40, kind, 1, 1, 1) for kind in (WORK, TYPES.index("learn")))
    later = [one._replace(slot=60) for one in (see, help_them, work, learn)]
    assert [planner._fits(one, [see]) for one in later] == [False, False, True, True]
    assert [planner._fits(one, [work]) for one in later] == [True, True, False, True]


@pytest.mark.parametrize(
    "more", [{"busy": ((0, 24),)}, {"allowed": ((3, 3),)}, {"slot": 95}, {"asleep": ((0, 24),)}]
)
def test_a_day_without_room_gets_no_plan_and_says_why(more):
    made = plan(life(projects=[THESIS], people=[ANN], **more))
    assert made.items == ()
    assert made.silent_because == "there is no free time left in it"


@pytest.mark.slow
@pytest.mark.parametrize("swapped", [False, True])
def test_what_is_due_tomorrow_comes_before_what_is_due_in_three_weeks(swapped):
    more = {"remaining_h": 8.0, "priority": 0.8, "off_hours": True}
    soon = ProjectState(id=1, name="Soon", deadline_h=41.0, **more)
    late = ProjectState(id=2, name="Late", deadline_h=21 * 24.0, **more)
    if swapped:
        soon, late = replace(soon, id=2), replace(late, id=1)
    snapshot = life(projects=[late, soon])
    made = plan_day(snapshot, 0, guide=None, limits=Limits())
    shown = shortlist(snapshot).projects
    gains = {
        snapshot.projects[shown[one.item.target - 1]].name: one.gain
        for one in made.items
        if 0 < one.item.target <= PROJECTS
    }
    assert "Soon" in gains
    assert gains["Soon"] > gains.get("Late", 0.0)


def test_nobody_is_asked_for_their_time_at_night():
    snapshot = life(people=[ANN], allowed=((0, 24),), asleep=(), busy=((7.5, 22.5),), slot=0)
    for rated in plan(snapshot).items:
        assert rated.item.target <= PROJECTS


def test_a_limit_in_seconds_stops_the_search_and_leaves_a_plan():
    snapshot = life(projects=[THESIS], people=[ANN])
    made = plan_day(snapshot, 0, guide=None, limits=Limits(), effort=Effort(seconds=0.0))
    assert made.items == ()
    enough = plan_day(snapshot, 0, guide=None, limits=Limits(), effort=Effort(seconds=60.0))
    assert enough == plan_day(snapshot, 0, guide=None, limits=Limits())


def test_what_was_considered_is_told_with_its_probabilities():
    made = plan(life(projects=[THESIS], people=[ANN]))
    assert made.items
    for rated in made.items:
        told = {one.item: one for one in rated.considered}
        assert sum(one.probability for one in told.values()) == pytest.approx(1.0)
        best = max(one.worth for one in told.values())
        assert told[rated.item].probability > 0.0
        for one in told.values():
            assert (one.probability > 0.0) == (one.worth >= best - TIE)


def test_near_ties_fall_this_way_and_that(monkeypatch):
    """To somebody who takes half an hour for nothing, much is as good as something else."""
    monkeypatch.setattr(planner, "TIE", 0.5)
    snapshot = life(projects=[THESIS], people=[ANN])
    expected, first = 0.0, 0
    rows = [row for seed in range(10) for row in plan(snapshot, seed=seed).items]
    for rated in rows:
        expected += rated.considered[0].probability
        first += rated.considered[0].item == rated.item
    assert 0 < first < len(rows)
    assert abs(first - expected) < 3 * np.sqrt(len(rows)) / 2


# --- what the user has already seen --------------------------------------------------------------


def test_what_is_shown_stands_when_nothing_has_changed():
    snapshot = life(projects=[THESIS], people=[ANN])
    first = [one.item for one in plan(snapshot).items]
    for seed in range(4):
        again = [one.item for one in plan(snapshot, seed=10 + seed, shown=first).items]
        assert set(first) <= set(again)


def test_what_is_shown_goes_when_it_has_become_useless():
    snapshot = life(projects=[THESIS], people=[ANN])
    first = [one.item for one in plan(snapshot).items]
    assert any(0 < item.target <= PROJECTS for item in first)
    done = life(projects=[replace(THESIS, remaining_h=0.0)], people=[ANN])
    again = [one.item for one in plan(done, shown=first).items]
    assert not any(0 < item.target <= PROJECTS for item in again)


def test_what_is_shown_and_no_longer_possible_goes():
    snapshot = life(projects=[THESIS], people=[ANN])
    first = [one.item for one in plan(snapshot).items]
    taken = Limits(taken=((0, SLOTS),))
    assert plan(snapshot, limits=taken, shown=first).items == ()


def test_nobody_is_asked_for_longer_than_a_thing_takes():
    for left_h, longest_min in ((0.1, 15), (0.5, 45), (1.2, 90), (9.0, 120)):
        longest = candidates._longest(life(projects=[replace(THESIS, remaining_h=left_h)]))
        assert DURATIONS_MIN[longest[1]] == longest_min
        assert DURATIONS_MIN[longest[0]] == DURATIONS_MIN[longest[2]] == 120
