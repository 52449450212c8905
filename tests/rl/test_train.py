"""Fine-tuning and pre-training on the real simulated days."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from stable_baselines3 import PPO

from twind.errors import ModelError
from twind.rl import evaluate, pretrain, train, weights
from twind.rl.lives import sample_life
from twind.rl.policy import TwinPolicy
from twind.rl.rules import RULES


@pytest.fixture(scope="module")
def life():
    return sample_life(np.random.default_rng(11))


@given(total=st.integers(1, 5_000_000))
def test_a_budget_is_kept(total):
    budget = train.plan_budget(total)
    assert total <= budget.total <= max(1.05 * total, total + budget.envs * budget.rollouts)
    assert 2 <= budget.envs <= train.ENVS
    assert 2 <= budget.batch <= train.BATCH
    # PPO needs two samples to normalise advantages.
    assert budget.envs * budget.steps >= 2


def test_no_budget_is_an_error():
    with pytest.raises(ValueError, match="0 steps"):
        train.plan_budget(0)


def test_small_budgets_train_and_count(life):
    agent = train.fine_tune(life, total_timesteps=1000, seed=1, threads=1)
    assert isinstance(agent, PPO)
    assert 1000 <= agent.num_timesteps <= 1100


def test_it_repeats_and_leaves_the_start_alone(life):
    start = train.new_policy()
    before = {name: value.clone() for name, value in start.state_dict().items()}
    agents = [
        train.fine_tune(life, start=start, total_timesteps=600, seed=seed, threads=1)
        for seed in (4, 4, 5)
    ]
    first, second, other = (agent.policy.state_dict() for agent in agents)
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert not all(torch.equal(first[name], other[name]) for name in first)
    assert not all(torch.equal(first[name], before[name]) for name in first)
    after = start.state_dict()
    assert all(torch.equal(after[name], before[name]) for name in before)


def test_the_shipped_policy_loads_and_is_small():
    assert isinstance(train.new_policy(), TwinPolicy)
    assert weights.BASE.stat().st_size < 3 * 2**20
    with pytest.raises(ModelError, match="hash"):
        train.new_policy(sha256="0" * 64)


@pytest.fixture(scope="module")
def unseen():
    rng = np.random.default_rng(987)
    return [sample_life(rng) for _ in range(128)]


def rate(lives, choices):
    return {
        name: evaluate.returns(lives, choose, lives=128, days=3, seed=987)
        for name, choose in choices.items()
    }


@pytest.mark.slow
def test_the_shipped_policy_beats_every_rule_on_simulated_lives_it_has_not_seen(unseen):
    run = rate(unseen, {"base": train.new_policy().choose, **RULES})
    for rule in RULES:
        assert evaluate.difference(run, "base", rule).low > 0.0, rule


@pytest.mark.slow
def test_a_little_training_is_better_than_leaving_everything_alone(unseen):
    trained = pretrain.pretrain(200_000, 0, lives=256, threads=1).policy
    run = rate(unseen, {"trained": trained.choose, "nothing": RULES["nothing"]})
    assert evaluate.difference(run, "trained", "nothing").low > 0.0


def test_one_command_makes_a_base_policy(tmp_path, capsys):
    out = tmp_path / "base.safetensors"
    arguments = ["--timesteps", "600", "--seed", "3", "--lives", "4", "--unseen", "8"]
    assert pretrain.main([*arguments, "--threads", "1", "--out", str(out)]) == 0
    result = json.loads(capsys.readouterr().out)
    assert result["timesteps"] >= 600
    assert set(result["scores"]) == {"base", "nothing", "earliest_deadline", "urgency", "greedy"}
    assert result["sha256"] == weights.load(train.new_policy(), out)
    card = (tmp_path / "MODEL_CARD.md").read_text()
    assert result["sha256"] in card
    assert "--timesteps 600 --seed 3" in card


def test_the_card_admits_what_beats_the_policy():
    result = {
        "timesteps": 1,
        "seed": 0,
        "training_lives": 1,
        "lives": 2,
        "days": 1,
        "sha256": "ab",
        "scores": {"base": [1.0, 0.5, 1.5], "greedy": [2.0, 1.5, 2.5]},
        "base_minus": {
            "greedy": [-1.0, -1.2, -0.8],
            "urgency": [0.1, -0.2, 0.4],
            "nothing": [1.0, 0.8, 1.2],
        },
    }
    card = pretrain.model_card(result, "make it", "base.safetensors")
    assert "**`greedy` beats it**" in card
    assert "cannot be told apart from `urgency`" in card
    assert "It beats `nothing`" in card
    assert card.index("| greedy |") < card.index("| base |")


def test_a_progress_bar_only_when_asked(life, capsys):
    train.fine_tune(life, total_timesteps=200, threads=1)
    captured = capsys.readouterr()
    assert captured.out == captured.err == ""
