"""The desktop: whatever answers to org.freedesktop.Notifications on the user's session bus.

Desktop Notifications Specification 1.2, https://specifications.freedesktop.org/notification/.
"""

from __future__ import annotations

import asyncio
import contextlib
import html
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from twind.api import (
    Delivered,
    MaybeDelivered,
    NotDelivered,
    Notification,
    Pressed,
    one_line,
    plain,
)

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
_SILENT = frozenset(f"{BUS}.Error.{name}" for name in ("NoReply", "Timeout", "TimedOut"))
"""Errors of the bus: the server has had the message and said nothing."""


def session_bus() -> str | None:
    """Return the address of the user's session bus, or None."""
    if address := os.environ.get("DBUS_SESSION_BUS_ADDRESS"):
        return address
    socket = Path(f"/run/user/{os.getuid()}/bus")
    try:
        return f"unix:path={socket}" if socket.is_socket() else None
    except OSError:
        return None


def is_there(address: str) -> bool:
    """Tell whether anything on this bus shows notifications, or would be started to do so.

    Raises whatever ails the bus.
    """
    with asyncio.Runner() as runner:
        desktop = runner.run(_connect(address))
        try:
            return bool(runner.run(_within(ANSWER_S, desktop.is_served())))
        finally:
            runner.run(desktop.close())


def show(
    address: str, notification: Notification, state: dict[str, Any]
) -> Iterator[Delivered | Pressed]:
    """Show the notification, and yield the buttons pressed within `listen_s`.

    One that is still shown from before is closed, since nobody hears its buttons any more; `state`
    remembers it. Raises NotDelivered or MaybeDelivered.
    """
    with asyncio.Runner() as runner:
        desktop = runner.run(_opened(address))
        try:
            runner.run(desktop.show(notification))
            # It is shown, whatever becomes of the one before.
            with contextlib.suppress(Exception):
                state["shown"] = runner.run(_within(ANSWER_S, desktop.succeed(state.get("shown"))))
            yield Delivered(notification.channel)
            if not notification.listen_s > 0 or not desktop.buttons:
                return
            end = runner.get_loop().time() + notification.listen_s
            while button := runner.run(desktop.pressed(until=end)):
                yield Pressed(button)
            if runner.get_loop().time() >= end:
                runner.run(desktop.show(notification, buttons=False))
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


async def _opened(address: str) -> _Desktop:
    """Connect and learn what the server can: up to here, nothing has been said."""
    try:
        desktop = await _connect(address)
        try:
            await _within(ANSWER_S, desktop.open())
        except BaseException:
            await desktop.close()
            raise
    except Exception as error:
        raise NotDelivered(_reason(error)) from error
    return desktop


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
        self._capabilities: list[str] = []
        self._id = 0
        self.buttons: frozenset[str] = frozenset()

    async def is_served(self) -> bool:
        """Tell whether the server runs, or would be started by a message to it."""
        names: set[str] = set()
        for member in ("ListNames", "ListActivatableNames"):
            [known] = (await self._call(member, service=BUS, path=BUS_OBJECT)).body
            names.update(known)
        return SERVICE in names

    async def open(self) -> None:
        """Start to hear the server, before anything is shown, and ask what it can."""
        await self._listen()
        [self._capabilities] = (await self._call("GetCapabilities")).body

    async def show(self, notification: Notification, *, buttons: bool = True) -> None:
        """Hand the notification to the desktop, in place of what this connection has shown.

        Raises NotDelivered where the server refuses it, MaybeDelivered where it does not answer.
        """
        from dbus_fast import DBusError, Variant

        title, body = one_line(notification.title), plain(notification.body).strip()
        if "body" not in self._capabilities and body:
            title, body = f"{title}: {one_line(body, None)}", ""
        if "body-markup" in self._capabilities:
            body = html.escape(body, quote=False)
        shown = notification.buttons if buttons and "actions" in self._capabilities else ()
        actions = [text for button in shown for text in (button.id, one_line(button.label))]
        hints = {"urgency": Variant("y", 1)}  # normal
        message = ["twind", self._id, "", title, body, actions, hints, -1]
        try:
            reply = await _within(ANSWER_S, self._call("Notify", "susssasa{sv}i", message))
        except DBusError as error:
            if error.type in _SILENT:
                raise MaybeDelivered(f"no answer: {_reason(error)}") from error
            raise NotDelivered(_reason(error)) from error
        except Exception as error:
            raise MaybeDelivered(f"no answer: {_reason(error)}") from error
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


def _reason(error: Exception) -> str:
    return one_line(f"{type(error).__name__}: {error}".removesuffix(": "))
