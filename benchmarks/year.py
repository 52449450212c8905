"""A year with twind, its clock driven: whether it stays as small as the life that it knows.

    python benchmarks/year.py --days 365 --train 1024

One simulated person, as fidelity.py has them, lives with the whole product: each day a sync, a few
questions, the morning's proposals and what is said to them, a check-in, the day's backup and what
is pruned after it; each week a training, if one is due. All in one process, so that what any job
leaves behind adds up. Each morning comes when the schedule says: the clock is set by it.
"""

from __future__ import annotations

import argparse
import importlib
import sys
import tempfile
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import families
import fidelity
from figures import FAST, SEED, tell
from processes import held_mib, peak_mib

MONTH_DAYS = 28
AGAIN = 5
"""How often each job is done once more in the end, to see what it alone leaves behind."""
TABLES = (
    "records", "change_log", "jobs", "outbox", "recommendations", "evidence", "responses", "models",
)  # fmt: skip


class Year(fidelity.Companion):
    """twind, living with somebody as its daemon has it: every job a row in the queue."""

    def mornings(self, days):
        """Live so many days; yield the number of each, and by how many minutes it came off time."""
        first = self.user.life.first_day
        self._set_clock(first, 0)
        told = fidelity.Told()
        for number in range(days):
            day = first + timedelta(days=number)
            off = self._minutes_off(day)
            self.live(day, number, told)
            self._deliver()
            for name in ("backup", "prune"):
                self.work(name, key=f"{name}:{day}")
            self._set_clock(day, 22 * 60)
            yield number, off

    def _minutes_off(self, day):
        """Return by how much the schedule's next morning misses a day's minute on the wall."""
        from twind.daemon import schedule
        from twind.store import jobs

        done = jobs.done_keys(self.db, schedule.PROPOSE)
        due = schedule.next_proposal(self.clock.now(), self.settings, done)
        wall = due.astimezone(self.settings.zone).replace(tzinfo=None)
        at = divmod(self.settings.schedule.propose_at, 60)
        meant = wall.replace(year=day.year, month=day.month, day=day.day, hour=at[0], minute=at[1])
        return (wall - meant).total_seconds() / 60

    def _deliver(self):
        """Say of what was to be told that it has arrived."""
        from twind.store import outbox

        desktop = outbox.Address("notify", "desktop", "desktop")
        for message in outbox.due(self.db, self.settings.profile.id):
            outbox.address(self.db, message.id, [desktop])
            outbox.sent(self.db, [message.id], desktop)

    def work(self, name, key=None, **args):
        """Do a job as the daemon has it done, with a row of its own."""
        from twind.jobs.work import Work
        from twind.store import jobs

        if name == "propose" and (meant := f"propose:{args['day']}") not in jobs.done_keys(
            self.db, meant
        ):
            key = meant
        job = jobs.start(self.db, jobs.enqueue(self.db, name, args, key).id)
        work = Work(
            self.db, self.home, self.settings, self.clock, args, job_id=job.id, attempt=job.attempt
        )
        return work.finish(importlib.import_module(f"twind.jobs.{name}").run(work))


@contextmanager
def together(seed, training_steps, factory=families.Ordinary):
    """Have twind move in with somebody."""
    user = factory(seed)
    with tempfile.TemporaryDirectory() as root:
        twin = Year(user, fidelity.lived_before(user), Path(root), "twind", training_steps)
        try:
            yield twin
        finally:
            twin.close()


def live(days, training_steps, seed=SEED, factory=families.Ordinary):
    """Yield, for each month's last day, what twind has come to.

    Each {"day", "off" (the most minutes a morning of the month was off its own), "held_mib" (what
    the process holds on to), "objects" (the same, in Python's own blocks of memory), "peak_mib"
    (the most it has had so far), "database_mib", "backups_mib", "rows" (by table)}.
    """
    with together(seed, training_steps, factory) as twin:
        off = 0.0
        for number, missed in twin.mornings(days):
            off = max(off, abs(missed))
            if (number + 1) % MONTH_DAYS == 0 or number + 1 == days:
                yield {"day": number + 1, "off": off, **_size(twin)}
                off = 0.0


def again(training_steps, times=AGAIN, seed=SEED):
    """Do each job of a day, and train, `times` times, when that has been done as often before.

    Yields its name ("sync" with what is learnt from it), and the MiB held before and after.
    """
    with together(seed, 0) as twin:
        [*_] = twin.mornings(1)
        today = twin.user.life.first_day
        every = {
            "sync": lambda: twin.wake_up(today),
            "propose": lambda: twin.work("propose", day=today.isoformat()),
            "backup": lambda: twin.work("backup"),
            "train": lambda: twin.work("train", timesteps=training_steps),
        }
        for name, do in every.items():
            held = []
            for _ in ("warm", "told"):
                for _ in range(times):
                    twin.clock.advance(seconds=1)
                    do()
                held.append(held_mib())
            yield (name, *held)


def _size(twin):
    held = held_mib()
    pages = twin.db.value("PRAGMA page_count") - twin.db.value("PRAGMA freelist_count")
    kept = sum(file.stat().st_size for file in twin.home.backups_dir.glob("*.zip"))
    return {
        "held_mib": held,
        "objects": sys.getallocatedblocks(),
        "peak_mib": peak_mib(),
        "database_mib": pages * twin.db.value("PRAGMA page_size") / 2**20,
        "backups_mib": kept / 2**20,
        "rows": {table: twin.db.value(f"SELECT COUNT(*) FROM {table}") for table in TABLES},
    }


def play(days, training_steps, seed=SEED):
    """Print each month's figures as they come; the first month is what the others are held to."""
    first = None
    for month in live(days, training_steps, seed):
        first = first or month
        for name in ("held_mib", "objects", "peak_mib", "database_mib", "backups_mib"):
            value, base = month[name], first[name]
            unit = "blocks" if name == "objects" else "MiB"
            ratio = value / base if base else None
            tell(f"year.day{month['day']}.{name}", value, value, value, unit, base, ratio, 1)
        tell(
            f"year.day{month['day']}.off_min", month["off"], 0.0, month["off"], "min", None, None, 1
        )
        for table, rows in month["rows"].items():
            name = f"year.day{month['day']}.rows.{table}"
            tell(name, rows, rows, rows, "rows", first["rows"][table], None, 1)
    for job, before, after in again(training_steps or 256):
        name = f"year.again.{job}.held_mib"
        tell(name, after, after, after, "MiB", before, after / before, AGAIN)


def measure():
    """Print year.*, as `make bench` does."""
    play(14 if FAST else 365, 0 if FAST else 1024)


def main():
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--days", type=int, default=365)
    parser.add_argument("--train", type=int, default=1024, help="steps a week; 0: none")
    parser.add_argument("--seed", type=int, default=SEED)
    chosen = parser.parse_args()
    play(chosen.days, chosen.train, chosen.seed)


if __name__ == "__main__":
    main()
