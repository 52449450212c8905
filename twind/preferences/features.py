"""What a block of time in its context means: the one feature map of the house.

The likelihoods, the simulated day's reward and the explanations all use it: what is learnt is what
is rewarded is what is told. A block is first described by ATTRIBUTES (hours of each activity, hours
in company, hours of depth …); the catalogue's `means` then says what an attribute means in aspects.
Both maps are linear in hours, so that cutting a block in two changes nothing here.

`list_attributes` is written in the part of Python that numba compiles: the simulated day compiles
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
FOCUSED = tuple(ACTIVITIES.index(name) for name in ("work", "learn", "create"))
"""What can be undivided, demanding effort, and so deep. A stroll is not, however long, nor are
errands; to train hard, and to make real time for somebody, is something else."""
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
(
    ALONE,
    TOGETHER,
    CLOSE,
    GROUP,
    DEEP,
    LIGHT,
    EARLY,
    LATE,
    AHEAD,
    PRESSED,
    PLANNED,
    UNPLANNED,
    VARIED,
) = range(len(ACTIVITIES), len(ATTRIBUTES))
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


MOST_ATTRIBUTES = 10
"""How many attributes a block can have at once."""


def list_attributes(
    which: NDArray[np.int64],
    amounts: NDArray[np.float64],
    activity: int,
    hours: float,
    hour: float,
    people: int,
    closeness: float,
    depth: float,
    lead_days: float,
    planned: float,
    varied: float,
) -> int:
    """List a block's attributes, in hours, and return how many it has.

    Writes their indices into `which` and their amounts into `amounts`, both (MOST_ATTRIBUTES,). The
    arguments are those of Block. Time left free (activity -1) has none: its worth is the zero that
    everything else is measured from.
    """
    if activity < 0:
        return 0
    which[0] = activity
    amounts[0] = hours
    count = 1
    if people > 0:
        which[1], amounts[1] = TOGETHER, hours
        which[2], amounts[2] = CLOSE, hours * closeness
        count = 3
        if people >= GROUP_SIZE:
            which[3], amounts[3] = GROUP, hours
            count = 4
    else:
        which[1], amounts[1] = ALONE, hours
        count = 2
    if depth < 0.5 or (depth > 0.5 and activity in FOCUSED):
        which[count], amounts[count] = LIGHT if depth < 0.5 else DEEP, hours
        count += 1
    if hour < EARLY_BEFORE_H or hour >= LATE_AFTER_H:
        which[count], amounts[count] = EARLY if hour < EARLY_BEFORE_H else LATE, hours
        count += 1
    if lead_days <= PRESSED_DAYS:
        which[count], amounts[count] = PRESSED, hours
        count += 1
    elif AHEAD_DAYS < lead_days < np.inf:
        which[count], amounts[count] = AHEAD, hours
        count += 1
    if planned > 0.0:
        which[count], amounts[count] = PLANNED, hours * planned
        count += 1
    if planned < 1.0:
        which[count], amounts[count] = UNPLANNED, hours * (1.0 - planned)
        count += 1
    if varied > 0.0:
        which[count], amounts[count] = VARIED, hours * varied
        count += 1
    return count


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
    which = np.zeros(MOST_ATTRIBUTES, np.int64)
    amounts = np.zeros(MOST_ATTRIBUTES)
    count = list_attributes(
        which,
        amounts,
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
    out = np.zeros(len(ATTRIBUTES))
    out[which[:count]] = amounts[:count]
    return out


def aspect_features(block: Block) -> NDArray[np.float64]:
    """Return what a block means in the 75 aspects: its features in every likelihood."""
    return attributes(block) @ meaning()


def attribute_worth(strengths: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return what an hour of each attribute is worth to someone with these 75 strengths.

    Shape (len(ATTRIBUTES),), in neutral free hours. Only values count.
    """
    return meaning() @ np.where(rewarded(), strengths, 0.0)
