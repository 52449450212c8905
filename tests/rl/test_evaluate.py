"""The gate: paired, on the same luck, and hard to pass by chance."""

from __future__ import annotations

import json

import numpy as np
import pytest

from twind.rl import evaluate
from twind.rl.lives import sample_life
from twind.rl.population import SPREADS
from twind.rl.rules import RULES, greedy, nothing


@pytest.fixture(scope="module")
def lives():
    rng = np.random.default_rng(5)
    return [sample_life(rng) for _ in range(8)]


def test_the_same_choices_meet_the_same_luck(lives):
    first, second = (evaluate.returns(lives, greedy, lives=16, days=2, seed=3) for _ in range(2))
    np.testing.assert_array_equal(first, second)
    other = evaluate.returns(lives, greedy, lives=16, days=2, seed=4)
    assert not np.array_equal(first, other)


def test_pairing_takes_the_luck_out():
    rng = np.random.default_rng(0)
    luck = rng.normal(0.0, 5.0, 200)
    run = {"a": luck + 0.3 + rng.normal(0.0, 0.5, 200), "b": luck}
    found = evaluate.difference(run, "a", "b")
    assert found.low > 0.0
    assert found.low < 0.3 < found.high
    alone = evaluate.score("a", run["a"])
    assert alone.high - alone.low > 4 * (found.high - found.low)


@pytest.mark.parametrize("count", [3, 10, 100])
def test_intervals_cover_the_truth_as_often_as_they_say(count):
    rng = np.random.default_rng(1)
    hits = 0
    for _ in range(2000):
        found = evaluate.score("x", rng.normal(1.0, 2.0, count))
        hits += found.low <= 1.0 <= found.high
    assert 0.935 <= hits / 2000 <= 0.965


def test_a_candidate_equal_to_what_serves_does_not_replace_it(lives):
    field = {"new": greedy, "old": greedy, "nothing": nothing}
    report = evaluate.gate(
        lives, field, candidate="new", in_service="old", lives=32, days=1, seed=1
    )
    assert report.winner != "new"
    same = next(each for each in report.differences if each.against == "old")
    assert (same.mean, same.low, same.high) == (0.0, 0.0, 0.0)


def test_a_clear_winner_passes(lives, monkeypatch):
    worth = {"good": 2.0, "old": 1.0, "nothing": 0.0}
    luck = np.random.default_rng(0).normal(size=64)

    def returns(_snapshots, choose, *, lives, days, seed):
        del days
        return luck[:lives] + worth[choose] + 0.01 * (seed % 7)

    monkeypatch.setattr(evaluate, "returns", returns)
    field = {name: name for name in worth}
    report = evaluate.gate(lives, field, candidate="good", in_service="old", lives=64)
    assert report.winner == "good"
    assert [each.name for each in report.scores] == ["good", "old", "nothing"]
    report = evaluate.gate(lives, field, candidate="nothing", in_service="old", lives=64)
    assert report.winner == "good"
    report = evaluate.gate(lives, field, candidate="old", in_service="old", lives=64)
    assert report.winner == "good"


def test_every_perturbed_life_counts_because_it_has_dynamics_of_its_own(lives, monkeypatch):
    lived = []

    def returns(packed, _choose, *, lives, days, seed):
        del days, seed
        lived.append(len(np.unique(packed.records["life"], axis=0)))
        return np.arange(float(lives))

    monkeypatch.setattr(evaluate, "returns", returns)
    field = {"new": greedy, "old": nothing}
    evaluate.gate(lives[:1], field, candidate="new", in_service="old", lives=64)
    assert lived == [1, 1, 64, 64, 1, 1]


def test_a_report_is_json_and_names_everyone(lives):
    field = {"new": greedy, **RULES}
    report = evaluate.gate(
        lives, field, candidate="new", in_service="nothing", lives=16, days=1, seed=2
    )
    back = json.loads(json.dumps(report.as_json()))
    assert {each["name"] for each in back["scores"]} == set(field)
    assert {each["under"] for each in back["differences"]} == {"fitted", "perturbed"}
    assert len(back["differences"]) == 2 * (len(field) - 1)
    assert report.score("new").low <= report.score("new").mean <= report.score("new").high
    with pytest.raises(KeyError):
        report.score("nobody")


def test_strangers_cannot_compete(lives):
    with pytest.raises(ValueError, match="in the field"):
        evaluate.gate(lives, {"a": nothing}, candidate="a", in_service="b")


def test_perturbing_is_measured_by_how_people_differ(lives):
    shaken = evaluate.perturbed(lives[:1] * 400, 1)
    for name in ("social_energy", "chronotype_h", "completion"):
        off = np.std([getattr(each.life, name) for each in shaken]) / SPREADS[name].spread
        assert off == pytest.approx(evaluate.SHAKE, rel=0.1)


def test_perturbing_moves_the_dynamics_and_nothing_else(lives):
    shaken = evaluate.perturbed(lives, 0)
    for before, after in zip(lives, shaken, strict=True):
        assert after.life != before.life
        assert after.life.max_proposals == before.life.max_proposals
        assert after.belief is before.belief
        assert after.projects is before.projects
    again = evaluate.perturbed(lives, 0)
    assert [each.life for each in again] == [each.life for each in shaken]
