"""Files as a source: which there are, which have changed, and what they say.

A plugin gives the paths of its settings and a function that reads one file; this room finds the
files, passes over those that stand as they were, keeps the last good records of what cannot be
read, and tells apart what several files call by one name. It is offered to plugins by twind.api.

What is kept in `ctx.state`, for each file: [mtime in ns, size in bytes], a hash of its bytes, the
uids it has (each with a hash of what it says there), the errors it had, the files that had one of
its uids before it did, what it tells the others, and what it has asked of them (each with a hash of
the answer). Times and size decide whether a file is read, its bytes whether it is parsed, and so do
the answers it got.
"""

from __future__ import annotations

import codecs
import hashlib
import os
import re
import stat
from collections import Counter
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from twind.model import (
    CalendarEvent,
    Fetched,
    Person,
    Project,
    Record,
    RecordError,
    Task,
    Unchanged,
)
from twind.plaintext import one_line

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from datetime import datetime
    from zoneinfo import ZoneInfo

__all__ = ["Claim", "Fact", "Files", "SourceFile", "files_under"]

SETTLED_S = 2.0
"""Coarse file systems keep times to two seconds (FAT): a file younger than that may change again
and show the same time."""
LINKED = "is a link to a folder, which is not followed; name that folder in the settings"
MISSING = "is not there: bring it back, or mend this path in the settings; what it had stays"
_FORMAT = 2
"""Of the state; one in another format is left aside."""
_RECORDS = (Person, Project, Task, CalendarEvent)
_READERS = ("files", "contentlines", "ical")
"""The modules of twind's that say what a file means; a later twind may read more in it."""


class _Context(Protocol):
    """What is needed of a twind.api.Context."""

    @property
    def settings(self) -> object: ...
    @property
    def window(self) -> object: ...
    @property
    def now(self) -> datetime: ...
    @property
    def timezone(self) -> ZoneInfo: ...
    @property
    def emails(self) -> frozenset[str]: ...
    @property
    def state(self) -> dict[str, Any]: ...


@dataclass(frozen=True, slots=True)
class SourceFile:
    """One file, read."""

    path: Path
    data: bytes

    @property
    def group(self) -> str:
        """The group of its records: the path, with bytes that are no UTF-8 spelled out."""
        return _group_of(self.path)

    @property
    def text(self) -> str:
        """The bytes as text, whatever the encoding: UTF-8, -16 or -32, else Windows' Latin.

        UTF-8 with a few broken characters is read as UTF-8, with U+FFFD in their place; one that a
        fold of iCalendar or vCard goes through is whole, and the fold behind it. Nothing raises;
        bytes that are no text at all leave NUL characters in it.
        """
        return _decode(self.data)

    def error(self, problem: str | Exception, *, uid: str = "", line: int = 0) -> RecordError:
        """Return the error of one record of this file, or without `uid` of the file itself.

        The last good version of that record stays, or of all records of the file. `line` counts
        from 1 and goes into the reason; with it and no `uid`, the error is that line's alone.
        """
        said = problem if isinstance(problem, str) else _reason(problem)
        where = f"{self.path.name}, line {line}: " if line else ""
        own = f"{self.group}#{line}" if line else self.group
        return RecordError(uid or own, one_line(f"{where}{said}"), self.group)


@dataclass(frozen=True, slots=True)
class Claim:
    """What a file says under one uid: a record, or the occurrences of a series.

    Two files may claim one uid: the file that has had it keeps it, a copy that has `said` the very
    same is passed over, and any other gets a uid made of this one and its path. `records(uid)` is
    called with the uid granted, file by file and in order; what it raises is the error of that uid,
    whose last good version stays. `line` is where it stands, for the reason.
    """

    uid: str
    said: str
    records: Callable[[str], Iterable[Record | RecordError]]
    line: int = 0


@dataclass(frozen=True, slots=True)
class Fact:
    """Something that a file says and records of other files are made of.

    They ask for all that is said `about` it, by `Files.facts`.
    """

    about: str
    text: str


class Files:
    """The files of a source, and what has become of them since the last good fetch.

    `paths` are files, and folders in which the files with one of `suffixes` (lower case, with the
    dot; none for all) are taken, at any depth, if `only` is found in their name. One that is larger
    than `max_mib` MiB is not read. A file is read again when it has changed, and all of them when
    the plugin's settings or modules, the user's zone or addresses have, or, unless `windowed` is
    False, when the window has moved, as it does once a day. Of the `paths` that are files those
    are taken that `named` holds for; None takes all.

    What cannot be read, be it one of the paths or a file or a folder below, is a RecordError: its
    last good records stay, and it is tried again each time. So is a link to a folder that none of
    the paths reaches. Where none of the paths can be read, the first one's OSError is raised, so
    that a lost source does not look like an empty one.
    """

    def __init__(
        self,
        ctx: _Context,
        paths: Iterable[Path],
        *suffixes: str,
        only: re.Pattern[str] | None = None,
        named: Callable[[Path], bool] | None = None,
        max_mib: float = 64,
        windowed: bool = True,
    ) -> None:
        self._ctx = ctx
        self._paths = list(paths)
        self._suffixes = suffixes
        self._only = only
        self._named = named
        self._max_mib = max_mib
        self._windowed = windowed
        self._facts: dict[str, tuple[str, ...]] = {}
        self._seen: dict[str, _Entry] = {}

    def facts(self, about: str, file: SourceFile) -> tuple[str, ...]:
        """Return the text of each `Fact` about something, in the order of the files.

        For the `records` of a `Claim` of this file, which are asked for when all files have spoken:
        once the answer becomes another, the file is parsed again. Raises LookupError before.
        """
        if file.group not in self._seen:
            raise LookupError("facts are known to the records of a Claim alone")
        answer = self._facts.get(about, ())
        self._seen[file.group].asked[about] = _digest_of(answer)
        return answer

    def each(
        self, parse: Callable[[SourceFile], Iterable[Record | RecordError | Claim | Fact]]
    ) -> Iterator[Fetched]:
        """Yield what `parse` says of each file that has changed, and `Unchanged` for the others.

        A record is a `Claim` to its own uid. `group` is filled in. A file whose `parse` raises is
        one that cannot be read.
        """
        survey = self._survey(parse)
        parsed = self._parsed(survey, parse)
        owners = _owners(survey, parsed)
        seen = self._seen = {}
        for group in survey.groups():
            if group in survey.failed:
                yield from survey.keep(group, seen)
            elif group in survey.standing:
                yield from survey.replay(group, seen)
            else:
                one = parsed.pop(group)
                file = SourceFile(survey.paths[group], b"")
                seen[group] = _Entry(survey.stamps[group], one.digest, facts=one.facts)
                yield from _granted(file, one.items, owners, seen[group])
        self._save(survey, seen)

    def together(
        self, parse: Callable[[list[SourceFile]], Iterable[Record | RecordError]]
    ) -> Iterator[Fetched]:
        """Yield what `parse` says of all files that can be read, if any has changed.

        For records that are made of several files. Each names the file it belongs to in its
        `group`; one that does not raises ValueError. What `parse` raises ends the fetch.
        """
        survey = self._survey(parse)
        seen: dict[str, _Entry] = {}
        files: list[SourceFile] = []
        same = survey.untouched
        if not same:
            files = list(self._all(survey, seen))
            same = {group: one.digest for group, one in seen.items()} == {
                group: one.digest for group, one in survey.past.items()
            }
        for group in survey.failed:
            yield from survey.keep(group, seen)
        if same:
            for group in survey.paths:
                if group not in survey.failed:
                    yield from survey.replay(group, seen)
        else:
            for item in parse(files):
                if item.group not in seen:
                    raise ValueError(f"{item.uid} names no file as its group: {item.group!r}")
                if isinstance(item, RecordError):
                    seen[item.group].errors.append([item.uid, item.reason])
                yield item
        self._save(survey, seen)

    # --- what is there -------------------------------------------------------------------------

    def _survey(self, parse: Callable[..., Any]) -> _Survey:
        ctx = self._ctx
        said = (ctx.settings, ctx.window if self._windowed else None, str(ctx.timezone))
        view = _digest(
            f"{said!r} {sorted(ctx.emails)} {_source_of(parse)}".encode("utf-8", "replace")
        )
        past = _past(ctx.state, view)
        paths: dict[str, Path] = {}
        lost: dict[str, str] = {}
        for path in self._found(lost):
            paths.setdefault(_group_of(path), path)
        hidden = {
            group for group in past if any(group.startswith(f"{folder}{os.sep}") for folder in lost)
        } - lost.keys()
        failed = lost | dict.fromkeys(hidden, "")
        stamps = {group: _stamp(path, ctx.now) for group, path in paths.items()}
        standing = {
            group
            for group, stamp in stamps.items()
            if stamp is not None and group in past and past[group].stamp == stamp
        }
        return _Survey(view, past, paths, stamps, standing, failed)

    def _found(self, lost: dict[str, str]) -> Iterator[Path]:
        """Yield the files; a path, or a folder below, that cannot be listed goes to `lost`.

        So does a link to a folder that lies elsewhere: it may lead anywhere, and round in a circle.
        Raises the first path's OSError where all of them are lost.
        """
        roots = [os.path.realpath(path) for path in self._paths]
        errors: list[OSError] = []
        for root in self._paths:

            def note(error: OSError, root: Path = root) -> None:
                path, reason = Path(error.filename), _reason(error)
                if path == root:
                    errors.append(error)
                    reason = MISSING if isinstance(error, FileNotFoundError) else reason
                lost[_group_of(path)] = reason

            def note_link(link: Path) -> None:
                if not any(_lies_in(os.path.realpath(link), one) for one in roots):
                    lost[_group_of(link)] = LINKED

            for path in _under(root, self._suffixes, note, note_link):
                if self._takes(path, root):
                    yield path
        if errors and len(errors) == len(self._paths):
            raise errors[0]

    def _takes(self, path: Path, root: Path) -> bool:
        if path == root:
            return self._named is None or self._named(path)
        return self._only is None or bool(self._only.search(path.name))

    def _parsed(
        self,
        survey: _Survey,
        parse: Callable[[SourceFile], Iterable[Record | RecordError | Claim | Fact]],
    ) -> dict[str, _Parsed]:
        """Read and parse what has changed, and what rests on it.

        Nothing is granted yet, for an event that went from one file to another must not look like
        a copy of what was there.
        """
        parsed: dict[str, _Parsed] = {}

        def look(group: str, *, again: bool = False) -> None:
            try:
                file = SourceFile(survey.paths[group], _read(survey.paths[group], self._max_mib))
                digest = _digest(file.data)
                if not again and survey.stands(group, digest):
                    survey.standing.add(group)
                    return
                parsed[group] = _Parsed.of(digest, parse(file))
            except Exception as error:  # noqa: BLE001 - whatever a parser raises is this file's failure
                survey.failed[group] = _reason(error)
            survey.standing.discard(group)

        for group in [one for one in survey.paths if one not in survey.standing]:
            look(group)
        # What gave way to a file that has changed may have its own again.
        there = survey.standing | survey.failed.keys()
        for group in [
            one for one in survey.standing if not there.issuperset(survey.past[one].after)
        ]:
            look(group, again=True)
        self._facts = survey.facts(parsed)
        for group in sorted(survey.standing):
            asked = survey.past[group].asked
            if any(said != _digest_of(self._facts.get(one, ())) for one, said in asked.items()):
                look(group, again=True)
        return parsed

    def _all(self, survey: _Survey, seen: dict[str, _Entry]) -> Iterator[SourceFile]:
        for group, path in survey.paths.items():
            try:
                file = SourceFile(path, _read(path, self._max_mib))
            except (OSError, ValueError) as error:
                survey.failed[group] = _reason(error)
            else:
                seen[group] = _Entry(survey.stamps[group], _digest(file.data))
                yield file
        for group in survey.failed.keys() & survey.past.keys():
            seen[group] = _Entry()

    def _save(self, survey: _Survey, seen: dict[str, _Entry]) -> None:
        self._ctx.state.clear()
        self._ctx.state.update(
            format=_FORMAT,
            view=survey.view,
            files={group: entry.as_json() for group, entry in seen.items()},
        )


# --- what was there, and what is -----------------------------------------------------------------


@dataclass(slots=True)
class _Entry:
    """What is kept of one file."""

    stamp: list[int] | None = None
    digest: str = ""
    uids: dict[str, str] = field(default_factory=dict)
    errors: list[list[str]] = field(default_factory=list)
    after: list[str] = field(default_factory=list)
    facts: list[list[str]] = field(default_factory=list)
    asked: dict[str, str] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        parts = {name: getattr(self, name) for name in self.__slots__}
        return {name: value for name, value in parts.items() if value}


def _past(state: dict[str, Any], view: str) -> dict[str, _Entry]:
    """Read the state. Where everything is to be read again, only the uids still count."""
    if state.get("format") != _FORMAT:
        return {}
    if state["view"] != view:
        return {group: _Entry(uids=one.get("uids", {})) for group, one in state["files"].items()}
    return {group: _Entry(**one) for group, one in state["files"].items()}


@dataclass(slots=True)
class _Survey:
    """What is there, against what was there at the last good fetch.

    `failed` holds what cannot be read, with the reason, "" for what lies in a folder that cannot;
    of that, what is in `past` keeps its last good records.
    """

    view: str
    past: dict[str, _Entry]
    paths: dict[str, Path]
    stamps: dict[str, list[int] | None]
    standing: set[str]
    failed: dict[str, str]

    @property
    def untouched(self) -> bool:
        """Whether no file came, went or changed."""
        return not self.failed and self.paths.keys() == self.past.keys() == self.standing

    def groups(self) -> Iterable[str]:
        return dict.fromkeys([*self.paths, *self.failed])

    def stands(self, group: str, digest: str) -> bool:
        """Tell whether a file holds what it held, whatever its time says."""
        return group in self.past and self.past[group].digest == digest

    def facts(self, parsed: dict[str, _Parsed]) -> dict[str, tuple[str, ...]]:
        """Return what the files tell each other: those parsed, and those that stay as they were."""
        found: dict[str, list[str]] = {}
        for group in self.groups():
            one = parsed.get(group) or self.past.get(group)
            for about, text in one.facts if one else ():
                found.setdefault(about, []).append(text)
        return {about: tuple(texts) for about, texts in found.items()}

    def replay(self, group: str, seen: dict[str, _Entry]) -> Iterator[Fetched]:
        """Carry a file over as it is, with the errors it had."""
        seen[group] = replace(self.past[group], stamp=self.stamps[group])
        yield Unchanged(group)
        yield from (RecordError(uid, reason, group) for uid, reason in seen[group].errors)

    def keep(self, group: str, seen: dict[str, _Entry]) -> Iterator[Fetched]:
        """Keep what an unreadable file has; without stamp and hash it is tried again.

        What lies in a folder that cannot be read is not told one by one: it may be thousands.
        """
        if group in self.past:
            seen[group] = _Entry(uids=self.past[group].uids, facts=self.past[group].facts)
        reason = self.failed[group]
        yield RecordError(group, reason, group) if reason else Unchanged(group)


@dataclass(slots=True)
class _Parsed:
    """What a file that was parsed says."""

    digest: str
    items: list[RecordError | Claim]
    facts: list[list[str]]

    @classmethod
    def of(cls, digest: str, said: Iterable[Record | RecordError | Claim | Fact]) -> _Parsed:
        facts: list[list[str]] = []

        def without_facts() -> Iterator[Record | RecordError | Claim]:
            for item in said:
                if isinstance(item, Fact):
                    facts.append([item.about, item.text])
                else:
                    yield item

        return cls(digest, list(_told_apart(without_facts())), facts)


# --- who has which uid ---------------------------------------------------------------------------


def _told_apart(
    items: Iterable[Record | RecordError | Claim],
) -> Iterator[RecordError | Claim]:
    """Make claims of records, and give each claim of a file a uid of its own; copies go."""
    taken: dict[str, str] = {}
    told: dict[tuple[str, str], str] = {}
    # How far each uid has been counted up: what shares one may be many.
    numbers: Counter[str] = Counter()
    for item in items:
        if isinstance(item, RecordError):
            yield item
            continue
        claim = _claim(item)
        uid = told.get((claim.uid, claim.said), claim.uid)
        while taken.get(uid, claim.said) != claim.said:
            numbers[claim.uid] += 1
            uid = f"{claim.uid}#{numbers[claim.uid] + 1}"
        told[claim.uid, claim.said] = uid
        if uid not in taken:
            taken[uid] = claim.said
            yield replace(claim, uid=uid)


def _claim(item: Record | Claim) -> Claim:
    if isinstance(item, Claim):
        return replace(item, said=_digest(item.said.encode("utf-8", "surrogatepass"), 8))
    if not isinstance(item, _RECORDS):
        raise TypeError(f"{type(item).__name__} is no record")
    said = repr(replace(item, uid="", group=""))
    return Claim(
        item.uid, _digest(said.encode("utf-8", "surrogatepass"), 8), partial(_renamed, item)
    )


def _renamed(record: Record, uid: str) -> Iterator[Record]:
    yield replace(record, uid=uid)


def _owners(survey: _Survey, parsed: dict[str, _Parsed]) -> dict[str, tuple[str, str]]:
    """Return the file that has each uid, and a hash of what it says there.

    First those whose records stay, then those that had the uid before, then the first to claim it.
    """
    owners = {
        uid: (group, said)
        for group in survey.past.keys() & (survey.standing | survey.failed.keys())
        for uid, said in survey.past[group].uids.items()
    }
    claims = [
        (group, item)
        for group in survey.paths
        if group in parsed
        for item in parsed[group].items
        if isinstance(item, Claim)
    ]
    for group, claim in claims:
        if group in survey.past and claim.uid in survey.past[group].uids:
            owners.setdefault(claim.uid, (group, claim.said))
    for group, claim in claims:
        owners.setdefault(claim.uid, (group, claim.said))
    return owners


def _granted(
    file: SourceFile,
    items: Iterable[RecordError | Claim],
    owners: dict[str, tuple[str, str]],
    entry: _Entry,
) -> Iterator[Fetched]:
    """Yield what one file says, each claim under the uid it gets; note it in `entry`."""
    group = file.group
    for item in items:
        if isinstance(item, RecordError):
            found: Iterable[Record | RecordError] = [item]
        elif (owner := owners[item.uid])[0] == group:
            entry.uids[item.uid] = item.said
            found = _fenced(item, item.uid, file)
        else:
            if owner[0] not in entry.after:
                entry.after.append(owner[0])
            own = f"{item.uid}@{_digest(group.encode(), 4)}"
            found = () if owner[1] == item.said else _fenced(item, own, file)
        for one in found:
            if isinstance(one, RecordError):
                entry.errors.append([one.uid, one.reason])
            yield one if one.group == group else replace(one, group=group)


def _fenced(claim: Claim, uid: str, file: SourceFile) -> Iterator[Record | RecordError]:
    try:
        yield from claim.records(uid)
    except Exception as error:  # noqa: BLE001 - whatever a parser raises is this uid's failure
        yield file.error(error, uid=uid, line=claim.line)


# --- the file system -----------------------------------------------------------------------------


def files_under(paths: Iterable[Path], *suffixes: str) -> Iterator[Path]:
    """Yield the files named by `paths`, and those with one of `suffixes` in the folders, sorted.

    Without a suffix, all of them. Hidden files and folders, which editors and sync tools make, are
    passed over, and links to folders are not followed. A path that does not exist raises
    FileNotFoundError and a folder that cannot be listed OSError: a vanished source must not look
    like an empty one.
    """

    def refuse(error: OSError) -> None:
        raise error

    for root in paths:
        yield from (
            path for path in _under(root, suffixes, refuse) if path.is_file() or path == root
        )


def _under(
    root: Path,
    suffixes: tuple[str, ...],
    failed: Callable[[OSError], None],
    linked: Callable[[Path], None] = lambda _: None,
) -> Iterator[Path]:
    """Yield what lies under `root`, or itself.

    A `root` or a folder that cannot be looked into goes to `failed`, a link to one to `linked`.
    """
    try:
        is_folder = stat.S_ISDIR(root.stat().st_mode)
    except OSError as error:
        failed(error)
        return
    if not is_folder:
        yield root
        return
    found: list[str] = []
    for folder, folders, names in os.walk(root, onerror=failed):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in folders:
            if os.path.islink(path := f"{folder}{os.sep}{name}"):  # noqa: PTH114 - of many, fast
                linked(Path(path))
        found += [
            f"{folder}{os.sep}{name}"
            for name in names
            if not name.startswith(".") and (not suffixes or name.lower().endswith(suffixes))
        ]
    yield from sorted(map(Path, found), key=lambda path: path.parts)


def _lies_in(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder.rstrip(os.sep) + os.sep)


def _group_of(path: Path) -> str:
    # The database keeps no text that is no Unicode.
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def _stamp(path: Path, now: datetime) -> list[int] | None:
    """Return [mtime in ns, size in bytes], or None where the time cannot be trusted yet."""
    try:
        found = path.stat()
    except OSError:
        return None
    settled = found.st_mtime < now.timestamp() - SETTLED_S
    return [found.st_mtime_ns, found.st_size] if settled else None


def _read(path: Path, max_mib: float) -> bytes:
    found = path.stat()
    if not stat.S_ISREG(found.st_mode):
        # Opening a pipe would wait for somebody to write to it.
        raise ValueError("is no regular file")
    if found.st_size > max_mib * 2**20:
        raise ValueError(f"is larger than {max_mib:g} MiB")
    return path.read_bytes()


def _source_of(parse: Callable[..., Any]) -> str:
    """Return a hash of the module that `parse` was written in ("" where there is none).

    In a package it is one of the modules beside it, too, and of what twind itself reads files with:
    a part of what `parse` does stands there.
    """
    while isinstance(parse, partial):
        parse = parse.func
    code = getattr(parse, "__code__", None)
    if code is None:
        return ""
    module = Path(code.co_filename)
    in_package = bool(getattr(parse, "__globals__", {}).get("__package__"))
    try:
        own = sorted(module.parent.glob("*.py")) if in_package else [module]
        ours = [Path(__file__).with_name(f"{name}.py") for name in _READERS]
        return _digest(b"".join(_digest(file.read_bytes()).encode() for file in (*own, *ours)))
    except OSError:
        return ""


# --- bytes and words -----------------------------------------------------------------------------


def _digest(data: bytes, size: int = 16) -> str:
    return hashlib.blake2b(data, digest_size=size).hexdigest()


def _digest_of(answer: tuple[str, ...]) -> str:
    return _digest("\0".join(answer).encode("utf-8", "surrogatepass"), 8) if answer else ""


_SPLIT = re.compile(rb"([\xc2-\xf4][\x80-\xbf]{0,2})(\r\n|\r|\n)([ \t])([\x80-\xbf]{1,3})")
"""A fold within a character of UTF-8: RFC 5545, 3.1, lets it be between any two bytes."""


def _decode(data: bytes) -> str:
    for mark, codec in (
        # The mark of UTF-16 begins that of UTF-32.
        (codecs.BOM_UTF32_LE, "utf-32"),
        (codecs.BOM_UTF32_BE, "utf-32"),
        (codecs.BOM_UTF16_LE, "utf-16"),
        (codecs.BOM_UTF16_BE, "utf-16"),
    ):
        if data.startswith(mark):
            return data.decode(codec, "replace")
    # UTF-16 without its mark: every other byte of the Latin letters it begins with is zero.
    if data[1:2] == data[3:4] == b"\0" != data[:1]:
        return data.decode("utf-16-le", "replace")
    if data[:1] == data[2:3] == b"\0" != data[1:2]:
        return data.decode("utf-16-be", "replace")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        # The fold is moved and not undone, so that the lines keep their numbers.
        text = _SPLIT.sub(rb"\1\4\2\3", data).decode("utf-8-sig", "replace")
    # In Latin text hardly any letter beyond ASCII happens to be good UTF-8.
    broken = text.count("\N{REPLACEMENT CHARACTER}")
    good = sum(char > "\x7f" for char in text) - broken
    is_utf_8 = data.startswith(codecs.BOM_UTF8) or good >= broken
    return text if is_utf_8 else data.decode("cp1252", "replace")


def _reason(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    text = " ".join(str(error).split())[:300]
    # A bare KeyError says "DTSTART" and an AttributeError nothing a user knows: name the kind.
    return text if text and isinstance(error, ValueError) else f"{type(error).__name__}: {text}"
