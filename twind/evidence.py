"""From rows to the posterior and back: what the database says, as evidence, and what follows.

The posterior is a function of all evidence that stands now, read again in the order of time: an
answer taken back, a record deleted, a proposal undone leave nothing behind, and a crash between two
commits loses nothing. `preferences` knows no rows and `store` no likelihoods; this room knows both.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import lru_cache
from hashlib import blake2b
from typing import TYPE_CHECKING, Any

from twind.clock import local_midnight
from twind.closeness import DEFAULT
from twind.preferences import (
    catalogue,
    change,
    detectors,
    observations,
    resuming,
    uptake,
    willingness,
)
from twind.preferences.belief import ATTRIBUTE_NAMES, Belief
from twind.preferences.disowning import Disowned
from twind.preferences.features import ACTIVITIES, Block, attributes
from twind.preferences.observations import Linear, Observation, directions
from twind.store import changes, life, patterns, proposals, questions, sources, words

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from zoneinfo import ZoneInfo

    from twind.model import Feedback, Proposal, Question
    from twind.preferences.uptake import Uptake
    from twind.preferences.willingness import Willingness
    from twind.store import Store

HISTORY_DAYS = 365
WITHHELD_EVERY = 5
"""Of so many reviews one is withheld from training. Proposals are made with all of them."""
DIMENSION_SHARE = 0.5
"""How much of its confidence a pattern of a whole dimension passes on to each of its aspects."""
SET_SD = 0.05
"""How far off what the user sets a strength to may be: chosen. It outweighs all that was learnt,
and what comes can still move it."""
PINNED_SD = 1e-3
"""The same for what is pinned, which nothing is to move: in effect exact."""


@dataclass(frozen=True, slots=True)
class Reader:
    """Whose database is read, and through whose eyes.

    withholds: whether the reviews by which a new model is judged are left unread (`is_withheld`).
    """

    db: Store
    profile_id: int
    zone: ZoneInfo
    emails: frozenset[str]
    now: datetime
    withholds: bool = False

    @property
    def local(self) -> datetime:
        """The present on the user's clock."""
        return self.now.astimezone(self.zone)


def days_since(person: life.PersonRow, now: datetime) -> float | None:
    """Return the days since the last contact; None where none is known."""
    return (now - person.contacts[-1]) / timedelta(days=1) if person.contacts else None


def people(reader: Reader) -> list[life.PersonRow]:
    """Return everybody the user knows; the user, who may have a card too, is none of them.

    Nor is who is to be forgotten. Asked again with nothing written meanwhile, it reads nothing.
    """
    unwritten = (reader.db.data_version(), reader.db.connection.total_changes)
    return list(_people(reader, unwritten))


@lru_cache(maxsize=1)
def _people(reader: Reader, _unwritten: tuple[int, int]) -> tuple[life.PersonRow, ...]:
    everybody = life.people(reader.db, reader.profile_id, reader.local, reader.emails)
    nobody = words.people(reader.db, reader.profile_id)
    return tuple(one for one in everybody if not one.is_user and one.id not in nobody)


def closeness(person: life.PersonRow, now: datetime) -> float:
    """Return how close somebody is, 0..1 (twind.closeness says by what formula)."""
    return person.closeness(now).value


def deadline(project: life.ProjectRow, now: datetime) -> datetime | None:
    """Return when a project is due: its own deadline, else that of its next open step.

    `deadline_days`, as databases made elsewhere have it, counts from now: nothing says since when.
    """
    if project.deadline is not None:
        return project.deadline
    if project.deadline_days is not None:
        return now + timedelta(days=max(0.0, min(project.deadline_days, 3650.0)))
    return min((step.due for step in project.steps if step.due and not step.done), default=None)


# --- what happened -------------------------------------------------------------------------------


def history(reader: Reader) -> detectors.History:
    """Return the blocks that were lived and the tasks that were done in the last year.

    Without those that nothing is to be learnt from.
    """
    since = reader.now - timedelta(days=HISTORY_DAYS)
    close = {person.id: closeness(person, reader.local) for person in people(reader)}
    first = sources.first_synced(reader.db, reader.profile_id)
    over = [
        (event, _lived(reader, event, close, first[event.source]))
        for event in life.events(reader.db, reader.profile_id, since, reader.now)
        if not event.all_day and event.status == "confirmed" and event.end <= reader.now
    ]
    blocks = [block for event, block in over if event.busy]
    invitations = [
        detectors.Invitation(block, accepted="declined" not in said)
        for event, block in over
        if not block.own
        and (said := {event.answers.get(email) for email in reader.emails})
        & {"accepted", "declined"}
    ]
    tasks = [
        detectors.DoneTask(
            completed_local=step.completed_at.astimezone(reader.zone),
            title=step.text,
            source=("workflow_steps", step.id),
            created_local=step.created_at.astimezone(reader.zone) if step.created_at else None,
            due_local=step.due.astimezone(reader.zone) if step.due else None,
            project_id=project.id,
            series=step.series,
        )
        for project in life.projects(reader.db, reader.profile_id, active=False)
        for step in project.steps
        if step.completed and step.completed_at and since <= step.completed_at <= reader.now
    ]
    happened = detectors.History(tuple(blocks), tuple(tasks), tuple(invitations))
    return disowned(reader).history(happened)


def behind_history(reader: Reader) -> str:
    """Return a hash of the events that history is made of, in less time than they take to read.

    They are those of whole days: what leaves them behind does so at midnight.
    """
    since = local_midnight(reader.local.date() - timedelta(days=HISTORY_DAYS), reader.zone)
    said = life.lived(reader.db, reader.profile_id, since, reader.now)
    whose = (str(reader.zone), sorted(reader.emails), said)
    return blake2b(repr(whose).encode(), digest_size=16).hexdigest()


def _lived(
    reader: Reader, event: life.EventRow, close: dict[int, float], first: datetime
) -> detectors.LivedBlock:
    """Return an event as a block. first: when its source was read for the first time."""
    others = event.others(reader.emails)
    known = event.first_seen_at.astimezone(reader.zone)
    people_ids, closeness = company(event, others, close)
    return detectors.LivedBlock(
        start_local=event.start.astimezone(reader.zone),
        end_local=event.end.astimezone(reader.zone),
        title=event.title,
        source=("records", event.id),
        activity=detectors.classify(event.title, others, event.categories),
        people_ids=people_ids,
        closeness=closeness,
        series=event.series,
        own=event.is_own(reader.emails),
        # The first reading brings everything at once, old and new.
        known_local=known if known.date() > first.astimezone(reader.zone).date() else None,
    )


def company(
    event: life.EventRow, others: int, close: dict[int, float]
) -> tuple[tuple[int, ...], float]:
    """Return who of those in `close` takes part, and how close the `others` are on average."""
    known = tuple(person for person in event.people if person in close)
    if known:
        return known, sum(close[person] for person in known) / len(known)
    return (), DEFAULT if others else 0.0


# --- evidence ------------------------------------------------------------------------------------


def collect(reader: Reader) -> list[Observation]:
    """Return every piece of evidence that stands now, as far as the user lets it speak."""
    seen = [
        *_answers(reader),
        *_feedback(reader),
        *detectors.detect(history(reader)),
        *_changes(reader),
        *_said(reader, "set", SET_SD),
    ]
    return list(disowned(reader).evidence(seen))


def _changes(reader: Reader) -> Iterable[Observation]:
    for one in changes.load(reader.db, reader.profile_id):
        what = one.dimension.lower() or "much of what you value"
        yield Observation(
            key=f"change:{one.id}",
            at=one.at,
            kind="behaviour",
            text=f"Since then you have spoken and lived as if {what} had changed for you",
            source=("changes", one.id),
            likelihood=change.as_evidence(one.dimension),
        )


def look_for_change(reader: Reader) -> change.Found | None:
    """Return a sudden change in what the user values that is not noted yet; None for none.

    It takes seconds where there is much evidence, and writes nothing.
    """
    known = [(one.at, one.dimension) for one in changes.load(reader.db, reader.profile_id)]
    return change.find(prior(reader), collect(reader), reader.now, known)


def disowned(reader: Reader) -> Disowned:
    """Return what is not to be learnt from, or of, by the user's word."""
    db, profile_id = reader.db, reader.profile_id
    said = words.load(db, profile_id)
    return Disowned(
        rows=words.rows(db, profile_id),
        people=frozenset(f"person:{row}" for row in words.people(db, profile_id)),
        until={
            word.subject: word.at if word.kind == "wrong" else None
            for word in said
            if word.kind in {"wrong", "forget"}
        },
    )


def pins(reader: Reader) -> list[Observation]:
    """Return what the user has pinned, as evidence that is to be heard after all other."""
    return _said(reader, "pin", PINNED_SD)


def _said(reader: Reader, kind: words.Kind, noise_sd: float) -> list[Observation]:
    """Return what the user has said that aspects are, as evidence."""
    verb = {"set": "set", "pin": "pinned"}[kind]
    return [
        Observation(
            key=f"word:{word.id}",
            at=word.at,
            kind="answer",
            text=f"You {verb} {word.text} to {word.value:+.2f} yourself",
            source=("words", word.id),
            likelihood=Linear({word.subject: 1.0}, word.value, noise_sd),
        )
        for word in words.load(reader.db, reader.profile_id)
        if word.kind == kind and word.value is not None
    ]


def _answers(reader: Reader) -> Iterable[Observation]:
    known: dict[int, Question] = {
        question.id: question
        for question in questions.load(reader.db, reader.profile_id, active=False)
    }
    newest = {
        given.question_id: given for given in questions.responses(reader.db, reader.profile_id)
    }
    for given in newest.values():
        question = known.get(given.question_id)
        options = {option.id for option in question.options} if question else set()
        chose = given.response_type not in {"skipped", "dont_care"}
        if question is None or (chose and given.option_id not in options):
            continue  # a database made elsewhere may have lost the question it answers
        seen = observations.from_answer(
            question,
            given.option_id,
            key=f"response:{given.id}",
            at=given.at or reader.now,
            source=("responses", given.id),
            response=given.response_type,
            confidence=given.confidence,
        )
        if seen is not None:
            yield seen


def _feedback(reader: Reader) -> Iterable[Observation]:
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
    return {**block_features(replace(block, hours=hours, hour=middle), proposal), **parts}


def block_features(block: Block, proposal: Proposal) -> dict[str, float]:
    """Return the features of a proposal done as this block.

    Its aspects, whom or what it is for, and its attributes themselves (see `belief.Belief`).
    """
    named = named_features(block) | attribute_features(block)
    if proposal.target is not None:
        named[f"{proposal.target.kind}:{proposal.target.id}"] = block.hours
    return named


def attribute_features(block: Block) -> dict[str, float]:
    """Return the hours of a proposed block's attributes, by their names in a belief."""
    told = attributes(block)
    return {ATTRIBUTE_NAMES[place]: float(told[place]) for place in told.nonzero()[0]}


def named_features(block: Block) -> dict[str, float]:
    """Return a block's features by aspect code, the zeros left out."""
    return dict(detectors.sparse(block))


def proposed_block(proposal: Proposal, zone: ZoneInfo, **context: Any) -> Block:
    """Return a proposal as a block; `context` gives people, closeness, lead_days, varied."""
    start = proposal.start.astimezone(zone)
    hours = proposal.duration_min / 60
    return Block(
        activity=ACTIVITIES.index(proposal.action),
        hours=hours,
        hour=(start.hour + start.minute / 60 + hours / 2) % 24,
        depth={"light": 0.0, "normal": 0.5, "deep": 1.0}[proposal.intensity],
        **context,
    )


# --- what follows --------------------------------------------------------------------------------


def prior(reader: Reader) -> Belief:
    """Return what is believed before evidence: the population, and earlier patterns.

    It names no people and projects. They come in as evidence speaks of them, and of the others
    nothing is known that would be worth a row: an address book may hold thousands.
    """
    told = patterns.earlier(reader.db, reader.profile_id)
    spread: dict[str, tuple[float, float]] = {}
    for dimension in catalogue.dimensions():
        whole = told.get(dimension.name)
        if whole is not None:
            for aspect in dimension.aspects:
                spread[aspect.code] = (whole[0], whole[1] * DIMENSION_SHARE)
    spread.update({code: value for code, value in told.items() if code in catalogue.index_of()})
    return Belief.prior(earlier=spread, unknown=disowned(reader).until.keys())


def believe(reader: Reader) -> Belief:
    """Return the posterior after all evidence that the reader reads."""
    return _learn(reader, collect(reader))[0]


def is_withheld(feedback: int) -> bool:
    """Tell whether a review, by its row, is withheld from training, to judge what comes of it."""
    return feedback % WITHHELD_EVERY == 0


def _learn(reader: Reader, seen: Iterable[Observation]) -> tuple[Belief, bytes]:
    """Return the posterior after this evidence, and what to keep so as not to learn it again."""
    kept = patterns.load_belief(reader.db, reader.profile_id)
    belief, keep = resuming.learn(prior(reader), seen, reader.now, kept)
    return _pinned(reader, belief), keep


def _pinned(reader: Reader, belief: Belief) -> Belief:
    """Hold a belief to what the user has pinned; what is kept to learn on from is without it."""
    for pin in pins(reader):
        belief.update(pin)
    return belief


def refresh(reader: Reader) -> Belief:
    """Read all evidence again and write patterns, evidence and posterior; return the posterior."""
    seen = collect(reader)
    belief, kept = _learn(reader, seen)
    known = words.origins(reader.db, reader.profile_id)
    with reader.db.transaction():
        patterns.write(reader.db, reader.profile_id, belief.patterns())
        patterns.write_evidence(
            reader.db,
            reader.profile_id,
            (
                patterns.EvidenceRow(
                    key=one.key,
                    kind=one.kind,
                    at=one.at,
                    text=one.text,
                    source_table=one.source[0],
                    source_id=one.source[1],
                    weight=one.weight,
                    aspects=directions(one.likelihood),
                    origin=words.origin(one.source, known),
                )
                for one in (*seen, *pins(reader))
            ),
        )
        patterns.write_belief(reader.db, reader.profile_id, kept)
    return belief


# --- the world, as far as training depends on it -------------------------------------------------


def world(reader: Reader) -> str:
    """Return what the simulated life consists of, to tell later whether it has changed."""
    return json.dumps(
        {
            "projects": [p.id for p in life.projects(reader.db, reader.profile_id)],
            "people": [person.id for person in people(reader)],
        }
    )


def world_distance(before: str | None, after: str) -> float:
    """Return how much of two worlds' projects and people is not shared, 0..1; 1 for no world."""
    if not before:
        return 1.0
    old, new = json.loads(before), json.loads(after)
    distances = []
    for kind in ("projects", "people"):
        union, shared = set(old[kind]) | set(new[kind]), set(old[kind]) & set(new[kind])
        distances.append(1 - len(shared) / len(union) if union else 0.0)
    return max(distances)
