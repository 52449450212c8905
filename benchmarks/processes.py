"""Real processes, measured from outside."""

from __future__ import annotations

import ctypes
import gc
import json
import os
import re
import resource
import subprocess
import sys
import time
from pathlib import Path

from figures import seconds

TICKS = os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGE_SIZE")
SOURCES = {"calendar", "tasks", "contacts"}


def timed(command, runs):
    """Return the wall seconds of a whole process, run by run, after one run to warm up."""
    return seconds(
        lambda: subprocess.run(command, check=True, capture_output=True, stdin=subprocess.DEVNULL),
        runs,
    )


def python(runs):
    """Return the wall seconds of a process that does nothing: the baseline of every command."""
    return timed([sys.executable, "-c", "pass"], runs)


def twind(home, *argv):
    return [sys.executable, "-m", "twind", *argv, "--home", str(home), "--json"]


def job(home, name, args=None):
    """Run a job as the daemon does, in a worker of its own, and return its result."""
    with subprocess.Popen(
        [sys.executable, "-P", "-m", "twind.jobs", name],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "TWIND_HOME": str(home)},
        text=True,
    ) as worker:
        worker.stdin.write(json.dumps({"args": args or {}}) + "\n")
        worker.stdin.flush()
        lines = [json.loads(line) for line in worker.stdout]
        worker.stdin.close()
    return lines[-1]["result"]


def started(home):
    """Start the daemon of a home."""
    return subprocess.Popen(
        [sys.executable, "-m", "twind", "run", "--home", str(home)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def stopped(process):
    """Stop a daemon."""
    process.terminate()
    process.wait(timeout=30)


def status(home):
    done = subprocess.run(twind(home, "ctl", "status"), capture_output=True, text=True, check=False)
    return json.loads(done.stdout)["data"] if done.returncode == 0 else None


def wait_for(condition, timeout_s=180.0):
    end = time.monotonic() + timeout_s
    while time.monotonic() < end:
        if found := condition():
            return found
        time.sleep(0.05)
    raise TimeoutError("the daemon did not get there")


def at_rest(home):
    """Tell whether the daemon has read everything, learnt from it and has nothing to do."""
    told = status(home)
    return bool(
        told
        and {one["name"] for one in told["plugins"] if one["last_ok_at"]} >= SOURCES
        and told["queue"]["running"] + told["queue"]["queued"] == 0
        and told["patterns"]["count"]
    )


def cpu_s(pid):
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def wakes(pid):
    """Return how often the threads of a process have gone to sleep so far."""
    statuses = [task.read_text() for task in Path(f"/proc/{pid}/task").glob("*/status")]
    return sum(_number("voluntary_ctxt_switches", one) for one in statuses)


def written(pid):
    """Return the bytes that a process, and those it started that have ended, sent to the disk."""
    return _number("write_bytes", Path(f"/proc/{pid}/io").read_text())


def proportional_mib(pid):
    """Return the memory of a process, each shared page divided by those who share it."""
    return _number("Pss", Path(f"/proc/{pid}/smaps_rollup").read_text()) / 2**10


def _number(name, text):
    return int(re.search(rf"^{name}:\s*(\d+)", text, re.MULTILINE)[1])


def resident_mib(pid):
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * PAGE / 2**20


def held_mib():
    """Return the memory of this process when all that is free has gone back to the system.

    What the C library and Python keep for later is no leak, and hides one.
    """
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)
    return resident_mib(os.getpid())


def peak_mib():
    """Return the most memory that this process has ever had."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10
