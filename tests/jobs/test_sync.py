"""The real sync, with drop-in plugins whose records the test drives."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import tempfile
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
)

from twind import messages, overtaken, plugins
from twind import settings as configuration
from twind.clock import FixedClock
from twind.home import Home
from twind.jobs import sync
from twind.jobs.sync import duration
from twind.jobs.work import Work
from twind.model import (
    Attendee,
    CalendarEvent,
    Deleted,
    Person,
    RecordError,
    Task,
    Unchanged,
)
from twind.plaintext import one_line
from twind.store import Store, life, outbox, people, profiles, proposals, sources
from twind.store import status as store_status
from twind.store.log import cursor, max_seq

NOW = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)

PLUGIN = """
import os
from twind.api import hookimpl

class Driven:
    def __init__(self, name):
        self.name = name
        self.script = []

    def fetch(self, ctx):
        for number, item in enumerate(self.script):
            if isinstance(item, BaseException):
                raise item
            yield item
        ctx.state["fetches"] = ctx.state.get("fetches", 0) + 1

@hookimpl
def twind_register(register):
    for name in ("one", "two"):
        register(Driven(name))
"""


@dataclass
class Rig:
    """A home whose drop-in plugins do as they are told, and a database."""

    home: Home
    settings: Any
    loaded: dict[str, plugins.Loaded]
    db: Store | None = None
    clock: FixedClock = field(default_factory=lambda: FixedClock(NOW))

    @contextlib.contextmanager
    def fresh(self):
        """A rig with a database of its own: the plugins are loaded once."""
        with tempfile.TemporaryDirectory() as folder:
            home = Home.under(Path(folder))
            clock = FixedClock(NOW)
            with Store.open(home.database, clock) as db:
                profiles.ensure(db, 1)
                yield replace(self, home=home, db=db, clock=clock)

    def sync(self, name, script):
        self.loaded[name].plugin.script = list(script)
        work = Work(self.db, self.home, self.settings, self.clock)
        return sync.sync_one(work, self.loaded[name])

    def uids(self, name="one"):
        rows = self.db.rows("SELECT uid FROM records WHERE source = ? ORDER BY uid", (name,))
        return [row["uid"] for row in rows]

    def health(self, name="one"):
        return sources.health(self.db, 1)[name]


@pytest.fixture(scope="module")
def loaded(tmp_path_factory):
    home = Home.under(tmp_path_factory.mktemp("home"))
    [folder] = home.plugin_dirs
    folder.mkdir()
    (folder / "driven.py").write_text(PLUGIN)
    core = configuration.parse({"profile": {"timezone": "Europe/Berlin"}})
    found = plugins.load(home, core)
    return Rig(home, core, {name: found.get(name) for name in ("one", "two")})


@pytest.fixture
def rig(loaded):
    with loaded.fresh() as made:
        yield made


def event(uid, day=1, **more):
    start = NOW + timedelta(days=day)
    return CalendarEvent(
        uid=uid, title=more.pop("title", uid), start=start, end=start + timedelta(hours=1), **more
    )


def crowd(count):
    return [Person(uid=f"{n:03}", name=f"P {n}") for n in range(count)]


def everything(db):
    """Return all rows that somebody could look at, but for the times of the last fetch."""
    tables = ("records", "entities", "workflows", "workflow_steps", "event_people", "same_person")
    rows = {table: [tuple(row) for row in db.rows(f"SELECT * FROM {table}")] for table in tables}
    return {
        **rows,
        "seq": max_seq(db),
        "cursors": [tuple(r) for r in db.rows("SELECT * FROM cursors")],
    }


def who(db):
    """Return the people without their ids: names, what is known, records, events attended."""
    rows = {row["id"]: row for row in db.rows("SELECT * FROM entities")}
    attended: dict[int, set[str]] = {}
    for row in db.rows(
        "SELECT p.entity_id, r.uid FROM event_people p JOIN records r ON r.id = p.record_id"
    ):
        attended.setdefault(row["entity_id"], set()).add(row["uid"])
    return {
        one.name: (
            sorted(one.records),
            one.links,
            rows[one.id]["metadata"],
            rows[one.id]["description"],
            sorted(attended.get(one.id, ())),
        )
        for one in people.known(db, 1)
    }


# --- what is proposed ----------------------------------------------------------------------------


def test_an_event_withdraws_what_it_falls_upon_at_once(rig, proposal):
    day = timedelta(days=1)
    ids = proposals.add(rig.db, 1, [proposal(NOW + n * day) for n in (1, 2)], {})
    rig.sync("one", [event("e", day=1)])
    stands = {one.id: one.details.get("withdrawn") for one in proposals.load(rig.db, 1)}
    assert stands == {ids[0]: overtaken.TAKEN, ids[1]: None}


# --- a source that is held back ------------------------------------------------------------------


def test_a_large_loss_is_held_back_and_asked_about_once(rig, caplog):
    caplog.set_level(logging.DEBUG, logger="twind.sync")
    rig.sync("one", crowd(200))
    good_at = rig.health()["last_ok_at"]
    rig.clock.advance(minutes=15)
    left = [*crowd(20)[1:], Person(uid="000", name="Renamed"), Person(uid="new", name="New")]
    for _ in range(3):
        rig.sync("one", left)
        rig.clock.advance(minutes=15)
    health = rig.health()
    assert health["last_error"] == (
        "would remove 180 of 200 records; `twind plugins accept one` lets it, or restore the source"
    )
    assert (health["trouble"], health["last_ok_at"], health["records"]) == ("held", good_at, 201)
    assert len(rig.uids()) == 201
    assert rig.db.value("SELECT COUNT(*) FROM entities WHERE name IN ('Renamed', 'New')") == 2
    warnings = [r.getMessage() for r in caplog.records if r.levelno == logging.WARNING]
    assert warnings == [f"one: {health['last_error']}"]
    [message] = outbox.due(rig.db, 1)
    [text] = messages.in_words(rig.db, 1, [message], UTC, rig.clock.now())
    assert "twind plugins accept one" in text.body
    assert "180 of 200" in text.body
    assert store_status.summary(rig.db, 1)["sources"]["one"]["last_error"] == health["last_error"]


def test_a_hold_ends_by_itself_when_the_records_return(rig, caplog):
    caplog.set_level(logging.INFO, logger="twind.sync")
    rig.sync("one", crowd(200))
    rig.sync("one", crowd(20))
    rig.clock.advance(hours=2, minutes=5)
    told = rig.sync("one", crowd(199))
    assert (told["removed"], told["held"]) == (1, "")
    assert rig.health()["last_error"] is None
    assert caplog.messages[-1] == "one is back, after 2 h 5 min"
    rig.sync("one", crowd(20))
    keys = [row["key"] for row in rig.db.rows("SELECT key FROM outbox")]
    assert len(set(keys)) == 2


def test_an_accepted_loss_goes_with_the_next_sync(rig):
    rig.sync("one", crowd(200))
    rig.sync("one", crowd(20))
    sources.accept(rig.db, 1, "one")
    rig.sync("one", [*crowd(20), OSError("down")])
    assert len(rig.uids()) == 200
    assert rig.sync("one", crowd(20))["removed"] == 180
    assert rig.health()["last_error"] is None


def test_a_held_source_is_asked_again_for_what_it_had(rig):
    """It must not come to believe that its last word was taken: `Unchanged` would bless it."""
    rig.sync("one", crowd(200))
    assert sources.state(rig.db, 1, "one") == {"fetches": 1}
    rig.sync("one", crowd(20))
    assert sources.state(rig.db, 1, "one") == {"fetches": 1}
    rig.sync("one", crowd(200))
    assert sources.state(rig.db, 1, "one") == {"fetches": 2}


def test_a_file_that_shrinks_is_held_until_it_is_accepted(tmp_path):
    from twind.testing import Twin

    todo = tmp_path / "todo.txt"
    todo.write_text("".join(f"task number {n}\n" for n in range(40)))
    plugin = Path(sync.__file__).parents[2] / "plugins" / "tasks"
    with Twin(plugin, {"paths": [str(todo)]}, root=tmp_path / "twin") as twin:
        had = twin.sync().records
        twin.clock.advance(hours=1)
        todo.write_text("task number 0\n")
        for _ in range(3):
            twin.clock.advance(hours=1)
            held = twin.sync()
            assert (held.records, held.deleted) == (had, ())
            assert held.held.startswith("would remove 39 of ")
        sources.accept(twin._db, 1, twin.name)
        assert len(twin.sync().deleted) == 39
        assert twin.sync().changed == ()


@pytest.mark.parametrize("forgets", [False, True])
def test_a_share_that_is_not_mounted_loses_nothing(tmp_path, forgets):
    """Whatever its files are, whichever day it is, and where all sources are to be read anew."""
    from twind.testing import Twin

    todo, share = tmp_path / "todo.txt", tmp_path / "share"
    todo.write_text("water the plants +home\n")
    share.mkdir()
    (share / "todo.txt").write_text("mend the roof +house\n")
    (share / "notes.org").write_text("* TODO read a book\n")
    (share / "list.ics").write_text(
        "BEGIN:VCALENDAR\nBEGIN:VTODO\nUID:v\nSUMMARY:sing\nEND:VTODO\nEND:VCALENDAR\n"
    )
    plugin = Path(sync.__file__).parents[2] / "plugins" / "tasks"
    with Twin(plugin, {"paths": [str(todo), str(share)]}, root=tmp_path / "twin") as twin:
        had = twin.sync().records
        share.rename(tmp_path / "elsewhere")
        todo.write_text("water the plants +home\ncall Ada\n")
        for _ in range(2):
            if forgets:
                sources.reread(twin._db, 1)
            twin.clock.advance(days=1)
            without = twin.sync()
            assert (without.records, without.deleted) == (had + 1, ())
            assert not without.error
            [error] = sources.errors(twin._db, 1, twin.name)
            assert error["uid"] == str(share)
        (tmp_path / "elsewhere").rename(share)
        twin.clock.advance(days=1)
        assert not twin.sync().deleted
        assert sources.errors(twin._db, 1, twin.name) == []


def test_a_source_that_wants_another_password_tells_its_user_once(rig):
    from twind.api import AuthenticationFailed

    rig.sync("one", crowd(3))
    for _ in range(3):
        rig.clock.advance(minutes=15)
        rig.sync("one", [AuthenticationFailed("who are you?")])
    [message] = outbox.due(rig.db, 1)
    [text] = messages.in_words(rig.db, 1, [message], UTC, rig.clock.now())
    assert text.title == "one does not let twind in"
    assert text.body.startswith("who are you? What one had is kept")
    rig.sync("one", crowd(3))
    assert messages.useless(rig.db, 1, message.payload, rig.clock.now()) == "that is over"
    rig.clock.advance(minutes=15)
    rig.sync("one", [AuthenticationFailed("who are you?")])
    assert len(outbox.due(rig.db, 1)) == 2


# --- what is logged ------------------------------------------------------------------------------


def test_trouble_is_logged_once_when_it_comes_and_once_when_it_goes(rig, caplog):
    from twind.api import AuthenticationFailed

    caplog.set_level(logging.DEBUG, logger="twind.sync")
    rig.sync("one", crowd(3))
    for trouble in (OSError("down"), OSError("still down"), AuthenticationFailed("who are you")):
        rig.clock.advance(hours=13)
        rig.sync("one", [trouble])
        rig.sync("one", [trouble])
    rig.sync("one", crowd(3))
    rig.sync("one", crowd(3))
    levels = [record.levelname for record in caplog.records]
    assert levels == ["WARNING", "DEBUG", "DEBUG", "DEBUG", "WARNING", "DEBUG", "INFO"]
    assert "down" in caplog.messages[0]
    assert "who are you" in caplog.messages[4]
    assert caplog.messages[-1] == "one is back, after 1 d 2 h"


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (-5, "0 s"),
        (59.9, "59 s"),
        (3600, "1 h"),
        (3661, "1 h 1 min"),
        (90_061, "1 d 1 h"),
        (86_405, "1 d"),
    ],
)
def test_a_duration_is_told_in_two_units(seconds, said):
    assert duration(timedelta(seconds=seconds)) == said


# --- what can go wrong in the middle -------------------------------------------------------------


@pytest.mark.parametrize("state", [{"a": object()}, {"a": "\ud800"}, {1: 1, "a": 1}])
def test_a_state_that_cannot_be_kept_is_that_plugins_failure(rig, state):
    rig.sync("one", crowd(3))

    class Spoils(list):
        def __iter__(self):
            yield from crowd(2)

    plugin = rig.loaded["one"].plugin
    plugin.script = []
    fetch = type(plugin).fetch
    try:
        type(plugin).fetch = lambda self, ctx: ctx.state.update(state) or iter(Spoils())
        told = sync.sync_one(Work(rig.db, rig.home, rig.settings, rig.clock), rig.loaded["one"])
    finally:
        type(plugin).fetch = fetch
    assert "ctx.state is no JSON" in told["error"]
    assert sources.state(rig.db, 1, "one") == {"fetches": 1}
    assert len(rig.uids()) == 3


MEETING = event("m", attendees=(Attendee(email="a@x"), Attendee(email="b@x")))
TEXT = st.text(st.characters(blacklist_categories=("Cs", "Cc")), min_size=1, max_size=8).filter(
    one_line  # a title of which nothing can be shown is refused
)
EMAILS = st.lists(st.sampled_from(["a@x", "b@x", "c@x"]), max_size=2, unique=True).map(tuple)
PEOPLE = st.builds(
    Person,
    uid=st.sampled_from("123456").map("p{}".format),
    name=st.sampled_from(["Ann", "Ann Lee", "Lee, Ann", "Bo Lee"]) | TEXT,
    emails=EMAILS,
    phones=st.sampled_from([(), ("+49301234567",), ("030 1234567",)]),
    organisation=st.sampled_from(["", "Acme"]),
    note=st.sampled_from(["", "n"]),
)
RECORDS = st.lists(
    PEOPLE
    | st.builds(Task, uid=st.sampled_from("123").map("t{}".format), title=TEXT)
    | st.builds(
        event,
        st.sampled_from("123456").map("e{}".format),
        st.integers(-170, 80),
        title=TEXT,
        attendees=st.lists(
            st.builds(Attendee, email=st.sampled_from(["a@x", "b@x", "z@x"])),
            max_size=2,
            unique=True,
        ).map(tuple),
    ),
    unique_by=lambda record: record.uid,
    max_size=9,
)
MANY = settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@MANY
@given(RECORDS, RECORDS)
def test_any_records_synced_twice_change_nothing_the_second_time(loaded, first, second):
    with loaded.fresh() as rig:
        rig.sync("one", first)
        rig.sync("two", second)
        before = everything(rig.db)
        rig.clock.advance(minutes=15)
        for name, script in (("one", first), ("two", second)):
            told = rig.sync(name, script)
            assert (told["added"], told["changed"], told["removed"]) == (0, 0, 0)
        assert everything(rig.db) == before


@MANY
@given(RECORDS, RECORDS, st.integers(0, 9))
def test_an_error_at_any_record_moves_no_cursor_and_loses_nothing(loaded, first, second, at):
    with loaded.fresh() as rig:
        rig.sync("one", first)
        had, read = set(rig.uids()), cursor(rig.db, "detect")
        told = rig.sync("one", [*second[:at], OSError("down"), *second[at:]])
        assert "down" in told["error"]
        assert sources.state(rig.db, 1, "one") == {"fetches": 1}
        assert cursor(rig.db, "detect") == read
        assert set(rig.uids()) == had | {record.uid for record in second[:at]}
        rig.sync("one", second)
        with loaded.fresh() as straight:
            straight.sync("one", first)
            straight.sync("one", second)
            assert rig.uids() == straight.uids()
            assert who(rig.db) == who(straight.db)


@settings(MANY, max_examples=25)
@given(RECORDS, RECORDS, st.integers(1, 400))
def test_a_worker_killed_at_any_instant_has_done_all_or_nothing(loaded, first, second, steps):
    """A process of its own is ended after so many hundred steps of SQLite's machine."""
    with loaded.fresh() as rig:
        rig.sync("one", first)
        before, good_at = everything(rig.db), rig.health()
        child = os.fork()
        if child == 0:
            with Store.open(rig.home.database, rig.clock) as db:
                db.connection.set_progress_handler(lambda: os._exit(9), steps * 100)
                replace(rig, db=db).sync("one", second)
            os._exit(0)
        _, status = os.waitpid(child, 0)
        killed = os.waitstatus_to_exitcode(status) == 9
        unread = sources.state(rig.db, 1, "one") == {"fetches": 1}
        if killed and unread and rig.health() == good_at:
            assert everything(rig.db) == before
        assert rig.db.value("PRAGMA integrity_check") == "ok"
        rig.sync("one", second)
        with loaded.fresh() as straight:
            straight.sync("one", first)
            straight.sync("one", second)
            assert rig.uids() == straight.uids()
            assert who(rig.db) == who(straight.db)


# --- what may be deleted -------------------------------------------------------------------------

UIDS = st.sampled_from(["a", "b", "c", "d", "e"])
GROUPS = st.sampled_from(["", "g", "h"])
ITEMS = st.lists(
    st.builds(
        lambda u, g, d: event(u, d, group=g), UIDS, GROUPS, st.sampled_from([-500, -1, 1, 500])
    )
    | st.builds(lambda u, g: Person(uid=u, name=u, group=g), UIDS, GROUPS)
    | st.builds(Unchanged, GROUPS.filter(bool))
    | st.builds(Deleted, UIDS)
    | st.builds(RecordError, UIDS, st.just("bad"), GROUPS),
    max_size=7,
)


def expected(had, fetch, complete):
    """Return what a source has after a fetch, told as simply as can be."""
    yielded = {}
    for item in fetch:
        if isinstance(item, Person | CalendarEvent):
            yielded.setdefault(item.uid, item)
    stand = {item.group for item in fetch if isinstance(item, Unchanged)}
    gone = {item.uid for item in fetch if isinstance(item, Deleted)} - yielded.keys()
    errors = [item for item in fetch if isinstance(item, RecordError)]
    # The second of one uid is refused; the first one counts.
    bad = {item.uid for item in errors}
    kept = {}
    empty = not yielded and not any(record.group in stand for record in had.values())
    for uid, record in had.items():
        outside = isinstance(record, CalendarEvent) and abs(record.start - NOW).days > 400
        stays = (
            not complete or empty or outside or record.group in stand or bad & {uid, record.group}
        )
        if stays and uid not in gone:
            kept[uid] = record
    return kept | yielded


ANN, BO = (Person(uid=name, name=name) for name in ("ann", "bo"))


@MANY
@given(st.lists(st.tuples(ITEMS, st.booleans()), max_size=5))
@example([([ANN], True), ([], True), ([BO], False), ([], True)])
def test_any_interleaving_keeps_what_it_should(loaded, fetches):
    with loaded.fresh() as rig:
        had: dict[str, Any] = {}
        for items, complete in fetches:
            told = rig.sync("one", items if complete else [*items, OSError("down")])
            had = expected(had, items, complete)
            assert rig.uids() == sorted(had)
            assert told["records"] == len(had)
            titles = {
                row["uid"]: json.loads(row["payload"])
                for row in rig.db.rows("SELECT * FROM records")
            }
            assert {uid for uid, one in titles.items() if "title" in one} == {
                uid for uid, one in had.items() if isinstance(one, CalendarEvent)
            }


# --- any order of two sources --------------------------------------------------------------------


@MANY
@given(RECORDS, RECORDS)
def test_any_order_of_two_sources_gives_the_same_people(loaded, first, second):
    told = []
    for order in ((("one", first), ("two", second)), (("two", second), ("one", first))):
        with loaded.fresh() as rig:
            for name, script in order:
                rig.sync(name, script)
            told.append(who(rig.db))
    assert told[0] == told[1]


def test_contacts_and_calendar_in_either_order(loaded):
    contacts = [Person(uid="1", name="Ann", emails=("a@x",)), Person(uid="2", name="Bo")]
    met = []
    for order in (("one", "two"), ("two", "one")):
        with loaded.fresh() as rig:
            for name in order:
                rig.sync(name, contacts if name == "one" else [MEETING, event("past", -1)])
            met.append(
                {p.name: p.contacts for p in life.people(rig.db, 1, NOW + timedelta(days=9))}
            )
    assert met[0] == met[1] == {"Ann": (MEETING.start,), "Bo": ()}


class TwoSources(RuleBasedStateMachine):
    """Two sources that change, fail, shrink and are synced in any order, and a user with a word."""

    rig: Rig

    @initialize()
    def open(self):
        self.context = self.rig.fresh()
        self.live = self.context.__enter__()
        self.has: dict[str, dict[str, Any]] = {"one": {}, "two": {}}

    def teardown(self):
        if hasattr(self, "context"):
            self.settle()
            self.context.__exit__(None, None, None)

    @rule(name=st.sampled_from(["one", "two"]), record=PEOPLE)
    def put(self, name, record):
        self.has[name][record.uid] = record

    @rule(name=st.sampled_from(["one", "two"]), luck=st.randoms(use_true_random=False))
    def drop(self, name, luck):
        if self.has[name]:
            del self.has[name][luck.choice(sorted(self.has[name]))]

    @rule(name=st.sampled_from(["one", "two"]))
    def sync(self, name):
        self.live.sync(name, self.has[name].values())
        if not self.live.health(name)["held_since"]:
            assert self.live.uids(name) == sorted(self.has[name])

    @rule(name=st.sampled_from(["one", "two"]), at=st.integers(0, 3))
    def break_off(self, name, at):
        before = set(self.live.uids(name))
        some = list(self.has[name].values())[:at]
        self.live.sync(name, [*some, OSError("down")])
        assert set(self.live.uids(name)) == before | {record.uid for record in some}

    @rule(name=st.sampled_from(["one", "two"]))
    def accept(self, name):
        if sources.held_upto(self.live.db, 1, name) is not None:
            sources.accept(self.live.db, 1, name)

    @precondition(lambda self: len(people.known(self.live.db, 1)) > 1)
    @rule(luck=st.randoms(use_true_random=False))
    def link(self, luck):
        a, b = luck.sample(people.known(self.live.db, 1), 2)
        people.link(self.live.db, 1, a.id, b.id)

    @rule(luck=st.randoms(use_true_random=False))
    def unlink(self, luck):
        several = [one for one in people.known(self.live.db, 1) if len(one.records) > 1]
        if several:
            people.unlink(self.live.db, 1, luck.choice(several).id)

    @invariant()
    def people_are_what_their_records_say(self):
        if not hasattr(self, "live"):
            return
        db = self.live.db
        assert db.rows("PRAGMA foreign_key_check") == []
        known = people.known(db, 1)
        assert all(one.records for one in known)
        behind = sorted(key for one in known for key in one.records)
        assert behind == sorted(people._records(db, 1))

    def settle(self):
        """However it came about: the same as two syncs of a fresh database, in the other order."""
        for name in ("one", "two"):
            self.sync(name)
            self.accept(name)
            self.sync(name)
        with self.rig.fresh() as straight:
            with straight.db.transaction():
                for row in self.live.db.rows("SELECT * FROM same_person"):
                    straight.db.execute(
                        "INSERT INTO same_person VALUES (?, ?, ?, ?, ?, ?, ?)", tuple(row)
                    )
            for name in ("two", "one"):
                straight.sync(name, self.has[name].values())
            assert who(straight.db) == who(self.live.db)


def test_two_sources_and_a_user_in_any_order(loaded):
    from hypothesis.stateful import run_state_machine_as_test

    machine = type("Machine", (TwoSources,), {"rig": loaded})
    run_state_machine_as_test(
        machine, settings=settings(max_examples=40, stateful_step_count=20, deadline=None)
    )
