"""A life full of strangers' tricks, lived by the real daemon from its files to what the user sees.

The processes that live it tell of every socket that they open.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import unicodedata

import pytest

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1200)]

TRICKS = "\x1b]0;owned\x07\x1b[2J\x9b31m\u202egnp.exe\u2066 <b>&amp;</b> <a href='x'>\u200bhere</a>"
NEWLINES = "\\nBcc: all@example.org\\n<0>panic\\nEND:VEVENT"
WATCHER = """\
import os, socket, sys

def watch(event, args):
    if event in {"socket.connect", "socket.bind", "socket.sendto", "socket.sendmsg"}:
        if args[0].family == socket.AF_UNIX:
            return
    elif not event.startswith(("socket.getaddrinfo", "socket.gethost", "urllib", "smtplib")):
        return
    note("sockets", event, args)

def note(name, *said):
    with open(os.path.join(os.environ["WATCHER"], name), "a") as file:
        file.write(" ".join(map(str, [*sys.orig_argv, *said])) + "\\n")

note("processes")
sys.addaudithook(watch)
"""


def acting(text):
    """Return what in a text acts on whoever shows it."""
    return {
        letter
        for letter in text
        if letter != "\n" and unicodedata.category(letter) in {"Cc", "Cf", "Cs", "Zl", "Zp"}
    }


@pytest.fixture
def watched(tmp_path_factory, monkeypatch):
    """A folder in which every process that starts now notes itself, and each socket but unix's."""
    folder = tmp_path_factory.mktemp("watcher")
    (folder / "sitecustomize.py").write_text(WATCHER)
    monkeypatch.setenv("WATCHER", str(folder))
    monkeypatch.setenv(
        "PYTHONPATH", os.pathsep.join([str(folder), os.environ.get("PYTHONPATH", "")])
    )
    return folder


def test_nothing_acts_on_anybody_and_nobody_is_called(watched, own_life, eventually):
    life = own_life
    life.add_event(life.event("evil" + TRICKS, 1, "1300", "1400", TRICKS + NEWLINES))
    life.add_event(life.event("evil2", -1, "1300", "1400", "\u202e" + TRICKS))
    (life.root / "people.vcf").write_text(
        f"BEGIN:VCARD\r\nVERSION:3.0\r\nUID:eve\r\nFN:Eve{TRICKS}\r\nNOTE:{TRICKS}{NEWLINES}\r\n"
        "EMAIL:eve@example.org\r\nEND:VCARD\r\n"
    )
    todo = life.root / "todo.txt"
    todo.write_text(todo.read_text() + f"(A) Pay{TRICKS} +fla\u202et{TRICKS} est:3h\n")
    life.start()
    eventually(life.at_rest, 200)
    assert life.command("ctl", "propose", timeout_s=600).returncode == 0
    ids = [one["id"] for one in life.twind("proposals")["proposals"]]
    life.twind("ctl", "train", "--timesteps", "1024")
    assert ids
    life.twind("backup")
    life.twind("export", str(life.root.with_name("exported")))

    commands = [
        *(("ctl", "status"), ("proposals",), ("people",), ("patterns", "--all")),
        *(("notify",), ("notify", "--test"), ("plugins", "list"), ("ask",), ("review",)),
        *(("models", "list"), ("doctor",)),
        *(("why", str(number)) for number in ids[:2]),
    ]
    for command in commands:
        done = life.command(*command)
        assert done.stdout
        assert "Traceback" not in done.stderr
        assert not acting(done.stdout + done.stderr), (command, done.stdout)
        as_json = life.command(*command, "--json")
        assert not acting(as_json.stdout + as_json.stderr), command
        assert len(as_json.stdout.splitlines()) == 1
        json.loads(as_json.stdout)

    # What was read is there, and harmless.
    names = " ".join(
        f"{name} {json.loads(more or '{}')}"
        for table in ("entities", "workflows")
        for name, more in life.rows(f"SELECT name, metadata FROM {table}")
    )
    assert names.count("gnp.exe") >= 2
    assert not acting(names)
    payloads = [json.loads(text) for (text,) in life.rows("SELECT payload FROM records")]
    titles = " ".join(one.get("title", "") for one in payloads)
    assert titles.count("gnp.exe") >= 3
    assert not acting(titles)
    log = life.log()
    assert not acting(log), acting(log)
    assert not re.search(r"^<0>|^Bcc", log, re.MULTILINE)

    processes = (watched / "processes").read_text()
    for worker in (
        "twind.jobs sync",
        "twind.jobs propose",
        "twind.jobs train",
        "twind.jobs notify",
    ):
        assert worker in processes, processes
    assert not (watched / "sockets").exists(), (watched / "sockets").read_text()
    call = "import socket; socket.socket().connect_ex(('127.0.0.1', 9))"
    subprocess.run([sys.executable, "-c", call], check=True)
    assert "127.0.0.1" in (watched / "sockets").read_text()
