"""What became of a message that Apprise has not sent: whether it surely did not arrive.

Apprise says of a message whether it was sent. Whether one that was not may be sent again needs
more. It is read from what Apprise and the libraries below it log while they deliver: the status of
each HTTP response, and the exception in hand.

URLs carry passwords. What those libraries log goes nowhere else, and no exception of theirs is
shown: the words here are our own, and those of mail servers with the URL's parts taken out.
"""

from __future__ import annotations

import logging
import re
import smtplib
import socket
import ssl
import sys
import traceback
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Self
from urllib.parse import unquote

from twind.api import MaybeDelivered, NotDelivered, one_line

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from types import CodeType

HIDDEN = "********"
_HTTP_LOG = "urllib3.connectionpool"


@dataclass(frozen=True, slots=True)
class _Failure:
    """One thing that went wrong.

    Attributes:
        reason: in words without secrets.
        certain: whether the message surely did not arrive by it.
        again: whether it may go better another time.
        early: whether it came before the server was told anything.

    """

    reason: str
    certain: bool = False
    again: bool = True
    early: bool = False


class Evidence(logging.Handler):
    """What the libraries say in one thread while they deliver. To be used in a `with`."""

    def __init__(self, url: str) -> None:
        super().__init__(logging.DEBUG)
        self.thread = 0
        self._url = url
        self.errors: list[BaseException] = []
        self._connections = 0
        self._statuses: list[int] = []
        self._words = ""
        self._accepted = False

    def __enter__(self) -> Self:
        for name in ("apprise", _HTTP_LOG):
            logger = logging.getLogger(name)
            # For good: what is left behind at the deadline goes on to log.
            logger.propagate = False
            logger.setLevel(logging.DEBUG)
            logger.addHandler(self)
        return self

    def __exit__(self, *_: object) -> None:
        for name in ("apprise", _HTTP_LOG):
            logging.getLogger(name).removeHandler(self)

    def emit(self, record: logging.LogRecord) -> None:
        """Take note of a response, or of the exception that is being handled."""
        if record.thread != self.thread:
            return
        if record.name == _HTTP_LOG:
            match record.args:
                case (*_, str(), int(status), _):
                    self._statuses.append(status)
                case (int(), str(), _):
                    self._connections += 1
            return
        error = sys.exc_info()[1]
        if error is not None and error not in self.errors:
            self.errors.append(error)
        if record.levelno >= logging.WARNING:
            self._words = record.getMessage()
        elif record.levelno == logging.INFO:
            self._accepted = True  # "Sent …": one of several targets has it

    def verdict(self, targets: int) -> NotDelivered | MaybeDelivered:
        """Return what to raise of a message that did not reach all `targets` of the URL.

        It surely arrived nowhere if all that went wrong says so, and it is known how every
        connection ended. What one of several targets says does not tell of the others, unless
        there was nobody to talk to.
        """
        failures = [
            *(_of_status(status) for status in self._statuses if not 200 <= status < 300),
            *(_of_error(error, self._url) for error in self.errors),
        ]
        reason = "; ".join(dict.fromkeys(failure.reason for failure in failures))
        reason = reason or _redacted(self._words, self._url) or "Apprise does not say why"
        accepted = self._accepted or any(200 <= status < 300 for status in self._statuses)
        known = self._connections <= len(failures)
        certain = known and not accepted and all(one.certain for one in failures)
        if failures and certain and (targets == 1 or all(one.early for one in failures)):
            return NotDelivered(reason, again=all(one.again for one in failures))
        return MaybeDelivered(f"{reason}; it may have arrived")


_AGAIN = frozenset(
    {
        HTTPStatus.TOO_EARLY,
        HTTPStatus.TOO_MANY_REQUESTS,
        HTTPStatus.INTERNAL_SERVER_ERROR,
        HTTPStatus.SERVICE_UNAVAILABLE,
        HTTPStatus.INSUFFICIENT_STORAGE,
    }
)
# A server between may have handed it on, and only missed the answer.
_BETWEEN = frozenset(
    {HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.BAD_GATEWAY, HTTPStatus.GATEWAY_TIMEOUT}
)


def _of_status(status: int) -> _Failure:
    try:
        phrase = HTTPStatus(status).phrase
    except ValueError:
        phrase = ""
    reason = f"HTTP {status} {phrase}".rstrip()
    if 300 <= status < 400:
        reason += ": it has moved; correct the URL, or add redirect=yes to it"
    return _Failure(reason, certain=status not in _BETWEEN, again=status in _AGAIN)


def _of_error(error: BaseException, url: str) -> _Failure:
    from requests import RequestException

    causes = list(_causes(error))
    passed = {code for one in causes for code in _passed(one)}
    in_smtp = any(code.co_filename == smtplib.__file__ for code in passed)
    sending = smtplib.SMTP.sendmail.__code__ in passed
    early = (in_smtp and not sending) or _is_early(causes, passed)
    # smtplib tells of a timeout by hanging up.
    reason = _words_for([*causes, *filter(None, [error.__context__])])
    for one in causes:
        match one:
            case smtplib.SMTPRecipientsRefused():
                code, said = next(iter(one.recipients.values()))
                return _Failure(_smtp(code, said, url), certain=True, again=code < 500)
            case smtplib.SMTPAuthenticationError():
                # What it says may quote what it was given.
                refused = f"SMTP {one.smtp_code}: the server does not take user and password"
                return _Failure(refused, certain=True, again=one.smtp_code < 500, early=True)
            case smtplib.SMTPResponseException():
                answer = _smtp(one.smtp_code, one.smtp_error, url)
                return _Failure(answer, certain=True, again=one.smtp_code < 500, early=early)
            case smtplib.SMTPNotSupportedError():
                return _Failure(one_line(str(one)), certain=early, again=False, early=early)
    if isinstance(error, RequestException) and isinstance(error, ValueError):
        # A URL or a header that cannot be sent to anybody.
        unsent = f"the request cannot be made ({type(error).__name__})"
        return _Failure(unsent, certain=True, again=False, early=True)
    return _Failure(reason, certain=early, early=early)


def _is_early(causes: list[BaseException], passed: set[CodeType]) -> bool:
    """Tell whether an error came up while connecting, before anything was said."""
    from urllib3.exceptions import ConnectTimeoutError, NewConnectionError

    connecting = {socket.create_connection.__code__, ssl.SSLSocket.do_handshake.__code__}
    return bool(connecting & passed) or any(
        isinstance(one, NewConnectionError | ConnectTimeoutError) for one in causes
    )


def _words_for(causes: Sequence[BaseException]) -> str:
    """Say in words of our own what happened: a library's may hold the URL."""
    from urllib3.exceptions import ProtocolError
    from urllib3.exceptions import TimeoutError as HTTPTimeoutError

    for one in reversed(causes):
        match one:
            case socket.gaierror():
                return "the server's name is not known here"
            case ssl.SSLCertVerificationError():
                return f"its certificate is not trusted ({one.verify_message})"
            case ssl.SSLError():
                return f"TLS fails ({one.reason})"
            case TimeoutError() | HTTPTimeoutError():
                return "no answer in time"
            case ConnectionRefusedError():
                return "connection refused"
            case ConnectionError() | ProtocolError() | smtplib.SMTPServerDisconnected():
                return "the server hung up"
            case OSError() if one.strerror:
                return one.strerror
    return f"an error of the kind {type(causes[0]).__name__}"


def _smtp(code: int, said: bytes | str, url: str) -> str:
    text = said.decode("utf-8", "replace") if isinstance(said, bytes) else said
    return f"SMTP {code} {_redacted(text, url)[:200]}"


def _causes(error: BaseException) -> Iterator[BaseException]:
    """Yield an error and all that it comes from, or wraps, the outermost first."""
    waiting, seen = [error], set()
    while waiting:
        one = waiting.pop(0)
        if id(one) in seen:
            continue
        seen.add(id(one))
        yield one
        # Not __context__: what was being handled meanwhile may be another failure.
        inside = (*one.args, getattr(one, "reason", None), one.__cause__)
        waiting += [each for each in inside if isinstance(each, BaseException)]


def _passed(error: BaseException) -> Iterator[CodeType]:
    for frame, _ in traceback.walk_tb(error.__traceback__):
        yield frame.f_code


def _redacted(text: str, url: str) -> str:
    """Return `text` without any part of the URL but its scheme."""
    _, _, rest = url.partition("://")
    parts = {rest, *re.split(r"[/?&=@:#,;]+", rest)}
    for part in sorted(parts | {unquote(part) for part in parts}, key=len, reverse=True):
        if len(part) >= 3:
            text = text.replace(part, HIDDEN)
    return one_line(text)
