"""The main line with real files and a real daemon, from the first sync to feedback and a crash."""

from __future__ import annotations

import json
import signal
import sqlite3
import subprocess
import sys
import threading
from datetime import date, datetime, timedelta

import pytest

from twind.clock import monotonic_s
from twind.home import Home

CALENDAR = """BEGIN:VCALENDAR\r
VERSION:2.0\r
PRODID:-//test//EN\r
{events}END:VCALENDAR\r
"""
EVENT = """BEGIN:VEVENT\r
UID:{uid}\r
SUMMARY:{title}\r
DTSTART:{day:%Y%m%d}T{start}00Z\r
DTEND:{day:%Y%m%d}T{end}00Z\r
{more}END:VEVENT\r
"""
ANNA = "ATTENDEE;PARTSTAT=ACCEPTED:mailto:anna@example.org\r\n"
TODAY = date.today()


def event(uid, days, start, end, title="Meeting", more=""):
    day = TODAY + timedelta(days=days)
    return EVENT.format(uid=uid, title=title, day=day, start=start, end=end, more=more)


def write_life(home):
    events = [event(f"lunch{n}", -7 * n, "1200", "1300", "Lunch", ANNA) for n in range(1, 7)]
    events += [event(f"busy{n}", n, "0900", "1130", "Workshop") for n in range(5)]
    (home.root / "cal.ics").write_text(CALENDAR.format(events="".join(events)))
    (home.root / "people.vcf").write_text(
        "BEGIN:VCARD\r\nVERSION:3.0\r\nUID:anna\r\nFN:Anna Berg\r\nEMAIL:anna@example.org\r\n"
        "END:VCARD\r\n"
    )
    due = TODAY + timedelta(days=2)
    (home.root / "todo.txt").write_text(
        f"(A) Write the chapter +thesis due:{due} est:3h\nBuy paint +flat\n"
        f"x {TODAY - timedelta(days=3)} {TODAY - timedelta(days=9)} Outline +thesis\n"
    )
    home.config_file.write_text(
        '[profile]\ntimezone = "UTC"\n[schedule]\npoll_s = 5\n[training]\nenabled = false\n'
        '[plugins.calendar]\npaths = ["cal.ics"]\n[plugins.contacts]\npaths = ["people.vcf"]\n'
        '[plugins.tasks]\npaths = ["todo.txt"]\n[plugins.notify]\ndesktop = false\n'
    )


def twind(home, *argv, expect=0):
    done = subprocess.run(
        [sys.executable, "-m", "twind", *argv, "--home", str(home.root), "--json"],
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        timeout=120,
        check=False,
    )
    assert done.returncode == expect, done.stdout + done.stderr
    shape = json.loads(done.stdout)
    return shape["data"] if expect == 0 else shape["error"]


def eventually(found, timeout_s=25.0):
    """Return what `found` returns once it is true, looking again and again."""
    pause, end = threading.Event(), monotonic_s() + timeout_s
    while monotonic_s() < end:
        if value := found():
            return value
        pause.wait(0.2)
    raise AssertionError("it never came true")


def plugin_states(home):
    return {one["name"]: one for one in twind(home, "ctl", "status")["plugins"]}


def all_synced(home):
    states = plugin_states(home)
    names = {"calendar", "contacts", "tasks"}
    return names <= states.keys() and all(states[name]["last_ok_at"] for name in names)


def rows(home, sql):
    connection = sqlite3.connect(home.database, timeout=10)
    try:
        return connection.execute(sql).fetchall()
    finally:
        connection.close()


class Daemon:
    def __init__(self, home):
        self.log = (home.root / "daemon.log").open("a")
        self.process = subprocess.Popen(
            [sys.executable, "-m", "twind", "run", "--home", str(home.root)],
            stdin=subprocess.DEVNULL,
            stdout=self.log,
            stderr=self.log,
        )
        self.home = home
        eventually(self.answers)

    def answers(self):
        assert self.process.poll() is None, (self.home.root / "daemon.log").read_text()
        done = subprocess.run(
            [sys.executable, "-m", "twind", "ctl", "status", "--home", str(self.home.root)],
            capture_output=True,
            check=False,
        )
        return done.returncode == 0

    def end(self, number=signal.SIGTERM):
        self.process.send_signal(number)
        code = self.process.wait(timeout=20)
        self.log.close()
        return code


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    home = Home.under(tmp_path_factory.mktemp("line"))
    (home.root / "plugins").mkdir()
    write_life(home)
    return home


@pytest.fixture(scope="module")
def daemon(home):
    daemon = Daemon(home)
    eventually(lambda: all_synced(home))
    yield daemon
    if daemon.process.poll() is None:
        daemon.end()


pytestmark = pytest.mark.slow


def test_three_plugins_sync_within_seconds(home, daemon):
    status = twind(home, "ctl", "status")
    assert set(status) >= {
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
    states = plugin_states(home)
    assert states["calendar"]["records"] == 11
    assert states["contacts"]["records"] == 1
    assert {one["state"] for one in states.values()} == {"ok"}


def test_a_changed_file_is_seen_without_a_restart(home, daemon):
    file = home.root / "cal.ics"
    text = file.read_text().replace(
        "END:VCALENDAR", event("new", 3, "1400", "1500") + "END:VCALENDAR"
    )
    file.write_text(text)
    eventually(lambda: rows(home, "SELECT 1 FROM records WHERE uid = 'new'"))


def test_drop_in_plugins(home, daemon):
    (home.root / "plugins" / "friends.py").write_text(
        "from twind.api import Person, hookimpl\n"
        "class Friends:\n    name = 'friends'\n"
        "    def fetch(self, ctx):\n        yield Person(uid='bo', name='Bo')\n"
        "@hookimpl\ndef twind_register(register):\n    register(Friends())\n"
    )
    (home.root / "plugins" / "broken.py").write_text("raise RuntimeError('no')\n")
    eventually(lambda: plugin_states(home).get("friends", {}).get("records") == 1)
    broken = plugin_states(home)["broken"]
    assert broken["state"] == "failed"
    assert "broken.py:1" in broken["last_error"]
    assert plugin_states(home)["calendar"]["state"] == "ok"


def test_a_second_daemon_refuses(home, daemon):
    second = subprocess.run(
        [sys.executable, "-m", "twind", "run", "--home", str(home.root)],
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )
    assert second.returncode == 1
    assert second.stderr.count("\n") == 1


def test_questions_are_asked_and_answers_change_what_is_believed(home, daemon):
    question = twind(home, "ask")
    assert question["text"]
    option = question["options"][0]["id"]
    before = {one["code"]: one for one in twind(home, "patterns")["patterns"]}
    assert len(before) == 75
    twind(home, "ask", "--answer", f"{question['id']}={option}")
    after = {one["code"]: one for one in twind(home, "patterns")["patterns"]}
    changed = [code for code in before if before[code] != after[code]]
    affinity = rows(home, "SELECT aspects FROM evidence WHERE kind = 'answer'")
    assert changed or "person:" in affinity[0][0] or "project:" in affinity[0][0]
    assert twind(home, "ask")["id"] != question["id"]


def test_proposals_respect_the_day_and_learn_from_what_is_said(home, daemon):
    tomorrow = TODAY + timedelta(days=1)
    data = twind(home, "ctl", "propose", "--day", tomorrow.isoformat())
    assert data["proposals"], data["silent_because"]
    busy = [
        (datetime.fromisoformat(start), datetime.fromisoformat(end))
        for start, end in rows(home, "SELECT start_at, end_at FROM records WHERE kind = 'event'")
    ]
    for one in data["proposals"]:
        start, end = datetime.fromisoformat(one["start"]), datetime.fromisoformat(one["end"])
        assert start < end
        assert not any(start < last and end > first for first, last in busy)
        assert start.hour * 60 + start.minute >= 390
        assert end.hour * 60 + end.minute <= 22 * 60
        assert one["reasons"]
        assert 0 < sum(reason["weight"] for reason in one["reasons"]) <= 1.0001
        assert twind(home, "why", str(one["id"]))["reasons"] == one["reasons"]
    first = data["proposals"][0]["id"]
    before = twind(home, "patterns")["patterns"]
    assert twind(home, "review", str(first), "--accept")["proposal"]["status"] == "accepted"
    assert twind(home, "patterns")["patterns"] != before
    assert twind(home, "review", str(first), "--undo")["proposal"]["status"] == "pending"
    edited = twind(home, "review", str(first), "--start", "15:30", "--duration", "30")["proposal"]
    assert (edited["status"], edited["duration_min"]) == ("accepted", 30)
    assert edited["start"].startswith(f"{tomorrow}T15:30")
    again = twind(home, "ctl", "propose", "--day", tomorrow.isoformat())
    assert first in [one["id"] for one in again["proposals"]]


def test_a_killed_daemon_loses_nothing_and_doubles_nothing(home, daemon):
    counted = (
        "SELECT (SELECT COUNT(*) FROM responses), (SELECT COUNT(*) FROM feedback), "
        "(SELECT COUNT(*) FROM records), (SELECT COUNT(*) FROM recommendations)"
    )
    before = rows(home, counted)
    twind(home, "ctl", "sync", "--no-wait")
    assert daemon.end(signal.SIGKILL) == -signal.SIGKILL
    assert twind(home, "ctl", "status", expect=3)["code"] == "not_running"
    again = Daemon(home)
    try:
        eventually(lambda: all_synced(home))
        assert rows(home, counted) == before
        assert rows(home, "PRAGMA integrity_check") == [("ok",)]
        assert rows(home, "PRAGMA foreign_key_check") == []
        status = eventually(
            lambda: (s := twind(home, "ctl", "status"))["queue"]["running"] == 0 and s
        )
        assert status["queue"]["failed"] == 0
    finally:
        assert again.end() == 0


def test_it_stops_within_five_seconds_in_the_middle_of_training(home):
    daemon = Daemon(home)
    eventually(lambda: all_synced(home))
    twind(home, "ctl", "train", "--no-wait", "--timesteps", "500000")
    eventually(lambda: twind(home, "ctl", "status")["queue"]["running"])
    began = monotonic_s()
    assert daemon.end() == 0
    assert monotonic_s() - began < 5.0
