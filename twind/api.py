"""All that a plugin imports.

A plugin is any object with a `name` and one or more of these abilities:

    fetch(ctx) -> Iterable[Person | Project | Task | CalendarEvent
                           | RecordError | Unchanged | Deleted]
        Yield every record the source has for `ctx.window`. What is not yielded, and lies inside
        the window, is gone. `Unchanged(group)` stands for all records of that group.
    watch(ctx) -> Iterable[Path]
        Files and folders whose change means that `fetch` has something new.
    notify(ctx, notification) -> Iterable[Delivered | Pressed]
        Hand a message to the user; yield `Delivered` once it is out of your hands, and a `Pressed`
        for each button the user then presses. Raise `NotDelivered` where it surely is not.
    channels(ctx) -> Iterable[Channel]
        The ways to the user that `notify` knows, where there are several: it is then called for
        each of them, `notification.channel` says for which.
    act(ctx, proposal), undo(ctx, proposal)
        Carry out a proposal that the user has approved; take it back.

and, optionally, `Settings`: a class of its own settings, read from `[plugins.NAME]` in twind.toml.
A plugin whose source is files fetches through `Files`, which reads only what has changed.
An exception raised by any of them is the plugin's failure alone: the records it had stay.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Generic, TypeVar
from zoneinfo import ZoneInfo

import pluggy
from pydantic import BaseModel, ConfigDict, ValidationInfo, field_validator

from twind import ical
from twind.contentlines import Component, components, name_of
from twind.files import Claim, Fact, Files, SourceFile, files_under
from twind.model import (
    Attendee,
    Button,
    CalendarEvent,
    Channel,
    Deleted,
    Delivered,
    Fetched,
    Notification,
    Person,
    Pressed,
    Project,
    Proposal,
    RecordError,
    Task,
    Unchanged,
    is_own_event,
)
from twind.plaintext import one_line, plain

__all__ = [
    "Attendee",
    "AuthenticationFailed",
    "Button",
    "CalendarEvent",
    "Channel",
    "Claim",
    "Component",
    "Context",
    "Deleted",
    "Delivered",
    "Fact",
    "Fetched",
    "Files",
    "MaybeDelivered",
    "NotDelivered",
    "Notification",
    "Person",
    "Pressed",
    "Project",
    "Proposal",
    "RecordError",
    "Settings",
    "SourceFile",
    "Task",
    "Unchanged",
    "Window",
    "components",
    "files_under",
    "hookimpl",
    "ical",
    "is_own_event",
    "name_of",
    "one_line",
    "plain",
]

hookimpl = pluggy.HookimplMarker("twind")


class AuthenticationFailed(Exception):  # noqa: N818 - reads as what happened
    """Raise it from `fetch` when the source refuses the credentials: twind stops asking."""


class NotDelivered(Exception):  # noqa: N818 - reads as what happened
    """Raise it from `notify` when the message surely did not reach the user; say why.

    twind tries again later, while the message is of use; with `again=False` it does not, since
    nothing but the user can mend it.
    """

    def __init__(self, reason: str, *, again: bool = True) -> None:
        super().__init__(reason)
        self.again = again


class MaybeDelivered(Exception):  # noqa: N818
    """Raise it from `notify` when nobody can tell; say why. Nothing sends the message again.

    Any other exception that comes before `Delivered` counts the same.
    """


class Settings(BaseModel):
    """A plugin's settings. An unknown key is an error; `~` and relative paths are resolved.

    Relative paths start at the folder of twind.toml.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True)

    @field_validator("*", mode="after")
    @classmethod
    def _resolve_paths(cls, value: Any, info: ValidationInfo) -> Any:
        base = Path((info.context or {}).get("base", "."))
        if isinstance(value, list | tuple):
            return type(value)(_resolved(item, base) for item in value)
        return _resolved(value, base)


def _resolved(value: Any, base: Path) -> Any:
    if not isinstance(value, Path):
        return value
    try:
        return base / value.expanduser()
    except RuntimeError as error:
        raise ValueError(f"{value}: {error}") from error


@dataclass(frozen=True, slots=True)
class Window:
    """The stretch of time a fetch is about: [start, end), aware, in UTC."""

    start: datetime
    end: datetime


S = TypeVar("S", bound=Settings)


@dataclass(frozen=True, slots=True)
class Context(Generic[S]):
    """What the core hands to a plugin.

    Attributes:
        settings: the plugin's own `Settings`, validated.
        window: what to fetch.
        now: the present, in UTC.
        timezone: the user's zone; floating times belong to it.
        emails: the user's own addresses, lower case.
        state: JSON of the plugin's own, as it left it at its last good fetch; change it freely, it
            is saved together with the records and only if the whole fetch went well.
        log: a logger in the plugin's name.

    """

    settings: S
    window: Window
    now: datetime
    timezone: ZoneInfo = field(default_factory=lambda: ZoneInfo("UTC"))
    emails: frozenset[str] = frozenset()
    state: dict[str, Any] = field(default_factory=dict)
    log: logging.Logger = field(default_factory=lambda: logging.getLogger("twind.plugin"))
