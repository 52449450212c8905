"""Plain rules that a learned policy has to beat: over batches of observations, always legal.

Each rule is a function `choose(obs) -> actions`: `obs` maps the names of `twind.rl.spaces` to
arrays with a leading axis of N days, `actions` is (N, 4) of int64. A rule sees what the policy
sees and nothing else, and has no luck in it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

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

    Obs = Mapping[str, NDArray[Any]]
    Choose = Callable[[Obs], NDArray[np.int64]]

WORK, SOCIAL = (TYPES.index(name) for name in ("work", "social"))
NORMAL = INTENSITIES.index("normal")
HOURS = np.array(DURATIONS_MIN, np.float32) / 60.0
PROJECT_TARGETS = slice(1, 1 + PROJECTS)
PEOPLE_TARGETS = slice(1 + PROJECTS, TARGETS)
PREFER_WORK = 1e-3
"""Settles in favour of work which type serves a project that several could."""
LEAST, DEARER = 0.2, 0.1
"""Neutral free hours an hour that make a proposal worth while, and what each one made today adds.
Chosen from a grid on 1,280 simulated lives that serve for nothing else; the return is flat around
it."""


class Projects(NamedTuple):
    """The columns of `obs["projects"]` in their own units, each (N, PROJECTS)."""

    present: NDArray[np.bool_]
    priority: NDArray[np.floating]
    left_h: NDArray[np.floating]
    due_days: NDArray[np.floating]  # infinity for none
    touched: NDArray[np.bool_]


class People(NamedTuple):
    """The columns of `obs["people"]` in their own units, each (N, PEOPLE)."""

    present: NDArray[np.bool_]
    closeness: NDArray[np.floating]
    overdue: NDArray[np.floating]  # days since the last contact by the cadence; 1 is due
    met: NDArray[np.bool_]


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
    """Do what is believed to be worth most per hour, where that is enough; else leave.

    Enough is LEAST more than what the user is expected to do with the hour by themselves, and
    DEARER more for each proposal that the day has had. The worths are the advice in the observation
    (see twind.rl.observe): Bayesian, for the belief's means are what a risk-neutral choice goes by,
    and myopic, for it sees no hour but the next.
    """
    advice = obs["advice_types"]
    by_themselves = (obs["usual"] * advice[:, 1:]).sum(axis=1)
    proposed = obs["self"][:, 5] * 5.0
    enough = by_themselves + LEAST + DEARER * proposed
    scores = np.full((len(advice), len(TYPES), TARGETS), -np.inf)
    scores[:] = np.where(advice > enough[:, None], advice, -np.inf)[:, :, None]
    # Among a type's targets the best counts; how much better it is, the type has in it already.
    targets = obs["advice_targets"]
    scores += 1e-6 * (targets - targets.max(axis=1, keepdims=True))[:, None, :]
    scores[:, LEAVE] = -np.inf
    depth = np.rint(obs["advice_depth"][:, 0]).astype(np.int64)
    return _legal(obs, scores, obs["advice_hours"], depth)


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
        touched=rows[..., 9] > 0.5,
    )


def _people(obs: Obs) -> People:
    rows = obs["people"]
    return People(
        present=rows[..., 0] > 0.5,
        closeness=rows[..., 1],
        overdue=rows[..., 3] * 3.0,
        met=rows[..., 6] > 0.5,
    )


def _ramp(share: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return Taskwarrior's factor for what is due: 0.2 far away (0) to 1 well past (1)."""
    return np.float32(0.2) + np.float32(0.8) * np.clip(share, 0.0, 1.0)


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
