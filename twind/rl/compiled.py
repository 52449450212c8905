"""Functions compiled with numba, and where the results are kept.

numba looks at the date of one file alone to tell whether what it kept is still true, but a
compiled function has others inlined in it, from other files. So what is kept goes into a folder
named after all the sources together: a changed line anywhere means another folder.

What is kept is unpickled. So the folder is the caller's own, and one that somebody else could write
to is not used.
"""

from __future__ import annotations

import hashlib
import logging
import os
import shutil
import stat
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

import numba

import twind
from twind.home import cache_dir

if TYPE_CHECKING:
    from collections.abc import Callable

F = TypeVar("F", bound="Callable[..., Any]")

_PACKAGE = Path(twind.__file__).parent
_PREFIX = "compiled-"
_SOURCES = ("rl/*.py", "preferences/features.py", "preferences/catalogue.py")
_KEPT = 8
"""Of so many states of the sources what is compiled is kept, some 8 MB each."""

log = logging.getLogger(__name__)


@cache
def _folder() -> Path | None:
    """Return where compiled code is kept: below NUMBA_CACHE_DIR, else the user's cache folder.

    None where there is no folder that the caller may write to, and nobody else.
    """
    root = Path(os.environ.get("NUMBA_CACHE_DIR") or cache_dir())
    folder = root / f"{_PREFIX}{_stamp()}"
    try:
        root.mkdir(mode=0o700, parents=True, exist_ok=True)
        folder.mkdir(mode=0o700, exist_ok=True)
        ours = _is_ours(root.stat()) and _is_ours(folder.lstat())
    except OSError as error:
        log.warning("compiling anew each time: %s", error)
        return None
    if not ours:
        log.warning("compiling anew each time: others can write to %s", folder)
        return None
    _forget_old(root)
    return folder


def _stamp() -> str:
    stamp = hashlib.blake2b(digest_size=8)
    for pattern in _SOURCES:
        for source in sorted(_PACKAGE.glob(pattern)):
            stamp.update(source.read_bytes())
    return stamp.hexdigest()


def _is_ours(entry: os.stat_result) -> bool:
    """Tell whether this is a folder, and the caller and root alone can write to it."""
    others_write = entry.st_mode & (stat.S_IWGRP | stat.S_IWOTH)
    return stat.S_ISDIR(entry.st_mode) and entry.st_uid in {0, os.geteuid()} and not others_write


def _forget_old(root: Path) -> None:
    folders = sorted(root.glob(f"{_PREFIX}*"), key=lambda one: one.lstat().st_mtime)
    for old in folders[:-_KEPT]:
        shutil.rmtree(old, ignore_errors=True)


def compiled(function: F, signature: Any = None) -> F:
    """Compile with numba, keeping the result on disk wherever there is a place to keep it.

    A signature is for what is called with constants, which numba would compile for each anew.
    """
    wrap = partial(numba.njit, signature, nogil=True, error_model="numpy")
    folder = _folder()
    if folder is None:
        return cast("F", wrap()(function))
    config: Any = numba.config
    before, config.CACHE_DIR = config.CACHE_DIR, str(folder)
    try:
        return cast("F", wrap(cache=True)(function))
    except (RuntimeError, OSError):  # a full disk, say
        return cast("F", wrap()(function))
    finally:
        config.CACHE_DIR = before


def signed(signature: Any) -> Callable[[F], F]:
    """Return `compiled` for one signature."""
    return partial(compiled, signature=signature)
