"""Tasks from Taskwarrior (https://taskwarrior.org): what `task export` writes, and its own files.

An export is JSON: a list, or an object a line, with or without commas. pending.data, completed.data
and backlog.data hold one task a line; undo.data tells what was changed when. A task is known by its
uuid, and where several files have it, the one modified last counts; undo.data's are never tasks of
their own, but tell how often a due date was put off and how long was worked on what.

A recurring task is a template and its instances: a habit and its times. One that was deleted after
it was due was missed, and so was one that is still pending on the day that a later one is due.
A due date at midnight is a day, and lasts until it ends.
"""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Literal

from twind.api import Context, Project, RecordError, Settings, SourceFile, Task

from .common import MAX_TEXT, begins, is_wanted, kind_of, most_urgent, spent_min, today
from .taskwarrior_files import Found, Version, read

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from zoneinfo import ZoneInfo

    from twind.api import Fetched, Files

SUFFIXES = (".data", ".json", ".sqlite3")
IN_FOLDER = re.compile(r"\.(data|json)$|^taskchampion\.sqlite3$", re.IGNORECASE)

_SQLITE = b"SQLite format 3\0"
_ISO_LENGTH = re.compile(
    r"P(?:(\d+)D)?(?:T(?:(\d+(?:\.\d+)?)H)?(?:(\d+(?:\.\d+)?)M)?(?:(\d+(?:\.\d+)?)S)?)?"
)
_LENGTH = re.compile(r"(\d+(?:\.\d+)?)\s*(m|mins?|minutes?|h|hrs?|hours?)", re.IGNORECASE)
_PRIORITY = {"H": 1.0, "M": 0.65, "L": 0.3}
"""In the proportions of Taskwarrior's own urgency coefficients (6.0, 3.9, 1.8)."""
_STATUS = {
    "pending": "open",
    "waiting": "open",
    "completed": "done",
    "deleted": "cancelled",
    "recurring": "open",
}
_ESTIMATES = ("estimate", "est")
"""What people call the attribute (UDA) that says how long a task takes."""
MAX_PROJECT = 300
"""Characters of a project's name; each part of a longer one would be a project of its own."""
_STARTED, _STOPPED = "Started task", "Stopped task"
"""What `journal.time=on` notes by itself, unless told to use other words."""


@dataclass(slots=True)
class _Log:
    """What undo.data tells of one task."""

    put_off: int = 0
    stretches: list[tuple[datetime, datetime]] = field(default_factory=list)


def fetch(files: Files, ctx: Context[Settings]) -> Iterator[Fetched]:
    """Yield what all files say together, if any has changed."""
    return files.together(partial(_records, ctx=ctx))


def _records(
    files: Iterable[SourceFile], ctx: Context[Settings]
) -> Iterator[Project | Task | RecordError]:
    """Yield every open task, those over inside the window, their projects, and the habits."""
    found = Found()
    databases = []
    for file in files:
        if file.data.startswith(_SQLITE):
            databases.append(file)
        else:
            read(file, found, named=file.path in ctx.settings.paths)
    exported = any(one.file.path.suffix.lower() == ".json" for one in found.tasks.values())
    for file in databases:
        if not exported or file.path in ctx.settings.paths:
            yield file.error(
                "is Taskwarrior 3's database, which twind does not read: let "
                "`task export > tasks.json` write what it does, and name that file"
            )
    reader = _Reader(found, ctx)
    yield from found.errors
    yield from reader.records()


# --- from tasks to records -----------------------------------------------------------------------


class _Reader:
    """Makes records of all that was found."""

    def __init__(self, found: Found, ctx: Context[Settings]) -> None:
        self._ctx = ctx
        self._today = today(ctx)
        self._versions = found.tasks
        self._logs = _logs(found)
        # When the latest time of each template was due, today's included.
        self._last_due: dict[str, date] = {}
        for version in found.tasks.values():
            day = self._due_day(version) if version.parent else None
            if day is not None and day <= self._today:
                before = self._last_due.get(version.parent, day)
                self._last_due[version.parent] = max(before, day)

    def records(self) -> Iterator[Project | Task | RecordError]:
        made: list[tuple[Version, Task]] = []
        for version in self._with_first_times():
            try:
                made.append((version, self._task(version)))
            except (ValueError, OverflowError) as error:
                yield version.error(error)
        wanted = [
            (version, task)
            for version, task in made
            if is_wanted(task, self._ctx, over=_ended(version))
        ]
        yield from self._habits(wanted)
        yield from _projects(task for _, task in wanted)
        yield from (task for _, task in wanted)

    def _with_first_times(self) -> Iterator[Version]:
        """Yield the tasks; a template that has no instance yet stands for its first."""
        with_times = {version.parent for version in self._versions.values()}
        for version in self._versions.values():
            if not version.is_template:
                yield version
            elif version.uuid not in with_times and version.text("status") == "recurring":
                own = {"uuid": f"{version.uuid}/next", "parent": version.uuid, "status": "pending"}
                yield replace(version, told={**version.told, **own})

    def _task(self, version: Version) -> Task:
        due, not_before = version.moment("due"), [version.moment(k) for k in ("wait", "scheduled")]
        log = self._logs.get(version.uuid, _Log())
        status = self._status(version, due)
        return Task(
            uid=version.uuid,
            title=version.text("description") or "(no title)",
            project=_project_uid(_project_name(version)),
            status=status,  # type: ignore[arg-type]
            priority=_PRIORITY.get(version.text("priority").upper()),
            start=max((moment for moment in not_before if moment), default=None),
            due=due and _until(due, self._ctx.timezone),
            created_at=version.moment("entry"),
            completed_at=_ended(version) if status == "done" else None,
            estimate_min=next(filter(None, (_minutes(version.text(k)) for k in _ESTIMATES)), None),
            spent_min=_spent_min(version, log),
            recurrence=version.text("recur"),
            series=version.parent,
            rescheduled=log.put_off,
            contexts=version.tags(),
            description=_noted(version.notes()),
            group=version.file.group,
        )

    def _status(self, version: Version, due: datetime | None) -> str:
        told = version.text("status")
        if told not in _STATUS:
            raise ValueError(f"its status is none that is known: {told[:40] or 'none'}")
        status, ended = _STATUS[told], _ended(version)
        until = version.moment("until")
        if status == "open" and until and until <= begins(self._today, self._ctx.timezone):
            status, ended = "cancelled", until
        if not version.parent or due is None:
            return status
        if status == "cancelled" and ended is not None and ended > due:
            return "missed"
        if status == "open" and self._has_lapsed(version):
            return "missed"
        return status

    def _has_lapsed(self, version: Version) -> bool:
        day = self._due_day(version)
        return day is not None and day < self._last_due.get(version.parent, day)

    def _due_day(self, version: Version) -> date | None:
        try:
            due = version.moment("due")
            return due and due.astimezone(self._ctx.timezone).date()
        except (ValueError, OverflowError):
            return None  # told when the task itself is read

    def _habits(self, wanted: list[tuple[Version, Task]]) -> Iterator[Project]:
        """Yield each recurring task that is still kept up or has times in the window."""
        times: dict[str, list[tuple[Version, Task]]] = defaultdict(list)
        for version, task in wanted:
            if task.series:
                times[task.series].append((version, task))
        for series, pairs in times.items():
            template = self._versions.get(series)
            shown = template or pairs[-1][0]
            tasks = [task for _, task in pairs]
            yield Project(
                uid=series,
                name=shown.text("description") or "(no title)",
                kind="habit",
                status=_habit_status(template, tasks),
                priority=most_urgent(tasks),
                parent=_project_uid(shown.text("project")),
                group=shown.file.group,
            )


def _habit_status(
    template: Version | None, times: list[Task]
) -> Literal["active", "completed", "abandoned"]:
    if template is not None and template.text("status") == "deleted":
        return "abandoned"
    going_on = template is not None and template.text("status") == "recurring"
    return "active" if going_on or any(task.status == "open" for task in times) else "completed"


def _logs(found: Found) -> dict[str, _Log]:
    """Return what the history of changes tells of each task.

    A due date that moved on while the task was pending was put off; a task was worked on from the
    change that gave it a start to the one that took it away.
    """
    logs: dict[str, _Log] = defaultdict(_Log)
    for at, before, after in sorted(found.changes, key=lambda change: change[0]):
        log = logs[after.uuid]
        try:
            due = before.moment("due"), after.moment("due")
            begun = before.moment("start")
            changed = datetime.fromtimestamp(at, UTC)
        except (ValueError, OverflowError, OSError) as error:  # OSError: no year that is known
            found.errors.append(after.file.error(error, line=after.line))
            continue
        waiting = {before.text("status"), after.text("status")} <= {"pending", "waiting"}
        log.put_off += bool(waiting and due[0] and due[1] and due[0] < due[1])
        if begun and not after.text("start"):
            log.stretches.append((begun, changed))
    return dict(logs)


def _spent_min(version: Version, log: _Log) -> float | None:
    """Return how long was worked on a task, by the best of the sources that may tell.

    The attribute of the usual time tracking hook; the history of changes; the notes of
    `journal.time`; a start that the end has left in place.
    """
    told = _minutes(version.text("totalactivetime"))
    noted = list(_noted_stretches(version.notes()))
    begun, ended = version.moment("start"), version.moment("end")
    left = [(begun, ended)] if begun and ended else []
    return told if told is not None else spent_min(log.stretches or noted or left)


def _noted_stretches(notes: list[tuple[datetime, str]]) -> Iterator[tuple[datetime, datetime]]:
    begun = None
    for at, text in notes:
        if text == _STARTED:
            begun = at
        elif text == _STOPPED and begun is not None:
            yield begun, at
            begun = None


def _noted(notes: list[tuple[datetime, str]]) -> str:
    told = (text for _, text in notes if text not in {_STARTED, _STOPPED})
    return "\n".join(told)[:MAX_TEXT]


def _ended(version: Version) -> datetime | None:
    return version.moment("end") or version.moment("modified")


def _until(due: datetime, zone: ZoneInfo) -> datetime:
    """Return when something due then is overdue; a due date at midnight is the day it begins."""
    local = due.astimezone(zone)
    is_day = not (local.hour or local.minute or local.second)
    return begins(local.date() + timedelta(days=1), zone) if is_day else due


def _minutes(text: str) -> float | None:
    """Read a length as ISO 8601 writes it, or "90min", "1.5h"; None for anything else."""
    if match := _ISO_LENGTH.fullmatch(text):
        days, hours, minutes, seconds = (float(part or 0) for part in match.groups())
        return ((days * 24 + hours) * 60 + minutes) + seconds / 60
    if match := _LENGTH.fullmatch(text):
        return float(match[1]) * (60 if match[2][0] in "hH" else 1)
    return None


def _project_name(version: Version) -> str:
    """Return the project of a task. Raises ValueError for what nobody calls a project."""
    name = version.text("project")
    if len(name) > MAX_PROJECT:
        raise ValueError(f"its project has a name of {len(name)} characters")
    return name


def _project_uid(name: str) -> str | None:
    return f"project:{name}" if name else None


def _projects(tasks: Iterable[Task]) -> Iterator[Project]:
    """Yield the projects of these tasks, and those that they are parts of: "house.garden"."""
    members: dict[str, list[Task]] = defaultdict(list)
    for task in tasks:
        parts = (task.project or "").removeprefix("project:").split(".")
        for depth in range(1, len(parts) + 1):
            if name := ".".join(parts[:depth]):
                members[name].append(task)
    for name, those in members.items():
        yield Project(
            uid=f"project:{name}",
            name=name,
            kind=kind_of(name),
            status="active" if any(task.status == "open" for task in those) else "completed",
            priority=most_urgent(those),
            parent=_project_uid(name.rpartition(".")[0]),
            group=those[0].group,
        )
