"""What the sentence of a proposal says of how long it takes, and of the step it begins with."""

from __future__ import annotations

import textwrap

_LENGTHS = {
    1: "a minute",
    15: "a quarter of an hour",
    30: "half an hour",
    45: "three quarters of an hour",
    60: "an hour",
    90: "an hour and a half",
    120: "two hours",
}
MOST_QUOTED = 60
"""Of a title, not more is quoted than one takes in at a glance."""
_BEGINNING = ", beginning with "


def length(minutes: int) -> str:
    """Return a duration as people say it."""
    return _LENGTHS.get(minutes, f"{minutes} minutes")


def in_quotes(title: str) -> str:
    """Return the title of a step or an event as it is quoted."""
    return f"“{textwrap.shorten(title, MOST_QUOTED, placeholder='…')}”"


def lasting(minutes: int) -> str:
    """Return it as it stands in a sentence."""
    return f" for {length(minutes)}"


def beginning(step: str) -> str:
    """Return which step it begins with, as that stands in a sentence."""
    return f"{_BEGINNING}{in_quotes(step)}"


def relength(text: str, minutes: int, other: int) -> str:
    """Return a proposal's sentence with another length: how long it takes comes last of its head.

    One that does not speak of its length is returned as it is.
    """
    head, *tail = text.partition(_BEGINNING)
    words, found, rest = head.rpartition(lasting(minutes))
    return "".join([words, lasting(other), rest, *tail]) if found else text
