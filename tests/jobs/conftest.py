"""What the tests of several jobs start from."""

from __future__ import annotations

import pytest

from twind import settings
from twind.jobs.work import Work


@pytest.fixture
def work(db, home, clock):
    """Work in UTC without the bundled plugins, so that what a test drops in is all there is."""
    configuration = settings.parse(
        {
            "profile": {"timezone": "UTC"},
            "plugins": {"disabled": ["calendar", "tasks", "contacts", "notify"]},
        }
    )
    return Work(db, home, configuration, clock)
