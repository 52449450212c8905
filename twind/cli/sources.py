"""`twind plugins accept`, `forget` and `restore`: the user's word on a whole source."""

from __future__ import annotations

from typing import TYPE_CHECKING

from twind.cli.output import told_withdrawn
from twind.cli.processes import run_job
from twind.cli.session import opened
from twind.daemon import client
from twind.errors import NotFoundError, TwindError
from twind.plaintext import counted
from twind.store import erased, ownership, sources

if TYPE_CHECKING:
    import argparse

    from twind.cli.output import Output
    from twind.home import Home

QUICK_S = 10.0


def accept(arguments: argparse.Namespace, out: Output) -> int:
    """Let the next sync of a source delete what it has lost; ask a running daemon for one now."""
    name = arguments.name
    with opened(arguments) as session:
        if name not in sources.health(session.db, session.profile_id):
            _check_is_there(session.home, name)
        held = sources.accept(session.db, session.profile_id, name)
        queued = _asked_to_sync(session.home, name)
    held = held.partition(";")[0]
    when = "now" if queued else "when twind runs"
    data = {"name": name, "held": held, "queued": queued}
    return out.done(data, f"{name} {held}; its next sync, {when}, may do so")


def forget(arguments: argparse.Namespace, out: Output) -> int:
    """Delete all that a source has brought, and have it read no more."""
    name = arguments.name
    with opened(arguments) as session:
        known = sources.health(session.db, session.profile_id)
        if known.get(name, {"forgotten": True})["forgotten"]:
            there = ", ".join(one for one in known if not known[one]["forgotten"]) or "none yet"
            raise NotFoundError(f"nothing is known from {name}; sources that were read: {there}")
        deleted, withdrawn = ownership.forget_source(session.db, session.profile_id, name)
        session.refresh()
    return out.done(
        {"name": name, "deleted": deleted, "withdrawn": withdrawn},
        f"{name} is forgotten: {counted(deleted, 'record')} deleted, and it is not read again"
        f"{told_withdrawn(withdrawn)}; `twind plugins restore {name}` takes that back",
    )


def restore(arguments: argparse.Namespace, out: Output) -> int:
    """Have a forgotten source read again; ask a running daemon for it now."""
    name = arguments.name
    with opened(arguments) as session:
        ownership.restore_source(session.db, session.profile_id, name)
        erased.keep(session.db, session.home)
        queued = _asked_to_sync(session.home, name)
    when = "now" if queued else "when twind runs"
    return out.done({"name": name, "queued": queued}, f"{name} is read again, {when}")


def _check_is_there(home: Home, name: str) -> None:
    """Raise NotFoundError where there is no plugin of that name."""
    there = [one["name"] for one in run_job(home, "inspect")["plugins"]]
    if name not in there:
        raise NotFoundError(f"there is no plugin {name}; there are {', '.join(there)}")


def _asked_to_sync(home: Home, name: str) -> bool:
    """Ask a running daemon to sync a source now; tell whether one does."""
    try:
        client.request(home, {"cmd": "sync", "plugins": [name], "wait": False}, QUICK_S)
    except TwindError:
        # Not running, or just now without that plugin: the word waits for its next sync.
        return False
    return True
