"""Proposals (`recommendations`) and what the user said to them.

A proposal's `status` is one of MISSION's four; an edit and a snooze live in its metadata, and every
word of the user is a row in `feedback`, so that nothing the learner needs is ever overwritten.
What is for somebody whom twind is not to know any more (twind.store.words) is not returned.
"""

from __future__ import annotations

import sys
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from twind.clock import format_utc, parse_utc
from twind.errors import NotFoundError, TwindError
from twind.model import Feedback, Proposal, Reason, Target
from twind.sentences import relength
from twind.store import patterns, words
from twind.store.connection import from_json, stored_time, to_json

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator
    from zoneinfo import ZoneInfo

    from twind.store.connection import Store

DISOWNED = "it rested on what you have said is not so"
"""Why a proposal was withdrawn that rested on what twind is not to use any more."""
_SHOWN = ("edit", "snoozed_until", "withdrawn", "disowned")
_BRIEF = (
    "json_remove(metadata, '$.reasons', '$.details.life', '$.details.weighed', "
    "'$.details.considered', '$.details.seen')"
)
"""What there is of a proposal without its reasons, and what those were told by."""
_BY_ASPECT = frozenset({"features", "baseline"})
"""Which of its details are shares by aspect."""


def add(
    db: Store, profile_id: int, proposals: Iterable[Proposal], pattern_ids: dict[str, int]
) -> list[int]:
    """Keep new proposals and return their ids."""
    ids = []
    with db.transaction():
        for proposal in proposals:
            cited = [reason.ref for reason in proposal.reasons if reason.kind == "pattern"]
            ids.append(
                db.insert(
                    "recommendations",
                    profile_id=profile_id,
                    recommendation_type=proposal.action,
                    title=proposal.text,
                    description="; ".join(reason.text for reason in proposal.reasons),
                    priority=proposal.details.get("gain"),
                    confidence=proposal.confidence,
                    based_on_pattern_ids=to_json(
                        [pattern_ids[code] for code in cited if code in pattern_ids]
                    ),
                    status="pending",
                    created_at=db.now(),
                    responded_at=None,
                    metadata=to_json(_metadata(proposal)),
                )
            )
    return ids


def _metadata(proposal: Proposal) -> dict[str, Any]:
    target = proposal.target
    return {
        "twind": 1,
        "day": proposal.day.isoformat(),
        "target": {"kind": target.kind, "id": target.id, "name": target.name} if target else None,
        "start": format_utc(proposal.start),
        "end": format_utc(proposal.end),
        "intensity": proposal.intensity,
        "reasons": [
            {
                "kind": reason.kind,
                "ref": reason.ref,
                "weight": reason.weight,
                "text": reason.text,
                "evidence": list(reason.evidence),
            }
            for reason in proposal.reasons
        ],
        "would_change": proposal.would_change,
        "details": proposal.details,
    }


def _proposal(row: Any) -> Proposal | None:
    about = from_json(row["metadata"])
    if "twind" not in about:
        return None
    edit = about.get("edit", {})
    start = parse_utc(edit.get("start", about["start"]))
    length = parse_utc(about["end"]) - parse_utc(about["start"])
    text = row["title"]
    if "duration_min" in edit:
        text = relength(text, round(length.total_seconds() / 60), edit["duration_min"])
        length = timedelta(minutes=edit["duration_min"])
    return Proposal(
        day=date.fromisoformat(about["day"]),
        action=row["recommendation_type"],
        target=Target(**about["target"]) if about["target"] else None,
        start=start,
        end=start + length,
        duration_min=round(length.total_seconds() / 60),
        intensity=about["intensity"],
        text=text,
        confidence=row["confidence"],
        reasons=tuple(
            Reason(**{**reason, "evidence": tuple(reason["evidence"])})
            for reason in about.get("reasons", ())
        ),
        would_change=about["would_change"],
        id=row["id"],
        status=row["status"],
        details={
            **about["details"],
            **{
                name: _interned(about["details"][name])
                for name in _BY_ASPECT & set(about["details"])
            },
            **{key: about[key] for key in _SHOWN if key in about},
        },
    )


def _interned(shares: dict[str, float] | None) -> dict[str, float] | None:
    """Let all proposals name aspects by the same strings: these are most of what they take."""
    return shares and {sys.intern(aspect): share for aspect, share in shares.items()}


def load(
    db: Store,
    profile_id: int,
    *,
    status: str | None = None,
    day: date | None = None,
    brief: bool = False,
) -> list[Proposal]:
    """Return twind's proposals in the order of their start, all or those of a status or a day.

    brief: as `each` has it.
    """
    found = each(db, profile_id, status=status, day=day, brief=brief)
    return sorted(found, key=lambda proposal: (proposal.start, proposal.id or 0))


def each(
    db: Store,
    profile_id: int,
    *,
    status: str | None = None,
    day: date | None = None,
    brief: bool = False,
) -> Iterator[Proposal]:
    """Yield twind's proposals in the order they were made, all or those of a status or a day.

    brief: without their reasons and what only those are told by, most of what there is of each:
    years of proposals are many.
    """
    nobody = words.people(db, profile_id)
    metadata = f"CASE WHEN json_valid(metadata) THEN {_BRIEF} END" if brief else "metadata"
    rows = db.each(
        "SELECT id, recommendation_type, title, confidence, status, "
        f"{metadata} AS metadata FROM recommendations "
        "WHERE profile_id = :profile AND (:status IS NULL OR status = :status) AND (:day IS NULL "
        "OR CASE WHEN json_valid(metadata) THEN json_extract(metadata, '$.day') END = :day) "
        "ORDER BY id",
        {"profile": profile_id, "status": status, "day": day and day.isoformat()},
    )
    for row in rows:
        proposal = _proposal(row)
        if proposal is not None and not _is_for(proposal, nobody):
            yield proposal


def get(db: Store, profile_id: int, proposal_id: int) -> Proposal:
    """Return one proposal. Raises NotFoundError."""
    row = db.row(
        "SELECT * FROM recommendations WHERE id = ? AND profile_id = ?", (proposal_id, profile_id)
    )
    proposal = _proposal(row) if row is not None else None
    if proposal is None:
        raise NotFoundError(f"there is no proposal {proposal_id}")
    if _is_for(proposal, words.people(db, profile_id)):
        raise NotFoundError(
            f"proposal {proposal_id} is for somebody whom twind is to forget; "
            "`twind people restore ID` has it know them again"
        )
    return proposal


def _is_for(proposal: Proposal, people: Collection[int]) -> bool:
    target = proposal.target
    return target is not None and target.kind == "person" and target.id in people


def withdraw(db: Store, profile_id: int, ids: Iterable[int], why: str) -> None:
    """Take back proposals that nobody has answered; they count as ignored, with the reason."""
    with db.transaction():
        for proposal_id in ids:
            _amend(db, profile_id, proposal_id, {"withdrawn": why}, status="ignored")


def uncite(
    db: Store, profile_id: int, rows: Collection[words.Row] = (), refs: Collection[str] = ()
) -> int:
    """Let no proposal cite these rows, or rest on these beliefs, people or projects, any more.

    rows: tables and ids. refs: as reasons have them ("VAL_GROWTH", "person:3", "entity:3"). A
    pending proposal that is for one of them, or loses a whole reason, is withdrawn; return how many
    were. What is taken out does not come back.
    """
    withdrawn = []
    with db.transaction():
        for row in db.rows(
            "SELECT id, status, metadata FROM recommendations WHERE profile_id = ?", (profile_id,)
        ):
            about = from_json(row["metadata"])
            if "twind" not in about:
                continue
            told = about["reasons"]
            left = [_without_rows(reason, rows) for reason in told if reason["ref"] not in refs]
            target = about["target"]
            is_for = bool(target) and f"{target['kind']}:{target['id']}" in refs
            if row["status"] == "pending" and (is_for or len(left) < len(told)):
                withdrawn.append(row["id"])
            if left != told:
                _tell_less(db, profile_id, row["id"], about, left)
        withdraw(db, profile_id, withdrawn, DISOWNED)
    return len(withdrawn)


def erase(
    db: Store,
    profile_id: int,
    rows: Collection[words.Row] = (),
    refs: Collection[str] = (),
    mentions: Callable[[str], bool] = lambda _: False,
) -> int:
    """Empty all proposals that cite or mention something, and delete what was said to them.

    rows, refs: as `uncite` takes them. The rows stay, so that no other proposal gets their number.
    Returns how many were emptied.
    """
    emptied = 0
    with db.transaction():
        for row in db.rows("SELECT * FROM recommendations WHERE profile_id = ?", (profile_id,)):
            texts = (row["title"], row["description"], row["metadata"])
            if not (
                _speaks_of(from_json(row["metadata"]), rows, refs)
                or any(mentions(text) for text in texts if isinstance(text, str))
            ):
                continue
            emptied += 1
            db.execute("DELETE FROM feedback WHERE recommendation_id = ?", (row["id"],))
            db.execute(
                "UPDATE recommendations SET title = '…', description = NULL, metadata = '{}', "
                "based_on_pattern_ids = NULL, status = CASE status WHEN 'pending' THEN 'ignored' "
                "ELSE status END WHERE id = ?",
                (row["id"],),
            )
    return emptied


def _speaks_of(about: dict[str, Any], rows: Collection[words.Row], refs: Collection[str]) -> bool:
    target, reasons = about.get("target"), about.get("reasons", ())
    return (
        (target is not None and f"{target['kind']}:{target['id']}" in refs)
        or any(reason["ref"] in refs for reason in reasons)
        or any(
            (one.get("table"), one.get("id")) in rows
            for reason in reasons
            for one in reason["evidence"]
        )
    )


def _without_rows(reason: dict[str, Any], rows: Collection[words.Row]) -> dict[str, Any]:
    cited = [one for one in reason["evidence"] if (one.get("table"), one.get("id")) not in rows]
    return {**reason, "evidence": cited}


def _tell_less(
    db: Store, profile_id: int, row_id: int, about: dict[str, Any], left: list[dict[str, Any]]
) -> None:
    """Leave a proposal with these of its reasons."""
    first = about["reasons"][0]["ref"]
    about["disowned"] = True
    about["reasons"] = left
    if first not in {reason["ref"] for reason in left}:
        about["would_change"] = ""  # that was about the first reason
    cited = [reason["ref"] for reason in left if reason["kind"] == "pattern"]
    ids = {pattern.code: row for row, pattern in patterns.load(db, profile_id)}
    db.execute(
        "UPDATE recommendations SET metadata = ?, description = ?, based_on_pattern_ids = ? "
        "WHERE id = ?",
        (
            to_json(about),
            "; ".join(reason["text"] for reason in left),
            to_json([ids[code] for code in cited if code in ids]),
            row_id,
        ),
    )


def expire(db: Store, profile_id: int, now: datetime) -> int:
    """Mark as ignored what is still pending after its time has passed; return how many."""
    late = [p for p in load(db, profile_id, status="pending") if p.end <= now]
    with db.transaction():
        for proposal in late:
            assert proposal.id is not None
            _amend(db, profile_id, proposal.id, {"expired": True}, status="ignored")
    return len(late)


def prune(db: Store, profile_id: int, before: datetime) -> int:
    """Forget twind's proposals from before a moment to which the user never said a word."""
    return db.execute(
        "DELETE FROM recommendations WHERE profile_id = ? AND status = 'ignored' "
        "AND created_at < ? AND json_valid(metadata) AND json_extract(metadata, '$.twind') = 1 "
        "AND id NOT IN (SELECT recommendation_id FROM feedback)",
        (profile_id, format_utc(before)),
    )


def review(db: Store, profile_id: int, feedback: Feedback) -> Proposal:
    """Take the user's word on a proposal and return the proposal as it stands then.

    An edit accepts what it changes. `undo` takes back the last word. Raises NotFoundError for an
    unknown proposal, TwindError for an undo of nothing.
    """
    with db.transaction():
        proposal = get(db, profile_id, feedback.proposal_id)
        if feedback.action == "undo":
            _undo(db, profile_id, proposal)
        else:
            db.execute(
                "INSERT INTO feedback (profile_id, recommendation_id, action, reason, start_at, "
                "duration_min, until_at, created_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    profile_id,
                    feedback.proposal_id,
                    feedback.action,
                    feedback.reason,
                    stored_time(feedback.start),
                    feedback.duration_min,
                    stored_time(feedback.until),
                    format_utc(feedback.at),
                ),
            )
            _replay(db, profile_id, feedback.proposal_id)
        return get(db, profile_id, feedback.proposal_id)


def _undo(db: Store, profile_id: int, proposal: Proposal) -> None:
    last = db.value(
        "SELECT MAX(id) FROM feedback WHERE recommendation_id = ? AND undone_at IS NULL",
        (proposal.id,),
    )
    if last is None:
        raise TwindError(f"nothing has been said to proposal {proposal.id} that could be undone")
    assert proposal.id is not None
    db.execute("UPDATE feedback SET undone_at = ? WHERE id = ?", (db.now(), last))
    _replay(db, profile_id, proposal.id)


def _replay(db: Store, profile_id: int, proposal_id: int) -> None:
    """Bring a proposal to what all that still stands of the user's words makes of it."""
    rows = db.rows(
        "SELECT * FROM feedback WHERE recommendation_id = ? AND undone_at IS NULL ORDER BY id",
        (proposal_id,),
    )
    status, snoozed, responded = "pending", None, None
    edit: dict[str, Any] = {}
    for row in rows:
        responded = row["created_at"]
        match row["action"]:
            case "accept":
                status = "accepted"
            case "reject":
                status, edit = "rejected", {}
            case "edit":
                status = "accepted"
                if row["start_at"]:
                    edit["start"] = row["start_at"]
                if row["duration_min"]:
                    edit["duration_min"] = row["duration_min"]
            case "snooze":
                snoozed = row["until_at"]
    _amend(
        db,
        profile_id,
        proposal_id,
        {"edit": edit or None, "snoozed_until": snoozed},
        status=status,
        responded_at=responded,
    )


def _amend(
    db: Store,
    profile_id: int,
    proposal_id: int,
    changes: dict[str, Any],
    *,
    status: str,
    responded_at: str | None = None,
) -> None:
    about = from_json(db.value("SELECT metadata FROM recommendations WHERE id = ?", (proposal_id,)))
    about.update(changes)
    db.execute(
        "UPDATE recommendations SET metadata = ?, status = ?, responded_at = ? "
        "WHERE id = ? AND profile_id = ?",
        (
            to_json(
                {key: value for key, value in about.items() if value is not None or key == "target"}
            ),
            status,
            responded_at,
            proposal_id,
            profile_id,
        ),
    )


def feedback(db: Store, profile_id: int) -> list[tuple[int, Feedback]]:
    """Return (row id, feedback) for all that still stands, oldest first."""
    rows = db.rows(
        "SELECT * FROM feedback WHERE profile_id = ? AND undone_at IS NULL ORDER BY id",
        (profile_id,),
    )
    return [
        (
            row["id"],
            Feedback(
                proposal_id=row["recommendation_id"],
                action=row["action"],
                at=parse_utc(row["created_at"]),
                reason=row["reason"],
                start=parse_utc(row["start_at"]) if row["start_at"] else None,
                duration_min=row["duration_min"],
                until=parse_utc(row["until_at"]) if row["until_at"] else None,
            ),
        )
        for row in rows
    ]


def as_json(proposal: Proposal, zone: ZoneInfo) -> dict[str, Any]:
    """Return a proposal in the shape of `twind proposals --json`, times in the user's zone."""
    target = proposal.target
    shape = {
        "id": proposal.id,
        "day": proposal.day.isoformat(),
        "action": proposal.action,
        "target": {"kind": target.kind, "id": target.id, "name": target.name} if target else None,
        "start": proposal.start.astimezone(zone).isoformat(),
        "end": proposal.end.astimezone(zone).isoformat(),
        "duration_min": proposal.duration_min,
        "intensity": proposal.intensity,
        "text": proposal.text,
        "confidence": proposal.confidence,
        "reasons": [
            {
                "kind": reason.kind,
                "ref": reason.ref,
                "weight": reason.weight,
                "text": reason.text,
                "evidence": list(reason.evidence),
            }
            for reason in proposal.reasons
        ],
        "would_change": proposal.would_change,
        "status": proposal.status,
    }
    for key in ("edit", "snoozed_until", "withdrawn"):
        if key in proposal.details:
            shape[key] = proposal.details[key]
    return shape
