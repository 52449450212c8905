"""What is kept beside the database: backups and models."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from typing import TYPE_CHECKING

from twind.clock import parse_utc, when
from twind.doctor.finding import Finding, NothingYetError
from twind.errors import BackupError
from twind.plaintext import counted
from twind.store import backups as archives
from twind.store import life, rotation
from twind.store import models as kept

if TYPE_CHECKING:
    from twind.doctor.finding import Severity
    from twind.doctor.subject import Subject

OLD = timedelta(days=3)
"""A machine that is off for a weekend is no reason to worry."""


def backups(subject: Subject) -> Finding:
    """Hold that there is a backup of late, and that it can be had back: it is read whole."""
    now, folder = subject.clock.now(), subject.home.backups_dir
    newest = rotation.newest(folder, now)
    if newest is None:
        if life.is_empty(subject.db, subject.profile_id):
            raise NothingYetError("there is nothing to keep yet")
        severity: Severity = "notice" if _is_new(subject) else "warning"
        return Finding(severity, "there is no backup yet", "twind backup", {"backups": 0})
    path, moment = newest
    ago, count = now - moment, len(rotation.made(folder))
    facts = {"backups": count, "newest_h": round(ago.total_seconds() / 3600)}
    try:
        archives.verify(path)
    except BackupError as error:
        return Finding("error", str(error), "twind backup makes a good one", facts)
    of = when(moment.isoformat())
    saw = f"{counted(count, 'backup')}, the newest of {of} UTC, read back and good"
    if not timedelta() <= ago <= OLD:
        return Finding("warning", saw, "twind backup makes one now", facts)
    return Finding("ok", saw, facts=facts)


def _is_new(subject: Subject) -> bool:
    """Tell whether the profile is so young that no day's backup need have been made."""
    created_at = subject.db.value(
        "SELECT created_at FROM profile WHERE id = ?", (subject.profile_id,)
    )
    return bool(created_at) and subject.clock.now() - parse_utc(created_at) < OLD


def models(subject: Subject) -> Finding:
    """Hold that what serves is the file that was trained."""
    serving = kept.serving(subject.db, subject.profile_id)
    if serving is None or serving.file is None:
        return Finding("ok", "what serves needs no file")
    path = subject.home.models_dir / serving.file
    do = "nothing: the next proposal brings it back from a backup, or the base policy serves"
    try:
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        return Finding("warning", f"{path}: {error.strerror}", do, {"readable": False})
    facts = {"readable": True, "same": digest == serving.sha256}
    if digest != serving.sha256:
        return Finding("warning", f"{path} is not what was trained: it was changed", do, facts)
    return Finding("ok", f"{path.name} serves, as it was trained", facts=facts)
