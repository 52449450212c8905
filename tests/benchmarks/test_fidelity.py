"""The closed loop: the whole product, played against a simulated person with the clock driven."""

from __future__ import annotations

import copy
import json
import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import families
import fidelity
import pytest

BENCHMARKS = Path(fidelity.__file__).parent


def test_who_knows_does_better_than_nobody():
    user = families.Ordinary(0)
    days = [families.FIRST_DAY + timedelta(days=number) for number in range(2)]
    nobody = fidelity.live_with_nobody(copy.deepcopy(user), days)
    knowing = fidelity.live_with_who_knows(copy.deepcopy(user), days, 0)
    assert sum(knowing.worth) > sum(nobody.worth)


def person(nothing, knowing, twind):
    return {
        "nothing": fidelity.Told(worth=[nothing] * 7),
        "knowing": fidelity.Told(worth=[knowing] * 7),
        "twind": fidelity.Told(worth=[twind] * 7),
    }


def test_the_gain_is_scaled_between_nobody_and_who_knows():
    everyone = [person(1.0, 3.0, 2.0), person(0.0, 2.0, 1.0)]
    line = fidelity._lived_gain("x", "twind", "week1", everyone, slice(0, 7))
    assert line["name"] == "fidelity.x.lived_gain.twind.week1"
    assert (line["value"], line["low"], line["high"], line["n"]) == (0.5, 0.5, 0.5, 2)


def test_foretelling_acceptance_better_than_by_its_rate_is_skill():
    sure = fidelity.Told(said=[(day, 0.9 if day % 2 else 0.1, bool(day % 2)) for day in range(20)])
    blind = fidelity.Told(said=[(day, 0.5, bool(day % 2)) for day in range(20)])
    assert fidelity._brier_skill("x", [sure])["value"] > 0.9
    assert fidelity._brier_skill("x", [blind])["value"] < 0.3


@pytest.mark.slow
def test_the_whole_product_is_played_against_anybody(tmp_path):
    """A person from outside, by the command line."""
    (tmp_path / "outside.py").write_text(
        "import families\n"
        "class Stranger(families.Person):\n"
        "    def energy(self, moment):\n"
        "        return None\n"
        "def stranger(seed):\n"
        "    return Stranger(seed)\n"
    )
    done = subprocess.run(
        [sys.executable, BENCHMARKS / "fidelity.py", "--user", "outside:stranger", "--people", "1",
         "--days", "7", "--train", "2048", "--json"],
        capture_output=True, text=True, check=False, cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(BENCHMARKS), *sys.path])},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    told = {line["name"]: line for line in map(json.loads, done.stdout.splitlines())}
    for way in fidelity.WAYS:
        assert told[f"fidelity.stranger.lived_gain.{way}.week1"]["n"] == 1
    assert told["fidelity.stranger.proposed.week1"]["value"] > 0
