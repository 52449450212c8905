r"""Worker processes: one for each job, killed without harm.

stdin    {"job": 7, "attempt": 1, "name": "sync", "args": {…}, "limits": {…}}\n
         stays open; a worker ends when it closes
stdout   {"progress": {…}}\n … and at last {"result": {…}}\n
         or {"error": {"code": "…", "message": "…"}}\n
stderr   goes to the daemon's log, line by line; a traceback as an error, and `<4>` in front is a
         line's priority (sd-daemon(3)); `<4 source=calendar event=source_failed>` says more
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import re
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import twind
from twind import processes
from twind.daemon import logs
from twind.errors import JobError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Mapping, Sequence

    from twind.home import Home

LINE_LIMIT = 8 * 1024 * 1024
MAX_LOGGED = 4 * 1024 * 1024
"""How much of what a worker writes to its log is kept: the journal is no place for a flood."""
ORPHAN_ROUNDS = 50
LINGER_S = 5.0
"""How long a worker that has given its result may take to end."""
CLOSED_S, TERM_S = 0.5, 1.5
"""How long a worker has to end after its stdin closed, and then after SIGTERM."""

# -P: a plugin called calendar.py in the folder the daemon was started in must not shadow the
# standard library's.
COMMAND = (sys.executable, "-P", "-m", "twind.jobs")

_NOT_FOR_WORKERS = ("NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID")

log = logging.getLogger(__name__)


def job_error(code: str, message: str) -> JobError:
    """Return a JobError that carries the code a worker gave."""
    error = JobError(message)
    error.code = code
    return error


def environment(home: Home, environ: Mapping[str, str]) -> dict[str, str]:
    """Return the environment a worker of this home gets."""
    env = {key: value for key, value in environ.items() if key not in _NOT_FOR_WORKERS}
    if home.root is not None:
        env["TWIND_HOME"] = str(home.root)
    folder = Path(twind.__file__).resolve().parents[1]
    if folder.name not in {"site-packages", "dist-packages"}:
        # A checkout that is run without being installed: -P keeps it off the path otherwise.
        env["PYTHONPATH"] = os.pathsep.join(filter(None, [str(folder), env.get("PYTHONPATH")]))
    return env


class Workers:
    """Starts workers and listens to them.

    `command` is what the job's name is appended to; `on_progress(job_id, progress)` hears of the
    progress a worker reports.
    """

    def __init__(
        self,
        env: Mapping[str, str],
        on_progress: Callable[[int, dict[str, Any]], None],
        command: Sequence[str] = COMMAND,
    ) -> None:
        self._env = dict(env)
        self._on_progress = on_progress
        self._command = tuple(command)
        self._at_work: dict[int, _Worker] = {}
        self._starting = 0
        self._bystanders = processes.children()

    async def run(
        self, order: Mapping[str, Any], timeout_s: float, env: Mapping[str, str] | None = None
    ) -> dict[str, Any]:
        """Run one job to its end and return its result.

        `order` is the line the worker gets; it has at least "job" and "name". `env` is added to the
        worker's environment. A cancelled run ends its worker, and whatever that has started, within
        two seconds or so.

        Raises JobError with the worker's own code, or "timeout", "died", "not_started".
        """
        name = str(order["name"])
        self._starting += 1
        try:
            process = await asyncio.create_subprocess_exec(
                *self._command,
                name,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
                env={**self._env, **(env or {}), "TWIND_LOG_PREFIX": "1"},
                limit=LINE_LIMIT,
                start_new_session=True,
            )
        except OSError as error:
            raise job_error("not_started", f"{name}: no worker could be started: {error}") from None
        finally:
            self._starting -= 1
        job_id = int(order["job"])
        worker = self._at_work[job_id] = _Worker(process, name, job_id, self._on_progress)
        try:
            async with asyncio.timeout(timeout_s):
                await worker.converse(order)
        except TimeoutError:
            raise job_error("timeout", f"{name} took longer than {timeout_s:g} s") from None
        finally:
            try:
                await worker.end()
            finally:
                del self._at_work[job_id]
                await self._end_orphans()
        return worker.outcome()

    async def _end_orphans(self) -> None:
        """End what workers have left behind: it is ours, where we adopt (twind.processes)."""
        for _ in range(ORPHAN_ROUNDS):
            known = {*self._bystanders, *(worker.pid for worker in self._at_work.values())}
            # A worker that is just being born is not known yet.
            if self._starting or not processes.end_orphans(known):
                return
            await asyncio.sleep(0.02)

    def dismiss(self, job_id: int) -> None:
        """Have a job's worker end at once, if it lives: what it has stored is all it will do."""
        if worker := self._at_work.get(job_id):
            worker.dismiss()


class _Worker:
    """One running worker and what it has said so far."""

    def __init__(
        self,
        process: asyncio.subprocess.Process,
        name: str,
        job_id: int,
        on_progress: Callable[[int, dict[str, Any]], None],
    ) -> None:
        self._process = process
        self.pid = process.pid
        self._name = name
        self._job_id = job_id
        self._on_progress = on_progress
        self._final: dict[str, Any] | None = None
        self._last_words = ""
        self._answered = asyncio.Event()
        self._exited = asyncio.Event()
        self._watch_exit()
        self._readers = {
            asyncio.ensure_future(self._listen()),
            asyncio.ensure_future(self._relay()),
        }

    def _watch_exit(self) -> None:
        """Notice the end of the process itself.

        `Process.wait` would also wait for the pipes, which a grandchild may hold open for ever.
        """
        loop = asyncio.get_running_loop()
        try:
            handle = os.pidfd_open(self._process.pid)
        except ProcessLookupError:
            self._exited.set()
            return
        except OSError as error:  # no descriptor is left
            self._process.kill()
            raise job_error("not_started", f"{self._name}: cannot be watched: {error}") from None

        def exited() -> None:
            loop.remove_reader(handle)
            os.close(handle)
            self._exited.set()

        loop.add_reader(handle, exited)

    async def converse(self, order: Mapping[str, Any]) -> None:
        """Give the order; return once the worker has answered and ended, or has only ended."""
        stdin = self._process.stdin
        assert stdin is not None
        stdin.write(json.dumps(dict(order)).encode() + b"\n")
        with contextlib.suppress(ConnectionError):
            await stdin.drain()
        answered = asyncio.ensure_future(self._answered.wait())
        exited = asyncio.ensure_future(self._exited.wait())
        try:
            await asyncio.wait({answered, exited}, return_when=asyncio.FIRST_COMPLETED)
            if not exited.done():
                await asyncio.wait({exited}, timeout=LINGER_S)
            # What it wrote before it ended may still be in the pipes.
            await asyncio.wait(self._readers, timeout=1.0)
        finally:
            answered.cancel()
            exited.cancel()

    def dismiss(self) -> None:
        """Close the worker's stdin: it ends."""
        assert self._process.stdin is not None
        self._process.stdin.close()

    async def end(self) -> None:
        """Make sure that the worker, and what it has started, is gone: politely, then not."""
        self.dismiss()
        if not await self._gone(CLOSED_S):
            self._signal_group(signal.SIGTERM)
            await self._gone(TERM_S)
        if not self._exited.is_set() or not all(reader.done() for reader in self._readers):
            self._signal_group(signal.SIGKILL)
            await asyncio.wait(self._readers, timeout=1.0)
        for reader in self._readers:
            reader.cancel()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(1.0):
                await self._process.wait()
        # There is no public way to let go of pipes that something out of reach still holds.
        self._process._transport.close()  # type: ignore[attr-defined]  # noqa: SLF001

    async def _gone(self, within_s: float) -> bool:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(within_s):
                await self._exited.wait()
        return self._exited.is_set()

    def _signal_group(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, number)

    def outcome(self) -> dict[str, Any]:
        """Return the result the worker gave. Raises JobError if it gave none."""
        if self._final is None:
            raise job_error("died", f"{self._name}: the worker {self._epitaph()}")
        if "error" in self._final:
            error = self._final["error"]
            details = error if isinstance(error, dict) else {"message": str(error)}
            raise job_error(
                str(details.get("code", JobError.code)),
                str(details.get("message") or f"{self._name} failed"),
            )
        result = self._final["result"]
        return result if isinstance(result, dict) else {}

    def _epitaph(self) -> str:
        status = self._process.returncode
        if status is not None and status < 0:
            how = processes.ending(status)
        else:
            how = f"ended with status {status} and no result"
        return f"{how}: {self._last_words}" if self._last_words else how

    async def _listen(self) -> None:
        assert self._process.stdout is not None
        async for line in _lines(self._process.stdout):
            try:
                message = json.loads(line)
            except (ValueError, RecursionError):
                message = None
            if not isinstance(message, dict):
                # Somebody's print(): no reason to lose the job.
                log.info("%s %d said: %s", self._name, self._job_id, line, extra=self._about())
            elif "progress" in message:
                if isinstance(message["progress"], dict):
                    self._on_progress(self._job_id, message["progress"])
            elif "result" in message or "error" in message:
                self._final = message
                self._answered.set()

    async def _relay(self) -> None:
        assert self._process.stderr is not None
        levels, length = _Levels(), 0
        async for line in _lines(self._process.stderr):
            said, level, more = _prefix(line)
            level = level or levels.of(said)
            if said.strip():
                self._last_words = said.strip()
                about = self._about(**more)
                log.log(level, "%s %d: %s", self._name, self._job_id, said, extra=about)
            length += len(line)
            if length > MAX_LOGGED:
                log.warning("%s %d says too much; the rest is dropped", self._name, self._job_id)
                break
        while await self._process.stderr.read(LINE_LIMIT):
            pass

    def _about(self, **more: str) -> dict[str, Any]:
        return logs.about(job=self._name, job_id=self._job_id, **more)


_PREFIX = re.compile(r"<([0-7])((?: [a-z]+=[\w-]+)*)>")


def _prefix(line: str) -> tuple[str, int, dict[str, str]]:
    """Return a line without its prefix, the level that this gives, 0 for none, and what it tells.

    Plugins may write to stderr as well: what makes no sense is left out.
    """
    match = _PREFIX.match(line)
    if match is None:
        return line, 0, {}
    told = dict(pair.split("=") for pair in match[2].split())
    more = {
        name: value
        for name, value in told.items()
        if name == "source" or (name == "event" and value in logs.EVENTS)
    }
    return line[match.end() :], logs.LEVELS[int(match[1])], more


class _Levels:
    """Tells the lines of tracebacks from all others, one line at a time: nothing waits.

    A traceback is its header, what is indented below it, and the line after that, which names the
    error. The stacks of exception groups, and those the interpreter writes when it crashes, have no
    such last line.
    """

    _TRACEBACK = re.compile(r"Traceback \(most recent call last\):")
    _STACK = re.compile(
        r"\s+\+ Exception Group Traceback \(most recent call last\):"
        r"|(?:Current t|T)hread 0x[0-9a-f]+ .*\(most recent call first\):"
    )
    _LONE = re.compile(
        r"Exception in thread |Exception ignored in: |Fatal Python error: "
        r"|During handling of the above exception, another exception occurred:"
        r"|The above exception was the direct cause of the following exception:"
    )

    def __init__(self) -> None:
        self._inside = False
        self._named_last = False

    def of(self, line: str) -> int:
        """Return the level of the next line."""
        if self._TRACEBACK.match(line) or self._STACK.match(line):
            self._inside = True
            self._named_last = self._TRACEBACK.match(line) is not None
            return logging.ERROR
        if self._inside:
            self._inside = line[:1].isspace()
            if self._inside or self._named_last:
                return logging.ERROR
        return logging.ERROR if self._LONE.match(line) else logging.INFO


async def _lines(stream: asyncio.StreamReader) -> AsyncIterator[str]:
    """Yield a stream's lines; what is longer than LINE_LIMIT is dropped."""
    while True:
        try:
            raw = await stream.readline()
        except ValueError:
            log.warning("a worker wrote a line longer than %d bytes; dropped", LINE_LIMIT)
            continue
        if not raw:
            return
        yield raw.decode("utf-8", "replace").rstrip("\n")
