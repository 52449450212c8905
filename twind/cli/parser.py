"""The commands and their flags, with argparse: it is there, and it starts in milliseconds."""

from __future__ import annotations

import argparse
import math
import sys
from typing import TYPE_CHECKING, Any, NoReturn

import twind
from twind.cli.output import say, say_json
from twind.clock import DAY_MIN
from twind.errors import NotFoundError

if TYPE_CHECKING:
    from collections.abc import Callable

USAGE = 2
SHELLS = ("bash", "zsh", "fish")
MOST_ID = 2**63 - 1
"""SQLite's largest integer: no row has an id beyond it."""
MOST_SNOOZE_MIN = 31 * DAY_MIN
MOST_S = 24 * 3600
MOST_TIMESTEPS = 10**9


class _Parser(argparse.ArgumentParser):
    """Reports a usage error as JSON too, where JSON was asked for."""

    def error(self, message: str) -> NoReturn:
        if "--json" in sys.argv or self._json:
            shape = {"ok": False, "error": {"code": "usage", "message": message}}
            say_json(shape)
        else:
            self.print_usage(sys.stderr)
            say(f"{self.prog}: {message}", aside=True)
        raise SystemExit(USAGE)

    _json = False


def parse(argv: list[str]) -> argparse.Namespace:
    """Return the arguments; `module` and `function` name the code that runs the command."""
    _Parser._json = "--json" in argv  # noqa: SLF001
    arguments = build().parse_args(argv)
    if not hasattr(arguments, "module"):
        build().print_help(sys.stderr)
        raise SystemExit(USAGE)
    return arguments


def build() -> argparse.ArgumentParser:
    """Return the parser of `twind`."""
    top = _Parser(
        prog="twind",
        description="A digital twin that lives on your own machine and proposes your day.",
    )
    _home(top)
    # configures: that it writes configuration, which may belong to another than the state does.
    top.set_defaults(home=None, configures=False)
    top.add_argument("--version", action="version", version=f"twind {twind.__version__}")
    commands = top.add_subparsers(metavar="COMMAND")

    _command(commands, "run", "daemon", "run", "run the daemon in the foreground", report=False)
    _command(commands, "demo", "demo", "demo", "show twind at work on a sample life", report=False)
    init = _command(commands, "init", "setup", "init", "write a twind.toml to start from")
    init.set_defaults(configures=True)

    shell = _command(
        commands, "completion", "completion", "completion", "for your shell", report=False
    )
    shell.add_argument("shell", choices=SHELLS, help="print what this shell completes `twind` with")

    _ctl(_command(commands, "ctl", None, None, "talk to the running daemon", report=False))

    ask = _command(commands, "ask", "questions", "ask", "answer a few good questions")
    ask.add_argument(
        "--answer",
        metavar="QUESTION=OPTION",
        help="answer without a dialogue; OPTION is an option's id, `skip` or `dont_care`",
    )
    ask.add_argument("--back", action="store_true", help="take the last answer back")
    ask.add_argument("--more", action="store_true", help="go on beyond the day's number")

    checkin = _command(commands, "checkin", "checkins", "checkin", "say how your energy is now")
    checkin.add_argument(
        "energy", nargs="?", type=_saying(_level), help="1 (exhausted) to 5 (fresh)"
    )
    checkin.add_argument("--note", default="", metavar="TEXT", help="what it comes from, say")
    checkin.add_argument("--back", action="store_true", help="take the last check-in back")

    _patterns(_command(commands, "patterns", "beliefs", "patterns", "what twind believes of you"))

    proposals = _command(commands, "proposals", "proposals", "proposals", "what twind proposes")
    proposals.add_argument("--day", metavar="YYYY-MM-DD", help="only this day's")
    proposals.add_argument("--all", action="store_true", help="answered ones, too")

    review = _command(commands, "review", "proposals", "review", "accept, change or reject")
    review.add_argument(
        "id", nargs="?", type=_id("proposal"), help="one proposal; without it: all pending"
    )
    word = review.add_mutually_exclusive_group()
    word.add_argument("--accept", action="store_true")
    word.add_argument("--reject", action="store_true")
    word.add_argument(
        "--snooze",
        type=_up_to(MOST_SNOOZE_MIN),
        metavar="MIN",
        help="ask again in MIN minutes, 31 days at most",
    )
    word.add_argument("--undo", action="store_true", help="take back the last word")
    review.add_argument("--reason", default="", metavar="TEXT", help="why not")
    review.add_argument("--start", metavar="HH:MM", help="accept, but at this time")
    review.add_argument(
        "--duration", type=_up_to(DAY_MIN), metavar="MIN", help="accept, but this long"
    )

    why = _command(commands, "why", "proposals", "why", "the reasons behind a proposal")
    why.add_argument("id", type=_id("proposal"))

    notify = _command(
        commands, "notify", "notify", "channels", "the ways to you, and how they fare"
    )
    notify.add_argument("channel", nargs="*", help="only these channels; default: all")
    notify.add_argument("--test", action="store_true", help="send a trial message now")

    _people(_command(commands, "people", "people", "list_all", "who twind knows"))

    actions = _command(
        commands, "models", "models", "list_all", "what was trained, and what serves"
    ).add_subparsers(metavar="ACTION")
    _command(actions, "list", "models", "list_all", "every model", inner=True)
    _command(actions, "rollback", "models", "rollback", "go back to what served before", inner=True)

    _safekeeping(commands)
    _export(commands)
    _forgetting(commands)

    doctor = _command(commands, "doctor", "doctor", "doctor", "look for what is wrong")
    doctor.add_argument("--fix", action="store_true", help="mend what can be mended safely")
    doctor.add_argument(
        "--bundle", metavar="FILE", help="write a file for a report, with nothing personal in it"
    )

    _plugins(
        _command(commands, "plugins", "plugins", "plugins_list", "the plugins and how they are")
    )
    return top


def _safekeeping(commands: Any) -> None:
    backup = _command(commands, "backup", "backups", "backup", "keep all twind knows in one file")
    backup.add_argument("file", nargs="?", help="default: a new one among those that twind keeps")
    backup.add_argument(
        "--verify", action="store_true", help="make none: read FILE, or all that are kept, whole"
    )
    restore = _command(
        commands, "restore", "backups", "restore", "bring a backup back, to a fresh place"
    )
    restore.add_argument("file", help="of `twind backup`")
    restore.add_argument("--verify", action="store_true", help="restore nothing: read it whole")


def _export(commands: Any) -> None:
    export = _command(
        commands, "export", "exporting", "export", "all that twind knows, for other programs"
    )
    export.add_argument("target", help="a folder that is not there yet, or a file FILE.zip")


def _forgetting(commands: Any) -> None:
    forget = _command(
        commands, "forget", None, None, "delete for good, and wipe where it stood", report=False
    )
    actions = forget.add_subparsers(metavar="WHAT", required=True)
    person = _command(actions, "person", "forgetting", "person", "somebody, by id (twind people)")
    person.add_argument("id", type=_id("person"))
    source = _command(actions, "source", "forgetting", "source", "all that a source has brought")
    source.add_argument("name")
    dimension = _command(
        actions, "dimension", "forgetting", "dimension", "what is believed of a dimension"
    )
    dimension.add_argument("name", help='as `twind patterns` has it, like "Mental State"')
    everything = _command(
        actions, "everything", "forgetting", "everything", "all that twind knows and has made"
    )
    for action in (person, source, dimension, everything):
        action.add_argument(
            "--backups", action="store_true", help="delete the backups that still hold it, too"
        )
    backups = _command(
        actions, "backups", "forgetting", "backups", "all backups, but for a new one"
    )
    for action in (person, source, dimension, everything, backups):
        action.add_argument("--yes", action="store_true", help="do not ask whether that is meant")
    restore = _command(
        actions, "restore", "forgetting", "restore", "know somebody again who was forgotten here"
    )
    restore.add_argument("who", help="their name, an e-mail address or SOURCE:UID")


def _patterns(patterns: argparse.ArgumentParser) -> None:
    patterns.add_argument("code", nargs="?", help="one aspect, with the evidence behind it")
    patterns.add_argument("--all", action="store_true", help="those it knows nothing of, too")
    word = patterns.add_mutually_exclusive_group()
    word.add_argument("--wrong", action="store_true", help="CODE is not so: begin anew from now on")
    word.add_argument(
        "--set", type=_saying(_strength), metavar="S", help="CODE is S, from -1 to 1, for now"
    )
    word.add_argument(
        "--pin", type=_saying(_strength), metavar="S", help="CODE is S, whatever comes"
    )
    word.add_argument("--forget", action="store_true", help="believe nothing of CODE, now or later")
    word.add_argument("--drop", metavar="EVIDENCE", help="learn nothing from this any more")
    word.add_argument("--restore", metavar="WHAT", help="take back what you said of CODE, EVIDENCE")
    word.add_argument("--said", action="store_true", help="all that you have said and still stands")


def _ctl(ctl: argparse.ArgumentParser) -> None:
    actions = ctl.add_subparsers(metavar="ACTION", required=True)
    _command(actions, "status", "control", "status", "how twind is")
    _command(actions, "metrics", "control", "metrics", "numbers for Prometheus")
    sync = _command(actions, "sync", "control", "sync", "read the sources now")
    sync.add_argument("plugins", nargs="*", help="only these plugins")
    train = _command(actions, "train", "control", "train", "train the twin now")
    train.add_argument("--timesteps", type=_up_to(MOST_TIMESTEPS), metavar="N")
    propose = _command(actions, "propose", "control", "propose", "propose now")
    propose.add_argument("--day", metavar="YYYY-MM-DD", help="default: the rest of today, tomorrow")
    for waiting in (sync, train, propose):
        waiting.add_argument("--no-wait", action="store_true", help="queue it and return")
    pause = _command(actions, "pause", "control", "pause", "do nothing by itself for a while")
    pause.add_argument(
        "--until", metavar="TIME", help='"18:00", "2026-12-24" or "2026-12-24T18:00"'
    )
    _command(actions, "resume", "control", "resume", "go on")
    _command(actions, "reload", "control", "reload", "read twind.toml and the plugins again")
    _command(actions, "stop", "control", "stop", "stop the daemon")


def _people(people: argparse.ArgumentParser) -> None:
    actions = people.add_subparsers(metavar="ACTION")
    _command(actions, "list", "people", "list_all", "everybody", inner=True)
    show = _command(actions, "show", "people", "show", "one person, and why it is one", inner=True)
    link = _command(actions, "link", "people", "link", "say that two people are one", inner=True)
    unlink = _command(
        actions, "unlink", "people", "unlink", "say that one is several people", inner=True
    )
    forget = _command(
        actions, "forget", "people", "forget", "know nothing of somebody any more", inner=True
    )
    restore = _command(
        actions, "restore", "people", "restore", "know a forgotten person again", inner=True
    )
    for action in (show, link, unlink, forget, restore):
        action.add_argument("id", type=_id("person"))
    link.add_argument("other", type=_id("person"))
    unlink.add_argument(
        "records",
        nargs="*",
        metavar="SOURCE:UID",
        help="the records that are somebody else; default: each is a person of its own",
    )


def _plugins(plugins: argparse.ArgumentParser) -> None:
    actions = plugins.add_subparsers(metavar="ACTION")
    _command(actions, "list", "plugins", "plugins_list", "all plugins", inner=True)
    show = _command(
        actions, "show", "plugins", "plugins_show", "one plugin and what it refused", inner=True
    )
    show.add_argument("name")
    show.add_argument("--all", action="store_true", help="all that was refused, not the first 20")
    check = _command(
        actions, "check", "plugins", "check", "try a plugin file, storing nothing", inner=True
    )
    check.add_argument("path", help="a .py file or the folder of a package")
    check.add_argument(
        "--set",
        metavar="KEY=VALUE",
        type=_saying(_setting),
        action="append",
        default=[],
        help="a setting, in place of twind.toml's; VALUE is TOML or plain text",
    )
    check.add_argument(
        "--timeout",
        metavar="S",
        type=_up_to(MOST_S),
        default=60,
        help="give up after S seconds (60)",
    )
    new = _command(
        actions, "new", "plugins", "new", "write a plugin and its test to start from", inner=True
    )
    new.add_argument("name")
    new.add_argument("--dir", metavar="DIR", help="where to; default: the plugin folder")
    new.set_defaults(configures=True)
    accept = _command(
        actions, "accept", "sources", "accept", "let a source lose what it has lost", inner=True
    )
    accept.add_argument("name")
    forget = _command(
        actions,
        "forget",
        "sources",
        "forget",
        "delete what a source brought; read it no more",
        inner=True,
    )
    forget.add_argument("name")
    restore = _command(
        actions, "restore", "sources", "restore", "read a forgotten source again", inner=True
    )
    restore.add_argument("name")


def _command(
    commands: Any,
    name: str,
    module: str | None,
    function: str | None,
    description: str,
    *,
    report: bool = True,
    inner: bool = False,
) -> argparse.ArgumentParser:
    """Add a command. Every one takes --home, also behind its own arguments.

    inner: of a command that reports by itself, so that `twind people --json list` keeps it.
    """
    parser: argparse.ArgumentParser = commands.add_parser(
        name, help=description, description=description
    )
    _home(parser)
    if module is not None:
        parser.set_defaults(module=module, function=function)
        if report:
            parser.add_argument(
                "--json",
                action="store_true",
                default=argparse.SUPPRESS if inner else False,
                help="report as one JSON object",
            )
        else:
            parser.set_defaults(json=False)
    return parser


def _home(parser: argparse.ArgumentParser) -> None:
    # Suppressed, so that an inner command does not wipe out what was said to an outer one.
    parser.add_argument(
        "--home",
        metavar="DIR",
        default=argparse.SUPPRESS,
        help="keep everything under this folder",
    )


def _saying(read: Callable[[str], Any]) -> Callable[[str], Any]:
    """Return `read` for an argument: argparse tells what a ValueError says of none but its own."""

    def told(text: str) -> Any:
        try:
            return read(text)
        except ValueError as error:
            raise argparse.ArgumentTypeError(str(error)) from None

    return told


def _id(what: str) -> Callable[[str], int]:
    return _saying(lambda text: id_of(text, what))


def _up_to(most: int) -> Callable[[str], int]:
    return _saying(lambda text: whole(text, most))


def id_of(text: str, what: str) -> int:
    """Read the id of a row. Raises ValueError for no number, NotFoundError for one too large.

    what: the kind of thing that it is the id of.
    """
    if not (text.isascii() and text.isdecimal()):
        raise ValueError(f"{text!r} is not the number of a {what}")
    if len(text) > len(str(MOST_ID)) or int(text) > MOST_ID:
        raise NotFoundError(f"there is no {what} {text}")
    return int(text)


def whole(text: str, most: int) -> int:
    """Read a whole number from 1 to `most`. Raises ValueError."""
    is_number = text.isascii() and text.isdecimal() and len(text) <= len(str(most))
    if not is_number or not 1 <= int(text) <= most:
        raise ValueError(f"{text!r} is no whole number from 1 to {most}")
    return int(text)


def _strength(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not -1.0 <= value <= 1.0:
        raise ValueError(f"{text} is no strength from -1 to 1")
    return value


def _level(text: str) -> int:
    if text not in {"1", "2", "3", "4", "5"}:
        raise ValueError(f"{text} is not from 1 (exhausted) to 5 (fresh)")
    return int(text)


def _setting(text: str) -> tuple[str, Any]:
    from twind.cli.plugins import setting

    return setting(text)
