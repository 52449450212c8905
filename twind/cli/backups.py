"""`twind backup`, `twind restore`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from twind.cli.session import opened
from twind.clock import format_utc
from twind.errors import BackupError, NotFoundError
from twind.home import Home
from twind.store import backups, rotation

if TYPE_CHECKING:
    import argparse

    from twind.cli.output import Output
    from twind.store.backups import Manifest


def backup(arguments: argparse.Namespace, out: Output) -> int:
    """Make a backup, or read those there are."""
    if arguments.verify:
        return _verify_all(arguments, out)
    with opened(arguments) as session:
        if arguments.file:
            path = Path(arguments.file).expanduser().absolute()
            if path.exists():
                raise BackupError(f"{path} is there already; name another file")
            if not path.parent.is_dir():
                # What is not mounted must not end up beside what it is to be safe from.
                raise BackupError(f"{path.parent} is not there; mount it, or make it")
            manifest = backups.make(session.db, session.home, path, "asked")
        else:
            keep = session.settings.backups
            path, manifest = rotation.add(session.db, session.home, "asked", keep)
    return out.done(_as_json(path, manifest), f"{path}: {_told(manifest)}, read back and good")


def restore(arguments: argparse.Namespace, out: Output) -> int:
    """Bring a backup back to a home where there is nothing, or only read it."""
    path = Path(arguments.file).expanduser().absolute()
    if arguments.verify:
        manifest = backups.verify(path)
        return out.done(_as_json(path, manifest), f"{path}: {_told(manifest)}, good")
    home = Home.find(arguments.home)
    manifest = backups.restore(path, home)
    return out.done(
        _as_json(path, manifest) | {"home": str(home.state_dir)},
        f"Restored {_told(manifest)} to {home.state_dir}",
    )


def _verify_all(arguments: argparse.Namespace, out: Output) -> int:
    """Read backups whole; fail with the first that is not good, once all are read."""
    folder = Home.find(arguments.home).backups_dir
    named = [Path(arguments.file).expanduser().absolute()] if arguments.file else None
    paths = named or list(rotation.made(folder))
    if not paths:
        raise NotFoundError(f"there is no backup in {folder}; make one: twind backup")
    good, bad = [], []
    for path in paths:
        try:
            good.append(_as_json(path, backups.verify(path)))
        except BackupError as error:
            bad.append(error)
    if bad and len(paths) == 1:
        raise bad[0]
    if bad:
        for other in bad[1:]:
            out.note(str(other))
        are = "is" if len(bad) == 1 else "are"
        raise BackupError(f"{len(bad)} of {len(paths)} backups {are} no good: {bad[0]}")
    return out.done({"backups": good}, f"{len(good)} read, all good")


def _told(manifest: Manifest) -> str:
    held = sum(entry.size for entry in manifest.files.values())
    return f"{held / 1e6:.1f} MB of {manifest.made_at:%Y-%m-%d %H:%M} UTC"


def _as_json(path: Path, manifest: Manifest) -> dict[str, Any]:
    return {
        "file": str(path),
        "made_at": format_utc(manifest.made_at),
        "because": manifest.because,
        "version": manifest.version,
        "files": {
            name: {"sha256": entry.sha256, "size": entry.size}
            for name, entry in manifest.files.items()
        },
    }
