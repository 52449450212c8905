"""Which records of people are one person: a pure function of the records and the user's word.

Two records are linked by a shared e-mail address, then a telephone number, then a full name with
the organisation or the birthday, each with a confidence. What is the same set of records gives the
same people, whatever order they came in: all pairs are weighed, and joined from the surest down.

Two records of one address book are two people unless they share both an address or number and the
full name: the book itself tells them apart. Where one record fits two of another book equally well,
neither is taken. The user's "same" and "not the same" come before all of it.
"""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from dataclasses import dataclass
from itertools import combinations
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from datetime import date

Key = tuple[str, str]
"""Who a record is: (source, uid)."""
Pair = tuple[Key, Key]
"""Two records, the smaller key first."""
Book = tuple[str, str]
"""An address book: (source, its name there)."""

LINKED_FROM = 0.7
"""The confidence from which two records are linked. The figures below are chosen, not fitted: there
is no public set of personal address books to fit them on. They say that an address is enough by
itself, that a number needs a name that fits (households and offices share one), and that a name
needs something beside it."""
EMAIL, EMAIL_ONLY = 0.97, 0.75
PHONE, PHONE_ONLY = 0.9, 0.4
BIRTHDAY, ORGANISATION = 0.85, 0.8
SAID = 1.0

MAX_SHARED = 20
"""An address, number or name that more records share (a switchboard's) tells nobody apart."""
MIN_DIGITS = 7
"""A shorter number is an extension, or an emergency call."""
COUNTRY_DIGITS = 3
"""A country's code has so many at most."""

_WORD = re.compile(r"[^\W_]+")
_TITLES = frozenset(
    ("dr", "prof", "mr", "mrs", "ms", "miss", "herr", "frau", "jr", "sr", "phd", "md")
)
_LEGAL = frozenset(("gmbh", "ag", "kg", "ug", "inc", "llc", "ltd", "plc", "corp", "co", "sa", "ev"))
_TRUNK = re.compile(r"\(0\)")
_EXTENSION = re.compile(r"(?:ext|x|#|;).*$", re.IGNORECASE)
_CJK = "\u2e80"
"""From here on, scripts write a full name without a space."""


@dataclass(frozen=True, slots=True)
class Card:
    """What one record says of a person, as far as it tells them from others.

    `within` names the address book it stands in, where its source has several.
    """

    key: Key
    name: str
    emails: tuple[str, ...] = ()
    phones: tuple[str, ...] = ()
    organisation: str = ""
    birthday: date | None = None
    within: str = ""

    @property
    def book(self) -> Book:
        """The address book it stands in."""
        return self.key[0], self.within


@dataclass(frozen=True, slots=True)
class Evidence:
    """Why two records are one person: a confidence in [0, 1], and what they share."""

    confidence: float
    shared: tuple[str, ...] = ()


def pair(a: Key, b: Key) -> Pair:
    """Return two records as a pair."""
    return (a, b) if a <= b else (b, a)


# --- what is compared ----------------------------------------------------------------------------


def name_words(name: str) -> tuple[str, ...]:
    """Return a name's words, sorted: without accents, case, titles and punctuation."""
    plain = unicodedata.normalize("NFKD", name.casefold())
    words = _WORD.findall("".join(c for c in plain if not unicodedata.combining(c)))
    return tuple(sorted(word for word in words if word not in _TITLES))


def is_full(words: tuple[str, ...]) -> bool:
    """Tell whether a name is more than a first name."""
    return len(words) > 1 or (len(words) == 1 and len(words[0]) > 1 and words[0][0] >= _CJK)


def names_fit(a: tuple[str, ...], b: tuple[str, ...]) -> bool:
    """Tell whether each word of the shorter name has one of its own in the longer.

    An initial stands for a name, and a name's first three letters for the whole of it.
    """
    short, left = (a, list(b)) if len(a) <= len(b) else (b, list(a))
    for word in sorted(short, key=len, reverse=True):
        found = next((other for other in left if other == word), None) or next(
            (other for other in left if _stands_for(word, other)), None
        )
        if found is None:
            return False
        left.remove(found)
    return bool(short)


def _stands_for(a: str, b: str) -> bool:
    short, long = sorted((a, b), key=len)
    return long.startswith(short) and (len(short) == 1 or len(short) >= 3)


def digits(phone: str) -> str:
    """Return a number's digits without what is dialled before it; "" for one that is too short.

    The country's code stays where it was written with "+" or "00".
    """
    bare = _EXTENSION.sub("", _TRUNK.sub("", phone))
    number = "".join(str(unicodedata.decimal(c)) for c in bare if c.isdecimal()).lstrip("0")
    return number if len(number) >= MIN_DIGITS else ""


def same_number(a: str, b: str) -> bool:
    """Tell whether two numbers, as `digits` gives them, are one: with or without the country.

    At most COUNTRY_DIGITS may stand before what they share.
    """
    short, long = sorted((a, b), key=len)
    return bool(short) and long.endswith(short) and len(long) - len(short) <= COUNTRY_DIGITS


def organisation_words(organisation: str) -> tuple[str, ...]:
    """Return an organisation's words, sorted, without its legal form."""
    words = name_words(organisation)
    return tuple(word for word in words if word not in _LEGAL) or words


# --- two records ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Looked:
    """A card as it is compared."""

    card: Card
    words: tuple[str, ...]
    emails: frozenset[str]
    numbers: tuple[str, ...]
    organisation: tuple[str, ...]
    day: tuple[int, int] | None

    @classmethod
    def at(cls, card: Card) -> _Looked:
        return cls(
            card,
            name_words(card.name),
            frozenset(email.strip().lower() for email in card.emails if email.strip()),
            tuple(sorted({number for phone in card.phones if (number := digits(phone))})),
            organisation_words(card.organisation),
            # A birthday without a year is written with one that only its source knows.
            (card.birthday.month, card.birthday.day) if card.birthday else None,
        )

    def traits(self) -> Iterator[tuple[str, ...]]:
        """Yield what a record that may be the same person shares at least one of."""
        for email in self.emails:
            yield "email", email
        for number in self.numbers:
            yield "phone", number[-MIN_DIGITS:]
        if is_full(self.words):
            if self.organisation:
                yield ("organisation", *self.words, "", *self.organisation)
            if self.day:
                yield ("birthday", *self.words, *map(str, self.day))


def evidence(a: Card, b: Card) -> Evidence:
    """Return how sure it is that two records are one person, and why.

    What they share counts as independent: 1 - (1 - p)(1 - q).
    """
    return _evidence(_Looked.at(a), _Looked.at(b))


def _evidence(a: _Looked, b: _Looked) -> Evidence:
    same_name = is_full(a.words) and a.words == b.words
    same_book = a.card.book == b.card.book
    fit = names_fit(a.words, b.words)
    other_day = a.day is not None and b.day is not None and a.day != b.day
    found: list[tuple[float, str]] = []
    if emails := sorted(a.emails & b.emails):
        found.append((EMAIL if fit else EMAIL_ONLY, f"e-mail {emails[0]}"))
    phones = [x for x in a.numbers if any(same_number(x, y) for y in b.numbers)]
    if phones and not other_day:
        found.append((PHONE if fit else PHONE_ONLY, f"telephone {phones[0]}"))
    if not found and same_book:
        return Evidence(0.0)
    if same_name and a.day is not None and a.day == b.day:
        found.append((BIRTHDAY, "name and birthday"))
    if same_name and a.organisation and a.organisation == b.organisation and not other_day:
        found.append((ORGANISATION, f"name and organisation {a.card.organisation}"))
    if same_book and a.words != b.words:
        return Evidence(0.0)
    doubt = 1.0
    for confidence, _ in found:
        doubt *= 1 - confidence
    return Evidence(round(1 - doubt, 6), tuple(text for _, text in found))


# --- all records ---------------------------------------------------------------------------------


def people(cards: Iterable[Card], said: Mapping[Pair, bool]) -> list[list[Key]]:
    """Return the records of each person, each sorted, in the order of their first.

    said: the user's word on pairs, True for the same and False for not. A key in it that no card
    has is a person without a record, and takes part.
    """
    looked = {card.key: _Looked.at(card) for card in cards}
    joined = _Joined({*looked, *(key for two in said for key in two)})
    apart = {two for two, same in said.items() if not same}
    for two in sorted(two for two, same in said.items() if same):
        joined.join(two, lambda other: other not in apart)
    candidates = _candidates(looked)
    sure = {two: found.confidence for two, found in candidates.items()}
    books = {key: one.card.book for key, one in looked.items()}

    def may_meet(two: Pair) -> bool:
        a, b = (books.get(key, (key[0], "")) for key in two)
        return two not in apart and (a != b or two in sure or bool(said.get(two)))

    for two in sorted(_clear(sure, books), key=lambda two: (-sure[two], two)):
        joined.join(two, may_meet)
    return joined.groups()


def _candidates(looked: Mapping[Key, _Looked]) -> dict[Pair, Evidence]:
    """Return the pairs that are sure enough to be linked."""
    sharing: dict[tuple[str, ...], list[Key]] = defaultdict(list)
    for key in sorted(looked):
        for trait in looked[key].traits():
            sharing[trait].append(key)
    pairs = {
        two
        for keys in sharing.values()
        if 1 < len(keys) <= MAX_SHARED
        for two in combinations(keys, 2)
    }
    weighed = {two: _evidence(looked[two[0]], looked[two[1]]) for two in pairs}
    return {two: found for two, found in weighed.items() if found.confidence >= LINKED_FROM}


def _clear(sure: Mapping[Pair, float], books: Mapping[Key, Book]) -> set[Pair]:
    """Leave out a record's best pairs in another book where two of them are equally good.

    Unless those two are one person themselves.
    """
    choices: dict[tuple[Key, Book], list[tuple[float, Key]]] = defaultdict(list)
    for (a, b), confidence in sure.items():
        if books[a] != books[b]:
            choices[a, books[b]].append((confidence, b))
            choices[b, books[a]].append((confidence, a))
    unclear: set[Pair] = set()
    for (key, _), options in choices.items():
        best = max(confidence for confidence, _ in options)
        tied = [other for confidence, other in options if confidence == best]
        if any(pair(x, y) not in sure for x, y in combinations(tied, 2)):
            unclear.update(pair(key, other) for other in tied)
    return set(sure) - unclear


class _Joined:
    """Groups of keys that grow together."""

    def __init__(self, keys: Iterable[Key]) -> None:
        self._group: dict[Key, list[Key]] = {key: [key] for key in keys}

    def join(self, two: Pair, may_meet: Callable[[Pair], bool]) -> None:
        """Make two groups one, if all of the one may meet all of the other."""
        one, other = self._group[two[0]], self._group[two[1]]
        if one is other or not all(may_meet(pair(a, b)) for a in one for b in other):
            return
        one += other
        for key in other:
            self._group[key] = one

    def groups(self) -> list[list[Key]]:
        return sorted({id(group): sorted(group) for group in self._group.values()}.values())
