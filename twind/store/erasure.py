"""Forgetting for good: somebody, a source, a dimension, or everything; and their bytes.

A word (twind.store.words) has twind leave something alone, and can be taken back. This deletes: the
rows, what rests on them, what names them in passing, what was learnt from them. One transaction
says so and that it is not finished; then the files of models go, and the database is written anew
without what was deleted, and its journal emptied (`wipe`). Where that is cut short the next start
goes on with it (`finish`); with what deletes everything, too (`finish_everything`).

Copies are another matter: backups, databases set aside and what was left half-made hold what they
held. `copies` lists them.
"""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from twind import atomic
from twind.errors import NotFoundError, StoreError
from twind.store import (
    erased,
    jobs,
    models,
    outbox,
    ownership,
    patterns,
    people,
    proposals,
    questions,
    records,
    sources,
    words,
)
from twind.store.connection import FORGOTTEN_SUFFIX, JOURNALS, RECOVERED_SUFFIX, texts

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from twind.home import Home
    from twind.store.connection import Store

META = "forgetting"
"""Says, in `meta`, that what was deleted is not wiped yet."""
_SPEAKING = {
    "profile": ("metadata",),
    "responses": ("metadata",),
    "patterns": ("metadata",),
    "entities": ("name", "description", "metadata"),
    "entity_attributes": ("text_value", "metadata"),
    "workflows": ("name", "metadata"),
    "workflow_steps": ("description", "metadata"),
    "recommendations": ("title", "description", "metadata"),
    "feedback": ("reason",),
    "words": ("text",),
    "checkins": ("note",),
    "outbox": ("payload", "error"),
    "deliveries": ("error",),
    "sources": ("last_error",),
    "meta": ("value",),
}
"""Where rows that stay may name somebody in passing. The question bank and the catalogue are
twind's own, and what was learnt is learnt anew."""


@dataclass(frozen=True, slots=True)
class Gone:
    """What was deleted.

    Attributes:
        what: whom or what it was about.
        records: those of the sources, with what they had become.
        mentions: rows that stay and named it in passing.
        proposals: emptied, with what was said to them.
        answers: to questions about it.
        models: put out of service, since they were trained on it; their files are gone.

    """

    what: str
    records: int = 0
    mentions: int = 0
    proposals: int = 0
    answers: int = 0
    models: int = 0


# --- what is to go -------------------------------------------------------------------------------


def person(db: Store, profile_id: int, entity_id: int) -> Gone:
    """Delete somebody; no source brings them back (twind.store.erased). Raises NotFoundError."""
    with db.transaction():
        [one] = people.known(db, profile_id, entity_id)
        return _delete_person(db, profile_id, one, _fingerprints(db, profile_id, one))


def again(db: Store, home: Home) -> None:
    """Forget in a database that is brought back what was forgotten after it was kept.

    Their bytes go when twind next starts (`finish`). Raises StoreError where that cannot be read.
    """
    with db.transaction():
        profiles, wholes = erased.take_over(db, home)
        for profile_id in profiles:
            sources.reread(db, profile_id)
            without = erased.load(db, profile_id)
            while (one := _back_again(db, profile_id, without)) is not None:
                _delete_person(db, profile_id, one, without)
            if _redact(db, profile_id, without):
                _unlearn(db, profile_id)
        for profile_id, kind, name in sorted(set(wholes) - set(erased.wholes(db))):
            if kind == "source":
                source(db, profile_id, name)
            else:
                with suppress(NotFoundError):  # it knows of no dimension yet, and believes nothing
                    dimension(db, profile_id, name)


def _back_again(db: Store, profile_id: int, without: erased.Erased) -> people.Known | None:
    known = people.known(db, profile_id)
    return next((one for one in known if without.knows(_marks(one))), None)


def _delete_person(db: Store, profile_id: int, one: people.Known, without: erased.Erased) -> Gone:
    with db.transaction():
        refs = {f"person:{one.id}", f"entity:{one.id}"}
        met = db.rows("SELECT record_id FROM event_people WHERE entity_id = ?", (one.id,))
        rows = patterns.rows_behind(db, profile_id, f"person:{one.id}")
        rows |= {("records", row["record_id"]) for row in met}

        def mentions(text: str) -> bool:
            return without.column(text) != text

        emptied = proposals.erase(db, profile_id, refs=refs, mentions=mentions)
        proposals.uncite(db, profile_id, rows)
        answers = questions.erase(db, profile_id, refs, mentions)
        for source, uid in one.records:
            words.take_back(db, profile_id, ("person",), f"{source}:{uid}")
            people.forget_links(db, profile_id, source, uid)
        deleted = records.erase(db, profile_id, one.records)
        for table, column in (("entity_attributes", "entity_id"), ("entities", "id")):
            db.execute(f"DELETE FROM {table} WHERE {column} = ?", (one.id,))
        people.settle(db, profile_id)
        mentioned = _redact(db, profile_id, without)
        sources.reread(db, profile_id)
        put_out = _unlearn(db, profile_id)
    return Gone(one.name, deleted, mentioned, emptied, answers, put_out)


def source(db: Store, profile_id: int, name: str) -> Gone:
    """Delete all that a source has brought, and all that rested on it; it is not read again."""
    with db.transaction():
        deleted, rows, refs = ownership.delete_source(db, profile_id, name)
        emptied = proposals.erase(db, profile_id, rows, refs)
        answers = questions.erase(db, profile_id, refs)
        people.forget_links(db, profile_id, name)
        words.forget_source(db, profile_id, name)
        outbox.forget(db, profile_id, "source", name)
        put_out = _unlearn(db, profile_id)
    return Gone(name, deleted, 0, emptied, answers, put_out)


def dimension(db: Store, profile_id: int, name: str) -> Gone:
    """Delete what is believed of a dimension, and the answers to its questions.

    Nothing is believed of its aspects from then on: each is forgotten as by the user's word, and
    can be restored as such. Raises NotFoundError.
    """
    with db.transaction():
        row = db.row("SELECT id, name FROM dimensions WHERE lower(name) = lower(?)", (name,))
        if row is None:
            there = ", ".join(one["name"] for one in db.rows("SELECT name FROM dimensions"))
            raise NotFoundError(f"there is no dimension {name}; there are {there or 'none yet'}")
        codes = set()
        for aspect in db.rows(
            "SELECT name, code FROM aspects WHERE dimension_id = ? AND code != ''", (row["id"],)
        ):
            text = f"{row['name']}: {aspect['name'].replace('_', ' ')}"
            words.take_back(db, profile_id, tuple(words.ASPECT_KINDS), aspect["code"])
            words.say(db, profile_id, "forget", aspect["code"], text=text)
            codes.add(aspect["code"])
        withdrawn = proposals.uncite(db, profile_id, refs=codes)
        answers = questions.forget_answers(db, profile_id, row["id"])
        db.execute(
            "DELETE FROM patterns WHERE profile_id = ?1 AND (dimension_id = ?2 OR aspect_id IN "
            "(SELECT id FROM aspects WHERE dimension_id = ?2))",
            (profile_id, row["id"]),
        )
        db.execute(
            "DELETE FROM changes WHERE profile_id = ? AND dimension = ?", (profile_id, row["name"])
        )
        outbox.forget(db, profile_id, "dimension", row["name"])
        put_out = _unlearn(db, profile_id)
    return Gone(row["name"], 0, 0, withdrawn, answers, put_out)


def restore_person(db: Store, profile_id: int, who: str) -> int:
    """Let somebody be known again who was deleted, by name, address or SOURCE:UID; return how many.

    The sources are read anew at the next sync. Raises NotFoundError for nobody.
    """
    with db.transaction():
        count = erased.take_back(db, profile_id, who)
        if not count:
            raise NotFoundError(f"nobody called {who} was forgotten for good")
        sources.reread(db, profile_id)
    return count


def everything(home: Home) -> list[Path]:
    """Delete all that twind knows and has made, but for copies; return what there was.

    `twind.toml` and the plugins are the user's own, and stay. A file that says so comes first and
    goes last, and nobody opens the database beside it (`Store.open`); nor is that done here: it may
    be damaged, or a newer twind's. To be called by whoever holds the home.
    """
    mark = _mark(home)
    mark.touch(mode=0o600)
    atomic.sync_folder(home.state_dir)
    made = (home.erased, home.calendar, home.models_dir)
    gone = delete([*_databases(home), *made, *left_over(home)])
    if home.backups_dir.is_dir():
        atomic.sync_folder(home.backups_dir)
    atomic.sync_folder(home.state_dir)
    mark.unlink()
    atomic.sync_folder(home.state_dir)
    return gone


def is_under_way(home: Home) -> bool:
    """Tell whether everything is being deleted, or that was cut short."""
    return _mark(home).exists()


def finish_everything(home: Home) -> bool:
    """Delete what is left of everything where that was cut short; tell whether it was.

    To be called before anything else is done with the home, by whoever holds it.
    """
    if not is_under_way(home):
        return False
    everything(home)
    return True


# --- their bytes ---------------------------------------------------------------------------------


def wipe(db: Store, home: Home) -> None:
    """Write the database anew without what was deleted, and empty its journal.

    First whom no source is to bring back is kept for a backup that does not know (erased.keep).
    Raises StoreError where another program keeps it from that; then it is still to be done.
    """
    erased.keep(db, home)
    kept = {row["file"] for row in db.rows("SELECT file FROM models WHERE file IS NOT NULL")}
    delete(path for path in home.models_dir.glob("*") if path.name not in kept)
    delete(left_over(home))
    try:
        db.execute("VACUUM")
        busy = db.value("PRAGMA wal_checkpoint(TRUNCATE)")
    except sqlite3.OperationalError as error:
        raise StoreError(f"{home.database}: what was deleted is not wiped yet: {error}") from error
    if busy:
        raise StoreError(
            f"{home.database}: another program reads it, so that what was deleted is not wiped "
            "yet; end it, and start twind"
        )
    db.meta_set(META, None)


def finish(db: Store, home: Home) -> bool:
    """Wipe what was deleted and has not been wiped; tell whether there was any."""
    if db.meta_get(META) is None:
        return False
    wipe(db, home)
    return True


def copies(home: Home) -> list[Path]:
    """Return where else there is what twind knows: in backups, set aside as damaged, half-made."""
    made, aside = home.backups_dir.glob("twind-*.zip"), home.damaged_dir.glob("*")
    return [*sorted(made), *sorted(aside), *left_over(home)]


def left_over(home: Home) -> list[Path]:
    """Return the folders that a backup or a recovery is made in, or did not live to remove."""
    return [
        path
        for folder in (home.state_dir, home.backups_dir)
        for path in sorted(folder.glob(".twind-*"))
        if path.is_dir()
    ]


def delete(paths: Iterable[Path]) -> list[Path]:
    """Delete files and whole folders; return those that were there."""
    gone = []
    for path in paths:
        if path.is_dir():
            shutil.rmtree(path)
        elif path.exists():
            path.unlink()
        else:
            continue
        gone.append(path)
    return gone


# --- shared --------------------------------------------------------------------------------------


def _fingerprints(db: Store, profile_id: int, one: people.Known) -> erased.Erased:
    others = [_marks(other) for other in people.known(db, profile_id) if other.id != one.id]
    return erased.add(db, profile_id, _marks(one), others)


def _marks(one: people.Known) -> erased.Marks:
    """Return what somebody is known by."""
    return erased.Marks(
        records=[f"{source}:{uid}" for source, uid in one.records],
        addresses=texts(one.about, "emails"),
        phones=texts(one.about, "phones"),
        names=[one.name, *one.names],
    )


def _redact(db: Store, profile_id: int, without: erased.Erased) -> int:
    """Take those who are erased out of all rows that stay; return how many named them."""
    return sum(1 for _ in _redacted(db, profile_id, without))


def _redacted(db: Store, profile_id: int, without: erased.Erased) -> Iterator[None]:
    for row in db.rows("SELECT id, payload FROM records WHERE profile_id = ?", (profile_id,)):
        told = without.payload(row["payload"])
        if told != row["payload"]:
            # Without a digest the next sync compares it with nothing, and writes what there is.
            change = "UPDATE records SET payload = ?, digest = '' WHERE id = ?"
            db.execute(change, (told, row["id"]))
            yield
    for table, columns in _SPEAKING.items():
        for column in columns:
            for row in db.rows(f"SELECT rowid AS number, {column} AS text FROM {table}"):
                text = row["text"]
                if isinstance(text, str) and (told := without.column(text)) != text:
                    _put(db, table, column, row["number"], told)
                    yield


def _put(db: Store, table: str, column: str, number: int, text: str) -> None:
    change = f"UPDATE {table} SET {column} = ? WHERE rowid = ?"
    try:
        db.execute(change, (text, number))
    except sqlite3.IntegrityError:  # two that were told apart by a name
        db.execute(change, (f"{text} {number}", number))


def _unlearn(db: Store, profile_id: int) -> int:
    """Delete all that was learnt, to be learnt anew; return how many models that were."""
    for table in ("evidence", "beliefs"):
        db.execute(f"DELETE FROM {table} WHERE profile_id = ?", (profile_id,))
    jobs.forget_results(db)
    db.meta_set("silent_because", None)
    db.meta_set(META, db.now())
    return models.unlearn(db, profile_id)


def _mark(home: Home) -> Path:
    return home.database.with_name(f"{home.database.name}{FORGOTTEN_SUFFIX}")


def _databases(home: Home) -> list[Path]:
    names = ("", *JOURNALS, RECOVERED_SUFFIX)
    return [home.database.with_name(f"{home.database.name}{suffix}") for suffix in names]
