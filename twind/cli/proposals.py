"""`twind proposals`, `twind review` and `twind why`."""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta
from itertools import groupby
from typing import TYPE_CHECKING, Any

from twind.cli.output import say
from twind.cli.parser import whole
from twind.cli.session import Session, choose, interactive, opened
from twind.clock import DAY_MIN, local_midnight, local_time, when
from twind.errors import TwindError
from twind.model import Feedback, Proposal
from twind.sentences import in_quotes
from twind.store import life
from twind.store import proposals as kept

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable
    from zoneinfo import ZoneInfo

    from twind.cli.output import Output

SNOOZE_MIN = 60
CHOICES = {
    "a": "accept",
    "t": "another time",
    "l": "another length",
    "r": "reject",
    "s": "later",
    "w": "why?",
    "q": "quit",
}


class UsageError(TwindError):
    """A flag's value makes no sense; says which."""

    code = "usage"


def parse_day(text: str) -> date:
    """Read a day. Raises UsageError."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise UsageError(f'--day "{text}" is no day; write it like 2026-12-24') from None


def proposals(arguments: argparse.Namespace, out: Output) -> int:
    """List what twind proposes: by default what is pending or accepted and still ahead."""
    with opened(arguments) as session:
        now = session.db.clock.now()
        day = None if arguments.day is None else parse_day(arguments.day)
        ever = found = kept.load(session.db, session.profile_id, day=day)
        if not arguments.all:
            found = [
                one
                for one in ever
                if one.status == "pending" or (one.status == "accepted" and one.end > now)
            ]
        shown = [kept.as_json(one, session.settings.zone) for one in found]
        data: dict[str, Any] = {"proposals": shown}
        if not shown:
            data["silent_because"] = _why_silent(session, day, ever)
    return out.done(data, None if out.as_json else day_text(shown, data.get("silent_because")))


def _why_silent(session: Session, day: date | None, ever: list[Proposal]) -> str:
    """Say why there is nothing; what the last try came to was said of its own days alone."""
    if day is not None:
        return "nothing is proposed for that day"
    never = "nothing that was proposed lies ahead" if ever else "nothing has been proposed yet"
    return session.db.meta_get("silent_because") or never


def day_text(shown: list[dict[str, Any]], silent_because: str | None) -> str:
    """Return proposals (in their JSON shape) as a person reads them, day by day."""
    if not shown:
        return f"No proposal: {silent_because}."
    lines = []
    for day, group in groupby(shown, key=lambda one: str(one["day"])):
        lines.append(f"{date.fromisoformat(day):%A, %d %B}")
        for one in group:
            start, end = (datetime.fromisoformat(one[key]) for key in ("start", "end"))
            lines.append(f"  {one['id']:>4}  {start:%H:%M}-{end:%H:%M}  {_worded(one)}{_mark(one)}")
            if one["reasons"]:
                lines.append(f"                     {one['reasons'][0]['text']}")
    return "\n".join(lines)


def _mark(one: dict[str, Any]) -> str:
    match one["status"]:
        case "accepted":
            return " ✓"
        case "rejected":
            return " ✗"
        case "ignored":
            return f" – {'withdrawn' if one.get('withdrawn') else 'unanswered'}"
    return ""


def _worded(one: dict[str, Any]) -> str:
    """Return a proposal's text, and what the user has changed of it."""
    return f"{one['text']}{_edited(one)}"


def _edited(one: dict[str, Any]) -> str:
    edit = one.get("edit", {})
    told = []
    if "start" in edit:
        told.append(f"{datetime.fromisoformat(one['start']):%H:%M}")
    if "duration_min" in edit:
        told.append(f"{one['duration_min']} min")
    return f", edited to {', '.join(told)}" if told else ""


# --- review --------------------------------------------------------------------------------------


def review(arguments: argparse.Namespace, out: Output) -> int:
    """Take the user's word on one proposal, or on each pending one in turn."""
    with opened(arguments) as session:
        if arguments.id is None:
            return _review_all(session, out)
        proposal = kept.get(session.db, session.profile_id, arguments.id)
        if not _says_something(arguments):
            if out.as_json or not interactive():
                raise UsageError(
                    "say --accept, --reject, --start HH:MM, --duration MIN, --snooze MIN or --undo"
                )
            _dialogue(session, [proposal])
            return 0
        data = _take(session, _feedback(session, arguments, proposal))
        session.refresh()
    return out.done(data, _taken_text(data))


def _says_something(arguments: argparse.Namespace) -> bool:
    return any(
        (
            arguments.accept,
            arguments.reject,
            arguments.undo,
            arguments.snooze,
            arguments.start is not None,
            arguments.duration,
        )
    )


def _feedback(session: Session, arguments: argparse.Namespace, proposal: Proposal) -> Feedback:
    now = session.db.clock.now()
    assert proposal.id is not None
    edits = arguments.start is not None or arguments.duration is not None
    if edits and (arguments.reject or arguments.snooze or arguments.undo):
        raise UsageError("--start and --duration accept a proposal; they go with no other word")
    if arguments.undo:
        return Feedback(proposal_id=proposal.id, action="undo", at=now)
    if arguments.reject:
        return Feedback(proposal_id=proposal.id, action="reject", at=now, reason=arguments.reason)
    if arguments.snooze:
        return _snooze(proposal.id, now, arguments.snooze)
    if edits:
        return _edit(session, proposal, arguments.start, arguments.duration)
    return Feedback(proposal_id=proposal.id, action="accept", at=now)


def _snooze(proposal_id: int, now: datetime, minutes: int) -> Feedback:
    until = now + timedelta(minutes=minutes)
    return Feedback(proposal_id=proposal_id, action="snooze", at=now, until=until)


def _edit(
    session: Session, proposal: Proposal, start: str | None, duration_min: int | None
) -> Feedback:
    """Return the word that accepts a proposal at another time or length, on its own day.

    Raises UsageError where it would end after that.
    """
    assert proposal.id is not None
    zone = session.settings.zone
    moment = None if start is None else _time_of_day(proposal.day, start, zone)
    length = timedelta(minutes=duration_min or proposal.duration_min)
    begins = moment or proposal.start
    if begins + length > local_midnight(proposal.day + timedelta(days=1), zone):
        raise UsageError(
            f"{duration_min or proposal.duration_min} min from {begins.astimezone(zone):%H:%M} end "
            f"after {proposal.day:%A, %d %B}"
        )
    return Feedback(
        proposal_id=proposal.id,
        action="edit",
        at=session.db.clock.now(),
        start=moment,
        duration_min=duration_min,
    )


def _time_of_day(day: date, text: str, zone: ZoneInfo) -> datetime:
    if not re.fullmatch(r"([01]?\d|2[0-3]):[0-5]\d", text, re.ASCII):
        raise UsageError(f'"{text}" is no time of day; write it like 17:30')
    hour, minute = text.split(":")
    return local_time(day, int(hour) * 60 + int(minute), zone)


def _take(session: Session, said: Feedback) -> dict[str, Any]:
    """Take the user's word; return what became of the proposal, and what to mind about that."""
    result = kept.review(session.db, session.profile_id, said)
    return {
        "proposal": kept.as_json(result, session.settings.zone),
        "mind": _mind(session, result) if result.status == "accepted" else [],
    }


def _mind(session: Session, accepted: Proposal) -> list[str]:
    """Say where an accepted proposal stands in the way of others, of events, or of the quiet."""
    zone = session.settings.zone
    mind = [
        f"it overlaps {in_quotes(event.title)} in your calendar"
        for event in life.events(session.db, session.profile_id, accepted.start, accepted.end)
        if event.takes_time
    ]
    mind += [
        f"it overlaps {one.id}, which you have accepted, too"
        for one in kept.load(session.db, session.profile_id, status="accepted")
        if one.id != accepted.id and one.start < accepted.end and accepted.start < one.end
    ]
    first = accepted.start.astimezone(zone)
    minutes = range(first.hour * 60 + first.minute, DAY_MIN)[: accepted.duration_min]
    quiet = session.settings.hours.quiet
    if any(span.contains(minute) for span in quiet for minute in minutes):
        mind.append("it is in your quiet hours")
    if why := accepted.details.get("withdrawn"):
        mind.append(f"it had been withdrawn: {why}")
    return mind


def _taken_text(data: dict[str, Any]) -> str:
    one = data["proposal"]
    told = f"{one['id']}: {one['status']}{_edited(one)}"
    if one["status"] == "pending" and "snoozed_until" in one:
        zone = datetime.fromisoformat(one["start"]).tzinfo
        told += f", snoozed until {when(one['snoozed_until'], zone)}"
    return "; ".join([told, *data["mind"]])


# --- the dialogue --------------------------------------------------------------------------------


def _review_all(session: Session, out: Output) -> int:
    now = session.db.clock.now()
    pending = [
        one for one in kept.load(session.db, session.profile_id, status="pending") if one.end > now
    ]
    if out.as_json or not interactive():
        shown = [kept.as_json(one, session.settings.zone) for one in pending]
        return out.done({"proposals": shown}, day_text(shown, "nothing waits for you"))
    if _dialogue(session, pending):
        say("Nothing else waits for you." if pending else "Nothing waits for you.")
    return 0


def _dialogue(session: Session, pending: Iterable[Proposal]) -> bool:
    """Go through proposals with the user; False when they stopped before the end.

    What was said until then counts, however it ended.
    """
    try:
        return all(_review_one(session, proposal) for proposal in pending)
    finally:
        session.refresh()


def _review_one(session: Session, proposal: Proposal) -> bool:
    """Ask what to do with a proposal until that is clear; False when the user wants to stop."""
    shape = kept.as_json(proposal, session.settings.zone)
    say(day_text([shape], None))
    while (key := choose("  ", CHOICES)) != "q":
        if key == "w":
            say(_why_text(shape, proposal.details))
            continue
        try:
            said = _chosen(session, proposal, key)
        except EOFError:
            return False
        except UsageError as error:
            say(f"  {error}")
            continue
        say(f"  {_taken_text(_take(session, said))}")
        return True
    return False


def _chosen(session: Session, proposal: Proposal, key: str) -> Feedback:
    """Return the word that a choice means, asking for what else it takes.

    Raises UsageError for what cannot be meant, EOFError where nothing more is said.
    """
    assert proposal.id is not None
    now = session.db.clock.now()
    match key:
        case "t":
            return _edit(session, proposal, input("  start (HH:MM): ").strip(), None)
        case "l":
            return _edit(session, proposal, None, _minutes(input("  minutes: ").strip()))
        case "r":
            reason = input("  why not? (Enter for no reason) ").strip()
            return Feedback(proposal_id=proposal.id, action="reject", at=now, reason=reason)
        case "s":
            return _snooze(proposal.id, now, SNOOZE_MIN)
    return Feedback(proposal_id=proposal.id, action="accept", at=now)


def _minutes(text: str) -> int:
    try:
        return whole(text, DAY_MIN)
    except ValueError as error:
        raise UsageError(str(error)) from None


def why(arguments: argparse.Namespace, out: Output) -> int:
    """Report the reasons behind a proposal."""
    with opened(arguments) as session:
        proposal = kept.get(session.db, session.profile_id, arguments.id)
        shape = kept.as_json(proposal, session.settings.zone)
    data = {
        "proposal": shape,
        "reasons": shape["reasons"],
        "would_change": shape["would_change"],
        "confidence": shape["confidence"],
        "life": proposal.details.get("life", {}),
        "details": {key: value for key, value in proposal.details.items() if key != "life"},
    }
    return out.done(data, None if out.as_json else _why_text(shape, proposal.details))


def _why_text(shape: dict[str, Any], details: dict[str, Any]) -> str:
    own: dict[str, Any] = details.get("life", {})
    lines = [_worded(shape)]
    for reason in shape["reasons"]:
        lines.append(f"  {reason['weight']:>4.0%}  {reason['text']}")
        for row in reason["evidence"][:3]:
            where = f"{row['table']} {row['id']}" if row.get("table") else ""
            lines.append(f"          {row['text']}  ({where})")
    lines.append(f"  You would take it up with a probability of {shape['confidence']:.0%}.")
    if shape["would_change"]:
        lines.append(f"  {shape['would_change']}")
    if details.get("disowned"):
        lines.append("  What you have since said is not so, or not to be used, is left out.")
    known = [one["text"] for one in own.values() if one.get("text")]
    if known:
        lines.append("  What is known of your days:")
        lines += [f"          {text}" for text in known]
    if own:
        lines.append(
            f"  {'All else' if known else 'How your days go'} is assumed, as with most people."
        )
    if weighed := details.get("weighed"):
        lines.append(f"  {weighed}")
    return "\n".join(lines)
