"""The user's words: what ends which, and which rows they are about after anything."""

from __future__ import annotations

from datetime import timedelta

import pytest

from twind.model import Attendee, CalendarEvent, Deleted, Person, Task
from twind.store import Store, log, migrations, profiles, questions, records, words


def sync(db, *fetched, source="calendar"):
    now = db.clock.now()
    records.apply(db, 1, source, fetched, (now - timedelta(days=30), now + timedelta(days=30)))


def event(db, uid, *emails):
    start = db.clock.now() - timedelta(days=1)
    guests = tuple(Attendee(email=email, status="accepted") for email in emails)
    return CalendarEvent(
        uid=uid, title=uid, start=start, end=start + timedelta(hours=1), attendees=guests
    )


def standing(db, profile_id=1):
    return [(word.kind, word.subject, word.value) for word in words.load(db, profile_id)]


def drop(db, subject):
    words.say(db, 1, "evidence", subject)


@pytest.mark.parametrize(
    ("earlier", "later", "left"),
    [
        ("pin", "pin", ["pin"]),
        ("pin", "set", ["set"]),
        ("set", "pin", ["pin"]),
        ("pin", "wrong", ["wrong"]),
        ("wrong", "pin", ["wrong", "pin"]),
        ("wrong", "set", ["wrong", "set"]),
        ("wrong", "forget", ["forget"]),
        ("forget", "set", ["set"]),
        ("forget", "wrong", ["wrong"]),
    ],
)
def test_which_word_ends_which(db, earlier, later, left):
    words.say(db, 1, earlier, "VAL_GROWTH", value=0.2)
    words.say(db, 1, earlier, "VAL_SECURITY", value=0.2)
    words.say(db, 1, later, "VAL_GROWTH", value=0.4)
    assert [kind for kind, subject, _ in standing(db) if subject == "VAL_GROWTH"] == left
    assert standing(db)[-1] == (later, "VAL_GROWTH", 0.4)
    assert (earlier, "VAL_SECURITY", 0.2) in standing(db)


def test_words_are_of_one_profile(db):
    profiles.ensure(db, 2)
    words.say(db, 2, "forget", "VAL_GROWTH")
    assert standing(db) == []
    assert words.take_back(db, 1, ("forget",), "VAL_GROWTH") == 0
    assert words.take_back(db, 2, ("forget",), "VAL_GROWTH") == 1


def test_a_word_and_its_taking_back_wake_what_reads_the_evidence(db):
    log.advance(db, "detect", log.max_seq(db))
    words.say(db, 1, "forget", "VAL_GROWTH")
    assert log.pending(db, "detect")
    log.advance(db, "detect", log.max_seq(db))
    words.take_back(db, 1, ("forget",), "VAL_GROWTH")
    assert log.pending(db, "detect")


def test_a_dropped_record_stays_dropped_when_its_source_is_read_anew(db):
    sync(db, event(db, "a:b/7"), event(db, "other"))
    row = db.value("SELECT id FROM records WHERE uid = 'a:b/7'")
    subject = words.origin(("records", row), words.origins(db, 1))
    assert subject == "calendar:a:b/7"
    drop(db, subject)
    assert words.rows(db, 1) == {("records", row)}
    sync(db, Deleted("a:b/7"), Deleted("other"))
    assert words.rows(db, 1) == frozenset()
    sync(db, event(db, "new"), event(db, "a:b/7"))
    again = db.value("SELECT id FROM records WHERE uid = 'a:b/7'")
    assert again != row
    assert words.rows(db, 1) == {("records", again)}


def test_a_dropped_task_is_its_record_and_its_step(db):
    sync(db, Task(uid="t", title="t"), source="tasks")
    step = db.value("SELECT id FROM workflow_steps")
    assert words.origin(("workflow_steps", step), words.origins(db, 1)) == "tasks:t"
    drop(db, "tasks:t")
    [record] = db.rows("SELECT id FROM records")
    assert words.rows(db, 1) == {("records", record["id"]), ("workflow_steps", step)}


def test_rows_that_no_record_stands_behind_are_named_by_themselves(db):
    assert words.origin(("feedback", 3), {}) == "feedback/3"
    drop(db, "feedback/3")
    drop(db, "calendar:gone")
    assert words.rows(db, 1) == {("feedback", 3)}


def test_what_was_said_of_an_answer_goes_with_it(db):
    with db.transaction():
        question = db.insert("questions", text="?", question_type="binary", active=1)
        option = db.insert("answer_options", question_id=question, text="yes")
    given = questions.answer(db, 1, question, option)
    drop(db, f"responses/{given}")
    questions.take_back(db, 1, given)
    assert words.rows(db, 1) == frozenset()
    assert questions.answer(db, 1, question, option) > given


def test_somebody_stays_forgotten_under_another_row_and_their_events_with_them(db):
    ann = Person(uid="ann", name="Ann", emails=("ann@x.org",))
    bob = Person(uid="bob", name="Bob", emails=("bob@x.org",))
    sync(db, ann, bob, source="contacts")
    both = [event(db, "with both", "ann@x.org", "bob@x.org"), event(db, "with Bob", "bob@x.org")]
    sync(db, *both)
    words.say(db, 1, "person", "contacts:ann")
    before = db.value("SELECT id FROM entities WHERE name = 'Ann'")
    assert words.people(db, 1) == {before}
    row = db.value("SELECT id FROM records WHERE uid = 'with both'")
    assert words.rows(db, 1) == {("records", row)}
    sync(db, Deleted("ann"), source="contacts")
    assert words.people(db, 1) == frozenset()
    sync(db, Person(uid="zoe", name="Zoe"), bob, source="contacts")
    sync(db, ann, Person(uid="zoe", name="Zoe"), bob, source="contacts")
    after = db.value("SELECT id FROM entities WHERE name = 'Ann'")
    assert after != before
    assert words.people(db, 1) == {after}


def test_a_row_made_elsewhere_can_be_forgotten_too(db):
    with db.transaction():
        row = db.insert("entities", profile_id=1, entity_type="person", name="Ann")
    words.say(db, 1, "person", f":{row}")
    assert words.people(db, 1) == {row}


def test_a_database_from_before_gains_the_table_and_the_column(home):
    with Store.open(home.database) as db:
        db.execute("DROP TABLE words")
        db.execute("ALTER TABLE evidence DROP COLUMN origin")
        db.execute(f"DELETE FROM {migrations.TABLE} WHERE name = 'words'")
        db.execute(
            "INSERT INTO evidence (profile_id, key, kind, at, text, weight, aspects) "
            "VALUES (1, 'k', 'answer', '2026-01-01', 't', 1, '[]')"
        )
    with Store.open(home.database) as db:
        words.say(db, 1, "source", "calendar")
        assert words.is_forgotten(db, 1, "calendar")
        assert not words.is_forgotten(db, 1, "tasks")
        assert log.max_seq(db) > 0
        assert db.value("SELECT origin FROM evidence") == ""
