"""The doctor visits a real daemon."""

from __future__ import annotations

import pytest
from prometheus_client.parser import text_string_to_metric_families


@pytest.fixture(scope="module")
def running(life, eventually):
    """A daemon that has read everything and has nothing to do."""
    life.home.config_file.chmod(0o600)
    daemon = life.start()
    eventually(life.at_rest, 120)
    return daemon


@pytest.mark.slow
def test_a_healthy_daemon_is_found_well(life, running):
    checks = {one["id"]: one for one in life.twind("doctor")["checks"]}
    assert {one["severity"] for one in checks.values()} <= {"ok", "notice"}, checks
    assert checks["daemon"]["saw"].startswith("twind ")
    assert checks["sources"]["saw"] == "3 sources were read well"
    assert checks["plugins"]["saw"].endswith("none faulty")


@pytest.mark.slow
def test_its_numbers_are_read_by_prometheus(life, running):
    text = life.command("ctl", "metrics").stdout
    told = {
        (sample.name, sample.labels.get("source") or sample.labels.get("job")): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }
    assert {told["twind_source_up", name] for name in ("calendar", "contacts", "tasks")} == {1.0}
    assert told["twind_job_duration_seconds_sum", "detect"] > 0
