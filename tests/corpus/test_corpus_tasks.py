"""The tasks plugin on task lists that other people's programs wrote.

Counted against the raw files by regular expressions, which know nothing of the plugin's parsers.
"""

from __future__ import annotations

import os
import re
import time
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from twind.api import Context, Project, RecordError, Task, Unchanged, Window
from twind.store import life, records

CORPUS = Path(
    os.environ.get("TWIND_CORPUS") or Path(__file__).resolve().parents[3] / "shared" / "corpus"
)
WARRIOR = CORPUS / "tasks" / "taskwarrior"
NOW = datetime(2021, 8, 26, 12, tzinfo=UTC)
"""The day of the last change in the files."""
WINDOW = Window(datetime(2021, 1, 1, tzinfo=UTC), datetime(2022, 1, 1, tzinfo=UTC))

pytestmark = pytest.mark.skipif(
    not WARRIOR.is_dir(), reason=f"no corpus at {CORPUS}; set TWIND_CORPUS to a folder with tasks/"
)


def fetch(plugin, *paths: Path, state=None, window=WINDOW) -> list:
    settings = plugin.TasksSettings(paths=list(paths))
    ctx = Context(
        settings=settings,
        window=window,
        now=NOW,
        timezone=ZoneInfo("UTC"),
        state={} if state is None else state,
    )
    return list(plugin.Tasks().fetch(ctx))


# --- Taskwarrior ---------------------------------------------------------------------------------


def attribute(line: str, name: str) -> str:
    """Return a plain attribute of a line, in either of the two formats."""
    found = re.search(rf'(?:^\[|[ {{,])"?{name}"?:"([^"]*)"', line)
    return found[1] if found else ""


def seconds(text: str) -> float:
    if re.fullmatch(r"\d{8}T\d{6}Z", text):
        return datetime.strptime(text, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC).timestamp()
    return float(text or 0)


@pytest.fixture(scope="module")
def raw() -> dict[str, str]:
    """The line of each task that was modified last."""
    latest: dict[str, str] = {}
    for name in ("backlog", "completed", "pending"):
        for line in (WARRIOR / f"{name}.data").read_text("utf-8").splitlines():
            uuid = attribute(line, "uuid")
            if not uuid:
                assert re.fullmatch(r"[0-9a-f-]{36}", line)  # the mark of a sync server
            elif seconds(attribute(line, "modified")) >= seconds(
                attribute(latest.get(uuid, ""), "modified")
            ):
                latest[uuid] = line
    return latest


@pytest.fixture(scope="module")
def found(tasks_plugin) -> list:
    return fetch(tasks_plugin, WARRIOR)


def is_template(line: str) -> bool:
    return bool(attribute(line, "mask"))


def test_every_task_is_a_record_or_a_habit(raw, found):
    assert not [item for item in found if isinstance(item, RecordError)]
    tasks = {item.uid for item in found if isinstance(item, Task)}
    habits = {item.uid for item in found if isinstance(item, Project) and item.kind == "habit"}
    templates = {uuid for uuid, line in raw.items() if is_template(line)}
    assert len(raw) == 2560 + 284
    assert habits == templates
    assert tasks == raw.keys() - templates


def test_statuses_are_those_of_the_lines(raw, found):
    statuses = {item.uid: item.status for item in found if isinstance(item, Task)}
    expected: Counter = Counter()
    for uuid, line in raw.items():
        if is_template(line):
            continue
        status, recurs = attribute(line, "status"), attribute(line, "parent")
        if status == "deleted":
            late = seconds(attribute(line, "end")) > seconds(attribute(line, "due"))
            status = "missed" if recurs and late else "cancelled"
        assert (
            statuses[uuid]
            in {
                "completed": {"done"},
                "missed": {"missed"},
                "cancelled": {"cancelled"},
                # One that is still pending has lapsed when a later one is due.
                "pending": {"open", "missed"} if recurs else {"open"},
            }[status]
        )
        expected[status] += 1
    assert expected == {"completed": 462, "missed": 1997, "cancelled": 75, "pending": 267}


def test_of_each_habit_at_most_the_last_time_is_open(raw, found):
    opened = Counter(
        item.series for item in found if isinstance(item, Task) if item.status == "open"
    )
    singles = opened.pop("")
    kept_up = {u for u, line in raw.items() if attribute(line, "status") == "recurring"}
    assert singles == sum(
        attribute(line, "status") == "pending" and not attribute(line, "parent")
        for line in raw.values()
    )
    assert set(opened) == kept_up
    assert set(opened.values()) == {1}


def test_projects_and_tags_are_those_of_the_lines(raw, found):
    projects = {item.name for item in found if isinstance(item, Project) and item.kind != "habit"}
    named = {attribute(line, "project") for line in raw.values()} - {""}
    assert {name.replace("\\/", "/") for name in named} <= projects
    for item in found:
        if isinstance(item, Task):
            told = re.search(r' tags:"([^"]*)"', raw[item.uid])
            assert item.contexts == (tuple(told[1].split(",")) if told else ())


def test_hits_and_misses_of_the_daily_habits(raw, found, db):
    records.apply(db, 1, "tasks", found, (WINDOW.start, WINDOW.end))
    daily = [habit for habit in life.habits(db, 1) if habit.recurrence == "daily"]
    templates = [u for u, line in raw.items() if is_template(line)]
    of_day = [u for u in templates if attribute(raw[u], "recur") == "daily"]
    times = Counter(
        attribute(line, "status") for line in raw.values() if attribute(line, "parent") in of_day
    )
    assert len(daily) == len(of_day) == 39
    assert sum(len(habit.done) for habit in daily) == times["completed"]
    called_off = sum(
        item.status == "cancelled" and item.series in of_day
        for item in found
        if isinstance(item, Task)
    )
    # What was deleted was missed, unless before its day; what is left over is today's.
    missed = times["deleted"] - called_off + times["pending"] - 17
    assert sum(len(habit.missed) for habit in daily) == missed
    [coffee] = [habit for habit in daily if habit.name == "001: Drink Coffee - 30 Minutes"]
    line = raw["85d7abe8-b5eb-4e09-bba9-93069630ce9a"]
    assert len(coffee.done) == attribute(line, "mask").count("+")


def test_a_second_sync_changes_nothing_and_costs_nothing(tasks_plugin, db):
    state: dict = {}
    begun = time.process_time()
    first = fetch(tasks_plugin, WARRIOR, state=state)
    assert time.process_time() - begun < 3
    records.apply(db, 1, "tasks", first, (WINDOW.start, WINDOW.end))
    begun = time.process_time()
    again = fetch(tasks_plugin, WARRIOR, state=state)
    assert time.process_time() - begun < 0.1
    assert {type(item) for item in again} == {Unchanged}
    changes = records.apply(db, 1, "tasks", again, (WINDOW.start, WINDOW.end))
    assert (changes.added, changes.changed, changes.removed, changes.held) == (0, 0, 0, "")


def test_each_file_alone_is_read(tasks_plugin):
    for path in sorted(WARRIOR.glob("*.data")):
        read = fetch(tasks_plugin, path)
        text = path.read_text("utf-8")
        uuids = set(re.findall(r'[ {,]"?uuid"?:"([0-9a-f-]{36})"', text))
        told = {item.uid for item in read if isinstance(item, Task)}
        told |= {item.uid for item in read if isinstance(item, Project)}
        assert uuids <= told
        assert not [item for item in read if isinstance(item, RecordError)]


# --- tasks in calendars --------------------------------------------------------------------------

CALENDARS = sorted(path for path in (CORPUS / "ics").rglob("*.ics"))
WIDE = Window(datetime(1950, 1, 1, tzinfo=UTC), datetime(2045, 1, 1, tzinfo=UTC))


def todos(path: Path) -> list[str]:
    """Return the text of each VTODO that begins and ends, unfolded."""
    text = re.sub(r"\r?\n[ \t]", "", path.read_text("utf-8", "replace"))
    return re.findall(r"^BEGIN:VTODO\s*$(.*?)^END:VTODO\s*$", text, re.DOTALL | re.MULTILINE)


def test_every_task_in_a_calendar_is_told(tasks_plugin):
    told = 0
    for path in CALENDARS:
        found = fetch(tasks_plugin, path, window=WIDE)
        named = {item.uid.partition("/")[0] for item in found}
        for text in todos(path):
            [uid] = re.findall(r"^UID[^:]*:(.*?)\s*$", text, re.MULTILINE)
            assert uid in named
            told += 1
    assert told == 14


def test_calendars_without_tasks_say_nothing_and_cost_nothing(tasks_plugin):
    without = [path for path in CALENDARS if b"VTODO" not in path.read_bytes()]
    begun = time.process_time()
    found = fetch(tasks_plugin, *without)
    assert time.process_time() - begun < 1
    assert {(type(item), item.reason) for item in found} <= {(RecordError, "holds no calendar")}
    # What is said to be no calendar has no component in it.
    assert all(b"BEGIN:" not in Path(item.group).read_bytes().upper() for item in found)
