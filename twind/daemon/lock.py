"""One daemon a home."""

from __future__ import annotations

import fcntl
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

from twind.errors import HomeHeldError, TwindError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


@contextmanager
def held(path: Path) -> Iterator[bool]:
    """Hold the lock file `path` for as long as the block runs; tell whether its last holder died.

    Its folder is made, for the owner alone, where it is missing. The kernel drops the lock with the
    process, so a killed daemon leaves nothing to clean up; the file itself stays, since removing it
    would let two processes lock two different files of one name. Who holds it stands in it, and
    still does where the process was killed or the power went.

    Raises HomeHeldError, naming the process that holds it, and TwindError if it cannot be made.
    """
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise TwindError(f"{path}: cannot be made: {error.strerror}") from error
    try:
        died = _take(file, path)
        try:
            yield died
        finally:
            os.ftruncate(file, 0)
    finally:
        os.close(file)


def _take(file: int, path: Path) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        holder = os.pread(file, 32, 0).decode("ascii", "replace").strip() or "unknown"
        raise HomeHeldError(
            f"{path.parent} is held by another twind daemon (process {holder})"
        ) from None
    died = os.fstat(file).st_size > 0
    try:
        os.pwrite(file, f"{os.getpid():<10}\n".encode(), 0)
        os.fsync(file)
    except OSError as error:
        raise TwindError(f"{path}: cannot be written: {error.strerror}") from error
    return died
