"""A person's life at one moment, as plain data: what the simulated day starts from.

`DataPipeline` makes one from the database, `lives.sample_life` invents one; the dynamics, the
planner and the explanations read nothing else. All arrays over a day have SLOTS entries, one a
quarter of an hour of the *wall clock*, from midnight to midnight in the snapshot's zone.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any, Literal
from zoneinfo import ZoneInfo

import numpy as np

from twind import clock
from twind.preferences import features
from twind.preferences.catalogue import EFFECTS, aspects
from twind.rl.spaces import PEOPLE, PROJECTS, SLOT_MIN, SLOTS, TYPES

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date, datetime

    from numpy.typing import ArrayLike, NDArray

SOME_DAYS = 3.0
"""Days since an activity was last done of which nothing is known."""

KINDS = ("project", "habit", "learning", "decision")
WORK = features.ACTIVITIES.index("work")
SOCIAL = features.ACTIVITIES.index("social")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class DayPlan:
    """One day's hard limits and events. Build it with `day_plan`, which fills in defaults.

    Attributes:
        date: the local date.
        weekday: 0 for Monday … 6.
        busy: (SLOTS,) bool: a busy event runs.
        event_activity: (SLOTS,) int8: what the event is, an index into ACTIVITIES; -1 where none.
        event_people: (SLOTS,) float: how many others take part in the event that runs.
        event_closeness: (SLOTS,) float in 0..1: how close they are, on average.
        meetings: (person id, first slot, end slot) for each known person at an event.
        allowed: (SLOTS,) bool: neither sleep nor quiet hours.
        work: (SLOTS,) bool: working hours.
        asleep: (SLOTS,) bool: sleeping hours.

    """

    date: date
    weekday: int
    busy: NDArray[np.bool_]
    event_activity: NDArray[np.int8]
    event_people: NDArray[np.float64]
    event_closeness: NDArray[np.float64]
    meetings: tuple[tuple[int, int, int], ...]
    allowed: NDArray[np.bool_]
    work: NDArray[np.bool_]
    asleep: NDArray[np.bool_]

    @property
    def free(self) -> NDArray[np.bool_]:
        """Where something can be proposed: allowed, awake and not busy, shape (SLOTS,)."""
        return self.allowed & ~self.asleep & ~self.busy


def day_plan(
    day: date,
    *,
    allowed: ArrayLike,
    work: ArrayLike,
    busy: ArrayLike | None = None,
    asleep: ArrayLike | None = None,
    event_activity: ArrayLike | None = None,
    event_people: ArrayLike | None = None,
    event_closeness: ArrayLike | None = None,
    meetings: Sequence[tuple[int, int, int]] = (),
) -> DayPlan:
    """Return a day's plan from arrays of SLOTS entries each; see DayPlan for what they mean.

    Defaults: nothing busy; asleep where not allowed; an event is work in working hours, social
    elsewhere when others take part, and otherwise of no particular activity. Raises ValueError for
    an array of another length.
    """
    is_busy = _of_slots(busy, np.bool_, False)
    is_allowed = _of_slots(allowed, np.bool_, True)
    is_work = _of_slots(work, np.bool_, False)
    people = _of_slots(event_people, np.float64, 0.0)
    if event_activity is None:
        activity = np.where(is_work, WORK, np.where(people > 0, SOCIAL, -1)).astype(np.int8)
    else:
        activity = _of_slots(event_activity, np.int8, -1)
    return DayPlan(
        date=day,
        weekday=day.weekday(),
        busy=is_busy,
        event_activity=np.where(is_busy, activity, -1).astype(np.int8),
        event_people=people,
        event_closeness=_of_slots(event_closeness, np.float64, 0.0),
        meetings=tuple(meetings),
        allowed=is_allowed,
        work=is_work,
        asleep=~is_allowed if asleep is None else _of_slots(asleep, np.bool_, False),
    )


def _of_slots(values: ArrayLike | None, kind: type, default: float) -> NDArray[Any]:
    array: NDArray[Any] = (
        np.full(SLOTS, default, kind) if values is None else np.array(values, kind)
    )
    if array.shape != (SLOTS,):
        raise ValueError(f"a day has {SLOTS} slots, not {array.shape}")
    array.setflags(write=False)
    return array


@dataclass(frozen=True, slots=True, kw_only=True)
class ProjectState:
    """A project as it stands.

    Attributes:
        id: its row in `workflows`.
        name: what the user calls it.
        kind: one of KINDS.
        priority: 0 (someday) to 1 (above all else).
        remaining_h: hours of normal work still to do; 0 for none.
        deadline_h: hours from midnight of day 0 (negative: past); infinity for none.
        progress: 0..1.
        off_hours: whether it may be worked on outside working hours too.
        estimate_ratio: how many times their estimates the user needs for its tasks; `remaining_h`
            has that in it already. 1 where it has no estimated tasks.

    """

    id: int
    name: str
    kind: Literal["project", "habit", "learning", "decision"] = "project"
    priority: float = 0.5
    remaining_h: float = 0.0
    deadline_h: float = math.inf
    progress: float = 0.0
    off_hours: bool = False
    estimate_ratio: float = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class PersonState:
    """A person as they stand to the user.

    Attributes:
        id: the row in `entities`.
        name: what the user calls them.
        closeness: 0..1.
        days_since: days since the last contact; where unknown, give `cadence_days`.
        cadence_days: how often the two usually meet, above 0.

    """

    id: int
    name: str
    closeness: float = 0.3
    days_since: float = 30.0
    cadence_days: float = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class LifeParameters:
    """How this person's days work: population priors, replaced by what has been fitted.

    The first ten are the baselines of catalogue.EFFECTS, by the same names and in that order: what
    holds for somebody without traits. The traits believed of the user move them from there. All
    defaults are chosen to give plausible days unless a source is named.
    """

    switch_cost: float = 0.06
    """Hours lost by changing to another demanding thing."""
    start_friction: float = 0.12
    """Probability that what was accepted and is not pressing is not begun."""
    load_sensitivity: float = 0.30
    """Cognitive load added by an hour of fully demanding effort at normal depth."""
    recovery: float = 1.0
    """Speed of recovery; 1 for the average person."""
    social_energy: float = 0.0
    """Energy an hour of company gives (above 0) or takes."""
    focus_gain: float = 0.35
    """How much more a fully focused hour achieves than a normal one."""
    completion: float = 2.5
    """Log odds that an accepted hour is carried through once begun."""
    acceptance: float = 0.3
    """Log odds that a proposal of no particular worth is taken up."""
    lead_time: float = 3.0
    """Days before a deadline at which its pull on the user is half of what it is at the end."""
    risk_price: float = 0.5
    """Neutral free hours an hour of uncertain outcome is felt to be worth less."""

    chronotype_h: float = 0.0
    """Shift of the body clock: negative for early risers, positive for late ones."""
    interruption_cost: float = 0.04
    """What a proposal costs whatever becomes of it, in neutral free hours: to read it, decide, and
    find back to what one was doing. Chosen: two and a half minutes, for a day's come together."""
    proposal_fatigue: float = 0.25
    """Log odds of acceptance lost with each proposal already made today."""
    interruptions_per_h: float = 0.25
    """Small interruptions in an hour of effort (Mark, Gudith & Klocke 2008 see far more in
    offices; these are the ones that cost a whole quarter of an hour)."""
    unplanned_per_day: float = 0.4
    """Events nobody planned, on an average day."""
    duty_per_h: float = 0.5
    """Price of an hour of leisure in working hours beyond the breaks."""
    break_h: float = 1.25
    """Hours of breaks in working hours that nobody minds."""
    max_proposals: float = 4.0
    """Hard limit of proposals a day."""

    def as_array(self) -> NDArray[np.float64]:
        """Return the parameters in the order of their declaration, shape (18,)."""
        return np.array([getattr(self, item.name) for item in fields(self)], np.float64)


@dataclass(frozen=True, slots=True)
class Fitted:
    """Something of the user's own, and what it would be if nothing were known of them.

    name: a field of LifeParameters, or of how long things take (durations.Durations). evidence: how
    many things tell of it; without any the two are equal.
    """

    name: str
    value: float
    population: float
    evidence: int


LIFE_NAMES = tuple(item.name for item in fields(LifeParameters))
assert LIFE_NAMES[: len(EFFECTS)] == EFFECTS


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Belief:
    """A Gaussian belief about the user.

    Attributes:
        names: D names: the 75 aspects' codes, the four parts of the reward, then "person:<id>" and
            "project:<id>" in any order.
        mean: (D,). Aspects in [-1, 1] or so; parts around 1; persons and projects in neutral free
            hours an hour.
        covariance: (D, D), symmetric, positive semi-definite.

    """

    names: tuple[str, ...]
    mean: NDArray[np.float64]
    covariance: NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Snapshot:
    """Everything the simulated day starts from.

    Attributes:
        profile_id: the row in `profile`.
        start: now, aware, in UTC.
        zone: IANA name of the user's time zone.
        slot: the slot of `start` on day 0, 0..SLOTS-1; earlier ones have passed.
        days: day 0 and those after it, at least one; HORIZON_DAYS of them are used.
        projects: any number, in any order.
        people: any number, in any order.
        belief: about the user.
        habits: (2, SLOTS, 11): on workdays and at weekends, how probably the user left alone does
            nothing in particular (0) or each of the ten activities; rows sum to 1.
        life: the parameters of this person's days.
        energy: now, 0..1.
        load: cognitive load now, 0..1.
        fitted: what is known of `life` and from how much, for those who ask.
        days_since_done: days since each of the ten activities was last done; 3 where nobody knows,
            so that it is no change.

    """

    profile_id: int
    start: datetime
    zone: str
    slot: int
    days: tuple[DayPlan, ...]
    projects: tuple[ProjectState, ...]
    people: tuple[PersonState, ...]
    belief: Belief
    habits: NDArray[np.float64]
    life: LifeParameters = field(default_factory=LifeParameters)
    energy: float = 0.7
    load: float = 0.1
    fitted: tuple[Fitted, ...] = ()
    days_since_done: tuple[float, ...] = (SOME_DAYS,) * len(features.ACTIVITIES)

    def __post_init__(self) -> None:
        size = len(self.belief.names)
        fixed = len(aspects()) + len(features.PARTS)
        if self.start.tzinfo is None:
            raise ValueError("a snapshot starts at an aware time")
        if not self.days or not 0 <= self.slot < SLOTS:
            raise ValueError("a snapshot needs a day, and a slot of it to start in")
        if self.habits.shape != (2, SLOTS, len(TYPES)):
            raise ValueError(f"habits of shape {self.habits.shape}, not {(2, SLOTS, len(TYPES))}")
        if len(self.days_since_done) != len(features.ACTIVITIES):
            raise ValueError(f"{len(self.days_since_done)} activities last done, not ten")
        if size < fixed or self.belief.mean.shape != (size,):
            raise ValueError(f"a belief about {size} things with means {self.belief.mean.shape}")
        if self.belief.covariance.shape != (size, size):
            raise ValueError(f"a covariance of shape {self.belief.covariance.shape} for {size}")

    def instant(self, day: int, slot: int) -> datetime:
        """Return the UTC instant at which a slot of a day begins; `slot` may be SLOTS."""
        return clock.local_time(self.days[day].date, slot * SLOT_MIN, ZoneInfo(self.zone))


@dataclass(frozen=True, slots=True)
class Shortlist:
    """Which projects and people could matter these days, as places in the snapshot's tuples."""

    projects: tuple[int, ...]
    people: tuple[int, ...]


def need_per_day(project: ProjectState, now_h: float) -> float:
    """Return the hours a day a project needs from `now_h` (hours from midnight of day 0) on.

    What is due within a day, or past due, needs all its remaining hours in one.
    """
    if math.isinf(project.deadline_h):
        return 0.0
    return project.remaining_h / max(1.0, (project.deadline_h - now_h) / 24.0)


def shortlist(snapshot: Snapshot, projects: int = PROJECTS, people: int = PEOPLE) -> Shortlist:
    """Return the projects and people the agent is shown, at most so many of each.

    The rule. Projects with something left to do, those that need most first: hours left divided by
    the days left (at least one), times 0.3 + 0.7 x priority; of those that need equally much
    (having no deadline, say) the higher priority first. People by how overdue they are (days since
    the last contact by their cadence, at most 3) times their closeness. Ties go to the lower id.
    """
    now_h = snapshot.slot * SLOT_MIN / 60
    open_ones = [i for i, project in enumerate(snapshot.projects) if project.remaining_h > 0]
    open_ones.sort(
        key=lambda i: (
            -_press(snapshot.projects[i], now_h),
            -snapshot.projects[i].priority,
            snapshot.projects[i].id,
        )
    )
    everyone = sorted(
        range(len(snapshot.people)),
        key=lambda i: (-_pull(snapshot.people[i]), snapshot.people[i].id),
    )
    return Shortlist(tuple(open_ones[:projects]), tuple(everyone[:people]))


def _press(project: ProjectState, now_h: float) -> float:
    return need_per_day(project, now_h) * (0.3 + 0.7 * project.priority)


def _pull(person: PersonState) -> float:
    return min(3.0, person.days_since / person.cadence_days) * person.closeness
