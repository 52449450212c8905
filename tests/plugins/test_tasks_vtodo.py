"""Tasks from iCalendar files, as real programs write them."""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from twind.api import Project, Task, Unchanged

NEXTCLOUD = """\
BEGIN:VCALENDAR
VERSION:2.0
PRODID:-//Nextcloud Tasks v0.16.1
BEGIN:VTODO
CREATED:20260201T090000
DTSTAMP:20260228T120000
LAST-MODIFIED:20260228T120000
UID:2f6b1a52-call
SUMMARY:Call the plumber
DUE;VALUE=DATE:20260306
DTSTART;VALUE=DATE:20260303
PRIORITY:1
PERCENT-COMPLETE:40
STATUS:IN-PROCESS
CATEGORIES:phone,house
DESCRIPTION:He has the key\\, and\\nthe number.
RELATED-TO:2f6b1a52-bathroom
END:VTODO
END:VCALENDAR
"""
APPLE = """\
BEGIN:VCALENDAR
METHOD:PUBLISH
VERSION:2.0
X-WR-CALNAME:Reminders
PRODID:-//Apple Inc.//iOS 17.4//EN
X-APPLE-CALENDAR-COLOR:#1BADF8
BEGIN:VTIMEZONE
TZID:Europe/Berlin
BEGIN:DAYLIGHT
TZOFFSETFROM:+0100
DTSTART:19810329T020000
RRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=-1SU
TZOFFSETTO:+0200
END:DAYLIGHT
BEGIN:STANDARD
TZOFFSETFROM:+0200
DTSTART:19961027T030000
RRULE:FREQ=YEARLY;BYMONTH=10;BYDAY=-1SU
TZOFFSETTO:+0100
END:STANDARD
END:VTIMEZONE
BEGIN:VTODO
UID:APPLE-1
DTSTAMP:20260228T120000Z
CREATED:20260201T090000Z
LAST-MODIFIED:20260228T120000Z
SUMMARY:Pay Bea back
DTSTART;TZID=Europe/Berlin:20260305T180000
DUE;TZID=Europe/Berlin:20260305T180000
STATUS:NEEDS-ACTION
PRIORITY:9
X-APPLE-SORT-ORDER:730000000
BEGIN:VALARM
UID:A
TRIGGER;VALUE=DATE-TIME:20260305T170000Z
SUMMARY:no task
END:VALARM
END:VTODO
BEGIN:VTODO
UID:APPLE-2
SUMMARY:Bring back the drill
COMPLETED:20260227T161500Z
PERCENT-COMPLETE:100
STATUS:COMPLETED
END:VTODO
END:VCALENDAR
"""
EVOLUTION = """\
BEGIN:VCALENDAR
PRODID:-//Ximian//NONSGML Evolution Calendar//EN
VERSION:2.0
X-EVOLUTION-DATA-REVISION:2026-02-28T12:00:00.000000Z(3)
BEGIN:VTODO
UID:evo-1
DTSTAMP:20260201T090000Z
DTSTART;VALUE=DATE:20260302
DUE;VALUE=DATE:20260302
SUMMARY:Water the plants
ESTIMATED-DURATION:PT15M
PERCENT-COMPLETE:0
STATUS:NEEDS-ACTION
RRULE:FREQ=WEEKLY;BYDAY=MO
CLASS:PUBLIC
SEQUENCE:4
END:VTODO
END:VCALENDAR
"""
KORGANIZER = """\
BEGIN:VCALENDAR
PRODID:-//K Desktop Environment//NONSGML libkcal 4.3//EN
VERSION:2.0
X-KDE-ICAL-IMPLEMENTATION-VERSION:1.0
BEGIN:VTODO
DTSTAMP:20260224T120000Z
X-KDE-LIBKCAL-DTRECURRENCE;TZID=Europe/Berlin:20260225T200000
CREATED:20260101T090000Z
UID:libkcal-1
LAST-MODIFIED:20260224T120000Z
SUMMARY:Clean the kitchen
RRULE:FREQ=DAILY
DTSTART;TZID=Europe/Berlin:20260101T190000
DUE;TZID=Europe/Berlin:20260101T200000
END:VTODO
END:VCALENDAR
"""
THUNDERBIRD = """\
BEGIN:VCALENDAR
PRODID:-//Mozilla.org/NONSGML Mozilla Calendar V1.1//EN
VERSION:2.0
BEGIN:VTODO
UID:moz-1
SUMMARY:Run
STATUS:NEEDS-ACTION
RRULE:FREQ=DAILY
EXDATE;TZID=Europe/Berlin:20260226T070000
DTSTART;TZID=Europe/Berlin:20260224T070000
DUE;TZID=Europe/Berlin:20260224T080000
X-MOZ-GENERATION:3
END:VTODO
BEGIN:VTODO
UID:moz-1
SUMMARY:Run
STATUS:COMPLETED
COMPLETED:20260225T063000Z
PERCENT-COMPLETE:100
RECURRENCE-ID;TZID=Europe/Berlin:20260225T070000
DTSTART;TZID=Europe/Berlin:20260225T070000
DUE;TZID=Europe/Berlin:20260225T080000
END:VTODO
BEGIN:VTODO
UID:moz-1
SUMMARY:Run in the park
STATUS:CANCELLED
RECURRENCE-ID;TZID=Europe/Berlin:20260228T070000
DTSTART;TZID=Europe/Berlin:20260228T070000
DUE;TZID=Europe/Berlin:20260228T080000
END:VTODO
END:VCALENDAR
"""


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)


def todo(uid="1", *lines: str, title="Write") -> str:
    inside = "\r\n".join(["BEGIN:VTODO", f"UID:{uid}", f"SUMMARY:{title}", *lines, "END:VTODO"])
    return f"{inside}\r\n"


def calendar(*parts: str) -> str:
    return f"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//a//EN\r\n{''.join(parts)}END:VCALENDAR\r\n"


@pytest.fixture
def read(lists):
    """Return what an .ics file of this text yields."""

    def read(text: str, **more):
        return lists.fetch(lists.write("tasks.ics", text), **more)

    return read


# --- what programs write -------------------------------------------------------------------------


def test_nextcloud(read, lists):
    [task] = read(NEXTCLOUD)
    assert task == Task(
        uid="2f6b1a52-call",
        title="Call the plumber",
        priority=1.0,
        start=utc(2026, 3, 2, 23),
        due=utc(2026, 3, 6, 23),  # until the end of that day
        created_at=utc(2026, 2, 1, 8),
        progress=0.4,
        contexts=("phone", "house"),
        description="He has the key, and\nthe number.",
        group=str(lists.folder / "tasks.ics"),
    )


def test_apple(read):
    open_, done = read(APPLE).tasks
    assert (open_.title, open_.due, open_.start) == ("Pay Bea back", utc(2026, 3, 5, 17), open_.due)
    assert open_.priority == pytest.approx(0.1)
    assert (done.status, done.completed_at) == ("done", utc(2026, 2, 27, 16, 15))


def test_evolution_moves_a_habit_on_and_leaves_nothing_behind(read):
    habit, task = read(EVOLUTION)
    assert (habit.uid, habit.name, habit.kind) == ("evo-1/times", "Water the plants", "habit")
    assert (task.uid, task.series, task.status) == ("evo-1/20260302", habit.uid, "open")
    assert (task.due, task.estimate_min) == (utc(2026, 3, 2, 23), 15)
    assert task.recurrence == "FREQ=WEEKLY;BYDAY=MO"


def test_korganizer_tells_which_time_is_next(read):
    """The kitchen was cleaned until the 24th, and has not been since."""
    found = read(KORGANIZER)
    assert [(task.due.day, task.status) for task in found.tasks] == [
        (25, "missed"),
        (26, "missed"),
        (27, "missed"),
        (28, "missed"),
        (1, "missed"),
        (2, "open"),
    ]
    assert found.tasks[-1].start == utc(2026, 3, 2, 18)


def test_thunderbird_tells_times_apart(read):
    found = read(THUNDERBIRD)
    told = sorted((task.due, task.status, task.title) for task in found.tasks)
    assert [(due.day, status) for due, status, _ in told] == [
        (24, "missed"),
        (25, "done"),
        (27, "missed"),
        (28, "cancelled"),
        (1, "missed"),
        (2, "open"),
    ]
    assert told[3][2] == "Run in the park"
    [habit] = found.projects
    assert {task.series for task in found.tasks} == {habit.uid}


def test_nextcloud_puts_a_time_that_is_done_into_a_file_of_its_own(lists):
    """And moves the rule on, so that it no longer names what was done."""
    rule = ("RRULE:FREQ=DAILY", "DTSTART;VALUE=DATE:20260302", "DUE;VALUE=DATE:20260302")
    lists.write("a.ics", calendar(todo("r", *rule, title="Run")))
    done = ("RECURRENCE-ID;VALUE=DATE:20260301", "STATUS:COMPLETED", "COMPLETED:20260301T190000Z")
    lists.write("b.ics", calendar(todo("r", *done, title="Run")))
    found = lists.fetch()
    assert {task.uid: task.status for task in found.tasks} == {
        "r/20260301": "done",
        "r/20260302": "open",
    }
    assert {task.series for task in found.tasks} == {"r/times"}


# --- dates and statuses --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("lines", "start", "due", "estimate"),
    [
        (["DUE:20260306T170000Z"], None, utc(2026, 3, 6, 17), None),
        (["DUE:20260306T170000"], None, utc(2026, 3, 6, 16), None),
        (["DTSTART:20260306T170000Z"], utc(2026, 3, 6, 17), None, None),
        (
            ["DTSTART:20260306T170000Z", "DURATION:PT2H"],
            utc(2026, 3, 6, 17),
            utc(2026, 3, 6, 19),
            None,
        ),
        (
            ["DTSTART;VALUE=DATE:20260306", "DURATION:P2D"],
            utc(2026, 3, 5, 23),
            utc(2026, 3, 7, 23),
            None,
        ),
        (
            ["DTSTART;VALUE=DATE:20260306", "DURATION:PT6H"],
            utc(2026, 3, 5, 23),
            utc(2026, 3, 6, 5),
            None,
        ),
        (["DURATION:PT90M"], None, None, 90),  # without a beginning, it only says how long
        (
            ["DUE;VALUE=DATE:20260306", "X-ESTIMATED-DURATION:PT1H30M"],
            None,
            utc(2026, 3, 6, 23),
            90,
        ),
    ],
)
def test_dates(read, lines, start, due, estimate):
    [task] = read(calendar(todo("1", *lines)))
    assert (task.start, task.due, task.estimate_min) == (start, due, estimate)


def test_times_without_a_zone_belong_to_the_calendar(read):
    text = calendar("X-WR-TIMEZONE:America/New_York\r\n", todo("1", "DUE:20260306T170000"))
    assert read(text).tasks[0].due == utc(2026, 3, 6, 22)


@pytest.mark.parametrize(
    ("lines", "status"),
    [
        ([], "open"),
        (["STATUS:NEEDS-ACTION", "PERCENT-COMPLETE:100"], "open"),
        (["STATUS:IN-PROCESS"], "open"),
        (["STATUS:COMPLETED"], "done"),
        (["COMPLETED:20260301T190000Z"], "done"),
        (["PERCENT-COMPLETE:100"], "done"),
        (["STATUS:CANCELLED", "COMPLETED:20260301T190000Z"], "cancelled"),
    ],
)
def test_statuses(read, lines, status):
    [task] = read(calendar(todo("1", *lines)))
    assert task.status == status


def test_a_day_of_completion_is_its_noon(read):
    [task] = read(calendar(todo("1", "STATUS:COMPLETED", "COMPLETED;VALUE=DATE:20260301")))
    assert task.completed_at == utc(2026, 3, 1, 11)


def test_what_was_over_before_the_window_is_left_out(read):
    over = [
        todo("1", "STATUS:COMPLETED", "COMPLETED:20240301T190000Z"),
        todo("2", "STATUS:CANCELLED", "LAST-MODIFIED:20240301T190000Z"),
        todo("3", "STATUS:COMPLETED"),
    ]
    assert [task.uid for task in read(calendar(*over))] == ["3"]


# --- projects ------------------------------------------------------------------------------------


def test_a_parent_is_a_project(read):
    found = read(
        calendar(
            todo("b", "DUE;VALUE=DATE:20260401", "PRIORITY:5", title="Bathroom"),
            todo("c", "RELATED-TO:b", title="Call the plumber"),
            todo("t", "RELATED-TO;RELTYPE=PARENT:b", title="Tiles"),
            todo("m", "RELATED-TO:t", title="Measure"),
            todo("s", "RELATED-TO;RELTYPE=SIBLING:b", title="Something else"),
            todo("x", "RELATED-TO:nobody", title="An orphan"),
        )
    )
    named = {project.name: project for project in found.projects}
    assert named["Bathroom"] == Project(
        uid="b",
        name="Bathroom",
        priority=pytest.approx(0.55),
        deadline=utc(2026, 4, 1, 22),
        group=found[0].group,
    )
    assert named["Tiles"].parent == "b"
    assert {task.title: task.project for task in found.tasks} == {
        "Call the plumber": "b",
        "Measure": "t",
        "Something else": None,
        "An orphan": None,
    }


def test_a_parent_may_name_its_children(read):
    found = read(calendar(todo("c"), todo("b", "RELATED-TO;RELTYPE=CHILD:c")))
    assert ([one.uid for one in found.projects], found.tasks[0].project) == (["b"], "b")


def test_a_task_is_known_without_escapes(read):
    parent, old = todo(r"b\,1", "SEQUENCE:2"), todo("b,1", "SEQUENCE:1", title="Old")
    found = read(calendar(parent, old, todo(r"c\;1", r"RELATED-TO:b\,1")))
    [task], [project] = found.tasks, found.projects
    assert (task.uid, task.project, project.uid, project.name) == ("c;1", "b,1", "b,1", "Write")


def test_families_across_files_are_found_again_when_one_changes(lists):
    parent = lists.write("b.ics", calendar(todo("b", title="Bathroom")))
    child = lists.write("c.ics", calendar(todo("c", "RELATED-TO:b")))
    other = lists.write("d.ics", calendar(todo("d")))
    state: dict = {}
    found = lists.fetch(state=state)
    assert [one.uid for one in found.projects] == ["b"]
    assert [one.uid for one in found.tasks] == ["c", "d"]
    lists.write("c.ics", calendar(todo("c")), mtime=1)
    found = lists.fetch(state=state)
    # Without its child the parent is a task, though its file has not changed.
    assert [(type(one), getattr(one, "uid", one.group)) for one in found] == [
        (Task, "b"),
        (Task, "c"),
        (Unchanged, str(other)),
    ]
    assert {one.group for one in found} == {str(parent), str(child), str(other)}


def test_nobody_is_their_own_ancestor(read):
    ring = [todo("a", "RELATED-TO:b"), todo("b", "RELATED-TO:a"), todo("c", "RELATED-TO:a")]
    found = read(calendar(*ring, todo("self", "RELATED-TO:self")))
    assert [one.uid for one in found.projects] == ["a"]
    assert {one.uid: one.project for one in found.tasks} == {"b": None, "c": "a", "self": None}


def test_a_plan_of_any_depth_is_read(lists):
    for number in range(200):
        lists.write(f"{number}.ics", calendar(todo(str(number), f"RELATED-TO:{number + 1}")))
    lists.write("200.ics", calendar(todo("200")))
    state: dict = {}
    found = lists.fetch(state=state)
    assert [one.uid for one in found.tasks] == ["0"]
    parents = {one.uid: one.parent for one in found.projects}
    assert parents == {str(n): str(n + 1) if n < 200 else None for n in range(1, 201)}
    # What is kept of each must not grow with the depth.
    assert max(len(kept["asked"]) for kept in state["vtodo"]["files"].values()) < 100


@pytest.mark.parametrize(
    ("status", "became"), [("COMPLETED", "completed"), ("CANCELLED", "abandoned")]
)
def test_a_project_that_is_over(read, status, became):
    text = calendar(todo("b", f"STATUS:{status}"), todo("c", "RELATED-TO:b"))
    assert [one.status for one in read(text).projects] == [became]


def test_the_parts_of_a_habit_are_the_habits(read):
    rule = ("RRULE:FREQ=DAILY", "DUE;VALUE=DATE:20260302")
    found = read(calendar(todo("r", *rule), todo("c", "RELATED-TO:r", title="Shoes")))
    assert [one.uid for one in found.projects] == ["r/times"]
    assert found.titled("Shoes").project == "r/times"


# --- what recurs ---------------------------------------------------------------------------------


def times(found) -> list[tuple]:
    return [(f"{task.due - timedelta(seconds=1):%m-%d}", task.status) for task in found.tasks]


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (["RRULE:FREQ=DAILY", "DUE;VALUE=DATE:20260228"], ["missed", "missed", "open"]),
        (["RRULE:FREQ=DAILY", "DTSTART:20260301T090000Z"], ["missed", "open"]),
        (["RRULE:FREQ=DAILY", "DUE;VALUE=DATE:20260401"], ["open"]),
        (["RRULE:FREQ=WEEKLY", "DUE;VALUE=DATE:20260224"], ["open"]),  # it can be caught up with
        (["RRULE:FREQ=WEEKLY", "DUE;VALUE=DATE:20260223"], ["missed", "open"]),
        (["RRULE:FREQ=DAILY;COUNT=2", "DUE;VALUE=DATE:20260220"], ["missed", "open"]),
        (["RRULE:FREQ=DAILY;UNTIL=20260221", "DUE:20260220T100000Z"], ["missed", "open"]),
        (
            ["RDATE;VALUE=DATE:20260226,20260301", "DTSTART;VALUE=DATE:20260220"],
            ["missed"] * 2 + ["open"],
        ),
        (
            ["RRULE:FREQ=DAILY", "DUE;VALUE=DATE:20260227", "EXDATE;VALUE=DATE:20260228"],
            ["missed", "missed", "open"],
        ),
        (
            ["RRULE:FREQ=DAILY", "DUE:20260227T100000Z", "EXDATE;VALUE=DATE:20260228"],
            ["missed", "missed", "open"],
        ),
        (["RRULE:FREQ=MONTHLY;BYMONTHDAY=31", "DUE;VALUE=DATE:20251231"], ["missed", "open"]),
    ],
)
def test_what_was_missed(read, lines, expected):
    assert [task.status for task in read(calendar(todo("r", *lines)), zone="UTC").tasks] == expected


def test_what_has_been_given_up_is_not_missed_for_ever(read):
    lines = ("RRULE:FREQ=DAILY", "DUE;VALUE=DATE:20260102")
    found = read(calendar(todo("r", *lines)), now=utc(2026, 12, 1))
    assert sum(task.status == "missed" for task in found.tasks) == 31
    old = calendar(todo("r", "RRULE:FREQ=DAILY", "DUE;VALUE=DATE:20100102"))
    assert times(read(old)) == [("03-02", "open")]


def test_a_habit_that_is_over(read):
    rule = ("RRULE:FREQ=DAILY", "DUE;VALUE=DATE:20260228")
    done = read(calendar(todo("r", *rule, "STATUS:COMPLETED", "COMPLETED:20260228T190000Z")))
    assert [(one.status, one.kind) for one in done.projects] == [("completed", "habit")]
    assert [(one.status, one.completed_at) for one in done.tasks] == [
        ("done", utc(2026, 2, 28, 19))
    ]
    [habit] = read(calendar(todo("r", *rule, "STATUS:CANCELLED"))).projects
    assert habit.status == "abandoned"


def test_a_rule_without_a_date_recurs_never(read):
    [task] = read(calendar(todo("r", "RRULE:FREQ=DAILY")))
    assert (task.uid, task.series) == ("r", "")


def test_a_time_without_its_habit_stands_alone(read):
    lines = ("RECURRENCE-ID:20260301T090000Z", "STATUS:COMPLETED", "COMPLETED:20260301T093000Z")
    [task] = read(calendar(todo("r", *lines)))
    assert (task.uid, task.status, task.series) == ("r/20260301T090000Z", "done", "")


@pytest.mark.parametrize(
    "named",
    [
        "RECURRENCE-ID:20260301T080000Z",
        "RECURRENCE-ID;VALUE=DATE:20260301",
        "RECURRENCE-ID;TZID=America/New_York:20260301T030000",
    ],
)
def test_a_time_is_known_however_it_is_named(read, named):
    rule = ("RRULE:FREQ=DAILY", "DUE;TZID=Europe/Berlin:20260301T090000")
    done = todo("r", named, "STATUS:COMPLETED", "COMPLETED:20260301T093000Z")
    assert [task.status for task in read(calendar(todo("r", *rule), done)).tasks] == [
        "open",
        "done",
    ]


def test_the_clock_is_the_one_on_the_wall(read):
    """Summer time begins on the 29th of March."""
    rule = ("RRULE:FREQ=DAILY", "DTSTART;TZID=Europe/Berlin:20260328T070000", "DURATION:PT1H")
    found = read(calendar(todo("r", *rule)), now=utc(2026, 3, 29, 12))
    assert [task.due for task in found.tasks] == [utc(2026, 3, 28, 7), utc(2026, 3, 29, 6)]


# --- what cannot be read -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("DUE:tomorrow", "DUE cannot be read"),
        ("DUE;VALUE=TIME:100000", "DUE is no date"),
        ("RRULE:FREQ=", "RRULE cannot be read"),
        ("ESTIMATED-DURATION:long", "long"),
        ("DUE;VALUE=DATE:99991231", "out of range"),
    ],
)
def test_a_bad_task_costs_no_other(read, line, problem):
    found = read(calendar(todo("1"), todo("2", line), todo("3")))
    assert [task.uid for task in found.tasks] == ["1", "3"]
    [error] = found.errors
    assert error.uid == "2"
    assert problem in error.reason
    assert "tasks.ics, line 8" in error.reason


@pytest.mark.parametrize(
    "rule", ["FREQ=SECONDLY", "FREQ=DAILY;INTERVAL=0", "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30"]
)
def test_a_rule_that_would_not_end_is_refused(read, rule):
    found = read(calendar(todo("1"), todo("2", f"RRULE:{rule}", "DUE:20200101T100000Z")))
    assert [task.uid for task in found.tasks] == ["1"]
    assert [error.uid for error in found.errors] == ["2"]


def test_a_bad_time_of_a_habit_is_not_another(read):
    rule = ("RRULE:FREQ=DAILY", "DUE;VALUE=DATE:20260301")
    bad = todo("r", "RECURRENCE-ID;VALUE=DATE:20260301", "DUE:sometime")
    found = read(calendar(todo("r", *rule), bad))
    assert [error.uid for error in found.errors] == ["r/20260301"]
    assert [task.uid for task in found.tasks] == ["r/20260302"]


def test_a_zone_that_nobody_knows_is_told_once(read):
    due = "DUE;TZID=Atlantis:20260306T170000"
    found = read(calendar(todo("1", due), todo("2", due)))
    assert [task.due for task in found.tasks] == [utc(2026, 3, 6, 16)] * 2
    [error] = found.errors
    assert "the time zone Atlantis is not known" in error.reason


def test_a_file_cut_short_keeps_what_it_lacks(read, lists):
    found = read(calendar(todo("1"), todo("2"))[:-40])
    assert [task.uid for task in found.tasks] == ["1"]
    assert str(lists.folder / "tasks.ics") in {error.uid for error in found.errors}


def test_the_latest_of_several_versions_counts(read):
    found = read(
        calendar(
            todo("1", "SEQUENCE:2", title="newest"),
            todo("1", "SEQUENCE:1", title="old"),
            todo("2", "LAST-MODIFIED:20260101T000000Z", title="old"),
            todo("2", "LAST-MODIFIED:20260201T000000Z", title="newer"),
            todo("3", title="one"),
            todo("3", title="another of that name"),
        )
    )
    assert [(task.uid, task.title) for task in found.tasks] == [
        ("1", "newest"),
        ("2", "newer"),
        ("3", "one"),
        ("3#2", "another of that name"),
    ]


def test_a_task_without_a_uid_has_one_of_its_own(read):
    text = calendar(
        todo("1").replace("UID:1\r\n", ""), todo("2").replace("UID:2\r\n", "COMMENT:x\r\n")
    )
    [task] = read(text).tasks
    assert task.uid


# --- calendars without tasks ---------------------------------------------------------------------

EVENT = "BEGIN:VEVENT\r\nUID:e\r\nSUMMARY:Lunch\r\nDTSTART:20260306T120000Z\r\nEND:VEVENT\r\n"


@pytest.mark.parametrize("data", [calendar(EVENT), calendar(), calendar(EVENT).encode("utf-16")])
def test_a_calendar_without_tasks_is_no_error_and_told_only_if_it_is_named(
    tasks_plugin, lists, caplog, data
):
    path = lists.write("calendar.ics", data)
    caplog.set_level(logging.INFO)
    assert lists.fetch() == []
    assert caplog.messages == []
    state: dict = {}
    assert lists.fetch(path, state=state) == []
    assert caplog.messages == [f"{path} holds no task"]
    assert lists.fetch(path, state=state) == [Unchanged(str(path))]
    assert len(caplog.messages) == 1


def test_tasks_and_events_in_one_file(read):
    assert [task.uid for task in read(calendar(EVENT, todo("1"), EVENT)).tasks] == ["1"]


@pytest.mark.parametrize("data", ["", "no calendar", b"\x00\x01\x02"])
def test_what_is_no_calendar_is_an_error_wherever_it_is(lists, data):
    path = lists.write("tasks.ics", data)
    for found in (lists.fetch(), lists.fetch(path)):
        [error] = found
        assert (error.uid, error.reason) == (str(path), "holds no calendar")


def test_one_task_in_two_files_is_one(lists):
    lists.write("a.ics", calendar(todo("1")))
    lists.write("b.ics", calendar(todo("1")))
    assert [task.uid for task in lists.fetch().tasks] == ["1"]


TITLES = st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"]), min_size=1)
NOISE = st.text() | st.sampled_from(
    [*THUNDERBIRD.splitlines(), *NEXTCLOUD.splitlines(), *KORGANIZER.splitlines()]
)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(NOISE, max_size=40))
def test_no_file_raises(lists, noise):
    text = "\n".join(["BEGIN:VCALENDAR", *noise]).encode("utf-8", "replace")
    found = lists.fetch(lists.write("tasks.ics", text))
    uids = [item.uid for item in [*found.tasks, *found.projects]]
    assert len(set(uids)) == len(uids)


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(TITLES, st.none() | st.integers(0, 7)), max_size=8))
def test_no_task_is_lost_whatever_stands_below_what(lists, rows):
    parts = [
        todo(str(number), *([f"RELATED-TO:{above}"] if above is not None else []), title="t")
        for number, (_, above) in enumerate(rows)
    ]
    found = lists.fetch(lists.write("tasks.ics", calendar(*parts)))
    assert {item.uid for item in found} == {str(number) for number in range(len(rows))}
    projects = {one.uid for one in found.projects}
    assert {one.project for one in found.tasks} - {None} <= projects
    # Whoever is a project has something below it.
    wholes = {one.project for one in found.tasks} | {one.parent for one in found.projects}
    assert projects <= wholes
