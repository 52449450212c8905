"""What `twind ctl` says for people, of what the daemon answers."""

from __future__ import annotations

from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest

from twind.cli.control import _status_text
from twind.daemon import status
from twind.store import jobs, models
from twind.store.status import summary

KOLKATA = ZoneInfo("Asia/Kolkata")  # 08:00 in UTC is 13:30 there


@pytest.fixture
def lines(db, clock):
    """Return the lines of the status, as a daemon on the database answers, by their first word."""

    def told(*plugins, **more):
        answer = {
            "uptime_s": 60.0, "paused_until": None, "running": (), "problem": None,
            "waiting": None, "interrupted": None, "watching": "events",
            "upcoming": [("sync", clock.now() + timedelta(minutes=5, microseconds=123))],
        }  # fmt: skip
        data = status.build(summary(db, 1), plugins, zone=KOLKATA, **(answer | more))
        text = _status_text(data).splitlines()
        return {line.split()[0]: " ".join(line.split()) for line in text if line.strip()}

    return told


def model(db, state, kind="ppo", **report):
    return models.put(db, 1, kind=kind, state=state, score=-1.332, report=report)


def scored(**means):
    return [{"name": name, "mean": mean} for name, mean in means.items()]


def test_what_serves_is_said_as_it_is(lines, db):
    assert lines()["model"] == "model none trained yet: rules and the base policy serve"
    number = model(db, "serving", field=scored(ppo=-1.332, nothing=-4.0))
    assert (
        lines()["model"]
        == f"model ppo {number}, scores -1.332 free hours a day (beat nothing -4.000)"
    )
    assert "last" not in lines()
    models.roll_back(db, 1)
    assert lines()["model"] == "model the base policy serves"
    assert lines()["last"] == f"last training {number} does not serve: taken out (twind models)"


def test_what_lost_says_why(lines, db):
    number = model(db, "retired")
    assert lines()["model"] == "model the base policy serves"
    assert (
        lines()["last"]
        == f"last training {number} does not serve: others did as well or better (twind models)"
    )


def test_what_was_better_but_not_surely_so_is_neither_beaten_nor_said_to_have_lost(lines, db):
    field = scored(ppo=-1.211, base=-1.262, nothing=-4.0)
    number = model(db, "retired", field=field, plans=scored(base=-2.0, search=-2.1))
    model(db, "serving", kind="base", field=field)
    told = lines()
    assert told["model"].endswith("(beat nothing -4.000)")
    assert told["last"].startswith(
        f"last training {number} does not serve: better, but not surely so"
    )


def test_what_won_but_plans_worse_than_a_search_says_so(lines, db):
    field, plans = scored(ppo=-1.2, base=-1.3), scored(search=-3.0, ppo=-3.5, nothing=-5.0)
    model(db, "retired", field=field, plans=plans)
    model(db, "serving", kind="search", field=field, plans=plans)
    told = lines()
    assert told["model"].endswith("(beat ppo -3.500, nothing -5.000)")
    assert "does not serve: days were planned better without it" in told["last"]


def test_a_failure_names_its_job_and_times_are_told_on_the_users_clock(lines, db):
    job = jobs.start(db, jobs.enqueue(db, "propose", {}).id)
    jobs.fail(db, job.id, job.attempt, "error", "no room")
    told = lines(paused_until="2026-03-03T08:00:00.000001+00:00")
    assert told["failed"] == "failed propose: no room (2026-03-02 13:30)"
    assert told["next"] == "next sync at 2026-03-02 13:35"
    assert told["paused"] == "paused until 2026-03-03 13:30"


def test_a_plugin_says_what_is_wrong_and_where_there_is_more(lines):
    well = {"name": "tasks", "state": "ok"}
    failed = {"name": "bad", "state": "failed", "error": "bad.py:1: SyntaxError"}
    told = lines(well, failed)
    assert told["tasks"] == "tasks ok 0 records"
    assert told["bad"] == "bad failed 0 records; bad.py:1: SyntaxError (twind plugins show bad)"
