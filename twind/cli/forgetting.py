"""`twind forget`: delete for good, with all that rests on it, and wipe what it was written on."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from twind.cli.proposals import UsageError
from twind.cli.session import Session, choose, interactive, opened
from twind.daemon import lock
from twind.errors import HomeHeldError, NotFoundError, TwindError
from twind.home import Home
from twind.plaintext import counted
from twind.store import erased, erasure, people, rotation, sources

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator
    from pathlib import Path

    from twind.cli.output import Output
    from twind.store.erasure import Gone

STOP_FIRST = "twind is running: stop it first (twind ctl stop), forget, and start it again"


def person(arguments: argparse.Namespace, out: Output) -> int:
    """Delete somebody; no source brings them back."""
    with _alone(arguments) as session:
        [known] = people.known(session.db, session.profile_id, arguments.id)
        _confirm(arguments, f"{known.name}, and all that names them")
        session.refresh()
        gone = erasure.person(session.db, session.profile_id, arguments.id)
        back = "no source brings them back; to take that back: twind forget restore NAME"
        return _done(session, arguments, out, gone, back)


def source(arguments: argparse.Namespace, out: Output) -> int:
    """Delete all that a source has brought, and have it read no more."""
    with _alone(arguments) as session:
        known = sources.health(session.db, session.profile_id)
        if arguments.name not in known:
            raise NotFoundError(
                f"nothing is known from {arguments.name}; sources that were read: "
                f"{', '.join(known) or 'none yet'}"
            )
        _confirm(arguments, f"all that {arguments.name} has brought, and what rests on it")
        gone = erasure.source(session.db, session.profile_id, arguments.name)
        back = f"it is not read again; to take that back: twind plugins restore {arguments.name}"
        return _done(session, arguments, out, gone, back)


def dimension(arguments: argparse.Namespace, out: Output) -> int:
    """Delete what is believed of a dimension, and the answers to its questions."""
    with _alone(arguments) as session:
        _confirm(arguments, f"what twind believes of {arguments.name}, and your answers to that")
        session.refresh()
        gone = erasure.dimension(session.db, session.profile_id, arguments.name)
        back = "nothing is believed of it again; to take that back: twind patterns --restore CODE"
        return _done(session, arguments, out, gone, back)


def everything(arguments: argparse.Namespace, out: Output) -> int:
    """Delete all that twind knows and has made."""
    home = Home.find(arguments.home)
    with _held(home):
        _confirm(arguments, f"everything that twind knows, in {home.state_dir}")
        gone = erasure.everything(home)
        copies = erasure.delete(erasure.copies(home)) if arguments.backups else []
        left = erasure.copies(home)
    lines = [f"Deleted {path}" for path in (*gone, *copies)] or ["There was nothing to delete"]
    if home.config_file.exists():
        lines.append(f"{home.config_file} stays: with it, twind reads your sources again")
    lines += _told_of_copies(home, [], left)
    data = {
        "deleted": [str(path) for path in gone],
        "backups": {"deleted": _names(copies), "left": _names(left), "made": None},
    }
    return out.done(data, "\n".join(lines))


def backups(arguments: argparse.Namespace, out: Output) -> int:
    """Delete all backups, which still hold what was forgotten, and make a new one."""
    with _alone(arguments) as session:
        _confirm(arguments, f"all backups in {session.home.backups_dir}, but for a new one")
        deleted, made = _renew_copies(session)
    data = {"deleted": _names(deleted), "left": [], "made": made}
    return out.done({"backups": data}, f"Deleted {_copies(deleted)}; {made} is new")


def restore(arguments: argparse.Namespace, out: Output) -> int:
    """Let somebody be known again who was forgotten for good."""
    with _alone(arguments) as session:
        count = erasure.restore_person(session.db, session.profile_id, arguments.who)
        erased.keep(session.db, session.home)
    text = f"{arguments.who} is read again, when twind next reads your sources"
    return out.done({"who": arguments.who, "count": count}, text)


# --- what they share -----------------------------------------------------------------------------


@contextmanager
def _held(home: Home) -> Iterator[None]:
    """Hold the home against a daemon: one at work would write again what it has read before."""
    try:
        with lock.held(home.lock, daemon=False):
            yield
    except HomeHeldError:
        raise HomeHeldError(STOP_FIRST) from None


@contextmanager
def _alone(arguments: argparse.Namespace) -> Iterator[Session]:
    with _held(Home.find(arguments.home)), opened(arguments) as session:
        yield session


def _confirm(arguments: argparse.Namespace, what: str) -> None:
    """Ask whether that is meant. Raises TwindError where it is not, or nobody is there to say."""
    if arguments.yes:
        return
    if not interactive():
        raise UsageError(f"this deletes {what}, for good: say --yes where nobody can be asked")
    choices = {"yes": "delete it for good", "no": "leave it"}
    if choose(f"This deletes {what}. ", choices) != "yes":
        raise TwindError("nothing was deleted")


def _done(
    session: Session, arguments: argparse.Namespace, out: Output, gone: Gone, back: str
) -> int:
    """Learn anew from what is left, wipe, and tell what went."""
    session.refresh()
    erasure.wipe(session.db, session.home)
    deleted, made = _renew_copies(session) if arguments.backups else ([], None)
    left = [] if arguments.backups else erasure.copies(session.home)
    data: dict[str, Any] = {
        **asdict(gone),
        "backups": {"deleted": _names(deleted), "left": _names(left), "made": made},
    }
    counts = {
        ("record", "records"): gone.records,
        ("mention elsewhere", "mentions elsewhere"): gone.mentions,
        ("proposal", "proposals"): gone.proposals,
        ("answer", "answers"): gone.answers,
        ("trained model", "trained models"): gone.models,
    }
    went = ", ".join(counted(count, *names) for names, count in counts.items() if count)
    lines = [f"{gone.what} is forgotten for good: {went or 'nothing else'}; {back}"]
    lines += _told_of_copies(session.home, deleted, left)
    return out.done(data, "\n".join(lines))


def _renew_copies(session: Session) -> tuple[list[Path], str]:
    """Delete all copies that there were, once there is a new one; return what is gone, and it."""
    old = erasure.copies(session.home)
    path, _ = rotation.add(session.db, session.home, "forgot", session.settings.backups)
    erasure.delete(one for one in old if one != path)
    return [one for one in old if not one.exists()], str(path)


def _told_of_copies(home: Home, deleted: list[Path], left: list[Path]) -> list[str]:
    if left:
        told = (
            f"{_copies(left)} in {home.state_dir} still {'holds' if len(left) == 1 else 'hold'} it"
        )
        return [f"{told} (twind forget backups); those you made elsewhere are yours to delete"]
    return [f"deleted with it: {_copies(deleted)}"] if deleted else []


def _copies(paths: list[Path]) -> str:
    return counted(len(paths), "backup or other copy", "backups and other copies")


def _names(paths: list[Path]) -> list[str]:
    return [str(path) for path in paths]
