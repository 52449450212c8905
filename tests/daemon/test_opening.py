"""What is done at the start, and what a start that was killed has left to be done."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest

from twind import settings
from twind.daemon import opening
from twind.errors import StoreError
from twind.home import Home
from twind.model import Person
from twind.store import Store, backups, erasure, people, profiles, records, recovery, rotation

NOISE = b"not a database, and not at all " * 300
SETTINGS = settings.parse({})


class Killed(BaseException):
    """The process is gone."""


@pytest.fixture
def damaged(db, home, clock):
    """A home with a backup, whose database is noise by now."""
    rotation.add(db, home, "daily", SETTINGS.backups)
    clock.advance(days=1)
    db.close()
    home.database.write_bytes(NOISE)
    return home


@pytest.fixture
def damaged_journal(home, tmp_path, clock):
    """A home as a kill leaves it, in the middle of whose journal there is noise."""
    living = Home.under(tmp_path / "living")
    with Store.open(living.database, clock) as db:
        profiles.ensure(db, 1)
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        for number in range(40):
            db.meta_set(f"said{number}", "word " * 50)
        for suffix in ("", "-wal", "-shm"):
            shutil.copy(f"{living.database}{suffix}", home.root)
    journal = Path(f"{home.database}-wal")
    content = bytearray(journal.read_bytes())
    content[len(content) // 2 : len(content) // 2 + 64] = b"\xff" * 64
    journal.write_bytes(content)
    return home


def opened(home, clock):
    return opening.opened(home, SETTINGS, clock)


def told(db):
    """Return what is said of a recovery, as it waits to be sent."""
    return [row["payload"] for row in db.rows("SELECT * FROM outbox WHERE key LIKE 'recovered:%'")]


def test_a_recovery_is_told_once(damaged, clock):
    for _ in range(2):
        with opened(damaged, clock) as db:
            [said] = told(db)
            assert recovery.last(db).aside in said
        clock.advance(days=1)


def test_what_was_still_being_forgotten_is_gone_and_not_recovered(damaged, clock):
    damaged.calendar.write_text("BEGIN:VCALENDAR")
    damaged.state_dir.joinpath("twind.db.forgotten").touch()
    with opened(damaged, clock) as db:
        assert db.value("SELECT COUNT(*) FROM profile") == 0
        assert told(db) == []
    names = {path.name for path in damaged.state_dir.iterdir()}
    assert names == {"twind.db", "backups"}


@pytest.mark.parametrize("is_in_place", [True, False])
def test_a_start_that_was_killed_has_the_next_one_tell(damaged, clock, is_in_place):
    recovery.recover(damaged, clock, "noise")
    if not is_in_place:
        damaged.database.rename(f"{damaged.database}.recovered")
        damaged.database.write_bytes(NOISE)
    with opened(damaged, clock) as db:
        assert len(told(db)) == 1
        assert recovery.untold(db) is None


def test_a_damaged_journal_is_told_before_anything_else_is_done(
    damaged_journal, clock, monkeypatch
):
    def wiped_and_killed(db, home):
        erasure.wipe(db, home)
        db.close()
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(erasure, "finish", wiped_and_killed)
        with pytest.raises(Killed):
            opened(damaged_journal, clock)
    with opened(damaged_journal, clock) as db:
        [said] = told(db)
        assert "lost its last changes" in said


# --- a database that was put in its place by hand ------------------------------------------------

ANN = Person(uid="ann", name="Ann Lee", emails=("ann@example.org",))
WINDOW = (datetime(2026, 1, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC))


@pytest.fixture
def put_back(db, home, clock, tmp_path):
    """A home whose database is that of a backup which knows Ann, who was forgotten since."""
    records.apply(db, 1, "contacts", [ANN, Person(uid="bo", name="Bo Ek")], WINDOW)
    backup = tmp_path / "kept.zip"
    backups.make(db, home, backup, "daily")
    [ann] = [one.id for one in people.known(db, 1) if one.name == "Ann Lee"]
    erasure.person(db, 1, ann)
    erasure.wipe(db, home)
    db.close()
    elsewhere = Home.under(tmp_path / "elsewhere")
    backups.restore(backup, elsewhere)
    elsewhere.database.replace(home.database)
    return home


def test_who_was_forgotten_since_is_forgotten_again(put_back, clock, caplog):
    with Store.open(put_back.database, clock) as db:
        rotation.add(db, put_back, "by hand", SETTINGS.backups)
    with opened(put_back, clock) as db:
        assert [one.name for one in people.known(db, 1)] == ["Bo Ek"]
        records.apply(db, 1, "contacts", [ANN], WINDOW)
        assert [one.name for one in people.known(db, 1)] == ["Bo Ek"]
    assert b"Ann Lee" not in put_back.database.read_bytes()
    assert "forgot again" in caplog.text
    caplog.clear()
    opened(put_back, clock).close()
    assert "forgot again" not in caplog.text


def test_nobody_is_brought_back_because_a_file_cannot_be_read(put_back, clock):
    put_back.erased.write_text("{")
    with pytest.raises(StoreError, match=r"erased\.json.*delete the file to have them back"):
        opened(put_back, clock)
