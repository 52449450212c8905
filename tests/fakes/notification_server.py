"""A notification server for tests: org.freedesktop.Notifications on the session bus.

Prints one JSON object a line: {"event": "up"}, then one for each Notify. Environment:
CAPABILITIES (comma-separated), PRESS (ids of buttons to press, comma-separated, as soon as the
notification is up), THEN ("close", "leave", or "die": what it does after that).
"""

from __future__ import annotations

import asyncio
import json
import os
from typing import Annotated

from dbus_fast import Message, MessageType
from dbus_fast.aio import MessageBus
from dbus_fast.annotations import DBusSignature
from dbus_fast.service import ServiceInterface, dbus_method

NAME = "org.freedesktop.Notifications"
PATH = "/org/freedesktop/Notifications"

Text = Annotated[str, DBusSignature("s")]
Texts = Annotated[list, DBusSignature("as")]
Number = Annotated[int, DBusSignature("u")]
Signed = Annotated[int, DBusSignature("i")]
Hints = Annotated[dict, DBusSignature("a{sv}")]


class Server(ServiceInterface):
    def __init__(self, bus: MessageBus) -> None:
        super().__init__(NAME)
        self.bus = bus
        self.last = 40

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
        self.last += 1
        plain = {key: variant.value for key, variant in hints.items()}
        tell(event="notify", app=app, summary=summary, body=body, actions=actions, hints=plain)
        asyncio.get_running_loop().call_soon(self.react, self.last)
        return self.last

    def react(self, number: int) -> None:
        # Another notification's button and close first: they must not be taken for ours.
        self.signal("ActionInvoked", "us", [number + 1, "accept"])
        self.signal("NotificationClosed", "uu", [number + 1, 2])
        for button in filter(None, os.environ.get("PRESS", "").split(",")):
            self.signal("ActionInvoked", "us", [number, button])
        match os.environ.get("THEN"):
            case "close":
                self.signal("NotificationClosed", "uu", [number, 2])
            case "die":
                self.bus.disconnect()

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
    bus.export(PATH, Server(bus))
    await bus.request_name(NAME)
    tell(event="up")
    await bus.wait_for_disconnect()


if __name__ == "__main__":
    asyncio.run(main())
