"""`twind forget`, as it is typed: asked before, refused while twind runs, told after."""

from __future__ import annotations

import pytest

from twind.cli import forgetting
from twind.daemon import lock
from twind.store import Store


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
