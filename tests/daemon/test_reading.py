from datetime import timedelta
from types import SimpleNamespace

import pytest

from twind.daemon.inspected import Plugins
from twind.daemon.reading import Reading
from twind.store import sources
from twind.store.jobs import Job

BOTH = ["calendar", "tasks"]
KILLED = {"code": "died", "message": "the worker was killed by SIGKILL"}
FULL = {"code": "store", "message": "the disk is full"}


class Queue:
    """Takes down what is put into it, and takes nothing while it is paused."""

    def __init__(self):
        self.taken: list[list[str] | None] = []
        self.dropped: list[Job] = []
        self.paused = False

    def put(self, name, args=None, *, news=False):
        if self.paused:
            return None
        self.taken.append((args or {}).get("plugins"))
        return Job(0, name, None, args or {}, "queued", 1)

    def drop_retry(self, job):
        self.dropped.append(job)


@pytest.fixture
def queue():
    return Queue()


@pytest.fixture
def reading(db, queue, home, clock):
    plugins = Plugins(home)
    found = [{"name": name, "state": "ok", "abilities": ["fetch"]} for name in BOTH]
    plugins.take({"plugins": found}, clock.now())
    configuration = SimpleNamespace(settings=SimpleNamespace(profile=SimpleNamespace(id=1)))
    return Reading(db, queue, configuration, plugins, clock)


def sync(names=None, error=None):
    """Return a sync of these sources, or of all, that has ended, and how."""
    args = {} if names is None else {"plugins": names}
    return Job(1, "sync", None, args, "failed" if error else "done", 1, {}, error)


def test_sources_that_are_parted_have_been_read_when_the_last_has_ended_well_or_not(
    reading, queue, db, clock
):
    assert not reading.on_ended(sync(error=KILLED))
    assert queue.taken == [["calendar"], ["tasks"]]
    assert not reading.on_ended(sync(["tasks"]))
    assert reading.read_at is None
    assert reading.on_ended(sync(["calendar"], KILLED))
    assert reading.read_at == clock.now()
    assert sources.health(db, 1)["calendar"]["trouble"] == "failed"


def test_what_is_parted_and_read_with_others_waits_no_more(reading):
    reading.on_ended(sync(error=KILLED))
    assert reading.on_ended(sync())
    assert not reading.on_ended(sync(["calendar"]))


def test_some_that_are_parted_are_not_all(reading, db):
    assert not reading.on_ended(sync(["tasks", "gone"], KILLED))
    assert not reading.on_ended(sync(["gone"]))
    assert not reading.on_ended(sync(["tasks"]))
    assert reading.read_at is None
    sources.failed(db, 1, "calendar", "it raises")
    assert reading.on_ended(sync(["tasks"]))


def test_what_a_pause_keeps_from_being_parted_has_not_been_read(reading, queue):
    queue.paused = True
    assert not reading.on_ended(sync(error=KILLED))
    queue.paused = False
    assert not reading.on_ended(sync(["tasks"]))
    assert reading.on_ended(sync())


def test_a_sync_of_all_that_fails_is_waited_for_once_more_but_not_for_ever(reading, queue, clock):
    assert reading.on_ended(sync())
    before = clock.now()
    clock.advance(hours=1)
    assert not reading.on_ended(sync(error=FULL))
    assert reading.read_at == before
    assert reading.on_ended(sync(error=FULL))
    assert reading.read_at == before + timedelta(hours=1)
    assert reading.on_ended(sync())
    assert not reading.on_ended(sync(error=FULL))
    assert queue.dropped == queue.taken == []
