"""One daemon a home."""

from __future__ import annotations

import fcntl
import os
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from twind.errors import HomeHeldError, TwindError

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def held(path: Path, *, daemon: bool = True) -> Iterator[bool]:
    """Hold the lock file `path` for as long as the block runs; tell whether the last daemon died.

    Its folder is made, for the owner alone, where it is missing. The kernel drops the lock with the
    process, so a killed daemon leaves nothing to clean up; the file itself stays, since removing it
    would let two processes lock two different files of one name. Who holds it stands in it, and
    still does where the process was killed or the power went. Whoever is no `daemon` leaves that
    for the next one to find.

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
            if daemon or not died:
                os.ftruncate(file, 0)
    finally:
        os.close(file)


def holder(path: Path) -> int | None:
    """Return the process that holds the lock file `path`; None where nobody does, or none is there.

    Without taking it: a daemon that starts at that moment would be refused.
    """
    try:
        inode = str(path.stat().st_ino)
        pid = path.read_text("ascii", "replace").strip()
        locks = Path("/proc/locks").read_text("ascii").splitlines()
    except OSError:
        return None
    held = {
        (fields[-4], fields[-3].rpartition(":")[2])
        for line in locks
        if "FLOCK" in (fields := line.split())
    }
    return int(pid) if (pid, inode) in held else None


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
