from __future__ import annotations

import numpy as np
import pytest
import torch

from twind.rl import rules
from twind.rl.imitate import imitate
from twind.rl.lives import sample_life
from twind.rl.policy import TwinPolicy
from twind.rl.spaces import action_space, observation_space
from twind.rl.vec_env import PersonalLifeVecEnv


def taught(rounds, rule=rules.earliest_deadline):
    torch.manual_seed(0)
    policy = TwinPolicy(observation_space(), action_space(), lambda _: 1e-3)
    lives = [sample_life(np.random.default_rng(seed)) for seed in range(8)]
    env = PersonalLifeVecEnv(lives, num_envs=64, seed=0)
    return policy, imitate(policy, env, rule, rounds=rounds, seed=0, threads=1)


@pytest.mark.slow
def test_it_learns_to_choose_like_the_rule():
    _, before = taught(1)
    _, after = taught(25)
    assert after > max(0.6, before + 0.3)


def test_it_repeats():
    (one, _), (other, _) = taught(2), taught(2)
    for name, weight in one.state_dict().items():
        assert torch.equal(weight, other.state_dict()[name])
