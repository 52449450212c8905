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
from collections import deque
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

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
MAX_LINKS = 256
"""In a folder with more links to files than this, what lies where they lead is polled."""
MAX_LATE = 32
"""No look is begun while so many have not come back: each holds a thread."""

log = logging.getLogger(__name__)

VIM_TRIAL = "4913"
"""The file that vim makes and deletes to see whether it may write in a folder."""

T = TypeVar("T")

_Anchor = tuple[str, bool]
"""A folder to listen to, and whether with all that lies in it."""
_Inode = tuple[int, int]


@dataclass(slots=True)
class _Target:
    """A path to watch."""

    path: Path
    names: frozenset[str]
    """It, and the other names under which events tell of it, as far as they are known."""
    polled: bool
    links: frozenset[str] = frozenset()
    """Where links to files lead that lie in it."""
    code: bool = False
    """Whether it is watched for its code's sake: of what lies in it only modules count."""

    def is_told_by(self, event_path: str) -> bool:
        return event_path in self.names or any(
            event_path.startswith(name + os.sep) and not _passed_over(event_path[len(name) :])
            for name in self.names
            if not self.code or _may_be_code(event_path)
        )

    def lies_under(self, event_path: str) -> bool:
        return any(name.startswith(event_path + os.sep) for name in self.names)


class _Look(NamedTuple):
    """Whether all events of a target can be had, and a digest of what is there."""

    target: _Target
    is_heard: bool
    now: bytes
    problem: Exception | None = None


def _names_of(path: Path) -> frozenset[str]:
    text = os.path.abspath(path)
    in_real_folder = os.path.join(os.path.realpath(os.path.dirname(text)), os.path.basename(text))
    return frozenset({text, in_real_folder, os.path.realpath(text)})


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
        patience_s: how long a look waits for a path that does not answer.

    """

    def __init__(
        self,
        on_change: Callable[[frozenset[Path]], None],
        *,
        ignored: Iterable[Path] = (),
        debounce_s: float = 0.5,
        max_wait_s: float = 3.0,
        poll_s: float = 5.0,
        patience_s: float = 5.0,
    ) -> None:
        self._on_change = on_change
        self._ignored = tuple(name for path in ignored for name in _names_of(path))
        self._debounce_s = debounce_s
        self._max_wait_s = max_wait_s
        self._poll_s = poll_s
        self._patience_s = patience_s
        self._loop = asyncio.get_running_loop()
        self._observer: BaseObserver | None = None
        self._targets: tuple[_Target, ...] = ()
        self._anchors: dict[_Anchor, tuple[_Inode, ObservedWatch]] = {}
        self._wanted: dict[Path, frozenset[_Anchor]] = {}
        self._listening = threading.Lock()
        """Held by whoever changes these two."""
        self._looks: set[Path] = set()
        """Where looks have not come back: one at a path, and a thread for each."""
        self._deaf: set[Path] = set()
        self._seen: dict[Path, bytes] = {}
        self._changed: set[Path] = set()
        """What looks have found changed and nobody has been told of yet."""
        self._hinted: set[Path] = set()
        self._touched_at: float | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._poll_timer: asyncio.TimerHandle | None = None
        self._looking = asyncio.Lock()
        self._look_waits = False
        self._tasks: set[asyncio.Task[None]] = set()
        self._said: set[str] = set()
        self.polling = False
        """Whether some path has to do without events."""

    async def start(self) -> None:
        """Begin to listen."""
        observer = Observer()
        try:
            observer.start()
        except OSError as error:
            self._complain(error.strerror or str(error))
        else:
            self._observer = observer

    async def set_targets(
        self, polled: Iterable[Path], unpolled: Iterable[Path] = (), code: Iterable[Path] = ()
    ) -> None:
        """Watch these paths from now on; `unpolled` ones for events alone, `code` for modules."""
        known = {target.path: target.names for target in self._targets}

        def target(path: Path, *, polled: bool, code: bool = False) -> _Target:
            names = known.get(path) or frozenset({os.path.abspath(path)})
            return _Target(path, names, polled, code=code)

        targets = {
            **{path: target(path, polled=True, code=True) for path in code},
            **{path: target(path, polled=True) for path in polled},
            **{path: target(path, polled=False) for path in unpolled},
        }
        self._targets = tuple(targets.values())
        self._seen = {path: seen for path, seen in self._seen.items() if path in targets}
        await self.look()

    async def look(self, hinted: Iterable[Path] = ()) -> None:
        """Compare what is there with what was, and report the difference and what is `hinted`.

        Looking comes after listening: what changes in between is told of twice, never not at all.
        What is hinted waits for no look at anything else, and nothing waits for what does not
        answer: that is passed over from then on, until its look has come back.
        """
        told = set(hinted)
        if self._looking.locked():
            self._tell(told)
            told = set()
            if self._look_waits:
                return  # That one will look at all there is by then.
        self._look_waits = True
        try:
            await self._looking.acquire()
        finally:
            self._look_waits = False
        try:
            await self._look(told)
        finally:
            self._looking.release()

    async def _look(self, told: set[Path]) -> None:
        if told:
            await self._look_at([target for target in self._targets if target.path in told])
            self._tell(told)
        await self._look_at([target for target in self._targets if target.path not in told])
        self._tell()
        if not self._looks and self._unwanted():
            await _in_thread(self._forget_unwanted)
        there = {target.path for target in self._targets}
        self.polling = not there.isdisjoint(self._deaf | self._looks)
        self._poll_where_deaf()

    async def _look_at(self, targets: Iterable[_Target]) -> None:
        """Look at these, one after the other, and leave behind what does not answer."""
        waiting = deque(target for target in targets if target.path not in self._looks)
        while waiting and len(self._looks) < MAX_LATE:
            begun: list[_Target] = []
            found: deque[_Look] = deque()
            looks = _in_thread(partial(self._look_through, waiting, begun, found))
            looks.add_done_callback(partial(self._take, found))
            count = -1
            while not looks.done() and (not begun or len(begun) != count):
                count = len(begun)
                await asyncio.wait([looks], timeout=self._patience_s)
            if not looks.done():
                late, waiting = begun[-1], _taken_from(waiting)
                self._take(found)
                self._looks.add(late.path)
                self._say_once(f"{late.path} does not answer; it is passed over until it does")

    def _take(self, found: deque[_Look], _done: asyncio.Future[None] | None = None) -> None:
        """Take in what looks have found, be it late."""
        while found:
            target, is_heard, now, problem = found.popleft()
            path = target.path
            self._looks.discard(path)
            (self._deaf.discard if is_heard else self._deaf.add)(path)
            if problem is not None:
                self._complain(f"{path}: {problem}")
            elif target.polled:
                if self._seen.get(path, now) != now:
                    self._changed.add(path)
                self._seen[path] = now

    def _tell(self, hinted: Iterable[Path] = ()) -> None:
        changed, self._changed = self._changed.union(hinted), set()
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
            await asyncio.wait([_in_thread(observer.stop)], timeout=1.0)

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
        exact = {t.path for t in self._targets if path in t.names or path in t.links}
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

    # --- looks, each in a thread of its own: a share that hangs must not hang the daemon ---------

    def _look_through(
        self, waiting: deque[_Target], begun: list[_Target], found: deque[_Look]
    ) -> None:
        """Look at what is waiting, as long as anything is, and note each as it is begun."""
        while True:
            try:
                target = waiting.popleft()
            except IndexError:
                return
            begun.append(target)
            try:
                target.names = _names_of(target.path)
                target.links = frozenset(_links_in(target.path))
                is_heard = self._listen(target)
                now = _look_at(target.path, code=target.code) if target.polled else b""
            except Exception as error:  # noqa: BLE001 - it is told of, and harms no other
                found.append(_Look(target, False, b"", error))
            else:
                found.append(_Look(target, is_heard, now))

    def _listen(self, target: _Target) -> bool:
        is_heard = True
        anchors: dict[_Anchor, _Inode] = {}
        for folder, recursive in _anchors_of(target):
            if recursive and (problem := _too_much_of(folder)):
                self._complain(f"{folder} has {problem}")
                is_heard = is_heard and not target.polled
                continue
            with contextlib.suppress(OSError):
                about = os.stat(folder)
                anchors[folder, recursive] = (about.st_dev, about.st_ino)
        if len(target.links) > MAX_LINKS:
            self._complain(f"{target.path} has more than {MAX_LINKS} links to files")
            is_heard = is_heard and not target.polled
        with self._listening:
            self._wanted[target.path] = frozenset(anchors)
            heard = [self._schedule(anchor, inode) for anchor, inode in anchors.items()]
        return is_heard and all(heard)

    def _unwanted(self) -> set[_Anchor]:
        wanted = (self._wanted.get(target.path, frozenset()) for target in self._targets)
        return set(self._anchors).difference(*wanted)

    def _forget_unwanted(self) -> None:
        with self._listening:
            self._wanted = {t.path: self._wanted.get(t.path, frozenset()) for t in self._targets}
            for anchor in self._unwanted():
                self._forget(anchor)

    def _forget(self, anchor: _Anchor) -> None:
        _, watch = self._anchors.pop(anchor)
        if self._observer is not None:
            with contextlib.suppress(KeyError, OSError):
                self._observer.unschedule(watch)

    def _schedule(self, anchor: _Anchor, inode: _Inode) -> bool:
        if anchor in self._anchors:
            if self._anchors[anchor][0] == inode:
                return True
            self._forget(anchor)  # The folder has been replaced by another.
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
            self._complain(error.strerror or str(error))
            return False
        self._anchors[anchor] = (inode, watch)
        return True

    def _complain(self, problem: str) -> None:
        self._say_once(
            f"no file events for some paths ({problem}); looking every {self._poll_s:g} s instead"
        )

    def _say_once(self, problem: str) -> None:
        if problem not in self._said:
            self._said.add(problem)
            log.warning("%s", problem)


def _taken_from(waiting: deque[_Target]) -> deque[_Target]:
    """Return what is waiting, and leave nothing to who comes back late."""
    rest = waiting.copy()
    waiting.clear()
    return rest


def _anchors_of(target: _Target) -> Iterator[_Anchor]:
    """Yield the folders to listen to, and whether with all that lies in them."""
    for name in target.names:
        if os.path.isdir(name) and os.path.realpath(name) == name:
            yield name, True
        folder = os.path.dirname(name)
        while not os.path.isdir(folder):
            folder = os.path.dirname(folder)
        yield os.path.realpath(folder), False
    for folder in {os.path.dirname(link) for link in target.links}:
        if os.path.isdir(folder):
            yield folder, False


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
            waiting += [(entry.path, depth + 1) for entry in reversed(_listed(path))]


def _links_in(top: Path) -> Iterator[str]:
    """Yield where links to files in a folder lead; no more than tell that there are too many."""
    waiting, count, links = [(os.path.abspath(top), 0)], 0, 0
    while waiting and count < MAX_ENTRIES and links <= MAX_LINKS:
        path, depth = waiting.pop()
        for entry in _listed(path):
            count += 1
            if entry.is_symlink():
                links += 1
                yield os.path.realpath(entry.path)
            elif depth < MAX_DEPTH and entry.is_dir():
                waiting.append((entry.path, depth + 1))


def _listed(folder: str) -> list[os.DirEntry[str]]:
    """Return what counts of what lies in a folder, by name; nothing where it cannot be read."""
    with contextlib.suppress(OSError), os.scandir(folder) as below:
        found = (e for e in below if not _passed_over(e.name) and not _leads_away(e))
        return sorted(found, key=lambda entry: entry.name)
    return []


def _leads_away(entry: os.DirEntry[str]) -> bool:
    """Tell whether it is a link to a folder, which may lead round in a circle.

    The folder itself says what is a link: of thousands of files, hardly one is asked.
    """
    return entry.is_symlink() and entry.is_dir()


def _in_thread(work: Callable[[], T]) -> asyncio.Future[T]:
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
    return future
