"""`make bench`: one line of JSON a figure, each with its baseline from the same run.

BENCH_FAST=1 gives a rough answer, BENCH_SEED chooses the luck. Names of topics as arguments
restrict it to those: `python benchmarks/run.py resting beliefs`.
"""

from __future__ import annotations

import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import adversary
import asking
import behaviour
import beliefs
import choices
import environment
import exact
import fidelity
import items
import loading
import proposing
import quality
import reading
import resting
import training
import weighing
import working
import year


def on_sample_life(measure):
    """Call a measurement with a fresh home in which the sample person lives."""
    from twind import sample

    with tempfile.TemporaryDirectory() as folder:
        sample.write(Path(folder), datetime.now(UTC).date(), ZoneInfo("Europe/Berlin"))
        measure(Path(folder))


def on_empty_home(measure):
    """Call a measurement with a fresh, empty home."""
    with tempfile.TemporaryDirectory() as folder:
        measure(Path(folder))


TOPICS = {
    "resting": lambda: on_sample_life(resting.measure),
    "reading": lambda: on_empty_home(reading.measure),
    "working": lambda: on_empty_home(working.measure),
    "loading": lambda: on_empty_home(loading.measure),
    "beliefs": beliefs.measure,
    "choices": choices.measure,
    "items": items.measure,
    "asking": asking.measure,
    "behaviour": behaviour.measure,
    "environment": environment.measure,
    "training": training.measure,
    "exact": exact.measure,
    "quality": quality.measure,
    "proposing": proposing.measure,
    "adversary": adversary.measure,
    "weighing": weighing.measure,
    "fidelity": fidelity.measure,
    "year": year.measure,
}


def main(chosen):
    if unknown := set(chosen) - set(TOPICS):
        sys.exit(f"no topic {', '.join(sorted(unknown))}; there are {', '.join(TOPICS)}")
    for name, measure in TOPICS.items():
        if not chosen or name in chosen:
            measure()


if __name__ == "__main__":
    main(sys.argv[1:])
