"""PPO for days: stable-baselines3's algorithm, discounted by the hour and lean on a CPU.

What differs from `stable_baselines3.PPO`:

- A decision may take a quarter of an hour or two; the discount between two decisions is `gamma` to
  the power of the hours between them (a semi-Markov decision process, Bradtke & Duff 1994), so that
  a day is worth the same however it is cut.
- The rollout buffer is allocated once, keeps tensors and is never transposed; minibatches are dealt
  out into memory that is kept.
- The value is learnt in units of the returns' own spread.
- Days differ far more than what one proposal makes of them. So what is learnt from is the
  difference to leaving the user alone from here on, on the very same luck: the reward is shaped by
  a potential (Ng, Harada & Russell 1999) that knows what is to come. It depends on the state and on
  luck that no action touches, so that it changes no policy's rank and takes most of the noise away.
  The actor never sees it.
- An optional guard keeps the policy near another one, where there is no evidence to leave it.
"""

from __future__ import annotations

import sys
import warnings
from typing import TYPE_CHECKING, Any, NamedTuple, Self, cast

import numpy as np
import torch
from stable_baselines3 import PPO
from stable_baselines3.common.buffers import DictRolloutBuffer
from stable_baselines3.common.logger import HumanOutputFormat, KVWriter, Logger
from stable_baselines3.common.utils import explained_variance
from torch import Tensor
from torch.nn import functional

from twind.rl.policy import TwinPolicy, as_tensors, torch_threads

if TYPE_CHECKING:
    from collections.abc import Generator

    from numpy.typing import NDArray
    from stable_baselines3.common.buffers import RolloutBuffer
    from stable_baselines3.common.callbacks import BaseCallback
    from stable_baselines3.common.type_aliases import MaybeCallback
    from stable_baselines3.common.vec_env import VecEnv

    Obs = dict[str, NDArray[np.float32]]

LARGE_BYTES = 30_000_000
"""A little less than what glibc gives back in any case (DEFAULT_MMAP_THRESHOLD_MAX, 32 MiB)."""
HOURS_LEFT = 4
"""Where `clock` holds the hours left today, divided by 24."""


def elapsed(before: Obs, after: Obs) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return the hours, 0 < hours <= 24, and the midnights between two batches of observations.

    Both of shape (batch,). A clock that did not run down has passed midnight.
    """
    passed = 24.0 * (before["clock"][:, HOURS_LEFT] - after["clock"][:, HOURS_LEFT])
    nights = passed <= 1e-4
    return np.where(nights, passed + 24.0, passed).astype(np.float32), nights.astype(np.float32)


class Batch(NamedTuple):
    """A minibatch; the leading axis of all is the same."""

    observations: dict[str, Tensor]
    actions: Tensor
    old_values: Tensor
    old_log_prob: Tensor
    advantages: Tensor
    returns: Tensor
    anchor_log_prob: Tensor


class HourlyRolloutBuffer(DictRolloutBuffer):
    """A rollout with a discount of its own for every step.

    `discounts` (steps, envs) is what the value after a step is multiplied by; set it with `add`.
    `anchor_log_probs` holds what the guarding policy, if there is one, thought of each action.
    """

    discounts: NDArray[np.float32]
    anchor_log_probs: NDArray[np.float32]
    generator: torch.Generator | None = None
    """The luck that shuffles the steps; torch's own when None."""

    def reset(self) -> None:
        """Empty the buffer; memory is kept."""
        if not hasattr(self, "discounts"):
            shape = (self.buffer_size, self.n_envs)
            super().reset()
            self.actions = np.zeros((*shape, self.action_dim), np.int64)
            self.discounts = np.full(shape, self.gamma, np.float32)
            self.anchor_log_probs = np.zeros(shape, np.float32)
            self._dealt: dict[str, Tensor] = {}
        self.pos = 0
        self.full = False

    def add(  # type: ignore[override]
        self,
        obs: Obs,
        action: NDArray[Any],
        reward: NDArray[Any],
        episode_start: NDArray[Any],
        value: Tensor,
        log_prob: Tensor,
        discount: NDArray[np.float32] | None = None,
    ) -> None:
        """Add one step of every environment; `discount` (envs,) defaults to `gamma`."""
        for name, kept in self.observations.items():
            kept[self.pos] = obs[name]
        self.actions[self.pos] = action.reshape(self.n_envs, self.action_dim)
        self.rewards[self.pos] = reward
        self.episode_starts[self.pos] = episode_start
        self.values[self.pos] = value.numpy().ravel()
        self.log_probs[self.pos] = log_prob.numpy().ravel()
        self.discounts[self.pos] = self.gamma if discount is None else discount
        self.pos += 1
        self.full = self.pos == self.buffer_size

    def compute_returns_and_advantage(self, last_values: Tensor, dones: NDArray[Any]) -> None:
        """Fill `advantages` and `returns` by GAE (Schulman et al. 2016), each step's own discount.

        `last_values` (envs,) or (envs, 1) are the values after the last step, `dones` (envs,) tells
        where that step ended an episode.
        """
        values = np.concatenate([self.values, last_values.numpy().reshape(1, -1)])
        ends = np.concatenate([self.episode_starts[1:], dones.reshape(1, -1)]).astype(np.float32)
        onwards = self.discounts * (1.0 - ends)
        deltas = self.rewards + onwards * values[1:] - self.values
        advantage = np.zeros(self.n_envs, np.float32)
        for step in reversed(range(self.buffer_size)):
            advantage = deltas[step] + onwards[step] * self.gae_lambda * advantage
            self.advantages[step] = advantage
        self.returns = self.advantages + self.values

    def all_observations(self) -> dict[str, Tensor]:
        """Return every observation, the steps and environments in one axis; a view."""
        return {
            name: torch.from_numpy(kept).flatten(0, 1) for name, kept in self.observations.items()
        }

    def flat(self, name: str) -> Tensor:
        """Return one of the arrays (steps, envs, …) as a tensor (steps * envs, …); a view."""
        return torch.from_numpy(getattr(self, name)).flatten(0, 1)

    def get(self, batch_size: int | None = None) -> Generator[Batch, None, None]:  # type: ignore[override]
        """Yield all steps once, shuffled, in minibatches of about `batch_size`.

        The observations of a minibatch are overwritten by the next.
        """
        assert self.full, "a rollout is read when it is complete"
        total = self.buffer_size * self.n_envs
        observations = self.all_observations()
        columns = [
            self.flat(name)
            for name in (
                "actions",
                "values",
                "log_probs",
                "advantages",
                "returns",
                "anchor_log_probs",
            )
        ]
        order = torch.randperm(total, generator=self.generator)
        for rows in order.chunk(max(1, round(total / (batch_size or total)))):
            yield Batch(
                {name: self._deal(name, kept, rows) for name, kept in observations.items()},
                *(column.index_select(0, rows) for column in columns),
            )

    def _deal(self, name: str, kept: Tensor, rows: Tensor) -> Tensor:
        """Copy some rows to where those of the last minibatch were.

        The system takes longer to clear new pages than the copy does.
        """
        if name not in self._dealt or len(self._dealt[name]) < len(rows):
            self._dealt[name] = kept.new_empty(len(rows), *kept.shape[1:])
        dealt = self._dealt[name][: len(rows)]
        return torch.index_select(kept, 0, rows, out=dealt)


class LinearSchedule:
    """A learning rate that falls in a straight line from `start` to `end` times it."""

    def __init__(self, start: float, end: float = 0.1) -> None:
        self.start, self.end = start, end

    def __call__(self, progress_remaining: float) -> float:
        """Return the rate when this share (1 to 0) of the training is still to come."""
        return self.start * (self.end + (1.0 - self.end) * progress_remaining)


class TwinPPO(PPO):
    """PPO with discounts by the hour over a `TwinPolicy`; see the module's docstring.

    `gamma` is the discount per hour, `overnight` a further one for each midnight that passes: a day
    is planned as a whole, and what comes after counts for less. `anchor` with `anchor_coef` > 0
    adds that many times the Kullback-Leibler divergence from the anchor to the loss (estimator k3
    of Schulman 2020). `foresight_days` is how many days beyond today the potential looks ahead
    (None: no shaping); an environment that is not of the simulated day has none. `threads` bounds
    torch's threads while it learns; the bound is lifted again afterwards. Everything else is SB3's;
    the defaults suit a few hundred environments stepped at once on a CPU.
    """

    policy: TwinPolicy
    rollout_buffer: HourlyRolloutBuffer

    def __init__(
        self,
        policy: str | type[TwinPolicy] = TwinPolicy,
        env: Any = None,
        *,
        learning_rate: Any = None,
        n_steps: int = 32,
        batch_size: int = 4096,
        n_epochs: int = 2,
        gamma: float = 0.999,
        gae_lambda: float = 0.5,
        ent_coef: float = 0.001,
        vf_coef: float = 0.5,
        target_kl: float | None = None,
        anchor: TwinPolicy | None = None,
        anchor_coef: float = 0.0,
        foresight_days: int | None = 1,
        overnight: float = 0.5,
        threads: int | None = None,
        _init_setup_model: bool = True,
        **kwargs: Any,
    ) -> None:
        self.anchor = anchor
        self.anchor_coef = anchor_coef
        self.foresight_days = foresight_days
        self.overnight = overnight
        self.threads = threads
        with warnings.catch_warnings():
            # SB3 fears a small last minibatch; this buffer deals out even ones.
            warnings.filterwarnings("ignore", message="You have specified a mini-batch size")
            super().__init__(
                policy,
                env,
                learning_rate=LinearSchedule(1e-3) if learning_rate is None else learning_rate,
                n_steps=n_steps,
                batch_size=batch_size,
                n_epochs=n_epochs,
                gamma=gamma,
                gae_lambda=gae_lambda,
                ent_coef=ent_coef,
                vf_coef=vf_coef,
                target_kl=target_kl,
                rollout_buffer_class=HourlyRolloutBuffer,
                device="cpu",
                _init_setup_model=_init_setup_model,
                **{key: value for key, value in kwargs.items() if key not in _FIXED},
            )

    def _setup_model(self) -> None:
        super()._setup_model()
        if self.tensorboard_log is None:
            # SB3's own default leaves a folder behind in /tmp for every training.
            console: list[KVWriter] = [HumanOutputFormat(sys.stdout)] if self.verbose else []
            self.set_logger(Logger(None, console))
        if self.seed is not None:
            # Luck of its own, so that what else runs in this process changes nothing.
            generator = torch.Generator().manual_seed(self.seed)
            self.policy.generator = self.rollout_buffer.generator = generator

    def _excluded_save_params(self) -> list[str]:
        return [*super()._excluded_save_params(), "anchor"]

    def learn(
        self,
        total_timesteps: int,
        callback: MaybeCallback = None,
        log_interval: int = 1,
        tb_log_name: str = "TwinPPO",
        reset_num_timesteps: bool = True,
        progress_bar: bool = False,
    ) -> Self:
        """Learn for `total_timesteps` decisions, rounded up to whole rollouts; return itself."""
        _keep_memory()
        with torch_threads(self.threads):
            return super().learn(
                total_timesteps,
                callback,
                log_interval,
                tb_log_name,
                reset_num_timesteps,
                progress_bar,
            )

    def collect_rollouts(
        self,
        env: VecEnv,
        callback: BaseCallback,
        rollout_buffer: RolloutBuffer,
        n_rollout_steps: int,
    ) -> bool:
        """Fill the buffer with `n_rollout_steps` of every environment.

        Where an episode was cut off rather than ended, the value of where it stopped stands for
        what would have followed. Returns False when a callback asked to stop.
        """
        assert isinstance(rollout_buffer, HourlyRolloutBuffer)
        assert self._last_obs is not None
        self.policy.set_training_mode(False)
        rollout_buffer.reset()
        callback.on_rollout_start()
        observed = cast("Obs", self._last_obs)
        dones = np.zeros(env.num_envs, bool)
        left = self._left_alone(env)
        for _ in range(n_rollout_steps):
            with torch.no_grad():
                actions, values, log_probs = self.policy(as_tensors(observed))
            chosen = actions.numpy()
            stepped, rewards, dones, infos = env.step(chosen)
            new_obs = cast("Obs", stepped)
            self.num_timesteps += env.num_envs
            callback.update_locals(locals())
            if not callback.on_step():
                return False
            self._update_info_buffer(infos, dones)
            discounts = self._discount(observed, new_obs)
            rewards = rewards + self._cut_off(observed, dones, infos)
            after = self._left_alone(env)
            rewards = rewards + discounts * np.where(_ended(env, dones), 0.0, after) - left
            left = after
            rollout_buffer.add(
                observed,
                chosen,
                rewards,
                cast("NDArray[Any]", self._last_episode_starts),
                values,
                log_probs,
                discounts,
            )
            observed = new_obs
            self._last_obs = cast("Any", stepped)
            self._last_episode_starts = dones
        with torch.no_grad():
            values = self.policy.predict_values(as_tensors(observed))
        rollout_buffer.compute_returns_and_advantage(last_values=values, dones=dones)
        callback.update_locals(locals())
        callback.on_rollout_end()
        return True

    def _update_info_buffer(
        self, infos: list[dict[str, Any]], dones: NDArray[Any] | None = None
    ) -> None:
        """Keep the statistics of the episodes that ended; SB3 would look into every info."""
        assert self.ep_info_buffer is not None
        rows = np.arange(len(infos)) if dones is None else np.flatnonzero(dones)
        most = self.ep_info_buffer.maxlen or len(rows)
        for row in rows[-most:]:
            if (episode := infos[row].get("episode")) is not None:
                self.ep_info_buffer.append(episode)

    def _left_alone(self, env: VecEnv) -> NDArray[np.float32]:
        """Return what the lives would earn from now on if left to the user, (envs,); else 0."""
        simulation = getattr(env, "simulation", None)
        if simulation is None or self.foresight_days is None:
            return np.zeros(env.num_envs, np.float32)
        left: NDArray[np.float64] = simulation.left_alone(
            self.foresight_days, self.gamma, self.overnight
        )
        return left.astype(np.float32)

    def _cut_off(
        self, observed: Obs, dones: NDArray[Any], infos: list[dict[str, Any]]
    ) -> NDArray[np.float32]:
        """Return, (envs,), the discounted values of where episodes were truncated; else 0."""
        worth = np.zeros(len(dones), np.float32)
        rows, last = _last_observations(dones, infos)
        if not len(rows):
            return worth
        with torch.no_grad():
            values = self.policy.predict_values(as_tensors(last)).numpy()[:, 0]
        before = {"clock": observed["clock"][rows]}
        worth[rows] = values * self._discount(before, last)
        return worth

    def _discount(self, before: Obs, after: Obs) -> NDArray[np.float32]:
        """Return what the value after a decision counts for at the decision, (batch,)."""
        hours, nights = elapsed(before, after)
        return np.asarray(self.gamma**hours * self.overnight**nights, np.float32)

    def train(self) -> None:
        """Improve the policy on the rollout: `n_epochs` passes in shuffled minibatches."""
        self.policy.set_training_mode(True)
        self._update_learning_rate(self.policy.optimizer)
        clip_range = cast("Any", self.clip_range)(self._current_progress_remaining)
        self._consult_anchor()
        figures: list[dict[str, Tensor]] = []
        for _ in range(self.n_epochs):
            kept_close = True
            for batch in self.rollout_buffer.get(self.batch_size):
                figures.append(self._improve(batch, clip_range))
                if self.target_kl and figures[-1]["approx_kl"] > 1.5 * self.target_kl:
                    kept_close = False
                    break
            self._n_updates += 1
            if not kept_close:
                break
        self._log(figures, clip_range)

    def _improve(self, batch: Batch, clip_range: float) -> dict[str, Tensor]:
        """Take one step of gradient descent; return the figures for the log."""
        values, log_prob, entropy = self.policy.evaluate_actions(batch.observations, batch.actions)
        assert entropy is not None
        advantages = batch.advantages
        if self.normalize_advantage and len(advantages) > 1:
            advantages = (advantages - advantages.mean()) / (advantages.std() + 1e-8)
        log_ratio = log_prob - batch.old_log_prob
        ratio = log_ratio.exp()
        clipped = ratio.clamp(1.0 - clip_range, 1.0 + clip_range)
        policy_loss = -torch.min(advantages * ratio, advantages * clipped).mean()
        value_loss = functional.mse_loss(values[:, 0], batch.returns) / self._spread()
        entropy_loss = -entropy.mean()
        loss = policy_loss + self.vf_coef * value_loss
        if self.ent_coef:
            loss = loss + self.ent_coef * entropy_loss
        if self.anchor is not None and self.anchor_coef > 0.0:
            away = (batch.anchor_log_prob - log_prob).clamp(max=5.0)
            loss = loss + self.anchor_coef * (away.exp() - 1.0 - away).mean()
        self.policy.optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(self.policy.parameters(), self.max_grad_norm)
        self.policy.optimizer.step()
        with torch.no_grad():
            return {
                "entropy_loss": entropy_loss.detach(),
                "policy_gradient_loss": policy_loss.detach(),
                "value_loss": value_loss.detach(),
                "approx_kl": (ratio - 1.0 - log_ratio).mean(),
                "clip_fraction": ((ratio - 1.0).abs() > clip_range).float().mean(),
                "loss": loss.detach(),
            }

    def _spread(self) -> float:
        """Return the variance of the rollout's returns: the unit of the value's loss."""
        return float(self.rollout_buffer.returns.var()) + 1e-6

    def _consult_anchor(self) -> None:
        """Let the anchor judge the rollout's actions."""
        if self.anchor is None or self.anchor_coef <= 0.0:
            return
        buffer = self.rollout_buffer
        with torch.no_grad():
            log_probs = self.anchor.evaluate_actions(
                buffer.all_observations(), buffer.flat("actions")
            )[1]
        buffer.anchor_log_probs = log_probs.numpy().reshape(buffer.values.shape)

    def _log(self, figures: list[dict[str, Tensor]], clip_range: float) -> None:
        for name in figures[0]:
            mean = torch.stack([figure[name] for figure in figures]).mean().item()
            self.logger.record(f"train/{name}", mean)
        buffer = self.rollout_buffer
        explained = explained_variance(buffer.values.ravel(), buffer.returns.ravel())
        self.logger.record("train/explained_variance", float(explained))
        self.logger.record("train/n_updates", self._n_updates, exclude="tensorboard")
        self.logger.record("train/clip_range", clip_range)


def _last_observations(dones: NDArray[Any], infos: Any) -> tuple[NDArray[np.int64], Obs]:
    """Return where episodes were truncated, and the observations they stopped at.

    The simulated days have them in one piece; anyone else's infos are looked through.
    """
    if hasattr(infos, "terminal"):
        rows, last = infos.terminal
        return rows, last
    cut = [
        index
        for index in np.flatnonzero(dones)
        if infos[index].get("TimeLimit.truncated", False)
        and infos[index].get("terminal_observation") is not None
    ]
    if not cut:
        return np.zeros(0, np.int64), {}
    told = [infos[index]["terminal_observation"] for index in cut]
    return np.array(cut), {name: np.stack([one[name] for one in told]) for name in told[0]}


def _ended(env: Any, dones: NDArray[Any]) -> NDArray[np.bool_]:
    """Tell in which environments a whole life has just ended, (envs,): a new one is at day 0."""
    simulation = getattr(env, "simulation", None)
    if simulation is None:
        return np.asarray(dones, np.bool_)
    return np.asarray(dones & (simulation.world.day == 0), np.bool_)


_FIXED = frozenset({"device", "rollout_buffer_class"})
"""What SB3 passes when it loads a model, and what is not for the caller to choose here."""


def _keep_memory() -> None:
    """Have freed memory kept for the next minibatch.

    glibc gives large blocks back to the system, which then has to clear their pages again, until it
    has seen one as large come and go.
    """
    torch.empty(LARGE_BYTES, dtype=torch.uint8)
