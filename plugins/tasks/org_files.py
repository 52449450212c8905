"""Org-mode files, cut into their headings, each with what it stands below."""

from __future__ import annotations

import re
from dataclasses import dataclass

from orgparse.inline import to_plain_text
from orgparse.node import parse_heading_tags, parse_seq_todo

MAX_HEADING, MAX_MARKUP = 1000, 3000
"""Characters of a heading that are read, and of a text that are looked through for markup: what is
not closed is looked for to the end, from each place that opens it."""
MAX_STATES, MAX_TAGS = 200, 1000
"""How many states a file may declare, and how many tags a heading may inherit with its own."""
_HEADING = re.compile(r"(\*+) +(.*)")
_SETTING = re.compile(r"\s*#\+(TODO|SEQ_TODO|TYP_TODO|FILETAGS):\s*(.*)", re.IGNORECASE)
_COOKIE = re.compile(r"\[\d*/\d*\]|\[\d*%\]")
"""How far the tasks below are: Emacs keeps it up to date within the heading."""
_REPEATER = re.compile(
    r"(?:SCHEDULED|DEADLINE):\s*<[^>]*?\s(\.\+|\+\+|\+)(\d{1,4})([hdwmy])(?:/(\d{1,4})([hdwmy]))?"
)


@dataclass(frozen=True, slots=True)
class States:
    """The words that are states; the last of a sequence is a done one, if it tells of none."""

    todo: tuple[str, ...] = ()
    done: tuple[str, ...] = ()

    def with_sequence(self, told: str) -> States:
        """Return them with those of one `#+TODO:` line, which is told without its name."""
        todo, done = parse_seq_todo(told)
        if not done:
            todo, done = todo[:-1], todo[-1:]
        return States((*self.todo, *todo), (*self.done, *done))


@dataclass(slots=True)
class Heading:
    """A heading with a text of its own.

    Attributes:
        line: where it stands in the file, from 1.
        level: its stars.
        lines: its own, the heading first, without those of the headings below.
        title: in plain text, without state, priority, tags and how far it is.
        tags: its own and those it inherits.
        state: "" for none.
        above: the heading it stands below.
        has_tasks, open_below: whether one below has a state, and one that is not done.

    """

    line: int
    level: int
    lines: list[str]
    title: str
    tags: tuple[str, ...]
    state: str
    above: Heading | None
    has_tasks: bool = False
    open_below: bool = False

    @property
    def path(self) -> list[str]:
        """The titles from the top down to its own."""
        titles, one = [self.title], self.above
        while one is not None:
            titles.append(one.title)
            one = one.above
        return titles[::-1]

    @property
    def archived_from(self) -> list[str]:
        """The titles above it before it was archived, as far as it says so."""
        # A cookie may have the slash that parts them.
        told = _COOKIE.sub("", self.own("ARCHIVE_OLPATH"))
        return [" ".join(title.split()) for title in told.split("/")] if told else []

    @property
    def is_project(self) -> bool:
        """Whether tasks below it are its own: it is a top heading, or one with a state."""
        return self.has_tasks and bool(self.state or self.above is None)

    @property
    def rule(self) -> re.Match[str] | None:
        """Its repeater, if it has one."""
        return next(filter(None, map(_REPEATER.search, self.lines[1:2])), None)

    @property
    def project(self) -> Heading | None:
        """The heading above it that is its project."""
        above = self.above
        while above is not None and not above.is_project:
            above = above.above
        return above

    def own(self, name: str) -> str:
        """Return one of its properties."""
        found = (
            re.match(rf"\s*:{name}:\s*(\S.*?)\s*$", line, re.IGNORECASE) for line in self.lines
        )
        return next((match[1] for match in found if match), "")


def settings_of(lines: list[str], default: str) -> tuple[States, tuple[str, ...]]:
    """Return the states and the tags that a file declares, wherever in it."""
    states, tags = States(), []
    for line in lines:
        if match := _SETTING.match(line):
            if match[1].upper() == "FILETAGS":
                tags += match[2].replace(":", " ").split()
            elif len(states.todo) + len(states.done) < MAX_STATES:
                states = states.with_sequence(match[2][:MAX_HEADING])
    return (states if states.done else States().with_sequence(default)), tuple(tags)


def headings(lines: list[str], states: States, file_tags: tuple[str, ...]) -> list[Heading]:
    """Return the headings, those below one that is commented out left aside."""
    found: list[Heading] = []
    above: list[Heading] = []
    commented = 0
    for number, line in enumerate(lines, start=1):
        match = _HEADING.match(line, 0, MAX_HEADING)
        if match is None:
            if found and not commented:
                found[-1].lines.append(line)
            continue
        level = len(match[1])
        if commented and level > commented:
            continue
        state, title, tags = _read_heading(match[2], states)
        commented = level if title.startswith("COMMENT ") or title == "COMMENT" else 0
        if commented:
            continue
        above = [one for one in above if one.level < level]
        inherited = above[-1].tags if above else file_tags
        heading = Heading(
            number,
            level,
            [match[0]],
            title,
            tuple(dict.fromkeys((*tags, *inherited)))[:MAX_TAGS],
            state,
            above[-1] if above else None,
        )
        for one in above if state else ():
            one.has_tasks = True
            one.open_below = one.open_below or state in states.todo
        found.append(heading)
        above.append(heading)
    return found


def plain_text(text: str) -> str:
    """Return a text, or the beginning of a long one, without markup."""
    return to_plain_text(text[:MAX_MARKUP])


def _read_heading(text: str, states: States) -> tuple[str, str, list[str]]:
    """Return state, title and tags of a heading."""
    bare, tags = parse_heading_tags(text.strip())
    word, _, rest = bare.partition(" ")
    state, bare = (word, rest) if word in {*states.todo, *states.done} else ("", bare)
    title = re.sub(r"^\s*\[#[A-Za-z0-9]\]\s*", "", _COOKIE.sub("", bare))
    return state, " ".join(plain_text(title).split()) or "(no title)", tags
