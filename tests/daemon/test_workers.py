import asyncio
import logging
import os
import sys
from pathlib import Path

import pytest

from twind.daemon.workers import Workers, environment
from twind.errors import JobError
from twind.home import Home
from twind.store import Store

FAKE = [sys.executable, str(Path(__file__).with_name("fake_worker.py"))]


def order(**args):
    return {"job": 7, "attempt": 2, "name": "sync", "args": args}


def run(progress=None, timeout_s=20.0, command=FAKE, **args):
    seen = [] if progress is None else progress

    async def scenario():
        workers = Workers(os.environ, lambda job, state: seen.append((job, state)), command)
        return await workers.run(order(**args), timeout_s)

    return asyncio.run(scenario())


def code_of(**more) -> str:
    with pytest.raises(JobError) as caught:
        run(**more)
    return caught.value.code


def is_gone(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except FileNotFoundError:
        return True
    return state == "Z"


def test_a_result_comes_back():
    assert run(result={"ü": 1}) == {"ü": 1}
    assert run() == {"name": "sync", "attempt": 2}


def test_progress_is_heard():
    seen = []

    async def scenario():
        workers = Workers(os.environ, lambda job, state: seen.append((job, state)), FAKE)
        await workers.run(order(progress=[{"done": 1}, {"done": 2}], noise=True), 20)

    asyncio.run(scenario())
    assert seen == [(7, {"done": 1}), (7, {"done": 2})]


def test_a_workers_error_keeps_its_code():
    assert code_of(error={"code": "plugin", "message": "broken"}) == "plugin"


def test_a_worker_that_dies_and_one_that_cannot_start_are_told_apart():
    assert code_of(die=True) == "died"
    assert code_of(command=["/nowhere/python"]) == "not_started"


@pytest.mark.parametrize("stubborn", [False, True])
def test_a_worker_that_takes_too_long_is_killed(stubborn):
    seen = []
    assert code_of(progress=seen, timeout_s=1.0, hang=True, stubborn=stubborn) == "timeout"
    assert is_gone(seen[0][1]["hanging"])


def test_what_a_worker_started_ends_with_it(until):
    seen = []
    assert run(seen, grandchild=True)
    until(lambda: is_gone(seen[0][1]["grandchild"]))


RAISED = [
    "Traceback (most recent call last):",
    '  File "x.py", line 3, in <module>',
    "    int('x')",
    "ValueError: invalid literal",
]
GROUP = [
    "  + Exception Group Traceback (most recent call last):",
    '  |   File "x.py", line 3, in <module>',
    "  | ExceptionGroup: two (1 sub-exception)",
    "  +-+---------------- 1 ----------------",
    "    | ValueError: one",
    "    +------------------------------------",
]
CRASH = [
    "Fatal Python error: Segmentation fault",
    "Current thread 0x00007f (most recent call first):",
    '  File "x.py", line 3 in f',
]


@pytest.mark.parametrize(
    "traceback",
    [
        RAISED,
        GROUP,
        CRASH,
        ["Exception in thread Thread-1 (run):", *RAISED],
        [
            *RAISED,
            "During handling of the above exception, another exception occurred:",
            *RAISED,
        ],
    ],
)
def test_a_traceback_is_an_error_that_names_the_job_and_all_else_is_not(traceback, caplog):
    caplog.set_level(logging.DEBUG)
    run(stderr=["reading a.ics", *traceback, "reading b.ics", "  an indented line"])
    said = [(record.levelno, record.getMessage()) for record in caplog.records]
    said = [(level, text) for level, text in said if text.startswith("sync 7: ")]
    assert said == [
        (logging.INFO, "sync 7: reading a.ics"),
        *((logging.ERROR, f"sync 7: {line}") for line in traceback),
        (logging.INFO, "sync 7: reading b.ics"),
        (logging.INFO, "sync 7:   an indented line"),
    ]


def test_a_worker_is_dismissed_and_dies_without_a_word(tmp_path):
    with Store.open(tmp_path / "twind.db"):
        pass

    async def scenario():
        hanging = asyncio.get_running_loop().create_future()
        env = {**os.environ, "FAKE_LISTEN": "sync", "TWIND_HOME": str(tmp_path)}
        workers = Workers(env, lambda *said: hanging.set_result(said), FAKE)
        task = asyncio.ensure_future(workers.run(order(), 60))
        assert await hanging == (7, {"listening": True})
        workers.dismiss(8)
        workers.dismiss(7)
        with pytest.raises(JobError, match="ended with status 75") as caught:
            await task
        workers.dismiss(7)
        return caught.value.code

    assert asyncio.run(scenario()) == "died"


def test_a_cancelled_run_leaves_no_process():
    async def scenario():
        hanging = asyncio.get_running_loop().create_future()
        workers = Workers(os.environ, lambda _job, state: hanging.set_result(state), FAKE)
        task = asyncio.ensure_future(workers.run(order(hang=True, stubborn=True), 60))
        pid = (await hanging)["hanging"]
        task.cancel()
        began = asyncio.get_running_loop().time()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert asyncio.get_running_loop().time() - began < 4
        return pid

    assert is_gone(asyncio.run(scenario()))


def test_a_worker_knows_its_home_and_nothing_of_the_service_manager(tmp_path):
    env = environment(Home.under(tmp_path), {"NOTIFY_SOCKET": "@x", "WATCHDOG_USEC": "1", "A": "b"})
    assert env["TWIND_HOME"] == str(tmp_path)
    assert env["A"] == "b"
    assert not {"NOTIFY_SOCKET", "WATCHDOG_USEC"} & set(env)
