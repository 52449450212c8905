"""Faults by name, each with its real cause: twind stays, says so, and goes on when it is over."""

from __future__ import annotations

import errno
import os
import subprocess
from collections import Counter
from contextlib import contextmanager

import pytest

from tests.system.conftest import Life
from tests.system.disk import FULL, WRITE_ERROR, Disk
from tests.system.inside.twind_test_disk import library
from twind.store import Store, profiles

pytestmark = pytest.mark.timeout(900)

SIZE_MIB = 24
HUNGRY = """\
from twind.api import Person, hookimpl

class Hungry:
    name = "hungry"
    def fetch(self, ctx):
        yield Person(uid="x", name="X")
        hoard = []
        while True:
            hoard.append(bytearray(1 << 24))

@hookimpl
def twind_register(register):
    register(Hungry())
"""


def mount(*words):
    return subprocess.run(["mount", *words], capture_output=True, check=False).returncode == 0


@pytest.fixture
def small(tmp_path):
    """A life on a file system of its own, which is small."""
    place = tmp_path / "small"
    place.mkdir()
    if not mount("-t", "tmpfs", "-o", f"size={SIZE_MIB}m", "tmpfs", str(place)):
        pytest.skip("nothing may be mounted here")
    life = Life(place)
    with Store.open(life.home.database) as db:
        profiles.ensure(db, 1)
    try:
        yield life
    finally:
        for daemon in life.daemons:
            daemon.clean_up()
        subprocess.run(["umount", "--lazy", str(place)], check=True)


@contextmanager
def filled(folder):
    """Take up all there is, to the last byte."""
    ballast = folder / "ballast"
    with ballast.open("wb", buffering=0) as file:
        try:
            for size in (1 << 16, 1):
                try:
                    while True:
                        file.write(bytes(size))
                except OSError as error:
                    assert error.errno == errno.ENOSPC  # noqa: PT017 - the disk is full
            yield
        finally:
            ballast.unlink()


class Answers:
    """Answers a question after the other; remembers what was acknowledged."""

    def __init__(self, life):
        self.life = life
        self.noted = Counter()
        self.next = 0

    def give(self):
        [(question, option)] = self.life.rows(
            "SELECT question_id, MIN(id) FROM answer_options GROUP BY question_id "
            f"ORDER BY question_id LIMIT 1 OFFSET {self.next}"
        )
        self.next += 1
        done = self.life.command("ask", "--answer", f"{question}={option}")
        assert "Traceback" not in done.stderr
        if done.returncode == 0:
            self.noted[question] += 1
        return done

    def assert_there(self):
        assert self.life.rows("PRAGMA integrity_check") == [("ok",)]
        assert self.life.rows("PRAGMA foreign_key_check") == []
        found = Counter(row[0] for row in self.life.rows("SELECT question_id FROM responses"))
        assert found == self.noted


def ready(life, eventually):
    """Start a daemon; return it with its sources read and its questions there."""
    daemon = life.start()
    eventually(life.synced, 120)
    eventually(lambda: life.rows("SELECT 1 FROM questions"), 120)
    return daemon


@pytest.mark.slow
def test_a_disk_that_fills_up_and_is_cleared(small, eventually):
    daemon = ready(small, eventually)
    answers = Answers(small)
    assert answers.give().returncode == 0
    with filled(small.root):
        refused = [done for done in (answers.give() for _ in range(4)) if done.returncode]
        assert refused
        for done in refused:
            assert "full" in done.stderr, done.stderr
        small.command("ctl", "sync")
        assert daemon.answers()
    answers.assert_there()
    assert small.command("ctl", "sync").returncode == 0
    assert answers.give().returncode == 0
    small.add_event(small.event("new", 3, "1400", "1500"))
    eventually(lambda: small.rows("SELECT 1 FROM records WHERE uid = 'new'"), 60)
    answers.assert_there()
    eventually(lambda: small.rows("SELECT 1 FROM jobs WHERE state = 'running'") == [], 120)
    assert daemon.end() == 0


@pytest.mark.soak
def test_a_start_on_a_full_disk_is_one_line_and_the_next_start_is_well(small, eventually):
    daemon = ready(small, eventually)
    answers = Answers(small)
    answers.give()
    daemon.end()
    with filled(small.root):
        done = small.command("run", timeout_s=60)
        assert done.returncode == 1
        assert "Traceback" not in done.stderr
        assert "full" in done.stderr or "No space left" in done.stderr
    small.start()
    assert small.command("ctl", "sync").returncode == 0
    answers.assert_there()


@pytest.mark.soak
def test_a_read_only_home_is_refused_in_one_line_and_taken_once_it_is_not(small, eventually):
    daemon = ready(small, eventually)
    answers = Answers(small)
    answers.give()
    assert daemon.end() == 0
    assert mount("-o", "remount,ro", str(small.root))
    for words in (("run",), ("ask", "--answer", "1=1")):
        done = small.command(*words)
        assert done.returncode == 1
        assert len(done.stderr.splitlines()) == 1
        assert "ead-only" in done.stderr
    assert mount("-o", "remount,rw", str(small.root))
    small.start()
    assert small.command("ctl", "sync").returncode == 0
    answers.assert_there()


@pytest.mark.soak
@pytest.mark.skipif(library() is None, reason="Python's sqlite3 has SQLite inside")
@pytest.mark.parametrize("error", [WRITE_ERROR, FULL])
@pytest.mark.parametrize("whose", ["run", "sync"])
def test_input_and_output_that_fails_and_works_again(
    own_life, eventually, monkeypatch, tmp_path, whose, error
):
    (tmp_path / "disk").mkdir()
    disk = Disk(tmp_path / "disk")
    for name, value in disk.variables.items():
        monkeypatch.setenv(name, value)
    daemon = ready(own_life, eventually)
    answers = Answers(own_life)
    answers.give()
    disk.plan(whose, "write", 1, error)
    failed = own_life.command("ctl", "sync", timeout_s=30 if whose == "run" else 120)
    assert failed.returncode == 1
    assert "disk" in failed.stderr
    assert daemon.answers()
    answers.give()
    disk.heal()
    assert own_life.command("ctl", "sync").returncode == 0
    answers.assert_there()
    eventually(lambda: own_life.rows("SELECT 1 FROM jobs WHERE state = 'running'") == [], 120)
    assert daemon.end() == 0


@pytest.mark.soak
def test_a_worker_that_has_no_memory_left_is_a_line_and_no_outage(own_life, eventually):
    configuration = own_life.home.config_file
    configuration.write_text(f"{configuration.read_text()}[limits]\nmemory_mib = 256\n")
    (own_life.root / "plugins" / "hungry.py").write_text(HUNGRY)
    daemon = own_life.start()
    eventually(own_life.synced, 120)
    hungry = eventually(lambda: (now := own_life.plugins())["hungry"]["last_error"] and now, 120)
    assert hungry["hungry"]["state"] == "failed"
    assert "MemoryError" in hungry["hungry"]["last_error"]
    assert {hungry[name]["state"] for name in ("calendar", "contacts", "tasks")} == {"ok"}
    assert daemon.answers()
    assert own_life.rows("PRAGMA integrity_check") == [("ok",)]


@pytest.mark.soak
def test_a_second_daemon_on_the_same_home_is_refused_and_harms_nothing(own_life, eventually):
    daemon = ready(own_life, eventually)
    second = own_life.command("run", timeout_s=60)
    assert second.returncode == 1
    assert f"process {daemon.pid}" in second.stderr
    assert len(second.stderr.splitlines()) == 1
    assert daemon.answers()
    assert own_life.command("ctl", "sync").returncode == 0


@pytest.mark.soak
def test_a_home_that_vanishes_is_not_made_anew_and_gone_on_with_once_it_is_back(
    own_life, eventually
):
    ready(own_life, eventually)
    answers = Answers(own_life)
    answers.give()
    elsewhere = own_life.root.with_name(f"{own_life.root.name}-elsewhere")
    own_life.root.rename(elsewhere)
    eventually(lambda: "nothing is done until it is back" in read(elsewhere / "daemon.log"), 60)
    assert not own_life.root.exists()
    elsewhere.rename(own_life.root)
    assert own_life.command("ctl", "sync").returncode == 0
    answers.give()
    answers.assert_there()


def read(path):
    return path.read_text() if os.access(path, os.R_OK) else ""
