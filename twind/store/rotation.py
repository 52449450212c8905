"""Which backups are kept: the newest of each of the last days, weeks and months.

A folder of backups is twind's own: what bears the name of a backup there, and is not to be kept, is
deleted. Whatever else lies there is left alone, but for the folders that backups are made in: each
holds a plain copy of the database, and one that is still there after an hour is nobody's any more.
"""

from __future__ import annotations

import shutil
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING

import twind
from twind.store import backups, erased, erasure
from twind.store.connection import BUSY_TIMEOUT_S, Store

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from twind.clock import Clock
    from twind.home import Home
    from twind.settings import BackupSettings
    from twind.store.backups import Manifest

LEFT_OVER = timedelta(hours=1)
"""No backup and no recovery takes as long: whoever worked in a folder as old was killed."""
_NAME = "twind-%Y%m%dT%H%M%SZ.zip"


def add(db: Store, home: Home, because: str, keep: BackupSettings) -> tuple[Path, Manifest]:
    """Make a backup in the home's folder, and delete those that are not to be kept any more.

    Raises BackupError where none can be made: then no backup is deleted; and StoreError
    (erased.keep).
    """
    _sweep(home, db.clock.now())
    path = home.backups_dir / db.clock.now().astimezone(UTC).strftime(_NAME)
    manifest = backups.make(db, home, path, because)
    # One day it is too old to know whom the user has had forgotten since: that stands beside it. A
    # file that is there was written when that was said, and may know more than a database that was
    # put in its place by hand.
    if not home.erased.exists():
        erased.keep(db, home)
    there = made(home.backups_dir)
    kept = chosen(there.values(), keep, db.clock.now())
    for old, moment in there.items():
        if old != path and moment not in kept:
            old.unlink(missing_ok=True)
    return path, manifest


def _sweep(home: Home, now: datetime) -> None:
    """Delete the folders that whoever was killed has left: they take room a backup may need."""
    for folder in erasure.left_over(home):
        with suppress(FileNotFoundError):  # its backup has just been made, and it is gone
            if folder.stat().st_mtime < (now - LEFT_OVER).timestamp():
                shutil.rmtree(folder)


def opened(
    home: Home,
    clock: Clock | None = None,
    busy_timeout_s: float = BUSY_TIMEOUT_S,
    *,
    existing: bool = False,
) -> Store:
    """Open the home's database as `Store.open`, keeping a copy of one that is to be migrated."""
    return Store.open(
        home.database,
        clock,
        busy_timeout_s=busy_timeout_s,
        existing=existing,
        before_migrating=lambda db: before_migrating(db, home),
    )


def before_migrating(db: Store, home: Home) -> Path:
    """Make a backup of a database that is about to be brought up to this twind.

    It is not among those that rotate: it stays until the user deletes it. Raises BackupError where
    none can be made, so that nothing is changed that could not be had back.
    """
    now = db.clock.now().astimezone(UTC).strftime("%Y%m%dT%H%M%SZ")
    path = home.backups_dir / f"twind-before-{twind.__version__}-{now}.zip"
    backups.make(db, home, path, f"before {twind.__version__}")
    return path


def made(folder: Path) -> dict[Path, datetime]:
    """Return the backups of a folder and when each was made, by its name; the newest last."""
    found = {path: moment for path in folder.glob("twind-*.zip") if (moment := _moment(path.name))}
    return dict(sorted(found.items(), key=lambda one: one[1]))


def newest(folder: Path, now: datetime) -> tuple[Path, datetime] | None:
    """Return the newest backup of a folder and when it was made; one of the future, last."""
    return max(made(folder).items(), key=lambda one: _rank(now, one[1]), default=None)


def chosen(moments: Iterable[datetime], keep: BackupSettings, now: datetime) -> frozenset[datetime]:
    """Return which of some backups are kept, by when they were made.

    One of the future, made by a clock that went wrong, takes the place of none that is not.
    """
    newest_first = sorted(moments, key=partial(_rank, now), reverse=True)
    periods: tuple[tuple[int, Callable[[datetime], object]], ...] = (
        (keep.keep_days, datetime.date),
        (keep.keep_weeks, lambda moment: moment.isocalendar()[:2]),
        (keep.keep_months, lambda moment: (moment.year, moment.month)),
    )
    kept = set(newest_first[:1])
    for most, period in periods:
        newest: dict[object, datetime] = {}
        for moment in newest_first:
            newest.setdefault(period(moment), moment)
        kept.update(list(newest.values())[:most])
    return frozenset(kept)


def _rank(now: datetime, moment: datetime) -> tuple[bool, datetime]:
    return moment <= now, moment


def _moment(name: str) -> datetime | None:
    try:
        return datetime.strptime(name, _NAME).replace(tzinfo=UTC)
    except ValueError:
        return None
