"""How every command reports: text for people, or one JSON object."""

from __future__ import annotations

import codecs
import io
import json
import sys
from typing import TYPE_CHECKING, Any

from twind.plaintext import as_json, counted, shown

if TYPE_CHECKING:
    from twind.errors import TwindError

FAILED, USAGE, NOT_RUNNING = 1, 2, 3


class Output:
    """Where a command puts its results: data on stdout, all else on stderr."""

    def __init__(self, *, as_json: bool) -> None:
        self.as_json = as_json

    def done(self, data: Any, text: str | None = None) -> int:
        """Report success: `data` as JSON, or `text` for people."""
        if self.as_json:
            say_json({"ok": True, "data": data})
        elif text is not None:
            say(text)
        return 0

    def found(self, data: Any, text: str, message: str) -> int:
        """Report findings, which is no failure to look: the error's code tells the two apart."""
        if self.as_json:
            error = {"code": "findings", "message": message}
            say_json({"ok": False, "error": error, "data": data})
        else:
            say(text)
            say(f"twind: {message}", aside=True)
        return FAILED

    def fail(self, error: TwindError) -> int:
        """Report an error in one line and return the exit status it means."""
        if self.as_json:
            shape = {"ok": False, "error": {"code": error.code, "message": str(error)}}
            say_json(shape)
        else:
            say(f"twind: {error}", aside=True)
        return {"not_running": NOT_RUNNING, "usage": USAGE}.get(error.code, FAILED)

    def note(self, text: str) -> None:
        """Say something that is not the result."""
        say(text, aside=True)


def spell_out() -> None:
    """Have stdout write what its encoding has no letter for as a number, like stderr does anyway.

    Titles have letters that a terminal in another locale does not know: no reason to say nothing.
    """
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")


def say(text: str, *, aside: bool = False) -> None:
    """Print a text, harmless whoever wrote its parts; `aside`: what is not the result, on stderr.

    Nothing in the command line prints otherwise.
    """
    print(shown(text), file=sys.stderr if aside else sys.stdout, flush=aside)


def say_json(value: Any) -> None:
    """Print a result as one line of JSON, in ASCII where stdout is not UTF-8."""
    encoding = sys.stdout.encoding or "utf-8"
    print(as_json(value) if codecs.lookup(encoding).name == "utf-8" else json.dumps(value))


def plugin_line(one: dict[str, Any]) -> str:
    """Return how a plugin is, as status and list have it, and where there is more about that."""
    records = counted(one["records"], "record")
    wrong = f", {one['errors']} could not be read" if one["errors"] else ""
    last = f"; {one['last_error']}" if one["last_error"] else ""
    more = f" (twind plugins show {one['name']})" if wrong or last else ""
    return f"{one['name']:<14} {one['state']:<9} {records:>14}{wrong}{last}{more}"


def told_withdrawn(count: int) -> str:
    """Say how many proposals a word has withdrawn; nothing for none."""
    return f"; {counted(count, 'proposal')} withdrawn" if count else ""
