"""The jobs that think, each in a worker of its own, its start included, over 2,000 events."""

from __future__ import annotations

from calendars import write
from figures import FAST, figure, seconds
from processes import job, python

FILES, EVENTS = 20, 100
"""How many files, and events in each."""


def measure(home):
    """Print detect_s, ask_s, propose.latency_s."""
    write(home, FILES, EVENTS)
    job(home, "sync")
    runs = 1 if FAST else 3
    baseline = python(5)
    for name, work in (
        ("detect_s", "detect"),
        ("ask_s", "elicit"),
        ("propose.latency_s", "propose"),
    ):
        figure(name, seconds(lambda work=work: job(home, work), runs), "s", baseline=baseline)
