"""A damaged database is set aside and replaced by the newest good backup, crash or not."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from twind import atomic
from twind.errors import BackupError, DamagedDatabaseError
from twind.settings import BackupSettings
from twind.store import Store, profiles, recovery, rotation

NOISE = b"not a database, and not at all " * 300


@pytest.fixture
def damaged(db, home, clock):
    """A home with two backups, whose database and journal are noise by now."""
    for word in ("yesterday", "today"):
        db.meta_set("said", word)
        rotation.add(db, home, "daily", BackupSettings())
        clock.advance(days=1)
    db.close()
    for suffix in ("", "-wal"):
        Path(f"{home.database}{suffix}").write_bytes(NOISE + suffix.encode())
    return home


def started(home, clock):
    """Do as a daemon does at its start; return the open database."""
    recovery.finish(home)
    if (wrong := recovery.damage(home)) is not None:
        recovery.recover(home, clock, wrong)
    return Store.open(home.database, clock)


def assert_recovered(home, clock, word="today"):
    with started(home, clock) as db:
        assert db.meta_get("said") == word
        told = recovery.last(db)
    aside = Path(told.aside)
    assert aside.parent == home.state_dir / "damaged"
    assert (aside / "twind.db").read_bytes() == NOISE
    assert (aside / "twind.db-wal").read_bytes() == NOISE + b"-wal"
    assert "damaged or no database" in told.because
    assert not Path(f"{home.database}.recovered").exists()
    return told


def test_the_newest_good_backup_takes_its_place(damaged, clock):
    told = assert_recovered(damaged, clock)
    assert told.made_at.startswith("2026-03-03T08:00")
    assert Path(told.backup).name == "twind-20260303T080000Z.zip"


def test_a_backup_that_is_damaged_too_is_passed_over(damaged, clock):
    newest = list(rotation.made(damaged.backups_dir))[-1]
    newest.write_bytes(newest.read_bytes()[:-100])
    assert_recovered(damaged, clock, "yesterday")


def test_a_backup_of_the_future_is_taken_last(db, home, clock):
    """Some clock was wrong when it was made: it is older than it says."""
    for word, days in (("wrong clock", 300), ("today", -300)):
        clock.advance(days=max(days, 0))
        db.meta_set("said", word)
        rotation.add(db, home, "daily", BackupSettings())
        clock.advance(days=min(days, 0))
    rotation.add(db, home, "daily", BackupSettings())
    db.close()
    home.database.write_bytes(NOISE)
    with started(home, clock) as found:
        assert found.meta_get("said") == "today"


def test_without_a_good_one_nothing_is_touched(damaged, clock):
    for path in rotation.made(damaged.backups_dir):
        path.write_bytes(b"PK")
    before = {path: path.read_bytes() for path in damaged.state_dir.rglob("*") if path.is_file()}
    with pytest.raises(BackupError, match=r"no good backup in .*; the newest: .*0303"):
        recovery.recover(damaged, clock, "noise")
    after = {path: path.read_bytes() for path in damaged.state_dir.rglob("*") if path.is_file()}
    assert after == before


class Crash(BaseException):
    """The process is gone."""


def crash_at(monkeypatch, step):
    """Have the process die just before its `step`th change to the folder; return the count."""
    made = []

    def counted(real):
        def change(*args, **more):
            made.append(real)
            if len(made) == step:
                raise Crash
            return real(*args, **more)

        return change

    monkeypatch.setattr(os, "link", counted(os.link))
    monkeypatch.setattr(atomic, "sync_folder", counted(atomic.sync_folder))
    for name in ("unlink", "replace", "rename", "mkdir"):
        monkeypatch.setattr(Path, name, counted(getattr(Path, name)))
    return made


def test_it_is_gone_on_with_wherever_it_was_cut_off(damaged, clock, monkeypatch):
    """At each of its changes to the files, on one home after the other."""
    before = {path: path.read_bytes() for path in damaged.state_dir.rglob("*") if path.is_file()}
    for step in range(1, 100):
        with monkeypatch.context() as patch:
            made = crash_at(patch, step)
            try:
                recovery.recover(damaged, clock, f"{damaged.database} is damaged or no database")
            except Crash:
                crashed = True
            else:
                crashed = False
        assert_recovered(damaged, clock)
        if not crashed:
            break
        for path in damaged.state_dir.rglob("*"):
            if path.is_file():
                path.unlink()
        for path, content in before.items():
            path.write_bytes(content)
    assert len(made) >= 8


def test_damage_inside_is_found(home):
    with Store.open(home.database) as db, db.transaction():
        profiles.ensure(db, 1)
        for number in range(2000):
            db.insert("entities", profile_id=1, entity_type="place", name=f"place {number}")
    data = bytearray(home.database.read_bytes())
    data[len(data) // 2 : len(data) // 2 + 12000] = b"\xff" * 12000
    home.database.write_bytes(data)
    assert recovery.damage(home).startswith(f"{home.database} is damaged")


def test_nobody_else_opens_it_while_it_is_on_its_way(damaged, clock):
    Path(f"{damaged.database}.recovered").touch()
    with pytest.raises(DamagedDatabaseError, match="being recovered"):
        Store.open(damaged.database, clock)


def test_an_emptied_database_is_damaged_where_there_are_backups(damaged):
    damaged.database.write_bytes(b"")
    assert recovery.damage(damaged) == f"{damaged.database} is empty"
    for path in rotation.made(damaged.backups_dir):
        path.unlink()
    assert recovery.damage(damaged) is None


def test_where_files_have_no_second_name_they_are_copied(damaged, clock, monkeypatch):
    def no_links(*_):
        raise OSError(95, "Operation not supported")

    monkeypatch.setattr(os, "link", no_links)
    assert_recovered(damaged, clock)


def test_nothing_was_recovered_where_nothing_was_damaged(db):
    assert recovery.last(db) is None
