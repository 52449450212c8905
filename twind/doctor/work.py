"""What twind does: plugins, sources, jobs, messages."""

from __future__ import annotations

import os
from datetime import timedelta
from typing import TYPE_CHECKING

from twind import settings as settings_room
from twind.clock import format_utc, parse_utc, when
from twind.daemon import client
from twind.doctor.finding import Finding
from twind.plaintext import counted
from twind.store import outbox
from twind.store import sources as kept
from twind.store.jobs import failures

if TYPE_CHECKING:
    from pathlib import Path

    from twind.doctor.subject import Subject
    from twind.store.jobs import Job

TOO_LONG = timedelta(days=1)
"""No message waits so long for the end of quiet hours, and no job for its turn."""
_ASKED_AGAIN = frozenset({"sync", "train", "propose"})


def plugins(subject: Subject) -> Finding:
    """Hold that every plugin can be imported."""
    found = subject.plugins
    bad = [one for one in found if one["state"] == "failed" or one["error"]]
    facts = {"plugins": len(found), "faulty": len(bad)}
    if bad:
        saw = "; ".join(f"{one['name']}: {one['error']}" for one in bad)
        return Finding("warning", saw, f"twind plugins show {bad[0]['name']}", facts)
    return Finding("ok", f"{counted(len(found), 'plugin')}, none faulty", facts=facts)


def files(subject: Subject) -> Finding:
    """Hold that the files and folders which sources watch are there, and can be read."""
    base = settings_room.base_folder(subject.home)
    watched = {(one["name"], base / path) for one in subject.plugins for path in one["watch"]}
    bad = [(name, path) for name, path in sorted(watched) if not _is_readable(path)]
    facts = {"watched": len(watched), "missing": len(bad)}
    if bad:
        saw = "; ".join(f"{name}: {path} is not there, or cannot be read" for name, path in bad)
        do = "name them rightly in twind.toml, or hand them over (docs/installation.md)"
        return Finding("warning", saw, do, facts)
    told = counted(len(watched), "file or folder", "files and folders")
    return Finding("ok", f"{told} can be read", facts=facts)


def _is_readable(path: Path) -> bool:
    return os.access(path, os.R_OK | os.X_OK if path.is_dir() else os.R_OK)


def sources(subject: Subject) -> Finding:
    """Hold that every source was read well the last time."""
    health = kept.health(subject.db, subject.profile_id)
    bad = {name: one for name, one in health.items() if one["trouble"]}
    refused = sum(one["errors"] for one in health.values())
    facts = {"sources": len(health), "in_trouble": len(bad), "refused_records": refused}
    if bad:
        saw = "; ".join(f"{name}: {one['last_error']}" for name, one in bad.items())
        return Finding("warning", saw, f"twind plugins show {next(iter(bad))}", facts)
    saw = f"{counted(len(health), 'source was', 'sources were')} read well"
    if refused:
        saw += f"; {refused} of their records could not be read"
        return Finding("notice", saw, "twind plugins list, and twind plugins show NAME", facts)
    return Finding("ok", saw, facts=facts)


def jobs(subject: Subject) -> Finding:
    """Hold that the last job of each kind went well, and none is stuck."""
    failed = failures(subject.db)
    stuck = _stuck(subject)
    facts = {"failing": len(failed), "stuck": len(stuck)}
    if stuck:
        saw = f"no end of {', '.join(stuck)}"
        return Finding("warning", saw, "restart the daemon: it begins them again", facts)
    if failed:
        saw = "; ".join(f"{job.name} failed last time: {_message(job)}" for job in failed)
        again = [job.name for job in failed if job.name in _ASKED_AGAIN]
        do = f"twind ctl {again[0]}" if again else "the daemon tries again by itself"
        may_ask = again and subject.is_running
        repair = (lambda: _ask_again(subject, again)) if may_ask else None
        return Finding("warning", saw, do, facts, repair)
    return Finding("ok", "no kind of job failed the last time", facts=facts)


def _stuck(subject: Subject) -> list[str]:
    """Return the names of the jobs that wait, or run, for longer than anything may."""
    limits = subject.settings.limits
    most = timedelta(seconds=max(limits.job_timeout_s, limits.train_timeout_s)) + TOO_LONG
    if not subject.is_running or subject.status["paused"] or subject.status["waiting"]:
        return []
    since = format_utc(subject.clock.now() - most)
    rows = subject.db.rows(
        "SELECT name FROM jobs WHERE state IN ('queued', 'running') "
        "AND MAX(COALESCE(started_at, ''), queued_at) < ? ORDER BY id",
        (since,),
    )
    return [row["name"] for row in rows]


def _message(job: Job) -> str:
    return str((job.error or {}).get("message", ""))


def _ask_again(subject: Subject, names: list[str]) -> str:
    for name in names:
        client.request(subject.home, {"cmd": name, "wait": False})
    return f"queued again: {', '.join(names)}"


def notifications(subject: Subject) -> Finding:
    """Hold that messages arrive."""
    counts = outbox.counts(subject.db)
    channels = outbox.by_channel(subject.db, subject.profile_id)
    bad = [one for one in channels if one["last_error"]]
    oldest = subject.db.value("SELECT MIN(created_at) FROM outbox WHERE state = 'pending'")
    facts = {state: counts.get(state, 0) for state in ("pending", "failed", "uncertain")}
    facts |= {"channels": len(channels), "failing_channels": len(bad)}
    if bad:
        saw = "; ".join(f"{one['channel']}: {one['last_error']}" for one in bad)
        return Finding("warning", saw, "twind notify --test tries them", facts)
    if oldest is not None and subject.clock.now() - parse_utc(oldest) > TOO_LONG:
        saw = f"a message has waited since {when(oldest)} UTC"
        return Finding("warning", saw, "twind notify says where messages go", facts)
    told = ", ".join(f"{count} {state}" for state, count in sorted(counts.items())) or "none yet"
    return Finding("ok", f"messages: {told}", facts=facts)
