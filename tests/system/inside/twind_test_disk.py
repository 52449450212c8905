"""Stands beneath SQLite's own input and output in a process of twind: keeps a journal, and fails.

Whatever SQLite writes and syncs is written down first, in one journal for all processes. A plan
lets the n-th sync of one kind of process end it, or its n-th write fail, and all that follow. What
a test does with that is in ../disk.py.
"""

from __future__ import annotations

import ctypes
import json
import os
import signal
import sys
from collections import Counter
from contextlib import suppress
from pathlib import Path

_P, _I, _L, _S = ctypes.c_void_p, ctypes.c_int, ctypes.c_int64, ctypes.c_char_p
_METHODS = (
    ("iVersion", _I),
    ("xClose", ctypes.CFUNCTYPE(_I, _P)),
    ("xRead", _P),
    ("xWrite", ctypes.CFUNCTYPE(_I, _P, _P, _I, _L)),
    ("xTruncate", ctypes.CFUNCTYPE(_I, _P, _L)),
    ("xSync", ctypes.CFUNCTYPE(_I, _P, _I)),
    *((name, _P) for name in ["FileSize", "Lock", "Unlock", "CheckReservedLock", "FileControl"]),
    *((name, _P) for name in ["SectorSize", "Characteristics", "ShmMap", "ShmLock", "ShmBarrier"]),
    *((name, _P) for name in ["ShmUnmap", "Fetch", "Unfetch"]),
)
_installed: list[object] = []
"""What C calls must not be collected."""
# Names are passed on as the pointers they are: SQLite's file system keeps them.
_OPEN = ctypes.CFUNCTYPE(_I, _P, _P, _P, _I, _P)
_DELETE = ctypes.CFUNCTYPE(_I, _P, _P, _I)


class _Methods(ctypes.Structure):
    """`sqlite3_io_methods`, version 3."""

    _fields_ = _METHODS


class _File(ctypes.Structure):
    """`sqlite3_file`."""

    _fields_ = (("methods", ctypes.POINTER(_Methods)),)


class _System(ctypes.Structure):
    """The beginning of `sqlite3_vfs`."""

    _fields_ = (
        ("iVersion", _I),
        ("szOsFile", _I),
        ("mxPathname", _I),
        ("pNext", _P),
        ("zName", _S),
        ("pAppData", _P),
        ("xOpen", _OPEN),
        ("xDelete", _DELETE),
    )


def library() -> ctypes.CDLL | None:
    """Return the SQLite that Python's sqlite3 uses; None where it has one of its own inside."""
    import _sqlite3

    with suppress(OSError, AttributeError):
        found = ctypes.CDLL("libsqlite3.so.0")
        loaded = Path("/proc/self/maps").read_text()
        if "libsqlite3.so" in loaded and hasattr(_sqlite3, "__file__"):
            found.sqlite3_vfs_find.restype = ctypes.POINTER(_System)
            return found
    return None


def install(folder: str) -> None:
    """Stand under SQLite's default file system in this process from now on."""
    found = library()
    assert found is not None
    found.sqlite3_initialize()
    _installed.append(_Under(found.sqlite3_vfs_find(None).contents, Path(folder)))


def _address(function: object) -> int:
    address = ctypes.cast(function, _P).value  # type: ignore[arg-type]
    assert address
    return address


def _name(path: int) -> str:
    return os.fsdecode(ctypes.string_at(path))


def _who() -> str:
    """Say what kind of process this is: "run" for the daemon, else a job's or command's name."""
    words = sys.orig_argv[1:]
    if "twind.jobs" in words:
        return words[-1]
    return words[words.index("twind") + 1] if "twind" in words else ""


class _Under:
    """Wraps the methods of each file that SQLite opens. Lives as long as the process."""

    def __init__(self, system: _System, folder: Path) -> None:
        self.plan = folder / "plan.json"
        self.journal = os.open(folder / "journal", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        self.names: dict[int, str] = {}
        self.done: Counter[str] = Counter()
        self.kept: list[object] = [self]
        self.wrapped: dict[int, _Methods] = {}
        self.real_open = _OPEN(_address(system.xOpen))
        self.real_delete = _DELETE(_address(system.xDelete))
        system.xOpen, system.xDelete = self._keep(_OPEN(self._open), _DELETE(self._delete))

    def _keep(self, *callbacks: object) -> tuple[object, ...]:
        self.kept += callbacks
        return callbacks

    def _open(self, system: int, name: int | None, file: int, flags: int, out: int) -> int:
        code = self.real_open(system, name, file, flags, out)
        opened = ctypes.cast(file, ctypes.POINTER(_File)).contents
        if code == 0 and name and opened.methods:
            self.names[file] = _name(name)
            opened.methods = ctypes.pointer(self._wrap(opened.methods.contents))
        return code

    def _wrap(self, real: _Methods) -> _Methods:
        """Return methods that tell of what they do and then do it, one for each kind of file."""
        address = ctypes.addressof(real)
        if address in self.wrapped:
            return self.wrapped[address]
        own = self.wrapped[address] = _Methods.from_buffer_copy(real)

        def write(file: int, data: int, size: int, at: int) -> int:
            if code := self._fails("write"):
                return code
            self._note(file, "write", at, ctypes.string_at(data, size))
            return int(real.xWrite(file, data, size, at))

        def truncate(file: int, size: int) -> int:
            self._note(file, "truncate", size)
            return int(real.xTruncate(file, size))

        def sync(file: int, flags: int) -> int:
            if code := self._fails("sync"):
                return code
            # Whatever is written while this goes on is not covered by it.
            self._note(file, "sync")
            code = int(real.xSync(file, flags))
            self._die("sync")
            return code

        def close(file: int) -> int:
            self.names.pop(file, None)
            return int(real.xClose(file))

        types = dict(_METHODS)
        for name, call in (
            ("xWrite", write),
            ("xTruncate", truncate),
            ("xSync", sync),
            ("xClose", close),
        ):
            [callback] = self._keep(types[name](call))
            setattr(own, name, callback)
        return own

    def _delete(self, system: int, name: int, synced: int) -> int:
        # Asked to, it is the folder that is synced.
        told = {"op": "delete", "file": _name(name), "synced": bool(synced)}
        self._write(told)
        return self.real_delete(system, name, synced)

    def _note(self, file: int, op: str, at: int = 0, data: bytes = b"") -> None:
        self._write({"op": op, "file": self.names[file], "at": at, "size": len(data)}, data)

    def _write(self, told: dict[str, object], data: bytes = b"") -> None:
        os.write(self.journal, json.dumps(told).encode() + b"\n" + data)

    # --- the plan --------------------------------------------------------------------------------

    def _mine(self, op: str) -> dict[str, int] | None:
        """Return the plan, if it is for such a process and this is the moment."""
        try:
            plan = json.loads(self.plan.read_text())
        except (FileNotFoundError, ValueError):
            return None
        if plan["op"] != op or plan["who"] not in {"*", _who()}:
            return None
        self.done[op] += 1
        return plan if self.done[op] >= plan["nth"] else None

    def _fails(self, op: str) -> int:
        plan = self._mine(op) if op == "write" else None
        return plan["error"] if plan and plan["error"] else 0

    def _die(self, op: str) -> None:
        plan = self._mine(op)
        if plan and not plan["error"]:
            os.kill(os.getpid(), signal.SIGKILL)
