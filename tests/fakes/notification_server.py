"""A notification server for tests: org.freedesktop.Notifications on the session bus.

Prints one JSON object a line: {"event": "up"}, then one for each Notify and each CloseNotification.
Environment: CAPABILITIES (comma-separated), PRESS (ids of buttons to press, comma-separated, as
soon as the notification is up), THEN ("close", "leave", or "die": what it does after that; or
"refuse", "ignore": it takes none, and says so or does not),
HANDS (set: each line on stdin, "41 accept", presses a button).
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from typing import Annotated

from dbus_fast import DBusError, Message, MessageType
from dbus_fast.aio import MessageBus
from dbus_fast.annotations import DBusSignature
from dbus_fast.service import ServiceInterface, dbus_method

NAME = "org.freedesktop.Notifications"
PATH = "/org/freedesktop/Notifications"

Text = Annotated[str, DBusSignature("s")]
Texts = Annotated[list, DBusSignature("as")]
Number = Annotated[int, DBusSignature("u")]
Signed = Annotated[int, DBusSignature("i")]
Nothing = Annotated[None, DBusSignature("")]
Hints = Annotated[dict, DBusSignature("a{sv}")]


class Server(ServiceInterface):
    def __init__(self, bus: MessageBus) -> None:
        super().__init__(NAME)
        self.bus = bus
        self.last = 40
        self.shown: set[int] = set()
        self.pressed = b""

    @dbus_method("GetCapabilities")
    def capabilities(self) -> Texts:
        return [name for name in os.environ.get("CAPABILITIES", "").split(",") if name]

    @dbus_method("Notify")
    def notify(
        self,
        app: Text,
        replaces: Number,
        icon: Text,
        summary: Text,
        body: Text,
        actions: Texts,
        hints: Hints,
        timeout: Signed,
    ) -> Number:
        match os.environ.get("THEN"):
            case "refuse":
                raise DBusError(f"{NAME}.Error", "too much of it")
            case "ignore":
                signal.pause()
        plain = {key: variant.value for key, variant in hints.items()}
        if replaces not in self.shown:
            self.last += 1
        number = replaces if replaces in self.shown else self.last
        self.shown.add(number)
        tell(
            event="notify",
            id=number,
            app=app,
            summary=summary,
            body=body,
            actions=actions,
            hints=plain,
            replaces=replaces,
        )
        if not replaces:
            asyncio.get_running_loop().call_soon(self.react, number)
        return number

    @dbus_method("CloseNotification")
    def close(self, number: Number) -> Nothing:
        tell(event="close", id=number, shown=number in self.shown)
        if number not in self.shown:
            raise DBusError(f"{NAME}.Error", "")
        self.shown.remove(number)
        self.signal("NotificationClosed", "uu", [number, 3])

    def react(self, number: int) -> None:
        # Another notification's button and close first: they must not be taken for ours.
        self.signal("ActionInvoked", "us", [number + 1, "accept"])
        self.signal("NotificationClosed", "uu", [number + 1, 2])
        for button in filter(None, os.environ.get("PRESS", "").split(",")):
            self.signal("ActionInvoked", "us", [number, button])
        match os.environ.get("THEN"):
            case "close":
                self.shown.discard(number)
                self.signal("NotificationClosed", "uu", [number, 2])
            case "die":
                self.bus.disconnect()

    def press(self) -> None:
        chunk = os.read(sys.stdin.fileno(), 4096)
        if not chunk:
            asyncio.get_running_loop().remove_reader(sys.stdin)
        self.pressed += chunk
        *lines, self.pressed = self.pressed.split(b"\n")
        for line in lines:
            number, button = line.decode().split()
            self.signal("ActionInvoked", "us", [int(number), button])

    def signal(self, member: str, signature: str, body: list) -> None:
        self.bus.send(
            Message(
                message_type=MessageType.SIGNAL,
                path=PATH,
                interface=NAME,
                member=member,
                signature=signature,
                body=body,
            )
        )


def tell(**line) -> None:
    print(json.dumps(line), flush=True)  # noqa: T201 - the test reads it


async def main() -> None:
    bus = await MessageBus().connect()
    server = Server(bus)
    bus.export(PATH, server)
    await bus.request_name(NAME)
    if os.environ.get("HANDS"):
        asyncio.get_running_loop().add_reader(sys.stdin, server.press)
    tell(event="up")
    await bus.wait_for_disconnect()


if __name__ == "__main__":
    asyncio.run(main())
