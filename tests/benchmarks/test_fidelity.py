"""The closed loop: the whole product, played against a simulated person with the clock driven."""

from __future__ import annotations

import copy
import itertools
import json
import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import families
import fidelity
import knowing
import numpy as np
import pytest
import scoring

from twind.model import Feedback

BENCHMARKS = Path(fidelity.__file__).parent


def test_who_knows_does_better_than_nobody():
    user = families.Ordinary(0)
    days = [families.FIRST_DAY + timedelta(days=number) for number in range(2)]
    nobody = fidelity.live_with_nobody(copy.deepcopy(user), days)
    knowing = fidelity.live_with_who_knows(copy.deepcopy(user), days, 0)
    assert sum(knowing.worth) > sum(nobody.worth)


def person(nothing, knowing, twind):
    return {
        "nothing": fidelity.Told(worth=[nothing] * 7),
        "knowing": fidelity.Told(worth=[knowing] * 7),
        "twind": fidelity.Told(worth=[twind] * 7),
    }


def test_the_gain_is_scaled_between_nobody_and_who_knows():
    everyone = [person(1.0, 3.0, 2.0), person(0.0, 2.0, 1.0)]
    line = scoring.lived_gain("x", "twind", "week1", everyone, slice(0, 7))
    assert line["name"] == "fidelity.x.lived_gain.twind.week1"
    assert (line["value"], line["low"], line["high"], line["n"]) == (0.5, 0.5, 0.5, 2)


def test_who_has_next_to_nothing_to_gain_does_not_decide_the_scale():
    everyone = [person(1.0, 3.0, 2.0), person(0.0, 1e-9, 0.1)]
    line = scoring.lived_gain("x", "twind", "week1", everyone, slice(0, 7))
    assert line["value"] == pytest.approx(0.55)


def test_foretelling_acceptance_better_than_by_its_rate_is_skill():
    sure = fidelity.Told(said=[(day, 0.9 if day % 2 else 0.1, bool(day % 2)) for day in range(20)])
    blind = fidelity.Told(said=[(day, 0.5, bool(day % 2)) for day in range(20)])
    assert scoring.brier_skill("x", [sure])["value"] > 0.9
    assert scoring.brier_skill("x", [blind])["value"] < 0.3


def foretold(rng, chances, slope=1.0, a_week=14):
    """Return what was told by who said `chances` of what came with other log odds."""
    odds = slope * np.log(chances / (1.0 - chances))
    taken = rng.random(len(chances)) < 1.0 / (1.0 + np.exp(-odds))
    said = [
        (number * 7 // a_week, float(chance), bool(yes))
        for number, (chance, yes) in enumerate(zip(chances, taken, strict=True))
    ]
    return fidelity.Told(said=said, proposed=[a_week // 7] * (len(chances) * 7 // a_week))


@pytest.mark.parametrize("slope", [0.5, 1.0, 2.0])
def test_the_slope_tells_who_is_too_sure(slope):
    rng = np.random.default_rng(0)
    told = foretold(rng, rng.uniform(0.05, 0.95, 4000), slope)
    line = scoring.calibration("x", [told])
    assert line["low"] < slope < line["high"]
    assert line["value"] == pytest.approx(slope, abs=0.15)


def test_intervals_of_who_is_calibrated_hold_and_of_who_is_off_do_not():
    rng = np.random.default_rng(1)
    chances = rng.uniform(0.2, 0.8, 14 * 200)
    assert scoring.coverage("x", [foretold(rng, chances)])["value"] == pytest.approx(0.9, abs=0.04)
    off = fidelity.Told(
        said=[(day, 0.9, False) for day, _, _ in foretold(rng, chances).said], proposed=[2] * 1400
    )
    assert scoring.coverage("x", [off])["value"] == 0.0


@pytest.mark.parametrize("a_week", [3, 7, 14])
def test_intervals_of_who_is_calibrated_hold_nine_in_ten(a_week):
    rng = np.random.default_rng(a_week)
    chances = np.clip(rng.beta(4.0, 3.0, a_week * 2000), 0.05, 0.95)
    held = scoring.coverage("x", [foretold(rng, chances, a_week=a_week)])
    assert held["n"] == 2000
    assert 0.88 < held["value"] < 0.92


def test_slopes_are_those_of_greatest_likelihood():
    """Where there is one; of few words the likelihood is flat, and whole steps overshoot."""
    rng = np.random.default_rng(0)
    found = 0
    for _ in range(300):
        odds = rng.normal(0.6, 1.5, rng.integers(10, 40))
        chances = 1.0 / (1.0 + np.exp(-odds))
        taken = rng.random(len(odds)) < 1.0 / (1.0 + np.exp(0.5 - 0.3 * odds))
        told = fidelity.Told(
            said=[(0, float(one), bool(yes)) for one, yes in zip(chances, taken, strict=True)]
        )
        slope = scoring.calibration("x", [told])["value"]
        if slope is None:
            continue
        found += 1
        # At the greatest likelihood the yeses are foretold in number, and where they are.
        base = np.linspace(-20.0, 20.0, 4001)
        each = 1.0 / (1.0 + np.exp(-base[:, None] - slope * odds))
        best = np.abs(each.sum(axis=1) - taken.sum()).argmin()
        assert odds @ (taken - each[best]) == pytest.approx(0.0, abs=0.1)
    assert found > 250


@pytest.mark.parametrize("taken", ["yyyyyyyyyyyy", "nnnnnnyyyyyy", "yyyyyynnnnnn"])
@pytest.mark.parametrize("chances", [np.linspace(0.2, 0.8, 12), np.full(12, 0.6)])
def test_no_slope_is_told_where_there_is_none(taken, chances):
    told = fidelity.Told(
        said=[(0, float(chance), yes == "y") for chance, yes in zip(chances, taken, strict=True)]
    )
    line = scoring.calibration("x", [told])
    assert (line["value"], line["low"], line["high"]) == (None, None, None)


def test_where_nothing_is_to_be_gained_there_is_no_share():
    line = scoring.lived_gain("x", "twind", "week1", [person(1.0, 1.0, 2.0)], slice(0, 7))
    assert (line["value"], line["low"], line["high"]) == (None, None, None)
    both = [person(0.0, 2.0, 1.0), person(1.0, 1.0, 1.0)]
    line = scoring.lived_gain("x", "twind", "week1", both, slice(0, 7))
    assert (line["value"], line["low"], line["high"]) == (0.5, None, None)
    json.dumps(line, allow_nan=False)


def test_a_days_own_gain_leaves_out_what_is_carried_over():
    everyone = [person(1.0, 3.0, 1.0)]
    everyone[0]["knowing"].own, everyone[0]["twind"].own = [4.0] * 7, [3.0] * 7
    line = scoring.day_gain("x", "twind", "week1", everyone, slice(0, 7))
    assert line["name"] == "fidelity.x.day_gain.twind.week1"
    assert line["value"] == 0.75


def test_what_is_ahead_is_scaled_by_who_knows_all_but_luck():
    everyone = [
        {"learnt": 1.0, "unlearnt": 0.5, "knowing": 2.0},
        {"learnt": 2.0, "unlearnt": 0.0, "knowing": 2.0},
    ]
    assert scoring.ahead("x", "learnt", everyone)["value"] == 0.75
    assert scoring.ahead("x", "unlearnt", everyone)["value"] == 0.125


def test_nobody_foretells_luck():
    rng = np.random.default_rng(2)
    chances = rng.uniform(0.05, 0.95, 4000)
    told = foretold(rng, chances)
    told.truly = [(rng.binomial(scoring.ASKED_AGAIN, one), scoring.ASKED_AGAIN) for one in chances]
    best = scoring.brier_skill_at_most("x", [told])["value"]
    # Of a variance of 1/4, what chances that are spread evenly over 0.9 explain.
    assert best == pytest.approx(0.9**2 / 12 / 0.25, abs=0.02)
    assert best == pytest.approx(scoring.brier_skill("x", [told])["value"], abs=0.01)
    # So it is of who answers little; and who was silent each time says nothing.
    asked = [int(count) for count in rng.integers(0, 8, len(chances))]
    told.truly = [
        (rng.binomial(count, one), count) for count, one in zip(asked, chances, strict=True)
    ]
    rarely = scoring.brier_skill_at_most("x", [told])
    assert rarely["value"] == pytest.approx(best, abs=0.03)
    assert rarely["n"] == sum(count > 1 for count in asked)
    told.truly = []
    assert scoring.brier_skill_at_most("x", [told])["value"] is None


def test_who_is_asked_again_says_so_how_probably_they_say_yes():
    user = families.Noisy(0)
    day = user.life.first_day
    shown = [one for one in knowing.everything(user, day) if one.action == "create"][:1]
    worth = knowing.imagined(user, day, shown) - knowing.imagined(user, day, ())
    [(yes, answered)] = knowing.inclinations(user, day, shown, 200)
    assert answered == 200
    assert yes / answered == pytest.approx(user.inclined(worth, 0), abs=0.1)
    assert len(user.review(day, shown)) == 1


def test_recovery_is_counted_from_the_change():
    gains = [1.0] * 21 + [0.0] * 6 + [1.0] * 15
    everyone = [
        {
            "nothing": fidelity.Told(worth=[0.0] * 42),
            "knowing": fidelity.Told(worth=[1.0] * 42),
            "twind": fidelity.Told(worth=gains),
        }
    ]
    line = scoring.recovery("x", everyone, 21)
    # Four of five days are as before from the tenth day on.
    assert line["value"] == 10
    everyone[0]["twind"].worth[21:] = [0.0] * 21
    assert scoring.recovery("x", everyone, 21)["value"] is None
    # Nothing was gained before the change: there is nothing to come back to.
    everyone[0]["twind"].worth[14:] = [-0.2] * 7 + [-0.15] * 21
    assert scoring.recovery("x", everyone, 21)["value"] is None
    # A change in the first week is held against the days there were.
    everyone[0]["twind"].worth = [0.9] * 5 + [0.01] * 37
    line = scoring.recovery("x", everyone, 5)
    assert (line["value"], line["baseline"]) == (None, pytest.approx(0.8 * 0.9))
    assert scoring.recovery("x", everyone, 0)["value"] is None


def test_who_learns_what_is_accepted_goes_on_trying_after_a_week_of_noes():
    user = families.Ordinary(0)
    predictor = fidelity.Predictor(0, 4)
    days = [user.life.first_day + timedelta(days=number) for number in range(14)]
    proposed = []
    for day in days:
        shown = predictor.propose(knowing.everything(user, day), day, knowing.clash)
        assert not any(knowing.clash(a, b) for a, b in itertools.combinations(shown, 2))
        for one in shown:
            predictor.learn(one, taken=False)
        proposed.append(len(shown))
    assert sum(proposed[:7]) > sum(proposed[7:]) > 0


def test_who_knows_keeps_to_the_limits_of_twind():
    user = families.Ordinary(0)
    sleep = knowing.settings_of(user).hours.sleep
    about = set()
    for one in knowing.everything(user, user.life.first_day):
        about.add((one.action, one.target.kind if one.target else ""))
        local = one.start.astimezone(families.ZONE)
        assert not sleep.contains(local.hour * 60 + local.minute)
    # None of their projects is one of learning.
    assert {kind for kind, target in about if target == "project"} == {"work"}
    assert {kind for kind, target in about if target == "person"} == {"social", "help"}


def test_who_knows_no_luck_plans_for_other_days_than_this(monkeypatch):
    monkeypatch.setattr(knowing, "CANDIDATES", 60)
    user = families.Linear(1)
    day = user.life.first_day
    worth = {}
    for name, lucks in (("all", None), ("tastes", [user.in_other_luck(1), user.in_other_luck(2)])):
        plan = knowing.best_proposals(user, day, knowing.luck_of(1, day), lucks)
        worth[name] = knowing.imagined(user, day, plan)
    assert knowing.imagined(user, day, ()) < worth["tastes"] < worth["all"]


@pytest.fixture
def companion(tmp_path):
    """Return twind on the first morning with somebody who has switched nothing on."""
    user = families.Ordinary(0)
    user.life.settings["proposals"] = {}
    twin = fidelity.Companion(user, (), tmp_path, "twind", 0)
    twin.wake_up(user.life.first_day)
    yield twin
    twin.close()


def test_plans_leave_out_what_nobody_has_switched_on(companion, monkeypatch):
    from twind.rl import planner
    from twind.rl.spaces import TYPES

    kept = []

    def plan_day(snapshot, number, *, limits, **_):
        kept.append((snapshot.slot, limits))
        return planner.Plan(number, (), None, 0)

    monkeypatch.setattr(planner, "plan_day", plan_day)
    assert companion.plan(1, companion.user.life.first_day + timedelta(days=1)) == []
    [(slot, limits)] = kept
    assert {TYPES[kind] for kind in limits.without} == {"exercise", "reflect"}
    assert slot == companion.settings.schedule.propose_at // 15


def test_pairs_are_judged_by_all_that_reviews_teach(companion, monkeypatch):
    from twind import evidence
    from twind.preferences.observations import Linear, Observation

    def sure():
        told = fidelity.Told()
        companion.compare_pairs(companion.user.life.first_day, told)
        return sum(one >= scoring.SURE for one, _ in told.pairs)

    def believe(reader):
        belief = evidence.prior(reader)
        taught = Linear({"attribute:exercise": 1.0}, 3.0, 0.01)
        belief.update(
            Observation(
                key="x", at=reader.now, kind="feedback", text="", source=("feedback", 1),
                likelihood=taught,
            )
        )  # fmt: skip
        return belief

    before = sure()
    monkeypatch.setattr(evidence, "believe", believe)
    assert sure() >= before + 8


def test_each_way_is_played_with_the_person_as_they_were(monkeypatch):
    class Patient(families.Ordinary):
        def __init__(self, seed):
            super().__init__(seed)
            self.asked = []

        def answer(self, question):
            self.asked.append(question)
            return "skip"

    def asked(user, *_):
        user.user.asked.append(None)
        return len(user.user.asked)

    monkeypatch.setattr(fidelity, "_found", lambda _: Patient)
    monkeypatch.setattr(fidelity, "live_with_nobody", asked)
    for name in ("live_with_who_knows", "live_with_a_predictor", "live_with_twind"):
        monkeypatch.setattr(fidelity, name, asked)
    for name in ("plans_after_answers", "plans_who_knows", "plans_told", "plans_without_foresight"):
        monkeypatch.setattr(fidelity, name, asked)
    told = fidelity.one_person("outside:Patient", 0, 1, 0, ("twind",))
    assert set(told.pop("gap").values()) == {1}
    assert set(told.values()) == {1}


def snooze(user, day, proposals):
    return [
        Feedback(proposal_id=one.id, action="snooze", at=one.start, until=one.end)
        for one in proposals
    ]


def test_who_puts_off_has_not_refused(companion, monkeypatch):
    monkeypatch.setattr(families.Ordinary, "review", snooze)
    day, told = companion.user.life.first_day, fidelity.Told()
    shown = knowing.everything(companion.user, day)[:2]
    assert fidelity._taken(companion.user, day, 0, shown, told) == []
    monkeypatch.setattr(companion, "_shown", lambda _: shown)
    monkeypatch.setattr("twind.store.proposals.review", lambda *_: shown[0])
    assert companion._review(day, 0, told) == []
    assert (told.said, told.truly, told.proposed) == ([], [], [2])


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_the_whole_product_is_played_against_anybody(tmp_path):
    """A person from outside, by the command line."""
    (tmp_path / "outside.py").write_text(
        "import families\n"
        "class Stranger(families.Person):\n"
        "    def energy(self, moment):\n"
        "        return None\n"
        "def stranger(seed):\n"
        "    return Stranger(seed)\n"
    )
    done = subprocess.run(
        [sys.executable, BENCHMARKS / "fidelity.py", "--user", "outside:stranger", "--people", "1",
         "--days", "7", "--train", "2048", "--json"],
        capture_output=True, text=True, check=False, cwd=tmp_path,
        env={
            **os.environ,
            "BENCH_FAST": "1",
            "PYTHONPATH": os.pathsep.join([str(BENCHMARKS), *sys.path]),
        },
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    told = {line["name"]: line for line in map(json.loads, done.stdout.splitlines())}
    for way in fidelity.WAYS:
        assert told[f"fidelity.stranger.lived_gain.{way}.week1"]["n"] == 1
    assert told["fidelity.stranger.proposed.week1"]["value"] > 0
    assert told["fidelity.stranger.gap_closed.told"]["n"] == 1
    assert told["fidelity.stranger.churn"]["value"] == 0.0
    assert told["fidelity.stranger.sure_pairs_right"]["n"] <= 45
    assert told["fidelity.everybody.brier_skill"]["n"] > 0
