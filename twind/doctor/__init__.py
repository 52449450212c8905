"""What `twind doctor` looks at, and what it found.

A check is a small function from a Subject to a Finding; CHECKS lists them all, each after those it
builds on. None changes anything: what may be mended safely is a Finding's `repair`, and is done
where `--fix` was said.
"""

from __future__ import annotations

from twind.doctor import database, keeping, machine, places, running, work
from twind.doctor.examining import Check, Examined, examine
from twind.doctor.finding import Finding, Severity
from twind.doctor.subject import Subject

__all__ = ["CHECKS", "Check", "Examined", "Finding", "Severity", "Subject", "examine"]

CHECKS = (
    Check("configuration", places.configuration),
    Check("folders", places.folders),
    Check("privacy", places.privacy),
    Check("space", places.space),
    Check("database", database.database),
    Check("schema", database.schema, ("database",)),
    Check("references", database.references, ("schema",)),
    Check("clock", machine.clock, ("schema",)),
    Check("time_zone", machine.time_zone, ("configuration",)),
    Check("daemon", running.daemon),
    Check("socket", running.socket),
    Check("heartbeat", running.heartbeat, ("daemon", "configuration", "schema")),
    Check("unit", running.unit, ("configuration",)),
    Check("plugins", work.plugins, ("configuration", "schema")),
    Check("files", work.files, ("configuration", "schema", "plugins")),
    Check("sources", work.sources, ("configuration", "schema")),
    Check("jobs", work.jobs, ("configuration", "schema")),
    Check("notifications", work.notifications, ("configuration", "schema")),
    Check("backups", keeping.backups, ("configuration", "schema")),
    Check("models", keeping.models, ("configuration", "schema")),
    Check("compiler_cache", machine.compiler_cache),
    Check("torch", machine.torch),
)
"""Every check, with those it needs: where one of them stands in the way, it is left out."""
