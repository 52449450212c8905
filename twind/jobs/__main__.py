"""The worker process: `python -m twind.jobs NAME`.

stdin: one line of JSON, {"job", "attempt", "args", "nice", "memory_mib"}, and then silence; when it
closes, whoever wanted the work is gone and the process ends at once. stdout: lines of JSON,
{"progress": …} and at last {"result": …} or {"error": {"code", "message"}}. stderr: the log.
"""

from __future__ import annotations

import importlib
import json
import logging
import os
import pkgutil
import resource
import sqlite3
import sys
import threading
from contextlib import redirect_stdout
from pathlib import Path
from typing import IO, Any

import twind.jobs
from twind import settings
from twind.clock import SystemClock
from twind.daemon import logs
from twind.errors import DamagedDatabaseError, JobError, StoreError, TwindError
from twind.home import Home
from twind.jobs.work import Work
from twind.store import profiles, rotation

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
    handler = logging.StreamHandler()
    handler.setFormatter(logs.PlainFormatter("%(name)s: %(message)s"))
    logging.basicConfig(handlers=[handler], level=os.environ.get("TWIND_LOG", "INFO"))
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
        _use_cache(home)
        clock = SystemClock()
        configuration = settings.load(home)
        with rotation.opened(home, clock) as db:
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
    except sqlite3.DatabaseError as error:
        kind = StoreError if isinstance(error, sqlite3.OperationalError) else DamagedDatabaseError
        return {"error": {"code": kind.code, "message": f"the database: {error}"}}
    except Exception as error:
        log.exception("%s failed", name)
        message = f"{type(error).__name__}: {error}".splitlines()[0]
        return {"error": {"code": JobError.code, "message": message}}
    return {"result": result}


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
    """
    os.nice(int(order.get("nice", 0)))
    for library in ("OMP", "OPENBLAS", "MKL"):  # read when numpy and torch are imported, so not yet
        os.environ.setdefault(f"{library}_NUM_THREADS", "1")
    if "memory_mib" in order:
        limit = int(order["memory_mib"]) << 20
        resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))


def _use_cache(home: Home) -> None:
    """Give numba a folder it can write to, where it has none: without one its import fails."""
    package = Path(twind.__file__).parent
    if "NUMBA_CACHE_DIR" not in os.environ and not os.access(package, os.W_OK):
        os.environ["NUMBA_CACHE_DIR"] = str(home.state_dir / "cache")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1] if len(sys.argv) > 1 else ""))
