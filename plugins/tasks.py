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
    Fetched,
    Files,
    Project,
    RecordError,
    Settings,
    SourceFile,
    Task,
    hookimpl,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from zoneinfo import ZoneInfo

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

    def fetch(self, ctx: Context[TasksSettings]) -> Iterator[Fetched]:
        """Yield every open task, those done inside the window, and all projects.

        All files are read when one has changed, for a project or a list may span several. Raises
        FileNotFoundError when a path of the settings does not exist.
        """
        paths, limit = ctx.settings.paths, ctx.settings.max_mib
        files = Files(ctx, paths, ".txt", only=_IN_FOLDER, max_mib=limit)
        yield from files.together(lambda found: _records(found, ctx))


def _records(
    files: Iterable[SourceFile], ctx: Context[TasksSettings]
) -> Iterator[Project | Task | RecordError]:
    lines: list[_Line] = []
    for file in files:
        for item in _lines(file, ctx.timezone):
            if isinstance(item, RecordError):
                yield item
            else:
                lines.append(item)
    lines = _identified(lines)
    yield from _projects(lines)
    for line in lines:
        if line.problem:
            yield RecordError(line.task.uid, line.problem, line.task.group)
        elif _wanted(line.task, ctx):
            yield line.task


def _lines(file: SourceFile, zone: ZoneInfo) -> Iterator[_Line | RecordError]:
    """Yield the tasks of one file, and an error for each line that is none."""
    text = file.text
    if "\0" in text:
        yield file.error("is no text but binary data")
        return
    rows = [row for row in enumerate(_LINE_BREAK.split(text), start=1) if row[1].strip()]
    # The first line of such a file may be a mark of its own.
    if any(_OTHER_FORMAT.match(row.lstrip()) for _, row in rows[:2]):
        yield file.error("is no todo.txt file but another program's data")
        return
    for number, row in rows:
        try:
            line = _line(row, file, zone)
        except (ValueError, OverflowError) as error:
            yield file.error(error, uid=f"{file.group}#{_digest(row)}", line=number)
            continue
        if line is not None and line.problem:
            line = replace(line, problem=file.error(line.problem, line=number).reason)
        if line is not None:
            yield line


# --- one line ------------------------------------------------------------------------------------


def _line(row: str, file: SourceFile, zone: ZoneInfo) -> _Line | None:
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
    told = "\0".join((_list_name(file.path), title, *sorted(projects)))
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
        group=file.group,
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
