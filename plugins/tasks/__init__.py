"""Tasks, projects and habits from the files a person has: what each format says, and what not.

Each format is a module of its own, and reads what the others do not: a file belongs to one by its
name (docs/sources.md tells which).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from typing import Any

from pydantic import Field

# pydantic reads the annotations of Settings at run time.
from pathlib import Path  # isort: skip

from twind.api import Context, Fetched, Files, Settings, hookimpl

from . import org, taskwarrior, todotxt, vtodo


class TasksSettings(Settings):
    """`[plugins.tasks]`."""

    paths: list[Path] = Field(default=[], description="Task lists, or folders of them.")
    org_states: str = Field(
        default="TODO NEXT WAITING | DONE CANCELLED",
        description="The states of org files that declare none, as after #+TODO: in one.",
    )
    max_mib: float = Field(default=64, gt=0, description="A larger file is refused.")


FORMATS = {"todotxt": todotxt, "vtodo": vtodo, "org": org, "taskwarrior": taskwarrior}
"""Each has the `SUFFIXES` of its files, which of them it takes `IN_FOLDER`, and a `fetch`."""


def _format_of(path: Path) -> str:
    """Return whose a file is that the settings name: by its suffix, or else a todo.txt."""
    suffix = path.suffix.lower()
    return next((name for name, one in FORMATS.items() if suffix in one.SUFFIXES), "todotxt")


def _has_format(name: str, path: Path) -> bool:
    return _format_of(path) == name


class Tasks:
    """Task lists of several formats, as a plugin."""

    name = "tasks"
    Settings = TasksSettings

    def watch(self, ctx: Context[TasksSettings]) -> list[Path]:
        """Return the files and folders of the settings."""
        return ctx.settings.paths

    def fetch(self, ctx: Context[TasksSettings]) -> Iterator[Fetched]:
        """Yield every open task, those over inside the window, and all projects and habits.

        Raises OSError when no path of the settings can be read.
        """
        for name in ctx.state.keys() - FORMATS.keys():
            del ctx.state[name]
        for name, format_ in FORMATS.items():
            own = replace(ctx, state=ctx.state.setdefault(name, {}))
            files = Files(
                own,
                ctx.settings.paths,
                *format_.SUFFIXES,
                only=format_.IN_FOLDER,
                named=partial(_has_format, name),
                max_mib=ctx.settings.max_mib,
            )
            yield from format_.fetch(files, own)


@hookimpl
def twind_register(register: Callable[[Any], None]) -> None:
    """Offer the plugin."""
    register(Tasks())
