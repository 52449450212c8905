"""Mail and webhooks through the real daemon, to real servers on loopback."""

from __future__ import annotations

import os
import signal
import sqlite3
from datetime import timedelta

import pytest

from twind import messages
from twind.clock import SystemClock
from twind.store import Store, outbox, profiles, proposals

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]

SECRET = "s3same!"
CONFIGURATION = """\
[profile]
timezone = "UTC"
[hours]
quiet = []
[training]
enabled = false
[plugins.notify]
desktop = false
urls = ["json://bob:{secret}@127.0.0.1:{port}/{secret}"]
urls_file = "urls"
"""


@pytest.fixture
def person(empty_life, web, mail):
    """An empty life with a webhook and a mailbox: the life, the web server, the mail server."""
    mailbox = mail(auth=True)
    file = empty_life.root / "urls"
    file.touch(mode=0o600)
    login = f"bob:{SECRET}@127.0.0.1:{mailbox.port}"
    file.write_text(f"mailto://{login}/?to=you@example.org&from=me@example.org\n")
    empty_life.home.config_file.write_text(CONFIGURATION.format(secret=SECRET, port=web.port))
    with Store.open(empty_life.home.database) as db:
        profiles.ensure(db, 1)
    return empty_life, web, mailbox


@pytest.fixture
def announce(person, proposal):
    """Make proposals for tomorrow and queue a message on each, as `propose` does."""
    life, _, _ = person

    def make(*titles):
        start = SystemClock().now() + timedelta(days=1)
        with Store.open(life.home.database) as db:
            for title in titles:
                [row] = proposals.add(db, 1, [proposal(start, text=title)], {})
                outbox.put(db, 1, f"proposals:{row}", messages.of_proposals([row]))
        life.twind("ctl", "propose", "--no-wait")

    return make


def states(life):
    return dict(life.rows("SELECT key, state FROM outbox ORDER BY id"))


def deliveries(life):
    return life.rows("SELECT message_id, name, state FROM deliveries ORDER BY message_id, rowid")


def hurry(life):
    """Have what is tried again later be tried at once."""
    with sqlite3.connect(life.home.database, timeout=10) as db:
        for table in ("outbox", "deliveries"):
            db.execute(f"UPDATE {table} SET due_at = '2026-01-01' WHERE due_at IS NOT NULL")
    db.close()
    life.twind("ctl", "propose", "--no-wait")


def assert_no_secret(life):
    said = life.log() + "".join(str(row) for row in life.rows("SELECT * FROM outbox"))
    said += "".join(str(row) for row in life.rows("SELECT * FROM deliveries"))
    said += str(life.twind("ctl", "status")) + str(life.twind("notify"))
    said += str(life.twind("plugins", "show", "notify"))
    assert SECRET not in said
    assert "json://********" in said


def test_a_morning_reaches_its_user_everywhere_once(person, announce, eventually):
    life, web, mailbox = person
    life.start()
    announce("Call Ann", "Read “Emma”")
    eventually(lambda: set(states(life).values()) == {"sent"})
    [request], [got] = web.got, mailbox.got
    assert request.json["title"] == got["subject"] == "twind proposes 2 things"
    body = got.get_content().replace("\r\n", "\n").strip()
    assert request.json["message"] == body
    assert "Call Ann." in body
    assert body.endswith("To answer: twind review 1 --accept (or --reject, or --snooze 60)")
    life.twind("review", "1", "--accept")
    assert life.rows("SELECT status FROM recommendations WHERE id = 1") == [("accepted",)]
    assert [one["channel"] for one in life.twind("notify")["channels"]] == [
        "journal",
        "json 1",
        "mailto 2",
    ]
    assert_no_secret(life)


def test_a_server_that_is_down_gets_it_later_and_the_others_do_not_get_it_again(
    person, announce, eventually
):
    life, web, mailbox = person
    web.answers = [503]
    life.start()
    announce("Call Ann")
    eventually(lambda: deliveries(life) and (1, "mailto 2", "sent") in deliveries(life))
    assert states(life) == {"proposals:1": "pending"}
    [notify] = [one for one in life.twind("ctl", "status")["plugins"] if one["name"] == "notify"]
    assert notify["state"] == "degraded"
    assert notify["last_error"] == "json 1: HTTP 503 Service Unavailable"
    assert "json 1: HTTP 503 Service Unavailable; it is tried again" in life.log()
    assert_no_secret(life)
    web.answers = [200]
    hurry(life)
    eventually(lambda: states(life) == {"proposals:1": "sent"})
    assert [len(web.got), len(mailbox.got)] == [2, 1]
    [notify] = [one for one in life.twind("ctl", "status")["plugins"] if one["name"] == "notify"]
    assert (notify["state"], notify["last_error"]) == ("ok", None)
    hurry(life)
    eventually(lambda: not life.twind("ctl", "status")["running"])
    assert [len(web.got), len(mailbox.got)] == [2, 1]


@pytest.mark.parametrize("whom", ["worker", "daemon"])
def test_a_kill_in_the_act_is_uncertain_and_nothing_is_sent_twice(
    person, announce, eventually, alive, whom
):
    life, web, mailbox = person
    web.answers = ["hang"]
    daemon = life.start()
    announce("Call Ann")
    eventually(lambda: web.got)
    assert (1, "json 1", "sending") in deliveries(life)
    workers = daemon.workers()
    if whom == "worker":
        for pid in workers:
            os.kill(pid, signal.SIGKILL)
    else:
        daemon.end(signal.SIGKILL)
        eventually(lambda: not any(alive(pid) for pid in workers))
        life.start()
    eventually(lambda: (1, "json 1", "uncertain") in deliveries(life))
    web.answers = [200]
    hurry(life)
    eventually(lambda: (1, "mailto 2", "sent") in deliveries(life))
    assert states(life) == {"proposals:1": "uncertain"}
    hurry(life)
    announce("Walk")
    eventually(lambda: states(life) == {"proposals:1": "uncertain", "proposals:2": "sent"})
    assert [one["subject"] for one in mailbox.got] == ["twind proposes one thing"] * 2
    assert len(web.got) == 2
    assert "Call Ann" not in web.got[1].json["message"]
    assert_no_secret(life)
