"""Tasks from todo.txt files, rule by rule."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from twind.api import Project, RecordError, Task, Unchanged


@pytest.fixture
def read(lists):
    """Return what a todo.txt of these lines yields."""

    def read(*rows: str, **more):
        return lists.fetch(lists.write("todo.txt", "\n".join(rows) + "\n"), **more)

    return read


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)


def test_a_task(read, tmp_path):
    group = str(tmp_path / "todo.txt")
    project, habit, task = read(
        "(B) 2026-02-01 Write the chapter +big-thesis @desk due:2026-03-10 t:2026-03-03 "
        "rec:1w est:1h30m"
    )
    assert project == Project(
        uid="+big-thesis", name="Big thesis", kind="habit", priority=0.75, group=group
    )
    assert task == Task(
        uid=task.uid,
        title="Write the chapter",
        project="+big-thesis",
        priority=0.75,
        start=utc(2026, 3, 2, 23),
        due=utc(2026, 3, 10, 23),
        created_at=utc(2026, 1, 31, 23),
        estimate_min=90,
        recurrence="1w",
        series=habit.uid,
        contexts=("desk",),
        group=group,
    )
    assert habit == Project(
        uid=habit.uid,
        name="Write the chapter",
        kind="habit",
        priority=0.75,
        parent="+big-thesis",
        group=group,
    )


def test_a_done_task_is_done_at_noon(read):
    [task] = read("x 2026-03-01 2026-02-01 Done pri:A")
    assert (task.status, task.completed_at) == ("done", utc(2026, 3, 1, 11))
    assert task.priority == 1.0


def test_done_tasks_outside_the_window_are_left_out(read):
    found = read("x 2025-12-30 Old +p", "x 2026-01-02 New", "x Undated")
    assert [task.title for task in found.tasks] == ["New", "Undated"]
    assert [project.status for project in found.projects] == ["completed"]


@pytest.mark.parametrize(
    ("letter", "value"), [("A", 1.0), ("B", 0.75), ("C", 0.5), ("Z", 0.1), ("", None)]
)
def test_priorities(read, letter, value):
    [task] = read(f"({letter}) x y" if letter else "x-ray")
    assert task.priority == (value if value is None else pytest.approx(value))


@pytest.mark.parametrize(("text", "minutes"), [("30m", 30), ("1h", 60), ("1.5h", 90), ("90", 90)])
def test_estimates(read, text, minutes):
    [task] = read(f"a est:{text}")
    assert task.estimate_min == minutes


@pytest.mark.parametrize(
    "title",
    [
        "Read https://x.org/a:b",
        "Call at 10:30",
        "Re:answer",
        "(TODO) tidy",
        "a + b",
        "me@example.org",
    ],
)
def test_what_is_text_stays_text(read, title):
    [task] = read(title)
    assert task.title == title


def test_tags_within_the_sentence_are_its_words(read):
    [*_, task] = read("@phone Ask @bob about the +budget today +work")
    assert task.title == "Ask bob about the budget today"
    assert (task.contexts, task.project) == (("phone", "bob"), "+budget")


@pytest.mark.parametrize("line", ["(A)", "x 2026-03-01", "+p", "due:2026-03-01", "x "])
def test_a_line_without_words_is_no_disaster(read, line):
    assert not read(line).errors


def test_hidden_tasks_are_passed_over(read):
    assert read("secret h:1 +p") == []


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("b due:tomorrow", "due:tomorrow is no date"),
        ("b due:9999-12-31", "is no date"),
        ("b t:2026-02-30", "t:2026-02-30 is no date"),
        ("b est:soon", "est:soon is no length"),
        ("2026-13-45 b", "line 2: it begins with a date that is none"),
        ("x 2026-13-45 b", "line 2: it begins with a date that is none"),
        ("b t:0001-01-01", "line 2"),
    ],
)
def test_a_bad_line_costs_only_itself(read, line, problem):
    found = read("a", line, "c")
    assert [task.title for task in found.tasks] == ["a", "c"]
    [error] = found.errors
    assert problem in error.reason
    assert "line 2" in error.reason


def test_a_bad_date_leaves_the_task_its_identity(read):
    [good] = read("a due:2026-03-10")
    [bad] = read("a due:2026-03-32")
    assert bad.uid == good.uid


@pytest.mark.parametrize(
    "changed",
    [
        "(A) Water plants +home",
        "Water plants +home due:2026-04-01",
        "x 2026-03-01 2026-02-01 Water plants +home",
        "Water plants +home @garden est:5m",
    ],
)
def test_a_task_stays_itself(read, changed):
    [before] = read("2026-02-01 Water plants +home").tasks
    [after] = read("another line", changed).tasks[1:]
    assert after.uid == before.uid


def test_an_own_identity_wins(read):
    assert [task.uid for task in read("a id:7", "b uid:8").tasks] == ["7", "8"]


def test_archiving_changes_nothing(lists):
    lists.write("todo.txt", "x 2026-03-01 a\nb\n")
    before = {task.uid: task.title for task in lists.fetch().tasks}
    lists.write("todo.txt", "b\n")
    lists.write("done.txt", "x 2026-03-01 a\n")
    assert {task.uid: task.title for task in lists.fetch().tasks} == before


def test_what_recurs_keeps_its_open_line(read):
    [before] = read("Run rec:1d due:2026-03-02").tasks
    done, opened = read("x 2026-03-01 Run rec:1d due:2026-03-01", "Run rec:1d due:2026-03-02").tasks
    assert opened.uid == before.uid
    assert done.uid == f"{before.uid}/20260301"


def test_twins_are_told_apart(read):
    found = read("a", "a", "x 2026-03-01 a", "x 2026-03-01 a").tasks
    assert len({task.uid for task in found}) == 4


def test_projects(read):
    found = read(
        "a +study_spanish", "b +chores rec:1w", "(A) c +house +chores rec:2w", "x d +house"
    ).projects
    named = {one.uid: (one.name, one.kind) for one in found if one.uid.startswith("+")}
    assert named == {
        "+study_spanish": ("Study spanish", "learning"),
        "+chores": ("Chores", "habit"),
        "+house": ("House", "project"),
    }


def test_a_project_across_files_is_one(lists):
    lists.write("todo.txt", "a +p rec:1d\n")
    lists.write("w/todo.txt", "b +p\n")
    project, habit = lists.fetch().projects
    assert (project.kind, habit.kind, habit.parent) == ("project", "habit", "+p")


def test_notes_in_a_folder_are_no_tasks(lists):
    lists.write("notes.txt", "not a task\n")
    lists.write("work.todo.txt", "a task\n")
    assert [task.title for task in lists.fetch().tasks] == ["a task"]
    assert len(lists.fetch(lists.folder / "notes.txt").tasks) == 1


@pytest.mark.parametrize("codec", ["utf-16", "cp1252"])
@pytest.mark.parametrize("newline", ["\r\n", "\n", "\r"])
def test_encodings_and_line_ends(lists, codec, newline):
    path = lists.write("todo.txt", newline.join(["Käse", "Brot", ""]).encode(codec))
    assert [task.title for task in lists.fetch(path)] == ["Käse", "Brot"]


@pytest.mark.parametrize("data", [b"\x00\x01", b'{"description":"x"}', b'[description:"x" a:"b"]'])
def test_a_file_of_another_kind_names_its_group(lists, data):
    path = lists.write("todo.txt", data)
    other = lists.write("more.todo.txt", "a")
    error, task = lists.fetch(path, other)
    assert (error.uid, error.group) == (str(path), str(path))
    assert task.title == "a"


def test_untouched_files_are_not_read_again(lists):
    path = lists.write("todo.txt", "a\nb due:x\n")
    state: dict = {}
    _, error = lists.fetch(lists.folder, state=state)
    assert lists.fetch(lists.folder, state=state) == [Unchanged(str(path)), error]


def test_too_large_a_file_names_its_group(lists):
    path = lists.write("todo.txt", "a\n")
    [error] = lists.fetch(path, max_mib=1e-7)
    assert error.uid == error.group == str(path)


# --- habits --------------------------------------------------------------------------------------


def times(found) -> list[tuple]:
    """Return the times of the one habit there is: status, last day and day done."""
    [habit] = [project for project in found.projects if project.kind == "habit"]
    told = [task for task in found.tasks if task.series == habit.uid]
    assert {task.recurrence for task in told} == {told[0].recurrence}
    return sorted((task.due.date().isoformat() if task.due else "", task.status) for task in told)


def test_a_daily_line_left_open_has_missed_its_days(read):
    """It is Monday the 2nd: what was due on Friday was missed then, on Saturday and on Sunday."""
    found = read("Run rec:1d due:2026-02-27", zone="UTC")
    assert times(found) == [
        ("2026-02-28", "missed"),
        ("2026-03-01", "missed"),
        ("2026-03-02", "missed"),
        ("2026-03-03", "open"),
    ]
    [opened] = [task for task in found.tasks if task.status == "open"]
    [habit] = found.projects
    assert (opened.uid, habit.status) == (read("Run rec:1d").tasks[0].uid, "active")


@pytest.mark.parametrize(
    ("rule", "due", "missed"),
    [
        ("1w", "2026-02-24", 0),  # until tomorrow it can be caught up with
        ("1w", "2026-02-23", 1),
        ("+1m", "2026-01-31", 1),
        ("1b", "2026-02-27", 1),
        ("1y", "2026-02-27", 0),
        ("1d", "2026-03-02", 0),
        ("1d", "2026-04-01", 0),
        ("now and then", "2026-02-01", 0),
        ("0d", "2026-02-01", 0),
        ("1y", "9999-12-30", 0),
    ],
)
def test_what_was_missed_by_its_period(read, rule, due, missed):
    found = read(f"Run rec:{rule} due:{due}")
    assert sum(task.status == "missed" for task in found.tasks) == missed
    assert not found.errors


def test_a_line_done_late_has_missed_the_days_before(read):
    lines = [
        "x 2026-02-20 Run rec:1d due:2026-02-18",
        "x 2026-02-21 Run due:2026-02-21",  # some programs drop the rec: of what is done
        "Run rec:1d due:2026-03-02",
    ]
    found = read(*lines, zone="UTC")
    assert times(found) == [
        ("2026-02-19", "missed"),
        ("2026-02-20", "missed"),
        ("2026-02-21", "done"),
        ("2026-02-22", "done"),
        ("2026-03-03", "open"),
    ]
    again = read(*reversed(lines), zone="UTC")
    assert {task.uid: task.status for task in again.tasks} == {
        task.uid: task.status for task in found.tasks
    }


def test_what_has_been_given_up_is_not_missed_for_ever(read):
    found = read("Run rec:1d due:2026-01-02", now=datetime(2026, 12, 1, tzinfo=UTC))
    assert sum(task.status == "missed" for task in found.tasks) == 31
    assert not read("Run rec:1d due:2020-01-02").errors
    assert [task.status for task in read("Run rec:1d due:0001-01-03").tasks] == ["open"]


def test_a_habit_whose_lines_are_all_done_is_over(read):
    found = read("x 2026-02-20 Run rec:1d", "x Run rec:1d")
    assert [(one.name, one.status) for one in found.projects] == [("Run", "completed")]
    assert [task.status for task in found.tasks] == ["done", "done"]


def test_a_bad_date_tells_no_misses(read):
    found = read("Run rec:1d due:2026-02-29")
    assert found.tasks == []
    [error] = found.errors
    assert error.uid == read("Run rec:1d").tasks[0].uid


words = st.from_regex(r"[A-Za-zÀ-ž]{2,8}", fullmatch=True)
days = st.dates(date(2026, 1, 2), date(2026, 12, 30))


@settings(
    max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    st.lists(
        st.tuples(
            st.lists(words, min_size=1, max_size=4),
            st.none() | st.sampled_from("ABCDEFZ"),
            st.none() | words,
            st.none() | days,
            st.none() | days,
        ),
        max_size=8,
    )
)
def test_what_was_written_is_read(lists, rows):
    lines = []
    for title, letter, project, due, done in rows:
        line = "x " + f"{done} " if done else f"({letter}) " if letter else ""
        line += " ".join(title)
        line += f" +{project}" if project else ""
        line += f" due:{due}" if due else ""
        lines.append(line)
    path = lists.write("todo.txt", "\n".join(lines))
    state: dict = {}
    found = lists.fetch(path, state=state)
    read = found.tasks
    assert not found.errors
    assert len({task.uid for task in read}) == len(read) == len(rows)
    for task, (title, letter, project, due, done) in zip(read, rows, strict=True):
        assert task.title == " ".join(title)
        assert task.project == (f"+{project}" if project else None)
        assert (task.due is None) == (due is None)
        assert (task.status == "done") == (done is not None)
        assert (task.priority is None) == (letter is None or done is not None)
    assert {project.uid for project in found.projects} == {f"+{r[2]}" for r in rows if r[2]}
    assert lists.fetch(path, state=state) == [Unchanged(str(path))]
    assert lists.fetch(path) == found


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.binary(max_size=120))
def test_no_bytes_raise(lists, noise):
    found = lists.fetch(lists.write("todo.txt", noise))
    uids = [item.uid for item in found if not isinstance(item, RecordError)]
    assert len(set(uids)) == len(uids)
