"""Tasks from Taskwarrior: its own files, what it exports, and what it tells of habits."""

from __future__ import annotations

import json
import sqlite3
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from twind.api import Project, Task, Unchanged

PLUMBER = "11111111-0000-4000-8000-000000000001"
RUN = "22222222-0000-4000-8000-000000000000"


def uuid(number: int) -> str:
    return f"33333333-0000-4000-8000-{number:012}"


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)


def epoch(moment: datetime) -> str:
    return str(int(moment.timestamp()))


def compact(moment: datetime) -> str:
    return f"{moment:%Y%m%dT%H%M%SZ}"


def ff4(**attributes: str) -> str:
    """Write a task as Taskwarrior 2 does (Task::composeF4)."""

    def value(text: str) -> str:
        escaped = json.dumps(text, ensure_ascii=False)[1:-1].replace("/", "\\/")
        return escaped.replace("[", "&open;").replace("]", "&close;")

    return "[" + " ".join(f'{key}:"{value(text)}"' for key, text in attributes.items()) + "]"


def task(number=1, description="Run", **more) -> str:
    return ff4(uuid=uuid(number), description=description, **{"status": "pending", **more})


@pytest.fixture
def read(lists):
    """Return what a pending.data of these lines yields."""

    def read(*lines: str, **more):
        return lists.fetch(lists.write("pending.data", "\n".join(lines) + "\n"), **more)

    return read


# --- the format ----------------------------------------------------------------------------------

TEXTS = st.text(st.characters(codec="utf-8", exclude_characters="&\x7f")).map(str.strip)
KEYS = st.from_regex(r"[a-z][a-z0-9_.]{0,10}", fullmatch=True)


@given(st.dictionaries(KEYS, TEXTS))
def test_what_was_written_is_read(tasks_plugin, attributes):
    line = ff4(**attributes)
    assert tasks_plugin.taskwarrior_files.ff4.parse(line) == attributes
    assert "\n" not in line
    assert tasks_plugin.taskwarrior_files.ff4.looks_like(line) is bool(attributes)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        (r"a \"b\" c", 'a "b" c'),
        (r"https:\/\/x.org\/a", "https://x.org/a"),
        ("&open;x&close; &dquot;y&dquot; &squot;&tab;&comma;&colon;", '[x] "y" \'\t,:'),
        (r"caf\u00e9 \ud83d\ude00", "café 😀"),
        (r"100 \%", "100 %"),
        ("tea & cake &amp;", "tea & cake &amp;"),
        ("key:value [not one]", "key:value [not one]"),
    ],
)
def test_escapes(tasks_plugin, written, meant):
    assert tasks_plugin.taskwarrior_files.ff4.parse(f'[description:"{written}"]') == {
        "description": meant
    }


@pytest.mark.parametrize("line", ["", "[", 'a:"b"', '[a:"b" c]', '[a:"b]', '[a:"b" c:"d]', "[a:b]"])
def test_what_is_no_line_of_it(tasks_plugin, line):
    with pytest.raises(ValueError, match=r"no task|cannot be read"):
        tasks_plugin.taskwarrior_files.ff4.parse(line)


# --- tasks ---------------------------------------------------------------------------------------


def test_a_task(read, lists):
    found = read(
        ff4(
            uuid=PLUMBER,
            description="Call the plumber [again]",
            status="pending",
            project="house.bath",
            tags="phone,urgent",
            priority="H",
            entry=epoch(utc(2026, 2, 1, 9)),
            due=epoch(utc(2026, 3, 6, 17)),
            wait=epoch(utc(2026, 3, 1)),
            scheduled=epoch(utc(2026, 3, 3)),
            estimate="PT1H30M",
        )
    )
    group = str(lists.folder / "pending.data")
    assert found.tasks == [
        Task(
            uid=PLUMBER,
            title="Call the plumber [again]",
            project="project:house.bath",
            priority=1.0,
            start=utc(2026, 3, 3),
            due=utc(2026, 3, 6, 17),
            created_at=utc(2026, 2, 1, 9),
            estimate_min=90,
            contexts=("phone", "urgent"),
            group=group,
        )
    ]
    assert found.projects == [
        Project(uid="project:house", name="house", priority=1.0, group=group),
        Project(
            uid="project:house.bath",
            name="house.bath",
            priority=1.0,
            parent="project:house",
            group=group,
        ),
    ]


def test_a_project_with_endless_parts_is_refused(read):
    found = read(task(1, project="a." * 100_000), task(2, project="a.b"))
    assert [one.uid for one in found.tasks] == [uuid(2)]
    assert [(one.uid, one.reason.partition(": ")[2]) for one in found.errors] == [
        (uuid(1), "its project has a name of 200000 characters")
    ]


def test_a_due_date_at_midnight_is_a_day(read):
    midnight = utc(2026, 3, 5, 23)  # in Berlin
    [day] = read(task(due=epoch(midnight))).tasks
    assert day.due == midnight + timedelta(days=1)
    [moment] = read(task(due=epoch(midnight)), zone="UTC").tasks
    assert moment.due == midnight


@pytest.mark.parametrize(
    ("attributes", "status", "completed"),
    [
        ({"status": "waiting"}, "open", None),
        ({"status": "completed", "end": compact(utc(2026, 2, 3, 4))}, "done", utc(2026, 2, 3, 4)),
        ({"status": "completed", "modified": "20260203T040000Z"}, "done", utc(2026, 2, 3, 4)),
        ({"status": "completed"}, "done", None),
        ({"status": "deleted", "end": compact(utc(2026, 2, 3, 4))}, "cancelled", None),
        ({"until": compact(utc(2026, 3, 1))}, "cancelled", None),
        ({"until": compact(utc(2026, 3, 3))}, "open", None),
    ],
)
def test_what_became_of_it(read, attributes, status, completed):
    [one] = read(task(**attributes)).tasks
    assert (one.status, one.completed_at) == (status, completed)


def test_what_was_over_before_the_window_is_left_out(read):
    long_ago = epoch(utc(2024, 1, 1))
    found = read(
        task(1, status="completed", end=long_ago, project="old"),
        task(2, status="deleted", end=long_ago),
        task(3, status="completed", end=epoch(utc(2026, 1, 2)), project="new"),
    )
    assert [one.uid for one in found.tasks] == [uuid(3)]
    assert [(one.name, one.status) for one in found.projects] == [("new", "completed")]


@pytest.mark.parametrize(
    ("value", "minutes"),
    [("PT45M", 45), ("P1DT2H", 26 * 60), ("PT90S", 1.5), ("1.5h", 90), ("20 min", 20), ("3", None)],
)
def test_estimates(read, value, minutes):
    assert read(task(est=value)).tasks[0].estimate_min == minutes


# --- one task, several files ---------------------------------------------------------------------


def test_the_version_modified_last_counts(lists):
    lists.write("pending.data", task(modified="100", description="old", due="bad"))
    done = {"status": "completed", "end": epoch(utc(2026, 2, 1)), "modified": "300"}
    lists.write("completed.data", task(description="new", **done))
    lists.write("backlog.data", f"{RUN}\n{task(modified='200')}")
    [one] = lists.fetch()
    assert (one.title, one.status) == ("new", "done")
    assert one.group == str(lists.folder / "completed.data")


def test_of_two_modified_at_once_the_one_that_is_over_counts(lists):
    lists.write("completed.data", task(status="completed", modified="300"))
    lists.write("pending.data", task(modified="300"))
    [one] = lists.fetch(window=type(lists.context().window)(utc(1970, 1, 1), utc(2027, 1, 1)))
    assert one.status == "done"


def test_files_that_stand_are_not_read_again(lists):
    lists.write("pending.data", task(1))
    lists.write("completed.data", task(2, status="completed"))
    state: dict = {}
    assert len(lists.fetch(state=state).tasks) == 2
    assert all(isinstance(item, Unchanged) for item in lists.fetch(state=state))


# --- what `task export` writes -------------------------------------------------------------------

EXPORTED = [
    {
        "id": 1,
        "uuid": PLUMBER,
        "description": 'Call "the" plumber',
        "status": "pending",
        "entry": "20260201T090000Z",
        "due": "20260306T170000Z",
        "tags": ["phone", "urgent"],
        "annotations": [{"entry": "20260202T090000Z", "description": "he is ill"}],
        "urgency": 9.3,
    },
    {"uuid": uuid(2), "description": "Read", "status": "completed", "end": "20260301T120000Z"},
]
OBJECTS = [json.dumps(one) for one in EXPORTED]


@pytest.mark.parametrize(
    "text",
    [
        json.dumps(EXPORTED),
        json.dumps(EXPORTED, indent=2),
        "[\n" + ",\n".join(OBJECTS) + "\n]\n",
        "[\n" + ",\n".join(OBJECTS) + ",\n]\n",
        "\n".join(OBJECTS),
        ",\n".join(OBJECTS) + "\n",
        "[" + ",\r\n".join(OBJECTS) + "]\r\n",
        "\ufeff" + json.dumps(EXPORTED),
    ],
)
def test_exports_of_any_shape(lists, text):
    lists.write("tasks.json", text)
    found = lists.fetch()
    assert not found.errors
    first, second = found.tasks
    assert (first.title, first.due) == ('Call "the" plumber', utc(2026, 3, 6, 17))
    assert (first.contexts, first.description) == (("phone", "urgent"), "he is ill")
    assert (second.status, second.completed_at) == ("done", utc(2026, 3, 1, 12))
    assert (second.contexts, second.description) == ((), "")


def test_an_empty_list_is_no_error(lists):
    for name in ("tasks.json", "completed.data"):
        path = lists.write(name, "[\n]\n" if name == "tasks.json" else "")
        assert lists.fetch(path) == []


def test_an_export_cut_short_keeps_what_it_lacks(lists):
    path = lists.write("tasks.json", "[\n" + OBJECTS[0] + ",\n" + OBJECTS[1][:-20])
    found = lists.fetch()
    assert [one.uid for one in found.tasks] == [PLUMBER]
    assert str(path) in {error.uid for error in found.errors}


# --- what cannot be read -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "uid", "problem"),
    [
        (task(2, due="someday"), uuid(2), "line 2: due is no time: someday"),
        (task(2, status="undecided"), uuid(2), "status is none that is known: undecided"),
        (ff4(uuid=uuid(2), description="x"), uuid(2), "status is none that is known: none"),
        (task(2, due="999999999999999"), uuid(2), "due is no time"),
        (task(2, due="9999-12-30T23:00:00Z"), uuid(2), "line 2"),
        (f'[uuid:"{uuid(2)}" description:"x" broken]', uuid(2), "cannot be read from 'broken]'"),
        ('[description:"x"]', None, "has no uuid"),
        ("what is this", None, "no task"),
        ('[uuid:"7" description:"x"]', None, "has no uuid"),
    ],
)
def test_a_bad_task_costs_no_other(read, lists, line, uid, problem):
    found = read(task(1), line, task(3))
    assert [one.uid for one in found.tasks] == [uuid(1), uuid(3)]
    [error] = found.errors
    # What has no identity of its own keeps all that its file had.
    assert error.uid == (uid or str(lists.folder / "pending.data"))
    assert problem in error.reason
    assert "line 2" in error.reason


def test_a_file_cut_short_keeps_what_it_lacks(read, lists):
    found = read(task(1), task(2)[:-5])
    [error] = found.errors
    assert error.uid == str(lists.folder / "pending.data")


def test_an_export_is_known_although_a_part_of_it_is_broken(lists):
    lists.write("tasks.json", f"[\n{OBJECTS[0].replace('status', 'sta')[:-1]}\n]\n")
    [error] = lists.fetch()
    assert error.uid == PLUMBER


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("settings.json", '{"uuid": "1", "name": "x"}'),
        ("list.json", '["a", "b"]'),
        ("broken.json", "{"),
        ("game.data", b"\x00\x01\x02"),
        ("other.data", "what is this\n"),
        ("empty.json", ""),
    ],
)
def test_another_programs_file_is_an_error_only_if_it_is_named(lists, name, data):
    path = lists.write(name, data)
    assert lists.fetch() == []
    [error] = lists.fetch(path)
    assert error.uid == error.group == str(path)
    assert "no Taskwarrior data" in error.reason


@pytest.mark.parametrize("data", [b"\x00\x01\x02", b"not a task\n"])
def test_its_own_file_of_something_else_is_an_error_anywhere(lists, data):
    path = lists.write("pending.data", data)
    [error] = lists.fetch()
    assert error.uid == str(path)


def test_the_database_of_version_3_is_told_unless_there_is_an_export(lists):
    path = lists.folder / "taskchampion.sqlite3"
    with sqlite3.connect(path) as db:
        db.execute("CREATE TABLE tasks (uuid TEXT, data TEXT)")
    db.close()
    for found in (lists.fetch(), lists.fetch(path)):
        [error] = found
        assert "task export > tasks.json" in error.reason
    lists.write("tasks.json", json.dumps(EXPORTED))
    assert not lists.fetch().errors
    assert lists.fetch(path).errors


# --- habits --------------------------------------------------------------------------------------


def template(**more) -> str:
    about = {"status": "recurring", "recur": "daily", "mask": "-", "project": "sport"}
    return ff4(uuid=RUN, description="Run", **{**about, **more})


def instance(number: int, day: datetime, **more) -> str:
    about = {"parent": RUN, "recur": "daily", "imask": str(number), "project": "sport"}
    return task(number, due=epoch(day), **about, **more)


def test_a_recurring_task_is_a_habit_and_its_times(read):
    days = [utc(2026, 2, 27, 18) + timedelta(days=number) for number in range(6)]
    late, soon = epoch(days[1] + timedelta(days=9)), epoch(days[2] - timedelta(hours=1))
    found = read(
        template(),
        instance(0, days[0], status="completed", end=epoch(days[0])),
        instance(1, days[1], status="deleted", end=late),
        instance(2, days[2], status="deleted", end=soon),
        instance(3, days[3]),  # yesterday's: today's is there
        instance(4, days[4]),
        instance(5, days[5]),
        now=utc(2026, 3, 3, 8),
    )
    habit, project = found.projects
    assert (habit.uid, habit.kind, habit.parent) == (RUN, "habit", "project:sport")
    assert (habit.status, project.kind) == ("active", "project")
    assert [one.status for one in found.tasks] == [
        "done",
        "missed",
        "cancelled",
        "missed",
        "open",
        "open",
    ]
    assert {(one.series, one.recurrence, one.project) for one in found.tasks} == {
        (RUN, "daily", "project:sport")
    }


def test_a_weekly_time_can_be_caught_up_with_for_a_week(read):
    monday, next_monday = utc(2026, 3, 2, 9), utc(2026, 3, 9, 9)
    lines = [template(recur="weekly"), instance(0, monday), instance(1, next_monday)]
    for day, status in ((8, "open"), (9, "missed")):
        first, second = read(*lines, now=utc(2026, 3, day, 7)).tasks
        assert (first.status, second.status) == (status, "open")


@pytest.mark.parametrize(
    ("line", "status"),
    [
        (template(status="deleted", end=epoch(utc(2026, 2, 28))), "abandoned"),
        (template(status="completed", end=epoch(utc(2026, 2, 28))), "completed"),
        ("", "completed"),
    ],
)
def test_a_habit_that_is_over(read, line, status):
    [habit, _] = read(
        line, instance(1, utc(2026, 2, 27), status="completed", end=epoch(utc(2026, 2, 27)))
    ).projects
    assert (habit.uid, habit.name, habit.status) == (RUN, "Run", status)


def test_a_template_without_instances_stands_for_its_first(read):
    [first] = read(template(due=epoch(utc(2026, 3, 4, 9)))).tasks
    assert (first.uid, first.series, first.status) == (f"{RUN}/next", RUN, "open")
    assert first.due == utc(2026, 3, 4, 9)
    assert read(template(status="deleted")) == []


# --- how long, and how often put off -------------------------------------------------------------


def change(at: datetime, old: dict, new: dict) -> str:
    lines = [f"time {epoch(at)}", f"old {task(**old)}", f"new {task(**new)}", "---"]
    return "\n".join(lines if old else [lines[0], *lines[2:]])


def test_the_history_of_changes(lists):
    monday, friday = epoch(utc(2026, 3, 2)), epoch(utc(2026, 3, 6))
    begun, again = utc(2026, 2, 20, 9), utc(2026, 2, 21, 9)
    history = [
        change(utc(2026, 2, 1), {}, {"due": monday}),
        change(utc(2026, 2, 19), {"due": monday}, {"due": friday}),  # put off
        change(utc(2026, 2, 19), {"due": friday}, {"due": monday}),
        change(utc(2026, 2, 19), {"due": monday}, {"due": friday}),  # and again
        change(begun, {}, {"start": epoch(begun)}),
        change(begun + timedelta(minutes=25), {"start": epoch(begun)}, {"due": friday}),
        change(again, {"due": friday}, {"due": friday, "start": epoch(again)}),
        change(
            again + timedelta(minutes=20),
            {"due": friday, "start": epoch(again)},
            {"due": friday, "status": "completed"},
        ),
        # Two days of work on end: it was forgotten.
        change(utc(2026, 2, 26), {"start": epoch(utc(2026, 2, 24))}, {}),
    ]
    lists.write("undo.data", "\n".join(history) + "\n")
    assert lists.fetch() == []
    lists.write("completed.data", task(status="completed", end=epoch(utc(2026, 2, 21))))
    [one] = lists.fetch()
    assert (one.rescheduled, one.spent_min) == (2, 45)


def test_a_broken_line_of_the_history(lists):
    path = lists.write("undo.data", f"time 1\nold [broken\nnew {task()}\n---\ntime x\n")
    found = lists.fetch()
    assert [error.uid for error in found] == [f"{path}#2", f"{path}#5"]


@pytest.mark.parametrize(
    ("attributes", "minutes"),
    [
        ({"totalactivetime": "PT1H5M"}, 65),
        (
            {
                f"annotation_{epoch(utc(2026, 2, 1, 9))}": "Started task",
                f"annotation_{epoch(utc(2026, 2, 1, 9, 30))}": "Stopped task",
                f"annotation_{epoch(utc(2026, 2, 2, 9))}": "Started task",
                f"annotation_{epoch(utc(2026, 2, 2, 9, 5))}": "it rains",
                f"annotation_{epoch(utc(2026, 2, 2, 9, 15))}": "Stopped task",
            },
            45,
        ),
        ({"start": epoch(utc(2026, 2, 1, 9)), "end": epoch(utc(2026, 2, 1, 9, 50))}, 50),
        ({"start": epoch(utc(2026, 2, 1, 9))}, None),
        ({"totalactivetime": "long"}, None),
    ],
)
def test_how_long_was_worked_on_it(read, attributes, minutes):
    [one] = read(task(**attributes)).tasks
    assert one.spent_min == minutes
    # What only tells the time is no note.
    assert one.description in {"", "it rains"}


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=120) | st.text(max_size=80).map(lambda text: f"[a:{text!r}]".encode()))
def test_no_bytes_raise(lists, noise):
    for name in ("pending.data", "undo.data", "tasks.json"):
        lists.fetch(lists.write(name, noise))


def test_a_reason_is_text_that_can_be_kept(lists):
    """JSON may hold half a character, which no database takes: it once cost the whole source."""
    lists.write(
        "pending.data",
        '{"uuid":"11111111-1111-1111-1111-111111111111","description":"a","status":"\\ud800\\u001b"}\n',
    )
    state: dict = {}
    [error] = lists.fetch(state=state).errors
    assert error.reason.isprintable()
    assert json.dumps(state, ensure_ascii=False).encode()
