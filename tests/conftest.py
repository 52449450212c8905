"""Fixtures that every room's tests share."""

from __future__ import annotations

from datetime import UTC, datetime

import hypothesis
import pytest

from twind.clock import FixedClock
from twind.home import Home
from twind.store import Store, profiles

# How long an example takes says something about the machine, not about twind.
hypothesis.settings.register_profile(
    "twind", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("twind")


@pytest.fixture
def clock() -> FixedClock:
    """A Monday morning that stands still."""
    return FixedClock(datetime(2026, 3, 2, 8, 0, tzinfo=UTC))


@pytest.fixture
def home(tmp_path) -> Home:
    """An empty home."""
    root = tmp_path / "home"
    root.mkdir()
    return Home.under(root)


@pytest.fixture
def db(home, clock):
    """An open, fresh database with profile 1."""
    with Store.open(home.database, clock) as store:
        profiles.ensure(store, 1)
        yield store
