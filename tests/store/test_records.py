from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from twind.clock import FixedClock
from twind.errors import NotFoundError
from twind.home import Home
from twind.model import (
    Attendee,
    CalendarEvent,
    Deleted,
    Person,
    Project,
    RecordError,
    Task,
    Unchanged,
)
from twind.store import Store, life, profiles, records, sources

NOW = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
ROWS = ("records", "entities", "workflows", "workflow_steps")
WINDOW = (NOW - timedelta(days=30), NOW + timedelta(days=30))


def sync(db, fetched, *, source="s", complete=True, window=WINDOW):
    return records.apply(db, 1, source, fetched, window, complete=complete)


def event(uid, day=1, **more):
    start = NOW + timedelta(days=day)
    return CalendarEvent(
        uid=uid, title=more.pop("title", uid), start=start, end=start + timedelta(hours=1), **more
    )


def uids(db, source="s"):
    rows = db.rows("SELECT uid FROM records WHERE source = ? ORDER BY uid", (source,))
    return [row["uid"] for row in rows]


def steps(db):
    return {
        row["description"]: row["status"]
        for row in db.rows("SELECT description, status FROM workflow_steps")
    }


def test_new_changed_and_gone(db):
    assert sync(db, [event("a"), event("b")]).added == 2
    changes = sync(db, [event("a", title="moved"), event("c")])
    assert (changes.added, changes.changed, changes.removed) == (1, 1, 1)
    assert uids(db) == ["a", "c"]


def test_the_second_time_nothing_changes(db):
    fetched = [Person(uid="p", name="Ann"), Project(uid="+x", name="X"), event("e")]
    sync(db, fetched)
    seq = db.value("SELECT MAX(seq) FROM change_log")
    changes = sync(db, fetched)
    assert (changes.added, changes.changed, changes.removed) == (0, 0, 0)
    assert db.value("SELECT MAX(seq) FROM change_log") == seq


def test_a_record_that_cannot_be_read_keeps_its_last_good_version(db):
    sync(db, [event("a"), event("s/1", series="s"), event("s/2", series="s")])
    changes = sync(db, [RecordError("a", "no start"), RecordError("s", "bad rule")])
    assert changes.removed == 0
    assert uids(db) == ["a", "s/1", "s/2"]
    assert [error["reason"] for error in sources.errors(db, 1, "s")] == ["no start", "bad rule"]
    sync(db, [event("a"), event("s/1", series="s"), event("s/2", series="s")])
    assert sources.errors(db, 1, "s") == []


def test_an_unreadable_file_keeps_its_records(db):
    sync(db, [event("a", group="one.ics"), event("b", group="two.ics")])
    sync(db, [RecordError("one.ics", "not text", "one.ics"), event("b", group="two.ics")])
    assert uids(db) == ["a", "b"]


def test_an_unreadable_folder_keeps_the_records_of_all_in_it(db):
    """Also where the source has forgotten what was in it, as it does when all is read anew."""
    groups = ("/share/a.ics", "/share/sub/b.ics", "/shared.ics")
    sync(db, [event(group, group=group) for group in groups])
    sync(db, [RecordError("/share", "is not there", "/share"), event("new")])
    assert uids(db) == ["/share/a.ics", "/share/sub/b.ics", "new"]


def test_an_unchanged_group_stands(db):
    sync(db, [event("a", group="one.ics"), event("b", group="two.ics")])
    assert sync(db, [Unchanged("one.ics"), event("c", group="two.ics")]).removed == 1
    assert uids(db) == ["a", "c"]


def test_a_source_cut_short_deletes_nothing_but_keeps_what_came(db):
    sync(db, [event("a"), event("b")])
    assert sync(db, [event("a", title="new")], complete=False).removed == 0
    assert uids(db) == ["a", "b"]
    assert sync(db, [Deleted("b")], complete=False).removed == 1


def test_a_suddenly_empty_source_deletes_nothing(db):
    sync(db, [event("a"), event("b")])
    assert "suddenly empty" in sync(db, []).held
    assert uids(db) == ["a", "b"]


def test_a_source_that_lost_nearly_all_is_held(db):
    sync(db, [event(f"e{number}") for number in range(20)])
    assert "would remove 19 of 20 records" in sync(db, [event("e0")]).held
    assert len(uids(db)) == 20


def many(count, **more):
    return [event(f"e{number}", **more) for number in range(count)]


def held(db):
    return sources.health(db, 1)["s"]["held_since"] is not None


@pytest.mark.parametrize(
    ("had", "left", "is_held"),
    [(200, 20, True), (200, 99, True), (200, 100, False), (19, 9, True), (18, 9, False)],
)
def test_at_least_ten_and_more_than_half_is_held_back(db, had, left, is_held):
    sync(db, many(had))
    changes = sync(db, [*many(left), event("new")])
    assert changes.held == (f"would remove {had - left} of {had} records" if is_held else "")
    assert changes.removed == (0 if is_held else had - left)
    assert "new" in uids(db)


def test_as_many_new_records_are_a_replacement(db):
    sync(db, many(40))
    assert sync(db, [event(f"n{number}") for number in range(20)]).removed == 40


def test_a_series_counts_once(db):
    daily = [event(f"d/{day}", day=day, series="d") for day in range(1, 28)]
    sync(db, [*daily, *many(4)])
    assert sync(db, many(4)).removed == 27


def test_what_is_outside_the_window_is_neither_lost_nor_had(db):
    sync(db, [*many(15), *(event(f"old{number}", day=-29) for number in range(40))])
    later = (NOW - timedelta(days=10), NOW + timedelta(days=50))
    assert sync(db, [event("e0")], window=later).held == "would remove 14 of 15 records"
    assert sync(db, many(9), window=later).held == ""


def test_a_hold_ends_when_nearly_all_is_back(db):
    sync(db, many(40))
    assert sync(db, many(5)).newly_held
    again = sync(db, many(28))
    assert again.held == "would remove 12 of 40 records"
    assert not again.newly_held
    assert sync(db, many(31)).removed == 9
    assert not held(db)


def test_what_came_during_a_hold_comes_and_goes(db):
    sync(db, many(40))
    sync(db, [*many(5), event("new"), event("newer")])
    assert sync(db, [*many(5), event("newer")]).removed == 1
    assert sorted(set(uids(db)) - {f"e{number}" for number in range(40)}) == ["newer"]


def test_an_accepted_loss_goes_and_the_word_is_used_up(db):
    sync(db, many(40))
    with pytest.raises(NotFoundError, match="s holds nothing back"):
        sources.accept(db, 1, "s")
    sync(db, many(5))
    sources.accept(db, 1, "s")
    sync(db, many(5), complete=False)
    assert len(uids(db)) == 40
    assert sync(db, many(5)).removed == 35
    assert not sources.is_accepted(db, 1, "s")
    sync(db, many(40))
    assert sync(db, many(5)).held


def test_a_loss_accepted_too_late_changes_nothing_later(db):
    sync(db, many(40))
    sync(db, many(5))
    sources.accept(db, 1, "s")
    sync(db, many(40))
    assert sync(db, many(5)).held


def test_a_refusal_knows_since_when_and_goes_when_the_record_is_fine(db, clock):
    sync(db, [RecordError("a", "no start"), RecordError("b", "no end")])
    first = db.now()
    clock.advance(hours=1)
    sync(db, [RecordError("a", "no start at all"), event("b")])
    [told] = sources.errors(db, 1, "s")
    assert told == {
        "uid": "a",
        "group": "",
        "reason": "no start at all",
        "first_seen_at": first,
        "last_seen_at": db.now(),
    }
    sync(db, [event("a"), event("b")])
    assert sources.errors(db, 1, "s") == []


def test_a_refusal_stays_while_the_source_says_nothing_of_it(db):
    sync(db, [event("a", group="g"), RecordError("b", "bad", "g"), RecordError("c", "bad")])
    sync(db, [Unchanged("g"), RecordError("c", "bad")], complete=False)
    sync(db, [], complete=False)
    assert [error["uid"] for error in sources.errors(db, 1, "s")] == ["b", "c"]
    sync(db, [Unchanged("g")])
    assert [error["uid"] for error in sources.errors(db, 1, "s")] == ["b"]


def test_what_is_refused_beyond_the_list_is_counted(db):
    sync(db, [RecordError(str(number), "bad") for number in range(records.MAX_LISTED + 7)])
    sources.failed(db, 1, "s", "broke off")
    assert sources.health(db, 1)["s"]["errors"] == records.MAX_LISTED + 7
    assert len(sources.errors(db, 1, "s")) == records.MAX_LISTED
    sync(db, [event("a")])
    assert sources.health(db, 1)["s"]["errors"] == 0


def test_what_the_source_says_is_gone_is_gone(db):
    sync(db, [event("a")])
    assert sync(db, [Deleted("a")]).removed == 1


def test_gone_counts_in_an_unchanged_group_and_for_a_whole_series(db):
    days = (-28, -1, 1)
    sync(db, [event("a", group="g"), *(event(f"s/{d}", d, series="s", group="g") for d in days)])
    window = (NOW - timedelta(days=10), NOW + timedelta(days=50))
    assert sync(db, [Unchanged("g"), Deleted("s")], window=window).removed == 2
    assert sync(db, [Unchanged("g"), Deleted("a")]).removed == 1
    assert uids(db) == ["s/-28"]


def test_only_what_lies_inside_the_window_is_deleted_by_absence(db):
    sync(db, [event("old", day=-20), event("new")])
    later = (NOW - timedelta(days=10), NOW + timedelta(days=50))
    sync(db, [event("other")], window=later)
    assert uids(db) == ["old", "other"]


def test_people_of_one_name_are_told_apart(db):
    sync(
        db,
        [
            Person(uid="1", name="Ann", emails=("ann@example.org",)),
            Person(uid="2", name="Ann", emails=("ann@example.net",)),
            Person(uid="3", name="Ann"),
            Person(uid="4", name="Ann"),
        ],
    )
    names = [row["name"] for row in db.rows("SELECT name FROM entities ORDER BY id")]
    assert names == ["Ann", "Ann (ann@example.net)", "Ann (3)", "Ann (4)"]


def test_whoever_comes_next_is_not_taken_for_whoever_left(db):
    """Answers, proposals and reasons speak of "person:2", "project:2" and ("records", 2)."""
    ann, bob, cy = (Person(uid=name, name=name) for name in ("Ann", "Bob", "Cy"))
    one, two, three = (Task(uid=name, title=name, project=name) for name in ("x", "y", "z"))
    sync(db, [ann, bob, one, two])
    gone = {table: db.value(f"SELECT MAX(id) FROM {table}") for table in ROWS}
    sync(db, [ann, one])
    sync(db, [ann, cy, one, three])
    for table, row in gone.items():
        assert db.value(f"SELECT EXISTS (SELECT 1 FROM {table} WHERE id = ?)", (row,)) == 0, table


def test_a_person_made_elsewhere_is_taken_into_use_and_keeps_everything(db):
    with db.transaction():
        row = db.insert(
            "entities", profile_id=1, entity_type="person", name="Ann", metadata='{"x": 1}'
        )
        db.insert(
            "entity_attributes", profile_id=1, entity_id=row, attribute_type="love", value=0.9
        )
    sync(db, [Person(uid="1", name="Ann", emails=("ann@example.org",))])
    [entity] = db.rows("SELECT * FROM entities")
    assert entity["id"] == row
    about = json.loads(entity["metadata"])
    assert about == {"x": 1, "emails": ["ann@example.org"], "from_records": ["emails"]}
    sync(db, [Deleted("1")])
    assert json.loads(db.value("SELECT metadata FROM entities")) == {"x": 1}
    assert db.value("SELECT COUNT(*) FROM entity_attributes") == 1


def test_people_are_linked_to_events_by_their_address_in_any_order(db):
    guests = (Attendee(email="Ann@Example.org"), Attendee(email="no@x.org", status="declined"))
    sync(db, [event("e", day=-1, attendees=guests)], source="calendar")
    sync(
        db,
        [
            Person(uid="1", name="Ann", emails=("ann@example.org",)),
            Person(uid="2", name="No", emails=("no@x.org",)),
        ],
        source="contacts",
    )
    ann, no = life.people(db, 1, NOW)
    assert ann.contacts == (NOW - timedelta(days=1),)
    assert no.contacts == ()
    [seen] = life.events(db, 1, *WINDOW)
    assert seen.people == (ann.id,)


def test_tasks_become_steps_of_their_project(db):
    fetched = [
        Task(uid="1", title="Write", project="+thesis"),
        Project(uid="+thesis", name="Thesis"),
        Task(uid="2", title="Buy milk"),
    ]
    sync(db, fetched)
    names = {project.name: project for project in life.projects(db, 1)}
    assert [step.text for step in names["Thesis"].steps] == ["Write"]
    assert [step.text for step in names["Single tasks"].steps] == ["Buy milk"]


def test_a_done_task_is_history_wherever_its_line_goes(db):
    done = Task(uid="1", title="Write", status="done", completed_at=NOW - timedelta(days=1))
    sync(db, [Task(uid="1", title="Write"), Task(uid="2", title="Read")])
    sync(db, [done, Task(uid="2", title="Read")])
    sync(db, [Task(uid="3", title="New")])
    assert steps(db) == {"Write": "completed", "New": "pending"}


def test_a_missed_time_of_a_habit_is_history_too(db):
    missed = Task(uid="r/1", title="Run", status="missed", due=NOW, series="r")
    sync(db, [Project(uid="r", name="Run", kind="habit"), missed])
    sync(db, [Project(uid="r", name="Run", kind="habit"), Task(uid="2", title="Read")])
    assert steps(db) == {"Run": "missed", "Read": "pending"}
    assert sync(db, [Deleted("r"), Task(uid="2", title="Read")]).removed == 1
    assert steps(db)["Run"] == "missed"


def times(count, first=1):
    return [
        Task(uid=f"r/{number}", title="Run", project="+sport", series="r")
        for number in range(first, first + count)
    ]


def test_the_times_of_a_habit_count_once_and_go_with_it(db):
    others = [Task(uid=f"t{number}", title="t") for number in range(3)]
    sync(db, [*times(12), *others])
    assert sync(db, others).removed == 12
    sync(db, [*times(12), *others])
    assert sync(db, [Deleted("r")], complete=False).removed == 12


def test_a_time_of_a_habit_lies_in_the_habit(db):
    sport = Project(uid="+sport", name="Sport")
    habit = Project(uid="r", name="Run", kind="habit", parent="+sport")
    sync(db, [*times(2), habit, sport, Task(uid="t", title="Buy shoes", project="+sport")])
    found = {project.name: project for project in life.projects(db, 1)}
    assert [step.text for step in found["Run"].steps] == ["Run", "Run"]
    assert [step.text for step in found["Sport"].steps] == ["Buy shoes"]
    assert (found["Run"].parent, found["Sport"].parent) == (found["Sport"].id, None)


def test_a_habit_that_no_project_stands_for_is_made(db):
    sync(db, times(1))
    [made] = life.projects(db, 1)
    assert (made.name, made.kind) == ("r", "habit")


def test_a_project_may_turn_out_to_be_of_another_kind(db):
    sync(db, [Project(uid="p", name="Run")])
    sync(db, [Project(uid="p", name="Run", kind="habit")])
    assert [one.kind for one in life.projects(db, 1)] == ["habit"]


# --- what is put off -----------------------------------------------------------------------------


def put_off(db):
    return {
        step.text: step.rescheduled
        for project in life.projects(db, 1, active=False)
        for step in project.steps
    }


def task(days, **more):
    return Task(uid="1", title="Write", due=days and NOW + timedelta(days=days), **more)


def test_a_due_date_that_moves_on_is_counted_once(db):
    for days, count in [(1, 0), (3, 1), (3, 1), (2, 1), (None, 1), (4, 1), (5, 2)]:
        sync(db, [task(days)])
        assert put_off(db) == {"Write": count}
    seq = db.value("SELECT MAX(seq) FROM change_log")
    sync(db, [task(5)])
    assert db.value("SELECT MAX(seq) FROM change_log") == seq
    sync(db, [task(9, status="done", completed_at=NOW)])
    assert put_off(db) == {"Write": 2}


@pytest.mark.parametrize("more", [{"recurrence": "1w"}, {"series": "r"}])
def test_the_next_time_of_a_habit_is_no_delay(db, more):
    sync(db, [task(1, **more)])
    sync(db, [task(8, **more)])
    assert put_off(db) == {"Write": 0}


def test_a_source_that_tells_is_not_counted_twice(db):
    for days, told, count in [(1, 2, 2), (3, 3, 3), (4, 3, 4), (5, 7, 7), (5, 0, 7)]:
        sync(db, [task(days, rescheduled=told)])
        assert put_off(db) == {"Write": count}


def test_a_project_that_nothing_names_any_more_goes_or_is_completed(db):
    sync(
        db,
        [
            Project(uid="+a", name="A"),
            Project(uid="+b", name="B"),
            Project(uid="+c", name="C"),
            Task(uid="1", title="t", project="+b", status="done", completed_at=NOW),
        ],
    )
    sync(db, [Project(uid="+c", name="C")])
    rows = db.rows("SELECT name, status FROM workflows ORDER BY name")
    assert [tuple(row) for row in rows] == [("B", "completed"), ("C", "active")]


def test_a_project_that_only_tasks_name_is_as_far_as_they_are(db):
    def synced(project, **more):
        sync(db, [Task(uid="1", title="t", project=project, **more)])
        return {one.name: one.status for one in life.projects(db, 1, active=False)}

    assert synced("a") == {"a": "active"}
    assert synced("b") == {"b": "active"}
    assert synced("b", status="done", completed_at=NOW) == {"b": "completed"}
    assert synced("b") == {"b": "active"}


def test_a_habit_goes_on_between_two_of_its_times(db):
    first, second = times(2)
    over = Task(uid="r/1", title="Run", series="r", status="done", completed_at=NOW)
    for fetched in [first], [over], [over, second]:
        sync(db, fetched)
        assert [one.status for one in life.projects(db, 1)] == ["active"]
    sync(db, [over])
    assert [one.status for one in life.projects(db, 1, active=False)] == ["completed"]
    sync(db, [over, *times(1, first=3)])
    assert [one.status for one in life.projects(db, 1)] == ["active"]


def test_a_project_that_is_told_of_says_itself_how_far_it_is(db):
    for status in ("open", "done"):
        project = Project(uid="p", name="P", status="completed" if status == "open" else "active")
        sync(db, [project, Task(uid="1", title="t", project="p", status=status)])
        assert [one.status for one in life.projects(db, 1, active=False)] == [project.status]


def test_other_profiles_are_not_seen(db):
    profiles.ensure(db, 2)
    records.apply(db, 2, "s", [Person(uid="1", name="Zed"), event("z")], WINDOW)
    sync(db, [Person(uid="1", name="Ann")])
    assert [person.name for person in life.people(db, 1, NOW)] == ["Ann"]
    assert life.events(db, 1, *WINDOW) == []


TEXT = st.text(st.characters(blacklist_categories=("Cs",)), min_size=1, max_size=12)
DAYS = st.integers(-25, 25)
RECORDS = st.lists(
    st.one_of(
        st.builds(lambda u, n: Person(uid=f"p{u}", name=n), st.integers(0, 9), TEXT),
        st.builds(lambda u, n: Project(uid=f"w{u}", name=n), st.integers(0, 9), TEXT),
        st.builds(
            lambda u, n, p: Task(uid=f"t{u}", title=n, project=p),
            st.integers(0, 9),
            TEXT,
            st.none() | st.integers(0, 9).map("w{}".format),
        ),
        st.builds(
            lambda u, n, s, d, w: Task(
                uid=f"h{u}", title=n, status=s, due=NOW + timedelta(days=d), series=f"w{w}"
            ),
            st.integers(0, 9),
            TEXT,
            st.sampled_from(["open", "done", "missed", "cancelled"]),
            DAYS,
            st.integers(0, 9),
        ),
        st.builds(lambda u, n, d: event(f"e{u}", d, title=n), st.integers(0, 9), TEXT, DAYS),
    ),
    unique_by=lambda record: record.uid,
    max_size=15,
)


@pytest.fixture
def fresh(tmp_path_factory):
    def make():
        store = Store.open(Home.under(tmp_path_factory.mktemp("h")).database, FixedClock(NOW))
        profiles.ensure(store, 1)
        return store

    return make


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(first=RECORDS, second=RECORDS)
def test_any_records_synced_twice_change_nothing_the_second_time(fresh, first, second):
    with fresh() as db:
        sync(db, first)
        sync(db, second)
        seq = db.value("SELECT MAX(seq) FROM change_log")
        again = sync(db, second)
        assert (again.added, again.changed, again.removed) == (0, 0, 0)
        assert db.value("SELECT MAX(seq) FROM change_log") == seq
        if second:
            assert {record.uid for record in second} <= set(uids(db))
        assert db.rows("PRAGMA foreign_key_check") == []


def test_no_task_is_put_in_place_by_reading_all_the_others(db):
    said = []
    db.connection.set_trace_callback(said.append)
    sync(db, [Task(uid="t", title="Wash up"), Task(uid="u", title="Dry", project="Kitchen")])
    sync(db, [Task(uid="t", title="Wash up", status="done"), Task(uid="u", title="Dry")])
    db.connection.set_trace_callback(None)
    looked = [one for one in said if one.startswith("SELECT") and "FROM workflow_steps" in one]
    assert looked
    for statement in looked:
        for step in db.rows(f"EXPLAIN QUERY PLAN {statement}"):
            assert " USING " in step["detail"], statement


def test_what_is_told_twice_is_listed_once(db):
    # A folder that cannot be read is met by each of the formats that are looked for in it.
    folder = RecordError("/lists", "Permission denied", "/lists")
    assert len(sync(db, [folder, RecordError("u", "is bad", "/lists"), folder]).errors) == 2
    assert [one["uid"] for one in sources.errors(db, 1, "s")] == ["/lists", "u"]
