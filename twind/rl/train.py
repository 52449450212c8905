"""Fine-tuning: from a policy that knows people to one that knows this one."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

from twind.rl import weights
from twind.rl.policy import TwinPolicy
from twind.rl.ppo import LinearSchedule, TwinPPO
from twind.rl.snapshot import Snapshot
from twind.rl.spaces import action_space, observation_space
from twind.rl.vec_env import PersonalLifeVecEnv

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from stable_baselines3.common.type_aliases import MaybeCallback

ENVS = 256
STEPS = 32
FEWEST_ROLLOUTS = 8
BATCH = 4096
RATE = 3e-4
ANCHOR = 0.05
"""Weight of the divergence from the policy it started from: where a person's lives give no reason
to differ from other people's, it does not drift. Chosen."""


class Budget(NamedTuple):
    """How a number of decisions is spent."""

    envs: int
    steps: int
    rollouts: int
    batch: int

    @property
    def total(self) -> int:
        """Return the decisions it comes to."""
        return self.envs * self.steps * self.rollouts


def plan_budget(
    total_timesteps: int, *, envs: int = ENVS, steps: int = STEPS, batch: int = BATCH
) -> Budget:
    """Return how to spend `total_timesteps`: at least so many, at most a few per cent more.

    Small budgets get fewer environments, so that there are still some rounds to learn from. Raises
    ValueError for a budget below one.
    """
    if total_timesteps < 1:
        raise ValueError(f"cannot train for {total_timesteps} steps")
    used = min(envs, max(2, total_timesteps // (steps * FEWEST_ROLLOUTS)))
    rollouts = max(1, round(total_timesteps / (used * steps)))
    length = max(1, math.ceil(total_timesteps / (used * rollouts)))
    size = used * length
    # Small rollouts are cut in four, so that an epoch is more than one step of descent.
    return Budget(used, length, rollouts, max(2, min(batch, math.ceil(size / 4))))


def new_policy(path: Path | None = None, sha256: str | None = None) -> TwinPolicy:
    """Return a policy with the weights of `path`, or of the base policy that ships.

    Raises ModelError as `weights.load` does.
    """
    policy = TwinPolicy(observation_space(), action_space(), lambda _: RATE)
    weights.load(policy, path or weights.BASE, sha256)
    policy.set_training_mode(False)
    return policy


def fine_tune(
    snapshots: Snapshot | Sequence[Snapshot],
    *,
    start: TwinPolicy | None = None,
    total_timesteps: int = 100_000,
    seed: int = 0,
    progress: bool = False,
    threads: int | None = 1,
    callback: MaybeCallback = None,
    verbose: int = 0,
) -> TwinPPO:
    """Train on lives drawn from the belief about one person, and return the agent.

    Args:
        snapshots: the life to start from, or several of the same person.
        start: the policy to start from and to stay near; the base policy when None.
        total_timesteps: decisions to learn from; a budget of steps and not of seconds, so that
            the same seed, data and machine give the same weights.
        seed: of all luck.
        progress: whether to draw a progress bar.
        threads: a bound on torch's threads; None leaves it to torch. More than one gains little on
            an idle machine and loses much on a busy one, where they wait for each other.
        callback: SB3's.
        verbose: SB3's.

    """
    lives = [snapshots] if isinstance(snapshots, Snapshot) else list(snapshots)
    origin = new_policy() if start is None else start
    budget = plan_budget(total_timesteps)
    agent = TwinPPO(
        TwinPolicy,
        PersonalLifeVecEnv(lives, num_envs=budget.envs, seed=seed),
        learning_rate=LinearSchedule(RATE),
        n_steps=budget.steps,
        batch_size=budget.batch,
        anchor=origin,
        anchor_coef=ANCHOR,
        seed=seed,
        threads=threads,
        verbose=verbose,
    )
    agent.policy.load_state_dict(origin.state_dict())
    return agent.learn(total_timesteps, callback=callback, progress_bar=progress)
