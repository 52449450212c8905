"""Make the day's backup, and let go of those that are not to be kept any more."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from twind.store import rotation

if TYPE_CHECKING:
    from twind.jobs.work import Work


def run(work: Work) -> dict[str, Any]:
    """Return {"file": where it is, "kept": how many there are by now}."""
    path, _ = rotation.add(work.db, work.home, "daily", work.settings.backups)
    return work.finish({"file": str(path), "kept": len(rotation.made(work.home.backups_dir))})
