"""Read the sources and bring the records up to them.

Each source is read in a process of its own, which has no part in the database, and is a transaction
of its own: records, errors, and the plugin's state go in together or not at all. One source's
failure is that source's alone. A source that would delete a large part of what it had is held back:
what is new and changed lands, and the user is asked once.
"""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any

from twind import messages, overtaken, plugins
from twind.clock import parse_utc
from twind.errors import NotFoundError, PluginError
from twind.store import outbox, records, sources, words

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime, timedelta

    from twind.api import Window
    from twind.jobs.work import Work

log = logging.getLogger("twind.sync")


def run(work: Work) -> dict[str, Any]:
    """Sync all plugins that fetch, or those named in args["plugins"].

    args["inspected"] is what an inspection says of the plugins; without it they are inspected.

    Returns {"plugins": {name: counts or {"error": reason}}}. Raises NotFoundError for a name that
    no plugin has, PluginError with its reason for one that failed to load.
    """
    inspected = work.args.get("inspected")
    if inspected is None:
        inspected = plugins.inspect(work.home, work.settings, work.clock.now())["plugins"]
    files = _files(inspected, work.args.get("plugins"))
    forgotten = [name for name in files if _is_forgotten(work, name)]
    results: dict[str, Any] = {}
    if work.args.get("plugins") is not None:
        results = {name: _left_alone(name) for name in forgotten}
    asks = [_ask(work, name, file) for name, file in files.items() if name not in forgotten]
    troubled = {name for name, one in _health(work).items() if one["trouble"]}
    # What hangs does so again, and may keep those waiting that come after it.
    asks.sort(key=lambda ask: ask.name in troubled)
    for done, (ask, reading) in enumerate(plugins.read_all(work.home, work.settings, asks), 1):
        results[ask.name] = _take(work, ask.name, ask.window, reading)
        work.progress({"source": ask.name, "done": done, "of": len(asks)})
    return {"plugins": results}


def _files(inspected: Sequence[dict[str, Any]], names: Sequence[str] | None) -> dict[str, Path]:
    """Return the files of the plugins that are to be read, by their names."""
    working = {one["name"]: one for one in inspected if one["state"] == "ok"}
    others = {one["name"]: one for one in inspected if one["name"] not in working}
    for name in names or ():
        if name in working:
            continue
        if name not in others:
            known = ", ".join(one["name"] for one in inspected)
            raise NotFoundError(f"there is no plugin {name}; there are {known}")
        if others[name]["state"] == "failed":
            raise PluginError(f"{name} failed to load: {others[name]['error']}")
    return {
        name: Path(one["file"])
        for name, one in working.items()
        if "fetch" in one["abilities"] and (names is None or name in names)
    }


def _ask(work: Work, name: str, file: Path) -> plugins.Ask:
    state = sources.state(work.db, work.profile_id, name)
    now = work.clock.now()
    return plugins.Ask(name, file, plugins.window(now, work.settings.zone), now, state)


def _is_forgotten(work: Work, name: str) -> bool:
    return words.is_forgotten(work.db, work.profile_id, name)


def _left_alone(name: str) -> dict[str, Any]:
    return {**records.Changes().as_json(), "error": sources.forgotten(name)}


def _health(work: Work) -> dict[str, dict[str, Any]]:
    return sources.health(work.db, work.profile_id)


def sync_one(work: Work, one: plugins.Loaded) -> dict[str, Any]:
    """Read one source in this process and bring its records up to it; return what changed."""
    if _is_forgotten(work, one.name):
        return _left_alone(one.name)
    ask = _ask(work, one.name, one.file)
    ctx = plugins.context(one, work.settings, ask.window, ask.now, ask.state)
    return _take(work, one.name, ask.window, plugins.read(one, ctx))


def _take(work: Work, name: str, span: Window, reading: plugins.Reading) -> dict[str, Any]:
    """Bring the records of a source up to what it gave; return what changed, as JSON.

    One that the user has had forgotten, while it was read, is left alone.
    """
    profile = work.profile_id
    before = _health(work).get(name, {})
    with work.db.transaction():
        work.check()
        if _is_forgotten(work, name):
            return _left_alone(name)
        changes = records.apply(
            work.db,
            profile,
            name,
            reading.fetched,
            (span.start, span.end),
            complete=not reading.failure,
        )
        if reading.refused is not None:
            told = f"{reading.failure}; once that is mended: twind ctl sync {name}"
            sources.failed(work.db, profile, name, told, needs_user=True)
            _tell(work, name, "refused", reading.refused)
        elif reading.failure:
            sources.failed(work.db, profile, name, reading.failure)
        elif changes.held:
            question = (
                f"{changes.held}; `twind plugins accept {name}` lets it, or restore the source"
            )
            sources.held(work.db, profile, name, question)
            if changes.newly_held:
                _tell(work, name, "held", changes.held)
        else:
            sources.succeeded(work.db, profile, name, reading.state, changes.records)
        after = _health(work)[name]
    if changes.added or changes.changed or changes.removed:
        _withdraw(work)
    _tell_once(name, before, after, work.clock.now())
    return {**changes.as_json(), **({"error": reading.failure} if reading.failure else {})}


def _withdraw(work: Work) -> None:
    """Withdraw what can no longer stand: until proposals are next made may be a day."""
    with work.db.transaction():
        work.check()
        overtaken.withdraw(work.db, work.profile_id)


def _tell(work: Work, name: str, about: str, said: str) -> None:
    """Tell the user of a source's trouble: once for each time it comes."""
    since = _health(work)[name][messages.SINCE[about]]
    outbox.put(
        work.db,
        work.profile_id,
        f"{about}:{work.profile_id}:{name}:{since}",
        messages.of_trouble(about, name, since, said),
    )


def _tell_once(name: str, before: dict[str, Any], after: dict[str, Any], now: datetime) -> None:
    """Log trouble when it comes, when it turns into another, and when it is over."""
    if after["trouble"]:
        level = logging.DEBUG if after["trouble"] == before.get("trouble") else logging.WARNING
        about = {"source": name, "event": "source_failed"}
        log.log(level, "%s: %s", name, after["last_error"], extra=about)
    elif before.get("trouble"):
        gone = duration(now - parse_utc(before["trouble_since"]))
        about = {"source": name, "event": "source_back"}
        log.info("%s is back, after %s", name, gone, extra=about)


def duration(span: timedelta) -> str:
    """Say a time span in its two largest units, from seconds to days."""
    left = max(0, int(span.total_seconds()))
    parts = []
    for unit, size in (("d", 86_400), ("h", 3600), ("min", 60), ("s", 1)):
        count, left = divmod(left, size)
        if count:
            parts.append(f"{count} {unit}")
        elif parts:
            break
    return " ".join(parts[:2]) or "0 s"
