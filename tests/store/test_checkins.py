from __future__ import annotations

import sqlite3
from datetime import timedelta

import pytest

from twind.errors import NotFoundError
from twind.store import Store, checkins, log, migrations, profiles


def test_what_was_said_comes_back_oldest_first_and_of_one_profile(db, clock):
    profiles.ensure(db, 2)
    first = checkins.add(db, 1, 0.25, "a short night")
    clock.advance(hours=3)
    second = checkins.add(db, 1, 1.0)
    checkins.add(db, 2, 0.5)
    assert checkins.load(db, 1) == [first, second]
    assert (first.energy, first.level, first.note) == (0.25, 2, "a short night")
    assert second.at - first.at == timedelta(hours=3)
    assert checkins.load(db, 1, since=second.at) == [second]
    assert checkins.load(db, 1, since=clock.now() + timedelta(seconds=1)) == []


def test_the_last_one_is_taken_back(db):
    first, second = checkins.add(db, 1, 0.0), checkins.add(db, 1, 1.0)
    assert checkins.take_back(db, 1) == second
    assert checkins.load(db, 1) == [first]
    checkins.take_back(db, 1)
    with pytest.raises(NotFoundError, match="no check-in to take back"):
        checkins.take_back(db, 1)


def test_the_last_one_said_is_the_last_whatever_the_clock_did(db, clock):
    later = checkins.add(db, 1, 0.5)
    clock.advance(hours=-2)
    sooner = checkins.add(db, 1, 1.0)
    assert checkins.load(db, 1) == [sooner, later]
    assert checkins.take_back(db, 1) == sooner


@pytest.mark.parametrize("level", [1, 2, 3, 4, 5])
def test_a_level_is_an_energy_and_back(db, level):
    assert checkins.add(db, 1, checkins.energy_of(level)).level == level


@pytest.mark.parametrize("level", [0, 6, -1])
def test_no_other_level_is_one(level):
    with pytest.raises(ValueError, match="not from 1"):
        checkins.energy_of(level)


@pytest.mark.parametrize("energy", [-0.01, 1.01])
def test_an_energy_that_is_none_is_refused(db, energy):
    with pytest.raises(sqlite3.IntegrityError):
        checkins.add(db, 1, energy)
    assert checkins.load(db, 1) == []


def test_a_check_in_is_an_event_and_its_taking_back_another(db):
    seq = log.max_seq(db)
    given = checkins.add(db, 1, 0.5)
    checkins.take_back(db, 1)
    rows = db.rows("SELECT table_name, op, row_id FROM change_log WHERE seq > ?", (seq,))
    assert [tuple(row) for row in rows] == [
        ("checkins", "insert", given.id),
        ("checkins", "delete", given.id),
    ]


def test_a_database_from_before_gains_the_table(home):
    with Store.open(home.database) as db:
        db.execute("DROP TABLE checkins")
        db.execute(f"DELETE FROM {migrations.TABLE} WHERE name = 'checkins'")
    with Store.open(home.database) as db:
        profiles.ensure(db, 1)
        given = checkins.add(db, 1, 0.5)
        assert log.max_seq(db) > 0
        assert checkins.load(db, 1) == [given]


def test_a_row_of_another_program_without_a_time_is_passed_over(db):
    db.execute("INSERT INTO checkins (profile_id, at, energy) VALUES (1, 'soon', 0.5)")
    assert checkins.load(db, 1) == []
