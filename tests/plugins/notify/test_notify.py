"""Which channels the settings make, and that no secret of theirs is ever shown."""

from __future__ import annotations

import json
import logging
import os
from pathlib import Path

import pytest

from twind.api import Channel, Delivered, NotDelivered

JOURNAL = Channel(id="journal", name="journal")
SECRET = "s3same-open"


@pytest.fixture(autouse=True)
def no_bus(monkeypatch):
    monkeypatch.delenv("DBUS_SESSION_BUS_ADDRESS", raising=False)
    if Path(f"/run/user/{os.getuid()}/bus").exists():
        pytest.skip("this user has a session bus that cannot be hidden")


def channels(plugin, ctx):
    """Return the channels a plugin tells, and what it says is wrong."""
    found, stream = [], plugin.Notify().channels(ctx)
    try:
        while (channel := next(stream, None)) is not None:
            found.append(channel)
    except ValueError as error:
        return found, str(error)
    return found, None


def names(plugin, ctx):
    found, problem = channels(plugin, ctx)
    assert problem is None
    return [channel.name for channel in found]


def test_without_settings_there_is_the_journal(plugin, context, message, caplog):
    caplog.set_level(logging.INFO)
    assert channels(plugin, context()) == ([JOURNAL], None)
    for channel in ("journal", ""):
        assert list(plugin.Notify().notify(context(), message(channel=channel))) == [
            Delivered("journal")
        ]
    assert caplog.messages == ["Today | Call Ada & Bob <today> | 10:00"] * 2


def test_the_journal_gets_one_line_that_forges_none(plugin, context, message, caplog):
    caplog.set_level(logging.INFO)
    title = "\x1b[31mred\x1b[0m\x1b]0;owned\x07 \u202egnp.exe\u2066\x00"
    nasty = message(channel="journal", title=title, body="one\n<3>two\r\x85three\x9b2J")
    list(plugin.Notify().notify(context(), nasty))
    assert caplog.messages == ["red gnp.exe | one | <3>two | three"]


def test_each_url_is_a_channel(plugin, context):
    urls = ["ntfys://push.example.org/me", "mailtos://a:b@example.org", "json://127.0.0.1/hook"]
    ctx = context(urls=urls)
    assert names(plugin, ctx) == ["journal", "ntfys 1", "mailtos 2", "json 3"]
    assert not any(channel.buttons for channel in channels(plugin, ctx)[0])


def test_a_channel_is_known_again_when_the_list_has_changed(plugin, context):
    one, two, three = (f"ntfys://push.example.org/{name}" for name in ("one", "two", "three"))

    def ids(*urls):
        found, _ = channels(plugin, context(urls=urls))
        return {channel.id for channel in found} - {"journal"}

    assert len(ids(one, two, three)) == 3
    assert ids(one, two, three) == ids(three, one, two)
    assert ids(two) < ids(one, two)


def test_a_url_that_is_there_twice_is_one_channel(plugin, context):
    urls = ["json://127.0.0.1/a", "json://127.0.0.1/b", "json://127.0.0.1/a"]
    assert names(plugin, context(urls=urls)) == ["journal", "json 1", "json 2"]


def test_urls_can_come_from_a_file(plugin, context, tmp_path, monkeypatch):
    file = tmp_path / "urls"
    file.write_text("# my phone\n\n  ntfys://push.example.org/me  \n#json://127.0.0.1/off\n")
    ctx = context(urls=["json://127.0.0.1/hook"], urls_file=str(file))
    assert names(plugin, ctx) == ["journal", "json 1", "ntfys 2"]
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    ctx = context(urls_file="$CREDENTIALS_DIRECTORY/urls")
    assert names(plugin, ctx) == ["journal", "ntfys 1"]


def test_what_is_wrong_is_named_and_stops_no_other(plugin, context, tmp_path):
    file = tmp_path / "urls"
    file.write_text(
        f"jsons://127.0.0.1/good\nno url with {SECRET}\nnfty://{SECRET}@example.org/me\n"
    )
    urls = [f"slack://{SECRET}/x", "json://127.0.0.1/good", f"bob:{SECRET}@example.org"]
    found, problem = channels(plugin, context(urls=urls, urls_file=str(file)))
    assert [channel.name for channel in found] == ["journal", "json 2", "jsons 4"]
    cannot = "Apprise cannot use this {}://; how to write one: https://appriseit.com/services/{}/"
    assert problem.split("; plugins.") == [
        f"plugins.notify.urls, number 1: {cannot.format('slack', 'slack')}",
        'notify.urls, number 3: is no URL: it does not begin like "mailtos://"',
        'notify.urls_file, line 2: is no URL: it does not begin like "mailtos://"',
        "notify.urls_file, line 3: Apprise knows no nfty://; did you mean ntfy://?",
    ]


def test_a_file_that_cannot_be_read_is_named_and_stops_no_other(plugin, context, tmp_path):
    urls = ["json://127.0.0.1/good"]
    found, problem = channels(plugin, context(urls=urls, urls_file=str(tmp_path / "none")))
    assert [channel.name for channel in found] == ["journal", "json 1"]
    assert problem == f"plugins.notify.urls_file: {tmp_path}/none: No such file or directory"
    (tmp_path / "odd").write_bytes(b"json://\xff\xff")
    _, problem = channels(plugin, context(urls_file=str(tmp_path / "odd")))
    assert problem == f"plugins.notify.urls_file: {tmp_path}/odd: is no UTF-8"


def test_settings_show_no_secret(plugin, context):
    settings = context(urls=[f"mailtos://bob:{SECRET}@example.org"]).settings
    assert SECRET not in repr(settings) + str(settings) + settings.model_dump_json()
    assert json.loads(settings.model_dump_json())["urls"] == ["mailtos://********"]


def test_a_url_that_has_gone_from_the_settings_is_not_tried_again(plugin, context, message):
    with pytest.raises(NotDelivered, match="no longer in the settings") as caught:
        list(plugin.Notify().notify(context(), message(channel="ntfys:00")))
    assert not caught.value.again
