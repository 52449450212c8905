"""Tasks from org-mode files (https://orgmode.org): headings with a TODO state.

A heading without a state is no task. One that has tasks below it is their project, if it is a top
heading or has a state itself. Which words are states, a file says itself (`#+TODO:`), or else the
setting `org_states`; of a done one, those that speak of giving up are cancelled.

A heading with a repeater is a habit: each `- State "DONE"` of its log is a time that it was done.
With `.+1d` (counted from when it was done) and `++1d` (on set days) it has missed what lies
between, as far as a time had lapsed before the next; with `+1d` every time is made up for in turn,
and none is missed. CLOCK lines tell how long was worked on it, and notes of a new date that it was
put off.

An archived heading stays what it was: ARCHIVE_OLPATH tells where it stood.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from functools import partial
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Literal

import orgparse
from orgparse.node import parse_duration_to_minutes

from twind.api import Claim, Context, Project, RecordError, SourceFile, Task

from .common import (
    MAX_TEXT,
    begins,
    digest,
    ends,
    is_wanted,
    kind_of,
    letter_priority,
    number_priority,
    spent_min,
    today,
)
from .habits import Period, lapsed
from .org_files import Heading, States, headings, plain_text, settings_of

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from twind.api import Fetched, Files

SUFFIXES = (".org", ".org_archive")
IN_FOLDER = None

_PLANNING = re.compile(r"\s*(?:CLOSED|SCHEDULED|DEADLINE):\s*[<\[]")
_CLOCK = re.compile(r"\s*CLOCK:")
_STATE_LOG = re.compile(r'\s*-\s+State\s+"')
_STAMP = re.compile(r"(?P<day>\d{4}-\d\d-\d\d)[^\]\d]*(?P<time>\d\d:\d\d)?")
_BECAME = re.compile(rf'{_STATE_LOG.pattern}(?P<state>[^"]+)"\s+from\b[^\[]*\[{_STAMP.pattern}')
_PUT_OFF = re.compile(
    rf'\s*-\s+(?:Rescheduled|New deadline)\s+from\s+"[^"]*"\s+on\s+\[{_STAMP.pattern}'
)
_DRAWER = re.compile(r":[\w-]+:")
_GIVEN_UP = re.compile(r"cancel|kill|abort|abandon|drop|reject|won'?t|skip|no_?go", re.IGNORECASE)
_Org = Any
"""An orgparse.OrgNode."""


# --- one file ------------------------------------------------------------------------------------


def fetch(files: Files, ctx: Context[Any]) -> Iterator[Fetched]:
    """Yield what each file says that has changed."""
    return files.each(partial(_claims, ctx=ctx))


def _claims(file: SourceFile, ctx: Context[Any]) -> Iterator[Claim | RecordError]:
    """Yield what one file says: a claim for each task, habit and project."""
    text = file.text
    if "\0" in text:
        yield file.error("is no text but binary data")
        return
    lines = re.split(r"\r\n|\r|\n", text)
    states, file_tags = settings_of(lines, ctx.settings.org_states)
    reader = _Reader(file, ctx, states)
    for heading in headings(lines, states, file_tags):
        if heading.state or heading.is_project:
            yield reader.claim(heading)


# --- one heading ---------------------------------------------------------------------------------


@dataclass(slots=True)
class _Span:
    """What happened up to one time of a habit that was done, or since the last."""

    clocks: list[tuple[datetime, datetime]] = field(default_factory=list)
    put_off: int = 0


class _Reader:
    """Reads the headings of one file."""

    def __init__(self, file: SourceFile, ctx: Context[Any], states: States) -> None:
        self._file = file
        self._ctx = ctx
        self._zone: ZoneInfo = ctx.timezone
        self._states = states
        self._env = orgparse.OrgEnv(states.todo, states.done, filename="<lines>")
        self._named: Counter[str] = Counter()

    def claim(self, heading: Heading) -> Claim:
        uid = self._uid(heading)
        project = heading.project
        below = f"{heading.has_tasks} {heading.open_below}"
        said = [*heading.lines, *heading.tags, below, self._project_uid(project) or ""]
        if not heading.is_project:
            # What stands twice in a list is to be done twice.
            said.append(str(self._named[uid]))
            self._named[uid] += 1
        return Claim(uid, "\n".join(said), partial(self._records, heading), heading.line)

    def _uid(self, heading: Heading) -> str:
        """Return what a heading is known by: its ID, or the list and the path it stands in."""
        if own := heading.own("ID"):
            return own
        archived = heading.archived_from
        path = [*archived, heading.title] if archived else heading.path
        home = heading.own("ARCHIVE_FILE") or self._file.path.name.removesuffix("_archive")
        return digest("\0".join((home.rpartition("/")[2], "/".join(path))))

    def _project_uid(self, heading: Heading | None) -> str | None:
        if heading is None:
            return None
        uid = self._uid(heading)
        return f"{uid}/times" if heading.state and heading.rule else uid

    def _records(self, heading: Heading, uid: str) -> Iterator[Project | Task]:
        """Yield what a heading stands for. Raises ValueError where a part cannot be read."""
        node = orgparse.loadi(
            _telling(heading.lines), filename=self._env.filename, env=self._env
        ).children[0]
        if heading.state and heading.rule:
            yield from self._habit(heading, node, uid)
        elif heading.is_project:
            yield self._project(heading, node, uid)
        else:
            task = self._task(heading, node, uid)
            if is_wanted(task, self._ctx, over=self._closed(heading, node)):
                yield task

    def _project(self, heading: Heading, node: _Org, uid: str) -> Project:
        status = "active" if heading.open_below else "completed"
        if heading.state:
            done = {"done": "completed", "cancelled": "abandoned"}
            status = done.get(self._status(heading.state), "active")
        return Project(
            uid=uid,
            name=heading.title,
            kind=kind_of(heading.title),
            status=status,  # type: ignore[arg-type]
            priority=_priority(node),
            deadline=self._end(node.deadline.start) if node.deadline else None,
            parent=self._project_uid(heading.project),
        )

    def _task(self, heading: Heading, node: _Org, uid: str) -> Task:
        status = self._status(heading.state)
        log = self._log(heading, node, [])[-1]
        return Task(
            uid=uid,
            title=heading.title,
            # Where an archived heading stood is known by name alone.
            project=self._project_uid(heading.project)
            or next(iter(heading.archived_from), "")
            or None,
            status=status,
            priority=_priority(node),
            start=self._begin(node.scheduled.start) if node.scheduled else None,
            due=self._end(node.deadline.start) if node.deadline else None,
            created_at=self._created(heading),
            completed_at=self._closed(heading, node) if status == "done" else None,
            estimate_min=_effort(node),
            spent_min=spent_min(log.clocks),
            rescheduled=log.put_off,
            contexts=heading.tags,
            description=_text(heading.lines),
        )

    def _habit(self, heading: Heading, node: _Org, uid: str) -> Iterator[Project | Task]:
        """Yield a habit, the times it was done and missed, and the one that is next."""
        assert heading.rule is not None
        mark, number, unit, most, most_unit = heading.rule.groups()
        status = self._status(heading.state)
        over = {"done": "completed", "cancelled": "abandoned"}
        habit = Project(
            uid=f"{uid}/times",
            name=heading.title,
            kind="habit",
            status=over.get(status, "active"),  # type: ignore[arg-type]
            priority=_priority(node),
            parent=self._project_uid(heading.project),
        )
        yield habit
        rule = f"{mark}{number}{unit}" + (f"/{most}{most_unit}" if most else "")
        task = replace(self._task(heading, node, uid), series=habit.uid, recurrence=rule)
        done = [(at, self._status(state)) for at, state in self._endings(heading)]
        *logs, since = self._log(heading, node, [at for at, _ in done])
        times = [
            _at_another_time(task, f"{at:%Y%m%dT%H%M}", became, at, log)
            for (at, became), log in zip(done, logs, strict=True)
        ]
        planned = (node.deadline or node.scheduled).start
        due, missed = _day_of(planned), []
        period = _period(most or number, most_unit or unit)
        if period is not None and mark != "+":
            if most and (least := _period(number, unit)):
                # Between its least and its most, a time is not late yet.
                due += period.after(due, 1) - least.after(due, 1)
            days = [at.astimezone(self._zone).date() for at, _ in done]
            missed += _between(days, due, period, from_done=mark == ".+")
            if status == "open":
                late, due = lapsed(due, period, today(self._ctx))
                missed += late
        for day in dict.fromkeys(missed):
            time_missed = _at_another_time(task, f"missed-{day:%Y%m%d}", "missed", None, _Span())
            times.append(replace(time_missed, due=ends(day, self._zone)))
        if status == "open":
            # The day may have a time; one that it has come to since is due by its end.
            until = self._end(planned) if due == _day_of(planned) else ends(due, self._zone)
            told = {"spent_min": spent_min(since.clocks), "rescheduled": since.put_off}
            times.append(replace(task, due=until, **told))
        yield from (one for one in times if is_wanted(one, self._ctx, over=one.completed_at))

    # --- its parts -------------------------------------------------------------------------------

    def _status(self, state: str) -> Literal["open", "done", "cancelled"]:
        if state not in self._states.done:
            return "open"
        return "cancelled" if _GIVEN_UP.search(state) else "done"

    def _closed(self, heading: Heading, node: _Org) -> datetime | None:
        """Return when it was closed, or else when its log last says so."""
        if node.closed:
            return self._begin(node.closed.start)
        return next((at for at, _ in reversed(self._endings(heading))), None)

    def _endings(self, heading: Heading) -> list[tuple[datetime, str]]:
        """Return when its log says that it was over, in order, each with the state it was in then.

        orgparse loses the time of day after a weekday that is no word ("jeu."), and passes over
        what was in no state before.
        """
        logged = filter(None, map(_BECAME.match, heading.lines))
        return sorted(
            (self._stamp(told), told["state"])
            for told in logged
            if told["state"] in self._states.done
        )

    def _created(self, heading: Heading) -> datetime | None:
        told = _STAMP.search(heading.own("CREATED"))
        return self._stamp(told) if told else None

    def _stamp(self, told: re.Match[str]) -> datetime:
        return self._local(datetime.fromisoformat(f"{told['day']}T{told['time'] or '00:00'}"))

    def _log(self, heading: Heading, node: _Org, done: list[datetime]) -> list[_Span]:
        """Return what the log tells of each time that was done, and of what came after."""
        spans = [_Span() for _ in range(len(done) + 1)]

        def span(at: datetime) -> _Span:
            return spans[sum(moment < at for moment in done)]

        for clock in node.clock:
            if clock.has_end():
                begin, end = self._local(clock.start), self._local(clock.end)
                span(begin).clocks.append((begin, end))
        for line in heading.lines:
            if told := _PUT_OFF.match(line):
                span(self._stamp(told)).put_off += 1
        return spans

    def _begin(self, moment: date) -> datetime:
        return self._local(moment) if isinstance(moment, datetime) else begins(moment, self._zone)

    def _end(self, moment: date) -> datetime:
        return self._local(moment) if isinstance(moment, datetime) else ends(moment, self._zone)

    def _local(self, moment: date) -> datetime:
        return _naive(moment).replace(tzinfo=self._zone).astimezone(UTC)


def _at_another_time(
    task: Task, name: str, status: Any, completed_at: datetime | None, log: _Span
) -> Task:
    """Return another time of a habit than the next."""
    return replace(
        task,
        uid=f"{task.uid}/{name}",
        status=status,
        start=None,
        due=None,
        completed_at=completed_at,
        spent_min=spent_min(log.clocks),
        rescheduled=log.put_off,
        description="",
    )


def _telling(lines: list[str]) -> Iterator[str]:
    """Yield the lines that tell of the task; a date in its text is none of its own."""
    in_drawer = False
    for place, line in enumerate(lines):
        word = line.strip().upper()
        if place == 0 or (place == 1 and _PLANNING.match(line)):
            yield line
        elif word == ":PROPERTIES:" or in_drawer:
            in_drawer = word != ":END:"
            yield line
        elif _CLOCK.match(line) or _STATE_LOG.match(line):
            yield line


def _text(lines: list[str]) -> str:
    """Return what is written below a heading, without what tells of the task."""
    telling = set(_telling(lines))
    kept, in_drawer = [], False
    for line in lines:
        begins_drawer = bool(_DRAWER.fullmatch(line.strip()))
        in_drawer = begins_drawer if not in_drawer else line.strip().upper() != ":END:"
        if not in_drawer and line not in telling and line.strip().upper() != ":END:":
            kept.append(line.strip())
    return plain_text("\n".join(kept)).strip()[:MAX_TEXT]


def _naive(moment: date) -> datetime:
    return (
        moment if isinstance(moment, datetime) else datetime(moment.year, moment.month, moment.day)
    )


def _day_of(moment: date) -> date:
    return moment.date() if isinstance(moment, datetime) else moment


def _priority(node: _Org) -> float | None:
    told = node.priority or ""
    return number_priority(int(told)) if told.isdigit() else letter_priority(told)


def _effort(node: _Org) -> float | None:
    told = next((value for key, value in node.properties.items() if key.upper() == "EFFORT"), None)
    if told in (None, ""):
        return None
    return float(parse_duration_to_minutes(told) if isinstance(told, str) else told)


def _period(number: str, unit: str) -> Period | None:
    return Period(int(number), unit) if unit in "dwmy" and int(number) else None


def _between(done: list[date], due: date, period: Period, *, from_done: bool) -> Iterator[date]:
    """Yield the days missed between the times that were done.

    After one that was done the next is due a period later, or else on the next of the set days, of
    which `due` is one.
    """
    for this, following in pairwise(done):
        first = period.after(this, 1) if from_done else period.next_after(this, due)
        yield from lapsed(first, period, following)[0]
