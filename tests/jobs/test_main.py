"""The worker as a process of its own."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from twind.jobs.__main__ import OOM_SCORE, ORPHANED, names
from twind.store import Store


@pytest.fixture
def start(home):
    """Start workers; at the end none is left."""
    started = []

    def begin(name):
        worker = subprocess.Popen(
            [sys.executable, "-m", "twind.jobs", name],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "TWIND_HOME": str(home.root)},
        )
        started.append(worker)
        return worker

    yield begin
    for worker in started:
        worker.kill()
        worker.communicate()


def work(worker, line):
    """Give the order, keep stdin open until the worker has ended, return its last line."""
    worker.stdin.write(line + "\n")
    worker.stdin.flush()
    lines = worker.stdout.read().splitlines()
    worker.wait(timeout=60)
    return json.loads(lines[-1])


def test_a_job_is_done_and_the_process_ends_by_itself(start):
    worker = start("inspect")
    told = work(worker, '{"nice": 5}')
    assert {plugin["name"] for plugin in told["result"]["plugins"]} >= {"calendar", "notify"}
    assert worker.returncode == 0
    assert "Fatal" not in worker.stderr.read()


@pytest.mark.skipif(not hasattr(psutil.Process, "ionice"), reason="the kernel has no I/O classes")
def test_a_worker_gives_way(start, home):
    folder = home.plugin_dirs[0]
    folder.mkdir()
    (folder / "slow.py").write_text("import time\ntime.sleep(600)\n")
    worker = start("inspect")
    worker.stdin.write('{"nice": 19, "idle_io": true, "memory_mib": 3072}\n')
    worker.stdin.flush()
    process = psutil.Process(worker.pid)
    while not process.children():  # the plugins are imported: all that was ordered is done
        assert worker.poll() is None
        time.sleep(0.02)
    assert process.nice() == 19
    assert process.ionice().ioclass == psutil.IOPRIO_CLASS_IDLE
    assert process.rlimit(resource.RLIMIT_DATA) == (3072 << 20, 3072 << 20)
    assert Path(f"/proc/{worker.pid}/oom_score_adj").read_text() == f"{OOM_SCORE}\n"


@pytest.mark.parametrize(
    ("name", "line", "message"),
    [
        ("dance", "{}", "there is no job dance"),
        ("work", "{}", "there is no job work"),
        ("inspect", "{nonsense", "the order is no JSON"),
        ("inspect", "[1]", "the order is no JSON object"),
    ],
)
def test_what_cannot_be_done_is_an_error_line(start, name, line, message):
    worker = start(name)
    error = work(worker, line)["error"]
    assert error["code"] == "job_failed"
    assert message in error["message"]
    assert worker.returncode == 1


def test_a_daemons_worker_makes_no_home_in_the_place_of_one_that_is_away(start, home):
    home.root.rmdir()
    error = work(start("detect"), '{"job": 1, "attempt": 1}')["error"]
    assert (error["code"], "cannot be opened" in error["message"]) == ("database", True)
    assert not home.root.exists()


def test_a_broken_rule_is_not_told_as_a_damaged_database(start, home):
    with Store.open(home.database) as db:
        db.connection.execute(
            "CREATE TRIGGER broken BEFORE INSERT ON profile "
            "BEGIN SELECT RAISE(ABORT, 'against the rules'); END"
        )
    worker = start("detect")
    error = work(worker, "{}")["error"]
    told = "IntegrityError: against the rules"
    assert error == {"code": "job_failed", "message": told}
    assert "Traceback" in worker.stderr.read()


def test_a_worker_ends_when_its_starter_is_gone(start, home):
    folder = home.plugin_dirs[0]
    folder.mkdir()
    (folder / "slow.py").write_text("import time\ntime.sleep(600)\n")
    worker = start("inspect")
    worker.stdin.write("{}\n")
    worker.stdin.close()
    worker.stdin = None
    assert worker.wait(timeout=60) == ORPHANED


def test_every_job_has_one_function():
    assert {"sync", "detect", "elicit", "propose", "notify", "train", "inspect"} <= set(names())
    assert "work" not in names()
