"""Tasks from iCalendar files (RFC 5545, VTODO): exports, and folders with a file for each task.

A task that others name as their parent (RELATED-TO) is a project, in whatever file they are. What
recurs is a habit. Programs write that in four ways, and all are read: a rule whose times are done
as overrides (Thunderbird), the same in files of their own and with the rule moved on (Nextcloud),
the rule moved on and nothing left behind (Tasks.org, Evolution, Apple), and the rule as it was with
the time that is next (KOrganizer). So a time is done, or cancelled, only where an override says so;
one whose next was due as well was missed.

A file that holds no task is none of ours and no error: its events are the calendar's.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from functools import partial
from typing import TYPE_CHECKING, Literal

from twind.api import (
    Claim,
    Component,
    Context,
    Fact,
    Project,
    RecordError,
    Settings,
    SourceFile,
    Task,
    components,
    ical,
)

from .common import begins, digest, is_wanted, kind_of, number_priority, today
from .habits import GIVEN_UP
from .vtodo_files import (
    LINES,
    PENDING,
    TIMED,
    Todo,
    dates,
    due_of,
    estimate_min,
    latest_of,
    number,
    originals,
    relations,
    stamp,
    status_of,
)

if TYPE_CHECKING:
    from twind.api import Fetched, Files

SUFFIXES = (".ics", ".ical")
IN_FOLDER = None

DEEPEST = 32
"""How far up the tasks are looked through that a task stands below: a longer way is no plan."""
_ANY_TODO = re.compile(rb"V\0*T\0*O\0*D\0*O", re.IGNORECASE)
_ANY_COMPONENT = re.compile(rb"B\0*E\0*G\0*I\0*N\0*:", re.IGNORECASE)
"""Whatever the encoding."""


# --- one file ------------------------------------------------------------------------------------


def fetch(files: Files, ctx: Context[Settings]) -> Iterator[Fetched]:
    """Yield what each file says that has changed, or that rests on one that has."""
    return files.each(partial(_said, reader=_Reader(files, ctx)))


def _said(file: SourceFile, reader: _Reader) -> Iterator[Claim | Fact | RecordError]:
    """Yield what one file says: a claim for each task, and what the others need to know of it."""
    if not _ANY_COMPONENT.search(file.data):
        yield file.error("holds no calendar")
        return
    if not _ANY_TODO.search(file.data):
        # The largest calendars hold none, and nothing more is looked at.
        reader.note_none(file)
        return
    found = components(file.text, LINES)
    todos = list(found.every("VTODO"))
    if not todos:
        reader.note_none(file)
    if not found.ended:
        # What is missing is not gone: the file's own error keeps it.
        yield file.error("is cut short: its last component does not end")
    zones = [zone.text() for zone in found.every("VTIMEZONE")]
    for raw in todos:
        if not raw.ended:
            yield file.error("the task does not end", line=raw.line)
    for raw in latest_of([raw for raw in todos if raw.ended]):
        yield from reader.read(raw, file, zones)


# --- one task ------------------------------------------------------------------------------------


class _Reader:
    """Reads the tasks of all files."""

    def __init__(self, files: Files, ctx: Context[Settings]) -> None:
        self._files = files
        self._ctx = ctx
        self._settler = ical.Settler(ctx.timezone)

    def note_none(self, file: SourceFile) -> None:
        """Say of a file that the settings name that there is no task in it: it may be a slip."""
        if file.path in self._ctx.settings.paths:
            self._ctx.log.info("%s holds no task", file.path)

    def read(
        self, raw: Component, file: SourceFile, zones: list[str]
    ) -> Iterator[Claim | Fact | RecordError]:
        """Yield the claim of one component, and what others may ask about it."""
        for line, problem in self._settler.settle([raw], zones, (*TIMED, PENDING)):
            yield file.error(problem, line=line)
        uid = ical.uid_of(raw) or digest("\0".join((file.group, *sorted(raw.lines))))
        told = raw.value("RECURRENCE-ID")
        try:
            read = Todo.of(uid, raw, file, self._ctx.timezone)
        except Exception as error:  # noqa: BLE001 - whatever icalendar raises is this task's failure
            yield Fact(f"time of {uid}", told) if told else Fact(f"task {uid}", uid)
            yield file.error(error, uid=f"{uid}/{told}" if told else uid, line=raw.line)
            return
        said = "\n".join(raw.lines)
        if told:
            name = ical.basic(read.todo["RECURRENCE-ID"].dt)
            yield Fact(f"time of {uid}", name)
            yield Claim(f"{uid}/{name}", said, partial(self._time, read), raw.line)
            return
        yield Fact(f"task {uid}", f"{uid}/times" if read.recurs else uid)
        for other, kind in relations(raw):
            child, parent = (other, uid) if kind == "CHILD" else (uid, other)
            yield Fact(f"above {child}", parent)
            yield Fact(f"below {parent}", child)
        records = self._habit if read.recurs else self._task_or_project
        yield Claim(uid, said, partial(records, read), raw.line)

    # --- what others say of it -------------------------------------------------------------------

    def _is_there(self, uid: str, read: Todo) -> str:
        """Return by which uid a task is a project for others; "" if there is none."""
        return next(iter(self._files.facts(f"task {uid}", read.file)), "")

    def _above(self, read: Todo) -> list[str]:
        """Return what a task stands below, from the nearest up; in a ring, itself too."""
        found: list[str] = []
        above = self._next_above(read.uid, read)
        while above is not None and above not in found and len(found) < DEEPEST:
            found.append(above)
            above = self._next_above(above, read)
        return found

    def _next_above(self, uid: str, read: Todo) -> str | None:
        those = self._files.facts(f"above {uid}", read.file)
        return next((one for one in those if self._is_there(one, read)), None)

    def _parent(self, read: Todo) -> str | None:
        """Return the project or habit that a task is a part of; of a ring nobody is part."""
        above = self._above(read)
        return self._is_there(above[0], read) if above and read.uid not in above else None

    def _has_parts(self, read: Todo) -> bool:
        outside = {read.uid, *self._above(read)}
        below = self._files.facts(f"below {read.uid}", read.file)
        return any(one not in outside and self._is_there(one, read) for one in below)

    # --- what it is ------------------------------------------------------------------------------

    def _task_or_project(self, read: Todo, uid: str) -> Iterator[Task | Project]:
        task = self._task(read, uid)
        if self._has_parts(read):
            yield self._whole(task, uid, kind_of(task.title))
        elif self._is_wanted(task, read):
            yield task

    def _is_wanted(self, task: Task, read: Todo) -> bool:
        return is_wanted(task, self._ctx, over=stamp(read.todo, "LAST-MODIFIED", read.zones))

    def _whole(
        self, task: Task, uid: str, kind: Literal["project", "learning", "habit"]
    ) -> Project:
        """Return the project, or the habit, that a task turns out to be."""
        over = {"done": "completed", "cancelled": "abandoned"}
        return Project(
            uid=uid,
            name=task.title,
            kind=kind,
            status=over.get(task.status, "active"),  # type: ignore[arg-type]
            priority=task.priority,
            deadline=None if kind == "habit" else task.due,
            parent=task.project,
        )

    def _task(self, read: Todo, uid: str) -> Task:
        todo, status = read.todo, status_of(read.todo)
        return Task(
            uid=uid,
            title=ical.text(todo, "SUMMARY") or "(no title)",
            project=self._parent(read),
            status=status,
            priority=number_priority(number(todo, "PRIORITY")),
            start=read.zones.utc(read.begin) if read.begin is not None else None,
            due=read.end(read.due) if read.due is not None else None,
            created_at=stamp(todo, "CREATED", read.zones),
            completed_at=stamp(todo, "COMPLETED", read.zones) if status == "done" else None,
            estimate_min=estimate_min(read),
            progress=min(100, number(todo, "PERCENT-COMPLETE")) / 100 or None,
            contexts=ical.categories(todo),
            description=ical.text(todo, "DESCRIPTION"),
        )

    # --- habits ----------------------------------------------------------------------------------

    def _time(self, read: Todo, uid: str) -> Iterator[Task]:
        """Yield one time that is told apart from the others, of a habit that is there or not."""
        whole = self._is_there(read.uid, read)
        series = whole if whole.endswith("/times") else ""
        task = replace(self._task(read, uid), series=series)
        if self._is_wanted(task, read):
            yield task

    def _habit(self, read: Todo, uid: str) -> Iterator[Project | Task]:
        """Yield a habit, the times that were missed, and the one that is next."""
        rule = ", ".join(map(ical.rule_text, read.rules)) or "RDATE"
        task = replace(self._task(read, uid), series=f"{uid}/times", recurrence=rule)
        yield self._whole(task, task.series, "habit")
        # Of a series that is over as a whole, the time that ended it is the one it stands at.
        times = self._times(read) if task.status == "open" else [(task.status, read.first)]
        for status, original in times:
            one = replace(
                task,
                uid=f"{uid}/{ical.basic(original)}",
                status=status,
                start=read.zones.utc(original) if read.begin is not None else None,
                due=due_of(read, original),
                progress=task.progress if status == "open" else None,
                description=task.description if status == "open" else "",
            )
            if self._is_wanted(one, read):
                yield one

    def _times(self, read: Todo) -> Iterator[tuple[str, date]]:
        """Yield the times that no override speaks for: those missed, and the one that is next."""
        spoken_for = set(self._files.facts(f"time of {read.uid}", read.file))
        spoken_for |= {ical.basic(one) for one in dates(read, "EXDATE")}
        days = {name[:8] for name in spoken_for}
        now, waiting, missed = today(self._ctx), None, 0
        for original in originals(read, begins(now, self._ctx.timezone)):
            is_due = self._day(read, original) <= now
            if waiting is not None and not is_due:
                break
            if waiting is not None:
                missed += 1
                if missed <= GIVEN_UP:
                    yield "missed", waiting
            name = ical.basic(original)
            # Some programs name a time by its day, and a day by its midnight.
            told = not spoken_for.isdisjoint({name, name[:8]}) or (name in days)
            waiting, missed = (None, 0) if told else (original, missed)
            if waiting is not None and not is_due:
                break
        if waiting is not None:
            yield "open", waiting

    def _day(self, read: Todo, original: date) -> date:
        """Return the day on which one time is due."""
        last = due_of(read, original) - timedelta(seconds=1)
        return last.astimezone(self._ctx.timezone).date()
