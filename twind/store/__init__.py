"""SQLite: the only SQL that writes, the one source of truth, and the bus.

Each module is one topic: functions that take a `Store` first. Everything they change is in the
caller's transaction if there is one, else in one of their own.
"""

from twind.store.connection import Store, is_circumstance

__all__ = ["Store", "is_circumstance"]
