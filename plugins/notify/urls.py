"""The user's URLs, through Apprise: which it can use, and a message handed to one."""

from __future__ import annotations

import hashlib
import logging
import re
import string
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from twind.api import MaybeDelivered, NotDelivered

from .evidence import Evidence

if TYPE_CHECKING:
    from collections.abc import Iterable

DEADLINE_S = 60.0
"""How long one URL may take, whatever its server does."""
READ_S = 15.0
"""How long a server may think: without an answer nobody knows whether it has the message."""

VERBATIM = frozenset(
    f"{scheme}{secure}"
    for scheme in ("mailto", "json", "xml", "form", "ntfy", "gotify")
    for secure in ("", "s")
)
"""Where text is text. Anywhere else "@everyone" may call everyone."""
MARKDOWN = frozenset({"discord", "mmost", "mmosts"})
"""What reads plain text as Markdown, and heeds its backslashes."""

_NOTHING = "\u200b"
"""A zero-width space: what is meant as a command is none, and still reads the same."""
_PUNCTUATION = re.compile(f"([{re.escape(string.punctuation)}])")
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://.")


@dataclass(frozen=True, slots=True)
class Url:
    """One URL: what it says, where it stands ("urls, number 2"), and the channel it is."""

    text: str
    origin: str
    id: str
    name: str


def scheme_of(text: str) -> str:
    """Return a URL's scheme in lower case; "" for what is no URL."""
    match = _SCHEME.match(text)
    return match[1].lower() if match else ""


def numbered(given: Iterable[tuple[str, str]]) -> list[Url]:
    """Make channels of (text, origin); a URL that is there twice is one.

    A channel is called by its scheme and number. It is known again, when the list has changed, by
    its scheme and eight bits of a hash: enough to tell a few URLs apart, and nothing to guess a
    password by.
    """
    found: dict[str, Url] = {}
    for number, (text, origin) in enumerate(given, start=1):
        if any(one.text == text for one in found.values()):
            continue
        scheme = scheme_of(text)
        known = f"{scheme}:{hashlib.blake2b(text.encode(), digest_size=1).hexdigest()}"
        while known in found:
            known += "'"
        found[known] = Url(text, origin, known, f"{scheme} {number}")
    return list(found.values())


# --- Apprise -------------------------------------------------------------------------------------


def _apprise() -> Any:
    """Import Apprise, and keep what it says (URLs, payloads) from the log."""
    import apprise

    logging.getLogger("apprise").propagate = False
    return apprise


def _service(text: str) -> Any:
    """Return Apprise's object for a URL; None where it cannot make one."""
    apprise = _apprise()
    asset = apprise.AppriseAsset(
        app_id="twind",
        app_desc="twind",
        app_url="",
        # No picture that the receiver would fetch from a third party, and none from the disk.
        image_url_mask="",
        image_url_logo="",
        image_path_mask=False,
        # A redirect leads to a server that is not the user's choice, with their password.
        http_redirects=False,
        interpret_emojis=False,
        pgp_autogen=False,
        pem_autogen=False,
        allow_templates=False,
        language="en",
        # In this thread, which has a deadline of its own.
        async_mode=False,
        service_timeout=0,
    )
    service = apprise.Apprise.instantiate(text, asset=asset)
    if service is not None:
        # Apprise tries again after a timeout, too, when the message may have arrived.
        service.retry, service.optional = 0, False
        if service.socket_read_timeout == type(service).socket_read_timeout:
            service.socket_read_timeout = READ_S  # unless the URL says rto=
        if service.overflow_mode == apprise.OverflowMode.UPSTREAM:
            service.overflow_mode = apprise.OverflowMode.TRUNCATE
    return service


def trouble_with(text: str) -> str:
    """Say why Apprise cannot use a URL; "" where it can."""
    import difflib

    scheme = scheme_of(text)
    if not scheme:
        return 'is no URL: it does not begin like "mailtos://"'
    known = _apprise().manager_plugins.NotificationManager()
    if scheme not in known:
        close = difflib.get_close_matches(scheme, known.schemas(), 1, cutoff=0.75)
        return f"Apprise knows no {scheme}://" + (f"; did you mean {close[0]}://?" if close else "")
    if _service(text) is None:
        return f"Apprise cannot use this {scheme}://; how to write one: {known[scheme].setup_url}"
    return ""


def send(text: str, title: str, body: str) -> None:
    """Hand a message to one URL. Raises NotDelivered or MaybeDelivered where it is not taken."""
    apprise = _apprise()
    service = _service(text)
    if service is None:
        raise NotDelivered(trouble_with(text), again=False)
    title, body = _fitted(scheme_of(text), title, body)
    evidence = Evidence(text)
    taken: list[bool] = []

    def deliver() -> None:
        evidence.thread = threading.get_ident()
        sender = apprise.Apprise(asset=service.asset)
        sender.add(service)
        try:
            done = sender.notify(title=title, body=body, body_format=apprise.NotifyFormat.TEXT)
            taken.append(bool(done))
        except BaseException as error:  # noqa: BLE001 - or the thread would print it, secrets and all
            evidence.errors.append(error)
            taken.append(False)

    # What does not come back is left behind: it must not hold up the end of the process.
    thread = threading.Thread(target=deliver, daemon=True)
    with evidence:
        thread.start()
        thread.join(DEADLINE_S)
    if not taken:
        raise MaybeDelivered(f"no answer within {DEADLINE_S:g} s; it may have arrived")
    if not taken[0]:
        raise evidence.verdict(targets=len(service))


def _fitted(scheme: str, title: str, body: str) -> tuple[str, str]:
    """Return a message as the kind of channel needs it, so that it arrives as plain text."""
    if scheme not in VERBATIM:
        title, body = (part.replace("@", f"@{_NOTHING}") for part in (title, body))
    if scheme in {"mailto", "mailtos"}:
        # A subject of ASCII goes out as it is, and could be read as an encoded word (RFC 2047).
        title = title.replace("=?", f"={_NOTHING}?")
    if scheme in MARKDOWN:
        lines = [title, *body.splitlines()]
        return "", "\n".join(_PUNCTUATION.sub(r"\\\1", " ".join(line.split())) for line in lines)
    # Apprise sends nothing that has no body.
    return (title, body) if body else ("", title)
