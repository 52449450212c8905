"""How a figure is told: one line of JSON, with its baseline from the same run.

BENCH_FAST=1 asks for a rough answer in a few minutes, BENCH_SEED chooses the luck and the people,
BENCH_PEOPLE how many there are.
"""

from __future__ import annotations

import json
import os
import statistics
import time
from pathlib import Path

FAST = bool(os.environ.get("BENCH_FAST"))
SEED = int(os.environ.get("BENCH_SEED", "0"))
PEOPLE = int(os.environ.get("BENCH_PEOPLE", "0"))
"""How many simulated people; 0 for as many as a measurement thinks right."""
CORPUS = Path(
    os.environ.get("TWIND_CORPUS") or Path(__file__).resolve().parents[2] / "shared" / "corpus"
)
"""Data of real people; it is not part of the repository, and TWIND_CORPUS says where it lies."""


def figure(name, values, unit, *, baseline=None):
    """Print a figure: the median, lowest and highest of its runs.

    `baseline` are runs of what it is compared with; `ratio` is the one median over the other.
    """
    middle = statistics.median(values)
    base = None if baseline is None else statistics.median(baseline)
    ratio = middle / base if base else None
    tell(name, middle, min(values), max(values), unit, base, ratio, len(values))


def tell(name, value, low, high, unit, baseline, ratio, n):
    """Print one figure as it is."""
    told = {
        "name": name,
        "value": value,
        "low": low,
        "high": high,
        "unit": unit,
        "baseline": baseline,
        "ratio": ratio,
        "n": n,
        "seed": SEED,
    }
    print(json.dumps(told), flush=True)


def seconds(work, runs):
    """Return the wall seconds of `runs` calls, after one to warm up."""
    work()
    taken = []
    for _ in range(runs):
        began = time.perf_counter()
        work()
        taken.append(time.perf_counter() - began)
    return taken
