"""The power goes, and the disk forgets what was not synced: what was acknowledged is there."""

from __future__ import annotations

import json
import random
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing

import pytest

from tests.system.disk import Disk
from tests.system.inside.twind_test_disk import library
from twind.store import Store, outbox, profiles

pytestmark = [
    pytest.mark.soak,
    pytest.mark.timeout(1200),
    pytest.mark.skipif(library() is None, reason="Python's sqlite3 has SQLite inside"),
]

CUTS = 100
RECORDER = """\
import json
from pathlib import Path
from twind.api import Delivered, hookimpl

HERE = Path(__file__).parents[1]

class Recorder:
    name = "recorder"
    def notify(self, ctx, notification):
        at = (HERE / "disk" / "journal").stat().st_size
        with (HERE / "told").open("a") as file:
            file.write(json.dumps([at, notification.key]) + "\\n")
        yield Delivered("recorder")

@hookimpl
def twind_register(register):
    register(Recorder())
"""


SAY = """\
import sys
from pathlib import Path
from twind.store import Store, outbox

with Store.open(Path(sys.argv[1])) as db:
    outbox.put(db, 1, sys.argv[2], {"title": "twind says", "body": ""})
"""


@pytest.fixture
def disk(tmp_path, monkeypatch):
    """A disk under the home that `own_life` makes in the same folder."""
    (tmp_path / "disk").mkdir()
    disk = Disk(tmp_path / "disk")
    for name, value in disk.variables.items():
        monkeypatch.setenv(name, value)
    return disk


class Lived:
    """A life on a disk, and how far its journal was when something was acknowledged."""

    def __init__(self, life, disk, eventually):
        self.life, self.disk = life, disk
        self.answers: list[tuple[int, int]] = []
        self.events: list[tuple[int, str]] = []
        plugin = life.root / "plugins" / "recorder.py"
        plugin.write_text(RECORDER)
        configuration = life.home.config_file
        configuration.write_text(
            configuration.read_text().replace('quiet = "22:00-06:30"', "quiet = []")
        )
        daemon = life.start()
        eventually(life.synced, 300)
        eventually(lambda: life.rows("SELECT 1 FROM questions"), 300)
        for number in range(4):
            self._go_on(number, eventually)
        daemon.end()

    def _go_on(self, number, eventually):
        life = self.life
        [(question, option)] = life.rows(
            "SELECT question_id, MIN(id) FROM answer_options GROUP BY question_id "
            f"ORDER BY question_id LIMIT 1 OFFSET {number}"
        )
        noted = life.twind("ask", "--answer", f"{question}={option}")
        self.answers.append((self.disk.now(), noted["response"]))
        uid = f"new{number}"
        life.add_event(life.event(uid, 3 + number, "1400", "1500"))
        eventually(lambda: life.rows(f"SELECT 1 FROM records WHERE uid = '{uid}'"), 120)
        self.events.append((self.disk.now(), uid))
        # In a process of its own: this one does not live on that disk.
        words = [sys.executable, "-c", SAY, str(life.home.database), f"say {number}"]
        subprocess.run(words, check=True)
        life.twind("ctl", "resume")
        sent = f"SELECT 1 FROM outbox WHERE key = 'say {number}' AND state = 'sent'"
        eventually(lambda: life.rows(sent), 120)

    def told(self):
        return [json.loads(line) for line in (self.life.root / "told").read_text().splitlines()]


def assert_all_there(lived, at, database):
    with closing(sqlite3.connect(database)) as db:
        assert db.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert db.execute("PRAGMA foreign_key_check").fetchall() == []
    with Store.open(database) as db:
        answers = [row[0] for row in db.rows("SELECT id FROM responses")]
        assert len(answers) == len(set(answers))
        assert {one for then, one in lived.answers if then <= at} <= set(answers)
        uids = [row[0] for row in db.rows("SELECT uid FROM records")]
        assert len(uids) == len(set(uids))
        assert {one for then, one in lived.events if then <= at} <= set(uids)
        profiles.ensure(db, 1)
        outbox.mark_uncertain(db)
        again = {message.key for message in outbox.due(db, 1)}
        assert not again.intersection(key for then, key in lived.told() if then <= at)


def test_what_was_acknowledged_survives_a_power_cut_at_any_moment(
    own_life, disk, eventually, tmp_path
):
    lived = Lived(own_life, disk, eventually)
    assert len(lived.told()) >= 4
    ends = [begun for begun, _, _ in disk.journal()]
    luck = random.Random(20261123)
    moments = luck.choices(ends[1:], k=CUTS) + [then for then, _ in lived.answers + lived.events]
    for at, files in disk.after_power_cuts(own_life.root, moments, luck):
        place = tmp_path / "cut"
        place.mkdir()
        for name, content in files.items():
            (place / name).write_bytes(content)
        assert_all_there(lived, at, place / "twind.db")
        shutil.rmtree(place)
