"""`twind demo`, as somebody runs it who has just installed twind."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys

import pytest

from twind.daemon import client, lock
from twind.errors import NotRunningError
from twind.home import Home

DEMO = [sys.executable, "-m", "twind", "demo"]


@pytest.fixture
def environment(tmp_path):
    """Return an environment in which temporary files lie where the test sees them."""
    scratch = tmp_path / "tmp"
    scratch.mkdir()
    kept = {key: value for key, value in os.environ.items() if not key.startswith("TWIND_")}
    return {**kept, "TMPDIR": str(scratch), "FORCE_COLOR": "1"}


def run(arguments, environment, timeout_s=240):
    return subprocess.run(
        [*DEMO, *arguments],
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=timeout_s,
        check=False,
    )


def assert_no_daemon(root):
    home = Home.under(root)
    with pytest.raises(NotRunningError):
        client.request(home, {"cmd": "status"})
    with lock.held(home.lock):
        pass


@pytest.mark.slow
def test_the_demo_lives_through_a_morning(tmp_path, environment):
    root = tmp_path / "kept"
    done = run(["--home", str(root)], environment)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "\x1b" not in done.stdout
    for station in (
        "twind run",
        "twind ask",
        "twind checkin",
        "twind patterns",
        "twind ctl train",
        "twind ctl propose",
        "twind ctl status",
    ):
        assert f"$ {station}" in done.stdout
    assert re.search(r"contacts +20 people", done.stdout)
    assert re.search(r"calendar ok", done.stdout)
    assert "← serves" in done.stdout
    assert str(root) in done.stdout
    assert_no_daemon(root)
    assert list((tmp_path / "tmp").glob("twind-demo-*")) == []


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_demo_takes_its_daemon_and_its_folder_along(tmp_path, environment, number):
    with subprocess.Popen(
        DEMO, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True
    ) as demo:
        assert demo.stdout is not None
        for line in demo.stdout:
            if "the daemon starts" in line:
                break
        [root] = (tmp_path / "tmp").glob("twind-demo-*")
        demo.send_signal(number)
        assert demo.wait(30) == 130
    assert not root.exists()
    assert str(root) not in processes()


def processes():
    """Return the command lines of all processes."""
    return subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout


def test_a_folder_in_use_is_left_alone(tmp_path, environment):
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "todo.txt").write_text("buy glue\n")
    done = run(["--home", str(mine)], environment)
    assert done.returncode == 1
    assert done.stderr == f"twind demo: {mine} is not empty; the demo needs a folder of its own\n"
    assert [file.name for file in mine.iterdir()] == ["todo.txt"]


@pytest.mark.slow
def test_a_daemon_that_cannot_start_is_told_with_its_reason(tmp_path, environment):
    done = run([], {**environment, "TWIND_PROFILE__TIMEZONE": "Middle/Earth"})
    assert done.returncode == 1
    assert "twind demo: the daemon ended by itself, with status 1" in done.stderr
    assert "Middle/Earth" in done.stderr
    assert "Traceback" not in done.stderr
    assert list((tmp_path / "tmp").iterdir()) == []
