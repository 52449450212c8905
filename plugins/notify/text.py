"""Text from sources, without what acts on whoever shows it."""

from __future__ import annotations

import re
import unicodedata

_ESCAPES = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]"  # CSI: colours, cursor
    r"|(?:\x1b[\]PX^_]|[\x9d\x90\x98\x9e\x9f])[^\x07\x1b\x9c]*(?:\x07|\x1b\\|\x9c)?"  # OSC and kin
    r"|\x1b[ -/]*[0-~]?"
)
_KEPT = "\n\u200c\u200d"  # lines, and the joiners that Persian and emoji need
# Cc controls, Cf formats (bidi among them), Cs lone surrogates, Zl and Zp line separators.
_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})


def plain(text: str) -> str:
    """Return `text` without escape sequences, control and bidi characters; line ends are kept."""
    text = _ESCAPES.sub("", text).replace("\t", " ")
    return "".join(
        letter for letter in text if letter in _KEPT or unicodedata.category(letter) not in _HIDDEN
    ).strip()


def one_line(text: str) -> str:
    """Return `text` as one plain line: a subject, a title, a line of the log."""
    return " ".join(plain(text).split())
