"""What a block of time in its context means: the one feature map of the house.

The likelihoods, the simulated day's reward and the explanations all use it: what is learnt is what
is rewarded is what is told. A block is first described by ATTRIBUTES (hours of each activity, hours
in company, hours of depth …); the catalogue's `means` then says what an attribute means in aspects.
Both maps are linear in hours, so that cutting a block in two changes nothing here.

`fill_attributes` is written in the part of Python that numba compiles: the simulated day compiles
this very function.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from twind.preferences import catalogue

if TYPE_CHECKING:
    from numpy.typing import NDArray

ACTIVITIES = (
    "rest",
    "work",
    "social",
    "learn",
    "create",
    "exercise",
    "outdoors",
    "reflect",
    "help",
    "plan",
)
ATTRIBUTES = (
    *ACTIVITIES,
    "alone",  # hours in nobody's company
    "together",  # hours in company
    "close",  # hours in company, times the closeness 0..1 of who is there
    "group",  # hours in the company of three or more
    "deep",  # hours of undivided, demanding effort (depth above a half)
    "light",  # hours of easy effort (depth below a half)
    "early",  # hours before 9:00
    "late",  # hours after 19:00
    "ahead",  # hours on something due in more than three days
    "pressed",  # hours on something due within a day
    "planned",  # hours arranged at least a day before
    "unplanned",  # hours arranged on the day itself
    "varied",  # hours of what has not been done for a week
)
PARTS = ("alignment", "energy", "relationships", "progress")
"""The four parts of the reward; a posterior weight stands for each, 1 for the average person."""

EARLY_BEFORE_H = 9.0
LATE_AFTER_H = 19.0
AHEAD_DAYS = 3.0
PRESSED_DAYS = 1.0
GROUP_SIZE = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """A block of time in its context.

    Attributes:
        activity: an index into ACTIVITIES; -1 for time left free.
        hours: its length.
        hour: the wall clock at its middle, 0..24.
        people: how many others take part.
        closeness: of those who do, 0..1, on average.
        depth: 0 light, 0.5 normal, 1 deep.
        lead_days: days until what it works on is due; infinity for nothing due.
        planned: 1 if arranged at least a day before, else 0.
        varied: 1 if nothing like it happened for a week, else 0.

    """

    activity: int
    hours: float
    hour: float = 12.0
    people: int = 0
    closeness: float = 0.0
    depth: float = 0.5
    lead_days: float = float("inf")
    planned: float = 0.0
    varied: float = 0.0


def fill_attributes(
    out: NDArray[np.float64],
    activity: int,
    hours: float,
    hour: float,
    people: int,
    closeness: float,
    depth: float,
    lead_days: float,
    planned: float,
    varied: float,
) -> None:
    """Write a block's attributes into `out`, shape (len(ATTRIBUTES),), in hours.

    The arguments are those of Block. Time left free (activity -1) has no attributes: its worth is
    the zero that everything else is measured from.
    """
    for index in range(out.shape[0]):
        out[index] = 0.0
    if activity < 0:
        return
    out[activity] = hours
    if people > 0:
        out[11] = hours
        out[12] = hours * closeness
        if people >= GROUP_SIZE:
            out[13] = hours
    else:
        out[10] = hours
    if depth > 0.5:
        out[14] = hours
    elif depth < 0.5:
        out[15] = hours
    if hour < EARLY_BEFORE_H:
        out[16] = hours
    elif hour >= LATE_AFTER_H:
        out[17] = hours
    if lead_days <= PRESSED_DAYS:
        out[19] = hours
    elif AHEAD_DAYS < lead_days < np.inf:
        out[18] = hours
    out[20] = hours * planned
    out[21] = hours * (1.0 - planned)
    out[22] = hours * varied


@cache
def meaning() -> NDArray[np.float64]:
    """Return what attributes mean in aspects, shape (len(ATTRIBUTES), 75), per hour."""
    matrix = np.zeros((len(ATTRIBUTES), len(catalogue.aspects())))
    for column, aspect in enumerate(catalogue.aspects()):
        for attribute, weight in aspect.means.items():
            matrix[ATTRIBUTES.index(attribute), column] = weight
    matrix.setflags(write=False)
    return matrix


@cache
def rewarded() -> NDArray[np.bool_]:
    """Return which of the 75 aspects are values, the only ones a reward may contain."""
    mask = np.array([aspect.kind == "value" for aspect in catalogue.aspects()])
    mask.setflags(write=False)
    return mask


@cache
def effects() -> NDArray[np.float64]:
    """Return how aspects move the simulated day's parameters, shape (75, len(EFFECTS))."""
    matrix = np.zeros((len(catalogue.aspects()), len(catalogue.EFFECTS)))
    for row, aspect in enumerate(catalogue.aspects()):
        for effect, weight in aspect.effects.items():
            matrix[row, catalogue.EFFECTS.index(effect)] = weight
    matrix.setflags(write=False)
    return matrix


def attributes(block: Block) -> NDArray[np.float64]:
    """Return a block's attributes, shape (len(ATTRIBUTES),), in hours."""
    out = np.empty(len(ATTRIBUTES))
    fill_attributes(
        out,
        block.activity,
        block.hours,
        block.hour,
        block.people,
        block.closeness,
        block.depth,
        block.lead_days,
        block.planned,
        block.varied,
    )
    return out


def aspect_features(block: Block) -> NDArray[np.float64]:
    """Return what a block means in the 75 aspects: its features in every likelihood."""
    return attributes(block) @ meaning()


def attribute_worth(strengths: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return what an hour of each attribute is worth to someone with these 75 strengths.

    Shape (len(ATTRIBUTES),), in neutral free hours. Only values count.
    """
    return meaning() @ np.where(rewarded(), strengths, 0.0)
