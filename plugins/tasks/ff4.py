r"""Taskwarrior's own file format, FF4: a task a line, `[key:"value" key:"value"]`.

A value is escaped as JSON's strings are (`\"`, `\/`, `\n`), and then its brackets, which would end
the task, are written `&open;` and `&close;`; earlier versions wrote quotes, tabs, commas and colons
in that way, too (Task::composeF4 and Att::decode of Taskwarrior 2 and 1). An ampersand stands for
itself.
"""

from __future__ import annotations

import json
import re

_PAIR = re.compile(r'([^\s:"\[\]]+):"((?:[^"\\]|\\.)*)"\s*')
_ENTITY = re.compile(r"&(open|close|dquot|quot|squot|comma|colon|tab);")
_MEANT = {
    "open": "[",
    "close": "]",
    "dquot": '"',
    "quot": '"',
    "squot": "'",
    "comma": ",",
    "colon": ":",
    "tab": "\t",
}


def looks_like(line: str) -> bool:
    """Tell whether a line begins as a task does."""
    return line.startswith("[") and bool(_PAIR.match(line, 1))


def parse(line: str) -> dict[str, str]:
    """Return the attributes of one task. Raises ValueError where the line is none."""
    line = line.strip()
    if not line.startswith("[") or not line.endswith("]"):
        raise ValueError("is no task: it is not in brackets")
    found: dict[str, str] = {}
    at, end = 1, len(line) - 1
    while at < end:
        pair = _PAIR.match(line, at, end)
        if pair is None:
            raise ValueError(f"cannot be read from {line[at : at + 20]!r} on")
        found[pair[1]] = _decoded(pair[2])
        at = pair.end()
    return found


def _decoded(value: str) -> str:
    if "\\" in value:
        try:
            value = json.loads(f'"{value}"', strict=False)
        except ValueError:
            # Some program's own escape: what is escaped stands for itself.
            value = re.sub(r"\\(.)", r"\1", value)
    return _ENTITY.sub(lambda entity: _MEANT[entity[1]], value) if "&" in value else value
