"""The question bank, and the questions about the user's own people and projects.

The bank is `data/questions.toml`. An option's features are weights on aspects (by code), and in
generated questions also on "person:ID" and "project:ID", what the user makes of one of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from twind.preferences import catalogue

if TYPE_CHECKING:
    from collections.abc import Sequence

KINDS = ("choice", "ranking", "scale", "binary", "trade_off", "scenario")
MOST_ABOUT_LIFE = 12
LONG_UNSEEN_DAYS = 21
KNOWN_FROM = 0.4
"""Closeness from which on somebody is worth asking about."""
AFFINITY = 0.5
"""How strongly picking somebody, or some project, speaks for them, in hours of an hour."""


@dataclass(frozen=True, slots=True)
class BankOption:
    """An answer, and what picking it says."""

    text: str
    features: dict[str, float]


@dataclass(frozen=True, slots=True)
class BankQuestion:
    """A question as it is written down.

    Attributes:
        text: unique.
        kind: one of KINDS.
        primary: the code of the aspect it is mostly about; "" for one about this life.
        difficulty: 1 to 5.
        engagement: how much people like answering it, 0 to 1.
        effort_s: seconds a considered answer takes.
        options: two to five, in the order they are shown.

    """

    text: str
    kind: str
    primary: str
    difficulty: int
    engagement: float
    effort_s: float
    options: tuple[BankOption, ...]


@dataclass(frozen=True, slots=True)
class LifePerson:
    """Somebody in the user's life: closeness 0..1, days since the last contact if known."""

    id: int
    name: str
    days_since: float | None
    closeness: float


@dataclass(frozen=True, slots=True)
class LifeProject:
    """One of the user's projects: days to its deadline if it has one."""

    id: int
    name: str
    kind: str
    deadline_days: float | None


@cache
def load() -> tuple[BankQuestion, ...]:
    """Return the bank. Raises ValueError naming the question that is not well-formed."""
    return parse(catalogue.read_toml("questions.toml"))


def parse(data: dict[str, Any]) -> tuple[BankQuestion, ...]:
    """Validate the content of a question file; raises ValueError naming the question."""
    questions = tuple(_question(entry) for entry in data.get("question", ()))
    texts = [question.text for question in questions]
    doubled = {text for text in texts if texts.count(text) > 1}
    if doubled:
        raise ValueError(f"asked twice: {min(doubled)!r}")
    return questions


def _question(entry: dict[str, Any]) -> BankQuestion:
    text = str(entry.get("text", ""))
    options = tuple(
        BankOption(str(option["text"]), {k: float(v) for k, v in option["aspects"].items()})
        for option in entry.get("option", ())
    )
    codes = {code for option in options for code in option.features} | {entry.get("primary", "")}
    unknown = codes - set(catalogue.index_of())
    problem = (
        "has no text"
        if not text
        else f"names unknown aspects: {', '.join(sorted(unknown))}"
        if unknown
        else f"is of no known type: {entry.get('type')!r}"
        if entry.get("type") not in KINDS
        else "needs two to five options"
        if not 2 <= len(options) <= 5
        else "has a weight outside [-1, 1]"
        if any(abs(weight) > 1 for option in options for weight in option.features.values())
        else ""
    )
    if problem:
        raise ValueError(f"question {text!r} {problem}")
    return BankQuestion(
        text,
        entry["type"],
        entry["primary"],
        int(entry.get("difficulty", 2)),
        float(entry.get("engagement", 0.5)),
        float(entry.get("effort_s", 10)),
        options,
    )


# --- about this life -----------------------------------------------------------------------------


def about_life(
    people: Sequence[LifePerson], projects: Sequence[LifeProject]
) -> tuple[BankQuestion, ...]:
    """Return questions about the user's own people and projects, at most MOST_ABOUT_LIFE.

    They are about those that matter most just now: close people long unseen, and projects soon due.
    Deterministic: the same life asks the same questions.
    """
    known = [person for person in people if person.closeness >= KNOWN_FROM] or people
    missed = sorted(known, key=lambda p: (-p.closeness * (p.days_since or 0.0), p.id))[:4]
    dear = sorted(people, key=lambda p: (-p.closeness, p.id))[:4]
    pressing = sorted(projects, key=lambda p: (_due(p), p.id))[:4]
    made = [
        *(_evening(a, b) for a, b in zip(missed, pressing, strict=False)),
        *(_two_projects(a, b) for a, b in zip(pressing[::2], pressing[1::2], strict=False)),
        *(_two_people(a, b) for a, b in zip(dear[::2], dear[1::2], strict=False)),
        *(_how_long(person) for person in dear[:2]),
        *(_dropped(project) for project in pressing[:2]),
        *(_cancelled(person) for person in missed[:1]),
    ]
    unique = {question.text: question for question in made}
    return tuple(unique.values())[:MOST_ABOUT_LIFE]


def _due(project: LifeProject) -> float:
    return 1e9 if project.deadline_days is None else project.deadline_days


def _asked(text: str, kind: str, *options: tuple[str, dict[str, float]]) -> BankQuestion:
    return BankQuestion(
        text, kind, "", 2, 0.9, 8.0, tuple(BankOption(label, told) for label, told in options)
    )


def _evening(person: LifePerson, project: LifeProject) -> BankQuestion:
    long = person.days_since is not None and person.days_since >= LONG_UNSEEN_DAYS
    since = ", whom you have not seen for weeks" if long else ""
    return _asked(
        f"Thursday evening is unexpectedly free. {person.name}{since}, or “{project.name}”?",
        "trade_off",
        (person.name, {f"person:{person.id}": AFFINITY, "REL_INTIMACY": 0.3}),
        (f"“{project.name}”", {f"project:{project.id}": AFFINITY}),
        ("Neither: the evening is mine", {"VAL_FREEDOM": 0.5, "REL_BOUNDARIES": 0.3}),
    )


def _two_projects(one: LifeProject, other: LifeProject) -> BankQuestion:
    return _asked(
        f"By Friday one of the two has moved forward. Which are you glad about: “{one.name}” "
        f"or “{other.name}”?",
        "choice",
        (f"“{one.name}”", {f"project:{one.id}": AFFINITY}),
        (f"“{other.name}”", {f"project:{other.id}": AFFINITY}),
    )


def _two_people(one: LifePerson, other: LifePerson) -> BankQuestion:
    return _asked(
        f"You have one spare ticket for something good. Do you ask {one.name} or {other.name}?",
        "choice",
        (one.name, {f"person:{one.id}": AFFINITY}),
        (other.name, {f"person:{other.id}": AFFINITY}),
        ("I give both away and stay in", {"SOC_INTROVERT": 0.5, "FIN_GENEROSITY": 0.3}),
    )


def _how_long(person: LifePerson) -> BankQuestion:
    told = f"person:{person.id}"
    return _asked(
        f"How long can it be quiet between you and {person.name} before you miss something?",
        "scale",
        ("Months, and then it is as ever", {told: -0.6}),
        ("A month or so", {told: -0.2}),
        ("A week or two", {told: 0.2}),
        ("A few days", {told: 0.6}),
    )


def _dropped(project: LifeProject) -> BankQuestion:
    told = f"project:{project.id}"
    return _asked(
        f"A rainy Sunday with nothing in it. How does “{project.name}” look to you?",
        "scale",
        ("I would rather clean the windows", {told: -0.6}),
        ("It can wait until Monday", {told: -0.2}),
        ("An hour of it would be fine", {told: 0.2}),
        ("Finally, a whole day for it", {told: 0.6}),
    )


def _cancelled(person: LifePerson) -> BankQuestion:
    told = f"person:{person.id}"
    return _asked(
        f"{person.name} cancels an hour before you were to meet. What do you feel first?",
        "binary",
        ("Disappointed", {told: AFFINITY, "SOC_EXTROVERT": 0.2}),
        ("A little relieved", {told: -AFFINITY, "SOC_INTROVERT": 0.3}),
    )
