import asyncio
import contextlib
import json
import os
import select
import socket
import stat
import subprocess
import sys
import threading

import pytest

from twind.clock import monotonic_s
from twind.daemon import client, control
from twind.errors import HomeHeldError, NotFoundError, NotRunningError, TwindError
from twind.home import Home


async def handle(command):
    if command["cmd"] == "missing":
        raise NotFoundError("no such thing")
    if command["cmd"] == "denied":
        raise PermissionError("not yours")
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
        (b'{"cmd": ' + b"[" * 60_000 + b"\n", "usage"),
        (b'{"cmd": "x", "n": ' + b"9" * 5000 + b"}\n", "usage"),
        (b"\0\n", "usage"),
        (b"\n", "usage"),
        (b'{"cmd": "missing"}\n', "not_found"),
        (b'{"cmd": "bug"}\n', "internal"),
        (b'{"cmd": "denied"}\n', "internal"),
    ],
)
def test_every_trouble_is_an_answer_of_one_shape(home, line, code):
    reply = with_server(home, lambda: raw(home, line))
    assert reply["ok"] is False
    assert reply["error"]["code"] == code
    assert reply["error"]["message"]


def test_an_answer_may_quote_what_is_no_unicode(home):
    reply = with_server(home, lambda: raw(home, b'{"cmd": "\\ud800"}\n'))
    assert reply == {"ok": True, "data": {"heard": {"cmd": "\ud800"}}}


@pytest.mark.parametrize(
    "line", [b"", b"\n", b"no json\n", b"[]\n", b"{}\n", b"\xff\n", b"[" * 9999]
)
def test_what_answers_like_no_daemon_is_an_error_of_one_line(line):
    with pytest.raises(TwindError, match="no twind daemon"):
        client.data_of(line)


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


def test_a_client_that_trickles_is_given_no_more_time(home, monkeypatch):
    monkeypatch.setattr(control, "PATIENCE_S", 0.3)

    def ask():
        with socket.socket(socket.AF_UNIX) as peer:
            peer.settimeout(20)
            peer.connect(str(home.socket))
            began, pause = monotonic_s(), threading.Event()
            with contextlib.suppress(OSError):
                while monotonic_s() - began < 10:
                    peer.sendall(b" ")
                    pause.wait(0.05)
            assert monotonic_s() - began < 10
            return json.loads(peer.recv(4096))

    assert with_server(home, ask)["error"]["code"] == "usage"


def test_a_client_that_has_said_all_and_closes_its_side_is_answered(home):
    def ask():
        with socket.socket(socket.AF_UNIX) as peer:
            peer.settimeout(20)
            peer.connect(str(home.socket))
            peer.sendall(b'{"cmd": "status"}')
            peer.shutdown(socket.SHUT_WR)
            return json.loads(peer.makefile("rb").readline())

    assert with_server(home, ask)["data"] == {"heard": {"cmd": "status"}}


def test_a_line_without_end_is_not_read_to_its_end(home):
    def ask():
        with socket.socket(socket.AF_UNIX) as peer:
            peer.settimeout(20)
            peer.connect(str(home.socket))
            with pytest.raises(OSError):  # cut off in the middle
                peer.sendall(b"x" * (64 << 20))
        return client.request(home, {"cmd": "status"})

    assert with_server(home, ask)


def test_clients_that_hang_up_are_forgotten(home, caplog):
    def ask():
        for said in (b"", b'{"cmd"', b'{"cmd": "status"}\n') * 20:
            with socket.socket(socket.AF_UNIX) as peer:
                peer.connect(str(home.socket))
                peer.sendall(said)
        return client.request(home, {"cmd": "status"})

    assert with_server(home, ask)
    assert not [record for record in caplog.records if record.levelname == "ERROR"]


def test_an_answer_that_nobody_takes_is_let_go(home, monkeypatch):
    """Otherwise it would wait in the daemon until its client ends, and with it a descriptor."""
    monkeypatch.setattr(control, "PATIENCE_S", 0.3)
    large = 8 << 20

    async def handle_large(command):
        return {"large": "x" * large}

    def ask():
        with socket.socket(socket.AF_UNIX) as peer:
            peer.settimeout(20)
            peer.connect(str(home.socket))
            peer.sendall(b'{"cmd": "status"}\n')
            waiting = select.poll()
            waiting.register(peer, 0)
            assert waiting.poll(20_000) == [(peer.fileno(), select.POLLHUP)]
            return sum(map(len, iter(lambda: peer.recv(1 << 20), b"")))

    assert 0 < with_server(home, ask, handle_large) < large


def test_a_crowd_is_refused_at_once_and_holds_up_nobody_for_long(home):
    """Of hundreds of clients that say nothing, all but a few are gone before their time is up."""

    def ask():
        crowd = [socket.socket(socket.AF_UNIX) for _ in range(300)]
        try:
            for peer in crowd:
                peer.connect(str(home.socket))
            for peer in crowd[control.MAX_CLIENTS :]:
                peer.settimeout(20)
                assert json.loads(peer.recv(4096))["error"]["message"] == "too many clients at once"
                assert not peer.recv(4096)
        finally:
            for peer in crowd:
                peer.close()
        while True:
            with contextlib.suppress(TwindError):
                return client.request(home, {"cmd": "status"})

    assert with_server(home, ask)


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
