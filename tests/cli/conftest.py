"""Commands as they are typed: here, or on a terminal of their own."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys

import pytest

from twind.cli import main


@pytest.fixture
def run(home, capsys):
    """Run a command on the home, or `on` another; return its exit status and what it printed."""

    def command(*argv, on=home):
        code = main([*argv, "--home", str(on.root)])
        return code, capsys.readouterr()

    return command


@pytest.fixture
def report(run):
    """Run a command that is to end with `expect`, and return all that it reports as JSON."""

    def command(*argv, expect=0, **more):
        code, told = run(*argv, "--json", **more)
        shape = json.loads(told.out)
        assert (code, shape["ok"]) == (expect, expect == 0), shape
        return shape

    return command


@pytest.fixture
def say(report):
    """Run a command and return its data, or its error where `expect` is not 0."""

    def command(*argv, expect=0, **more):
        return report(*argv, expect=expect, **more)["error" if expect else "data"]

    return command


@pytest.fixture
def on_a_terminal(home):
    """Run a command on a terminal where `typed` is typed; return its status and what it showed."""

    def command(*argv, typed):
        ours, theirs = pty.openpty()
        process = subprocess.Popen(
            [sys.executable, "-m", "twind", *argv, "--home", str(home.root)],
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
        )
        os.close(theirs)
        os.write(ours, typed.encode())
        shown = b""
        try:
            while chunk := os.read(ours, 4096):
                shown += chunk
        except OSError:  # on Linux, how a terminal says that nobody is on its other end any more
            pass
        finally:
            os.close(ours)
        return process.wait(timeout=60), shown.decode()

    return command
