"""Accepted proposals as a calendar file that any calendar program can subscribe to.

The file says what the database does and nothing else, so that it can be written again at any time:
a crash between the database and the file is mended by the next `write`. What subscribers have seen
of each proposal (its SEQUENCE, and when it last changed) is kept in the database, because RFC 5545
lets a SEQUENCE never fall, even if the file is lost.
"""

from __future__ import annotations

import hashlib
import json
import uuid
from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple

from twind import atomic
from twind.clock import format_utc, parse_utc
from twind.model import OWN_UIDS
from twind.plaintext import one_line, plain
from twind.store import proposals

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime
    from pathlib import Path

    from twind.model import Proposal
    from twind.store import Store

CANCELLED_FOR = timedelta(days=30)
"""How long what was taken back is told as cancelled: every subscriber has looked by then."""
_SEEN, _TOKEN = "published.seen", "published.token"


class _Seen(NamedTuple):
    """What subscribers know of one proposal."""

    sequence: int
    digest: str
    changed_at: str
    cancelled: bool


class _Event(NamedTuple):
    """What the file says of one proposal."""

    proposal_id: int
    start: datetime
    end: datetime
    summary: str
    description: str
    category: str


def write(db: Store, profile_id: int, path: Path) -> bool:
    """Bring the calendar file at `path` up to the accepted proposals; tell whether it changed.

    A file that says the same already is left alone, so that nobody who watches it is woken. Raises
    OSError where it cannot be written.
    """
    with db.transaction():
        told = _tell(db, profile_id)
        shown = [one for one in told if _is_shown(one[1], db.clock.now())]
        content = _calendar(_token(db), shown)
    try:
        if path.read_bytes() == content:
            return False
    except FileNotFoundError:
        if not shown:
            return False
    atomic.replace(path, content)
    return True


def accepted(db: Store, profile_id: int) -> bytes:
    """Return a calendar of all proposals that were ever accepted; nothing is remembered as told."""
    made_at = format_utc(db.clock.now())
    told = [
        (_event(proposal), _Seen(0, "", made_at, cancelled=False))
        for proposal in proposals.each(db, profile_id, status="accepted")
    ]
    return _calendar(db.meta_get(_TOKEN) or uuid.uuid4().hex, told)


def _tell(db: Store, profile_id: int) -> list[tuple[_Event, _Seen]]:
    """Return what the file has to say of each proposal, and remember it as said."""
    now = db.clock.now()
    before = {
        int(number): _Seen(*seen) for number, seen in json.loads(db.meta_get(_SEEN) or "{}").items()
    }
    told: dict[int, tuple[_Event, _Seen]] = {}
    for proposal in proposals.each(db, profile_id):
        assert proposal.id is not None
        seen = _next(proposal, before.get(proposal.id), now)
        if seen is not None:
            told[proposal.id] = (_event(proposal), seen)
    after = {number: seen for number, (_, seen) in told.items()}
    if after != before:
        db.meta_set(_SEEN, json.dumps(after))
    return list(told.values())


def _event(proposal: Proposal) -> _Event:
    assert proposal.id is not None
    return _Event(
        proposal.id,
        proposal.start,
        proposal.end,
        proposal.text,
        _description(proposal),
        proposal.action,
    )


def _next(proposal: Proposal, seen: _Seen | None, now: datetime) -> _Seen | None:
    cancelled = proposal.status != "accepted"
    if seen is None and cancelled:
        return None
    if cancelled and seen is not None and seen.cancelled:
        # Long told, it stays on the list but leaves the file: its SEQUENCE must not start again.
        return seen
    digest = _digest(proposal)
    if seen is not None and (seen.digest, seen.cancelled) == (digest, cancelled):
        return seen
    return _Seen(0 if seen is None else seen.sequence + 1, digest, format_utc(now), cancelled)


def _is_shown(seen: _Seen, now: datetime) -> bool:
    return not seen.cancelled or now - parse_utc(seen.changed_at) < CANCELLED_FOR


def _digest(proposal: Proposal) -> str:
    said = repr((proposal.start, proposal.end, proposal.text, _description(proposal)))
    return hashlib.blake2b(said.encode("utf-8", "replace"), digest_size=8).hexdigest()


def _description(proposal: Proposal) -> str:
    return "\n".join(f"{reason.text} ({reason.weight:.0%})" for reason in proposal.reasons)


def _token(db: Store) -> str:
    """Return what tells this database's events from those of any other twind."""
    token = db.meta_get(_TOKEN)
    if token is None:
        token = uuid.uuid4().hex
        db.meta_set(_TOKEN, token)
    return token


def _calendar(token: str, told: Iterable[tuple[_Event, _Seen]]) -> bytes:
    # Imported here: whoever has nothing to publish does not pay for it.
    import icalendar

    calendar = icalendar.Calendar()
    calendar.add("prodid", "-//twind//twind//EN")
    calendar.add("version", "2.0")
    calendar.add("method", "PUBLISH")
    calendar.add("x-wr-calname", "twind")
    calendar.add("refresh-interval", timedelta(minutes=15), parameters={"VALUE": "DURATION"})
    for event, seen in sorted(told, key=lambda pair: (pair[0].start, pair[0].proposal_id)):
        component = icalendar.Event()
        changed = parse_utc(seen.changed_at)
        component.add("uid", f"proposal-{event.proposal_id}@{token}{OWN_UIDS}")
        component.add("dtstamp", changed)
        component.add("last-modified", changed)
        component.add("sequence", seen.sequence)
        component.add("status", "CANCELLED" if seen.cancelled else "CONFIRMED")
        component.add("dtstart", event.start)
        component.add("dtend", event.end)
        component.add("summary", one_line(event.summary, None))
        component.add("description", plain(event.description))
        component.add("categories", [event.category])
        component.add("transp", "TRANSPARENT" if seen.cancelled else "OPAQUE")
        calendar.add_component(component)
    content: bytes = calendar.to_ical()
    return content
