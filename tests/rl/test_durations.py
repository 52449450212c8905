"""How long things take somebody: shrunken, fair to every order, deaf to the absurd."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from twind.rl import durations
from twind.rl.durations import HABIT_H, RATIO, TASK_H, Durations, Took, learn, location
from twind.store.life import StepRow

STEP = StepRow(**dict.fromkeys(StepRow.__slots__) | {"series": "", "contexts": (), "done": False})


def estimated(ratio, count, project=1, estimate=60.0):
    return [Took(project, False, estimate * ratio, estimate)] * count


def test_without_evidence_it_is_what_everybody_needs():
    plain = learn([])
    assert plain == Durations()
    assert plain.hours(replace(STEP, estimate_min=90.0), 7) == 1.5
    assert plain.hours(STEP, 7) == TASK_H.population
    assert plain.hours(replace(STEP, series="run"), 7) == HABIT_H.population
    assert learn([Took(1, False, 0.0, 60.0)]) == plain  # nobody worked on it here


def test_it_is_used_for_what_it_is_about():
    found = learn([*estimated(2.0, 30), *[Took(2, False, 20.0)] * 30, *[Took(3, True, 45.0)] * 30])
    assert found.hours(replace(STEP, estimate_min=60.0), 1) == pytest.approx(2.0, rel=0.1)
    assert found.hours(STEP, 2) == pytest.approx(1 / 3, rel=0.1)
    assert found.hours(replace(STEP, series="run"), 3) == pytest.approx(0.75, rel=0.1)
    # Of another project less is known, of what is estimated nothing by what is not.
    assert 1 / 3 < found.hours(STEP, 9) < 1.0
    assert found.ratio.evidence == found.task_h.evidence == found.habit_h.evidence == 30
    assert [one.name for one in found.fitted()] == ["estimate_ratio", "task_h", "habit_h"]


@given(st.floats(0.4, 3.0), st.integers(1, 30))
def test_the_more_is_known_the_less_it_is_shrunken(ratio, count):
    found = [learn(estimated(ratio, n)).ratio for n in (count, count + 1, 4 * count)]
    apart = [abs(math.log(one.of(1) / ratio)) for one in found]
    assert apart[0] >= apart[1] - 1e-9
    assert apart[1] >= apart[2] - 1e-9
    for one in found:
        # Between the population and what was seen; the user nearer to the one than the project.
        low, high = sorted((1.0, ratio))
        assert low - 1e-9 <= one.of(1) <= high + 1e-9
        assert abs(math.log(one.user)) <= abs(math.log(one.of(1))) + 1e-9


some_took = st.builds(
    Took,
    st.integers(1, 4),
    st.booleans(),
    st.floats(1.0, 3000.0),
    st.one_of(st.just(0.0), st.floats(5.0, 600.0)),
)


@given(
    st.lists(some_took, max_size=12).flatmap(
        lambda one: st.tuples(st.just(one), st.permutations(one))
    )
)
def test_the_order_does_not_matter(pair):
    one, other = pair
    assert learn(one) == learn(other)


@given(
    st.lists(st.floats(0.5, 2.5), min_size=8, max_size=30), st.sampled_from([1e-4, 1e-2, 1e2, 1e5])
)
def test_one_absurd_entry_changes_next_to_nothing(ratios, absurd):
    plain = [one for ratio in ratios for one in estimated(ratio, 1)]
    before = learn(plain).ratio
    after = learn([*plain, *estimated(absurd, 1)]).ratio
    assert abs(math.log(after.of(1) / before.of(1))) < 0.1
    assert abs(math.log(after.user / before.user)) < 0.1


def test_an_absurd_entry_alone_is_not_believed():
    assert learn(estimated(5000.0, 1)).ratio.of(1) == pytest.approx(1.0, abs=0.2)


def test_one_project_is_not_the_whole_user():
    # A hundred tasks of one project say less of the user than ten each of ten.
    one = learn(estimated(2.0, 100)).ratio
    ten = learn([took for project in range(10) for took in estimated(2.0, 10, project)]).ratio
    assert 1.0 < one.user < ten.user < 2.0
    assert one.of(1) > one.user


def test_a_project_where_it_is_otherwise_is_told_apart():
    found = learn([*estimated(2.0, 40, 1), *estimated(2.0, 40, 2), *estimated(1.0, 40, 3)]).ratio
    assert found.of(3) < 1.2
    assert found.of(1) > 1.7
    assert found.of(3) < found.user < found.of(1)
    assert found.of(99) == found.user


def test_people_are_known_better_than_before_and_with_more_tasks_better_still():
    # 60 people (seeds 0..59) with 5 and with 50 tasks in each of three projects.
    before, after = [], {5: [], 50: []}
    for seed in range(60):
        rng = np.random.default_rng(seed)
        own = rng.normal(0.0, RATIO.people)
        projects = own + rng.normal(0.0, RATIO.projects, 3)
        before.append(-projects)
        for count, found in after.items():
            told = [
                Took(project, False, 60.0 * math.exp(rng.normal(at, RATIO.within)), 60.0)
                for project, at in enumerate(projects)
                for _ in range(count)
            ]
            ratio = learn(told).ratio
            found.append([math.log(ratio.of(n)) - projects[n] for n in range(3)])
    errors = [float(np.sqrt(np.mean(np.square(one)))) for one in (before, after[5], after[50])]
    assert errors[1] < 0.6 * errors[0]
    assert errors[2] < 0.6 * errors[1]


@given(st.lists(st.floats(-30.0, 30.0), min_size=1, max_size=9), st.floats(-2.0, 2.0))
def test_a_place_lies_between_what_was_known_and_what_was_seen(values, centre):
    place = location([(value, 1.0) for value in values], centre, 0.5, 0.6)
    assert min(*values, centre) - 1e-6 <= place <= max(*values, centre) + 1e-6


def test_where_values_lie_is_found_though_they_lie_far_off():
    far = [(8.0 + 0.01 * n, 1.0) for n in range(60)]
    assert location(far, 0.0, 0.5, 0.6) > 7.0
    assert durations.location([], 3.0, 1.0, 1.0) == 3.0
