"""What leaves twind with other people's text in it: a calendar, messages, lines of the log."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import icalendar

from targets import Target
from twind import published
from twind.model import Proposal, Reason

from .shared import is_harmless

NASTY = "Tea\x1b]0;owned\x07 \u202egnp.exe\r\nBcc: all@example.org\r\nBEGIN:VEVENT\u200b"


def calendar(data: bytes) -> None:
    """Publish a proposal: what its text says is its text, and nothing else in the file."""
    text = data.decode("utf-8", "replace")
    start = datetime(2026, 3, 2, 10, tzinfo=UTC)
    proposal = Proposal(
        day=start.date(),
        action="learn",
        target=None,
        start=start,
        end=start + timedelta(hours=1),
        duration_min=60,
        intensity="normal",
        text=text,
        confidence=0.5,
        reasons=(Reason(kind="time", ref="", weight=0.5, text=text),),
        would_change="",
        id=1,
    )
    seen = published._Seen(0, "", "2026-03-01T00:00:00Z", cancelled=False)
    content = published._calendar("token", [(published._event(proposal), seen)])
    whole = icalendar.Calendar.from_ical(content)
    [event] = whole.subcomponents
    assert event["UID"].startswith("proposal-1@token")
    assert {*event} == {
        *("UID", "DTSTAMP", "LAST-MODIFIED", "SEQUENCE", "STATUS", "DTSTART", "DTEND", "SUMMARY"),
        *("DESCRIPTION", "CATEGORIES", "TRANSP"),
    }
    assert is_harmless(content.decode().replace("\r\n", "\n"), lines=True)


TARGETS = {"published": Target(calendar, (b"Read", NASTY.encode()), r"; , \ \n BEGIN: END:")}
