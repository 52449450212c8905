"""Backups: good when they are there, found out when they are not, restored to fresh places only."""

from __future__ import annotations

import json
import os
import sqlite3
import stat
import threading
import zipfile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from twind.errors import BackupError
from twind.home import Home
from twind.store import Store, backups, migrations, outbox

WEIGHTS = bytes(range(256)) * 64


@pytest.fixture
def lived_in(db, home):
    """A home with a little of everything, and its store."""
    db.meta_set("told", "something")
    home.config_file.write_text("[hours]\n", "utf-8")
    home.models_dir.mkdir()
    (home.models_dir / "one.safetensors").write_bytes(WEIGHTS)
    (home.models_dir / ".two.part").write_bytes(b"half")
    return db


@pytest.fixture
def elsewhere(tmp_path):
    """A home in which there is nothing."""
    return Home.under(tmp_path / "elsewhere")


@pytest.fixture
def backup(lived_in, home, tmp_path):
    """The file of a backup."""
    path = tmp_path / "kept" / "backup.zip"
    backups.make(lived_in, home, path, "asked")
    return path


def test_it_holds_all_that_belongs_together_and_is_for_its_owner_alone(backup, lived_in):
    manifest = backups.verify(backup)
    assert manifest == backups.read(backup)
    assert manifest.files.keys() == {"twind.db", "twind.toml", "models/one.safetensors"}
    assert manifest.made_at == lived_in.clock.now()
    assert manifest.because == "asked"
    assert manifest.migrations == tuple(one.__name__ for one in migrations.MIGRATIONS)
    assert stat.S_IMODE(backup.stat().st_mode) == 0o600
    assert [path.name for path in backup.parent.iterdir()] == ["backup.zip"]


def test_what_is_restored_is_what_was(backup, elsewhere):
    backups.restore(backup, elsewhere)
    with Store.open(elsewhere.database) as restored:
        assert restored.meta_get("told") == "something"
    assert elsewhere.config_file.read_text("utf-8") == "[hours]\n"
    assert (elsewhere.models_dir / "one.safetensors").read_bytes() == WEIGHTS
    names = {path.name for path in elsewhere.state_dir.iterdir()}
    assert names == {"twind.db", "twind.toml", "models"}
    for path in (elsewhere.database, elsewhere.config_file):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.parametrize("name", ["twind.db", "twind.toml", "models/one.safetensors"])
def test_nothing_is_overwritten(backup, elsewhere, name):
    place = elsewhere.state_dir / name
    place.parent.mkdir(parents=True)
    place.write_text("mine", "utf-8")
    with pytest.raises(BackupError, match=f"{place} is there"):
        backups.restore(backup, elsewhere)
    assert [path for path in elsewhere.state_dir.rglob("*") if path.is_file()] == [place]
    assert place.read_text("utf-8") == "mine"


def test_none_is_restored_where_everything_is_still_being_forgotten(backup, elsewhere):
    elsewhere.state_dir.mkdir()
    mark = elsewhere.state_dir / "twind.db.forgotten"
    mark.touch()
    with pytest.raises(BackupError, match="everything is being forgotten"):
        backups.restore(backup, elsewhere)
    assert list(elsewhere.state_dir.iterdir()) == [mark]


def test_what_was_still_to_be_sent_is_not_sent_by_what_is_restored(lived_in, home, tmp_path):
    """It was sent, after the backup was made, by the twind that is gone."""
    address = outbox.Address("notify", "mailto:00", "mail 1")
    for key in ("waits", "begun"):
        outbox.put(lived_in, 1, key, {"title": key, "body": ""})
    for one in outbox.due(lived_in, 1):
        outbox.address(lived_in, one.id, [address])
        if one.key == "begun":
            outbox.sending(lived_in, [one.id], address)
    backups.make(lived_in, home, tmp_path / "b.zip", "asked")
    elsewhere = Home.under(tmp_path / "elsewhere")
    backups.restore(tmp_path / "b.zip", elsewhere)
    with Store.open(elsewhere.database) as restored:
        assert outbox.due(restored, 1) == []
        states = {one["key"]: one["state"] for one in restored.rows("SELECT * FROM outbox")}
    assert states == {"waits": "dropped", "begun": "uncertain"}
    assert len(outbox.due(lived_in, 1)) == 1


def test_it_is_of_one_moment_while_others_go_on_writing(lived_in, home, tmp_path):
    """Two rows that are always written together are never told apart by it."""
    stop, written = threading.Event(), threading.Event()

    def write():
        with Store.open(home.database) as other:
            number = 0
            while not stop.is_set():
                number += 1
                with other.transaction():
                    other.meta_set("one", str(number))
                    other.meta_set("other", str(number))
                written.set()

    writer = threading.Thread(target=write)
    writer.start()
    written.wait()
    try:
        for number in range(5):
            backups.make(lived_in, home, tmp_path / f"{number}.zip", "asked")
    finally:
        stop.set()
        writer.join()
    for number in range(5):
        elsewhere = Home.under(tmp_path / f"home{number}")
        backups.restore(tmp_path / f"{number}.zip", elsewhere)
        with Store.open(elsewhere.database) as restored:
            assert restored.meta_get("one") == restored.meta_get("other") is not None


def test_a_damaged_database_is_not_backed_up(lived_in, home, tmp_path):
    for number in range(2000):
        lived_in.execute("INSERT INTO meta VALUES (?, ?)", (f"key {number}", "x" * 50))
    lived_in.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    lived_in.close()
    content = bytearray(home.database.read_bytes())
    # A page of the table, but for its own header.
    place = content.rindex(b"key 1000")
    content[place - 200 : place] = bytes(200)
    home.database.write_bytes(content)
    target = tmp_path / "b.zip"
    target.write_bytes(b"an older one")
    with Store.open(home.database) as damaged, pytest.raises(BackupError, match="is damaged"):
        backups.make(damaged, home, target, "daily")
    assert target.read_bytes() == b"an older one"


def test_a_place_that_cannot_be_written_is_named(lived_in, home, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(BackupError, match=r"file/b\.zip: "):
        backups.make(lived_in, home, tmp_path / "file" / "b.zip", "asked")


@pytest.mark.parametrize("moment_s", [1, 5e9])
def test_what_is_older_than_archives_or_of_the_far_future_is_backed_up(
    lived_in, home, tmp_path, moment_s
):
    os.utime(home.config_file, (moment_s, moment_s))
    backups.make(lived_in, home, tmp_path / "b.zip", "daily")
    assert "twind.toml" in backups.verify(tmp_path / "b.zip").files


def test_a_backup_of_a_newer_twind_is_not_restored(lived_in, home, tmp_path, elsewhere):
    lived_in.execute(f"INSERT INTO {migrations.TABLE} VALUES ('from_the_future', '')")
    backups.make(lived_in, home, tmp_path / "b.zip", "asked")
    with pytest.raises(BackupError, match="newer twind"):
        backups.restore(tmp_path / "b.zip", elsewhere)
    assert not elsewhere.database.exists()


# --- what is no good -----------------------------------------------------------------------------


def rewritten(backup, change):
    """Write a backup anew, its members changed: {name: content}."""
    with zipfile.ZipFile(backup) as bundle:
        members = {name: bundle.read(name) for name in bundle.namelist()}
    change(members)
    with zipfile.ZipFile(backup, "w", zipfile.ZIP_DEFLATED) as bundle:
        for name, content in members.items():
            bundle.writestr(name, content)


def in_manifest(change):
    def changed(members):
        told = json.loads(members["manifest.json"])
        change(told, members)
        members["manifest.json"] = json.dumps(told).encode()

    return changed


def lead_away(name):
    def change(told, members):
        told["files"][name] = told["files"]["twind.toml"]
        members[name] = members["twind.toml"]

    return in_manifest(change)


CHANGES = {
    "other content": lambda members: members.update({"twind.toml": b"[hour]\n"}),
    "cut short": lambda members: members.update({"twind.db": members["twind.db"][:-1]}),
    "longer": lambda members: members.update({"twind.db": members["twind.db"] + b"x"}),
    "one more": lambda members: members.update({"more": b""}),
    "one less": lambda members: members.pop("twind.toml"),
    "no manifest": lambda members: members.pop("manifest.json"),
    "no JSON": lambda members: members.update({"manifest.json": b"{"}),
    "a list": lambda members: members.update({"manifest.json": b"[]"}),
    "huge": lambda members: members.update({"manifest.json": b" " * (2 << 20)}),
    "another format": in_manifest(lambda told, _: told.update(format=2)),
    "no time": in_manifest(lambda told, _: told.update(made_at="yesterday")),
    "up": lead_away("models/../../outside"),
    "absolute": lead_away("/tmp/outside"),
    "hidden": lead_away("models/.bashrc"),
    "folder": lead_away("models/a/b"),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
def test_what_is_no_good_is_refused_by_its_name(backup, elsewhere, tmp_path, change):
    rewritten(backup, change)
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(BackupError, match=str(backup)):
        backups.restore(backup, elsewhere)
    assert sorted(tmp_path.rglob("*")) == before


def test_a_damaged_database_inside_is_found(backup):
    def damage(told, members):
        import hashlib

        content = bytearray(members["twind.db"])
        content[4096 * 3 : 4096 * 4] = bytes(4096)
        members["twind.db"] = bytes(content)
        told["files"]["twind.db"]["sha256"] = hashlib.sha256(content).hexdigest()

    rewritten(backup, in_manifest(damage))
    with pytest.raises(BackupError, match="the database is damaged"):
        backups.verify(backup)


def test_what_unfolds_to_more_than_it_says_is_cut_off(backup):
    """A gigabyte of zeros is read as far as the manifest says."""
    with zipfile.ZipFile(backup) as bundle:
        members = {name: bundle.read(name) for name in bundle.namelist()}
    with zipfile.ZipFile(backup, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as bundle:
        for name, content in members.items():
            if name != "twind.toml":
                bundle.writestr(name, content)
        with bundle.open("twind.toml", "w") as bomb:
            for _ in range(256):
                bomb.write(bytes(1 << 20))
    with pytest.raises(BackupError, match=r"twind\.toml is not what was written"):
        backups.verify(backup)


@pytest.fixture(scope="module")
def good(tmp_path_factory):
    """The bytes of a small backup, and a place for damaged ones."""
    folder = tmp_path_factory.mktemp("good")
    home = Home.under(folder / "home")
    with Store.open(home.database) as db:
        backups.make(db, home, folder / "b.zip", "asked")
    return (folder / "b.zip").read_bytes(), folder / "damaged.zip"


@settings(max_examples=200)
@given(st.data())
def test_any_damage_is_an_error_that_names_the_file_or_none_at_all(good, data):
    content, path = good
    at = data.draw(st.integers(0, len(content) - 1))
    kind = data.draw(st.sampled_from(["flip", "cut", "insert"]))
    noise = data.draw(st.binary(min_size=1, max_size=40))
    damaged = {
        "flip": content[:at] + noise + content[at + len(noise) :],
        "cut": content[:at],
        "insert": content[:at] + noise + content[at:],
    }[kind]
    path.write_bytes(damaged)
    said = str(path)
    try:
        backups.verify(path)
    except BackupError as error:
        said = str(error)
    assert str(path) in said


def test_a_missing_one_is_named(tmp_path):
    with pytest.raises(BackupError, match=r"none\.zip: No such file"):
        backups.read(tmp_path / "none.zip")


def test_the_copy_needs_nothing_beside_it(backup, tmp_path):
    with zipfile.ZipFile(backup) as bundle:
        (tmp_path / "copy.db").write_bytes(bundle.read("twind.db"))
    connection = sqlite3.connect(tmp_path / "copy.db")
    assert connection.execute("PRAGMA journal_mode").fetchone() == ("delete",)
    connection.close()


def test_what_points_nowhere_in_a_database_made_elsewhere_is_kept_as_it_is(
    lived_in, home, tmp_path
):
    """Nobody held it to its references there, and it is to be backed up all the same."""
    lived_in.execute("PRAGMA foreign_keys = OFF")
    lived_in.execute(
        "INSERT INTO deliveries (message_id, plugin, channel, name, state, changed_at) "
        "VALUES (99, 'notify', 'mail', 'mail', 'sent', '')"
    )
    assert lived_in.rows("PRAGMA foreign_key_check")
    backups.make(lived_in, home, tmp_path / "b.zip", "asked")
    assert backups.verify(tmp_path / "b.zip").files
