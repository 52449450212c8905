"""Lives small enough to be solved: the best that can be done, exactly, and who comes how near.

Two free hours or less, one project, one person, two proposals, and nothing left to chance but
whether the user takes a proposal up. Then every decision can be tried, and every answer to it: the
best first decision is found by dynamic programming over all of them (expectimax), without any
sampling.
"""

from __future__ import annotations

import numba
import numpy as np
from figures import FAST, PEOPLE, SEED, tell

from twind.rl.dynamics import end_day, pass_slot, run_on, spend_slots
from twind.rl.legal import free_run, leisure_run, may_depth, may_target, room
from twind.rl.person import acceptance
from twind.rl.spaces import DURATIONS_SLOTS, SLOTS, TARGETS
from twind.rl.world import (
    ACTIVITIES,
    COSTS,
    DAY,
    HABIT,
    LIFE,
    P_INTERRUPTION_COST,
    PART_COUNT,
    SLOT_H,
    World,
    pack,
)

WINDOW = slice(17 * 4, 17 * 4 + 6)
DRAWS = 2048
DEEPEST = 16
CORNER = 900_002


def measure():
    """Print exact.*: where rules, the base policy and plans stand between rule and optimum."""
    import torch

    from twind.rl.rules import RULES
    from twind.rl.train import new_policy

    torch.set_num_threads(1)
    base = new_policy()
    lives = [small_life([CORNER, SEED, number]) for number in range(PEOPLE or (3 if FAST else 24))]
    rows = []
    for snapshot in lives:
        packed = pack([snapshot])
        packed.records["moods"] = 0.0
        found = {"optimum": optimum(packed)}
        found |= {name: _closed_loop(packed, choose) for name, choose in RULES.items()}
        found["zero_shot"] = _closed_loop(packed, base.choose)
        for name, guide in (("search_alone", None), ("policy_search", base.drawing)):
            found[name] = _planned(snapshot, packed, guide)
        rows.append(found)
    _report({name: np.array([row[name] for row in rows]) for name in rows[0]})


def small_life(seed):
    """Return a life in which only acceptance is left to chance."""
    from dataclasses import replace

    from twind.rl.lives import sample_life
    from twind.rl.snapshot import Belief, PersonState, ProjectState, Snapshot, day_plan

    rng = np.random.default_rng(seed)
    life = sample_life(rng)
    open_ = np.zeros(SLOTS, bool)
    open_[WINDOW] = True
    awake = np.zeros(SLOTS, bool)
    awake[28:92] = True
    day = day_plan(life.days[0].date, allowed=open_, work=np.zeros(SLOTS, bool), asleep=~awake)
    truth = life.belief
    known = rng.multivariate_normal(truth.mean, truth.covariance, method="eigh")
    habits = np.zeros_like(life.habits)
    habits[..., 0] = 1.0
    project = ProjectState(
        id=1, name="project", kind="learning", priority=float(rng.uniform()), off_hours=True,
        remaining_h=float(rng.uniform(0.5, 4.0)), deadline_h=float(rng.uniform(18.0, 90.0)),
    )  # fmt: skip
    person = PersonState(
        id=1, name="person", closeness=float(rng.uniform()), cadence_days=7.0,
        days_since=float(rng.uniform(0.0, 21.0)),
    )  # fmt: skip
    calm = replace(
        life.life, interruptions_per_h=0.0, unplanned_per_day=0.0, start_friction=0.0,
        completion=1e6, max_proposals=2.0,
    )  # fmt: skip
    return Snapshot(
        profile_id=0, start=life.start, zone=life.zone, slot=WINDOW.start, days=(day,),
        projects=(project,), people=(person,), habits=habits, life=calm,
        belief=Belief(names=truth.names, mean=known, covariance=np.zeros_like(truth.covariance)),
        energy=float(rng.uniform(0.3, 0.9)), load=float(rng.uniform(0.0, 0.5)),
    )  # fmt: skip


# --- exactly -------------------------------------------------------------------------------------


def optimum(lives):
    """Return what the best decisions earn on average."""
    stack = World(DEEPEST)
    stack.records[0] = _morning(lives, 1).records[0]
    return _best(lives.records, stack.records, 0)


@numba.njit(numba.float64(LIFE[::1], DAY[::1], numba.int64), error_model="numpy")
def _best(lives, stack, level):
    """Return the expected return of the best decisions from the state at a level of the stack."""
    v, w = lives[0], stack[level]
    run_on(v, w)
    if w.slot >= SLOTS:
        end_day(v, w)
        total = 0.0
        for part in range(PART_COUNT + 1):
            total += w.reward[part]
        return total
    stack[level + 1] = stack[level]
    pass_slot(v, stack[level + 1], -1, 0, 1, HABIT)
    best = _best(lives, stack, level + 1)
    run = free_run(v, w)
    leisure = leisure_run(v, w, run)
    for activity in range(ACTIVITIES):
        fits = room(v, w, activity, run, leisure)
        for target in range(TARGETS):
            if fits < 1 or not may_target(v, w, activity, target):
                continue
            for depth in range(3):
                if not may_depth(activity, depth):
                    continue
                for slots in DURATIONS_SLOTS:
                    if slots > fits:
                        continue
                    chance = acceptance(
                        v, w, w.truth, w.params, activity, target, depth, slots * SLOT_H
                    )
                    expected = 0.0
                    for accepted in (True, False):
                        stack[level + 1] = stack[level]
                        n = stack[level + 1]
                        n.reward[COSTS] -= n.params[P_INTERRUPTION_COST]
                        n.proposals += 1
                        if not accepted:
                            n.refused += 1
                        spend_slots(v, n, activity, target, depth, slots, accepted)
                        share = chance if accepted else 1.0 - chance
                        expected += share * _best(lives, stack, level + 1)
                    best = max(best, expected)
    return best


# --- by sampling ---------------------------------------------------------------------------------


def _morning(lives, draws):
    from twind.rl.vec_env import Simulation, streams

    simulation = Simulation(lives, draws)
    simulation.begin(np.zeros(draws, np.int64), streams(5, np.arange(draws)))
    return simulation.world


def _closed_loop(lives, choose):
    from twind.rl.vec_env import Simulation, streams

    simulation = Simulation(lives, DRAWS)
    simulation.begin(np.zeros(DRAWS, np.int64), streams(5, np.arange(DRAWS)))
    total = np.zeros(DRAWS)
    while not simulation.world.done.all():
        total += simulation.step(choose(simulation.seen.as_dict()))
    return float(total.mean())


def _planned(snapshot, lives, guide):
    from twind.rl.candidates import Limits
    from twind.rl.planner import Effort, plan_day
    from twind.rl.rehearsal import Rehearsal

    limits = Limits(most=2, min_acceptance=0.0)
    made = plan_day(snapshot, 0, guide=guide, limits=limits, effort=Effort(rehearsals=8000))
    items = [rated.item for rated in made.items]
    return float(Rehearsal(lives, 0, DRAWS, 5).live([items], 0, DRAWS).returns.mean())


def _report(table):
    rules = ("nothing", "earliest_deadline", "urgency", "greedy")
    rule = table[max(rules, key=lambda name: table[name].mean())]
    rng = np.random.default_rng(SEED)
    picks = rng.integers(0, len(rule), (2000, len(rule)))
    for name, values in table.items():

        def scaled(rows, values=values):
            best = table["optimum"][rows].mean() - rule[rows].mean()
            return (values[rows].mean() - rule[rows].mean()) / best

        low, high = np.percentile([scaled(p) for p in picks], [2.5, 97.5])
        tell(
            f"exact.{name}", float(scaled(slice(None))), low, high, "0 best rule, 1 optimum",
            float(rule.mean()), float(values.mean()), len(rule),
        )  # fmt: skip
