"""Triggers that write every change of user data into the change log, in its own transaction.

They are built from the columns a table really has, so that a table made elsewhere is covered
whole. They use built-in functions only, since any program may be the one that writes, and an update
that changes nothing is no event.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from twind.store.schema import LOGGED

if TYPE_CHECKING:
    import sqlite3

_OPS = {"insert": "NEW", "update": "NEW", "delete": "OLD"}


def _statement(connection: sqlite3.Connection, table: str, op: str) -> str:
    columns = [row[1] for row in connection.execute(f"PRAGMA table_info({table})")]
    changed = " OR ".join(f'OLD."{column}" IS NOT NEW."{column}"' for column in columns)
    when = f" WHEN {changed}" if op == "update" else ""
    return (
        f"CREATE TRIGGER twind_log_{table}_{op} AFTER {op.upper()} ON {table}{when} BEGIN "
        "INSERT INTO change_log (at, table_name, op, row_id) "
        f"VALUES (strftime('%Y-%m-%dT%H:%M:%fZ', 'now'), '{table}', '{op}', {_OPS[op]}.id); END"
    )


def install(connection: sqlite3.Connection) -> None:
    """Create the triggers that are missing and replace those that do not fit their table."""
    rows = connection.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'")
    present = dict(rows.fetchall())
    for table in LOGGED:
        for op in _OPS:
            name = f"twind_log_{table}_{op}"
            statement = _statement(connection, table, op)
            if present.get(name) == statement:
                continue
            if name in present:
                connection.execute(f"DROP TRIGGER {name}")
            connection.execute(statement)
