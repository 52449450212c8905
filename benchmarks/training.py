"""Learning: how fast twind's PPO is, against stable-baselines3's and against sbx's in JAX.

Every contestant learns on the same simulated lives in a process of its own (contestants.py), bound
to the same number of cores, and is rated on the same lives that none of them has learnt on. Neither
the ratings nor imports and compilation count as time. Whoever draws better actions than their
likeliest is rated by those.
"""

from __future__ import annotations

import importlib.util
import math
import os
import statistics
import subprocess
import sys
import time

from contestants import Options, checkpoints
from figures import FAST, PEOPLE, SEED, figure, tell

STOCK_STEPS = 5_000 if FAST else 500_000
LIVES = 64 if FAST else 512
HELD_OUT = PEOPLE or (64 if FAST else 256)
CORES = 1
"""One for everybody: training leaves the others to the user. More wait for each other where other
work is going on, and then measure that."""
RUNS = 1 if FAST else 3
MOST_STEPS = 400_000 if FAST else 1_200_000
PATIENCE_S = 8.0 if FAST else 600.0
GAIN_S = 60.0
STEPS_PER_S = 18_000
"""What TwinPPO takes about: its last rate is the least when the time is over."""
LARGE = {"n_steps": 32, "batch_size": 2048, "n_epochs": 4, "learning_rate": 1e-3}
SBX = {
    "large": (512, LARGE),
    "default": (512, {"n_steps": 32}),
    "quick": (128, {**LARGE, "batch_size": 1024, "learning_rate": 3e-3, "ent_coef": 0.003}),
}
"""How many environments sbx is given, and what else beside its defaults."""
LOOP = {"n_steps": 32, "batch_size": 4096, "n_epochs": 4, "gae_lambda": 0.95, "ent_coef": 0.0}
LOOP_ENVS = 512
TUNING_STEPS = 100_000


def measure():
    """Print train.*.

    `train.seconds_to` is how long TwinPPO learns from nothing until it is as good as stock PPO is
    in the end; its baseline is how long stock PPO takes for that, its ratio how many times faster
    TwinPPO is, and a ratio above 1 means faster with sbx as well. What was never reached has no
    value.

    The mark itself is `train.stock_return`; its baseline is what never proposing anything returns.
    Where the two are close, stock PPO has learnt no more than that, and whoever learns to leave the
    user alone has caught up. What there is to learn beyond it is in `train.gain`: the held-out
    return beyond leaving everything alone after so many seconds of learning, against sbx's best.
    """
    mark, taken = _against_stock()
    if FAST:
        print("no train.*sbx in a rough answer: compiling it takes too long", file=sys.stderr)
    elif importlib.util.find_spec("sbx"):
        _against_sbx(mark, taken)
        _throughput()
    else:
        print("no train.*sbx: pip install -c constraints.txt '.[bench]'", file=sys.stderr)
    _fine_tuning()


def _against_stock():
    """Print how long it takes to get where stock PPO ends; return where that is, and the times."""
    (end,) = checkpoints(
        "quality", _options("stock", steps=STOCK_STEPS, every=STOCK_STEPS + 1, mark=None)
    )
    tell(
        "train.stock_return", end["return"], None, None, "free hours a day",
        end["nothing"], None, HELD_OUT,
    )  # fmt: skip
    taken = [_seconds_to(end["return"], "twin", SEED + run) for run in range(RUNS)]
    _faster("train.seconds_to", taken, end["seconds"])
    return end["return"], taken


def _against_sbx(mark, taken):
    """Print the same against the best of sbx's settings, and what both have learnt in equal time.

    Whose rate of learning falls with the steps is given as many as it takes in that time.
    """
    given = [{"envs": envs, "settings": chosen} for envs, chosen in SBX.values()]
    theirs = [_seconds_to(mark, "sbx", SEED, **one) for one in given]
    best = min((seconds for seconds in theirs if seconds is not None), default=None)
    _faster("train.seconds_to_sbx", taken, best)
    steps = int(GAIN_S * STEPS_PER_S)
    ours = [_gain("twin", SEED + run, steps=steps) for run in range(RUNS)]
    theirs = max(_gain("sbx", SEED, steps=10 * steps, **one) for one in given)
    tell(
        "train.gain", statistics.median(ours), min(ours), max(ours),
        f"free hours a day after {GAIN_S:.0f} s", theirs, None, RUNS,
    )  # fmt: skip


def _seconds_to(mark, learner, seed, **more):
    """Return after how many seconds of learning a learner reached the mark; None for never."""
    looks = checkpoints("quality", _options(learner, seed=seed, mark=mark, **more))
    last = looks[-1]
    return last["seconds"] if last["return"] >= mark else None


def _gain(learner, seed, **more):
    """Return how much better than leaving everything alone a learner is after GAIN_S seconds."""
    looks = checkpoints(
        "quality", _options(learner, seed=seed, mark=None, patience_s=GAIN_S, every=200_000, **more)
    )
    return looks[-1]["return"] - looks[-1]["nothing"]


def _faster(name, taken, baseline):
    reached = [math.inf if seconds is None else seconds for seconds in taken]
    middle = statistics.median(reached)
    value, low, high = (
        None if math.isinf(seconds) else seconds for seconds in (middle, min(reached), max(reached))
    )
    ratio = baseline / value if value and baseline else None
    tell(name, value, low, high, "s", baseline, ratio, len(taken))


def _options(learner, *, steps=MOST_STEPS, seed=SEED, patience_s=PATIENCE_S, **more):
    return Options(
        learner=learner,
        steps=steps,
        seed=seed,
        patience_s=math.inf if learner == "stock" else patience_s,
        lives=LIVES,
        held_out=HELD_OUT,
        held_out_seed=SEED,
        cores=CORES,
        **more,
    )


def _throughput():
    """Print how many steps a second are taken and learnt from, the loop alone, by turns."""
    rollouts, rounds = 12, 3
    paces = {"twin": [], "sbx": []}
    for _ in range(rounds):
        for learner, pace in paces.items():
            options = Options(
                learner=learner,
                steps=rollouts * LOOP_ENVS * LOOP["n_steps"],
                lives=LIVES,
                seed=SEED,
                cores=CORES,
                envs=LOOP_ENVS,
                settings=LOOP,
            )
            pace += [one["steps_per_s"] for one in checkpoints("throughput", options)]
    figure("train.vs_sbx", paces["twin"], "steps/s", baseline=paces["sbx"])


# --- fine-tuning ---------------------------------------------------------------------------------

TUNE = """
import numpy as np
from twind.rl.lives import sample_life
from twind.rl.train import fine_tune
if {steps}:
    fine_tune(sample_life(np.random.default_rng({seed})), total_timesteps={steps}, seed={seed})
"""


def _fine_tuning():
    """Print what 100,000 steps from the shipped network take, and what importing alone does."""
    runs = 1 if FAST else 3
    # What numba compiles is kept; that is done once after an update, not with every training.
    _process(TUNE.format(steps=2_000, seed=SEED))
    imports = [_process(TUNE.format(steps=0, seed=SEED)) for _ in range(runs)]
    tuning = [_process(TUNE.format(steps=TUNING_STEPS, seed=SEED)) for _ in range(runs)]
    for place, (name, unit) in enumerate((("seconds_100k", "s"), ("peak_rss_mib", "MiB"))):
        values, base = ([one[place] for one in each] for each in (tuning, imports))
        figure(f"train.{name}", values, unit, baseline=base)


def _process(program):
    """Run a program in Python; return its wall seconds and the most memory it had, in MiB."""
    began = time.perf_counter()
    process = subprocess.Popen([sys.executable, "-c", program])
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, process.args)
    return time.perf_counter() - began, usage.ru_maxrss / 1024
