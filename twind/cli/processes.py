"""Run a job in a process of its own, like the daemon does, and wait for its result."""

from __future__ import annotations

import json
import os
import subprocess
from typing import TYPE_CHECKING, Any

from twind.errors import JobError, TwindError

if TYPE_CHECKING:
    from twind.home import Home


def run_job(home: Home, name: str, args: dict[str, Any] | None = None) -> dict[str, Any]:
    """Run a job and return its result.

    The worker ends when we do: its stdin is ours. Raises a TwindError with the job's own code.
    """
    from twind.daemon import workers

    environment = workers.environment(home, os.environ)
    environment.setdefault("TWIND_LOG", "WARNING")
    with subprocess.Popen(
        [*workers.COMMAND, name],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=environment,
        text=True,
    ) as worker:
        assert worker.stdin is not None
        assert worker.stdout is not None
        worker.stdin.write(json.dumps({"args": args or {}}) + "\n")
        worker.stdin.flush()
        answer: dict[str, Any] = {}
        for line in worker.stdout:
            answer = json.loads(line)
        worker.stdin.close()
    if "result" in answer:
        result: dict[str, Any] = answer["result"]
        return result
    told = answer.get("error", {})
    error = TwindError if told else JobError
    failure = error(told.get("message", f"{name} ended without a result"))
    failure.code = told.get("code", failure.code)
    raise failure
