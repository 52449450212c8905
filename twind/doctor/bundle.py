"""A file to send along with a report: what helps to find a fault, and nothing of who has it.

All of it is picked by name from what is known to tell nothing (an allow-list): numbers, and words
that are twind's own. Whatever could be the user's (names, titles, paths, addresses, error texts,
the log) is not looked for and taken out: it is never put in.
"""

from __future__ import annotations

import importlib.metadata
import json
import os
import platform
import re
import sqlite3
import sys
import zipfile
from typing import TYPE_CHECKING, Any

import twind
from twind import errors
from twind.clock import parse_utc
from twind.doctor.finding import NothingYetError
from twind.errors import TwindError
from twind.home import bundled_plugins
from twind.store import migrations, schema, sources
from twind.store.connection import from_json

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from datetime import datetime
    from pathlib import Path

    from twind.doctor.examining import Examined
    from twind.doctor.subject import Subject
    from twind.store import Store

OTHER = "other"
LAST_JOBS = 500
JOBS = frozenset(
    {
        "backup",
        "check",
        "checkin",
        "detect",
        "elicit",
        "inspect",
        "notify",
        "propose",
        "prune",
        "sync",
        "train",
    }
)
STATES = frozenset({"queued", "running", "done", "failed"})
_WORKERS_CODES = frozenset({"died", "timeout", "not_started", "interrupted", "missed", "usage"})
CODES = _WORKERS_CODES.union(
    one.code for one in vars(errors).values() if isinstance(one, type) and hasattr(one, "code")
)
"""What goes wrong with a job, by the name that twind gives it."""

SETTINGS = (
    "schedule.sync_every_min",
    "schedule.poll_s",
    "schedule.checkin",
    "proposals.max_per_day",
    "proposals.min_confidence",
    "questions.per_day",
    "training.enabled",
    "training.timesteps",
    "training.threshold",
    "training.threads",
    "training.on_battery",
    "backups.daily",
    "backups.keep_days",
    "backups.keep_weeks",
    "backups.keep_months",
    "limits.job_timeout_s",
    "limits.train_timeout_s",
    "limits.memory_mib",
)
"""The settings whose values go in. Of the others, only whether they are set: what hours somebody
sleeps, and whether twind may speak of their health, is theirs."""

README = """\
Made by `twind doctor --bundle`. Read it before you send it: there is a handful of short JSON files.

In it are versions, the severities and numbers of the doctor's findings, how many rows each table
has, what kinds of jobs ran and how they ended, and the settings that are about machinery. Not in it
are names, titles, addresses, paths, times of day, error texts and the log, all of which could tell
of you. If a fault needs an error text, send it in your own words.
"""


class BundleError(TwindError):
    """The bundle cannot be written; the message names the file."""

    code = "bundle"


def write(path: Path, subject: Subject, told: Iterable[Examined]) -> None:
    """Write a bundle to a new file, readable by its owner alone.

    Raises BundleError where there is a file already, or none can be made.
    """
    parts: dict[str, Callable[[], Any]] = {
        "versions": versions,
        "findings": lambda: findings(told),
        "settings": lambda: settings(subject),
        "database": lambda: database(subject.db),
        "jobs": lambda: jobs(subject.db, subject.clock.now()),
        "sources": lambda: plugins(subject),
    }
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(handle, "wb") as file, zipfile.ZipFile(file, "w") as archive:
            archive.writestr("README.txt", README)
            for name, part in parts.items():
                archive.writestr(f"{name}.json", json.dumps(_fenced(part), indent=1) + "\n")
    except FileExistsError:
        raise BundleError(f"{path} is there already; name another file") from None
    except OSError as error:
        raise BundleError(f"{path}: {error.strerror}") from error
    finally:
        subject.close()


def _fenced(part: Callable[[], Any]) -> Any:
    """Return a part, or what kind of error is in its way: its text may be of the user."""
    try:
        return part()
    except NothingYetError:
        return None
    except Exception as error:  # noqa: BLE001 - the other parts help all the same
        return {"error": type(error).__name__}


def versions() -> dict[str, str]:
    """Return the versions of twind, of Python, of the machine, and of what twind is made of."""
    told = {
        "twind": twind.__version__,
        "python": platform.python_version(),
        "system": platform.system(),
        "kernel": ".".join(re.findall(r"\d+", platform.release())[:3]),
        "machine": platform.machine(),
        "libc": " ".join(platform.libc_ver()),
        "sqlite": sqlite3.sqlite_version,
        "byteorder": sys.byteorder,
    }
    for requirement in importlib.metadata.requires("twind") or ():
        name = re.split(r"[^A-Za-z0-9._-]", requirement, maxsplit=1)[0]
        if "extra ==" not in requirement:
            told[name] = _version(name)
    return told


def _version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return "missing"


def findings(told: Iterable[Examined]) -> list[dict[str, Any]]:
    """Return the findings without their words."""
    return [
        {
            "id": one.id,
            "severity": one.severity,
            "fixed": bool(one.fixed),
            "facts": {
                key: value
                for key, value in one.finding.facts.items()
                if value is None or isinstance(value, int | float)
            },
        }
        for one in told
    ]


def settings(subject: Subject) -> dict[str, Any]:
    """Return the settings of SETTINGS; of all others, whether they differ from the default."""
    told: dict[str, Any] = {}
    for section, values in subject.settings:
        if section == "plugins":
            continue
        for key, value in values:
            name = f"{section}.{key}"
            is_set = key in values.model_fields_set
            plain = name in SETTINGS and isinstance(value, int | float)
            told[name] = value if plain else "set" if is_set else "default"
    named = subject.settings.plugins
    told["plugins.disabled"] = len(named.disabled)
    told["plugins"] = {
        name: len(section) if isinstance(section, dict) else 0
        for name, section in (named.model_extra or {}).items()
        if name in bundled_plugins()
    }
    return told


def database(db: Store) -> dict[str, Any]:
    """Return the migrations, how many rows twind's tables have, and how much room they take."""
    done = migrations.done(db.connection)
    known = [one.__name__ for one in migrations.MIGRATIONS if one.__name__ in done]
    there = migrations.table_names(db.connection)
    ours = sorted(there.intersection({*schema.MISSION_TABLES, *schema.OWN_TABLES}))
    pragmas = ("page_size", "page_count", "freelist_count")
    return {
        "migrations": known,
        "unknown_migrations": len(done) - len(known),
        "rows": {table: db.value(f"SELECT COUNT(*) FROM {table}") for table in ours},  # noqa: S608 - ours
        "other_tables": len(there) - len(ours) - 1,
        **{name: db.value(f"PRAGMA {name}") for name in pragmas},
    }


def jobs(db: Store, now: datetime) -> list[dict[str, Any]]:
    """Return the last jobs: kind, state, attempts, how long they waited and took, how long ago."""
    rows = db.rows("SELECT * FROM jobs ORDER BY id DESC LIMIT ?", (LAST_JOBS,))
    return [
        {
            "kind": _known(row["name"], JOBS),
            "state": _known(row["state"], STATES),
            "attempt": int(row["attempt"]),
            "waited_s": _between(row["queued_at"], row["started_at"]),
            "took_s": _between(row["started_at"], row["finished_at"]),
            "hours_ago": round((now - parse_utc(row["queued_at"])).total_seconds() / 3600),
            "code": _known(from_json(row["error"]).get("code"), CODES) if row["error"] else None,
        }
        for row in rows
    ]


def plugins(subject: Subject) -> list[dict[str, Any]]:
    """Return how the sources fare; those that do not ship with twind have no name."""
    shipped = bundled_plugins()
    return [
        {
            "name": _known(name, shipped),
            "records": int(one["records"]),
            "refused": int(one["errors"]),
            "trouble": _known(one["trouble"], {"failed", "refused", "held"}),
            "forgotten": bool(one["forgotten"]),
        }
        for name, one in sources.health(subject.db, subject.profile_id).items()
    ]


def _known(word: Any, words: Iterable[str] | Mapping[str, Any]) -> str | None:
    """Return a word that is one of twind's own; OTHER for any that is not."""
    if word is None:
        return None
    return next((one for one in words if one == word), OTHER)


def _between(begin: str | None, end: str | None) -> float | None:
    if begin is None or end is None:
        return None
    return round((parse_utc(end) - parse_utc(begin)).total_seconds(), 1)
