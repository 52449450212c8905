"""A worker that dies between any two of its commits: what follows is as if it had not."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from contextlib import closing

import pytest

from tests.system.disk import Disk
from tests.system.inside.twind_test_disk import library
from twind.cli.processes import run_job
from twind.daemon import workers
from twind.store import Store, jobs, outbox

pytestmark = [
    pytest.mark.soak,
    pytest.mark.timeout(1200),
    pytest.mark.skipif(library() is None, reason="Python's sqlite3 has SQLite inside"),
]

KILLED = -9
MOST = 60
"""More commits than any job has."""
OUTCOME = {
    "records": "SELECT source, uid, digest FROM records",
    "entities": "SELECT entity_type, name FROM entities",
    "workflows": "SELECT name, status FROM workflows",
    "steps": "SELECT description, status, due_date FROM workflow_steps",
    "answers": "SELECT question_id, answer_option_id FROM responses",
    "patterns": "SELECT dimension_id, aspect_id, strength, confidence FROM patterns",
    "evidence": "SELECT key, weight, aspects FROM evidence",
    "proposals": "SELECT title, status, json_extract(metadata, '$.start') FROM recommendations",
    "outbox": "SELECT key, json_remove(payload, '$.asked_at') FROM outbox",
    "models": "SELECT kind, state, timesteps, score FROM models",
    "jobs": "SELECT name, key, state FROM jobs",
}
FADING = {"patterns": 1e-3, "models": 0.1}
"""Beliefs fade in the minutes between two runs, and training on others ends at other weights: its
score is a sum over simulated days in which a single choice may go the other way."""
RECORDER = """\
from pathlib import Path
from twind.api import Delivered, hookimpl

class Recorder:
    name = "recorder"
    def notify(self, ctx, notification):
        with (Path(__file__).parents[1] / "told").open("a") as file:
            file.write(notification.body + "\\n")
        yield Delivered("recorder")

@hookimpl
def twind_register(register):
    register(Recorder())
"""


class Bench:
    """A life whose daemon is this test: it starts workers as the daemon does, and they may die."""

    def __init__(self, life, disk):
        self.life, self.disk = life, disk
        (life.root / "plugins" / "recorder.py").write_text(RECORDER)
        configuration = life.home.config_file
        configuration.write_text(
            configuration.read_text().replace('quiet = "22:00-06:30"', "quiet = []")
        )
        for name in ("sync", "detect"):
            run_job(life.home, name)

    def prepare(self, name):
        """Give a job something to do; return its arguments."""
        life = self.life
        if name in {"sync", "detect"}:
            life.add_event(life.event("fresh", 3, "1400", "1500"))
        if name == "detect":
            run_job(life.home, "sync")
            [(question, option)] = life.rows("SELECT question_id, id FROM answer_options LIMIT 1")
            life.twind("ask", "--answer", f"{question}={option}")
        if name == "notify":
            with Store.open(life.home.database) as db:
                for word in ("first", "second"):
                    outbox.put(db, 1, word, {"title": "twind says", "body": word})
        if name == "checkin":
            return {"day": life.today.isoformat()}
        if name == "propose":
            return {"day": life.tomorrow.isoformat()}
        return {"timesteps": 1024} if name == "train" else {}

    def queue(self, name, args):
        with Store.open(self.life.home.database) as db:
            return jobs.enqueue(db, name, args, f"{name}:once").id

    def attempt(self, job_id):
        """Do what a daemon does at its start, and run the job unless it is done.

        Returns the worker's exit status, 0 where the last one died after it was done.
        """
        with Store.open(self.life.home.database) as db:
            jobs.requeue_interrupted(db)
            outbox.mark_uncertain(db)
            if jobs.get(db, job_id).state == "done":
                return 0
            job = jobs.start(db, job_id)
        order = {"job": job.id, "attempt": job.attempt, "args": job.args}
        environment = workers.environment(self.life.home, {**os.environ, **self.disk.variables})
        with subprocess.Popen(
            [*workers.COMMAND, job.name],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=environment,
            text=True,
        ) as worker:
            worker.stdin.write(json.dumps(order) + "\n")
            worker.stdin.flush()
            said = worker.stdout.read()
            worker.wait(timeout=60)  # it would take a closed stdin for our end
        assert worker.returncode in {0, KILLED}, said
        with Store.open(self.life.home.database) as db:
            if worker.returncode == 0:
                jobs.finish(db, job.id, job.attempt, {})
        return worker.returncode

    def outcome(self):
        assert self.life.rows("PRAGMA integrity_check") == [("ok",)]
        assert self.life.rows("PRAGMA foreign_key_check") == []
        return {name: sorted(self.life.rows(sql), key=repr) for name, sql in OUTCOME.items()}

    def keep(self, place):
        with closing(Store.open(self.life.home.database)) as db:
            db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        shutil.copy(self.life.home.database, place)

    def bring_back(self, place):
        for path in self.life.root.glob("twind.db*"):
            path.unlink()
        shutil.copy(place, self.life.home.database)


@pytest.fixture
def bench(own_life, tmp_path):
    (tmp_path / "disk").mkdir()
    return Bench(own_life, Disk(tmp_path / "disk"))


@pytest.mark.parametrize(
    "name",
    [
        "sync",
        "detect",
        "checkin",
        "backup",
        "propose",
        "train",
    ],
)
def test_a_job_that_is_cut_off_between_any_two_commits_comes_to_the_same(bench, tmp_path, name):
    args = bench.prepare(name)
    bench.keep(tmp_path / "before")
    job_id = bench.queue(name, args)
    assert bench.attempt(job_id) == 0
    expected = bench.outcome()
    bench.bring_back(tmp_path / "before")
    job_id = bench.queue(name, args)
    for nth in range(1, MOST):
        bench.disk.plan(name, "sync", nth)
        if bench.attempt(job_id) == 0:
            break
        bench.outcome()
    assert 1 < nth < MOST
    found = bench.outcome()
    for table, tolerance in FADING.items():
        faded, then = (
            [cell for row in one.pop(table) for cell in row] for one in (found, expected)
        )
        assert faded == pytest.approx(then, abs=tolerance)
    assert found == expected


def test_a_notification_is_never_sent_twice_wherever_its_sender_dies(bench):
    """After each commit, for one pair of messages after the other."""
    told = bench.life.root / "told"
    for nth in range(1, MOST):
        bench.prepare("notify")
        told.write_text("")
        bench.disk.plan("notify", "sync", nth)
        with Store.open(bench.life.home.database) as db:
            job_id = jobs.enqueue(db, "notify", {}).id
        first = bench.attempt(job_id)
        flying = bench.life.rows("SELECT message_id, channel FROM deliveries WHERE state='sending'")
        bench.disk.heal()
        if first == KILLED:
            assert bench.attempt(job_id) == 0
        for number, channel in flying:
            [(state,)] = bench.life.rows(
                f"SELECT state FROM deliveries WHERE message_id={number} AND channel='{channel}'"
            )
            assert state == "uncertain"
        states = {state for (state,) in bench.life.rows("SELECT state FROM outbox")}
        lines = told.read_text().splitlines()
        assert lines.count("first") <= 1
        assert lines.count("second") <= 1
        assert states <= {"sent", "uncertain"}
        if states == {"sent"}:
            assert {"first", "second"} <= set(lines)
        with Store.open(bench.life.home.database) as db, db.transaction():
            db.execute("DELETE FROM outbox")
        if first == 0:
            break
    assert 3 < nth < MOST
