"""The daemon on the sample life: how soon it is there, what it costs at rest, how it answers."""

from __future__ import annotations

import time

from figures import FAST, figure
from processes import (
    at_rest,
    cpu_s,
    proportional_mib,
    python,
    resident_mib,
    started,
    status,
    stopped,
    timed,
    twind,
    wait_for,
    wakes,
    written,
)

REST_S = 20.0
SETTLE_S = 2.0


def measure(home):
    """Print daemon.*, ctl.status_s."""
    ready = [_seconds_to_ready(home) for _ in range(1 if FAST else 3)]
    runs = 5 if FAST else 15
    baseline = python(runs)
    figure("daemon.ready_s", ready, "s", baseline=baseline)
    process = started(home)
    try:
        wait_for(lambda: status(home))
        wait_for(lambda: at_rest(home))
        # What the last answer left to do is not rest.
        time.sleep(SETTLE_S)
        pid = process.pid
        before = cpu_s(pid), wakes(pid), written(pid)
        time.sleep(REST_S)
        figure("daemon.idle_cpu_share", [(cpu_s(pid) - before[0]) / REST_S], "share of a core")
        figure("daemon.idle_wakes_per_s", [(wakes(pid) - before[1]) / REST_S], "1/s")
        figure("daemon.idle_written", [written(pid) - before[2]], "B")
        figure("daemon.idle_rss_mib", [resident_mib(pid)], "MiB")
        figure("daemon.idle_pss_mib", [proportional_mib(pid)], "MiB")
        figure("ctl.status_s", timed(twind(home, "ctl", "status"), runs), "s", baseline=baseline)
    finally:
        stopped(process)


def _seconds_to_ready(home):
    """Return the seconds from starting the process to its first answer."""
    began = time.perf_counter()
    process = started(home)
    try:
        wait_for(lambda: status(home))
        return time.perf_counter() - began
    finally:
        stopped(process)
