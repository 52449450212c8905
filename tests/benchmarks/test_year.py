"""A few days of the year, over the night in which the clocks are set forward."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise

import families
import pytest
import year

BEFORE_SPRING = 26
"""Days from families.FIRST_DAY to the eve of the 29th of March 2026."""


class InSpring(families.Ordinary):
    """Whose first day with twind is the eve of summer time."""

    def __init__(self, seed):
        super().__init__(seed)
        self.life.first_day += timedelta(days=BEFORE_SPRING)


def test_each_morning_comes_at_its_minute_and_what_was_read_is_let_go():
    [found] = year.live(3, 0, 0, InSpring)
    assert found["day"] == 3
    assert found["off"] == 0.0
    assert found["rows"]["change_log"] < 200
    assert found["rows"]["recommendations"] > 0
    assert found["backups_mib"] > 0.0


def test_no_job_leaves_anything_behind():
    for _, before, after in year.again(64, times=3):
        assert after < before + 2.0


@pytest.mark.soak
@pytest.mark.timeout(3600)
def test_a_season_leaves_no_more_behind_than_what_was_said_and_lived():
    """The whole year is for benchmarks/year.py to show."""
    months = list(year.live(84, 1024))
    assert {month["off"] for month in months} == {0.0}
    # The first month loads what the jobs need, and fills the rotation of backups.
    early, late = months[1], months[-1]
    assert late["held_mib"] < early["held_mib"] * 1.05 + 5
    assert late["objects"] < early["objects"] * 1.05
    assert late["rows"]["change_log"] < 2 * early["rows"]["change_log"] + 200
    for one, other in pairwise(months[1:]):
        assert other["database_mib"] - one["database_mib"] < 3.0
