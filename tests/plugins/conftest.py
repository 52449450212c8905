"""The calendar and contacts plugins, as functions from a file's text to what they yield."""

from __future__ import annotations

import importlib.util
import os
import sys
from datetime import UTC, datetime

import pytest

from twind.api import Window
from twind.home import bundled
from twind.testing import context

WINDOW = Window(datetime(2026, 1, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC))
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
