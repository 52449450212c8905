"""A damaged database: set aside, never overwritten, and replaced by that of the newest good backup.

All is done in an order that a crash at any instant leaves either to be begun again or to be gone on
with. What the backup holds is unpacked and checked first, to a file whose name alone says that a
recovery is on its way; then the damaged files are linked to a folder of their own; only then do the
old journal and the old database go. A database is never opened without its journal, or with that of
another: as long as the file is there, nobody opens it (`Store.open`), and the daemon goes on here.
The new database says itself that the user has yet to be told (`untold`), and does until the message
is in it.

A journal can be damaged while the database is sound. SQLite then goes on with what it can read of
it and overwrites the rest without a word: here a copy is kept of both as they were found, and the
user is told (`damaged_journal`, `keep`). A damaged file of a model is set aside, and that of a
backup takes its place where one has it (`mend_models`).
"""

from __future__ import annotations

import hashlib
import json
import os
import sqlite3
import struct
import sys
import tempfile
from contextlib import closing, suppress
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from twind import atomic
from twind.clock import format_utc
from twind.errors import BackupError
from twind.store import backups, models, rotation
from twind.store.connection import JOURNALS, RECOVERED_SUFFIX, Store

if TYPE_CHECKING:
    from twind.clock import Clock
    from twind.home import Home
    from twind.store.backups import Manifest

META = "recovered"
"""Names, in `meta`, what was recovered last."""
UNTOLD = "recovered_untold"
"""Says, in `meta`, that the user has yet to be told of that."""
MENDED = "mended_model"
"""The same for the file of a model."""
_WAL_HEAD, _FRAME_HEAD = struct.Struct(">8I"), struct.Struct(">4I8x")
_WAL_MAGIC = (0x377F0682, 0x377F0683)
"""Of a journal (sqlite.org/walformat.html): magic, version, page size, sequence, two salts, two
sums of these; of a page in it: its number, what it commits, the salts, two sums. The magic says in
which order of bytes sums are made: little-endian, big-endian."""


@dataclass(frozen=True, slots=True)
class Recovered:
    """What became of a damaged database.

    Attributes:
        at: when it was found, in UTC.
        because: what was wrong with it.
        backup: the file that its place was filled from; "" where it is gone on with.
        made_at: when that was made, in UTC: what came in after it is lost; "" without one.
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
        journal = Path(f"{database}-wal")
        held = journal.is_file() and journal.stat().st_size > 0
        return f"{database} is empty" if held or rotation.made(home.backups_dir) else None
    try:
        with closing(sqlite3.connect(f"{database.as_uri()}?mode=ro", uri=True)) as connection:
            verdict = str(connection.execute("PRAGMA quick_check(1)").fetchone()[0])
    except sqlite3.OperationalError:
        return None  # it cannot be read just now, which is for whoever opens it to say
    except sqlite3.DatabaseError as error:
        return f"{database} is damaged or no database ({error})"
    return None if verdict == "ok" else f"{database} is damaged: {verdict.splitlines()[-1]}"


def damaged_journal(home: Home) -> str | None:
    """Say what of a sound database's journal cannot be read; None where nothing is missing.

    A crash leaves at most one transaction half written, the last, which nobody was told of. Two
    that SQLite does not take were once whole. To be called with the database open nowhere.
    """
    journal, database = Path(f"{home.database}-wal"), home.database
    if not database.is_file() or not journal.is_file():
        return None
    with journal.open("rb") as file:
        head = file.read(_WAL_HEAD.size)
        if len(head) < _WAL_HEAD.size or not any(head):
            return None
        magic, _, page_size, _, *salts, sum1, sum2 = _WAL_HEAD.unpack(head)
        if magic not in _WAL_MAGIC or _checksum(head[:24], magic) != (sum1, sum2):
            return f"{journal} is damaged: none of it can be read"
        lost = 0
        file.seek(_frames_read(database) * (_FRAME_HEAD.size + page_size), os.SEEK_CUR)
        while len(frame := file.read(_FRAME_HEAD.size)) == _FRAME_HEAD.size:
            _, commits, *salt = _FRAME_HEAD.unpack(frame)
            lost += salt == salts and commits > 0
            file.seek(page_size, os.SEEK_CUR)
    return f"{journal} is damaged: {lost} changes in it cannot be read" if lost > 1 else None


def keep(home: Home, clock: Clock, because: str) -> Recovered:
    """Copy the database and its journal to a folder of their own, and go on with what is sound."""
    now = clock.now()
    folder = home.damaged_dir / f"{now:%Y%m%dT%H%M%SZ}"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for suffix in ("", "-wal"):
        path = Path(f"{home.database}{suffix}")
        atomic.copy(path, folder / path.name)
    return Recovered(format_utc(now), because, "", "", str(folder))


def note(db: Store, found: Recovered, *, told: bool) -> None:
    """Remember what was recovered last, and whether the user is told of it in the same breath."""
    with db.transaction():
        db.meta_set(META, json.dumps(asdict(found)))
        db.meta_set(UNTOLD, None if told else found.at)


def recover(home: Home, clock: Clock, because: str) -> Recovered:
    """Put the newest good backup's database in the place of the damaged one.

    Whom the user has had forgotten since it was made is forgotten in it first (erasure.again).
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
        str(home.damaged_dir / f"{now:%Y%m%dT%H%M%SZ}"),
    )
    with tempfile.TemporaryDirectory(prefix=".twind-", dir=home.state_dir) as folder:
        part = Path(folder) / home.database.name
        backups.unpack_database(path, home, part)
        with Store.open(part, clock) as db:
            note(db, told, told=False)
            db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        part.rename(_on_its_way(home))
    atomic.sync_folder(home.state_dir)
    finish(home)
    return told


def finish(home: Home) -> None:
    """Go on with a recovery that was interrupted, where there was one."""
    new = _on_its_way(home)
    if not new.exists():
        return
    folder = Path(_read(new).aside)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    old = [home.database, *(Path(f"{home.database}{suffix}") for suffix in JOURNALS)]
    for path in old:
        _set_aside(path, folder / path.name)
    atomic.sync_folder(folder)
    for path in old[1:]:
        path.unlink(missing_ok=True)
    atomic.sync_folder(home.state_dir)
    new.replace(home.database)
    atomic.sync_folder(home.state_dir)


def last(db: Store) -> Recovered | None:
    """Return what was recovered last, if anything ever was."""
    told = db.meta_get(META)
    return Recovered(**json.loads(told)) if told else None


def untold(db: Store) -> Recovered | None:
    """Return what was recovered last, if the user has yet to be told."""
    return last(db) if db.meta_get(UNTOLD) is not None else None


# --- models --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Mended:
    """What became of the damaged file of a model; as Recovered, but for `file`, its name."""

    at: str
    file: str
    backup: str
    aside: str


def mend_models(db: Store, profile_id: int, home: Home) -> Mended | None:
    """Hold the model that serves to the hash it was saved with; return what was wrong, if anything.

    A damaged file is set aside. One that is whole takes its place from the newest backup that has
    it; without any the model is out of service for good.
    """
    row = models.serving(db, profile_id)
    if row is None or row.file is None or row.sha256 is None:
        return None
    place = home.models_dir / row.file
    if _is(place, row.sha256):
        return None
    now = db.clock.now()
    folder = home.damaged_dir / f"{now:%Y%m%dT%H%M%SZ}"
    if place.exists():
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        place.rename(folder / place.name)
    backup = _bring_back(home, row.file, row.sha256)
    told = Mended(format_utc(now), row.file, str(backup or ""), str(folder))
    with db.transaction():
        db.meta_set(MENDED, json.dumps(asdict(told)))
        if backup is None:
            models.reject(db, row.id)
    return told


def last_mended(db: Store) -> Mended | None:
    """Return which model's file was damaged last, if any ever was."""
    told = db.meta_get(MENDED)
    return Mended(**json.loads(told)) if told else None


def _is(path: Path, sha256: str) -> bool:
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest() == sha256
    except OSError:
        return False


def _bring_back(home: Home, file: str, sha256: str) -> Path | None:
    """Write a model's file anew from the newest backup that has it; return that backup."""
    name = f"models/{file}"
    for path in sorted(home.backups_dir.glob("twind-*.zip"), key=_made_at, reverse=True):
        try:
            entry = backups.read(path).files.get(name)
            if entry is None or entry.sha256 != sha256:
                continue
            home.models_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(prefix=".twind-", dir=home.state_dir) as folder:
                part = Path(folder) / file
                backups.unpack(path, name, part)
                part.rename(home.models_dir / file)
        except BackupError:
            continue
        return path
    return None


# --- shared --------------------------------------------------------------------------------------


def _frames_read(database: Path) -> int:
    """Return how many frames of a database's journal SQLite takes, as its index says."""
    with closing(sqlite3.connect(f"{database.as_uri()}?mode=ro", uri=True)) as connection:
        connection.execute("SELECT COUNT(*) FROM sqlite_master").fetchone()
        index = Path(f"{database}-shm").read_bytes()[:20]
    return int.from_bytes(index[16:20], sys.byteorder)


def _checksum(data: bytes, magic: int) -> tuple[int, int]:
    """Return the checksum of the journal's format (sqlite.org/walformat.html)."""
    one = two = 0
    order = ">" if magic == _WAL_MAGIC[1] else "<"
    for first, second in struct.iter_unpack(f"{order}II", data):
        one = (one + first + two) & 0xFFFFFFFF
        two = (two + second + one) & 0xFFFFFFFF
    return one, two


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
            atomic.copy(path, place)
