"""What is left of somebody after they were deleted, and when an older database is brought back."""

from __future__ import annotations

import shutil
import stat
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path

import pytest

from tests.crashing import Crash, crash_at
from twind import asking, atomic
from twind.errors import BackupError, StoreError
from twind.home import Home
from twind.model import Attendee, CalendarEvent, Person
from twind.store import (
    Store,
    backups,
    erased,
    erasure,
    ownership,
    people,
    records,
    recovery,
    sources,
    words,
)
from twind.store.connection import to_json

NOW = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
WINDOW = (NOW - timedelta(days=30), NOW + timedelta(days=30))
ANN = Person(uid="ann", name="Ann Lee", emails=("ann@example.org",))


def sync(db, *fetched, source="contacts"):
    records.apply(db, 1, source, fetched, WINDOW)


def lunch(*addresses):
    guests = tuple(Attendee(email=one, status="accepted") for one in addresses)
    end = NOW + timedelta(hours=1)
    return CalendarEvent(uid="lunch", title="Lunch", start=NOW, end=end, attendees=guests)


def named(db, text):
    """Return the tables that hold a text."""
    tables = db.rows("SELECT name FROM sqlite_master WHERE type = 'table'")
    return {
        table["name"]
        for table in tables
        for row in db.rows(f"SELECT * FROM {table['name']}")
        if text in str(tuple(row))
    }


def id_of(db, name):
    [found] = [one.id for one in people.known(db, 1) if one.name == name]
    return found


def test_of_somebody_made_elsewhere_no_address_is_left(db):
    with db.transaction():
        about = to_json({"emails": ["zoe@example.org"]})
        db.insert("entities", profile_id=1, entity_type="person", name="Zoe Old", metadata=about)
    sync(db, ANN)
    sync(db, lunch("zoe@example.org", "ann@example.org"), source="calendar")
    zoe = id_of(db, "Zoe Old")
    assert named(db, "zoe@example.org") == {"entities", "addresses", "records"}
    erasure.person(db, 1, zoe)
    assert named(db, "zoe@example.org") == set()
    met = {row["entity_id"] for row in db.rows("SELECT entity_id FROM event_people")}
    assert met == {id_of(db, "Ann Lee")}


def test_what_a_source_complained_of_does_not_name_them_either(db):
    sync(db, ANN)
    sources.failed(db, 1, "contacts", "ann-lee.vcf: Ann Lee has two birthdays")
    erasure.person(db, 1, id_of(db, "Ann Lee"))
    [health] = sources.health(db, 1).values()
    assert health["last_error"] == "….vcf: … has two birthdays"


# --- an older database ---------------------------------------------------------------------------


@pytest.fixture
def backup(db, home):
    """A backup that knows Ann and Bo; then Ann was forgotten."""
    bo = Person(uid="bo", name="Bo Ek", note="Married to Ann Lee")
    sync(db, ANN, bo)
    sync(db, lunch("ann@example.org"), source="calendar")
    path = home.backups_dir / "twind-20260302T080000Z.zip"
    backups.make(db, home, path, "daily")
    erasure.person(db, 1, id_of(db, "Ann Lee"))
    erasure.wipe(db, home)
    return path


def recovered(home, clock):
    home.database.write_bytes(b"not a database, and not at all " * 300)
    recovery.recover(home, clock, "noise")
    return Store.open(home.database, clock)


def test_a_recovery_brings_nobody_back_who_was_forgotten(db, home, clock, backup):
    db.close()
    with recovered(home, clock) as found:
        assert [one.name for one in people.known(found, 1)] == ["Bo Ek"]
        sync(found, ANN, source="another")
        assert named(found, "Ann") == named(found, "ann@example.org") == set()
        assert erasure.finish(found, home)  # their bytes go
    assert b"Ann Lee" not in home.database.read_bytes()


def test_nor_does_a_restore_to_the_home_that_forgot(db, home, tmp_path, backup):
    db.close()
    home.database.unlink()
    elsewhere = Home.under(tmp_path / "elsewhere")
    for place, names in (home, ["Bo Ek"]), (elsewhere, ["Ann Lee", "Bo Ek"]):
        backups.restore(backup, place)
        with Store.open(place.database) as restored:
            assert [one.name for one in people.known(restored, 1)] == names


def test_nor_a_source_or_a_dimension(reader, home, clock):
    """Each with what rests on it, and not what was let back since."""
    db = reader.db
    asking.seed(reader)
    sync(db, lunch("guest@example.org"), source="calendar")
    sync(db, ANN)
    backups.make(db, home, home.backups_dir / "twind-20260302T080000Z.zip", "daily")
    for name in ("calendar", "contacts"):
        erasure.source(db, 1, name)
    erasure.dimension(db, 1, "Learning")
    erasure.wipe(db, home)
    ownership.restore_source(db, 1, "contacts")
    erased.keep(db, home)
    stand = {(word.kind, word.subject) for word in words.load(db, 1)}
    db.close()
    with recovered(home, clock) as found:
        assert [row["source"] for row in found.rows("SELECT source FROM records")] == ["contacts"]
        assert {(word.kind, word.subject) for word in words.load(found, 1)} == stand
        assert erasure.finish(found, home)
    assert b"guest@example.org" not in home.database.read_bytes()


def test_who_was_let_be_known_again_comes_back(db, home, clock, backup):
    erasure.restore_person(db, 1, "Ann Lee")
    erased.keep(db, home)
    db.close()
    with recovered(home, clock) as found:
        assert [one.name for one in people.known(found, 1)] == ["Ann Lee", "Bo Ek"]
        assert not erased.load(found, 1)


def test_a_backup_that_knows_already_is_as_it_was(db, home, clock, backup):
    backup.unlink()
    backups.make(db, home, backup, "daily")
    db.close()
    with recovered(home, clock) as found:
        assert [one.name for one in people.known(found, 1)] == ["Bo Ek"]
        assert erased.load(found, 1).redact("Ann Lee") == erased.GONE
        assert not erasure.finish(found, home)  # nothing was deleted, nothing is to be learnt anew


def test_the_file_says_no_more_than_the_database(home, backup):
    assert stat.S_IMODE(home.erased.stat().st_mode) == 0o600
    told = home.erased.read_text()
    assert not any(word in told.lower() for word in ("ann", "lee", "example", "contacts"))
    erasure.everything(home)
    assert not home.erased.exists()


# --- everything ----------------------------------------------------------------------------------

LIFE = (
    "twind.db", "twind.db-wal", "twind.db.recovered", "erased.json", "twind.ics",
    "models/one.safetensors", ".twind-left/twind.db", "backups/.twind-left/twind.db",
)  # fmt: skip
YOURS = ("twind.toml", "backups/twind-20260301T080000Z.zip")


CHANGES = (
    (Path, "touch"), (Path, "unlink"), (shutil, "rmtree"), (atomic, "sync_folder"),
)  # fmt: skip


def files_of(home):
    return {str(path.relative_to(home.root)) for path in home.root.rglob("*") if path.is_file()}


def test_everything_is_gone_on_with_wherever_it_was_cut_off(home, monkeypatch):
    """At each of its changes to the files; the database is never read, and may be noise."""
    told = None
    for step in count(1):
        for name in (*LIFE, *YOURS):
            (home.root / name).parent.mkdir(parents=True, exist_ok=True)
            (home.root / name).write_bytes(b"noise")
        with monkeypatch.context() as patch:
            crash_at(patch, step, *CHANGES)
            with suppress(Crash):
                told = erasure.everything(home)
        if "twind.db.forgotten" in files_of(home):
            with pytest.raises(StoreError, match="everything is being forgotten"):
                Store.open(home.database)
            assert erasure.finish_everything(home)
        # Nothing was begun, or nothing is left.
        assert files_of(home) in ({*LIFE, *YOURS}, {*YOURS})
        assert (files_of(home) == {*YOURS}) is (step > 1)
        assert not erasure.finish_everything(home)
        if told is not None:
            break
    assert len(told) == len(LIFE)
    assert step > len(LIFE)


def test_where_it_cannot_be_read_nobody_is_brought_back(db, home, clock, backup):
    db.close()
    home.erased.write_bytes(home.erased.read_bytes()[:-9])
    with pytest.raises(BackupError, match=r"erased\.json.*delete the file to have them back"):
        recovered(home, clock)
    assert not (home.state_dir / "twind.db.recovered").exists()
