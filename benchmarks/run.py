"""`make bench`: one line of JSON a figure, each with its baseline from the same run.

BENCH_FAST=1 gives a rough answer, BENCH_SEED chooses the luck.
"""

from __future__ import annotations

import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

FAST = bool(os.environ.get("BENCH_FAST"))
SEED = int(os.environ.get("BENCH_SEED", "0"))
TICKS = os.sysconf("SC_CLK_TCK")


def figure(name, values, unit, *, baseline=None):
    """Print a figure: median, lowest and highest of its runs, and the ratio to its baseline."""
    middle = statistics.median(values)
    base = None if baseline is None else statistics.median(baseline)
    told = {
        "name": name,
        "value": middle,
        "low": min(values),
        "high": max(values),
        "unit": unit,
        "baseline": base,
        "ratio": middle / base if base else None,
        "n": len(values),
        "seed": SEED,
    }
    print(json.dumps(told), flush=True)


def timed(command, runs):
    """Return the wall seconds of a whole process, run by run, after one run to warm up."""
    seconds = []
    for number in range(runs + 1):
        began = time.perf_counter()
        subprocess.run(command, check=True, capture_output=True, stdin=subprocess.DEVNULL)
        if number:
            seconds.append(time.perf_counter() - began)
    return seconds


def twind(home, *argv):
    return [sys.executable, "-m", "twind", *argv, "--home", str(home), "--json"]


def status(home):
    done = subprocess.run(twind(home, "ctl", "status"), capture_output=True, text=True, check=False)
    return json.loads(done.stdout)["data"] if done.returncode == 0 else None


def wait_for(condition, timeout_s=120.0):
    end = time.monotonic() + timeout_s
    while time.monotonic() < end:
        if found := condition():
            return found
        time.sleep(0.05)
    raise TimeoutError("the daemon did not get there")


def is_idle(home):
    told = status(home)
    return bool(
        told
        and {"calendar", "tasks", "contacts"} <= {one["name"] for one in told["plugins"]}
        and all(one["last_ok_at"] for one in told["plugins"] if "fetch" in one["abilities"])
        and told["queue"]["running"] + told["queue"]["queued"] == 0
        and told["patterns"]["count"]
    )


def cpu_seconds(pid):
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def resident_mib(pid):
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 2**20


def daemon(home):
    """Measure the daemon on the sample life: start, rest, answers, jobs."""
    began = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-m", "twind", "run", "--home", str(home)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        wait_for(lambda: status(home))
        figure("daemon.ready_s", [time.perf_counter() - began], "s")
        wait_for(lambda: is_idle(home))
        rest_s = 5 if FAST else 30
        before = cpu_seconds(process.pid)
        time.sleep(rest_s)
        spent = cpu_seconds(process.pid) - before
        figure("daemon.idle_cpu_share", [spent / rest_s], "share of a core")
        figure("daemon.idle_rss_mib", [resident_mib(process.pid)], "MiB")
        runs = 5 if FAST else 15
        python = timed([sys.executable, "-c", "pass"], runs)
        figure("ctl.status_s", timed(twind(home, "ctl", "status"), runs), "s", baseline=python)
        few = 2 if FAST else 5
        figure("sync.unchanged_s", timed(twind(home, "ctl", "sync"), few), "s", baseline=python)
        figure("ask.question_s", timed(twind(home, "ask"), few), "s", baseline=python)
        figure("propose.latency_s", timed(twind(home, "ctl", "propose"), few), "s")
    finally:
        process.terminate()
        process.wait(timeout=30)


def environment():
    """Measure the vectorised day against a batch of one, both left alone."""
    import numpy as np

    from twind.rl.env import PersonalLifeEnv
    from twind.rl.lives import sample_life
    from twind.rl.rules import nothing
    from twind.rl.vec_env import PersonalLifeVecEnv

    lives = [sample_life(np.random.default_rng(SEED + number)) for number in range(32)]
    steps = 40 if FAST else 200

    def vectorised(size=512):
        env = PersonalLifeVecEnv(lives, size, seed=SEED)
        obs = env.reset()
        actions = nothing(obs)
        env.step(actions)
        began = time.perf_counter()
        for _ in range(steps):
            env.step(actions)
        return steps * size / (time.perf_counter() - began)

    def scalar():
        env = PersonalLifeEnv(lives[0])
        env.reset(seed=SEED)
        began, taken = time.perf_counter(), 0
        for _ in range(5):
            over = False
            while not over:
                _, _, _, over, _ = env.step(np.zeros(4, np.int64))
                taken += 1
            env.reset()
        return taken / (time.perf_counter() - began)

    figure(
        "env.steps_per_s",
        [vectorised() for _ in range(3)],
        "steps/s",
        baseline=[scalar() for _ in range(3)],
    )


def posterior():
    """One update by a choice among four, beside one dense 80 x 80 solve."""
    import numpy as np

    from twind.preferences import Posterior

    size, rng = 80, np.random.default_rng(SEED)
    filter_, matrix = Posterior(np.zeros(size), np.eye(size) * 0.25), rng.normal(size=(size, size))
    runs = 100 if FAST else 500
    options = rng.normal(size=(runs, 4, size)) * (rng.random((runs, 4, size)) < 0.1)
    updates, solves = [], []
    for number in range(runs):
        began = time.perf_counter()
        filter_.update_choice(options[number], 0)
        between = time.perf_counter()
        np.linalg.solve(matrix, options[number].T)
        updates.append(between - began)
        solves.append(time.perf_counter() - between)
    figure("posterior.update_choice_s", updates, "s", baseline=solves)


def main():
    from datetime import date
    from zoneinfo import ZoneInfo

    from twind import sample

    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        sample.write(home, date.today(), ZoneInfo("Europe/Berlin"))
        daemon(home)
    posterior()
    environment()


if __name__ == "__main__":
    main()
