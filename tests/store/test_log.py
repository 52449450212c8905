from __future__ import annotations

import sqlite3

from twind.store import log


def add_person(db, name):
    with db.transaction():
        return db.insert("entities", profile_id=1, entity_type="person", name=name)


def test_any_process_that_writes_is_an_event(db, home):
    log.advance(db, "detect", log.max_seq(db))
    assert not log.pending(db, "detect")
    other = sqlite3.connect(home.database)
    other.execute(
        "INSERT INTO entities (id, profile_id, entity_type, name) VALUES (1, 1, 'person', 'Ann')"
    )
    other.commit()
    other.close()
    assert log.pending(db, "detect")


def test_a_consumer_that_never_read_has_everything_before_it(db):
    assert log.pending(db, "detect")


def test_an_update_that_changes_nothing_is_no_event(db):
    person = add_person(db, "Ann")
    before = log.max_seq(db)
    db.execute("UPDATE entities SET name = 'Ann' WHERE id = ?", (person,))
    assert log.max_seq(db) == before
    db.execute("UPDATE entities SET name = 'Anna' WHERE id = ?", (person,))
    assert log.max_seq(db) == before + 1


def test_numbers_are_never_used_again(db):
    add_person(db, "Ann")
    newest = log.max_seq(db)
    db.execute("DELETE FROM change_log")
    add_person(db, "Bo")
    assert log.max_seq(db) == newest + 1


def test_a_cursor_never_goes_back(db):
    log.advance(db, "detect", 5)
    log.advance(db, "detect", 3)
    assert log.cursor(db, "detect") == 5


def test_what_a_consumer_writes_does_not_wake_it(db):
    log.advance(db, "detect", log.max_seq(db))
    with db.transaction():
        db.insert("patterns", profile_id=1, pattern_type="preference")
    assert not log.pending(db, "detect")
