"""A damaged database: set aside, never overwritten, and replaced by that of the newest good backup.

All is done in an order that a crash at any instant leaves either to be begun again or to be gone on
with. What the backup holds is unpacked and checked first, to a file whose name alone says that a
recovery is on its way; then the damaged files are linked to a folder of their own; only then do the
old journal and the old database go. A database is never opened without its journal, or with that of
another: as long as the file is there, nobody opens it (`Store.open`), and the daemon goes on here.
"""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import tempfile
from contextlib import closing, suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from twind import atomic
from twind.clock import format_utc
from twind.errors import BackupError
from twind.store import backups, rotation
from twind.store.connection import RECOVERED_SUFFIX, Store

if TYPE_CHECKING:
    from twind.clock import Clock
    from twind.home import Home
    from twind.store.backups import Manifest

META = "recovered"
"""Names, in `meta`, what was recovered last."""
JOURNALS = ("-wal", "-shm", "-journal")


@dataclass(frozen=True, slots=True)
class Recovered:
    """What became of a damaged database.

    Attributes:
        at: when it was found, in UTC.
        because: what was wrong with it.
        backup: the file that its place was filled from.
        made_at: when that was made, in UTC: what came in after it is lost.
        aside: the folder with the damaged files.

    """

    at: str
    because: str
    backup: str
    made_at: str
    aside: str


def damage(home: Home) -> str | None:
    """Read all of the home's database and say what is wrong with it; None where nothing is.

    Without writing: SQLite itself does away with a journal that it cannot make sense of. An empty
    file is a fresh database to it; where there are backups, it is one that was emptied.
    """
    database = home.database
    if not database.is_file():
        return None
    if database.stat().st_size == 0:
        return f"{database} is empty" if rotation.made(home.backups_dir) else None
    try:
        with closing(sqlite3.connect(f"{database.as_uri()}?mode=ro", uri=True)) as connection:
            verdict = str(connection.execute("PRAGMA quick_check(1)").fetchone()[0])
    except sqlite3.OperationalError:
        return None  # it cannot be read just now, which is for whoever opens it to say
    except sqlite3.DatabaseError as error:
        return f"{database} is damaged or no database ({error})"
    return None if verdict == "ok" else f"{database} is damaged: {verdict.splitlines()[-1]}"


def recover(home: Home, clock: Clock, because: str) -> Recovered:
    """Put the newest good backup's database in the place of the damaged one.

    because: what is wrong with that. To be called by whoever holds the home, with the database open
    nowhere. Raises BackupError where there is no good backup; then all is as it was.
    """
    now = clock.now()
    path, manifest = _newest_good(home, now)
    told = Recovered(
        format_utc(now),
        because,
        str(path),
        format_utc(manifest.made_at),
        str(home.state_dir / "damaged" / f"{now:%Y%m%dT%H%M%SZ}"),
    )
    with tempfile.TemporaryDirectory(prefix=".twind-", dir=home.state_dir) as folder:
        part = Path(folder) / home.database.name
        backups.unpack_database(path, part)
        with Store.open(part, clock) as db:
            db.meta_set(META, json.dumps(asdict(told)))
            db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        part.rename(_on_its_way(home))
    atomic.sync_folder(home.state_dir)
    finish(home)
    return told


def finish(home: Home) -> Recovered | None:
    """Go on with a recovery that was interrupted; None where there was none."""
    new = _on_its_way(home)
    if not new.exists():
        return None
    told = _read(new)
    aside = Path(told.aside)
    aside.mkdir(mode=0o700, parents=True, exist_ok=True)
    old = [home.database, *(Path(f"{home.database}{suffix}") for suffix in JOURNALS)]
    for path in old:
        _set_aside(path, aside / path.name)
    atomic.sync_folder(aside)
    for path in old[1:]:
        path.unlink(missing_ok=True)
    atomic.sync_folder(home.state_dir)
    new.replace(home.database)
    atomic.sync_folder(home.state_dir)
    return told


def last(db: Store) -> Recovered | None:
    """Return what was recovered last, if anything ever was."""
    told = db.meta_get(META)
    return Recovered(**json.loads(told)) if told else None


def _on_its_way(home: Home) -> Path:
    return Path(f"{home.database}{RECOVERED_SUFFIX}")


def _read(database: Path) -> Recovered:
    """Return what a database that is to take another's place says of that; it is not touched."""
    uri = f"{database.as_uri()}?mode=ro&immutable=1"
    with closing(sqlite3.connect(uri, uri=True)) as connection:
        [told] = connection.execute("SELECT value FROM meta WHERE key = ?", (META,)).fetchone()
    return Recovered(**json.loads(told))


def _newest_good(home: Home, now: datetime) -> tuple[Path, Manifest]:
    """Return the newest; one of the future, made by a clock that went wrong, is taken last."""
    wrong = []

    def rank(path: Path) -> tuple[bool, datetime]:
        made_at = _made_at(path)
        return made_at <= now, made_at

    for path in sorted(home.backups_dir.glob("twind-*.zip"), key=rank, reverse=True):
        try:
            return path, backups.verify(path, scratch=home.state_dir)
        except BackupError as error:
            wrong.append(str(error))
    what = f"; the newest: {wrong[0]}" if wrong else ""
    raise BackupError(f"there is no good backup in {home.backups_dir}{what}")


def _made_at(path: Path) -> datetime:
    try:
        return backups.read(path).made_at
    except BackupError:
        return datetime.min.replace(tzinfo=UTC)


def _set_aside(path: Path, place: Path) -> None:
    """Have a damaged file in another place, too."""
    if not path.exists() or place.exists():
        return
    try:
        os.link(path, place)
    except OSError:  # a file system without links
        with suppress(FileNotFoundError):
            shutil.copy2(path, place)
