"""Notifications: to the log, to the desktop where there is one, and to the user's URLs.

A URL is whatever Apprise knows: mail, push, chat, webhooks. Without one nothing leaves the machine.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, Secret

from twind.api import (
    Channel,
    Context,
    Delivered,
    NotDelivered,
    Notification,
    Pressed,
    Settings,
    hookimpl,
    one_line,
    plain,
)

from . import desktop, urls
from .evidence import HIDDEN

JOURNAL = Channel(id="journal", name="journal")
DESKTOP = Channel(id="desktop", name="desktop", buttons=True)


class ChannelUrl(Secret[str]):
    """A URL of which nothing but the scheme is ever shown."""

    def _display(self) -> str:
        return f"{urls.scheme_of(self.get_secret_value())}://{HIDDEN}"


def _expanded(path: Any) -> Any:
    # systemd hands a credential over in a folder that only $CREDENTIALS_DIRECTORY names.
    return os.path.expandvars(path) if isinstance(path, str) else path


class NotifySettings(Settings):
    """`[plugins.notify]`."""

    desktop: bool = Field(
        default=True, description="Whether to use the desktop's notifications where there are any."
    )
    urls: tuple[ChannelUrl, ...] = Field(
        default=(), description="Apprise URLs; each is a channel of its own."
    )
    urls_file: Annotated[Path | None, BeforeValidator(_expanded)] = Field(
        default=None, description="A file with more of them, one a line."
    )


class Notify:
    """The bundled channels."""

    name = "notify"
    Settings = NotifySettings

    def channels(self, ctx: Context[NotifySettings]) -> Iterator[Channel]:
        """Yield the journal, the desktop if there is one, and each URL.

        Raises ValueError, once all others are told, for what should be a URL and is none.
        """
        yield JOURNAL
        if ctx.settings.desktop and _has_desktop(ctx):
            yield DESKTOP
        found, wrong = _urls(ctx.settings)
        for url in found:
            if trouble := urls.trouble_with(url.text):
                wrong.append(f"plugins.notify.{url.origin}: {trouble}")
            else:
                yield Channel(id=url.id, name=url.name)
        if wrong:
            raise ValueError("; ".join(wrong))

    def notify(
        self, ctx: Context[NotifySettings], notification: Notification
    ) -> Iterator[Delivered | Pressed]:
        """Hand the notification to the channel it is for; yield the buttons that are pressed."""
        match notification.channel:
            case JOURNAL.id | "":
                lines = [notification.title, *notification.body.splitlines()]
                ctx.log.info(
                    "%s", " | ".join(filter(None, (one_line(line, None) for line in lines)))
                )
                yield Delivered(JOURNAL.id)
            case DESKTOP.id:
                yield from desktop.show(desktop.session_bus() or "", notification, ctx.state)
            case channel:
                url = next((one for one in _urls(ctx.settings)[0] if one.id == channel), None)
                if url is None:
                    raise NotDelivered("this URL is no longer in the settings", again=False)
                urls.send(url.text, one_line(notification.title), plain(notification.body).strip())
                yield Delivered(channel)


def _has_desktop(ctx: Context[NotifySettings]) -> bool:
    """Tell whether anybody on the user's session bus shows notifications."""
    address = desktop.session_bus()
    try:
        return address is not None and desktop.is_there(address)
    except Exception as error:  # noqa: BLE001 - whatever ails the bus, it is no desktop
        ctx.log.info("no desktop: %s", one_line(f"{type(error).__name__}: {error}"))
        return False


def _urls(settings: NotifySettings) -> tuple[list[urls.Url], list[str]]:
    """Return the URLs of the settings and of the file, and what is wrong with the file."""
    given = [
        (url.get_secret_value(), f"urls, number {number}")
        for number, url in enumerate(settings.urls, start=1)
    ]
    wrong: list[str] = []
    file = settings.urls_file
    if file is not None:
        try:
            lines = file.read_text("utf-8").splitlines()
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "is no UTF-8"
            wrong.append(f"plugins.notify.urls_file: {file}: {reason}")
            lines = []
        given += [
            (text, f"urls_file, line {number}")
            for number, line in enumerate(lines, start=1)
            if (text := line.strip()) and not text.startswith("#")
        ]
    return urls.numbered(given), wrong


@hookimpl
def twind_register(register: Any) -> None:
    """Offer the channels."""
    register(Notify())
