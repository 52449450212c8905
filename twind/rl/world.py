"""The simulated days as arrays: many lives that do not change, and the state of days lived in them.

`Lives` holds M packed snapshots, `World` the state of N days running side by side, each in one of
those lives, `Seen` what is observed of them. Each is one array of records, of which the compiled
dynamics take one (a pointer: numba copies no array's description from call to call), with the
fields as arrays over all records for everybody else: `world.energy` is (N,), `world.hours` (N, 23).
What the simulator needs of a belief about 79 and more things is linear in it; `reduce_belief` keeps
just that.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, ClassVar

import numba
import numpy as np

from twind.model import HORIZON_DAYS
from twind.preferences import features
from twind.preferences.belief import AFFINITY_SD, ATTRIBUTE_NAMES
from twind.preferences.catalogue import EFFECTS, aspects
from twind.rl.snapshot import (
    KINDS,
    LIFE_NAMES,
    Belief,
    LifeParameters,
    Snapshot,
    shortlist,
)
from twind.rl.spaces import LIFE_PARAMETERS, MASKS, PEOPLE, PROJECTS, SHAPES, SLOTS, TARGETS, TYPES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

BUSY, ALLOWED, WORKING, ASLEEP, FREE = 1, 2, 4, 8, 16
"""Bits of `Lives.flags`."""

ATTRIBUTES = len(features.ATTRIBUTES)
ACTIVITIES = len(features.ACTIVITIES)
EFFECT_COUNT = len(EFFECTS)
PART_COUNT = len(features.PARTS)

# Where things lie in a reduced belief.
WORTH = 0
PART = WORTH + ATTRIBUTES
CORE = PART + PART_COUNT
"""Up to here the simulated twin keeps track of how things hang together; beyond, of each alone."""
EFFECT = CORE
AFFINITY = EFFECT + EFFECT_COUNT  # projects, then people
REDUCED = AFFINITY + PROJECTS + PEOPLE


REST, WORK, SOCIAL, LEARN, CREATE, EXERCISE, OUTDOORS, REFLECT, HELP, PLAN = range(ACTIVITIES)
"""The activities, by their place in features.ACTIVITIES."""

(
    P_SWITCH,
    P_FRICTION,
    P_LOAD,
    P_RECOVERY,
    P_SOCIAL,
    P_FOCUS,
    P_COMPLETION,
    P_ACCEPTANCE,
    P_LEAD,
    P_RISK,
    P_CHRONOTYPE,
    P_INTERRUPTION_COST,
    P_FATIGUE,
    P_INTERRUPTIONS,
    P_UNPLANNED,
    P_DUTY,
    P_BREAK,
    P_MAX_PROPOSALS,
) = range(len(LIFE_NAMES))
"""The fields of snapshot.LifeParameters, as `Lives.life` and `World.params` have them."""

HABIT, ACCEPTED, EVENT, SLEEP, UNPLANNED = range(5)
"""Where a lived slot came from, in `World.log_source`."""

LEFT, CARRIED_OUT, REFUSED, BROKEN_OFF, NOT_BEGUN = range(5)
"""What became of an action, in `World.outcome`."""

ALIGNMENT, ENERGY, RELATIONSHIPS, PROGRESS, COSTS = range(PART_COUNT + 1)
"""Columns of `World.reward`; the first four are features.PARTS."""

LIFE_COUNT = len(LIFE_NAMES)
UNITS = {
    P_SOCIAL: 0.05,
    P_COMPLETION: 1.0,
    P_ACCEPTANCE: 1.0,
    P_CHRONOTYPE: 4.0,
    P_MAX_PROPOSALS: 4.0,
}
"""What a difference of 1 stands for in the parameters that are not seen as logarithms."""
SLOT_H = 24.0 / SLOTS
MOST_TERMS = features.MOST_ATTRIBUTES + 6
USUAL = 3
"""What is told of each hour of a usual day."""
UPKEEP = 1.0 / 6.0
"""Share of waking time that stays free for what nobody proposes: meals, washing, the household and
ways, two hours and a half of a usual day. Chosen; people take more."""
CIRCADIAN, ACROPHASE_H = 0.12, 17.0
"""Amplitude and peak of the body clock's share in alertness (Daan, Beersma & Borbely 1984)."""

Fields = dict[str, tuple[type, tuple[int, ...]]]
Life = Any
"""One record of Lives, in compiled code."""
Day = Any
"""One record of World, in compiled code."""
View = Any
"""One record of Seen, in compiled code."""


class Records:
    """An array of records; each field reads as an array over all of them.

    Attributes:
        records: (size,), for the compiled dynamics.

    """

    FIELDS: ClassVar[Fields] = {}

    def __init__(self, size: int) -> None:
        self.records: NDArray[np.void] = np.zeros(size, self._layout())

    @classmethod
    @cache
    def _layout(cls) -> np.dtype[np.void]:
        fields = [(name, kind, shape) for name, (kind, shape) in cls.FIELDS.items()]
        return np.dtype(fields, align=True)

    def __getattr__(self, name: str) -> NDArray[Any]:
        if name not in self.FIELDS:
            raise AttributeError(name)
        field: NDArray[Any] = self.records[name]
        return field


class Lives(Records):
    """M packed snapshots; each field has M in front."""

    FIELDS: ClassVar[Fields] = {
        "days": (np.int64, ()),  # how many days it has
        "first_slot": (np.int64, ()),
        "weekday": (np.int64, (HORIZON_DAYS,)),
        "flags": (np.uint8, (HORIZON_DAYS, SLOTS)),  # bits, see above
        "free_run": (np.uint8, (HORIZON_DAYS, SLOTS)),  # free slots in a row from here on
        "free_before": (np.uint8, (HORIZON_DAYS, SLOTS + 1)),  # free slots of the day before each
        "work_run": (np.uint8, (HORIZON_DAYS, SLOTS)),  # free working slots in a row from here on
        "event_activity": (np.int8, (HORIZON_DAYS, SLOTS)),  # -1 for none
        "event_people": (np.float32, (HORIZON_DAYS, SLOTS)),
        "event_closeness": (np.float32, (HORIZON_DAYS, SLOTS)),
        "holds_h": (np.float64, (HORIZON_DAYS,)),  # hours there is room for beside events
        "event_met": (np.uint16, (HORIZON_DAYS, SLOTS)),  # bit p for the person in row p
        "habits": (np.float32, (2, SLOTS, len(TYPES))),  # cumulative
        "usual": (np.float32, (2, 24, USUAL)),  # what is usual by the hour, see `_usual`
        "alert": (np.float64, (SLOTS + 1,)),  # the body clock's share in energy, by slot
        "life": (np.float64, (len(LIFE_NAMES),)),  # LifeParameters
        "life_seen": (np.float32, (len(LIFE_NAMES),)),  # the same as the agent sees them
        "energy": (np.float64, ()),
        "load": (np.float64, ()),
        "moods": (
            np.float64,
            (),
        ),  # how much hours turn out better or worse: 1, or 0 for not at all
        "since_done": (np.int64, (ACTIVITIES,)),  # days since each activity was last done
        "slept_h": (np.float64, ()),  # last night, by the plan
        "project_count": (np.int64, ()),  # how many of the rows below are projects
        "people_count": (np.int64, ()),
        "project_id": (np.int64, (PROJECTS,)),  # -1 for none
        "project_kind": (np.int64, (PROJECTS,)),  # index into KINDS
        "priority": (np.float64, (PROJECTS,)),
        "remaining_h": (np.float64, (PROJECTS,)),
        "deadline_h": (np.float64, (PROJECTS,)),
        "progress": (np.float64, (PROJECTS,)),
        "off_hours": (np.uint8, (PROJECTS,)),
        "person_id": (np.int64, (PEOPLE,)),  # -1 for none
        "closeness": (np.float64, (PEOPLE,)),
        "days_since": (np.float64, (PEOPLE,)),
        "cadence": (np.float64, (PEOPLE,)),
        "pace": (np.float64, (PEOPLE,)),  # cadences a day
        "fading": (np.float64, (PEOPLE,)),  # what a day leaves of warmth
        "mean": (np.float64, (REDUCED,)),  # the reduced belief
        "sd": (np.float64, (REDUCED,)),
        "covariance": (np.float32, (CORE, CORE)),  # of its core
        "factor": (np.float32, (REDUCED, REDUCED)),  # factor @ factor.T is the whole covariance
    }


class World(Records):
    """The state of N days side by side; each field has N in front. Hours are today's."""

    FIELDS: ClassVar[Fields] = {
        "life": (np.int64, ()),  # which of the lives
        "seed": (np.uint64, ()),  # of all its luck
        "day": (np.int64, ()),  # day of the life
        "slot": (np.int64, ()),  # next to be lived; SLOTS when the day is over
        "pressure": (np.float64, ()),  # of sleep, 0..1
        "fatigue": (np.float64, ()),  # what effort has taken from energy
        "load": (np.float64, ()),  # cognitive load, 0..1
        "energy": (np.float64, ()),  # 0..1
        "slept_h": (np.float64, ()),  # in the last night
        "sleeping": (np.int64, ()),  # 1 while asleep
        "hours": (np.float64, (ATTRIBUTES,)),  # of each attribute
        "idle_h": (np.float64, ()),  # leisure in working hours
        "target_h": (np.float64, (PROJECTS + PEOPLE,)),  # with each project and person
        "thing": (np.int64, ()),  # activity x 32 + target of the slot before; -1 for none
        "stretch": (np.int64, ()),  # slots of it in a row, uninterrupted
        "filled_h": (np.float64, ()),  # with anything but events
        "foreseen": (np.float64, ()),  # 1 if what is proposed was arranged the day before
        "effort": (np.int64, ()),  # slots of effort since the last break
        "last_type": (np.int64, ()),  # index into TYPES
        "last_done": (np.int64, (ACTIVITIES,)),  # day on which each activity was done last
        "unplanned": (np.int64, ()),  # slots an unplanned event still takes
        "fate": (np.uint64, ()),  # luck of the present slot
        "hour_fate": (np.uint64, ()),  # luck of the present hour
        "next_due_h": (np.float64, ()),  # the next deadline, in hours of the life
        "proposals": (np.int64, ()),
        "refused": (np.int64, ()),
        "remaining_h": (np.float64, (PROJECTS,)),
        "progress": (np.float64, (PROJECTS,)),
        "warmth": (np.float64, (PEOPLE,)),  # 1 just after good contact, halved every cadence
        "overdue": (np.float64, (PEOPLE,)),  # cadences since good contact: warmth is 0.5 to that
        "since": (np.float64, (PEOPLE,)),  # days since the last contact
        "seen": (np.float64, (PEOPLE,)),  # 1 when met at an event
        "truth": (np.float64, (REDUCED,)),  # the user's own values, hidden from the agent
        "params": (np.float64, (len(LIFE_NAMES),)),  # LifeParameters after the traits
        "tires": (np.float64, (ACTIVITIES + 2,)),  # what a slot leaves of fatigue: free, the ten …
        "loads": (np.float64, (ACTIVITIES + 2,)),  # … asleep; and the same of cognitive load
        "mean": (np.float64, (REDUCED,)),  # what the agent believes
        "sd": (np.float64, (REDUCED,)),
        "guess": (np.float64, (len(LIFE_NAMES),)),  # `params` if the agent were right
        "begun": (np.bool_, ()),  # whether the day's first decision is made
        "reward": (
            np.float64,
            (PART_COUNT + 1,),
        ),  # of the last step: the four parts, then plain costs
        "outcome": (np.int64, ()),  # of the last step, see dynamics
        "done": (np.bool_, ()),  # whether the day is over
        "projected": (np.bool_, ()),  # whether the last action had to be made legal
        "strayed": (np.bool_, ()),  # from what was foreseen of it left alone, if anything was
        "log_type": (np.int8, (SLOTS,)),  # what was done today; -1 not lived yet
        "log_target": (np.int8, (SLOTS,)),
        "log_source": (np.int8, (SLOTS,)),  # see dynamics
        "which": (np.int64, (MOST_TERMS,)),  # the attributes of the present slot …
        "amounts": (np.float64, (MOST_TERMS,)),  # … in hours; and room for what else is summed
        "lean": (np.float64, (CORE,)),
    }


class Seen(Records):
    """The observations of N days: the arrays of spaces.SHAPES with N in front.

    `self` is `own` here: compiled code reads fields as attributes.
    """

    FIELDS: ClassVar[Fields] = {
        "own" if name == "self" else name: (
            np.int8 if name.startswith(MASKS) else np.float32,
            shape,
        )
        for name, shape in SHAPES.items()
    }

    def as_dict(self) -> dict[str, NDArray[Any]]:
        """Return the arrays themselves by the names of spaces.SHAPES."""
        return arrays_of(self.records)


def arrays_of(seen: NDArray[np.void]) -> dict[str, NDArray[Any]]:
    """Return the fields of records of Seen as arrays, by the names of spaces.SHAPES."""
    return {name: seen["own" if name == "self" else name] for name in SHAPES}


LIFE, DAY = (numba.from_dtype(kind(0).records.dtype) for kind in (Lives, World))
"""The records as numba's types, for signatures."""


def reduce_belief(
    belief: Belief, project_ids: Sequence[int], person_ids: Sequence[int]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return mean (REDUCED,) and covariance (REDUCED, REDUCED) of what a day depends on.

    That is: what an hour of each attribute is worth (values alone: traits and styles never enter a
    reward), what the traits do to the day, the weights of the reward's parts, and the affinities to
    these projects and people. Those the belief does not name get their prior: mean 0,
    standard deviation AFFINITY_SD.
    """
    rows = len(aspects())
    size = len(belief.names)
    linear = np.zeros((REDUCED, size))
    linear[WORTH:PART, :rows] = features.meaning() * features.rewarded()
    place = {name: index for index, name in enumerate(belief.names)}
    for row, name in enumerate(ATTRIBUTE_NAMES):
        if name in place:
            linear[WORTH + row, place[name]] = 1.0
    linear[PART:CORE, rows : rows + PART_COUNT] = np.eye(PART_COUNT)
    linear[EFFECT:AFFINITY, :rows] = features.effects().T
    extra = np.zeros(REDUCED)
    named = [
        *((AFFINITY + row, f"project:{key}") for row, key in enumerate(project_ids)),
        *((AFFINITY + PROJECTS + row, f"person:{key}") for row, key in enumerate(person_ids)),
    ]
    for row, name in named:
        if name in place:
            linear[row, place[name]] = 1.0
        else:
            extra[row] = AFFINITY_SD**2
    return linear @ belief.mean, linear @ belief.covariance @ linear.T + np.diag(extra)


def pack(snapshots: Sequence[Snapshot]) -> Lives:
    """Pack snapshots for the dynamics. Raises ValueError when there are none."""
    if not snapshots:
        raise ValueError("there is no life to simulate")
    lives = Lives(len(snapshots))
    for record, snapshot in zip(lives.records, snapshots, strict=True):
        for name, value in _pack_one(snapshot).items():
            record[name] = value
    return lives


def _pack_one(snapshot: Snapshot) -> dict[str, Any]:
    chosen = shortlist(snapshot)
    projects = [snapshot.projects[i] for i in chosen.projects]
    people = [snapshot.people[i] for i in chosen.people]
    mean, covariance = reduce_belief(
        snapshot.belief, [one.id for one in projects], [one.id for one in people]
    )
    days = snapshot.days[:HORIZON_DAYS]
    by_day: dict[str, NDArray[Any]] = {
        "weekday": np.zeros(HORIZON_DAYS, np.int64),
        "flags": np.zeros((HORIZON_DAYS, SLOTS), np.uint8),
        "free_run": np.zeros((HORIZON_DAYS, SLOTS), np.uint8),
        "free_before": np.zeros((HORIZON_DAYS, SLOTS + 1), np.uint8),
        "work_run": np.zeros((HORIZON_DAYS, SLOTS), np.uint8),
        "event_activity": np.full((HORIZON_DAYS, SLOTS), -1, np.int8),
        "event_people": np.zeros((HORIZON_DAYS, SLOTS), np.float32),
        "event_closeness": np.zeros((HORIZON_DAYS, SLOTS), np.float32),
        "holds_h": np.zeros(HORIZON_DAYS),
        "event_met": np.zeros((HORIZON_DAYS, SLOTS), np.uint16),
    }
    row_of = {one.id: row for row, one in enumerate(people)}
    for index, day in enumerate(days):
        by_day["weekday"][index] = day.weekday
        by_day["flags"][index] = (
            BUSY * day.busy
            + ALLOWED * day.allowed
            + WORKING * day.work
            + ASLEEP * (day.asleep & ~day.busy)
            + FREE * day.free
        )
        by_day["free_run"][index] = _runs(day.free)
        by_day["free_before"][index, 1:] = np.cumsum(day.free)
        by_day["work_run"][index] = _runs(day.free & day.work)
        by_day["event_activity"][index] = day.event_activity
        first = snapshot.slot if index == 0 else 0
        awake = (day.busy | ~day.asleep)[first:].sum() * SLOT_H
        events = (day.busy & (day.event_activity >= 0))[first:].sum() * SLOT_H
        by_day["holds_h"][index] = (1.0 - UPKEEP) * awake - events
        by_day["event_people"][index] = day.event_people
        by_day["event_closeness"][index] = day.event_closeness
        for person, first, end in day.meetings:
            if person in row_of:
                by_day["event_met"][index, first:end] |= np.uint16(1 << row_of[person])
    night = days[0].asleep & ~days[0].busy
    return {
        **by_day,
        "days": np.int64(len(days)),
        "first_slot": np.int64(snapshot.slot),
        "habits": np.cumsum(snapshot.habits, axis=2).astype(np.float32),
        "life": snapshot.life.as_array(),
        "life_seen": _as_seen(snapshot.life),
        "energy": np.float64(snapshot.energy),
        "load": np.float64(snapshot.load),
        "since_done": np.array(snapshot.days_since_done).astype(np.int64),
        "moods": np.float64(1.0),
        "slept_h": np.float64(night.sum() / 4.0),
        "project_count": np.int64(len(projects)),
        "people_count": np.int64(len(people)),
        "usual": _usual(snapshot.habits, mean),
        "alert": body_clock(snapshot.life.chronotype_h),
        "project_id": _padded([one.id for one in projects], PROJECTS, -1, np.int64),
        "project_kind": _padded([KINDS.index(one.kind) for one in projects], PROJECTS, 0, np.int64),
        "priority": _padded([one.priority for one in projects], PROJECTS, 0.0),
        "remaining_h": _padded([one.remaining_h for one in projects], PROJECTS, 0.0),
        "deadline_h": _padded([one.deadline_h for one in projects], PROJECTS, np.inf),
        "progress": _padded([one.progress for one in projects], PROJECTS, 0.0),
        "off_hours": _padded([one.off_hours for one in projects], PROJECTS, 0, np.uint8),
        "person_id": _padded([one.id for one in people], PEOPLE, -1, np.int64),
        "closeness": _padded([one.closeness for one in people], PEOPLE, 0.0),
        "days_since": _padded([one.days_since for one in people], PEOPLE, 0.0),
        "cadence": _padded([one.cadence_days for one in people], PEOPLE, 30.0),
        "pace": _padded([1.0 / one.cadence_days for one in people], PEOPLE, 0.0),
        "fading": _padded([0.5 ** (1.0 / one.cadence_days) for one in people], PEOPLE, 1.0),
        "mean": mean,
        "sd": np.sqrt(np.maximum(np.diag(covariance), 0.0)),
        "covariance": covariance[:CORE, :CORE].astype(np.float32),
        "factor": _square_root(covariance).astype(np.float32),
    }


def _square_root(covariance: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return a lower triangular matrix whose square is a covariance, as nearly as that has one.

    What is known for certain has no variance at all; a little keeps the factorisation defined.
    """
    root = np.linalg.cholesky(covariance + 1e-9 * np.eye(len(covariance)))
    return root.astype(np.float64, copy=False)


def _usual(habits: NDArray[np.float64], mean: NDArray[np.float64]) -> NDArray[np.float32]:
    """Return what is usual at each hour of a workday and of the weekend, (2, 24, USUAL).

    The probabilities of nothing in particular and of work, and what the user is believed to get out
    of an hour left to them, in neutral free hours.
    """
    hourly = habits.reshape(2, 24, 4, len(TYPES)).mean(axis=2)
    worth = hourly[:, :, 1:] @ mean[WORTH : WORTH + ACTIVITIES]
    usual = np.stack([hourly[:, :, 0], hourly[:, :, 1 + WORK], worth], axis=2)
    return usual.astype(np.float32)


def _as_seen(life: LifeParameters) -> NDArray[np.float64]:
    """Return how a person's days differ from the average person's, (18,), each about 1 at most.

    Differences of logarithms, of the numbers themselves for what may be 0 or less.
    """
    own, average = life.as_array(), LifeParameters().as_array()
    seen = np.log(np.maximum(own, 1e-3) / np.maximum(average, 1e-3))
    for index, unit in UNITS.items():
        seen[index] = (own[index] - average[index]) / unit
    return np.clip(seen, -4.0, 4.0)


def body_clock(chronotype_h: float) -> NDArray[np.float64]:
    """Return the body clock's share in alertness at the beginning of each slot, (SLOTS + 1,)."""
    hours = np.arange(SLOTS + 1) * 24.0 / SLOTS - ACROPHASE_H - chronotype_h
    return CIRCADIAN * np.cos(2.0 * np.pi * hours / 24.0)


def _padded(
    values: Sequence[float], size: int, filler: float, kind: type = np.float64
) -> NDArray[np.generic]:
    return np.array([*values, *[filler] * (size - len(values))], kind)


def _runs(free: NDArray[np.bool_]) -> NDArray[np.uint8]:
    """Return how many free slots in a row begin at each slot."""
    runs = np.zeros(SLOTS + 1, np.uint8)
    for slot in range(SLOTS - 1, -1, -1):
        runs[slot] = runs[slot + 1] + 1 if free[slot] else 0
    return runs[:SLOTS]


assert len(LIFE_NAMES) == LIFE_PARAMETERS
assert TARGETS == 1 + PROJECTS + PEOPLE
assert len(TYPES) == 1 + ACTIVITIES
