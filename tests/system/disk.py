"""A disk that keeps a journal, fails and forgets, as a test sees it.

The processes that live on it have inside/twind_test_disk.py beneath their SQLite. From its journal
follows what the disk may hold where the power goes at any moment: what was synced, and of the rest
any part, down to single sectors.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import random
    from collections.abc import Iterable, Iterator

SECTOR = 512
"""What a disk writes whole or not at all, in bytes."""
FULL, WRITE_ERROR = 13, 10 | 3 << 8
"""SQLITE_FULL, SQLITE_IOERR_WRITE (sqlite3.h)."""


class Disk:
    """The disk of a home: `variables` are for the processes that live on it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        inside = str(Path(__file__).with_name("inside"))
        path = os.pathsep.join(filter(None, [inside, os.environ.get("PYTHONPATH")]))
        self.variables = {"TWIND_TEST_DISK": str(folder), "PYTHONPATH": path}

    def plan(self, who: str, op: str, nth: int = 1, error: int = 0) -> None:
        """Have the `nth` such operation of a process be its last, or fail with `error`."""
        part = self.folder / "plan.part"
        part.write_text(json.dumps({"who": who, "op": op, "nth": nth, "error": error}))
        part.replace(self.folder / "plan.json")

    def heal(self) -> None:
        """Let everything be done that is asked for."""
        (self.folder / "plan.json").unlink(missing_ok=True)

    def now(self) -> int:
        """Return how far the journal has come, in bytes."""
        return (self.folder / "journal").stat().st_size

    def journal(self) -> Iterator[tuple[int, dict[str, object], bytes]]:
        """Yield what was done, in order: (where the entry begins, what, the data)."""
        with (self.folder / "journal").open("rb") as file:
            while line := file.readline():
                begun, told = file.tell() - len(line), json.loads(line)
                yield begun, told, file.read(told.get("size", 0))

    def after_power_cuts(
        self, home: Path, moments: Iterable[int], luck: random.Random
    ) -> Iterator[tuple[int, dict[str, bytes]]]:
        """Yield, in order, each moment and the files a folder may have if the power goes then.

        A moment is a length of the journal.
        """
        files: dict[str, _Blocks] = {}
        entries = self.journal()
        entry = next(entries, None)
        for moment in sorted(moments):
            while entry is not None and entry[0] < moment:
                _, told, data = entry
                file = Path(str(told["file"]))
                if file.parent == home:
                    _take(files, file.name, told, data)
                entry = next(entries, None)
            share = luck.choice((0.0, 0.5, 0.9, 1.0))
            left = {name: blocks.left(share, luck) for name, blocks in files.items()}
            yield moment, {name: found for name, found in left.items() if found is not None}


def _take(files: dict[str, _Blocks], name: str, told: dict[str, object], data: bytes) -> None:
    blocks = files.setdefault(name, _Blocks())
    if told["op"] == "sync" and blocks.safe is None:
        # A new file's first sync is its folder's, too: what was deleted there is gone.
        for other in files.values():
            other.settle_deletion()
    blocks.do(told, data)


class _Blocks:
    """One file: what is safe, and what may be lost."""

    def __init__(self) -> None:
        self.safe: bytes | None = None
        self.loose: list[tuple[str, int, bytes]] = []

    def do(self, told: dict[str, object], data: bytes) -> None:
        if told["op"] != "sync":
            self.loose.append((str(told["op"]), int(told.get("at", 0)), data))
        if told["op"] != "sync" and not told.get("synced"):
            return
        content: bytearray | None = None if self.safe is None else bytearray(self.safe)
        for one in self.loose:
            content = _done(content, *one)
        self.safe = None if content is None else bytes(content)
        self.loose = []

    def settle_deletion(self) -> None:
        ops = [op for op, _, _ in self.loose]
        if "delete" in ops:
            self.safe = None
            del self.loose[: len(ops) - ops[::-1].index("delete")]

    def left(self, share: float, luck: random.Random) -> bytes | None:
        """Return what is left where of the rest only a share of the sectors was written."""
        content: bytearray | None = None if self.safe is None else bytearray(self.safe)
        for op, at, data in self.loose:
            if op != "write":
                content = _done(content, op, at, data) if luck.random() < share else content
                continue
            for offset in range(0, len(data), SECTOR):
                if luck.random() < share:
                    part = data[offset : offset + SECTOR]
                    content = _done(content, "write", at + offset, part)
        return None if content is None else bytes(content)


def _done(content: bytearray | None, op: str, at: int, data: bytes) -> bytearray | None:
    if op == "delete":
        return None
    content = bytearray() if content is None else content
    if op == "truncate":
        del content[at:]
        return content
    content.extend(bytes(max(0, at - len(content))))
    content[at : at + len(data)] = data
    return content
