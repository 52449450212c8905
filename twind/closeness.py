"""How close two people are and how often they meet: from what is told, and from real contact.

Pure functions of what twind.store.life reads: what the user has said of somebody, what the cards of
the address book say, and the meetings that have taken place. Where no source is named, a constant
is chosen: there is no public set of calendars and address books to fit it on.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import date, datetime

DEFAULT = 0.3
"""How close somebody is of whom nothing is known."""
MOST = 0.9
"""How close contact alone can make somebody."""
HALF_LIFE_DAYS = 90.0
"""After which a day together counts half."""
SET_BY_OTHERS = 0.5
"""What a meeting counts that others arranged, against one of the user's own."""
SCALE = 5.0
"""Days together, as weighed, that bring somebody 63 % of the way from DEFAULT to MOST; meeting once
a month for years, alone and of one's own accord, comes to just that."""

RELATIONS = {
    **dict.fromkeys(("spouse", "wife", "husband", "partner", "domestic partner"), 0.95),
    **dict.fromkeys(("child", "son", "daughter", "sweetheart"), 0.9),
    **dict.fromkeys(("parent", "mother", "father"), 0.85),
    **dict.fromkeys(("sibling", "brother", "sister"), 0.8),
    "friend": 0.7,
    **dict.fromkeys(("relative", "kin"), 0.6),
}
"""How close at least somebody is who is told to be this to the user (RFC 6350, 6.6.6, and what
Apple and Google offer). Contact brings them closer yet; of managers and colleagues it alone tells.
"""
CONVERSE = {
    **dict.fromkeys(("child", "son", "daughter"), "parent"),
    **dict.fromkeys(("parent", "mother", "father"), "child"),
    **dict.fromkeys(("brother", "sister"), "sibling"),
    **dict.fromkeys(("wife", "husband"), "spouse"),
}
"""What somebody is to the user whose card says that the user is this to them; else just that."""
GROUPS = {
    **dict.fromkeys(("family", "familie", "famille", "familia", "famiglia"), 0.8),
    **dict.fromkeys(("friend", "friends", "freunde", "amis", "amigos", "amici"), 0.6),
}
"""How close at least somebody is who is in a group, or category, of that name."""

NEAR_DAYS, FAR_DAYS = 7.0, 90.0
"""How often people meet whose closeness is 1, and 0. The five closest see each other weekly, the
ten after them monthly (Sutcliffe, Dunbar, Binder and Arrow 2012); the far end is chosen, so that
those of whom nothing is known come out at six weeks."""
LEAST_DAYS, MOST_DAYS = 1.0, 365.0
REGULAR_FROM = 3
"""From how many days together on it can be told how often two people usually meet."""


@dataclass(frozen=True, slots=True)
class Meeting:
    """A meeting with somebody that has taken place.

    Attributes:
        at: when it began, in the user's zone: its date is the day of the contact.
        others: how many took part besides the user, at least one.
        own: whether the user arranged it.
        series: the recurring event that it is an occurrence of, "" for none.
        record: its row in `records`.

    """

    at: datetime
    others: int = 1
    own: bool = True
    series: str = ""
    record: int = 0

    @property
    def weight(self) -> float:
        """What it says of two people, 0..1: a meeting of two says most."""
        return (1.0 if self.own else SET_BY_OTHERS) / max(1, self.others)


@dataclass(frozen=True, slots=True)
class Closeness:
    """How close somebody is, 0..1, and from what that is known.

    Attributes:
        value: 0..1.
        told: whether the user has said so.
        kind: what else it begins with: "your spouse", "in your group Family", "" for nothing.
        days: on how many days they met.

    """

    value: float
    told: bool = False
    kind: str = ""
    days: int = 0

    @property
    def why(self) -> str:
        """From what it is known, in words."""
        if self.told:
            return "you have said so"
        met = {0: "", 1: "a day together"}.get(self.days, f"{self.days} days together")
        return ", ".join(filter(None, (self.kind, met))) or "nothing is known yet"


def closeness(
    meetings: Sequence[Meeting],
    now: datetime,
    *,
    told: Mapping[str, float] | None = None,
    relations: Iterable[str] = (),
    groups: Iterable[str] = (),
) -> Closeness:
    """Return how close somebody is, and from what that is known.

    What the user has told (love and trust, on whatever scale up to 1, 5, 10 or 100) is the answer.
    Else what they are to each other, or the group they are in, is where it begins, and contact
    brings them closer: base + (MOST - base)(1 - exp(-contact / SCALE)).
    """
    said = [_unit(told[name]) for name in ("love", "trust") if told and name in told]
    if said:
        return Closeness(sum(said) / len(said), told=True)
    known = {f"your {one}": RELATIONS[one] for one in relations if one in RELATIONS}
    known |= {
        f"in your group {one}": GROUPS[one.casefold()] for one in groups if one.casefold() in GROUPS
    }
    # Of two that say the same the first of the alphabet speaks, whichever source came first.
    kind = min(known, key=lambda one: (-known[one], one), default="")
    base = max(DEFAULT, known.get(kind, 0.0))
    value = base + max(0.0, MOST - base) * (1.0 - math.exp(-contact(meetings, now) / SCALE))
    return Closeness(value, kind=kind, days=len(days_together(meetings)))


def contact(meetings: Iterable[Meeting], now: datetime) -> float:
    """Return how much contact there has been, in days together: sum + ln(1 + sum of habit).

    A day counts as its weightiest meeting does, and half as much every HALF_LIFE_DAYS. Days that
    only recurring events have brought are one habit, whose repeats say less and less. Adding a
    meeting never lowers it: its day, once counted as habit, then counts in full, and the slope of
    ln(1 + x) is at most one.
    """
    by_day: dict[date, list[Meeting]] = {}
    for meeting in meetings:
        by_day.setdefault(meeting.at.date(), []).append(meeting)
    singly, habit = 0.0, 0.0
    for day, met in sorted(by_day.items()):
        age_days = max(0, (now.date() - day).days)
        weight = max(one.weight for one in met) * 0.5 ** (age_days / HALF_LIFE_DAYS)
        if all(one.series for one in met):
            habit += weight
        else:
            singly += weight
    return singly + math.log1p(habit)


def days_together(meetings: Iterable[Meeting]) -> list[date]:
    """Return the days of contact, each once, in order."""
    return sorted({meeting.at.date() for meeting in meetings})


def usual_gap_days(meetings: Sequence[Meeting], now: datetime) -> float | None:
    """Return the days that usually lie between two meetings.

    None where too few meetings tell, or where it has been longer since the last than it ever was
    usual: then nothing is usual any more.
    """
    days = days_together(meetings)
    if len(days) < REGULAR_FROM:
        return None
    usual = _typical(_closed(days))
    return None if _typical(_gaps(days, now.date(), MOST_DAYS)) > usual else usual


def cadence_days(meetings: Iterable[Meeting], now: datetime, close: float) -> float:
    """Return how often two people meet, in days: from their contact, and from how close they are.

    From REGULAR_FROM days together on it is their typical gap. Before that, the gap expected by
    closeness c, NEAR_DAYS^c FAR_DAYS^(1 - c), counts as often as days lack, and the mean of the
    logarithms is taken: gaps of a week and of a year differ by a factor.
    """
    days = days_together(meetings)
    expected = NEAR_DAYS**close * FAR_DAYS ** (1.0 - close)
    gaps = _gaps(days, now.date(), expected)
    lacking = max(0, REGULAR_FROM - len(days))
    typical = _typical(gaps) if gaps else expected
    mean = (math.log(typical) + lacking * math.log(expected)) / (1 + lacking)
    return min(MOST_DAYS, max(LEAST_DAYS, math.exp(mean) if lacking else typical))


def cadence_why(meetings: Sequence[Meeting], now: datetime) -> str:
    """Say from what it is told how often two people meet."""
    days = len(days_together(meetings))
    if days >= REGULAR_FROM:
        gone = usual_gap_days(meetings, now) is None
        return f"{days} days together" + (", and the long time since" if gone else "")
    return "how close they are" + (", and when they met" if days else "")


def _gaps(days: Sequence[date], today: date, expected: float) -> list[float]:
    """Return the gaps between days together, and the one since if it is longer than is typical.

    Until it is closed by another meeting it only says that the gap is at least that long. expected:
    what is typical where there are no gaps yet.
    """
    gaps = _closed(days)
    since = float((today - days[-1]).days) if days else 0.0
    return [*gaps, since] if since > (_typical(gaps) if gaps else expected) else gaps


def _closed(days: Sequence[date]) -> list[float]:
    return [float((after - before).days) for before, after in pairwise(days)]


def _typical(gaps: Iterable[float]) -> float:
    """Return the gap in which the typical day lies: half of all days lie in gaps no longer.

    Unlike the plain median it does not take three days of a conference for a habit, nor one long
    absence for the end of one.
    """
    ordered = sorted(gaps)
    half = sum(ordered) / 2.0
    for gap in ordered:
        half -= gap
        if half <= 0.0:
            return gap
    raise ValueError("there are no gaps")


def _unit(value: float) -> float:
    for scale in (1.0, 5.0, 10.0):
        if value <= scale:
            return max(0.0, value / scale)
    return min(1.0, value / 100.0)
