"""A storm: twind on a small life, killed again and again while that life is lived and told of.

    python -m tests.system.storm --kills 500 --seed 0

What is killed with SIGKILL is the daemon, one of its workers or a command, at random instants. What
was acknowledged before is remembered, and looked for after each kill. The daemon and the commands
are forks of this process, which has imported what they need: so that many kills fit in a minute.
Their workers are started by the daemon as always.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import re
import select
import signal
import sqlite3
import sys
import tempfile
from collections import Counter
from contextlib import closing, suppress
from datetime import timedelta
from pathlib import Path
from typing import NoReturn

import twind.daemon.service  # noqa: F401 - what the forks run
from tests.system.conftest import CONFIGURATION, Life, alive
from twind import cli
from twind.cli.processes import run_job
from twind.clock import SystemClock, monotonic_s
from twind.daemon import client
from twind.errors import NotRunningError
from twind.model import Proposal
from twind.store import Store, outbox, profiles, proposals

KINDS = {"daemon": 55, "worker": 30, "command": 15}
"""What is killed how often, in percent."""
SOON_S = 1.2
"""How long at most most kills wait; the rest wait for the jobs that take long."""
LONG = {"propose": 10.0, "train": 20.0}
PATIENCE = 0.05
"""The share of kills that wait so long, in seconds at most, for one of the jobs that take long."""
ASKED = 0.2
"""The share of kills before which the user asks for a sync."""

STORMY = (
    CONFIGURATION.replace("enabled = false", "timesteps = 1024\nthreshold = 50.0")
    .replace('quiet = "22:00-06:30"', "quiet = []")
    .replace("poll_s = 5", "poll_s = 1")
)
RECORDER = '''\
"""Keeps what it is given, and dawdles before and after: somebody may kill it there."""

import json
import os
import random
import time
from pathlib import Path

from twind.api import Delivered, hookimpl


class Recorder:
    name = "recorder"

    def notify(self, ctx, notification):
        time.sleep(random.uniform(0, 0.2))
        with (Path(__file__).parents[1] / "told.jsonl").open("a") as file:
            file.write(json.dumps([notification.key, notification.body]) + "\\n")
            file.flush()
            os.fsync(file.fileno())
        time.sleep(random.uniform(0, 0.2))
        yield Delivered("recorder")


@hookimpl
def twind_register(register):
    register(Recorder())
'''


class Fork:
    """`twind ARGV` in a fork of this process, which has imported it already."""

    def __init__(self, life: Life, *argv: str) -> None:
        self.life = life
        self.output = life.root / "output" / f"{monotonic_s():.6f}"
        self.pid = os.fork()
        if self.pid == 0:
            self._become([*argv, "--home", str(life.root)])

    def _become(self, argv: list[str]) -> NoReturn:
        status = 99
        try:
            nothing = os.open(os.devnull, os.O_RDONLY)
            said = os.open(self.output, os.O_WRONLY | os.O_CREAT, 0o600)
            log = os.open(self.life.root / "daemon.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
            for number, file in enumerate((nothing, said, log)):
                os.dup2(file, number)
            status = cli.main(argv)
            sys.stdout.flush()
        finally:
            os._exit(status)

    def kill(self) -> None:
        """Kill it, and whatever it had started has ended when this returns."""
        children = self.workers()
        with suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)
        self.wait()
        end = monotonic_s() + 10
        while any(alive(pid) for pid in children):
            assert monotonic_s() < end, "a worker outlives its daemon"
            pause(0.005)

    def wait(self) -> int:
        """Return its exit status."""
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])

    def workers(self) -> list[int]:
        """Return the processes it has started and that still run."""
        try:
            told = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split()
        except OSError:
            return []
        return [int(pid) for pid in told]


def pause(seconds: float) -> None:
    """Wait."""
    select.select([], [], [], seconds)


class Storm:
    """One storm over one life.

    Attributes:
        kills: how many there were, by what was killed.
        interrupted: which jobs were at work then.
        uncertain: how many deliveries were in flight then.
        lost, doubled: what went wrong, in words.

    """

    def __init__(self, root: Path, seed: int) -> None:
        self.luck = random.Random(seed)
        self.life = Life(root)
        (root / "output").mkdir()
        self.life.home.config_file.write_text(STORMY)
        (root / "plugins" / "recorder.py").write_text(RECORDER)
        self.kills: Counter[str] = Counter()
        self.interrupted: Counter[str] = Counter()
        self.uncertain = 0
        self.lost: list[str] = []
        self.doubled: list[str] = []
        self.answered: Counter[int] = Counter()
        self.perhaps: Counter[int] = Counter()
        self.reviewed: Counter[tuple[int, str]] = Counter()
        self.checked_in = 0
        self.said: list[str] = []
        self.events: list[str] = []
        self.stored: set[tuple[str, str]] = set()
        self.trained = 0
        with Store.open(self.life.home.database) as db:
            profiles.ensure(db, 1)
        self.daemon = self.start()

    # --- the daemon ------------------------------------------------------------------------------

    def start(self) -> Fork:
        """Start a daemon; return it once it answers, whatever became of the last one."""
        daemon, end = Fork(self.life, "run"), monotonic_s() + 30
        while self.ask("status") is None:
            assert os.waitpid(daemon.pid, os.WNOHANG) == (0, 0), self.life.log()[-3000:]
            assert monotonic_s() < end, "the daemon does not answer"
            pause(0.01)
        return daemon

    def ask(self, command: str, **more: object) -> dict[str, object] | None:
        """Give the daemon a command, and do not wait for what comes of it."""
        try:
            return client.request(self.life.home, {"cmd": command, **more}, 20)
        except NotRunningError:
            return None

    def command(self, *argv: str) -> dict[str, object] | None:
        """Run a command; return what it says once it has succeeded."""
        fork = Fork(self.life, *argv, "--json")
        if fork.wait() != 0:
            return None
        return json.loads(fork.output.read_text())["data"]

    # --- what a user and their programs do -------------------------------------------------------

    def live(self) -> None:
        """Do one to three things that twind acts on."""
        deeds = (self.answer, self.meet, self.cancel, self.be_told, self.review, self.check_in)
        for deed in self.luck.sample(deeds, self.luck.randint(1, 3)):
            deed()
        if self.luck.random() < ASKED:
            self.ask("sync")

    def _open_question(self) -> tuple[int, int] | None:
        found = self.life.rows(
            "SELECT q.id, MIN(o.id) FROM questions q JOIN answer_options o ON o.question_id = q.id "
            "WHERE q.active = 1 GROUP BY q.id ORDER BY q.id"
        )
        fresh = [row for row in found if not self.answered[row[0]] + self.perhaps[row[0]]]
        return self.luck.choice(fresh or found) if found else None

    def answer(self) -> None:
        """Answer a question."""
        if (asked := self._open_question()) is not None:
            question, option = asked
            if self.command("ask", "--answer", f"{question}={option}") is not None:
                self.answered[question] += 1

    def check_in(self) -> None:
        """Say how it goes."""
        self.checked_in += self.command("checkin", str(self.luck.randint(1, 5))) is not None

    def meet(self) -> None:
        """Put a meeting into the calendar."""
        uid = f"new{len(self.events)}"
        self.events.append(uid)
        self.life.add_event(
            self.life.event(uid, self.luck.randint(3, 60), "1400", "1500", f"Meeting {uid}")
        )

    def cancel(self) -> None:
        """Take one out again."""
        calendar = self.life.root / "cal.ics"
        kept, found, rest = calendar.read_text().rpartition("BEGIN:VEVENT\r\nUID:new")
        if found:
            beside = calendar.with_suffix(".new")
            beside.write_text(kept + rest.partition("END:VEVENT\r\n")[2])
            beside.replace(calendar)

    def be_told(self) -> None:
        """Have a proposal, and a message to be sent, as the job `propose` makes them."""
        word = f"say-{len(self.said)}."
        start = SystemClock().now() + timedelta(days=2, minutes=15 * self.luck.randint(0, 90))
        one = Proposal(
            day=start.date(),
            action="learn",
            target=None,
            start=start,
            end=start + timedelta(minutes=15),
            duration_min=15,
            intensity="normal",
            text=word,
            confidence=0.5,
            reasons=(),
            would_change="",
        )
        with Store.open(self.life.home.database) as db, db.transaction():
            ids = proposals.add(db, 1, [one], {})
            outbox.put(db, 1, word, {"title": "twind says", "body": word, "ids": ids})
        self.said.append(word)
        self.ask("resume")  # looks at what is due

    def review(self) -> None:
        """Answer a proposal."""
        waiting = self.life.rows("SELECT id FROM recommendations WHERE status = 'pending'")
        if waiting:
            [number] = self.luck.choice(waiting)
            action = self.luck.choice(("accept", "reject"))
            if self.command("review", str(number), f"--{action}") is not None:
                self.reviewed[number, action] += 1

    # --- kills -----------------------------------------------------------------------------------

    def strike(self) -> None:
        """Live a little, kill something at a random instant, and look at what is left."""
        self.live()
        if self.luck.random() < PATIENCE:
            job = self.luck.choice(list(LONG))
            self.ask(job)
            pause(self.luck.uniform(0.0, LONG[job]))
        else:
            pause(self.luck.uniform(0.0, SOON_S))
        [kind] = self.luck.choices(list(KINDS), list(KINDS.values()))
        if kind == "worker" and self.kill_worker():
            self.kills["worker"] += 1
        elif kind == "command" and (asked := self._open_question()) is not None:
            self.kill_answer(*asked)
            self.kills["command"] += 1
        else:
            self.kill_daemon()
            self.kills["daemon"] += 1
        self.look()

    def kill_worker(self) -> bool:
        """Kill a worker; tell whether there was one that lived."""
        workers = self.daemon.workers()
        if not workers:
            return False
        victim = self.luck.choice(workers)
        try:
            [*_, job] = Path(f"/proc/{victim}/cmdline").read_text().rstrip("\0").split("\0")
            os.kill(victim, signal.SIGKILL)
        except (ProcessLookupError, FileNotFoundError):
            return False
        if job:  # else it has ended, and is not yet waited for
            self.interrupted[job] += 1
        return bool(job)

    def kill_answer(self, question: int, option: int) -> None:
        """Kill a command while it takes an answer; perhaps it has."""
        fork = Fork(self.life, "ask", "--answer", f"{question}={option}", "--json")
        pause(self.luck.uniform(0.0, 0.08))
        with suppress(ProcessLookupError):
            os.kill(fork.pid, signal.SIGKILL)
        taken = self.answered if fork.wait() == 0 else self.perhaps
        taken[question] += 1

    def kill_daemon(self) -> None:
        """Kill it, and start another; what was in flight is uncertain then."""
        self.daemon.kill()
        running = self.life.rows("SELECT name FROM jobs WHERE state = 'running'")
        self.interrupted.update(name for (name,) in running)
        flying = self.life.rows("SELECT message_id, channel FROM deliveries WHERE state='sending'")
        self.uncertain += len(flying)
        self.daemon = self.start()
        for number, channel in flying:
            states = self.life.rows(
                "SELECT state FROM deliveries "
                f"WHERE message_id = {number} AND channel = '{channel}'"
            )
            if states != [("uncertain",)]:
                self.lost.append(f"message {number} was in flight, and is {states}")
        told = self.ask("status") or {}
        if not told.get("interrupted"):
            self.lost.append("the status does not say that twind was interrupted")

    # --- what must be ----------------------------------------------------------------------------

    def look(self) -> None:
        """Look for whatever is damaged, lost or doubled."""
        with closing(sqlite3.connect(self.life.home.database, timeout=20)) as db:
            db.execute("BEGIN")  # one moment
            if (told := db.execute("PRAGMA integrity_check").fetchall()) != [("ok",)]:
                self.lost.append(f"integrity: {told}")
            if told := db.execute("PRAGMA foreign_key_check").fetchall():
                self.lost.append(f"foreign keys: {told}")
            self._look_at_words(db)
            self._look_at_records(db)
            self._look_at_models(db)
        self._look_at_messages()

    def _look_at_words(self, db: sqlite3.Connection) -> None:
        found = Counter(row[0] for row in db.execute("SELECT question_id FROM responses"))
        for question in found | self.answered:
            least, most = self.answered[question], self.answered[question] + self.perhaps[question]
            self._compare(f"answer to {question}", found[question], least, most)
        given = Counter(db.execute("SELECT recommendation_id, action FROM feedback").fetchall())
        for one in given | self.reviewed:
            self._compare(f"feedback {one}", given[one], self.reviewed[one], self.reviewed[one])
        [[checkins]] = db.execute("SELECT COUNT(*) FROM checkins")
        self._compare("check-ins", checkins, self.checked_in, self.checked_in)

    def _compare(self, what: str, found: int, least: int, most: int) -> None:
        if found < least:
            self.lost.append(f"{what}: {found} of {least}")
        if found > most:
            self.doubled.append(f"{what}: {found}, not {most}")

    def _look_at_records(self, db: sqlite3.Connection) -> None:
        rows = [tuple(row) for row in db.execute("SELECT source, uid FROM records")]
        self._compare("records", len(rows), len(set(rows)), len(set(rows)))
        calendar = (self.life.root / "cal.ics").read_text()
        gone = {one for one in self.stored.difference(rows) if f"UID:{one[1]}\r" in calendar}
        self.lost += [f"record {one}" for one in gone]
        self.stored = set(rows)

    def _look_at_models(self, db: sqlite3.Connection) -> None:
        [[self.trained]] = db.execute("SELECT COUNT(*) FROM models WHERE kind = 'ppo'")
        serving = db.execute("SELECT COUNT(*) FROM models WHERE state = 'serving'").fetchone()[0]
        self._compare("serving models", serving, 0, 1)
        for (file,) in db.execute("SELECT file FROM models WHERE state = 'serving' AND file != ''"):
            if not (self.life.home.models_dir / file).exists():
                self.lost.append(f"the model that serves, {file}")

    def _look_at_messages(self) -> None:
        told = self.told()
        for key, times in Counter(key for key, _ in told).items():
            self._compare(f"message {key}", times, 0, 1)
        for word, times in self.words_told().items():
            self._compare(f"message {word}", times, 0, 1)

    def told(self) -> list[tuple[str, str]]:
        """Return what reached the user: (key, body)."""
        with suppress(FileNotFoundError):
            lines = (self.life.root / "told.jsonl").read_text().splitlines()
            return [tuple(json.loads(line)) for line in lines]
        return []

    def words_told(self) -> Counter[str]:
        """Count the messages of `be_told` that reached the user."""
        return Counter(word for _, body in self.told() for word in re.findall(r"say-\d+\.", body))

    # --- afterwards ------------------------------------------------------------------------------

    def settle(self) -> None:
        """Let the daemon come to rest, and hold what it has against a twin that was never hit."""
        # What was hit too often in a row rests; this brings all of it back.
        for command in ("reload", "sync", "propose"):
            self.ask(command)
        end = monotonic_s() + 300
        while self._is_busy():
            assert monotonic_s() < end, self.ask("status")
            pause(0.3)
        self.look()
        states = dict(self.life.rows("SELECT key, state FROM outbox"))
        words = self.words_told()
        for word in self.said:
            if states.get(word) not in {"sent", "uncertain", "dropped"}:
                self.lost.append(f"message {word} is {states.get(word)}")
            if states.get(word) == "sent" and not words[word]:
                self.lost.append(f"message {word} was sent and did not arrive")
        os.kill(self.daemon.pid, signal.SIGTERM)
        if (status := self.daemon.wait()) != 0:
            self.lost.append(f"the daemon ended with {status}")
        mine, untouched = self._records(), self._untouched()
        self.lost += [f"record {one}" for one in untouched - mine]
        self.doubled += [f"record {one}" for one in mine - untouched]

    def _is_busy(self) -> bool:
        waiting = "SELECT 1 FROM outbox WHERE state IN ('pending', 'sending')"
        working = "SELECT 1 FROM jobs WHERE state IN ('queued', 'running')"
        # What reads the sources and was killed is tried again within a minute or two, by itself or
        # with all others.
        unread = (
            "SELECT 1 FROM jobs AS lost WHERE name IN ('inspect', 'sync') AND state = 'failed' "
            "AND json_extract(error, '$.code') != 'interrupted' AND NOT EXISTS (SELECT 1 FROM jobs "
            "WHERE name = lost.name AND id > lost.id AND args IN (lost.args, '{}'))"
        )
        if self.life.rows(working) or self.life.rows(unread):
            return True
        if self.life.rows(waiting):
            self.ask("resume")
            return True
        return False

    def _records(self) -> Counter[tuple[object, ...]]:
        return Counter(self.life.rows("SELECT source, uid, digest FROM records"))

    def _untouched(self) -> Counter[tuple[object, ...]]:
        """Return the records that a fresh database has of the same files."""
        database = self.life.home.database
        database.rename(database.with_name("stormy.db"))
        run_job(self.life.home, "sync")
        return self._records()

    def figures(self, seconds: float) -> dict[str, object]:
        """Return what the storm has shown, as JSON."""
        return {
            "kills": dict(self.kills),
            "jobs interrupted": dict(self.interrupted),
            "acknowledged": {
                "answers": self.answered.total(),
                "feedback": self.reviewed.total(),
                "check-ins": self.checked_in,
                "messages": len(self.said),
                "calendar changes": len(self.events),
            },
            "in flight, then uncertain": self.uncertain,
            "trained": self.trained,
            "lost": self.lost,
            "doubled": self.doubled,
            "seconds": round(seconds, 1),
        }


def rage(root: Path, kills: int, seed: int) -> dict[str, object]:
    """Run one storm in a folder and return its figures."""
    began = monotonic_s()
    storm = Storm(root, seed)
    try:
        for number in range(1, kills + 1):
            storm.strike()
            if number % 25 == 0:
                so_far = f"{len(storm.lost)} lost, {len(storm.doubled)} doubled"
                print(f"{number} kills: {so_far}", file=sys.stderr, flush=True)  # noqa: T201
        storm.settle()
    finally:
        with suppress(ChildProcessError):
            storm.daemon.kill()
    return storm.figures(monotonic_s() - began)


def main() -> int:
    """Print a storm's figures; 1 where anything was lost or doubled."""
    parser = argparse.ArgumentParser(description="Kill twind again and again.")
    parser.add_argument("--kills", type=int, default=500)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--keep", metavar="FOLDER", help="an empty folder, to be kept")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="twind-") as folder:
        figures = rage(Path(arguments.keep or folder), arguments.kills, arguments.seed)
    print(json.dumps(figures, indent=1))  # noqa: T201
    return 1 if figures["lost"] or figures["doubled"] else 0


if __name__ == "__main__":
    sys.exit(main())
