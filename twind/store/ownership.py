"""The user's word on what twind believes, and on what it may learn from: said and taken back.

A word counts from the next refresh, proposal and training on (twind.evidence). What was proposed
before stops citing what it is about at once, for good; what was proposed and still waits is
withdrawn where it rested on it.
"""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING

from twind.errors import NotFoundError
from twind.store import patterns, people, proposals, records, words

if TYPE_CHECKING:
    from twind.model import Pattern
    from twind.store.connection import Store


def enforce(db: Store, profile_id: int) -> None:
    """Hold all proposals to what was said: one may have been made while it was said."""
    whom = words.people(db, profile_id)
    refs = {f"{kind}:{row}" for row in whom for kind in ("person", "entity")}
    refs |= {word.subject for word in words.load(db, profile_id) if word.kind == "forget"}
    proposals.uncite(db, profile_id, words.rows(db, profile_id), refs)


def aspect(db: Store, profile_id: int, name: str) -> Pattern:
    """Return the pattern of an aspect, by its code or its own name, in either case.

    Raises NotFoundError where there is none, and where several bear that name.
    """
    known = [pattern for _, pattern in patterns.load(db, profile_id)]
    found = [one for one in known if one.code == name.upper()] or [
        one for one in known if one.aspect == name.strip().lower().replace(" ", "_")
    ]
    if len(found) > 1:
        codes = ", ".join(one.code for one in found)
        raise NotFoundError(f"{name} is the name of several patterns: {codes}")
    if not found:
        raise NotFoundError(f"there is no pattern {name}; `twind patterns --all` lists them")
    return found[0]


def say(db: Store, profile_id: int, kind: words.Kind, code: str, value: float | None = None) -> int:
    """Take the user's word on an aspect; return how many proposals are withdrawn for it.

    kind: wrong, forget, or with a value -1..1 set or pin. Raises NotFoundError for no aspect.
    """
    with db.transaction():
        about = aspect(db, profile_id, code)
        text = f"{about.dimension}: {about.aspect.replace('_', ' ')}"
        words.say(db, profile_id, kind, about.code, value=value, text=text)
        return proposals.uncite(db, profile_id, refs={about.code})


def drop(db: Store, profile_id: int, name: str) -> str:
    """Let nothing be learnt from what a piece of evidence rests on; return what it says.

    name: as evidence is shown by. Raises NotFoundError.
    """
    with db.transaction():
        origin, text = patterns.find_evidence(db, profile_id, name)
        if origin.startswith("words/"):
            raise NotFoundError(
                f"{name} is your own word: `twind patterns --restore CODE` takes it back"
            )
        words.say(db, profile_id, "evidence", origin, text=text)
        proposals.uncite(db, profile_id, words.rows(db, profile_id))
    return text


def restore(db: Store, profile_id: int, name: str) -> list[words.Word]:
    """Take back all that was said of an aspect, or of a piece of evidence; return what that was.

    name: of an aspect as `aspect` takes it, or of evidence as it is shown. Raises NotFoundError
    where nothing was.
    """
    with db.transaction():
        codes = {name.upper()}
        with suppress(NotFoundError):
            codes.add(aspect(db, profile_id, name).code)
        found = [
            word
            for word in words.load(db, profile_id)
            if (word.kind in words.ASPECT_KINDS and word.subject in codes)
            or (word.kind == "evidence" and name in (word.subject, words.short(word.subject)))
        ]
        if not found:
            raise NotFoundError(
                f"you have said nothing of {name}; `twind patterns --said` lists what you have"
            )
        for word in found:
            words.take_back(db, profile_id, (word.kind,), word.subject)
    return found


def forget_person(db: Store, profile_id: int, entity_id: int) -> tuple[people.Known, int]:
    """Let twind know nobody of that id, whatever the sources say.

    Returns who it was, and how many proposals are withdrawn. Raises NotFoundError.
    """
    with db.transaction():
        [person] = people.known(db, profile_id, entity_id)
        for source, uid in person.records:
            words.say(db, profile_id, "person", f"{source}:{uid}", text=person.name)
        name = f"person:{person.id}"
        # Answers and reviews speak of somebody, too; the next refresh drops them as evidence.
        rows = words.rows(db, profile_id) | patterns.rows_behind(db, profile_id, name)
        refs = {name, f"entity:{person.id}"}
        return person, proposals.uncite(db, profile_id, rows, refs)


def restore_person(db: Store, profile_id: int, entity_id: int) -> people.Known:
    """Let twind know somebody again. Raises NotFoundError for nobody, or who was not forgotten."""
    with db.transaction():
        [person] = people.known(db, profile_id, entity_id)
        subjects = [f"{source}:{uid}" for source, uid in person.records]
        taken = [words.take_back(db, profile_id, ("person",), subject) for subject in subjects]
        if not any(taken):
            raise NotFoundError(f"{person.name} is not forgotten: there is nothing to restore")
    return person


def forget_source(db: Store, profile_id: int, name: str) -> tuple[int, int]:
    """Delete all that a source has brought, and let it not be read again.

    Returns how many records are deleted and how many proposals withdrawn.
    """
    with db.transaction():
        deleted, rows, gone = delete_source(db, profile_id, name)
        return deleted, proposals.uncite(db, profile_id, rows, gone)


def delete_source(db: Store, profile_id: int, name: str) -> tuple[int, set[words.Row], set[str]]:
    """Delete a source's records, in a transaction, and let it not be read again.

    Returns how many records there were, the rows that evidence of them rested on, and what reasons
    call the people and projects that are gone with them.
    """
    words.say(db, profile_id, "source", name)
    of_it = f"{name}:"
    rows = {
        row for row, origin in words.origins(db, profile_id).items() if origin.startswith(of_it)
    }
    before = _refs(db, profile_id)
    deleted = records.forget(db, profile_id, name)
    return deleted, rows, before - _refs(db, profile_id)


def restore_source(db: Store, profile_id: int, name: str) -> None:
    """Let a source be read again. Raises NotFoundError for one that may be."""
    if not words.take_back(db, profile_id, ("source",), name):
        raise NotFoundError(f"{name} is not forgotten: there is nothing to restore")


def _refs(db: Store, profile_id: int) -> set[str]:
    """Return what reasons call the people and projects there are."""
    kinds = {"entities": ("person", "entity"), "workflows": ("project", "workflow")}
    return {
        f"{kind}:{row['id']}"
        for table, both in kinds.items()
        for row in db.rows(f"SELECT id FROM {table} WHERE profile_id = ?", (profile_id,))
        for kind in both
    }
