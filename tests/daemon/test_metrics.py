from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from twind import __version__
from twind.daemon import metrics
from twind.store import jobs, outbox, sources
from twind.store import status as store_status

INSPECTION = {
    "inspect": {
        "plugins": [
            {
                "name": "files",
                "state": "ok",
                "abilities": ["fetch"],
                "error": None,
                "file": "files.py",
                "watch": [],
            }
        ],
        "folders": [],
    }
}


def read(text: str) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    """Return the samples as the official parser reads them; no metric is told twice."""
    families = list(text_string_to_metric_families(text))
    names = [family.name for family in families]
    assert len(set(names)) == len(names)
    assert all(family.documentation and family.type != "unknown" for family in families)
    samples = [sample for family in families for sample in family.samples]
    told = {(one.name, tuple(sorted(one.labels.items()))): one.value for one in samples}
    assert len(told) == len(samples)
    return told


def test_jobs_are_counted_and_timed():
    tally = metrics.Tally()
    assert tally.text() == ""
    tally.add("sync", "done", 1.5)
    tally.add("sync", "failed", 0.25)
    tally.add("train", "done", 60.0)
    assert read(tally.text()) == {
        ("twind_jobs_total", (("job", "sync"), ("state", "done"))): 1,
        ("twind_jobs_total", (("job", "sync"), ("state", "failed"))): 1,
        ("twind_jobs_total", (("job", "train"), ("state", "done"))): 1,
        ("twind_job_duration_seconds_sum", (("job", "sync"),)): 1.75,
        ("twind_job_duration_seconds_count", (("job", "sync"),)): 2,
        ("twind_job_duration_seconds_sum", (("job", "train"),)): 60,
        ("twind_job_duration_seconds_count", (("job", "train"),)): 1,
    }


def test_what_the_database_says(db, clock):
    jobs.enqueue(db, "sync", {})
    outbox.put(db, 1, "a", {"title": "secret"})
    sources.succeeded(db, 1, "calendar", {}, 3)
    sources.failed(db, 1, "tasks", "secret is gone")
    text = metrics.of_store(store_status.figures(db, 1))
    assert "secret" not in text
    told = read(text)
    assert told["twind_queue_jobs", (("state", "queued"),)] == 1
    assert told["twind_messages", (("state", "pending"),)] == 1
    assert told["twind_source_up", (("source", "calendar"),)] == 1
    assert told["twind_source_up", (("source", "tasks"),)] == 0
    assert told["twind_source_records", (("source", "calendar"),)] == 3
    last = told["twind_source_last_success_timestamp_seconds", (("source", "calendar"),)]
    assert last == clock.now().timestamp()
    assert told["twind_database_bytes", ()] > 4096
    assert ("twind_last_proposal_timestamp_seconds", ()) not in told


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_a_label_is_read_as_it_was_whatever_is_in_it(label):
    # The parser splits at every kind of line end; Prometheus itself at "\n" alone.
    label = "\n".join(label.splitlines())
    text = metrics.metric("m", "gauge", "A metric.", [("", {"source": label}, 1.0)])
    assert read(text) == {("m", (("source", label),)): 1}


@pytest.mark.parametrize("value", [0.0, 1e-9, 1.5, 2.0**60])
def test_a_number_is_read_as_it_was(value):
    assert read(metrics.metric("m", "gauge", "A metric.", [("", {}, value)])) == {("m", ()): value}


def test_the_daemon_tells_how_it_fares(daemon, until):
    one = daemon(results=INSPECTION).up()
    until(lambda: one.started("sync"))
    until(lambda: one.ask("status")["queue"] == {"queued": 0, "running": 0, "failed": 0})
    told = read(one.ask("metrics")["text"])
    assert told["twind_build_info", (("version", __version__),)] == 1
    assert told["twind_jobs_total", (("job", "sync"), ("state", "done"))] == 1
    assert told["twind_job_duration_seconds_sum", (("job", "sync"),)] > 0
    assert 1e6 < told["process_resident_memory_bytes", ()] < 80e6
    assert told["process_cpu_seconds_total", ()] > 0
    now = datetime.now(UTC).timestamp()
    assert now - 600 < told["process_start_time_seconds", ()] < now
    assert ("twind_last_backup_timestamp_seconds", ()) not in told
