"""`twind plugins accept`: the answer to a source whose deletions are held back."""

from __future__ import annotations

from typing import TYPE_CHECKING

from twind.cli.session import opened
from twind.daemon import client
from twind.errors import TwindError
from twind.store import sources

if TYPE_CHECKING:
    import argparse

    from twind.cli.output import Output

QUICK_S = 10.0


def accept(arguments: argparse.Namespace, out: Output) -> int:
    """Let the next sync of a source delete what it has lost; ask a running daemon for one now."""
    name = arguments.name
    with opened(arguments) as session:
        held = sources.accept(session.db, session.profile_id, name)
        home = session.home
    try:
        client.request(home, {"cmd": "sync", "plugins": [name], "wait": False}, QUICK_S)
    except TwindError:
        # Not running, or just now without that plugin: the word waits for its next sync.
        queued = False
    else:
        queued = True
    held = held.partition(";")[0]
    when = "now" if queued else "when twind runs"
    data = {"name": name, "held": held, "queued": queued}
    return out.done(data, f"{name} {held}; its next sync, {when}, may do so")
