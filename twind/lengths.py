"""How long something takes as people say it, and in the sentence of a proposal."""

from __future__ import annotations

_LENGTHS = {
    1: "a minute",
    15: "a quarter of an hour",
    30: "half an hour",
    45: "three quarters of an hour",
    60: "an hour",
    90: "an hour and a half",
    120: "two hours",
}
BEGINNING = ", beginning with "
"""Between how long a proposal takes and the step it begins with."""


def length(minutes: int) -> str:
    """Return a duration as people say it."""
    return _LENGTHS.get(minutes, f"{minutes} minutes")


def lasting(minutes: int) -> str:
    """Return it as it stands in a sentence."""
    return f" for {length(minutes)}"


def relength(text: str, minutes: int, other: int) -> str:
    """Return a proposal's sentence with another length: how long it takes comes last of its head.

    One that does not speak of its length is returned as it is.
    """
    head, beginning, step = text.partition(BEGINNING)
    words, found, rest = head.rpartition(lasting(minutes))
    return f"{words}{lasting(other)}{rest}{beginning}{step}" if found else text
