"""The machine: clock and zone, and what Python finds on it."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import os
import re
import runpy
import stat
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from twind import clock as clocks
from twind.clock import parse_utc, when
from twind.doctor.finding import Finding
from twind.home import cache_dir

if TYPE_CHECKING:
    from twind.doctor.subject import Subject

AHEAD = timedelta(hours=1)
TORCH_FROM, TORCH_TO = (2, 6), (2, 13, 0)
"""The versions of torch that twind is made for, both included, as in pyproject.toml."""


def clock(subject: Subject) -> Finding:
    """Hold that the clock has not been set back behind what is already written down."""
    newest = subject.db.value("SELECT MAX(COALESCE(finished_at, started_at, queued_at)) FROM jobs")
    ahead = parse_utc(newest) - subject.clock.now() if newest else timedelta(0)
    facts = {"ahead_s": round(ahead.total_seconds())}
    if ahead > AHEAD:
        saw = f"the newest job is of {when(newest)} UTC, which is in the future"
        do = "set the clock (timedatectl); what was done then counts as done"
        return Finding("warning", saw, do, facts)
    return Finding("ok", "the clock is not behind what was done", facts=facts)


def time_zone(subject: Subject) -> Finding:
    """Hold that twind and the machine agree on the time of day."""
    ours, machine = subject.settings.profile.timezone, clocks.system_zone_name()
    now = subject.clock.now()
    apart = now.astimezone(subject.settings.zone).utcoffset() != now.astimezone().utcoffset()
    if ours != machine and apart:
        saw = f"your time zone is {ours}, the machine's {machine}: it is another hour there"
        return Finding("notice", saw, "profile.timezone in twind.toml", {"apart": True})
    return Finding("ok", f"the time zone is {ours}", facts={"apart": False})


def compiler_cache(subject: Subject) -> Finding:
    """Hold that numba can keep what it compiles, where nobody else can put something.

    It unpickles what it finds there: whoever may write to it may run code as you.
    """
    named = subject.environ.get("NUMBA_CACHE_DIR")
    folder = Path(named) if named else cache_dir()
    there = next(one for one in (folder, *folder.parents) if one.exists())
    if not os.access(there, os.W_OK):
        do = "name a folder that can be written to: NUMBA_CACHE_DIR"
        saw = f"{folder} cannot be written to: numba compiles anew in each process"
        return Finding("warning", saw, do)
    mode = there.stat().st_mode
    if mode & stat.S_IWOTH and not mode & stat.S_ISVTX:
        return Finding(
            "error",
            f"anybody can write to {there}, where numba keeps what it runs",
            f"chmod o-w {there}",
            repair=lambda: _close(there),
        )
    return Finding("ok", f"numba keeps what it compiles in {folder}")


def _close(folder: Path) -> str:
    folder.chmod(folder.stat().st_mode & ~stat.S_IWOTH)
    return f"closed {folder} to others"


def torch(subject: Subject) -> Finding:
    """Hold that torch is there, in the range twind is made for, and built for the processor.

    Without importing it, which takes seconds.
    """
    del subject
    spec = importlib.util.find_spec("torch")
    if spec is None or spec.origin is None:
        return Finding("error", "torch is not installed", "install twind anew")
    version = importlib.metadata.version("torch")
    numbers = tuple(int(part) for part in re.findall(r"\d+", version.partition("+")[0])[:3])
    if not TORCH_FROM <= numbers <= TORCH_TO:
        low, high = (".".join(map(str, one)) for one in (TORCH_FROM, TORCH_TO))
        saw = f"torch {version} is not from {low} to {high}"
        return Finding("warning", saw, f"pip install 'torch>={low},<={high}'", {"in_range": False})
    built = runpy.run_path(str(Path(spec.origin).with_name("version.py")))
    facts = {"in_range": True, "cpu": not any(map(built.get, ("cuda", "hip", "xpu")))}
    if not facts["cpu"]:
        do = "pip install torch --index-url https://download.pytorch.org/whl/cpu saves gigabytes"
        return Finding("notice", f"torch {version} is built for a graphics card", do, facts)
    return Finding("ok", f"torch {version}, built for the processor", facts=facts)
