"""`twind people`: who twind knows, which records are one person, and the user's word on that."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from twind.cli.output import told_withdrawn
from twind.cli.session import opened
from twind.clock import day_of
from twind.closeness import cadence_days, cadence_why
from twind.plaintext import counted, every
from twind.store import life, ownership, people, words

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable
    from datetime import datetime, tzinfo

    from twind.cli.output import Output
    from twind.cli.session import Session


def list_all(arguments: argparse.Namespace, out: Output) -> int:
    """List everybody, with the sources they come from and when they were last met."""
    with opened(arguments) as session:
        found = _told(session, people.known(session.db, session.profile_id))
        zone = session.settings.zone
    lines = [
        f"{one['id']:>5}  {one['name']:<32} {_sources(one):<28} "
        f"{'forgotten' if one['forgotten'] else _met(one, zone)}".rstrip()
        for one in found
    ]
    return out.done({"people": found}, "\n".join(lines) or "nobody yet")


def show(arguments: argparse.Namespace, out: Output) -> int:
    """Show one person: their records, and why these are one person."""
    with opened(arguments) as session:
        [one] = _told(session, people.known(session.db, session.profile_id, arguments.id))
        zone = session.settings.zone
    close, cadence = one["closeness"], one["cadence"]
    lines = [
        _line("name", one["name"]),
        _line("last met", _met(one, zone) or "never"),
        _line("closeness", f"{close['value']:.2f} ({close['why']})"),
        _line("cadence", f"{every(cadence['days'])} ({cadence['why']})"),
    ]
    for key, value in one["about"].items():
        text = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
        lines.append(_line(key, text))
    lines += [_line("record", f"{_key(r)}  {r['name']}") for r in one["records"]]
    lines += [
        _line("linked", f"{_key(k['a'])} = {_key(k['b'])}: {k['why']} ({k['confidence']:.2f})")
        for k in one["links"]
    ]
    return out.done(one, "\n".join(lines))


def link(arguments: argparse.Namespace, out: Output) -> int:
    """Say that two people are one."""
    with opened(arguments) as session:
        one = people.link(session.db, session.profile_id, arguments.id, arguments.other)
        [told] = _told(session, [one])
    return out.done(told, f"{told['id']} {told['name']} is one person: {_sources(told)}")


def unlink(arguments: argparse.Namespace, out: Output) -> int:
    """Say that the records behind a person are several people; it stays so."""
    with opened(arguments) as session:
        db, profile = session.db, session.profile_id
        [person] = people.known(db, profile, arguments.id)
        apart = [_record_of(person, text) for text in arguments.records] or None
        found = _told(session, people.unlink(db, profile, arguments.id, apart))
    lines = [f"{one['id']:>5}  {one['name']:<32} {_sources(one)}" for one in found]
    return out.done({"people": found}, "\n".join(lines))


def forget(arguments: argparse.Namespace, out: Output) -> int:
    """Have twind know nothing of somebody any more, whatever the sources say."""
    with opened(arguments) as session:
        session.refresh()
        person, withdrawn = ownership.forget_person(session.db, session.profile_id, arguments.id)
        session.refresh()
    return out.done(
        {"id": person.id, "name": person.name, "withdrawn": withdrawn},
        f"{person.name} is forgotten{told_withdrawn(withdrawn)}; "
        f"`twind people restore {person.id}` takes that back",
    )


def restore(arguments: argparse.Namespace, out: Output) -> int:
    """Have twind know somebody again who was forgotten."""
    with opened(arguments) as session:
        person = ownership.restore_person(session.db, session.profile_id, arguments.id)
        session.refresh()
    return out.done({"id": person.id, "name": person.name}, f"{person.name} is known again")


def _record_of(person: people.Known, text: str) -> tuple[str, str]:
    """Return the record that is meant by SOURCE:UID or, where that is clear, by UID."""
    meant = [key for key in person.records if text in (f"{key[0]}:{key[1]}", key[1])]
    if len(meant) == 1:
        return meant[0]
    source, _, uid = text.partition(":")
    return source, uid


def _told(session: Session, found: Iterable[people.Known]) -> list[dict[str, Any]]:
    now = session.db.clock.now().astimezone(session.settings.zone)
    everybody = life.people(session.db, session.profile_id, now, session.settings.emails)
    rows = {row.id: row for row in everybody}
    nobody = words.people(session.db, session.profile_id)
    return [
        {**_one(known, rows[known.id], now), "forgotten": known.id in nobody} for known in found
    ]


def _one(known: people.Known, row: life.PersonRow, now: datetime) -> dict[str, Any]:
    close = row.closeness(now)
    return {
        "id": known.id,
        "name": known.name,
        "is_user": row.is_user,
        "contacts": len(row.meetings),
        "last_contact_at": row.contacts[-1].isoformat() if row.meetings else None,
        "closeness": {"value": close.value, "why": close.why},
        "cadence": {
            "days": cadence_days(row.meetings, now, close.value),
            "why": cadence_why(row.meetings, now),
        },
        "about": known.about,
        "records": [
            {"source": source, "uid": uid, "name": name}
            for (source, uid), name in zip(known.records, known.names, strict=True)
        ],
        "links": [
            {
                "a": dict(zip(("source", "uid"), two.a, strict=True)),
                "b": dict(zip(("source", "uid"), two.b, strict=True)),
                "confidence": two.confidence,
                "why": two.why,
            }
            for two in known.links
        ],
    }


def _met(one: dict[str, Any], zone: tzinfo) -> str:
    at = one["last_contact_at"]
    return f"{day_of(at, zone)}, {counted(one['contacts'], 'time')} in all" if at else ""


def _sources(one: dict[str, Any]) -> str:
    names = [record["source"] or "made elsewhere" for record in one["records"]]
    counts = {name: names.count(name) for name in names}
    return ", ".join(name if n == 1 else f"{name} x{n}" for name, n in counts.items())


def _key(record: dict[str, Any]) -> str:
    return f"{record['source']}:{record['uid']}" if record["source"] else "made elsewhere"


def _line(title: str, text: str) -> str:
    return f"{title:<12} {text}"
