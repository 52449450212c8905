"""`twind models`, by the command line itself."""

from __future__ import annotations

import pytest

from twind.store import models


def put(db, state, mean):
    field = [{"name": "ppo", "mean": mean}, {"name": "nothing", "mean": -4.0}]
    return models.put(db, 1, kind="ppo", state=state, score=mean, report={"field": field})


def test_what_was_trained_is_listed_and_taken_back(db, clock, say):
    first = put(db, "serving", -3.0)
    clock.advance(minutes=1)
    second = put(db, "serving", -2.5)
    found = say("models", "list")["models"]
    assert [(one["id"], one["state"]) for one in found] == [(second, "serving"), (first, "retired")]
    assert found[0]["field"][0] == {"name": "ppo", "mean": -2.5}
    assert say("models", "rollback")["serving"]["id"] == first
    assert say("models", "rollback")["serving"] is None
    assert say("models", "rollback", expect=1)["code"] == "not_found"


def test_from_base_to_base_is_no_way_back(db, run):
    models.put(db, 1, kind="base", state="serving")
    code, told = run("models", "rollback")
    assert (code, told.out) == (1, "")
    assert told.err == "twind: the base policy serves: there is nothing to go back to\n"


@pytest.mark.parametrize("argv", [["models"], ["models", "list"]])
def test_it_is_told_in_words(db, run, argv):
    code, told = run(*argv)
    assert (code, told.out) == (0, "the base policy serves\n")
    put(db, "serving", -3.0)
    assert "best: ppo -3.000" in run(*argv)[1].out
