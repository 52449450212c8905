"""Behaviour as evidence: what a history of blocks and tasks says about a person.

A block of a real day is read as a choice among what was possible then, beside base rates for what
people do anyway: without them everybody would be found to "prefer" working by day. Repeats of one
series are one opinion (`observations.repeat_weight`), and what is chosen time and again is first a
habit (`shared.habit_weights`); what others arranged says little (OTHERS_WEIGHT). The base rates are
assumed.

Some of what one would like to know is not to be had from calendars and tasks: breaks, since a gap
between two entries is no break; sleep, since only a day's entries are seen, and not its ends; which
meetings were optional, since only the answer to an invitation is kept.

Times are the user's wall clock. Everything here is a pure function of the history, so that reading
it again gives the same evidence under the same keys.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from twind.preferences.detectors.arranging import arranged, lead_times
from twind.preferences.detectors.company import company_kept, invitations, people_sought
from twind.preferences.detectors.habits import habits, population_habits
from twind.preferences.detectors.history import DoneTask, History, Invitation, LivedBlock
from twind.preferences.detectors.hours import focused_hours, leisure_hours
from twind.preferences.detectors.leisure import free_time, variety
from twind.preferences.detectors.shared import OTHERS_WEIGHT, sparse
from twind.preferences.detectors.titles import classify

if TYPE_CHECKING:
    from collections.abc import Callable

    from twind.preferences.observations import Observation

    Detector = Callable[[History], list[Observation]]

__all__ = [
    "DETECTORS",
    "OTHERS_WEIGHT",
    "DoneTask",
    "History",
    "Invitation",
    "LivedBlock",
    "arranged",
    "classify",
    "company_kept",
    "detect",
    "focused_hours",
    "free_time",
    "habits",
    "invitations",
    "lead_times",
    "leisure_hours",
    "people_sought",
    "population_habits",
    "sparse",
    "variety",
]

DETECTORS: tuple[Detector, ...] = (
    focused_hours,
    leisure_hours,
    free_time,
    variety,
    company_kept,
    people_sought,
    invitations,
    arranged,
    lead_times,
)


def detect(history: History) -> list[Observation]:
    """Return what all detectors find, in the order of time."""
    found = [seen for detector in DETECTORS for seen in detector(history)]
    return sorted(found, key=lambda seen: (seen.at, seen.key))
