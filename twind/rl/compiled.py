"""Functions compiled with numba, and where the results are kept.

numba looks at the date of one file alone to tell whether what it kept is still true, but a
compiled function has others inlined in it, from other files. So what is kept goes into a folder
named after all the sources together: a changed line anywhere means another folder.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

import numba

import twind

if TYPE_CHECKING:
    from collections.abc import Callable

F = TypeVar("F", bound="Callable[..., Any]")

_HERE = Path(__file__).parent
_PACKAGE = Path(twind.__file__).parent
_PREFIX = "compiled-"
_SOURCES = ("rl/*.py", "preferences/features.py", "preferences/catalogue.py")


@cache
def _folder() -> str:
    """Return where compiled code is kept: where NUMBA_CACHE_DIR says, else beside the sources."""
    stamp = hashlib.blake2b(digest_size=8)
    for pattern in _SOURCES:
        for source in sorted(_PACKAGE.glob(pattern)):
            stamp.update(source.read_bytes())
    root = Path(os.environ.get("NUMBA_CACHE_DIR") or _HERE / "__pycache__")
    folder = root / f"{_PREFIX}{stamp.hexdigest()}"
    if not folder.exists():
        for other in root.glob(f"{_PREFIX}*"):
            shutil.rmtree(other, ignore_errors=True)
    return str(folder)


def compiled(function: F, signature: Any = None) -> F:
    """Compile with numba, keeping the result on disk wherever there is a place to keep it.

    A signature is for what is called with constants, which numba would compile for each anew.
    """
    config: Any = numba.config
    before, config.CACHE_DIR = config.CACHE_DIR, _folder()
    try:
        wrap = numba.njit(signature, cache=True, nogil=True, error_model="numpy")
        return cast("F", wrap(function))
    except (RuntimeError, OSError):  # no folder that may be written: compile in memory, each time
        return cast("F", numba.njit(signature, nogil=True, error_model="numpy")(function))
    finally:
        config.CACHE_DIR = before


def signed(signature: Any) -> Callable[[F], F]:
    """Return `compiled` for one signature."""
    return partial(compiled, signature=signature)
