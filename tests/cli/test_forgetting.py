"""`twind forget`, as it is typed: asked before, refused while twind runs, told after."""

from __future__ import annotations

from datetime import timedelta

import pytest

from twind.cli import forgetting
from twind.clock import FixedClock, SystemClock
from twind.daemon import lock
from twind.model import Person
from twind.settings import BackupSettings
from twind.store import Store, records, rotation, sources


def test_while_twind_runs_nothing_is_forgotten(db, home, say):
    with lock.held(home.lock):
        error = say("forget", "everything", "--yes", expect=1)
    assert error == {"code": "home_held", "message": forgetting.STOP_FIRST}
    assert home.database.exists()


def test_off_a_terminal_it_wants_to_be_told(db, home, say):
    error = say("forget", "everything", expect=2)
    assert error["code"] == "usage"
    assert "--yes" in error["message"]
    assert home.database.exists()


@pytest.mark.parametrize(("typed", "goes"), [("yes\n", True), ("no\n", False), ("\x04", False)])
def test_on_a_terminal_it_asks(db, home, on_a_terminal, typed, goes):
    db.close()
    status, shown = on_a_terminal("forget", "everything", typed=typed)
    assert status == (0 if goes else 1)
    assert f"This deletes everything that twind knows, in {home.state_dir}" in shown
    assert home.database.exists() is not goes


def test_what_is_not_there_is_named(db, home, say):
    assert say("forget", "person", "7", "--yes", expect=1)["code"] == "not_found"
    assert "none yet" in say("forget", "source", "web", "--yes", expect=1)["message"]
    assert say("forget", "restore", "Ann", expect=1)["code"] == "not_found"
    with Store.open(home.database) as after:
        assert after.meta_get("forgetting") is None


def test_of_nothing_nothing_goes(home, say):
    told = say("forget", "everything", "--yes")
    assert told == {"deleted": [], "backups": {"deleted": [], "left": [], "made": None}}


def test_a_backup_of_the_same_day_is_told_as_deleted_too(db, home, run, say):
    """The new one is the day's newest, so that rotation deletes the older before its turn comes."""
    db.close()
    old = rotated(home, seconds=-60)
    told = say("forget", "backups", "--yes")["backups"]
    [new] = home.backups_dir.iterdir()
    assert told == {"deleted": [str(old)], "left": [], "made": str(new)}


def test_a_backup_of_the_future_goes_and_the_new_one_stays(db, home, run, say):
    db.close()
    ahead = [rotated(home, days=300 + number) for number in range(8)]
    home.config_file.write_text("[backups]\nkeep_days = 7\nkeep_weeks = 0\nkeep_months = 0\n")
    told = say("forget", "backups", "--yes")["backups"]
    [new] = home.backups_dir.iterdir()
    assert told["made"] == str(new)
    assert new not in ahead


def rotated(home, **delta):
    """Make a backup as if some time from now."""
    clock = FixedClock(SystemClock().now() + timedelta(**delta))
    with Store.open(home.database, clock) as db:
        return rotation.add(db, home, "daily", BackupSettings())[0]


def test_what_goes_is_counted_in_words_that_fit(db, home, clock, run):
    records.apply(db, 1, "phone", [Person(uid="1", name="Ann")], (clock.now(), clock.now()))
    sources.succeeded(db, 1, "phone", {}, 1)
    db.close()
    rotated(home, days=-1)
    code, told = run("forget", "source", "phone", "--yes")
    assert code == 0
    assert "is forgotten for good: 1 record;" in told.out
    assert f"1 backup or other copy in {home.state_dir} still holds it" in told.out
