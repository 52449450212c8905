"""The desktop, as a real session bus and a notification server of its own process."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ET
from contextlib import contextmanager
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from twind.api import Channel, Delivered, MaybeDelivered, NotDelivered, Pressed, plain

FAKES = Path(__file__).parents[2] / "fakes"
ALL = "actions,body,body-markup"
DESKTOP = Channel(id="desktop", name="desktop", buttons=True)


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


@pytest.fixture
def send(plugin, message, context):
    """Show a message on the desktop; yields what the plugin does."""

    def show(state=None, **values):
        notification = message(channel="desktop", **values)
        return plugin.Notify().notify(context(state), notification)

    return show


@pytest.fixture
def offered(plugin, context):
    """Return the channels that the plugin offers under these settings."""
    return lambda **settings: list(plugin.Notify().channels(context(**settings)))


def test_the_desktop_shows_it_with_its_buttons(bus, send):
    with server(press="accept", then="close") as next_line:
        events = list(send())
        shown = next_line()
    assert events == [Delivered("desktop"), Pressed("accept")]
    assert shown["app"] == "twind"
    assert shown["summary"] == "Today"
    assert shown["body"] == "Call Ada &amp; Bob &lt;today&gt;\n10:00"
    assert shown["actions"] == ["accept", "Accept", "reject", "Not today"]


def test_every_button_counts_until_it_is_closed(bus, send):
    with server(press="accept,default,reject", then="close"):
        events = list(send())
    assert events[1:] == [Pressed("accept"), Pressed("reject")], "default is none of its buttons"


def test_markup_is_escaped_only_for_a_server_that_reads_it(bus, send):
    with server(capabilities="body", press="accept") as next_line:
        events = list(send())
        shown = next_line()
    assert shown["body"] == "Call Ada & Bob <today>\n10:00"
    assert shown["actions"] == [], "it has no buttons, so there is nothing to wait for"
    assert events == [Delivered("desktop")]


def test_markup_in_a_title_of_somebody_elses_is_text(bus, send, plugin):
    with server(capabilities="body,body-markup") as next_line:

        @settings(max_examples=50)
        @given(st.text(st.characters(codec="utf-8", exclude_categories=("Cn", "Co"))))
        def shown_as_meant(text):
            list(send(title=f"Call {text}", body=f"Call {text}", listen_s=0.0))
            shown = next_line()
            meant = plain(f"Call {text}").strip()
            assert ET.fromstring(f"<body>{shown['body']}</body>").text == meant
            assert shown["summary"] == " ".join(meant.split())

        shown_as_meant()


def test_a_server_without_bodies_gets_it_all_in_the_title(bus, send):
    with server(capabilities="actions") as next_line:
        list(send(listen_s=0.0))
        shown = next_line()
    assert (shown["summary"], shown["body"]) == ("Today: Call Ada & Bob <today> 10:00", "")


def test_waiting_ends_in_time(bus, send):
    with server():
        assert list(send(listen_s=0.05)) == [Delivered("desktop")]


def test_buttons_that_nobody_hears_any_more_are_taken_off(bus, send):
    with server() as next_line:
        list(send(listen_s=0.05))
        first, second = next_line(), next_line()
    assert first["actions"]
    assert (second["replaces"], second["actions"]) == (first["id"], [])
    assert (second["summary"], second["body"]) == (first["summary"], first["body"])


def test_a_newer_one_closes_the_one_whose_buttons_nobody_hears(bus, send):
    state = {}
    with server() as next_line:
        older = send(state, listen_s=3600.0)
        assert next(older) == Delivered("desktop")
        first = next_line()
        state = json.loads(json.dumps(state))
        newer = send(state, title="Later", listen_s=3600.0)
        assert next(newer) == Delivered("desktop")
        second = next_line()
        assert second["summary"] == "Later"
        assert second["id"] != first["id"], "one that replaced another might pop up nowhere"
        assert next_line() == {"event": "close", "id": first["id"], "shown": True}
        assert list(older) == []
        newer.close()
        assert list(send(state, buttons=())) == [Delivered("desktop")]
        next_line()
        assert next_line()["id"] == second["id"]
        assert state == {"shown": None}


def test_one_that_is_gone_already_is_no_trouble(bus, send):
    state = {}
    with server(press="accept", then="close") as next_line:
        list(send(state))
        next_line()
        events = list(send(state))
        next_line()
        assert next_line()["shown"] is False
    assert Pressed("accept") in events


@pytest.mark.parametrize("before", [["another bus", ":1.1", 41], "nonsense", [], None, [1, 2]])
def test_what_another_server_has_shown_is_left_alone(bus, send, before):
    with server() as next_line:
        list(send({"shown": before}, listen_s=0.0))
        list(send({}, listen_s=0.0))
        assert [next_line()["event"], next_line()["event"]] == ["notify", "notify"]


def test_it_is_delivered_once_it_is_shown(bus, send):
    with server() as next_line:
        events = send()
        assert next(events) == Delivered("desktop")
        assert next_line()["summary"] == "Today"
        events.close()


@pytest.mark.timeout(30)
def test_waiting_ends_with_the_server(bus, send):
    with server(press="reject", then="die"):
        events = list(send(listen_s=3600.0))
    assert events == [Delivered("desktop"), Pressed("reject")]


@pytest.mark.timeout(30)
def test_waiting_ends_with_the_bus(bus, send):
    with server():
        events = send(listen_s=3600.0)
        assert next(events) == Delivered("desktop")
        bus.terminate()
        assert list(events) == []


def test_whoever_stops_listening_leaves_nothing_open(bus, send):
    with server():
        events = send(listen_s=3600.0)
        assert next(events) == Delivered("desktop")
        events.close()


# --- whether there is one, and whether it has taken it -------------------------------------------


def test_a_desktop_is_a_channel_where_somebody_shows_notifications(bus, offered):
    assert DESKTOP not in offered()
    with server():
        assert DESKTOP in offered()
        assert DESKTOP not in offered(desktop=False)


@pytest.mark.parametrize("address", ["unix:path=/nowhere/at/all", "nonsense", "carrier:pigeon=1"])
def test_a_bus_that_is_not_there_is_no_desktop(address, monkeypatch, offered, send):
    monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", address)
    assert DESKTOP not in offered()
    with pytest.raises(NotDelivered):
        list(send())


def test_a_server_that_is_gone_has_not_had_it(bus, send):
    with pytest.raises(NotDelivered, match="DBusError") as caught:
        list(send())
    assert caught.value.again


def test_a_server_that_does_not_answer_may_have_had_it(bus, plugin, send, monkeypatch):
    monkeypatch.setattr(plugin.desktop, "ANSWER_S", 0.5)
    with server(then="ignore"), pytest.raises(MaybeDelivered, match="no answer: TimeoutError"):
        list(send())


def test_a_server_that_refuses_it_has_not_had_it(bus, send):
    with server(then="refuse"), pytest.raises(NotDelivered, match="too much"):
        list(send())
