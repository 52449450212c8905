"""Learners that are compared, each in its own process: none finds what another left behind.

The processes are those of learners.py; here is what they are told, and how they are started.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import asdict, dataclass, field
from pathlib import Path

PROGRAM = Path(__file__).with_name("learners.py")
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


@dataclass
class Options:
    """What a contestant is told.

    Attributes:
        learner: "stock" (SB3's PPO at its defaults over one scalar environment), "sbx", "twin"
            (TwinPPO, a fresh network, the settings of pretrain.py).
        steps: decisions to learn from at most.
        every: decisions between two looks at how good it has become.
        mark: the held-out return at which it may stop; None for no such thing.
        patience_s: seconds of learning after which it gives up.
        lives: how many simulated lives it learns from, the same for all.
        held_out: how many lives it is rated on.
        seed: of its own luck and of the lives it learns from.
        held_out_seed: of the lives it is rated on.
        cores: how many cores it may use.
        envs: how many environments are stepped at once (sbx; throughput).
        settings: what else the learner's constructor is given (sbx; throughput).

    """

    learner: str
    steps: int
    every: int = 1
    mark: float | None = None
    patience_s: float = 1e9
    lives: int = 256
    held_out: int = 256
    seed: int = 0
    held_out_seed: int = 0
    cores: int = 1
    envs: int = 512
    settings: dict = field(default_factory=dict)


def checkpoints(race, options):
    """Run a contestant and return what it tells, one dict a look.

    race: "quality" tells `seconds`, `steps`, `return` and `nothing`, which is what leaving all time
    to the user returns; "throughput" tells `steps_per_s`.
    """
    cores = sorted(os.sched_getaffinity(0))[: options.cores]
    done = subprocess.run(
        [sys.executable, PROGRAM, race, json.dumps(asdict(options))],
        check=True,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, **dict.fromkeys(THREADS, str(options.cores))},
        # Both torch and jax ask how many cores there are as they start.
        preexec_fn=lambda: os.sched_setaffinity(0, cores),
    )
    return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
