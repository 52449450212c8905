"""Taskwarrior's files, read: which versions of which tasks they hold, and which changes."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from . import ff4

if TYPE_CHECKING:
    from twind.api import RecordError, SourceFile

_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_UUID_IN = re.compile(rf'"?uuid"?\s*:\s*"({_UUID.pattern})"', re.IGNORECASE)
_OWN_NAME = re.compile(r"(pending|completed|backlog|undo)\.data", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Version:
    """A task as one file has it."""

    told: dict[str, Any]
    file: SourceFile
    line: int = 0

    @property
    def uuid(self) -> str:
        """Its identity."""
        return self.text("uuid").lower()

    @property
    def parent(self) -> str:
        """The template that it is an instance of, by its uuid; "" for none."""
        return self.text("parent").lower()

    @property
    def is_template(self) -> bool:
        """Whether it is no task but what recurs."""
        return not self.parent and (
            self.text("status") == "recurring" or bool(self.text("mask") and self.text("recur"))
        )

    def text(self, key: str) -> str:
        """Return an attribute; "" for none."""
        value = self.told.get(key)
        return "" if value is None else str(value).strip()

    def moment(self, key: str) -> datetime | None:
        """Return an attribute that is a time; None for none. Raises ValueError."""
        value = self.text(key)
        return _moment(key, value) if value else None

    def tags(self) -> tuple[str, ...]:
        """Return its tags, which an export lists and Taskwarrior's own files join."""
        told = self.told.get("tags")
        names = told if isinstance(told, list) else self.text("tags").split(",")
        return tuple(dict.fromkeys(str(name).strip() for name in names if str(name).strip()))

    def notes(self) -> list[tuple[datetime, str]]:
        """Return the annotations, in the order of time. Raises ValueError."""
        told = self.told.get("annotations")
        listed = [note for note in told if isinstance(note, dict)] if isinstance(told, list) else []
        pairs = [(note.get("entry"), note.get("description")) for note in listed]
        pairs += [
            (key.removeprefix("annotation_"), value)
            for key, value in self.told.items()
            if key.startswith("annotation_")
        ]
        return sorted((_moment("annotation", str(at)), str(text)) for at, text in pairs if at)

    def error(self, problem: str | Exception) -> RecordError:
        """Return the error of this task."""
        return self.file.error(problem, uid=self.uuid, line=self.line)


def _moment(key: str, value: str) -> datetime:
    """Read seconds since 1970, as Taskwarrior's own files have them, or ISO 8601."""
    try:
        if re.fullmatch(r"\d{1,11}(\.0*)?", value):
            return datetime.fromtimestamp(float(value), UTC)
        read = datetime.fromisoformat(value)
        return read.replace(tzinfo=read.tzinfo or UTC).astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueError(f"{key} is no time: {value[:40]}") from None


@dataclass(slots=True)
class Found:
    """What the files say, task by task."""

    tasks: dict[str, Version] = field(default_factory=dict)
    changes: list[tuple[int, Version, Version]] = field(default_factory=list)
    """Seconds since 1970, a task before and after."""
    errors: list[RecordError] = field(default_factory=list)

    def add(self, version: Version) -> None:
        """Keep a version of a task if it is the latest of those there are."""
        if not _UUID.fullmatch(version.uuid):
            uid = version.file.group
            self.errors.append(version.file.error("has no uuid", uid=uid, line=version.line))
            return
        other = self.tasks.get(version.uuid)
        if other is None or _age(version) >= _age(other):
            self.tasks[version.uuid] = version


def _age(version: Version) -> tuple[datetime, int]:
    """Order the versions of a task: by when it was modified, then by what cannot be undone."""
    try:
        moments = [version.moment(key) for key in ("modified", "end", "entry")]
    except ValueError:
        moments = []
    latest = max((moment for moment in moments if moment), default=datetime.min.replace(tzinfo=UTC))
    return latest, int(version.text("status") in {"completed", "deleted"})


def read(file: SourceFile, found: Found, *, named: bool) -> None:
    """Read one file; what is none of Taskwarrior's is an error if the settings name it."""
    text = file.text.replace("\r\n", "\n")
    rows = ((number, line.strip()) for number, line in enumerate(text.split("\n"), start=1))
    lines = [(number, line) for number, line in rows if line]
    own_name = bool(_OWN_NAME.fullmatch(file.path.name))
    if not lines and own_name:
        return
    ours = any(_is_ours(line) for _, line in lines[:50]) or _is_export(text)
    if "\0" in text or not ours:
        if named or own_name:
            found.errors.append(
                file.error("is no Taskwarrior data, neither its own nor what `task export` writes")
            )
    elif lines[0][1].startswith("time "):
        _read_changes(file, lines, found)
    elif text.lstrip()[:1] in {"{", "["} and not ff4.looks_like(lines[0][1]):
        _read_export(file, text, lines, found)
    else:
        _read_lines(file, lines, found)


def _is_ours(line: str) -> bool:
    return ff4.looks_like(line) or bool(re.match(r"time \d+$", line) or _UUID.fullmatch(line))


def _is_export(text: str) -> bool:
    """Tell whether a JSON file is one of tasks, though a part of it may be broken."""
    if re.fullmatch(r"\s*\[\s*\]\s*", text):
        return True
    told = sum(f'"{key}"' in text for key in ("description", "status", "entry"))
    return bool(re.match(r'\s*\[?\s*\{\s*"', text) and told >= 2 and _UUID_IN.search(text))


def _read_export(file: SourceFile, text: str, lines: list[tuple[int, str]], found: Found) -> None:
    try:
        whole = json.loads(text)
    except (ValueError, RecursionError):
        _read_lines(file, lines, found)
        if text.lstrip().startswith("[") and not text.rstrip().endswith("]"):
            # What a list that was cut short lacks is not gone: the file's own error keeps it.
            found.errors.append(file.error("is cut short: its list of tasks does not end"))
        return
    for told in whole if isinstance(whole, list) else [whole]:
        if isinstance(told, dict):
            found.add(Version(told, file))
        else:
            found.errors.append(file.error(f"holds something that is no task: {str(told)[:40]}"))


def _read_lines(file: SourceFile, lines: list[tuple[int, str]], found: Found) -> None:
    """Read a task a line: Taskwarrior's own format, or an object of JSON with or without commas."""
    for number, line in lines:
        # The mark of a sync server, and the brackets around a list.
        if _UUID.fullmatch(line) or line in {"[", "]", ","}:
            continue
        try:
            found.add(Version(_parsed(line), file, number))
        except (ValueError, RecursionError) as error:
            # The file's own error keeps what cannot be told by a uuid, and what a file that was cut
            # short has lost.
            uuid = _UUID_IN.search(line) if number != lines[-1][0] else None
            uid = uuid[1].lower() if uuid else file.group
            found.errors.append(file.error(f"no task: {error}", uid=uid, line=number))


def _parsed(line: str) -> dict[str, Any]:
    if ff4.looks_like(line):
        return dict(ff4.parse(line))
    told = json.loads(re.sub(r"^\[\s*(?=\{)|,?\s*\]?$", "", line))
    if not isinstance(told, dict):
        raise ValueError("is no object")  # noqa: TRY004 - a reason to show
    return told


def _read_changes(file: SourceFile, lines: list[tuple[int, str]], found: Found) -> None:
    """Read undo.data, change by change: `time`, the task before if there was one, and after."""
    at, before = 0, None
    for number, line in lines:
        word, _, rest = line.partition(" ")
        try:
            if word == "time":
                at, before = int(rest), None
            elif word == "old":
                before = Version(dict(ff4.parse(rest)), file, number)
            elif word == "new" and before is not None:
                found.changes.append((at, before, Version(dict(ff4.parse(rest)), file, number)))
        except ValueError as error:
            found.errors.append(file.error(error, line=number))
