"""The database at the start: whole, of this twind's schema, and the home's own."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from twind import messages
from twind.daemon import logs
from twind.errors import BackupError, DamagedDatabaseError, StoreError
from twind.store import Store, erased, erasure, outbox, recovery, rotation

if TYPE_CHECKING:
    from twind.clock import Clock
    from twind.home import Home
    from twind.settings import TwindSettings
    from twind.store.recovery import Recovered

BUSY_TIMEOUT_S = 2.0
"""The loop must not stand still while another program holds the database."""

log = logging.getLogger(__name__)


def opened(home: Home, settings: TwindSettings, clock: Clock) -> Store:
    """Open the home's database; where it is damaged, that of the newest good backup.

    Where only its journal is, it is gone on with. The user is told of either. What was being
    deleted goes first: nothing of it is recovered.

    Raises DamagedDatabaseError where there is no good backup, and StoreError.
    """
    if erasure.finish_everything(home):
        log.info("deleted what `twind forget everything` had left")
    kept = _mended(home, clock)
    db = rotation.opened(home, clock, BUSY_TIMEOUT_S)
    _tell(db, settings, kept)
    _finish_forgetting(db, home)
    return db


def _mended(home: Home, clock: Clock) -> Recovered | None:
    """Put a good database in the place of a damaged one.

    Returns what was kept of one that is gone on with; one that takes another's place says so
    itself.
    """
    recovery.finish(home)
    if (wrong := recovery.damage(home)) is not None:
        try:
            found = recovery.recover(home, clock, wrong)
        except BackupError as none:
            raise DamagedDatabaseError(f"{wrong}; {none}") from none
        log.error(
            "%s: it was replaced by the backup of %s; the damaged one is in %s",
            wrong, found.made_at, found.aside, extra=logs.about(event="recovered"),
        )  # fmt: skip
    elif (lost := recovery.damaged_journal(home)) is not None:
        kept = recovery.keep(home, clock, lost)
        log.error("%s; as it was found it is in %s", lost, kept.aside)
        return kept
    return None


def _tell(db: Store, settings: TwindSettings, kept: Recovered | None) -> None:
    """Put the messages about what was recovered, by this start or one that was killed before."""
    for found in (recovery.untold(db), kept):
        if found is not None:
            said = messages.of_recovery(found, settings.zone)
            with db.transaction():
                recovery.note(db, found, told=True)
                outbox.put(db, settings.profile.id, f"recovered:{found.at}", said)


def _finish_forgetting(db: Store, home: Home) -> None:
    """Wipe what is still to be wiped, and forget again what a database put here by hand knows.

    Raises StoreError where whom the user has had forgotten cannot be read: nobody is to be brought
    back because of that.
    """
    _wipe(db, home)
    if erased.is_news(db, home):
        erasure.again(db, home)
        log.warning("forgot again what was forgotten after this database was kept")
        _wipe(db, home)


def _wipe(db: Store, home: Home) -> None:
    try:
        if erasure.finish(db, home):
            log.info("wiped what `twind forget` had deleted and not wiped")
    except StoreError as error:
        log.warning("%s", error)
