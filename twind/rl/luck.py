"""All the luck of the simulated days: numbers that depend on where they are drawn, and on no order.

A draw is a hash of (seed, day, place of the day), so that two policies meet the same interruptions,
unplanned events, moods and coin flips at the same time of day. One hash of 64 bits holds three
draws of 21 bits: what an hour brings, what a slot brings, and what comes of a proposal in it.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numba
import numpy as np

from twind.rl.compiled import compiled, signed

if TYPE_CHECKING:
    from numpy.typing import NDArray

_INT, _FLOAT, _UINT = numba.int64, numba.float64, numba.uint64

A_SLOT, A_PROPOSAL, AN_HOUR, A_NIGHT, A_PERSON = 0, 256, 512, 768, 1024
"""Places of a day: add the slot, the hour or a running number."""

UNPLANNED, INTERRUPTED, CARRY_ON = range(3)
"""Draws of a slot."""
ACCEPT, BEGIN, LENGTH = range(3)
"""Draws of a proposal in a slot; LENGTH is that of something unplanned which begins in it."""
HABIT, WHIM, MOOD = range(3)
"""Draws of an hour."""
TOPIC, SAID = range(2)
"""Draws of a night: what the user is asked, and how they answer."""

_G = np.uint64(0x9E3779B97F4A7C15)
_A = np.uint64(0xBF58476D1CE4E5B9)
_B = np.uint64(0x94D049BB133111EB)
_S27, _S30, _S31 = np.uint64(27), np.uint64(30), np.uint64(31)
_BITS = 21
_MASK = np.uint64((1 << _BITS) - 1)
_UNIT = 1.0 / (1 << _BITS)
_HALF = np.uint64(32)
_LOW = np.uint64(0xFFFFFFFF)


@compiled
def _mix(value: np.uint64) -> np.uint64:
    """Return the finaliser of SplitMix64 (Steele, Lea & Flood 2014)."""
    value = (value ^ (value >> _S30)) * _A
    value = (value ^ (value >> _S27)) * _B
    return value ^ (value >> _S31)


@signed(_UINT(_UINT, _INT, _INT))
def roll(seed: np.uint64, day: int, place: int) -> np.uint64:
    """Return the 64 bits of luck at a place of a day."""
    return _mix(seed + _mix(np.uint64(day * 4096 + place + 1) * _G))


@signed(_FLOAT(_UINT, _INT))
def draw(bits: np.uint64, which: int) -> float:
    """Return one of the three draws in some bits of luck, in [0, 1)."""
    return float((bits >> np.uint64(which * _BITS)) & _MASK) * _UNIT


@compiled
def derive_seed(seed: np.uint64, index: int) -> np.uint64:
    """Return the seed of the index-th stream of a seed."""
    return _mix(_mix(seed + _G) + np.uint64(index + 1) * _G)


@signed(_FLOAT(_UINT, _INT, _INT))
def normal(seed: np.uint64, day: int, place: int) -> float:
    """Return a standard normal deviate (Box & Muller 1958)."""
    bits = roll(seed, day, place)
    u = (float(bits >> _HALF) + 0.5) / 4294967296.0
    v = float(bits & _LOW) / 4294967296.0
    return math.sqrt(-2.0 * math.log(u)) * math.cos(2.0 * math.pi * v)


@compiled
def derive_seeds(seed: np.uint64, indices: NDArray[np.int64], out: NDArray[np.uint64]) -> None:
    """Write the seeds of some streams of a seed."""
    for place in range(indices.shape[0]):
        out[place] = derive_seed(seed, indices[place])
