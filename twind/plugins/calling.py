"""Call a plugin's abilities, inside the fence."""

from __future__ import annotations

import contextlib
import json
import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any

from twind import api
from twind.errors import PluginError
from twind.model import (
    Delivered,
    Fetched,
    Notification,
    Pressed,
)
from twind.settings import base_folder

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from twind.home import Home
    from twind.plugins.loading import Loaded, Plugins
    from twind.settings import TwindSettings

from twind.plugins.fencing import BATCH, fence, file_label, pull
from twind.plugins.text import one_line
from twind.plugins.validation import validate_records

MAX_WATCHED = 10_000


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
    _check_state(loaded, ctx)


def _check_state(loaded: Loaded, ctx: api.Context[Any]) -> None:
    """Raise PluginError if what the plugin keeps cannot be kept: it must be a JSON object."""
    try:
        if not isinstance(ctx.state, dict):
            raise TypeError(f"it is a {type(ctx.state).__name__}")  # noqa: TRY301
        json.dumps(ctx.state, ensure_ascii=False, sort_keys=True).encode("utf-8")
    except (TypeError, ValueError, RecursionError) as error:
        raise PluginError(
            f"{file_label(loaded.file)}: ctx.state is no JSON: {one_line(str(error))}"
        ) from error


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


def describe(
    plugins: Plugins, home: Home, settings: TwindSettings, now: datetime
) -> dict[str, Any]:
    """Return what the daemon needs to know of the plugins, as JSON.

    {"plugins": [{"name", "state", "file", "abilities": [...], "error", "watch": [paths]}],
    "folders": [the plugin folders, existing or not], "files": [the plugins' modules]}. A `watch`
    that raises gives no paths and an `error`; the plugin stays in service.
    """
    return {
        "plugins": [_described(loaded, home, settings, now) for loaded in plugins],
        "folders": [str(folder) for folder in home.plugin_dirs],
        "files": sorted({str(one.file) for one in plugins if one.file != home.config_file}),
    }


def _described(
    loaded: Loaded, home: Home, settings: TwindSettings, now: datetime
) -> dict[str, Any]:
    error = loaded.error
    paths: list[Path] = []
    if loaded.state == "ok":
        ctx = context(loaded, settings, api.Window(now, now), now)
        try:
            paths = watch(loaded, ctx, base_folder(home))
        except PluginError as failure:
            error = str(failure)
    return {
        "name": loaded.name,
        "state": loaded.state,
        "file": str(loaded.file),
        "abilities": sorted(loaded.abilities),
        "error": error,
        "watch": [str(path) for path in paths],
    }
