import asyncio
import os
import threading
from contextlib import contextmanager

import pytest

import twind
from twind.daemon import control, lock
from twind.doctor import running
from twind.store import jobs

STATUS = {
    "version": twind.__version__,
    "uptime_s": 7200.0,
    "problem": None,
    "paused": None,
    "running": [],
    "waiting": None,
}


@contextmanager
def daemon(home, **status):
    """Answer at the home's socket as a daemon does."""

    async def handle(_command):
        return {**STATUS, **status}

    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    with lock.held(home.lock):
        server = control.Control(control.bind(home.socket), home.socket, handle)
        asyncio.run_coroutine_threadsafe(server.start(), loop).result(10)
        try:
            yield server
        finally:
            asyncio.run_coroutine_threadsafe(server.close(), loop).result(10)
            loop.call_soon_threadsafe(loop.stop)
            thread.join()
            loop.close()


def test_no_daemon(examined):
    finding = running.daemon(examined())
    assert (finding.severity, finding.do) == ("warning", running.START)
    assert running.socket(examined()).severity == "ok"
    assert running.heartbeat(examined()).severity == "ok"


def test_a_daemon_that_answers(examined, home):
    with daemon(home):
        finding = running.daemon(examined())
        assert finding.severity == "ok"
        assert "has served for" in finding.saw
        assert running.socket(examined()).severity == "ok"


@pytest.mark.parametrize(
    ("status", "told"),
    [
        ({"version": "0.0.1"}, f"the daemon is twind 0.0.1, installed is {twind.__version__}"),
        ({"problem": "hours.sleep: nonsense"}, "hours.sleep: nonsense"),
    ],
)
def test_a_daemon_of_another_version_or_with_a_complaint(examined, home, status, told):
    with daemon(home, **status):
        finding = running.daemon(examined())
    assert finding.severity == "warning"
    assert finding.saw == told


def test_a_daemon_that_holds_the_home_and_does_not_answer(examined, home):
    with lock.held(home.lock):
        finding = running.daemon(examined())
    assert finding.severity == "error"
    assert f"process {os.getpid()}" in finding.saw


def test_a_dead_daemons_socket_is_removed(examined, home):
    control.bind(home.socket).close()
    finding = running.socket(examined())
    assert finding.severity == "notice"
    assert finding.repair() == f"removed {home.socket}"
    assert not home.socket.exists()


def test_a_socket_is_not_removed_from_under_a_daemon_that_has_just_started(examined, home):
    control.bind(home.socket).close()
    finding = running.socket(examined())
    with lock.held(home.lock), pytest.raises(Exception, match="held"):
        finding.repair()
    assert home.socket.exists()


def test_a_socket_that_others_may_use_is_closed_to_them(examined, home):
    with daemon(home):
        home.socket.chmod(0o666)
        finding = running.socket(examined())
        assert finding.severity == "warning"
        finding.repair()
        assert running.socket(examined()).severity == "ok"


@pytest.mark.parametrize(
    ("idle_min", "status", "severity"),
    [
        (20, {}, "ok"),
        (120, {}, "error"),
        (120, {"running": [{"id": 1}]}, "ok"),
        (120, {"paused": "forever"}, "ok"),
        (120, {"uptime_s": 60.0}, "ok"),
    ],
)
def test_a_daemon_that_has_done_nothing_of_late(
    examined, home, db, clock, idle_min, status, severity
):
    job = jobs.start(db, jobs.enqueue(db, "sync", {}).id)
    jobs.finish(db, job.id, job.attempt, {})
    clock.advance(minutes=idle_min)
    with daemon(home, **status):
        assert running.heartbeat(examined()).severity == severity


def test_the_lock_tells_who_holds_it_without_being_taken(home):
    assert lock.holder(home.lock) is None
    with lock.held(home.lock):
        assert lock.holder(home.lock) == os.getpid()
    assert lock.holder(home.lock) is None
    home.lock.write_text("nonsense")
    assert lock.holder(home.lock) is None


GOOD = {
    "LoadState": "loaded",
    "UnitFileState": "enabled",
    "ActiveState": "active",
    "Result": "success",
    "NRestarts": "0",
    "MemoryMax": str(4 << 30),
}


@pytest.mark.parametrize(
    ("shown", "severity"),
    [
        ({}, "ok"),
        ({"MemoryMax": "infinity"}, "ok"),
        ({"MemoryMax": str(2 << 30)}, "warning"),
        ({"ActiveState": "failed", "Result": "watchdog"}, "error"),
        ({"UnitFileState": "disabled"}, "notice"),
        ({"LoadState": "not-found"}, "notice"),
    ],
)
def test_what_is_said_of_a_unit(shown, severity):
    finding = running.judge_unit({**GOOD, **shown}, lingers=True, memory_mib=3072)
    assert finding.severity == severity


def test_a_user_who_does_not_linger_is_told(examined):
    assert running.judge_unit(GOOD, lingers=False, memory_mib=3072).severity == "notice"
    # Where there is nobody to ask: no answer is read as no unit.
    assert running.judge_unit({}, lingers=True, memory_mib=3072).severity == "notice"
    assert running.unit(examined()).severity == "ok"
