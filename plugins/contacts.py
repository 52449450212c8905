"""People from vCard files (RFC 2426, RFC 6350, and version 2.1).

A file is cut into its cards before anything is parsed, and only the lines that matter are, so
that a broken card costs no other, and photographs, sounds and keys are not read. Cards of kind
"group" give their name to their members, in whatever file these are; organisations, places and
devices are not people. vobject takes the lines apart once `_readable` has undone their encodings.
"""

from __future__ import annotations

import base64
import hashlib
import os
import quopri
import re
from dataclasses import dataclass, replace
from datetime import date, datetime
from email.utils import getaddresses
from functools import partial
from typing import TYPE_CHECKING, Any, TypeAlias

import vobject
from dateutil import parser as dates  # type: ignore[import-untyped]
from pydantic import Field

# pydantic reads the annotations of Settings at run time.
from pathlib import Path  # isort: skip

from twind.api import (
    Claim,
    Component,
    Context,
    Fact,
    Fetched,
    Files,
    Person,
    RecordError,
    Settings,
    SourceFile,
    components,
    hookimpl,
    name_of,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

MAX_TEXT = 2000
"""Characters kept of a note."""
MAX_RELATION = 200
"""Characters of what somebody is to another."""
MAX_DAY = 100
"""Characters of a birthday; dateutil takes its time over more."""
NOT_PREFERRED = 101
"""After what is preferred least: RFC 6350 counts from 1 to 100."""
NO_YEAR = 1904
"""The year of a birthday without one. A leap year, for the 29th of February, and longer ago than
anyone is old; Apple's 1604 is read as the same."""

_HEAD = re.compile(r'((?:[^":]|"[^"]*")*):(.*)', re.DOTALL)
"""A line: its name with parameters, and its value."""
_PARAMETER = re.compile(r';((?:[^";]|"[^"]*")*)')
_READABLE = re.compile(r'[A-Za-z0-9_-]+(?:=(?:"[^"]*"|[^",]*)(?:,(?:"[^"]*"|[^",]*))*)?')
"""A parameter that vobject can read. One that it cannot it reads in twice as many ways for each
equals sign, before it gives up: forty of them take it a week."""
_ENCODING = re.compile(r"(?:ENCODING=)?(QUOTED-PRINTABLE|BASE64|B|8BIT|7BIT)", re.IGNORECASE)
_CHARSET = re.compile(r'CHARSET="?([^"]*)"?', re.IGNORECASE)

_LISTS = frozenset({"N", "ORG", "CATEGORIES", "NICKNAME"})
"""What has parts, or several values; everywhere else a comma is a comma, escaped or not."""

_RELATIONS = {
    f"{maker}{name}": relation
    for relation, names in {
        "spouse": ("SPOUSE", "SPOUSESNAME"),
        "manager": ("MANAGER", "MANAGERSNAME"),
        "assistant": ("ASSISTANT", "ASSISTANTSNAME"),
    }.items()
    for name in names
    for maker in ("X-", "X-EVOLUTION-", "X-KADDRESSBOOK-X-", "X-MS-")
}
_ANDROID = "vnd.android.cursor.item/relation"
_ANDROID_RELATIONS = (
    *("", "assistant", "brother", "child", "domestic partner", "father", "friend", "manager"),
    *("mother", "parent", "partner", "referred by", "relative", "sister", "spouse"),
)
"""By the numbers of Android's ContactsContract.CommonDataKinds.Relation; 0 is one of the user's."""
_WANTED = frozenset(
    {
        *_RELATIONS,
        "VERSION",
        "UID",
        "FN",
        "N",
        "NICKNAME",
        "ORG",
        "EMAIL",
        "TEL",
        "X-MS-TEL",
        "CATEGORIES",
        "BDAY",
        "X-EVOLUTION-BIRTHDAY",
        "NOTE",
        "KIND",
        "MEMBER",
        "X-ADDRESSBOOKSERVER-KIND",
        "X-ADDRESSBOOKSERVER-MEMBER",
        "X-EVOLUTION-LIST",
        "RELATED",
        "X-ABRELATEDNAMES",
        "X-ABLABEL",
        "X-ANDROID-CUSTOM",
    }
)
_DAY = re.compile(r"(?P<year>\d{4}|--)-?(?P<month>\d{2})-?(?P<day>\d{2})(?:[T ].*)?")
_NO_YEARS = frozenset({0, 1604})


class ContactsSettings(Settings):
    """`[plugins.contacts]`."""

    paths: list[Path] = Field(default=[], description=".vcf files, or folders of them.")
    max_mib: float = Field(default=64, gt=0, description="A larger file is refused.")


@dataclass(slots=True)
class _Card:
    """One card, read."""

    said: str
    kind: str
    members: tuple[str, ...]
    """The names of a group's members: see `_names`."""
    related: tuple[tuple[str, str], ...]
    """(What they are, who): a name, or the URI of another card."""
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

        Raises OSError when no path of the settings can be read.
        """
        paths, limit = ctx.settings.paths, ctx.settings.max_mib
        # People are there whatever the time.
        files = Files(ctx, paths, ".vcf", ".vcard", max_mib=limit, windowed=False)
        yield from files.each(partial(_people, files.facts))


_Facts: TypeAlias = "Callable[[str, SourceFile], tuple[str, ...]]"


def _people(facts: _Facts, file: SourceFile) -> Iterator[RecordError | Claim | Fact]:
    """Yield what one file says: a claim for each person, and what others may ask of its cards."""
    text, is_bytes = _text_of(file)
    found = components(text, {"VCARD": _WANTED}).every("VCARD")
    # A card within a card is somebody's agent (version 2.1).
    raws = [raw for raw in found if raw.within is None or raw.within.kind != "VCARD"]
    if not raws:
        yield file.error("holds no card")
        return
    broken = [raw for raw in raws if not raw.ended]
    if broken:
        # What a cut file lacks is not gone: the file's own error keeps it.
        yield file.error("is cut short")
    for raw in broken:
        yield file.error("the card does not end", line=raw.line)
    file = replace(file, data=b"")
    # Some programs keep a card a file, and the folder is the book.
    book = file.group if len(raws) > 1 else os.path.dirname(file.group)  # noqa: PTH120 - a text
    for raw in (raw for raw in raws if raw.ended):
        try:
            card = _card(raw, book, is_bytes=is_bytes)
        except Exception as error:  # noqa: BLE001 - whatever vobject raises is this card's failure
            uid = _bare(raw.value("UID")) or f"{file.group}#{_digest(_said(raw))}"
            yield file.error(error, uid=uid, line=raw.line)
            continue
        if card.kind == "group":
            yield from (Fact(f"groups of {one}", card.person.name) for one in card.members)
        elif card.kind in {"", "individual"}:
            yield from (Fact(f"name of {one}", card.person.name) for one in _names(card.person))
            yield Claim(card.person.uid, card.said, partial(_named, card, file, facts), raw.line)


def _named(card: _Card, file: SourceFile, facts: _Facts, uid: str) -> Iterator[Person]:
    """Yield the person of a card, with what the other cards say of them."""
    person = card.person
    groups = [name for one in _names(person) for name in facts(f"groups of {one}", file)]
    yield replace(
        person,
        uid=uid,
        groups=tuple(dict.fromkeys((*person.groups, *groups))),
        related=tuple(dict.fromkeys(_related(card, file, facts))),
    )


def _related(card: _Card, file: SourceFile, facts: _Facts) -> Iterator[str]:
    for relation, who in card.related:
        name = who
        if key := _key_of(who):
            # Of a card that is not there no name is known, but of an address the address.
            name = next(iter(facts(f"name of {key}", file)), key.partition("mailto:")[2])
        if name:
            yield f"{relation}: {name}" if relation else name


def _names(person: Person) -> Iterator[str]:
    """Yield by what another card may mean this one: its uid, and its addresses."""
    yield _bare(person.uid).casefold()
    yield from (f"mailto:{email}" for email in person.emails)


def _key_of(uri: str) -> str:
    """Return what a URI means another card by, "" for what is none."""
    bare = uri.strip().casefold()
    if bare.startswith("urn:uuid:"):
        return _bare(bare)
    return bare if bare.startswith("mailto:") else ""


# --- from a card to a record ---------------------------------------------------------------------


def _card(raw: Component, book: str, *, is_bytes: bool) -> _Card:
    """Read one card. Raises whatever vobject raises, ValueError for none, or too large a one."""
    raw.refuse_large()
    lines = [_readable(line, is_bytes=is_bytes) for line in raw.lines if _HEAD.fullmatch(line)]
    contents = vobject.readOne("\r\n".join(["BEGIN:VCARD", *lines, "END:VCARD", ""])).contents
    emails = tuple(dict.fromkeys(_emails(contents)))
    organisation = _organisation(contents)
    name = _name(contents) or organisation or next(iter(emails), "")
    if not name:
        raise ValueError("has no name, organisation or e-mail")
    uid = _bare(_text(contents, "uid")) or _made_up_uid(name, emails)
    return _Card(
        said=_said(raw),
        kind=_kind(contents),
        members=tuple(dict.fromkeys(_members(contents))),
        related=tuple(_relations(contents)),
        person=Person(
            uid=uid,
            name=name,
            emails=emails,
            phones=tuple(dict.fromkeys(_phones(contents))),
            organisation=organisation,
            groups=_categories(contents),
            birthday=_birthday(contents),
            note=_text(contents, "note")[:MAX_TEXT],
            book=book,
        ),
    )


# --- what is written in another way than as text -------------------------------------------------


def _text_of(file: SourceFile) -> tuple[str, bool]:
    """Return a file as text; or, where its lines may each have a character set, its bytes as such.

    True tells the latter: each character then stands for a byte.
    """
    if re.search(rb";CHARSET=", file.data, re.IGNORECASE):
        try:
            file.data.decode()
        except UnicodeDecodeError:
            return file.data.decode("latin-1"), True
    return file.text, False


def _readable(line: str, *, is_bytes: bool) -> str:
    """Return a line in plain text, whatever encoding and character set it was written in.

    It is one that `_HEAD` matches. Raises ValueError for base64 that is none, LookupError for a
    character set that is none.
    """
    match = _HEAD.fullmatch(line)
    assert match is not None
    head, value = match[1], match[2]
    parameters = _PARAMETER.findall(head)
    encodings = [found[1].upper() for one in parameters if (found := _ENCODING.fullmatch(one))]
    charset = next((found[1] for one in parameters if (found := _CHARSET.fullmatch(one))), "")
    if "QUOTED-PRINTABLE" in encodings:
        # What stands between the parts of a name is not encoded; what is in them is.
        parts = re.split(r"(?<!\\);", value)
        value = ";".join(_decoded(quopri.decodestring(one), charset, ";") for one in parts)
    elif {"BASE64", "B"} & set(encodings):
        value = _decoded(base64.b64decode("".join(value.split()), validate=True), charset)
    elif is_bytes:
        value = _decoded(value.encode("latin-1"), charset)
    kept = [
        one
        for one in parameters
        # Android's X-Custom(CHARSET=…,…) is no parameter at all.
        if _READABLE.fullmatch(one) and not _ENCODING.fullmatch(one) and not _CHARSET.fullmatch(one)
    ]
    if name_of(line) not in _LISTS:
        value = re.sub(r"(?<!\\),", r"\\,", value)
    return ";".join([head.partition(";")[0], *kept]) + ":" + value


def _decoded(data: bytes, charset: str, apart: str = "") -> str:
    """Decode a value and write it as a line has it; `apart` is what in it divides nothing.

    What is not in the character set it says, or says none, is UTF-8 or else Windows' Latin.
    """
    text = ""
    for codec, errors in (
        (charset or "utf-8", "strict"),
        ("utf-8", "strict"),
        ("cp1252", "replace"),
    ):
        try:
            text = data.decode(codec, errors)
        except UnicodeDecodeError:
            continue
        break
    text = re.sub(r"\r\n?|\n", r"\\n", text)
    return text.replace(apart, f"\\{apart}") if apart else text


def _said(raw: Component) -> str:
    return "\n".join(raw.lines)


def _bare(uid: str) -> str:
    return re.sub(r"^urn:uuid:", "", uid.strip(), flags=re.IGNORECASE)


def _made_up_uid(name: str, emails: tuple[str, ...]) -> str:
    return f"x-{_digest(chr(0).join((name, *emails[:1])))}"


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:20]


def _plain(value: Any) -> str:
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
    # The units below it follow; the first part is the name people know. vobject takes it for a list
    # where it has a comma.
    first = value[0] if isinstance(value, list) and value else value
    return ", ".join(map(_plain, first)) if isinstance(first, list) else _plain(first)


def _preferred(lines: list[Any]) -> list[Any]:
    """Return the lines with the most preferred first, else in the order of the card."""
    return sorted(lines, key=_preference)


def _preference(line: Any) -> int:
    """Return 1 for what is preferred most, up to 100 (RFC 6350, 5.3), and more for what is not."""
    if "pref" in _types(line):
        return 1
    told = next((str(one).strip() for one in line.params.get("PREF", ())), "")
    return min(int(told), NOT_PREFERRED) if re.fullmatch(r"\d{1,3}", told) else NOT_PREFERRED


def _types(line: Any) -> list[str]:
    """Return the types of a line, in small letters: TYPE=a,b, TYPE=a;TYPE=b or, in 2.1, bare."""
    marks = [*line.params.get("TYPE", ()), *line.singletonparams]
    return [one.strip().lower() for mark in marks for one in str(mark).split(",")]


def _emails(contents: dict[str, Any]) -> Iterator[str]:
    for line in _preferred(contents.get("email", [])):
        text = re.sub(r"^mailto:", "", _plain(line.value), flags=re.IGNORECASE)
        # Some write "Ann Lee <ann@example.org>", or several of them.
        for _, address in getaddresses([text]):
            if "@" in address and not re.search(r"\s", address):
                yield address.lower()


def _phones(contents: dict[str, Any]) -> Iterator[str]:
    for line in _preferred([*contents.get("tel", ()), *contents.get("x-ms-tel", ())]):
        number = re.sub(r"^tel:", "", _plain(line.value), flags=re.IGNORECASE)
        if number := " ".join(number.split()):
            yield number


def _categories(contents: dict[str, Any]) -> tuple[str, ...]:
    names: list[str] = []
    for line in contents.get("categories", ()):
        value = line.value
        names.extend(_plain(name) for name in (value if isinstance(value, list) else [value]))
    return tuple(dict.fromkeys(name for name in names if name))


def _kind(contents: dict[str, Any]) -> str:
    if _is_list(contents):
        return "group"
    return (_text(contents, "kind") or _text(contents, "x-addressbookserver-kind")).lower()


def _members(contents: dict[str, Any]) -> Iterator[str]:
    """Yield by what a group means its members, as `_names` has it."""
    for name in ("member", "x-addressbookserver-member"):
        for line in contents.get(name, ()):
            yield _key_of(str(line.value)) or _bare(str(line.value)).casefold()
    if _is_list(contents):
        for line in contents.get("email", ()):
            uids = line.params.get("X-EVOLUTION-DEST-CONTACT-UID", ())
            yield from (str(uid).casefold() for uid in uids)
        yield from (f"mailto:{address}" for address in _emails(contents))


def _is_list(contents: dict[str, Any]) -> bool:
    """Tell whether a card is a list of Evolution's: its members' addresses are its own."""
    return _text(contents, "x-evolution-list").upper() == "TRUE"


# --- birthdays and relations ---------------------------------------------------------------------


def _birthday(contents: dict[str, Any]) -> date | None:
    """Return the birthday; one without a year is in NO_YEAR."""
    for line in (*contents.get("bday", ()), *contents.get("x-evolution-birthday", ())):
        omitted = _NO_YEARS.union(map(int, line.params.get("X-APPLE-OMIT-YEAR", ())))
        if (day := _day(_plain(line.value)[:MAX_DAY], omitted)) is not None:
            return day
    return None


def _day(text: str, no_years: frozenset[int]) -> date | None:
    """Read 1985-04-15, 19850415, --0415, a date with a time, or a day in English words.

    Anything vaguer is no day. A year in `no_years` stands for none.
    """
    match = _DAY.fullmatch(text.strip())
    try:
        if match:
            year = 0 if match["year"] == "--" else int(match["year"])
            return date(
                NO_YEAR if year in no_years else year, int(match["month"]), int(match["day"])
            )
        if re.search(r"[a-z]{3}", text, re.IGNORECASE):
            # What the text does not say comes from the default; a day that it does say does not.
            first, other = (
                dates.parse(text, default=datetime(NO_YEAR, month, month)) for month in (1, 2)
            )
            return first.date() if first == other else None
    except (ValueError, OverflowError):
        pass
    return None


def _relations(contents: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield (what they are, who) for each person that a card names as close to its own."""
    for line in contents.get("related", ()):
        who, is_text = _plain(line.value), "text" in map(str.lower, line.params.get("VALUE", ()))
        # The address of a card elsewhere says nobody's name.
        if is_text or _key_of(who) or not re.match(r"[a-z][a-z0-9+.-]*:\S", who, re.IGNORECASE):
            yield _relation(", ".join(one for one in _types(line) if one != "pref")), who
    labels = {line.group: _plain(line.value) for line in contents.get("x-ablabel", ())}
    for line in contents.get("x-abrelatednames", ()):
        told = labels.get(line.group, "") if line.group else ", ".join(_types(line))
        yield _relation(told), _plain(line.value)
    for name, relation in _RELATIONS.items():
        for line in contents.get(name.lower(), ()):
            yield relation, _plain(line.value)
    for line in contents.get("x-android-custom", ()):
        kind, who, number, label, *_ = [*re.split(r"(?<!\\);", str(line.value)), "", "", ""]
        if kind == _ANDROID and number.isdecimal() and int(number) < len(_ANDROID_RELATIONS):
            yield _ANDROID_RELATIONS[int(number)] or _relation(label), _plain(who)


def _relation(label: str) -> str:
    """Return a relation in plain words: Apple writes _$!<Spouse>!$_, Google DOMESTIC_PARTNER."""
    label = re.sub(r"_\$!<(.*)>!\$_", r"\1", label[:MAX_RELATION])
    return " ".join(label.replace("_", " ").lower().split())


@hookimpl
def twind_register(register: Callable[[Any], None]) -> None:
    """Offer the plugin."""
    register(Contacts())
