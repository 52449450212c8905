"""How every command reports: text for people, or one JSON object."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

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
            print(json.dumps({"ok": True, "data": data}, ensure_ascii=False))
        elif text is not None:
            print(clean(text))
        return 0

    def found(self, data: Any, text: str, message: str) -> int:
        """Report findings, which is no failure to look: the error's code tells the two apart."""
        if self.as_json:
            error = {"code": "findings", "message": message}
            print(json.dumps({"ok": False, "error": error, "data": data}, ensure_ascii=False))
        else:
            print(clean(text))
            print(f"twind: {clean(message)}", file=sys.stderr)
        return FAILED

    def fail(self, error: TwindError) -> int:
        """Report an error in one line and return the exit status it means."""
        if self.as_json:
            shape = {"ok": False, "error": {"code": error.code, "message": str(error)}}
            print(json.dumps(shape, ensure_ascii=False))
        else:
            print(f"twind: {clean(str(error))}", file=sys.stderr)
        return {"not_running": NOT_RUNNING, "usage": USAGE}.get(error.code, FAILED)

    def note(self, text: str) -> None:
        """Say something that is not the result."""
        print(clean(text), file=sys.stderr, flush=True)


def clean(text: str) -> str:
    """Return text that came from sources without what could command a terminal.

    Control characters (but for line ends and tabs) and bidirectional overrides become "�".
    """
    return "".join(
        character
        if character in "\n\t" or (character.isprintable() and not _overrides(character))
        else "�"
        for character in text
    )


def told_withdrawn(count: int) -> str:
    """Say how many proposals a word has withdrawn; nothing for none."""
    return f"; {count} proposal{'' if count == 1 else 's'} withdrawn" if count else ""


def _overrides(character: str) -> bool:
    return "\u202a" <= character <= "\u202e" or "\u2066" <= character <= "\u2069"
