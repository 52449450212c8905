"""`twind notify`: real workers, and a real web server."""

from __future__ import annotations

import json
import socket

import pytest

from twind.home import bundled
from twind.store import outbox

SECRET = "s3same-open"


@pytest.fixture
def run(run):
    """Run a command, which shows no secret."""

    def command(*argv):
        code, told = run(*argv)
        assert SECRET not in told.out + told.err
        return code, told

    return command


def configure(home, *urls):
    lines = ["[plugins.notify]", "desktop = false", f"urls = {json.dumps(urls)}"]
    home.config_file.write_text("\n".join(lines))


def test_a_trial_arrives_and_is_reported(home, db, web, run, report):
    configure(home, f"json://127.0.0.1:{web.port}/{SECRET}")
    told = report("notify", "--test")["data"]
    assert [(one["channel"], one["delivered"]) for one in told["channels"]] == [
        ("journal", True),
        ("json 1", True),
    ]
    assert [request.json["title"] for request in web.got] == ["twind can reach you here"]
    assert outbox.counts(db) == {}
    code, said = run("notify", "--test", "json 1")
    assert (code, said.out) == (0, "json 1         has taken it\n")
    assert len(web.got) == 2
    shape = report("notify", "--test", "mail 7", expect=1)
    assert shape["error"]["code"] == "not_found"


def test_a_trial_that_fails_says_why(home, web, run, report):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        closed = probe.getsockname()[1]
    web.answers = [401]
    here = f"json://bob:{SECRET}@127.0.0.1"
    configure(home, f"{here}:{web.port}", f"{here}:{closed}", f"slack://{SECRET}")
    shape = report("notify", "--test", expect=1)
    assert {one["channel"]: one["error"] for one in shape["data"]["channels"]} == {
        "journal": None,
        "json 1": "HTTP 401 Unauthorized",
        "json 2": "connection refused",
    }
    assert shape["error"]["code"] == "not_delivered"
    assert (
        "plugins.notify.urls, number 3: Apprise cannot use this slack://"
        in (shape["error"]["message"])
    )
    code, told = run("notify", "--test")
    assert code == 1
    assert "json 2         connection refused" in told.out
    assert "number 3" in told.err


def test_settings_that_keep_every_channel_away_are_told(home, run, report):
    home.config_file.write_text("[plugins.notify]\nurl = []\n")
    problem = report("notify", "--test", expect=1)["error"]["message"]
    assert "plugins.notify.url: unknown key" in problem
    assert report("notify")["data"]["problems"] == [problem]
    assert "unknown key" in run("notify")[1].out


def test_no_command_on_plugins_shows_a_url(home, db, run):
    url = f"mailto://bob:{SECRET}@127.0.0.1/?to=you@example.org&from=me@example.org"
    configure(home, url, f"slack://{SECRET}")
    file = str(bundled("plugins") / "notify")
    other = f'urls=["ntfy://{SECRET}@127.0.0.1/topic", "{SECRET}"]'
    for words in (
        ("show", "notify"),
        ("list",),
        ("check", file),
        ("check", file, "--set", other),
    ):
        for more in ((), ("--json",)):
            _, told = run("plugins", *words, *more)
            if words[0] == "show":
                assert "mailto://********" in told.out
                assert "mailto 1" in told.out
            else:
                assert "number 2" in told.out + told.err
    home.config_file.write_text(f'[plugins]\nnotify = "mailto://{SECRET}"\n')
    _, told = run("plugins", "list")
    assert "plugins.notify must be a section of settings, not a str" in told.out


def test_the_channels_and_how_they_fare(home, db, run, say):
    configure(home, "json://127.0.0.1/hook", f"slack://{SECRET}")
    outbox.put(db, 1, "one", {"title": "One", "body": ""})
    journal = outbox.Address("notify", "journal", "journal")
    outbox.address(db, 1, [journal])
    outbox.sent(db, [1], journal)
    told = say("notify")
    assert [one["channel"] for one in told["channels"]] == ["journal", "json 1"]
    assert told["channels"][0]["last_sent_at"].startswith("2026-03-02T")
    assert told["channels"][1]["last_sent_at"] is None
    assert told["messages"] == {"sent": 1}
    assert "number 2" in told["problems"][0]
    said = run("notify")[1].out
    assert "json 1         nothing sent yet" in said
    assert "messages       1 sent" in said
