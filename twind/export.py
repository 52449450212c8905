"""All that twind knows, in formats that other programs read: JSON, iCalendar and vCard.

`twind.json` holds everything but passwords and what can be made again from the rest (the posterior,
the models' weights: they are in a backup). `calendar.ics` has the events, `proposals.ics` what was
accepted, `people.vcf` a card for each person. All are of one moment, and written row by row, so
that a hundred thousand events take no more memory than ten.
"""

from __future__ import annotations

import json
import os
import re
import tempfile
import zipfile
from contextlib import contextmanager, suppress
from datetime import date
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import twind
from twind import published
from twind.clock import format_utc, parse_utc
from twind.errors import ExportError
from twind.store import people
from twind.store.connection import texts

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from zoneinfo import ZoneInfo

    from twind.store import Store

FORMAT = 1
SECTIONS: dict[str, str] = {
    "sources": "SELECT name, records, last_run_at, last_ok_at, trouble, trouble_since FROM sources "
    "WHERE profile_id = :profile ORDER BY name",
    "records": "SELECT source, uid, kind, grp AS file, start_at, end_at, first_seen_at, "
    "changed_at, payload AS data FROM records WHERE profile_id = :profile ORDER BY id",
    "refused": "SELECT source, uid, grp AS file, reason, first_seen_at, seen_at FROM source_errors "
    "WHERE profile_id = :profile ORDER BY id",
    "people": "SELECT id, entity_type AS type, name, description, created_at, metadata AS about "
    "FROM entities WHERE profile_id = :profile ORDER BY id",
    "attributes": "SELECT entity_id AS person, attribute_type AS type, value, text_value, "
    "confidence, last_updated, metadata AS about FROM entity_attributes "
    "WHERE profile_id = :profile ORDER BY entity_id, attribute_type",
    "same_person": "SELECT source_a, uid_a, source_b, uid_b, same, decided_at FROM same_person "
    "WHERE profile_id = :profile ORDER BY source_a, uid_a, source_b, uid_b",
    "projects": "SELECT id, name, workflow_type AS type, status, metadata AS about FROM workflows "
    "WHERE profile_id = :profile ORDER BY id",
    "steps": "SELECT s.id, s.workflow_id AS project, s.description, s.status, s.due_date, "
    "s.completed_at, s.metadata AS about FROM workflow_steps s JOIN workflows w "
    "ON w.id = s.workflow_id WHERE w.profile_id = :profile ORDER BY s.id",
    "answers": "SELECT r.id, r.created_at, r.response_type AS type, q.text AS question, "
    "o.text AS answer, r.confidence_level AS confidence FROM responses r LEFT JOIN questions q "
    "ON q.id = r.question_id LEFT JOIN answer_options o ON o.id = r.answer_option_id "
    "WHERE r.profile_id = :profile ORDER BY r.id",
    "check_ins": "SELECT id, at, energy, note FROM checkins WHERE profile_id = :profile "
    "ORDER BY id",
    "patterns": "SELECT d.name AS dimension, a.name AS aspect, a.code, p.pattern_type AS type, "
    "p.strength, p.confidence, p.evidence_count, p.impact_score AS impact, p.first_detected, "
    "p.last_updated, p.metadata AS about FROM patterns p LEFT JOIN aspects a ON a.id = p.aspect_id "
    "LEFT JOIN dimensions d ON d.id = COALESCE(p.dimension_id, a.dimension_id) "
    "WHERE p.profile_id = :profile ORDER BY p.id",
    "evidence": "SELECT key, kind, at, text, weight, aspects, origin FROM evidence "
    "WHERE profile_id = :profile ORDER BY id",
    "words": "SELECT id, kind, subject, value, text, at FROM words WHERE profile_id = :profile "
    "ORDER BY id",
    "changes": "SELECT id, at, dimension, noticed_at FROM changes WHERE profile_id = :profile "
    "ORDER BY id",
    "proposals": "SELECT id, recommendation_type AS action, title, description, confidence, "
    "status, created_at, responded_at, metadata AS about FROM recommendations "
    "WHERE profile_id = :profile ORDER BY id",
    "feedback": "SELECT id, recommendation_id AS proposal, action, reason, start_at, duration_min, "
    "until_at, created_at, undone_at FROM feedback WHERE profile_id = :profile ORDER BY id",
    "messages": "SELECT id, key, state, payload AS data, created_at, sent_at FROM outbox "
    "WHERE profile_id = :profile ORDER BY id",
    "deliveries": "SELECT d.message_id AS message, d.plugin, d.name AS channel, d.state, d.tries, "
    "d.changed_at FROM deliveries d JOIN outbox o ON o.id = d.message_id "
    "WHERE o.profile_id = :profile ORDER BY d.message_id, d.plugin, d.name",
    "models": "SELECT id, kind, state, timesteps, score, created_at, served_at, report FROM models "
    "WHERE profile_id = :profile ORDER BY id",
}
"""The arrays of `twind.json`, in their order, each with what its objects are read from."""
_DECODED = frozenset({"data", "about", "aspects", "report"})
"""Columns whose text is JSON; where a database made elsewhere has other text, that stays."""
_LOGIN = re.compile(r"(\w://)[^/\s@]+@")
_PRODID = "-//twind//export//EN"


def write(db: Store, profile_id: int, zone: ZoneInfo, target: Path) -> dict[str, int]:
    """Export a profile to a new folder, or to a new zip file where `target` ends in ".zip".

    zone: the user's, in which whole days begin. Returns the size of each file in bytes. Raises
    ExportError, naming the place, where something is there already or cannot be written: then
    nothing is.
    """
    if target.exists():
        raise ExportError(f"{target} is there already; name another place")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".twind-", dir=target.parent) as scratch:
            part = Path(scratch) / target.name
            place = _in_zip if target.suffix.lower() == ".zip" else _in_folder
            with db.reading(), place(part) as new:
                sizes = _write_all(db, profile_id, zone, new)
            _move(part, target)
    except OSError as error:
        raise ExportError(f"{target}: {error.strerror or error}") from error
    return sizes


# --- where it goes -------------------------------------------------------------------------------


@contextmanager
def _in_folder(folder: Path) -> Iterator[Callable[[str], IO[bytes]]]:
    folder.mkdir(mode=0o700)

    def new(name: str) -> IO[bytes]:
        return os.fdopen(os.open(folder / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")

    yield new


@contextmanager
def _in_zip(file: Path) -> Iterator[Callable[[str], IO[bytes]]]:
    file.touch(mode=0o600)
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as bundle:
        yield lambda name: bundle.open(name, "w", force_zip64=True)


def _move(part: Path, target: Path) -> None:
    """Give what is written its name. A folder or a link replaces nothing but an empty folder."""
    if part.is_dir():
        part.rename(target)
        return
    try:
        os.link(part, target)
    except FileExistsError:
        raise
    except OSError:  # a stick's file system has no links; then the name is taken first
        os.close(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        part.replace(target)


def _write_all(
    db: Store, profile_id: int, zone: ZoneInfo, new: Callable[[str], IO[bytes]]
) -> dict[str, int]:
    parts: dict[str, Iterator[bytes]] = {
        "twind.json": _json(db, profile_id),
        "calendar.ics": _calendar(db, profile_id, zone),
        "proposals.ics": iter([published.accepted(db, profile_id)]),
        "people.vcf": _cards(db, profile_id),
    }
    sizes = {}
    for name, chunks in parts.items():
        with new(name) as file:
            sizes[name] = sum(file.write(chunk) for chunk in chunks)
    return sizes


# --- JSON ----------------------------------------------------------------------------------------


def _json(db: Store, profile_id: int) -> Iterator[bytes]:
    """Yield one object: what it is, and an array for each of SECTIONS, a line for each row."""
    head = {
        "format": FORMAT,
        "twind": twind.__version__,
        "made_at": format_utc(db.clock.now()),
        "profile": profile_id,
    }
    yield json.dumps(head, indent=1).removesuffix("\n}").encode()
    for name, sql in SECTIONS.items():
        yield f',\n "{name}": ['.encode()
        for number, row in enumerate(db.each(sql, {"profile": profile_id})):
            values = {key: _value(key, row[key]) for key in row.keys()}  # noqa: SIM118 - a Row
            line = json.dumps(values, ensure_ascii=False)
            yield (",\n  " if number else "\n  ").encode() + line.encode("utf-8", "replace")
        yield b"\n ]"
    yield b"\n}\n"


def _value(key: str, value: Any) -> Any:
    if isinstance(value, bytes):
        return None
    if key == "reason" and isinstance(value, str):
        return _LOGIN.sub(r"\1…@", value)  # a plugin may have said what it could not open
    if key in _DECODED and isinstance(value, str):
        try:
            return json.loads(value)
        except ValueError:
            return value
    return value


# --- iCalendar -----------------------------------------------------------------------------------


def _calendar(db: Store, profile_id: int, zone: ZoneInfo) -> Iterator[bytes]:
    """Yield a calendar in which each occurrence of a series is an event of its own."""
    yield f"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:{_PRODID}\r\n".encode()
    for row in db.each(
        "SELECT uid, payload, changed_at FROM records "
        "WHERE profile_id = ? AND kind = 'event' ORDER BY id",
        (profile_id,),
    ):
        yield _event(row["uid"], json.loads(row["payload"]), row["changed_at"], zone)
    yield b"END:VCALENDAR\r\n"


def _event(uid: str, said: dict[str, Any], changed_at: str, zone: ZoneInfo) -> bytes:
    # Imported here: only whoever exports pays for it.
    import icalendar

    event = icalendar.Event()
    event.add("uid", uid)
    event.add("dtstamp", parse_utc(changed_at))
    for name, key in (("dtstart", "start"), ("dtend", "end")):
        moment = parse_utc(said[key])
        event.add(name, moment.astimezone(zone).date() if said["all_day"] else moment)
    event.add("summary", said["title"])
    event.add("status", said["status"].upper())
    event.add("transp", "OPAQUE" if said["busy"] else "TRANSPARENT")
    for key in ("location", "description"):
        if said[key]:
            event.add(key, said[key])
    if said["categories"]:
        event.add("categories", said["categories"])
    if said["organizer"]:
        event.add("organizer", f"mailto:{said['organizer']}")
    for guest in said["attendees"]:
        parameters = {"PARTSTAT": guest["status"].upper()}
        if guest["name"]:
            parameters["CN"] = guest["name"]
        event.add("attendee", f"mailto:{guest['email']}", parameters=parameters)
    content: bytes = event.to_ical()
    return content


# --- vCard ---------------------------------------------------------------------------------------


def _cards(db: Store, profile_id: int) -> Iterator[bytes]:
    """Yield a card for each person, with what all their records say."""
    notes = {
        row["id"]: row["description"]
        for row in db.each(
            "SELECT id, description FROM entities WHERE profile_id = ?", (profile_id,)
        )
    }
    for one in people.known(db, profile_id):
        yield _card(one, str(notes[one.id] or ""))


def _card(one: people.Known, note: str) -> bytes:
    import vobject

    about, names = one.about, dict(zip(one.records, one.names, strict=True))
    card = vobject.vCard()
    source, uid = one.records[0] if one.records else ("", "")
    card.add("uid").value = uid if source else f"twind-person-{one.id}"
    name = max(names.values(), key=len, default=one.name) if source else one.name
    card.add("fn").value = name
    card.add("n").value = vobject.vcard.Name(family=name)
    for key, field in (("emails", "email"), ("phones", "tel")):
        for value in texts(about, key):
            card.add(field).value = value
    if about.get("organisation"):
        card.add("org").value = [str(about["organisation"])]
    if groups := texts(about, "groups"):
        card.add("categories").value = list(groups)
    with suppress(ValueError):  # there is none, or a database made elsewhere says it in its own way
        card.add("bday").value = date.fromisoformat(str(about.get("birthday"))).isoformat()
    for told in texts(about, "related"):
        kinds, colon, who = told.partition(": ")
        line = card.add("related")
        line.value = who if colon else told
        line.params["VALUE"] = ["text"]
        if colon:
            line.params["TYPE"] = kinds.split(", ")
    if note:
        card.add("note").value = note
    content: str = card.serialize()
    return content.encode("utf-8", "replace")
