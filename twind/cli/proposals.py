"""`twind proposals`, `twind review` and `twind why`."""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta
from itertools import groupby
from typing import TYPE_CHECKING, Any

from twind.cli.output import say
from twind.cli.session import Session, choose, interactive, opened
from twind.clock import local_time
from twind.errors import SettingsError, TwindError
from twind.model import Feedback, Proposal
from twind.store import proposals as kept

if TYPE_CHECKING:
    import argparse

    from twind.cli.output import Output

SNOOZE_MIN = 60


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
        found = kept.load(session.db, session.profile_id, day=day)
        if not arguments.all:
            found = [
                one
                for one in found
                if one.status == "pending" or (one.status == "accepted" and one.end > now)
            ]
        shown = [kept.as_json(one, session.settings.zone) for one in found]
        data: dict[str, Any] = {"proposals": shown}
        if not shown:
            data["silent_because"] = (
                session.db.meta_get("silent_because") or "nothing has been proposed yet"
            )
    return out.done(data, None if out.as_json else day_text(shown, data.get("silent_because")))


def day_text(shown: list[dict[str, Any]], silent_because: str | None) -> str:
    """Return proposals (in their JSON shape) as a person reads them, day by day."""
    if not shown:
        return f"No proposal: {silent_because}."
    lines = []
    for day, group in groupby(shown, key=lambda one: str(one["day"])):
        lines.append(f"{date.fromisoformat(day):%A, %d %B}")
        for one in group:
            start, end = (datetime.fromisoformat(one[key]) for key in ("start", "end"))
            mark = {"accepted": " ✓", "rejected": " ✗"}.get(one["status"], "")
            lines.append(f"  {one['id']:>4}  {start:%H:%M}-{end:%H:%M}  {one['text']}{mark}")
            if one["reasons"]:
                lines.append(f"                     {one['reasons'][0]['text']}")
    return "\n".join(lines)


def review(arguments: argparse.Namespace, out: Output) -> int:
    """Take the user's word on one proposal, or on each pending one in turn."""
    with opened(arguments) as session:
        if arguments.id is None:
            return _review_all(session, out)
        proposal = kept.get(session.db, session.profile_id, arguments.id)
        if not _says_something(arguments):
            if interactive() and not out.as_json:
                _review_one(session, proposal)
                return 0
            raise UsageError(
                "say --accept, --reject, --start HH:MM, --duration MIN, --snooze MIN or --undo"
            )
        result = kept.review(
            session.db, session.profile_id, _feedback(session, arguments, proposal)
        )
        shape = kept.as_json(result, session.settings.zone)
        session.refresh()
    return out.done({"proposal": shape}, f"{result.id}: {result.status}")


def _says_something(arguments: argparse.Namespace) -> bool:
    return any(
        (
            arguments.accept,
            arguments.reject,
            arguments.undo,
            arguments.snooze,
            arguments.start,
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
        until = now + timedelta(minutes=arguments.snooze)
        return Feedback(proposal_id=proposal.id, action="snooze", at=now, until=until)
    if edits:
        return _edit(session, proposal, arguments.start, arguments.duration)
    return Feedback(proposal_id=proposal.id, action="accept", at=now)


def _edit(
    session: Session, proposal: Proposal, start: str | None, duration_min: int | None
) -> Feedback:
    assert proposal.id is not None
    moment = None
    if start is not None:
        if not re.fullmatch(r"([01]?\d|2[0-3]):[0-5]\d", start):
            raise UsageError(f'--start "{start}" is no time of day; write it like 17:30')
        hour, minute = start.split(":")
        moment = local_time(proposal.day, int(hour) * 60 + int(minute), session.settings.zone)
    return Feedback(
        proposal_id=proposal.id,
        action="edit",
        at=session.db.clock.now(),
        start=moment,
        duration_min=duration_min,
    )


def _review_all(session: Session, out: Output) -> int:
    now = session.db.clock.now()
    pending = [
        one for one in kept.load(session.db, session.profile_id, status="pending") if one.end > now
    ]
    if out.as_json or not interactive():
        shown = [kept.as_json(one, session.settings.zone) for one in pending]
        return out.done({"proposals": shown}, day_text(shown, "nothing waits for you"))
    for proposal in pending:
        if not _review_one(session, proposal):
            break
    session.refresh()
    return out.done({}, "Nothing else waits for you." if pending else "Nothing waits for you.")


def _review_one(session: Session, proposal: Proposal) -> bool:
    """Go through one proposal with the user; False when they want to stop."""
    assert proposal.id is not None
    zone, now = session.settings.zone, session.db.clock.now()
    say(day_text([kept.as_json(proposal, zone)], None))
    choices = {
        "a": "accept",
        "t": "another time",
        "l": "another length",
        "r": "reject",
        "s": "later",
        "w": "why?",
        "q": "quit",
    }
    while True:
        match choose("  ", choices):
            case "a":
                said = Feedback(proposal_id=proposal.id, action="accept", at=now)
            case "t":
                said = _edit(session, proposal, input("  start (HH:MM): ").strip(), None)
            case "l":
                said = _edit(session, proposal, None, _minutes(input("  minutes: ")))
            case "r":
                reason = input("  why not? (Enter for no reason) ").strip()
                said = Feedback(proposal_id=proposal.id, action="reject", at=now, reason=reason)
            case "s":
                until = now + timedelta(minutes=SNOOZE_MIN)
                said = Feedback(proposal_id=proposal.id, action="snooze", at=now, until=until)
            case "w":
                say(_why_text(kept.as_json(proposal, zone), proposal.details))
                continue
            case _:
                return False
        kept.review(session.db, session.profile_id, said)
        return True


def _minutes(text: str) -> int:
    if not text.strip().isdigit() or int(text) == 0:
        raise SettingsError(f'"{text}" is no number of minutes')
    return int(text)


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
    lines = [shape["text"]]
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
