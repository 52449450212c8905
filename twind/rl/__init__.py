"""The simulated day and the agent that learns in it.

Importing this registers `twind/PersonalLife-v0` with Gymnasium and loads nothing heavy: the public
names are imported when they are first used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

import gymnasium

if TYPE_CHECKING:
    from twind.rl.env import PersonalLifeEnv
    from twind.rl.pipeline import DataPipeline
    from twind.rl.trainer import DigitalTwinTrainer

__all__ = ["DataPipeline", "DigitalTwinTrainer", "PersonalLifeEnv"]

ENV_ID = "twind/PersonalLife-v0"

_HOMES = {
    "PersonalLifeEnv": "twind.rl.env",
    "DataPipeline": "twind.rl.pipeline",
    "DigitalTwinTrainer": "twind.rl.trainer",
}

if ENV_ID not in gymnasium.registry:
    gymnasium.register(id=ENV_ID, entry_point="twind.rl.env:PersonalLifeEnv")


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)
