"""A database of each earlier twind, brought up to this one: nothing lost, nothing left behind."""

from __future__ import annotations

import json
import re
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from twind.cli import main
from twind.store import Store, backups, migrations, rotation

EXAMPLES = sorted((Path(__file__).parent / "examples").glob("*.sql"))
FILLED_IN = {"models": {"served_at"}}
"""Columns that a migration gives a value to in rows that are there."""
DROPPED = {"sources": {"window_start", "window_end"}}
"""Columns that a migration drops."""


@pytest.fixture(params=EXAMPLES, ids=lambda path: path.stem)
def example(request, home):
    """A home with one of the examples in it; returns the migrations it has had."""
    with closing(sqlite3.connect(home.database)) as connection:
        connection.executescript(request.param.read_text("utf-8"))
        return migrations.done(connection)


def contents(path):
    """Return every row of every table: {table: [{column: value}]}, in the order of the rows."""
    with closing(sqlite3.connect(path)) as connection:
        connection.row_factory = sqlite3.Row
        return {
            table: [dict(row) for row in connection.execute(f"SELECT * FROM {table} ORDER BY 1, 2")]
            for table in migrations.table_names(connection)
        }


def shape(connection):
    """Return what a database is made of, whatever the order in which it came to that."""
    found = {}
    for kind, name, sql in connection.execute("SELECT type, name, sql FROM sqlite_master"):
        if kind == "table" and not name.startswith("sqlite_"):
            columns = connection.execute(f"PRAGMA table_info({name})").fetchall()
            keys = connection.execute(f"PRAGMA foreign_key_list({name})").fetchall()
            found[name] = (
                {column[1:] for column in columns},
                {key[2:] for key in keys},
                set(re.findall(r"CHECK \(.*?\)\)", " ".join(sql.split()))),
                "AUTOINCREMENT" in sql,
                sorted(
                    [sorted(row[2] for row in connection.execute(f"PRAGMA index_info({index[1]})"))]
                    for index in connection.execute(f"PRAGMA index_list({name})")
                    if index[2]
                ),
            )
        elif sql:
            found[name] = sql
    return found


def test_there_is_one_of_each_that_was_ever_the_newest(home):
    names = [one.__name__ for one in migrations.MIGRATIONS]
    there = {path.stem for path in EXAMPLES}
    wanted = {f"{number}-{name}" for number, name in enumerate(names, 1)}
    assert there == wanted - {"5-when_models_served"}


def test_every_row_is_there_with_what_it_said(example, home, clock):
    before = contents(home.database)
    assert all(before[table] for table in before), "an example has rows in every table"
    with rotation.opened(home, clock):
        pass
    after = contents(home.database)
    for table, rows in before.items():
        if table == migrations.TABLE:
            assert [row for row in after[table] if row in rows] == rows
            continue
        filled = FILLED_IN.get(table, set()) - set(rows[0])
        left = [key for key in rows[0] if key not in DROPPED.get(table, ())]
        kept = [{key: row[key] for key in left} for row in after[table]]
        assert kept == [{key: row[key] for key in left} for row in rows], table
        for column in filled:
            assert any(row[column] for row in after[table])


def test_it_is_made_as_a_fresh_one_is_and_whole(example, home, clock, tmp_path):
    with rotation.opened(home, clock) as db, Store.open(tmp_path / "fresh.db", clock) as fresh:
        assert shape(db.connection) == shape(fresh.connection)
        assert migrations.done(db.connection) == migrations.done(fresh.connection)
        assert db.value("PRAGMA integrity_check") == "ok"
        assert db.rows("PRAGMA foreign_key_check") == []


def test_a_copy_of_what_was_is_kept_first(example, home, clock, tmp_path):
    before = contents(home.database)
    with rotation.opened(home, clock):
        pass
    if len(example) == len(migrations.MIGRATIONS):
        assert not home.backups_dir.exists()
        return
    [copy] = home.backups_dir.iterdir()
    assert backups.verify(copy).migrations == example
    backups.unpack(copy, backups.DATABASE, tmp_path / "was.db")
    assert contents(tmp_path / "was.db") == before


def test_one_of_a_newer_twind_is_refused_and_left_as_it_is(example, home, capsys):
    with closing(sqlite3.connect(home.database)) as connection, connection:
        connection.execute(f"INSERT INTO {migrations.TABLE} VALUES ('of_tomorrow', '2030-01-01')")
    before = home.database.read_bytes()
    assert main(["patterns", "--home", str(home.root), "--json"]) == 1
    error = json.loads(capsys.readouterr().out)["error"]
    assert error["code"] == "database_newer"
    assert "of_tomorrow" in error["message"]
    assert "upgrade twind" in error["message"]
    assert home.database.read_bytes() == before
    assert not home.backups_dir.exists()
