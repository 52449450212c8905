"""Other people's text, made fit for one line of ours."""

from __future__ import annotations

MAX_REASON = 300


_BIDI = (0x061C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A))
_LINE_ENDS = dict.fromkeys((0x0B, 0x0C, 0x0D, 0x85, 0x2028, 0x2029), "\n")
_CONTROLS = dict.fromkeys((*range(0x09), *range(0x0E, 0x20), *range(0x7F, 0xA0)))
# Bidi controls go too: in an invitation from a stranger they make a text lie.
_UNPRINTABLE: dict[int, str | None] = {**_CONTROLS, **dict.fromkeys(_BIDI), **_LINE_ENDS}


def one_line(text: str, limit: int = MAX_REASON) -> str:
    """Return `text` as one printable line of at most `limit` characters."""
    return cut(" ".join(printable(text).split()), limit)


def cut(text: str, limit: int) -> str:
    """Return `text`, or as much of it as fits, with an ellipsis."""
    return text if len(text) <= limit else text[: limit - 1].rstrip() + "…"


def printable(text: str) -> str:
    """Return `text` without what no terminal and no database should see; line ends are kept."""
    if text.isprintable():
        return text
    text = text.replace("\r\n", "\n").translate(_UNPRINTABLE)
    # Lone surrogates, from names that are no UTF-8, cannot be stored.
    return text.encode("utf-8", "replace").decode("utf-8")
