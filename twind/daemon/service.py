"""The daemon, put together: the one module here that knows them all.

It decides and queues. Signals and events only flip flags and wake the loop; work runs in workers;
the database says what is to be done and what is.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import signal
import sqlite3
from typing import TYPE_CHECKING, Any, NoReturn

from twind import clock as clocks
from twind import processes
from twind import settings as settings_room
from twind.daemon import (
    commands,
    control,
    lock,
    logs,
    metrics,
    opening,
    pauses,
    power,
    schedule,
    sd,
    status,
    workers,
)
from twind.daemon.configuration import Configuration
from twind.daemon.delivering import Delivery
from twind.daemon.duties import Duties
from twind.daemon.inspected import Plugins
from twind.daemon.learning import Learning
from twind.daemon.queue import Queue, follow_ups
from twind.daemon.reading import Reading
from twind.daemon.watch import Watcher
from twind.daemon.whereabouts import Whereabouts
from twind.errors import SettingsError, StoreError, TwindError
from twind.store import is_circumstance, jobs, rotation
from twind.store import status as store_status

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Coroutine, Iterator, Sequence
    from pathlib import Path

    from twind.clock import Clock
    from twind.daemon.commands import Answer, Command
    from twind.home import Home
    from twind.settings import TwindSettings
    from twind.store import Store
    from twind.store.jobs import Job

NICE = 10
"""Workers give way to whatever the user is doing."""

RELOAD_WAIT_S = 10.0

log = logging.getLogger(__name__)


class HomeLostError(TwindError):
    """Another database lies where the one was that is open."""

    code = "home_lost"


def run(
    home: Home,
    load: Callable[[Home], TwindSettings] = settings_room.load,
    clock: Clock | None = None,
    command: Sequence[str] = workers.COMMAND,
    supplies: Path = power.SUPPLIES,
) -> int:
    """Run the daemon of `home` in the foreground until it is told to stop; return 0.

    `load` reads the settings, at the start and at each reload; `command` starts a worker when a
    job's name is appended; `supplies` tells what feeds the machine.

    Raises HomeHeldError when another daemon holds the home, SettingsError and StoreError when the
    configuration or the database cannot be used.
    """
    logs.set_up()
    processes.adopt()
    clock = clock or clocks.SystemClock()
    configuration = Configuration(home, load, clock)

    async def serve() -> None:
        with opening.opened(home, configuration.settings, clock) as db:
            service = Service(
                home, configuration, clock, db, listener,
                command=command, supplies=supplies, died=died,
            )  # fmt: skip
            await service.serve()

    with (
        _stopping_when_told(),
        lock.held(home.lock) as died,
        control.bind(home.socket) as listener,
    ):
        asyncio.run(serve())
    return 0


@contextlib.contextmanager
def _stopping_when_told() -> Iterator[None]:
    """Be ended by signals in good order before the loop heeds them.

    To check, to migrate or to recover a large database takes a while, in which nothing is served.
    """

    def end(_number: int, _frame: object) -> NoReturn:
        log.info("stopping before it has begun", extra=logs.about(event="stopping"))
        raise SystemExit(0)

    before = {number: signal.signal(number, end) for number in (signal.SIGTERM, signal.SIGINT)}
    before[signal.SIGHUP] = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


class Service:
    """One daemon at work. To be made inside its loop.

    `command` and `supplies` are those of `run`; `died` says what became of the daemon before.
    """

    def __init__(
        self,
        home: Home,
        configuration: Configuration,
        clock: Clock,
        db: Store,
        listener: socket.socket,
        *,
        command: Sequence[str] = workers.COMMAND,
        supplies: Path = power.SUPPLIES,
        died: bool = False,
    ) -> None:
        self._home = home
        self._configuration = configuration
        self._clock = clock
        self._db = db
        self._died = died
        self._interrupted: dict[str, Any] | None = None
        self._started_s = clocks.monotonic_s()
        self._sd = sd.Notifier.from_environment(os.environ)
        self._place = Whereabouts(home.database)
        self._plugins = Plugins(home)
        self._pause = pauses.Pause(db, clock)
        self._mains = power.Mains(supplies, configuration)
        self._tally = metrics.Tally()
        self._progress: dict[int, dict[str, Any]] = {}
        self._began_s: dict[int, float] = {}
        self._workers = workers.Workers(
            workers.environment(home, os.environ), self._on_progress, command
        )
        self._queue = queue = Queue(
            db,
            run=self._work,
            on_ended=self._on_ended,
            paused=self._pause.is_on,
            obsolete=lambda job: schedule.is_obsolete(job.key, configuration.now()),
            held=self._mains.hold,
            sync_every_s=lambda: self._settings.schedule.sync_every_min * 60,
        )
        self._reading = Reading(db, queue, configuration, self._plugins, clock)
        self._learning = Learning(db, queue, configuration)
        self._delivery = Delivery(db, queue, configuration, self._workers.dismiss)
        self._duties = Duties(db, queue, configuration, clock, self._reading, self._learning)
        self._watcher = Watcher(self._on_files, ignored=self._own_files())
        self._schedule = schedule.Schedule(
            sync=lambda: self._fenced(self._sync_all()),
            poll=lambda: self._fenced(self._poll()),
            check=lambda: self._fenced(self._check()),
        )
        self._control = control.Control(listener, home.socket, self._command)
        asked = commands.Jobs(queue, self._plugins, configuration)
        self._commands: dict[str, Callable[[Command], Coroutine[Any, Any, Answer]]] = {
            "status": self._do_status,
            "metrics": self._do_metrics,
            "sync": asked.sync,
            "train": asked.train,
            "propose": asked.propose,
            "pause": self._do_pause,
            "resume": self._do_resume,
            "reload": self._do_reload,
            "stop": self._do_stop,
        }
        self._wake = asyncio.Event()
        self._stop_wanted = False
        self._reload_wanted = False
        self._tasks: set[asyncio.Task[Any]] = set()

    @property
    def _settings(self) -> TwindSettings:
        return self._configuration.settings

    @property
    def _problem(self) -> str | None:
        return self._place.problem or self._configuration.problem or self._plugins.problem

    # --- from the first moment to the last -------------------------------------------------------

    async def serve(self) -> None:
        """Start, run until told to stop, stop. Raises HomeLostError where the home is another."""
        self._install_signals()
        try:
            await self._start()
            await self._main_loop()
        finally:
            await self._stop()

    async def _start(self) -> None:
        self._recover()
        self._queue.start()
        if self._queue.put("inspect") is None:  # given up: a start is no news
            last = jobs.newest(self._db, "inspect")
            self._plugins.not_taken(last.error if last else None)
        await self._watcher.start()
        await self._watch()
        self._schedule.start(self._settings)
        await self._control.start()
        self._spawn(self._ping())
        self._sd.ready("serving")
        log.info("twind serves %s", self._home.state_dir, extra=logs.about(event="started"))
        self._learning.detect_now()
        await self._check()

    async def _main_loop(self) -> None:
        while not self._stop_wanted:
            if self._reload_wanted:
                self._reload_wanted = False
                self._spawn(self._reload_when_told())
            await self._wake.wait()
            self._wake.clear()
        if self._place.is_another:
            raise HomeLostError(str(self._place.problem))

    async def _stop(self) -> None:
        self._sd.stopping()
        log.info("stopping", extra=logs.about(event="stopping"))
        self._schedule.stop()
        self._learning.stop()
        await self._queue.stop()
        await self._control.close()
        await self._watcher.stop()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _install_signals(self) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._want_stop)
        loop.add_signal_handler(signal.SIGHUP, self._want_reload)

    def _want_stop(self) -> None:
        self._stop_wanted = True
        self._wake.set()

    def _want_reload(self) -> None:
        self._reload_wanted = True
        self._wake.set()

    def _recover(self) -> None:
        again = [job.name for job in self._queue.recover()]
        if again:
            log.info("doing again what was interrupted: %s", ", ".join(again))
        uncertain = self._delivery.mark_uncertain()
        if self._died:
            log.warning("the last twind was killed, or the power went; going on from there")
            self._interrupted = {"again": again, "uncertain": uncertain}
        self._queue.drop_obsolete()

    async def _ping(self) -> None:
        """Tell the service manager that this loop still turns; a loop that hangs does not."""
        every_s = self._sd.watchdog_every_s
        while every_s is not None:
            self._sd.ping()
            await asyncio.sleep(every_s)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(self._fenced(work))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _fenced(self, work: Coroutine[Any, Any, None]) -> None:
        try:
            await work
        except (sqlite3.Error, StoreError) as error:
            self._queue.store_fails(error)
        except Exception:
            log.exception("something went wrong; carrying on")

    # --- settings, plugins and what they watch ---------------------------------------------------

    async def _reload_when_told(self) -> None:
        """Reload, and keep the service manager up to date on it; the journal says what failed."""
        self._sd.reloading()
        try:
            with contextlib.suppress(SettingsError, TimeoutError):
                job = self._reload()
                async with asyncio.timeout(RELOAD_WAIT_S):
                    await self._queue.wait(job.id)
        finally:
            self._sd.ready(self._problem or "serving")

    def _reload(self) -> Job:
        """Read the settings again and have the plugins inspected; return that job.

        Raises SettingsError, and goes on with the settings it had, when the new ones cannot be
        used.
        """
        self._configuration.reload()
        self._schedule.start(self._settings)
        job = self._queue.put("inspect", news=True)
        assert job is not None  # An inspection waits for nothing.
        return job

    async def _watch(self) -> None:
        await self._watcher.set_targets(
            {*self._plugins.watched(), self._home.config_file},
            self._database_files(),
            self._plugins.code,
        )

    def _database_files(self) -> set[Path]:
        database = self._home.database
        return {database, database.with_name(database.name + "-wal")}

    def _own_files(self) -> list[Path]:
        database = self._home.database
        return [
            self._home.lock,
            self._home.socket,
            self._home.models_dir,
            database.with_name(database.name + "-shm"),
            database.with_name(database.name + "-journal"),
        ]

    # --- what happens around us ------------------------------------------------------------------

    def _on_files(self, changed: frozenset[Path]) -> None:
        """Files have changed: the configuration, plugins, sources or the database."""
        try:
            if changed & self._database_files():
                self._learning.look()
            if self._home.config_file in changed:
                with contextlib.suppress(SettingsError):
                    self._reload()
            if changed & self._plugins.code:
                self._queue.put("inspect", news=True)
            self._reading.on_files(changed)
        except (sqlite3.Error, StoreError) as error:
            self._queue.store_fails(error)

    async def _sync_all(self) -> None:
        self._reading.sync_due()

    async def _poll(self) -> None:
        """Look for what no event told of: the slow check."""
        self._look_for_home()
        self._learning.look()
        await self._watcher.look()

    async def _check(self) -> None:
        """Ask what is due; called at the start, and at least once a minute."""
        self._look_for_home()
        if not self._queue.is_at_work("notify"):
            self._delivery.mark_uncertain()
        if self._pause.has_ended():
            self._reading.sync_due()
            self._queue.wake()
        if self._mains.are_back():
            self._queue.wake()
        self._queue.drop_obsolete()
        self._learning.look(anyway=True)
        self._learning.train_if_due()
        self._duties.check()
        self._delivery.want()

    def _look_for_home(self) -> None:
        """Notice that the home is gone, or is back. Where it is another, this daemon ends."""
        if self._place.look():
            self._queue.put("inspect", news=True)
        if self._place.is_another:
            self._want_stop()

    # --- jobs ------------------------------------------------------------------------------------

    async def _work(self, job: Job) -> dict[str, Any]:
        self._look_for_home()
        if self._place.problem:
            # A worker would make a home anew, in the way of the one that may come back.
            raise workers.job_error("no_home", self._place.problem)
        if job.name == "detect":
            self._learning.detect_begins()
        self._began_s[job.id] = clocks.monotonic_s()
        self._sd.status(f"{job.name} at work")
        limits = self._settings.limits
        timeout_s = limits.train_timeout_s if job.name == "train" else limits.job_timeout_s
        return await self._workers.run(self._order(job), timeout_s, self._environment_of(job))

    def _order(self, job: Job) -> dict[str, Any]:
        order = {
            "job": job.id,
            "attempt": job.attempt,
            "name": job.name,
            "args": self._plugins.told_to(job),
            "nice": NICE,
            "idle_io": job.name == "train",
            "memory_mib": self._settings.limits.memory_mib,
        }
        if self._configuration.problem:
            # What the file says now is of no use to a worker either.
            order["settings"] = self._settings.model_dump(mode="json")
        return order

    def _environment_of(self, job: Job) -> dict[str, str]:
        """Keep the plugins that deliver nothing out of the worker that delivers."""
        if job.name != "notify" or not self._plugins.mute:
            return {}
        disabled = {*self._settings.plugins.disabled, *self._plugins.mute}
        return {"TWIND_PLUGINS__DISABLED": json.dumps(sorted(disabled))}

    def _on_progress(self, job_id: int, progress: dict[str, Any]) -> None:
        self._progress[job_id] = progress
        self._delivery.on_progress(job_id, progress)

    def _on_ended(self, job: Job) -> None:
        self._progress.pop(job.id, None)
        now_s = clocks.monotonic_s()
        self._tally.add(job.name, job.state, now_s - self._began_s.pop(job.id, now_s))
        if not self._queue.running:
            self._sd.status(self._problem or "serving")
        if job.state == "done":
            self._take(job)
        elif job.name == "inspect":
            self._plugins.not_taken(job.error)
        elif job.name == "detect":
            self._learning.detect_failed()
        self._learning.look()
        match job.name:
            case "sync":
                self._learning.detect_now()
                if self._reading.on_ended(job):
                    self._spawn(self._check())
            case "notify":
                self._delivery.on_ended(job.id)
            case "train" if job.state == "done":
                self._learning.train_ended()

    def _take(self, job: Job) -> None:
        """Take in what a job has found, and queue what it calls for."""
        if job.name == "inspect":
            is_first = not self._plugins.found
            self._plugins.take(job.result, self._clock.now())
            self._spawn(self._watch())
            self._queue.put("sync", news=not is_first)  # a start is no news
        if job.name == "detect":
            self._learning.train_if_due(news=bool(job.result.get("train_due")))
        for name in follow_ups(job):
            if name == "notify":
                self._delivery.want(news=True)
            else:
                self._queue.put(name, news=True)

    # --- commands over the socket ----------------------------------------------------------------

    async def _command(self, command: Command) -> Answer:
        """Carry out one command and return the data of its answer."""
        handle = self._commands.get(command["cmd"])
        if handle is None:
            there_are = ", ".join(self._commands)
            raise commands.UsageError(f'no command "{command["cmd"]}"; there are {there_are}')
        try:
            return await handle(command)
        except sqlite3.Error as error:
            if not is_circumstance(error):
                raise
            raise StoreError(f"{self._home.database}: {error}; try again") from error

    async def _do_status(self, _command: Command) -> Answer:
        now = self._clock.now()
        done = jobs.done_keys(self._db, schedule.PROPOSE)
        upcoming = [("propose", schedule.next_proposal(now, self._settings, done))]
        if (next_sync := self._schedule.next_sync(now)) is not None:
            upcoming.append(("sync", next_sync))
        paused_until = self._pause.until()
        held = any(self._mains.hold(job) for job in jobs.queued(self._db))
        return status.build(
            store_status.summary(self._db, self._settings.profile.id),
            self._plugins.found,
            zone=self._settings.zone,
            uptime_s=clocks.monotonic_s() - self._started_s,
            paused_until=paused_until,
            upcoming=[] if paused_until else upcoming,
            running=[
                {"id": job.id, "job": job.name, "progress": self._progress.get(job.id)}
                for job in self._queue.running.values()
            ],
            problem=self._problem,
            waiting="training waits for mains power" if held else None,
            interrupted=self._interrupted,
            watching="polling" if self._watcher.polling else "events",
        )

    async def _do_metrics(self, _command: Command) -> Answer:
        uptime_s = clocks.monotonic_s() - self._started_s
        newest = rotation.newest(self._home.backups_dir, self._clock.now())
        text = [
            metrics.of_daemon(
                uptime_s=uptime_s,
                started_at_s=self._clock.now().timestamp() - uptime_s,
                paused=self._pause.is_on(),
                backup_at_s=newest[1].timestamp() if newest else None,
            ),
            metrics.of_store(store_status.figures(self._db, self._settings.profile.id)),
            self._tally.text(),
        ]
        return {"text": "".join(text)}

    async def _do_pause(self, command: Command) -> Answer:
        text = command.get("until")
        if text is not None and not isinstance(text, str):
            raise commands.UsageError('"until" is a time')
        zone = self._settings.zone
        kept = self._pause.begin(text, zone)
        return {"until": None if kept == pauses.FOREVER else status.local(kept, zone)}

    async def _do_resume(self, _command: Command) -> Answer:
        self._pause.end()
        await self._check()
        return {"resumed": True}

    async def _do_reload(self, command: Command) -> Answer:
        job = self._reload()
        if command.get("wait", True):
            await self._queue.wait(job.id)
        return {"reloaded": True}

    async def _do_stop(self, _command: Command) -> Answer:
        asyncio.get_running_loop().call_soon(self._want_stop)
        return {"stopping": True}
