"""What `fetch` yields, checked: a record that breaks the contract becomes a RecordError."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime
from itertools import islice
from numbers import Real
from typing import TYPE_CHECKING, Any, TypeGuard, get_args, get_type_hints

from twind.errors import PluginError
from twind.model import (
    Attendee,
    CalendarEvent,
    Deleted,
    Fetched,
    Person,
    Project,
    Record,
    RecordError,
    Task,
    Unchanged,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from twind.plugins.loading import Loaded

from twind.plaintext import MAX_LINE, cut, one_line, plain
from twind.plugins.fencing import BATCH, file_label, message_of, pull

MAX_RECORDS = 200_000
"""No life has so many: it is twice what twind is measured with. The figure is chosen."""


MAX_UID = 512


MAX_GROUP = 4096


MAX_LABEL = 500


MAX_TEXT = 20_000


MAX_ITEMS = 1000


MAX_ESTIMATE_MIN = 366 * 24 * 60


MAX_COUNT = 1_000_000


_Check = Callable[[Any], Any]


class RunawayError(PluginError):
    """A fetch has gone wild: not even what came first is to be believed."""


def validate_records(
    loaded: Loaded, records: Any, *, limit: int = MAX_RECORDS
) -> Iterator[Fetched]:
    """Yield what a plugin's `fetch` gives, as records the store can trust.

    Times come out in UTC, names and titles trimmed and on one line, texts free of control
    characters and cut to a sane length, e-mail addresses in lower case. Anything that is no record,
    or has a field that cannot be right, comes out as a RecordError; so does the second of one uid.
    A RecordError bears the uid; where that cannot be told, the group, else "".

    Raises PluginError where the plugin raises, or yields an `Unchanged` that names no group:
    nothing may be deleted after it; RunawayError where it yields more than `limit` items.
    """
    seen: set[str] = set()
    count = 0
    with contextlib.closing(pull(loaded, records, "fetch", BATCH)) as batches:
        for item in (item for batch in batches for item in batch):
            count += 1
            if count > limit:
                raise RunawayError(
                    f"{file_label(loaded.file)}: fetch yielded more than {limit} records; "
                    "none of them is taken"
                )
            yield _validated(item, seen, loaded)


def _validated(item: Any, seen: set[str], loaded: Loaded) -> Fetched:
    if issubclass(type(item), Unchanged):  # isinstance asks the item, which may raise
        try:
            return Unchanged(_group(item.group))
        except ValueError as error:
            raise PluginError(f"{file_label(loaded.file)}: Unchanged.group {error}") from None
    try:
        match item:
            case RecordError():
                return _refusal(item, _text(MAX_TEXT)(item.reason) or "cannot be read")
            case Deleted():
                return Deleted(_field("uid", item.uid, _uid))
            case _ if _is_record(item):
                return _record(item, seen)
        return _refusal(item, f"is a {type(item).__name__}, which is no record")
    except Exception as error:  # noqa: BLE001 - fields are foreign objects; any may misbehave
        return _refusal(item, message_of(error) or type(error).__name__)


def _is_record(item: Any) -> TypeGuard[Record]:
    return isinstance(item, tuple(_CHECKS))


def _record(item: Record, seen: set[str]) -> Record:
    # A subclass is stored as what it extends.
    kind = next(kind for kind in _CHECKS if isinstance(item, kind))
    values = {
        name: _field(name, getattr(item, name), check) for name, check in _CHECKS[kind].items()
    }
    if kind is CalendarEvent and values["end"] < values["start"]:
        raise ValueError("end is before start")
    uid = values["uid"]
    if uid in seen:
        raise ValueError(f"uid {uid!r} was yielded twice; the first one counts")
    seen.add(uid)
    record: Record = kind(**values)
    return record


def _field(name: str, value: Any, check: _Check) -> Any:
    try:
        return check(value)
    except ValueError as error:
        raise ValueError(f"{name} {error}") from None


def _refusal(item: Any, reason: str) -> RecordError:
    group = _or_empty(item, "group", _group)
    return RecordError(_or_empty(item, "uid", _uid) or group, cut(reason, MAX_LINE), group)


def _or_empty(item: Any, name: str, check: _Check) -> str:
    """Return an attribute, or a mapping's entry, if it is as it should be, else ""."""
    with contextlib.suppress(Exception):
        value = item.get(name) if isinstance(item, dict) else getattr(item, name)
        return str(check(value))
    return ""


def _shown(value: Any) -> str:
    """Show a value in a reason; whatever it is, it must not spoil the reason."""
    return cut(one_line(repr(value)), 80)


def _string(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError(f"must be a text, not {_shown(value)}")  # noqa: TRY004 - a reason to show
    return str(value)


def _exact(limit: int) -> _Check:
    """Check a text that identifies something and therefore stays as it is."""

    def check(value: Any) -> str:
        text = _string(value)
        if len(text) > limit:
            raise ValueError(f"is longer than {limit} characters")
        if "\0" in text or any("\ud800" <= letter <= "\udfff" for letter in text):
            raise ValueError(f"is no proper text: {_shown(value)}")
        return text

    return check


_group = _exact(MAX_GROUP)


_exact_uid = _exact(MAX_UID)


def _uid(value: Any) -> str:
    uid = str(_exact_uid(value))
    if not uid.strip():
        raise ValueError("is empty")
    return uid


def _label_text(value: Any) -> str:
    return one_line(_string(value), MAX_LABEL)


def _required(value: Any) -> str:
    label = _label_text(value)
    if not label:
        raise ValueError("is empty")
    return label


def _text(limit: int) -> _Check:
    def check(value: Any) -> str:
        return cut(plain(_string(value)).strip(), limit)

    return check


def _flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError(f"must be true or false, not {_shown(value)}")  # noqa: TRY004
    return value


def _count(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= MAX_COUNT:
        raise ValueError(f"must be a whole number from 0 to {MAX_COUNT}, not {_shown(value)}")
    return value


def _between(low: float, high: float) -> _Check:
    def check(value: Any) -> float:
        if isinstance(value, bool) or not isinstance(value, Real):
            raise ValueError(f"must be a number, not {_shown(value)}")  # noqa: TRY004
        number = float(value)
        if not (math.isfinite(number) and low <= number <= high):
            raise ValueError(f"must be a number from {low:g} to {high:g}, not {_shown(value)}")
        return number

    return check


def _moment(value: Any) -> datetime:
    if not isinstance(value, datetime):
        raise ValueError(f"must be a datetime, not {_shown(value)}")  # noqa: TRY004
    if value.utcoffset() is None:
        raise ValueError(f"has no time zone: {value.isoformat()}")
    try:
        return value.astimezone(UTC)
    except OverflowError:
        raise ValueError(f"is out of range: {value.isoformat()}") from None


def _day(value: Any) -> date:
    if not isinstance(value, date):
        raise ValueError(f"must be a date, not {_shown(value)}")  # noqa: TRY004
    return date(value.year, value.month, value.day)


def _optional(check: _Check) -> _Check:
    return lambda value: None if value is None else check(value)


def _one_of(record: type[Any], name: str) -> _Check:
    allowed = get_args(get_type_hints(record)[name])

    def check(value: Any) -> str:
        if not isinstance(value, str) or value not in allowed:
            raise ValueError(f"must be one of {', '.join(allowed)}, not {_shown(value)}")
        return str(value)

    return check


def _many(check: _Check) -> _Check:
    """Check each item; blanks and repeats go, and what is past MAX_ITEMS."""

    def checked(values: Any) -> tuple[Any, ...]:
        if not isinstance(values, tuple | list):
            raise ValueError(f"must be a tuple, not {_shown(values)}")  # noqa: TRY004
        items = (check(value) for value in islice(values, MAX_ITEMS))
        return tuple(dict.fromkeys(item for item in items if item))

    return checked


def _email(value: Any) -> str:
    return _label_text(value).lower()


def _attendee(value: Any) -> Attendee | None:
    if not isinstance(value, Attendee):
        raise ValueError(f"must hold Attendee only, not {_shown(value)}")  # noqa: TRY004
    email = _field("email", value.email, _email)
    name = _field("name", value.name, _label_text)
    status = _field("status", value.status, _attendance)
    return Attendee(email=email, name=name, status=status) if email or name else None


_attendance = _one_of(Attendee, "status")


_CHECKS: Mapping[type[Any], Mapping[str, _Check]] = {
    Person: {
        "uid": _uid,
        "name": _required,
        "emails": _many(_email),
        "phones": _many(_label_text),
        "organisation": _label_text,
        "groups": _many(_label_text),
        "birthday": _optional(_day),
        "related": _many(_label_text),
        "note": _text(MAX_TEXT),
        "book": _group,
        "group": _group,
    },
    Project: {
        "uid": _uid,
        "name": _required,
        "kind": _one_of(Project, "kind"),
        "status": _one_of(Project, "status"),
        "priority": _optional(_between(0, 1)),
        "deadline": _optional(_moment),
        "description": _text(MAX_TEXT),
        "parent": _optional(_uid),
        "group": _group,
    },
    Task: {
        "uid": _uid,
        "title": _required,
        "project": _optional(_uid),
        "status": _one_of(Task, "status"),
        "priority": _optional(_between(0, 1)),
        "start": _optional(_moment),
        "due": _optional(_moment),
        "created_at": _optional(_moment),
        "completed_at": _optional(_moment),
        "estimate_min": _optional(_between(0, MAX_ESTIMATE_MIN)),
        "spent_min": _optional(_between(0, MAX_ESTIMATE_MIN)),
        "progress": _optional(_between(0, 1)),
        "recurrence": _label_text,
        "series": _exact_uid,
        "rescheduled": _count,
        "contexts": _many(_label_text),
        "description": _text(MAX_TEXT),
        "group": _group,
    },
    CalendarEvent: {
        "uid": _uid,
        "title": _label_text,  # an event without a title still takes its time
        "start": _moment,
        "end": _moment,
        "all_day": _flag,
        "busy": _flag,
        "status": _one_of(CalendarEvent, "status"),
        "series": _exact_uid,
        "organizer": _email,
        "attendees": _many(_attendee),
        "location": _label_text,
        "description": _text(MAX_TEXT),
        "categories": _many(_label_text),
        "group": _group,
    },
}
