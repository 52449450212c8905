"""What a proposal says, in a sentence a person would say.

The words follow the user's *style* aspects: who likes it direct gets an imperative, who likes it
diplomatic a suggestion.
"""

from __future__ import annotations

import math
import textwrap
from typing import TYPE_CHECKING

from twind.store.projection import SINGLE_TASKS

if TYPE_CHECKING:
    from twind.model import Target

_WITH_NOBODY: dict[str, dict[str, str]] = {
    "rest": {"": "take a real break"},
    "work": {"": "get some work done", "deep": "work behind a closed door"},
    "social": {"": "spend time with people", "light": "drop in on somebody"},
    "learn": {"": "learn something", "deep": "study in earnest", "light": "read up on something"},
    "create": {"": "make something", "deep": "lose yourself in making something"},
    "exercise": {"": "get moving", "light": "stretch your legs", "deep": "train hard"},
    "outdoors": {"": "go outside", "light": "take a stroll"},
    "reflect": {"": "take time to think", "deep": "sit down with the big questions"},
    "help": {"": "do something for somebody", "light": "lend somebody a hand"},
    "plan": {"": "put your affairs in order", "light": "look through what is coming"},
}
_WITH_PERSON: dict[str, dict[str, str]] = {
    "social": {
        "": "see {name}",
        "light": "give {name} a call",
        "deep": "make real time for {name}",
    },
    "help": {"": "help {name} with something", "light": "ask {name} what they need"},
    "outdoors": {"": "go outside with {name}"},
    "exercise": {"": "work out with {name}"},
}
_FOR_PROJECT: dict[str, dict[str, str]] = {
    "work": {
        "": "work on {name}",
        "light": "do something small for {name}",
        "deep": "work on {name}, undisturbed",
    },
    "learn": {"": "study for {name}", "light": "read up for {name}"},
    "create": {"": "make something for {name}"},
    "plan": {"": "plan {name}"},
}
_LENGTHS = {
    15: "a quarter of an hour",
    30: "half an hour",
    45: "three quarters of an hour",
    60: "an hour",
    90: "an hour and a half",
    120: "two hours",
}
STEP_LENGTH = 60
DIPLOMATIC_FROM = 0.15
"""How much more diplomatic than direct somebody must like it to get a suggestion."""


def length(minutes: int) -> str:
    """Return a duration as people say it."""
    return _LENGTHS.get(minutes, f"{minutes} minutes")


def sentence(
    action: str,
    target: Target | None,
    minutes: int,
    intensity: str,
    *,
    first: str | None = None,
    diplomatic: float = 0.0,
) -> str:
    """Return a proposal in words.

    first: the step of a project to begin with. diplomatic: how much more the user likes it
    diplomatic than direct, -2..2.
    """
    table = _WITH_NOBODY
    if target is not None:
        table = _WITH_PERSON if target.kind == "person" else _FOR_PROJECT
    forms = table.get(action) or _WITH_NOBODY[action]
    words = forms.get(intensity, forms[""])
    if target is not None:
        words = words.format(name=_quoted(target))
    told = f"{words} for {length(minutes)}"
    if first is not None:
        told += f", beginning with {step(first)}"
    if diplomatic > DIPLOMATIC_FROM:
        return f"How about this: {told}?"
    return told[0].upper() + told[1:]


def step(text: str) -> str:
    """Return a step's text as it is quoted: not more of it than one takes in at a glance."""
    return f"“{textwrap.shorten(text, STEP_LENGTH, placeholder='…')}”"


def _quoted(target: Target) -> str:
    if target.kind == "person":
        return target.name
    return "your odd jobs" if target.name == SINGLE_TASKS else f"“{target.name}”"


def days(number: float) -> str:
    """Return a number of days, at least one, in words: "day" for one, as after "every"."""
    whole = max(1, round(number))
    return "day" if whole == 1 else f"{whole} days"


def days_ago(number: int) -> str:
    """Return how long ago something was, in whole days."""
    return {0: "within the last day", 1: "a day ago"}.get(number, f"{number} days ago")


def due(deadline_h: float, now_h: float) -> str:
    """Return when something is due, as people say it; both in hours from midnight of today.

    A deadline at midnight is the end of the day before it.
    """
    if deadline_h < now_h:
        return "overdue"
    days = math.ceil(deadline_h / 24.0) - 1
    return {0: "due today", 1: "due tomorrow"}.get(days, f"due in {days} days")
