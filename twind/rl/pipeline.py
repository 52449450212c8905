"""`DataPipeline`: from the rows of the database to the simulated day's initial state.

Relationships come from `entities`, `entity_attributes` and the calendar, projects from `workflows`
and their steps, preferences from the posterior over all evidence (earlier `patterns` are its
prior), habits from what was lived, the user's own parameters from what tells of them (`personal`).
Rows of other profiles are never read.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np

from twind import evidence, proposed, settings
from twind.clock import Clock, SystemClock, local_midnight, local_time
from twind.closeness import cadence_days
from twind.errors import EmptyProfileError
from twind.model import HORIZON_DAYS
from twind.preferences import detectors
from twind.preferences.features import ACTIVITIES
from twind.reader import Reader
from twind.rl import durations, personal
from twind.rl.candidates import PACE
from twind.rl.lived import Spell
from twind.rl.snapshot import (
    KINDS,
    SOME_DAYS,
    Belief,
    DayPlan,
    PersonState,
    ProjectState,
    Snapshot,
    day_plan,
)
from twind.rl.spaces import SLOT_MIN, SLOTS
from twind.rl.world import reduce_belief
from twind.store import Store, life, proposals

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Mapping, Sequence
    from zoneinfo import ZoneInfo

    from numpy.typing import NDArray

    from twind.model import Proposal
    from twind.rl.durations import Durations
    from twind.settings import HourRange, TwindSettings

UNTOLD_PROJECT_H = 10.0
"""Hours a project without tasks takes from beginning to end. Chosen."""
LONGEST_BUSY = timedelta(hours=16)
"""What takes longer at a stretch, as an event of whole days does, is not how the day was spent."""
SAME_DEADLINE_DAYS = 2.0
"""Tasks due within so many days of the next deadline are part of it."""
WORK_CONTEXTS = frozenset({"work", "office", "job"})
DEFAULT_PRIORITY = 0.5


@dataclass(frozen=True, slots=True)
class Busy:
    """A stretch of time that is taken: an event, or a proposal that was accepted."""

    start: datetime
    end: datetime
    activity: int
    people: int
    closeness: float
    person_ids: tuple[int, ...]

    def spell(self, zone: ZoneInfo) -> Spell:
        """Return it as something that was done, by the wall clock."""
        start, end = self.start.astimezone(zone), self.end.astimezone(zone)
        return Spell(start, end, self.activity, self.people)


class DataPipeline:
    """Reads a profile out of a database.

    db: a plain `sqlite3` connection (which gains twind's tables) or a `Store`. configuration: hours
    and time zone; the defaults unless given. clock: tells which day is the first.
    """

    def __init__(
        self,
        db: sqlite3.Connection | Store,
        configuration: TwindSettings | None = None,
        clock: Clock | None = None,
    ) -> None:
        self.store = db if isinstance(db, Store) else Store.adopt(db, clock)
        self.settings = settings.parse({}) if configuration is None else configuration
        self.clock = clock or (db.clock if isinstance(db, Store) else SystemClock())

    def reader(self, profile_id: int) -> Reader:
        """Return the view of the database that evidence is collected through."""
        zone, emails = self.settings.zone, self.settings.emails
        return Reader(self.store, profile_id, zone, emails, self.clock.now())

    def snapshot(self, profile_id: int = 1, *, withhold_reviews: bool = False) -> Snapshot:
        """Return the profile's life as of now, with the fortnight ahead.

        withhold_reviews: learn nothing from the reviews that a new model is judged by.

        Raises EmptyProfileError when nothing at all is known of the profile.
        """
        if life.is_empty(self.store, profile_id):
            raise EmptyProfileError(
                f"profile {profile_id} is empty: sync a calendar, tasks or contacts, or answer "
                "some questions (twind ask) first"
            )
        reader = replace(self.reader(profile_id), withholds=withhold_reviews)
        belief = evidence.believe(reader)
        now = reader.now.astimezone(reader.zone)
        today = now.date()
        close = {
            person.id: evidence.closeness(person, reader.local)
            for person in evidence.people(reader)
        }
        midnight = local_midnight(today, reader.zone)
        horizon = local_midnight(today + timedelta(days=HORIZON_DAYS), reader.zone)
        taken = self._taken(reader, close, midnight, horizon)
        lived = evidence.history(reader)
        taken_up = self._taken_up(reader)
        habits = detectors.habits(lived, last=today - timedelta(days=1))
        believed = Belief(
            names=belief.names,
            mean=belief.posterior.mean.copy(),
            covariance=belief.posterior.covariance.copy(),
        )
        every = life.projects(self.store, profile_id, active=False)
        lengths = durations.learn(personal.took(every))
        own = personal.know(
            reader,
            personal.Days(
                sleep=self.settings.hours.sleep,
                asleep=within(self.settings.hours.sleep),
                habits=habits,
                values=reduce_belief(believed, [], [])[0],
                most=self.settings.proposals.max_per_day,
            ),
            every,
            lengths,
            self._spells(reader, close, personal.lived_since(reader)),
        )
        return Snapshot(
            profile_id=profile_id,
            start=reader.now,
            zone=str(reader.zone),
            slot=(now.hour * 60 + now.minute) // SLOT_MIN,
            days=tuple(
                self._day(today + timedelta(days=offset), taken) for offset in range(HORIZON_DAYS)
            ),
            projects=tuple(self._projects(reader, every, lengths, today)),
            people=tuple(self._people(reader, taken_up)),
            belief=believed,
            habits=habits,
            life=own.life,
            energy=own.energy,
            load=own.load,
            fitted=own.fitted,
            days_since_done=_days_since_done(lived, taken_up, reader),
        )

    def ahead(
        self, snapshot: Snapshot, hours: Mapping[int, float]
    ) -> tuple[Snapshot, frozenset[int]]:
        """Return a snapshot in which so many hours have gone into steps, and which are then done.

        hours: by the step's row, as they are proposed (`standing.hours_taken`).
        """
        if not hours:
            return snapshot, frozenset()
        reader = self.reader(snapshot.profile_id)
        every = life.projects(self.store, snapshot.profile_id, active=False)
        lengths = durations.learn(personal.took(every))
        worked = {
            step.id: _worked_on(step, hours[step.id], lengths.hours(step, project.id))
            for project in every
            for step in project.steps
            if step.id in hours
        }
        today = snapshot.days[0].date
        projects = tuple(self._projects(reader, every, lengths, today, worked))
        done = frozenset(row for row, step in worked.items() if step.done)
        return replace(snapshot, projects=projects), done

    # --- days ------------------------------------------------------------------------------------

    def _taken_up(self, reader: Reader) -> list[Proposal]:
        """Return what was accepted and is over: most of it was done, though no calendar says so."""
        accepted = proposals.each(self.store, reader.profile_id, status="accepted", brief=True)
        return [one for one in accepted if one.end <= reader.now]

    def _taken(
        self, reader: Reader, close: dict[int, float], start: datetime, end: datetime
    ) -> list[Busy]:
        """Return what takes time between two moments."""
        found = []
        for event in life.events(self.store, reader.profile_id, start, end):
            if not event.takes_time:
                continue
            others = event.others(reader.emails)
            people, closeness = evidence.company(event, others, close)
            activity = detectors.classify(event.title, others, event.categories)
            found.append(
                Busy(
                    event.start,
                    event.end,
                    -1 if activity is None else activity,
                    others,
                    closeness,
                    people,
                )
            )
        accepted = proposals.load(self.store, reader.profile_id, status="accepted", brief=True)
        for proposal in accepted:
            if proposal.end > start and proposal.start < end:
                person = proposal.target or None
                ids = (person.id,) if person and person.kind == "person" else ()
                found.append(
                    Busy(
                        proposal.start,
                        proposal.end,
                        proposed.block_of(proposal, reader.zone).activity,
                        len(ids),
                        close.get(ids[0], 0.0) if ids else 0.0,
                        ids,
                    )
                )
        return found

    def _spells(self, reader: Reader, close: dict[int, float], since: datetime) -> Iterable[Spell]:
        """Yield how the time from a moment until now was spent, as far as the calendar tells."""
        for block in self._taken(reader, close, since, reader.now):
            if block.end - block.start <= LONGEST_BUSY:
                yield block.spell(reader.zone)

    def _day(self, day: date, taken: Iterable[Busy]) -> DayPlan:
        hours = self.settings.hours
        asleep = within(hours.sleep)
        quiet = within(*hours.quiet)
        work = within(*hours.work[day.weekday()])
        busy = np.zeros(SLOTS, bool)
        activity = np.full(SLOTS, -1)
        people, closeness = np.zeros(SLOTS), np.zeros(SLOTS)
        meetings = []
        edges = slot_edges(day, self.settings.zone)
        for block in taken:
            first, last = slots_of(block, edges)
            if first >= last:
                continue
            busy[first:last] = True
            activity[first:last] = block.activity
            people[first:last] = block.people
            closeness[first:last] = block.closeness
            meetings += [(person, first, last) for person in block.person_ids]
        return day_plan(
            day,
            allowed=~(asleep | quiet),
            work=work,
            busy=busy,
            asleep=asleep & ~busy,
            event_activity=activity,
            event_people=people,
            event_closeness=closeness,
            meetings=meetings,
        )

    # --- projects and people ---------------------------------------------------------------------

    def _projects(
        self,
        reader: Reader,
        every: Sequence[life.ProjectRow],
        lengths: Durations,
        today: date,
        worked: Mapping[int, life.StepRow] | None = None,
    ) -> Iterable[ProjectState]:
        """Yield the open projects; worked: steps as they will be, by row, that are not so yet."""
        midnight = local_midnight(today, reader.zone)
        wholes = {one.parent for one in every}
        learning = {one.id for one in every if one.kind == "learning"}
        for one in life.projects(self.store, reader.profile_id):
            if one.id in wholes and not one.steps:
                continue  # what is made of parts alone is worked on in them
            project = one
            if worked:
                project = replace(one, steps=tuple(worked.get(s.id, s) for s in one.steps))
            # A habit that is a part of learning something is learning.
            kind = "learning" if project.parent in learning else project.kind
            due = evidence.deadline(project, reader.now)
            deadline_h = np.inf if due is None else (due - midnight).total_seconds() / 3600
            steps = [step for step in project.steps if not step.done]
            startable = [s for s in steps if s.start is None or s.start <= reader.now]
            yield ProjectState(
                id=project.id,
                name=project.name,
                kind=kind if kind in KINDS else "project",  # type: ignore[arg-type]
                priority=_priority(project, startable),
                remaining_h=_remaining_h(project, startable, due, lengths),
                deadline_h=float(deadline_h),
                progress=_progress(project),
                off_hours=not any(WORK_CONTEXTS.intersection(s.contexts) for s in project.steps),
                estimate_ratio=lengths.ratio.of(project.id)
                if any(step.estimate_min is not None for step in startable)
                else 1.0,
            )

    def _people(self, reader: Reader, taken_up: Iterable[Proposal]) -> Iterable[PersonState]:
        met = {
            one.target.id: (reader.now - one.end) / timedelta(days=1)
            for one in sorted(taken_up, key=lambda one: one.end)
            if one.target is not None and one.target.kind == "person"
        }
        for person in evidence.people(reader):
            close = evidence.closeness(person, reader.local)
            cadence = cadence_days(person.meetings, reader.local, close)
            contact = evidence.days_since(person, reader.now)
            since = [days for days in (contact, met.get(person.id)) if days is not None]
            yield PersonState(
                id=person.id,
                name=person.name,
                closeness=close,
                days_since=min(since, default=cadence),
                cadence_days=cadence,
            )


def within(*spans: HourRange) -> NDArray[np.bool_]:
    """Return which quarters of a day these stretches of the wall clock touch, shape (SLOTS,)."""
    minutes = np.array(
        [any(span.contains(minute) for span in spans) for minute in range(24 * 60)], bool
    )
    return np.asarray(minutes.reshape(SLOTS, SLOT_MIN).any(axis=1), bool)


def slot_edges(day: date, zone: ZoneInfo) -> NDArray[np.float64]:
    """Return the instants at which a local day's slots begin and the last ends, (SLOTS + 1,).

    In seconds since 1970. By the wall clock, as `Snapshot.instant`: on the day of a change of the
    clocks the slot before the repeated hour holds that hour too, and those of a skipped hour lie
    over the next.
    """
    return np.array(
        [local_time(day, slot * SLOT_MIN, zone).timestamp() for slot in range(SLOTS + 1)]
    )


def slots_of(block: Busy, edges: NDArray[np.float64]) -> tuple[int, int]:
    """Return the slots [first, last) that a stretch of time touches; (0, 0) for none."""
    start, end = block.start.timestamp(), block.end.timestamp()
    touched = np.flatnonzero((start < edges[1:]) & (end > edges[:-1]))
    return (int(touched[0]), int(touched[-1]) + 1) if len(touched) else (0, 0)


def _remaining_h(
    project: life.ProjectRow, steps: list[life.StepRow], due: datetime | None, lengths: Durations
) -> float:
    """Return the hours that are left, up to the next deadline where there is one."""
    if not project.steps:
        return UNTOLD_PROJECT_H * (1.0 - _progress(project))
    if due is not None and any(step.due for step in steps):
        limit = due + timedelta(days=SAME_DEADLINE_DAYS)
        steps = [step for step in steps if step.due is not None and step.due <= limit]
    return sum(
        lengths.hours(step, project.id) * (1.0 - _share(step.progress or 0.0)) for step in steps
    )


def _worked_on(step: life.StepRow, hours: float, whole_h: float) -> life.StepRow:
    """Return a step as it will be when so many hours have gone into it.

    One that nobody has estimated is done then: whoever has begun it knows better.
    """
    share = hours * PACE / whole_h if step.estimate_min and whole_h > 0.0 else 1.0
    progress = min(1.0, _share(step.progress or 0.0) + share)
    return replace(step, progress=progress, done=step.done or progress >= 1.0)


def _progress(project: life.ProjectRow) -> float:
    if project.progress is not None:
        return _share(project.progress)
    # What was missed is neither done nor left to do.
    steps = [step for step in project.steps if not step.missed]
    return sum(step.done for step in steps) / len(steps) if steps else 0.0


def _share(told: float) -> float:
    return min(1.0, max(0.0, told if told <= 1 else told / 100))


def _days_since_done(
    lived: detectors.History, taken_up: Iterable[Proposal], reader: Reader
) -> tuple[float, ...]:
    """Return for each activity how many days ago it was last done, as far as is known."""
    done = [(block.activity, block.start_local.date()) for block in lived.blocks]
    done += [
        (ACTIVITIES.index(one.action), one.start.astimezone(reader.zone).date()) for one in taken_up
    ]
    last: dict[int | None, date] = {}
    for activity, day in done:
        last[activity] = max(day, last.get(activity, day))
    today = reader.local.date()
    return tuple(
        float((today - last[activity]).days) if activity in last else SOME_DAYS
        for activity in range(len(ACTIVITIES))
    )


def _priority(project: life.ProjectRow, steps: list[life.StepRow]) -> float:
    if project.priority is not None:
        scale = 1.0 if project.priority <= 1 else 5.0 if project.priority <= 5 else 10.0
        return min(1.0, max(0.0, project.priority / scale))
    told = [step.priority for step in steps if step.priority is not None]
    return max(told, default=DEFAULT_PRIORITY)
