"""Plugins that harm whoever runs them, damage, and a stop at any moment: the real daemon."""

from __future__ import annotations

import random
import select
import signal
from pathlib import Path

import pytest

from twind.clock import monotonic_s

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

STOP_S = 5.0
DEADLY = "import os\nos._exit(3)\n"
KILLS_WHEN_READ = """\
import os
from twind.api import Person, hookimpl

class Rough:
    name = "rough"
    def fetch(self, ctx):
        yield Person(uid="x", name="X")
        os._exit(4)

@hookimpl
def twind_register(register):
    register(Rough())
"""


def test_a_plugin_that_kills_whoever_imports_it_is_a_line_and_no_outage(own_life, eventually):
    (own_life.root / "plugins" / "deadly.py").write_text(DEADLY)
    own_life.start()
    eventually(own_life.synced, 60)
    plugins = own_life.plugins()
    assert plugins["deadly"]["state"] == "failed"
    assert plugins["deadly"]["last_error"].startswith("deadly.py: it ended with status")
    assert {plugins[name]["state"] for name in ("calendar", "contacts", "tasks")} == {"ok"}
    own_life.add_event(own_life.event("new", 3, "1400", "1500"))
    eventually(lambda: own_life.rows("SELECT 1 FROM records WHERE uid = 'new'"), 15)
    (own_life.root / "plugins" / "deadly.py").unlink()
    eventually(lambda: "deadly" not in own_life.plugins(), 30)


def test_a_plugin_that_kills_whoever_reads_it_costs_the_others_nothing(own_life, eventually):
    # Before the others in the order in which they are read it would take them all with it.
    (own_life.root / "plugins" / "rough.py").write_text(KILLS_WHEN_READ)
    own_life.start()
    eventually(own_life.synced, 60)
    plugins = eventually(lambda: (now := own_life.plugins())["rough"]["last_error"] and now, 60)
    assert plugins["rough"]["state"] == "failed"
    assert "status 4" in plugins["rough"]["last_error"]
    assert {plugins[name]["state"] for name in ("calendar", "contacts", "tasks")} == {"ok"}
    assert own_life.rows("SELECT COUNT(*) FROM entities WHERE name = 'X'") == [(0,)]


def test_a_plugin_that_is_switched_off_is_paused_and_back_again(own_life, eventually):
    configuration = own_life.home.config_file.read_text()
    own_life.start()
    eventually(own_life.synced, 60)
    own_life.home.config_file.write_text(f'{configuration}[plugins]\ndisabled = ["tasks"]\n')
    eventually(lambda: own_life.plugins()["tasks"]["state"] == "paused", 20)
    assert own_life.plugins()["calendar"]["state"] == "ok"
    own_life.home.config_file.write_text(configuration)
    eventually(lambda: own_life.plugins()["tasks"]["state"] == "ok", 20)


# --- a damaged database, and a stop in the middle of each job ------------------------------------

ONCE = {
    "records": "SELECT source, uid FROM records",
    "entities": "SELECT name, entity_type FROM entities",
    "workflows": "SELECT name FROM workflows",
    "patterns": "SELECT dimension_id, aspect_id FROM patterns",
    "outbox": "SELECT key FROM outbox",
    "proposals": "SELECT json_extract(metadata, '$.start'), title FROM recommendations",
    "evidence": "SELECT key FROM evidence",
}
WORK = (
    ("sync",),
    ("propose", "--day", "{tomorrow}"),
    ("train", "--timesteps", "2048"),
)


def assert_whole(life):
    assert life.rows("PRAGMA integrity_check") == [("ok",)]
    assert life.rows("PRAGMA foreign_key_check") == []
    for name, sql in ONCE.items():
        rows = life.rows(sql)
        assert len(rows) == len(set(rows)), name


def wait(seconds):
    select.select([], [], [], seconds)


def answer(life):
    question = life.twind("ask")
    if question["id"] is not None:
        life.twind("ask", "--answer", f"{question['id']}={question['options'][0]['id']}")
        return 1
    return 0


def test_a_damaged_database_is_that_of_the_last_backup_again(own_life, eventually):
    daemon = own_life.start()
    eventually(own_life.at_rest, 90)
    answers = answer(own_life)
    kept = own_life.twind("backup")
    answered = own_life.rows("SELECT COUNT(*) FROM responses")
    assert answered == [(answers,)] == [(1,)]
    assert daemon.end(signal.SIGTERM) == 0
    database = own_life.home.database
    content = bytearray(database.read_bytes())
    content[len(content) // 2 : len(content) // 2 + 20_000] = bytes(20_000)
    database.write_bytes(content)
    daemon = own_life.start()
    told = own_life.twind("ctl", "status")["recovered"]
    assert told["backup"] == kept["file"]
    assert "is damaged" in told["because"]
    assert (Path(told["aside"]) / database.name).read_bytes() == content
    assert "the database was damaged" in own_life.command("ctl", "status").stdout
    eventually(own_life.at_rest, 90)
    assert_whole(own_life)
    assert own_life.rows("SELECT COUNT(*) FROM responses") == answered
    assert own_life.rows("SELECT COUNT(*) FROM outbox WHERE key LIKE 'recovered:%'") == [(1,)]
    assert daemon.end(signal.SIGTERM) == 0


SLOW_TO_IMPORT = "import time\ntime.sleep(6)\n"
SLOW_TO_READ = """\
import time
from twind.api import Person, hookimpl

class Slow:
    name = "slow"
    def fetch(self, ctx):
        yield Person(uid="slow", name="Slow")
        time.sleep(3)

@hookimpl
def twind_register(register):
    register(Slow())
"""


def is_running(life, name):
    return life.rows(f"SELECT 1 FROM jobs WHERE state = 'running' AND name = '{name}'")


def begin(life, name):
    """Set a job off and wait, closely, until it is at work."""
    match name:
        case "inspect":
            (life.root / "plugins" / "slow.py").write_text(SLOW_TO_IMPORT)
        case "sync":
            (life.root / "plugins" / "slow.py").write_text(SLOW_TO_READ)
        case "detect":
            answer(life)
        case _:
            [words] = [words for words in WORK if words[0] == name]
            more = ("--timesteps", "5000000") if name == "train" else words[1:]
            day = life.tomorrow.isoformat()
            life.twind("ctl", name, *(word.format(tomorrow=day) for word in more), "--no-wait")
    end = monotonic_s() + 40
    while not is_running(life, name):
        assert monotonic_s() < end, f"{name} did not begin"
        wait(0.02)


def catch(life, name, pause, eventually):
    """Have a job in the middle of its work: a short one that got away is met sooner next time."""
    begin(life, name)
    wait(pause)
    while not is_running(life, name):
        eventually(life.at_rest, 90)
        pause /= 2
        begin(life, name)
        wait(pause)


def test_a_stop_in_the_middle_of_any_job_is_prompt_and_harmless(own_life, eventually, alive):
    luck = random.Random(7)
    daemon = own_life.start()
    eventually(own_life.at_rest, 90)
    for name in ("inspect", "sync", "detect", "propose", "train"):
        catch(own_life, name, luck.uniform(0.0, 0.5), eventually)
        workers, began = daemon.workers(), monotonic_s()
        assert daemon.end(signal.SIGTERM) == 0
        assert monotonic_s() - began < STOP_S, name
        assert not any(alive(pid) for pid in workers), name
        assert_whole(own_life)
        if name == "train":
            break
        daemon = own_life.start()
        eventually(own_life.at_rest, 90)
    failed = own_life.rows("SELECT name, error FROM jobs WHERE state = 'failed'")
    assert failed == []
    assert "Traceback" not in own_life.log()
