"""Files that are whole or absent, whatever happens in the middle of writing one."""

from __future__ import annotations

import os
import shutil
import tempfile
from contextlib import suppress
from pathlib import Path


def replace(path: Path, content: bytes) -> None:
    """Write `content` to `path`: beside its place, synced, renamed over it, and the folder synced.

    The file is readable by its owner alone. Raises OSError; what was there before then stays.
    """
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".part", dir=path.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
    except BaseException:
        with suppress(OSError):
            Path(name).unlink()
        raise
    sync_folder(path.parent)


def copy(path: Path, place: Path) -> None:
    """Copy a file, with its mode and times, to `place`: beside it, synced, renamed, folder synced.

    What a copy that was cut short has left is written over by the next: the folder is to be its
    own. Raises OSError; what was there before then stays.
    """
    part = place.with_name(f".{place.name}.part")
    try:
        shutil.copy2(path, part)
        with part.open("rb") as file:
            os.fsync(file.fileno())
        part.replace(place)
    except BaseException:
        with suppress(OSError):
            part.unlink()
        raise
    sync_folder(place.parent)


def sync_folder(path: Path) -> None:
    """Have the disk know what lies in a folder, under which names. Raises OSError."""
    folder = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
