"""What a proposal says, in a sentence a person would say.

The words follow the user's *style* aspects, which change nothing else: who likes it direct gets an
imperative, who likes it diplomatic a suggestion; who would rather write than talk is told to write
where others are told to call; who decides by numbers gets them, who decides by feeling does not.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from twind.sentences import beginning, lasting
from twind.store.projection import SINGLE_TASKS

if TYPE_CHECKING:
    from collections.abc import Callable

    from twind.model import Target
    from twind.preferences.catalogue import Aspect
    from twind.rl.snapshot import Fitted

_WITH_NOBODY: dict[str, dict[str, str]] = {
    "rest": {"": "take a real break"},
    "work": {"": "get some work done", "deep": "work behind a closed door"},
    "social": {"": "spend time with people", "light": "drop in on somebody"},
    "learn": {"": "learn something", "deep": "study in earnest", "light": "read up on something"},
    "create": {"": "make something", "deep": "lose yourself in making something"},
    "exercise": {"": "get moving", "light": "stretch your legs", "deep": "train hard"},
    "outdoors": {"": "go outside", "light": "take a stroll"},
    "reflect": {"": "take time to think"},
    "help": {"": "do something for somebody", "light": "lend somebody a hand"},
    "plan": {"": "put your affairs in order", "light": "look through what is coming"},
}
_WITH_PERSON: dict[str, dict[str, str]] = {
    "social": {
        "": "see {name}",
        "light": "give {name} a call",
        "deep": "make real time for {name}",
    },
    "help": {"": "help {name} with something", "light": "lend {name} a hand"},
    "outdoors": {"": "go outside with {name}"},
    "exercise": {"": "work out with {name}"},
}
_CALL = _WITH_PERSON["social"]["light"]
_IN_WRITING: dict[str, dict[str, str]] = {
    "social": {"light": "write to {name}"},
    "help": {"light": "write to {name} and ask what they need"},
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
_FOR_HABIT: dict[str, dict[str, str]] = {
    "work": {"": "see to {name}"},
    "learn": {"": "study for {name}", "light": "read up for {name}"},
}
LONG_MIN = 90
"""From here on nobody gives anybody a call: they talk."""
ATTRIBUTES = {
    "rest": "rest",
    "work": "work",
    "social": "company",
    "learn": "learning",
    "create": "making things",
    "exercise": "moving",
    "outdoors": "being outside",
    "reflect": "time to think",
    "help": "helping",
    "plan": "putting things in order",
    "alone": "time by yourself",
    "together": "time with others",
    "close": "those close to you",
    "group": "being among people",
    "deep": "real effort",
    "light": "an easy start",
    "early": "early hours",
    "late": "late hours",
    "ahead": "beginning early",
    "pressed": "a deadline that is near",
    "planned": "what is arranged ahead",
    "unplanned": "what comes up on the day",
    "varied": "a change",
}
"""What each attribute of the feature map is called."""
CLEAR = 0.15
"""How much more somebody must like one style than its opposite for it to be chosen."""


@dataclass(frozen=True, slots=True)
class Style:
    """How somebody likes to be told: each a difference of two strengths, -2..2.

    diplomatic rather than direct, written rather than verbal, data_driven rather than intuitive.
    """

    diplomatic: float = 0.0
    written: float = 0.0
    data_driven: float = 0.0


def sentence(
    action: str,
    target: Target | None,
    minutes: int,
    intensity: str,
    *,
    first: str | None = None,
    habit: bool = False,
    style: Style = Style(),
    figures: tuple[float, float] | None = None,
) -> str:
    """Return a proposal in words.

    first: the step of a project to begin with. habit: that the project is one. figures: what it
    gains, in neutral free hours, and how probably it is taken up, 0..1, for who wants to know.
    """
    table = _WITH_NOBODY
    if target is not None:
        project = _FOR_HABIT if habit else _FOR_PROJECT
        table = _WITH_PERSON if target.kind == "person" else project
    forms = table.get(action) or _WITH_NOBODY[action]
    # Odd jobs are neither small ones for something nor work that wants a closed door.
    odd = target is not None and target.name == SINGLE_TASKS
    words = forms[""] if odd else forms.get(intensity, forms[""])
    if words == _CALL and minutes >= LONG_MIN:
        words = "chat with {name}"
    if table is _WITH_PERSON and style.written > CLEAR:
        words = _IN_WRITING.get(action, {}).get(intensity, words)
    if target is not None:
        words = words.format(name=quoted(target))
    told = f"{words}{lasting(minutes)}"
    if first is not None:
        told += beginning(first)
    if figures is not None and style.data_driven > CLEAR:
        gain, chance = figures
        told += f" (worth {gain:.1f} free hours, {chance:.0%} likely)"
    if style.diplomatic > CLEAR:
        return f"How about this: {told}?"
    return told[0].upper() + told[1:]


def quoted(target: Target) -> str:
    """Return what a proposal calls whom or what it is for."""
    if target.kind == "person":
        return target.name
    return "your odd jobs" if target.name == SINGLE_TASKS else f"“{target.name}”"


def aspect(one: Aspect, known: str, *, spared: bool) -> str:
    """Return what an aspect has to do with a proposal that it speaks for.

    known: how well it is known of the user. spared: that the user cares little for it, and the
    proposal does without.
    """
    said = one.description.removesuffix(".")
    if spared:
        said = f"It spares you what you care little for: {said[0].lower()}{said[1:]}"
    return f"{said} ({one.dimension.lower()}: {one.name.replace('_', ' ')}, {known})"


def days_ago(number: int) -> str:
    """Return how long ago something was, in whole days."""
    return {0: "within the last day", 1: "a day ago"}.get(number, f"{number} days ago")


def due(deadline_h: float, now_h: float, day: int = 0) -> str:
    """Return when something is due, as people say it; both in hours from midnight of today.

    day: the one it is told of, 0 for today: tomorrow's proposal is read today and tomorrow, and
    must be true on both. A deadline at midnight is the end of the day before it.
    """
    if deadline_h < now_h:
        return "overdue"
    days = math.ceil(deadline_h / 24.0) - 1 - day
    if day == 0:
        return {0: "due today", 1: "due tomorrow"}.get(days, f"due in {days} days")
    if days < 0:
        return "overdue by then"
    return {0: "due that day", 1: "due the day after"}.get(days, f"due {days} days after that")


# --- what is known of the user's own days ---------------------------------------------------------

NOTABLE = 1.1
"""Times as much, or as little, as with most people, from which on a difference is told."""


def ratio(value: float) -> str:
    """Return how many times what they estimate somebody needs."""
    return f"you usually need {value:.1f} times what you estimate"


def is_notable(value: float, population: float) -> bool:
    """Tell whether a value differs enough from most people's to be told; both above 0."""
    return not 1.0 / NOTABLE < value / population < NOTABLE


def own(one: Fitted) -> str | None:
    """Return something of the user's own in words, and from what it is known.

    None where nothing is known, or where they are much like most people.
    """
    if one.evidence == 0 or one.name not in _OWN:
        return None
    said, source = _OWN[one.name]
    words = said(one.value, one.population)
    many = "" if one.evidence == 1 else "s"
    return words and f"{words} (from {one.evidence} {source}{many})"


def _clock(value: float, population: float) -> str | None:
    differs = value - population
    if abs(differs) < 0.25:
        return None
    way = "later" if differs > 0 else "earlier"
    return f"your body clock runs {abs(differs):.1f} h {way} than most people's"


def _company(value: float, population: float) -> str | None:
    if abs(value - population) < 0.01:
        return None
    if value > population:
        return "company gives you more energy than it gives most people"
    return "company takes more energy from you than from most people"


def _percent(more: str, less: str) -> Callable[[float, float], str | None]:
    def said(value: float, population: float) -> str | None:
        if not is_notable(value, population):
            return None
        percent = f"{abs(value / population - 1.0):.0%}"
        return (more if value > population else less).format(percent)

    return said


def _carrying_through(value: float, population: float) -> str | None:
    chance, most = (1.0 / (1.0 + math.exp(-odds)) for odds in (value, population))
    if abs(chance - most) < 0.02:
        return None
    return f"of the hours you accept and begin, you carry {chance:.0%} through"


def _saying_yes(value: float, population: float) -> str | None:
    chance, most = (1.0 / (1.0 + math.exp(-odds)) for odds in (value, population))
    if abs(chance - most) < 0.05:
        return None
    return f"you say yes {'more' if chance > most else 'less'} readily than most, of late"


def _if_notable(form: str, times: float = 1.0) -> Callable[[float, float], str | None]:
    def said(value: float, population: float) -> str | None:
        return form.format(value * times) if is_notable(value, population) else None

    return said


_OWN: dict[str, tuple[Callable[[float, float], str | None], str]] = {
    "chronotype_h": (_clock, "check-in"),
    "recovery": (
        _percent("you recover {} faster than most", "you recover {} more slowly than most"),
        "check-in",
    ),
    "load_sensitivity": (
        _percent(
            "effort weighs on you {} more than on most", "effort weighs on you {} less than on most"
        ),
        "check-in",
    ),
    "social_energy": (_company, "check-in"),
    "lead_time": (
        _if_notable("what you have to do begins to pull {:.1f} days before it is due"),
        "task",
    ),
    "start_friction": (
        _percent(
            "you put off beginning {} more often than most",
            "you put off beginning {} less often than most",
        ),
        "accepted proposal",
    ),
    "acceptance": (_saying_yes, "proposal"),
    "completion": (_carrying_through, "accepted proposal"),
    "unplanned_per_day": (
        _if_notable("{:.1f} things a day come up that nobody planned"),
        "day",
    ),
    "estimate_ratio": (
        lambda value, most: ratio(value) if is_notable(value, most) else None,
        "task",
    ),
    "task_h": (_if_notable("what you have not estimated takes you {:.0f} minutes", 60.0), "task"),
    "habit_h": (_if_notable("one time of a habit takes you {:.0f} minutes", 60.0), "time"),
}


def weighed(projects: tuple[int, int], people: tuple[int, int]) -> str:
    """Say of how many of the open projects and of the people there are a day was planned."""
    which = _counted(*projects, "open project", "the ones that need the most hours a day")
    who = _counted(*people, "person", "the ones most overdue for how close they are", "people")
    return f"Planned with {which} and {who}."


def _counted(shown: int, every: int, one: str, rule: str, many: str | None = None) -> str:
    name = one if every == 1 else many or f"{one}s"
    if shown < every:
        return f"{shown} of {every} {name} ({rule})"
    return f"{'no' if every == 0 else every} {name}"
