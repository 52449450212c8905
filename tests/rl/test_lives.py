import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from twind.preferences import features
from twind.preferences.catalogue import aspects
from twind.rl.lives import sample_life
from twind.rl.snapshot import (
    Belief,
    LifeParameters,
    PersonState,
    ProjectState,
    day_plan,
    shortlist,
)
from twind.rl.spaces import PEOPLE, PROJECTS, SLOTS
from twind.rl.world import AFFINITY, EFFECT, WORTH, pack, reduce_belief


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10**6))
def test_a_life_is_plausible(seed):
    life = sample_life(np.random.default_rng(seed))
    assert np.allclose(life.habits.sum(axis=2), 1.0)
    assert np.all(life.habits >= 0.0)
    assert np.linalg.eigvalsh(life.belief.covariance).min() > -1e-9
    for day in life.days:
        assert not np.any(day.asleep & day.allowed)
        assert 12 <= day.asleep.sum() <= 56
        assert not np.any(day.busy & day.asleep)
        assert day.weekday == day.date.weekday()
    assert all(person.cadence_days > 0 for person in life.people)
    assert all(0.0 <= project.priority <= 1.0 for project in life.projects)
    assert 0.0 <= life.energy <= 1.0


def test_equal_generators_give_equal_lives():
    one, two = (sample_life(np.random.default_rng(7)) for _ in range(2))
    assert one.projects == two.projects
    assert one.people == two.people
    assert np.array_equal(one.belief.mean, two.belief.mean)
    assert np.array_equal(one.days[3].busy, two.days[3].busy)


def test_lives_differ_and_some_have_no_projects_and_some_no_people():
    lives = [sample_life(np.random.default_rng(seed)) for seed in range(80)]
    assert any(not life.projects for life in lives)
    assert any(not life.people for life in lives)
    assert any(len(life.people) > PEOPLE for life in lives)
    assert any(len(life.projects) > PROJECTS for life in lives)


def test_what_is_believed_is_calibrated():
    # Over many people the means scatter by what the evidence has taken from the variance.
    lives = [sample_life(np.random.default_rng(seed)) for seed in range(300)]
    rows = len(aspects())
    scatter = np.var([life.belief.mean[:rows] for life in lives], axis=0)
    left = np.mean([np.diag(life.belief.covariance)[:rows] for life in lives], axis=0)
    assert np.mean(scatter + left) == pytest.approx(0.25, rel=0.05)


def test_the_shortlist_takes_what_presses_and_who_is_overdue_times_close():
    life = sample_life(np.random.default_rng(1))
    projects = (
        *(ProjectState(id=i, name=str(i), remaining_h=2.0, priority=0.5) for i in range(20)),
        ProjectState(id=90, name="tomorrow", remaining_h=3.0, deadline_h=30.0),
        ProjectState(id=91, name="done", remaining_h=0.0, deadline_h=10.0, priority=1.0),
        ProjectState(id=92, name="above all", remaining_h=1.0, priority=1.0),
    )
    people = (
        *(
            PersonState(id=i, name=str(i), closeness=0.3, days_since=1.0, cadence_days=30.0)
            for i in range(200)
        ),
        PersonState(id=500, name="neglected", closeness=0.9, days_since=60.0, cadence_days=14.0),
    )
    chosen = shortlist(replace(life, projects=projects, people=people))
    assert len(chosen.projects) == PROJECTS
    assert len(chosen.people) == PEOPLE
    assert projects[chosen.projects[0]].name == "tomorrow"
    assert projects[chosen.projects[1]].name == "above all"
    assert all(projects[index].name != "done" for index in chosen.projects)
    assert people[chosen.people[0]].name == "neglected"


def test_no_trait_and_no_style_enters_what_an_hour_is_worth():
    life = sample_life(np.random.default_rng(2))
    before, _ = reduce_belief(life.belief, [], [])
    mean = life.belief.mean.copy()
    for index, aspect in enumerate(aspects()):
        if aspect.kind != "value":
            mean[index] += 1.0
    changed = type(life.belief)(
        names=life.belief.names, mean=mean, covariance=life.belief.covariance
    )
    after, _ = reduce_belief(changed, [], [])
    assert np.array_equal(before[WORTH:EFFECT], after[WORTH:EFFECT])
    assert np.array_equal(before[AFFINITY:], after[AFFINITY:])
    assert not np.allclose(before[EFFECT:AFFINITY], after[EFFECT:AFFINITY])


def test_an_hour_is_worth_what_its_aspects_say_and_what_reviews_say_beyond():
    life = sample_life(np.random.default_rng(3))
    before, _ = reduce_belief(life.belief, [], [])
    mean = life.belief.mean.copy()
    mean[life.belief.names.index("attribute:late")] += 0.25
    beyond = Belief(names=life.belief.names, mean=mean, covariance=life.belief.covariance)
    after, _ = reduce_belief(beyond, [], [])
    moved = np.zeros(len(before))
    moved[WORTH + features.LATE] = 0.25
    assert np.allclose(after - before, moved)


def test_affinities_follow_the_shortlist_by_name():
    life = next(
        life
        for life in (sample_life(np.random.default_rng(seed)) for seed in range(50))
        if len(life.people) > PEOPLE and life.projects
    )
    lives = pack([life])
    person = life.people[shortlist(life).people[3]]
    place = life.belief.names.index(f"person:{person.id}")
    assert lives.person_id[0, 3] == person.id
    assert lives.mean[0, AFFINITY + PROJECTS + 3] == pytest.approx(life.belief.mean[place])
    rebuilt = lives.factor[0] @ lives.factor[0].T
    assert np.allclose(np.sqrt(np.diag(rebuilt)), lives.sd[0], atol=1e-4)


def test_a_day_of_another_length_is_refused():
    life = sample_life(np.random.default_rng(2))
    with pytest.raises(ValueError, match="96 slots"):
        day_plan(life.days[0].date, allowed=np.ones(95), work=np.zeros(SLOTS))


def test_a_snapshot_says_what_is_wrong_with_it():
    life = sample_life(np.random.default_rng(2))
    with pytest.raises(ValueError, match="aware"):
        replace(life, start=life.start.replace(tzinfo=None))
    with pytest.raises(ValueError, match="habits"):
        replace(life, habits=np.zeros((2, SLOTS, 3)))
    with pytest.raises(ValueError, match="needs a day"):
        replace(life, days=())


def test_instants_are_utc_and_follow_the_zone():
    life = sample_life(np.random.default_rng(2))
    assert life.instant(0, life.slot) == life.start
    assert (life.instant(0, SLOTS) - life.instant(1, 0)).total_seconds() == 0.0


def test_an_empty_life_packs():
    life = replace(sample_life(np.random.default_rng(2)), projects=(), people=())
    lives = pack([life])
    assert np.all(lives.project_id == -1)
    assert np.all(lives.person_id == -1)
    assert math.isinf(lives.deadline_h[0, 0])
    assert lives.life.shape[1] == len(LifeParameters.__slots__)
