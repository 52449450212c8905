"""Training from a database: the usage everybody starts with, weights, fallbacks, the gate."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from functools import partial
from pathlib import Path

import pytest
import safetensors.torch
import torch
from safetensors import safe_open
from stable_baselines3 import PPO

from twind import evidence, rl
from twind.errors import EmptyProfileError
from twind.home import Home
from twind.rl import DigitalTwinTrainer, contest, evaluate, trainer
from twind.rl.planner import Effort
from twind.store import Store, models, schema, words

STEPS = 1024


@pytest.fixture(autouse=True)
def quick_gate(monkeypatch):
    """The same gate on few days: what is tested is what becomes of its verdict."""
    monkeypatch.setattr(trainer, "gate", partial(evaluate.gate, lives=6, days=1))
    few = {"days": 1, "draws": 16, "effort": Effort(rehearsals=400, guide=2)}
    monkeypatch.setattr(trainer, "contest", partial(contest.contest, **few))


def verdict(monkeypatch, winner, planner=None):
    """Have the gate find as it does, but for who wins, and who makes the plans then."""
    monkeypatch.setattr(
        trainer,
        "contest",
        lambda _snapshot, name, _guide, **_more: contest.Verdict(planner or name, (), ()),
    )
    found = partial(evaluate.gate, lives=4, days=1)

    def gate(*args, **kwargs):
        report = found(*args, **kwargs)
        return evaluate.replace(report, winner=winner)

    monkeypatch.setattr(trainer, "gate", gate)


def insert(connection, table, **columns):
    marks = ", ".join("?" for _ in columns)
    connection.execute(
        f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({marks})", tuple(columns.values())
    )


def made_elsewhere(connection):
    """Fill a database that has MISSION's tables and columns, without a single constraint."""
    for table in schema.MISSION_TABLES:
        connection.execute(f"CREATE TABLE {table} ({', '.join(schema.columns_of(table))})")
    insert(connection, "profile", id=1, created_at="2025-01-01 10:00:00")
    insert(connection, "entities", id=1, profile_id=1, entity_type="person", name="Ann")
    insert(
        connection,
        "entity_attributes",
        id=1,
        profile_id=1,
        entity_id=1,
        attribute_type="trust",
        value=0.9,
    )
    about = {"progress": 0.4, "priority": 4, "deadline_days": 5}
    insert(
        connection,
        "workflows",
        id=1,
        profile_id=1,
        name="Book",
        workflow_type="project",
        status="active",
        metadata=json.dumps(about),
    )
    insert(connection, "dimensions", id=1, name="Values")
    insert(connection, "aspects", id=1, dimension_id=1, name="growth", code="VAL_GROWTH")
    insert(
        connection,
        "patterns",
        id=1,
        profile_id=1,
        pattern_type="preference",
        dimension_id=1,
        aspect_id=1,
        confidence=0.8,
        strength=0.7,
    )
    return connection


def rows_of(connection):
    return {
        table: connection.execute(f"SELECT * FROM {table}").fetchall()
        for table in ("entities", "entity_attributes", "workflows", "patterns", "aspects")
    }


@pytest.fixture
def life(tmp_path, clock):
    """A store on such a database."""
    file = tmp_path / "personal_learning.db"
    connection = made_elsewhere(sqlite3.connect(file))
    connection.commit()
    connection.close()
    with Store.open(file, clock) as store:
        yield store


def train(store, seed=0, steps=64, **more):
    learner = DigitalTwinTrainer(store, profile_id=1)
    agent = learner.train(steps, seed=seed, progress=False, threads=1, **more)
    store.clock.advance(minutes=1)
    return learner, agent


@pytest.mark.slow
@pytest.mark.parametrize("committed", [True, False])
def test_the_usage_everybody_starts_with(tmp_path, committed):
    file = tmp_path / "personal_learning.db"
    db = made_elsewhere(sqlite3.connect(file))
    if committed:
        db.commit()
    before = rows_of(db)
    agent = DigitalTwinTrainer(db, profile_id=1).train(total_timesteps=STEPS, threads=1)
    assert isinstance(agent, PPO)
    assert agent.num_timesteps >= STEPS
    assert db.in_transaction is not committed
    assert rows_of(db) == before
    name, sha256, kind = db.execute(
        "SELECT file, sha256, kind FROM models WHERE file IS NOT NULL"
    ).fetchone()
    weights = tmp_path / "models" / name
    assert kind == "ppo"
    assert hashlib.sha256(weights.read_bytes()).hexdigest() == sha256
    with safe_open(weights, framework="numpy") as opened:
        assert list(opened.keys())
    db.close()


@pytest.mark.slow
def test_a_database_in_memory_keeps_its_weights_in_the_state_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("TWIND_HOME", str(tmp_path))
    db = made_elsewhere(sqlite3.connect(":memory:"))
    DigitalTwinTrainer(db).train(total_timesteps=64, progress=False, threads=1)
    [file] = Home.find().models_dir.iterdir()
    assert db.execute("SELECT file FROM models WHERE kind = 'ppo'").fetchone() == (file.name,)
    db.close()


def test_an_empty_profile_says_what_to_do(tmp_path):
    for table in (True, False):
        db = sqlite3.connect(tmp_path / f"{table}.db")
        if table:
            made_elsewhere(db)
        profile = 2 if table else 1
        with pytest.raises(EmptyProfileError, match=f"profile {profile} is empty: sync"):
            DigitalTwinTrainer(db, profile_id=profile).train(total_timesteps=64)
        db.close()
    assert not (tmp_path / "models").exists()


@pytest.mark.slow
def test_training_goes_on_from_the_newest_weights(life, monkeypatch):
    verdict(monkeypatch, "base")
    learner, first = train(life)
    newest = models.newest_network(life, 1)
    assert (newest.state, models.serving(life, 1).kind) == ("retired", "base")
    assert trainer.serving_choice(life, 1, learner.models_dir)[:2] == ("base", None)
    parent, start = DigitalTwinTrainer(life)._start()
    assert parent.id == newest.id
    for name, tensor in first.policy.state_dict().items():
        assert start.state_dict()[name].equal(tensor)
    train(life, seed=1)
    assert life.value("SELECT parent_id FROM models ORDER BY id DESC LIMIT 1") == newest.id


@pytest.mark.slow
@pytest.mark.parametrize("harm", ["damaged", "gone"])
def test_a_bad_file_falls_back(life, monkeypatch, harm):
    verdict(monkeypatch, "ppo")
    learner, _ = train(life)
    train(life, seed=1)
    older, newer = life.rows("SELECT id, file FROM models ORDER BY id")
    assert trainer.serving_choice(life, 1, learner.models_dir)[:2] == ("ppo", newer["id"])
    file = Path(learner.models_dir) / newer["file"]
    if harm == "gone":
        file.unlink()
    else:
        file.write_bytes(file.read_bytes()[:-1] + b"!")
    parent, _ = DigitalTwinTrainer(life)._start()
    assert parent.id == older["id"]
    assert trainer.serving_choice(life, 1, learner.models_dir)[0] == "base"
    assert life.value("SELECT state FROM models WHERE id = ?", (newer["id"],)) == "rejected"


@pytest.mark.slow
def test_damaged_weights_in_service_give_way_to_the_base_policy(life, monkeypatch):
    verdict(monkeypatch, "ppo")
    learner, _ = train(life)
    [file] = Path(learner.models_dir).iterdir()
    file.write_bytes(b"")
    served = trainer.serving_choice(life, 1, learner.models_dir)
    assert served[:2] == ("base", None)
    assert callable(served.guide)
    assert models.serving(life, 1) is None


def test_a_base_policy_that_cannot_be_read_gives_way_to_the_greedy_rule(
    life, monkeypatch, tmp_path, caplog
):
    """A file that is damaged, missing, or of another architecture: told, and no morning is lost."""
    other = tmp_path / "other.safetensors"
    safetensors.torch.save_file({"weight": torch.zeros(2)}, other)
    damaged = tmp_path / "damaged.safetensors"
    damaged.write_bytes(trainer.weights.BASE.read_bytes()[:1000])
    for file in (tmp_path / "missing.safetensors", damaged, other):
        caplog.clear()
        monkeypatch.setattr(trainer.weights, "BASE", file)
        served = trainer.serving_choice(life, 1, tmp_path)
        assert served[:2] == ("greedy rule", None)
        assert served.guide(0) is trainer.RULES["greedy"]
        [record] = caplog.records
        assert str(file) in record.getMessage()
        assert "the greedy rule stands in" in record.getMessage()


@pytest.mark.slow
def test_what_wins_serves(life, monkeypatch):
    verdict(monkeypatch, "greedy")
    learner, _ = train(life)
    assert learner.report.winner == "greedy"
    assert {score.name for score in learner.report.scores} == {"ppo", "base", *trainer.RULES}
    served = trainer.serving_choice(life, 1, learner.models_dir)
    assert (served.name, served.model_id) == ("greedy", models.serving(life, 1).id)
    assert served.guide(0) is trainer.RULES["greedy"]
    train(life, seed=1)
    assert life.value("SELECT COUNT(*) FROM models WHERE kind = 'greedy'") == 1
    verdict(monkeypatch, "ppo")
    train(life, seed=2)
    assert models.serving(life, 1).kind == "ppo"
    assert life.value("SELECT COUNT(*) FROM models WHERE state = 'serving'") == 1


@pytest.mark.slow
@pytest.mark.parametrize(("planner", "silent"), [("search", False), ("nothing", True)])
def test_the_planner_alone_or_silence_may_serve(life, monkeypatch, planner, silent):
    verdict(monkeypatch, "ppo", planner)
    learner, _ = train(life)
    served = trainer.serving_choice(life, 1, learner.models_dir)
    assert served == (planner, models.serving(life, 1).id, None, silent)
    assert models.last_training(life, 1).state == "retired"


@pytest.mark.slow
def test_the_users_own_reviews_can_refuse_a_candidate(life, monkeypatch):
    verdict(monkeypatch, "ppo")
    monkeypatch.setattr(trainer.reviews, "withheld", lambda *_: "some")
    monkeypatch.setattr(trainer.reviews, "is_worse", lambda *_: True)
    train(life)
    refused = models.last_training(life, 1)
    assert refused.state == "retired"
    assert "what you accepted" in refused.report["because"]


@pytest.mark.slow
def test_what_comes_in_during_training_counts_as_news(life, monkeypatch):
    verdict(monkeypatch, "ppo")
    reader = DigitalTwinTrainer(life).pipeline.reader(1)
    belief, world = evidence.believe(reader), evidence.world(reader)

    def user(*_):
        words.say(life, 1, "pin", "VAL_SECURITY", value=0.9)
        with life.transaction():
            about = {"name": "News", "workflow_type": "project", "status": "active"}
            insert(life.connection, "workflows", id=2, profile_id=1, **about)
        return False  # that is enough of training

    train(life, callback=user)
    trained = models.last_training(life, 1)
    assert trained.belief == belief.to_bytes()
    assert trained.world == world
    assert evidence.believe(reader).distance(belief) > 0.1
    assert evidence.world(reader) != world


@pytest.mark.slow
def test_what_is_refused_at_the_end_leaves_no_row_and_no_file(life):
    def refuse(agent):
        assert models.last_training(life, 1).timesteps == agent.num_timesteps
        raise RuntimeError("somebody else has taken it over")

    with pytest.raises(RuntimeError, match="taken it over"):
        train(life, on_kept=refuse)
    assert models.last_training(life, 1) is None
    assert list((Path(life.file).parent / "models").iterdir()) == []


def test_the_package_offers_what_the_usage_imports():
    assert rl.DigitalTwinTrainer is DigitalTwinTrainer
