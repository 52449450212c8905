"""The plain rules: always legal, and each does what its name says."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from twind.rl import rules
from twind.rl.spaces import LEAVE, PROJECTS, SHAPES, TARGETS, TYPES

WORK, SOCIAL = TYPES.index("work"), TYPES.index("social")


def random_observation(seed: int, days: int = 16, density: float = 0.4) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    obs = {
        name: (
            (rng.random((days, *shape)) < density)
            if name.startswith("mask_")
            else rng.uniform(-1.0, 1.0, (days, *shape))
        ).astype(np.float32)
        for name, shape in SHAPES.items()
    }
    for name in SHAPES:
        if name.startswith("mask_"):
            obs[name][..., 0] = 1.0
    for rows in ("projects", "people"):
        obs[rows][..., 0] = obs[rows][..., 0] > 0
    return obs


def quiet_observation(days: int = 1) -> dict[str, np.ndarray]:
    """A free, rested noon, nobody and nothing around, all allowed that makes sense."""
    obs = {name: np.zeros((days, *shape), np.float32) for name, shape in SHAPES.items()}
    for name in SHAPES:
        if name.startswith("mask_"):
            obs[name][:] = 1.0
    obs["mask_target"][:, :, 1:] = 0.0
    obs["mask_target"][:, WORK, 1 : 1 + PROJECTS] = 1.0
    obs["mask_target"][:, SOCIAL, 1 + PROJECTS :] = 1.0
    obs["clock"][:, 1] = -1.0
    obs["self"][:, 0] = 0.9
    obs["parts"][:, :4] = 1.0
    obs["projects"][..., 3] = 1.0
    return obs


def put_project(obs, row, *, due_days, need_h=1.0, priority=0.5, left_h=5.0):
    obs["projects"][:, row] = [
        1.0, priority, left_h / 20, due_days / 14, due_days <= 1, 0.2, need_h / 8, 0, 0.1, 0,
    ]  # fmt: skip


def put_person(obs, row, *, overdue, closeness):
    obs["people"][:, row] = [1.0, closeness, 0.5, min(overdue, 3.0) / 3.0, 0.0, 0.1, 0.0, 0.0]


def assert_legal(obs, actions):
    batch = np.arange(len(actions))
    types, targets, durations, intensities = actions.T
    assert (obs["mask_type"][batch, types] == 1).all()
    assert (obs["mask_target"][batch, types, targets] == 1).all()
    assert (obs["mask_duration"][batch, types, durations] == 1).all()
    assert (obs["mask_intensity"][batch, types, intensities] == 1).all()


@pytest.mark.parametrize("name", rules.RULES)
@given(seed=st.integers(0, 2**31), density=st.floats(0.0, 1.0))
def test_every_rule_is_legal_whatever_the_masks(name, seed, density):
    obs = random_observation(seed, density=density)
    actions = rules.RULES[name](obs)
    assert actions.shape == (16, 4)
    assert actions.dtype == np.int64
    assert_legal(obs, actions)


def test_nothing_leaves():
    assert (rules.nothing(random_observation(0))[:, 0] == LEAVE).all()


def test_an_empty_life_is_left_alone():
    obs = quiet_observation()
    for name in ("nothing", "earliest_deadline", "urgency", "greedy"):
        assert rules.RULES[name](obs)[0, 0] == LEAVE, name


def test_earliest_deadline_takes_what_is_due_next():
    obs = quiet_observation()
    put_project(obs, 1, due_days=5.0, priority=1.0)
    put_project(obs, 6, due_days=2.0, priority=0.1)
    assert rules.earliest_deadline(obs)[0].tolist() == [WORK, 7, 5, 1]


def test_earliest_deadline_ignores_what_has_no_deadline():
    obs = quiet_observation()
    put_project(obs, 0, due_days=14.0)
    assert rules.earliest_deadline(obs)[0, 0] == LEAVE


def test_urgency_weighs_priority_against_a_deadline():
    obs = quiet_observation()
    put_project(obs, 0, due_days=9.0, priority=1.0)
    put_project(obs, 1, due_days=8.0, priority=0.0)
    assert rules.urgency(obs)[0, :2].tolist() == [WORK, 1]


def test_urgency_calls_someone_long_overdue():
    obs = quiet_observation()
    put_project(obs, 0, due_days=13.0, priority=0.2)
    put_person(obs, 4, overdue=3.0, closeness=0.9)
    put_person(obs, 2, overdue=1.5, closeness=0.9)
    assert rules.urgency(obs)[0, :2].tolist() == [SOCIAL, 1 + PROJECTS + 4]


def advise(obs, kind, worth, target=0, extra=0.0):
    obs["advice_types"][:, kind] = worth + extra
    obs["advice_targets"][:, target] = extra


def test_greedy_does_what_it_is_advised_and_for_as_long():
    obs = quiet_observation()
    obs["advice_types"][:] = -1.0
    obs["advice_hours"][:, WORK] = 1.5
    obs["advice_depth"][:] = 2.0
    advise(obs, WORK, rules.LEAST, target=4, extra=0.3)
    assert rules.greedy(obs)[0].tolist() == [WORK, 4, 4, 2]


def test_greedy_leaves_what_is_hardly_worth_a_proposal():
    obs = quiet_observation()
    obs["advice_types"][:] = rules.LEAST - 0.01
    assert rules.greedy(obs)[0, 0] == LEAVE


def test_greedy_leaves_what_the_user_does_anyway():
    obs = quiet_observation()
    obs["usual"][:, WORK - 1] = 1.0
    advise(obs, WORK, 2.0)
    assert rules.greedy(obs)[0, 0] == LEAVE
    advise(obs, SOCIAL, 2.1 + rules.LEAST)
    assert rules.greedy(obs)[0, 0] == SOCIAL


def test_greedy_asks_more_of_each_further_proposal():
    obs = quiet_observation(3)
    obs["self"][:, 5] = [0.0, 1 / 5, 2 / 5]
    advise(obs, WORK, rules.LEAST + 1.5 * rules.DEARER)
    assert rules.greedy(obs)[:, 0].tolist() == [WORK, WORK, LEAVE]


def test_targets_cover_nobody_projects_and_people():
    assert rules.PEOPLE_TARGETS.stop == TARGETS
    assert rules.PROJECT_TARGETS.stop == rules.PEOPLE_TARGETS.start
