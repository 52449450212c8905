"""PPO by the hour: its arithmetic, that it learns, and that it repeats."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
import pytest
import torch
from stable_baselines3 import PPO
from stable_baselines3.common.callbacks import BaseCallback
from stable_baselines3.common.logger import configure
from stable_baselines3.common.vec_env.base_vec_env import VecEnv

from twind.rl.policy import TwinPolicy, torch_threads
from twind.rl.ppo import (
    HourlyRolloutBuffer,
    LinearSchedule,
    TwinPPO,
    elapsed,
)
from twind.rl.spaces import SHAPES, TYPES, action_space, observation_space

WANTED = TYPES.index("learn")


class Bandit(VecEnv):
    """Days of eight hours in which learning with the present project of high priority pays 1.

    Which row that is changes with every step, so that the policy has to look. `days` fixed hours:
    each step takes one hour; after eight the day is cut off.
    """

    def __init__(self, num_envs: int, seed: int = 0) -> None:
        super().__init__(num_envs, observation_space(), action_space())
        self.rng = np.random.default_rng(seed)

    def _observe(self):
        obs = {
            name: np.zeros((self.num_envs, *shape), np.float32) for name, shape in SHAPES.items()
        }
        for name in SHAPES:
            if name.startswith("mask_"):
                obs[name][:] = 1.0
        obs["clock"][:, 4] = (12 - self.hour) / 24.0
        obs["projects"][:, :4, 0] = 1.0
        self.best = self.rng.integers(0, 4, self.num_envs)
        obs["projects"][np.arange(self.num_envs), self.best, 1] = 1.0
        return obs

    def reset(self):
        self.hour = np.zeros(self.num_envs)
        return self._observe()

    def step_async(self, actions):
        self.actions = actions

    def step_wait(self):
        right = (self.actions[:, 0] == WANTED) * (0.5 + 0.5 * (self.actions[:, 1] == 1 + self.best))
        self.hour += 1.0
        done = self.hour >= 8
        last = self._observe()
        infos = [{} for _ in range(self.num_envs)]
        for index in np.flatnonzero(done):
            infos[index] = {
                "TimeLimit.truncated": True,
                "terminal_observation": {name: array[index] for name, array in last.items()},
                "episode": {"r": 1.0, "l": 8, "t": 0.0},
            }
        self.hour[done] = 0.0
        return self._observe(), right.astype(np.float32), done, infos

    def close(self):
        pass

    def get_attr(self, attr_name, indices=None):
        return [None] * self.num_envs

    def set_attr(self, attr_name, value, indices=None):
        raise NotImplementedError

    def env_method(self, method_name, *args, indices=None, **kwargs):
        raise NotImplementedError

    def env_is_wrapped(self, wrapper_class, indices=None):
        return [False] * self.num_envs


def make(seed: int = 0, envs: int = 32, **kwargs) -> TwinPPO:
    return TwinPPO(
        TwinPolicy, Bandit(envs, seed), seed=seed, n_steps=16, batch_size=256, threads=1, **kwargs
    )


def test_it_is_sb3s_ppo():
    assert isinstance(make(), PPO)


def test_hours_and_nights_pass():
    before = {"clock": np.zeros((3, 8), np.float32)}
    after = {"clock": np.zeros((3, 8), np.float32)}
    before["clock"][:, 4] = [10 / 24, 1 / 24, 10 / 24]
    after["clock"][:, 4] = [9.5 / 24, 16 / 24, 10 / 24]
    hours, nights = elapsed(before, after)
    np.testing.assert_allclose(hours, [0.5, 9.0, 24.0], atol=1e-4)
    np.testing.assert_array_equal(nights, [0.0, 1.0, 1.0])


def test_advantages_are_those_of_the_definition():
    rng = np.random.default_rng(0)
    steps, envs, lam = 7, 3, 0.9
    buffer = HourlyRolloutBuffer(
        steps, observation_space(), action_space(), "cpu", gae_lambda=lam, gamma=0.99, n_envs=envs
    )
    obs = {name: np.zeros((envs, *shape), np.float32) for name, shape in SHAPES.items()}
    rewards, values = rng.normal(size=(steps, envs)), rng.normal(size=(steps + 1, envs))
    discounts = rng.uniform(0.8, 1.0, (steps, envs))
    starts = rng.random((steps + 1, envs)) < 0.3
    for step in range(steps):
        buffer.add(
            obs,
            np.zeros((envs, 4)),
            rewards[step],
            starts[step],
            torch.tensor(values[step]),
            torch.zeros(envs),
            discounts[step],
        )
    buffer.compute_returns_and_advantage(torch.tensor(values[-1]), starts[-1])
    for env in range(envs):
        for step in range(steps):
            expected, factor = 0.0, 1.0
            for later in range(step, steps):
                onwards = discounts[later, env] * (1 - starts[later + 1, env])
                delta = rewards[later, env] + onwards * values[later + 1, env] - values[later, env]
                expected += factor * delta
                factor *= onwards * lam
            assert buffer.advantages[step, env] == pytest.approx(expected, abs=1e-4)
    np.testing.assert_allclose(buffer.returns, buffer.advantages + buffer.values, rtol=1e-6)


def test_with_one_discount_it_is_sb3s_own_buffer():
    from stable_baselines3.common.buffers import DictRolloutBuffer

    rng = np.random.default_rng(1)
    buffers = [
        kind(5, observation_space(), action_space(), "cpu", gae_lambda=0.9, gamma=0.97, n_envs=2)
        for kind in (HourlyRolloutBuffer, DictRolloutBuffer)
    ]
    obs = {name: np.zeros((2, *shape), np.float32) for name, shape in SHAPES.items()}
    for _ in range(5):
        step = (rng.normal(size=2), rng.random(2) < 0.3, torch.randn(2), torch.randn(2))
        for buffer in buffers:
            buffer.add(obs, np.zeros((2, 4)), *step)
    last = torch.randn(2)
    for buffer in buffers:
        buffer.compute_returns_and_advantage(last, np.array([True, False]))
    np.testing.assert_allclose(buffers[0].advantages, buffers[1].advantages, rtol=1e-5)


def test_every_step_is_read_once_an_epoch():
    agent = make()
    agent.learn(512)
    buffer = agent.rollout_buffer
    seen = torch.cat([batch.old_log_prob for batch in buffer.get(100)])
    torch.testing.assert_close(seen.sort()[0], torch.from_numpy(buffer.log_probs).ravel().sort()[0])


def test_a_minibatch_is_of_the_same_steps_throughout():
    agent = make()
    agent.learn(512)
    buffer = agent.rollout_buffer
    buffer.values = np.arange(buffer.values.size, dtype=np.float32).reshape(buffer.values.shape)
    for batch in buffer.get(100):
        places = batch.old_values.long()
        for name, part in batch.observations.items():
            kept = torch.from_numpy(buffer.observations[name]).flatten(0, 1)
            assert torch.equal(part, kept[places])


@pytest.mark.slow
def test_it_must_learn():
    agent = make(learning_rate=3e-3, gamma=0.9)
    agent.learn(25_000)
    env = Bandit(200, seed=99)
    obs = env.reset()
    rewards = env.step(agent.predict(obs, deterministic=True)[0])[1]
    assert rewards.mean() > 0.95


def test_it_must_repeat():
    first, second, other = make(7), make(7), make(8)
    for agent in (first, second, other):
        agent.learn(2048)
    for a, b in zip(first.policy.parameters(), second.policy.parameters(), strict=True):
        assert torch.equal(a, b)
    assert not torch.equal(first.policy.shared.weight, other.policy.shared.weight)


def test_an_anchor_holds_the_policy_back():
    def drift(coefficient: float) -> float:
        anchor = make(3).policy
        agent = make(3, anchor=anchor, anchor_coef=coefficient, learning_rate=3e-3)
        agent.learn(4096)
        obs = agent.env.reset()
        actions = anchor.choose(obs)
        before, after = (each.action_log_probs(obs, actions) for each in (anchor, agent.policy))
        return float(np.abs(after - before).mean())

    assert drift(5.0) < 0.5 * drift(0.0)


class Watcher(BaseCallback):
    steps = rollouts = 0

    def _on_step(self) -> bool:
        self.steps += 1
        assert "rewards" in self.locals
        return self.steps < 40

    def _on_rollout_end(self) -> None:
        self.rollouts += 1


def test_callbacks_and_loggers_work(tmp_path):
    agent, watcher = make(), Watcher()
    agent.set_logger(configure(str(tmp_path), ["csv"]))
    agent.learn(100_000, callback=watcher)
    agent.logger.close()
    assert watcher.steps == 40
    assert watcher.rollouts == 2
    header = (tmp_path / "progress.csv").read_text().splitlines()[0]
    for name in ("train/approx_kl", "train/value_loss", "rollout/ep_rew_mean", "time/fps"):
        assert name in header


def test_it_leaves_nothing_behind(capsys):
    before = set(Path(tempfile.gettempdir()).glob("SB3*"))
    make().learn(512)
    assert set(Path(tempfile.gettempdir()).glob("SB3*")) == before
    assert capsys.readouterr().out == ""


def test_it_reports_when_asked(capsys):
    make(verbose=1).learn(1024)
    assert "approx_kl" in capsys.readouterr().out


def test_a_rate_falls_in_a_straight_line():
    schedule = LinearSchedule(1.0, 0.1)
    assert [schedule(1.0), schedule(0.5), schedule(0.0)] == pytest.approx([1.0, 0.55, 0.1])


def test_threads_are_given_back():
    before = torch.get_num_threads()
    with torch_threads(1):
        assert torch.get_num_threads() == 1
    assert torch.get_num_threads() == before
