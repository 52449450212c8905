"""Look at the plugins: their names, abilities, faults, and the files they depend on.

Importing one may hang or end the process, which no fence can hold. So they are imported in a forked
process, all together; where that does not come back, each file in one of its own.
"""

from __future__ import annotations

import ctypes
import json
import os
import selectors
import signal
import sys
import traceback
from typing import TYPE_CHECKING, Any, NoReturn

from twind import api, plugins
from twind.clock import monotonic_s
from twind.errors import JobError
from twind.plugins.fencing import file_label
from twind.plugins.finding import code_at

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from twind.jobs.work import Work
    from twind.settings import TwindSettings

TOGETHER_S, ALONE_S = 15.0, 25.0
"""How long all plugins may take to import, and then each by itself beside the others."""

_PR_SET_PDEATHSIG = 1

Outcome = dict[str, Any] | str
"""What `twind.plugins.describe` says, or how the process ended without a word."""


def run(work: Work) -> dict[str, Any]:
    """Return what `twind.plugins.describe` says, and "deadly": the stems of files not to import.

    A file that hangs or ends the process that imports it is a line of state "failed".
    """
    [together] = _inspect_each(work, [work.settings], TOGETHER_S)
    if isinstance(together, dict):
        return {**together, "deadly": []}
    found = plugins.discover(work.home, work.settings)
    stems = list(dict.fromkeys(one.stem for one in found if not one.paused))
    apart = [_with_only(stem, stems, work.settings) for stem in stems]
    told = dict(zip(stems, _inspect_each(work, apart, ALONE_S), strict=True))
    return _merge(work, found, told)


def _with_only(stem: str, stems: Sequence[str], settings: TwindSettings) -> TwindSettings:
    """Return the settings with every file disabled but those of one stem."""
    others = (other for other in stems if other != stem)
    update = {"disabled": (*settings.plugins.disabled, *others)}
    return settings.model_copy(update={"plugins": settings.plugins.model_copy(update=update)})


# --- what was told, put together -----------------------------------------------------------------


def _merge(
    work: Work, found: Sequence[plugins.Found], told: Mapping[str, Outcome]
) -> dict[str, Any]:
    absent = [
        _loaded(one, "paused") if one.paused else _loaded(one, "failed", _fault(one, outcome))
        for one in found
        if isinstance(outcome := told.get(one.stem, ""), str)
    ]
    data = plugins.describe(plugins.Plugins(absent), work.home, work.settings, work.clock.now())
    files = {stem: {str(one.file) for one in found if one.stem == stem} for stem in told}
    working = [
        (stem, line)
        for stem, outcome in told.items()
        if isinstance(outcome, dict)
        for line in outcome["plugins"]
        if line["file"] in files[stem]
    ]
    data["plugins"] += [*_without_clashes(work, working), *_unclaimed(work, told)]
    data["files"] = sorted(str(code_at(one.file)) for one in found)
    data["deadly"] = [stem for stem, outcome in told.items() if isinstance(outcome, str)]
    return data


def _loaded(found: plugins.Found, state: Any, error: str | None = None) -> plugins.Loaded:
    return plugins.Loaded(found.stem, None, api.Settings(), found.file, frozenset(), state, error)


def _fault(found: plugins.Found, how: str) -> str:
    return found.error or f"{file_label(found.file)}: {how} while it was imported; not loaded"


def _without_clashes(
    work: Work, working: Sequence[tuple[str, dict[str, Any]]]
) -> Iterator[dict[str, Any]]:
    """Yield the lines, the later of two with one name as failed: they have not met before."""
    names: set[str] = set()
    for stem, line in working:
        name = line["name"]
        # Paused by nobody but us: it has the name that another file has for a stem.
        ours = line["state"] == "paused" and name not in work.settings.plugins.disabled
        if ours or (line["state"] == "ok" and name in names):
            error = f'{line["file"]}: the name "{name}" is taken by another plugin'
            blank: dict[str, Any] = {"abilities": [], "watch": []}
            yield {**line, **blank, "name": stem, "state": "failed", "error": error}
        else:
            names.add(name)
            yield line


def _unclaimed(work: Work, told: Mapping[str, Outcome]) -> list[dict[str, Any]]:
    """Return the sections of twind.toml that belong to no plugin: not one has claimed them."""
    file = str(work.home.config_file)
    sections = [
        {line["name"]: line for line in outcome["plugins"] if line["file"] == file}
        for outcome in told.values()
        if isinstance(outcome, dict)
    ]
    if not sections:
        return []
    return [line for name, line in sections[0].items() if all(name in one for one in sections)]


# --- processes -----------------------------------------------------------------------------------


def _inspect_each(work: Work, settings: Sequence[TwindSettings], within_s: float) -> list[Outcome]:
    """Import the plugins once under each of these settings, all at the same time."""
    trials = [_Trial(work, one) for one in settings]
    end_s = monotonic_s() + within_s
    with selectors.DefaultSelector() as selector:
        for trial in trials:
            trial.register(selector)
        while selector.get_map() and (left_s := end_s - monotonic_s()) > 0:
            for key, _ in selector.select(left_s):
                key.data(selector)
    return [trial.outcome(within_s) for trial in trials]


class _Trial:
    """One process that imports plugins.

    Forked, and so begun at once and with what we know. It is gone before we are, even where it
    hangs and we are killed.
    """

    def __init__(self, work: Work, settings: TwindSettings) -> None:
        self._said = b""
        self._pipe, writer = os.pipe()
        os.set_blocking(self._pipe, False)
        sys.stdout.flush()
        sys.stderr.flush()
        starter = os.getpid()
        self._pid = os.fork()
        if self._pid == 0:
            _inspect_here(work, settings, writer, starter)
        os.close(writer)
        self._handle = os.pidfd_open(self._pid)

    def register(self, selector: selectors.BaseSelector) -> None:
        """Listen to what it says and to its end."""
        selector.register(self._pipe, selectors.EVENT_READ, self._read)
        selector.register(self._handle, selectors.EVENT_READ, self._ended)

    def _read(self, selector: selectors.BaseSelector) -> None:
        chunk = os.read(self._pipe, 1 << 16)
        self._said += chunk
        if not chunk:
            selector.unregister(self._pipe)

    def _ended(self, selector: selectors.BaseSelector) -> None:
        """Read what is left; what it has started may hold the pipe open for ever."""
        selector.unregister(self._handle)
        if self._pipe in selector.get_map():
            selector.unregister(self._pipe)
        try:
            while chunk := os.read(self._pipe, 1 << 16):
                self._said += chunk
        except BlockingIOError:
            pass

    def outcome(self, within_s: float) -> Outcome:
        """End it, and return what it has told. Raises JobError where the fault is ours."""
        gone, status = os.waitpid(self._pid, os.WNOHANG)
        if not gone:
            os.kill(self._pid, signal.SIGKILL)
            os.waitpid(self._pid, 0)
        os.close(self._pipe)
        os.close(self._handle)
        try:
            told = json.loads(self._said)
        except ValueError:
            told = None
        if isinstance(told, dict):
            if "error" in told:
                raise JobError(f"the plugins could not be inspected: {told['error']}")
            return told
        if not gone:
            return f"it was not done within {within_s:g} s"
        code = os.waitstatus_to_exitcode(status)
        if code < 0:
            return f"it ended the process with {signal.Signals(-code).name}"
        return f"it ended the process with status {code}"


def _described(work: Work, settings: TwindSettings) -> dict[str, Any]:
    try:
        loaded = plugins.load(work.home, settings)
        return plugins.describe(loaded, work.home, settings, work.clock.now())
    except Exception as error:  # noqa: BLE001 - ours, not a plugin's: the starter raises it
        traceback.print_exc()
        return {"error": f"{type(error).__name__}: {error}"}


def _inspect_here(work: Work, settings: TwindSettings, writer: int, starter: int) -> NoReturn:
    """Be the process that imports the plugins. The database stays the starter's."""
    status = 1
    try:
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() == starter:
            data = _described(work, settings)
            with os.fdopen(writer, "w", encoding="utf-8") as out:
                json.dump(data, out)
            status = 0
    except BaseException:  # noqa: BLE001 - nothing of this process may return to the starter's code
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)
