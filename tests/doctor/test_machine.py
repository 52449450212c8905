import re
import time
import tomllib
from pathlib import Path

import pytest

from twind.doctor import machine
from twind.store import jobs

ROOT = Path(__file__).parents[2]


def test_a_clock_that_was_set_back_is_told(examined, db, clock):
    assert machine.clock(examined()).severity == "ok"
    jobs.enqueue(db, "sync", {})
    assert machine.clock(examined()).severity == "ok"
    clock.advance(days=-30)
    finding = machine.clock(examined())
    assert (finding.severity, finding.facts) == ("warning", {"ahead_s": 30 * 86400})


@pytest.mark.parametrize(("zone", "severity"), [("UTC", "ok"), ("Asia/Kolkata", "notice")])
def test_a_zone_in_which_it_is_another_hour_is_told(examined, home, monkeypatch, zone, severity):
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()
    home.config_file.write_text(f'[profile]\ntimezone = "{zone}"\n')
    assert machine.time_zone(examined()).severity == severity
    monkeypatch.undo()
    time.tzset()


def test_the_compilers_cache_is_where_it_can_be_written_and_by_nobody_else(examined, tmp_path):
    cache = tmp_path / "cache"
    subject = examined(environ={"NUMBA_CACHE_DIR": str(cache)})
    assert machine.compiler_cache(subject).severity == "ok"  # it will be made
    cache.mkdir()
    cache.chmod(0o777)
    finding = machine.compiler_cache(subject)
    assert finding.severity == "error"
    finding.repair()
    assert machine.compiler_cache(subject).severity == "ok"


def test_torch_is_what_was_asked_for(examined):
    finding = machine.torch(examined())
    assert (finding.severity, finding.facts) == ("ok", {"in_range": True, "cpu": True})


def test_torchs_range_is_that_of_the_package():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    [wanted] = [one for one in project["dependencies"] if re.match(r"torch\b", one)]
    low, high = (".".join(map(str, one)) for one in (machine.TORCH_FROM, machine.TORCH_TO))
    assert wanted == f"torch>={low},<={high}"
