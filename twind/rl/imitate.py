"""A head start: learning to choose like a rule, before learning to choose better.

From nothing, PPO first finds that most proposals of a random policy are a nuisance and falls silent
for good. A policy that begins as the best plain rule has something to improve. The states are those
that rule and learner reach together, each labelled by the rule (DAgger; Ross, Gordon & Bagnell
2011); the critic learns the returns on the way.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import numpy as np
import torch
from torch.nn import functional

from twind.rl.policy import TwinPolicy, as_tensors
from twind.rl.ppo import elapsed_hours, torch_threads
from twind.rl.spaces import SHAPES

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from twind.rl.evaluate import Choose
    from twind.rl.vec_env import PersonalLifeVecEnv

    Obs = dict[str, NDArray[np.float32]]

STEPS = 16
BATCH = 2048
EPOCHS = 3
RATE = 2e-3
GAMMA = 0.99
VALUE_WEIGHT = 0.1


def imitate(
    policy: TwinPolicy,
    env: PersonalLifeVecEnv,
    rule: Choose,
    *,
    rounds: int,
    seed: int = 0,
    threads: int | None = None,
) -> float:
    """Teach `policy` to choose like `rule`; return the share of choices it makes alike at the end.

    Each of `rounds` is STEPS decisions in every environment; the learner's share of them grows from
    none to all.
    """
    rng = np.random.default_rng(seed)
    optimizer = torch.optim.Adam(policy.parameters(), lr=RATE)
    obs = env.reset()
    alike = 0.0
    with torch_threads(threads):
        for number in range(rounds):
            share = number / max(1, rounds - 1)
            optimizer.param_groups[0]["lr"] = RATE * (1.0 - 0.9 * share)
            obs, seen, labels, returns, alike = _live(policy, env, rule, obs, share, rng)
            _fit(policy, optimizer, seen, labels, returns, rng)
    policy.set_training_mode(False)
    return alike


def _live(
    policy: TwinPolicy,
    env: PersonalLifeVecEnv,
    rule: Choose,
    obs: Obs,
    share: float,
    rng: np.random.Generator,
) -> tuple[Obs, Obs, NDArray[np.int64], NDArray[np.float32], float]:
    """Live STEPS decisions; return the next observation, those lived, labels, returns, share."""
    kept: list[Obs] = []
    labels, rewards, discounts, alike = [], [], [], []
    for _ in range(STEPS):
        wanted, own = rule(obs), policy.choose(obs)
        acting = np.where(rng.random(len(wanted))[:, None] < share, own, wanted)
        kept.append(obs)
        labels.append(wanted)
        alike.append((own == wanted).all(axis=1).mean())
        stepped, reward, _, _ = env.step(acting)
        following = cast("Obs", stepped)
        rewards.append(reward)
        discounts.append(np.power(GAMMA, elapsed_hours(obs, following)))
        obs = following
    with torch.no_grad():
        value = policy.predict_values(as_tensors(obs)).numpy()[:, 0]
    returns = []
    for reward, discount in zip(reversed(rewards), reversed(discounts), strict=True):
        value = reward + discount * value
        returns.append(value)
    seen = {name: np.concatenate([one[name] for one in kept]) for name in SHAPES}
    flat = np.concatenate(returns[::-1]).astype(np.float32)
    return obs, seen, np.concatenate(labels), flat, float(np.mean(alike))


def _fit(
    policy: TwinPolicy,
    optimizer: torch.optim.Optimizer,
    seen: Obs,
    labels: NDArray[np.int64],
    returns: NDArray[np.float32],
    rng: np.random.Generator,
) -> None:
    tensors, wanted = as_tensors(seen), torch.from_numpy(labels)
    targets = torch.from_numpy(returns)
    spread = float(targets.var()) + 1e-6
    policy.set_training_mode(True)
    for _ in range(EPOCHS):
        order = torch.from_numpy(rng.permutation(len(labels)))
        for rows in order.chunk(max(1, len(labels) // BATCH)):
            batch = {name: kept.index_select(0, rows) for name, kept in tensors.items()}
            values, log_prob, _ = policy.evaluate_actions(batch, wanted[rows])
            fit = functional.mse_loss(values[:, 0], targets[rows]) / spread
            loss = VALUE_WEIGHT * fit - log_prob.mean()
            optimizer.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            torch.nn.utils.clip_grad_norm_(policy.parameters(), 0.5)
            optimizer.step()
