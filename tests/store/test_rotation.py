"""Which backups stay: the newest of each of the last days, weeks and months."""

from __future__ import annotations

import os
import sqlite3
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twind.clock import FixedClock
from twind.errors import BackupError
from twind.home import Home
from twind.settings import BackupSettings
from twind.store import Store, backups, erasure, migrations, rotation

NOON = datetime(2026, 11, 27, 12, tzinfo=UTC)
LATER = NOON + timedelta(days=365)


def keep(days, weeks, months):
    return BackupSettings(keep_days=days, keep_weeks=weeks, keep_months=months)


moments = st.lists(
    st.datetimes(datetime(2024, 1, 1), datetime(2026, 12, 31), timezones=st.just(UTC)),
    unique=True,
)


def test_two_years_of_days_come_down_to_days_weeks_and_months():
    days = [NOON - timedelta(days=number) for number in range(730)]
    kept = sorted(rotation.chosen(days, keep(7, 4, 6), NOON), reverse=True)
    assert kept[:7] == days[:7]
    # The newest of this week and of those before it, then the ends of months.
    assert [one.date().isoformat() for one in kept[7:]] == [
        "2026-11-15", "2026-11-08", "2026-10-31", "2026-09-30", "2026-08-31", "2026-07-31",
        "2026-06-30",
    ]  # fmt: skip


@given(moments, st.builds(keep, *[st.integers(0, 10)] * 3))
def test_the_newest_stays_and_no_more_than_is_said(made, wanted):
    kept = rotation.chosen(made, wanted, LATER)
    assert kept <= set(made)
    assert len(kept) <= max(1, wanted.keep_days + wanted.keep_weeks + wanted.keep_months)
    if made:
        assert max(made) in kept


@given(moments, st.builds(keep, *[st.integers(1, 10)] * 3), st.integers(0, 400))
def test_what_is_kept_now_never_comes_back(made, wanted, more):
    """To choose again from what was kept, and what has come since, deletes no more than at once."""
    later = [NOON + timedelta(days=40 + number) for number in range(more % 30)]
    kept = rotation.chosen(made, wanted, LATER)
    at_once = rotation.chosen([*made, *later], wanted, LATER)
    assert rotation.chosen([*kept, *later], wanted, LATER) == at_once


@given(moments, moments, st.builds(keep, *[st.integers(0, 10)] * 3))
def test_none_of_the_future_takes_the_place_of_another(made, wrong, wanted):
    """Some clock was ahead when it was made: nobody knows how old it is."""
    ahead = [moment + timedelta(days=2000) for moment in wrong]
    kept = rotation.chosen([*made, *ahead], wanted, LATER)
    assert kept >= rotation.chosen(made, wanted, LATER)
    assert len(kept) <= max(1, wanted.keep_days + wanted.keep_weeks + wanted.keep_months)


def test_only_what_is_twinds_own_goes(db, home, clock):
    home.backups_dir.mkdir()
    (home.backups_dir / "twind-before.zip").touch()
    (home.backups_dir / "holiday.jpg").touch()
    for _ in range(4):
        path, manifest = rotation.add(db, home, "daily", keep(2, 0, 0))
        clock.advance(days=1)
    assert manifest.because == "daily"
    assert list(rotation.made(home.backups_dir)) == [
        home.backups_dir / "twind-20260304T080000Z.zip",
        path,
    ]
    names = {one.name for one in home.backups_dir.iterdir()}
    assert names >= {"twind-before.zip", "holiday.jpg"}


def test_what_has_just_been_made_stays_after_a_clock_was_ahead(db, home, clock):
    clock.advance(days=300)
    for _ in range(3):
        rotation.add(db, home, "daily", keep(1, 0, 0))
        clock.advance(days=1)
    clock.advance(days=-303)
    path, _ = rotation.add(db, home, "daily", keep(1, 0, 0))
    assert list(rotation.made(home.backups_dir)) == [path]


def test_what_has_just_been_made_stays_where_the_clock_is_set_back_meanwhile(db, home, clock):
    rotation.add(db, home, "daily", keep(1, 0, 0))
    clock.advance(days=20)
    db.clock = SetBack(clock.now())
    path, _ = rotation.add(db, home, "daily", keep(1, 0, 0))
    assert path in rotation.made(home.backups_dir)


class SetBack(FixedClock):
    """A clock that says a day less each time it is asked."""

    def now(self):
        self.advance(days=-1)
        return super().now()


def test_what_whoever_was_killed_has_left_goes_after_an_hour(db, home, clock):
    home.backups_dir.mkdir()
    old, new = home.backups_dir / ".twind-old", home.state_dir / ".twind-new"
    for folder, minutes in ((old, 61), (new, 59)):
        folder.mkdir()
        (folder / "twind.db").write_bytes(b"all that twind knows")
        moment = (clock.now() - timedelta(minutes=minutes)).timestamp()
        os.utime(folder, (moment, moment))
    assert set(erasure.copies(home)) == {old, new}
    path, _ = rotation.add(db, home, "daily", keep(1, 0, 0))
    assert erasure.copies(home) == [path, new]
    clock.advance(minutes=2)
    path, _ = rotation.add(db, home, "daily", keep(1, 0, 0))
    assert erasure.copies(home) == [path]


def test_where_none_can_be_made_none_goes(db, home, clock):
    rotation.add(db, home, "daily", keep(1, 0, 0))
    before = rotation.made(home.backups_dir)
    clock.advance(days=1)
    db.close()
    with pytest.raises(BackupError):
        rotation.add(db, home, "daily", keep(1, 0, 0))
    assert rotation.made(home.backups_dir) == before


def older(db):
    """Take a database back to before the last migration."""
    db.execute("DROP TABLE erased")
    db.execute(f"DELETE FROM {migrations.TABLE} WHERE name = 'erased'")


def test_what_is_brought_up_to_date_is_kept_as_it_was(db, home, clock, tmp_path):
    older(db)
    db.close()
    with rotation.opened(home, clock) as store:
        assert not migrations.pending(store.connection)
    [path] = home.backups_dir.iterdir()
    assert "erased" not in backups.verify(path).migrations
    # It is none of those that rotate.
    assert rotation.made(home.backups_dir) == {}
    with rotation.opened(home, clock):
        assert list(home.backups_dir.iterdir()) == [path]
    elsewhere = Home.under(tmp_path / "elsewhere")
    backups.restore(path, elsewhere)
    with Store.open(elsewhere.database) as restored:
        assert not migrations.pending(restored.connection)


def test_what_cannot_be_kept_is_not_changed(db, home, clock):
    older(db)
    db.close()
    home.backups_dir.write_text("a file", "utf-8")
    with pytest.raises(BackupError, match=str(home.backups_dir)):
        rotation.opened(home, clock)
    connection = sqlite3.connect(home.database)
    assert [one.__name__ for one in migrations.pending(connection)] == ["erased"]
    connection.close()


def test_a_fresh_database_needs_no_copy(home, clock):
    with rotation.opened(home, clock):
        assert not home.backups_dir.exists()
