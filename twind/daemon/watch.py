"""Watch files and folders. A hint, never the truth: a slow look finds what no event told of.

Events come from watchdog, through folders: an editor replaces a file by renaming another over it,
and then whoever watches the file itself watches something nobody writes to any more. A path that
does not exist yet is waited for in the nearest folder that does.
"""

# Paths are text here: watchdog tells of its events in text, and events are many.
# ruff: noqa: PTH100, PTH112, PTH116, PTH118, PTH119, PTH120, PTH206
from __future__ import annotations

import asyncio
import contextlib
import hashlib
import logging
import os
import stat
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from watchdog.events import (
    DirCreatedEvent,
    DirDeletedEvent,
    DirMovedEvent,
    FileCreatedEvent,
    FileDeletedEvent,
    FileModifiedEvent,
    FileMovedEvent,
    FileSystemEvent,
    FileSystemEventHandler,
)
from watchdog.observers import Observer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    from watchdog.observers.api import BaseObserver, ObservedWatch

REACT_TO: list[type[FileSystemEvent]] = [
    FileCreatedEvent,
    FileModifiedEvent,
    FileMovedEvent,
    FileDeletedEvent,
    DirCreatedEvent,
    DirMovedEvent,
    DirDeletedEvent,
]
"""Not among them: opened, closed. Reading is an event too, and whoever reads on it feeds itself."""

MAX_FOLDERS = 4096
"""A tree of more folders than this is polled: each takes one of the user's inotify watches."""
MAX_DEPTH = 100
"""So is one whose folders lie deeper: watchdog goes down with a call a level, and Python allows
about a thousand. A look goes no deeper either."""
MAX_ENTRIES = 20_000
"""A look at one path goes through no more files and folders than this."""

log = logging.getLogger(__name__)

VIM_TRIAL = "4913"
"""The file that vim makes and deletes to see whether it may write in a folder."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _Target:
    """A path to watch, and the other names under which events tell of it."""

    path: Path
    names: frozenset[str]
    polled: bool
    code: bool = False
    """Whether it is watched for its code's sake: of what lies in it only modules count."""

    @classmethod
    def of(cls, path: Path, *, polled: bool, code: bool = False) -> _Target:
        text = os.path.abspath(path)
        in_real_folder = os.path.join(
            os.path.realpath(os.path.dirname(text)), os.path.basename(text)
        )
        names = frozenset({text, in_real_folder, os.path.realpath(text)})
        return cls(path, names, polled, code)

    def is_told_by(self, event_path: str) -> bool:
        return event_path in self.names or any(
            event_path.startswith(name + os.sep) and not _passed_over(event_path[len(name) :])
            for name in self.names
            if not self.code or _may_be_code(event_path)
        )

    def lies_under(self, event_path: str) -> bool:
        return any(name.startswith(event_path + os.sep) for name in self.names)


def _passed_over(below: str) -> bool:
    """Tell whether a path inside a watched folder is what editors, sync tools and Python leave."""
    return any(
        part.startswith((".", "#")) or part.endswith("~") or part in {"__pycache__", VIM_TRIAL}
        for part in below.split(os.sep)
    )


def _may_be_code(path: str) -> bool:
    """Tell whether a path is a module, or a folder, which may be gone by now.

    What else a plugin writes beside itself when it is imported must not have it imported again.
    """
    return path.endswith(".py") or "." not in os.path.basename(path) or os.path.isdir(path)


class Watcher(FileSystemEventHandler):
    """Reports which of its targets have changed, a burst of changes at once.

    `on_change` is called in the loop with the targets, as they were given. To be made inside a
    running loop.

    Args:
        on_change: hears of the changes.
        ignored: twind's own files, and folders with all that is in them.
        debounce_s: how long it has to be quiet before a burst is over.
        max_wait_s: how long a burst may go on before it is reported all the same.
        poll_s: how often to look where events cannot be had.

    """

    def __init__(
        self,
        on_change: Callable[[frozenset[Path]], None],
        *,
        ignored: Iterable[Path] = (),
        debounce_s: float = 0.5,
        max_wait_s: float = 3.0,
        poll_s: float = 5.0,
    ) -> None:
        self._on_change = on_change
        self._ignored = tuple(
            name for path in ignored for name in _Target.of(path, polled=False).names
        )
        self._debounce_s = debounce_s
        self._max_wait_s = max_wait_s
        self._poll_s = poll_s
        self._loop = asyncio.get_running_loop()
        self._observer: BaseObserver | None = None
        self._targets: tuple[_Target, ...] = ()
        self._anchors: dict[tuple[str, bool], tuple[tuple[int, int], ObservedWatch]] = {}
        self._seen: dict[Path, bytes] = {}
        self._hinted: set[Path] = set()
        self._touched_at: float | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._poll_timer: asyncio.TimerHandle | None = None
        self._looking = asyncio.Lock()
        self._tasks: set[asyncio.Task[None]] = set()
        self._complained = False
        self.polling = False
        """Whether some path has to do without events."""

    async def start(self) -> None:
        """Begin to listen."""
        observer = Observer()
        try:
            observer.start()
        except OSError as error:
            self._complain(error)
        else:
            self._observer = observer

    async def set_targets(
        self, polled: Iterable[Path], unpolled: Iterable[Path] = (), code: Iterable[Path] = ()
    ) -> None:
        """Watch these paths from now on; `unpolled` ones for events alone, `code` for modules."""
        targets = {
            **{path: _Target.of(path, polled=True, code=True) for path in code},
            **{path: _Target.of(path, polled=True) for path in polled},
            **{path: _Target.of(path, polled=False) for path in unpolled},
        }
        self._targets = tuple(targets.values())
        await self.look()

    async def look(self, hinted: Iterable[Path] = ()) -> None:
        """Compare what is there with what was, and report the difference and what is `hinted`.

        Looking comes after listening: what changes in between is told of twice, never not at all.
        """
        async with self._looking:
            targets = self._targets
            await _in_thread(lambda: self._listen(targets))
            found = await _in_thread(
                lambda: {t.path: _look_at(t.path, code=t.code) for t in targets if t.polled}
            )
            changed = {
                path for path, now in found.items() if self._seen.get(path, now) != now
            } | set(hinted)
            self._seen = found
        self._poll_where_deaf()
        if changed:
            self._on_change(frozenset(changed))

    async def stop(self) -> None:
        """Report no more."""
        for timer in (self._timer, self._poll_timer):
            if timer is not None:
                timer.cancel()
        for task in self._tasks:
            task.cancel()
        self._targets = ()
        if self._observer is not None:
            observer, self._observer = self._observer, None
            observer.stop()
            await _in_thread(lambda: observer.join(timeout=1.0))

    # --- events, told of in watchdog's thread ----------------------------------------------------

    def on_any_event(self, event: FileSystemEvent) -> None:
        """Take note of an event if it concerns a target."""
        hinted: set[Path] = set()
        near = False
        for raw in (event.src_path, event.dest_path):
            path = os.fsdecode(raw)
            if path and not self._is_own(path):
                hinted |= self._told_by(path)
                near = near or any(target.lies_under(path) for target in self._targets)
        if hinted or near:
            with contextlib.suppress(RuntimeError):  # The loop is closing.
                self._loop.call_soon_threadsafe(self._note, hinted)

    def _is_own(self, path: str) -> bool:
        return any(path == own or path.startswith(own + os.sep) for own in self._ignored)

    def _told_by(self, path: str) -> set[Path]:
        """Return the targets an event on `path` tells of: the file itself before its folders.

        So a source folder that happens to hold the database does not sync on each of its writes.
        """
        exact = {target.path for target in self._targets if path in target.names}
        return exact or {t.path for t in self._targets if t.is_told_by(path)}

    # --- bursts, in the loop ---------------------------------------------------------------------

    def _note(self, hinted: set[Path]) -> None:
        self._hinted |= hinted
        now = self._loop.time()
        if self._touched_at is None:
            self._touched_at = now
        if self._timer is not None:
            self._timer.cancel()
        delay_s = min(self._debounce_s, self._touched_at + self._max_wait_s - now)
        self._timer = self._loop.call_later(max(0.0, delay_s), self._report)

    def _report(self) -> None:
        hinted, self._hinted = self._hinted, set()
        self._touched_at = self._timer = None
        self._spawn_look(hinted)

    def _spawn_look(self, hinted: Iterable[Path] = ()) -> None:
        task = self._loop.create_task(self.look(hinted))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _poll_where_deaf(self) -> None:
        if self._poll_timer is not None:
            self._poll_timer.cancel()
            self._poll_timer = None
        if self.polling and self._targets:
            self._poll_timer = self._loop.call_later(self._poll_s, self._spawn_look)

    # --- what to listen to, in a thread of its own: a share that hangs must not hang the daemon --

    def _listen(self, targets: Iterable[_Target]) -> None:
        wanted: dict[tuple[str, bool], tuple[int, int]] = {}
        deaf = self._observer is None
        for target in targets:
            for folder, recursive in _anchors_of(target):
                if recursive and (problem := _too_much_of(folder)):
                    self._complain(OSError(f"{folder} has {problem}"))
                    deaf = deaf or target.polled
                    continue
                with contextlib.suppress(OSError):
                    about = os.stat(folder)
                    wanted[folder, recursive] = (about.st_dev, about.st_ino)
        self._forget_all_but(wanted)
        for anchor, inode in wanted.items():
            if anchor not in self._anchors and not self._schedule(anchor, inode):
                deaf = True
        self.polling = deaf

    def _forget_all_but(self, wanted: dict[tuple[str, bool], tuple[int, int]]) -> None:
        """Drop what is not wanted any more, and folders that have been replaced by others."""
        for anchor, (inode, watch) in list(self._anchors.items()):
            if wanted.get(anchor) != inode:
                del self._anchors[anchor]
                if self._observer is not None:
                    with contextlib.suppress(KeyError, OSError):
                        self._observer.unschedule(watch)

    def _schedule(self, anchor: tuple[str, bool], inode: tuple[int, int]) -> bool:
        if self._observer is None:
            return False
        folder, recursive = anchor
        try:
            watch = self._observer.schedule(
                self, folder, recursive=recursive, event_filter=REACT_TO
            )
        except FileNotFoundError:
            return True  # Gone since; the event of that brings us back here.
        except OSError as error:
            self._complain(error)
            return False
        self._anchors[anchor] = (inode, watch)
        return True

    def _complain(self, error: OSError) -> None:
        if not self._complained:
            self._complained = True
            log.warning(
                "no file events for some paths (%s); looking every %g s instead",
                error.strerror or error,
                self._poll_s,
            )


def _anchors_of(target: _Target) -> Iterator[tuple[str, bool]]:
    """Yield the folders to listen to, and whether with all that lies in them."""
    for name in target.names:
        if os.path.isdir(name) and os.path.realpath(name) == name:
            yield name, True
        folder = os.path.dirname(name)
        while not os.path.isdir(folder):
            folder = os.path.dirname(folder)
        yield os.path.realpath(folder), False


def _too_much_of(folder: str) -> str | None:
    """Return what a tree has too much of to be listened to, in words."""
    waiting, count = [(folder, 0)], 0
    while waiting:
        path, depth = waiting.pop()
        count += 1
        if count > MAX_FOLDERS:
            return f"more than {MAX_FOLDERS} folders"
        if depth > MAX_DEPTH:
            return f"folders more than {MAX_DEPTH} deep"
        with contextlib.suppress(OSError), os.scandir(path) as below:
            waiting += [(e.path, depth + 1) for e in below if e.is_dir(follow_symlinks=False)]
    return None


def _look_at(path: Path, *, code: bool = False) -> bytes:
    """Return a digest of the times, sizes and inodes of a file, or of a folder's content.

    code: of a folder, only folders and what may be modules count.
    """
    digest = hashlib.blake2b(digest_size=16)
    for count, (name, about) in enumerate(_entries(os.path.abspath(path))):
        if count >= MAX_ENTRIES:
            break
        if code and not _may_be_code(name):
            continue
        # A folder's own time moves with files that are passed over.
        times = () if stat.S_ISDIR(about.st_mode) else (about.st_mtime_ns, about.st_size)
        digest.update(repr((name, about.st_ino, times)).encode("utf-8", "surrogateescape"))
    return digest.digest()


def _entries(top: str) -> Iterator[tuple[str, os.stat_result]]:
    waiting = [(top, 0)]
    while waiting:
        path, depth = waiting.pop()
        try:
            about = os.stat(path)
        except OSError:
            continue
        yield path, about
        if stat.S_ISDIR(about.st_mode) and depth < MAX_DEPTH:
            with contextlib.suppress(OSError), os.scandir(path) as below:
                seen = [e for e in below if not _passed_over(e.name) and not _leads_away(e)]
                seen.sort(key=lambda entry: entry.name, reverse=True)
                waiting += [(entry.path, depth + 1) for entry in seen]


def _leads_away(entry: os.DirEntry[str]) -> bool:
    """Tell whether it is a link to a folder, which may lead round in a circle.

    The folder itself says what is a link: of thousands of files, hardly one is asked.
    """
    return entry.is_symlink() and entry.is_dir()


async def _in_thread(work: Callable[[], T]) -> T:
    """Run `work` in a thread that nothing waits for at the end of the process."""
    loop = asyncio.get_running_loop()
    future: asyncio.Future[T] = loop.create_future()

    def settle(result: Any, error: BaseException | None) -> None:
        if future.done():
            return
        if error is None:
            future.set_result(result)
        else:
            future.set_exception(error)

    def body() -> None:
        result, problem = None, None
        try:
            result = work()
        except Exception as error:  # noqa: BLE001 - it is raised where it is awaited
            problem = error
        with contextlib.suppress(RuntimeError):  # The loop has closed meanwhile.
            loop.call_soon_threadsafe(settle, result, problem)

    threading.Thread(target=body, daemon=True, name="twind-look").start()
    return await future
