"""The bundled plugins, as functions from the text of files to what they yield."""

from __future__ import annotations

import importlib.util
import os
import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import pytest

from twind.api import Context, Project, RecordError, Task, Window
from twind.home import bundled
from twind.testing import context

if TYPE_CHECKING:
    from pathlib import Path
    from types import ModuleType

WINDOW = Window(datetime(2026, 1, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC))
NOW = datetime(2026, 3, 2, 8, tzinfo=UTC)
OLD = datetime(2026, 2, 1, tzinfo=UTC).timestamp()


def _loaded(name: str):
    place = bundled("plugins") / f"{name}.py"
    spec = importlib.util.spec_from_file_location(f"{name}_to_read_with", place)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their annotations up there
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def calendar_plugin():
    return _loaded("calendar")


@pytest.fixture(scope="session")
def contacts_plugin():
    return _loaded("contacts")


@pytest.fixture
def read_calendar(tmp_path, calendar_plugin):
    """Return what an .ics file of this text yields, in 2026 and Berlin unless told otherwise."""

    def read(text, *, window=WINDOW, zone="Europe/Berlin", **settings) -> list:
        path = tmp_path / "calendar.ics"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        ctx = context(
            calendar_plugin.CalendarSettings(paths=[path], **settings),
            window=window,
            timezone=zone,
            emails=["me@example.org"],
        )
        return list(calendar_plugin.Calendar().fetch(ctx))

    return read


@pytest.fixture
def read_contacts(tmp_path, contacts_plugin):
    """Return what a .vcf file of this text yields."""

    def read(text) -> list:
        path = tmp_path / "people.vcf"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        ctx = context(contacts_plugin.ContactsSettings(paths=[path]))
        return list(contacts_plugin.Contacts().fetch(ctx))

    return read


@pytest.fixture
def write_settled():
    """Write a file and date it back, so that its time and size can be trusted."""

    def write(path, text, mtime=OLD):
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        os.utime(path, (mtime, mtime))
        return path

    return write


# --- task lists ----------------------------------------------------------------------------------


class Found(list):
    """What the plugin yields."""

    @property
    def tasks(self) -> list[Task]:
        return [item for item in self if isinstance(item, Task)]

    @property
    def projects(self) -> list[Project]:
        return [item for item in self if isinstance(item, Project)]

    @property
    def errors(self) -> list[RecordError]:
        return [item for item in self if isinstance(item, RecordError)]

    def titled(self, title: str) -> Task:
        [task] = [task for task in self.tasks if task.title == title]
        return task


@dataclass
class Lists:
    """A folder of task lists, and the plugin that reads them."""

    folder: Path
    plugin: ModuleType

    def write(self, name: str, text: str | bytes, mtime: float = OLD) -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        os.utime(path, (mtime, mtime))
        return path

    def context(
        self, *paths: Path, state=None, now=NOW, window=WINDOW, zone="Europe/Berlin", **more
    ):
        return Context(
            settings=self.plugin.TasksSettings(paths=list(paths or [self.folder]), **more),
            window=window,
            now=now,
            timezone=ZoneInfo(zone),
            state={} if state is None else state,
        )

    def fetch(self, *paths: Path, **more: Any) -> Found:
        """Return what the plugin yields for these paths, or the whole folder."""
        return Found(self.plugin.Tasks().fetch(self.context(*paths, **more)))


@pytest.fixture
def lists(tmp_path, tasks_plugin) -> Lists:
    return Lists(tmp_path, tasks_plugin)
