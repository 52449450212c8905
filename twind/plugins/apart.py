"""Other people's code in processes of their own.

A fence holds what is raised. What hangs, ends the process, eats memory, closes what is open or
changes what a process shares is held by a process of its own: forked, and so begun at once and with
what we know, and ended together with whatever it has started. Nothing comes back of it but lines of
JSON.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import resource
import select
import selectors
import signal
import sys
import traceback
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

from twind import processes
from twind.clock import monotonic_s
from twind.plaintext import one_line
from twind.plugins import wire

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator

    from twind.settings import TwindSettings

AT_ONCE = 4
"""How many run at a time: one that hangs holds up none but the fifth. They share the memory."""
MAX_ANSWER = 256 << 20
"""How many bytes one may say: ten times what a hundred thousand events take. It is chosen."""
MAX_PRINTED, MAX_LOGGED = 16 << 20, 16 << 10
"""How many bytes it may print before it is ended, and how many of them are logged."""
LEAST_MIB = 256
"""What one may always use: the interpreter and a few libraries take a part of it."""
ORPHANS_S = 2.0
CHUNK = 1 << 16
WELL = b"true"
"""The last line of one that has said all it had to; of one that stumbled, it is a text."""

_ANSWER = 3
"""The descriptor on which it answers: the first after the standard ones, and the last."""
_STUMBLED, _CUT_OFF = 70, 76
"""Exit statuses of one whose task raised (EX_SOFTWARE) or that cannot answer (EX_PROTOCOL)."""
_BATCH, _REASON = 256, 300

# Bound now: what runs here may replace what it finds in modules.
_encode = json.JSONEncoder(allow_nan=False, default=wire.plain).encode
_exit, _write = os._exit, os.write

Key = TypeVar("Key")
Say = Callable[[Any], None]
"""Says one line, given as JSON."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What one process may take."""

    within_s: float
    memory_mib: int

    @classmethod
    def of(cls, settings: TwindSettings, within_s: float) -> Limits:
        """Return one's share of what a worker may use, where as many as may are at work."""
        return cls(within_s, max(LEAST_MIB, settings.limits.memory_mib // AT_ONCE))


@dataclass(frozen=True, slots=True)
class Told:
    """What one process has said.

    Attributes:
        lines: its lines of JSON, unread: whoever wrote them is not to be trusted.
        end: how it ended before it had said all, in words after "it"; "" for one that was done.
        hung: whether its time was up.

    """

    lines: list[bytes]
    end: str
    hung: bool = False


def run(
    tasks: Iterable[tuple[Key, Callable[[Say], None]]], limits: Limits, at_once: int = AT_ONCE
) -> Iterator[tuple[Key, Told]]:
    """Run each task in a process of its own, and yield what each has told, the first done first.

    The time that the caller takes over one is not counted against the others.
    """
    waiting = deque(tasks)
    running: dict[_Process, Key] = {}
    with _family() as bystanders, selectors.DefaultSelector() as selector:
        try:
            while waiting or running:
                while waiting and len(running) < at_once:
                    key, task = waiting.popleft()
                    running[_Process(task, limits, selector)] = key
                _listen(selector, running)
                for process in [one for one in running if one.is_over]:
                    key = running.pop(process)
                    told = process.close()
                    _end_orphans({*bystanders, *(one.pid for one in running)})
                    began_s = monotonic_s()
                    yield key, told
                    for other in running:
                        other.end_s += monotonic_s() - began_s
        finally:
            for process in running:
                process.close()
            _end_orphans(bystanders)


def _listen(selector: selectors.BaseSelector, running: Iterable[_Process]) -> None:
    left_s = min(one.end_s for one in running) - monotonic_s()
    for key, _ in selector.select(max(0.0, left_s)):
        key.data()


class _Process:
    """One process at work, and what it has said so far."""

    def __init__(
        self, task: Callable[[Say], None], limits: Limits, selector: selectors.BaseSelector
    ) -> None:
        self._selector = selector
        self._answer, self._printed = bytearray(), 0
        self._limits = limits
        self._excess = ""
        self._exited = False
        answers, answer = os.pipe()
        prints, output = os.pipe()
        for stream in (sys.stdout, sys.stderr):
            stream.flush()  # or it is written twice
        starter = os.getpid()
        self.pid = os.fork()
        if self.pid == 0:
            _work(task, limits, answer, output, starter)
        self.end_s = monotonic_s() + limits.within_s
        os.close(answer)
        os.close(output)
        self._answers, self._prints = answers, prints
        self._handle = os.pidfd_open(self.pid)
        for pipe, read in ((answers, self._take_answer), (prints, self._take_print)):
            os.set_blocking(pipe, False)
            selector.register(pipe, selectors.EVENT_READ, read)
        selector.register(self._handle, selectors.EVENT_READ, self._note_exit)

    @property
    def is_over(self) -> bool:
        """Whether it has ended, or has to."""
        return self._exited or bool(self._excess) or monotonic_s() >= self.end_s

    def _note_exit(self) -> None:
        self._exited = True

    def _take_answer(self) -> bool:
        """Read a piece of its answer; return whether there was one."""
        chunk = self._read(self._answers)
        self._answer += chunk
        if len(self._answer) > MAX_ANSWER:
            self._excess = f"said more than {MAX_ANSWER >> 20} MiB"
        return bool(chunk) and not self._excess

    def _take_print(self) -> bool:
        """Pass on a piece of what it prints; return whether there was one."""
        chunk = self._read(self._prints)
        if room := max(0, MAX_LOGGED - self._printed):
            with contextlib.suppress(OSError):
                _write(2, chunk[:room])
        self._printed += len(chunk)
        if self._printed > MAX_PRINTED:
            self._excess = f"printed more than {MAX_PRINTED >> 20} MiB"
        return bool(chunk) and not self._excess

    def _read(self, pipe: int) -> bytes:
        """Read what is there; b"" where there is nothing, or nobody to write any more."""
        try:
            chunk = os.read(pipe, CHUNK)
        except BlockingIOError:
            return b""
        if not chunk and pipe in self._selector.get_map():
            self._selector.unregister(pipe)
        return chunk

    def close(self) -> Told:
        """End it, if it lives, and return what it has told."""
        gone, status = os.waitpid(self.pid, os.WNOHANG)
        if not gone:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
        # What it wrote last may still be in the pipes, and others hold them open for ever.
        while self._take_answer():
            pass
        while self._take_print():
            pass
        if self._printed > MAX_LOGGED:
            with contextlib.suppress(OSError):
                _write(2, f"\n(and {self._printed - MAX_LOGGED} bytes more)\n".encode())
        for number in (self._answers, self._prints, self._handle):
            if number in self._selector.get_map():
                self._selector.unregister(number)
            os.close(number)
        return self._told(status if gone else None)

    def _told(self, status: int | None) -> Told:
        *lines, _unfinished = bytes(self._answer).split(b"\n")
        last = lines.pop() if lines and not self._excess else b""
        if last == WELL:
            return Told(lines, "")
        if status == _STUMBLED << 8:
            with contextlib.suppress(ValueError):  # then the plugin itself ended like that
                return Told(lines, f"stumbled over {one_line(wire.parse(last, str))}")
        return Told(lines, self._ending(status), hung=status is None and not self._excess)

    def _ending(self, status: int | None) -> str:
        if self._excess:
            return self._excess
        if status is None:
            return f"was not done within {self._limits.within_s:g} s"
        code = os.waitstatus_to_exitcode(status)
        return "closed files that are not its own" if code == _CUT_OFF else processes.ending(code)


# --- what it comes to be -------------------------------------------------------------------------


def _work(
    task: Callable[[Say], None], limits: Limits, answer: int, output: int, starter: int
) -> NoReturn:
    """Be the process that works. Nothing of it may return to the starter's code."""
    status = _CUT_OFF
    try:
        _settle(limits, answer, output)
        if os.getppid() == starter:
            status = _answer(task)
    finally:
        _exit(status)


def _settle(limits: Limits, answer: int, output: int) -> None:
    """Keep nothing of the starter's but two pipes, and take no more than the limits.

    A session of its own, so that a signal to its group meets it alone; and it dies with its
    starter. The starter's database stays the starter's: no descriptor of it is left here.
    """
    os.setsid()
    processes.prctl(processes.PR_SET_PDEATHSIG, signal.SIGKILL)
    nothing = os.open(os.devnull, os.O_RDONLY)
    for ours, number in ((nothing, 0), (output, 1), (output, 2), (answer, _ANSWER)):
        os.dup2(ours, number)
    os.closerange(_ANSWER + 1, os.sysconf("SC_OPEN_MAX"))
    sys.stdout = sys.stderr = os.fdopen(
        2, "w", buffering=1, encoding="utf-8", errors="backslashreplace", closefd=False
    )
    for handler in logging.getLogger().handlers:
        if isinstance(handler, logging.StreamHandler):
            handler.setStream(sys.stderr)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # a dump would be a copy of one's life
    processes.limit_memory(limits.memory_mib)


def _answer(task: Callable[[Say], None]) -> int:
    """Run the task, its lines going to the starter; return the exit status."""
    lines: list[str] = []

    def say(value: Any) -> None:
        lines.append(_encode(value))
        if len(lines) >= _BATCH:
            _send(lines)

    try:
        task(say)
    except _CutOffError:
        return _CUT_OFF
    except BaseException as error:  # noqa: BLE001 - the last line of a process: told, not lost
        with contextlib.suppress(BaseException):
            traceback.print_exc()
        return _close(lines, f"{type(error).__name__}: {error}"[:_REASON], _STUMBLED)
    return _close(lines, True, 0)


def _close(lines: list[str], last: Any, status: int) -> int:
    lines.append(_encode(last))
    try:
        _send(lines)
    except _CutOffError:
        return _CUT_OFF
    return status


def _send(lines: list[str]) -> None:
    data = "".join(f"{line}\n" for line in lines).encode("ascii")
    lines.clear()
    try:
        while data:
            data = data[_write(_ANSWER, data) :]
    except OSError as error:
        raise _CutOffError from error


class _CutOffError(Exception):
    """There is no way back to the starter any more."""


# --- what it has started -------------------------------------------------------------------------


@contextlib.contextmanager
def _family() -> Iterator[frozenset[int]]:
    """Adopt what is orphaned below us; yield the children that we had before."""
    processes.adopt()
    try:
        yield frozenset(processes.children())
    finally:
        processes.adopt(False)


def _end_orphans(known: Collection[int]) -> None:
    """End what has lost its parent; what breeds faster than that is left to the service manager."""
    end_s = monotonic_s() + ORPHANS_S
    while processes.end_orphans(known) and monotonic_s() < end_s:
        select.select([], [], [], 0.002)
