"""Sources that fail, refuse, or lose what they had: from the daemon to the user and back."""

from __future__ import annotations

import json

import pytest

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

STORE = """\
import json
from pathlib import Path
from twind.api import AuthenticationFailed, Person, hookimpl

STORE = Path(__file__).parents[1] / "server.json"

class Server:
    name = "server"

    def fetch(self, ctx):
        said = json.loads(STORE.read_text())
        said["asked"] += 1
        STORE.write_text(json.dumps(said))
        if said["says"] == "who are you?":
            raise AuthenticationFailed("who are you?")
        if said["says"] == "down":
            raise ConnectionError("the server is down")
        for number in range(said["people"]):
            yield Person(uid=f"{number}", name=f"Person {number}")

@hookimpl
def twind_register(register):
    register(Server())
"""
OFTEN = "sync_every_min = 1\n"


class Server:
    """A source that says what it is told to, and counts how often it is asked."""

    def __init__(self, life):
        self._file = life.root / "server.json"
        self._life = life
        self.set(says="", people=30, asked=0)
        configuration = life.home.config_file
        configuration.write_text(
            configuration.read_text().replace("[schedule]\n", f"[schedule]\n{OFTEN}")
        )
        (life.root / "plugins" / "server.py").write_text(STORE)

    def set(self, **said):
        before = json.loads(self._file.read_text()) if self._file.exists() else {}
        self._file.write_text(json.dumps({**before, **said}))

    def sync(self):
        self._life.twind("ctl", "sync", "server")
        return self._life.plugins()["server"]

    @property
    def asked(self):
        return json.loads(self._file.read_text())["asked"]

    def told(self):
        """Return what waits to be said to the user of it."""
        said = "SELECT json_extract(payload, '$.about') FROM outbox WHERE key LIKE '%server%'"
        return [about for (about,) in self._life.rows(said)]


@pytest.fixture
def server(own_life, eventually):
    one = Server(own_life)
    own_life.start()
    eventually(lambda: (own_life.plugins().get("server") or {}).get("last_ok_at"), 90)
    return one


def test_a_loss_is_held_back_until_the_user_lets_it(own_life, server):
    assert server.sync()["records"] == 30
    server.set(people=2)
    line = server.sync()
    assert (line["state"], line["records"]) == ("degraded", 30)
    assert line["last_error"].startswith("would remove 28 of 30 records; `twind plugins accept")
    assert server.told() == ["held"]
    own_life.twind("plugins", "accept", "server")
    line = server.sync()
    assert (line["state"], line["records"], line["last_error"]) == ("ok", 2, None)


def test_trouble_is_told_once_when_it_comes_and_once_when_it_goes(own_life, server):
    server.set(says="down")
    for _ in range(3):
        line = server.sync()
    assert line["state"] == "degraded"
    assert line["last_error"].endswith("ConnectionError: the server is down")
    assert line["records"] == 30
    server.set(says="")
    assert server.sync()["state"] == "ok"
    log = own_life.log()
    assert log.count("the server is down") == 1
    assert log.count("server is back, after") == 1


@pytest.mark.soak
def test_one_that_wants_a_password_is_asked_no_more_until_the_user_says_so(
    own_life, server, eventually
):
    server.set(says="who are you?")
    line = server.sync()
    assert line["last_error"].endswith("once that is mended: twind ctl sync server")
    assert server.told() == ["refused"]
    asked = server.asked
    done = "SELECT COUNT(*) FROM jobs WHERE name = 'sync' AND state = 'done'"
    [(before,)] = own_life.rows(done)
    eventually(lambda: own_life.rows(done)[0][0] >= before + 2, 200)
    assert server.asked == asked
    server.set(says="")
    assert server.sync()["state"] == "ok"
    eventually(lambda: server.asked > asked + 1, 100)
