"""People from vCard files (RFC 2426, RFC 6350, and 2.1 as far as vobject reads it).

A file is cut into its cards before anything is parsed, and only the lines that matter are, so
that a broken card costs no other, and photographs are not read. Cards of kind "group" give their
name to their members in the same file; organisations, places and devices are not people.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field, replace
from datetime import date
from functools import partial
from typing import TYPE_CHECKING, Any

import vobject
from pydantic import Field

# pydantic reads the annotations of Settings at run time.
from pathlib import Path  # isort: skip

from twind.api import (
    Claim,
    Context,
    Fetched,
    Files,
    Person,
    RecordError,
    Settings,
    SourceFile,
    hookimpl,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

MAX_TEXT = 2000
"""Characters kept of a note."""
NO_YEAR = 1904
"""The year of a birthday without one. A leap year, for the 29th of February, and longer ago than
anyone is old; Apple's 1604 is read as the same."""

_LINE_BREAK = re.compile(r"\r\n|\r|\n")
_NAME = re.compile(r"(?:[A-Za-z0-9-]+\.)?([A-Za-z0-9-]+)\s*[;:]")
_QUOTED = re.compile(r"^[^:]*[;=]QUOTED-PRINTABLE[;:]", re.IGNORECASE)
_WANTED = frozenset(
    {
        "VERSION",
        "UID",
        "FN",
        "N",
        "NICKNAME",
        "ORG",
        "EMAIL",
        "TEL",
        "CATEGORIES",
        "BDAY",
        "NOTE",
        "KIND",
        "MEMBER",
        "X-ADDRESSBOOKSERVER-KIND",
        "X-ADDRESSBOOKSERVER-MEMBER",
    }
)
_DAY = re.compile(r"(?P<year>\d{4}|--)-?(?P<month>\d{2})-?(?P<day>\d{2})(?:[T ].*)?")
_APPLE_NO_YEAR = 1604


class ContactsSettings(Settings):
    """`[plugins.contacts]`."""

    paths: list[Path] = Field(default=[], description=".vcf files, or folders of them.")
    max_mib: float = Field(default=64, gt=0, description="A larger file is refused.")


@dataclass(slots=True)
class _Raw:
    """The lines of one card that matter, unfolded."""

    line: int
    lines: list[str] = field(default_factory=list)

    @property
    def said(self) -> str:
        return "\n".join(self.lines)


@dataclass(slots=True)
class _Card:
    """One card, read."""

    said: str
    kind: str
    members: tuple[str, ...]
    person: Person


class Contacts:
    """vCard files, as a plugin."""

    name = "contacts"
    Settings = ContactsSettings

    def watch(self, ctx: Context[ContactsSettings]) -> list[Path]:
        """Return the files and folders of the settings."""
        return ctx.settings.paths

    def fetch(self, ctx: Context[ContactsSettings]) -> Iterator[Fetched]:
        """Yield everybody, file by file; a file that stands is not read.

        Raises FileNotFoundError when a path of the settings does not exist.
        """
        paths, limit = ctx.settings.paths, ctx.settings.max_mib
        # People are there whatever the time.
        files = Files(ctx, paths, ".vcf", ".vcard", max_mib=limit, windowed=False)
        yield from files.each(_people)


def _people(file: SourceFile) -> Iterator[RecordError | Claim]:
    """Yield what one file says: a claim for each person."""
    raws, problems = _cut(file.text)
    if not raws and not problems:
        yield file.error("holds no card")
        return
    if problems:
        # What a cut file lacks is not gone: the file's own error keeps it.
        yield file.error("is cut short")
    for line, problem in problems:
        yield file.error(problem, line=line)
    cards: list[_Card] = []
    for raw in raws:
        try:
            cards.append(_card(raw))
        except Exception as error:  # noqa: BLE001 - whatever vobject raises is this card's failure
            uid = _raw_uid(raw) or f"{file.group}#{_digest(raw.said)}"
            yield file.error(error, uid=uid, line=raw.line)
    groups = [card for card in cards if card.kind == "group"]
    for card in cards:
        if card.kind in {"", "individual"}:
            person = replace(card.person, groups=_with_groups(card.person, groups))
            yield Claim(person.uid, card.said, partial(_named, person))


def _named(person: Person, uid: str) -> Iterator[Person]:
    yield replace(person, uid=uid)


def _with_groups(person: Person, groups: Iterable[_Card]) -> tuple[str, ...]:
    mine = (card.person.name for card in groups if person.uid in card.members)
    return tuple(dict.fromkeys((*person.groups, *mine)))


# --- cutting a file into cards -------------------------------------------------------------------


def _unfolded(text: str) -> Iterator[tuple[int, str]]:
    """Yield (line number, content line) with all folds undone.

    A line goes on in the next that starts with white space (RFC 6350, 3.2), and in version 2.1 a
    quoted-printable one after an equals sign at its end.
    """
    number, parts, soft = 0, [""], False
    for here, line in enumerate(_LINE_BREAK.split(text), start=1):
        if number and (soft or line[:1] in {" ", "\t"}):
            if soft:
                parts[-1] = parts[-1].removesuffix("=")
            parts.append(line if soft else line[1:])
        else:
            if number:
                yield number, "".join(parts)
            number, parts = here, [line]
        soft = parts[-1].endswith("=") and bool(_QUOTED.match(parts[0]))
    yield number, "".join(parts)


def _name_of(line: str) -> str:
    match = _NAME.match(line)
    return match[1].upper() if match else ""


def _cut(text: str) -> tuple[list[_Raw], list[tuple[int, str]]]:
    """Cut a file into its cards, and (line, what is wrong) for those that do not end."""
    cards: list[_Raw] = []
    problems: list[tuple[int, str]] = []
    card: _Raw | None = None
    depth = 0
    for number, line in _unfolded(text):
        name = _name_of(line)
        mark = line.partition(":")[2].strip().upper() if name in {"BEGIN", "END"} else ""
        if name == "BEGIN" and mark == "VCARD":
            # Within a card only AGENT may begin another; else the one before does not end.
            nested = card is not None and bool(card.lines) and card.lines[-1] == "AGENT:"
            if card is not None and not nested:
                problems.append((card.line, "the card does not end"))
            if not nested:
                card, depth = _Raw(number), 0
            depth += 1
        elif name == "END" and mark == "VCARD" and card is not None:
            depth -= 1
            if depth == 0:
                card.lines = [line for line in card.lines if line != "AGENT:"]
                cards.append(card)
                card = None
        elif card is not None and depth == 1:
            if name in _WANTED:
                card.lines.append(line)
            elif name == "AGENT":
                card.lines.append("AGENT:")
    if card is not None:
        problems.append((card.line, "the card does not end"))
    return cards, problems


def _raw_uid(raw: _Raw) -> str:
    for line in raw.lines:
        if _name_of(line) == "UID":
            return _bare(line.partition(":")[2])
    return ""


# --- from a card to a record ---------------------------------------------------------------------


def _card(raw: _Raw) -> _Card:
    """Read one card. Raises whatever vobject raises, and ValueError for one without a name."""
    text = "\r\n".join(["BEGIN:VCARD", *map(_without_charset, raw.lines), "END:VCARD", ""])
    contents = vobject.readOne(text, allowQP=True).contents
    emails = tuple(dict.fromkeys(_emails(contents)))
    organisation = _organisation(contents)
    name = _name(contents) or organisation or next(iter(emails), "")
    if not name:
        raise ValueError("has no name, organisation or e-mail")
    kind = _text(contents, "kind") or _text(contents, "x-addressbookserver-kind")
    members = [*contents.get("member", ()), *contents.get("x-addressbookserver-member", ())]
    uid = _bare(_text(contents, "uid")) or _made_up_uid(name, emails)
    return _Card(
        said=raw.said,
        kind=kind.lower(),
        members=tuple(_bare(str(member.value)) for member in members),
        person=Person(
            uid=uid,
            name=name,
            emails=emails,
            phones=tuple(dict.fromkeys(_phones(contents))),
            organisation=organisation,
            groups=_categories(contents),
            birthday=_birthday(_text(contents, "bday")),
            note=_text(contents, "note")[:MAX_TEXT],
        ),
    )


def _without_charset(line: str) -> str:
    """Drop the character set of a line that is not quoted: the file is decoded already."""
    if _QUOTED.match(line):
        return line
    head, colon, value = line.partition(":")
    return re.sub(r";CHARSET=[^;:]*", "", head, flags=re.IGNORECASE) + colon + value


def _bare(uid: str) -> str:
    return uid.strip().removeprefix("urn:uuid:")


def _made_up_uid(name: str, emails: tuple[str, ...]) -> str:
    return f"x-{_digest(chr(0).join((name, *emails[:1])))}"


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:20]


def _plain(value: Any) -> str:
    if isinstance(value, bytes):
        return value.decode()
    parts = value if isinstance(value, list) else [value]
    text = " ".join(_plain(part) if isinstance(part, list) else str(part) for part in parts)
    return text.replace("\0", "").strip()


def _text(contents: dict[str, Any], name: str) -> str:
    lines = contents.get(name)
    return _plain(lines[0].value) if lines else ""


def _name(contents: dict[str, Any]) -> str:
    formatted = " ".join(_text(contents, "fn").split())
    if formatted:
        return formatted
    if "n" in contents:
        said = contents["n"][0].value
        parts = [getattr(said, part, "") for part in ("given", "additional", "family")]
        if joined := " ".join(_plain(part) for part in parts if part).strip():
            return " ".join(joined.split())
    return _text(contents, "nickname")


def _organisation(contents: dict[str, Any]) -> str:
    lines = contents.get("org")
    if not lines:
        return ""
    value = lines[0].value
    # The units below it follow; the first part is the name people know.
    return _plain(value[0] if isinstance(value, list) and value else value)


def _preferred(lines: list[Any]) -> list[Any]:
    """Return the lines with those marked as preferred first, else in the order of the card."""
    return sorted(lines, key=lambda line: not _is_preferred(line))


def _is_preferred(line: Any) -> bool:
    marks = [*line.params.get("TYPE", ()), *line.singletonparams]
    return "PREF" in line.params or any("pref" in str(mark).lower().split(",") for mark in marks)


def _emails(contents: dict[str, Any]) -> Iterator[str]:
    for line in _preferred(contents.get("email", [])):
        address = re.sub(r"^mailto:", "", _plain(line.value), flags=re.IGNORECASE).lower()
        if "@" in address and not re.search(r"\s", address):
            yield address


def _phones(contents: dict[str, Any]) -> Iterator[str]:
    for line in _preferred(contents.get("tel", [])):
        number = re.sub(r"^tel:", "", _plain(line.value), flags=re.IGNORECASE)
        if number := " ".join(number.split()):
            yield number


def _categories(contents: dict[str, Any]) -> tuple[str, ...]:
    names: list[str] = []
    for line in contents.get("categories", ()):
        value = line.value
        names.extend(_plain(name) for name in (value if isinstance(value, list) else [value]))
    return tuple(dict.fromkeys(name for name in names if name))


def _birthday(text: str) -> date | None:
    """Read 1985-04-15, 19850415, a date with a time, or --0415; anything vaguer is no day."""
    match = _DAY.fullmatch(text.strip())
    if not match:
        return None
    year = NO_YEAR if match["year"] == "--" else int(match["year"])
    year = NO_YEAR if year == _APPLE_NO_YEAR else year
    try:
        return date(year, int(match["month"]), int(match["day"]))
    except ValueError:
        return None


@hookimpl
def twind_register(register: Callable[[Any], None]) -> None:
    """Offer the plugin."""
    register(Contacts())
