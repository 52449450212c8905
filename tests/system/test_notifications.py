"""The desktop, as a real session bus with a notification server on it, and the real daemon."""

from __future__ import annotations

import json
import os
import select
import shutil
import signal
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from twind import settings
from twind.clock import SystemClock, monotonic_s
from twind.daemon.schedule import checkin_minute
from twind.store import Store, outbox, profiles, proposals

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]

SERVER = Path(__file__).parents[1] / "fakes" / "notification_server.py"
CONFIGURATION = """\
[profile]
timezone = "UTC"
[hours]
quiet = []
[training]
enabled = false
"""


class Desktop:
    """What the user sees, and their finger."""

    def __init__(self, process):
        self._process = process
        self._rest = b""

    def next(self, within_s=30.0):
        """Return the next thing that happens on it."""
        end = monotonic_s() + within_s
        while b"\n" not in self._rest:
            ready, _, _ = select.select([self._process.stdout], [], [], end - monotonic_s())
            assert ready, "nothing happened on the desktop"
            chunk = os.read(self._process.stdout.fileno(), 4096)
            assert chunk
            self._rest += chunk
        line, self._rest = self._rest.split(b"\n", 1)
        return json.loads(line)

    def is_still(self, for_s):
        """Tell whether nothing happens for a while."""
        return not self._rest and not select.select([self._process.stdout], [], [], for_s)[0]

    def press(self, number, button):
        self._process.stdin.write(f"{number} {button}\n".encode())
        self._process.stdin.flush()


@pytest.fixture
def desktop(monkeypatch):
    if not shutil.which("dbus-daemon"):
        pytest.skip("dbus-daemon is not installed")
    command = ["dbus-daemon", "--session", "--print-address", "--nofork"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as bus:
        monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", bus.stdout.readline().strip())
        server = subprocess.Popen(
            [sys.executable, SERVER],
            env={**os.environ, "CAPABILITIES": "actions,body", "HANDS": "1"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        try:
            shown = Desktop(server)
            assert shown.next() == {"event": "up"}
            yield shown
        finally:
            server.kill()
            server.communicate()
            bus.terminate()


@pytest.fixture
def person(empty_life, desktop):
    """An empty life whose hours are never quiet."""
    empty_life.home.config_file.write_text(CONFIGURATION)
    with Store.open(empty_life.home.database) as db:
        profiles.ensure(db, 1)
    return empty_life


@pytest.fixture
def announce(person, proposal):
    """Make a proposal and queue a message with a button; then have the daemon look.

    Returns the proposal's number.
    """

    def make(title):
        start = SystemClock().now() + timedelta(days=1)
        with Store.open(person.home.database) as db:
            [row] = proposals.add(db, 1, [proposal(start)], {})
            outbox.put(
                db,
                1,
                f"proposals:{row}",
                {
                    "title": title,
                    "body": "Read",
                    "buttons": [{"id": f"accept:{row}", "label": "Accept"}],
                    "listen_s": 500.0,
                },
            )
        person.twind("ctl", "propose", "--no-wait")
        return row

    return make


def states(life):
    return dict(life.rows("SELECT key, state FROM outbox ORDER BY id"))


def listening(life):
    return [
        one
        for one in life.twind("ctl", "status")["running"]
        if one["job"] == "notify" and (one["progress"] or {}).get("listening")
    ]


def test_a_newer_notification_comes_at_once_and_ends_the_waiting_of_the_older(
    person, announce, desktop, eventually
):
    person.start()
    announce("First")
    first = desktop.next()
    assert first["summary"] == "First"
    eventually(lambda: listening(person))
    assert states(person) == {"proposals:1": "sent"}
    began = monotonic_s()
    announce("Second")
    second = desktop.next()
    assert monotonic_s() - began < 15
    assert second["summary"] == "Second"
    assert desktop.next() == {"event": "close", "id": first["id"], "shown": True}
    eventually(lambda: listening(person))
    desktop.press(first["id"], "accept:1")
    desktop.press(second["id"], "accept:2")
    eventually(lambda: person.rows("SELECT recommendation_id, action FROM feedback"))
    said = person.rows("SELECT recommendation_id, action FROM feedback")
    assert said == [(2, "accept")], "the button of one that is closed is not heard"
    assert states(person) == {"proposals:1": "sent", "proposals:2": "sent"}
    at_rest = {"queued": 0, "running": 0, "failed": 0}
    eventually(lambda: person.twind("ctl", "status")["queue"] == at_rest)
    assert desktop.is_still(2.0)
    assert person.log().count("Second | Read") == 1


def test_several_at_once_are_one_and_the_last_with_buttons_is_listened_to(
    person, announce, desktop, eventually
):
    person.start()
    eventually(lambda: not person.twind("ctl", "status")["running"])
    with Store.open(person.home.database) as db:
        for key in ("a", "b"):
            outbox.put(db, 1, key, {"title": key, "body": "", "listen_s": 500.0, "buttons": []})
    announce("c")
    shown = [desktop.next() for _ in range(2)]
    assert [(one["summary"], len(one["actions"])) for one in shown] == [("a · b", 0), ("c", 2)]
    eventually(lambda: listening(person))
    assert desktop.is_still(1.0), "what nobody can answer stays on the desktop"


def test_a_kill_while_it_waits_sends_nothing_again_and_the_next_closes_it(
    person, announce, desktop, eventually
):
    daemon = person.start()
    announce("First")
    first = desktop.next()
    eventually(lambda: listening(person))
    daemon.end(signal.SIGKILL)
    again = person.start()
    assert desktop.is_still(3.0)
    assert states(person) == {"proposals:1": "sent"}
    announce("Second")
    assert desktop.next()["summary"] == "Second"
    assert desktop.next() == {"event": "close", "id": first["id"], "shown": True}
    eventually(lambda: listening(person))
    began = monotonic_s()
    assert again.end(signal.SIGTERM) == 0
    assert monotonic_s() - began < 5
    assert states(person) == {"proposals:1": "sent", "proposals:2": "sent"}


def test_what_a_kill_catches_in_the_act_is_uncertain_and_not_sent_again(
    person, announce, desktop, eventually
):
    daemon = person.start()
    # A server that is stopped takes the message and does not answer: neither sent nor not.
    os.kill(desktop._process.pid, signal.SIGSTOP)
    announce("First")
    eventually(lambda: states(person) == {"proposals:1": "sending"})
    daemon.end(signal.SIGKILL)
    os.kill(desktop._process.pid, signal.SIGCONT)
    person.start()
    eventually(lambda: states(person) == {"proposals:1": "uncertain"})
    person.twind("ctl", "propose")
    heard = []
    while not desktop.is_still(2.0):
        heard.append(desktop.next())
    assert len(heard) <= 1
    assert states(person) == {"proposals:1": "uncertain"}


# --- how the user is ------------------------------------------------------------------------------

ASKING = """\
[profile]
timezone = "UTC"
[hours]
sleep = "00:00-00:00"
quiet = ["00:00-{first}", "{last}-24:00"]
[schedule]
checkin = true
[proposals]
max_per_day = 0
[training]
enabled = false
"""


def asking_now():
    """Return a configuration in which today's question is due at this moment."""
    now = SystemClock().now()
    minute = now.hour * 60 + now.minute
    last = min(minute + 30, 24 * 60 - 1)
    for first in range(max(0, minute - 90), minute + 1):
        told = [f"{at // 60:02d}:{at % 60:02d}" for at in (first, last)]
        configured = ASKING.format(first=told[0], last=told[1])
        hours = {"sleep": "00:00-00:00", "quiet": [f"00:00-{told[0]}", f"{told[1]}-24:00"]}
        due = checkin_minute(now.date(), settings.parse({"hours": hours}))
        if due is not None and minute - 60 < due <= minute:
            return configured
    return pytest.skip("it is too near midnight")


def test_the_days_question_is_asked_once_and_its_button_is_a_check_in(person, desktop, eventually):
    person.home.config_file.write_text(asking_now())
    with Store.open(person.home.database) as db:
        db.execute(
            "INSERT INTO entities (id, profile_id, entity_type, name) VALUES (1, 1, 'person', 'A')"
        )
    daemon = person.start()
    shown = desktop.next(within_s=60)
    assert shown["summary"] == "How is your energy?"
    assert shown["actions"][1::2] == ["Tired", "So-so", "Fresh"]
    eventually(lambda: listening(person))
    desktop.press(shown["id"], shown["actions"][4])
    eventually(lambda: person.rows("SELECT energy FROM checkins"))
    assert person.rows("SELECT energy FROM checkins") == [(0.875,)]
    assert daemon.end() == 0
    person.start()
    eventually(lambda: person.twind("ctl", "status")["queue"]["running"] == 0)
    assert desktop.is_still(3.0)
    keys = [key for key, state in states(person).items() if state == "sent"]
    assert keys == [f"checkin:{SystemClock().now().date()}"]
