"""Read the sources: each in a process of its own, or one in ours."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from twind import api
from twind.errors import PluginError
from twind.plaintext import one_line
from twind.plugins import apart, wire
from twind.plugins.calling import check_state, context, fetch
from twind.plugins.fencing import file_label, message_of
from twind.plugins.loading import Loaded, load_one
from twind.plugins.validation import RunawayError, validate_records

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from datetime import datetime
    from pathlib import Path

    from twind.home import Home
    from twind.model import Fetched
    from twind.settings import TwindSettings

SHARE = 0.5
"""How much of a job's time one source may take. A second round still fits into the rest."""


@dataclass(frozen=True, slots=True)
class Ask:
    """What is asked of one source: the plugin `name` in `file`, and what its `fetch` is given."""

    name: str
    file: Path
    window: api.Window
    now: datetime
    state: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Reading:
    """What a source has given.

    Attributes:
        fetched: its records, validated.
        state: what the plugin keeps.
        failure: one line that says what ended it early; "" if it has told all.
        refused: what the source says where it wants other credentials.

    """

    fetched: list[Fetched]
    state: dict[str, Any]
    failure: str = ""
    refused: str | None = None


def read(loaded: Loaded, ctx: api.Context[Any]) -> Reading:
    """Read a source in this process. What it yielded before it failed is good."""
    fetched: list[Fetched] = []
    try:
        for item in fetch(loaded, ctx):
            fetched.append(item)  # noqa: PERF402 - what came before a failure is kept
    except RunawayError as error:
        return Reading([], ctx.state, str(error))
    except PluginError as error:
        return Reading(fetched, ctx.state, str(error), _refused(error))
    return Reading(fetched, ctx.state)


def _refused(error: PluginError) -> str | None:
    cause = error.__cause__
    return message_of(cause) if isinstance(cause, api.AuthenticationFailed) else None


def read_all(
    home: Home, settings: TwindSettings, asks: Iterable[Ask]
) -> Iterator[tuple[Ask, Reading]]:
    """Read each source in a process of its own, and yield what they gave, the first done first.

    Of one that does not come to an end by itself nothing is taken.
    """
    limits = apart.Limits.of(settings, SHARE * settings.limits.job_timeout_s)
    answers = {ask.name: ask for ask in asks}
    tasks = [(name, partial(_tell, ask, home, settings)) for name, ask in answers.items()]
    for name, told in apart.run(tasks, limits):
        yield answers[name], _reading(answers[name], told)


def _tell(ask: Ask, home: Home, settings: TwindSettings, say: apart.Say) -> None:
    """Read a source, and say line by line what it yields, and at last how it ended."""
    try:
        loaded = load_one(home, settings, ask.name, ask.file)
        ctx = context(loaded, settings, ask.window, ask.now, ask.state)
        for item in fetch(loaded, ctx):
            say(wire.encode(item))
    except PluginError as error:
        void = isinstance(error, RunawayError)
        say({"failure": str(error), "refused": _refused(error), "void": void})
    else:
        say({"state": ctx.state})


def _reading(ask: Ask, told: apart.Told) -> Reading:
    """Return what was told; whoever told it may have been tampered with, so all is checked."""
    label = file_label(ask.file)
    if told.end:
        advice = f'mend it, or add "{ask.name}" to plugins.disabled'
        return Reading([], ask.state, f"{label}: it {told.end} while it was read: {advice}")
    checked = Loaded(ask.name, None, api.Settings(), ask.file, frozenset({"fetch"}), "ok")
    try:
        *lines, last = told.lines
        end = wire.parse(last, dict)
        parsed = [] if end.get("void") else [wire.parse(line, list) for line in lines]
        fetched = list(validate_records(checked, map(wire.decode, parsed)))
        if "failure" in end:
            refused = None if end["refused"] is None else one_line(str(end["refused"]))
            return Reading(fetched, ask.state, one_line(str(end["failure"]), None), refused)
        check_state(checked, end["state"])
        return Reading(fetched, end["state"])
    except PluginError as error:
        return Reading([], ask.state, str(error))
    except (KeyError, ValueError) as error:
        return Reading([], ask.state, f"{label}: what it told makes no sense: {error}")
