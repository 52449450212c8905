"""What is fuzzed: parsers of what comes from outside, each as a function from bytes to nothing.

A function raises nothing but AssertionError, where a promise is broken: it catches what its parser
documents. Whatever else comes out of it, or takes longer than SLOW_S, is a finding.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

SLOW_S = 2.0
"""Seconds of processor time that one input of a few kilobytes may take, coverage being counted."""
FAMILIES = (
    "calendars",
    "configuration",
    "contacts",
    "outgoing",
    "protocols",
    "records",
    "tasks",
    "archives",
)
"""The modules beside this one; the last imports torch."""


@dataclass(frozen=True, slots=True)
class Target:
    """One parser.

    Attributes:
        run: hands it some bytes.
        seeds: inputs to begin with, good ones.
        words: what its language is made of, apart by blanks.
        corpus: where the shared corpus has real inputs of it, as a pattern; "" for nowhere.

    """

    run: Callable[[bytes], None]
    seeds: tuple[bytes, ...]
    words: str = ""
    corpus: str = ""


def of(family: str) -> dict[str, Target]:
    """Return the targets of one family by their names."""
    found: dict[str, Target] = import_module(f"targets.{family}").TARGETS
    return found


def family_of(name: str) -> str:
    """Return the family that a target belongs to."""
    return next(family for family in FAMILIES if name in of(family))


def everything() -> dict[str, Target]:
    """Return all targets by their names."""
    return {name: target for family in FAMILIES for name, target in of(family).items()}
