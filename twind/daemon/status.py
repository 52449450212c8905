"""What `twind ctl status` says: what the database knows, and what only the daemon does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from twind import __version__
from twind.clock import parse_utc

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime
    from zoneinfo import ZoneInfo

_NEVER_RUN: dict[str, Any] = {"records": 0, "errors": 0, "last_ok_at": None, "last_error": None}


def build(
    summary: Mapping[str, Any],
    plugins: Iterable[Mapping[str, Any]],
    *,
    zone: ZoneInfo,
    uptime_s: float,
    paused_until: str | None,
    upcoming: Iterable[tuple[str, datetime]],
    running: Iterable[Mapping[str, Any]],
    problem: str | None,
    waiting: str | None,
    interrupted: Mapping[str, Any] | None,
    watching: str,
) -> dict[str, Any]:
    """Return the status as JSON; its shape is the command line's contract.

    Args:
        summary: `twind.store.status.summary`.
        plugins: what the last inspection found: {"name", "state", "error", "abilities", "file"}.
        zone: times are told on this clock.
        uptime_s: seconds since the daemon serves.
        paused_until: None, "forever" or an ISO time.
        upcoming: (job, moment) pairs; the soonest comes first in the status.
        running: {"id", "job", "progress"} of the jobs at work.
        problem: what is wrong with the configuration or the plugins as a whole.
        waiting: what queued jobs wait for, other than their turn.
        interrupted: where the daemon before this one was killed or lost its power, {"again": names
            of the jobs that are done again, "uncertain": how many messages may have been sent}.
        watching: "events" or "polling".

    """
    data = dict(summary)
    sources = data.pop("sources", {})
    data["plugins"] = plugin_lines(plugins, sources, zone, paused=paused_until is not None)
    for name in ("recovered", "mended_model"):
        if told := data.get(name):
            times = {key: local(told[key], zone) for key in ("at", "made_at") if told.get(key)}
            data[name] = told | times
    data["failures"] = [{**one, "at": local(one["at"], zone)} for one in data.get("failures") or ()]
    for name in ("model", "last_training"):
        if isinstance(data.get(name), dict):
            data[name] = {**data[name], "trained_at": local(data[name].get("trained_at"), zone)}
    return {
        "version": __version__,
        "uptime_s": uptime_s,
        **data,
        "next": [
            {"job": job, "at": at.astimezone(zone).isoformat()}
            for job, at in sorted(upcoming, key=lambda item: item[1])
        ],
        "running": [dict(job) for job in running],
        "paused": paused_until if paused_until == "forever" else local(paused_until, zone),
        "problem": problem,
        "waiting": waiting,
        "interrupted": None if interrupted is None else dict(interrupted),
        "watching": watching,
    }


def plugin_lines(
    plugins: Iterable[Mapping[str, Any]],
    sources: Mapping[str, Mapping[str, Any]],
    zone: ZoneInfo,
    *,
    paused: bool,
) -> list[dict[str, Any]]:
    """Return one line for each plugin that was found: {name, state, records, errors, …}.

    paused: by its settings, whatever became of it before, as a source that the user has had
    forgotten, or with all of twind. failed: it could
    not be loaded, or has never synced and its last try failed. degraded: records it could not read,
    or a last sync that failed.
    """
    lines = []
    for plugin in plugins:
        source = {**_NEVER_RUN, **sources.get(plugin["name"], {})}
        error = plugin.get("error") or source["last_error"]
        lines.append(
            {
                "name": plugin["name"],
                "state": _state(plugin, source, paused=paused),
                "records": source["records"],
                "errors": source["errors"],
                "last_ok_at": local(source["last_ok_at"], zone),
                "last_error": error,
                "abilities": list(plugin.get("abilities") or ()),
                "file": plugin.get("file"),
            }
        )
    return lines


def _state(plugin: Mapping[str, Any], source: Mapping[str, Any], *, paused: bool) -> str:
    if plugin.get("state") in {"failed", "paused"}:
        return str(plugin["state"])
    if source.get("forgotten"):
        return "paused"
    if source["last_error"] and source["last_ok_at"] is None:
        return "failed"
    if paused:
        return "paused"
    if source["errors"] or source["last_error"] or plugin.get("error"):
        return "degraded"
    return "ok"


def local(stored: str | None, zone: ZoneInfo) -> str | None:
    """Return a stored time as ISO 8601 on the user's clock, with its offset."""
    return None if stored is None else parse_utc(stored).astimezone(zone).isoformat()
