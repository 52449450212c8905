"""`twind demo`: the main job for real, on a bundled sample life.

Nothing here is scripted: a real daemon syncs real files, and every number comes from its answers or
from the commands that anybody can type. Only the person is made up.
"""

from __future__ import annotations

import contextlib
import io
import json
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import contextmanager
from datetime import date, datetime, timedelta
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.text import Text

from twind import cli, sample, settings
from twind.cli.output import FAILED
from twind.clock import SystemClock, monotonic_s, system_zone_name
from twind.daemon import client
from twind.errors import JobError, TwindError
from twind.home import Home
from twind.plaintext import shown
from twind.store import Store, life
from twind.store.projection import SINGLE_TASKS

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Iterator

    from twind.cli.output import Output

ENERGY = 3
SOURCES = ("calendar", "tasks", "contacts")
ANSWERS, MOST_QUESTIONS = 4, 6
TIMESTEPS = 4096
AHEAD_DAYS = 60
PATTERNS_SHOWN, CHANGES_SHOWN = 8, 4
NOTABLE = 0.01
"""Change of strength and confidence together from which on an aspect counts as moved."""
HALF_BAR = 10
PLAIN_WIDTH = 100

POLL_S = 0.25
QUICK_S = 10.0
SYNC_S, JOB_S, STOP_S = 60.0, 300.0, 10.0
LOG_LINES = 5

REASONS = {
    "rest": "I'd only lie there thinking about glue",
    "work": "it has waited so far, and it waits so well",
    "social": "I have been among people all week",
    "learn": "nothing more goes into this head",
    "create": "the muse is at the dentist's",
    "exercise": "my shoulder votes against it",
    "outdoors": "have you seen the weather",
    "reflect": "I'd rather sand something",
    "help": "first I help myself to some soup",
    "plan": "a plan is what I make when I would rather not begin",
}
ABOUT = {
    "Taxes": "the shoebox and I are not on speaking terms",
    "Learn Portuguese": "my head is full of verbs",
    "Abernathy cabinet": "the workshop can wait, the varnish is not going anywhere",
    "Captain's bench": "the workshop can wait, the varnish is not going anywhere",
}
"""What Ada says when she turns something down: of these projects, and else by what was proposed.
None of it is about the hour: it counts in full."""


def demo(arguments: argparse.Namespace, out: Output) -> int:
    """Show twind at work; `--home` keeps what it made, to look around in."""
    return run(None if arguments.home is None else Path(arguments.home), out)


def run(home: Path | None, out: Output) -> int:
    """Live through a morning with the sample person and return the exit status.

    home: a folder that does not exist or is empty, and is kept; None: a temporary one.
    """
    began = monotonic_s()
    show = Show(Console(file=sys.stdout, highlight=False, **_terminal()))
    try:
        with _INTERRUPT.heeded(), _folder(home) as root:
            _tour(Home.under(root), show, began, keep=home is not None)
    except (TwindError, OSError) as error:
        out.note(f"twind demo: {error}")
        return FAILED
    return 0


def _terminal() -> dict[str, Any]:
    """Return how the console is to draw: off a terminal plainly, whatever the environment says."""
    if sys.stdout.isatty():
        return {}
    return {"force_terminal": False, "no_color": True, "color_system": None, "width": PLAIN_WIDTH}


def _tour(home: Home, show: Show, began: float, *, keep: bool) -> None:
    root = home.state_dir
    zone = ZoneInfo(system_zone_name())
    sample.write(root, SystemClock().now().astimezone(zone).date(), zone)
    show.say(sample.about())
    with _daemon(home) as process:
        _read_sources(home, process, show, zone)
        start = _patterns(home)
        _answer_questions(home, show)
        _check_in(home, show)
        _show_patterns(show, start, _patterns(home))
        _train(home, process, show)
        proposed = _propose(home, process, show)
        _give_feedback(home, show, proposed)
        _show_status(home, show)
        show.chapter("Stopping it", "twind ctl stop")
        _twind(home, "ctl", "stop")
        if process.wait(STOP_S) != 0:
            raise JobError(f"the daemon ended with status {process.returncode}")
    show.say(f"The daemon has ended. All of this took {monotonic_s() - began:.0f} s.")
    _what_next(show, root if keep else None)


# --- the daemon -----------------------------------------------------------------------------------


@contextmanager
def _folder(home: Path | None) -> Iterator[Path]:
    """Yield the folder of a fresh home. Raises TwindError for one that is in use."""
    if home is None:
        root = Path(tempfile.mkdtemp(prefix="twind-demo-"))
        try:
            yield root
        finally:
            shutil.rmtree(root, ignore_errors=True)
        return
    root = home.expanduser().absolute()
    if root.exists() and (not root.is_dir() or any(root.iterdir())):
        raise TwindError(f"{root} is not empty; the demo needs a folder of its own")
    root.mkdir(mode=0o700, parents=True, exist_ok=True)
    yield root


class _Interrupt:
    """Ends the demo on Ctrl-C and SIGTERM, where it is safe to.

    An exception raised by a signal's handler can strike between `subprocess` taking a lock and
    noting that it has it, after which nothing can wait for the daemon any more. So the first signal
    is only remembered, and raised at the next `check`; the second one strikes at once.
    """

    def __init__(self) -> None:
        self._asked = False

    @contextmanager
    def heeded(self) -> Iterator[None]:
        """Take the two signals over for the block (only a process's main thread can)."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        self._asked = False
        before = {
            number: signal.signal(number, self._remember)
            for number in (signal.SIGINT, signal.SIGTERM)
        }
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def check(self) -> None:
        """Raise KeyboardInterrupt if a signal came."""
        if self._asked:
            raise KeyboardInterrupt

    def _remember(self, _number: int, _frame: object) -> None:
        self.check()
        self._asked = True


_INTERRUPT = _Interrupt()


@contextmanager
def _daemon(home: Home) -> Iterator[subprocess.Popen[bytes]]:
    """Run a real daemon on `home`; it has ended when the block is left, however it is left.

    It gets a session of its own: a Ctrl-C is meant for us, and we stop it. When something fails,
    the last lines of its log go with the error.
    """
    journal = home.state_dir / "daemon.log"
    with journal.open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "twind", "run", "--home", str(home.root)],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        yield process
    except TwindError as error:
        _end(process)
        last = journal.read_text("utf-8", "replace").splitlines()[-LOG_LINES:]
        told = TwindError("\n  ".join([str(error), "the daemon's last words:", *last]))
        raise told from error
    finally:
        _end(process)


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _pause(process: subprocess.Popen[bytes]) -> None:
    """Wait a moment. Raises JobError if the daemon has ended, KeyboardInterrupt if we are to."""
    time.sleep(POLL_S)
    _check(process)


def _check(process: subprocess.Popen[bytes]) -> None:
    _INTERRUPT.check()
    if process.poll() is not None:
        raise JobError(f"the daemon ended by itself, with status {process.returncode}")


def _status(home: Home) -> dict[str, Any] | None:
    """Return the daemon's status, None while it does not answer yet."""
    try:
        return client.request(home, {"cmd": "status"}, QUICK_S)
    except TwindError as error:
        if error.code == "not_running":
            return None
        raise


def _ask_daemon(
    home: Home,
    process: subprocess.Popen[bytes],
    command: dict[str, Any],
    on_progress: Callable[[dict[str, Any]], None] = lambda _: None,
) -> dict[str, Any]:
    """Have the daemon do a job, tell its progress while it is at it, and return its result."""
    answer: dict[str, Any] = {}

    def ask() -> None:
        try:
            answer["data"] = client.request(home, {**command, "wait": True}, JOB_S)
        except TwindError as error:
            answer["error"] = error

    asking = threading.Thread(target=ask, daemon=True)
    asking.start()
    while asking.is_alive():
        status = _status(home) or {}
        for job in status.get("running", ()):
            if job["job"] == command["cmd"] and job.get("progress"):
                on_progress(job["progress"])
        asking.join(POLL_S)
        _check(process)
    if "error" in answer:
        raise answer["error"]
    data: dict[str, Any] = answer["data"]
    return data


def _twind(home: Home, *command: str) -> dict[str, Any]:
    """Run a command of the command line in its `--json` form and return the data it reports."""
    told = io.StringIO()
    with contextlib.redirect_stdout(told):
        cli.main([*command, "--home", str(home.root), "--json"])
    _INTERRUPT.check()
    answer = json.loads(told.getvalue())
    if not answer["ok"]:
        error = TwindError(f"twind {' '.join(command)}: {answer['error']['message']}")
        error.code = answer["error"]["code"]
        raise error
    data: dict[str, Any] = answer["data"]
    return data


# --- the stations ---------------------------------------------------------------------------------


def _read_sources(home: Home, process: subprocess.Popen[bytes], show: Show, zone: ZoneInfo) -> None:
    show.chapter("A calendar, a todo.txt and some contacts", "twind run")
    with show.waiting("the daemon starts and reads them"):
        status = _synced(home, process)
    now = SystemClock().now().astimezone(zone)
    with Store.open(home.database) as db:
        people = life.people(db, 1, now, settings.load(home).emails)
        projects = life.projects(db, 1)
        ahead = life.events(db, 1, now, now + timedelta(days=AHEAD_DAYS))
    records = {plugin["name"]: plugin["records"] for plugin in status["plugins"]}
    show.row("calendar", f"{records['calendar']} events, {len(ahead)} of them still ahead")
    steps = [step for project in projects for step in project.steps]
    undone = sum(1 for step in steps if not step.done)
    named = sum(1 for project in projects if project.name != SINGLE_TASKS)
    show.row(
        "tasks", f"{undone} open and {len(steps) - undone} done, in {named} projects and odd jobs"
    )
    show.row("contacts", f"{len(people)} people, {_seen_most(people)}")
    dues = [(step.due, step.text) for step in steps if step.due and not step.done]
    if dues:
        due, text = min(dues)
        # A day's end is the next day's beginning: step back into the day that is meant.
        day = due.astimezone(zone) - timedelta(seconds=1)
        show.row("next due", f"{text} ({day:%A, %d %B})")


def _seen_most(people: list[life.PersonRow]) -> str:
    most = max(people, key=lambda one: len(one.contacts))
    met = [one for one in people if one.contacts]
    longest = min(met, key=lambda one: one.contacts[-1])
    days = (SystemClock().now() - longest.contacts[-1]).days
    return f"{most.name} met {len(most.contacts)} times, {longest.name} not for {days} days"


def _synced(home: Home, process: subprocess.Popen[bytes]) -> dict[str, Any]:
    """Wait until the three sources are in and what they say has been read for patterns."""
    deadline = monotonic_s() + SYNC_S
    while monotonic_s() < deadline:
        status = _status(home)
        if status is not None:
            plugins = {one["name"]: one for one in status["plugins"]}
            for plugin in plugins.values():
                if plugin["name"] in SOURCES and plugin["state"] == "failed":
                    raise JobError(f"plugin {plugin['name']}: {plugin['last_error']}")
            fetched = [plugins.get(name, {}).get("last_ok_at") for name in SOURCES]
            if all(fetched) and status["patterns"]["count"]:
                return status
        _pause(process)
    raise JobError(f"the daemon had not read the three sources within {SYNC_S:.0f} s")


def _answer_questions(home: Home, show: Show) -> None:
    show.chapter("It asks what would teach it most", "twind ask")
    answered = 0
    for _ in range(MOST_QUESTIONS):
        with show.waiting("choosing a question", quiet=True):
            question = _twind(home, "ask")
        if question["id"] is None:
            show.say(f"It stops asking: {question['silent_because']}.")
            return
        options = question["options"]
        taken = sample.choose(question["text"], [option["text"] for option in options])
        said = "skip" if taken is None else str(options[taken]["id"])
        _twind(home, "ask", "--answer", f"{question['id']}={said}")
        show.say(f"? {question['text']}", "bold")
        show.say("  → a shrug (skipped)" if taken is None else f"  → {options[taken]['text']}")
        answered += taken is not None
        if answered == ANSWERS:
            return


def _check_in(home: Home, show: Show) -> None:
    show.chapter("She says how her energy is", f"twind checkin {ENERGY}")
    told = _twind(home, "checkin", str(ENERGY))["checkin"]
    show.say(f"{told['level']} of 5: the rest of today is planned with it.")


def _patterns(home: Home) -> dict[str, dict[str, Any]]:
    return {one["code"]: one for one in _twind(home, "patterns")["patterns"]}


def _show_patterns(
    show: Show, before: dict[str, dict[str, Any]], after: dict[str, dict[str, Any]]
) -> None:
    show.chapter("What it believes of her so far", "twind patterns")
    known = sorted(
        (one for one in after.values() if one["evidence_count"]),
        key=lambda one: -abs(one["strength"]) * one["confidence"],
    )
    for one in known[:PATTERNS_SHOWN]:
        name = f"{one['dimension']}: {one['aspect'].replace('_', ' ')}"
        show.say(
            f"  {name:<36}{_bar(one['strength'])} {one['strength']:+.2f}"
            f"  sure {one['confidence']:>4.0%}  from {one['evidence_count']}"
        )
    moved = sum(
        1
        for code, one in after.items()
        if code in before and one["evidence_count"] > before[code]["evidence_count"]
    )
    told = f"; her answers spoke of {moved}" if moved else ""
    show.say(f"  {len(known)} of {len(after)} aspects have evidence{told}.", "dim")


def _bar(strength: float) -> str:
    """Return a strength in [-1, 1] as a bar to the left or the right of a middle."""
    filled = "█" * round(min(1.0, abs(strength)) * HALF_BAR)
    left, right = (filled, "") if strength < 0 else ("", filled)
    return f"{left:>{HALF_BAR}}│{right:<{HALF_BAR}}"


def _train(home: Home, process: subprocess.Popen[bytes], show: Show) -> None:
    show.chapter("It rehearses her days", f"twind ctl train --timesteps {TIMESTEPS}")
    with show.progress("simulated decisions", TIMESTEPS) as reached:
        data = _ask_daemon(
            home,
            process,
            {"cmd": "train", "timesteps": TIMESTEPS},
            lambda progress: reached(int(progress.get("timesteps", 0))),
        )
        reached(data["timesteps"])
    show.say(
        f"{data['timesteps']:,} decisions in {data['seconds']:.0f} s. On simulated days that none "
        "of them had seen, per day:"
    )
    for entry in sorted(data["field"], key=lambda one: -one["mean"]):
        mark = "  ← serves" if entry["name"] == data["serving"] else ""
        name = entry["name"].replace("_", " ")
        show.say(
            f"  {name:<20}{entry['mean']:8.2f}   [{entry['low']:.2f}, {entry['high']:.2f}]{mark}"
        )


def _propose(home: Home, process: subprocess.Popen[bytes], show: Show) -> list[dict[str, Any]]:
    show.chapter("What it proposes", "twind ctl propose")
    with show.waiting("searching the free hours of today and tomorrow"):
        data = _ask_daemon(home, process, {"cmd": "propose"})
    proposed: list[dict[str, Any]] = data["proposals"]
    if not proposed:
        show.say(f"Nothing, and on purpose: {data.get('silent_because')}.")
    for day, group in groupby(proposed, key=lambda one: str(one["day"])):
        show.say(f"{date.fromisoformat(day):%A, %d %B}", "bold")
        for one in group:
            _show_proposal(show, one)
    return proposed


def _show_proposal(show: Show, proposal: dict[str, Any]) -> None:
    start, end = (datetime.fromisoformat(proposal[key]) for key in ("start", "end"))
    show.say(f"  {start:%H:%M}-{end:%H:%M}  {proposal['text']}", "cyan")
    for reason in proposal["reasons"][:3]:
        show.say(f"{'':<15}{reason['weight']:>4.0%}  {reason['text']}")
        for row in reason["evidence"][:1]:
            show.say(f"{'':<21}e.g. {row['text']}", "dim")
    show.say(f"{'':<15}she would take it up: {proposal['confidence']:.0%}", "dim")
    if proposal["would_change"]:
        show.say(f"{'':<15}{proposal['would_change']}", "dim")


def _give_feedback(home: Home, show: Show, proposed: list[dict[str, Any]]) -> None:
    if not proposed:
        return
    show.chapter("Ada says what she thinks of it", "twind review ID --accept | --reject")
    before = _patterns(home)
    liked = max(proposed, key=lambda one: one["confidence"])
    others = [one for one in proposed if one is not liked]
    _twind(home, "review", str(liked["id"]), "--accept")
    show.say(f"  ✓ {liked['text']}", "green")
    if others:
        refused = min(others, key=lambda one: one["confidence"])
        reason = _objection(refused)
        _twind(home, "review", str(refused["id"]), "--reject", "--reason", reason)
        show.say(f"  ✗ {refused['text']} — “{reason}”", "red")
    _show_changes(home, show, before, _patterns(home))


def _objection(proposal: dict[str, Any]) -> str:
    name = (proposal["target"] or {"name": ""})["name"]
    return ABOUT.get(name) or REASONS.get(proposal["action"], "not in the mood")


def _show_changes(
    home: Home,
    show: Show,
    before: dict[str, dict[str, Any]],
    after: dict[str, dict[str, Any]],
) -> None:
    moved = {
        code: abs(after[code]["strength"] - before[code]["strength"])
        + abs(after[code]["confidence"] - before[code]["confidence"])
        for code in after
        if code in before
    }
    changed = [
        code for code in sorted(moved, key=lambda code: -moved[code]) if moved[code] >= NOTABLE
    ]
    show.say(f"That moved {len(changed)} of the {len(after)} aspects, these the most:")
    for code in changed[:CHANGES_SHOWN]:
        then, now = before[code], after[code]
        name = f"{now['dimension']}: {now['aspect'].replace('_', ' ')}"
        show.say(
            f"  {name:<36}{then['strength']:+.3f} → {now['strength']:+.3f}   "
            f"sure {then['confidence']:.1%} → {now['confidence']:.1%}"
        )
        evidence = _twind(home, "patterns", code)["evidence"]
        for row in [one for one in evidence if one["table"] == "feedback"][:2]:
            show.say(f"      {row['text']}", "dim")


def _show_status(home: Home, show: Show) -> None:
    show.chapter("How it is", "twind ctl status")
    status = _twind(home, "ctl", "status")
    plugins = ", ".join(f"{one['name']} {one['state']}" for one in status["plugins"])
    show.row("plugins", plugins)
    proposals, model = status["proposals"], status["model"]
    rate = proposals["acceptance_rate"]
    told = "" if rate is None else f" ({rate:.0%} of those answered taken up)"
    show.row(
        "proposals",
        f"{proposals['pending']} pending, {proposals['accepted']} accepted, "
        f"{proposals['rejected']} rejected{told}",
    )
    show.row("decides", "the base policy" if model is None else f"{model['kind']} ({model['id']})")
    for one in status["next"][:2]:
        show.row("next", f"{one['job']} on {datetime.fromisoformat(one['at']):%A at %H:%M}")


def _what_next(show: Show, root: Path | None) -> None:
    show.chapter("Now with your own files")
    show.say(
        "  twind init             writes a twind.toml: name your .ics, todo.txt and .vcf in it"
    )
    show.say("  twind run &            the daemon (or: systemctl --user start twind)")
    show.say("  twind ask              a few good questions")
    show.say("  twind ctl propose      what to do today, and why")
    show.say("  twind review           accept, change or reject")
    if root is None:
        show.say("Ada's life is gone again; `twind demo --home DIR` keeps it to look around in.")
    else:
        show.say(f"Ada's life stays in {root}: twind patterns --home {root}")


# --- how it looks ---------------------------------------------------------------------------------


class Show:
    """Prints the demo: with life on a terminal, as a plain log elsewhere."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def chapter(self, title: str, command: str = "") -> None:
        """Begin a station, with the command that anybody can type for it."""
        line = Text(f"\n── {title} ", style="bold")
        if command:
            line.append(f"  $ {command}", style="not bold dim")
        self._console.print(line)

    def say(self, text: str, style: str = "") -> None:
        """Print one paragraph."""
        self._console.print(Text(shown(text), style=style))

    def row(self, name: str, text: str) -> None:
        """Print one line of a table of two columns."""
        self.say(f"  {name:<12}{text}")

    @contextmanager
    def waiting(self, text: str, *, quiet: bool = False) -> Iterator[None]:
        """Show that something is under way; a plain log says so once, and not at all if quiet."""
        if self._console.is_terminal:
            with self._console.status(Text(f"{text} …")):
                yield
            return
        if not quiet:
            self.say(f"{text} …")
        yield

    @contextmanager
    def progress(self, text: str, total: int) -> Iterator[Callable[[int], None]]:
        """Yield a function to call with how many of `total` are done."""
        if not self._console.is_terminal:
            yield self._log_quarters(text, total)
            return
        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.completed:,.0f} of {task.total:,.0f}"),
            TimeElapsedColumn(),
        )
        with Progress(*columns, console=self._console, transient=True) as bar:
            task = bar.add_task(text, total=total)
            yield lambda done: bar.update(task, completed=min(done, total))

    def _log_quarters(self, text: str, total: int) -> Callable[[int], None]:
        told = 0

        def reached(done: int) -> None:
            nonlocal told
            quarter = min(4, done * 4 // total)
            if quarter > told:
                told = quarter
                self.say(f"{text}: {min(done, total):,} of {total:,}")

        return reached
