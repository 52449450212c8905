"""Simulated people of several kinds, whose days are worth to them what no model of twind's says.

Each of FAMILIES is a factory for fidelity.py: `families:Linear`, `families:Lexicographic` and so on
take a seed and make a `twind.testing.SimulatedUser`. What they have in common is `Person`:
a job with meetings, projects that come up and fall due, friends, and habits that are worse than
the best they could do. They differ in what a day is worth to them and in how they behave towards a
twin. What an hour is to their taste they read off twind's own map of features, and questions they
answer as twind takes people to: by twice what an option holds for them, and luck. All luck is drawn
from the seed and the day, so that a day can be lived twice.
"""

from __future__ import annotations

import copy
import math
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import numpy as np

from twind.model import Attendee, CalendarEvent, Feedback, Project, Task
from twind.model import Person as Friend
from twind.preferences import catalogue, features
from twind.preferences.features import ACTIVITIES
from twind.testing import LivedBlock

ZONE = ZoneInfo("Europe/Berlin")
FIRST_DAY = date(2026, 3, 2)
QUARTERS = 96
REST, WORK, SOCIAL, LEARN, CREATE, EXERCISE, OUTDOORS, REFLECT, HELP, PLAN = range(10)
TITLES = (
    "Relax", "Office", "Coffee", "Study", "Drawing", "Gym", "Walk", "Meditation", "Volunteering",
    "Tidy up",
)  # fmt: skip
NAMES = ("Ada", "Ben", "Cleo", "Dan", "Eva", "Finn", "Gus", "Hanna")
SUBJECTS = (
    "Report", "Tax return", "Thesis", "Garden shed", "Application", "Talk", "Photo book", "Website",
    "Translation", "Survey",
)  # fmt: skip
PLANNED_DAYS = 400
"""Days after twind's first one up to which projects come up: a year and more."""
DRIFT_DAY = 21
"""Days after twind's first one, on which those who change do."""
TASTE_SD = 0.45
FRESH_H = 3.0
"""Hours a day of the same after which an hour of it is worth half as much."""
PROGRESS, MISSED, CONTACT = 0.8, 0.5, 1.0
"""Free hours that an hour on what is due within a week is worth, that an hour undone when it falls
due costs, and that meeting the closest friend is worth who was not met for long."""


@dataclass(frozen=True)
class Plan:
    """A project of the person's: when it comes up, when it is due, what it takes."""

    uid: str
    name: str
    begins: date
    due: date
    hours: float


class World:
    """A person's surroundings: the `Life` of twind.testing."""

    def __init__(self, seed, *, wake_h=7, bed_h=23, work=(9, 17)):
        rng = np.random.default_rng([seed, 1])
        self.seed, self.first_day = seed, FIRST_DAY
        self.wake, self.bed, self.work = wake_h * 4, bed_h * 4, (work[0] * 4, work[1] * 4)
        self.settings = {
            "profile": {"timezone": str(ZONE), "emails": ["me@example.org"]},
            "hours": {
                "sleep": f"{bed_h % 24:02}:00-{wake_h:02}:00",
                "quiet": f"{bed_h % 24:02}:00-{wake_h:02}:00",
                "work": {"mon-fri": f"{work[0]:02}:00-{work[1]:02}:00"},
            },
            "schedule": {"propose_at": f"{wake_h:02}:00"},
            "proposals": {"health": True, "mood": True},
        }
        self.closeness = dict(zip(NAMES, np.sort(rng.beta(1.5, 2.0, len(NAMES))), strict=True))
        self.plans = self._sample_plans(rng)
        self.done = {}  # when each plan was finished
        self.left = {plan.uid: plan.hours for plan in self.plans}
        self.met = {name: FIRST_DAY - timedelta(days=40) for name in NAMES}

    def _sample_plans(self, rng):
        plans, begins = [], FIRST_DAY - timedelta(days=35)
        while begins < FIRST_DAY + timedelta(days=PLANNED_DAYS):
            number = len(plans)
            due = begins + timedelta(days=int(rng.integers(4, 21)))
            name = f"{SUBJECTS[number % len(SUBJECTS)]} {number + 1}"
            plans.append(Plan(f"plan{number}", name, begins, due, float(rng.uniform(2.0, 10.0))))
            begins += timedelta(days=int(rng.integers(2, 7)))
        return plans

    def open_plans(self, day):
        """Return what there is to be done on a day, the most urgent first."""
        there = [
            plan
            for plan in self.plans
            if plan.begins <= day <= plan.due and self.left[plan.uid] > 0
        ]
        return sorted(there, key=lambda plan: plan.due)

    def meetings(self, day):
        """Return the quarters of a day that meetings take, as (first, end)."""
        if day.weekday() >= 5:
            return []
        rng = np.random.default_rng([self.seed, 2, day.toordinal()])
        starts = np.arange(self.work[0], self.work[1] - 4, 4)
        chosen = rng.choice(starts, int(rng.integers(0, 4)), replace=False)
        return sorted((int(start), int(start) + 4) for start in chosen)

    def records(self, now):
        """Return what calendar, tasks and contacts hold at this moment."""
        today = now.astimezone(ZONE).date()
        for name in NAMES:
            group = "Friends" if self.closeness[name] > 0.5 else "Colleagues"
            yield Friend(uid=name, name=name, emails=(address(name),), groups=(group,))
        for plan in self.plans:
            if plan.begins <= today:
                yield from self._tracked(plan, today)
        for offset in range(-60, 21):
            day = today + timedelta(days=offset)
            for first, end in self.meetings(day):
                yield CalendarEvent(
                    uid=f"meeting-{day}-{first}",
                    title="Team meeting",
                    start=at(day, first),
                    end=at(day, end),
                    organizer="boss@example.org",
                    attendees=(
                        Attendee(email="boss@example.org", status="accepted"),
                        Attendee(email="me@example.org", status="accepted"),
                    ),
                    categories=("work",),
                )

    def _tracked(self, plan, today):
        finished = self.done.get(plan.uid)
        over = finished is not None or plan.due < today
        yield Project(
            uid=plan.uid,
            name=plan.name,
            priority=0.6,
            deadline=at(plan.due, QUARTERS),
            status="active" if not over else "completed" if finished else "abandoned",
        )
        yield Task(
            uid=f"{plan.uid}-task",
            title=plan.name,
            project=plan.uid,
            status="done" if finished else "cancelled" if over else "open",
            due=at(plan.due, QUARTERS),
            created_at=at(plan.begins, 32),
            completed_at=finished,
            estimate_min=60.0 * plan.hours,
            spent_min=60.0 * (plan.hours - max(0.0, self.left[plan.uid])),
        )


def address(name):
    """Return a friend's mail address."""
    return f"{name.lower()}@example.org"


def at(day, quarter):
    """Return the moment of a quarter of an hour 0..96 of a day, in UTC."""
    midnight = datetime.combine(day, time(), ZONE)
    return (midnight + timedelta(minutes=15 * quarter)).astimezone(UTC)


class Person:
    """Somebody with tastes, to whom an hour is worth less the more of it the day has had.

    Their tastes are 75 strengths, one an aspect, which answers show; what an hour is worth by them
    is twind's to find out. Subclasses change what a day is worth and how proposals are met.
    """

    def __init__(self, seed, **hours):
        rng = np.random.default_rng([seed, 3])
        self.seed = seed
        self.life = World(seed, **hours)
        self.tastes = np.clip(rng.normal(0.0, TASTE_SD, len(catalogue.aspects())), -1.0, 1.0)
        self.worth = features.attribute_worth(self.tastes)
        # Habits follow taste a little, and are their own for the rest.
        liking = 0.5 * self.worth[: len(ACTIVITIES)] + rng.normal(0.0, 0.7, len(ACTIVITIES))
        liking[REST] += 1.5
        liking[WORK] = -3.0
        self.pull = np.exp(liking) / np.exp(liking).sum()
        self.before = None
        self.salt = ()

    # --- asked ---

    def answer(self, question):
        """Take the option that speaks most to them, with the noise that people have."""
        rng = self._luck(4, question.id)
        drawn = self.said() @ np.array([self._features(one) for one in question.options]).T
        return question.options[int(np.argmax(2.0 * drawn + rng.gumbel(size=len(drawn))))].id

    def said(self):
        """Return the strengths that their answers show, (75,)."""
        return self.tastes

    def _features(self, option):
        row = np.zeros(len(catalogue.aspects()))
        for code, weight in option.features.items():
            if code in catalogue.index_of():
                row[catalogue.index_of()[code]] = weight
        return row

    def energy(self, moment):
        """Say how they feel, lower towards the end of the day."""
        hour = moment.astimezone(ZONE).hour
        return float(np.clip(0.9 - 0.03 * (hour - self.life.wake / 4), 0.1, 1.0))

    # --- proposed to ---

    def review(self, day, proposals):
        """Accept what would make the day better, more or less."""
        accepted, said = [], []
        base = self.worth_of(day, self.imagine(day, ()))
        for proposal in proposals:
            with_it = self.worth_of(day, self.imagine(day, (*accepted, proposal)))
            chance = self.inclined(with_it - base, len(said))
            luck = self._luck(5, day.toordinal(), proposal.start.hour, len(said), *self.salt)
            if luck.random() < chance:
                accepted.append(proposal)
                base = with_it
                said.append(self._say(proposal, "accept"))
            else:
                said.append(self._say(proposal, "reject"))
        return said

    def inclined(self, gain, seen):  # noqa: ARG002 - for those who tire
        """Return how probably a proposal of this gain is accepted, the day having had so many."""
        return 1.0 / (1.0 + math.exp(-(3.0 * gain - 0.5)))

    def _say(self, proposal, action):
        return Feedback(
            proposal_id=proposal.id, action=action, at=proposal.start - timedelta(minutes=5)
        )

    # --- lived ---

    def live(self, day, accepted):
        """Live a day; what is left undone when it is due is missed."""
        blocks = self.imagine(day, accepted)
        life = self.life
        self.before = day, dict(life.left), dict(life.met)
        for block in blocks:
            for name in block.people:
                if name in life.met:
                    life.met[name] = day
            if block.project:
                life.left[block.project] -= hours_of(block)
                if life.left[block.project] <= 0 and block.project not in life.done:
                    life.done[block.project] = block.end
        return blocks

    def utility(self, blocks):
        """Return what the day just lived was worth, in free hours."""
        day, left, met = self.before
        return self.worth_of(day, blocks, left, met)

    def imagine(self, day, accepted):
        """Return the blocks that a day would have; nothing is changed by it."""
        life = self.life
        luck = self._luck(6, day.toordinal(), *self.salt)
        follows = luck.random(QUARTERS) < self.carries_out
        habit, whim = luck.random(24), luck.random(24)
        doing = [None] * QUARTERS
        for quarter in range(life.wake, min(life.bed, QUARTERS)):
            hour = quarter // 4
            doing[quarter] = self._by_habit(day, quarter, habit[hour], whim[hour])
        for proposal in accepted:
            first = quarter_of(day, proposal.start)
            if 0 <= first < QUARTERS and follows[first]:
                done = self._proposed(proposal)
                for quarter in range(first, min(QUARTERS, first + proposal.duration_min // 15)):
                    doing[quarter] = done
        for first, end in life.meetings(day):
            doing[first:end] = [(WORK, "boss", "", None)] * (end - first)
        return self._blocks(day, doing)

    def in_other_luck(self, number):
        """Return this person where days go, and words fall, otherwise by luck alone."""
        other = copy.deepcopy(self)
        other.salt = (number,)
        return other

    carries_out = 0.9
    """How probably what was accepted is done."""

    def _by_habit(self, day, quarter, habit, whim):
        life = self.life
        if day.weekday() < 5 and life.work[0] <= quarter < life.work[1]:
            plans = life.open_plans(day)
            # The nearer it is due, the likelier they are at it.
            if plans and whim < 0.6 / (1.0 + (plans[0].due - day).days):
                return WORK, "", plans[0].uid, None
            return (REST, "", "", None) if habit < 0.12 else (WORK, "", "", None)
        activity = int(np.searchsorted(np.cumsum(self.pull), habit))
        if activity == SOCIAL:
            return SOCIAL, NAMES[int(whim * len(NAMES))], "", None
        return min(activity, len(ACTIVITIES) - 1), "", "", None

    def _proposed(self, proposal):
        person, project = "", ""
        if proposal.target is not None and proposal.target.kind == "person":
            person = proposal.target.name
        elif proposal.target is not None:
            project = next(
                (one.uid for one in self.life.plans if one.name == proposal.target.name), ""
            )
        return ACTIVITIES.index(proposal.action), person, project, proposal.id

    def _blocks(self, day, doing):
        blocks, first = [], 0
        for quarter in range(1, QUARTERS + 1):
            if quarter < QUARTERS and doing[quarter] == doing[first]:
                continue
            if doing[first] is not None:
                activity, person, project, proposal_id = doing[first]
                title = TITLES[activity] + (f" with {person}" if person in NAMES else "")
                blocks.append(
                    LivedBlock(
                        start=at(day, first),
                        end=at(day, quarter),
                        activity=ACTIVITIES[activity],
                        title=title,
                        people=(person,) if person else (),
                        project=project,
                        proposal_id=proposal_id,
                        noted=person != "boss" and proposal_id is None,
                    )
                )
            first = quarter
        return blocks

    # --- what it is worth ---

    def worth_of(self, day, blocks, left=None, met=None):
        """Return what a day of these blocks is worth, with what was left and who was met before."""
        left = self.life.left if left is None else left
        met = self.life.met if met is None else met
        return (
            self.enjoyed(day, blocks)
            + self.achieved(day, blocks, left)
            + self.met(day, blocks, met)
        )

    def enjoyed(self, day, blocks):
        """Return what the hours were worth by taste; of the same, each hour is worth less."""
        by_activity = np.zeros(len(ACTIVITIES))
        total = np.zeros(len(self.worth))
        for block in blocks:
            total += self.describe(day, block)
            by_activity[ACTIVITIES.index(block.activity)] += hours_of(block)
        fresh = np.where(by_activity > 0, FRESH_H / (FRESH_H + by_activity), 1.0)
        own = self.worth[: len(ACTIVITIES)] * total[: len(ACTIVITIES)] * fresh
        return float(own.sum() + 0.5 * self.worth[len(ACTIVITIES) :] @ total[len(ACTIVITIES) :])

    def describe(self, day, block):
        """Return a block's attributes in hours."""
        hours = hours_of(block)
        first = quarter_of(day, block.start)
        lead = np.inf
        if block.project:
            due = next(plan.due for plan in self.life.plans if plan.uid == block.project)
            lead = float((due - day).days)
        close = [self.life.closeness.get(name, 0.1) for name in block.people]
        return features.attributes(
            features.Block(
                activity=ACTIVITIES.index(block.activity),
                hours=hours,
                hour=first / 4 + hours / 2,
                people=len(close),
                closeness=float(np.mean(close)) if close else 0.0,
                lead_days=lead,
                planned=1.0 if block.people == ("boss",) else 0.0,
            )
        )

    def achieved(self, day, blocks, left):
        """Return what was won by work on what is due within a week, less what was missed."""
        won, left = 0.0, dict(left)
        for block in blocks:
            if block.project:
                done = min(max(left[block.project], 0.0), hours_of(block))
                left[block.project] -= done
                won += PROGRESS * done
        missed = sum(max(0.0, left[plan.uid]) for plan in self.life.plans if plan.due == day)
        return won - MISSED * missed

    def met(self, day, blocks, met):
        """Return what it was worth to see people: more, the closer and the longer not met."""
        seen = {name for block in blocks for name in block.people if name in met}
        return CONTACT * sum(
            self.life.closeness[name] * min(1.0, (day - met[name]).days / 14) for name in seen
        )

    def _luck(self, *of):
        return np.random.default_rng([self.seed, *of])


def hours_of(block):
    """Return a block's length."""
    return (block.end - block.start).total_seconds() / 3600


def quarter_of(day, moment):
    """Return the quarter of an hour of a day that a moment lies in."""
    return int((moment - at(day, 0)).total_seconds() // 900)


# --- the kinds of people -------------------------------------------------------------------------


class Linear(Person):
    """To whom every hour is worth what the first one is."""

    def enjoyed(self, day, blocks):
        """Return what the hours were worth by taste, added up."""
        total = np.sum([self.describe(day, block) for block in blocks], axis=0)
        return float(0.5 * self.worth @ total)


class Lexicographic(Person):
    """Deadlines first, whatever it costs; only then anything else."""

    def worth_of(self, day, blocks, left=None, met=None):
        """Return what a day is worth: taste hardly counts as long as something is due."""
        left = self.life.left if left is None else left
        rest = super().worth_of(day, blocks, left, met)
        return 3.0 * self.achieved(day, blocks, left) + 0.2 * rest


class Habitual(Person):
    """To whom the usual is worth most: what differs from habit has to be much better."""

    def inclined(self, gain, seen):
        """Return how probably a proposal is accepted: seldom."""
        return super().inclined(gain - 0.6, seen)

    def enjoyed(self, day, blocks):
        """Return what the hours were worth; an hour that somebody else thought of, less."""
        strange = sum(hours_of(block) for block in blocks if block.proposal_id is not None)
        return super().enjoyed(day, blocks) - 0.3 * strange


class Noisy(Person):
    """Who would not say the same tomorrow: a quarter of what they say is luck."""

    def inclined(self, gain, seen):
        """Return how probably a proposal is accepted, and how not."""
        return 0.25 + 0.5 * super().inclined(gain, seen)


class Drifting(Person):
    """Whose tastes are others from the twenty-second day on."""

    drift_day = DRIFT_DAY

    def live(self, day, accepted):
        """Live a day; on one of them everything is suddenly otherwise."""
        blocks = super().live(day, accepted)
        if day == self.life.first_day + timedelta(days=DRIFT_DAY - 1):
            rng = self._luck(7)
            self.tastes = np.where(rng.random(len(self.tastes)) < 0.5, -self.tastes, self.tastes)
            self.worth = features.attribute_worth(self.tastes)
        return blocks


class Tiring(Person):
    """Who is less and less moved by suggestions, the more there have been of late."""

    def __init__(self, seed, **hours):
        super().__init__(seed, **hours)
        self.seen_on = []

    def review(self, day, proposals):
        """Accept less, the more was proposed within a week."""
        self.seen_on = [one for one in self.seen_on if (day - one).days < 7]
        said = super().review(day, proposals)
        self.seen_on += [day] * len(proposals)
        return said

    def inclined(self, gain, seen):
        """Return how probably a proposal is accepted."""
        return super().inclined(gain - 0.05 * (len(self.seen_on) + seen), seen)


class Lazy(Person):
    """Who answers little and ignores most."""

    def answer(self, question):
        """Skip four questions of five."""
        return "skip" if self._luck(8, question.id).random() < 0.8 else super().answer(question)

    def review(self, day, proposals):
        """Say nothing to most of what is proposed, and do nothing about it."""
        said = super().review(day, proposals)
        silent = self._luck(9, day.toordinal()).random(len(said)) < 0.6
        return [None if quiet else one for quiet, one in zip(silent, said, strict=True)]


class Contradictory(Person):
    """Whose answers say whom they would like to be, and whose days say who they are."""

    def said(self):
        """Return what they say of themselves."""
        return 0.3 * self.tastes + self._luck(10).normal(0.0, TASTE_SD, len(self.tastes))


class Ordinary(Person):
    """Whose pleasures diminish within a day, and who means what they say."""


class ShiftWorker(Person):
    """Who works late and sleeps into the morning."""

    def __init__(self, seed):
        super().__init__(seed, wake_h=9, bed_h=24, work=(15, 23))


FAMILIES = (
    Ordinary, Linear, Lexicographic, Habitual, Noisy, Drifting, Tiring, Lazy, ShiftWorker,
    Contradictory,
)  # fmt: skip
