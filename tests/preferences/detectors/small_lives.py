"""Small lives to be read. All histories here are simulated."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from twind.preferences import Belief
from twind.preferences.detectors import DoneTask, History, LivedBlock, sparse
from twind.preferences.features import ACTIVITIES, Block

ZONE = ZoneInfo("Europe/Berlin")
MONDAY = datetime(2026, 3, 2, tzinfo=ZONE)
REST, WORK, SOCIAL, LEARN, CREATE, EXERCISE, OUTDOORS, REFLECT, HELP, PLAN = range(10)
assert ACTIVITIES[HELP] == "help"


def block(n, day, hour, hours=1.0, activity=WORK, **more):
    """Return the n-th block of a life, on a day from a Monday on."""
    start = MONDAY + timedelta(days=day, hours=hour)
    more.setdefault("title", f"thing {'abcdefghijklmnopqrstuvwxyz'[n % 26]}{n // 26 * 'x'}")
    return LivedBlock(
        start_local=start,
        end_local=start + timedelta(hours=hours),
        activity=activity,
        source=("records", n),
        **more,
    )


def task(n, lead_days, created_days=30, title=None):
    """Return a task that was done so many days before it was due."""
    due = MONDAY + timedelta(days=40)
    return DoneTask(
        completed_local=due - timedelta(days=lead_days),
        created_local=None if created_days is None else due - timedelta(days=created_days),
        due_local=due,
        title=title or f"task {'abcdefghijklmnopqrstuvwxyz'[n]}",
        source=("workflow_steps", n),
    )


def history(*blocks, **more):
    """Return a history of these blocks."""
    return History(tuple(blocks), **more)


def learnt(observations):
    """Return what is believed after some evidence."""
    belief = Belief.prior()
    belief.learn(observations)
    return belief


def total(observations):
    """Return what they all count."""
    return sum(seen.weight for seen in observations)


def gain(observations, better, worse):
    """Return how much more one block is worth than another after the evidence than before.

    Both as keywords of Block; an hour of rest unless told otherwise.
    """

    def difference(belief):
        one, other = (
            belief.worth(sparse(Block(**{"activity": REST, "hours": 1.0} | about)))[0]
            for about in (better, worse)
        )
        return one - other

    return difference(learnt(observations)) - difference(Belief.prior())
