"""The tasks plugin, rule by rule."""

from __future__ import annotations

import importlib.util
import os
import sys
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from twind.api import Context, Project, RecordError, Task, Unchanged, Window
from twind.home import bundled

if TYPE_CHECKING:
    from pathlib import Path

spec = importlib.util.spec_from_file_location("tasks_plugin", bundled("plugins") / "tasks.py")
plugin = importlib.util.module_from_spec(spec)
sys.modules["tasks_plugin"] = plugin
spec.loader.exec_module(plugin)

WINDOW = Window(datetime(2026, 1, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC))
NOW = datetime(2026, 3, 2, 8, tzinfo=UTC)
OLD = datetime(2026, 2, 1, tzinfo=UTC).timestamp()


def context(*paths: Path, state=None, **more) -> Context:
    return Context(
        settings=plugin.TasksSettings(paths=list(paths), **more),
        window=WINDOW,
        now=NOW,
        timezone=ZoneInfo("Europe/Berlin"),
        state={} if state is None else state,
    )


def write(path: Path, text: str | bytes, mtime: float = OLD) -> Path:
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    os.utime(path, (mtime, mtime))
    return path


def fetch(ctx: Context) -> list:
    return list(plugin.Tasks().fetch(ctx))


@pytest.fixture
def read(tmp_path):
    """Return what a todo.txt of these lines yields."""

    def read(*lines: str) -> list:
        return fetch(context(write(tmp_path / "todo.txt", "\n".join(lines) + "\n")))

    return read


def tasks(found: list) -> list[Task]:
    return [item for item in found if isinstance(item, Task)]


def projects(found: list) -> list[Project]:
    return [item for item in found if isinstance(item, Project)]


def errors(found: list) -> list[RecordError]:
    return [item for item in found if isinstance(item, RecordError)]


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)


def test_without_paths_there_is_nothing():
    assert fetch(context()) == []


def test_a_path_that_is_gone_is_a_lost_source(tmp_path):
    with pytest.raises(FileNotFoundError):
        fetch(context(tmp_path / "gone"))


def test_watches_its_paths(tmp_path):
    assert plugin.Tasks().watch(context(tmp_path)) == [tmp_path]


def test_a_task(read, tmp_path):
    group = str(tmp_path / "todo.txt")
    project, task = read(
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
        contexts=("desk",),
        group=group,
    )


def test_a_done_task_is_done_at_noon(read):
    [task] = read("x 2026-03-01 2026-02-01 Done pri:A")
    assert (task.status, task.completed_at) == ("done", utc(2026, 3, 1, 11))
    assert task.priority == 1.0


def test_done_tasks_outside_the_window_are_left_out(read):
    found = read("x 2025-12-30 Old +p", "x 2026-01-02 New", "x Undated")
    assert [task.title for task in tasks(found)] == ["New", "Undated"]
    assert [project.status for project in projects(found)] == ["completed"]


@pytest.mark.parametrize(
    ("letter", "value"), [("A", 1.0), ("B", 0.75), ("C", 0.5), ("Z", 0.1), ("", None)]
)
def test_priorities(read, letter, value):
    [task] = read(f"({letter}) x y" if letter else "x-ray")
    assert task.priority == (value if value is None else pytest.approx(value))


def test_priorities_only_fall():
    values = [plugin._priority(chr(code)) for code in range(ord("A"), ord("Z") + 1)]
    assert values == sorted(values, reverse=True)
    assert min(values) == pytest.approx(0.1)


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
    assert not errors(read(line))


def test_hidden_tasks_are_passed_over(read):
    assert read("secret h:1 +p") == []


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("b due:tomorrow", "due:tomorrow is no date"),
        ("b due:9999-12-31", "is no date"),
        ("b t:2026-02-30", "t:2026-02-30 is no date"),
        ("b est:soon", "est:soon is no length"),
        ("2026-13-45 b", "line 2"),
        ("x 2026-13-45 b", "line 2"),
        ("b t:0001-01-01", "line 2"),
    ],
)
def test_a_bad_line_costs_only_itself(read, line, problem):
    found = read("a", line, "c")
    assert [task.title for task in tasks(found)] == ["a", "c"]
    [error] = errors(found)
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
    [before] = tasks(read("2026-02-01 Water plants +home"))
    [after] = tasks(read("another line", changed))[1:]
    assert after.uid == before.uid


def test_an_own_identity_wins(read):
    assert [task.uid for task in tasks(read("a id:7", "b uid:8"))] == ["7", "8"]


def test_archiving_changes_nothing(tmp_path):
    todo = write(tmp_path / "todo.txt", "x 2026-03-01 a\nb\n")
    before = {task.uid: task.title for task in tasks(fetch(context(tmp_path)))}
    write(todo, "b\n")
    write(tmp_path / "done.txt", "x 2026-03-01 a\n")
    assert {task.uid: task.title for task in tasks(fetch(context(tmp_path)))} == before


def test_what_recurs_keeps_its_open_line(read):
    [before] = tasks(read("Run rec:1d due:2026-03-01"))
    done, opened = tasks(
        read("x 2026-03-01 Run rec:1d due:2026-03-01", "Run rec:1d due:2026-03-02")
    )
    assert opened.uid == before.uid
    assert done.uid == f"{before.uid}/20260301"


def test_twins_are_told_apart(read):
    found = tasks(read("a", "a", "x 2026-03-01 a", "x 2026-03-01 a"))
    assert len({task.uid for task in found}) == 4


def test_projects(read):
    found = projects(
        read("a +study_spanish", "b +chores rec:1w", "(A) c +house +chores rec:2w", "x d +house")
    )
    assert {project.uid: (project.name, project.kind) for project in found} == {
        "+study_spanish": ("Study spanish", "learning"),
        "+chores": ("Chores", "habit"),
        "+house": ("House", "project"),
    }


def test_a_project_across_files_is_one(tmp_path):
    (tmp_path / "w").mkdir()
    write(tmp_path / "todo.txt", "a +p rec:1d\n")
    write(tmp_path / "w" / "todo.txt", "b +p\n")
    [project] = projects(fetch(context(tmp_path)))
    assert project.kind == "project"


def test_notes_in_a_folder_are_no_tasks(tmp_path):
    write(tmp_path / "notes.txt", "not a task\n")
    write(tmp_path / "work.todo.txt", "a task\n")
    assert [task.title for task in tasks(fetch(context(tmp_path)))] == ["a task"]
    assert len(tasks(fetch(context(tmp_path / "notes.txt")))) == 1


@pytest.mark.parametrize("codec", ["utf-16", "cp1252"])
@pytest.mark.parametrize("newline", ["\r\n", "\n", "\r"])
def test_encodings_and_line_ends(tmp_path, codec, newline):
    path = write(tmp_path / "todo.txt", newline.join(["Käse", "Brot", ""]).encode(codec))
    assert [task.title for task in fetch(context(path))] == ["Käse", "Brot"]


@pytest.mark.parametrize("data", [b"\x00\x01", b'{"description":"x"}', b'[description:"x" a:"b"]'])
def test_a_file_of_another_kind_names_its_group(tmp_path, data):
    path = write(tmp_path / "todo.txt", data)
    other = write(tmp_path / "more.todo.txt", "a")
    error, task = fetch(context(path, other))
    assert (error.uid, error.group) == (str(path), str(path))
    assert task.title == "a"


def test_untouched_files_are_not_read_again(tmp_path):
    path = write(tmp_path / "todo.txt", "a\nb due:x\n")
    state: dict = {}
    _, error = fetch(context(tmp_path, state=state))
    assert fetch(context(tmp_path, state=state)) == [Unchanged(str(path)), error]


def test_too_large_a_file_names_its_group(tmp_path):
    path = write(tmp_path / "todo.txt", "a\n")
    [error] = fetch(context(path, max_mib=1e-7))
    assert error.uid == error.group == str(path)


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
def test_what_was_written_is_read(tmp_path, rows):
    lines = []
    for title, letter, project, due, done in rows:
        line = "x " + f"{done} " if done else f"({letter}) " if letter else ""
        line += " ".join(title)
        line += f" +{project}" if project else ""
        line += f" due:{due}" if due else ""
        lines.append(line)
    path = write(tmp_path / "todo.txt", "\n".join(lines))
    state: dict = {}
    found = fetch(context(path, state=state))
    read = tasks(found)
    assert not errors(found)
    assert len({task.uid for task in read}) == len(read) == len(rows)
    for task, (title, letter, project, due, done) in zip(read, rows, strict=True):
        assert task.title == " ".join(title)
        assert task.project == (f"+{project}" if project else None)
        assert (task.due is None) == (due is None)
        assert (task.status == "done") == (done is not None)
        assert (task.priority is None) == (letter is None or done is not None)
    assert {project.uid for project in projects(found)} == {f"+{r[2]}" for r in rows if r[2]}
    assert fetch(context(path, state=state)) == [Unchanged(str(path))]
    assert fetch(context(path)) == found


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(st.binary(max_size=120))
def test_no_bytes_raise(tmp_path, noise):
    found = fetch(context(write(tmp_path / "todo.txt", noise)))
    uids = [item.uid for item in found if not isinstance(item, RecordError)]
    assert len(set(uids)) == len(uids)
