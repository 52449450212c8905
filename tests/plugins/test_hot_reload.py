"""Plugins edited while the daemon runs: half-written, renamed over, deleted and back again.

One daemon, real workers; the tests share its plugin folder, each with a file of its own.
"""

from __future__ import annotations

import os
import subprocess
import sys
import threading

import pytest

from twind.clock import monotonic_s
from twind.daemon import client
from twind.errors import NotRunningError
from twind.home import Home
from twind.store import Store

pytestmark = pytest.mark.slow

WITHIN_S = 60.0
"""How soon a change is to be synced."""
PLUGIN = """\
from twind.api import Person, hookimpl

class Names:
    name = "{name}"

    def fetch(self, ctx):
        for name in {names!r}.split():
            yield Person(uid=name, name=name)

@hookimpl
def twind_register(register):
    register(Names())
"""


class Running:
    """A home with a daemon at work on it."""

    def __init__(self, root):
        self.home = Home.under(root)
        [self.folder] = self.home.plugin_dirs
        self.folder.mkdir()
        self.home.config_file.write_text(
            '[profile]\ntimezone = "UTC"\n[training]\nenabled = false\n'
            # The day's proposals take the same worker and longer than a test waits.
            '[schedule]\npropose_at = "23:59"\n'
            '[plugins]\ndisabled = ["calendar", "contacts", "tasks", "notify"]\n'
        )
        with (root / "daemon.log").open("w") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "twind", "run", "--home", str(root)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        self.until(self._answers, 30)

    def _answers(self):
        assert self.process.poll() is None, self.log()
        try:
            return bool(client.request(self.home, {"cmd": "status"}, 5))
        except NotRunningError:
            return False

    def log(self):
        return (self.home.state_dir / "daemon.log").read_text()

    def plugins(self):
        """Return the state and the error of each plugin that is not disabled, by name."""
        status = client.request(self.home, {"cmd": "status"}, 5)
        return {
            one["name"]: (one["state"], one["last_error"])
            for one in status["plugins"]
            if one["state"] != "paused"
        }

    def state(self, name):
        return self.plugins().get(name, (None, None))[0]

    def people(self, source):
        with Store.open(self.home.database) as db:
            rows = db.rows("SELECT uid FROM records WHERE source = ? ORDER BY uid", (source,))
        return " ".join(row["uid"] for row in rows)

    def until(self, found, within_s=WITHIN_S):
        pause, end = threading.Event(), monotonic_s() + within_s
        while not (value := found()):
            assert monotonic_s() < end, (self.plugins(), self.log())
            pause.wait(0.1)
        return value

    def synced(self, source, names):
        self.until(lambda: self.people(source) == names and self.state(source) == "ok")

    def at_rest(self):
        """Wait until nothing is queued or running."""

        def quiet():
            queue = client.request(self.home, {"cmd": "status"}, 5)["queue"]
            return queue["queued"] + queue["running"] == 0

        self.until(quiet, 30)

    def inspections(self):
        with Store.open(self.home.database) as db:
            return db.value("SELECT COUNT(*) FROM jobs WHERE name = 'inspect'")


@pytest.fixture(scope="module")
def daemon(tmp_path_factory):
    running = Running(tmp_path_factory.mktemp("reload"))
    yield running
    running.process.terminate()
    running.process.wait(timeout=20)


def written(name, names="ann bo"):
    return PLUGIN.format(name=name, names=names)


def test_a_half_written_file_is_a_line_and_then_it_is_whole(daemon):
    file = daemon.folder / "half.py"
    text = written("half")
    file.write_text(text[: text.index("yield") + 13])
    daemon.until(lambda: daemon.state("half") == "failed")
    assert "SyntaxError" in daemon.plugins()["half"][1]
    with file.open("a") as out:
        out.write(text[text.index("yield") + 13 :])
    daemon.synced("half", "ann bo")
    assert daemon.plugins()["half"] == ("ok", None)


def test_a_plugin_broken_in_service_keeps_its_records(daemon):
    file = daemon.folder / "kept.py"
    file.write_text(written("kept"))
    daemon.synced("kept", "ann bo")
    file.write_text(written("kept").replace("def fetch(self, ctx):", "def fetch(self, ctx:"))
    daemon.until(lambda: daemon.state("kept") == "failed")
    assert daemon.people("kept") == "ann bo"
    file.write_text(written("kept", "ann cy"))
    daemon.synced("kept", "ann cy")


def save_as_vim(file, text):
    """`backup` and `writebackup`: try the folder, move the old one away, write the new one."""
    probe = file.with_name("4913")
    probe.touch()
    probe.unlink()
    swap = file.with_name(f".{file.name}.swp")
    swap.write_bytes(b"b0VIM 9.0")
    if file.exists():
        file.rename(file.with_name(f"{file.name}~"))
    file.write_text(text)
    swap.unlink()


def save_as_emacs(file, text):
    """A lock that is a link to nowhere, an auto-save file, a backup, and the file itself."""
    lock = file.with_name(f".#{file.name}")
    lock.symlink_to("me@host.1234:1700000000")
    auto = file.with_name(f"#{file.name}#")
    auto.write_text(text[: len(text) // 2])
    if file.exists():
        file.with_name(f"{file.name}~").write_text(file.read_text())
    file.write_text(text)
    auto.unlink()
    lock.unlink()


def save_by_renaming(file, text):
    """As VS Code's atomic save, gedit, rsync and sed -i do."""
    beside = file.with_name(f".{file.name}.Xa3f")
    beside.write_text(text)
    beside.replace(file)


def save_in_place_slowly(file, text):
    """Emptied, and then written piece by piece."""
    with file.open("w") as out:
        for start in range(0, len(text), 40):
            out.write(text[start : start + 40])
            out.flush()
            os.fsync(out.fileno())


@pytest.mark.parametrize(
    "save", [save_as_vim, save_as_emacs, save_by_renaming, save_in_place_slowly]
)
def test_every_way_of_saving_is_seen_and_leaves_one_plugin(daemon, save):
    name = save.__name__.removeprefix("save_").replace("_", "-")
    file = daemon.folder / f"{name.replace('-', '_')}.py"
    before = daemon.plugins().keys()
    for names in ("ann", "ann bo", "ann bo cy"):
        save(file, written(name, names))
        daemon.synced(name, names)
    assert daemon.plugins().keys() == {*before, name}


def test_what_editors_leave_lying_about_wakes_nobody(daemon):
    daemon.at_rest()
    plugins, inspections = daemon.plugins(), daemon.inspections()
    (daemon.folder / ".kept.py.swp").write_bytes(b"b0VIM 9.0")
    (daemon.folder / "kept.py~").write_text("1 / 0")
    (daemon.folder / ".#kept.py").symlink_to("me@host.1234:1700000000")
    (daemon.folder / "__pycache__").mkdir()
    (daemon.folder / "__pycache__" / "kept.cpython-311.pyc").write_bytes(b"x")
    # What is seen after it shows that all before it has been seen.
    (daemon.folder / "later.py").write_text(written("later"))
    daemon.synced("later", "ann bo")
    daemon.at_rest()
    assert daemon.inspections() == inspections + 1
    assert daemon.plugins() == {**plugins, "later": ("ok", None)}


def test_a_package_and_a_module_deep_inside_it(daemon):
    pack = daemon.folder / "pack"
    pack.mkdir()
    (pack / "inner.py").write_text(written("pack").replace("'ann bo'", "NAMES"))
    (pack / "__init__.py").write_text("from .inner import twind_register as twind_register\n")
    daemon.until(lambda: "NAMES" in (daemon.plugins().get("pack", ("", ""))[1] or ""))
    (pack / "data").mkdir()
    (pack / "data" / "__init__.py").write_text('NAMES = "ann bo"\n')
    save_by_renaming(
        pack / "inner.py",
        "from .data import NAMES\n" + written("pack").replace("'ann bo'", "NAMES"),
    )
    daemon.synced("pack", "ann bo")
    save_as_vim(pack / "data" / "__init__.py", 'NAMES = "ann bo cy"\n')
    daemon.synced("pack", "ann bo cy")


def test_deleted_and_made_again(daemon):
    file = daemon.folder / "again.py"
    file.write_text(written("again"))
    daemon.synced("again", "ann bo")
    file.unlink()
    daemon.until(lambda: daemon.state("again") is None)
    assert daemon.people("again") == "ann bo"
    file.write_text(written("again", "ann cy"))
    daemon.synced("again", "ann cy")


def test_a_renamed_file_is_the_same_plugin(daemon):
    file = daemon.folder / "before.py"
    file.write_text(written("moved"))
    daemon.synced("moved", "ann bo")
    file.rename(daemon.folder / "after.py")
    (daemon.folder / "after.py").write_text(written("moved", "ann bo cy"))
    daemon.synced("moved", "ann bo cy")
    assert not {"before", "after"} & daemon.plugins().keys()


def test_the_whole_folder_is_replaced(daemon):
    """As a checkout or a configuration manager does it."""
    fresh = daemon.folder.with_name("plugins.new")
    fresh.mkdir()
    (fresh / "only.py").write_text(written("only"))
    daemon.folder.rename(daemon.folder.with_name("plugins.old"))
    fresh.rename(daemon.folder)
    daemon.until(lambda: daemon.plugins() == {"only": ("ok", None)}, 20)
    daemon.synced("only", "ann bo")
    (daemon.folder / "only.py").write_text(written("only", "ann"))
    daemon.synced("only", "ann")


def test_the_daemon_has_borne_it_all(daemon):
    assert daemon.process.poll() is None
    assert "Traceback" not in daemon.log()
