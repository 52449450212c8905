"""The search that knows: proposals by somebody who looks at what a day is really worth to somebody.

By twind's own limits (`everything`), and refused as any other. It is the far end of fidelity.py's
scale, and where it is not told the day's luck, what no planner could do better than.
"""

from __future__ import annotations

import copy
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta

import numpy as np

CANDIDATES = 200
"""What the search looks at for each of its proposals, drawn from all there is."""
LUCKS = 6
"""Days of other luck on which who knows no more than tastes tries a plan out."""
ROUNDING = 1e-9
"""Of what a day is worth, in whatever unit, so much may be the arithmetic's."""
LENGTHS_MIN = (60, 120)
EVERY_SLOTS = 2
"""What could be proposed begins on the half hour."""


def luck_of(seed, day):
    """Return the luck of the search itself on a day."""
    return np.random.default_rng([seed, day.toordinal()])


def best_proposals(user, day, rng, lucks=None, *, today=True):
    """Return proposals for a day, each the best of CANDIDATES beside those before it.

    lucks: people to whom a plan is to be worth most, on average; the user, and so the very luck of
    the day, unless given. today: as `everything` has it.
    """
    chosen, possible = [], everything(user, day, today=today)

    def judged(plan):
        return np.mean([imagined(one, day, plan) for one in lucks or [user]])

    best = judged(chosen)
    for _ in range(settings_of(user).proposals.max_per_day):
        looked_at = [possible[i] for i in rng.permutation(len(possible))[:CANDIDATES]]
        free = [one for one in looked_at if not any(clash(one, other) for other in chosen)]
        worth = [judged([*chosen, one]) for one in free]
        top = max(worth, default=best)
        if top - best <= ROUNDING * max(abs(top), abs(best)):
            break
        best = top
        chosen.append(free[int(np.argmax(worth))])
    return sorted(chosen, key=lambda one: one.start)


def in_other_lucks(user):
    """Return the person on LUCKS other days; None for who does not say how those would go."""
    other = getattr(user, "in_other_luck", None)
    return [other(number) for number in range(LUCKS)] if other else None


def inclinations(user, day, proposals, times):
    """Return of each proposal how often somebody accepts it, and how often they answer at all.

    Asked so often, in other luck; empty for who does not say how that would be.
    """
    other = getattr(user, "in_other_luck", None)
    if other is None or not proposals:
        return []
    said = [other(LUCKS + number).review(day, proposals) for number in range(times)]
    return [
        (sum(map(accepts, words)), sum(map(answers, words))) for words in zip(*said, strict=True)
    ]


def accepts(word):
    """Tell whether what somebody says to a proposal is a yes."""
    return word is not None and word.action in ("accept", "edit")


def answers(word):
    """Tell whether it is a yes or a no: who puts it off has said neither."""
    return accepts(word) or (word is not None and word.action == "reject")


def taken_up(proposals, said):
    """Return what somebody takes up of proposals, each as they have edited it."""
    return [_edited(one, word) for one, word in zip(proposals, said, strict=True) if accepts(word)]


def _edited(proposal, word):
    if word.action != "edit":
        return proposal
    start = proposal.start if word.start is None else word.start.astimezone(UTC)
    length = word.duration_min or proposal.duration_min
    return replace(
        proposal, start=start, end=start + timedelta(minutes=length), duration_min=length
    )


def added(user, day, proposals):
    """Return what proposals would add to a day, as far as somebody takes them up."""
    other = copy.deepcopy(user)  # who is asked may not be the same afterwards
    taken = taken_up(proposals, other.review(day, proposals))
    return imagined(other, day, taken) - imagined(other, day, ())


def imagined(user, day, accepted):
    """Return what a day would be worth to somebody; they do not live it."""
    return lived(copy.deepcopy(user), day, accepted)[0]


def apart(one, other):
    """Tell whether two proposals leave each other the time."""
    return one.end <= other.start or other.end <= one.start


def clash(one, other):
    """Tell whether two cannot be proposed on one day.

    At the same time, or the same thing twice, or twice for the time of one person.
    """
    person = one.target is not None and one.target.kind == "person"
    alike = one.target == other.target and (person or one.action == other.action)
    return alike or not apart(one, other)


def everything(user, day, *, today=True):
    """Return all that could be proposed on a day: types, targets, hours and two lengths.

    Within the limits that twind keeps to as well: neither in sleep nor in quiet hours, nor over an
    event; nobody is asked for their time at night; working hours are for projects and plans, work
    is for a project and what is learnt for is one of learning; nothing of what is proposed to those
    alone who have switched it on. Nor is the same thing proposed twice a day (`clash`).

    today: whether it is for the day on which it is proposed, when it is too late for the time
    before `schedule.propose_at`.
    """
    from twind.rl.spaces import SLOT_MIN, SLOTS

    settings = settings_of(user)
    records = list(user.life.records(moment_of(day, 0, settings.zone)))
    free, works = _hours(settings, day, records, today=today)
    kinds, found = _kinds(records), []
    for slot in range(0, SLOTS, EVERY_SLOTS):
        for length in LENGTHS_MIN:
            end = slot + length // SLOT_MIN
            if end <= SLOTS and free[slot:end].all():
                found += [
                    _proposal(activity, target, day, slot * SLOT_MIN, length, settings.zone)
                    for activity, target in kinds
                    if _may_be(activity, target, working=works[slot:end].any())
                ]
    return _numbered(_allowed(found, settings))


def _hours(settings, day, records, *, today):
    """Return in which slots of a day something can be proposed, and which are working hours."""
    from twind.model import CalendarEvent
    from twind.rl.candidates import LEAD_SLOTS
    from twind.rl.pipeline import slot_edges, slots_of, within
    from twind.rl.spaces import SLOT_MIN

    hours = settings.hours
    free = ~within(hours.sleep, *hours.quiet)
    edges = slot_edges(day, settings.zone)
    for one in records:
        if isinstance(one, CalendarEvent) and one.busy and one.status != "cancelled":
            free[slice(*slots_of(one, edges))] = False
    if today:
        free[: settings.schedule.propose_at // SLOT_MIN + LEAD_SLOTS] = False
    return free, within(*hours.work[day.weekday()])


def _kinds(records):
    """Return what could be proposed at all: (type, target) pairs."""
    from twind.model import Person, Project, Target
    from twind.preferences.features import ACTIVITIES

    people = [one for one in records if isinstance(one, Person)]
    projects = [one for one in records if isinstance(one, Project) and one.status == "active"]
    kinds = [(activity, None) for activity in ACTIVITIES if activity != "work"]
    kinds += [
        (
            "learn" if one.kind == "learning" else "work",
            Target(kind="project", id=row, name=one.name),
        )
        for row, one in enumerate(projects)
    ]
    kinds += [
        (activity, Target(kind="person", id=row, name=one.name))
        for activity in ("social", "help")
        for row, one in enumerate(people)
    ]
    return kinds


def _may_be(activity, target, *, working):
    return not working or activity == "plan" or (target is not None and target.kind == "project")


def _allowed(found, settings):
    """Return what twind's own plans could hold of some proposals."""
    from twind.jobs.propose import unasked
    from twind.rl.candidates import Limits

    rows = np.array([_row(one, settings.zone) for one in found], int).reshape(-1, 5)
    allowed = Limits(without=unasked(settings)[0]).allow(rows)
    return [one for one, may in zip(found, allowed, strict=True) if may]


def _row(proposal, zone):
    """Return a proposal as a plan has it; which person or project it is for, limits do not ask."""
    from twind.rl.spaces import DURATIONS_MIN, INTENSITIES, PROJECTS, SLOT_MIN, TYPES

    start = proposal.start.astimezone(zone)
    kind = proposal.target.kind if proposal.target is not None else ""
    return (
        (start.hour * 60 + start.minute) // SLOT_MIN,
        TYPES.index(proposal.action),
        {"": 0, "project": 1, "person": 1 + PROJECTS}[kind],
        DURATIONS_MIN.index(proposal.duration_min),
        INTENSITIES.index(proposal.intensity),
    )


def _numbered(proposals):
    return [replace(one, id=number) for number, one in enumerate(proposals)]


def _proposal(activity, target, day, minute, length, zone):
    from twind.model import Proposal

    start = moment_of(day, minute, zone)
    return Proposal(
        day=day,
        action=activity,
        target=target,
        start=start,
        end=start + timedelta(minutes=length),
        duration_min=length,
        intensity="normal",
        text=activity,
        confidence=0.5,
        reasons=(),
        would_change="",
    )


def alternatives(user, day):
    """Return an hour of each activity, on one evening of the day, whenever they go to bed."""
    from twind.preferences.features import ACTIVITIES

    settings = settings_of(user)
    minute = min((settings.hours.sleep.start - 180) % (24 * 60), 23 * 60)
    return _numbered(
        _proposal(activity, None, day, minute, 60, settings.zone) for activity in ACTIVITIES
    )


def settings_of(user):
    from twind import settings

    return settings.parse(dict(user.life.settings))


def moment_of(day, minute, zone):
    midnight = datetime.combine(day, time(), zone)
    return (midnight + timedelta(minutes=minute)).astimezone(UTC)


def lived(user, day, accepted):
    """Have somebody live a day; return what it was worth to them, and what happened."""
    blocks = user.live(day, tuple(accepted))
    return float(user.utility(blocks)), blocks
