"""A damaged database is set aside and replaced by the newest good backup, crash or not."""

from __future__ import annotations

import hashlib
import os
import shutil
from pathlib import Path

import pytest

from tests.crashing import Crash, crash_at
from twind import atomic
from twind.errors import BackupError, DamagedDatabaseError
from twind.home import Home
from twind.settings import BackupSettings
from twind.store import Store, models, profiles, recovery, rotation

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


CHANGES = (
    (os, "link"), (atomic, "sync_folder"),
    (Path, "unlink"), (Path, "replace"), (Path, "rename"), (Path, "mkdir"),
)  # fmt: skip


def test_it_is_gone_on_with_wherever_it_was_cut_off(damaged, clock, monkeypatch):
    """At each of its changes to the files, on one home after the other."""
    before = {path: path.read_bytes() for path in damaged.state_dir.rglob("*") if path.is_file()}
    for step in range(1, 100):
        with monkeypatch.context() as patch:
            made = crash_at(patch, step, *CHANGES)
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
    for path in (*rotation.made(damaged.backups_dir), Path(f"{damaged.database}-wal")):
        path.unlink()
    assert recovery.damage(damaged) is None


@pytest.fixture
def no_links(monkeypatch):
    """A file system on which no file has a second name."""

    def link(*_):
        raise OSError(95, "Operation not supported")

    monkeypatch.setattr(os, "link", link)


def test_where_files_have_no_second_name_they_are_copied(damaged, clock, no_links):
    assert_recovered(damaged, clock)


def dies_copying(patch, name):
    """Have the process die with half of a file's copy written."""

    def copy2(path, place):
        if Path(path).name != name:
            return real(path, place)
        Path(place).write_bytes(Path(path).read_bytes()[: Path(path).stat().st_size // 2])
        raise Crash

    real = shutil.copy2
    patch.setattr(shutil, "copy2", copy2)


@pytest.mark.parametrize("name", ["twind.db", "twind.db-wal"])
def test_a_copy_that_was_cut_short_is_not_taken_for_one(
    damaged, clock, no_links, monkeypatch, name
):
    with monkeypatch.context() as patch:
        dies_copying(patch, name)
        with pytest.raises(Crash):
            recovery.recover(damaged, clock, f"{damaged.database} is damaged or no database")
    assert_recovered(damaged, clock)


def test_nothing_was_recovered_where_nothing_was_damaged(db):
    assert recovery.last(db) is None


# --- a sound database whose journal is damaged ---------------------------------------------------

ROWS = 40
"""So many changes, each a transaction of its own, stand in the journal alone."""


@pytest.fixture
def journaled(home, tmp_path, clock):
    """A home as a kill leaves it: what was written last stands in the journal, whole."""
    living = Home.under(tmp_path / "living")
    with Store.open(living.database, clock) as db:
        profiles.ensure(db, 1)
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        for number in range(ROWS):
            db.meta_set(f"said{number:02}", "word " * 50)
        for suffix in ("", "-wal", "-shm"):
            shutil.copy(f"{living.database}{suffix}", home.root)
    return home


def journal_of(home):
    return Path(f"{home.database}-wal")


def said(home, clock):
    with Store.open(home.database, clock) as db:
        assert db.value("PRAGMA integrity_check") == "ok"
        return db.value("SELECT COUNT(*) FROM meta WHERE key LIKE 'said%'")


def spoil(path, at, length=64):
    content = bytearray(path.read_bytes())
    content[at : at + length] = bytes(byte ^ 0xFF for byte in content[at : at + length])
    path.write_bytes(content)


def test_a_journal_that_is_whole_is_not_damaged(journaled, clock):
    assert recovery.damage(journaled) is None
    assert recovery.damaged_journal(journaled) is None
    assert said(journaled, clock) == ROWS


@pytest.mark.parametrize(("at", "left"), [(0, 0), (16, 0), (0.5, ROWS // 2)])
def test_a_damaged_journal_is_named_kept_and_gone_on_without(journaled, clock, at, left):
    journal = journal_of(journaled)
    size = journal.stat().st_size
    spoil(journal, int(at * size) + 40 if isinstance(at, float) else at)
    found = {path.name: path.read_bytes() for path in (journaled.database, journal)}
    assert recovery.damage(journaled) is None
    lost = recovery.damaged_journal(journaled)
    assert lost.startswith(f"{journal} is damaged")
    told = recovery.keep(journaled, clock, lost)
    assert abs(said(journaled, clock) - left) <= 2
    kept = {path.name: path.read_bytes() for path in Path(told.aside).iterdir()}
    assert kept == found
    # What is read now is sound: nobody is told twice.
    assert recovery.damaged_journal(journaled) is None


def test_a_copy_of_a_journal_that_was_cut_short_is_none(journaled, clock, monkeypatch):
    with monkeypatch.context() as patch:
        dies_copying(patch, "twind.db-wal")
        with pytest.raises(Crash):
            recovery.keep(journaled, clock, "it is damaged")
    [folder] = journaled.damaged_dir.iterdir()
    assert [path.name for path in folder.iterdir()] == ["twind.db"]


@pytest.mark.parametrize("cut", [1, 2000, 4120])
def test_a_last_change_that_was_cut_short_is_no_damage(journaled, clock, cut):
    """A power cut may leave that: nobody was told that it was kept."""
    journal = journal_of(journaled)
    journal.write_bytes(journal.read_bytes()[:-cut])
    assert recovery.damage(journaled) is None
    assert recovery.damaged_journal(journaled) is None
    assert said(journaled, clock) == ROWS - 1


@pytest.mark.parametrize("index", [b"", b"\xff" * 32768, NOISE, None])
def test_a_wrong_index_of_the_journal_costs_nothing(journaled, clock, index):
    place = Path(f"{journaled.database}-shm")
    if index is None:
        place.unlink()
    else:
        place.write_bytes(index)
    assert recovery.damage(journaled) is None
    assert recovery.damaged_journal(journaled) is None
    assert said(journaled, clock) == ROWS


def test_a_database_emptied_beside_its_journal_is_damaged(journaled):
    journaled.database.write_bytes(b"")
    assert recovery.damage(journaled) == f"{journaled.database} is empty"


# --- a model whose file is damaged ---------------------------------------------------------------

WEIGHTS = b"weights " * 1000


@pytest.fixture
def trained(db, home):
    """A home in which a network serves."""
    home.models_dir.mkdir()
    (home.models_dir / "ppo.safetensors").write_bytes(WEIGHTS)
    sha256 = hashlib.sha256(WEIGHTS).hexdigest()
    models.put(db, 1, kind="ppo", state="serving", file="ppo.safetensors", sha256=sha256)
    return home


def test_a_model_that_is_whole_is_left_alone(trained, db):
    assert recovery.mend_models(db, 1, trained) is None
    assert recovery.last_mended(db) is None
    assert (trained.models_dir / "ppo.safetensors").read_bytes() == WEIGHTS


@pytest.mark.parametrize("harm", [b"noise", WEIGHTS[:-1], b"", None])
def test_a_damaged_model_is_that_of_the_newest_backup_that_has_it(trained, db, clock, harm):
    place = trained.models_dir / "ppo.safetensors"
    good, _ = rotation.add(db, trained, "daily", BackupSettings())
    clock.advance(days=1)
    place.write_bytes(b"other")
    rotation.add(db, trained, "daily", BackupSettings())
    if harm is None:
        place.unlink()
    else:
        place.write_bytes(harm)
    told = recovery.mend_models(db, 1, trained)
    assert told == recovery.last_mended(db)
    assert (told.file, told.backup) == ("ppo.safetensors", str(good))
    assert place.read_bytes() == WEIGHTS
    assert models.serving(db, 1).file == "ppo.safetensors"
    aside = Path(told.aside) / "ppo.safetensors"
    assert harm is None or aside.read_bytes() == harm
    assert recovery.mend_models(db, 1, trained) is None


def test_without_a_backup_of_it_the_base_policy_serves(trained, db):
    (trained.models_dir / "ppo.safetensors").write_bytes(b"noise")
    told = recovery.mend_models(db, 1, trained)
    assert told.backup == ""
    assert models.serving(db, 1) is None
    assert [one.state for one in models.history(db, 1)] == ["rejected"]
    assert (Path(told.aside) / "ppo.safetensors").read_bytes() == b"noise"
    assert list(trained.models_dir.iterdir()) == []
