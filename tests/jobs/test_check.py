"""The trial of a plugin: what the command line does not show of it."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Literal

import pytest

from twind import settings
from twind.jobs import check
from twind.jobs.work import Work

SLOW = """\
import time
from twind.api import hookimpl
class Slow:
    name = "slow"
    def fetch(self, ctx):
        time.sleep(60)
@hookimpl
def twind_register(register):
    register(Slow())
"""


@pytest.fixture
def work(db, home, clock):
    return Work(db, home, settings.parse({"profile": {"timezone": "Europe/Berlin"}}), clock)


@pytest.mark.parametrize(
    ("annotation", "name"),
    [
        (str, "str"),
        (Path, "Path"),
        (list[Path], "list[Path]"),
        (str | None, "str | None"),
        (dict[str, list[Path]], "dict[str, list[Path]]"),
        (Literal["a.b", "c"], "Literal['a.b', 'c']"),
    ],
)
def test_types_read_as_their_author_wrote_them(annotation, name):
    assert check.type_name(annotation) == name


def test_what_hangs_is_interrupted_where_it_hangs_and_leaves_no_timer(work, tmp_path):
    file = tmp_path / "slow.py"
    file.write_text(SLOW)
    before = signal.getsignal(signal.SIGALRM)
    work.args = {"path": str(file), "timeout_s": 0.3}
    told = check.run(work)
    assert told["problems"] == ["slow.py:6: TimeoutError: not done within 0.3 s"]
    assert signal.getsignal(signal.SIGALRM) is before


def test_a_plugin_that_is_disabled_can_be_tried(work, tmp_path):
    file = tmp_path / "slow.py"
    file.write_text(SLOW.replace("time.sleep(60)", "return []"))
    work.settings = settings.parse({"plugins": {"disabled": ["slow"]}})
    work.args = {"path": str(file)}
    [one] = check.run(work)["plugins"]
    assert (one["state"], one["fetched"]["records"]) == ("ok", {})
