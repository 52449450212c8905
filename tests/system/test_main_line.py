"""The main line: real files, a real daemon, every command; to a killed process and back.

The tests share one life and go through it in their order.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from twind.clock import monotonic_s

pytestmark = pytest.mark.slow

STATUS_KEYS = {
    "version",
    "uptime_s",
    "profile",
    "plugins",
    "patterns",
    "model",
    "queue",
    "next",
    "proposals",
}
PLUGIN_KEYS = {"name", "state", "records", "errors", "last_ok_at", "last_error"}
PROPOSAL_KEYS = {
    "id",
    "day",
    "action",
    "target",
    "start",
    "end",
    "duration_min",
    "intensity",
    "text",
    "confidence",
    "reasons",
    "would_change",
    "status",
}
PATTERN_KEYS = {
    "dimension",
    "aspect",
    "code",
    "strength",
    "confidence",
    "evidence_count",
    "impact",
}
WAKE_MIN, QUIET_MIN = 6 * 60 + 30, 22 * 60
LENGTHS = {15, 30, 45, 60, 90, 120}
FRIENDS = """\
from twind.api import Person, hookimpl

class Friends:
    name = "friends"
    def fetch(self, ctx):
        yield Person(uid="bo", name="Bo")

@hookimpl
def twind_register(register):
    register(Friends())
"""
KEPT = (
    "SELECT (SELECT COUNT(*) FROM responses), (SELECT COUNT(*) FROM feedback), "
    "(SELECT COUNT(*) FROM records), (SELECT COUNT(*) FROM entities), "
    "(SELECT COUNT(*) FROM workflows), (SELECT COUNT(*) FROM workflow_steps), "
    "(SELECT COUNT(*) FROM patterns), (SELECT COUNT(*) FROM recommendations)"
)


@pytest.fixture(scope="module")
def daemon(life):
    return life.start()


@pytest.fixture(scope="module")
def proposed(life, daemon):
    """Tomorrow's proposals, as `ctl propose` returned them."""
    data = life.twind("ctl", "propose", "--day", life.tomorrow.isoformat())
    assert data["proposals"], data["silent_because"]
    return data["proposals"]


def beliefs(life):
    return {one["code"]: one for one in life.twind("patterns")["patterns"]}


def strengths(patterns):
    return {code: one["strength"] for code, one in patterns.items()}


def about(numbers):
    """Evidence ages by the second: what is learnt from it again is not the same to the last bit."""
    return pytest.approx(numbers, rel=1e-3, abs=1e-4)


def assert_sound(life):
    assert life.rows("PRAGMA integrity_check") == [("ok",)]
    assert life.rows("PRAGMA foreign_key_check") == []


# --- without a daemon -----------------------------------------------------------------------------


@pytest.mark.parametrize("action", ["status", "sync", "train", "propose", "pause", "stop"])
def test_without_a_daemon_ctl_ends_with_three(life, action):
    assert life.twind("ctl", action, expect=3)["code"] == "not_running"


@pytest.mark.parametrize(
    "argv",
    [
        ["nonsense"],
        ["ctl"],
        ["ctl", "nonsense"],
        ["ctl", "train", "--timesteps", "0"],
        ["review", "x"],
        ["review", "1", "--accept", "--reject"],
        ["why"],
        ["ask", "--answer", "nonsense"],
        ["proposals", "--day", "tomorrow"],
        ["ctl", "propose", "--day", "2026-13-01"],
    ],
)
def test_usage_errors_end_with_two(life, argv):
    done = life.command(*argv, "--json")
    assert done.returncode == 2, done
    assert json.loads(done.stdout)["error"]["code"] == "usage"


@pytest.mark.parametrize("place", range(3))
def test_home_may_stand_after_any_word(life, place):
    words = ["ctl", "status", "--json"]
    words[place + 1 : place + 1] = ["--home", str(life.root)]
    done = subprocess.run(
        [sys.executable, "-m", "twind", *words],
        capture_output=True,
        text=True,
        env={**os.environ, "TWIND_HOME": "/nonexistent"},
        check=False,
    )
    assert done.returncode == 3
    assert str(life.root) in json.loads(done.stdout)["error"]["message"]


def test_commands_work_in_a_folder_that_shadows_the_standard_library(life, tmp_path):
    for name in ("calendar.py", "json.py", "twind.py"):
        (tmp_path / name).write_text("raise RuntimeError('not this one')\n")
    twind = Path(sys.executable).with_name("twind")
    done = subprocess.run(
        [twind, "ask", "--json", "--home", str(life.root)],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        check=False,
    )
    assert done.returncode == 0, done
    assert json.loads(done.stdout)["data"]["text"]


# --- reading --------------------------------------------------------------------------------------


def test_three_sources_are_read_within_seconds(life, daemon, eventually):
    status = eventually(life.synced, 20)
    assert status.keys() >= STATUS_KEYS
    plugins = {one["name"]: one for one in status["plugins"]}
    assert all(one.keys() >= PLUGIN_KEYS for one in plugins.values())
    assert {one["state"] for one in plugins.values()} == {"ok"}
    assert plugins["calendar"]["records"] == 11
    assert plugins["contacts"]["records"] == 1
    assert plugins["tasks"]["records"] >= 3
    status = eventually(life.at_rest, 60)
    assert status["patterns"]["count"] == 75
    assert len(status["patterns"]["dimensions"]) == 15
    assert all(
        one.keys() >= {"name", "strength", "confidence"} for one in status["patterns"]["dimensions"]
    )
    assert status["queue"] == {"queued": 0, "running": 0, "failed": 0}
    assert {one["job"] for one in status["next"]} == {"propose", "sync"}
    assert all(datetime.fromisoformat(one["at"]).tzinfo for one in status["next"])
    assert status["proposals"].keys() >= {"pending", "accepted", "rejected", "acceptance_rate"}


def test_an_event_added_to_the_file_is_in_the_database_without_a_restart(life, eventually):
    life.add_event(life.event("new", 3, "1400", "1500"))
    eventually(lambda: life.rows("SELECT 1 FROM records WHERE uid = 'new'"), 10)


def test_a_plugin_dropped_in_is_synced_and_a_broken_one_is_a_line(life, eventually):
    before = life.plugins()
    (life.root / "plugins" / "friends.py").write_text(FRIENDS)
    (life.root / "plugins" / "broken.py").write_text("raise RuntimeError('out of order')\n")
    eventually(lambda: life.plugins().get("friends", {}).get("records") == 1, 15)
    after = eventually(lambda: "broken" in (now := life.plugins()) and now)
    assert after["broken"]["state"] == "failed"
    assert "broken.py:1" in after["broken"]["last_error"]
    assert "out of order" in after["broken"]["last_error"]
    for name in before:
        assert (after[name]["state"], after[name]["records"]) == ("ok", before[name]["records"])
    assert life.rows("SELECT name FROM entities WHERE name = 'Bo'") == [("Bo",)]
    listed = {one["name"]: one["state"] for one in life.twind("plugins", "list")["plugins"]}
    assert listed == {name: one["state"] for name, one in after.items()}
    assert life.log().count("out of order") < 5


def test_a_second_daemon_refuses_in_one_line(life):
    second = life.command("run", timeout_s=30)
    assert second.returncode == 1
    assert second.stderr.count("\n") == 1
    assert "another twind daemon" in second.stderr
    life.twind("ctl", "status")


# --- asking, believing ----------------------------------------------------------------------------


def test_answers_change_what_is_believed_and_can_be_taken_back(life):
    before = beliefs(life)
    assert len(before) == 75
    assert all(one.keys() >= PATTERN_KEYS for one in before.values())
    moved, given = [], 0
    while not moved and given < 5:
        last = beliefs(life)
        question = life.twind("ask")
        assert question["text"]
        assert all(option.keys() >= {"id", "text"} for option in question["options"])
        option = question["options"][0]["id"]
        life.twind("ask", "--answer", f"{question['id']}={option}")
        given += 1
        now = beliefs(life)
        heard = {code: one["evidence_count"] for code, one in now.items()}
        moved = [code for code in before if heard[code] > before[code]["evidence_count"]]
    assert moved, "no answer of five moved any pattern"
    assert life.twind("ask")["id"] != question["id"]
    assert life.twind("patterns", moved[0])["evidence"]
    counted = life.rows("SELECT COUNT(*) FROM responses")
    life.twind("ask", "--back")
    assert strengths(beliefs(life)) == about(strengths(last))
    life.twind("ask", "--answer", f"{question['id']}={option}")
    assert life.rows("SELECT COUNT(*) FROM responses") == counted


def test_answers_that_cannot_be_are_refused(life):
    question = life.twind("ask")["id"]
    assert life.twind("ask", "--answer", "999999=1", expect=1)["code"] == "not_found"
    assert life.twind("ask", "--answer", f"{question}=999999", expect=1)["code"] == "not_found"


# --- proposing ------------------------------------------------------------------------------------


def test_proposals_have_their_shape_and_their_reasons(life, proposed):
    for one in proposed:
        assert one.keys() >= PROPOSAL_KEYS
        start, end = datetime.fromisoformat(one["start"]), datetime.fromisoformat(one["end"])
        assert start.tzinfo is not None
        assert end - start == timedelta(minutes=one["duration_min"])
        assert one["duration_min"] in LENGTHS
        assert one["day"] == life.tomorrow.isoformat() == start.date().isoformat()
        assert one["status"] == "pending"
        assert 0 < one["confidence"] < 1
        assert one["reasons"]
        assert sum(reason["weight"] for reason in one["reasons"]) <= 1 + 1e-9
        for reason in one["reasons"]:
            assert reason.keys() >= {"kind", "ref", "weight", "text", "evidence"}
            assert reason["weight"] > 0
        why = life.twind("why", str(one["id"]))
        assert why["reasons"] == one["reasons"]
        assert why["would_change"] == one["would_change"]
    listed = life.twind("proposals", "--day", life.tomorrow.isoformat())["proposals"]
    assert listed == proposed


def test_nothing_is_proposed_over_events_each_other_or_in_the_night(life, proposed):
    taken = [
        (datetime.fromisoformat(start), datetime.fromisoformat(end))
        for start, end in life.rows("SELECT start_at, end_at FROM records WHERE kind = 'event'")
    ]
    for one in proposed:
        start, end = datetime.fromisoformat(one["start"]), datetime.fromisoformat(one["end"])
        assert not any(start < last and first < end for first, last in taken)
        taken.append((start, end))
        assert start.hour * 60 + start.minute >= WAKE_MIN
        assert end.hour * 60 + end.minute <= QUIET_MIN


def test_today_and_tomorrow_are_planned_or_silence_is_explained(life, daemon):
    data = life.twind("ctl", "propose")
    assert data["proposals"] or data["silent_because"]
    days = {one["day"] for one in data["proposals"]}
    assert days <= {life.today.isoformat(), life.tomorrow.isoformat()}
    over = life.twind("ctl", "propose", "--day", "2001-01-01", expect=2)
    assert over["code"] == "usage"


# --- the user's word ------------------------------------------------------------------------------


def test_what_is_accepted_changes_a_pattern_and_undoing_it_changes_it_back(life, proposed):
    first = str(proposed[0]["id"])
    before = beliefs(life)
    assert life.twind("review", first, "--accept")["proposal"]["status"] == "accepted"
    assert life.twind("ctl", "status")["proposals"]["accepted"] == 1
    after = beliefs(life)
    assert strengths(after) != about(strengths(before))
    assert life.twind("review", first, "--undo")["proposal"]["status"] == "pending"
    assert strengths(beliefs(life)) == about(strengths(before))
    assert life.twind("review", first, "--undo", expect=1)["code"] == "error"


def test_rejecting_editing_and_snoozing(life, proposed):
    first = str(proposed[0]["id"])
    rejected = life.twind("review", first, "--reject", "--reason", "not on a full stomach")
    assert rejected["proposal"]["status"] == "rejected"
    said = life.rows("SELECT action, reason FROM feedback ORDER BY id DESC LIMIT 1")
    assert said == [("reject", "not on a full stomach")]
    life.twind("review", first, "--undo")
    edited = life.twind("review", first, "--start", "15:30", "--duration", "30")["proposal"]
    assert (edited["status"], edited["duration_min"]) == ("accepted", 30)
    assert edited["start"].startswith(f"{life.tomorrow}T15:30")
    assert edited["end"].startswith(f"{life.tomorrow}T16:00")
    life.twind("review", first, "--undo")
    snoozed = life.twind("review", first, "--snooze", "90")["proposal"]
    assert snoozed["status"] == "pending"
    assert datetime.fromisoformat(snoozed["snoozed_until"]).tzinfo
    states = {row[0] for row in life.rows("SELECT status FROM recommendations")}
    assert states <= {"pending", "accepted", "rejected", "ignored"}


def test_a_word_that_makes_no_sense_changes_nothing(life, proposed):
    first = str(proposed[0]["id"])
    counted = life.rows("SELECT COUNT(*) FROM feedback")
    assert life.twind("review", first, expect=2)["code"] == "usage"
    assert life.twind("review", first, "--start", "25:00", expect=2)["code"] == "usage"
    assert life.twind("review", first, "--reject", "--start", "10:00", expect=2)["code"] == "usage"
    assert life.twind("review", "999999", "--accept", expect=1)["code"] == "not_found"
    assert life.twind("why", "999999", expect=1)["code"] == "not_found"
    assert life.rows("SELECT COUNT(*) FROM feedback") == counted


def test_what_an_event_overruns_is_withdrawn_and_the_rest_stands_as_it_was(
    life, proposed, eventually
):
    before = {one["id"]: one for one in life.twind("proposals")["proposals"]}
    day = life.tomorrow.isoformat()
    overrun = [one for one in before.values() if one["day"] == day][-1]
    assert overrun["status"] == "pending"
    start, end = (datetime.fromisoformat(overrun[key]) for key in ("start", "end"))
    life.add_event(life.event("clash", 1, f"{start:%H%M}", f"{end:%H%M}", "Dentist"))
    eventually(lambda: life.rows("SELECT 1 FROM records WHERE uid = 'clash'"), 10)
    again = {one["id"]: one for one in life.twind("ctl", "propose", "--day", day)["proposals"]}
    assert overrun["id"] not in again
    for id_, one in before.items():
        if one["day"] == day and id_ != overrun["id"]:
            assert again[id_] == one
    for one in again.values():
        first, last = (datetime.fromisoformat(one[key]) for key in ("start", "end"))
        assert not (first < end and start < last)


@pytest.mark.parametrize(
    "argv", [["ask"], ["review"], ["proposals"], ["patterns"], ["why", "1"], ["plugins", "list"]]
)
def test_off_a_terminal_nothing_prompts(life, daemon, argv):
    done = life.command(*argv, timeout_s=30)
    assert done.returncode == 0, done
    assert done.stdout
    assert "\x1b" not in done.stdout


# --- kill and stop --------------------------------------------------------------------------------


def begin_training(life, daemon, eventually):
    """Start a training that would take minutes; return its worker's process id."""
    life.twind("ctl", "train", "--no-wait", "--timesteps", "5000000")
    eventually(
        lambda: [
            job
            for job in life.twind("ctl", "status")["running"]
            if job["job"] == "train" and job["progress"]
        ],
        60,
    )
    return daemon.workers()


def test_a_kill_in_the_middle_of_jobs_loses_and_doubles_nothing(life, daemon, eventually, alive):
    workers = begin_training(life, daemon, eventually)
    assert workers
    before = life.rows(KEPT)
    life.twind("ctl", "sync", "--no-wait")
    assert daemon.end(signal.SIGKILL) == -signal.SIGKILL
    eventually(lambda: not any(alive(pid) for pid in workers), 10)
    assert life.twind("ctl", "status", expect=3)["code"] == "not_running"
    assert_sound(life)
    again = life.start()
    eventually(lambda: life.synced() and life.twind("ctl", "status")["queue"]["queued"] == 0)
    # The training that was interrupted is at work again: its row is the same one.
    assert len(life.rows("SELECT 1 FROM jobs WHERE name = 'train'")) == 1
    assert life.rows("SELECT state, attempt FROM jobs WHERE name = 'train'") == [("running", 2)]
    after = life.rows(KEPT)
    assert after == before
    life.twind("ctl", "sync")
    assert life.rows(KEPT) == before
    assert life.rows("SELECT COUNT(*) FROM outbox WHERE state = 'uncertain'") == [(0,)]
    assert life.twind("ctl", "status")["queue"]["failed"] == 0
    assert_sound(life)
    began = monotonic_s()
    workers = again.workers()
    assert again.end(signal.SIGTERM) == 0
    assert monotonic_s() - began < 5
    assert not any(alive(pid) for pid in workers)
    assert not (life.root / "twind.sock").exists()
    assert_sound(life)


def test_ctl_stop_ends_it_as_well(life):
    daemon = life.start()
    life.twind("ctl", "stop")
    assert daemon.process.wait(timeout=10) == 0
    assert "Traceback" not in life.log()


def test_a_home_with_nothing_in_it_says_so_and_trains_nothing(empty_life, eventually):
    empty_life.start()
    eventually(empty_life.at_rest, 60)
    data = empty_life.twind("ctl", "propose")
    assert data["proposals"] == []
    assert "nothing to go by" in data["silent_because"]
    assert empty_life.twind("ctl", "train", expect=1)["code"] == "empty_profile"
    done = {name for (name,) in empty_life.rows("SELECT name FROM jobs WHERE state = 'done'")}
    assert "train" not in done
    assert empty_life.twind("ask")["options"]
