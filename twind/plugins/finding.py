"""Find the files that should hold plugins: bundled, installed, and dropped in."""

from __future__ import annotations

import contextlib
import importlib
import importlib.machinery
import importlib.util
import os
import stat
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import TYPE_CHECKING

from twind.home import bundled, code_below

if TYPE_CHECKING:
    from collections.abc import Iterator

    from twind.home import Home
    from twind.settings import TwindSettings


ENTRY_POINT_GROUP = "twind"


MAX_SIZE = 4 << 20
"""The largest modules of the standard library have a quarter of a MiB."""

_LEFTOVER = (".bak", ".orig", ".old", ".dist-info", ".egg-info", "~")


@dataclass(frozen=True, slots=True)
class Found:
    """A file that should hold a plugin.

    Attributes:
        stem: what it is listed under until its plugins have told their names.
        file: the module; a package's `__init__.py`.
        entry: the entry point it came from, if it is an installed distribution's.
        paused: the user has disabled it by this stem, so that it is not even imported.
        error: why it is not to be loaded.

    """

    stem: str
    file: Path
    entry: EntryPoint | None = None
    paused: bool = False
    error: str | None = None


def discover(home: Home, settings: TwindSettings) -> list[Found]:
    """Return every place that should hold a plugin, in the order they are taken into service.

    First those that ship with twind, then entry points of installed distributions, then the
    folders of `home` in their order. Hidden files, names that start with "_" and what editors leave
    behind are passed over. Nothing is imported. A folder or file that others may write is listed
    with the reason why it is not loaded.
    """
    found = [*_in_folder(bundled("plugins"), guarded=False), *_in_entry_points()]
    for folder in home.plugin_dirs:
        found += _in_folder(folder, guarded=True)
    disabled = frozenset(settings.plugins.disabled)
    unique: dict[Path, Found] = {}
    for one in found:
        # Not Path.resolve: it raises where links lead round in a circle.
        key = Path(os.path.realpath(one.file) if one.entry is None else one.entry.value)
        unique.setdefault(key, _paused(one) if one.stem in disabled else one)
    return list(unique.values())


def _paused(found: Found) -> Found:
    return Found(found.stem, found.file, found.entry, paused=True)


def _in_folder(folder: Path, *, guarded: bool) -> Iterator[Found]:
    try:
        paths = sorted(folder.iterdir())
        foreign = _untrusted(folder) if guarded else None
    except FileNotFoundError:
        return
    except OSError as error:
        yield Found(folder.name, folder, error=f"{folder}: {error.strerror or error}")
        return
    for path in paths:
        try:
            module = _module_file(path)
            if module is None:
                continue
            reason = foreign or (_untrusted(*code_below(path)) if guarded else None)
            reason = reason or _unreadable(module)
        except OSError as error:
            module, reason = path, f"{path}: {error.strerror or error}"
        yield Found(path.name.removesuffix(".py"), module, error=reason)


def code_at(module: Path) -> Path:
    """Return where a change is one of the plugin's code: its module, or the package's folder."""
    return module.parent if module.name == "__init__.py" else module


def _module_file(path: Path) -> Path | None:
    """Return the module a folder's entry stands for, or None if it is nothing of ours."""
    if path.name.startswith(("_", ".", "#")):
        return None
    stem = path.name.removesuffix(".py")
    if stem.endswith(_LEFTOVER):
        return None
    if path.is_dir() and (path / "__init__.py").is_file():
        return path / "__init__.py"
    # Whatever it is: a file that is called so is a plugin the user believes to have.
    return path if path.suffix == ".py" else None


def _unreadable(module: Path) -> str | None:
    """Say why what is called a module cannot be one, without opening it: a pipe would hang."""
    about = module.stat()
    if stat.S_ISDIR(about.st_mode):
        return f"{module.name}: it is a folder without an __init__.py; not loaded"
    if not stat.S_ISREG(about.st_mode):
        return f"{module.name}: it is no file; not loaded"
    if about.st_size > MAX_SIZE:
        return f"{module.name}: it is larger than {MAX_SIZE >> 20} MiB, and no plugin; not loaded"
    return None


def _untrusted(*paths: Path) -> str | None:
    """Say why code at one of `paths` might be somebody else's, or return None.

    The owner of `/` is root under whatever number a user namespace gives it (65534 in a per-user
    unit with PrivateUsers=yes).
    """
    trusted = {0, os.geteuid(), Path("/").stat().st_uid}
    for path in paths:
        status = path.stat()
        if status.st_mode & stat.S_IWOTH:
            return f"{path} can be written by everybody; not loaded (mend it: chmod o-w {path})"
        if status.st_uid not in trusted:
            return f"{path} belongs to another user (uid {status.st_uid}); not loaded"
    return None


def _in_entry_points() -> Iterator[Found]:
    entries = entry_points(group=ENTRY_POINT_GROUP)
    for entry in sorted(entries, key=lambda entry: (entry.name, entry.value)):
        yield Found(entry.name, _entry_file(entry), entry)


def _entry_file(entry: EntryPoint) -> Path:
    """Tell where an entry point's module lies without importing it or its package."""
    top, *rest = entry.module.split(".")
    with contextlib.suppress(ImportError, ValueError, AttributeError):
        spec = importlib.util.find_spec(top)
        for base in (spec.submodule_search_locations or ()) if spec else ():
            inside = Path(base).joinpath(*rest)
            for file in (inside / "__init__.py", inside.with_name(f"{inside.name}.py")):
                if file.is_file():
                    return file
        if spec and spec.origin and not rest:
            return Path(spec.origin)
    return Path(*entry.module.split(".")).with_suffix(".py")
