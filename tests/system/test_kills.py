"""A twind that is killed again and again loses nothing and says nothing twice."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.timeout(3600)


@pytest.mark.parametrize(
    "kills",
    [pytest.param(10, marks=pytest.mark.slow), pytest.param(500, marks=pytest.mark.soak)],
)
def test_a_storm_loses_nothing_and_doubles_nothing(tmp_path, kills):
    # In a process of its own: it forks.
    command = [sys.executable, "-m", "tests.system.storm", "--kills", str(kills), "--seed", "3"]
    done = subprocess.run(
        [*command, "--keep", str(tmp_path)],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, (done.stdout, done.stderr)
    figures = json.loads(done.stdout)
    assert (figures["lost"], figures["doubled"]) == ([], [])
    assert sum(figures["kills"].values()) == kills
    assert figures["jobs interrupted"]
