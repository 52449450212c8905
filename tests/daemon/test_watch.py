import asyncio
import os
import sys
import threading
from pathlib import Path

import pytest

from twind.daemon import watch
from twind.daemon.watch import Watcher


class Ear:
    """Collects what a watcher reports."""

    def __init__(self, **more):
        self.heard: asyncio.Queue[frozenset[Path]] = asyncio.Queue()
        self.watcher = Watcher(
            self.heard.put_nowait, **{"debounce_s": 0.1, "max_wait_s": 1.0, **more}
        )

    async def next(self) -> set[Path]:
        return set(await asyncio.wait_for(self.heard.get(), 8))

    async def nothing(self) -> None:
        """Check that nothing is reported before a change that is known to be."""
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(self.heard.get(), 1.2)


def hear(scenario, polled, unpolled=(), code=(), **more):
    async def body():
        ear = Ear(**more)
        await ear.watcher.start()
        await ear.watcher.set_targets(polled, unpolled, code)
        try:
            await scenario(ear)
        finally:
            await ear.watcher.stop()

    asyncio.run(body())


def replace(path: Path, text: str) -> None:
    """Write as editors do."""
    path.with_name(".swap").write_text(text)
    path.with_name(".swap").replace(path)


def test_a_file_is_heard_of_again_and_again_though_it_is_replaced(tmp_path):
    file = tmp_path / "todo.txt"
    file.write_text("a")

    async def scenario(ear):
        for text in "bcd":
            replace(file, text)
            assert await ear.next() == {file}
        file.unlink()
        assert await ear.next() == {file}
        file.write_text("back")
        assert await ear.next() == {file}

    hear(scenario, [file])


def test_reading_is_no_change(tmp_path):
    file = tmp_path / "a.ics"
    file.write_text("a")

    async def scenario(ear):
        file.read_text()
        list(tmp_path.iterdir())
        await ear.nothing()

    hear(scenario, [tmp_path, file])


def test_a_burst_is_one_report(tmp_path):
    async def scenario(ear):
        for number in range(50):
            (tmp_path / f"{number}.ics").write_text("x")
        assert await ear.next() == {tmp_path}
        await ear.nothing()

    hear(scenario, [tmp_path])


def test_a_folder_is_heard_of_to_its_depths(tmp_path):
    async def scenario(ear):
        (tmp_path / "a" / "b").mkdir(parents=True)
        assert await ear.next() == {tmp_path}
        (tmp_path / "a" / "b" / "c.ics").write_text("x")
        assert await ear.next() == {tmp_path}

    hear(scenario, [tmp_path])


def test_a_path_that_does_not_exist_yet_is_waited_for(tmp_path):
    file = tmp_path / "not" / "yet" / "there.ics"

    async def scenario(ear):
        file.parent.mkdir(parents=True)
        file.write_text("x")
        assert await ear.next() == {file}
        replace(file, "y")
        assert await ear.next() == {file}

    hear(scenario, [file])


def test_a_folder_that_is_replaced_by_another_is_followed(tmp_path):
    folder = tmp_path / "calendars"
    folder.mkdir()

    async def scenario(ear):
        folder.rename(tmp_path / "old")
        assert await ear.next() == {folder}
        folder.mkdir()
        assert await ear.next() == {folder}
        (folder / "a.ics").write_text("x")
        assert await ear.next() == {folder}

    hear(scenario, [folder])


def test_a_link_is_followed(tmp_path):
    real = tmp_path / "real"
    real.mkdir()
    link = tmp_path / "link"
    link.symlink_to(real)

    async def scenario(ear):
        (real / "a.ics").write_text("x")
        assert await ear.next() == {link}

    hear(scenario, [link])


def test_a_link_in_a_folder_is_followed(tmp_path):
    folder, elsewhere = tmp_path / "calendars", tmp_path / "cloud"
    (folder / "work").mkdir(parents=True)
    elsewhere.mkdir()
    real = elsewhere / "a.ics"
    real.write_text("a")
    (folder / "work" / "a.ics").symlink_to(real)

    async def scenario(ear):
        replace(real, "b")
        assert await ear.next() == {folder}
        (elsewhere / "another.ics").write_text("x")
        await ear.nothing()
        (elsewhere / "late.ics").write_text("a")
        (folder / "late.ics").symlink_to(elsewhere / "late.ics")
        assert await ear.next() == {folder}
        replace(elsewhere / "late.ics", "b")
        assert await ear.next() == {folder}

    hear(scenario, [folder], poll_s=60.0)


def test_of_too_many_links_the_rest_is_looked_at(tmp_path, monkeypatch, caplog):
    monkeypatch.setattr(watch, "MAX_LINKS", 2)
    folder = tmp_path / "calendars"
    folder.mkdir()
    for number in range(4):
        real = tmp_path / f"{number}" / "a.ics"
        real.parent.mkdir()
        real.write_text("a")
        (folder / f"{number}.ics").symlink_to(real)

    async def scenario(ear):
        assert ear.watcher.polling
        replace(tmp_path / "3" / "a.ics", "b")
        assert await ear.next() == {folder}

    hear(scenario, [folder], poll_s=0.2)
    assert "more than 2 links to files" in caplog.text


def test_what_editors_python_and_twind_itself_leave_is_no_change(tmp_path):
    own = tmp_path / "models"
    own.mkdir()

    async def scenario(ear):
        (tmp_path / ".a.ics.swp").write_text("x")
        (tmp_path / "a.ics~").write_text("x")
        (tmp_path / "__pycache__").mkdir()
        (tmp_path / "__pycache__" / "a.pyc").write_text("x")
        (own / "weights").write_text("x")
        await ear.nothing()

    hear(scenario, [tmp_path], ignored=[own])


def test_the_database_in_a_source_folder_does_not_sync_it(tmp_path):
    database = tmp_path / "twind.db"

    async def scenario(ear):
        database.write_text("x")
        assert database in await ear.next()
        database.write_text("y")
        assert tmp_path not in await ear.next()

    hear(scenario, [], [tmp_path, database])


def test_a_look_finds_what_no_event_told_of(tmp_path):
    file = tmp_path / "a.ics"
    file.write_text("a")

    async def body():
        ear = Ear(poll_s=1000)  # Not started: deaf.
        await ear.watcher.set_targets([file, tmp_path])
        assert ear.watcher.polling
        await ear.watcher.look()
        assert ear.heard.empty()
        os.utime(file, ns=(1, 1))
        await ear.watcher.look()
        assert await ear.next() == {file, tmp_path}
        await ear.watcher.stop()

    asyncio.run(body())


def test_where_there_are_no_events_it_looks(tmp_path, monkeypatch, caplog):
    def no_more(*_args, **_more):
        raise OSError(28, "inotify watch limit reached")

    async def scenario(ear):
        assert ear.watcher.polling
        (tmp_path / "a.ics").write_text("x")
        assert await ear.next() == {tmp_path}

    monkeypatch.setattr(watch.Observer, "schedule", no_more)
    hear(scenario, [tmp_path], poll_s=0.1)
    assert caplog.text.count("inotify watch limit reached") == 1


def test_a_tree_that_is_too_deep_is_looked_at_and_stops_no_other(tmp_path, caplog):
    deep, file = tmp_path / "deep", tmp_path / "a.ics"
    deep.mkdir()
    deepest = deep
    for _ in range(sys.getrecursionlimit() + 100):
        deepest = Path(f"{deepest}/d")
        deepest.mkdir()

    async def scenario(ear):
        assert ear.watcher.polling
        (deep / "d" / "b.ics").write_text("x")
        assert await ear.next() == {deep}
        file.write_text("x")
        assert await ear.next() == {file}
        (deep / "d" / "b.ics").unlink()

    try:
        hear(scenario, [deep, file], poll_s=0.1)
    finally:
        os.removedirs(deepest)  # One by one: pytest's own cleaning recurses.
    assert caplog.text.count(f"{deep} has folders more than {watch.MAX_DEPTH} deep") == 1


class Share:
    """A path at which nobody can look while it hangs."""

    def __init__(self, path: Path):
        self.path = path
        self.lets_go = threading.Event()
        self.hangs = threading.Event()

    def hang(self, monkeypatch, name: str) -> None:
        """Have the watcher's function of that name not come back from this path."""
        real = getattr(watch, name)

        def fake(path, **more):
            if path == self.path:
                self.hangs.set()
                self.lets_go.wait()
            return real(path, **more)

        monkeypatch.setattr(watch, name, fake)

    def threads(self) -> int:
        return sum(thread.name == "twind-look" for thread in threading.enumerate())


@pytest.fixture
def share(tmp_path):
    one = Share(tmp_path / "share.ics")
    one.path.write_text("a")
    yield one
    one.lets_go.set()


@pytest.mark.parametrize("name", ["_names_of", "_look_at"])
def test_what_hangs_is_passed_over_and_said_once(tmp_path, monkeypatch, caplog, share, name):
    file = tmp_path / "a.ics"
    file.write_text("a")

    async def scenario(ear):
        assert ear.watcher.polling
        for text in "bcdef":
            replace(file, text)
            assert await ear.next() == {file}
            await ear.watcher.look()
        os.utime(file, ns=(1, 1))
        await ear.watcher.look()
        assert await ear.next() == {file}
        # One hangs, one may be under way, and one that is done may not have ended.
        assert share.threads() <= 3
        share.lets_go.set()
        while ear.watcher.polling:
            await ear.watcher.look()
        share.path.write_text("b")
        while share.path not in await ear.next():
            pass

    share.hang(monkeypatch, name)
    hear(scenario, [share.path, file], poll_s=0.1, patience_s=0.1)
    assert caplog.text.count(f"{share.path} does not answer") == 1


def test_what_events_told_of_waits_for_no_look_at_others(tmp_path, monkeypatch, share):
    file = tmp_path / "a.ics"

    async def scenario(ear):
        share.hang(monkeypatch, "_look_at")
        looks = [asyncio.ensure_future(ear.watcher.look())]
        await asyncio.to_thread(share.hangs.wait)
        for text in "bcd":
            replace(file, text)
            assert await ear.next() == {file}
        looks += [asyncio.ensure_future(ear.watcher.look()) for _ in range(3)]
        await asyncio.gather(*looks[1:])
        assert len(ear.watcher._tasks) == 1  # It waits, and looks for all.
        share.lets_go.set()
        await asyncio.gather(*looks)

    hear(scenario, [share.path, file], patience_s=1000)


def test_as_many_may_hang_as_there_are_threads_for(tmp_path, monkeypatch):
    paths = [tmp_path / f"{number}.ics" for number in range(5)]
    lets_go = threading.Event()
    monkeypatch.setattr(watch, "MAX_LATE", 3)
    monkeypatch.setattr(watch, "_look_at", lambda _path, **_more: lets_go.wait())

    async def scenario(ear):
        await ear.watcher.look()
        assert len(ear.watcher._looks) == 3
        lets_go.set()

    hear(scenario, paths, poll_s=1000, patience_s=0.01)


def test_a_path_that_cannot_be_one_stops_no_other(tmp_path, caplog):
    file = tmp_path / "a.ics"

    async def scenario(ear):
        assert ear.watcher.polling
        file.write_text("x")
        assert await ear.next() == {file}

    hear(scenario, [Path("/a\0b"), file])
    assert caplog.text.count("null byte") == 1


def test_of_a_folder_of_code_only_modules_are_heard_of(tmp_path):
    (tmp_path / "pack").mkdir()

    async def scenario(ear):
        (tmp_path / "pack" / "cache.json").write_text("{}")
        (tmp_path / "litter.txt").write_text("x")
        await ear.nothing()
        (tmp_path / "pack" / "__init__.py").write_text("x = 1")
        assert await ear.next() == {tmp_path}
        (tmp_path / "pack").rename(tmp_path / "other")
        assert await ear.next() == {tmp_path}

    hear(scenario, [], code=[tmp_path])
