"""What the rows tell of the user's own parameters: from rows to the evidence that `fitting` weighs.

Only what the database can really tell counts. When a task was done is known where its source has
more than a date; that something which was accepted was not done, only where it would have ended a
step within its time. Nothing tells of small interruptions, of breaks, or of what changing from one
thing to another costs: they stay the population's.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TYPE_CHECKING

import numpy as np

from twind import reviewed
from twind.clock import local_midnight
from twind.preferences.features import ACTIVITIES
from twind.preferences.observations import repeat_weight
from twind.rl import durations, fitting, population
from twind.rl.body import DEMAND
from twind.rl.lived import Body, Spell, put_together
from twind.rl.snapshot import LIFE_NAMES, Fitted, LifeParameters
from twind.rl.spaces import SLOTS
from twind.rl.world import EFFECT, P_COMPLETION, P_FRICTION, P_LEAD, WORK
from twind.rl.worth import OVERDUE_DAYS
from twind.store import checkins, jobs, life, proposals, sources

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import date, datetime

    from numpy.typing import NDArray

    from twind.model import Proposal
    from twind.reader import Reader
    from twind.rl.durations import Durations
    from twind.rl.fitting import BodyFit
    from twind.settings import HourRange
    from twind.store.checkins import CheckIn

CHECKINS_FOR = timedelta(days=120)
"""How long a check-in tells how somebody is: bodies change with the seasons."""
SETTLING = timedelta(days=3)
"""How long before the first of them life is lived through: by then, how it began is forgotten."""
TASKS_FOR = timedelta(days=365)
WORKED_AT_MOST = timedelta(hours=2)
"""How much of the time before a task was done is taken to have been spent on it."""


@dataclass(frozen=True, slots=True)
class Personal:
    """The user's own parameters and how they are, as far as the rows tell."""

    life: LifeParameters
    energy: float
    load: float
    fitted: tuple[Fitted, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Days:
    """What the user's days are like.

    Attributes:
        sleep: when they sleep.
        asleep: (SLOTS,), the same by slot.
        habits: as Snapshot has them.
        values: (REDUCED,), the mean of what is believed of them.
        most: proposals a day at most, by the settings.

    """

    sleep: HourRange
    asleep: NDArray[np.bool_]
    habits: NDArray[np.float64]
    values: NDArray[np.float64]
    most: int


def know(
    reader: Reader,
    days: Days,
    projects: Sequence[life.ProjectRow],
    lengths: Durations,
    spells: Iterable[Spell],
) -> Personal:
    """Return what is known of the user. spells: events, from `lived_since` on, in their zone."""
    average = replace(
        population.of_sleeper(days.sleep.start / 60.0, days.sleep.end / 60.0),
        max_proposals=float(days.most),
    )
    willing = reviewed.willing(reader)
    own, told_by = _from_doing(reader, days, projects, lengths, average)
    own = replace(own, acceptance=average.acceptance + willing.odds)
    told = _checkins(reader)
    first = _local_day(reader, lived_since(reader))
    stretch = put_together(
        first,
        (reader.local.date() - first).days * SLOTS + _slot(reader.local),
        days.asleep,
        days.habits,
        [*worked(reader, projects, lengths), *spells],
    )
    slots = {one.id: stretch.slot_of(one.at.astimezone(reader.zone)) for one in told}
    fit = _fit(Body(stretch, days.values), [(slots[one.id], one.energy) for one in told], own)
    told_by |= dict.fromkeys(fitting.BODY, fit.evidence)
    told_by["acceptance"] = willing.evidence
    today = [one for one in told if _local_day(reader, one.at) == reader.local.date()]
    energy, load = _now(Body(stretch, days.values), fit, slots, today)
    return Personal(
        fit.life,
        energy,
        load,
        (
            *(
                Fitted(name, getattr(fit.life, name), getattr(average, name), told_by.get(name, 0))
                for name in LIFE_NAMES
            ),
            *lengths.fitted(),
        ),
    )


def lived_since(reader: Reader) -> datetime:
    """Return from when on it matters what the user did."""
    told = _checkins(reader)
    first = min((one.at for one in told), default=reader.now)
    return local_midnight(_local_day(reader, first - SETTLING), reader.zone)


def _local_day(reader: Reader, moment: datetime) -> date:
    return moment.astimezone(reader.zone).date()


def _slot(local: datetime) -> int:
    return (local.hour * 60 + local.minute) * SLOTS // (24 * 60)


# --- the body ------------------------------------------------------------------------------------


def _checkins(reader: Reader) -> list[CheckIn]:
    since = reader.now - CHECKINS_FOR
    found = checkins.load(reader.db, reader.profile_id, since)
    return [one for one in found if one.at <= reader.now]


def _fit(body: Body, told: Iterable[tuple[int, float]], average: LifeParameters) -> BodyFit:
    said = fitting.by_hour(told)
    slots = np.array([slot for slot, _ in said], np.int64)
    return fitting.fit_body(
        lambda own: body.live(own)[0][slots],
        np.array([energy for _, energy in said]),
        slots // SLOTS,
        average,
    )


def _now(
    body: Body, fit: BodyFit, slots: dict[int, int], today: Sequence[CheckIn]
) -> tuple[float, float]:
    """Return energy and load now: from today's last check-in, and what was lived since."""
    energy, load = body.live(fit.life)
    if today:
        last = max(today, key=lambda one: one.id)
        at = slots[last.id]
        energy, load = body.live(fit.life, at, fit.lift(last.energy, float(energy[at])))
    return float(energy[-1]), float(load[-1])


def worked(
    reader: Reader, projects: Iterable[life.ProjectRow], lengths: Durations
) -> Iterator[Spell]:
    """Yield the time before each task that was done, as long as it took or such a task takes."""
    since = reader.now - CHECKINS_FOR
    for project in projects:
        for step in project.steps:
            at = step.completed_at
            if not step.completed or at is None or not since <= at <= reader.now:
                continue
            local = at.astimezone(reader.zone)
            # A source that has only a date gives midnight or noon.
            if (local.hour, local.minute, local.second) in {(0, 0, 0), (12, 0, 0)}:
                continue
            hours = lengths.hours(step, project.id)
            if step.spent_min is not None:
                hours = step.spent_min / 60.0
            yield Spell(local - min(WORKED_AT_MOST, timedelta(hours=hours)), local, WORK)


# --- what becomes of what is to be done ----------------------------------------------------------


def took(projects: Iterable[life.ProjectRow]) -> Iterator[durations.Took]:
    """Yield how long each thing took that is done, where its source tells."""
    for project in projects:
        for step in project.steps:
            if step.completed and step.spent_min:
                yield durations.Took(
                    project.id, bool(step.series), step.spent_min, step.estimate_min or 0.0
                )


def _from_doing(
    reader: Reader,
    days: Days,
    projects: Sequence[life.ProjectRow],
    lengths: Durations,
    average: LifeParameters,
) -> tuple[LifeParameters, dict[str, int]]:
    """Return the parameters that follow from what was done when, and how much tells of each."""
    waits = list(_waits(reader, projects))
    follow_ups = list(_follow_ups(reader, projects, lengths))
    by_day = _unplanned(reader)
    moved = np.clip(days.values[EFFECT:], -1.0, 1.0)
    friction, completion = fitting.fit_follow_through(
        follow_ups,
        average.start_friction,
        average.completion,
        (float(moved[P_FRICTION]), float(moved[P_COMPLETION])),
    )
    own = replace(
        average,
        lead_time=fitting.fit_lead_time(waits, average.lead_time, float(moved[P_LEAD])),
        start_friction=friction,
        completion=completion,
        unplanned_per_day=fitting.fit_unplanned(by_day, average.unplanned_per_day),
    )
    return own, {
        "lead_time": len(waits),
        "start_friction": len(follow_ups),
        "completion": len(follow_ups),
        "unplanned_per_day": len(by_day),
    }


def _waits(reader: Reader, projects: Iterable[life.ProjectRow]) -> Iterator[fitting.Wait]:
    """Yield how long before it was due each task was done or left open, habits left out.

    What was due on one day and done on another was one sitting, and counts as such.
    """
    found = []
    sittings: Counter[tuple[date, date]] = Counter()
    for project in projects:
        for step in project.steps:
            if step.due is None or step.created_at is None or step.series or step.recurrence:
                continue
            if step.done and (not step.completed or step.completed_at is None):
                continue  # cancelled, or nobody knows when
            until = step.completed_at or reader.now
            begin = max(step.created_at, step.start or step.created_at)
            if reader.now - TASKS_FOR <= until <= reader.now and begin <= min(until, step.due):
                sitting = (_local_day(reader, step.due), _local_day(reader, until))
                sittings[sitting] += 1
                found.append((begin, step.due, until, step.completed, sitting))
    for begin, due, until, done, sitting in found:
        yield fitting.Wait(
            from_days=_days(begin, due),
            until_days=max(-OVERDUE_DAYS, _days(until, due)),
            done=done,
            weight=repeat_weight(sittings[sitting]),
        )


def _days(since: datetime, until: datetime) -> float:
    return (until - since).total_seconds() / 86_400.0


def _follow_ups(
    reader: Reader, projects: Iterable[life.ProjectRow], lengths: Durations
) -> Iterator[fitting.FollowUp]:
    """Yield what was accepted, where the rows tell whether it was done."""
    steps = {step.id: (step, project) for project in projects for step in project.steps}
    over = local_midnight(reader.local.date(), reader.zone)
    for one in proposals.each(reader.db, reader.profile_id, status="accepted"):
        promised = _promised(one)
        if promised not in steps or one.end > over:
            continue
        step, project = steps[promised]
        hours = min(one.duration_min / 60.0, lengths.hours(step, project.id))
        done = _was_done(reader, one, step, lengths.hours(step, project.id))
        if done is not None:
            yield fitting.FollowUp(
                hours=hours,
                demand=float(DEMAND[ACTIVITIES.index(one.action)]),
                pressing=step.due is not None and step.due - one.start <= timedelta(days=1),
                done=done,
            )


def _promised(one: Proposal) -> int | None:
    """Return the step that a proposal was to begin with."""
    rows = (row for reason in one.reasons if reason.kind == "deadline" for row in reason.evidence)
    return next((row["id"] for row in rows if row.get("table") == "workflow_steps"), None)


def _was_done(reader: Reader, one: Proposal, step: life.StepRow, hours: float) -> bool | None:
    """Tell whether an accepted proposal's step was done that day; None where nobody knows.

    One time of a habit is done or missed. Any other step may well have been worked on without being
    finished, unless its own estimate has room in the time proposed.
    """
    day = _local_day(reader, one.start)
    completed = step.completed_at if step.completed else None
    if completed is not None and _local_day(reader, completed) == day:
        return True
    if step.series:
        over = step.due - timedelta(seconds=1) if step.missed and step.due else None
        return False if over is not None and _local_day(reader, over) == day else None
    if step.estimate_min is None or hours > one.duration_min / 60.0:
        return None
    if completed is not None:
        return False if completed > one.end else None
    return None if step.done else False


# --- what nobody planned -------------------------------------------------------------------------


def _unplanned(reader: Reader) -> list[int]:
    """Return how many events came up on their own day, on each day on which twind was looking.

    That is a day on which the morning's proposals were made, after a source's very first sync: that
    one brings everything at once.
    """
    first = {
        source: _local_day(reader, at)
        for source, at in sources.first_synced(reader.db, reader.profile_id).items()
    }
    today = reader.local.date().isoformat()
    looked = {key.partition(":")[2] for key in jobs.done_keys(reader.db, "propose:")}
    looked = {day for day in looked if day < today}
    if not looked:
        return []
    since = local_midnight(_local_day(reader, reader.now - TASKS_FOR), reader.zone)
    counts: Counter[str] = Counter()
    calendars = set()
    for event in life.events(reader.db, reader.profile_id, since, reader.now):
        calendars.add(event.source)
        day = _local_day(reader, event.start)
        if (
            event.takes_time
            and not event.all_day
            and first[event.source] < day == _local_day(reader, event.first_seen_at)
            and event.first_seen_at < event.end
        ):
            counts[day.isoformat()] += 1
    begin = min((first[one] for one in calendars), default=None)
    if begin is None:
        return []
    return [counts[day] for day in sorted(looked) if begin.isoformat() < day]
