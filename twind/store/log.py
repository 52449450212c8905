"""The change log and its readers.

A consumer keeps a cursor and moves it in the transaction that stores its result: what a crash
interrupts is done again, what is done is not repeated.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from twind.store.connection import Store

CONSUMERS: dict[str, tuple[str, ...]] = {
    "detect": (
        "responses",
        "entities",
        "entity_attributes",
        "workflows",
        "workflow_steps",
        "records",
        "feedback",
        "words",
    ),
}
"""Which tables wake which consumer. What a consumer writes is not among its own."""


def max_seq(db: Store) -> int:
    """Return the number of the newest change, 0 if there is none."""
    return int(db.value("SELECT COALESCE(MAX(seq), 0) FROM change_log"))


def cursor(db: Store, consumer: str) -> int | None:
    """Return how far a consumer has read; None if it never has."""
    found: int | None = db.value("SELECT seq FROM cursors WHERE consumer = ?", (consumer,))
    return found


def pending(db: Store, consumer: str) -> bool:
    """Tell whether anything this consumer reacts to has changed since it last read.

    One that never read has everything before it: a database made elsewhere has no log.
    """
    seq = cursor(db, consumer)
    if seq is None:
        return True
    tables = CONSUMERS[consumer]
    marks = ", ".join("?" for _ in tables)
    return bool(
        db.value(
            f"SELECT EXISTS (SELECT 1 FROM change_log WHERE seq > ? AND table_name IN ({marks}))",
            (seq, *tables),
        )
    )


def only_events(db: Store, consumer: str) -> bool:
    """Tell whether all that a consumer has yet to read are events that came or have changed.

    Not those that went: nothing tells any more what they were.
    """
    seq = cursor(db, consumer)
    if seq is None:
        return False
    tables = CONSUMERS[consumer]
    marks = ", ".join("?" for _ in tables)
    return not db.value(
        "SELECT EXISTS (SELECT 1 FROM change_log c LEFT JOIN records r "
        "ON c.table_name = 'records' AND r.id = c.row_id "
        f"WHERE c.seq > ? AND c.table_name IN ({marks}) "
        "AND (c.op = 'delete' OR r.kind IS NOT 'event'))",
        (seq, *tables),
    )


def prune(db: Store) -> int:
    """Forget the changes that every consumer has read, but for the newest; return how many.

    Its number is where the log goes on, and what says how far it had come.
    """
    read = [cursor(db, consumer) for consumer in CONSUMERS]
    return db.execute(
        "DELETE FROM change_log WHERE seq <= ? AND seq < (SELECT MAX(seq) FROM change_log)",
        (min(-1 if seq is None else seq for seq in read),),
    )


def advance(db: Store, consumer: str, seq: int) -> None:
    """Move a consumer's cursor to `seq`, never back."""
    with db.transaction():
        db.execute(
            "INSERT INTO cursors VALUES (?, ?) "
            "ON CONFLICT (consumer) DO UPDATE SET seq = MAX(seq, excluded.seq)",
            (consumer, seq),
        )
