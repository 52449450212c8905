from __future__ import annotations

import os
import sqlite3
import stat

import pytest

from twind.errors import (
    DamagedDatabaseError,
    ForeignDatabaseError,
    NewerDatabaseError,
    ReadOnlyDatabaseError,
    StoreError,
)
from twind.store import Store, migrations, schema
from twind.store.connection import from_json, to_json


def bare_database(path):
    """A database with MISSION's tables and columns and not one constraint."""
    connection = sqlite3.connect(path)
    for table in schema.MISSION_TABLES:
        connection.execute(f"CREATE TABLE {table} ({', '.join(schema.columns_of(table))})")
    connection.execute("INSERT INTO profile (id) VALUES (1)")
    connection.execute(
        "INSERT INTO entities (id, profile_id, entity_type, name) VALUES (7, 1, 'person', 'Ann')"
    )
    connection.commit()
    return connection


def test_a_fresh_file_is_private_and_keeps_the_rules(home):
    with Store.open(home.database) as db:
        assert stat.S_IMODE(home.database.stat().st_mode) == 0o600
        assert db.value("PRAGMA journal_mode") == "wal"
        assert db.value("PRAGMA synchronous") == 2
        assert db.value("PRAGMA foreign_keys") == 1


def test_migrations_run_once(home):
    for _ in range(2):
        with Store.open(home.database) as db:
            assert db.value(f"SELECT COUNT(*) FROM {migrations.TABLE}") == len(
                migrations.MIGRATIONS
            )


def test_a_database_made_elsewhere_gains_what_is_missing_and_loses_nothing(tmp_path):
    path = tmp_path / "personal_learning.db"
    connection = bare_database(path)
    connection.execute("ALTER TABLE entities ADD COLUMN colour TEXT")
    connection.execute("UPDATE entities SET colour = 'green'")
    connection.commit()
    connection.close()
    with Store.open(path) as db:
        assert dict(db.row("SELECT name, colour FROM entities WHERE id = 7")) == {
            "name": "Ann",
            "colour": "green",
        }
        with db.transaction():
            assert db.insert("entities", profile_id=1, entity_type="person", name="Bo") == 8
        assert db.value("SELECT COUNT(*) FROM change_log WHERE table_name = 'entities'") == 1
        assert db.value("PRAGMA integrity_check") == "ok"


def test_no_id_is_given_twice(db):
    def added():
        with db.transaction():
            return db.insert("entities", profile_id=1, entity_type="person", name="Ann")

    first = added()
    for row in (first, first + 1):
        db.execute("DELETE FROM entities WHERE id = ?", (row,))
        assert added() == row + 1
    db.execute("DELETE FROM entities")
    with db.transaction():
        assert db.insert("workflows", profile_id=1, name="x", workflow_type="", status="") == 1


def test_no_id_is_given_twice_where_another_program_deletes(tmp_path):
    """Nor in a table made elsewhere, without a key, whose rows may have no id at all."""
    path = tmp_path / "personal_learning.db"
    connection = bare_database(path)
    with Store.open(path) as db:
        connection.execute("INSERT INTO entities (name) VALUES ('nobody')")
        connection.execute("DELETE FROM entities")
        connection.commit()
        with db.transaction():
            assert db.insert("entities", profile_id=1, entity_type="person", name="Bo") == 8
    connection.close()


@pytest.mark.parametrize("table", schema.SPENT)
def test_every_table_that_is_spoken_of_by_id_is_watched(db, table):
    db.execute("PRAGMA foreign_keys = OFF")
    db.execute(f"DELETE FROM {table}")
    needed = [row for row in db.rows(f"PRAGMA table_info({table})") if row["notnull"]]
    columns = ", ".join(["id", *(row["name"] for row in needed)])
    db.execute(f"INSERT INTO {table} ({columns}) VALUES (41{', 0' * len(needed)})")
    db.execute(f"DELETE FROM {table}")
    assert db.value("SELECT id FROM spent_ids WHERE table_name = ?", (table,)) == 41


def test_missing_columns_are_added(tmp_path):
    path = tmp_path / "old.db"
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE profile (id INTEGER PRIMARY KEY)")
    connection.commit()
    connection.close()
    with Store.open(path) as db:
        columns = {row[1] for row in db.rows("PRAGMA table_info(profile)")}
        assert columns >= set(schema.columns_of("profile"))


def test_an_adopted_connection_keeps_its_open_transaction():
    connection = bare_database(":memory:")
    connection.execute("INSERT INTO entities (id, profile_id, name) VALUES (9, 1, 'Cy')")
    assert connection.in_transaction
    Store.adopt(connection)
    assert connection.in_transaction
    connection.rollback()
    assert connection.execute("SELECT COUNT(*) FROM entities").fetchone() == (1,)


def test_a_foreign_file_is_refused_unchanged(tmp_path):
    path = tmp_path / "places.sqlite"
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE bookmarks (id)")
    connection.commit()
    connection.close()
    before = path.read_bytes()
    with pytest.raises(ForeignDatabaseError, match=r"places\.sqlite belongs to another program"):
        Store.open(path)
    assert path.read_bytes() == before


@pytest.mark.parametrize("content", [b"this is no database at all, " * 40, os.urandom(5000)])
def test_a_damaged_file_is_one_clear_line(tmp_path, content):
    path = tmp_path / "twind.db"
    path.write_bytes(content)
    with pytest.raises(DamagedDatabaseError, match=r"twind\.db is damaged") as caught:
        Store.open(path)
    assert "\n" not in str(caught.value)
    assert path.read_bytes() == content


def test_a_newer_file_is_refused(home):
    with Store.open(home.database) as db, db.transaction():
        db.execute(f"INSERT INTO {migrations.TABLE} VALUES ('from_the_future', '2030-01-01')")
    with pytest.raises(NewerDatabaseError, match="written by a newer twind"):
        Store.open(home.database)


def test_a_read_only_connection_is_one_clear_line(tmp_path):
    path = tmp_path / "twind.db"
    bare_database(path).close()
    connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    with pytest.raises(ReadOnlyDatabaseError, match="is read-only"):
        Store.adopt(connection)
    connection.close()


def test_a_folder_in_the_way_is_a_clear_error(tmp_path):
    (tmp_path / "twind.db").mkdir()
    with pytest.raises(StoreError, match=r"twind\.db"):
        Store.open(tmp_path / "twind.db")


def test_a_failing_transaction_leaves_nothing(db):
    with pytest.raises(ZeroDivisionError), db.transaction():
        db.insert("entities", profile_id=1, entity_type="person", name="Ann")
        raise ZeroDivisionError
    assert db.value("SELECT COUNT(*) FROM entities") == 0


def test_an_inner_transaction_fails_alone(db):
    with db.transaction():
        db.insert("entities", profile_id=1, entity_type="person", name="Ann")
        with pytest.raises(ZeroDivisionError), db.transaction():
            db.insert("entities", profile_id=1, entity_type="person", name="Bo")
            raise ZeroDivisionError
    assert [row["name"] for row in db.rows("SELECT name FROM entities")] == ["Ann"]


@pytest.mark.parametrize("text", ["\udcff.py", "\\udcff", "😀", "\ud83d", 'a"\n\\'])
def test_whatever_text_there_is_can_be_kept_as_json(db, text):
    db.meta_set("told", to_json({text: [text]}))
    assert from_json(db.meta_get("told")) == {text: [text]}
