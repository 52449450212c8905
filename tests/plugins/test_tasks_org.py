"""Tasks from org files: headings, their states, and what their logs tell."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from twind.api import Project, Task, Unchanged

SAMPLE = """\
#+TITLE: Home
#+FILETAGS: :home:
#+TODO: TODO(t) NEXT(n) WAITING(w@/!) | DONE(d) CANCELLED(c)

Some text with a date that is none: <2026-02-31 Sat>

* Bathroom :flat:
  DEADLINE: <2026-04-01 Wed>
** TODO [#A] Call the plumber :phone:
   SCHEDULED: <2026-03-03 Tue> DEADLINE: <2026-03-06 Fri 17:00 -2d>
   :PROPERTIES:
   :ID:       plumber-1
   :Effort:   1:30
   :CREATED:  [2026-02-01 Sun 10:00]
   :END:
   :LOGBOOK:
   - Rescheduled from "[2026-02-27 Fri]" on [2026-02-28 Sat 09:00]
   - New deadline from "[2026-03-01 Sun]" on [2026-02-28 Sat 09:00] \\\\
     he was ill
   CLOCK: [2026-02-20 Fri 09:00]--[2026-02-20 Fri 09:25] =>  0:25
   CLOCK: [2026-02-21 Sat 09:00]--[2026-02-21 Sat 09:20] =>  0:20
   CLOCK: [2026-02-22 Sun 09:00]
   :END:
   He said <2026-13-45> or so; see [[https://example.org][his page]].
** DONE Measure [[file:walls.org][the walls]]
   CLOSED: [2026-02-10 Tue 18:05]
** CANCELLED Paint it black
   CLOSED: [2026-02-11 Wed]
* An idea without a state
* NEXT Buy tea
"""


@pytest.fixture
def read(lists):
    """Return what an org file of these lines yields."""

    def read(*lines: str, **more):
        return lists.fetch(lists.write("home.org", "\n".join(lines) + "\n"), **more)

    return read


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)


def test_a_file(read, lists):
    group = str(lists.folder / "home.org")
    found = read(SAMPLE)
    assert not found.errors
    [bathroom] = found.projects
    assert bathroom == Project(
        uid=bathroom.uid, name="Bathroom", deadline=utc(2026, 4, 1, 22), group=group
    )
    assert found.titled("Call the plumber") == Task(
        uid="plumber-1",
        title="Call the plumber",
        project=bathroom.uid,
        priority=1.0,
        start=utc(2026, 3, 2, 23),
        due=utc(2026, 3, 6, 16),
        created_at=utc(2026, 2, 1, 9),
        estimate_min=90,
        spent_min=45,
        rescheduled=2,
        contexts=("phone", "flat", "home"),
        description="He said <2026-13-45> or so; see his page.",
        group=group,
    )
    done = found.titled("Measure the walls")
    assert (done.status, done.completed_at) == ("done", utc(2026, 2, 10, 17, 5))
    assert found.titled("Paint it black").status == "cancelled"
    tea = found.titled("Buy tea")
    assert (tea.status, tea.project, tea.contexts) == ("open", None, ("home",))
    assert len(found) == 5


@pytest.mark.parametrize(
    ("declared", "word", "status"),
    [
        ("", "TODO", "open"),
        ("", "WAITING", "open"),
        ("", "DONE", "done"),
        ("", "SOMEDAY", None),
        ("#+TODO: OPEN | SHUT", "OPEN", "open"),
        ("#+TODO: OPEN | SHUT", "SHUT", "done"),
        ("#+TODO: OPEN | SHUT", "TODO", None),
        ("#+SEQ_TODO: OPEN SHUT", "SHUT", "done"),  # without a bar, the last is done
        ("#+TYP_TODO: FRED(f) | SARAH(s)\n#+todo: | KILL(k@)", "SARAH", "done"),
        ("#+TYP_TODO: FRED(f) | SARAH(s)\n#+todo: | KILL(k@)", "KILL", "cancelled"),
    ],
)
def test_states(read, declared, word, status):
    found = read(f"* {word} Write", declared)
    assert [(task.title, task.status) for task in found.tasks] == (
        [("Write", status)] if status else []
    )


def test_the_states_of_files_that_declare_none_are_a_setting(read):
    found = read("* LOOP Run", "* TODO Write", org_states="TODO LOOP | DONE")
    assert [task.title for task in found.tasks] == ["Run", "Write"]


@pytest.mark.parametrize(
    ("heading", "title", "priority"),
    [
        ("TODO", "(no title)", None),
        ("TODO [#C] x", "x", 0.5),
        ("TODO [#1] x", "x", 1.0),
        ("TODO a  b :tag:", "a b", None),
        ("TODO TODO twice", "TODO twice", None),
        ("TODO ratio 1:2: or so", "ratio 1:2: or so", None),
    ],
)
def test_titles_and_priorities(read, heading, title, priority):
    [task] = read(f"* {heading}").tasks
    assert (task.title, task.priority) == (title, priority)


def test_what_is_commented_out_is_no_task(read):
    found = read("* COMMENT Later", "** TODO a", "* TODO COMMENT b", "** TODO c", "* TODO d")
    assert [task.title for task in found.tasks] == ["d"]


def test_projects(read):
    found = read(
        "* Learn Portuguese",
        "** Verbs",
        "*** TODO Irregular ones",
        "** TODO Read a book",
        "   DEADLINE: <2026-04-01>",
        "*** DONE Choose it",
        "*** TODO Begin",
        "* Done with",
        "** DONE a",
        "* CANCELLED Given up",
        "** TODO b",
        "* Ideas",
        "** none of them a task",
    )
    named = {one.name: one for one in found.projects}
    assert {name: (one.kind, one.status) for name, one in named.items()} == {
        "Learn Portuguese": ("learning", "active"),
        "Read a book": ("project", "active"),
        "Done with": ("project", "completed"),
        "Given up": ("project", "abandoned"),
    }
    assert named["Read a book"].parent == named["Learn Portuguese"].uid
    assert found.titled("Irregular ones").project == named["Learn Portuguese"].uid
    assert found.titled("Begin").project == named["Read a book"].uid
    assert named["Read a book"].deadline == utc(2026, 4, 1, 22)


def test_what_is_written_below_a_heading_is_kept(read):
    lines = [
        "* TODO a",
        "DEADLINE: <2026-04-01>",
        "First.",
        ":NOTES:",
        "hidden",
        ":END:",
        "",
        "Last.",
    ]
    assert read(*lines).tasks[0].description == "First.\n\nLast."
    assert len(read("* TODO a", "long " * 1000).tasks[0].description) == 2000


def test_done_by_its_log_alone(read):
    lines = [
        "* DONE Write",
        '- State "DONE"       from "TODO"       [2026-02-10 Tue 18:05]',
        '- State "WAITING"    from "TODO"       [2026-02-12 Thu 18:05]',
    ]
    assert read(*lines).tasks[0].completed_at == utc(2026, 2, 10, 17, 5)
    assert read("* DONE Write").tasks[0].completed_at is None


@pytest.mark.parametrize(
    "told",
    [
        'from "TODO"       [2026-02-10 mar. 18:05]',
        'from "TODO"       [2026-02-10 火 18:05]',
        'from "TODO"       [2026-02-10 18:05]',
        "from              [2026-02-10 Tue 18:05]",
    ],
)
def test_the_log_in_any_language_tells_the_time_of_day(read, told):
    at = utc(2026, 2, 10, 17, 5)
    assert read("* DONE a", f'- State "DONE"       {told}').tasks[0].completed_at == at
    found = read("* TODO b", "SCHEDULED: <2026-02-10 mar. +1w>", f'- State "DONE"       {told}')
    assert [task.completed_at for task in found.tasks] == [at, None]


def test_a_log_with_a_day_that_is_none_is_refused(read):
    [error] = read("* DONE a", '- State "DONE" from "TODO" [2026-02-31 Tue 18:05]').errors
    assert "day" in error.reason


def test_what_was_done_before_the_window_is_left_out(read):
    assert read("* DONE a", "CLOSED: [2024-01-01 Mon 10:00]") == []


# --- identity ------------------------------------------------------------------------------------


def test_a_heading_without_an_id_is_known_by_its_path(read):
    [before] = read("* Home", "** TODO Paint").tasks
    for heading in ("** DONE [#A] Paint :x:", "** TODO Paint\nDEADLINE: <2026-04-01>"):
        assert read("text", "* Home", heading).tasks[0].uid == before.uid
    [other] = read("* Garden", "** TODO Paint").tasks
    assert other.uid != before.uid


def test_twins_are_told_apart(read):
    assert len({task.uid for task in read("* TODO a", "* TODO a", "x").tasks}) == 2


def test_what_stands_twice_is_to_be_done_twice(read):
    found = read("* Calls", "** TODO Ann", "** TODO Ann", "* Calls", "** TODO Ann")
    [calls] = found.projects
    assert [(one.title, one.project) for one in found.tasks] == [("Ann", calls.uid)] * 3
    assert len({one.uid for one in found.tasks}) == 3


def test_archiving_changes_nothing_but_where_it_is(lists):
    lists.write("home.org", "* Home\n** TODO Paint\n** DONE Tidy\n")
    state: dict = {}
    before = {task.title: task.uid for task in lists.fetch(state=state).tasks}
    lists.write("home.org", "* Home\n** TODO Paint\n", mtime=1)
    lists.write(
        "home.org_archive",
        "* DONE Tidy\n:PROPERTIES:\n:ARCHIVE_FILE: ~/org/home.org\n:ARCHIVE_OLPATH: Home\n:END:\n",
    )
    found = lists.fetch(state=state)
    assert {task.title: task.uid for task in found.tasks} == before
    # Its project is known by name: the core finds it.
    assert found.titled("Tidy").project == "Home"


COUNTED = """\
* TODO Release {}
** DONE Write notes
   CLOSED: [2026-03-01 Sun 10:00]
** {} [#A] Build {} it
** TODO Ship
"""


@pytest.mark.parametrize(
    ("before", "after"), [("[1/3]", "[2/3]"), ("[33%]", "[66%]"), ("[/]", "[2/3]"), ("", "[%]")]
)
def test_how_far_a_heading_is_is_no_part_of_its_name(read, before, after):
    first = read(COUNTED.format(before, "TODO", ""))
    second = read(COUNTED.format(after, "DONE", "[100%]"))
    assert [one.name for one in second.projects] == ["Release"]
    assert [one.title for one in second.tasks] == ["Write notes", "Build it", "Ship"]
    assert [one.uid for one in second] == [one.uid for one in first]
    assert second.titled("Build it").priority == 1.0


def test_how_far_it_was_is_no_part_of_where_an_archived_heading_stood(lists):
    lists.write("home.org", "* Home [1/2]\n** Walls [50%]\n*** TODO Paint [0/1]\n")
    [before] = lists.fetch().tasks
    lists.write("home.org", "* Home [2/2]\n** Walls\n", mtime=1)
    lists.write(
        "home.org_archive",
        "* DONE Paint [1/1]\n:PROPERTIES:\n:ARCHIVE_FILE: ~/org/home.org\n"
        ":ARCHIVE_OLPATH: Home [1/2]/Walls [100%]\n:END:\n",
    )
    [after] = lists.fetch().tasks
    assert (after.uid, after.title, after.project) == (before.uid, "Paint", "Home")


def test_a_file_that_stands_is_not_read_again(lists):
    paths = [lists.write(name, SAMPLE) for name in ("a.org", "b.org")]
    state: dict = {}
    lists.fetch(state=state)
    lists.write("b.org", "* TODO c\n", mtime=1)
    first, second = lists.fetch(state=state)
    assert (first, second.title) == (Unchanged(str(paths[0])), "c")


# --- what cannot be read -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("lines", "problem"),
    [
        (["DEADLINE: <2026-02-31 Sat>"], "day is out of range"),
        ([":PROPERTIES:", ":Effort: soon", ":END:"], "Invalid duration"),
        (["CLOCK: [2026-02-20 Fri 25:00]--[2026-02-20 Fri 26:00] => 1:00"], "hour must be in"),
    ],
)
def test_a_bad_heading_costs_no_other(read, lines, problem):
    [good] = read("* TODO b").tasks
    found = read("* TODO a", "* TODO b", *lines, "* TODO c")
    assert [task.title for task in found.tasks] == ["a", "c"]
    [error] = found.errors
    assert error.uid == good.uid
    assert "line 2" in error.reason
    assert problem in error.reason


def test_binary_data_is_no_org_file(read):
    [error] = read("* TODO a\0")
    assert "binary" in error.reason


# --- habits --------------------------------------------------------------------------------------


def habit(rule: str, *done: str, state="TODO", planned="SCHEDULED", day="2026-03-02") -> list[str]:
    return [
        f"* {state} Run :sport:",
        f"  {planned}: <{day} Mon {rule}>",
        "  :PROPERTIES:",
        "  :STYLE:    habit",
        "  :END:",
        "  :LOGBOOK:",
        *(f'  - State "DONE"       from "TODO"       [{at}]' for at in done),
        "  :END:",
    ]


def times(found) -> list[tuple]:
    """Return the times of the one habit: the local day each was done, or last could be, and how."""
    [project] = found.projects
    assert (project.kind, project.name) == ("habit", "Run")
    assert all(task.series == project.uid for task in found.tasks)
    told = [(task.completed_at or task.due, task.status) for task in found.tasks]
    return sorted((f"{at:%m-%d}", status) for at, status in told)


def test_a_habit_has_its_hits_and_its_misses(read):
    found = read(
        *habit(".+1d", "2026-02-24 Tue 21:00", "2026-02-25 Wed 07:00", "2026-02-28 Sat 07:00"),
        zone="UTC",
    )
    assert times(found) == [
        ("02-24", "done"),
        ("02-25", "done"),
        ("02-27", "missed"),  # due by the end of the 26th
        ("02-28", "done"),
        ("02-28", "missed"),
        ("03-03", "open"),  # due today, the 2nd
    ]
    assert {task.recurrence for task in found.tasks} == {".+1d"}
    [opened] = [task for task in found.tasks if task.status == "open"]
    assert (opened.start, opened.contexts) == (utc(2026, 3, 2), ("sport",))


def test_set_days_are_missed_as_they_come(read):
    """Mondays: the 16th was done on the Tuesday before, and nothing since the 9th."""
    found = read(*habit("++1w", "2026-02-03 Tue 21:00", "2026-02-24 Tue 21:00"), zone="UTC")
    assert times(found) == [
        ("02-03", "done"),
        ("02-10", "missed"),
        ("02-17", "missed"),
        ("02-24", "done"),
        ("03-03", "open"),
    ]


def test_every_time_is_made_up_for_where_the_rule_says_so(read):
    found = read(*habit("+1w", "2026-02-24 Tue 21:00", "2026-02-24 Tue 21:01", day="2026-02-09"))
    assert [task.status for task in found.tasks] == ["done", "done", "open"]
    assert found.tasks[-1].due == utc(2026, 2, 9, 23)


@pytest.mark.parametrize(
    ("rule", "day", "missed", "due"),
    [
        (".+1d", "2026-02-27", 3, utc(2026, 3, 3)),
        (".+1d/3d", "2026-02-28", 0, utc(2026, 3, 3)),  # by the 2nd at the latest
        (".+1d/3d", "2026-02-26", 0, utc(2026, 3, 1)),  # late, but the next is not due yet
        (".+1d/3d", "2026-02-25", 1, utc(2026, 3, 3)),
        ("++1m", "2026-01-31", 1, utc(2026, 3, 1)),
        (".+12h", "2026-02-20", 0, utc(2026, 2, 21)),
        (".+0d", "2026-02-20", 0, utc(2026, 2, 21)),
    ],
)
def test_a_habit_left_alone(read, rule, day, missed, due):
    found = read(*habit(rule, day=day), zone="UTC")
    assert sum(task.status == "missed" for task in found.tasks) == missed
    assert [task.due for task in found.tasks if task.status == "open"] == [due]


def test_each_time_has_its_own_clock_and_notes(read):
    done = ("2026-02-27 Fri 08:00", "2026-02-28 Sat 08:00")
    lines = habit(".+1d", *done, planned="DEADLINE", day="2026-03-01")
    lines[6:6] = [
        "  CLOCK: [2026-02-27 Fri 07:30]--[2026-02-27 Fri 08:00] =>  0:30",
        "  CLOCK: [2026-02-28 Sat 07:40]--[2026-02-28 Sat 08:00] =>  0:20",
        "  CLOCK: [2026-03-01 Sun 07:55]--[2026-03-01 Sun 08:00] =>  0:05",
        '  - New deadline from "[2026-03-01 Sun]" on [2026-03-01 Sun 09:00]',
    ]
    found = read(*lines)
    told = {task.status: (task.spent_min, task.rescheduled) for task in found.tasks}
    assert [task.spent_min for task in found.tasks if task.status == "done"] == [30, 20]
    assert (told["open"], told["missed"]) == ((5, 1), (None, 0))


def test_a_habit_that_was_skipped_and_one_that_is_over(read):
    lines = habit(".+1d", "2026-03-01 Sun 08:00")
    lines.append('  - State "CANCELLED"  from "TODO"       [2026-03-02 Mon 08:00]')
    assert times(read(*lines, now=utc(2026, 3, 2, 9))) == [
        ("03-01", "done"),
        ("03-02", "cancelled"),
        ("03-02", "open"),
    ]
    found = read(*habit(".+1d", "2026-03-01 Sun 08:00", state="CANCELLED"))
    assert [project.status for project in found.projects] == ["abandoned"]
    assert [task.status for task in found.tasks] == ["done"]


def test_a_habit_with_steps_is_their_project(read):
    lines = habit("++1w")
    lines += ["** TODO Shoes", "** DONE Socks", "CLOSED: [2026-03-01 Sun]"]
    found = read(*lines)
    [project] = found.projects
    assert {task.title: task.project for task in found.tasks} == {
        "Run": None,
        "Shoes": project.uid,
        "Socks": project.uid,
    }


# --- whatever it holds ---------------------------------------------------------------------------


@pytest.mark.parametrize("codec", ["utf-8-sig", "utf-16", "cp1252"])
@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
def test_encodings_and_line_ends(lists, codec, newline):
    text = newline.join(["* TODO Käse kaufen", "DEADLINE: <2026-03-06 Fr>", ""])
    path = lists.write("a.org", text.encode(codec))
    [task] = lists.fetch(path)
    assert (task.title, task.due) == ("Käse kaufen", utc(2026, 3, 6, 23))


LINES = st.sampled_from([*SAMPLE.splitlines(), *habit(".+1d/2d", "2026-02-27 Fri 08:00")])


@settings(max_examples=80, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(LINES | st.text(max_size=20), max_size=30) | st.binary(max_size=60))
def test_no_file_raises(lists, noise):
    data = noise if isinstance(noise, bytes) else "\n".join(noise).encode("utf-8", "replace")
    found = lists.fetch(lists.write("a.org", data))
    uids = [item.uid for item in [*found.tasks, *found.projects]]
    assert len(set(uids)) == len(uids)
    assert all(item.group for item in found)
