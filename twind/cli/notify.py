"""`twind notify`: the ways to you, how they fare, and a trial."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from twind.cli.output import FAILED, say, say_json
from twind.cli.processes import run_job
from twind.cli.session import opened
from twind.clock import parse_utc, when
from twind.home import Home
from twind.store import outbox

if TYPE_CHECKING:
    import argparse

    from twind.cli.output import Output


def channels(arguments: argparse.Namespace, out: Output) -> int:
    """List the channels, or send a trial message through them; nothing of that is stored."""
    return _test(arguments, out) if arguments.test else _list(arguments, out)


def _list(arguments: argparse.Namespace, out: Output) -> int:
    with opened(arguments) as session:
        found = run_job(session.home, "inspect")["plugins"]
        known = {
            (one["plugin"], one["channel"]): one
            for one in outbox.by_channel(session.db, session.profile_id)
        }
        counts = outbox.counts(session.db)
        zone = session.settings.zone
    told = []
    for plugin in found:
        for name in plugin["channels"]:
            if arguments.channel and name not in arguments.channel:
                continue
            fared = known.get((plugin["name"], name), {})
            at = fared.get("last_sent_at")
            told.append(
                {
                    "channel": name,
                    "plugin": plugin["name"],
                    "last_sent_at": parse_utc(at).astimezone(zone).isoformat() if at else None,
                    "last_error": fared.get("last_error"),
                }
            )
    problems = [one["error"] for one in found if one["error"] and "notify" in one["abilities"]]
    data = {"channels": told, "messages": counts, "problems": problems}
    return out.done(data, "\n".join(_lines(data)))


def _lines(data: dict[str, Any]) -> list[str]:
    lines = [f"{one['channel']:<14} {_fared(one)}" for one in data["channels"]] or [
        "no plugin delivers anything"
    ]
    lines += [f"{'':<14} {problem}" for problem in data["problems"]]
    counts = ", ".join(f"{count} {state}" for state, count in sorted(data["messages"].items()))
    return [*lines, f"{'messages':<14} {counts or 'none yet'}"]


def _fared(one: dict[str, Any]) -> str:
    sent = f"last at {when(one['last_sent_at'])}" if one["last_sent_at"] else "nothing sent yet"
    return f"{sent}; {one['last_error']}" if one["last_error"] else sent


def _test(arguments: argparse.Namespace, out: Output) -> int:
    told = run_job(Home.find(arguments.home), "notify", {"trial": arguments.channel})
    failed = [
        *(f"{one['channel']}: {one['error']}" for one in told["channels"] if one["error"]),
        *told["problems"],
    ]
    if not out.as_json:
        for one in told["channels"]:
            say(f"{one['channel']:<14} {one['error'] or 'has taken it'}")
    if not failed:
        return out.done(told)
    if out.as_json:
        error = {"code": "not_delivered", "message": "; ".join(failed)}
        say_json({"ok": False, "error": error, "data": told})
    for problem in () if out.as_json else told["problems"]:
        say(f"twind: {problem}", aside=True)
    return FAILED
