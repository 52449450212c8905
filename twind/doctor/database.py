"""The database: whether it can be read, is whole, and is of this twind."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from twind.doctor.finding import Finding, NothingYetError
from twind.errors import NewerDatabaseError
from twind.store import migrations, recovery

if TYPE_CHECKING:
    from twind.doctor.subject import Subject

MUCH_BYTES = 2 * 2**30
"""A life of many years is far from that: something grows that should not."""


def database(subject: Subject) -> Finding:
    """Read all of it, and ask SQLite whether it is whole."""
    file = subject.home.database
    if (wrong := recovery.damage(subject.home)) is not None:
        do = "start the daemon: it sets the file aside and takes the newest good backup's"
        return Finding("error", wrong, do)
    if not file.exists():
        raise NothingYetError("there is no database yet")
    _ = subject.db
    if not os.access(file, os.W_OK):
        return Finding("error", f"{file} cannot be written to", f"chmod u+w {file}")
    size = file.stat().st_size
    unused = subject.db.value("PRAGMA freelist_count") * subject.db.value("PRAGMA page_size")
    facts = {"bytes": size, "unused_bytes": unused}
    saw = f"{file}: {size / 1e6:.1f} MB, whole"
    if size - unused > MUCH_BYTES:
        return Finding("warning", saw, "report it: no life takes so much", facts)
    return Finding("ok", saw, facts=facts)


def schema(subject: Subject) -> Finding:
    """Hold that this twind knows the database's tables."""
    connection = subject.db.connection
    known = len(migrations.done(connection))
    facts = {"migrations": known, "of": len(migrations.MIGRATIONS)}
    try:
        pending = migrations.pending(connection)
    except NewerDatabaseError as error:
        return Finding("error", f"the database {error}", "upgrade twind", facts)
    if pending:
        # What else there is to look at may be in columns that are not there yet.
        saw = f"the database lacks {len(pending)} of this twind's migrations"
        do = "start the daemon: it makes a backup first"
        return Finding("notice", saw, do, facts, blocks=True)
    return Finding("ok", f"the database is of this twind ({known} migrations)", facts=facts)


def references(subject: Subject) -> Finding:
    """Hold that every row that others refer to is there."""
    broken = subject.db.rows("PRAGMA foreign_key_check")
    facts = {"broken": len(broken)}
    if broken:
        tables = ", ".join(sorted({row["table"] for row in broken}))
        saw = f"{len(broken)} rows refer to rows that are gone (in {tables})"
        return Finding("warning", saw, "report it: twind doctor --bundle FILE.zip", facts)
    return Finding("ok", "every row that is referred to is there", facts=facts)
