"""`twind checkin`: how the user's energy is now."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from twind.cli.output import say
from twind.cli.proposals import UsageError
from twind.cli.session import Session, interactive, opened
from twind.store import checkins as kept

if TYPE_CHECKING:
    import argparse

    from twind.cli.output import Output

SCALE = f"1 (exhausted) to {kept.LEVELS} (fresh)"


def checkin(arguments: argparse.Namespace, out: Output) -> int:
    """Take down how the user's energy is now, or take the last such word back."""
    if arguments.back and (arguments.energy is not None or arguments.note):
        raise UsageError("--back takes the last check-in back; it goes with no other word")
    with opened(arguments) as session:
        if arguments.back:
            given = kept.take_back(session.db, session.profile_id)
            return out.done({"taken_back": given.id}, "taken back")
        level, note = arguments.energy, arguments.note
        if level is None:
            if out.as_json or not interactive():
                raise UsageError(f"say how your energy is: twind checkin N, from {SCALE}")
            level = _ask()
            if level is None:
                return 0
        given = kept.add(session.db, session.profile_id, kept.energy_of(level), note)
        return out.done({"checkin": _shape(session, given)}, "noted")


def _shape(session: Session, given: kept.CheckIn) -> dict[str, Any]:
    return {
        "id": given.id,
        "at": given.at.astimezone(session.settings.zone).isoformat(),
        "level": given.level,
        "energy": given.energy,
        "note": given.note,
    }


def _ask() -> int | None:
    """Ask on the terminal; None when the user would rather not say."""
    while True:
        try:
            said = input(f"How is your energy now, from {SCALE}? ").strip().lower()
        except EOFError:
            return None
        if said in {"", "q"}:
            return None
        if said.isdecimal() and 1 <= int(said) <= kept.LEVELS:
            return int(said)
        say(f"Please type a number from {SCALE}, or q.")
