"""Behaviour as evidence: what a history of blocks and tasks says about a person.

A block of a real day is read as a choice among what was possible then, beside base rates for what
people do anyway: without them everybody would be found to "prefer" working by day. Repeats of one
series are one opinion (`observations.repeat_weight`); what others arranged says little
(OTHERS_WEIGHT). The base rates are assumed.

Times are the user's wall clock. Everything here is a pure function of the history, so that reading
it again gives the same evidence under the same keys.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from functools import lru_cache
from operator import itemgetter
from typing import TYPE_CHECKING

import numpy as np

from twind.preferences import catalogue
from twind.preferences.features import (
    ACTIVITIES,
    AHEAD_DAYS,
    EARLY_BEFORE_H,
    GROUP_SIZE,
    LATE_AFTER_H,
    PRESSED_DAYS,
    Block,
    aspect_features,
)
from twind.preferences.observations import (
    NOISE,
    Choice,
    Observation,
    Ordinal,
    names_in,
    repeat_weight,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from datetime import date

    from numpy.typing import NDArray

    Detector = Callable[["History"], list[Observation]]

OTHERS_WEIGHT = 0.2
"""A meeting that somebody else set was at most agreed to."""

LONGEST_H = 2.0
"""A block says no more than two hours of it would: the rest follows from having begun."""

QUARTERS = 96


@dataclass(frozen=True, slots=True, kw_only=True)
class LivedBlock:
    """A block of a day that really happened.

    Attributes:
        start_local, end_local: aware, in the user's zone.
        activity: an index into ACTIVITIES, None when nobody can tell.
        people_ids: entities who took part.
        closeness: of those, 0..1, on average.
        series: what it is a repeat of, "" for a single block (its title then stands in).
        own: whether the user set it, rather than somebody else.
        title: as in the source.
        source: the row, (table, id).

    """

    start_local: datetime
    end_local: datetime
    title: str
    source: tuple[str, int]
    activity: int | None = None
    people_ids: tuple[int, ...] = ()
    closeness: float = 0.0
    series: str = ""
    own: bool = True

    @property
    def hours(self) -> float:
        """Its length in hours, never negative."""
        return max(0.0, (self.end_local - self.start_local).total_seconds() / 3600.0)

    @property
    def middle_h(self) -> float:
        """The wall clock at its middle, 0..24."""
        start = self.start_local
        return (start.hour + start.minute / 60.0 + self.hours / 2.0) % 24.0


@dataclass(frozen=True, slots=True, kw_only=True)
class DoneTask:
    """A task that was completed; times aware, in the user's zone.

    series: the habit that it is one time of, "" for none (its title then stands in).
    """

    completed_local: datetime
    title: str
    source: tuple[str, int]
    created_local: datetime | None = None
    due_local: datetime | None = None
    project_id: int | None = None
    series: str = ""


@dataclass(frozen=True, slots=True)
class History:
    """What is known to have happened."""

    blocks: tuple[LivedBlock, ...] = ()
    tasks: tuple[DoneTask, ...] = ()


def detect(history: History) -> list[Observation]:
    """Return what all detectors find, in the order of time."""
    found = [seen for detector in DETECTORS for seen in detector(history)]
    return sorted(found, key=lambda seen: (seen.at, seen.key))


# --- when focused work happens --------------------------------------------------------------------

FOCUSED = frozenset(ACTIVITIES.index(name) for name in ("work", "learn", "create"))
BANDS = (
    ("early", 6.5, EARLY_BEFORE_H),
    ("by day", EARLY_BEFORE_H, LATE_AFTER_H),
    ("late", LATE_AFTER_H, 22.5),
)
BAND_RATES = (0.12, 0.72, 0.16)


def focused_hours(history: History) -> list[Observation]:
    """Read each block of focused work alone as a choice of early, by day or late.

    Only bands whose hours were not taken by other blocks count as possible, and a block with
    nowhere else to go says nothing. It can tell whether somebody seeks the edges of the day for
    work that needs quiet. It cannot tell why: a baby, a shift or a shared flat looks like a taste;
    nor does it see work that no calendar shows.
    """
    blocks = [
        block
        for block in history.blocks
        if block.activity in FOCUSED and not block.people_ids and block.hours >= 0.5
    ]
    taken = _taken_by_day(history.blocks)
    weights = _weights(blocks)
    found = []
    for block in blocks:
        chosen = _band(block.middle_h)
        others = [span for other, span in taken[block.start_local.date()] if other is not block]
        possible = [
            band
            for band in range(len(BANDS))
            if band == chosen or _room(others, band) >= min(block.hours, LONGEST_H)
        ]
        options = tuple(_work_at(block, band, chosen) for band in possible)
        found += _choice(
            "focus",
            block,
            f"You spent {_length(block)} on “{block.title}” {BANDS[chosen][0]}",
            Choice(
                options,
                possible.index(chosen),
                tuple(math.log(BAND_RATES[band]) for band in possible),
            ),
            weights[_series(block)],
        )
    return found


def _band(hour: float) -> int:
    if hour < EARLY_BEFORE_H:
        return 0
    return 2 if hour >= LATE_AFTER_H else 1


def _taken_by_day(
    blocks: Iterable[LivedBlock],
) -> dict[date, list[tuple[LivedBlock, tuple[float, float]]]]:
    """Return each day's blocks with their spans, in seconds since its midnight and in order."""
    by_day: dict[date, list[tuple[LivedBlock, tuple[float, float]]]] = {}
    for block in blocks:
        day = block.start_local.date()
        midnight = datetime.combine(day, time())
        start = (block.start_local.replace(tzinfo=None) - midnight).total_seconds()
        end = (block.end_local.replace(tzinfo=None) - midnight).total_seconds()
        by_day.setdefault(day, []).append((block, (start, end)))
    for taken in by_day.values():
        taken.sort(key=itemgetter(1))
    return by_day


def _room(taken: Iterable[tuple[float, float]], band: int) -> float:
    """Return how many hours of a band of a day none of these spans, in their order, covers."""
    at, high = 3600.0 * BANDS[band][1], 3600.0 * BANDS[band][2]
    free = 0.0
    for start, end in taken:
        if end > at and start < high:
            free += max(0.0, start - at)
            at = max(at, end)
    free += max(0.0, high - at)
    return free / 3600.0


def _work_at(block: LivedBlock, band: int, chosen: int) -> dict[str, float]:
    middle = block.middle_h if band == chosen else 0.5 * (BANDS[band][1] + BANDS[band][2])
    assert block.activity is not None
    return sparse(
        Block(
            activity=block.activity,
            hours=min(block.hours, LONGEST_H),
            hour=middle,
            depth=1.0 if block.hours >= 1.0 else 0.5,
        )
    )


# --- social cadence -------------------------------------------------------------------------------

REST, SOCIAL = ACTIVITIES.index("rest"), ACTIVITIES.index("social")
FREE_TIME = frozenset(
    ACTIVITIES.index(name) for name in ("rest", "social", "exercise", "outdoors", "create", "learn")
)
COMPANY = ("alone", "with company", "in a group")
COMPANY_RATES = (0.3, 0.5, 0.2)
TYPICAL_CLOSENESS = 0.5


def company_kept(history: History) -> list[Observation]:
    """Read each free-time block of the user's own as a choice of alone, in company or in a group.

    It can tell who seeks company when free to choose. It cannot tell loneliness from a taste for
    solitude, and time alone is rarely put into a calendar: the base rates are those of calendars,
    not of lives.
    """
    blocks = [
        block
        for block in history.blocks
        if block.own and block.activity in FREE_TIME and block.hours >= 0.25
    ]
    weights = _weights(blocks)
    found = []
    for block in blocks:
        count = len(block.people_ids)
        if count == 0 and block.activity == SOCIAL:
            continue  # Company whom the source does not name: neither alone nor of known size.
        chosen = 0 if count == 0 else 2 if count >= GROUP_SIZE else 1
        options = tuple(_in_company(block, company, chosen) for company in range(len(COMPANY)))
        found += _choice(
            "company",
            block,
            f"You spent {_length(block)} on “{block.title}” {COMPANY[chosen]}",
            Choice(options, chosen, tuple(math.log(rate) for rate in COMPANY_RATES)),
            weights[_series(block)],
        )
    return found


def _in_company(block: LivedBlock, company: int, chosen: int) -> dict[str, float]:
    assert block.activity is not None
    alone = company == 0
    people = len(block.people_ids) if company == chosen else (0, 1, GROUP_SIZE)[company]
    closeness = block.closeness if company == chosen else TYPICAL_CLOSENESS
    return sparse(
        Block(
            activity=REST if alone and block.activity == SOCIAL else block.activity,
            hours=min(block.hours, LONGEST_H),
            hour=block.middle_h,
            people=people,
            closeness=0.0 if alone else closeness,
        )
    )


MOST_PEOPLE = 12


def people_sought(history: History) -> list[Observation]:
    """Read each meeting the user arranged with one or two people as a choice of whom to see.

    The alternatives are the other people met by choice, the twelve met most. It can tell whose
    company is sought. It cannot tell being fond of somebody from living near them, and of people
    who are missed but far away it says too little.
    """
    meetings = [
        block
        for block in history.blocks
        if block.own
        and 1 <= len(block.people_ids) < GROUP_SIZE
        and block.activity in FREE_TIME
        and block.hours >= 0.25
    ]
    met = Counter(person for block in meetings for person in block.people_ids)
    candidates = sorted(sorted(met), key=lambda person: -met[person])[:MOST_PEOPLE]
    if len(candidates) < 2:
        return []
    weights = _weights(meetings)
    found = []
    for block in meetings:
        hours = min(block.hours, LONGEST_H)
        for person in block.people_ids:
            if person not in candidates:
                continue
            options = tuple({f"person:{other}": hours} for other in candidates)
            found += _choice(
                f"person:{person}",
                block,
                f"You arranged “{block.title}”",
                Choice(options, candidates.index(person)),
                weights[_series(block)] / len(block.people_ids),
                told=(f"person:{person}",),
            )
    return found


# --- lead time before deadlines -------------------------------------------------------------------

LEAD_RATES = (0.45, 0.30, 0.25)
LEAD_FEATURES = {"TIM_PLANNING": 1.5, "TIM_PROCRASTINATION": -1.5}
UNKNOWN_CREATION_WEIGHT = 0.5


def lead_times(history: History) -> list[Observation]:
    """Read how long before its deadline each task was done as a level: pressed, between, ahead.

    Tasks that came in too late to be done ahead say nothing; where nobody knows when one came in,
    it counts half. It can tell planning from putting off, as a trait: how days go, never what is
    rewarded. It cannot tell a task that was put off from one that had to wait for somebody else,
    or a date that was due from one that was wished for.
    """
    judged = [
        task
        for task in history.tasks
        if task.due_local is not None
        and (task.created_local is None or _days(task.created_local, task.due_local) > AHEAD_DAYS)
    ]
    counts = Counter(task.series or _plain(task.title) for task in judged)
    slope = NOISE["behaviour"].slope
    cuts = (_logit(LEAD_RATES[0]) / slope, _logit(1.0 - LEAD_RATES[2]) / slope)
    found = []
    for task in judged:
        assert task.due_local is not None
        lead = _days(task.completed_local, task.due_local)
        level = 0 if lead <= PRESSED_DAYS else 2 if lead > AHEAD_DAYS else 1
        weight = repeat_weight(counts[task.series or _plain(task.title)])
        if task.created_local is None:
            weight *= UNKNOWN_CREATION_WEIGHT
        found.append(
            Observation(
                key=f"behaviour:lead:{task.source[0]}:{task.source[1]}",
                at=task.completed_local,
                kind="behaviour",
                text=f"You finished “{task.title}” {_lead_text(lead)}",
                source=task.source,
                likelihood=Ordinal(LEAD_FEATURES, level, cuts),
                weight=weight,
            )
        )
    return found


def _lead_text(lead: float) -> str:
    if lead < 0.0:
        return "after it was due"
    if lead <= PRESSED_DAYS:
        return "in the last day before it was due"
    return f"{round(lead)} days before it was due"


DETECTORS: tuple[Detector, ...] = (focused_hours, company_kept, people_sought, lead_times)


# --- what detectors share -------------------------------------------------------------------------


def sparse(block: Block) -> dict[str, float]:
    """Return a block's features by aspect code, the zeros left out."""
    return dict(_sparse(block))


@lru_cache(maxsize=4096)
def _sparse(block: Block) -> dict[str, float]:
    """Return what `sparse` does; a life is made of few different blocks."""
    dense = aspect_features(block)
    aspects = catalogue.aspects()
    return {aspects[place].code: float(dense[place]) for place in np.flatnonzero(dense)}


def _choice(
    detector: str,
    block: LivedBlock,
    text: str,
    likelihood: Choice,
    weight: float,
    told: tuple[str, ...] = (),
) -> list[Observation]:
    """Return the observation, or nothing where the options are the same to every parameter."""
    if len(likelihood.options) < 2 or not (told or names_in(likelihood)):
        return []
    return [
        Observation(
            key=f"behaviour:{detector}:{block.source[0]}:{block.source[1]}",
            at=block.start_local,
            kind="behaviour",
            text=text,
            source=block.source,
            likelihood=likelihood,
            weight=weight * (1.0 if block.own else OTHERS_WEIGHT),
        )
    ]


def _series(block: LivedBlock) -> str:
    return block.series or f"title:{_plain(block.title)}"


def _weights(blocks: Iterable[LivedBlock]) -> dict[str, float]:
    counts = Counter(_series(block) for block in blocks)
    return {series: repeat_weight(count) for series, count in counts.items()}


def _plain(title: str) -> str:
    """Return a title without case and numbers, so that "Run 3" repeats "Run 2"."""
    return " ".join(re.sub(r"[\W\d_]+", " ", title.casefold()).split())


def _length(block: LivedBlock) -> str:
    minutes = round(block.hours * 60.0)
    return f"{minutes} minutes" if minutes < 90 else f"{minutes / 60.0:.1f} hours"


def _days(start: datetime, end: datetime) -> float:
    return (end - start).total_seconds() / 86_400.0


def _logit(chance: float) -> float:
    return math.log(chance / (1.0 - chance))


# --- what a title is about ------------------------------------------------------------------------

KEYWORDS: dict[str, str] = {
    "rest": "nap rest relax break movie film tv netflix bath spa sauna massage holiday vacation "
    "pause kino",
    "work": "work meeting standup sprint review retro deploy release client customer report "
    "presentation interview sync budget invoice planning deadline office workshop 1:1 1on1 "
    "besprechung réunion",
    "social": "coffee lunch dinner brunch drinks beer party birthday wedding date visit barbecue "
    "bbq hangout pub geburtstag anniversaire family friends",
    "learn": "learn study course class lecture lesson tutorial reading read exam seminar spanish "
    "german french english language webinar kurs cours",
    "create": "write writing draw drawing paint painting music guitar piano sketch photography "
    "blog novel pottery knitting choir band compose craft",
    "exercise": "run running gym workout yoga swim swimming cycling bike football tennis climbing "
    "bouldering pilates training jog jogging fitness badminton basketball volleyball",
    "outdoors": "walk walking hike hiking park garden gardening picnic forest beach camping "
    "wandern spaziergang randonnée",
    "reflect": "meditate meditation journal journaling reflect prayer church mass mosque synagogue "
    "therapy mindfulness",
    "help": "volunteer volunteering babysit babysitting help helping mentor mentoring donate "
    "charity",
    "plan": "plan tidy declutter taxes errands groceries inbox weekly-review",
}
"""Words of titles and categories, by activity. Small and plain on purpose: what is not in it stays
unclassified, and a title that two activities claim does too."""

_ACTIVITY_OF = {
    word: ACTIVITIES.index(name) for name, words in KEYWORDS.items() for word in words.split()
}
_WORK = ACTIVITIES.index("work")
_MEALS = frozenset(("coffee", "lunch", "dinner", "brunch"))


def classify(title: str, people: int = 0, categories: Sequence[str] = ()) -> int | None:
    """Return the activity a title speaks of, an index into ACTIVITIES; None when it is not clear.

    Categories are asked first. Two activities named in one title are unclear, but for "meeting",
    "planning" and other words of work, which give way to what the work is about. A meal is social
    only in company (`people` > 0) or where the title says with whom; alone it is rest.
    """
    for category in categories:
        if (known := _named(category)) is not None:
            return known
    named = _named(title)
    words = set(re.findall(r"\w+", title.casefold()))
    alone = people == 0 and not words & {"with", "mit", "avec"}
    return REST if named == SOCIAL and alone and words & _MEALS else named


def _named(text: str) -> int | None:
    words = re.findall(r"[\w:'-]+", text.casefold())
    found = {
        _ACTIVITY_OF[form]
        for word in words
        for form in (word, word.strip("':-"))
        if form in _ACTIVITY_OF
    }
    if len(found) > 1:
        found.discard(_WORK)
    return found.pop() if len(found) == 1 else None


# --- habits ---------------------------------------------------------------------------------------

PRIOR_DAYS = 7.0
"""How many observed days the population's table counts as: assumed."""

UNSEEN_DAY = 0.3
"""What a quarter of an hour without an entry counts as time left free: most of life is in no
calendar, so that a gap says little."""

_POPULATION: tuple[tuple[tuple[int, int, dict[str, float]], ...], ...] = (
    (  # Monday to Friday
        (6, 7, {"rest": 0.05, "exercise": 0.04, "reflect": 0.02}),
        (7, 9, {"work": 0.15, "rest": 0.1, "exercise": 0.05, "plan": 0.02, "reflect": 0.02}),
        (9, 12, {"work": 0.6, "learn": 0.04, "plan": 0.03, "help": 0.03, "social": 0.03}),
        (12, 13, {"work": 0.25, "rest": 0.25, "social": 0.15, "outdoors": 0.05}),
        (13, 17, {"work": 0.58, "learn": 0.04, "plan": 0.03, "help": 0.03, "social": 0.03}),
        (
            17,
            19,
            {
                "work": 0.15,
                "rest": 0.2,
                "social": 0.1,
                "exercise": 0.1,
                "help": 0.1,
                "outdoors": 0.06,
                "create": 0.03,
                "learn": 0.03,
            },
        ),
        (
            19,
            22,
            {
                "rest": 0.4,
                "social": 0.16,
                "help": 0.06,
                "exercise": 0.05,
                "create": 0.05,
                "work": 0.05,
                "learn": 0.04,
                "reflect": 0.03,
                "plan": 0.02,
            },
        ),
        (22, 24, {"rest": 0.2, "social": 0.03, "reflect": 0.03}),
    ),
    (  # Saturday and Sunday
        (7, 9, {"rest": 0.15, "exercise": 0.05, "reflect": 0.03}),
        (
            9,
            12,
            {
                "rest": 0.15,
                "outdoors": 0.12,
                "help": 0.12,
                "social": 0.1,
                "exercise": 0.08,
                "work": 0.08,
                "create": 0.05,
                "plan": 0.04,
                "reflect": 0.04,
                "learn": 0.03,
            },
        ),
        (12, 14, {"rest": 0.25, "social": 0.22, "outdoors": 0.08, "help": 0.06, "work": 0.05}),
        (
            14,
            18,
            {
                "social": 0.18,
                "outdoors": 0.15,
                "rest": 0.15,
                "help": 0.1,
                "work": 0.07,
                "exercise": 0.07,
                "create": 0.06,
                "learn": 0.03,
            },
        ),
        (18, 22, {"social": 0.28, "rest": 0.35, "create": 0.04, "help": 0.04, "learn": 0.02}),
        (22, 24, {"rest": 0.2, "social": 0.12}),
    ),
)
"""Hours of a day and the share of people at each activity; the rest of them, and those asleep,
count as free. The shape of national time-use surveys, rounded by hand: assumed."""


def population_habits() -> NDArray[np.float64]:
    """Return the population's table, (2, 96, 11): see `habits`."""
    table = np.zeros((2, QUARTERS, 1 + len(ACTIVITIES)))
    for kind, day in enumerate(_POPULATION):
        for start, end, shares in day:
            for name, share in shares.items():
                table[kind, 4 * start : 4 * end, 1 + ACTIVITIES.index(name)] = share
    table[:, :, 0] = 1.0 - table.sum(axis=2)
    return table


def habits(
    history: History, first: date | None = None, last: date | None = None
) -> NDArray[np.float64]:
    """Return what this person does by the quarter of an hour when nobody proposes anything.

    Shape (2, 96, 11): weekday or weekend, quarter of the day from midnight, and the probabilities
    of (free, the ten ACTIVITIES), summing to one. Counts of the days first..last (those of the
    blocks, unless given), spread a little over neighbouring quarters, on top of PRIOR_DAYS days of
    the population's table. Blocks whose activity nobody can tell are left out.
    """
    known = [block for block in history.blocks if block.activity is not None]
    days = [block.start_local.date() for block in history.blocks]
    first = min(days) if first is None and days else first
    last = max(days) if last is None and days else last
    prior = population_habits()
    if first is None or last is None or last < first:
        return prior
    every = [first + timedelta(days=offset) for offset in range((last - first).days + 1)]
    counts = np.zeros_like(prior)
    for kind in (0, 1):
        total = sum(1 for day in every if (day.weekday() >= 5) == bool(kind))
        counts[kind, :, 0] = UNSEEN_DAY * total
    for block in known:
        assert block.activity is not None
        for day, quarter in _quarters(block):
            if first <= day <= last:
                kind = int(day.weekday() >= 5)
                counts[kind, quarter, 1 + block.activity] += 1.0
                counts[kind, quarter, 0] = max(0.0, counts[kind, quarter, 0] - UNSEEN_DAY)
    kernel = np.array([1.0, 2.0, 3.0, 2.0, 1.0]) / 9.0
    spread = sum(
        (
            part * np.roll(counts, shift, axis=1)
            for part, shift in zip(kernel, range(-2, 3), strict=True)
        ),
        start=np.zeros_like(counts),
    )
    table: NDArray[np.float64] = spread + PRIOR_DAYS * prior
    table /= table.sum(axis=2, keepdims=True)
    return table


def _quarters(block: LivedBlock) -> Iterable[tuple[date, int]]:
    """Yield each quarter of an hour whose middle a block covers, at most two days of them."""
    at = block.start_local.replace(tzinfo=None)
    end = block.end_local.replace(tzinfo=None)
    at = at.replace(minute=at.minute - at.minute % 15, second=0, microsecond=0)
    start = block.start_local.replace(tzinfo=None)
    half = timedelta(minutes=7.5)
    for _ in range(2 * QUARTERS):
        if at + half >= end:
            return
        if at + half >= start:
            yield at.date(), at.hour * 4 + at.minute // 15
        at += 2 * half
