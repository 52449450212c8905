"""A web server and a mail server on loopback, that can misbehave as real ones do."""

from __future__ import annotations

import asyncio
import contextlib
import email
import email.policy
import json
import socket
import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult


@dataclass
class Request:
    """What came in."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self):
        return json.loads(self.body)

    @property
    def form(self):
        return {key: value[0] for key, value in parse_qs(self.body.decode()).items()}


@dataclass
class WebServer:
    """Answers each request with the next of `answers`, the last one for ever.

    An answer is a status, or (status, text or JSON); or "hang" (says nothing), "close" (hangs up
    without a word), "half" (hangs up in the middle of a good answer), "drip" (a byte at a time, for
    ever).
    """

    answers: list = field(default_factory=lambda: [200])
    got: list[Request] = field(default_factory=list)

    def __post_init__(self):
        self.closing = threading.Event()
        handler = type("Handler", (_Handler,), {"owner": self})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._server.daemon_threads = True
        self._server.block_on_close = False
        self.port = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    def next(self):
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]

    def close(self):
        self.closing.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Handler(BaseHTTPRequestHandler):
    owner: WebServer

    def _answer(self):
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length)
        self.owner.got.append(Request(self.command, self.path, dict(self.headers), body))
        match self.owner.next():
            case "hang":
                self.owner.closing.wait(60)
            case "close":
                self.close_connection = True
            case "half":
                self.send_response(200)
                self.send_header("Content-Length", "1000")
                self.end_headers()
                self.wfile.write(b"{")
                self.close_connection = True
            case "drip":
                self.wfile.write(b"HTTP/1.1 200 OK\r\nX-Drip: ")
                while not self.owner.closing.wait(0.05):
                    self.wfile.write(b".")
            case (status, said):
                text = said if isinstance(said, str) else json.dumps(said)
                self._say(status, text.encode())
            case status:
                self._say(status, b"{}")

    def _say(self, status, body):
        self.send_response(status)
        if 300 <= status < 400:
            self.send_header("Location", f"http://127.0.0.1:{self.owner.port}/elsewhere")
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST = do_PUT = _answer

    def log_message(self, *args):
        pass

    def handle(self):
        # The other side may well have given up on us.
        with contextlib.suppress(OSError):
            super().handle()


class MailServer:
    """Takes mail from user "bob" with password "s3same!", and keeps it in `got`.

    `say` maps a command (RCPT, DATA) to what it answers, or to "close" or "hang".
    """

    def __init__(self, *, tls=None, auth=False):
        self.got = []
        self.say = {}
        self._auth = auth
        self._closing = threading.Event()
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        options = {"tls_context": tls, "require_starttls": True} if tls else {}
        self._controller = Controller(
            self,
            hostname="127.0.0.1",
            port=self.port,
            authenticator=self._authenticate if auth else None,
            auth_require_tls=bool(tls),
            **options,
        )
        self._controller.start()

    def _authenticate(self, server, session, envelope, mechanism, data):
        good = (data.login, data.password) == (b"bob", b"s3same!")
        return AuthResult(success=good, handled=good)

    async def _answer(self, server, command, good):
        match self.say.get(command, good):
            case "close":
                server.transport.abort()
                return "451 gone"
            case "hang":
                await asyncio.to_thread(self._closing.wait, 60)
                return "451 too late"
            case answer:
                return answer

    async def handle_RCPT(self, server, session, envelope, address, options):
        if self._auth and not session.authenticated:
            return "530 who are you?"
        answer = await self._answer(server, f"RCPT {address}", "")
        answer = answer or await self._answer(server, "RCPT", "250 OK")
        if answer.startswith("250"):
            envelope.rcpt_tos.append(address)
        return answer

    async def handle_DATA(self, server, session, envelope):
        message = email.message_from_bytes(envelope.content, policy=email.policy.default)
        self.got.append(message)
        message.envelope_to = list(envelope.rcpt_tos)
        return await self._answer(server, "DATA", "250 OK")

    def close(self):
        self._closing.set()
        self._controller.stop()
