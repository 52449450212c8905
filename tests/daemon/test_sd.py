import os
import secrets
import socket

import pytest

from twind.daemon.sd import Notifier


@pytest.mark.parametrize("abstract", [False, True])
def test_what_is_said_arrives(tmp_path, abstract):
    name = f"@twind-{secrets.token_hex(4)}" if abstract else str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind("\0" + name[1:] if abstract else name)
        manager.settimeout(5)
        notifier = Notifier.from_environment({"NOTIFY_SOCKET": name})
        notifier.ready("serving\nwell")
        notifier.reloading()
        notifier.stopping()
        notifier.ping()
        said = [manager.recv(4096).decode() for _ in range(4)]
    assert said[0] == "READY=1\nSTATUS=serving well"
    assert said[1].startswith("RELOADING=1\nMONOTONIC_USEC=")
    assert said[2].startswith("STOPPING=1")
    assert said[3] == "WATCHDOG=1"


def test_no_manager_is_no_trouble(tmp_path):
    Notifier.from_environment({}).ready("serving")
    Notifier(str(tmp_path / "gone")).ready("serving")


@pytest.mark.parametrize(
    ("environ", "every_s"),
    [
        ({}, None),
        ({"WATCHDOG_USEC": "3000000"}, 1.5),
        ({"WATCHDOG_USEC": "3000000", "WATCHDOG_PID": str(os.getpid())}, 1.5),
        ({"WATCHDOG_USEC": "3000000", "WATCHDOG_PID": "1"}, None),
        ({"WATCHDOG_USEC": "soon"}, None),
    ],
)
def test_pings_come_twice_as_often_as_they_must(environ, every_s):
    assert Notifier.from_environment(environ).watchdog_every_s == every_s
