"""Look at the plugins: their names, abilities, faults, and the files they depend on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from twind import plugins

if TYPE_CHECKING:
    from twind.jobs.work import Work


def run(work: Work) -> dict[str, Any]:
    """Return what `twind.plugins.inspect` says."""
    return plugins.inspect(work.home, work.settings, work.clock.now())
