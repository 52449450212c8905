"""One connection to the database, and the rules every connection keeps.

From experience: WAL with synchronous=FULL, since a power cut is the test; every write transaction
is BEGIN IMMEDIATE, since read-then-write fails at once with BUSY_SNAPSHOT whatever the timeout.
"""

from __future__ import annotations

import json
import sqlite3
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Self

from twind.clock import Clock, SystemClock, format_utc
from twind.errors import (
    DamagedDatabaseError,
    ForeignDatabaseError,
    NewerDatabaseError,
    ReadOnlyDatabaseError,
    StoreError,
)
from twind.store import migrations, schema

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from datetime import datetime
    from pathlib import Path

BUSY_TIMEOUT_S = 15.0
_CIRCUMSTANCES = frozenset(
    {
        sqlite3.SQLITE_BUSY,
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_FULL,
        sqlite3.SQLITE_IOERR,
        sqlite3.SQLITE_LOCKED,
        sqlite3.SQLITE_NOMEM,
        sqlite3.SQLITE_PROTOCOL,
        sqlite3.SQLITE_READONLY,
    }
)
_PRIMARY = 0xFF
"""The part of an extended result code that is the primary one: sqlite.org/rescode.html."""

JOURNALS = ("-wal", "-shm", "-journal")
"""What SQLite keeps beside a database: files of its name and one of these."""
RECOVERED_SUFFIX = ".recovered"
"""A file of the database's name and this one takes its place: see recovery.py."""
FORGOTTEN_SUFFIX = ".forgotten"
"""Such a file says that all there is goes for good: see erasure.everything."""
BEING_FORGOTTEN = (
    "everything is being forgotten; start twind, or say `twind forget everything` again, to finish"
)


class Store:
    """An open database. Not to be shared between threads.

    Use `Store.open(path)` for twind's own file and `Store.adopt(connection)` for a plain `sqlite3`
    connection to a database that may have been made elsewhere.
    """

    def __init__(self, connection: sqlite3.Connection, clock: Clock, *, owned: bool) -> None:
        self.connection = connection
        self.clock = clock
        self._owned = owned
        self._depth = 0
        self._taken_back = 0

    @classmethod
    def open(
        cls,
        path: Path,
        clock: Clock | None = None,
        *,
        busy_timeout_s: float = BUSY_TIMEOUT_S,
        existing: bool = False,
        before_migrating: Callable[[Store], object] | None = None,
    ) -> Store:
        """Open the database at `path`, making it where it does not exist, and migrate it.

        `busy_timeout_s` is how long a write waits for another program's; `existing` refuses one
        that is not there; `before_migrating` is called with what is about to be changed for good.
        Raises a StoreError that names the file, and whatever that call does.
        """
        if path.with_name(f"{path.name}{FORGOTTEN_SUFFIX}").exists():
            raise StoreError(f"{path}: {BEING_FORGOTTEN}")
        if path.with_name(f"{path.name}{RECOVERED_SUFFIX}").exists():
            raise DamagedDatabaseError(f"{path} is being recovered: start twind to finish that")
        try:
            if not existing:
                path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                path.touch(mode=0o600, exist_ok=True)
            connection = sqlite3.connect(
                f"{path.absolute().as_uri()}?mode=rw",
                uri=True,
                timeout=busy_timeout_s,
                isolation_level=None,
            )
        except (OSError, sqlite3.Error) as error:
            raise StoreError(f"{path}: cannot be opened: {error}") from error
        store = cls(connection, clock or SystemClock(), owned=True)
        try:
            store._prepare(path, before_migrating)
        except BaseException:
            connection.close()
            raise
        return store

    @classmethod
    def read(cls, path: Path, clock: Clock | None = None) -> Store:
        """Open the database at `path` only to read it: nothing is made, migrated or repaired.

        Raises a StoreError that names the file.
        """
        with explained(str(path)):
            connection = sqlite3.connect(
                f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=BUSY_TIMEOUT_S
            )
            try:
                _refuse_foreign(connection)
            except BaseException:
                connection.close()
                raise
        return cls(connection, clock or SystemClock(), owned=True)

    @classmethod
    def adopt(cls, connection: sqlite3.Connection, clock: Clock | None = None) -> Store:
        """Use a connection somebody else opened; add what is missing and leave its settings alone.

        A transaction they have begun stays theirs to commit.
        """
        store = cls(connection, clock or SystemClock(), owned=False)
        with explained(store.file or "the database"), _plain_rows(connection):
            _refuse_foreign(connection)
            if migrations.pending(connection):
                with store.transaction():
                    migrations.run(connection)
        return store

    def _prepare(self, path: Path, before_migrating: Callable[[Store], object] | None) -> None:
        with explained(str(path)):
            self.connection.execute("PRAGMA foreign_keys = ON")
            _refuse_foreign(self.connection)
            outstanding = migrations.pending(self.connection)
            self.connection.execute("PRAGMA journal_mode = WAL")
            self.connection.execute("PRAGMA synchronous = FULL")
            if outstanding and before_migrating and migrations.table_names(self.connection):
                before_migrating(self)
            if outstanding:
                with self.transaction():
                    migrations.run(self.connection)
            else:
                # Finds out now, not at the first write, that nothing can be written.
                self.connection.execute("BEGIN IMMEDIATE")
                self.connection.execute("ROLLBACK")

    @property
    def file(self) -> str:
        """The database's file, or "" for one in memory."""
        [main, *_] = self.rows("PRAGMA database_list")
        return str(main["file"] or "")

    def close(self) -> None:
        """Close the connection, if it is ours."""
        if self._owned:
            self.connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Write all of the block or nothing of it. Inside another transaction: a savepoint."""
        if self.connection.in_transaction:
            self._depth += 1
            name = f"twind_{self._depth}"
            begin, commit = f"SAVEPOINT {name}", f"RELEASE {name}"
            rollback = f"ROLLBACK TO {name}"
        else:
            begin, commit, rollback = "BEGIN IMMEDIATE", "COMMIT", "ROLLBACK"
        self.connection.execute(begin)
        try:
            yield
        except BaseException:
            self._taken_back += 1
            # A full disk or an I/O error may have rolled everything back already.
            if self.connection.in_transaction:
                self.connection.execute(rollback)
                if begin != "BEGIN IMMEDIATE":
                    self.connection.execute(commit)
            raise
        else:
            self.connection.execute(commit)
        finally:
            if begin != "BEGIN IMMEDIATE":
                self._depth -= 1

    @contextmanager
    def reading(self) -> Iterator[None]:
        """See one moment of the database for the whole block, while others go on writing."""
        self.connection.execute("BEGIN")
        try:
            yield
        finally:
            self.connection.execute("ROLLBACK")

    # --- the few shapes of statement that every topic uses ---------------------------------------

    def rows(self, sql: str, parameters: Sequence[Any] | dict[str, Any] = ()) -> list[sqlite3.Row]:
        """Return all rows of a query, each readable by index and by name."""
        cursor = self.connection.cursor()
        cursor.row_factory = sqlite3.Row
        return cursor.execute(sql, parameters).fetchall()

    def each(
        self, sql: str, parameters: Sequence[Any] | dict[str, Any] = ()
    ) -> Iterator[sqlite3.Row]:
        """Yield the rows of a query one by one, without having all of them in memory."""
        cursor = self.connection.cursor()
        cursor.row_factory = sqlite3.Row
        yield from cursor.execute(sql, parameters)

    def row(self, sql: str, parameters: Sequence[Any] | dict[str, Any] = ()) -> sqlite3.Row | None:
        """Return the first row of a query, or None."""
        cursor = self.connection.cursor()
        cursor.row_factory = sqlite3.Row
        found: sqlite3.Row | None = cursor.execute(sql, parameters).fetchone()
        return found

    def value(self, sql: str, parameters: Sequence[Any] | dict[str, Any] = ()) -> Any:
        """Return the first column of the first row, or None."""
        row = self.row(sql, parameters)
        return None if row is None else row[0]

    def execute(self, sql: str, parameters: Sequence[Any] | dict[str, Any] = ()) -> int:
        """Run one statement and return how many rows it changed."""
        return self.connection.execute(sql, parameters).rowcount

    def insert(self, table: str, **columns: Any) -> int:
        """Insert a row into a table with an `id` and return that id.

        The id is given explicitly: a table made elsewhere may not make its own. It is none that a
        row of `schema.SPENT` ever had: what still speaks of one that is gone means nobody else. To
        be called in a transaction.
        """
        names = ", ".join(columns)
        marks = ", ".join("?" for _ in columns)
        row = self.row(
            f"INSERT INTO {table} (id, {names}) "
            f"VALUES (1 + MAX((SELECT COALESCE(MAX(id), 0) FROM {table}), "
            f"(SELECT COALESCE(MAX(id), 0) FROM spent_ids WHERE table_name = ?)), {marks}) "
            "RETURNING id",
            (table, *columns.values()),
        )
        assert row is not None
        return int(row[0])

    def now(self) -> str:
        """Return the present as it is stored."""
        return format_utc(self.clock.now())

    def data_version(self) -> int:
        """Return a number that changes when another connection has committed."""
        return int(self.value("PRAGMA data_version"))

    def sight(self) -> tuple[int, int, int]:
        """Return what changes whenever what is seen here may have: others' writes, ours, undone."""
        return self.data_version(), self.connection.total_changes, self._taken_back

    def meta_get(self, key: str) -> str | None:
        """Return a small setting that twind itself keeps, or None."""
        found: str | None = self.value("SELECT value FROM meta WHERE key = ?", (key,))
        return found

    def meta_set(self, key: str, value: str | None) -> None:
        """Keep a small setting; None forgets it."""
        with self.transaction():
            self.execute("DELETE FROM meta WHERE key = ?", (key,))
            if value is not None:
                self.execute("INSERT INTO meta VALUES (?, ?)", (key, value))


def _refuse_foreign(connection: sqlite3.Connection) -> None:
    tables = migrations.table_names(connection)
    if tables and not tables.intersection({*schema.MISSION_TABLES, migrations.TABLE}):
        raise ForeignDatabaseError(
            f"belongs to another program (tables: {', '.join(sorted(tables)[:4])} …); "
            "nothing was changed"
        )


@contextmanager
def _plain_rows(connection: sqlite3.Connection) -> Iterator[None]:
    """Have rows come as tuples for a while, whatever its owner has them come as."""
    factory, connection.row_factory = connection.row_factory, None
    try:
        yield
    finally:
        connection.row_factory = factory


def is_circumstance(error: Exception) -> bool:
    """Tell whether the machine is at fault: a lock, a full or failing disk, no memory.

    Trying again may help then, and a traceback helps nobody.
    """
    code = getattr(error, "sqlite_errorcode", None) or 0
    return isinstance(error, StoreError) or code & _PRIMARY in _CIRCUMSTANCES


@contextmanager
def explained(where: str) -> Iterator[None]:
    """Turn what SQLite says about a database into a StoreError of one clear line."""
    try:
        yield
    except (ForeignDatabaseError, DamagedDatabaseError, NewerDatabaseError) as error:
        raise type(error)(f"{where} {error}") from None
    except sqlite3.OperationalError as error:
        if "readonly" in str(error) or "read-only" in str(error):
            raise ReadOnlyDatabaseError(
                f"{where} is read-only; make the file and its folder writable"
            ) from error
        raise StoreError(f"{where}: {error}") from error
    except sqlite3.DatabaseError as error:
        raise DamagedDatabaseError(
            f"{where} is damaged or no database ({error}); move it away or restore a backup"
        ) from error


def to_json(value: Any) -> str:
    """Write a value as compact, stable JSON text.

    Half of a character, as the name of a file may hold, SQLite does not store: JSON has an escape.
    """
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), sort_keys=True)
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def from_json(text: Any) -> dict[str, Any]:
    """Read a JSON column that should hold an object; anything else reads as an empty one."""
    try:
        value = json.loads(text) if text else {}
    except (TypeError, ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def texts(held: dict[str, Any], key: str) -> tuple[str, ...]:
    """Return a list of texts in such an object; a database made elsewhere may hold anything."""
    value = held.get(key)
    return tuple(str(item) for item in value) if isinstance(value, list) else ()


def stored_time(moment: datetime | None) -> str | None:
    """Return a time as it is stored."""
    return None if moment is None else format_utc(moment)
