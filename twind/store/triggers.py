"""Triggers that write down, in its own transaction, what happens to user data.

Every change goes into the change log, and every id that is let go of into `spent_ids`. They are
built from the columns a table really has, so that a table made elsewhere is covered whole. They use
built-in functions only, since any program may be the one that writes, and an update that changes
nothing is no event.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from twind.store.schema import LOGGED, SPENT

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator

_OPS = {"insert": "NEW", "update": "NEW", "delete": "OLD"}


def _wanted(connection: sqlite3.Connection) -> Iterator[tuple[str, str]]:
    """Yield the name of each trigger, and what comes after it in the statement that creates it."""
    for table in LOGGED:
        for op in _OPS:
            yield f"twind_log_{table}_{op}", _logging(connection, table, op)
    for table in SPENT:
        yield f"twind_spent_{table}", _spending(table)


def _logging(connection: sqlite3.Connection, table: str, op: str) -> str:
    columns = [row[1] for row in connection.execute(f"PRAGMA table_info({table})")]
    changed = " OR ".join(f'OLD."{column}" IS NOT NEW."{column}"' for column in columns)
    when = f" WHEN {changed}" if op == "update" else ""
    return (
        f"AFTER {op.upper()} ON {table}{when} BEGIN "
        "INSERT INTO change_log (at, table_name, op, row_id) "
        f"VALUES (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'), '{table}', '{op}', {_OPS[op]}.id); END"
    )


def _spending(table: str) -> str:
    return (
        f"AFTER DELETE ON {table} WHEN OLD.id IS NOT NULL BEGIN "
        f"INSERT INTO spent_ids VALUES ('{table}', OLD.id) "
        "ON CONFLICT (table_name) DO UPDATE SET id = MAX(id, excluded.id); END"
    )


def install(connection: sqlite3.Connection) -> None:
    """Create the triggers that are missing and replace those that do not fit their table."""
    rows = connection.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'")
    present = dict(rows.fetchall())
    for name, rest in _wanted(connection):
        statement = f"CREATE TRIGGER {name} {rest}"
        if present.get(name) == statement:
            continue
        if name in present:
            connection.execute(f"DROP TRIGGER {name}")
        connection.execute(statement)
