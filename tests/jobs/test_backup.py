"""The day's backup, as the daemon has it made."""

from __future__ import annotations

from datetime import timedelta

import pytest

from twind import settings
from twind.errors import BackupError
from twind.jobs import backup
from twind.jobs.work import Work
from twind.store import backups, rotation


def work(db, home, clock, **keep):
    return Work(db, home, settings.parse({"backups": keep}), clock)


def test_each_day_adds_one_and_old_ones_go(db, home, clock):
    for number in range(1, 5):
        told = backup.run(work(db, home, clock, keep_days=3, keep_weeks=0, keep_months=0))
        assert told["kept"] == min(number, 3)
        clock.advance(days=1)
    made = rotation.made(home.backups_dir)
    assert told["file"] == str(list(made)[-1])
    assert max(made.values()) - min(made.values()) == timedelta(days=2)
    assert {backups.verify(path).because for path in made} == {"daily"}


def test_a_folder_that_cannot_be_written_is_named(db, home, clock):
    home.backups_dir.write_text("a file", "utf-8")
    with pytest.raises(BackupError, match=str(home.backups_dir)):
        backup.run(work(db, home, clock))
