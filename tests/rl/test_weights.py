"""Weights on disk: safetensors, whole or absent, checked on the way in."""

from __future__ import annotations

import hashlib
import json
import pickle

import pytest
import safetensors.torch
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from twind.errors import ModelError
from twind.rl import weights
from twind.rl.policy import TwinPolicy
from twind.rl.spaces import action_space, observation_space


def make_policy(seed: int = 0, **kwargs: int) -> TwinPolicy:
    torch.manual_seed(seed)
    return TwinPolicy(observation_space(), action_space(), lambda _: 1e-3, **kwargs)


def same(a: TwinPolicy, b: TwinPolicy) -> bool:
    return all(torch.equal(x, y) for x, y in zip(a.parameters(), b.parameters(), strict=True))


def test_what_was_saved_comes_back(tmp_path):
    path = tmp_path / "models" / "m.safetensors"
    first, second = make_policy(1), make_policy(2)
    digest = weights.save(first, path)
    assert digest == hashlib.sha256(path.read_bytes()).hexdigest()
    assert weights.load(second, path, digest) == digest
    assert same(first, second)
    assert [each.name for each in path.parent.iterdir()] == ["m.safetensors"]


def test_equal_weights_make_equal_files(tmp_path):
    one = weights.save(make_policy(1), tmp_path / "a.safetensors")
    assert one == weights.save(make_policy(1), tmp_path / "b.safetensors")


def test_another_file_under_the_same_name_is_refused(tmp_path):
    path = tmp_path / "m.safetensors"
    digest = weights.save(make_policy(1), path)
    weights.save(make_policy(2), path)
    with pytest.raises(ModelError, match=r"m\.safetensors.*hash"):
        weights.load(make_policy(), path, digest)


def test_a_missing_file_says_so(tmp_path):
    with pytest.raises(ModelError, match=r"none\.safetensors"):
        weights.load(make_policy(), tmp_path / "none.safetensors")


@given(cut=st.floats(0.0, 0.999), garbage=st.binary(max_size=40))
@settings(
    deadline=None, max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_a_damaged_file_is_refused_and_the_policy_stays(tmp_path, cut, garbage):
    path = tmp_path / "m.safetensors"
    weights.save(make_policy(1), path)
    content = path.read_bytes()
    damaged = content[: int(cut * len(content))] + garbage
    path.write_bytes(damaged)
    policy = make_policy(2)
    with pytest.raises(ModelError, match=r"m\.safetensors"):
        weights.load(policy, path)
    assert same(policy, make_policy(2))


def test_a_pickle_is_never_opened(tmp_path):
    path = tmp_path / "m.safetensors"
    path.write_bytes(pickle.dumps({"a": 1}))
    with pytest.raises(ModelError, match="damaged"):
        weights.load(make_policy(), path)


def test_somebody_elses_safetensors_are_refused(tmp_path):
    path = tmp_path / "m.safetensors"
    safetensors.torch.save_file(make_policy().state_dict(), path)
    with pytest.raises(ModelError, match="no twind policy"):
        weights.load(make_policy(), path)


def test_another_network_is_refused(tmp_path):
    path = tmp_path / "m.safetensors"
    weights.save(make_policy(hidden=64), path)
    with pytest.raises(ModelError, match="another network"):
        weights.load(make_policy(), path)


@pytest.mark.parametrize(
    ("metadata", "message"),
    [
        ({weights.KEY: '{"version": 99}'}, "format 99"),
        ({weights.KEY: "[]"}, "no twind policy"),
        ({weights.KEY: "{"}, "no twind policy"),
    ],
)
def test_other_formats_are_refused(tmp_path, metadata, message):
    path = tmp_path / "m.safetensors"
    safetensors.torch.save_file(make_policy().state_dict(), path, metadata=metadata)
    with pytest.raises(ModelError, match=message):
        weights.load(make_policy(), path)


def test_other_tensors_are_refused(tmp_path):
    path = tmp_path / "m.safetensors"
    about = json.dumps({"version": weights.VERSION, "architecture": make_policy().architecture()})
    tensors = make_policy().state_dict()
    for changed in (
        {name: value for name, value in tensors.items() if name != "nobody"},
        tensors | {"nobody": torch.zeros(3)},
    ):
        safetensors.torch.save_file(changed, path, metadata={weights.KEY: about})
        with pytest.raises(ModelError, match="than this network's"):
            weights.load(make_policy(), path)


def test_weights_that_are_no_numbers_are_refused(tmp_path):
    path = tmp_path / "m.safetensors"
    broken = make_policy()
    with torch.no_grad():
        broken.nobody[0] = float("nan")
    weights.save(broken, path)
    with pytest.raises(ModelError, match="nobody"):
        weights.load(make_policy(), path)


def test_what_cannot_be_written_leaves_what_was(tmp_path):
    path = tmp_path / "m.safetensors"
    path.mkdir()
    with pytest.raises(ModelError, match=r"m\.safetensors"):
        weights.save(make_policy(), path)
    assert [each.name for each in tmp_path.iterdir()] == ["m.safetensors"]
