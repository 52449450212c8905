import sqlite3
from contextlib import closing

import pytest

from twind.doctor import database
from twind.doctor.finding import NothingYetError
from twind.errors import DamagedDatabaseError, ForeignDatabaseError
from twind.store import Store, migrations


def test_a_whole_database_is_fine(examined, db, home):
    finding = database.database(examined())
    assert finding.severity == "ok"
    assert finding.facts["bytes"] == home.database.stat().st_size
    assert database.schema(examined()).severity == "ok"
    assert database.references(examined()).severity == "ok"


def test_no_database_is_no_fault(examined):
    with pytest.raises(NothingYetError):
        database.database(examined())


def test_pages_that_are_noise_are_found(examined, db, home):
    db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    db.close()
    size = home.database.stat().st_size
    with home.database.open("r+b") as file:
        file.seek(size // 2)
        file.write(b"noise" * 2000)
    finding = database.database(examined())
    assert finding.severity == "error"
    assert "damaged" in finding.saw


def test_somebody_elses_database_is_refused(examined, home):
    with closing(sqlite3.connect(home.database)) as other:
        other.execute("CREATE TABLE bookmarks (id INTEGER)")
        other.commit()
    with pytest.raises(ForeignDatabaseError):
        database.database(examined())


def test_a_newer_database_asks_for_an_upgrade_and_an_older_one_for_a_start(examined, db):
    db.execute(f"INSERT INTO {migrations.TABLE} VALUES ('flying_cars', '')")
    finding = database.schema(examined())
    assert (finding.severity, finding.do) == ("error", "upgrade twind")
    db.execute(f"DELETE FROM {migrations.TABLE} WHERE name IN ('flying_cars', 'changes')")
    finding = database.schema(examined())
    assert (finding.severity, finding.blocks) == ("notice", True)


def test_rows_that_refer_to_nothing_are_told(examined, db):
    db.execute("PRAGMA foreign_keys = OFF")
    db.execute("INSERT INTO event_people VALUES (7, 8)")
    finding = database.references(examined())
    assert (finding.severity, finding.facts) == ("warning", {"broken": 1})
    assert "event_people" in finding.saw


def test_reading_changes_nothing(home, db):
    db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    db.close()
    before = home.database.read_bytes()
    with Store.read(home.database) as read:
        assert read.value("SELECT COUNT(*) FROM jobs") == 0
        with pytest.raises(Exception, match="readonly"):
            read.execute("DELETE FROM jobs")
    assert home.database.read_bytes() == before


def test_noise_is_read_as_damage(home):
    home.database.write_bytes(b"noise" * 5000)
    with pytest.raises(DamagedDatabaseError):
        Store.read(home.database)
