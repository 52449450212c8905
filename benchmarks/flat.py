"""The simulated days as one flat array, for learners that know no other; and a network over it."""

from __future__ import annotations

import numpy as np
import torch
from gymnasium import spaces
from stable_baselines3.common.policies import ActorCriticPolicy
from stable_baselines3.common.vec_env import VecEnvWrapper
from torch import nn
from torch.nn import functional

from twind.rl.spaces import MASKS, SHAPES, observation_space

PLAIN = [name for name in SHAPES if not name.startswith(MASKS)]
"""What an unmasked network has to look at."""
TOWER = 64
"""Units in each of the two layers of SB3's and sbx's MlpPolicy, of which actor and critic have one
each."""


PADDING = -50.0
"""A logit that nothing comes of, and that `exp` is still quick with, as it is not with infinity."""


def width(names):
    """Return how many numbers these parts of an observation are."""
    return sum(int(np.prod(SHAPES[name])) for name in names)


def flatten(obs, names=tuple(SHAPES)):
    """Return these parts of a batch of observations as one array, (N, width)."""
    rows = len(obs["clock"])
    return np.concatenate([obs[name].reshape(rows, -1) for name in names], axis=1, dtype=np.float32)


class FlatDays(VecEnvWrapper):
    """PersonalLifeVecEnv with flat observations, (N, width).

    All of an observation is told, and the infos say where days are truncated.
    """

    NAMES = tuple(SHAPES)

    def __init__(self, venv):
        flat = spaces.Box(-20.0, 20.0, (width(self.NAMES),), np.float32)
        super().__init__(venv, observation_space=self._space(flat))

    def _space(self, flat):
        return flat

    def reset(self):
        """Begin, as the days do."""
        return self._told(self.venv.reset())

    def step_wait(self):
        """Step, as the days do."""
        obs, rewards, dones, _ = self.venv.step_wait()
        # A plain list: SB3's loops look into every info, and are not to be held up by ours.
        infos = [{}] * self.num_envs
        self._tell_ends(infos)
        return self._told(obs), rewards, dones, infos

    def _tell_ends(self, infos):
        rows, last = self.venv.terminal
        if len(rows):
            for row, flat in zip(rows, flatten(last, self.NAMES), strict=True):
                infos[row] = {"terminal_observation": flat, "TimeLimit.truncated": True}

    def _told(self, obs):
        return flatten(obs, self.NAMES)


class PlainDays(FlatDays):
    """The same without the masks, and with days that simply end: for loops to be compared on.

    sbx looks at truncated days one after the other; it is not to lose by that.
    """

    NAMES = PLAIN

    def _tell_ends(self, infos):
        """Say nothing."""


class PlainTwinDays(PlainDays):
    """The same for TwinPPO, whose discount wants the clock beside."""

    def _space(self, flat):
        return spaces.Dict({"clock": observation_space()["clock"], "flat": flat})

    def _told(self, obs):
        return {"clock": obs["clock"], "flat": super()._told(obs)}


class _Tanh(torch.autograd.Function):
    """The hyperbolic tangent as 2 sigmoid(2 x) - 1: torch's own takes three times as long."""

    @staticmethod
    def forward(ctx, x):
        y = (2.0 * x).sigmoid_().mul_(2.0).sub_(1.0)
        ctx.save_for_backward(y)
        return y

    @staticmethod
    def backward(ctx, slope):
        return torch.ops.aten.tanh_backward(slope, *ctx.saved_tensors)


class FlatPolicy(ActorCriticPolicy):
    """SB3's MlpPolicy: a tanh tower 64x64 each for actor and critic, four unmasked choices.

    It is the same function as SB3's, computed in fewer and larger products: the first layers of
    both towers are one, and the four distributions are one softmax over padded rows, as sbx has it.
    """

    def _build(self, lr_schedule):
        sizes = torch.tensor(self.action_space.nvec)
        most = int(sizes.max())
        beyond = torch.arange(most) >= sizes.unsqueeze(1)
        self.register_buffer("padding", torch.zeros(beyond.shape).masked_fill(beyond, PADDING))
        self.first = nn.Linear(width(PLAIN), 2 * TOWER)
        self.actor = nn.Linear(TOWER, TOWER)
        self.critic = nn.Linear(TOWER, TOWER)
        self.logits = nn.Linear(TOWER, beyond.numel())
        self.value_net = nn.Linear(TOWER, 1)
        for layer in (self.first, self.actor, self.critic):
            self.init_weights(layer, gain=2**0.5)
        self.init_weights(self.logits, gain=0.01)
        self.init_weights(self.value_net, gain=1.0)
        self.generator = None
        self.optimizer = torch.optim.Adam(
            self.parameters(), lr=lr_schedule(1), eps=1e-5, fused=True
        )

    def _look(self, obs):
        """Return the log-probabilities of the choices, (batch, 4, most), and values (batch, 1)."""
        actor, critic = _Tanh.apply(self.first(obs["flat"])).split(TOWER, 1)
        logits = self.logits(_Tanh.apply(self.actor(actor))).unflatten(1, self.padding.shape)
        choices = functional.log_softmax(logits + self.padding, 2)
        return choices, self.value_net(_Tanh.apply(self.critic(critic)))

    def forward(self, obs, deterministic=False):
        """Return actions (batch, 4), values (batch, 1) and log-probabilities (batch,)."""
        choices, values = self._look(obs)
        if deterministic:
            actions = choices.argmax(2)
        else:
            reached = choices.exp().cumsum(2)
            wanted = torch.rand(reached.shape[:2]).unsqueeze(2) * reached[..., -1:] * (1.0 - 1e-6)
            actions = (reached <= wanted).sum(2)
        return actions, values, _log_prob(choices, actions)

    def evaluate_actions(self, obs, actions):
        """Return values (batch, 1), log-probabilities and entropies (batch,) of actions."""
        choices, values = self._look(obs)
        entropy = -torch.linalg.vecdot(choices.exp().flatten(1), choices.flatten(1))
        return values, _log_prob(choices, actions), entropy

    def predict_values(self, obs):
        """Return values (batch, 1)."""
        return self._look(obs)[1]


def _log_prob(choices, actions):
    return choices.gather(2, actions.unsqueeze(2)).sum((1, 2))
