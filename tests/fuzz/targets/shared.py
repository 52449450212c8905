"""What the targets share: a context for plugins, and what a reader may yield."""

from __future__ import annotations

import contextlib
import unicodedata
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from twind.api import Claim, Context, Fact, RecordError, Window

WINDOW = Window(datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 7, 1, tzinfo=UTC))
NOW = datetime(2026, 3, 2, 8, tzinfo=UTC)


def context(settings) -> Context:
    """Return what a plugin is called with, on a Monday in Berlin."""
    return Context(
        settings=settings,
        window=WINDOW,
        now=NOW,
        timezone=ZoneInfo("Europe/Berlin"),
        emails=frozenset({"me@example.org"}),
        state={},
    )


class Facts:
    """What files say to each other, of one file alone."""

    def __init__(self) -> None:
        self.told: dict[str, list[str]] = {}

    def facts(self, about, _file) -> tuple[str, ...]:
        return tuple(self.told.get(about, ()))


def exhaust(items, facts: Facts | None = None) -> None:
    """Go through what a reader yields, and then through the records of each claim.

    The reader itself raises nothing, or one part of a file would cost all the others. What a
    claim raises costs that claim, and may be anything.
    """
    claims = []
    for item in items:
        if isinstance(item, Fact) and facts is not None:
            facts.told.setdefault(item.about, []).append(item.text)
        elif isinstance(item, Claim):
            claims.append(item)
        else:
            assert isinstance(item, Fact | RecordError), item
    for claim in claims:
        with contextlib.suppress(Exception):
            for record in claim.records(claim.uid):
                repr(record)


TURNING = {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}
"""What turns the direction of writing (Unicode's bidirectional classes)."""


def is_harmless(text: str, *, lines: bool = False) -> bool:
    """Tell, in other words than twind's, whether a text commands no terminal and lies to nobody."""
    return all(
        (lines and letter == "\n")
        or not (
            unicodedata.category(letter) in {"Cc", "Cs", "Zl", "Zp"}
            or unicodedata.bidirectional(letter) in TURNING
        )
        for letter in text
    )


HERE = Path("/nowhere")
