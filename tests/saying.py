"""What tests say to twind, and what it believes of it."""

from __future__ import annotations

from datetime import timedelta

from twind import proposed
from twind.model import Feedback, Proposal
from twind.store import patterns, proposals


def believed(db):
    """Return strength, confidence and count of evidence of each pattern, by code."""
    return {p.code: (p.strength, p.confidence, p.evidence_count) for _, p in patterns.load(db, 1)}


def evidence_keys(db):
    """Return the keys of all evidence that is shown."""
    return {row["key"] for row in db.rows("SELECT key FROM evidence WHERE profile_id = 1")}


def proposal(start, **fields):
    """Make a proposal of an hour; keyword arguments are its fields."""
    defaults = {
        "day": start.date(),
        "action": "learn",
        "target": None,
        "start": start,
        "end": start + timedelta(hours=1),
        "duration_min": 60,
        "intensity": "normal",
        "text": "Read",
        "confidence": 0.5,
        "reasons": (),
        "would_change": "",
    }
    return Proposal(**defaults | fields)


def propose(reader, features=None, action="learn", target=None, **details):
    """Keep a proposal of an hour from two hours on; return its row."""
    start = reader.now + timedelta(hours=2)
    made = proposal(start, action=action, target=target)
    described = proposed.block_of(made, reader.zone)
    values = {name: getattr(described, name) for name in described.__slots__}
    values["lead_days"] = min(values["lead_days"], 1e6)
    made.details.update(
        {
            "features": features or proposed.features(made, described),
            "block": values,
            **details,
        }
    )
    [row] = proposals.add(reader.db, 1, [made], {})
    return row


def say(reader, row, action, **more):
    """Have the user say something to the proposal of a row, now; return it as it stands then."""
    return proposals.review(
        reader.db, 1, Feedback(proposal_id=row, action=action, at=reader.now, **more)
    )
