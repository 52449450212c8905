"""The network: order-blind, never illegal, consistent, and at home in SB3."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given as given_
from hypothesis import settings
from hypothesis import strategies as st

from twind.rl.lives import sample_life
from twind.rl.policy import (
    TwinPolicy,
    as_tensors,
    given,
    masked_log_softmax,
    probabilities,
)
from twind.rl.spaces import PEOPLE, PROJECTS, SHAPES, TYPES, action_space, observation_space
from twind.rl.vec_env import Simulation, stream


def make_policy(seed: int = 0) -> TwinPolicy:
    torch.manual_seed(seed)
    policy = TwinPolicy(observation_space(), action_space(), lambda _: 1e-3)
    with torch.no_grad():
        for name, parameter in policy.named_parameters():
            if "logits" in name or "query" in name or name == "nobody":
                parameter.add_(0.5 * torch.randn_like(parameter))
    return policy


def random_observation(seed: int, days: int = 16, density: float = 0.4) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    obs = {}
    for name, shape in SHAPES.items():
        if name.startswith("mask_"):
            mask = rng.random((days, *shape)) < density
            # The environment always allows something: one choice at random is open.
            open_one = rng.integers(0, shape[-1], (days, *shape[:-1], 1))
            np.put_along_axis(mask, open_one, True, -1)
            obs[name] = mask.astype(np.float32)
        else:
            obs[name] = rng.uniform(-1.0, 1.0, (days, *shape)).astype(np.float32)
    for rows in ("projects", "people"):
        obs[rows][..., 0] = obs[rows][..., 0] > 0
    return obs


def assert_legal(obs, actions):
    batch = np.arange(len(actions))
    types, targets, durations, intensities = actions.T
    assert (obs["mask_type"][batch, types] == 1).all()
    assert (obs["mask_target"][batch, types, targets] == 1).all()
    assert (obs["mask_duration"][batch, types, durations] == 1).all()
    assert (obs["mask_intensity"][batch, types, intensities] == 1).all()


@given_(seed=st.integers(0, 2**31), density=st.floats(0.0, 1.0))
@settings(deadline=None, max_examples=40)
def test_no_choice_is_ever_illegal(seed, density):
    policy, obs = make_policy(), random_observation(seed, density=density)
    assert_legal(obs, policy.predict(obs, deterministic=True)[0])
    assert_legal(obs, policy.predict(obs, deterministic=False)[0])
    assert_legal(obs, policy(as_tensors(obs))[0].numpy())
    assert_legal(obs, policy.choose(obs))


@given_(seed=st.integers(0, 2**31))
@settings(deadline=None, max_examples=20)
def test_evaluating_gives_what_acting_gave(seed):
    policy, obs = make_policy(), as_tensors(random_observation(seed))
    with torch.no_grad():
        actions, values, log_prob = policy(obs)
        again_values, again_log_prob, entropy = policy.evaluate_actions(obs, actions.float())
    torch.testing.assert_close(again_log_prob, log_prob)
    torch.testing.assert_close(again_values, values)
    assert values.shape == (16, 1)
    assert (entropy >= -1e-6).all()
    torch.testing.assert_close(policy.get_distribution(obs).log_prob(actions), log_prob)
    torch.testing.assert_close(policy.predict_values(obs), values)


@given_(seed=st.integers(0, 2**31), data=st.data())
@settings(deadline=None, max_examples=30)
def test_permuting_rows_permutes_their_probabilities_and_nothing_else(seed, data):
    projects = data.draw(st.permutations(range(PROJECTS)))
    people = data.draw(st.permutations(range(PEOPLE)))
    order = [0, *(1 + p for p in projects), *(1 + PROJECTS + p for p in people)]
    obs = random_observation(seed)
    swapped = dict(obs)
    swapped["projects"] = obs["projects"][:, projects]
    swapped["people"] = obs["people"][:, people]
    swapped["mask_target"] = obs["mask_target"][:, :, order]
    swapped["advice_targets"] = obs["advice_targets"][:, order]
    policy = make_policy()
    seen: list[list[torch.Tensor]] = []
    for each, places in ((obs, range(len(order))), (swapped, order)):
        tensors, kept = as_tensors(each), []
        actions = torch.from_numpy(policy.choose(obs))
        place = torch.tensor([list(places).index(t) for t in actions[:, 1].tolist()])
        actions[:, 1] = place
        take = given(actions)

        def pick(index, log_probs, take=take, kept=kept):
            kept.append(log_probs)
            return take(index, log_probs)

        with torch.no_grad():
            encoded = policy.encode(tensors)
            policy.chain(encoded, tensors, pick)
        seen.append([*kept, policy.value_net(encoded.critic).detach()])
    seen[0][1] = seen[0][1][:, order]
    for before, after in zip(*seen, strict=True):
        torch.testing.assert_close(after, before, rtol=1e-4, atol=1e-5)


def test_a_target_that_is_not_there_changes_nothing():
    policy, obs = make_policy(), random_observation(3)
    changed = {name: array.copy() for name, array in obs.items()}
    absent = changed["projects"][..., 0] == 0
    changed["projects"][absent, 1:] = 0.77
    with torch.no_grad():
        torch.testing.assert_close(
            policy.predict_values(as_tensors(changed)), policy.predict_values(as_tensors(obs))
        )


def test_the_entropy_of_the_chain_is_that_of_the_whole_action():
    policy = make_policy()
    one = random_observation(5, days=1)
    obs = as_tensors({name: np.repeat(array, 20_000, 0) for name, array in one.items()})
    torch.manual_seed(1)
    with torch.no_grad():
        actions, _, log_prob = policy(obs)
        entropy = policy.evaluate_actions(obs, actions)[2]
    assert abs(entropy.mean() + log_prob.mean()) < 0.05


def test_probabilities_sum_to_one_over_the_allowed():
    logits = torch.randn(50, 7)
    mask = (torch.rand(50, 7) < 0.3).float()
    mask[0] = 0.0
    probabilities = masked_log_softmax(logits, mask).exp()
    torch.testing.assert_close(probabilities.sum(1), torch.ones(50))
    assert (probabilities[1:] * (1 - mask[1:]))[mask[1:].any(1)].sum() == 0
    assert probabilities[0, 0] == 1


def test_what_is_forbidden_has_next_to_no_probability_and_moves_nothing():
    logits = torch.randn(50, 7, requires_grad=True)
    mask = (torch.rand(50, 7) < 0.5).float()
    log_probs = masked_log_softmax(logits, mask)
    found = probabilities(log_probs)
    torch.testing.assert_close(found, log_probs.exp())
    (found * log_probs).sum().backward()
    assert torch.isfinite(logits.grad).all()
    assert (logits.grad[:, 1:][mask[:, 1:] == 0] == 0.0).all()


def test_predict_takes_one_observation_and_many():
    policy, obs = make_policy(), random_observation(0)
    single = {name: array[0] for name, array in obs.items()}
    action, state = policy.predict(single, deterministic=True)
    assert action.shape == (4,)
    assert state is None
    many = policy.predict(obs, deterministic=True)[0]
    assert many.shape == (16, 4)
    np.testing.assert_array_equal(many[0], action)
    assert action_space().contains(action)


def test_log_probabilities_of_plain_arrays_are_those_of_tensors():
    policy, obs = make_policy(), random_observation(0)
    actions = policy.choose(obs)
    with torch.no_grad():
        expected = policy.evaluate_actions(as_tensors(obs), torch.from_numpy(actions))
    np.testing.assert_allclose(
        policy.action_log_probs(obs, actions), expected[1].numpy(), rtol=1e-4, atol=1e-5
    )


def test_what_is_drawn_follows_the_probabilities_and_the_seed():
    policy, rows = make_policy(), 4000
    one = random_observation(11, days=1)
    obs = {name: np.repeat(array, rows, axis=0) for name, array in one.items()}
    drawn = policy.drawing(3)(obs)
    assert_legal(obs, drawn)
    np.testing.assert_array_equal(drawn, policy.drawing(3)(obs))
    assert (drawn != policy.drawing(4)(obs)).any()
    shares = np.bincount(drawn[:, 0], minlength=len(TYPES)) / rows
    tensors = as_tensors(one)
    with torch.no_grad():
        types = policy.judge_types(policy.encode(tensors), tensors)
    expected = masked_log_softmax(types, tensors["mask_type"]).exp().numpy()[0]
    np.testing.assert_allclose(shares, expected, atol=0.03)


def test_a_fresh_policy_prefers_what_is_advised():
    """In real days, with the weights as they come: the advice is all it has."""
    torch.manual_seed(0)
    policy = TwinPolicy(observation_space(), action_space(), lambda _: 1e-3)
    rng = np.random.default_rng(5)
    simulation = Simulation([sample_life(rng) for _ in range(64)], 64)
    simulation.begin(np.arange(64), np.array([stream(5, n) for n in range(64)], np.uint64))
    agreed, asked = 0, 0
    while not simulation.world.done.all():
        alive, obs = ~simulation.world.done, simulation.seen.as_dict()
        advised = np.where(obs["mask_type"] > 0, obs["advice_types"], -np.inf).argmax(axis=1)
        actions = policy.choose(obs)
        agreed += int((actions[:, 0] == advised)[alive].sum())
        asked += int(alive.sum())
        simulation.step(actions)
    assert asked > 300
    assert agreed > 0.9 * asked


def test_it_is_small():
    assert sum(parameter.numel() for parameter in make_policy().parameters()) < 200_000


@pytest.mark.parametrize("name", ["sample", "mode"])
def test_the_distribution_speaks_sb3(name):
    policy, obs = make_policy(), random_observation(1)
    distribution = policy.get_distribution(as_tensors(obs))
    assert_legal(obs, getattr(distribution, name)().numpy())
    assert distribution.entropy().shape == (16,)
    assert distribution.get_actions(deterministic=True).shape == (16, 4)
