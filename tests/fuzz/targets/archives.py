"""What twind keeps on disk: backups, weights, beliefs and observations."""

from __future__ import annotations

import contextlib
import tempfile
from functools import cache
from pathlib import Path

import numpy as np

from targets import Target
from twind.clock import FixedClock
from twind.errors import BackupError, ModelError
from twind.home import Home
from twind.preferences.belief import Belief
from twind.rl import reviews, weights
from twind.store import Store, backups

from .shared import NOW

_SHM = Path("/dev/shm")
_ROOM = tempfile.TemporaryDirectory(
    prefix="twind-fuzz-", dir=_SHM if _SHM.is_dir() else None, ignore_cleanup_errors=True
)
_FOLDER = Path(_ROOM.name)


def _written(data: bytes) -> Path:
    path = _FOLDER / "input"
    path.write_bytes(data)
    return path


def _backup() -> bytes:
    home = Home.under(_FOLDER / "home")
    with Store.open(home.database, FixedClock(NOW)) as db:
        backups.make(db, home, _FOLDER / "b.zip", "asked")
    return (_FOLDER / "b.zip").read_bytes()


def backup(data: bytes) -> None:
    """Read a backup whole."""
    with contextlib.suppress(BackupError):
        backups.verify(_written(data), scratch=_FOLDER)


@cache
def _policy():
    from twind.rl.policy import TwinPolicy
    from twind.rl.spaces import action_space, observation_space

    return TwinPolicy(observation_space(), action_space(), lambda _: 1e-3)


def model(data: bytes) -> None:
    """Load a policy's weights."""
    with contextlib.suppress(ModelError):
        weights.load(_policy(), _written(data))


def belief(data: bytes) -> None:
    """Read a belief."""
    with contextlib.suppress(ModelError):
        assert isinstance(Belief.from_bytes(data), Belief)


def observation(data: bytes) -> None:
    """Read an observation."""
    with contextlib.suppress(ValueError):
        reviews.unpack(data.decode("ascii", "replace"))


def _small_safetensors() -> bytes:
    import safetensors.numpy

    about = b'{"format": 1, "names": ["a"], "traces": {"a": [1, [["k", 0.5]]]}}'
    one = {"about": np.frombuffer(about, "u1"), "mean": np.zeros(1), "covariance": np.eye(1)}
    data: bytes = safetensors.numpy.save(
        {**one, "prior_mean": np.zeros(1), "prior_covariance": np.eye(1)}, metadata={"twind": "{}"}
    )
    return data


TARGETS = {
    "backup": Target(backup, (_backup(),), "manifest.json twind.db models/ PK"),
    "weights": Target(
        model, (_small_safetensors(),), '"__metadata__": "twind": "version" "dtype":"F32"'
    ),
    "belief": Target(belief, (_small_safetensors(),), "format names traces"),
    "observation": Target(observation, (b"c$@O",)),
}
