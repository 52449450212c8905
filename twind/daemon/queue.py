"""Which job follows which event, and one worker a lane.

The rows live in the store, so that a crash does again what it interrupted. What lives here is what
a crash may forget: who waits for a job, what the user asked for, what is backing off.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import sqlite3
from collections import defaultdict
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

from twind.clock import parse_utc
from twind.daemon import logs
from twind.errors import JobError, StoreError, TwindError
from twind.store import jobs

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from twind.store import Store
    from twind.store.jobs import Job

LANES = ("read", "think", "train", "notify")
_LANE_OF = {"inspect": "read", "sync": "read", "train": "train", "notify": "notify"}

MAX_INTERRUPTIONS = 5
"""A job that was interrupted this often in a row is given up: it may be what kills the machine."""
SUSPECT = 3
"""One that was interrupted this often begins while nothing else is at work."""
REST = timedelta(days=1)
"""How long that rests, unless there is news or the user asks. Then it has a single try."""

RETRY_S = 60.0
TRAIN_RETRY_S, TRAIN_RETRY_MAX_S = 600.0, 6 * 3600.0
HOPELESS_RETRY_S = 3600.0
_HOPELESS = frozenset({"empty_profile", "settings"})
"""Trying again helps against these only once something else has changed."""

STORE_PAUSE_S = 5.0

log = logging.getLogger(__name__)


def lane_of(name: str) -> str:
    """Return a job's lane.

    Rehearsing a day takes seconds, training minutes, and a notification may wait for a button: none
    of them may hold up a sync. What learns and what proposes build on each other and share a lane.
    """
    return _LANE_OF.get(name, "think")


def follow_ups(job: Job) -> list[str]:
    """Return the names of the jobs that a finished one calls for, in order."""
    then = job.result.get("then")
    names = [name for name in then if isinstance(name, str)] if isinstance(then, list) else []
    if job.name == "propose":
        names.append("notify")
    return list(dict.fromkeys(names))


def retry_after_s(job: Job, failures: int, sync_every_s: float) -> float:
    """Return how many seconds to wait after a job has failed `failures` times in a row.

    A minute, doubling up to the interval between two syncs; training costs more and waits longer.
    """
    if job.error and job.error.get("code") in _HOPELESS:
        return HOPELESS_RETRY_S
    if job.name == "train":
        return min(TRAIN_RETRY_S * 2.0 ** (failures - 1), TRAIN_RETRY_MAX_S)
    return min(RETRY_S * 2.0 ** min(failures - 1, 32), max(sync_every_s, RETRY_S))


def covers(queued: Job, name: str, args: dict[str, Any]) -> bool:
    """Tell whether a queued job does all that `name` with `args` would.

    A sync of every plugin covers the sync of some.
    """
    if queued.name != name or queued.key is not None:
        return False
    if queued.args == args:
        return True
    if name != "sync":
        return False
    mine, asked = queued.args.get("plugins"), args.get("plugins")
    return mine is None or (asked is not None and set(asked) <= set(mine))


def _identity(name: str, args: dict[str, Any], key: str | None) -> str:
    return key or f"{name} {json.dumps(args, sort_keys=True)}"


class Queue:
    """Takes jobs and runs them, one at a time in each lane. To be made inside a running loop.

    Args:
        db: the store; used from the loop's thread alone.
        run: runs a started job and returns its result; raises JobError.
        on_ended: hears of every job that is done or has failed.
        paused: tells whether only what the user asked for may run.
        obsolete: tells whether a queued job has outlived its day.
        held: tells whether a queued job has to wait for now, unless the user asked for it.
        sync_every_s: the longest wait between two tries.

    """

    def __init__(
        self,
        db: Store,
        *,
        run: Callable[[Job], Awaitable[dict[str, Any]]],
        on_ended: Callable[[Job], None],
        paused: Callable[[], bool] = lambda: False,
        obsolete: Callable[[Job], bool] = lambda _job: False,
        held: Callable[[Job], bool] = lambda _job: False,
        sync_every_s: Callable[[], float] = lambda: 900.0,
    ) -> None:
        self._db = db
        self._run = run
        self._on_ended = on_ended
        self._paused = paused
        self._obsolete = obsolete
        self._held = held
        self._sync_every_s = sync_every_s
        self._asked: set[int] = set()
        self._waiters: defaultdict[int, list[asyncio.Future[Job]]] = defaultdict(list)
        self._failures: defaultdict[str, int] = defaultdict(int)
        self._retries: dict[str, asyncio.TimerHandle] = {}
        self._wakes = {lane: asyncio.Event() for lane in LANES}
        self._tasks: list[asyncio.Task[None]] = []
        self._unusable = False
        self.running: dict[int, Job] = {}
        """The jobs whose workers live, by id."""

    def recover(self) -> list[Job]:
        """Queue again what a dead daemon left running; return those jobs.

        One that was interrupted too often is failed instead.
        """
        again = []
        for job in jobs.requeue_interrupted(self._db):
            if job.interruptions < MAX_INTERRUPTIONS:
                again.append(job)
                continue
            told = f"{job.name} was interrupted {job.interruptions} times in a row; it rests for a"
            self._give_up(job, jobs.INTERRUPTED, f"{told} day, until there is news or you ask")
        return again

    def start(self) -> None:
        """Begin to run what is queued."""
        self._tasks = [asyncio.ensure_future(self._work(lane)) for lane in LANES]

    async def stop(self) -> None:
        """End the workers and tell those who wait. What was running is run again next time."""
        for timer in self._retries.values():
            timer.cancel()
        self._retries.clear()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for waiter in [future for futures in self._waiters.values() for future in futures]:
            if not waiter.done():
                waiter.set_exception(TwindError("the daemon is stopping; the job is not done"))
        self._waiters.clear()

    def wake(self) -> None:
        """Look for work again: something outside has changed (a pause has ended)."""
        for event in self._wakes.values():
            event.set()

    # --- taking jobs -----------------------------------------------------------------------------

    def is_at_work(self, name: str) -> bool:
        """Tell whether a job of that name runs."""
        return any(job.name == name for job in self.running.values())

    def has(self, *names: str) -> bool:
        """Tell whether a job of one of these names waits or runs."""
        there = {job.name for job in (*self.running.values(), *jobs.queued(self._db))}
        return not there.isdisjoint(names)

    def ask(self, name: str, args: dict[str, Any] | None = None) -> Job:
        """Queue a job because the user asked for it: at once, and even in a pause."""
        args = args or {}
        self._forget_failures(_identity(name, args, None))
        job = self._enqueue(name, args, None)
        self._asked.add(job.id)
        self.wake()
        return job

    def put(
        self,
        name: str,
        args: dict[str, Any] | None = None,
        *,
        key: str | None = None,
        news: bool = False,
    ) -> Job | None:
        """Queue a job because it is due; None while that has to wait (pause, backing off, rest).

        `news` says that something has changed since the last try, so that there is no reason to
        wait.
        """
        args = args or {}
        if self._paused() and name != "inspect":
            return None
        identity = _identity(name, args, key)
        if not news and (identity in self._retries or self._rests(name, args, key)):
            return None
        if news:
            self._forget_failures(identity)
        job = self._enqueue(name, args, key)
        self.wake()
        return job

    def _rests(self, name: str, args: dict[str, Any], key: str | None) -> bool:
        """Tell whether a job was given up not long ago: to do it again may be to die again."""
        last = jobs.last_like(self._db, name, args, key)
        if last is None or not last.is_given_up or last.finished_at is None:
            return False
        # The clock may have been set back since.
        return abs(self._db.clock.now() - parse_utc(last.finished_at)) < REST

    def _enqueue(self, name: str, args: dict[str, Any], key: str | None) -> Job:
        if key is None:
            for job in jobs.queued(self._db):
                if covers(job, name, args):
                    return job
        return jobs.enqueue(self._db, name, args, key)

    def drop_obsolete(self) -> None:
        """Fail the queued jobs that have outlived their day."""
        for job in jobs.queued(self._db):
            if self._obsolete(job):
                self._give_up(job, "missed", f"{job.key or job.name} was missed")

    def _give_up(self, job: Job, code: str, message: str) -> None:
        started = jobs.start(self._db, job.id)
        jobs.fail(self._db, job.id, started.attempt, code, message, interruptions=job.interruptions)
        log.warning(
            "%s",
            message,
            extra=logs.about(job=job.name, job_id=job.id, code=code, event="job_failed"),
        )

    async def wait(self, job_id: int) -> Job:
        """Return the job once it is done or has failed.

        Raises TwindError when the daemon stops before.
        """
        job = jobs.get(self._db, job_id)
        if job.state in ("done", "failed"):
            return job
        waiter: asyncio.Future[Job] = asyncio.get_running_loop().create_future()
        self._waiters[job_id].append(waiter)
        return await waiter

    # --- running them ----------------------------------------------------------------------------

    async def _work(self, lane: str) -> None:
        while True:
            self._wakes[lane].clear()
            try:
                job = self._next(lane)
                if job is not None:
                    await self._run_one(job)
                    self._store_works()
            except (sqlite3.Error, StoreError) as error:
                # A full disk, a database somebody has locked: the jobs stand in it and can wait.
                self.store_fails(error)
                await asyncio.sleep(STORE_PAUSE_S)
                continue
            except Exception:
                # Whatever it is, the other jobs of this lane must not wait for it for ever.
                log.exception("something went wrong in the queue; carrying on")
                await asyncio.sleep(STORE_PAUSE_S)
                continue
            if job is None:
                await self._wakes[lane].wait()

    def store_fails(self, error: Exception) -> None:
        """Say once that the database cannot be used: a disk may stay full for days."""
        if not self._unusable:
            logs.failed(log, "the database cannot be used; trying again", error)
        self._unusable = True

    def _store_works(self) -> None:
        if self._unusable:
            log.info("the database can be used again")
        self._unusable = False

    def _next(self, lane: str) -> Job | None:
        """Return the next job to run: what the user asked for first, then the longest waiting.

        Except that everything else builds on an inspection, and that what has been interrupted
        goes behind what has not had its turn: it may be what interrupts. A suspect begins while
        nothing else is at work: no other job is to be taken for it.
        """
        paused = self._paused()
        ready = [
            job
            for job in jobs.queued(self._db)
            if lane_of(job.name) == lane
            and (not paused or job.id in self._asked or job.name == "inspect")
            and (job.id in self._asked or not self._has_to_wait(job))
        ]
        return min(ready, key=self._rank, default=None)

    def _has_to_wait(self, job: Job) -> bool:
        return self._held(job) or (job.interruptions >= SUSPECT and bool(self.running))

    def _rank(self, job: Job) -> tuple[bool, bool, int, int]:
        return job.id not in self._asked, job.name != "inspect", job.interruptions, job.id

    async def _run_one(self, queued: Job) -> None:
        job = jobs.start(self._db, queued.id)
        self.running[job.id] = job
        try:
            result = await self._run(job)
        except asyncio.CancelledError:
            self._give_back(job)
            raise
        except JobError as error:
            await self._end(job, partial(jobs.fail, code=error.code, message=str(error)))
        except (sqlite3.Error, StoreError) as error:
            await self._end(job, partial(jobs.fail, code=StoreError.code, message=str(error)))
        except Exception as error:
            log.exception("%s could not be run", job.name)
            await self._end(job, partial(jobs.fail, code="internal", message=repr(error)))
        else:
            # A worker may have finished its own row, in the transaction that stores its result.
            await self._end(job, partial(jobs.finish, result=result))
        finally:
            self.running.pop(job.id, None)
            self.wake()  # what may not run beside it
        self._settle(jobs.get(self._db, job.id))

    def _give_back(self, job: Job) -> None:
        """Queue again what an orderly stop has ended: that is no interruption to be counted."""
        with contextlib.suppress(sqlite3.Error):  # then the next daemon finds it interrupted
            jobs.give_back(self._db, job.id, job.attempt)

    async def _end(self, job: Job, end: Callable[[Store, int, int], bool]) -> None:
        """Store how a job has ended, as soon as that can be: nobody else would ever end it."""
        while True:
            try:
                end(self._db, job.id, job.attempt)
            except sqlite3.Error as error:
                log.warning("the end of %s cannot be stored yet: %s", job.name, error)
                await asyncio.sleep(STORE_PAUSE_S)
            else:
                return

    def _settle(self, job: Job) -> None:
        asked = job.id in self._asked
        self._asked.discard(job.id)
        identity = _identity(job.name, job.args, job.key)
        if job.state == "failed":
            self._note_failure(job, identity, retry=not asked)
        elif self._forget_failures(identity):
            about = logs.about(job=job.name, job_id=job.id, event="job_back")
            log.info("%s works again", job.name, extra=about)
        for waiter in self._waiters.pop(job.id, []):
            if not waiter.done():
                waiter.set_result(job)
        self._on_ended(job)

    def _note_failure(self, job: Job, identity: str, *, retry: bool) -> None:
        self._failures[identity] += 1
        first = self._failures[identity] == 1
        error = job.error or {}
        about = logs.about(job=job.name, job_id=job.id, code=error.get("code"), event="job_failed")
        # Once on loss, once on return: an hour of the same trouble is one line.
        level = logging.WARNING if first else logging.DEBUG
        log.log(level, "%s failed: %s", job.name, error.get("message", ""), extra=about)
        if retry:
            delay_s = retry_after_s(job, self._failures[identity], self._sync_every_s())
            self._retries[identity] = asyncio.get_running_loop().call_later(
                delay_s, self._retry, job, identity
            )

    def _retry(self, job: Job, identity: str) -> None:
        self._retries.pop(identity, None)
        if self._obsolete(job):
            self._failures.pop(identity, None)
            return
        try:
            self.put(job.name, job.args, key=job.key)
        except (sqlite3.Error, StoreError) as error:
            logs.failed(log, f"{job.name} could not be queued again", error)

    def drop_retry(self, job: Job) -> None:
        """Do not try a failed job again by itself: somebody else sees to what it was for."""
        self._stop_retry(_identity(job.name, job.args, job.key))

    def _stop_retry(self, identity: str) -> None:
        timer = self._retries.pop(identity, None)
        if timer is not None:
            timer.cancel()

    def _forget_failures(self, identity: str) -> bool:
        self._stop_retry(identity)
        return self._failures.pop(identity, 0) > 0
