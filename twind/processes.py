"""Processes: whose they are, how they ended, and the end of those that nobody minds."""

from __future__ import annotations

import contextlib
import ctypes
import os
import resource
import signal
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER = 1, 36

# Bound now: in a process of their own, plugins may replace what they find in modules.
prctl = ctypes.CDLL(None).prctl


def ending(status: int) -> str:
    """Say how a process ended, in words after "it": `status` as subprocess tells it."""
    if status >= 0:
        return f"ended with status {status}"
    try:
        return f"was killed by {signal.Signals(-status).name}"
    except ValueError:  # most of the real-time signals have no name
        return f"was killed by signal {-status}"


def limit_memory(mib: int) -> None:
    """Let this process have no more memory than that, or than it may have already."""
    _, most = resource.getrlimit(resource.RLIMIT_DATA)
    wanted = mib << 20
    if most == resource.RLIM_INFINITY or wanted < most:
        resource.setrlimit(resource.RLIMIT_DATA, (wanted, wanted))


def adopt(yes: bool = True) -> None:
    """Become the parent of every process below us that loses its own, or do so no more."""
    prctl(PR_SET_CHILD_SUBREAPER, int(yes))


def children() -> set[int]:
    """Return our children, whichever of our threads they belong to; none where /proc is silent."""
    found: set[int] = set()
    for listed in Path("/proc/self/task").glob("*/children"):
        with contextlib.suppress(OSError):
            found.update(int(pid) for pid in listed.read_text().split())
    return found


def end_orphans(known: Iterable[int]) -> bool:
    """Kill our children that are none of `known`; return whether there may be more.

    It waits for none: to be called again until all are gone, those too that became ours as their
    parents ended.
    """
    orphans = children() - frozenset(known)
    for pid in orphans:
        # One that has become somebody else (setuid) is not ours to kill.
        with contextlib.suppress(ProcessLookupError, ChildProcessError, PermissionError):
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, os.WNOHANG)
    return bool(orphans)
