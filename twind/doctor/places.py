"""The configuration and the folders."""

from __future__ import annotations

import os
import shutil
import stat
from typing import TYPE_CHECKING

from twind.doctor.finding import Finding
from twind.home import code_below

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from twind.doctor.subject import Subject
    from twind.home import Home

LITTLE_BYTES = 100 * 2**20
"""Less than this free, and the next backup, model or page of the database may not fit."""
BACKUP_ROOM = 3
"""How many times the database's size a backup takes while it is made: the copy, the archive, and
what is unpacked to read it back."""


def configuration(subject: Subject) -> Finding:
    """Read twind.toml as the daemon does."""
    file = subject.home.config_file
    _ = subject.settings
    if not file.exists():
        do = "twind init writes one to start from"
        return Finding("notice", f"there is no {file}: all settings have their defaults", do)
    return Finding("ok", f"{file} is good")


def folders(subject: Subject) -> Finding:
    """Hold that the folders twind writes to are there, and can be written to."""
    home = subject.home
    wanted = dict.fromkeys((home.state_dir, home.runtime_dir))
    missing = [folder for folder in wanted if not folder.is_dir()]
    closed = [folder for folder in wanted if folder not in missing and not _is_open(folder)]
    facts = {"missing": len(missing), "not_writable": len(closed)}
    if closed:
        do = "give it to the user that twind runs as (chown), or ask as that user"
        return Finding("error", f"{_listed(closed)} cannot be written to", do, facts)
    if missing:
        return Finding(
            "notice",
            f"{_listed(missing)} is not there yet",
            "the daemon makes it when it starts",
            facts,
            lambda: _make(missing),
        )
    return Finding("ok", f"{_listed(wanted)} can be written to", facts=facts)


def _is_open(folder: Path) -> bool:
    return os.access(folder, os.R_OK | os.W_OK | os.X_OK)


def _make(missing: Iterable[Path]) -> str:
    for folder in missing:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return f"made {_listed(missing)}"


def privacy(subject: Subject) -> Finding:
    """Hold that nobody but the owner's group can read what twind knows, nor put plugins in."""
    readable = [path for path in _private(subject.home) if _lets_others(path, stat.S_IROTH)]
    writable = [path for path in _code(subject.home) if _lets_others(path, stat.S_IWOTH)]
    facts = {"readable": len(readable), "writable": len(writable)}

    def tighten() -> str:
        for path in readable:
            path.chmod(path.stat().st_mode & ~stat.S_IRWXO)
        for path in writable:
            path.chmod(path.stat().st_mode & ~stat.S_IWOTH)
        return f"closed to others: {_listed(dict.fromkeys([*readable, *writable]))}"

    if writable:
        saw = f"anybody can write to {_listed(writable)}: what is there runs as you"
        return Finding("error", saw, f"chmod o-w {_listed(writable)}", facts, tighten)
    if readable:
        saw = f"anybody can read {_listed(readable)}"
        return Finding("warning", saw, f"chmod o-rwx {_listed(readable)}", facts, tighten)
    return Finding("ok", "others can neither read what twind knows nor change it", facts=facts)


def _private(home: Home) -> Iterator[Path]:
    """Return what is the daemon's own to read, and holds a life.

    A configuration that is somebody else's is how they hand it to the daemon: it may have no other
    way to it.
    """
    database = home.database
    yield from (database, database.with_name(f"{database.name}-wal"))
    yield from home.backups_dir.glob("*.zip")
    yield from home.models_dir.glob("*")
    file, folder = home.config_file, home.state_dir
    if file.exists() and folder.exists() and file.stat().st_uid == folder.stat().st_uid:
        yield file


def _code(home: Home) -> Iterator[Path]:
    yield from (home.state_dir, home.config_file.parent, home.config_file, home.database)
    for folder in home.plugin_dirs:
        if folder.is_dir():
            yield from code_below(folder)


def _lets_others(path: Path, what: int) -> bool:
    """Tell whether anybody may do that with a path, and gets through its folder to it."""
    try:
        way = path.is_dir() or bool(path.parent.stat().st_mode & stat.S_IXOTH)
        mode = path.stat().st_mode
    except OSError:
        return False
    return way and bool(mode & what) and not (path.is_dir() and mode & stat.S_ISVTX)


def space(subject: Subject) -> Finding:
    """Hold that there is room to go on, and to make a backup."""
    home = subject.home
    folder = next(one for one in (home.state_dir, *home.state_dir.parents) if one.is_dir())
    free = shutil.disk_usage(folder).free
    size = home.database.stat().st_size if home.database.exists() else 0
    facts = {"free_bytes": free, "database_bytes": size}
    saw = f"{free / 1e9:.1f} GB free in {folder}"
    if free < max(LITTLE_BYTES, size):
        return Finding("error", saw, "make room: twind stops storing when there is none", facts)
    if free < LITTLE_BYTES + BACKUP_ROOM * size:
        return Finding("warning", saw, "make room: the next backup may not fit", facts)
    return Finding("ok", saw, facts=facts)


def _listed(paths: Iterable[Path]) -> str:
    return ", ".join(map(str, paths))
