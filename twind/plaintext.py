"""Other people's text, made harmless before it is kept, and again wherever it leaves.

A title may come from a stranger's invitation. What in it would command a terminal, start a header
or a line of the log, or make a text read otherwise than it is written, is defined here and nowhere
else: escape sequences, control characters, line separators, and what is invisible, the signs that
turn the direction of writing among it (Unicode's categories Cc, Cf, Cs, Zl and Zp). Joiners stay
where a script or an emoji needs them: between two characters beyond ASCII.
"""

from __future__ import annotations

import json
import re
import unicodedata
from typing import Any

MAX_LINE = 300
MARK = "\N{REPLACEMENT CHARACTER}"
"""What stands for a character that is not shown."""

_ESCAPES = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]"  # CSI: colours, cursor
    r"|(?:\x1b[\]PX^_]|[\x9d\x90\x98\x9e\x9f])[^\x07\x1b\x9c\n]*(?:\x07|\x1b\\|\x9c)?"  # OSC …
    r"|\x1b[!-/]*[0-~]?"
)
_LINE_END = re.compile("\r\n|[\r\v\f\x85\u2028\u2029]")
_JOINERS = "\u200c\u200d"
_LOOSE_JOINER = re.compile(
    rf"(?<![^\x00-\x7f{_JOINERS}])[{_JOINERS}]|[{_JOINERS}](?![^\x00-\x7f{_JOINERS}])"
)
_ACTING = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
# Signs of numbers, years and verses in Arabic, Syriac and Kaithi: formats, but seen.
_SEEN = frozenset("\u0600\u0601\u0602\u0603\u0604\u0605\u06dd\u070f\u08e2\U000110bd\U000110cd")


def plain(text: str) -> str:
    """Return `text` without anything that acts on whoever shows it; line ends are kept.

    Each is a line feed then, and a tab a blank. Plain text stays as it is.
    """
    if text.isprintable():
        return text
    # Half a character, from a name that is no UTF-8, becomes a question mark.
    text = text.encode("utf-8", "replace").decode("utf-8")
    text = _ESCAPES.sub("", _LINE_END.sub("\n", text)).replace("\t", " ")
    return _replaced(text, "\n", "")


def one_line(text: str, limit: int | None = MAX_LINE) -> str:
    """Return `text` as one plain line of at most `limit` characters; None: of any length."""
    line = " ".join(plain(text).split())
    return line if limit is None else cut(line, limit)


def cut(text: str, limit: int) -> str:
    """Return `text`, or as much of it as fits, with an ellipsis."""
    return text if len(text) <= limit else text[: limit - 1].rstrip() + "…"


def counted(count: int, thing: str, things: str = "") -> str:
    """Return "1 record" or "2 records"; `things` where the plural has more than an "s"."""
    return f"{count} {thing if count == 1 else things or thing + 's'}"


def every(days: float) -> str:
    """Return "every day" or "every 2 days", of at least one."""
    whole = max(1, round(days))
    return "every day" if whole == 1 else f"every {whole} days"


def shown(text: str) -> str:
    """Return a text of twind's own for a terminal or the log: MARK for each character that acts.

    Line ends and tabs are twind's, and stay.
    """
    return text if text.isprintable() else _replaced(text, "\n\t", MARK)


def as_json(value: Any) -> str:
    """Write a value as JSON on one line, with what acts escaped and all else readable."""
    written = json.dumps(value, ensure_ascii=False)
    if written.isprintable():
        return written
    # Outside of its strings JSON has nothing of the kind.
    return "".join(json.dumps(one)[1:-1] if _acts(one) else one for one in written)


def _replaced(text: str, kept: str, by: str) -> str:
    kept += _JOINERS
    text = "".join(one if one in kept or not _acts(one) else by for one in text)
    return _LOOSE_JOINER.sub(by, text)


def _acts(letter: str) -> bool:
    return (
        not letter.isprintable() and unicodedata.category(letter) in _ACTING and letter not in _SEEN
    )
