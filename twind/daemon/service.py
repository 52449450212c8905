"""The daemon, put together: the one module here that knows its siblings.

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
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from twind import clock as clocks
from twind import messages, processes
from twind import settings as settings_room
from twind.daemon import control, lock, logs, pauses, schedule, sd, status, workers
from twind.daemon.debounce import Debounce
from twind.daemon.queue import Queue, follow_ups
from twind.daemon.watch import Watcher
from twind.errors import (
    BackupError,
    DamagedDatabaseError,
    JobError,
    NotFoundError,
    SettingsError,
    StoreError,
    TwindError,
)
from twind.store import Store, jobs, life, outbox, recovery, rotation, sources
from twind.store import log as change_log
from twind.store import status as store_status

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Coroutine, Sequence
    from pathlib import Path

    from twind.clock import Clock
    from twind.home import Home
    from twind.settings import TwindSettings
    from twind.store.jobs import Job

NICE = 10
"""Workers give way to whatever the user is doing."""

BUSY_TIMEOUT_S = 2.0
"""The loop must not stand still while another program holds the database."""

RELOAD_WAIT_S = 10.0

DETECT_QUIET_S, DETECT_MOST_S = 2.0, 30.0
"""How long after the last change patterns are refreshed, and how long a change waits at most."""

KILLED = frozenset({"died", "timeout"})
"""How a job ends whose worker something has killed or held up."""

FRESH = timedelta(minutes=30)
"""How old the last reading of the sources may be when the morning's proposals are made."""

log = logging.getLogger(__name__)


class UsageError(TwindError):
    """A command over the socket that makes no sense."""

    code = "usage"


def run(
    home: Home,
    load: Callable[[Home], TwindSettings] = settings_room.load,
    clock: Clock | None = None,
    command: Sequence[str] = workers.COMMAND,
) -> int:
    """Run the daemon of `home` in the foreground until it is told to stop; return 0.

    `load` reads the settings, at the start and at each reload; `command` starts a worker when a
    job's name is appended.

    Raises HomeHeldError when another daemon holds the home, SettingsError and StoreError when the
    configuration or the database cannot be used.
    """
    logs.set_up()
    processes.adopt()
    settings = load(home)
    with lock.held(home.lock), control.bind(home.socket) as listener:
        return asyncio.run(_serve(home, settings, load, clock, command, listener))


async def _serve(
    home: Home,
    settings: TwindSettings,
    load: Callable[[Home], TwindSettings],
    clock: Clock | None,
    command: Sequence[str],
    listener: socket.socket,
) -> int:
    clock = clock or clocks.SystemClock()
    with _opened(home, settings, clock) as db:
        service = Service(home, settings, load, clock, db, command, listener)
        await service.serve()
    return 0


def _opened(home: Home, settings: TwindSettings, clock: Clock) -> Store:
    """Open the home's database; where it is damaged, that of the newest good backup."""
    found = recovery.finish(home)
    if (wrong := recovery.damage(home)) is not None:
        try:
            found = recovery.recover(home, clock, wrong)
        except BackupError as none:
            raise DamagedDatabaseError(f"{wrong}; {none}") from none
        log.error(
            "%s: it was replaced by the backup of %s; the damaged one is in %s",
            wrong, found.made_at, found.aside,
        )  # fmt: skip
    db = rotation.opened(home, clock, BUSY_TIMEOUT_S)
    if found is not None:
        said = messages.of_recovery(found, settings.zone)
        outbox.put(db, settings.profile.id, f"recovered:{found.at}", said)
    return db


class Service:
    """One daemon at work. To be made inside its loop."""

    def __init__(
        self,
        home: Home,
        settings: TwindSettings,
        load: Callable[[Home], TwindSettings],
        clock: Clock,
        db: Store,
        command: Sequence[str],
        listener: socket.socket,
    ) -> None:
        self._home = home
        self._settings = settings
        self._load = load
        self._clock = clock
        self._db = db
        self._sd = sd.Notifier.from_environment(os.environ)
        self._workers = workers.Workers(
            workers.environment(home, os.environ), self._on_progress, command
        )
        self._queue = Queue(
            db,
            run=self._work,
            on_ended=self._on_ended,
            paused=self._is_paused,
            obsolete=lambda job: schedule.is_obsolete(job.key, self._now_local()),
            sync_every_s=lambda: self._settings.schedule.sync_every_min * 60,
        )
        self._watcher = Watcher(self._on_files, ignored=self._own_files())
        self._schedule = schedule.Schedule(sync=self._sync_all, poll=self._poll, check=self._check)
        self._control = control.Control(listener, home.socket, self._command)
        self._started_s = clocks.monotonic_s()
        self._plugins: list[dict[str, Any]] = []
        self._plugin_code = set(home.plugin_dirs)
        self._problem: str | None = None
        self._progress: dict[int, dict[str, Any]] = {}
        self._was_paused = False
        self._mute: tuple[str, ...] = ()
        self._hung: tuple[datetime, datetime] | None = None
        """Since when, and when last, a plugin took too long to be imported."""
        self._sources_read_at: datetime | None = None
        self._data_version = db.data_version()
        self._detect_soon = Debounce(
            self._detect_after_changes, quiet_s=DETECT_QUIET_S, most_s=DETECT_MOST_S
        )
        self._detected_seq = -1
        self._train_wanted = False
        self._notify_wanted = False
        self._wake = asyncio.Event()
        self._stop_wanted = False
        self._reload_wanted = False
        self._tasks: set[asyncio.Task[Any]] = set()

    # --- from the first moment to the last -------------------------------------------------------

    async def serve(self) -> None:
        """Start, run until told to stop, stop."""
        self._install_signals()
        try:
            await self._start()
            await self._main_loop()
        finally:
            await self._stop()

    async def _start(self) -> None:
        self._recover()
        self._queue.start()
        self._queue.put("inspect", news=True)
        await self._watcher.start()
        await self._watch()
        self._schedule.start(self._settings)
        await self._control.start()
        self._spawn(self._ping())
        self._sd.ready("serving")
        log.info("twind serves %s", self._home.state_dir)
        self._detect_now()
        await self._check()

    async def _main_loop(self) -> None:
        while not self._stop_wanted:
            if self._reload_wanted:
                self._reload_wanted = False
                self._spawn(self._reload_when_told())
            await self._wake.wait()
            self._wake.clear()

    async def _stop(self) -> None:
        self._sd.stopping()
        log.info("stopping")
        self._schedule.stop()
        self._detect_soon.forget()
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
        again = self._queue.recover()
        if again:
            log.info("doing again what was interrupted: %s", ", ".join(job.name for job in again))
        self._mark_uncertain()
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
        try:
            self._settings = self._load(self._home)
        except SettingsError as error:
            self._problem = str(error)
            log.warning("going on with the settings as they were: %s", error)
            raise
        self._problem = None
        self._schedule.start(self._settings)
        job = self._queue.put("inspect", news=True)
        assert job is not None  # An inspection waits for nothing.
        return job

    def _take_inspection(self, result: dict[str, Any]) -> None:
        if (self._problem or "").startswith("the plugins: "):
            self._problem = None
        plugins = result.get("plugins")
        before = self._failed_plugins()
        self._plugins = [dict(plugin) for plugin in plugins] if isinstance(plugins, list) else []
        failed = self._failed_plugins()
        for name, error in failed.items():
            if before.get(name) != error:
                log.warning("plugin %s: %s", name, error)
        for name in sorted(before.keys() - failed.keys()):
            log.info("plugin %s does not fail to load any more", name)
        self._mute = tuple(str(stem) for stem in result.get("mute") or ())
        now = self._clock.now()
        self._hung = (self._hung[0] if self._hung else now, now) if result.get("hung") else None
        code = (*(result.get("folders") or ()), *(result.get("files") or ()))
        self._plugin_code = {*self._home.plugin_dirs, *(self._as_path(path) for path in code)}
        self._spawn(self._watch())
        self._queue.put("sync", news=True)

    def _failed_plugins(self) -> dict[str, Any]:
        """Return what is wrong with the plugins that could not be loaded, by name."""
        return {
            plugin["name"]: plugin.get("error")
            for plugin in self._plugins
            if plugin.get("state") == "failed"
        }

    def _fetching_plugins(self) -> list[str]:
        return [
            plugin["name"]
            for plugin in self._plugins
            if plugin.get("state") == "ok" and "fetch" in (plugin.get("abilities") or ())
        ]

    async def _watch(self) -> None:
        sources = {path for plugin in self._plugins for path in self._watched_by(plugin)}
        await self._watcher.set_targets(
            {*sources, self._home.config_file}, self._database_files(), self._plugin_code
        )

    def _watched_by(self, plugin: dict[str, Any]) -> set[Path]:
        return {self._as_path(path) for path in plugin.get("watch") or ()}

    def _as_path(self, text: str) -> Path:
        return settings_room.base_folder(self._home) / str(text)

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
                self._look_at_log()
            if self._home.config_file in changed:
                with contextlib.suppress(SettingsError):
                    self._reload()
            elif changed & self._plugin_code:
                self._queue.put("inspect", news=True)
            self._sync_those_watching(changed)
        except (sqlite3.Error, StoreError):
            log.exception("file changes could not be acted upon; the next check finds them")

    def _sync_those_watching(self, changed: frozenset[Path]) -> None:
        names = sorted(
            plugin["name"]
            for plugin in self._plugins
            if plugin.get("state") != "failed" and changed & self._watched_by(plugin)
        )
        if names:
            self._queue.put("sync", {"plugins": names}, news=True)

    async def _sync_all(self) -> None:
        self._sync_due()

    def _sync_due(self, *, news: bool = False) -> None:
        """Queue a sync of all sources but those that fail and are left alone for a while."""
        now = self._clock.now()
        if self._hung is not None and not sources.rests(*self._hung, now):
            # What took too long to import may have had to: at login all else starts as well.
            self._queue.put("inspect", news=news)  # and then a sync
            return
        health = sources.health(self._db, self._settings.profile.id)
        names = self._fetching_plugins()
        due = [name for name in names if not sources.is_resting(health.get(name, {}), now)]
        if len(due) == len(names):
            self._queue.put("sync", news=news)
        elif due:
            self._queue.put("sync", {"plugins": due}, news=news)
        else:
            self._sources_read_at = now  # as far as they can be

    async def _poll(self) -> None:
        """Look for what no event told of: the slow check."""
        self._look_at_log()
        await self._watcher.look()

    async def _check(self) -> None:
        """Ask what is due; called at the start, and at least once a minute."""
        self._notice_end_of_pause()
        self._queue.drop_obsolete()
        if self._is_detect_due():
            self._detect_soon.touch()
        self._propose_if_due()
        self._check_in_if_due()
        self._back_up_if_due()
        self._notify_if_needed()

    def _propose_if_due(self) -> None:
        """Queue the morning's proposals, once there is a life and it has been read of late.

        Made before that, at a first start or after a night switched off, they would be the day's
        only ones and know nothing of the day.
        """
        done = jobs.done_keys(self._db, schedule.PROPOSE)
        due = schedule.due_jobs(self._now_local(), self._settings, done)
        if not due or self._sources_read_at is None:
            return
        if not -FRESH < self._clock.now() - self._sources_read_at < FRESH:
            if not any(job.name == "sync" for job in self._queue.running.values()):
                self._sync_due(news=True)
            return
        if life.is_empty(self._db, self._settings.profile.id):
            return
        self._detect_now()
        for job in due:
            self._queue.put(job.name, job.args, key=job.key)

    def _check_in_if_due(self) -> None:
        """Queue the day's question how the user is, where it disturbs neither them nor a message.

        A notification that waits for a button would be closed by it.
        """
        done = jobs.done_keys(self._db, schedule.CHECKIN)
        due = schedule.due_checkin(self._now_local(), self._settings, done)
        profile_id = self._settings.profile.id
        if (
            due is not None
            and not any(job.name == "notify" for job in self._queue.running.values())
            and not life.is_empty(self._db, profile_id)
            and messages.disturbs(self._db, profile_id, self._clock.now()) is None
        ):
            self._queue.put(due.name, due.args, key=due.key)

    def _back_up_if_due(self) -> None:
        """Queue the day's backup, where there is anything to be lost."""
        backed_up = jobs.done_keys(self._db, schedule.BACKUP)
        done = backed_up | jobs.done_keys(self._db, schedule.PROPOSE)
        due = schedule.due_backup(self._now_local(), self._settings, done)
        if due is not None and not life.is_empty(self._db, self._settings.profile.id):
            self._queue.put(due.name, due.args, key=due.key)

    def _look_at_log(self) -> None:
        """Act on what other processes have written."""
        version = self._db.data_version()
        if version != self._data_version:
            self._data_version = version
            if self._is_detect_due():
                self._detect_soon.touch()

    def _is_detect_due(self) -> bool:
        """Tell whether the log has moved since `detect` last began.

        A detect that is done and has not caught up is not begun again for the same changes: that
        would go round for ever.
        """
        return change_log.max_seq(self._db) > self._detected_seq and change_log.pending(
            self._db, "detect"
        )

    def _detect_now(self) -> None:
        """Queue `detect` if it is due: what comes after it in the queue builds on it."""
        self._detect_soon.forget()
        if self._is_detect_due():
            self._queue.put("detect")

    def _detect_after_changes(self) -> None:
        try:
            self._detect_now()
        except (sqlite3.Error, StoreError):
            log.exception("changes could not be acted upon; the next check finds them")

    def _is_to_notify(self) -> bool:
        local = self._now_local()
        quiet = any(
            hours.contains(local.hour * 60 + local.minute) for hours in self._settings.hours.quiet
        )
        # A mail that is tried again is no reason to stop listening to a button.
        listening = any(self._is_listening(job) for job in self._queue.running.values())
        return not quiet and outbox.is_due(self._db, self._settings.profile.id, new=listening)

    def _notify_if_needed(self, *, news: bool = False) -> None:
        """Queue `notify` if something waits to be delivered and may be."""
        if not self._is_to_notify():
            return
        if self._is_delivering():
            self._notify_wanted = True
        elif self._queue.put("notify", news=news) is not None:
            self._end_listening()

    def _is_delivering(self) -> bool:
        """Tell whether a worker delivers just now: it may or may not come to what is new."""
        return any(
            job.name == "notify" and not self._is_listening(job)
            for job in self._queue.running.values()
        )

    def _is_listening(self, job: Job) -> bool:
        """Tell whether a worker has delivered all, and only waits for a button."""
        return bool((self._progress.get(job.id) or {}).get("listening"))

    def _end_listening(self) -> None:
        """End a worker that has delivered and only waits for a button: there is more to deliver."""
        for job in self._queue.running.values():
            if self._is_listening(job):
                self._workers.dismiss(job.id)

    # --- jobs ------------------------------------------------------------------------------------

    async def _work(self, job: Job) -> dict[str, Any]:
        limits = self._settings.limits
        if job.name == "detect":
            self._detected_seq = change_log.max_seq(self._db)
        self._sd.status(f"{job.name} at work")
        order = {
            "job": job.id,
            "attempt": job.attempt,
            "name": job.name,
            "args": self._args_of(job),
            "nice": NICE,
            "memory_mib": limits.memory_mib,
        }
        timeout_s = limits.train_timeout_s if job.name == "train" else limits.job_timeout_s
        return await self._workers.run(order, timeout_s, self._environment_of(job))

    def _args_of(self, job: Job) -> dict[str, Any]:
        """Tell a sync what the inspection has found: it imports nothing but what it reads."""
        if job.name != "sync" or not self._plugins:
            return job.args
        said = ("name", "state", "file", "abilities", "error")
        inspected = [{key: plugin.get(key) for key in said} for plugin in self._plugins]
        return {**job.args, "inspected": inspected}

    def _environment_of(self, job: Job) -> dict[str, str]:
        """Keep the plugins that deliver nothing out of the worker that delivers."""
        if job.name != "notify" or not self._mute:
            return {}
        disabled = {*self._settings.plugins.disabled, *self._mute}
        return {"TWIND_PLUGINS__DISABLED": json.dumps(sorted(disabled))}

    def _on_progress(self, job_id: int, progress: dict[str, Any]) -> None:
        self._progress[job_id] = progress
        if progress.get("listening"):
            # What came in between its last delivery and now would wait for its end.
            self._notify_wanted = False
            with contextlib.suppress(sqlite3.Error, StoreError):  # The next check asks again.
                self._notify_if_needed(news=True)

    def _on_ended(self, job: Job) -> None:
        self._progress.pop(job.id, None)
        if not self._queue.running:
            self._sd.status(self._problem or "serving")
        if job.state == "done":
            if job.name == "inspect":
                self._take_inspection(job.result)
            self._follow(job)
        elif job.name == "inspect":
            self._problem = f"the plugins: {(job.error or {}).get('message')}"
        elif job.name == "detect":
            self._detected_seq = -1
        self._look_at_log()
        match job.name:
            case "sync":
                self._after_sync(job)
            case "notify":
                self._mark_uncertain()
                if self._notify_wanted:
                    self._notify_wanted = False
                    self._notify_if_needed(news=True)
            case "train" if self._train_wanted:
                self._train_wanted = False
                self._queue.put("detect", news=True)

    def _follow(self, job: Job) -> None:
        """Queue what a finished job calls for."""
        for name in follow_ups(job, training_enabled=self._settings.training.enabled):
            if name == "notify":
                self._notify_if_needed(news=True)
            elif name == "train" and self._is_training():
                # What moved before it began it knows: detect says afterwards what is left.
                self._train_wanted = True
            else:
                self._queue.put(name, news=True)

    def _is_training(self) -> bool:
        return any(job.name == "train" for job in self._queue.running.values())

    def _after_sync(self, job: Job) -> None:
        """Learn from what was read; where one plugin has taken the others with it, part them."""
        self._detect_now()
        names = job.args.get("plugins") or self._fetching_plugins()
        if job.state == "failed" and (job.error or {}).get("code") in KILLED:
            self._queue.drop_retry(job)  # each source has its own turn, and rests
            if len(names) > 1:
                for name in names:
                    self._queue.put("sync", {"plugins": [name]}, news=True)
            else:
                message = str((job.error or {}).get("message"))
                for name in names:
                    sources.failed(self._db, self._settings.profile.id, name, message)
        if self._troubled() | set(names) >= set(self._fetching_plugins()):
            self._sources_read_at = self._clock.now()
            self._spawn(self._check())

    def _troubled(self) -> set[str]:
        health = sources.health(self._db, self._settings.profile.id)
        return {name for name, one in health.items() if one["trouble"]}

    def _mark_uncertain(self) -> None:
        """Take note of what was being delivered by somebody who is dead."""
        doubtful = outbox.mark_uncertain(self._db)
        if doubtful:
            log.warning("%d notifications may or may not have been delivered", doubtful)

    # --- the pause -------------------------------------------------------------------------------

    def _paused_until(self) -> str | None:
        kept = self._db.meta_get(pauses.KEY)
        return kept if pauses.is_paused(kept, self._clock.now()) else None

    def _is_paused(self) -> bool:
        return self._paused_until() is not None

    def _notice_end_of_pause(self) -> None:
        paused = self._is_paused()
        if self._was_paused and not paused:
            self._sync_due()
            self._queue.wake()
        self._was_paused = paused

    def _now_local(self) -> Any:
        return self._clock.now().astimezone(self._settings.zone)

    # --- commands over the socket ----------------------------------------------------------------

    async def _command(self, command: dict[str, Any]) -> dict[str, Any]:
        """Carry out one command and return the data of its answer."""
        commands: dict[str, Callable[[dict[str, Any]], Coroutine[Any, Any, dict[str, Any]]]] = {
            "status": self._do_status,
            "sync": self._do_sync,
            "train": self._do_train,
            "propose": self._do_propose,
            "pause": self._do_pause,
            "resume": self._do_resume,
            "reload": self._do_reload,
            "stop": self._do_stop,
        }
        handle = commands.get(command["cmd"])
        if handle is None:
            raise UsageError(f'no command "{command["cmd"]}"; there are {", ".join(commands)}')
        try:
            return await handle(command)
        except sqlite3.Error as error:
            raise StoreError(f"{self._home.database}: {error}") from error

    async def _do_status(self, _command: dict[str, Any]) -> dict[str, Any]:
        now = self._clock.now()
        done = jobs.done_keys(self._db, schedule.PROPOSE)
        upcoming = [("propose", schedule.next_proposal(now, self._settings, done))]
        if (next_sync := self._schedule.next_sync()) is not None:
            upcoming.append(("sync", next_sync))
        paused_until = self._paused_until()
        return status.build(
            store_status.summary(self._db, self._settings.profile.id),
            self._plugins,
            zone=self._settings.zone,
            uptime_s=clocks.monotonic_s() - self._started_s,
            paused_until=paused_until,
            upcoming=[] if paused_until else upcoming,
            running=[
                {"id": job.id, "job": job.name, "progress": self._progress.get(job.id)}
                for job in self._queue.running.values()
            ],
            problem=self._problem,
            watching="polling" if self._watcher.polling else "events",
        )

    async def _do_sync(self, command: dict[str, Any]) -> dict[str, Any]:
        names = command.get("plugins") or []
        if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
            raise UsageError('"plugins" is a list of names')
        known = {plugin["name"] for plugin in self._plugins}
        unknown = sorted(set(names) - known)
        if unknown and known:
            raise NotFoundError(
                f"no plugin {', '.join(unknown)}; there are {', '.join(sorted(known))}"
            )
        return await self._ask("sync", {"plugins": sorted(set(names))} if names else {}, command)

    async def _do_train(self, command: dict[str, Any]) -> dict[str, Any]:
        steps = command.get("timesteps")
        if steps is None:
            return await self._ask("train", {}, command)
        if not isinstance(steps, int) or isinstance(steps, bool) or steps < 1:
            raise UsageError('"timesteps" is a number above 0')
        return await self._ask("train", {"timesteps": steps}, command)

    async def _do_propose(self, command: dict[str, Any]) -> dict[str, Any]:
        day = command.get("day")
        if day is None:
            return await self._ask("propose", {}, command)
        try:
            parsed = date.fromisoformat(day)
        except (TypeError, ValueError):
            raise UsageError(f'"{day}" is no day; write it like "2026-12-01"') from None
        return await self._ask("propose", {"day": parsed.isoformat()}, command)

    async def _ask(
        self, name: str, args: dict[str, Any], command: dict[str, Any]
    ) -> dict[str, Any]:
        """Queue a job; answer with its result if the client waits, else with its number."""
        job = self._queue.ask(name, args)
        if not command.get("wait"):
            return {"job": job.id, "state": job.state}
        job = await self._queue.wait(job.id)
        if job.state == "failed":
            details = job.error or {}
            error = JobError(str(details.get("message") or f"{name} failed"))
            error.code = str(details.get("code") or JobError.code)
            raise error
        return job.result

    async def _do_pause(self, command: dict[str, Any]) -> dict[str, Any]:
        text = command.get("until")
        if text is not None and not isinstance(text, str):
            raise UsageError('"until" is a time')
        kept = pauses.until(text, self._clock.now(), self._settings.zone)
        self._db.meta_set(pauses.KEY, kept)
        self._was_paused = True
        return {
            "until": None if kept == pauses.FOREVER else status.local(kept, self._settings.zone)
        }

    async def _do_resume(self, _command: dict[str, Any]) -> dict[str, Any]:
        self._db.meta_set(pauses.KEY, None)
        await self._check()
        return {"resumed": True}

    async def _do_reload(self, command: dict[str, Any]) -> dict[str, Any]:
        job = self._reload()
        if command.get("wait", True):
            await self._queue.wait(job.id)
        return {"reloaded": True}

    async def _do_stop(self, _command: dict[str, Any]) -> dict[str, Any]:
        asyncio.get_running_loop().call_soon(self._want_stop)
        return {"stopping": True}
