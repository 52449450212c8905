"""Call a plugin's abilities, inside the fence."""

from __future__ import annotations

import contextlib
import json
import logging
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from twind import api
from twind.clock import local_midnight
from twind.errors import PluginError
from twind.model import (
    Channel,
    Delivered,
    Fetched,
    Notification,
    Pressed,
)
from twind.settings import base_folder

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime
    from zoneinfo import ZoneInfo

    from twind.home import Home
    from twind.plugins.loading import Loaded
    from twind.settings import TwindSettings

from twind.plaintext import one_line
from twind.plugins.fencing import BATCH, TOO_MUCH, fence, file_label, message_of, pull
from twind.plugins.validation import validate_records

PAST_DAYS, FUTURE_DAYS = 180, 90
"""How far back and ahead sources are read."""
MAX_WATCHED = 10_000
MAX_STATE = 64 << 20
"""How much a plugin may keep, as JSON. A calendar of a thousand files keeps a few MiB."""


def window(now: datetime, zone: ZoneInfo) -> api.Window:
    """Return what is fetched: whole days of the user's, so that it moves once a day."""
    today = now.astimezone(zone).date()
    return api.Window(
        local_midnight(today - timedelta(days=PAST_DAYS), zone),
        local_midnight(today + timedelta(days=FUTURE_DAYS), zone),
    )


def context(
    loaded: Loaded,
    settings: TwindSettings,
    window: api.Window,
    now: datetime,
    state: dict[str, Any] | None = None,
) -> api.Context[Any]:
    """Return what the plugin is called with; `state` is handed over as it is, to be changed."""
    return api.Context(
        settings=loaded.settings,
        window=window,
        now=now,
        timezone=settings.zone,
        emails=settings.emails,
        state={} if state is None else state,
        log=logging.getLogger(f"twind.plugin.{loaded.name}"),
    )


def fetch(loaded: Loaded, ctx: api.Context[Any]) -> Iterator[Fetched]:
    """Call the plugin's `fetch` and yield what it has, validated.

    Raises PluginError where the plugin raises: what came before is good, the rest is unknown. So it
    does at the end where `ctx.state` cannot be kept.
    """
    with fence(loaded.file):
        records = loaded.plugin.fetch(ctx)
    yield from validate_records(loaded, records)
    check_state(loaded, ctx.state)


def check_state(loaded: Loaded, state: Any) -> None:
    """Raise PluginError if what the plugin keeps cannot be kept: it must be a JSON object."""
    try:
        if not isinstance(state, dict):
            raise TypeError(f"it is a {type(state).__name__}")  # noqa: TRY301
        kept = json.dumps(state, ensure_ascii=False, sort_keys=True).encode("utf-8")
    except (TypeError, ValueError, RecursionError) as error:
        raise PluginError(
            f"{file_label(loaded.file)}: ctx.state is no JSON: {one_line(str(error))}"
        ) from error
    except MemoryError as error:
        raise PluginError(f"{file_label(loaded.file)}: ctx.state takes {TOO_MUCH}") from error
    if len(kept) > MAX_STATE:
        raise PluginError(
            f"{file_label(loaded.file)}: ctx.state is larger than {MAX_STATE >> 20} MiB"
        )


def deliver(
    loaded: Loaded, ctx: api.Context[Any], notification: Notification
) -> Iterator[Delivered | Pressed]:
    """Call the plugin's `notify` and yield each delivery and each button as it happens.

    Raises PluginError where the plugin raises or yields anything else.
    """
    with fence(loaded.file):
        events = loaded.plugin.notify(ctx, notification)
    buttons = {button.id for button in notification.buttons}
    with contextlib.closing(pull(loaded, events, "notify", 1)) as batches:
        for [event] in batches:
            match event:
                case Delivered(str()):
                    yield event
                case Pressed(button) if button in buttons:
                    yield event
                case _:
                    raise PluginError(
                        f"{file_label(loaded.file)}: notify yielded {one_line(repr(event))}, which "
                        "is neither Delivered nor Pressed with one of the notification's buttons"
                    )


def channels(loaded: Loaded, ctx: api.Context[Any]) -> tuple[list[Channel], str | None]:
    """Return the channels that the plugin's `notify` knows, and what is wrong with others.

    One that has no `channels` is a single one, and of its buttons nothing is known: it may have
    some. What it yields before it raises is good.
    """
    if "channels" not in loaded.abilities:
        return [Channel(id=loaded.name, buttons=True)], None
    found: dict[str, Channel] = {}
    try:
        with fence(loaded.file):
            given = loaded.plugin.channels(ctx)
        with contextlib.closing(pull(loaded, given, "channels", 1)) as batches:
            for [one] in batches:
                channel = _checked(loaded, one)
                found.setdefault(channel.id, channel)
    except PluginError as error:
        cause = error.__cause__
        # A ValueError is the plugin's word on its settings; anything else is told with its place.
        problem = message_of(cause) if isinstance(cause, ValueError) else str(error)
        return list(found.values()), problem
    return list(found.values()), None


def _checked(loaded: Loaded, channel: Any) -> Channel:
    match channel:
        case Channel(id=str(known), name=str()) if known.strip():
            return channel
    raise PluginError(
        f"{file_label(loaded.file)}: channels yielded {one_line(repr(channel))}, which is no "
        "Channel with an id and a name"
    )


def watch(loaded: Loaded, ctx: api.Context[Any], base: Path) -> list[Path]:
    """Return the absolute paths whose change means that `fetch` has something new.

    None where the plugin has no `watch`; they need not exist. Relative ones start at `base`. Raises
    PluginError.
    """
    if "watch" not in loaded.abilities:
        return []
    with fence(loaded.file):
        given = loaded.plugin.watch(ctx)
    paths: list[Path] = []
    with contextlib.closing(pull(loaded, given, "watch", BATCH)) as batches:
        for path in (path for batch in batches for path in batch):
            if not isinstance(path, str | Path) or not str(path) or "\0" in str(path):
                raise PluginError(
                    f"{file_label(loaded.file)}: watch gave {path!r}, which is no path"
                )
            with fence(loaded.file):  # ~nobody-of-this-name raises
                paths.append(base / Path(path).expanduser())
            if len(paths) > MAX_WATCHED:
                raise PluginError(
                    f"{file_label(loaded.file)}: watch gave more than {MAX_WATCHED} paths; "
                    "name their folder"
                )
    return list(dict.fromkeys(paths))


def describe(loaded: Loaded, home: Home, settings: TwindSettings, now: datetime) -> dict[str, Any]:
    """Return what the daemon needs to know of a plugin, as JSON.

    {"name", "state", "file", "abilities": [...], "error", "watch": [paths], "channels": [names]}. A
    `watch` that raises gives no paths and an `error`, `channels` those before it raises; the plugin
    stays in service.
    """
    error = loaded.error
    paths: list[Path] = []
    offered: list[Channel] = []
    if loaded.state == "ok":
        ctx = context(loaded, settings, api.Window(now, now), now)
        try:
            paths = watch(loaded, ctx, base_folder(home))
        except PluginError as failure:
            error = str(failure)
        if "notify" in loaded.abilities:
            offered, problem = channels(loaded, ctx)
            error = error or problem
    return {
        "name": loaded.name,
        "state": loaded.state,
        "file": str(loaded.file),
        "abilities": sorted(loaded.abilities),
        "error": error,
        "watch": [str(path) for path in paths],
        "channels": [channel.name or channel.id for channel in offered],
    }
