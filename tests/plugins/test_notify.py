"""The notify plugin against a real session bus and a notification server of its own process."""

from __future__ import annotations

import importlib.util
import json
import logging
import os
import shutil
import subprocess
import sys
import unicodedata
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twind.api import Button, Context, Delivered, Notification, Pressed, Window
from twind.home import bundled

NOW = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
FAKES = Path(__file__).parents[1] / "fakes"
ALL = "actions,body,body-markup"
KEPT = "\n\u200c\u200d"

spec = importlib.util.spec_from_file_location("notify_plugin", bundled("plugins") / "notify.py")
plugin = importlib.util.module_from_spec(spec)
spec.loader.exec_module(plugin)


@pytest.fixture
def no_bus(monkeypatch, tmp_path):
    monkeypatch.delenv("DBUS_SESSION_BUS_ADDRESS", raising=False)
    if Path(f"/run/user/{os.getuid()}/bus").exists():
        pytest.skip("this user has a session bus that cannot be hidden")


@pytest.fixture
def bus(monkeypatch):
    """The address of a session bus of the test's own."""
    if not shutil.which("dbus-daemon"):
        pytest.skip("dbus-daemon is not installed")
    command = ["dbus-daemon", "--session", "--print-address", "--nofork"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as daemon:
        try:
            address = daemon.stdout.readline().strip()
            monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", address)
            yield daemon
        finally:
            daemon.terminate()


@contextmanager
def server(capabilities=ALL, press="", then="leave"):
    """A running notification server; called, it returns the next line it prints."""
    env = os.environ | {"CAPABILITIES": capabilities, "PRESS": press, "THEN": then}
    command = [sys.executable, str(FAKES / "notification_server.py")]
    with subprocess.Popen(command, env=env, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert json.loads(process.stdout.readline()) == {"event": "up"}
            yield lambda: json.loads(process.stdout.readline())
        finally:
            process.terminate()


def message(**values):
    defaults = {
        "key": "propose:2026-03-02",
        "title": "Today",
        "body": "Call Ada & Bob <today>\n10:00",
        "buttons": (Button(id="accept", label="Accept"), Button(id="reject", label="Not today")),
        "listen_s": 60.0,
    }
    return Notification(**defaults | values)


def send(notification, *, desktop=True, state=None):
    ctx = Context(
        settings=plugin.NotifySettings(desktop=desktop),
        window=Window(NOW, NOW),
        now=NOW,
        state={} if state is None else state,
    )
    return plugin.Notify().notify(ctx, notification)


def test_without_a_bus_the_journal_has_it(no_bus, caplog):
    caplog.set_level(logging.INFO)
    assert list(send(message())) == [Delivered("journal")]
    assert caplog.messages == ["Today | Call Ada & Bob <today> | 10:00"]


def test_the_desktop_shows_it_with_its_buttons(bus):
    with server(press="accept", then="close") as next_line:
        events = list(send(message()))
        shown = next_line()
    assert events == [Delivered("journal"), Delivered("desktop"), Pressed("accept")]
    assert shown["app"] == "twind"
    assert shown["summary"] == "Today"
    assert shown["body"] == "Call Ada &amp; Bob &lt;today&gt;\n10:00"
    assert shown["actions"] == ["accept", "Accept", "reject", "Not today"]


def test_every_button_counts_until_it_is_closed(bus):
    with server(press="accept,default,reject", then="close"):
        events = list(send(message()))
    assert events[2:] == [Pressed("accept"), Pressed("reject")], "default is none of its buttons"


def test_markup_is_escaped_only_for_a_server_that_reads_it(bus):
    with server(capabilities="body", press="accept") as next_line:
        events = list(send(message()))
        shown = next_line()
    assert shown["body"] == "Call Ada & Bob <today>\n10:00"
    assert shown["actions"] == [], "it has no buttons, so there is nothing to wait for"
    assert events == [Delivered("journal"), Delivered("desktop")]


def test_a_server_without_bodies_gets_it_all_in_the_title(bus):
    with server(capabilities="actions") as next_line:
        list(send(message(listen_s=0.0)))
        shown = next_line()
    assert (shown["summary"], shown["body"]) == ("Today: Call Ada & Bob <today> 10:00", "")


def test_waiting_ends_in_time(bus):
    with server():
        assert list(send(message(listen_s=0.05))) == [Delivered("journal"), Delivered("desktop")]


def test_buttons_that_nobody_hears_any_more_are_taken_off(bus):
    with server() as next_line:
        list(send(message(listen_s=0.05)))
        first, second = next_line(), next_line()
    assert first["actions"]
    assert (second["replaces"], second["actions"]) == (first["id"], [])
    assert (second["summary"], second["body"]) == (first["summary"], first["body"])


def test_a_newer_one_closes_the_one_whose_buttons_nobody_hears(bus):
    state = {}
    with server() as next_line:
        older = send(message(listen_s=3600.0), state=state)
        assert [next(older), next(older)] == [Delivered("journal"), Delivered("desktop")]
        first = next_line()
        state = json.loads(json.dumps(state))
        newer = send(message(title="Later", listen_s=3600.0), state=state)
        assert [next(newer), next(newer)] == [Delivered("journal"), Delivered("desktop")]
        second = next_line()
        assert second["summary"] == "Later"
        assert second["id"] != first["id"], "one that replaced another might pop up nowhere"
        assert next_line() == {"event": "close", "id": first["id"], "shown": True}
        assert list(older) == []
        newer.close()
        assert list(send(message(buttons=()), state=state))[1:] == [Delivered("desktop")]
        next_line()
        assert next_line()["id"] == second["id"]
        assert state == {"shown": None}


def test_one_that_is_gone_already_is_no_trouble(bus):
    state = {}
    with server(press="accept", then="close") as next_line:
        list(send(message(), state=state))
        next_line()
        events = list(send(message(), state=state))
        next_line()
        assert next_line()["shown"] is False
    assert Pressed("accept") in events


@pytest.mark.parametrize("before", [["another bus", ":1.1", 41], "nonsense", [], None, [1, 2]])
def test_what_another_server_has_shown_is_left_alone(bus, before):
    with server() as next_line:
        list(send(message(listen_s=0.0), state={"shown": before}))
        list(send(message(listen_s=0.0), state={}))
        assert [next_line()["event"], next_line()["event"]] == ["notify", "notify"]


def test_it_is_delivered_once_it_is_shown(bus):
    with server() as next_line:
        events = send(message())
        assert next(events) == Delivered("journal")
        assert next_line()["summary"] == "Today"
        events.close()


@pytest.mark.timeout(30)
def test_waiting_ends_with_the_server(bus):
    with server(press="reject", then="die"):
        events = list(send(message(listen_s=3600.0)))
    assert events == [Delivered("journal"), Delivered("desktop"), Pressed("reject")]


@pytest.mark.timeout(30)
def test_waiting_ends_with_the_bus(bus):
    with server():
        events = send(message(listen_s=3600.0))
        assert [next(events), next(events)] == [Delivered("journal"), Delivered("desktop")]
        bus.terminate()
        assert list(events) == []


def test_whoever_stops_listening_leaves_nothing_open(bus):
    with server():
        events = send(message(listen_s=3600.0))
        assert [next(events), next(events)] == [Delivered("journal"), Delivered("desktop")]
        events.close()


def test_a_bus_without_a_server_is_logged_and_no_error(bus, caplog):
    assert list(send(message())) == [Delivered("journal")]
    assert "no notification on the desktop: DBusError" in caplog.text


@pytest.mark.parametrize("address", ["unix:path=/nowhere/at/all", "nonsense", "carrier:pigeon=1"])
def test_a_bus_that_is_not_there_is_logged_and_no_error(address, monkeypatch, caplog):
    monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", address)
    assert list(send(message())) == [Delivered("journal")]
    assert "no notification on the desktop: " in caplog.text


def test_the_desktop_can_be_switched_off(bus):
    with server():
        assert list(send(message(), desktop=False)) == [Delivered("journal")]


def test_a_message_cannot_forge_lines_or_drive_the_terminal(no_bus, caplog):
    caplog.set_level(logging.INFO)
    title = "\x1b[31mred\x1b[0m\x1b]0;owned\x07 \u202egnp.exe\u2066\x00"
    list(send(message(title=title, body="one\n<3>two\r\x85three\x9b2J")))
    assert caplog.messages == ["red gnp.exe | one | <3>two | three"]


@given(st.text())
def test_plain_text_holds_nothing_that_acts(text):
    plain = plugin._plain(text)
    plain.encode("utf-8")
    assert not any(
        unicodedata.category(letter) in {"Cc", "Cf", "Cs"} for letter in plain if letter not in KEPT
    )
