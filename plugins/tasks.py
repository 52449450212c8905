"""Tasks and projects from todo.txt files (https://github.com/todotxt/todo.txt).

Beside the format's own priority, dates, +projects and @contexts, these keys are understood:
`due:` and `t:` (not before) with a date, `rec:`, `est:` (30m, 1h30, 90), `pri:A` on done tasks,
`h:1` (hidden: passed over), `id:` or `uid:` (an identity of its own).

A task without an identity of its own is known by its list, its words and its projects, so that
completing it, putting it off or giving it another priority leaves it the same task. `todo.txt`
and the `done.txt` beside it are one list: archiving changes nothing. What recurs has one open
line; the lines done are told apart by their day.
"""

from __future__ import annotations

import hashlib
import re
from collections import defaultdict
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, Any

from pydantic import Field
from pytodotxt import Task as TodoLine

# pydantic reads the annotations of Settings at run time.
from pathlib import Path  # isort: skip

from twind.api import (
    Context,
    Project,
    RecordError,
    Settings,
    Task,
    Unchanged,
    files_under,
    hookimpl,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from zoneinfo import ZoneInfo

SETTLED_S = 2.0
"""Coarse file systems keep times to two seconds (FAT): a file younger than that may change again
and show the same time."""
KEYS = frozenset({"due", "t", "rec", "id", "uid", "est", "h", "pri"})
"""Only these are keys; any other "word:word" (a URL, a time of day) is text."""

_IN_FOLDER = re.compile(r"(^|[._-])(todo|done)\.txt$", re.IGNORECASE)
"""Which text files of a folder are task lists; notes are not."""
_LINE_BREAK = re.compile(r"\r\n|\r|\n")
_ESTIMATE = re.compile(r"(?:(\d+(?:\.\d+)?)h)?(?:(\d+(?:\.\d+)?)(?:m|min)?)?", re.IGNORECASE)
_LEARNING = re.compile(r"\b(learn|study|course|lesson|class)", re.IGNORECASE)
_OTHER_FORMAT = re.compile(r'\[?\{"|\[\w+:"')
"""How the lines of Taskwarrior's files begin."""


class TasksSettings(Settings):
    """`[plugins.tasks]`."""

    paths: list[Path] = Field(default=[], description="todo.txt files, or folders of them.")
    max_mib: float = Field(default=16, gt=0, description="A larger file is refused.")


@dataclass(frozen=True, slots=True)
class _Line:
    """One task as its line says it; `problem` is what is wrong with it."""

    task: Task
    projects: tuple[str, ...] = ()
    problem: str = ""

    @property
    def done_at(self) -> datetime:
        return self.task.completed_at or datetime.min.replace(tzinfo=UTC)


class Tasks:
    """todo.txt, as a plugin."""

    name = "tasks"
    Settings = TasksSettings

    def watch(self, ctx: Context[TasksSettings]) -> list[Path]:
        """Return the files and folders of the settings."""
        return ctx.settings.paths

    def fetch(
        self, ctx: Context[TasksSettings]
    ) -> Iterator[Project | Task | RecordError | Unchanged]:
        """Yield every open task, those done inside the window, and all projects.

        All files are read when one has changed, for a project or a list may span several. Raises
        FileNotFoundError when a path of the settings does not exist.
        """
        paths = list(dict.fromkeys(_lists(ctx.settings.paths)))
        stamps = {str(path): _stamp(path, ctx.now) for path in paths}
        view = f"{ctx.window.start:%Y%m%d}-{ctx.window.end:%Y%m%d} {ctx.timezone.key} 1"
        if ctx.state.get("view") == view and _same(ctx.state.get("files"), stamps):
            yield from (Unchanged(str(path)) for path in paths)
            yield from (RecordError(*error) for error in ctx.state.get("errors", ()))
            return
        errors: list[RecordError] = []
        lines: list[_Line] = []
        for path in paths:
            try:
                lines.extend(_read(path, ctx, errors))
            except (OSError, ValueError) as error:
                said = getattr(error, "strerror", None) or str(error)
                errors.append(RecordError(str(path), f"{path.name}: {said}", str(path)))
                # What could not be read is tried again, whatever its time says.
                stamps[str(path)] = None
        lines = _identified(lines)
        yield from _projects(lines)
        for line in lines:
            if line.problem:
                errors.append(RecordError(line.task.uid, line.problem, line.task.group))
            elif _wanted(line.task, ctx):
                yield line.task
        yield from errors
        ctx.state.clear()
        ctx.state.update(
            view=view, files=stamps, errors=[[e.uid, e.reason, e.group] for e in errors]
        )


# --- files ---------------------------------------------------------------------------------------


def _lists(paths: Iterable[Path]) -> Iterator[Path]:
    for root in paths:
        for path in files_under([root], ".txt"):
            if path == root or _IN_FOLDER.search(path.name):
                yield path


def _stamp(path: Path, now: datetime) -> list[int] | None:
    """Return [mtime in ns, size in bytes], or None where the time cannot be trusted yet."""
    try:
        found = path.stat()
    except OSError:
        return None
    settled = found.st_mtime < now.timestamp() - SETTLED_S
    return [found.st_mtime_ns, found.st_size] if settled else None


def _same(before: Any, stamps: dict[str, list[int] | None]) -> bool:
    return None not in stamps.values() and before == stamps


def _text(path: Path, max_mib: float) -> str:
    """Read a file in whatever encoding it is in: UTF-8, UTF-16, else Windows' Latin."""
    if path.stat().st_size > max_mib * 2**20:
        raise ValueError(f"is larger than {max_mib:g} MiB")
    data = path.read_bytes()
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return data.decode("utf-16", "replace")
    if b"\0" in data:
        raise ValueError("is no text but binary data")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("cp1252", "replace")


def _read(path: Path, ctx: Context[TasksSettings], errors: list[RecordError]) -> list[_Line]:
    """Read one file's lines; one that is no task goes to `errors`. Raises OSError, ValueError."""
    rows = [
        (number, row)
        for number, row in enumerate(_LINE_BREAK.split(_text(path, ctx.settings.max_mib)), start=1)
        if row.strip()
    ]
    # The first line of such a file may be a mark of its own.
    if any(_OTHER_FORMAT.match(row.lstrip()) for _, row in rows[:2]):
        raise ValueError("is no todo.txt file but another program's data")
    lines = []
    for number, row in rows:
        try:
            line = _line(row, path, ctx.timezone)
        except (ValueError, OverflowError) as error:
            uid = f"{path}#{_digest(row)}"
            errors.append(RecordError(uid, f"{path.name}, line {number}: {error}", str(path)))
            continue
        if line is not None and line.problem:
            line = replace(line, problem=f"{path.name}, line {number}: {line.problem}")
        if line is not None:
            lines.append(line)
    return lines


# --- one line ------------------------------------------------------------------------------------


def _line(row: str, path: Path, zone: ZoneInfo) -> _Line | None:
    """Read one line; None for a hidden one. Raises ValueError for an impossible leading date."""
    parsed = TodoLine(row)
    words = (parsed.description or "").split()
    letter = parsed.priority
    if letter and len(letter) > 1:
        # The format knows one letter; "(TODO) …" is a word in brackets.
        words, letter = [f"({letter})", *words], None
    keys: dict[str, str] = {}
    for word in words:
        key, colon, value = word.partition(":")
        if colon and value and key in KEYS:
            keys.setdefault(key, value)
    if keys.get("h") == "1":
        return None
    projects = tuple(dict.fromkeys(word[1:] for word in words if _is_tag(word, "+")))
    title = _title(words)
    told = "\0".join((_list_name(path), title, *sorted(projects)))
    task = Task(
        uid=keys.get("id") or keys.get("uid") or _digest(told),
        title=title,
        project=f"+{projects[0]}" if projects else None,
        status="done" if parsed.is_completed else "open",
        priority=_priority(letter or keys.get("pri", "")),
        created_at=_at(parsed.creation_date, time(), zone),
        completed_at=_at(parsed.completion_date, time(12), zone),
        recurrence=keys.get("rec", ""),
        contexts=tuple(dict.fromkeys(word[1:] for word in words if _is_tag(word, "@"))),
        group=str(path),
    )
    try:
        return _Line(
            replace(
                task,
                start=_at(_day(keys, "t"), time(), zone),
                due=_at(_day(keys, "due", ends=True), time(), zone),
                estimate_min=_minutes(keys.get("est", "")),
            ),
            projects,
        )
    except (ValueError, OverflowError) as error:
        return _Line(task, projects, str(error))


def _is_tag(word: str, sign: str) -> bool:
    return len(word) > 1 and word.startswith(sign)


def _title(words: list[str]) -> str:
    """Return what a person would read.

    Keys go, and so do tags around the sentence; a tag within it is one of its words ("Ask @bob
    about the +budget today").
    """
    words = [word for word in words if not (":" in word and word.partition(":")[0] in KEYS)]
    tags = [_is_tag(word, "+") or _is_tag(word, "@") for word in words]
    bare = [word[1:] if tag else word for word, tag in zip(words, tags, strict=True)]
    if all(tags):
        return " ".join(bare) or "(no title)"
    first, last = tags.index(False), len(tags) - tags[::-1].index(False)
    return " ".join(bare[first:last])


def _day(keys: dict[str, str], key: str, *, ends: bool = False) -> date | None:
    """Read a key's date: the day itself, or the one its end begins."""
    if key not in keys:
        return None
    try:
        day = date.fromisoformat(keys[key])
        return day + timedelta(days=1) if ends else day
    except (ValueError, OverflowError):
        raise ValueError(f"{key}:{keys[key]} is no date; write it like {key}:2026-12-24") from None


def _at(day: date | None, clock: time, zone: ZoneInfo) -> datetime | None:
    return None if day is None else datetime.combine(day, clock, tzinfo=zone).astimezone(UTC)


def _priority(letter: str) -> float | None:
    """Map A, B, C to 1, 0.75, 0.5, and D to Z evenly further down to 0.1."""
    if not re.fullmatch("[A-Za-z]", letter):
        return None
    rank = ord(letter.upper()) - ord("A")
    return 1.0 - 0.25 * rank if rank <= 2 else 0.5 - (rank - 2) * 0.4 / 23


def _minutes(text: str) -> float | None:
    if not text:
        return None
    match = _ESTIMATE.fullmatch(text)
    if match is None:
        raise ValueError(f"est:{text} is no length; write it like est:45m or est:1h30")
    return float(match[1] or 0) * 60 + float(match[2] or 0)


def _list_name(path: Path) -> str:
    stem = re.sub(r"done$", "todo", path.stem, flags=re.IGNORECASE)
    return f"{path.parent.name}/{stem}"


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:24]


# --- identity and projects -----------------------------------------------------------------------


def _identified(lines: list[_Line]) -> list[_Line]:
    """Give every task a `uid` of its own.

    Of several that share one, the first open line has it; where none is open, the one done last.
    The other done ones add their day, the other open ones a number.
    """
    sharing: dict[str, list[int]] = defaultdict(list)
    for index, line in enumerate(lines):
        sharing[line.task.uid].append(index)
    told_apart = list(lines)
    taken = set(sharing)
    for uid, indices in sharing.items():
        opened = [index for index in indices if lines[index].task.status == "open"]
        done = [index for index in indices if lines[index].task.status != "open"]
        # Latest first; within a day the order of the lines decides.
        done.sort(key=lambda index: lines[index].done_at, reverse=True)
        for index in (opened + done)[1:]:
            day = lines[index].task.completed_at
            wanted = f"{uid}/{day:%Y%m%d}" if day else uid
            name, number = wanted, 1
            while name in taken:
                number += 1
                name = f"{wanted}.{number}"
            taken.add(name)
            told_apart[index] = replace(lines[index], task=replace(lines[index].task, uid=name))
    return told_apart


def _wanted(task: Task, ctx: Context[TasksSettings]) -> bool:
    # Nobody knows when a done task without a date was done: it is kept, undated.
    if task.status == "open" or task.completed_at is None:
        return True
    return ctx.window.start <= task.completed_at < ctx.window.end


def _projects(lines: list[_Line]) -> Iterator[Project]:
    """Yield a project for each tag, from all the tasks that carry it."""
    members: dict[str, list[Task]] = defaultdict(list)
    for line in lines:
        for name in line.projects:
            members[name].append(line.task)
    for name, tasks in members.items():
        opened = [task for task in tasks if task.status == "open"]
        readable = re.sub(r"[-_]+", " ", name).strip() or name
        habit = all(task.recurrence for task in tasks)
        yield Project(
            uid=f"+{name}",
            name=readable[0].upper() + readable[1:],
            kind="learning" if _LEARNING.search(readable) else "habit" if habit else "project",
            status="active" if opened else "completed",
            priority=max((t.priority for t in opened if t.priority is not None), default=None),
            group=tasks[0].group,
        )


@hookimpl
def twind_register(register: Callable[[Any], None]) -> None:
    """Offer the plugin."""
    register(Tasks())
