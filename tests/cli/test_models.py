"""`twind models`, by the command line itself."""

from __future__ import annotations

import json

import pytest

from twind.cli import main
from twind.store import models


def told(home, capsys, *argv, code=0):
    assert main([*argv, "--json", "--home", str(home.root)]) == code
    return json.loads(capsys.readouterr().out)


def put(db, state, mean):
    field = [{"name": "ppo", "mean": mean}, {"name": "nothing", "mean": -4.0}]
    return models.put(db, 1, kind="ppo", state=state, score=mean, report={"field": field})


def test_what_was_trained_is_listed_and_taken_back(home, db, clock, capsys):
    first = put(db, "serving", -3.0)
    clock.advance(minutes=1)
    second = put(db, "serving", -2.5)
    found = told(home, capsys, "models", "list")["data"]["models"]
    assert [(one["id"], one["state"]) for one in found] == [(second, "serving"), (first, "retired")]
    assert found[0]["field"][0] == {"name": "ppo", "mean": -2.5}
    assert told(home, capsys, "models", "rollback")["data"]["serving"]["id"] == first
    assert told(home, capsys, "models", "rollback")["data"]["serving"] is None
    error = told(home, capsys, "models", "rollback", code=1)["error"]
    assert error["code"] == "not_found"


@pytest.mark.parametrize("argv", [["models"], ["models", "list"]])
def test_it_is_told_in_words(home, db, capsys, argv):
    assert main([*argv, "--home", str(home.root)]) == 0
    assert capsys.readouterr().out == "the base policy serves\n"
    put(db, "serving", -3.0)
    assert main([*argv, "--home", str(home.root)]) == 0
    assert "best: ppo -3.000" in capsys.readouterr().out
