"""Plain rules that a learned policy has to beat: over batches of observations, always legal.

Each rule is a function `choose(obs) -> actions`: `obs` maps the names of `twind.rl.spaces` to
arrays with a leading axis of N days, `actions` is (N, 4) of int64. A rule sees what the policy
sees and nothing else, and has no luck in it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from twind.preferences.features import (
    AHEAD_DAYS,
    ATTRIBUTES,
    EARLY_BEFORE_H,
    LATE_AFTER_H,
    PRESSED_DAYS,
)
from twind.rl.spaces import (
    DURATIONS_MIN,
    INTENSITIES,
    LEAVE,
    PROJECTS,
    TARGETS,
    TYPES,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

    Obs = Mapping[str, NDArray[np.float32]]
    Choose = Callable[[Obs], NDArray[np.int64]]

REST, WORK, SOCIAL = (TYPES.index(name) for name in ("rest", "work", "social"))
DEEP, LIGHT, NORMAL = (INTENSITIES.index(name) for name in ("deep", "light", "normal"))
DEMANDING = [TYPES.index(name) for name in ("work", "learn", "create", "exercise", "plan")]
HOURS = np.array(DURATIONS_MIN, np.float32) / 60.0
PROJECT_TARGETS = slice(1, 1 + PROJECTS)
PEOPLE_TARGETS = slice(1 + PROJECTS, TARGETS)
PREFER_WORK = 1e-3
"""Settles in favour of work which type serves a project that several could."""
INTERRUPTION_H = 0.04
"""What a proposal costs the user whatever comes of it, in neutral free hours (LifeParameters)."""


class Projects(NamedTuple):
    """The columns of `obs["projects"]` in their own units, each (N, PROJECTS)."""

    present: NDArray[np.bool_]
    priority: NDArray[np.float32]
    left_h: NDArray[np.float32]
    due_days: NDArray[np.float32]  # infinity for none
    need_h: NDArray[np.float32]  # hours a day
    affinity: NDArray[np.float32]
    touched: NDArray[np.bool_]


class People(NamedTuple):
    """The columns of `obs["people"]` in their own units, each (N, PEOPLE)."""

    present: NDArray[np.bool_]
    closeness: NDArray[np.float32]
    overdue: NDArray[np.float32]  # days since the last contact by the cadence; 1 is due
    affinity: NDArray[np.float32]
    met: NDArray[np.bool_]


class Merits(NamedTuple):
    """What the greedy rule thinks; a type is worth its own hour's worth and its target's.

    Attributes:
        types: neutral free hours an hour of each type is worth, (N, types); nothing for leaving.
        targets: what its target adds, (N, targets).
        hours: how long each type is best done for, (N, types).
        intensity: the best of the intensities, (N,), an index.

    """

    types: NDArray[np.float32]
    targets: NDArray[np.float32]
    hours: NDArray[np.float32]
    intensity: NDArray[np.int64]


def nothing(obs: Obs) -> NDArray[np.int64]:
    """Leave all time to the user."""
    return np.zeros((len(obs["clock"]), 4), np.int64)


def earliest_deadline(obs: Obs) -> NDArray[np.int64]:
    """Work on what is due next (Jackson's rule, 1955), as long as possible; else leave."""
    projects = _projects(obs)
    due = np.where(projects.present & (projects.left_h > 0), projects.due_days, np.inf)
    scores = np.full((len(due), len(TYPES), TARGETS), -np.inf)
    scores[:, 1:, PROJECT_TARGETS] = np.where(np.isfinite(due), -due, -np.inf)[:, None]
    scores[:, WORK] += PREFER_WORK
    hours = np.full(scores.shape[:2], HOURS[-1])
    return _legal(obs, scores, hours, np.full(len(due), NORMAL))


def urgency(obs: Obs) -> NDArray[np.int64]:
    """Do what is most urgent by a polynomial like Taskwarrior's; else leave.

    Coefficients and the ramp before a deadline are those of Taskwarrior's `urgency` (due 12,
    priority 6, active 4, being part of a project 1; a due date counts 0.2 two weeks ahead and 1 a
    week past). A person overdue for contact is due likewise, with closeness for priority. What
    scores under `0.2 * 12 + 1`, the least of anything due at all, is left alone.
    """
    projects, people = _projects(obs), _people(obs)
    due = np.where(np.isfinite(projects.due_days), _ramp((14.0 - projects.due_days) / 21.0), 0.0)
    work = 1.0 + 12.0 * due + 6.0 * projects.priority + 4.0 * projects.touched
    work = np.where(projects.present & (projects.left_h > 0), work, -np.inf)
    meet = 1.0 + 12.0 * _ramp((people.overdue - 1.0) / 2.0) + 6.0 * people.closeness
    meet = np.where(people.present & (people.overdue > 1.0) & ~people.met, meet, -np.inf)
    scores = np.full((len(work), len(TYPES), TARGETS), -np.inf)
    scores[:, 1:, PROJECT_TARGETS] = work[:, None]
    scores[:, WORK] += PREFER_WORK
    scores[:, SOCIAL, PEOPLE_TARGETS] = meet
    scores[scores < 0.2 * 12.0 + 1.0] = -np.inf
    hours = np.full(scores.shape[:2], HOURS[-1])
    hours[:, SOCIAL] = 1.0
    return _legal(obs, scores, hours, np.full(len(work), NORMAL))


def greedy(obs: Obs) -> NDArray[np.int64]:
    """Do what `merits` expects to be worth most per hour; leave when nothing is worth anything.

    Myopic: it sees no hour but the next.
    """
    merit = merits(obs)
    worth = merit.types[:, :, None] + merit.targets[:, None, :]
    scores = np.where(worth > 0.0, worth, -np.inf)
    scores[:, LEAVE] = -np.inf
    return _legal(obs, scores, merit.hours, merit.intensity)


def merits(obs: Obs) -> Merits:
    """Return what the greedy rule thinks of every choice, from the belief about the next hour.

    The worth of an hour is the sum of the reward's parts at their believed weights: what its
    attributes are worth (with the affinity to its target), what it does for a deadline, for a
    neglected person, and for an empty battery, less the interruption spread over its length.
    """
    weights = np.maximum(obs["parts"][:, :4], 0.0)
    hours = _greedy_hours(obs)
    types = weights[:, 1:2] * _energy(obs) - INTERRUPTION_H / hours
    types[:, 1:] += weights[:, :1] * (obs["worth"][:, : len(TYPES) - 1] + _by_time(obs)[:, None])
    targets = weights[:, :1] * _by_target(obs)
    targets[:, PROJECT_TARGETS] += weights[:, 3:4] * _progress(obs)
    targets[:, PEOPLE_TARGETS] += weights[:, 2:3] * _relationships(obs)
    return Merits(types, targets, hours, _depth(obs))


RULES: dict[str, Choose] = {
    "nothing": nothing,
    "earliest_deadline": earliest_deadline,
    "urgency": urgency,
    "greedy": greedy,
}
"""The field, by the names under which scores are kept."""


# --- reading the observation ---------------------------------------------------------------------


def _projects(obs: Obs) -> Projects:
    rows = obs["projects"]
    due = rows[..., 3] * 14.0
    return Projects(
        present=rows[..., 0] > 0.5,
        priority=rows[..., 1],
        left_h=rows[..., 2] * 20.0,
        due_days=np.where(rows[..., 3] < 1.0 - 1e-6, due, np.float32(np.inf)),
        need_h=rows[..., 6] * 8.0,
        affinity=rows[..., 7],
        touched=rows[..., 9] > 0.5,
    )


def _people(obs: Obs) -> People:
    rows = obs["people"]
    return People(
        present=rows[..., 0] > 0.5,
        closeness=rows[..., 1],
        overdue=rows[..., 3] * 3.0,
        affinity=rows[..., 4],
        met=rows[..., 6] > 0.5,
    )


def _hour(obs: Obs) -> NDArray[np.float32]:
    """Return the hour of the day, (N,), 0..24."""
    angle = np.arctan2(obs["clock"][:, 0], obs["clock"][:, 1])
    return np.mod(angle / np.float32(2.0 * np.pi) * np.float32(24.0), np.float32(24.0))


def _ramp(share: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return Taskwarrior's factor for what is due: 0.2 far away (0) to 1 well past (1)."""
    return np.float32(0.2) + np.float32(0.8) * np.clip(share, 0.0, 1.0)


def _attribute(obs: Obs, name: str) -> NDArray[np.float32]:
    return obs["worth"][:, ATTRIBUTES.index(name)]


# --- the greedy rule's parts, per hour -----------------------------------------------------------


def _by_time(obs: Obs) -> NDArray[np.float32]:
    """Return what an unplanned hour is worth for its time of day, (N,)."""
    hour = _hour(obs)
    worth = _attribute(obs, "unplanned") + np.where(
        hour < EARLY_BEFORE_H, _attribute(obs, "early"), np.float32(0.0)
    )
    return worth + np.where(hour >= LATE_AFTER_H, _attribute(obs, "late"), np.float32(0.0))


def _by_target(obs: Obs) -> NDArray[np.float32]:
    """Return what an hour is worth for whom or what it is spent with or on, (N, targets)."""
    projects, people = _projects(obs), _people(obs)
    ahead = (projects.due_days > AHEAD_DAYS) & np.isfinite(projects.due_days)
    pressed = projects.due_days <= PRESSED_DAYS
    worth = np.repeat(_attribute(obs, "alone")[:, None], TARGETS, 1)
    worth[:, PROJECT_TARGETS] += (
        projects.affinity
        + ahead * _attribute(obs, "ahead")[:, None]
        + pressed * _attribute(obs, "pressed")[:, None]
    )
    worth[:, PEOPLE_TARGETS] = (
        people.affinity
        + _attribute(obs, "together")[:, None]
        + people.closeness * _attribute(obs, "close")[:, None]
    )
    return worth


def _energy(obs: Obs) -> NDArray[np.float32]:
    """Return what an hour of each type does for someone as tired and loaded as this, (N, types)."""
    tired = np.clip(0.5 - obs["self"][:, 0], 0.0, 0.5)
    loaded = np.clip(obs["self"][:, 1] - 0.4, 0.0, 0.6)
    change = np.zeros((len(tired), len(TYPES)), np.float32)
    change[:, DEMANDING] = -(tired + loaded)[:, None]
    change[:, REST] = tired + loaded
    return change


def _relationships(obs: Obs) -> NDArray[np.float32]:
    """Return what an hour with each person does for someone not met for long, (N, PEOPLE)."""
    people = _people(obs)
    due = np.clip(people.overdue - 0.8, 0.0, 2.0) * people.closeness
    return np.where(people.present & ~people.met, due, np.float32(0.0))


def _progress(obs: Obs) -> NDArray[np.float32]:
    """Return what an hour does for each deadline, (N, PROJECTS): its pace asked, by priority."""
    projects = _projects(obs)
    pace = np.clip(projects.need_h / 2.0, 0.0, 1.5) * (0.3 + 0.7 * projects.priority)
    return np.where(projects.present & (projects.left_h > 0), pace, np.float32(0.0))


def _greedy_hours(obs: Obs) -> NDArray[np.float32]:
    """Return how long to do each type for, (N, types): long when rested, rest in short pieces."""
    rested = obs["self"][:, 0] - obs["self"][:, 1] > 0.3
    hours = np.ones((len(rested), len(TYPES)), np.float32)
    hours[:, WORK] = np.where(rested, 1.5, 0.75)
    hours[:, REST] = 0.5
    return hours


def _depth(obs: Obs) -> NDArray[np.int64]:
    """Return the intensity the user is believed to like best, (N,); light when tired."""
    deep, light = _attribute(obs, "deep"), _attribute(obs, "light")
    liked = np.where((deep > 0.05) & (deep > light), DEEP, np.where((light > 0.05), LIGHT, NORMAL))
    return np.where(obs["self"][:, 0] < 0.3, LIGHT, liked)


# --- making it legal -----------------------------------------------------------------------------


def _legal(
    obs: Obs,
    scores: NDArray[np.floating],
    hours: NDArray[np.floating],
    intensity: NDArray[np.int64],
) -> NDArray[np.int64]:
    """Return the legal action with the best score; leave where none has one.

    scores: (N, types, targets), minus infinity for "not that". hours: (N, types), wished for; the
    nearest legal duration is taken. intensity: (N,), wished for; the nearest legal one is taken.
    """
    count = len(scores)
    batch = np.arange(count)
    allowed = (obs["mask_type"] > 0.5)[:, :, None] & (obs["mask_target"] > 0.5)
    masked = np.where(allowed, scores, -np.inf).reshape(count, -1)
    best = masked.argmax(1)
    types, targets = np.divmod(best, TARGETS)
    idle = ~np.isfinite(masked[batch, best]) | (types == LEAVE)
    types = np.where(idle, LEAVE, types)
    targets = np.where(idle, 0, targets)
    wished = np.abs(HOURS - hours[batch, types][:, None])
    durations = _nearest(wished, obs["mask_duration"][batch, types])
    depths = _nearest(
        np.abs(np.arange(len(INTENSITIES)) - intensity[:, None]),
        obs["mask_intensity"][batch, types],
    )
    actions = np.stack([types, targets, durations, depths], 1)
    actions[idle, 2:] = _first_legal(obs, idle)
    return actions.astype(np.int64)


def _first_legal(obs: Obs, rows: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Return the first legal duration and intensity of leaving, (rows, 2)."""
    return np.stack(
        [
            obs["mask_duration"][rows, LEAVE].argmax(1),
            obs["mask_intensity"][rows, LEAVE].argmax(1),
        ],
        1,
    )


def _nearest(distance: NDArray[np.floating], mask: NDArray[np.float32]) -> NDArray[np.int64]:
    nearest: NDArray[np.int64] = np.where(mask > 0.5, distance, np.inf).argmin(1)
    return nearest
