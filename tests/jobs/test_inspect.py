"""Plugins that hang or kill whoever imports them, as real files."""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
from pathlib import Path

import pytest

from twind import settings
from twind.clock import monotonic_s
from twind.jobs import inspect
from twind.jobs.work import Work
from twind.plugins import inspecting

GOOD = """
from twind.api import Person, hookimpl
class Good:
    name = "{name}"
    def fetch(self, ctx):
        yield Person(uid="a", name="A")
@hookimpl
def twind_register(register):
    register(Good())
"""
HANGS = "while True: pass\n"
EXITS = "import os\nos._exit(3)\n"
CRASHES = "import ctypes, faulthandler\nfaulthandler.disable()\nctypes.string_at(0)\n"
KILLED = "import os, signal\nos.kill(os.getpid(), signal.SIGKILL)\n"
BUNDLED = {"calendar", "contacts", "notify", "tasks"}


@pytest.fixture
def work(db, home, clock):
    home.plugin_dirs[0].mkdir()
    return Work(db, home, settings.parse({}), clock)


def drop_in(work, name, text):
    (work.home.plugin_dirs[0] / f"{name}.py").write_text(text)


def lines(told):
    return {line["name"]: line for line in told["plugins"]}


def test_plugins_that_behave_are_inspected_together(work):
    drop_in(work, "good", GOOD.format(name="good"))
    told = inspect.run(work)
    assert told["mute"] == ["calendar", "contacts", "good", "tasks"]
    assert not told["hung"]
    assert {name for name, line in lines(told).items() if line["state"] == "ok"} == {
        *BUNDLED,
        "good",
    }


@pytest.mark.parametrize(
    ("text", "how"),
    [
        (EXITS, "it ended with status 3"),
        ("import os\nos._exit(0)\n", "it ended with status 0"),
        (CRASHES, "it was killed by SIGSEGV"),
        (KILLED, "it was killed by SIGKILL"),
        (KILLED.replace("SIGKILL", "SIGRTMIN + 5"), "it was killed by signal 39"),
    ],
)
def test_a_plugin_that_ends_the_process_is_a_line_and_the_others_load(work, text, how):
    drop_in(work, "deadly", text)
    drop_in(work, "good", GOOD.format(name="other"))
    told = inspect.run(work)
    assert "deadly" in told["mute"]
    found = lines(told)
    assert found["deadly"]["state"] == "failed"
    assert found["deadly"]["error"] == (
        f"deadly.py: {how} while it was imported; not loaded: "
        'mend it, or add "deadly" to plugins.disabled'
    )
    assert found["deadly"]["file"] == str(work.home.plugin_dirs[0] / "deadly.py")
    assert {name for name, line in found.items() if line["state"] == "ok"} == {*BUNDLED, "other"}
    assert found["deadly"]["file"] in told["files"]
    assert told["folders"] == [str(work.home.plugin_dirs[0])]


def described(**changed):
    told = {"name": "b", "state": "ok", "file": "/b.py", "abilities": [], "error": None}
    return json.dumps({**told, "watch": [], "channels": [], **changed}).encode()


@pytest.mark.parametrize(
    "said",
    [
        b"oops",
        b"[" * 100_000,
        b"{}",
        described(name=["a"]),
        described(file=None),
        described(error=7),
        described(abilities=None),
        described(watch=[7]),
    ],
)
def test_a_plugin_that_answers_in_our_stead_is_a_line_and_the_others_load(work, said):
    drop_in(work, "babbles", f"import os\nos.write(3, {said!r} + b'\\n')\n" + GOOD.format(name="b"))
    drop_in(work, "good", GOOD.format(name="other"))
    found = lines(inspect.run(work))
    assert found["babbles"]["state"] == "failed"
    assert found["babbles"]["error"].startswith(
        "babbles.py: it made no sense while it was imported; not"
    )
    assert {name for name, one in found.items() if one["state"] == "ok"} == {*BUNDLED, "other"}


def test_one_that_hangs_is_ended_in_time_and_leaves_no_process(work, monkeypatch, tmp_path):
    monkeypatch.setattr(inspecting, "IMPORT_S", 6.0)
    pids = tmp_path / "pids"
    drop_in(work, "slow", f"import os\nprint(os.getpid(), file=open({str(pids)!r}, 'a'))\n{HANGS}")
    drop_in(work, "deadly", EXITS)
    began = monotonic_s()
    told = inspect.run(work)
    assert monotonic_s() - began < 12
    found = lines(told)
    assert "it was not done within 6 s" in found["slow"]["error"]
    assert told["hung"]
    assert "status 3" in found["deadly"]["error"]
    assert {name for name, line in found.items() if line["state"] == "ok"} == BUNDLED
    for pid in pids.read_text().split():
        assert not running(pid)


def test_what_else_is_wrong_is_told_as_ever_beside_a_deadly_one(work):
    drop_in(work, "a", GOOD.format(name="a"))
    drop_in(work, "b", GOOD.format(name="a"))
    drop_in(work, "c", GOOD.format(name="tasks"))
    drop_in(work, "deadly", EXITS)
    drop_in(work, "raises", "raise RuntimeError('no')\n")
    work.settings = settings.parse(
        {
            "plugins": {
                "disabled": ["contacts"],
                "calendar": {"paths": []},
                "contacts": {},
                "calender": {},
            }
        }
    )
    told = inspect.run(work)
    found = lines(told)
    states = {name: line["state"] for name, line in found.items()}
    assert states == {
        "a": "ok",
        "b": "failed",
        "c": "failed",
        "calendar": "ok",
        "calender": "failed",
        "contacts": "paused",
        "deadly": "failed",
        "notify": "ok",
        "raises": "failed",
        "tasks": "ok",
    }
    assert 'the name "a" is taken' in found["b"]["error"]
    assert 'the name "tasks" is taken' in found["c"]["error"]
    assert "raises.py:1: RuntimeError: no" in found["raises"]["error"]
    assert "there is no plugin of this name" in found["calender"]["error"]
    assert len(told["plugins"]) == len(found)


def test_what_a_plugin_started_does_not_hold_the_inspection_up(work):
    drop_in(
        work,
        "parent",
        "import subprocess\nchild = subprocess.Popen(['sleep', '60'])\n" + GOOD.format(name="p"),
    )
    began = monotonic_s()
    told = inspect.run(work)
    assert monotonic_s() - began < 10
    assert lines(told)["p"]["state"] == "ok"


def test_a_worker_that_is_killed_leaves_none_that_hangs(work, tmp_path):
    pids = tmp_path / "pids"
    drop_in(
        work, "slow", f"import os\nopen({str(pids)!r}, 'w').write(f'{{os.getpid()}} ')\n{HANGS}"
    )
    worker = subprocess.Popen(
        [sys.executable, "-m", "twind.jobs", "inspect"],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        env={**os.environ, "TWIND_HOME": str(work.home.root)},
    )
    try:
        worker.stdin.write(b"{}\n")
        worker.stdin.flush()
        pid = eventually(lambda: pids.exists() and pids.read_text().strip())
    finally:
        worker.kill()
        worker.communicate()
    eventually(lambda: not running(pid))


def eventually(found):
    end = monotonic_s() + 20
    while not (value := found()):
        assert monotonic_s() < end
        select.select([], [], [], 0.02)
    return value


def running(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_the_database_is_untouched_by_the_processes(work):
    drop_in(work, "deadly", EXITS)
    with work.db.transaction():
        work.db.meta_set("key", "value")
        inspect.run(work)
    assert work.db.meta_get("key") == "value"
