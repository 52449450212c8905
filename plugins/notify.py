"""Notifications: always to the log, and to the desktop where there is one.

The desktop is whatever answers to org.freedesktop.Notifications on the user's session bus
(Desktop Notifications Specification 1.2, https://specifications.freedesktop.org/notification/).
"""

from __future__ import annotations

import asyncio
import contextlib
import html
import os
import re
import unicodedata
from pathlib import Path
from typing import TYPE_CHECKING, Any

from twind.api import Context, Delivered, Notification, Pressed, Settings, hookimpl

if TYPE_CHECKING:
    from collections.abc import Iterator

    from dbus_fast import Message
    from dbus_fast.aio import MessageBus

SERVICE = "org.freedesktop.Notifications"
OBJECT = "/org/freedesktop/Notifications"
BUS = "org.freedesktop.DBus"
BUS_OBJECT = "/org/freedesktop/DBus"
ANSWER_S = 10.0
"""How long the desktop may take to answer; it may have to start its server first."""

_ESCAPES = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]"  # CSI: colours, cursor
    r"|(?:\x1b[\]PX^_]|[\x9d\x90\x98\x9e\x9f])[^\x07\x1b\x9c]*(?:\x07|\x1b\\|\x9c)?"  # OSC and kin
    r"|\x1b[ -/]*[0-~]?"
)
_KEPT = "\n\u200c\u200d"  # lines, and the joiners that Persian and emoji need


class NotifySettings(Settings):
    """`[plugins.notify]`."""

    desktop: bool = True
    """Whether notifications appear on the desktop, where there is one."""


class Notify:
    """The bundled channel."""

    name = "notify"
    Settings = NotifySettings

    def notify(
        self, ctx: Context[NotifySettings], notification: Notification
    ) -> Iterator[Delivered | Pressed]:
        """Log the notification, show it, and yield the buttons pressed within `listen_s`.

        One that is still shown from before is closed, since nobody hears its buttons any more;
        `ctx.state` remembers it. A desktop that fails is logged and is no error: the message is
        not lost.
        """
        lines = [notification.title, *notification.body.splitlines()]
        ctx.log.info("%s", " | ".join(filter(None, (_plain(line) for line in lines))))
        address = _session_bus() if ctx.settings.desktop else None
        shown = False
        if address is not None:
            try:
                # "delivered" is said once it is out on both: whoever hears it may let go of us.
                for event in _on_desktop(address, notification, ctx.state):
                    if not shown:
                        shown = True
                        yield Delivered("journal")
                    yield event
            except Exception as error:  # noqa: BLE001 - whatever ails the desktop, the log has it
                ctx.log.warning("no notification on the desktop: %s", _plain(_reason(error)))
        if not shown:
            yield Delivered("journal")


def _session_bus() -> str | None:
    """Return the address of the user's session bus, or None."""
    if address := os.environ.get("DBUS_SESSION_BUS_ADDRESS"):
        return address
    socket = Path(f"/run/user/{os.getuid()}/bus")
    try:
        return f"unix:path={socket}" if socket.is_socket() else None
    except OSError:
        return None


def _on_desktop(
    address: str, notification: Notification, state: dict[str, Any]
) -> Iterator[Delivered | Pressed]:
    with asyncio.Runner() as runner:
        desktop = runner.run(_connect(address))
        try:
            runner.run(_within(ANSWER_S, desktop.show(notification)))
            state["shown"] = runner.run(_within(ANSWER_S, desktop.succeed(state.get("shown"))))
            yield Delivered("desktop")
            if not notification.listen_s > 0 or not desktop.buttons:
                return
            end = runner.get_loop().time() + notification.listen_s
            while button := runner.run(desktop.pressed(until=end)):
                yield Pressed(button)
            if runner.get_loop().time() >= end:
                runner.run(_within(ANSWER_S, desktop.show(notification, buttons=False)))
        finally:
            runner.run(desktop.close())


async def _within(seconds: float, work: Any) -> Any:
    async with asyncio.timeout(seconds):
        return await work


async def _connect(address: str) -> _Desktop:
    from dbus_fast.aio import MessageBus

    bus = MessageBus(bus_address=address)
    await _within(ANSWER_S, bus.connect())
    return _Desktop(bus)


class _Desktop:
    """A connection to the session bus that shows one notification.

    Attributes:
        buttons: the ids of the buttons it bears; empty where the server shows none.

    """

    def __init__(self, bus: MessageBus) -> None:
        self._bus = bus
        self._signals: asyncio.Queue[Message | None] = asyncio.Queue()
        self._watcher = asyncio.create_task(self._until_disconnected())
        self._server: str | None = None
        self._id = 0
        self.buttons: frozenset[str] = frozenset()

    async def show(self, notification: Notification, *, buttons: bool = True) -> None:
        """Hand the notification to the desktop, in place of what this connection has shown."""
        from dbus_fast import Variant

        if not self._id:
            await self._listen()
        [capabilities] = (await self._call("GetCapabilities")).body
        title, body = _plain(notification.title), _plain(notification.body)
        if "body" not in capabilities and body:
            title, body = f"{title}: {' '.join(body.split())}", ""
        if "body-markup" in capabilities:
            body = html.escape(body, quote=False)
        shown = notification.buttons if buttons and "actions" in capabilities else ()
        actions = [text for button in shown for text in (button.id, _plain(button.label))]
        hints = {"urgency": Variant("y", 1)}  # normal
        reply = await self._call(
            "Notify",
            "susssasa{sv}i",
            ["twind", self._id, "", title, body, actions, hints, -1],
        )
        self._server, [self._id] = reply.sender, reply.body
        self.buttons = frozenset(button.id for button in shown)

    async def succeed(self, before: Any) -> list[Any] | None:
        """Close what was shown `before`; return what tells the next one of this, as JSON.

        None where this bears no buttons. A number means something to one server on one bus only.
        """
        from dbus_fast import DBusError

        [bus] = (await self._call("GetId", service=BUS, path=BUS_OBJECT)).body
        if isinstance(before, list) and before[:2] == [bus, self._server]:
            with contextlib.suppress(DBusError):  # It is gone already.
                await self._call("CloseNotification", "u", before[2:])
        return [bus, self._server, self._id] if self.buttons else None

    async def pressed(self, until: float) -> str | None:
        """Return the id of the next button pressed; None once it is closed or time is up.

        `until` is a time of the event loop's clock, in seconds.
        """
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout_at(until):
                while (signal := await self._signals.get()) and not self._is_end(signal):
                    if self._is_ours(signal, "ActionInvoked") and signal.body[1] in self.buttons:
                        return str(signal.body[1])
        return None

    async def close(self) -> None:
        """Leave the bus; the notification stays."""
        if self._bus.connected:
            self._bus.disconnect()
        with contextlib.suppress(TimeoutError):
            await _within(ANSWER_S, self._watcher)

    async def _until_disconnected(self) -> None:
        with contextlib.suppress(Exception):
            await self._bus.wait_for_disconnect()  # type: ignore[no-untyped-call]
        self._signals.put_nowait(None)

    def _is_ours(self, signal: Message, member: str) -> bool:
        return (
            signal.member == member
            and signal.interface == SERVICE
            and signal.sender == self._server
            and signal.body[:1] == [self._id]
        )

    def _is_end(self, signal: Message) -> bool:
        if signal.member == "NameOwnerChanged":  # the server is gone, and its buttons with it
            return signal.sender == BUS and signal.body[:1] == [self._server]
        return self._is_ours(signal, "NotificationClosed")

    async def _listen(self) -> None:
        """Start to collect signals: before the message is out, so that no button is missed."""
        from dbus_fast import MessageType

        def collect(message: Message) -> None:
            if message.message_type is MessageType.SIGNAL:
                self._signals.put_nowait(message)

        self._bus.add_message_handler(collect)
        for rule in (
            f"type='signal',interface='{SERVICE}',path='{OBJECT}'",
            f"type='signal',sender='{BUS}',member='NameOwnerChanged'",
        ):
            await self._call("AddMatch", "s", [rule], service=BUS, path=BUS_OBJECT)

    async def _call(
        self,
        member: str,
        signature: str = "",
        body: list[Any] | None = None,
        *,
        service: str = SERVICE,
        path: str = OBJECT,
    ) -> Message:
        from dbus_fast import DBusError, Message, MessageType

        reply = await self._bus.call(
            Message(
                destination=service,
                path=path,
                interface=service,
                member=member,
                signature=signature,
                body=body or [],
            )
        )
        if reply.message_type is MessageType.ERROR:
            text = str(reply.body[0]) if reply.body else ""
            raise DBusError(reply.error_name or BUS, text)
        return reply


def _plain(text: str) -> str:
    """Return `text` without escape sequences, control and bidi characters; line ends are kept."""
    text = _ESCAPES.sub("", text).replace("\t", " ")
    # Cc controls, Cf formats (bidi among them), Cs lone surrogates, Zl and Zp line separators.
    hidden = {"Cc", "Cf", "Cs", "Zl", "Zp"}
    return "".join(c for c in text if c in _KEPT or unicodedata.category(c) not in hidden).strip()


def _reason(error: Exception) -> str:
    return " ".join(f"{type(error).__name__}: {error}".removesuffix(": ").split())


@hookimpl
def twind_register(register: Any) -> None:
    """Offer the channel."""
    register(Notify())
