"""The daemon in numbers, as Prometheus reads them.

The text format: https://prometheus.io/docs/instrumenting/exposition_formats/. Counters count from
the daemon's start; the rest is how things are now. Labels are names of jobs and of plugins, so that
nothing of what twind knows of its user is in it.
"""

from __future__ import annotations

import os
from collections import Counter, defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from twind import __version__
from twind.clock import parse_utc

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

Kind = Literal["gauge", "counter", "summary"]
Sample = tuple[str, dict[str, str], float]
"""A suffix of the name, the labels, the value."""


class Tally:
    """What became of the jobs since the start, and how long they took."""

    def __init__(self) -> None:
        self._ended: Counter[tuple[str, str]] = Counter()
        self._seconds: defaultdict[str, float] = defaultdict(float)

    def add(self, job: str, state: str, seconds: float) -> None:
        """Count one that has ended ("done" or "failed") after so many seconds."""
        self._ended[job, state] += 1
        self._seconds[job] += seconds

    def text(self) -> str:
        """Return the metrics of the jobs."""
        runs: Counter[str] = Counter()
        for (job, _), count in self._ended.items():
            runs[job] += count
        ended = [
            ("", {"job": job, "state": state}, float(count))
            for (job, state), count in sorted(self._ended.items())
        ]
        took = [
            sample
            for job, count in sorted(runs.items())
            for sample in (
                ("_sum", {"job": job}, self._seconds[job]),
                ("_count", {"job": job}, float(count)),
            )
        ]
        return metric("twind_jobs_total", "counter", "Jobs that have ended.", ended) + metric(
            "twind_job_duration_seconds", "summary", "How long jobs took.", took
        )


def of_store(told: Mapping[str, Any]) -> str:
    """Return the metrics of what the database says: `twind.store.status.figures`."""
    sources = told["sources"]
    return "".join(
        [
            _each("twind_queue_jobs", "Jobs that wait or run.", "state", told["queue"]),
            _each(
                "twind_source_up",
                "Whether the last reading of a source, or message to a channel, was good.",
                "source",
                {name: not one["last_error"] for name, one in sources.items()},
            ),
            _each(
                "twind_source_records",
                "Records that a source has.",
                "source",
                {name: one["records"] for name, one in sources.items()},
            ),
            _each(
                "twind_source_refused_records",
                "Records of a source that could not be read.",
                "source",
                {name: one["errors"] for name, one in sources.items()},
            ),
            _each(
                "twind_source_last_success_timestamp_seconds",
                "When a source was last read, or a message sent.",
                "source",
                {name: _seconds(one["last_ok_at"]) for name, one in sources.items()},
            ),
            _each("twind_messages", "Messages, by what became of them.", "state", told["outbox"]),
            _each("twind_proposals", "Proposals, by the word on them.", "state", told["proposals"]),
            _one(
                "twind_last_proposal_timestamp_seconds",
                "When something was last proposed.",
                _seconds(told["last_proposal_at"]),
            ),
            _one("twind_database_bytes", "The database and its journal.", told["bytes"]),
        ]
    )


def of_daemon(
    *, uptime_s: float, started_at_s: float, paused: bool, backup_at_s: float | None
) -> str:
    """Return the metrics of the process itself; times in seconds since 1970."""
    version = [("", {"version": __version__}, 1.0)]
    return "".join(
        [
            metric("twind_build_info", "gauge", "The version of twind.", version),
            _one("twind_uptime_seconds", "How long the daemon serves.", uptime_s),
            _one("twind_paused", "Whether it does nothing by itself.", paused),
            _one("twind_last_backup_timestamp_seconds", "When the newest was made.", backup_at_s),
            _one("process_start_time_seconds", "When the process began.", started_at_s),
            _one("process_resident_memory_bytes", "Memory that it holds.", resident_bytes()),
            metric(
                "process_cpu_seconds_total",
                "counter",
                "Processor time that it has taken.",
                [("", {}, sum(os.times()[:2]))],
            ),
        ]
    )


def resident_bytes() -> int:
    """Return how much memory this process holds."""
    pages = Path("/proc/self/statm").read_text("ascii").split()[1]
    return int(pages) * os.sysconf("SC_PAGE_SIZE")


def metric(name: str, kind: Kind, text: str, samples: Iterable[Sample]) -> str:
    """Return one metric with its samples; "" where it has none. `text` has no line ends."""
    lines = [
        f"{name}{suffix}{_labels(labels)} {float(value)!r}\n" for suffix, labels, value in samples
    ]
    head = f"# HELP {name} {text}\n# TYPE {name} {kind}\n"
    return head + "".join(lines) if lines else ""


def _labels(labels: Mapping[str, str]) -> str:
    pairs = ",".join(f'{name}="{_escaped(value)}"' for name, value in labels.items())
    return f"{{{pairs}}}" if pairs else ""


def _escaped(value: str) -> str:
    return value.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")


def _each(name: str, text: str, label: str, values: Mapping[str, float | None]) -> str:
    """Return a gauge with a sample for each name; those without a value are left out."""
    samples = [
        ("", {label: key}, float(value)) for key, value in values.items() if value is not None
    ]
    return metric(name, "gauge", text, samples)


def _one(name: str, text: str, value: float | None) -> str:
    return metric(name, "gauge", text, [] if value is None else [("", {}, float(value))])


def _seconds(stored: str | None) -> float | None:
    return None if stored is None else parse_utc(stored).timestamp()
