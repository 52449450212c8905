"""What the user has said to proposals, as evidence.

Of what things are worth to them (`collect`), of how readily they say yes whatever it is
(`willing`), and of what they take up more or less often than rehearsals have it (`uptake_of`).
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from twind import proposed
from twind.preferences import observations, uptake, willingness
from twind.preferences.features import Block
from twind.store import proposals, words

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime
    from zoneinfo import ZoneInfo

    from twind.model import Feedback, Proposal
    from twind.preferences.observations import Observation
    from twind.preferences.uptake import Uptake
    from twind.preferences.willingness import Willingness
    from twind.reader import Reader
    from twind.store import Store

WITHHELD_EVERY = 5
"""Of so many proposals one's review is withheld from training; proposals are made with all."""


def collect(reader: Reader) -> Iterable[Observation]:
    """Yield what was said to proposals, or was not said until it was too late, as evidence."""
    read = _read(reader)
    alike: Counter[tuple[str, str, int | None]] = Counter()
    _, reviews, believed = _willing(reader, read)
    willing = dict(zip(reviews, believed, strict=True))
    for row, said in read.last:
        proposal = read.made[said.proposal_id]
        kind = _kind(said.action, proposal)
        alike[kind] += 1
        yield from observations.from_feedback(
            proposal.details.get("features", {}),
            action=said.action,
            title=proposal.text,
            key=f"feedback:{row}",
            at=said.at,
            source=("feedback", row),
            reason=said.reason,
            baseline=proposal.details.get("baseline"),
            edited=_edited(proposal, said, reader.zone) if said.action == "edit" else None,
            offset=_offset(proposal, willing),
            nth=alike[kind],
        )
    for proposal in read.silences:
        kind = _kind("ignored", proposal)
        alike[kind] += 1
        yield from observations.from_feedback(
            proposal.details.get("features", {}),
            action="ignored",
            title=proposal.text,
            key=f"ignored:{proposal.id}",
            at=proposal.end,
            source=("recommendations", proposal.id or 0),
            baseline=proposal.details.get("baseline"),
            offset=_offset(proposal, willing),
            nth=alike[kind],
        )


def _kind(action: str, proposal: Proposal) -> tuple[str, str, int | None]:
    return action, proposal.action, proposal.target.id if proposal.target else None


def _offset(proposal: Proposal, willing: Mapping[int, float]) -> float:
    """Return the log odds of a yes for other reasons than what the proposal is worth."""
    told, readily = proposal.details, willing.get(proposal.id or 0, 0.0)
    if "worth" not in told:
        return readily  # made by an older twind
    return readily + observations.foretold_otherwise(told["odds"], told["worth"], told["doubt"])


def last_words(db: Store, profile_id: int) -> list[tuple[int, Feedback]]:
    """Return what was said last of each proposal, with its row, oldest first.

    Who accepts and then thinks better of it has said one thing.
    """
    last = {
        said.proposal_id: (row, said)
        for row, said in proposals.feedback(db, profile_id)
        if said.action != "snooze"
    }
    return sorted(last.values(), key=lambda pair: pair[0])


def is_withheld(proposal_id: int) -> bool:
    """Tell whether what is said to a proposal is withheld from training, to judge what comes of it.

    By the proposal, or who changes their mind would be taken at a word that they have taken back.
    """
    return proposal_id % WITHHELD_EVERY == 0


def willing(reader: Reader) -> Willingness:
    """Return how readily the user says yes, whatever is proposed."""
    return _willing(reader, _read(reader))[0]


def uptake_of(reader: Reader) -> Uptake:
    """Return how probably the user says yes, beside how often they do in rehearsals."""
    read = _read(reader)
    return uptake.learn(
        (
            uptake.Review(at, read.made[id_].action, told["rehearsed"], taken, weight)
            for id_, (at, taken, weight) in _reviews(read).items()
            if "rehearsed" in (told := read.made[id_].details)  # made by an older twind otherwise
        ),
        reader.now,
    )


class _Read(NamedTuple):
    """What was proposed, what was said of it last, and where nothing was; without the dropped."""

    made: dict[int, Proposal]
    last: list[tuple[int, Feedback]]
    silences: list[Proposal]


def _read(reader: Reader) -> _Read:
    dropped = words.rows(reader.db, reader.profile_id)
    made = {
        one.id: one
        for one in proposals.load(reader.db, reader.profile_id, brief=True)
        if one.id is not None
    }
    last = [
        (row, said)
        for row, said in last_words(reader.db, reader.profile_id)
        if said.proposal_id in made
        and ("feedback", row) not in dropped
        and not (reader.withholds and is_withheld(said.proposal_id))
    ]
    silences = [
        one
        for id_, one in made.items()
        if one.status == "ignored"
        and "withdrawn" not in one.details
        and ("recommendations", id_) not in dropped
    ]
    return _Read(made, last, silences)


def _reviews(read: _Read) -> dict[int, tuple[datetime, bool, float]]:
    """Return, by proposal, when it was answered, whether with a yes, and what that counts."""
    reviews = {said.proposal_id: (said.at, said.action != "reject", 1.0) for _, said in read.last}
    for one in read.silences:
        assert one.id is not None
        reviews[one.id] = (one.end, False, willingness.SILENCE)
    return reviews


def _willing(reader: Reader, read: _Read) -> tuple[Willingness, list[int], list[float]]:
    """Return it, the proposals that were answered, and what was believed before each answer."""
    known = sorted(
        (willingness.Review(at.astimezone(reader.zone), told["odds"], taken, weight), id_)
        for id_, (at, taken, weight) in _reviews(read).items()
        if "odds" in (told := read.made[id_].details)  # made by an older twind otherwise
    )
    asked = [one.day for one in read.made.values()]
    learnt, believed = willingness.learn([review for review, _ in known], asked, reader.local)
    return learnt, [id_ for _, id_ in known], believed


def _edited(proposal: Proposal, said: Feedback, zone: ZoneInfo) -> dict[str, float] | None:
    described = proposal.details.get("block")
    if not described:
        return None
    block = Block(**described)
    hours = (said.duration_min or proposal.duration_min) / 60
    start = (said.start or proposal.start).astimezone(zone)
    middle = (start.hour + start.minute / 60 + hours / 2) % 24
    parts = {
        name: value * hours / block.hours
        for name, value in proposal.details.get("features", {}).items()
        if name.startswith("part:")
    }
    return {**proposed.features(proposal, replace(block, hours=hours, hour=middle)), **parts}
