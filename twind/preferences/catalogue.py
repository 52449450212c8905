"""The 15 dimensions and their 75 aspects, from `data/dimensions.toml`.

Each aspect is a *value* (rewarded), a *trait* (changes how a day goes, never rewarded) or a *style*
(changes how a proposal is worded). `means` says which attributes of a block of time
(features.ATTRIBUTES) speak for it, `effects` which parameters of the simulated day (EFFECTS) it
moves. An aspect with neither leaves no trace in behaviour and is learnt from answers alone.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from typing import Any, Literal

EFFECTS = (
    "switch_cost",  # what changing from one thing to another costs
    "start_friction",  # how hard it is to begin what is not yet pressing
    "load_sensitivity",  # how much effort adds to cognitive load
    "recovery",  # how fast rest restores
    "social_energy",  # whether company gives energy (+) or takes it (-)
    "focus_gain",  # how much more deep work achieves than shallow work
    "completion",  # how likely what was accepted is carried out
    "acceptance",  # how readily a proposal is taken up
    "lead_time",  # how long before a deadline work begins
    "risk_price",  # how much an uncertain gain is discounted
)


@dataclass(frozen=True, slots=True)
class Aspect:
    """One of the five aspects of a dimension."""

    dimension: str
    name: str
    code: str
    kind: Literal["value", "trait", "style"]
    description: str
    means: dict[str, float] = field(default_factory=dict)
    effects: dict[str, float] = field(default_factory=dict)

    @property
    def observable(self) -> bool:
        """Whether behaviour can say anything about it."""
        return bool(self.means or self.effects)


@dataclass(frozen=True, slots=True)
class Dimension:
    """One of the 15 dimensions."""

    name: str
    description: str
    aspects: tuple[Aspect, ...]


def aspect_code(dimension: str, aspect: str) -> str:
    """Return an aspect's code: three letters of the dimension, an underscore, the aspect.

    >>> aspect_code("Work Style", "deep_work")
    'WOR_DEEP_WORK'
    """
    return f"{dimension[:3].upper()}_{aspect.upper()}"


def read_toml(name: str) -> dict[str, Any]:
    """Read one of the package's data files."""
    text = resources.files("twind.preferences").joinpath("data", name).read_text("utf-8")
    return tomllib.loads(text)


@cache
def dimensions() -> tuple[Dimension, ...]:
    """Return the 15 dimensions in their order."""
    return tuple(
        Dimension(
            entry["name"],
            entry["description"],
            tuple(
                Aspect(
                    dimension=entry["name"],
                    name=aspect["name"],
                    code=aspect_code(entry["name"], aspect["name"]),
                    kind=aspect["kind"],
                    description=aspect["description"],
                    means=aspect.get("means", {}),
                    effects=aspect.get("effects", {}),
                )
                for aspect in entry["aspect"]
            ),
        )
        for entry in read_toml("dimensions.toml")["dimension"]
    )


@cache
def aspects() -> tuple[Aspect, ...]:
    """Return the 75 aspects, dimension by dimension; the order of every vector over aspects."""
    return tuple(aspect for dimension in dimensions() for aspect in dimension.aspects)


@cache
def index_of() -> dict[str, int]:
    """Return each aspect code's place in `aspects()`."""
    return {aspect.code: index for index, aspect in enumerate(aspects())}
