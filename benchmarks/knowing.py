"""The search that knows: proposals by somebody who looks at what a day is really worth to somebody.

By twind's own limits, and refused as any other. It is the far end of fidelity.py's scale, and where
it is not told the day's luck, what no planner could do better than.
"""

from __future__ import annotations

import copy
from datetime import UTC, datetime, time, timedelta

import numpy as np

CANDIDATES = 200
"""What the search looks at for each of its proposals, drawn from all there is."""
MOST = 4
LUCKS = 6
"""Days of other luck on which who knows no more than tastes tries a plan out."""
FOR_WORK = ("work", "learn", "plan")
"""What working hours are for."""


def luck_of(seed, day):
    """Return the luck of the search itself on a day."""
    return np.random.default_rng([seed, day.toordinal()])


def best_proposals(user, day, rng, lucks=None):
    """Return proposals for a day, each the best of CANDIDATES beside those before it.

    lucks: people to whom a plan is to be worth most, on average; the user, and so the very luck of
    the day, unless given.
    """
    chosen, possible = [], everything(user, day)

    def judged(plan):
        return np.mean([imagined(one, day, plan) for one in lucks or [user]])

    best = judged(chosen)
    for _ in range(MOST):
        looked_at = [possible[i] for i in rng.permutation(len(possible))[:CANDIDATES]]
        free = [one for one in looked_at if not any(clash(one, other) for other in chosen)]
        worth = [judged([*chosen, one]) for one in free]
        if not worth or max(worth) <= best + 1e-9:
            break
        best = max(worth)
        chosen.append(free[int(np.argmax(worth))])
    return sorted(chosen, key=lambda one: one.start)


def in_other_lucks(user):
    """Return the person on LUCKS other days; None for who does not say how those would go."""
    other = getattr(user, "in_other_luck", None)
    return [other(number) for number in range(LUCKS)] if other else None


def inclinations(user, day, proposals, times):
    """Return how probably somebody accepts each proposal, by asking them so often in other luck.

    Empty for who does not say how other luck would be.
    """
    other = getattr(user, "in_other_luck", None)
    if other is None or not proposals:
        return []
    said = [other(LUCKS + number).review(day, proposals) for number in range(times)]
    return [
        float(np.mean([accepts(each[place]) for each in said])) for place in range(len(proposals))
    ]


def accepts(word):
    """Tell whether what somebody says to a proposal is a yes."""
    return word is not None and word.action in ("accept", "edit")


def added(user, day, proposals):
    """Return what proposals add to a day, as far as somebody takes them up."""
    said = user.review(day, proposals)
    taken = [one for one, word in zip(proposals, said, strict=True) if accepts(word)]
    return imagined(user, day, taken) - imagined(user, day, ())


def imagined(user, day, accepted):
    """Return what a day would be worth to somebody; they do not live it."""
    return lived(copy.deepcopy(user), day, accepted)[0]


def apart(one, other):
    """Tell whether two proposals leave each other the time."""
    return one.end <= other.start or other.end <= one.start


def clash(one, other):
    """Tell whether two cannot be proposed on one day: at the same time, or the same thing twice."""
    alike = one.action == other.action and one.target == other.target
    return alike or not apart(one, other)


def everything(user, day):
    """Return all that could be proposed on a day: types, targets, hours and two lengths.

    Within the limits that twind keeps to as well: nobody is disturbed at night, working hours are
    for work, and what is learnt for is a project of learning. Nor is the same thing proposed twice
    a day (`clash`).
    """
    from twind.model import Person, Project, Target
    from twind.preferences.features import ACTIVITIES

    settings = settings_of(user)
    records = list(user.life.records(moment_of(day, 0, settings.zone)))
    people = [one for one in records if isinstance(one, Person)]
    projects = [one for one in records if isinstance(one, Project) and one.status == "active"]
    kinds = [(activity, None) for activity in ACTIVITIES]
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
    found = []
    for minute in range(0, 24 * 60, 30):
        for length in (60, 120):
            minutes = minute, minute + length - 1
            if any(settings.hours.sleep.contains(one % 1440) for one in minutes):
                continue
            works = any(
                any(span.contains(one) for span in settings.hours.work[day.weekday()])
                for one in minutes
            )
            found += [
                _proposal(activity, target, day, minute, length, settings.zone, len(found) + number)
                for number, (activity, target) in enumerate(kinds)
                if activity in FOR_WORK or not works
            ]
    return found


def _proposal(activity, target, day, minute, length, zone, number=0):
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
        id=number,
    )


def alternatives(user, day):
    """Return an hour of each activity, on one evening."""
    from twind.preferences.features import ACTIVITIES

    settings = settings_of(user)
    minute = (settings.hours.sleep.start or 24 * 60) - 180
    return [_proposal(activity, None, day, minute, 60, settings.zone) for activity in ACTIVITIES]


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
