"""Read the sources and bring the records up to them.

Each source is a transaction of its own: records, errors, and the plugin's state go in together or
not at all. One source's failure is that source's alone. A source that would delete a large part of
what it had is held back: what is new and changed lands, and the user is asked once.
"""

from __future__ import annotations

import logging
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from twind import messages, plugins
from twind.api import AuthenticationFailed, Window
from twind.clock import local_midnight, parse_utc
from twind.errors import NotFoundError, PluginError
from twind.plugins.fencing import message_of
from twind.store import outbox, records, sources, words

if TYPE_CHECKING:
    from datetime import datetime

    from twind.api import Context
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
    chosen = [one for one in chosen if wanted or not _is_forgotten(work, one.name)]
    results: dict[str, Any] = {}
    for number, one in enumerate(chosen):
        work.progress({"source": one.name, "done": number, "of": len(chosen)})
        results[one.name] = sync_one(work, one)
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


def _is_forgotten(work: Work, name: str) -> bool:
    return words.is_forgotten(work.db, work.profile_id, name)


def sync_one(work: Work, one: plugins.Loaded) -> dict[str, Any]:
    """Read one source and bring its records up to it; return what changed, as JSON.

    One that the user has had forgotten is left alone, also if they say so while it is read.
    """
    profile, name = work.profile_id, one.name
    if _is_forgotten(work, name):
        return {**records.Changes().as_json(), "error": sources.forgotten(name)}
    span = window(work)
    state = sources.state(work.db, profile, name)
    ctx = plugins.context(one, work.settings, span, work.clock.now(), state)
    fetched, failure = _fetch(one, ctx)
    before = sources.health(work.db, profile).get(name, {})
    with work.db.transaction():
        work.check()
        if _is_forgotten(work, name):
            return {**records.Changes().as_json(), "error": sources.forgotten(name)}
        changes = records.apply(
            work.db,
            profile,
            name,
            fetched,
            (span.start, span.end),
            complete=failure is None,
        )
        if failure is not None:
            cause = failure.__cause__
            refused = isinstance(cause, AuthenticationFailed)
            sources.failed(work.db, profile, name, str(failure), needs_user=refused)
            if cause is not None and refused:
                _tell(work, name, "refused", message_of(cause))
        elif changes.held:
            question = (
                f"{changes.held}; `twind plugins accept {name}` lets it, or restore the source"
            )
            sources.held(work.db, profile, name, question)
            if changes.newly_held:
                _tell(work, name, "held", changes.held)
        else:
            sources.succeeded(work.db, profile, name, ctx.state, changes.records)
        after = sources.health(work.db, profile)[name]
    _tell_once(name, before, after, work.clock.now())
    return {**changes.as_json(), **({"error": str(failure)} if failure else {})}


def _fetch(one: plugins.Loaded, ctx: Context[Any]) -> tuple[list[Fetched], PluginError | None]:
    """Return what a plugin yields, and what ended it early."""
    fetched: list[Fetched] = []
    try:
        for item in plugins.fetch(one, ctx):
            fetched.append(item)  # noqa: PERF402 - what came before a failure is good
    except PluginError as error:
        return fetched, error
    return fetched, None


def _tell(work: Work, name: str, about: str, said: str) -> None:
    """Tell the user of a source's trouble: once for each time it comes."""
    since = sources.health(work.db, work.profile_id)[name][messages.SINCE[about]]
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
