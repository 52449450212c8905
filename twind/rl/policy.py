"""The network that chooses: type, then target, then duration, then intensity.

Each choice is masked by the ones before it, so that no probability is ever spent on an action the
day does not allow. Projects and people are rows of a set: one encoder serves all rows of a kind,
their mean goes into the context (Deep Sets, Zaheer et al. 2017), and a target is chosen
by a pointer, the product of its row's embedding with a query from context and type (Vinyals et al.
2015). Swapping two rows therefore swaps their probabilities and changes nothing else.

The network does not begin from nothing: what an hour of each choice is believed to be worth, which
the greedy rule goes by, is added to the logits, and what is learnt is how far to trust it and where
to depart from it (residual policy learning, Silver et al. 2018). A fresh network therefore draws
what promises more a little oftener, and explores all the rest.
"""

from __future__ import annotations

import math
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple, Self

import numpy as np
import torch
from stable_baselines3.common.distributions import Distribution
from stable_baselines3.common.policies import ActorCriticPolicy
from torch import Tensor, nn
from torch.nn import functional

from twind.rl.spaces import (
    DURATIONS_MIN,
    INTENSITIES,
    MASKS,
    PEOPLE,
    PROJECTS,
    SHAPES,
    TYPES,
    action_space,
    observation_space,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from gymnasium import spaces
    from numpy.typing import NDArray
    from stable_baselines3.common.type_aliases import PyTorchObs, Schedule

    from twind.rl.evaluate import Choose

    Obs = Mapping[str, Tensor]
    Pick = Callable[[int, Tensor], Tensor]
    """Makes the choice of one of the four parts from its log-probabilities, shape (batch, n)."""

CONTEXT = (
    "clock",
    "self",
    "last",
    "done",
    "day",
    "usual_day",
    "usual",
    "worth",
    "worth_sd",
    "parts",
    "effects",
    "life",
    "advice_types",
    "mask_type",
)
HIDDEN = 96
ROW = 32
HEAD = 64
FORBIDDEN = -1e8
"""Stands for minus infinity among logits; finite, so that zero times it is zero and not NaN."""
NEXT_TO_NOTHING = -80.0
"""The logarithm of a probability that is none, and that float32 can still hold."""
_DEPTHS = torch.arange(len(INTENSITIES))


ADAM = {"eps": 1e-5, "fused": True}
"""What the optimiser is given: SB3's epsilon, and all parameters in one pass."""
FRESH_RATE = 3e-4
"""What a fresh policy would learn at, were it trained by itself."""

STARTING_TRUST = (1.0, 1.0, 1.0)
"""What a neutral free hour an hour (type, target) and a step of intensity away from what is advised
add to the logits of a fresh network, or take from them. Chosen: to begin as sure as the rule is
kept the policy from learning when to say nothing."""


class Encoded(NamedTuple):
    """An observation as the heads read it.

    Attributes:
        actor: the context for the choices, (batch, hidden).
        critic: the context for the value, (batch, hidden).
        projects: their embeddings, (batch, PROJECTS, row).
        people: their embeddings, (batch, PEOPLE, row).

    """

    actor: Tensor
    critic: Tensor
    projects: Tensor
    people: Tensor


class Chain(NamedTuple):
    """Four choices made one after the other.

    Attributes:
        actions: (batch, 4), integers.
        log_prob: of all four together, (batch,).
        entropy: the sum of the four entropies, each given the choices before it, (batch,). With
            actions drawn from the policy its mean is an unbiased estimate of the entropy of the
            whole action, by the chain rule.

    """

    actions: Tensor
    log_prob: Tensor
    entropy: Tensor


class TwinDistribution(Distribution):
    """The distribution over whole actions at a batch of observations, as SB3 hands it around."""

    def __init__(self, policy: TwinPolicy, encoded: Encoded, obs: Obs) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._policy = policy
        self._encoded = encoded
        self._obs = obs

    def proba_distribution_net(self, *_: Any, **__: Any) -> nn.Module:
        """Return the network behind it, which is the policy itself."""
        return self._policy

    def proba_distribution(self, *_: Any, **__: Any) -> Self:
        """Return itself: it is made for its observations."""
        return self

    def log_prob(self, x: Tensor) -> Tensor:
        """Return the log-probability of actions (batch, 4), shape (batch,)."""
        return self._policy.chain(self._encoded, self._obs, given(x)).log_prob

    def entropy(self) -> Tensor:
        """Return an estimate of the entropy from one draw of the choices, shape (batch,)."""
        return self._policy.chain(self._encoded, self._obs, self._policy.draw).entropy

    def sample(self) -> Tensor:
        """Return actions drawn at random, (batch, 4)."""
        return self._policy.chain(self._encoded, self._obs, self._policy.draw).actions

    def mode(self) -> Tensor:
        """Return the likeliest choice at every step, (batch, 4)."""
        return self._policy.chain(self._encoded, self._obs, likeliest).actions

    def actions_from_params(self, *_: Any, deterministic: bool = False, **__: Any) -> Tensor:
        """Return actions, (batch, 4)."""
        return self.get_actions(deterministic=deterministic)

    def log_prob_from_params(self, *_: Any, **__: Any) -> tuple[Tensor, Tensor]:
        """Return drawn actions (batch, 4) and their log-probabilities (batch,)."""
        drawn = self._policy.chain(self._encoded, self._obs, self._policy.draw)
        return drawn.actions, drawn.log_prob


class TwinPolicy(ActorCriticPolicy):
    """Actor and critic over `twind.rl.spaces`; see the module's docstring.

    `hidden`, `row` and `head` are the widths of the context, of a row's embedding and of the heads
    for duration and intensity. `generator` is the luck that actions are drawn with, torch's own
    when None. All methods that SB3 calls keep their meaning there.
    """

    def __init__(
        self,
        observation_space: spaces.Space[Any],
        action_space: spaces.Space[Any],
        lr_schedule: Schedule,
        *,
        hidden: int = HIDDEN,
        row: int = ROW,
        head: int = HEAD,
        use_sde: bool = False,
        optimizer_kwargs: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        self.hidden, self.row, self.head = hidden, row, head
        self.generator: torch.Generator | None = None
        super().__init__(
            observation_space,
            action_space,
            lr_schedule,
            use_sde=use_sde,
            optimizer_kwargs=ADAM if optimizer_kwargs is None else optimizer_kwargs,
            **kwargs,
        )

    def architecture(self) -> dict[str, Any]:
        """Return what a file of weights must agree on to fit this network (JSON-able)."""
        return {
            "name": "twin-advised",
            "hidden": self.hidden,
            "row": self.row,
            "head": self.head,
            "observation": {name: list(shape) for name, shape in SHAPES.items()},
        }

    def _get_constructor_parameters(self) -> dict[str, Any]:
        return {
            "observation_space": self.observation_space,
            "action_space": self.action_space,
            "lr_schedule": self._dummy_schedule,
            "hidden": self.hidden,
            "row": self.row,
            "head": self.head,
        }

    def _build(self, lr_schedule: Schedule) -> None:
        hidden, row, head = self.hidden, self.row, self.head
        context = sum(math.prod(SHAPES[name]) for name in CONTEXT) + 2 * row
        self.project_rows = _row_encoder(SHAPES["projects"][1], row)
        self.people_rows = _row_encoder(SHAPES["people"][1], row)
        self.nobody = nn.Parameter(torch.zeros(row))
        self.shared = nn.Linear(context, hidden)
        self.actor = nn.Linear(hidden, hidden)
        self.critic = nn.Linear(hidden, hidden)
        self.value_net = nn.Linear(hidden, 1)
        self.type_logits = nn.Linear(hidden, len(TYPES))
        self.query = nn.Linear(hidden, row)
        self.query_of_type = nn.Embedding(len(TYPES), row)
        self.how = nn.Linear(hidden, head)
        self.how_of_type = nn.Embedding(len(TYPES), head)
        self.how_of_target = nn.Linear(row, head, bias=False)
        self.duration_logits = nn.Linear(head, len(DURATIONS_MIN))
        self.how_of_duration = nn.Embedding(len(DURATIONS_MIN), head)
        self.intensity_logits = nn.Linear(head, len(INTENSITIES))
        self.trust = nn.Parameter(torch.tensor(STARTING_TRUST))
        with torch_threads(1):
            # Small matrices are made orthogonal: several threads would wait for each other.
            self._initialise()
        self._first_rate = lr_schedule(1)

    @cached_property
    def optimizer(self) -> torch.optim.Optimizer:  # type: ignore[override]
        """What trains it; made when it is first asked for, which takes torch two seconds."""
        return self.optimizer_class(  # type: ignore[call-arg]
            self.parameters(), lr=self._first_rate, **self.optimizer_kwargs
        )

    def _initialise(self) -> None:
        """Start orthogonal, with nearly even choices (Andrychowicz et al. 2021)."""
        self.apply(lambda module: self.init_weights(module, gain=math.sqrt(2)))
        for embedding in (self.query_of_type, self.how_of_type, self.how_of_duration):
            nn.init.normal_(embedding.weight, std=0.1)
        for output in (self.type_logits, self.query, self.duration_logits, self.intensity_logits):
            self.init_weights(output, gain=0.01)
        self.init_weights(self.value_net, gain=0.1)

    # --- the network -----------------------------------------------------------------------------

    def encode(self, obs: Obs) -> Encoded:
        """Turn a batch of observations into what the heads read."""
        # An absent row is all zeros and so is its embedding: the encoders have no bias but the
        # row's own "present".
        projects = self.project_rows(obs["projects"] * obs["projects"][..., :1])
        people = self.people_rows(obs["people"] * obs["people"][..., :1])
        means = projects.sum(1) / PROJECTS, people.sum(1) / PEOPLE
        context = [*(obs[name].flatten(1) for name in CONTEXT), *means]
        shared = functional.relu(self.shared(torch.cat(context, 1)))
        return Encoded(
            functional.relu(self.actor(shared)),
            functional.relu(self.critic(shared)),
            projects,
            people,
        )

    def point(self, encoded: Encoded, obs: Obs, types: Tensor) -> Tensor:
        """Return the logits of nobody, the projects and the people, (batch, TARGETS)."""
        query = self.query(encoded.actor) + self.query_of_type(types)
        logits = [
            query @ self.nobody.unsqueeze(1),
            (encoded.projects * query.unsqueeze(1)).sum(2),
            (encoded.people * query.unsqueeze(1)).sum(2),
        ]
        learnt = torch.cat(logits, 1) / math.sqrt(self.row)
        return learnt + self.trust[1] * obs["advice_targets"]

    def embed_target(self, obs: Obs, targets: Tensor) -> Tensor:
        """Return the embeddings of chosen targets, (batch, row); zeros for nobody.

        Encoding the one row again is cheaper than a gradient through a gather of all of them.
        """
        batch = torch.arange(len(targets), device=targets.device)
        is_project = (targets > 0) & (targets <= PROJECTS)
        project = obs["projects"][batch, (targets - 1).clamp(0, PROJECTS - 1)]
        person = obs["people"][batch, (targets - 1 - PROJECTS).clamp(min=0)]
        project = project * (is_project.float() * project[:, 0]).unsqueeze(1)
        person = person * ((targets > PROJECTS).float() * person[:, 0]).unsqueeze(1)
        embedding: Tensor = self.project_rows(project) + self.people_rows(person)
        return embedding

    def chain(self, encoded: Encoded, obs: Obs, pick: Pick) -> Chain:
        """Make the four choices with `pick`, in one pass.

        A choice for which the masks allow nothing falls back to its first value (leave, nobody,
        the shortest, the lightest).
        """
        batch = torch.arange(len(encoded.actor), device=encoded.actor.device)
        steps: list[tuple[Tensor, Tensor]] = []

        def choose(logits: Tensor, mask: Tensor) -> Tensor:
            log_probs = masked_log_softmax(logits, mask)
            choice = pick(len(steps), log_probs)
            steps.append((choice, log_probs))
            return choice

        types = choose(self.judge_types(encoded, obs), obs["mask_type"])
        targets = choose(self.point(encoded, obs, types), obs["mask_target"][batch, types])
        how = (
            self.how(encoded.actor)
            + self.how_of_type(types)
            + self.how_of_target(self.embed_target(obs, targets))
        )
        durations = choose(
            self.duration_logits(functional.relu(how)), obs["mask_duration"][batch, types]
        )
        how = functional.relu(how + self.how_of_duration(durations))
        far = (_DEPTHS - obs["advice_depth"]).abs()
        choose(
            self.intensity_logits(how) - self.trust[2] * far, obs["mask_intensity"][batch, types]
        )
        return _sum_up(steps)

    def judge_types(self, encoded: Encoded, obs: Obs) -> Tensor:
        """Return the logits of the types, (batch, types)."""
        logits: Tensor = self.type_logits(encoded.actor) + self.trust[0] * obs["advice_types"]
        return logits

    def draw(self, _: int, log_probs: Tensor) -> Tensor:
        """Draw from each row."""
        return drawn(log_probs, self.generator)

    # --- what SB3 calls --------------------------------------------------------------------------

    def forward(self, obs: Any, deterministic: bool = False) -> tuple[Tensor, Tensor, Tensor]:
        """Return actions (batch, 4), values (batch, 1) and log-probabilities (batch,)."""
        encoded = self.encode(obs)
        chain = self.chain(encoded, obs, likeliest if deterministic else self.draw)
        return chain.actions, self.value_net(encoded.critic), chain.log_prob

    def evaluate_actions(
        self, obs: PyTorchObs, actions: Tensor
    ) -> tuple[Tensor, Tensor, Tensor | None]:
        """Return values (batch, 1), log-probabilities and entropies (batch,) of given actions."""
        assert isinstance(obs, dict)
        encoded = self.encode(obs)
        chain = self.chain(encoded, obs, given(actions))
        return self.value_net(encoded.critic), chain.log_prob, chain.entropy

    def get_distribution(self, obs: PyTorchObs) -> TwinDistribution:
        """Return the distribution over actions at a batch of observations."""
        assert isinstance(obs, dict)
        return TwinDistribution(self, self.encode(obs), obs)

    def predict_values(self, obs: PyTorchObs) -> Tensor:
        """Return the values of a batch of observations, (batch, 1)."""
        assert isinstance(obs, dict)
        values: Tensor = self.value_net(self.encode(obs).critic)
        return values

    def _predict(self, observation: PyTorchObs, deterministic: bool = False) -> Tensor:
        return self.get_distribution(observation).get_actions(deterministic=deterministic)

    # --- for a batch of plain arrays -------------------------------------------------------------

    def choose(self, obs: Mapping[str, NDArray[np.float32]]) -> NDArray[np.int64]:
        """Return the likeliest legal actions (batch, 4) for a batch of observations."""
        return self._act(obs, likeliest)

    def drawing(self, seed: int) -> Choose:
        """Return what draws actions where `choose` takes the likeliest, with luck from `seed`."""
        luck = torch.Generator().manual_seed(seed)
        return lambda obs: self._act(obs, lambda _, log_probs: drawn(log_probs, luck))

    def _act(self, obs: Mapping[str, NDArray[np.float32]], pick: Pick) -> NDArray[np.int64]:
        tensors = as_tensors(obs)
        with torch.inference_mode():
            return self.chain(self.encode(tensors), tensors, pick).actions.numpy()

    def action_log_probs(
        self, obs: Mapping[str, NDArray[np.float32]], actions: NDArray[np.integer[Any]]
    ) -> NDArray[np.float32]:
        """Return the log-probabilities (batch,) of given actions (batch, 4)."""
        tensors = as_tensors(obs)
        with torch.inference_mode():
            chain = self.chain(
                self.encode(tensors), tensors, given(torch.from_numpy(actions.astype(np.int64)))
            )
            return chain.log_prob.numpy()


def fresh_policy(seed: int = 0) -> TwinPolicy:
    """Return a policy that has learnt nothing.

    Equal seeds give equal policies, whatever luck torch has had before.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        policy = TwinPolicy(observation_space(), action_space(), lambda _: FRESH_RATE)
    policy.set_training_mode(False)
    return policy


def as_tensors(obs: Mapping[str, NDArray[Any]]) -> dict[str, Tensor]:
    """View a batch of observations as tensors; masks become floats."""
    tensors = {name: torch.from_numpy(np.ascontiguousarray(array)) for name, array in obs.items()}
    return {
        name: tensor.float() if name.startswith(MASKS) else tensor
        for name, tensor in tensors.items()
    }


def drawn(log_probs: Tensor, luck: torch.Generator | None) -> Tensor:
    """Return an index drawn from each row, (batch,): a race of exponentials.

    As `torch.multinomial` runs it.
    """
    race = torch.empty_like(log_probs).exponential_(generator=luck)
    return (probabilities(log_probs) / race).argmax(1)


def masked_log_softmax(logits: Tensor, mask: Tensor) -> Tensor:
    """Return log-probabilities (batch, n) that are FORBIDDEN where the mask is 0.

    Where a row of the mask allows nothing, its first entry takes all.
    """
    forbidden = mask < 0.5
    first = forbidden[:, :1] & ~forbidden.all(1, keepdim=True)
    forbidden = torch.cat([first, forbidden[:, 1:]], 1)
    return functional.log_softmax(logits.masked_fill(forbidden, FORBIDDEN), dim=1)


def probabilities(log_probs: Tensor) -> Tensor:
    """Return the exponentials of log-probabilities; next to nothing for what is FORBIDDEN.

    Of what underflows torch takes twelve times as long to find the exponential.
    """
    return log_probs.clamp(min=NEXT_TO_NOTHING).exp()


def likeliest(_: int, log_probs: Tensor) -> Tensor:
    """Take each row's likeliest choice."""
    return log_probs.argmax(1)


def given(actions: Tensor) -> Pick:
    """Take the choices from actions (batch, 4)."""
    columns = actions.long().unbind(1)
    return lambda index, _: columns[index]


def _sum_up(steps: list[tuple[Tensor, Tensor]]) -> Chain:
    log_prob = torch.stack(
        [log_probs.gather(1, choice.unsqueeze(1)).squeeze(1) for choice, log_probs in steps]
    )
    entropy = torch.stack([-(probabilities(one) * one).sum(1) for _, one in steps])
    return Chain(torch.stack([choice for choice, _ in steps], 1), log_prob.sum(0), entropy.sum(0))


def _row_encoder(width: int, row: int) -> nn.Sequential:
    return nn.Sequential(nn.Linear(width, row, bias=False), nn.ReLU(inplace=True))


@contextmanager
def torch_threads(threads: int | None) -> Iterator[None]:
    """Bound torch's threads within a `with` block; None leaves them alone."""
    before = torch.get_num_threads()
    if threads is not None:
        torch.set_num_threads(threads)
    try:
        yield
    finally:
        torch.set_num_threads(before)
