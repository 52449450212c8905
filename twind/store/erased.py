"""Whom the user has had erased: kept as keyed fingerprints, so that no sync brings them back.

A source still has its card of them and their place in events. What it yields is held against the
fingerprints on its way into the database: their own records are dropped, they are left out of
events, and where a text names them it says "…" instead. Nothing here can be read back, but whoever
has the whole database can try out whether a name they guess is among it.

A backup made before they were erased knows neither that nor the fingerprints, nor what sources and
dimensions were forgotten since. So these are kept in a file beside the database as well, which says
no more than the database does (`keep`); a database that is brought back takes them from there
(`take_over`).

A name of one word stands for them only where it is written large: "Will" is somebody, "will" is
not. In what they take part in every word of their name does.
"""

from __future__ import annotations

import json
import re
import secrets
from collections import defaultdict
from dataclasses import fields, replace
from functools import lru_cache
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, NamedTuple

from twind import atomic
from twind.errors import StoreError
from twind.model import Attendee, CalendarEvent, Fetched, Person, RecordError
from twind.store import linking
from twind.store.connection import to_json

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    from twind.home import Home
    from twind.store.connection import Store

GONE = "…"
"""What stands where somebody was named."""
_KEY = "erased_key"
_COLUMNS = "profile_id, person, print"
_WHOLES = """
    SELECT profile_id, 'source', subject FROM words WHERE kind = 'source'
    UNION
    SELECT w.profile_id, 'dimension', d.name FROM words AS w
    JOIN aspects AS a ON a.code = w.subject JOIN dimensions AS d ON d.id = a.dimension_id
    WHERE w.kind = 'forget' GROUP BY w.profile_id, d.id HAVING COUNT(*) =
        (SELECT COUNT(*) FROM aspects WHERE dimension_id = d.id AND code != '')
"""
Whole = tuple[int, str, str]
"""A profile, "source" or "dimension", and which of them."""
_LONGEST = 6
"""Words of a name, at most, that are looked for in texts."""
_APART = 3
"""So many characters, at most, stand between two words of a name: ", " does, and a line's end."""
_WORD = re.compile(r"[^\W_]+")
_IN_ADDRESS = r"[^\s<>\"'(),;:\[\]]"
# It begins where nothing of an address stands before it, or a long word would be tried anew from
# each of its letters.
_ADDRESS = re.compile(rf"(?<!{_IN_ADDRESS}){_IN_ADDRESS}+@{_IN_ADDRESS}*[^\s<>\"'(),;:\[\].!?]")
_TEXTS_KEPT = 64
"""So many texts are kept with what was made of them: all times of an event say the same."""
_NUMBER = re.compile(r"\+?\d[\d ()/.\-]{4,24}\d")
_NAMES = frozenset({"uid", "group", "project", "series", "parent", "kind", "status"})
"""Fields that name something to a program, and are left as they are."""


class Marks(NamedTuple):
    """What somebody is known by; records: SOURCE:UID, names: all they are called."""

    records: Collection[str] = ()
    addresses: Collection[str] = ()
    phones: Collection[str] = ()
    names: Collection[str] = ()


class Erased:
    """The fingerprints of a profile, ready to be held against what comes."""

    def __init__(self, key: str, prints: Iterable[str]) -> None:
        self._key = bytes.fromhex(key)
        self._prints = frozenset(prints)
        self._redacted = lru_cache(_TEXTS_KEPT)(self._redact)

    def __bool__(self) -> bool:
        return bool(self._prints)

    def print_of(self, kind: str, text: str) -> str:
        """Return the fingerprint of a text of a kind."""
        return blake2b(f"{kind}\0{text}".encode(), key=self._key, digest_size=16).hexdigest()

    def _has(self, kind: str, text: str) -> bool:
        return self.print_of(kind, text) in self._prints

    # --- texts -----------------------------------------------------------------------------------

    def redact(self, text: str, *, taking_part: bool = False) -> str:
        """Return a text without those who are erased: "…" stands for each.

        taking_part: whether it is about something they take part in.
        """
        return self._redacted(text, taking_part)

    def _redact(self, text: str, taking_part: bool) -> str:
        told = _ADDRESS.sub(lambda found: GONE if self._is_address(found[0]) else found[0], text)
        told = _NUMBER.sub(lambda found: GONE if self._is_number(found[0]) else found[0], told)
        spans = list(self._named(told, taking_part=taking_part))
        for start, end in reversed(spans):
            told = f"{told[:start]}{GONE}{told[end:]}"
        return told

    def _named(self, text: str, *, taking_part: bool) -> Iterator[tuple[int, int]]:
        """Yield from where to where each of those who are erased is named, in order."""
        words = list(_WORD.finditer(text))
        at = 0
        while at < len(words):
            together = _together(text, words[at : at + _LONGEST])
            length = self._named_at(together, taking_part=taking_part)
            if length:
                yield words[at].start(), words[at + length - 1].end()
            at += max(1, length)

    def _named_at(self, words: list[re.Match[str]], *, taking_part: bool) -> int:
        """Return how many of these words are a name, the longest first; 0 for none."""
        for length in range(len(words), 0, -1):
            name = _name(" ".join(word[0] for word in words[:length]))
            as_name = length > 1 or not words[0][0][0].islower()
            if name and as_name and self._has("name", name):
                return length
            if name and length == 1 and taking_part and self._has("word", name):
                return length
        return 0

    def value(self, value: Any, *, taking_part: bool = False) -> Any:
        """Return a value of JSON, with all that it holds, without them."""
        if isinstance(value, str):
            return self.redact(value, taking_part=taking_part)
        if isinstance(value, list | tuple):
            kept = (self.value(one, taking_part=taking_part) for one in value)
            return type(value)(kept)
        if isinstance(value, dict):
            return {
                self.value(key): one if key in _NAMES else self.value(one, taking_part=taking_part)
                for key, one in value.items()
            }
        return value

    def column(self, text: str) -> str:
        """Return what a column holds, JSON or plain, without them."""
        if text[:1] in {"{", "["}:
            try:
                held = json.loads(text)
            except ValueError:
                return self.redact(text)
            told = self.value(held)
            return text if told == held else to_json(told)
        return self.redact(text)

    # --- records ---------------------------------------------------------------------------------

    def payload(self, text: str) -> str:
        """Return a record as it is stored, without them."""
        held = json.loads(text)
        guests = [one for one in held.get("attendees", ()) if not self._is_address(one["email"])]
        told = dict(held)
        if "attendees" in held:
            told["attendees"] = guests
        if self._is_address(held.get("organizer", "")):
            told["organizer"] = ""
        told = self.value(told, taking_part=told != held)
        return text if told == held else to_json(told)

    def kept(self, source: str, fetched: Iterable[Fetched]) -> Iterator[Fetched]:
        """Yield what a source yields, without them."""
        for item in fetched:
            if isinstance(item, Person | RecordError) and self._is(source, item):
                continue
            if isinstance(item, RecordError):
                yield replace(item, reason=self.redact(item.reason))
            elif hasattr(item, "group") and hasattr(item, "uid"):
                yield self._record(item)
            else:
                yield item

    def _is(self, source: str, item: Person | RecordError) -> bool:
        records = [f"{source}:{item.uid}"]
        if isinstance(item, Person):
            return self.knows(Marks(records, item.emails, item.phones, [item.name]))
        return self.knows(Marks(records))

    def knows(self, marks: Marks) -> bool:
        """Tell whether somebody is erased, by any of what is known of them."""
        return (
            any(self._has("record", one) for one in marks.records)
            or any(map(self._is_address, marks.addresses))
            or any(map(self._is_number, marks.phones))
            or any(self._has("name", _name(one)) for one in marks.names)
        )

    def _is_address(self, text: str) -> bool:
        return bool(text) and self._has("address", _address(text))

    def _is_number(self, text: str) -> bool:
        """Tell whether a number is one of theirs, with or without the country."""
        number = linking.digits(text)
        return self._has("local", number) or any(
            self._has("number", one) for one in (number, *_local(number))
        )

    def _record(self, record: Any) -> Any:
        changes: dict[str, Any] = {}
        if isinstance(record, CalendarEvent):
            guests = tuple(one for one in record.attendees if not self._is_address(one.email))
            if guests != record.attendees:
                changes["attendees"] = guests
            if self._is_address(record.organizer):
                changes["organizer"] = ""
        taking_part = bool(changes)
        for one in fields(record):
            value = changes.get(one.name, getattr(record, one.name))
            told = value if one.name in _NAMES else self._field(value, taking_part=taking_part)
            if told != value:
                changes[one.name] = told
        return replace(record, **changes) if changes else record

    def _field(self, value: Any, *, taking_part: bool) -> Any:
        if isinstance(value, tuple):
            return tuple(self._field(one, taking_part=taking_part) for one in value)
        if isinstance(value, Attendee):
            email, name = (
                self.redact(text, taking_part=taking_part) for text in (value.email, value.name)
            )
            return replace(value, email=email, name=name)
        return self.redact(value, taking_part=taking_part) if isinstance(value, str) else value


def _together(text: str, words: list[re.Match[str]]) -> list[re.Match[str]]:
    """Return the first of some words, as many as stand close enough to be one name."""
    for number in range(1, len(words)):
        between = text[words[number - 1].end() : words[number].start()]
        if len(between) > _APART or GONE in between:
            return words[:number]
    return words


def _name(text: str) -> str:
    return " ".join(linking.name_words(text))


def _address(text: str) -> str:
    return text.strip().removeprefix("mailto:").strip().lower()


def _local(number: str) -> list[str]:
    """Return what a number may be without its country (`linking.same_number`)."""
    longest = len(number) - linking.MIN_DIGITS
    return [number[code:] for code in range(1, 1 + min(linking.COUNTRY_DIGITS, longest))]


# --- the rows ------------------------------------------------------------------------------------


def load(db: Store, profile_id: int) -> Erased:
    """Return the fingerprints of a profile; false where there are none."""
    rows = db.rows("SELECT print FROM erased WHERE profile_id = ?", (profile_id,))
    return Erased(db.meta_get(_KEY) or "", (row["print"] for row in rows))


def add(db: Store, profile_id: int, marks: Marks, others: Iterable[Marks] = ()) -> Erased:
    """Keep the fingerprints of somebody, in a transaction, and return those of all.

    others: everybody else. A name, an address or a number that one of them has, too, tells nobody.
    """
    if db.meta_get(_KEY) is None:
        db.meta_set(_KEY, secrets.token_hex(32))
    others = list(others)
    names = {_name(one) for one in marks.names}
    numbers = {
        number
        for number in map(linking.digits, marks.phones)
        if not any(
            linking.same_number(number, linking.digits(other))
            for one in others
            for other in one.phones
        )
    }
    known: dict[str, set[str]] = {
        "record": set(marks.records),
        "address": {_address(one) for one in marks.addresses}
        - {_address(address) for one in others for address in one.addresses},
        "number": numbers,
        "local": {local for number in numbers for local in _local(number)},
        "name": names - {_name(name) for one in others for name in one.names},
        "word": {word for name in names for word in name.split() if len(word) > 1},
    }
    person = db.value(
        "SELECT COALESCE(MAX(person), 0) + 1 FROM erased WHERE profile_id = ?", (profile_id,)
    )
    printer = load(db, profile_id)
    for kind, texts in known.items():
        for text in filter(None, texts):
            db.execute(
                "INSERT OR IGNORE INTO erased VALUES (?, ?, ?)",
                (profile_id, person, printer.print_of(kind, text)),
            )
    return load(db, profile_id)


def take_back(db: Store, profile_id: int, who: str) -> int:
    """Let those be known again who have this name, address or SOURCE:UID; return how many."""
    printer = load(db, profile_id)
    if not printer:
        return 0
    wanted = {
        printer.print_of("record", who),
        printer.print_of("address", _address(who)),
        printer.print_of("name", _name(who)),
    }
    people: dict[int, set[str]] = defaultdict(set)
    for row in db.rows("SELECT person, print FROM erased WHERE profile_id = ?", (profile_id,)):
        people[row["person"]].add(row["print"])
    found = [person for person, prints in people.items() if prints & wanted]
    for person in found:
        db.execute("DELETE FROM erased WHERE profile_id = ? AND person = ?", (profile_id, person))
    return len(found)


# --- beside the database -------------------------------------------------------------------------


def keep(db: Store, home: Home) -> None:
    """Write what is forgotten for good to the home's file, as it is now.

    All fingerprints and their key, and the names of sources and dimensions. Raises StoreError where
    that cannot be.
    """
    held = _held(db)
    if held == _NOTHING and not home.erased.exists():
        return
    try:
        atomic.replace(home.erased, to_json(held._asdict()).encode())
    except OSError as error:
        raise StoreError(f"{home.erased}: cannot be written: {error.strerror}") from error


def wholes(db: Store) -> list[Whole]:
    """Return the sources that are not to be read, and the dimensions that are forgotten whole."""
    return [(row[0], row[1], row[2]) for row in db.rows(_WHOLES)]


def is_news(db: Store, home: Home) -> bool:
    """Tell whether the home's file knows of somebody or something that a database does not.

    Raises StoreError where it cannot be read.
    """
    held, known = _read(home), _held(db)
    if held is None:
        return False
    return not (set(held.erased) <= set(known.erased) and set(held.wholes) <= set(known.wholes))


def take_over(db: Store, home: Home) -> tuple[set[int], list[Whole]]:
    """Put the fingerprints of the home's file in the place of a database's that is older.

    Returns the profiles that have any, or had, and the sources and dimensions that are forgotten
    whole. Without a file all stays as it is. Raises StoreError where it cannot be read: nobody is
    to be brought back because of that.
    """
    held = _read(home)
    if held is None:
        return set(), []
    if held.key is None:
        return set(), held.wholes
    with db.transaction():
        had = {row["profile_id"] for row in db.rows("SELECT profile_id FROM erased")}
        db.execute("DELETE FROM erased")
        for row in held.erased:
            db.execute(f"INSERT INTO erased ({_COLUMNS}) VALUES (?, ?, ?)", row)
        db.meta_set(_KEY, held.key)
    return had | {profile for profile, _, _ in held.erased}, held.wholes


class _Held(NamedTuple):
    """What the file holds: the key of the fingerprints, these, and what is forgotten whole."""

    key: str | None
    erased: list[tuple[int, int, str]]
    wholes: list[Whole]


_NOTHING = _Held(None, [], [])


def _held(db: Store) -> _Held:
    rows = db.rows(f"SELECT {_COLUMNS} FROM erased ORDER BY {_COLUMNS}")
    return _Held(db.meta_get(_KEY), [(row[0], row[1], row[2]) for row in rows], wholes(db))


def _read(home: Home) -> _Held | None:
    """Return what the file holds, None where there is no file. Raises StoreError."""
    try:
        told = json.loads(home.erased.read_bytes())
        return _Held(
            told["key"] and bytes.fromhex(told["key"]).hex(),
            [(int(profile), int(person), str(mark)) for profile, person, mark in told["erased"]],
            # An older twind's file has none.
            [
                (int(profile), str(kind), str(name))
                for profile, kind, name in told.get("wholes", ())
            ],
        )
    except FileNotFoundError:
        return None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise StoreError(
            f"{home.erased}: whom you have had forgotten cannot be read; delete the file to have "
            "them back"
        ) from error
