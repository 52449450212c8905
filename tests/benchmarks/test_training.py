"""The contestants of the training benchmark start, learn and tell how good they are."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

LEARNERS = Path(__file__).resolve().parents[2] / "benchmarks" / "learners.py"
SMALL = {"lives": 4, "held_out": 4, "settings": {}}


def told(race, **options):
    done = subprocess.run(
        [sys.executable, LEARNERS, race, json.dumps({**SMALL, **options})],
        capture_output=True,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]


@pytest.mark.slow
@pytest.mark.parametrize("learner", ["twin", "stock"])
def test_each_learns_and_is_rated(learner):
    last = told("quality", learner=learner, steps=512)[-1]
    assert last["steps"] >= 512
    assert last["seconds"] > 0.0
    assert -100.0 < last["return"] < 100.0


@pytest.mark.slow
def test_the_loop_alone_is_timed():
    settings = {"n_steps": 8, "batch_size": 64, "n_epochs": 1}
    paces = told("throughput", learner="twin", steps=3 * 8 * 16, envs=16, settings=settings)
    assert paces
    assert all(one["steps_per_s"] > 0.0 for one in paces)
