"""Questions to the user: which there are, which is worth asking now, and how many were.

The catalogue and the bank are seeded into the database, beside the questions that this life itself
gives rise to; what is chosen is chosen by what is believed.
"""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from twind import evidence
from twind.preferences import bank, catalogue, elicitation, observing, situations
from twind.store import life, questions
from twind.store.projection import SINGLE_TASKS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from twind.preferences.belief import Belief
    from twind.reader import Reader
    from twind.store import Store


def seed(reader: Reader) -> None:
    """Put the catalogue, the question bank and the questions about this life into the database."""
    db = reader.db
    with db.transaction():
        dimension_ids, aspect_ids = {}, {}
        for dimension in catalogue.dimensions():
            row = questions.seed_dimension(db, dimension.name, dimension.description)
            dimension_ids[dimension.name] = row
            for aspect in dimension.aspects:
                aspect_ids[aspect.code] = questions.seed_aspect(
                    db,
                    row,
                    aspect.name,
                    aspect.code,
                    aspect.description,
                    observable=aspect.code in observing.observable(),
                )
        people, projects = _people(reader), _projects(reader)
        own = bank.about_life(people, projects)
        for profile_id, entries in ((None, bank.load()), (reader.profile_id, own)):
            for entry in entries:
                _put(db, profile_id, entry, dimension_ids, aspect_ids)
        questions.retire(db, None, (entry.text for entry in bank.load()))
        # Situations on offer stand for as long as what they are about does.
        standing = situations.possible(people, projects)
        questions.retire(db, reader.profile_id, (*(entry.text for entry in own), *standing))


def _put(
    db: Store,
    profile_id: int | None,
    entry: bank.BankQuestion,
    dimension_ids: Mapping[str, int],
    aspect_ids: Mapping[str, int],
) -> None:
    primary = catalogue.index_of().get(entry.primary)
    dimension_name = catalogue.aspects()[primary].dimension if primary is not None else ""
    questions.put(
        db,
        profile_id=profile_id,
        text=entry.text,
        kind=entry.kind,
        dimension_id=dimension_ids.get(dimension_name),
        difficulty=entry.difficulty,
        engagement=entry.engagement,
        effort_s=entry.effort_s,
        options=[(option.text, option.features) for option in entry.options],
        aspect_ids=aspect_ids,
    )


def offer_situations(reader: Reader, belief: Belief) -> None:
    """Offer those situations in which the twin is least sure what the user would do.

    Those that were answered, or whose answer has become clear, are put away. The belief takes in
    whom and what this life's questions are about.
    """
    db, profile_id = reader.db, reader.profile_id
    people, projects = _people(reader), _projects(reader)
    candidates = situations.possible(people, projects)
    about_life = bank.about_life(people, projects)
    belief.take_in(
        name
        for entry in (*about_life, *candidates.values())
        for option in entry.options
        for name in option.features
    )
    answered = {response.question_id for response in questions.responses(db, profile_id)}
    known = questions.load(db, profile_id, active=False)
    chosen = situations.choose(
        belief,
        candidates,
        asked={one.text for one in known if one.id in answered},
        offered={one.text for one in known if one.id not in answered},
    )
    with db.transaction():
        for entry in chosen:
            _put(db, profile_id, entry, {}, {})
        own = (*about_life, *chosen)
        questions.retire(db, profile_id, (entry.text for entry in own))


def _people(reader: Reader) -> list[bank.LifePerson]:
    return [
        bank.LifePerson(
            person.id,
            person.name,
            evidence.days_since(person, reader.now),
            evidence.closeness(person, reader.local),
        )
        for person in evidence.people(reader)
    ]


def _projects(reader: Reader) -> list[bank.LifeProject]:
    return [
        bank.LifeProject(project.id, project.name, project.kind, _days_left(project, reader))
        for project in life.projects(reader.db, reader.profile_id)
        # What recurs is kept up, not brought forward: nobody is asked to choose it over the rest.
        if project.name != SINGLE_TASKS and not any(step.series for step in project.steps)
    ]


def _days_left(project: life.ProjectRow, reader: Reader) -> float | None:
    due = evidence.deadline(project, reader.now)
    return None if due is None else (due - reader.now) / timedelta(days=1)


def asked_today(reader: Reader) -> int:
    """Return how many questions were answered or skipped since midnight on the user's clock."""
    today = reader.local.date()
    given = questions.responses(reader.db, reader.profile_id)
    return sum(1 for one in given if one.at and one.at.astimezone(reader.zone).date() == today)


def next_question(reader: Reader) -> elicitation.Selection:
    """Return the question worth asking now, or why there is none."""
    given = questions.responses(reader.db, reader.profile_id)
    belief = evidence.believe(reader)
    offer_situations(reader, belief)
    asked = {response.question_id for response in given}
    own = evidence.disowned(reader)
    every = [own.question(one) for one in questions.load(reader.db, reader.profile_id)]
    places = {question.id: question for question in every}
    recent = [
        elicitation.dimension_of(places[response.question_id])
        for response in given[-elicitation.RECENT :]
        if response.question_id in places
    ]
    return elicitation.select(belief, every, asked, recent=recent)
