"""The fence around other people's code.

Everything of theirs that runs, runs inside `fence`: whatever it raises becomes a PluginError of one
line that names their file and line, and what it prints goes to standard error. What a fence cannot
hold (a hang, `os._exit`) ends with the worker it happens in.
"""

from __future__ import annotations

import contextlib
import inspect
import os
import sys
import traceback
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from twind.errors import PluginError

if TYPE_CHECKING:
    from collections.abc import Generator

    from twind.plugins.loading import Loaded

from twind.plaintext import one_line

BATCH = 256
TOO_MUCH = "more than its share of limits.memory_mib"


@contextlib.contextmanager
def quiet_stdout() -> Iterator[None]:
    """Send what is printed to standard error, that of subprocesses and C code included.

    A worker's standard output carries its protocol. Process-wide, so for one thread at a time.
    """
    streams = [stream for stream in (sys.stdout, sys.__stdout__) if stream is not None]
    _flush(streams)
    saved = _divert()
    try:
        with contextlib.redirect_stdout(sys.stderr):
            yield
    finally:
        _flush(streams)
        if saved is not None:
            os.dup2(saved, 1)
            os.close(saved)


def _divert() -> int | None:
    """Point descriptor 1 at standard error; return a copy of what it was, None if it was closed."""
    try:
        saved = os.dup(1)
    except OSError:
        return None
    try:
        os.dup2(2, 1)
    except OSError:
        os.close(saved)
        return None
    return saved


def _flush(streams: Iterable[Any]) -> None:
    for stream in streams:
        with contextlib.suppress(OSError, ValueError):
            stream.flush()


@contextlib.contextmanager
def fence(plugin_file: Path) -> Iterator[None]:
    """Run a plugin's code: what it raises becomes a PluginError, what it prints goes to stderr.

    SystemExit, KeyboardInterrupt, RecursionError and MemoryError included, so a worker must not
    rely on an exception to be stopped in the middle of a plugin. The original error is the
    PluginError's `__cause__`: `twind.api.AuthenticationFailed` is told by it. Do not yield inside.
    """
    try:
        with quiet_stdout():
            yield
    except PluginError:
        raise
    except BaseException as error:
        raise PluginError(_reason(error, plugin_file)) from error


def _reason(error: BaseException, file: Path) -> str:
    """Return "birthdays.py:7: ValueError: …": the innermost line of the plugin's, none of ours.

    What cannot be opened comes first, since it may be for the user to mend.
    """
    root = _root(file)
    place = file_label(file)
    frames = traceback.walk_tb(error.__traceback__)
    lines = [(frame.f_code.co_filename, number) for frame, number in frames]
    if isinstance(error, SyntaxError) and error.filename and error.lineno:
        lines.append((error.filename, error.lineno))
    for name, number in reversed(lines):
        path = Path(name)
        if path == file or root in path.parents:
            place = f"{file_label(path, root)}:{number}"
            break
    if isinstance(error, OSError) and error.filename and error.strerror:
        return one_line(f"{error.filename}: {error.strerror} ({place})")
    message = message_of(error)
    return f"{place}: {type(error).__name__}" + (f": {message}" if message else "")


def message_of(error: BaseException) -> str:
    """Return what an error says, on one line; "" for one that cannot even say that."""
    try:
        said = one_line(error.msg if isinstance(error, SyntaxError) else str(error))
        return said or (TOO_MUCH if isinstance(error, MemoryError) else "")
    except Exception:  # noqa: BLE001 - a plugin's error may have a __str__ that raises
        return ""


def _root(file: Path) -> Path:
    """Return the file itself, or the outermost package it lies in."""
    root = file
    while (root.parent / "__init__.py").is_file():
        root = root.parent
    return root


def file_label(file: Path, root: Path | None = None) -> str:
    """Name a plugin's file as its author would: `birthdays.py`, `weather/__init__.py`."""
    return str(file.relative_to((root or _root(file)).parent))


def pull(loaded: Loaded, items: Any, ability: str, size: int) -> Generator[list[Any]]:
    """Yield what a plugin yields, in lists of up to `size`: a fence costs more than a record.

    What it yielded before it raised is yielded first.
    """
    if isinstance(items, str | bytes | dict) or not isinstance(items, Iterable):
        raise PluginError(
            f"{file_label(loaded.file)}: {ability} must yield, or return a list, "
            f"not {type(items).__name__}"
        )
    source: Any = items
    failure: PluginError | None = None
    more = True
    try:
        with fence(loaded.file):
            source = iter(items)
        while more:
            batch: list[Any] = []
            try:
                with fence(loaded.file):
                    for item in islice(source, size):
                        batch.append(item)  # noqa: PERF402 - keeps what came before an error
            except PluginError as error:
                failure = error
            more = len(batch) == size and failure is None
            if batch:
                yield batch
            if failure:
                raise failure
    finally:
        if inspect.isgenerator(source):
            with contextlib.suppress(PluginError), fence(loaded.file):
                source.close()
