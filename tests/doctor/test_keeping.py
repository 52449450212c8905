import hashlib

import pytest

from twind.doctor import keeping
from twind.doctor.finding import NothingYetError
from twind.settings import BackupSettings
from twind.store import models, rotation


def live(db):
    db.insert("entities", profile_id=1, entity_type="person", name="Anna", created_at=db.now())


def test_nothing_to_keep_is_no_fault_and_a_life_without_a_backup_is(examined, db, clock):
    with pytest.raises(NothingYetError):
        keeping.backups(examined())
    live(db)
    assert keeping.backups(examined()).severity == "notice"  # its first day's is still to come
    clock.advance(days=4)
    finding = keeping.backups(examined())
    assert (finding.severity, finding.do) == ("warning", "twind backup")


def test_the_newest_backup_is_read_and_grows_old(examined, db, home, clock):
    rotation.add(db, home, "daily", BackupSettings())
    assert keeping.backups(examined()).severity == "ok"
    clock.advance(days=4)
    finding = keeping.backups(examined())
    assert (finding.severity, finding.facts) == ("warning", {"backups": 1, "newest_h": 96})
    [path] = home.backups_dir.iterdir()
    (home.backups_dir / "twind-20360302T080000Z.zip").write_bytes(b"of a clock that was ahead")
    finding = keeping.backups(examined())
    assert (finding.severity, finding.facts) == ("warning", {"backups": 2, "newest_h": 96})
    path.write_bytes(path.read_bytes()[:-100])
    finding = keeping.backups(examined())
    assert finding.severity == "error"
    assert str(path) in finding.saw


def test_what_serves_is_held_against_what_was_trained(examined, db, home):
    assert keeping.models(examined()).severity == "ok"
    home.models_dir.mkdir()
    file = home.models_dir / "1.safetensors"
    file.write_bytes(b"weights")
    digest = hashlib.sha256(b"weights").hexdigest()
    models.put(db, 1, kind="ppo", state="serving", file=file.name, sha256=digest)
    assert keeping.models(examined()).severity == "ok"
    file.write_bytes(b"others")
    finding = keeping.models(examined())
    assert (finding.severity, finding.facts["same"]) == ("warning", False)
    assert "from a backup, or the base policy serves" in finding.do
    file.unlink()
    finding = keeping.models(examined())
    assert (finding.severity, finding.facts["readable"]) == ("warning", False)
