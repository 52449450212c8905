"""Tasks and projects from todo.txt files (https://github.com/todotxt/todo.txt).

Beside the format's own priority, dates, +projects and @contexts, these keys are understood:
`due:` and `t:` (not before) with a date, `rec:`, `est:` (30m, 1h30, 90), `pri:A` on done tasks,
`h:1` (hidden: passed over), `id:` or `uid:` (an identity of its own).

A task without an identity of its own is known by its list, its words and its projects, so that
completing it, putting it off or giving it another priority leaves it the same task. `todo.txt`
and the `done.txt` beside it are one list: archiving changes nothing. What recurs (`rec:`) is a
habit: its open line and its done ones are its times, and so are those it has missed, as far as due
dates tell.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

from pytodotxt import Task as TodoLine

from twind.api import Context, Project, RecordError, Settings, SourceFile, Task

from .common import begins, digest, is_wanted, kind_of, letter_priority, most_urgent, today
from .habits import Period, lapsed

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path
    from zoneinfo import ZoneInfo

    from twind.api import Fetched, Files

KEYS = frozenset({"due", "t", "rec", "id", "uid", "est", "h", "pri"})
"""Only these are keys; any other "word:word" (a URL, a time of day) is text."""

SUFFIXES = (".txt",)
IN_FOLDER = re.compile(r"(^|[._-])(todo|done)\.txt$", re.IGNORECASE)
"""Which text files of a folder are task lists; notes are not."""
_LINE_BREAK = re.compile(r"\r\n|\r|\n")
_ESTIMATE = re.compile(r"(?:(\d+(?:\.\d+)?)h)?(?:(\d+(?:\.\d+)?)(?:m|min)?)?", re.IGNORECASE)
_PERIOD = re.compile(r"\+?(\d{1,3})([dbwmy])", re.IGNORECASE)
_OTHER_FORMAT = re.compile(r'\[?\{"|\[\w+:"|BEGIN:V', re.IGNORECASE)
"""How the lines of other programs' files begin."""


@dataclass(frozen=True, slots=True)
class _Line:
    """One task as its line says it; `problem` is what is wrong with it.

    `due_day` is the day it is due on, which ends at `task.due`; `known_by` its identity before
    twins are told apart.
    """

    task: Task
    projects: tuple[str, ...] = ()
    due_day: date | None = None
    done_day: date | None = None
    problem: str = ""
    known_by: str = ""

    @property
    def is_open(self) -> bool:
        return self.task.status == "open"


def fetch(files: Files, ctx: Context[Settings]) -> Iterator[Fetched]:
    """Yield what all files say together, if any has changed."""
    return files.together(partial(_records, ctx=ctx))


def _records(
    files: Iterable[SourceFile], ctx: Context[Settings]
) -> Iterator[Project | Task | RecordError]:
    """Yield every open task, those over inside the window, and all projects and habits."""
    lines: list[_Line] = []
    for file in files:
        for item in _lines(file, ctx.timezone):
            if isinstance(item, RecordError):
                yield item
            else:
                lines.append(item)
    lines = _with_times(_identified(lines), ctx)
    yield from _projects(lines)
    yield from _habits(lines)
    for line in lines:
        if line.problem:
            yield RecordError(line.task.uid, line.problem, line.task.group)
        elif is_wanted(line.task, ctx):
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
        yield file.error("is no todo.txt file but another program's data; name it as that does")
        return
    for number, row in rows:
        try:
            line = _line(row, file, zone)
        except (ValueError, OverflowError) as error:
            yield file.error(error, uid=f"{file.group}#{digest(row)}", line=number)
            continue
        if line is not None and line.problem:
            line = replace(line, problem=file.error(line.problem, line=number).reason)
        if line is not None:
            yield line


# --- one line ------------------------------------------------------------------------------------


def _line(row: str, file: SourceFile, zone: ZoneInfo) -> _Line | None:
    """Read one line; None for a hidden one. Raises ValueError for an impossible leading date."""
    try:
        parsed = TodoLine(row)
    except ValueError:
        raise ValueError("it begins with a date that is none; write one like 2026-12-24") from None
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
        uid=keys.get("id") or keys.get("uid") or digest(told),
        title=title,
        project=f"+{projects[0]}" if projects else None,
        status="done" if parsed.is_completed else "open",
        priority=letter_priority(letter or keys.get("pri", "")),
        created_at=_at(parsed.creation_date, time(), zone),
        completed_at=_at(parsed.completion_date, time(12), zone),
        recurrence=keys.get("rec", ""),
        contexts=tuple(dict.fromkeys(word[1:] for word in words if _is_tag(word, "@"))),
        group=file.group,
    )
    line = _Line(task, projects, done_day=parsed.completion_date, known_by=task.uid)
    try:
        due = _day(keys, "due")
        return replace(
            line,
            due_day=due,
            task=replace(
                task,
                start=_at(_day(keys, "t"), time(), zone),
                due=due and begins(_following(due, f"due:{due}"), zone),
                estimate_min=_minutes(keys.get("est", "")),
            ),
        )
    except (ValueError, OverflowError) as error:
        return replace(line, problem=str(error))


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


def _day(keys: dict[str, str], key: str) -> date | None:
    if key not in keys:
        return None
    try:
        return date.fromisoformat(keys[key])
    except ValueError:
        raise ValueError(_no_date(f"{key}:{keys[key]}")) from None


def _following(day: date, word: str) -> date:
    try:
        return day + timedelta(days=1)
    except OverflowError:
        raise ValueError(_no_date(word)) from None


def _no_date(word: str) -> str:
    return f"{word} is no date; write it like {word.partition(':')[0]}:2026-12-24"


def _at(day: date | None, clock: time, zone: ZoneInfo) -> datetime | None:
    return None if day is None else datetime.combine(day, clock, tzinfo=zone).astimezone(UTC)


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


# --- identity ------------------------------------------------------------------------------------


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
    # How far each name has been counted up: what shares one may be many.
    numbers: Counter[str] = Counter()
    for uid, indices in sharing.items():
        opened = [index for index in indices if lines[index].is_open]
        done = [index for index in indices if not lines[index].is_open]
        # Latest first; within a day the order of the lines decides.
        done.sort(key=lambda index: lines[index].done_day or date.min, reverse=True)
        for index in (opened + done)[1:]:
            day = lines[index].done_day
            wanted = f"{uid}/{day:%Y%m%d}" if day else uid
            name = wanted
            while name in taken:
                numbers[wanted] += 1
                name = f"{wanted}.{numbers[wanted] + 1}"
            taken.add(name)
            told_apart[index] = replace(lines[index], task=replace(lines[index].task, uid=name))
    return told_apart


# --- habits and projects -------------------------------------------------------------------------


def _with_times(lines: list[_Line], ctx: Context[Settings]) -> list[_Line]:
    """Return the lines with those of one habit told to be its times, and the times it has missed.

    A done line that has lost its `rec:` is a time of the habit all the same. What was due on one
    day and done, or is still to be done, after the next was due has missed the days before that.
    """
    rules = {line.known_by: line.task.recurrence for line in lines if line.task.recurrence}
    times: dict[str, _Line] = {}
    for line in lines:
        if line.known_by not in rules:
            times[line.task.uid] = line
            continue
        rule, series = rules[line.known_by], f"{line.known_by}/times"
        time_of = replace(line, task=replace(line.task, recurrence=rule, series=series))
        until = today(ctx) if line.is_open else line.done_day
        period = _period(rule)
        if line.due_day and until and period and not line.problem:
            missed, due = lapsed(line.due_day, period, until)
            for day in missed:
                uid = f"{line.known_by}/missed-{day:%Y%m%d}"
                more = {"uid": uid, "status": "missed", "start": None, "completed_at": None}
                times[uid] = _due_on(day, time_of, ctx.timezone, **more)
            time_of = _due_on(due, time_of, ctx.timezone)
        times[line.task.uid] = time_of
    return list(times.values())


def _due_on(day: date, line: _Line, zone: ZoneInfo, **more: Any) -> _Line:
    due = begins(day + timedelta(days=1), zone)
    return replace(line, due_day=day, task=replace(line.task, due=due, **more))


def _period(rule: str) -> Period | None:
    match = _PERIOD.fullmatch(rule)
    return Period(int(match[1]), match[2].lower()) if match and int(match[1]) else None


def _habits(lines: list[_Line]) -> Iterator[Project]:
    times: dict[str, list[Task]] = defaultdict(list)
    for line in lines:
        if line.task.series:
            times[line.task.series].append(line.task)
    for series, tasks in times.items():
        yield Project(
            uid=series,
            name=tasks[0].title,
            kind="habit",
            status="active" if any(task.status == "open" for task in tasks) else "completed",
            priority=most_urgent(tasks),
            parent=tasks[0].project,
            group=tasks[0].group,
        )


def _projects(lines: list[_Line]) -> Iterator[Project]:
    """Yield a project for each tag, from all the tasks that carry it."""
    members: dict[str, list[Task]] = defaultdict(list)
    for line in lines:
        for name in line.projects:
            members[name].append(line.task)
    for name, tasks in members.items():
        readable = re.sub(r"[-_]+", " ", name).strip() or name
        habit = all(task.recurrence for task in tasks) and kind_of(readable) == "project"
        yield Project(
            uid=f"+{name}",
            name=readable[0].upper() + readable[1:],
            kind="habit" if habit else kind_of(readable),
            status="active" if any(task.status == "open" for task in tasks) else "completed",
            priority=most_urgent(tasks),
            group=tasks[0].group,
        )
