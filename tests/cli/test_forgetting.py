"""`twind forget`, as it is typed: asked before, refused while twind runs, told after."""

from __future__ import annotations

import json

import pytest

from twind.cli import forgetting, main, session
from twind.daemon import lock
from twind.store import Store


@pytest.fixture
def say(home, capsys):
    """Run a command and return its data, or its error where `expect` is not 0."""

    def run(*argv, expect=0):
        code = main([*argv, "--home", str(home.root), "--json"])
        out = capsys.readouterr().out
        shape = json.loads(out.splitlines()[-1])
        assert (code, shape["ok"]) == (expect, expect == 0), shape
        return shape["error"] if expect else shape["data"]

    return run


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


@pytest.mark.parametrize(("typed", "goes"), [("yes", True), ("no", False), ("q", False)])
def test_on_a_terminal_it_asks(db, home, say, monkeypatch, typed, goes):
    asked = []

    def answer(prompt):
        asked.append(prompt)
        if typed == "q":
            raise EOFError
        return typed

    monkeypatch.setattr(forgetting, "interactive", lambda: True)
    monkeypatch.setattr("builtins.input", answer)
    assert forgetting.choose is session.choose
    db.close()
    say("forget", "everything", expect=0 if goes else 1)
    assert home.database.exists() is not goes
    assert str(home.state_dir) in asked[0]


def test_what_is_not_there_is_named(db, home, say):
    assert say("forget", "person", "7", "--yes", expect=1)["code"] == "not_found"
    assert "none yet" in say("forget", "source", "web", "--yes", expect=1)["message"]
    assert say("forget", "restore", "Ann", expect=1)["code"] == "not_found"
    with Store.open(home.database) as after:
        assert after.meta_get("forgetting") is None


def test_of_nothing_nothing_goes(home, say):
    told = say("forget", "everything", "--yes")
    assert told == {"deleted": [], "backups": {"deleted": [], "left": [], "made": None}}
