"""What a check found."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

Severity = Literal["ok", "notice", "warning", "error"]
"""ok and notice are fine; a warning wants to be looked at; with an error twind does not work, or
not for long."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What a check found.

    Attributes:
        severity: how bad it is.
        saw: what was seen, for the user's eyes.
        do: what to do about it; "" where there is nothing to do.
        facts: the same in numbers, which tell nothing of who the user is: these alone go into a
            bundle.
        repair: mends it, and returns what it did; where that can do no harm.
        blocks: whether checks that need this one cannot be made, as with an error.

    """

    severity: Severity
    saw: str
    do: str = ""
    facts: Mapping[str, float | None] = field(default_factory=dict)
    repair: Callable[[], str] | None = None
    blocks: bool = False


class NothingYetError(Exception):
    """There is nothing yet to look at, which is no fault."""
