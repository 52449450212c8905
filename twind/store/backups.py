"""Backups: one file that holds a database as it was at one moment, and what belongs to it.

A zip archive of a `manifest.json` and the files it names: the database, copied by SQLite's own
online backup while others go on writing, the configuration and the models. It is written beside its
place, read back and checked whole, and only then renamed to its name: a backup that is there was
good when it was made. Restoring writes to places where nothing is yet, the database last, and only
what the manifest names, under names that lead nowhere else.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import sqlite3
import tempfile
import zipfile
import zlib
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import twind
from twind import atomic
from twind.clock import format_utc, parse_utc
from twind.errors import BackupError, StoreError
from twind.store import erasure, migrations, outbox
from twind.store.connection import BEING_FORGOTTEN, Store

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from datetime import datetime

    from twind.home import Home

FORMAT = 1
MANIFEST, DATABASE, CONFIGURATION = "manifest.json", "twind.db", "twind.toml"
_MODEL = re.compile(r"models/[A-Za-z0-9_][A-Za-z0-9._-]{0,127}")
_MANIFEST_BYTES = 1 << 20
_CHUNK_BYTES = 1 << 20
_OUTDATED = "it may have been sent after the backup was made"


@dataclass(frozen=True, slots=True)
class Entry:
    """A file of a backup: its SHA-256 (hex), and its size in bytes."""

    sha256: str
    size: int


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a backup holds.

    Attributes:
        made_at: when, aware, UTC.
        because: why: "daily", "asked", or "before" and what it was made before.
        version: of the twind that made it.
        migrations: those that the database has had, in order.
        files: by name: DATABASE, CONFIGURATION, "models/…".

    """

    made_at: datetime
    because: str
    version: str
    migrations: tuple[str, ...]
    files: dict[str, Entry]


# --- making --------------------------------------------------------------------------------------


def make(db: Store, home: Home, target: Path, because: str) -> Manifest:
    """Write a backup of a home to `target` and return its manifest; it has been read back.

    Raises BackupError, naming the file, where it cannot be written or the database is damaged:
    then there is no file of that name, or the one that was there before.
    """
    with _explained(target):
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".twind-", dir=target.parent) as folder:
            copy, archive = Path(folder) / DATABASE, Path(folder) / "archive"
            done = _copy(db, copy)
            held = {DATABASE: copy, **_belongings(home)}
            files = {name: _entry(path) for name, path in held.items()}
            manifest = Manifest(db.clock.now(), because, twind.__version__, done, files)
            _write(archive, manifest, held)
            verify(archive, scratch=target.parent)
            archive.replace(target)
            atomic.sync_folder(target.parent)
    return manifest


def _copy(db: Store, path: Path) -> tuple[str, ...]:
    """Copy a database by the online backup; return the migrations it has had."""
    path.touch(mode=0o600)
    with closing(sqlite3.connect(path, isolation_level=None)) as copy:
        db.connection.backup(copy)
        # One file, that needs no journal beside it.
        copy.execute("PRAGMA journal_mode = DELETE")
        return migrations.done(copy)


def _belongings(home: Home) -> dict[str, Path]:
    """Return what goes along with the database, by its name in the manifest."""
    models = sorted(home.models_dir.glob("*")) if home.models_dir.is_dir() else []
    named = {CONFIGURATION: home.config_file, **{f"models/{path.name}": path for path in models}}
    return {name: path for name, path in named.items() if _is_ours(name) and path.is_file()}


def _entry(path: Path) -> Entry:
    with path.open("rb") as file:
        return Entry(hashlib.file_digest(file, "sha256").hexdigest(), path.stat().st_size)


def _write(archive: Path, manifest: Manifest, held: Mapping[str, Path]) -> None:
    told: dict[str, Any] = asdict(manifest) | {"format": FORMAT}
    told["made_at"] = format_utc(manifest.made_at)
    with (
        _new_file(archive) as file,
        # What some systems install is of 1970, and an archive knows no time before 1980.
        zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, strict_timestamps=False) as bundle,
    ):
        bundle.writestr(MANIFEST, json.dumps(told, indent=1, sort_keys=True))
        for name, path in held.items():
            bundle.write(path, name)


# --- reading -------------------------------------------------------------------------------------


def read(path: Path) -> Manifest:
    """Return a backup's manifest. Raises BackupError, naming the file, where there is none."""
    with _explained(path), zipfile.ZipFile(path) as bundle:
        return _manifest(bundle)


def verify(path: Path, scratch: Path | None = None) -> Manifest:
    """Read a backup whole: every file's hash, and the database's own checks. Returns its manifest.

    scratch: where there is room to unpack the database; default: where temporary files go. Raises
    BackupError, naming the file and what is wrong with it.
    """
    with _explained(path), tempfile.TemporaryDirectory(prefix=".twind-", dir=scratch) as folder:
        with zipfile.ZipFile(path) as bundle:
            manifest = _manifest(bundle)
            for name, entry in manifest.files.items():
                _extract(bundle, name, entry, Path(folder) / DATABASE if name == DATABASE else None)
        _check(Path(folder) / DATABASE)
    return manifest


def restore(path: Path, home: Home) -> Manifest:
    """Restore a backup to a home in which there is nothing yet; return its manifest.

    The database comes last: a restore that was cut short has restored nothing that serves. What it
    had still to send is not sent, since it may have been after the backup was made; whom this home
    has forgotten since is forgotten in it, too. Raises BackupError, naming the file, where the
    backup is not good, or something is there already or still being deleted; nothing is ever
    overwritten.
    """
    if erasure.is_under_way(home):
        raise BackupError(f"{home.database}: {BEING_FORGOTTEN}")
    manifest = verify(path)
    places = {name: _place(home, name) for name in manifest.files}
    if there := [place for place in (home.database, *places.values()) if place.exists()]:
        raise BackupError(f"{there[0]} is there: a backup is restored to a fresh place only")
    with _explained(path), zipfile.ZipFile(path) as bundle:
        for name in sorted(places, key=lambda name: name == DATABASE):
            place = places[name]
            place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with tempfile.TemporaryDirectory(prefix=".twind-", dir=place.parent) as folder:
                part = Path(folder) / place.name
                _extract(bundle, name, manifest.files[name], part)
                if name == DATABASE:
                    _settle(part, home)
                part.rename(place)
            atomic.sync_folder(place.parent)
    return manifest


def unpack(path: Path, name: str, place: Path) -> None:
    """Write one file of a backup to a new place, as it was written. Raises BackupError, naming it.

    name: as the manifest has it.
    """
    with _explained(path), zipfile.ZipFile(path) as bundle:
        _extract(bundle, name, _manifest(bundle).files[name], place)


def unpack_database(path: Path, home: Home, place: Path) -> None:
    """Write a good backup's database to a new file, brought up to the home as by `restore`.

    Raises BackupError, naming the backup.
    """
    unpack(path, DATABASE, place)
    with _explained(path):
        _settle(place, home)


def _place(home: Home, name: str) -> Path:
    known = {DATABASE: home.database, CONFIGURATION: home.config_file}
    return known.get(name) or home.models_dir / name.removeprefix("models/")


def _settle(database: Path, home: Home) -> None:
    """Bring a restored database up to this twind, and to what was forgotten in this home since.

    What it had still to send is let go of.
    """
    with Store.open(database) as db:
        outbox.forsake(db, _OUTDATED)
        erasure.again(db, home)
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def _check(database: Path) -> None:
    """Read all of a database that nobody writes."""
    with closing(sqlite3.connect(f"{database.as_uri()}?mode=ro", uri=True)) as connection:
        verdict = connection.execute("PRAGMA integrity_check(1)").fetchone()[0]
        if verdict != "ok":
            raise BackupError(f"the database is damaged: {verdict.splitlines()[-1]}")


def _manifest(bundle: zipfile.ZipFile) -> Manifest:
    """Read the manifest, and hold the archive against it: no more, no less, nothing elsewhere."""
    info = bundle.getinfo(MANIFEST)
    if info.file_size > _MANIFEST_BYTES:
        raise BackupError("the manifest is too large to be one")
    told = json.loads(bundle.read(info))
    if told["format"] != FORMAT:
        raise BackupError(f"it has format {told['format']}; this twind reads {FORMAT}")
    files = {
        str(n): Entry(str(one["sha256"]), int(one["size"])) for n, one in told["files"].items()
    }
    if DATABASE not in files or not all(map(_is_ours, files)):
        raise BackupError("it holds what no backup of twind's does")
    if sorted(bundle.namelist()) != sorted([MANIFEST, *files]):
        raise BackupError("it does not hold what its manifest says")
    done = tuple(map(str, told["migrations"]))
    made_at, because = parse_utc(told["made_at"]), str(told["because"])
    return Manifest(made_at, because, str(told["version"]), done, files)


def _is_ours(name: str) -> bool:
    return name in {DATABASE, CONFIGURATION} or bool(_MODEL.fullmatch(name))


def _extract(bundle: zipfile.ZipFile, name: str, entry: Entry, place: Path | None) -> None:
    """Write a file of the archive to a new place, if there is one, checking it on the way.

    No more is read than the manifest says: whatever unfolds to more is cut off there.
    """
    digest, left = hashlib.sha256(), entry.size
    with bundle.open(name) as packed, _new_file(place) as out:
        while left > 0 and (chunk := packed.read(min(_CHUNK_BYTES, left))):
            digest.update(chunk)
            out.write(chunk)
            left -= len(chunk)
        if left or packed.read(1) or digest.hexdigest() != entry.sha256:
            raise BackupError(f"it is damaged: {name} is not what was written")


# --- files ---------------------------------------------------------------------------------------


@contextmanager
def _new_file(place: Path | None) -> Iterator[IO[bytes]]:
    """Open a file that is not there yet for its owner alone, and sync it; None: write nowhere."""
    if place is None:
        with Path(os.devnull).open("wb") as nowhere:
            yield nowhere
        return
    with os.fdopen(os.open(place, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        yield file
        file.flush()
        os.fsync(file.fileno())


@contextmanager
def _explained(path: Path) -> Iterator[None]:
    """Turn whatever goes wrong with a backup into a BackupError of one clear line."""
    try:
        yield
    except (BackupError, StoreError) as error:
        raise BackupError(f"{path}: {error}") from None
    except sqlite3.Error as error:
        raise BackupError(f"{path}: the database cannot be read: {error}") from error
    except OSError as error:
        raise BackupError(f"{path}: {error.strerror or error}") from error
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:
        raise BackupError(f"{path}: it is damaged or no backup: {error}") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise BackupError(f"{path}: it is no backup: its manifest cannot be read") from error
