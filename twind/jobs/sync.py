"""Read the sources and bring the records up to them.

Each source is a transaction of its own: records, errors, and the plugin's state go in together or
not at all. One source's failure is that source's alone.
"""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from twind import plugins
from twind.api import AuthenticationFailed, Window
from twind.clock import local_midnight
from twind.errors import NotFoundError, PluginError
from twind.store import records, sources

if TYPE_CHECKING:
    from twind.jobs.work import Work
    from twind.model import Fetched

PAST_DAYS = 180
FUTURE_DAYS = 90

log = logging.getLogger("twind.sync")


def run(work: Work) -> dict[str, Any]:
    """Sync all plugins that fetch, or those named in args["plugins"].

    Returns {"plugins": {name: counts or {"error": reason}}}. Raises NotFoundError for a name that
    no plugin has, PluginError with its reason for one that failed to load.
    """
    loaded = plugins.load(work.home, work.settings)
    wanted = work.args.get("plugins")
    chosen = loaded.working("fetch") if wanted is None else _named(loaded, wanted)
    results: dict[str, Any] = {}
    for number, one in enumerate(chosen):
        work.progress({"source": one.name, "done": number, "of": len(chosen)})
        results[one.name] = _sync_one(work, one)
    return {"plugins": results}


def _named(loaded: plugins.Plugins, names: list[str]) -> list[plugins.Loaded]:
    found = []
    for name in names:
        one = loaded.get(name)
        if one is None:
            known = ", ".join(plugin.name for plugin in loaded)
            raise NotFoundError(f"there is no plugin {name}; there are {known}")
        if one.state == "failed":
            raise PluginError(f"{name} failed to load: {one.error}")
        if one.state == "ok" and "fetch" in one.abilities:
            found.append(one)
    return found


def window(work: Work) -> Window:
    """Return what is fetched: whole days of the user's, so that it moves once a day."""
    zone = work.settings.zone
    today = work.clock.now().astimezone(zone).date()
    return Window(
        local_midnight(today - timedelta(days=PAST_DAYS), zone),
        local_midnight(today + timedelta(days=FUTURE_DAYS), zone),
    )


def _sync_one(work: Work, one: plugins.Loaded) -> dict[str, Any]:
    profile, name = work.profile_id, one.name
    span = window(work)
    state = sources.state(work.db, profile, name)
    ctx = plugins.context(one, work.settings, span, work.clock.now(), state)
    fetched: list[Fetched] = []
    failure: PluginError | None = None
    try:
        for item in plugins.fetch(one, ctx):
            fetched.append(item)  # noqa: PERF402 - what came before a failure is good
    except PluginError as error:
        failure = error
    before = sources.health(work.db, profile).get(name, {})
    with work.db.transaction():
        work.check()
        changes = records.apply(
            work.db,
            profile,
            name,
            fetched,
            (span.start, span.end),
            complete=failure is None,
        )
        if failure is not None:
            refused = isinstance(failure.__cause__, AuthenticationFailed)
            sources.failed(work.db, profile, name, str(failure), needs_user=refused)
        else:
            problem = f"{name} {changes.held}" if changes.held else ""
            sources.succeeded(work.db, profile, name, ctx.state, changes.records, problem)
    _tell_once(name, before.get("last_error"), str(failure) if failure else changes.held)
    return {**changes.as_json(), **({"error": str(failure)} if failure else {})}


def _tell_once(name: str, before: str | None, now: str) -> None:
    if now and not before:
        log.warning("%s: %s", name, now)
    elif before and not now:
        log.info("%s is back", name)
