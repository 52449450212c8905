"""How good the days are that twind makes, on simulated lives that nobody trained or tuned on.

Each life is one morning. A policy or rule acts through the day by itself; a plan is made in the
morning and followed. Either way the day after is the user's own, and a life's figure is its mean
return over common luck, beyond leaving both days alone. All figures are scaled: 0 is the best plain
rule, 1 the best that is known, which is what a search with a hundred times the budget, of another
kind and from many beginnings, has found, or anybody else. What is best is told on other luck than
what is reported.

Budgets are seconds of one core, counted out in rehearsals of a speed that is measured first; what
it takes to ask the guide is taken off. So neighbours on the machine change nothing.
"""

from __future__ import annotations

import os
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import numpy as np
from figures import FAST, PEOPLE, SEED, tell

DRAWS = 512
BUDGETS = {"50ms": 0.05, "500ms": 0.5, "5s": 5.0}
BEST_OF = 5 if FAST else 100
"""How many times the rehearsals of half a second the reference search gets."""
FINE_TUNING = 10_000 if FAST else 50_000
CHOOSING, REPORTING = 7_001, 7_002
BOOTSTRAPS = 2000
TUNED, SEARCHED = 4, 16
"""So many times more lives tell who is better than whom: they need no reference, and most of them
no fine-tuning, which is what takes longest then."""
PAIRS = [
    ("zero_shot", "greedy"),
    ("zero_shot", "nothing"),
    ("finetuned", "zero_shot"),
    ("zero_shot", "mean_only"),
    *[(f"policy_search_{label}", f"search_alone_{label}") for label in BUDGETS],
    *[(f"finetuned_search_{label}", f"search_alone_{label}") for label in BUDGETS],
]
RULE_NAMES = {"earliest_deadline": "edf"}
CORNER = 900_001
"""Seeds of the lives: far from those of training and of the tests."""


def measure():
    """Print quality.*: scaled means with 95 % intervals over lives, and paired differences."""
    count = PEOPLE or (2 if FAST else 20)
    tuned, everyone = (count, count) if FAST else (TUNED * count, SEARCHED * count)
    speed, guiding_s = _pace()
    with ProcessPoolExecutor(os.cpu_count(), get_context("spawn")) as pool:
        told = [
            pool.submit(
                _one_life, number, speed, guiding_s, referred=number < count, tuned=number < tuned
            )
            for number in range(everyone)
        ]
        known = [one.result() for one in told]
    _report_scaled(_table(known[:count]))
    _report_paired(known)


def _table(known):
    """Return by contestant (lives, 2) returns, on both lucks."""
    return {name: np.array([one[name] for one in known]) for name in known[0]}


def _life(number):
    from twind.rl.lives import sample_life

    return sample_life(np.random.default_rng([CORNER, SEED, number]))


def _one_life(number, speed, guiding_s, *, referred, tuned):
    """Return the mean return of every contestant beyond doing nothing, on both kinds of luck."""
    import torch

    from twind.rl.rules import RULES
    from twind.rl.train import fine_tune, new_policy

    torch.set_num_threads(1)
    snapshot, base = _life(number), new_policy()
    day = _Day(snapshot)
    found = {RULE_NAMES.get(name, name): day.act(choose) for name, choose in RULES.items()}
    found["zero_shot"] = day.act(base.choose)
    found["mean_only"] = day.act(_without_doubt(base.choose))
    guides = {"policy": base.drawing}
    if tuned:
        agent = fine_tune(snapshot, start=base, total_timesteps=FINE_TUNING, seed=number)
        guides["finetuned"] = agent.policy.drawing
        found["finetuned"] = day.act(agent.policy.choose)
    for label, seconds in BUDGETS.items():
        if seconds > 1 and (FAST or not referred):
            continue
        guided = int(speed * max(0.2 * seconds, seconds - guiding_s))
        found[f"search_alone_{label}"] = day.plan(None, int(seconds * speed))
        for name, guide in guides.items():
            found[f"{name}_search_{label}"] = day.plan(guide, guided)
    if referred:
        found["reference"] = day.anneal(int(speed * 0.5 * BEST_OF), number)
    nothing = found["nothing"]
    return {name: np.array(values) - nothing for name, values in found.items()}


class _Day:
    """One morning, on common luck: what it comes to under whatever is done."""

    def __init__(self, snapshot):
        from twind.rl.candidates import Candidates
        from twind.rl.rehearsal import Rehearsal
        from twind.rl.world import pack

        self.snapshot, self.lives = snapshot, pack([snapshot])
        self.limits = _limits(snapshot)
        self.luck = [Rehearsal(self.lives, 0, DRAWS, seed) for seed in (CHOOSING, REPORTING)]
        self.candidates = Candidates(snapshot, self.lives, 0, self.limits)

    def act(self, choose):
        """Return the means of both kinds of luck when somebody decides as the day goes on."""
        return [_closed_loop(self.lives, choose, seed) for seed in (CHOOSING, REPORTING)]

    def live(self, items):
        """Return the same of a plan."""
        return [float(one.live([items], 0, DRAWS).returns.mean()) for one in self.luck]

    def plan(self, guide, rehearsals):
        """Return the same of the plan that so many rehearsals make."""
        from twind.rl.planner import Effort, plan_day

        effort = Effort(rehearsals=rehearsals)
        made = plan_day(self.snapshot, 0, guide=guide, limits=self.limits, effort=effort)
        return self.live([rated.item for rated in made.items])

    def anneal(self, rehearsals, seed):
        """Return the same of the best plan that simulated annealing finds, from many beginnings.

        Kirkpatrick, Gelatt & Vecchi 1983, over whole plans: items are added, dropped and exchanged
        for any other candidate of the day, whatever it promises. It shares the simulator with the
        planner and nothing else.
        """
        from twind.rl.rehearsal import Rehearsal

        rng = np.random.default_rng([seed, SEED])
        draws, best = 256, ([], -np.inf)
        luck = Rehearsal(self.lives, 0, draws, seed + 11)
        table = self.candidates.everything()
        restarts = 6
        steps = max(1, rehearsals // (draws * restarts))
        for _ in range(restarts if len(table) else 0):
            plan, value = [], float(luck.live([[]], 0, draws).returns.mean())
            for step in range(steps):
                warmth = 0.3 * (1.0 - step / steps) + 0.01
                other = self._neighbour(plan, table, rng)
                found = float(luck.live([other], 0, draws).returns.mean())
                if found > value or rng.random() < np.exp((found - value) / warmth):
                    plan, value = other, found
                if value > best[1]:
                    best = plan, value
        return self.live(best[0])

    def _neighbour(self, plan, table, rng):
        """Return a plan a little otherwise."""
        kept = list(plan)
        if kept and rng.random() < 0.6:
            gone = kept.pop(int(rng.integers(len(kept))))
            if rng.random() < 0.3:
                return kept
            near = self.candidates.near(gone)
            item = near[int(rng.integers(len(near)))] if near and rng.random() < 0.6 else None
        else:
            item = None
        item = item or table[int(rng.integers(len(table)))]
        fits = all(item.end <= one.slot or one.end <= item.slot for one in kept)
        return [*kept, item] if fits and len(kept) < self.limits.most else list(plan)


def _closed_loop(lives, choose, seed):
    from twind.rl.rules import nothing
    from twind.rl.vec_env import Simulation, streams

    simulation = Simulation(lives, DRAWS)
    simulation.begin(np.zeros(DRAWS, np.int64), streams(seed, np.arange(DRAWS)))
    total = np.zeros(DRAWS)
    for rule in (choose, nothing):
        while not simulation.world.done.all():
            total += simulation.step(rule(simulation.seen.as_dict()))
        simulation.go_on(simulation.world.done.copy())
    return float(total.mean())


def _without_doubt(choose):
    """Return a policy that is told the same average doubt of everything, whatever is known."""

    def chosen(obs):
        hidden = dict(obs)
        hidden["worth_sd"] = np.full_like(obs["worth_sd"], 0.4)
        hidden["parts"] = obs["parts"].copy()
        hidden["parts"][:, 4:] = 0.3
        for rows, column in (("projects", 8), ("people", 5)):
            hidden[rows] = obs[rows].copy()
            hidden[rows][..., column] = 0.2 * obs[rows][..., 0]
        return choose(hidden)

    return chosen


def _pace():
    """Return how many days are rehearsed in a second, and the seconds it takes to ask the guide."""
    import torch

    from twind.rl.candidates import Candidates
    from twind.rl.planner import Effort
    from twind.rl.rehearsal import Rehearsal
    from twind.rl.train import new_policy
    from twind.rl.world import pack

    torch.set_num_threads(1)
    snapshot, guide = _life(0), new_policy().drawing
    lives, limits = pack([snapshot]), _limits(snapshot)
    luck = Rehearsal(lives, 0, 256, 0)

    def seconds(work, least_s):
        work()
        began, done = time.process_time(), 0
        while time.process_time() - began < least_s:
            work()
            done += 1
        return (time.process_time() - began) / done

    lived_s = seconds(lambda: luck.live([[]] * 4, 0, 256), 1.0) / 1024
    alone_s, guided_s = (
        seconds(
            lambda guide=guide: Candidates(
                snapshot, lives, 0, limits, guide, draws=Effort().guide, seed=0
            ),
            0.3,
        )
        for guide in (None, guide)
    )
    tell("quality.guiding_s", guided_s, None, None, "s", alone_s, guided_s / alone_s, 1)
    return 1.0 / lived_s, guided_s - alone_s


def _limits(snapshot):
    from twind.rl.candidates import Limits

    return Limits(most=int(snapshot.life.max_proposals), min_acceptance=0.0)


def _report_scaled(table):
    """Print each contestant on the scale."""
    chosen = {name: values[:, 0] for name, values in table.items()}
    told = {name: values[:, 1] for name, values in table.items()}
    rule = max(("nothing", "edf", "urgency", "greedy"), key=lambda name: chosen[name].mean())
    everyone = np.stack(list(chosen.values()))
    best = np.choose(everyone.argmax(axis=0), np.stack(list(told.values())))
    picks = _picks(len(best))
    for name, values in told.items():
        scale = _scaled(values, told[rule], best)
        spread = [_scaled(values[p], told[rule][p], best[p]) for p in picks]
        low, high = np.percentile(spread, [2.5, 97.5])
        ratio = float(values.mean() / best.mean())
        tell(
            f"quality.{name}", scale, low, high, "0 best rule, 1 best known",
            float(told[rule].mean()), ratio, len(best),
        )  # fmt: skip


def _report_paired(known):
    """Print what one is better than another, on the same lives and luck."""
    for one, other in PAIRS:
        told = [(life[one][1], life[other][1]) for life in known if one in life and other in life]
        if not told:
            continue
        returns, baseline = np.array(told).T
        gained = returns - baseline
        low, high = np.percentile(gained[_picks(len(gained))].mean(axis=1), [2.5, 97.5])
        mean = float(gained.mean())
        tell(
            f"quality.{one}-{other}", mean, low, high, "free hours a day",
            float(baseline.mean()), None, len(gained),
        )  # fmt: skip


def _picks(count):
    """Return the lives of each bootstrap sample."""
    return np.random.default_rng(SEED).integers(0, count, (BOOTSTRAPS, count))


def _scaled(values, rule, best):
    return float((values.mean() - rule.mean()) / (best.mean() - rule.mean()))
