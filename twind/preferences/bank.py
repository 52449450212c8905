"""The question bank, from `data/questions.toml`, and questions made up about the user's own life.

An option's features say what choosing it speaks for: weights in [-1, 1] on aspect codes, and in
generated questions on `person:ID` and `project:ID`, what the user makes of that person or project.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Literal, TypeVar, get_args

from twind.preferences import catalogue

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

Kind = Literal["choice", "ranking", "scale", "binary", "trade_off", "scenario"]
KINDS: tuple[str, ...] = get_args(Kind)

_Named = TypeVar("_Named", "LifePerson", "LifeProject")

MOST_ABOUT_LIFE = 12
FEWEST_OPTIONS, MOST_OPTIONS = 2, 5
SOON_DAYS = 10.0
CLOSE = 0.5


@dataclass(frozen=True, slots=True)
class BankOption:
    """An answer and what choosing it speaks for: weights in [-1, 1] by parameter name."""

    text: str
    features: dict[str, float]


@dataclass(frozen=True, slots=True)
class BankQuestion:
    """A question that could be asked.

    `kind` is MISSION's question_type; primary: the code of the aspect it is mostly about, "" where
    that is no aspect but a person or a project; difficulty: 1 (answered at once) to 5; engagement:
    0..1, how much people enjoy it; effort_s: the seconds a considered answer takes. The options of
    a scale ascend along one direction, evenly; of a ranking the user picks what comes first.
    """

    text: str
    kind: Kind
    primary: str
    difficulty: int
    engagement: float
    effort_s: float
    options: tuple[BankOption, ...]


@dataclass(frozen=True, slots=True)
class LifePerson:
    """Somebody the user knows: days since the last contact (None: unknown), closeness 0..1."""

    id: int
    name: str
    days_since: float | None
    closeness: float


@dataclass(frozen=True, slots=True)
class LifeProject:
    """Something the user works towards.

    kind: project, habit, learning or decision; deadline_days: until it is due, negative when it is
    overdue, None for none.
    """

    id: int
    name: str
    kind: str
    deadline_days: float | None


@cache
def load() -> tuple[BankQuestion, ...]:
    """Return the shipped questions, in the file's order, with validated contents."""
    return parse(catalogue.read_toml("questions.toml"))


def parse(data: Mapping[str, Any]) -> tuple[BankQuestion, ...]:
    """Return the questions of a parsed question file.

    Raises ValueError, naming the question and what is wrong with it: an unknown key, type or aspect
    code, a number out of range, doubled texts, a scale that is none.
    """
    questions = tuple(_question(entry) for entry in _tables("question", data.get("question", [])))
    seen: set[str] = set()
    for question in questions:
        if question.text in seen:
            raise ValueError(f"question “{question.text}”: is there twice")
        seen.add(question.text)
    return questions


# --- reading --------------------------------------------------------------------------------------

_KEYS = {"text", "type", "primary", "difficulty", "engagement", "effort_s", "option"}


def _question(entry: Mapping[str, Any]) -> BankQuestion:
    text = entry.get("text")
    if not isinstance(text, str) or not text.strip():
        raise ValueError(f"a question has no text: {dict(entry)}")
    where = f"question “{text}”"
    if missing := sorted(_KEYS - entry.keys()):
        raise ValueError(f"{where}: lacks {', '.join(missing)}")
    if unknown := sorted(entry.keys() - _KEYS):
        raise ValueError(f"{where}: unknown key {', '.join(unknown)}")
    if entry["type"] not in KINDS:
        raise ValueError(f"{where}: type {entry['type']!r} is none of {', '.join(KINDS)}")
    _check_code(where, entry["primary"])
    difficulty = entry["difficulty"]
    if isinstance(difficulty, bool) or difficulty not in range(1, 6):
        raise ValueError(f"{where}: difficulty {difficulty!r} is none of 1 to 5")
    question = BankQuestion(
        text=text,
        kind=entry["type"],
        primary=entry["primary"],
        difficulty=difficulty,
        engagement=_number(where, "engagement", entry["engagement"], 0.0, 1.0),
        effort_s=_number(where, "effort_s", entry["effort_s"], 1.0, 300.0),
        options=tuple(_option(where, option) for option in _tables(where, entry["option"])),
    )
    _check_options(where, question)
    return question


def _tables(where: str, value: object) -> list[dict[str, Any]]:
    if not isinstance(value, list) or not all(isinstance(one, dict) for one in value):
        raise ValueError(f"{where}: {value!r} is no list of tables")
    return value


def _option(where: str, entry: Mapping[str, Any]) -> BankOption:
    text, aspects = entry.get("text"), entry.get("aspects")
    if not isinstance(text, str) or not text.strip() or entry.keys() != {"text", "aspects"}:
        raise ValueError(f"{where}: an option needs a text and aspects, and no more: {dict(entry)}")
    if not isinstance(aspects, dict) or not aspects:
        raise ValueError(f"{where}: option “{text}” speaks for no aspect")
    for code in aspects:
        _check_code(where, code)
    return BankOption(
        text, {code: _number(where, code, weight, -1.0, 1.0) for code, weight in aspects.items()}
    )


def _check_code(where: str, code: object) -> None:
    if not isinstance(code, str) or code not in catalogue.index_of():
        raise ValueError(f"{where}: unknown aspect {code!r}")


def _number(where: str, name: str, value: object, low: float, high: float) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
        raise ValueError(f"{where}: {name} = {value!r} is no number from {low:g} to {high:g}")
    return float(value)


def _check_options(where: str, question: BankQuestion) -> None:
    options = question.options
    if not FEWEST_OPTIONS <= len(options) <= MOST_OPTIONS:
        raise ValueError(f"{where}: has {len(options)} options, not 2 to 5")
    if question.kind == "binary" and len(options) != 2:
        raise ValueError(f"{where}: a binary question has two options")
    if len({option.text for option in options}) < len(options):
        raise ValueError(f"{where}: has one option twice")
    if not any(question.primary in option.features for option in options):
        raise ValueError(f"{where}: no option speaks for its primary aspect {question.primary}")
    if question.kind == "scale":
        _check_scale(where, options)


def _check_scale(where: str, options: Sequence[BankOption]) -> None:
    # Its answers are read as levels on one number, which only even steps allow.
    if len(options) < 3:
        raise ValueError(f"{where}: a scale has at least three options")
    if len({frozenset(option.features) for option in options}) > 1:
        raise ValueError(f"{where}: the options of a scale speak for the same aspects")
    for code in options[0].features:
        steps = [
            after.features[code] - before.features[code] for before, after in pairwise(options)
        ]
        if min(map(abs, steps)) < 1e-6 or max(steps) - min(steps) > 0.02 + 1e-9:
            raise ValueError(f"{where}: the steps of a scale must be even; {code}'s are not")


# --- questions about the user's own life ----------------------------------------------------------


def about_life(
    people: Sequence[LifePerson], projects: Sequence[LifeProject]
) -> tuple[BankQuestion, ...]:
    """Return up to MOST_ABOUT_LIFE questions about the user's own people and projects.

    First those whose answers settle most: people close and long unseen, projects soon due. Equal
    input, in whatever order, gives equal questions. No text states a number of days: a question
    keeps its text, and so its answers, while time passes. Two of one name are not asked about:
    nobody could tell which is meant.
    """
    those, todo = by_moment(people, projects)
    tracks = (
        _person_or_project(those, todo),
        _two_projects(todo),
        _two_people(those),
        _silences(those),
        _rainy_hours(todo),
        _calls(those),
        _letting_go(todo),
        _firsts(those, todo),
    )
    questions: list[BankQuestion] = []
    for turn in range(max(map(len, tracks))):
        questions += [track[turn] for track in tracks if turn < len(track)]
    unique = {question.text: question for question in questions}
    return tuple(unique.values())[:MOST_ABOUT_LIFE]


def by_moment(
    people: Sequence[LifePerson], projects: Sequence[LifeProject]
) -> tuple[list[LifePerson], list[LifeProject]]:
    """Return whom and what to ask about, the most first, without those that share a name."""
    return (
        _distinct(sorted(people, key=lambda person: (-_pull(person), person.id))),
        _distinct(sorted(projects, key=lambda project: (-_press(project), project.id))),
    )


def _distinct(ranked: Sequence[_Named]) -> list[_Named]:
    names = [item.name.strip().casefold() for item in ranked]
    borne = Counter(names)
    return [item for item, name in zip(ranked, names, strict=True) if name and borne[name] == 1]


def _pull(person: LifePerson) -> float:
    """Rank whom to ask about: close, and unseen for long on a scale that flattens in months."""
    unseen = 60.0 if person.days_since is None else max(person.days_since, 0.0)
    return (0.3 + person.closeness) * math.log1p(unseen)


def _press(project: LifeProject) -> float:
    """Rank what to ask about: the nearer the deadline the sooner, overdue as if due now."""
    if project.deadline_days is None:
        return 0.0
    return 1.0 / (1.0 + max(project.deadline_days, 0.0) / SOON_DAYS)


def _person(person: LifePerson, **aspects: float) -> dict[str, float]:
    return {f"person:{person.id}": 1.0, **aspects}


def _project(project: LifeProject, **aspects: float) -> dict[str, float]:
    return {f"project:{project.id}": 1.0, **aspects}


def _ask(
    text: str,
    kind: Kind,
    primary: str,
    options: Iterable[tuple[str, dict[str, float]]],
    effort_s: float = 8.0,
) -> BankQuestion:
    made = tuple(BankOption(label, features) for label, features in options)
    return BankQuestion(text, kind, primary, 2, 0.9, effort_s, made)


def _person_or_project(
    people: Sequence[LifePerson], projects: Sequence[LifeProject]
) -> list[BankQuestion]:
    return [
        _ask(
            f"A free evening opens up on Thursday: {person.name}, or “{project.name}”?",
            "trade_off",
            "REL_COMMUNICATION",
            (
                (person.name, _person(person, REL_COMMUNICATION=0.4)),
                (project.name, _project(project, **_kind_aspects(project))),
            ),
        )
        for person, project in zip(people[:2], projects[:2], strict=False)
    ]


def _kind_aspects(project: LifeProject) -> dict[str, float]:
    by_kind = {
        "learning": {"VAL_GROWTH": 0.4},
        "habit": {"HEA_DISCIPLINE": 0.4},
        "decision": {"DEC_RATIONAL": 0.4},
    }
    return by_kind.get(project.kind, {"WOR_SOLO": 0.2})


def _two_projects(projects: Sequence[LifeProject]) -> list[BankQuestion]:
    return [
        _ask(
            "Which would you rather have moved forward by Friday: "
            f"“{first.name}” or “{second.name}”?",
            "binary",
            "",
            ((first.name, _project(first)), (second.name, _project(second))),
            6.0,
        )
        for first, second in list(pairwise(projects))[:3]
    ]


def _two_people(people: Sequence[LifePerson]) -> list[BankQuestion]:
    return [
        _ask(
            f"You have a spare ticket for Saturday. Whom do you ring first: {first.name} "
            f"or {second.name}?",
            "ranking",
            "",
            ((first.name, _person(first)), (second.name, _person(second))),
            6.0,
        )
        for first, second in list(pairwise(people))[:3]
    ]


def _silences(people: Sequence[LifePerson]) -> list[BankQuestion]:
    levels = (("Half a year, easily", -1.0), ("A month or two", -1 / 3))
    longer = (("Two weeks or so", 1 / 3), ("A few days", 1.0))
    return [
        _ask(
            f"How long can you go without hearing from {person.name} before you miss it?",
            "scale",
            "",
            ((label, {f"person:{person.id}": value}) for label, value in (*levels, *longer)),
            7.0,
        )
        for person in people[:3]
    ]


def _rainy_hours(projects: Sequence[LifeProject]) -> list[BankQuestion]:
    levels = ((-1.0, "I look for something else to do"), (-1 / 3, "I do what has to be done"))
    happier = ((1 / 3, "I am rather glad"), (1.0, "The best part of the week"))
    return [
        _ask(
            f"A quiet morning, nobody wants anything, and “{project.name}” is on the table. "
            "How does that feel?",
            "scale",
            "",
            ((label, {f"project:{project.id}": value}) for value, label in (*levels, *happier)),
            7.0,
        )
        for project in projects[:2]
    ]


def _calls(people: Sequence[LifePerson]) -> list[BankQuestion]:
    # Missing somebody only makes a question where there has been a silence to speak of.
    quiet = [
        person
        for person in people
        if person.closeness < CLOSE and (person.days_since is None or person.days_since > 21)
    ]
    return [
        _ask(
            f"{person.name} rings while you are reading, and you have not spoken for a while.",
            "scenario",
            "REL_BOUNDARIES",
            (
                ("How lovely; the book can wait", _person(person, REL_COMMUNICATION=0.3)),
                ("I ring back tomorrow", {"REL_BOUNDARIES": 0.5}),
            ),
        )
        for person in quiet[:2]
    ]


def _letting_go(projects: Sequence[LifeProject]) -> list[BankQuestion]:
    first = projects[:3]
    if len(first) < 3:
        return []
    return [
        _ask(
            "Next week has an hour less than you thought. What waits?",
            "choice",
            "",
            # Letting one wait speaks against it, and for nothing else.
            ((project.name, {f"project:{project.id}": -1.0}) for project in first),
        )
    ]


def _firsts(people: Sequence[LifePerson], projects: Sequence[LifeProject]) -> list[BankQuestion]:
    if not people or not projects:
        return []
    person, project = people[0], projects[0]
    return [
        _ask(
            "You wake up early on Sunday, full of energy. Which first: "
            f"“{project.name}”, breakfast with {person.name}, or your own two feet?",
            "ranking",
            "VAL_FREEDOM",
            (
                (project.name, _project(project)),
                (f"Breakfast with {person.name}", _person(person)),
                ("Out of the door, alone", {"VAL_FREEDOM": 0.5, "PHY_NATURE": 0.4}),
            ),
        )
    ]
