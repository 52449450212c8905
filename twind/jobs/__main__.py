"""The worker process: `python -m twind.jobs NAME`.

stdin: one line of JSON, {"job", "attempt", "args", "nice", "idle_io", "memory_mib"} and, where
twind.toml is of no use, "settings"; and then silence: when it closes, whoever wanted the work is
gone and the process ends at once. stdout: lines of JSON, {"progress": …} and at last {"result": …}
or {"error": {"code", "message"}}. stderr: the log, where TWIND_LOG_PREFIX is set with `<4>` or
`<4 source=NAME event=NAME>` before each line.
"""

from __future__ import annotations

import importlib
import json
import logging
import os
import pkgutil
import sqlite3
import sys
import threading
from contextlib import redirect_stdout, suppress
from pathlib import Path
from typing import IO, Any

import psutil

import twind.jobs
from twind import processes, settings
from twind.clock import SystemClock
from twind.daemon import logs
from twind.errors import DamagedDatabaseError, JobError, StoreError, TwindError
from twind.home import Home
from twind.jobs.work import Work
from twind.store import profiles, rotation

OOM_SCORE = 500
"""How much sooner than others a worker is ended for memory, of 1000: proc_pid_oom_score_adj(5)."""

log = logging.getLogger("twind.jobs")

ORPHANED = 75
"""Exit status of a worker whose starter is gone (EX_TEMPFAIL)."""


def names() -> list[str]:
    """Return the names of all jobs."""
    return [
        module.name
        for module in pkgutil.iter_modules(twind.jobs.__path__)
        if module.name not in {"work", "__main__"}
    ]


def main(name: str) -> int:
    """Run one job as the process this module is."""
    out = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what libraries and plugins print is log, not protocol
    _log_to_stderr()
    try:
        order = _order(sys.stdin.readline())
    except JobError as error:
        answer = {"error": {"code": error.code, "message": str(error)}}
    else:
        threading.Thread(target=_end_with_stdin, daemon=True).start()
        _be_modest(order)
        with redirect_stdout(sys.stderr):
            answer = _run(name, order, out)
    _say(out, answer)
    return 1 if "error" in answer else 0


def _log_to_stderr() -> None:
    handler = logging.StreamHandler(sys.stderr)
    prefixed = os.environ.get("TWIND_LOG_PREFIX")
    handler.setFormatter((_Prefixed if prefixed else logs.PlainFormatter)("%(name)s: %(message)s"))
    logging.basicConfig(level=os.environ.get("TWIND_LOG", "INFO"), handlers=[handler])


class _Prefixed(logs.PlainFormatter):
    """Puts a record's priority in front of each of its lines, and what else it tells."""

    def format(self, record: logging.LogRecord) -> str:
        told = {name: getattr(record, name, None) for name in ("source", "event")}
        priority = {logging.DEBUG: 7, logging.INFO: 6, logging.WARNING: 4}.get(record.levelno, 3)
        prefix = " ".join([str(priority), *(f"{k}={v}" for k, v in told.items() if v)])
        return "\n".join(f"<{prefix}>{line}" for line in super().format(record).splitlines())


def _order(line: str) -> dict[str, Any]:
    try:
        order = json.loads(line or "{}")
    except (ValueError, RecursionError) as error:
        raise JobError(f"the order is no JSON: {error}") from None
    if not isinstance(order, dict):
        raise JobError(f"the order is no JSON object: {line.strip()[:80]}")
    return order


def _run(name: str, order: dict[str, Any], out: IO[str]) -> dict[str, Any]:
    try:
        job = _job(name)
        home = Home.find()
        clock = SystemClock()
        given = order.get("settings")
        configuration = settings.load(home) if given is None else settings.parse(given)
        # A daemon's job stands in a database: where that is gone, another would be in its way.
        with rotation.opened(home, clock, existing="job" in order) as db:
            profiles.ensure(db, configuration.profile.id)
            work = Work(
                db,
                home,
                configuration,
                clock,
                order.get("args") or {},
                lambda state: _say(out, {"progress": state}),
                order.get("job"),
                order.get("attempt", 0),
            )
            result = job.run(work)
            work.finish(result)
    except TwindError as error:
        return {"error": {"code": error.code, "message": str(error)}}
    except Exception as error:
        if kind := _of_database(error):
            return {"error": {"code": kind.code, "message": f"the database: {error}"}}
        log.exception("%s failed", name)
        message = f"{type(error).__name__}: {error}".splitlines()[0]
        return {"error": {"code": JobError.code, "message": message}}
    return {"result": result}


def _of_database(error: Exception) -> type[StoreError] | None:
    """Return what an error says is wrong with the database; None where it is a fault of twind's."""
    if isinstance(error, sqlite3.OperationalError):
        return StoreError
    # Its subclasses are broken rules (IntegrityError) and misuse: the file is well.
    return DamagedDatabaseError if type(error) is sqlite3.DatabaseError else None


def _job(name: str) -> Any:
    if name not in names():
        raise JobError(f"there is no job {name}; there are {', '.join(sorted(names()))}")
    return importlib.import_module(f"twind.jobs.{name}")


def _say(out: IO[str], line: dict[str, Any]) -> None:
    out.write(json.dumps(line) + "\n")
    out.flush()


def _end_with_stdin() -> None:
    """End the process when stdin closes. SQLite's journal makes that harmless at any instant.

    Not through sys.stdin: an interpreter that ends while a thread holds its lock aborts.
    """
    while os.read(0, 4096):
        pass
    os._exit(ORPHANED)


def _be_modest(order: dict[str, Any]) -> None:
    """Yield to the user: lower priority, one thread, and a limit on memory that is really used.

    The matrices of one person's life are small: a second thread would only wait for the first.
    Where memory runs out all the same, the kernel is to take a worker, not the daemon.
    """
    os.nice(int(order.get("nice", 0)))
    if order.get("idle_io"):
        with suppress(psutil.Error):  # A sandbox may forbid it, which is no reason not to work.
            psutil.Process().ionice(psutil.IOPRIO_CLASS_IDLE)
    with suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text(f"{OOM_SCORE}", "ascii")
    for library in ("OMP", "OPENBLAS", "MKL"):  # read when numpy and torch are imported, so not yet
        os.environ.setdefault(f"{library}_NUM_THREADS", "1")
    if "memory_mib" in order:
        processes.limit_memory(int(order["memory_mib"]))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1] if len(sys.argv) > 1 else ""))
