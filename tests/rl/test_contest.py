"""Whether a plan needs a guide, or is better not made at all."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from twind.rl import contest
from twind.rl.candidates import unvarying
from twind.rl.contest import NOTHING, SEARCH
from twind.rl.lives import sample_life
from twind.rl.planner import Effort
from twind.rl.rules import greedy, nothing

QUICK = {"days": 2, "draws": 32, "effort": Effort(rehearsals=1500, guide=4)}


def life(seed, **parameters):
    found = sample_life(np.random.default_rng(seed))
    return replace(found, life=replace(found.life, **parameters))


def test_the_same_seed_gives_the_same_verdict():
    snapshot = life(5003)
    first, second = (
        contest.contest(snapshot, "greedy", unvarying(greedy), seed=3, **QUICK) for _ in range(2)
    )
    assert first == second
    assert {one.name for one in first.scores} == {"greedy", SEARCH, NOTHING}
    assert {(one.against, one.under) for one in first.differences} == {
        (other, under) for other in (SEARCH, NOTHING) for under in ("fitted", "perturbed")
    }


def test_a_guide_that_changes_nothing_stays():
    """A rule that leaves everything adds no candidates: both plans are the same."""
    verdict = contest.contest(life(5003), "guide", unvarying(nothing), seed=1, **QUICK)
    assert verdict.winner == "guide"
    same = [one for one in verdict.differences if one.against == SEARCH]
    assert all(one.mean == one.low == one.high == 0.0 for one in same)


def test_plans_are_worth_making_for_somebody_with_a_deadline():
    verdict = contest.contest(
        life(5003), "greedy", unvarying(greedy), seed=1, **(QUICK | {"days": 6})
    )
    assert verdict.winner != NOTHING
    [against] = [
        one for one in verdict.differences if (one.against, one.under) == (NOTHING, "fitted")
    ]
    assert against.low > 0.0


class Lucky:
    """Stands in for planner and rehearsal: plans that differ by the luck of their search alone."""

    def __init__(self):
        self.luck = np.random.default_rng(0)
        self.lived = []

    def plan_day(self, *_, **__):
        return SimpleNamespace(items=[SimpleNamespace(item=self.luck.normal(0.0, 0.4))])

    def rehearsal(self, world, day, draws, seed):
        self.lived.append((world[0].life, day, seed))

        def live(plans, _first, _end):
            worth = np.array([plan[0] if plan else -5.0 for plan in plans])
            returns = worth[:, None] + self.luck.normal(0.0, 1.2, (len(plans), draws))
            return SimpleNamespace(returns=returns)

        return SimpleNamespace(live=live)


@pytest.fixture
def lucky(monkeypatch):
    fake = Lucky()
    monkeypatch.setattr(contest, "pack", lambda snapshots: snapshots)
    monkeypatch.setattr(contest, "plan_day", fake.plan_day)
    monkeypatch.setattr(contest, "Rehearsal", fake.rehearsal)
    return fake


@pytest.mark.usefixtures("lucky")
def test_an_equal_rival_does_not_win_by_the_luck_of_its_search():
    snapshot = life(1)
    wins = [contest.contest(snapshot, "guide", None).winner == SEARCH for _ in range(200)]
    assert sum(wins) <= 12  # 2.5 % is meant


def test_no_two_days_share_their_luck_or_their_perturbed_lives(lucky):
    snapshot = life(1)
    contest.contest(snapshot, "guide", None)
    assert len({seed for _, _, seed in lucky.lived}) == contest.DAYS
    shaken = [one for one, _, _ in lucky.lived if one != snapshot.life]
    assert len(set(shaken)) == len(shaken) == contest.DAYS * contest.SHAKEN


@pytest.mark.parametrize(
    ("worth", "winner"),
    [
        ({"guide": 1.0, SEARCH: 0.9, NOTHING: 0.0}, "guide"),
        ({"guide": 1.0, SEARCH: 1.3, NOTHING: 0.0}, SEARCH),
        ({"guide": 1.0, SEARCH: 1.3, NOTHING: 2.0}, NOTHING),
        ({"guide": 1.0, SEARCH: 1.001, NOTHING: 0.0}, "guide"),
    ],
)
def test_another_way_wins_only_clearly(monkeypatch, worth, winner):
    luck = np.random.default_rng(0)
    common = luck.normal(0.0, 3.0, 200)
    run = {name: common + value + luck.normal(0.0, 0.3, 200) for name, value in worth.items()}
    monkeypatch.setattr(contest, "_live", lambda *_: (run, run))
    assert contest.contest(life(1), "guide", unvarying(greedy)).winner == winner
