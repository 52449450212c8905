"""From rows to the posterior and back: what the database says, as evidence, and what follows.

The posterior is a function of all evidence that stands now, read again in the order of time: an
answer taken back, a record deleted, a proposal undone leave nothing behind, and a crash between two
commits loses nothing. `preferences` knows no rows and `store` no likelihoods; this room knows both.
"""

from __future__ import annotations

import json
from datetime import timedelta
from functools import lru_cache
from hashlib import blake2b
from typing import TYPE_CHECKING

from twind import reviewed
from twind.clock import local_midnight
from twind.closeness import DEFAULT
from twind.preferences import catalogue, change, detectors, observations, resuming
from twind.preferences.belief import Belief
from twind.preferences.disowning import Disowned
from twind.preferences.observations import Linear, Observation, directions
from twind.store import changes, life, patterns, questions, sources, words

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from twind.model import Question
    from twind.reader import Reader

HISTORY_DAYS = 365
DIMENSION_SHARE = 0.5
"""How much of its confidence a pattern of a whole dimension passes on to each of its aspects."""
SET_SD = 0.05
"""How far off what the user sets a strength to may be: chosen. It outweighs all that was learnt,
and what comes can still move it."""
PINNED_SD = 1e-3
"""The same for what is pinned, which nothing is to move: in effect exact."""


def days_since(person: life.PersonRow, now: datetime) -> float | None:
    """Return the days since the last contact; None where none is known."""
    return (now - person.contacts[-1]) / timedelta(days=1) if person.contacts else None


def people(reader: Reader) -> list[life.PersonRow]:
    """Return everybody the user knows; the user, who may have a card too, is none of them.

    Nor is who is to be forgotten. Asked again with nothing written meanwhile, it reads nothing.
    """
    return list(_people(reader, reader.db.sight()))


@lru_cache(maxsize=1)
def _people(reader: Reader, _sight: tuple[int, int, int]) -> tuple[life.PersonRow, ...]:
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
        *reviewed.collect(reader),
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
