"""Migrations: each runs once, in order, in one transaction; the table says which have run.

To add one, append a function to MIGRATIONS; never change one that has been released. A name in the
table that is not in the list was written by a newer twind. `executescript` commits, so migrations
use `execute` alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from twind.errors import NewerDatabaseError
from twind.store import schema, triggers

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable

TABLE = "twind_migrations"


def first_tables(connection: sqlite3.Connection) -> None:
    """Create what is missing, and complete MISSION's tables that were made elsewhere."""
    present = table_names(connection)
    fresh = not present.intersection(schema.MISSION_TABLES)
    for table in schema.MISSION_TABLES:
        if table not in present:
            connection.execute(schema.create(table, constrained=fresh))
            continue
        have = {row[1] for row in connection.execute(f"PRAGMA table_info({table})")}
        for column in schema.columns_of(table):
            if column not in have:
                connection.execute(f"ALTER TABLE {table} ADD COLUMN {column}")
    for table in schema.OWN_TABLES:
        connection.execute(schema.create(table))
    for statement in schema.INDEXES:
        connection.execute(statement)


def health_and_links(connection: sqlite3.Connection) -> None:
    """Since when a source is in trouble, what it holds back, and who the user says is whom."""
    _add_columns(
        connection,
        "sources",
        {
            "trouble": "TEXT",
            "trouble_since": "TEXT",
            "held_since": "TEXT",
            "held_upto": "INTEGER",
            "accepted": "INTEGER NOT NULL DEFAULT 0",
            "more_errors": "INTEGER NOT NULL DEFAULT 0",
        },
    )
    _add_columns(connection, "source_errors", {"first_seen_at": "TEXT"})
    connection.execute(schema.create("same_person"))


def channels(connection: sqlite3.Connection) -> None:
    """Keep what became of each message on each channel, and let messages be dropped.

    SQLite cannot change a CHECK: the table is made anew.
    """
    if "due_at" not in {row[1] for row in connection.execute("PRAGMA table_info(outbox)")}:
        connection.execute("ALTER TABLE outbox RENAME TO outbox_before")
        connection.execute(schema.create("outbox"))
        columns = "id, profile_id, key, payload, state, channel, created_at, sent_at, error"
        connection.execute(f"INSERT INTO outbox ({columns}) SELECT {columns} FROM outbox_before")
        connection.execute("DROP TABLE outbox_before")
    connection.execute(schema.create("deliveries"))


def steps_by_workflow(connection: sqlite3.Connection) -> None:
    """Let the last step of a project be found without reading all there are."""
    for statement in schema.INDEXES:
        connection.execute(statement)


def when_models_served(connection: sqlite3.Connection) -> None:
    """Since when a model has served: what served before is what a rollback goes back to."""
    _add_columns(connection, "models", {"served_at": "TEXT"})
    connection.execute("UPDATE models SET served_at = created_at WHERE state = 'serving'")


def checkins(connection: sqlite3.Connection) -> None:
    """Keep how the user's energy was when they said it."""
    connection.execute(schema.create("checkins"))


def words(connection: sqlite3.Connection) -> None:
    """Keep what the user says of what is believed, and what each piece of evidence rests on."""
    connection.execute(schema.create("words"))
    _add_columns(connection, "evidence", {"origin": "TEXT NOT NULL DEFAULT ''"})


def changes(connection: sqlite3.Connection) -> None:
    """Keep when the user seems to have changed."""
    connection.execute(schema.create("changes"))


def erased(connection: sqlite3.Connection) -> None:
    """Keep the fingerprints of those whom no source is to bring back."""
    connection.execute(schema.create("erased"))


def spent_ids(connection: sqlite3.Connection) -> None:
    """Keep the highest id of each table that was deleted, so that nothing else ever gets it."""
    connection.execute(schema.create("spent_ids"))


def no_windows(connection: sqlite3.Connection) -> None:
    """Drop two columns that nothing reads or writes."""
    have = {row[1] for row in connection.execute("PRAGMA table_info(sources)")}
    for column in have.intersection({"window_start", "window_end"}):
        connection.execute(f"ALTER TABLE sources DROP COLUMN {column}")


def _add_columns(connection: sqlite3.Connection, table: str, columns: dict[str, str]) -> None:
    """Add those that are missing: a table that was made just now has them already."""
    have = {row[1] for row in connection.execute(f"PRAGMA table_info({table})")}
    for column, kind in columns.items():
        if column not in have:
            connection.execute(f"ALTER TABLE {table} ADD COLUMN {column} {kind}")


MIGRATIONS: tuple[Callable[[sqlite3.Connection], None], ...] = (
    first_tables,
    health_and_links,
    channels,
    steps_by_workflow,
    when_models_served,
    checkins,
    words,
    changes,
    erased,
    spent_ids,
    no_windows,
)


def table_names(connection: sqlite3.Connection) -> set[str]:
    """Return the names of all tables."""
    rows = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
    return {row[0] for row in rows if not row[0].startswith("sqlite_")}


def done(connection: sqlite3.Connection) -> tuple[str, ...]:
    """Return the names of the migrations that have run, in the order in which they did."""
    if TABLE not in table_names(connection):
        return ()
    return tuple(row[0] for row in connection.execute(f"SELECT name FROM {TABLE} ORDER BY rowid"))


def pending(connection: sqlite3.Connection) -> list[Callable[[sqlite3.Connection], None]]:
    """Return the migrations that have not run. Raises NewerDatabaseError for an unknown one."""
    have = set(done(connection))
    unknown = have - {migration.__name__ for migration in MIGRATIONS}
    if unknown:
        raise NewerDatabaseError(
            f"was written by a newer twind (it has {', '.join(sorted(unknown))}); upgrade twind"
        )
    return [migration for migration in MIGRATIONS if migration.__name__ not in have]


def run(connection: sqlite3.Connection) -> None:
    """Run what has not run, inside the caller's transaction, and install the triggers."""
    connection.execute(
        f"CREATE TABLE IF NOT EXISTS {TABLE} (name TEXT PRIMARY KEY, applied_at TEXT NOT NULL)"
    )
    for migration in pending(connection):
        migration(connection)
        connection.execute(
            f"INSERT INTO {TABLE} VALUES (?, strftime('%Y-%m-%dT%H:%M:%fZ', 'now'))",
            (migration.__name__,),
        )
    triggers.install(connection)
