"""Lines of JSON, and records as such, for the way from a plugin's process to the one that asked.

The plugin has the same descriptor as we have there: any line may be its own.
"""

from __future__ import annotations

import json
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, TypeVar, get_args, get_type_hints

from twind.model import (
    Attendee,
    CalendarEvent,
    Deleted,
    Fetched,
    Person,
    Project,
    RecordError,
    Task,
    Unchanged,
)

if TYPE_CHECKING:
    from collections.abc import Callable

SHOWN = 40
"""How much is told of a line that makes no sense, in bytes."""

T = TypeVar("T")

KINDS: dict[str, type[Any]] = {
    kind.__name__: kind
    for kind in (Person, Project, Task, CalendarEvent, Unchanged, Deleted, RecordError)
}


def parse(line: bytes, kind: type[T]) -> T:
    """Return the value of that kind which a line has.

    Raises ValueError, in words, where it is no JSON, or none that can be read in the memory there
    is, or of another kind.
    """
    try:
        value = json.loads(line)
    except (ValueError, RecursionError, MemoryError):
        raise ValueError(f"{line[:SHOWN]!r} cannot be read as JSON") from None
    if not isinstance(value, kind):
        raise ValueError(f"{line[:SHOWN]!r} is no {kind.__name__}")  # noqa: TRY004 - as the rest
    return value


def encode(item: Fetched) -> list[Any]:
    """Return what is fetched, validated, for JSON: its kind and its fields in order.

    What JSON has no form for is left to `plain`.
    """
    kind = type(item).__name__
    return [kind, *(getattr(item, name) for name in _READERS[kind])]


def plain(value: Any) -> Any:
    """Return what a field may hold in a form that JSON has. Raises TypeError for anything else."""
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Attendee):
        return [value.email, value.name, value.status]
    raise TypeError(f"no JSON for a {type(value).__name__}")


def decode(line: Any) -> Fetched:
    """Return what `encode` has written.

    Raises ValueError or TypeError for what it cannot have written; whether a field is as it should
    be is for validation to say.
    """
    kind, *values = line
    if kind not in KINDS:
        raise ValueError(f"{kind!r} is no kind of record")
    pairs = zip(_READERS[kind].items(), values, strict=True)
    given = {name: None if value is None else read(value) for (name, read), value in pairs}
    fetched: Fetched = KINDS[kind](**given)
    return fetched


def _reader(annotation: Any) -> Callable[[Any], Any]:
    kinds = (annotation, *get_args(annotation))
    if Attendee in kinds:
        return lambda values: tuple(
            Attendee(email=email, name=name, status=status) for email, name, status in values
        )
    if datetime in kinds:
        return datetime.fromisoformat
    if date in kinds:
        return date.fromisoformat
    return tuple if str in kinds and Ellipsis in kinds else lambda value: value


_READERS: dict[str, dict[str, Callable[[Any], Any]]] = {
    name: {field: _reader(hint) for field, hint in get_type_hints(kind).items()}
    for name, kind in KINDS.items()
}
