import asyncio
import json
import os
import socket
import stat
import subprocess
import sys

import pytest

from twind.daemon import client, control
from twind.errors import HomeHeldError, NotFoundError, NotRunningError, TwindError
from twind.home import Home


async def handle(command):
    if command["cmd"] == "missing":
        raise NotFoundError("no such thing")
    if command["cmd"] == "bug":
        raise RuntimeError("a bug")
    return {"heard": command}


def with_server(home, ask, handler=handle):
    """Run `ask()` in a thread while a server answers at the home's socket; return what it says."""

    async def scenario():
        server = control.Control(control.bind(home.socket), home.socket, handler)
        await server.start()
        try:
            return await asyncio.to_thread(ask)
        finally:
            await server.close()

    return asyncio.run(scenario())


def raw(home, line: bytes) -> dict:
    with socket.socket(socket.AF_UNIX) as peer:
        peer.settimeout(20)
        peer.connect(str(home.socket))
        peer.sendall(line)
        return json.loads(peer.makefile("rb").readline())


@pytest.fixture
def home(tmp_path):
    return Home.under(tmp_path / "h")


def test_a_command_is_answered_and_the_socket_is_the_owners(home):
    def ask():
        assert stat.S_IMODE(home.socket.stat().st_mode) == 0o600
        return client.request(home, {"cmd": "status", "ü": 1})

    assert with_server(home, ask) == {"heard": {"cmd": "status", "ü": 1}}
    assert not home.socket.exists()


def test_a_home_deeper_than_a_sockets_path_may_be_long(tmp_path):
    home = Home.under(tmp_path / ("deep" * 40) / "er")
    assert with_server(home, lambda: client.request(home, {"cmd": "x"}))["heard"] == {"cmd": "x"}


@pytest.mark.parametrize(
    ("line", "code"),
    [
        (b"no json\n", "usage"),
        (b"[]\n", "usage"),
        (b'{"cmd": 3}\n', "usage"),
        (b"\xff\xfe\n", "usage"),
        (b'{"cmd": "' + b"x" * 80_000 + b'"}\n', "usage"),
        (b'{"cmd": "missing"}\n', "not_found"),
        (b'{"cmd": "bug"}\n', "internal"),
    ],
)
def test_every_trouble_is_an_answer_of_one_shape(home, line, code):
    reply = with_server(home, lambda: raw(home, line))
    assert reply["ok"] is False
    assert reply["error"]["code"] == code
    assert reply["error"]["message"]


def test_the_client_raises_what_the_daemon_refuses(home):
    def ask():
        with pytest.raises(TwindError, match="no such thing") as caught:
            client.request(home, {"cmd": "missing"})
        return caught.value.code

    assert with_server(home, ask) == "not_found"


def test_a_silent_client_holds_up_nobody(home):
    def ask():
        with socket.socket(socket.AF_UNIX) as silent:
            silent.connect(str(home.socket))
            return client.request(home, {"cmd": "status"})

    assert with_server(home, ask)


def test_a_slow_client_is_told_so(home, monkeypatch):
    monkeypatch.setattr(control, "PATIENCE_S", 0.1)
    assert with_server(home, lambda: raw(home, b'{"cmd"'))["error"]["code"] == "usage"


def test_a_socket_left_behind_is_replaced_and_a_living_one_is_not(home):
    control.bind(home.socket).close()  # The file stays, as after a kill.
    with control.bind(home.socket), pytest.raises(HomeHeldError):
        control.bind(home.socket)


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to become somebody else")
def test_strangers_are_not_heard(home, tmp_path):
    script = (
        "import os, socket, sys\n"
        "peer = socket.socket(socket.AF_UNIX)\n"
        "os.chdir(sys.argv[1])\n"
        "fd = os.open('.', os.O_PATH)\n"
        "os.seteuid(65534)\n"
        "peer.connect('twind.sock')\n"
        'peer.sendall(b\'{"cmd": "status"}\\n\')\n'
        "print(peer.recv(4096).decode())\n"
    )

    def ask():
        home.socket.chmod(0o666)
        home.root.chmod(0o755)
        return subprocess.run(
            [sys.executable, "-c", script, str(home.root)],
            capture_output=True,
            text=True,
            check=True,
        ).stdout

    assert json.loads(with_server(home, ask))["error"]["code"] == "forbidden"


def test_no_daemon_is_an_error_of_its_own(home):
    with pytest.raises(NotRunningError):
        client.request(home, {"cmd": "status"})
    control.bind(home.socket).close()
    with pytest.raises(NotRunningError):
        client.request(home, {"cmd": "status"})


def test_the_client_is_light():
    heavy = {"pydantic", "asyncio", "apscheduler", "watchdog", "sqlite3"}
    script = f"import twind.daemon.client, sys; print(sorted({heavy} & set(sys.modules)))"
    shown = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert shown.stdout.strip() == "[]", shown.stderr
