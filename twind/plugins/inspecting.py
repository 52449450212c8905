"""Look at the plugins: their names, abilities, faults, and the files they depend on.

Importing one may hang, end the process, or change what all in it share. So each file is imported in
a process of its own, and one that goes wrong is a line.
"""

from __future__ import annotations

from functools import partial
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

from twind.plugins import apart, wire
from twind.plugins.calling import describe
from twind.plugins.fencing import file_label
from twind.plugins.finding import Found, code_at, discover
from twind.plugins.loading import clash, failed, load_found, unclaimed

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import datetime

    from twind.home import Home
    from twind.settings import TwindSettings

IMPORT_S = 40.0
"""How long one file may take: scientific libraries on an old, busy machine take half of it."""

Line = dict[str, Any]
"""What `describe` says of a plugin."""
DESCRIBED = frozenset({"name", "state", "file", "abilities", "error", "watch", "channels"})


def inspect(home: Home, settings: TwindSettings, now: datetime) -> dict[str, Any]:
    """Return what the daemon needs to know of all plugins, as JSON.

    {"plugins": [as `describe` tells of each], "folders": [the plugin folders, existing or not],
    "files": [the plugins' modules, of a package its folder], "mute": [the stems of the files that
    have nothing to deliver with], "hung": whether one took too long}.
    """

    def line(loaded: Any) -> Line:
        return describe(loaded, home, settings, now)

    def import_it(one: Found, say: apart.Say) -> None:
        for loaded in load_found(one, home, settings):
            say(line(loaded))

    found = discover(home, settings)
    # What is paused or not to be trusted is not imported, only told of.
    tasks = [
        (number, partial(import_it, one))
        for number, one in enumerate(found)
        if not one.paused and not one.error
    ]
    told = dict(apart.run(tasks, apart.Limits.of(settings, IMPORT_S)))
    lines: list[tuple[Found, Line]] = []
    for number, one in enumerate(found):
        if number not in told:
            lines += [(one, line(loaded)) for loaded in load_found(one, home, settings)]
        elif said := _said(told[number]):
            lines += [(one, plugin) for plugin in said]
        else:
            lines.append((one, line(failed(one.stem, one.file, _fault(one, told[number].end)))))
    plugins = [line(loaded) if loaded else one for one, loaded in _clashes(lines)]
    broken = [Path(one["file"]) for one in plugins if one["state"] == "failed"]
    names = {one["name"] for one in plugins}
    plugins += [line(loaded) for loaded in unclaimed(names, broken, home, settings)]
    return {
        "plugins": plugins,
        "folders": [str(folder) for folder in home.plugin_dirs],
        "files": sorted({str(code_at(one.file)) for one in found}),
        "mute": _mute(lines),
        "hung": any(one.hung for one in told.values()),
    }


def _said(told: apart.Told) -> list[Line]:
    """Return the lines that were told; none where they are not what `describe` says."""
    try:
        lines = [] if told.end else [wire.parse(line, dict) for line in told.lines]
    except ValueError:
        return []
    return lines if all(map(_is_described, lines)) else []


def _is_described(line: Line) -> bool:
    if not line.keys() >= DESCRIBED:
        return False
    lists = [line[key] for key in ("abilities", "watch", "channels")]
    texts = [line["name"], line["state"], line["file"], line["error"] or ""]
    return all(isinstance(one, list) for one in lists) and all(
        isinstance(one, str) for one in chain(texts, *lists)
    )


def _fault(found: Found, end: str) -> str:
    return (
        f"{file_label(found.file)}: it {end or 'made no sense'} while it was imported; not "
        f'loaded: mend it, or add "{found.stem}" to plugins.disabled'
    )


def _clashes(lines: Sequence[tuple[Found, Line]]) -> Iterator[tuple[Line, Any]]:
    """Yield each line, with what stands in its place where an earlier one has the name."""
    serving: dict[str, str] = {}
    for found, line in lines:
        name = line["name"]
        # One that failed has told its name where it is not the file's.
        if name in serving and (line["state"] == "ok" or name != found.stem):
            yield line, clash(found, name, Path(serving[name]))
        else:
            yield line, None
            if line["state"] == "ok":
                serving[name] = line["file"]


def _mute(lines: Iterable[tuple[Found, Line]]) -> list[str]:
    delivering = {
        found.stem
        for found, line in lines
        if line["state"] == "ok" and "notify" in line["abilities"]
    }
    return sorted({found.stem for found, _ in lines} - delivering)
