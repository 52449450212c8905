"""Where the time of training goes: `python benchmarks/profiling.py [fine-tuning|pretraining]`.

Prints a table, in Markdown, of how the wall time of `learn` divides, in one thread. What is timed
is timed without what is timed within it, and costs a few microseconds a call: the table is true to
about a hundredth. One rollout warms up.
"""

from __future__ import annotations

import sys
import time
from collections import defaultdict
from contextlib import contextmanager

SHAPING = "leaving the same days alone (shaping)"
DAYS = "living the days, and observing them"
REST = "the rest"
STEPS = {"fine-tuning": 100_000, "pretraining": 160_000}


class Stopwatch:
    """Adds up the seconds spent in functions by name, each without the others called within it."""

    def __init__(self):
        self.seconds = defaultdict(float)
        self._running = []

    @contextmanager
    def over(self, name):
        """Time a block."""
        self._switch()
        self._running.append(name)
        try:
            yield
        finally:
            self._switch()
            self._running.pop()

    def _switch(self):
        now = time.perf_counter()
        if self._running:
            self.seconds[self._running[-1]] += now - self._since
        self._since = now

    def time(self, owner, attribute, name):
        """Time every call of a method from now on."""
        method = getattr(owner, attribute)

        def timed(*args, **kwargs):
            with self.over(name):
                return method(*args, **kwargs)

        setattr(owner, attribute, timed)

    def time_each(self, owner, attribute, name):
        """Do the same for what a method yields, piece by piece."""
        method = getattr(owner, attribute)

        def timed(*args, **kwargs):
            pieces = method(*args, **kwargs)
            while True:
                with self.over(name):
                    piece = next(pieces, None)
                if piece is None:
                    return
                yield piece

        setattr(owner, attribute, timed)


def profile(kind):
    """Train, and return the seconds by what they went into. For a process of its own."""
    import numpy as np
    import torch
    from figures import SEED

    from twind.rl import ppo
    from twind.rl.lives import sample_life
    from twind.rl.policy import TwinPolicy
    from twind.rl.pretrain import pretrain
    from twind.rl.train import fine_tune
    from twind.rl.vec_env import PersonalLifeVecEnv, Simulation

    def train(steps):
        if kind == "fine-tuning":
            life = sample_life(np.random.default_rng(SEED))
            fine_tune(life, total_timesteps=steps, seed=SEED, threads=1)
        else:
            pretrain(steps, SEED, lives=64, threads=1)

    train(1)
    watch = Stopwatch()
    watch.time(ppo.TwinPPO, "learn", REST)
    watch.time(PersonalLifeVecEnv, "step_wait", DAYS)
    watch.time(Simulation, "left_alone", SHAPING)
    watch.time(TwinPolicy, "forward", "choosing actions")
    watch.time(TwinPolicy, "predict_values", "valuing where days end")
    watch.time(ppo.HourlyRolloutBuffer, "add", "keeping what was seen")
    watch.time(ppo.HourlyRolloutBuffer, "compute_returns_and_advantage", "advantages")
    watch.time_each(ppo.HourlyRolloutBuffer, "get", "dealing out minibatches")
    watch.time(ppo.TwinPPO, "_consult_anchor", "asking the anchor")
    watch.time(TwinPolicy, "evaluate_actions", "judging actions again")
    watch.time(torch.Tensor, "backward", "gradients")
    watch.time(torch.optim.Adam, "step", "Adam")
    watch.time(torch.nn.utils, "clip_grad_norm_", "clipping gradients")
    train(STEPS[kind])
    return dict(watch.seconds)


def share_of_days(seconds):
    """Return which share of a profile went into the simulated days, shaping included."""
    return (seconds[DAYS] + seconds.get(SHAPING, 0.0)) / sum(seconds.values())


def main(kind="fine-tuning"):
    seconds = profile(kind)
    total = sum(seconds.values())
    print(f"| {kind}: {STEPS[kind]:,} decisions | seconds | share |\n|---|---|---|")
    for name, spent in sorted(seconds.items(), key=lambda item: -item[1]):
        print(f"| {name} | {spent:.2f} | {spent / total:.1%} |")
    print(f"| all | {total:.2f} | {STEPS[kind] / total:,.0f} decisions/s |")


if __name__ == "__main__":
    main(*sys.argv[1:])
