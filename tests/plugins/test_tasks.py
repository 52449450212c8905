"""The tasks plugin: which file is whose, and what all formats have in common."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twind.api import Unchanged
from twind.home import bundled
from twind.store import life
from twind.testing import Twin


def test_without_paths_there_is_nothing(tasks_plugin, lists):
    ctx = lists.context()
    assert (
        list(
            tasks_plugin.Tasks().fetch(type(ctx)(tasks_plugin.TasksSettings(), ctx.window, ctx.now))
        )
        == []
    )


def test_a_path_that_is_gone_is_a_lost_source(lists):
    with pytest.raises(FileNotFoundError):
        lists.fetch(lists.folder / "gone")


def test_a_path_that_is_gone_costs_no_other_whatever_format_it_had(lists):
    """Not even where no file of that format is left."""
    there = lists.write("todo.txt", "Water the plants\n")
    found = lists.fetch(there, lists.folder / "gone.ics", lists.folder / "gone")
    assert [task.title for task in found.tasks] == ["Water the plants"]
    gone = {str(lists.folder / "gone.ics"), str(lists.folder / "gone")}
    assert {error.uid for error in found.errors} == gone


def test_watches_its_paths(tasks_plugin, lists):
    assert tasks_plugin.Tasks().watch(lists.context()) == [lists.folder]


def test_a_file_is_read_as_its_name_says(lists):
    """And what has no suffix that says anything is a todo.txt, as it always was."""
    todo = "BEGIN:VCALENDAR\nBEGIN:VTODO\nUID:v\nSUMMARY:v\nEND:VTODO\nEND:VCALENDAR\n"
    paths = [
        lists.write("a.ics", todo),
        lists.write("b.org", "* TODO o\n"),
        lists.write("c.org_archive", "* TODO a\n"),
        lists.write("d.json", "[]"),
        lists.write("tasks", "t\n"),
        lists.write("e.TXT", "x\n"),
        lists.write("f.ICS", todo.replace(":v", ":w")),
    ]
    assert {task.title for task in lists.fetch(*paths).tasks} == set("voatxw")
    # In a folder a text file is a list only if it is called one.
    assert {task.title for task in lists.fetch().tasks} == set("voaw")


@pytest.mark.parametrize(
    "text", ['[{"uuid":"1"}]', '[description:"x" uuid:"1"]', "BEGIN:VCALENDAR\nEND:VCALENDAR\n"]
)
def test_another_programs_list_under_a_wrong_name_is_told(lists, text):
    path = lists.write("list.txt", text)
    [error] = lists.fetch(path)
    assert error.uid == str(path)
    assert "name it as that does" in error.reason


def test_only_the_format_that_has_changed_is_read_again(lists):
    lists.write("todo.txt", "a\n")
    lists.write("b.org", "* TODO b\n")
    state: dict = {}
    lists.fetch(state=state)
    path = lists.write("todo.txt", "a changed\n", mtime=1)
    changed, stands = lists.fetch(state=state)
    assert (changed.group, changed.title) == (str(path), "a changed")
    assert isinstance(stands, Unchanged)


def test_what_is_put_off_is_counted_by_twind(lists):
    """todo.txt tells of no delay: the core sees that the date has moved on."""
    file = lists.folder / "todo.txt"
    place = bundled("plugins") / "tasks"
    with Twin(place, {"paths": [str(file)]}, root=lists.folder / "twin") as twin:
        for day in (10, 10, 12, 11, 20):
            file.write_text(f"Write due:2026-03-{day}\nRun rec:1w due:2026-03-{day}\n")
            twin.clock.advance(hours=1)
            assert not twin.sync().error
        assert twin.sync().changed == ()
        steps = [step for one in life.projects(twin._db, 1) for step in one.steps]
        assert {step.text: step.rescheduled for step in steps} == {"Write": 2, "Run": 0}


def test_the_state_of_an_earlier_version_is_left_aside(lists):
    path = lists.write("todo.txt", "a\n")
    state = {"format": 2, "view": "", "files": {str(path): {"uids": {"u": "1"}}}}
    assert [task.title for task in lists.fetch(state=state).tasks] == ["a"]
    assert lists.fetch(state=state) == [Unchanged(str(path))]


def test_priorities_only_fall(tasks_plugin):
    letters = [
        tasks_plugin.common.letter_priority(chr(code)) for code in range(ord("A"), ord("Z") + 1)
    ]
    numbers = [tasks_plugin.common.number_priority(number) for number in range(1, 10)]
    for values in (letters, numbers):
        assert values == sorted(values, reverse=True)
        assert (values[0], values[-1]) == (1.0, pytest.approx(0.1))
    assert tasks_plugin.common.letter_priority("AB") is None
    assert tasks_plugin.common.number_priority(0) is None


# --- what recurs ---------------------------------------------------------------------------------

DAYS = st.dates(date(2024, 1, 1), date(2027, 12, 31))


@given(DAYS, st.integers(-40, 900), st.integers(1, 9), st.sampled_from("dwmyb"))
def test_what_has_lapsed_is_what_counting_finds(tasks_plugin, due, later, number, unit):
    habits = tasks_plugin.habits
    period = habits.Period(number, unit)
    last = due + timedelta(days=later)
    expected, day, times = [], due, 1
    while (following := period.after(due, times)) <= last:
        expected.append(day)
        day, times = following, times + 1
    missed, now_due = habits.lapsed(due, period, last)
    assert now_due == day
    assert missed == expected[: habits.GIVEN_UP]


@given(DAYS, st.integers(1, 30), st.integers(1, 40), st.sampled_from("dwmyb"))
def test_days_follow_upon_each_other(tasks_plugin, day, number, times, unit):
    period = tasks_plugin.habits.Period(number, unit)
    assert day < period.after(day, times) < period.after(day, times + 1)
    if unit == "b":
        assert period.after(day, times).weekday() < 5


def test_nothing_recurs_every_0_days(tasks_plugin):
    with pytest.raises(ValueError, match="every 0 days"):
        tasks_plugin.habits.Period(0, "d")
