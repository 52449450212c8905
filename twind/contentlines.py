"""Content lines and components: what iCalendar (RFC 5545) and vCard (RFC 6350) are written in.

A file is cut into its components before anything in it is parsed, and only the lines somebody asks
for are kept: one broken component costs no other, and a photograph nothing. It is offered to
plugins by twind.api.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping

__all__ = ["Component", "components", "name_of", "unfolded"]

_LINE_BREAK = re.compile(r"\r\n|\r|\n")
_NAME = re.compile(r"(?:[A-Za-z0-9-]+\.)?([A-Za-z0-9-]+)\s*[;:]")
_EMPTY = re.compile(r'[^:"]*(?:"[^"]*"[^:"]*)*:')
"""A name and its parameters, and nothing after the colon."""
_QUOTED = re.compile(r"^[^:]*[;=]QUOTED-PRINTABLE[;:]", re.IGNORECASE)
_HEAD = 1000
"""How many characters of a line are looked through for what it is encoded in, fold by fold."""

DEEPEST = 32
"""How deep a component may lie. Programs go to three; more is there to exhaust its reader."""
LARGEST = 2**20
"""Characters of the lines kept of one component; more is there to exhaust its reader."""


@dataclass(slots=True)
class Component:
    """What lies between a BEGIN and its END.

    Attributes:
        kind: what it is, in upper case: "VEVENT", "VCARD".
        line: the line of the file that it begins at, from 1.
        lines: the content lines of its own that are wanted, unfolded and in order.
        parts: the components within it, in order.
        within: the component it lies in; None for the whole text.
        ended: whether its END was there.

    """

    kind: str
    line: int
    lines: list[str] = field(default_factory=list)
    parts: list[Component] = field(default_factory=list)
    within: Component | None = field(default=None, repr=False, compare=False)
    ended: bool = False

    def value(self, name: str) -> str:
        """Return the value of its first property of this name (upper case); "" for none."""
        for line in self.lines:
            if name_of(line) == name:
                return line.partition(":")[2].strip()
        return ""

    def refuse_large(self) -> None:
        """Raise ValueError if its lines are longer in all than anybody writes: see LARGEST."""
        size = sum(map(len, self.lines))
        if size > LARGEST:
            raise ValueError(f"is too large to be read: {size} characters")

    def every(self, kind: str) -> Iterator[Component]:
        """Yield the components of one kind within it, at any depth and in order."""
        for part in self.parts:
            if part.kind == kind:
                yield part
            yield from part.every(kind)

    def text(self) -> str:
        """Return it as a text of its own, its parts after its lines."""
        inside = [*(f"{line}\r\n" for line in self.lines), *(part.text() for part in self.parts)]
        return f"BEGIN:{self.kind}\r\n{''.join(inside)}END:{self.kind}\r\n"


def components(text: str, wanted: Mapping[str, Collection[str] | None]) -> Component:
    """Cut a text into its components, and return one without a kind that holds them.

    `wanted` names, for each kind of component, the properties whose lines are kept, in upper case;
    None for all. A property without a value says nothing and is left out. What does not end is
    ended by its like, which it cannot hold, by the end of what it lies in, or by one that would lie
    deeper than DEEPEST; `ended` tells. That of the whole tells whether everything had ended when
    the text did. Nothing raises.
    """
    whole = Component("", 0)
    stack = [whole]
    before = ""
    for number, line in unfolded(text):
        name = name_of(line)
        kind = line.partition(":")[2].strip().upper() if name in {"BEGIN", "END"} else ""
        open_kinds = [one.kind for one in stack]
        if name == "BEGIN" and kind:
            # In vCard 2.1 an AGENT is a card within the card.
            if before != "AGENT" and kind in open_kinds:
                del stack[open_kinds.index(kind) :]
            del stack[DEEPEST:]
            begun = Component(kind, number, within=stack[-1])
            stack[-1].parts.append(begun)
            stack.append(begun)
        elif name == "END" and kind and kind in open_kinds:
            while stack[-1].kind != kind:
                stack.pop()
            stack.pop().ended = True
        elif name:
            names = wanted.get(stack[-1].kind, ())
            if (names is None or name in names) and not _EMPTY.fullmatch(line):
                stack[-1].lines.append(line)
        before = name
    whole.ended = len(stack) == 1
    return whole


def unfolded(text: str) -> Iterator[tuple[int, str]]:
    """Yield (line number, content line) with all folds undone.

    A line goes on in the next that starts with white space (RFC 5545, 3.1; RFC 6350, 3.2), and in
    vCard 2.1 a quoted-printable one after an equals sign at its end.
    """
    number, parts, soft = 0, [""], False
    for here, line in enumerate(_LINE_BREAK.split(text), start=1):
        if number and (soft or line[:1] in {" ", "\t"}):
            if soft:
                parts[-1] = parts[-1].removesuffix("=")
            parts.append(line if soft else line[1:])
        else:
            if number:
                yield number, "".join(parts)
            number, parts = here, [line]
        soft = parts[-1].endswith("=") and bool(_QUOTED.match(parts[0], 0, _HEAD))
    yield number, "".join(parts)


def name_of(line: str) -> str:
    """Return the name of a content line's property in upper case, without vCard's group.

    "" for a line that is none.
    """
    match = _NAME.match(line)
    return match[1].upper() if match else ""
