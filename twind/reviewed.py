"""What the user has said to proposals, as evidence.

Of what things are worth to them (`collect`), of how readily they say yes whatever it is
(`willing`), and of what they take up more or less often than rehearsals have it (`uptake_of`).
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

from twind import proposed
from twind.preferences import observations, uptake, willingness
from twind.preferences.features import Block
from twind.store import proposals

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime
    from zoneinfo import ZoneInfo

    from twind.model import Feedback, Proposal
    from twind.preferences.observations import Observation
    from twind.preferences.uptake import Uptake
    from twind.preferences.willingness import Willingness
    from twind.reader import Reader

WITHHELD_EVERY = 5
"""Of so many reviews one is withheld from training. Proposals are made with all of them."""


def collect(reader: Reader) -> Iterable[Observation]:
    """Yield what was said to proposals, or was not said until it was too late, as evidence."""
    made = {one.id: one for one in proposals.load(reader.db, reader.profile_id, brief=True)}
    alike: Counter[tuple[str, str, int | None]] = Counter()
    last = _last_words(reader, made)
    _, reviews, believed = _willing(reader, made, last)
    willing = dict(zip(reviews, believed, strict=True))
    for row, said in last:
        proposal = made[said.proposal_id]
        kind = (said.action, proposal.action, proposal.target.id if proposal.target else None)
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
    for proposal in made.values():
        if proposal.status == "ignored" and "withdrawn" not in proposal.details:
            yield from observations.from_feedback(
                proposal.details.get("features", {}),
                action="ignored",
                title=proposal.text,
                key=f"ignored:{proposal.id}",
                at=proposal.end,
                source=("recommendations", proposal.id or 0),
                baseline=proposal.details.get("baseline"),
                offset=_offset(proposal, willing),
            )


def _offset(proposal: Proposal, willing: Mapping[int, float]) -> float:
    """Return the log odds of a yes for other reasons than what the proposal is worth."""
    told, readily = proposal.details, willing.get(proposal.id or 0, 0.0)
    if "worth" not in told:
        return readily  # made by an older twind
    return readily + observations.foretold_otherwise(told["odds"], told["worth"], told["doubt"])


def _last_words(reader: Reader, made: Mapping[int | None, Proposal]) -> list[tuple[int, Feedback]]:
    """Return what was said last of each proposal, by row.

    Who accepts and then thinks better of it has said one thing.
    """
    last = {
        said.proposal_id: (row, said)
        for row, said in proposals.feedback(reader.db, reader.profile_id)
        if said.action != "snooze" and said.proposal_id in made
        if not (reader.withholds and is_withheld(row))
    }
    told = sorted(last.values(), key=lambda pair: pair[0])
    return [(row, said) for row, said in told if said.action != "undo"]


def is_withheld(feedback: int) -> bool:
    """Tell whether a review, by its row, is withheld from training, to judge what comes of it."""
    return feedback % WITHHELD_EVERY == 0


def willing(reader: Reader) -> Willingness:
    """Return how readily the user says yes, whatever is proposed."""
    made = {one.id: one for one in proposals.load(reader.db, reader.profile_id, brief=True)}
    return _willing(reader, made, _last_words(reader, made))[0]


def uptake_of(reader: Reader) -> Uptake:
    """Return how probably the user says yes, beside how often they do in rehearsals."""
    made = {one.id: one for one in proposals.load(reader.db, reader.profile_id, brief=True)}
    reviews = _reviews(made, _last_words(reader, made))
    return uptake.learn(
        (
            uptake.Review(at, made[id_].action, made[id_].details["rehearsed"], taken, weight)
            for id_, (at, taken, weight) in reviews.items()
            if "rehearsed" in made[id_].details  # made by an older twind otherwise
        ),
        reader.now,
    )


def _reviews(
    made: Mapping[int | None, Proposal], last: Iterable[tuple[int, Feedback]]
) -> dict[int, tuple[datetime, bool, float]]:
    """Return, by proposal, when it was answered, whether with a yes, and what that counts."""
    reviews = {said.proposal_id: (said.at, said.action != "reject", 1.0) for _, said in last}
    for one in made.values():
        if one.id is not None and one.status == "ignored" and "withdrawn" not in one.details:
            reviews[one.id] = (one.end, False, willingness.SILENCE)
    return reviews


def _willing(
    reader: Reader,
    made: Mapping[int | None, Proposal],
    last: Iterable[tuple[int, Feedback]],
) -> tuple[Willingness, list[int], list[float]]:
    """Return it, the proposals that were answered, and what was believed before each answer."""
    reviews = _reviews(made, last)
    known = sorted(
        (
            willingness.Review(
                at.astimezone(reader.zone), made[id_].details["odds"], taken, weight
            ),
            id_,
        )
        for id_, (at, taken, weight) in reviews.items()
        if "odds" in made[id_].details  # made by an older twind otherwise
    )
    asked = [one.day for one in made.values()]
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
