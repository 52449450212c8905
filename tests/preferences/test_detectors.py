"""Behaviour as evidence. All histories here are simulated."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from twind.preferences import Belief
from twind.preferences.detectors import (
    OTHERS_WEIGHT,
    DoneTask,
    History,
    LivedBlock,
    classify,
    company_kept,
    detect,
    focused_hours,
    habits,
    lead_times,
    people_sought,
    population_habits,
    sparse,
)
from twind.preferences.features import ACTIVITIES, Block

ZONE = ZoneInfo("Europe/Berlin")
MONDAY = datetime(2026, 3, 2, tzinfo=ZONE)
WORK, SOCIAL = ACTIVITIES.index("work"), ACTIVITIES.index("social")


def block(n, day, hour, hours=1.0, activity=WORK, **more):
    start = MONDAY + timedelta(days=day, hours=hour)
    more.setdefault("title", f"thing {'abcdefghijklmnopqrstuvwxyz'[n % 26]}{n // 26 * 'x'}")
    return LivedBlock(
        start_local=start,
        end_local=start + timedelta(hours=hours),
        activity=activity,
        source=("records", n),
        **more,
    )


def task(n, lead_days, created_days=30, title=None):
    due = MONDAY + timedelta(days=40)
    return DoneTask(
        completed_local=due - timedelta(days=lead_days),
        created_local=None if created_days is None else due - timedelta(days=created_days),
        due_local=due,
        title=title or f"task {'abcdefghijklmnopqrstuvwxyz'[n]}",
        source=("workflow_steps", n),
    )


def learnt(observations):
    belief = Belief.prior()
    belief.learn(observations)
    return belief


def hour_gain(belief, hour):
    early = belief.worth(sparse(Block(activity=WORK, hours=1.0, hour=hour, depth=1.0)))[0]
    return early - belief.worth(sparse(Block(activity=WORK, hours=1.0, hour=13.0, depth=1.0)))[0]


def test_early_and_late_workers_are_told_apart():
    lark = learnt(focused_hours(History(tuple(block(n, n, 7) for n in range(20)))))
    owl = learnt(focused_hours(History(tuple(block(n, n, 20) for n in range(20)))))
    assert hour_gain(lark, 7.5) > hour_gain(owl, 7.5)
    assert hour_gain(owl, 20.5) > hour_gain(lark, 20.5)


def test_working_by_day_is_what_everybody_does():
    usual = learnt(focused_hours(History(tuple(block(n, n, 10) for n in range(20)))))
    lark = learnt(focused_hours(History(tuple(block(n, n, 7) for n in range(20)))))
    prior = hour_gain(Belief.prior(), 7.5)
    assert abs(hour_gain(usual, 7.5) - prior) < abs(hour_gain(lark, 7.5) - prior)


def test_work_with_nowhere_else_to_go_says_nothing():
    full = [block(1, 0, 10, 2.0)]
    full += [block(2, 0, 6, 3.0, activity=None), block(3, 0, 19, 4.0, activity=None)]
    assert focused_hours(History(tuple(full))) == []
    assert len(focused_hours(History((full[0],)))) == 1


def company_gain(belief):
    together = sparse(Block(activity=SOCIAL, hours=1.0, people=1, closeness=0.5))
    alone = sparse(Block(activity=ACTIVITIES.index("rest"), hours=1.0))
    return belief.worth(together)[0] - belief.worth(alone)[0]


def test_company_and_solitude_are_told_apart():
    walk = ACTIVITIES.index("outdoors")
    social = [block(n, n, 18, 2.0, SOCIAL, people_ids=(1,), closeness=0.6) for n in range(20)]
    alone = [block(n, n, 18, 2.0, walk) for n in range(20)]
    gregarious = learnt(company_kept(History(tuple(social))))
    solitary = learnt(company_kept(History(tuple(alone))))
    assert company_gain(gregarious) > company_gain(solitary)


def test_who_is_sought_is_liked():
    meetings = [block(n, n, 18, 2.0, SOCIAL, people_ids=(1 if n % 5 else 2,)) for n in range(20)]
    belief = learnt(people_sought(History(tuple(meetings))))
    assert belief.mean_of("person:1") > 0 > belief.mean_of("person:2")


def test_nobody_to_choose_from_says_nothing():
    meetings = [block(n, n, 18, 2.0, SOCIAL, people_ids=(1,)) for n in range(5)]
    assert people_sought(History(tuple(meetings))) == []


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


def total(observations):
    return sum(seen.weight for seen in observations)


def test_a_series_is_one_opinion():
    series = History(tuple(block(n, n, 7, series="gym") for n in range(50)))
    singles = History(tuple(block(n, n, 7) for n in range(50)))
    assert total(focused_hours(series)) == pytest.approx(1 + np.log(50))
    assert total(focused_hours(singles)) == pytest.approx(50)
    titled = History(tuple(block(n, n, 7, title=f"Chapter {n}") for n in range(50)))
    assert total(focused_hours(titled)) == pytest.approx(1 + np.log(50))


def test_what_others_set_says_little():
    (own,) = focused_hours(History((block(1, 0, 7),)))
    (theirs,) = focused_hours(History((block(1, 0, 7, own=False),)))
    assert theirs.weight == pytest.approx(OTHERS_WEIGHT * own.weight)


blocks = st.builds(
    lambda n, day, hour, hours, activity, people, own, series: block(
        n, day, hour, hours, activity, people_ids=people, own=own, series=series, closeness=0.5
    ),
    st.integers(1, 400),
    st.integers(0, 40),
    st.floats(0, 24),
    st.floats(0, 30),
    st.one_of(st.none(), st.integers(0, 9)),
    st.lists(st.integers(1, 5), unique=True, max_size=4).map(tuple),
    st.booleans(),
    st.sampled_from(["", "s1", "s2"]),
)


@settings(max_examples=60, deadline=None)
@given(st.lists(blocks, max_size=12, unique_by=lambda one: one.source))
def test_any_history_gives_sound_evidence(lived):
    history = History(tuple(lived))
    found = detect(history)
    assert len({seen.key for seen in found}) == len(found)
    assert all(0 < seen.weight <= 1 for seen in found)
    assert all(seen.text for seen in found)
    assert found == detect(history)
    np.linalg.cholesky(learnt(found).posterior.covariance)
    table = habits(history)
    assert table.shape == (2, 96, 11)
    assert (table >= 0).all()
    assert_allclose(table.sum(axis=2), 1.0)


@pytest.mark.parametrize(
    ("title", "people", "activity"),
    [
        ("Morning run", 0, "exercise"),
        ("Dinner with Anna", 0, "social"),
        ("Lunch", 0, "rest"),
        ("Lunch", 2, "social"),
        ("Sprint planning meeting", 4, "work"),
        ("Spanish class", 3, "learn"),
        ("Spaziergang", 1, "outdoors"),
        ("Choir", 20, "create"),
        ("Dentist", 0, None),
        ("Gym or concert?", 0, "exercise"),
        ("Guitar and gym", 0, None),
        ("", 0, None),
        ("Prune the tree", 0, None),
    ],
)
def test_titles_are_classified_with_care(title, people, activity):
    found = classify(title, people)
    assert (None if found is None else ACTIVITIES[found]) == activity


def test_categories_are_asked_first():
    assert classify("Dinner", 3, ("Work",)) == WORK
    assert classify("Something", 0, ("Blue", "Yoga")) == ACTIVITIES.index("exercise")


def test_habits_start_from_the_population():
    table = population_habits()
    assert (table >= 0).all()
    assert_allclose(table.sum(axis=2), 1.0)
    assert_allclose(habits(History()), table)
    assert table[0, 10 * 4, 1 + WORK] > table[1, 10 * 4, 1 + WORK]


def test_habits_learn_what_happens_every_week():
    evenings = [block(n, n, 20, 2.0) for n in range(28)]
    table = habits(History(tuple(evenings)))
    assert table[0, 21 * 4, 1 + WORK] > 0.6
    assert table[1, 21 * 4, 1 + WORK] > 0.4
    assert table[0, 15 * 4, 1 + WORK] == pytest.approx(
        population_habits()[0, 15 * 4, 1 + WORK], abs=0.35
    )


def test_a_block_over_midnight_counts_on_both_days():
    table = habits(History((block(1, 0, 23, 2.0, SOCIAL), block(2, 1, 12, 1.0))))
    prior = population_habits()
    assert table[0, 1, 1 + SOCIAL] > prior[0, 1, 1 + SOCIAL]
    assert table[0, 93, 1 + SOCIAL] > prior[0, 93, 1 + SOCIAL]
