from __future__ import annotations

import pytest

from twind.errors import NotFoundError
from twind.store import models


def put(db, state, kind="ppo", profile_id=1):
    number = db.value("SELECT COUNT(*) FROM models") + 1
    return models.put(
        db,
        profile_id,
        kind=kind,
        state=state,
        file=f"{number}.safetensors" if kind == "ppo" else None,
        sha256="0" * 64,
        timesteps=2048,
        score=0.5,
        report={"winner": kind},
        belief=b"belief",
        world="{}",
    )


def test_one_serves_and_retires_the_one_before(db):
    assert models.serving(db, 1) is models.newest_network(db, 1) is models.last_training(db, 1)
    first, second = put(db, "serving"), put(db, "serving")
    put(db, "serving", profile_id=2)
    serving = models.serving(db, 1)
    assert serving is not None
    assert (serving.id, serving.report, serving.belief) == (second, {"winner": "ppo"}, b"belief")
    assert db.value("SELECT state FROM models WHERE id = ?", (first,)) == "retired"


def test_training_starts_from_what_serves_else_from_the_newest(db):
    put(db, "retired")
    serving, newest = put(db, "serving"), put(db, "retired")
    assert models.newest_network(db, 1).id == serving
    assert models.last_training(db, 1).id == newest
    put(db, "serving", kind="greedy")
    assert models.newest_network(db, 1).id == newest
    models.reject(db, newest)
    assert models.newest_network(db, 1).id == serving
    assert models.serving(db, 1).kind == "greedy"


@pytest.mark.parametrize(("keep", "gone"), [(1, [2, 1]), (2, [1]), (3, [])])
def test_files_that_are_no_longer_needed(db, keep, gone):
    for state in ("retired", "retired", "retired", "serving"):
        put(db, state)
    assert models.obsolete_files(db, 1, keep) == [f"{number}.safetensors" for number in gone]
    assert models.obsolete_files(db, 2, 0) == []


# --- the way back --------------------------------------------------------------------------------


def test_a_rollback_goes_back_to_what_served_before_and_no_further_each_time(db, clock):
    numbers = []
    for state in ("serving", "retired", "serving", "serving"):
        numbers.append(put(db, state))
        clock.advance(minutes=1)
    first, never, second, third = numbers
    assert models.roll_back(db, 1).id == second
    assert models.roll_back(db, 1).id == first
    assert models.roll_back(db, 1) is None
    states = {row["id"]: row["state"] for row in db.rows("SELECT id, state FROM models")}
    assert states == {first: "rejected", never: "retired", second: "rejected", third: "rejected"}
    with pytest.raises(NotFoundError, match="the base policy serves"):
        models.roll_back(db, 1)
    assert [one.id for one in models.history(db, 1)] == numbers[::-1]


def test_from_the_base_policy_there_is_no_way_back_to_itself(db, clock):
    network = put(db, "serving")
    for _ in range(2):
        clock.advance(minutes=1)
        put(db, "serving", "base")
    assert models.roll_back(db, 1).id == network
    assert models.roll_back(db, 1).kind == "base"
    with pytest.raises(NotFoundError, match="nothing to go back to"):
        models.roll_back(db, 1)
    assert models.serving(db, 1).kind == "base"


def test_what_was_rolled_back_is_nothing_to_start_from(db):
    put(db, "serving")
    bad = put(db, "serving")
    models.roll_back(db, 1)
    assert models.newest_network(db, 1).id != bad


def test_the_file_a_rollback_needs_is_kept(db, clock):
    for state in ("serving", "serving", "retired", "retired", "retired"):
        put(db, state)
        clock.advance(minutes=1)
    # 2 serves, 1 served before it.
    assert models.obsolete_files(db, 1, 1) == ["4.safetensors", "3.safetensors"]


def test_what_is_unlearnt_is_counted_once_and_networks_alone(db):
    for kind in ("ppo", "base", "ppo"):
        put(db, "serving", kind)
    put(db, "serving", profile_id=2)
    assert models.unlearn(db, 1) == 2
    assert models.unlearn(db, 1) == 0
    put(db, "serving")
    assert models.unlearn(db, 1) == 1
    assert models.serving(db, 1) is None
    assert {(one.state, one.file) for one in models.history(db, 1)} == {("rejected", None)}
    assert models.serving(db, 2) is not None
