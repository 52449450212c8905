"""People: the rows of `entities` that stand for one or more records, and the user's word on them.

A record is (source, uid). Which records are one person is worked out anew from all of them
(twind.store.linking) whenever one has changed, so that it does not matter which source came first.
A row keeps its id as long as one of its records stays with it. Rows made elsewhere are taken into
use by name, keep what they have, and are never removed; as records they are ("", their id).
"""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import date
from itertools import combinations, product
from typing import TYPE_CHECKING, Any

from twind.errors import NotFoundError
from twind.store import linking
from twind.store.connection import from_json, to_json

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from twind.store.connection import Store
    from twind.store.linking import Key, Pair

RULES = "2"
"""The version of how people are linked; another one has everybody linked anew."""
ELSEWHERE = ""
"""The source of a row that no record made."""
_ADDED = "from_records"
"""What we have added to the metadata of a row made elsewhere; the rest is its own."""


@dataclass(frozen=True, slots=True)
class _Record:
    """A person as one source has them."""

    id: int
    row_id: int | None
    note: str
    groups: tuple[str, ...]
    related: tuple[str, ...]
    card: linking.Card

    @property
    def key(self) -> Key:
        return self.card.key


@dataclass(slots=True)
class _Row:
    """A person's row in `entities`."""

    id: int
    name: str
    about: dict[str, Any]
    description: str | None

    @property
    def made_here(self) -> bool:
        return "origin" in self.about

    def own(self) -> dict[str, Any]:
        """Return the metadata without what we have added to it."""
        added = {_ADDED, *self.about.get(_ADDED, ())}
        return {key: value for key, value in self.about.items() if key not in added}


@dataclass(slots=True)
class _Person:
    """Records that are one person, the row behind them, and what it is to say."""

    records: list[_Record]
    row: _Row | None = None
    name: str = ""
    keys: list[Key] = field(default_factory=list)

    @property
    def plain_name(self) -> str:
        """The fullest name; of equally full ones, that of the first record."""
        return max(
            (record.card.name for record in self.records),
            key=lambda name: len(linking.name_words(name)),
        )

    def all(self, attribute: str) -> list[str]:
        """Return what the records have, in their order, each once."""
        owner = (r.card if hasattr(r.card, attribute) else r for r in self.records)
        return list(dict.fromkeys(value for one in owner for value in getattr(one, attribute)))

    @property
    def phones(self) -> list[str]:
        """The numbers; one that is written in two ways comes once."""
        kept: list[str] = []
        for phone in self.all("phones"):
            number = linking.digits(phone)
            if not number or not any(
                linking.same_number(number, linking.digits(other)) for other in kept
            ):
                kept.append(phone)
        return kept

    def about(self) -> dict[str, Any]:
        """Return what the row's metadata says, without what nothing is known of."""
        cards = [record.card for record in self.records]
        birthday = next((card.birthday for card in cards if card.birthday), None)
        return {
            "emails": self.all("emails"),
            "phones": self.phones,
            "organisation": next((c.organisation for c in cards if c.organisation), ""),
            "groups": self.all("groups"),
            "related": self.all("related"),
            "birthday": birthday.isoformat() if birthday else None,
        }

    def additions(self) -> Iterator[str]:
        """Yield what tells this person from others of the name, the plainest first."""
        yield from self.all("emails")[:1]
        yield from filter(None, (record.card.organisation for record in self.records))
        yield from self.phones[:1]
        source, uid = self.records[0].key
        yield uid
        yield f"{source}: {uid}"


def settle(db: Store, profile_id: int, freed: Iterable[int] = ()) -> None:
    """Bring the people in `entities` up to their records. To be called in a transaction.

    freed: rows whose record is gone. Nothing that stays as it was is written.
    """
    records = _records(db, profile_id)
    rows = _rows(db, profile_id)
    said = _said(db, profile_id, {*records, *((ELSEWHERE, str(row)) for row in rows)})
    everybody = _people(records, said)
    unused = {row for row in freed if row in rows} | {
        record.row_id for record in records.values() if record.row_id in rows
    }
    _assign(everybody, rows, said, unused)
    taken = {person.row.id for person in everybody if person.row is not None}
    gone = [rows[row] for row in sorted(unused - taken) if rows[row].made_here]
    left = [row for row in rows.values() if row.id not in taken and row not in gone]
    _name(everybody, {row.name for row in left})
    for row in gone:
        _remove(db, row, everybody)
    for row in left:
        if not row.made_here and row.own() != row.about:
            _set(db, row.id, "metadata", to_json(row.own()))
    _write(db, profile_id, everybody)
    link_events(db, profile_id)
    if not is_settled(db, profile_id):
        db.meta_set(f"people:{profile_id}", RULES)


def is_settled(db: Store, profile_id: int) -> bool:
    """Tell whether people were linked by the rules of today."""
    return db.meta_get(f"people:{profile_id}") == RULES


def _records(db: Store, profile_id: int) -> dict[Key, _Record]:
    rows = db.rows(
        "SELECT id, source, uid, row_id, payload FROM records "
        "WHERE profile_id = ? AND kind = 'person' ORDER BY source, uid",
        (profile_id,),
    )
    return {(row["source"], row["uid"]): _record(row) for row in rows}


def _record(row: Any) -> _Record:
    said = json.loads(row["payload"])
    birthday = said.get("birthday")
    card = linking.Card(
        (row["source"], row["uid"]),
        said["name"],
        tuple(said["emails"]),
        tuple(said["phones"]),
        said["organisation"],
        date.fromisoformat(birthday) if birthday else None,
        said.get("book", ""),
    )
    groups, related = tuple(said["groups"]), tuple(said.get("related", ()))
    return _Record(row["id"], row["row_id"], said["note"], groups, related, card)


def _rows(db: Store, profile_id: int) -> dict[int, _Row]:
    rows = db.rows(
        "SELECT id, name, metadata, description FROM entities "
        "WHERE profile_id = ? AND entity_type = 'person' AND id IS NOT NULL ORDER BY id",
        (profile_id,),
    )
    return {
        row["id"]: _Row(row["id"], str(row["name"]), from_json(row["metadata"]), row["description"])
        for row in rows
    }


def _said(db: Store, profile_id: int, there: set[Key]) -> dict[Pair, bool]:
    """Return the user's word on those who are there; on others it waits for their return."""
    rows = db.rows("SELECT * FROM same_person WHERE profile_id = ?", (profile_id,))
    pairs = {
        ((row["source_a"], row["uid_a"]), (row["source_b"], row["uid_b"])): bool(row["same"])
        for row in rows
    }
    return {two: same for two, same in pairs.items() if there.issuperset(two)}


def _people(records: dict[Key, _Record], said: dict[Pair, bool]) -> list[_Person]:
    groups = linking.people([record.card for record in records.values()], said)
    found = [
        _Person([records[key] for key in keys if key in records], keys=keys) for keys in groups
    ]
    return [person for person in found if person.records]


# --- which row is whose --------------------------------------------------------------------------


def _assign(
    everybody: list[_Person], rows: dict[int, _Row], said: dict[Pair, bool], unused: set[int]
) -> None:
    """Give each person the row that one of their records has had, or one of their name.

    Who has the oldest record chooses first. A row with something of its own, made elsewhere, comes
    before one of ours, and the older before the younger.
    """
    taken: set[int] = set()

    def take(person: _Person, ids: Iterable[int]) -> None:
        free = [
            rows[row]
            for row in ids
            if row in rows and row not in taken and not _is_denied(person, row, said)
        ]
        if free:
            person.row = min(free, key=lambda row: (row.made_here, row.id))
            taken.add(person.row.id)

    for person in sorted(everybody, key=lambda person: min(r.id for r in person.records)):
        own = [record.row_id for record in person.records if record.row_id is not None]
        take(person, [*own, *(int(uid) for source, uid in person.keys if source == ELSEWHERE)])
    by_name: dict[str, list[int]] = defaultdict(list)
    for row in rows.values():
        if row.id in unused or not row.made_here:
            by_name[row.name].append(row.id)
    for person in everybody:
        for name in dict.fromkeys([person.plain_name, *(r.card.name for r in person.records)]):
            if person.row is None:
                take(person, by_name[name])


def _is_denied(person: _Person, row: int, said: dict[Pair, bool]) -> bool:
    """Tell whether the user has said that this row is somebody else."""
    other = (ELSEWHERE, str(row))
    return any(said.get(linking.pair(record.key, other)) is False for record in person.records)


def _name(everybody: list[_Person], used: set[str]) -> None:
    """Name each person; who is not the first of a name gets an addition to it.

    First is who stands in a row of that name that was made elsewhere, then the first record.
    """

    def owns(person: _Person) -> bool:
        row = person.row
        return row is not None and not row.made_here and row.name == person.plain_name

    for person in sorted(everybody, key=lambda person: not owns(person)):
        plain = person.plain_name
        names = (plain, *(f"{plain} ({addition})" for addition in person.additions()))
        person.name = next((name for name in names if name not in used), "")
        number = 2
        while not person.name:
            name = f"{names[-1]} {number}"
            person.name, number = ("" if name in used else name), number + 1
        used.add(person.name)


# --- writing -------------------------------------------------------------------------------------


def _remove(db: Store, row: _Row, everybody: list[_Person]) -> None:
    """Remove a row of ours; what was said of it goes to whom its records went."""
    heir = next(
        (
            person.row.id
            for person in everybody
            if person.row is not None and any(record.row_id == row.id for record in person.records)
        ),
        None,
    )
    if heir is not None:
        db.execute(
            "UPDATE entity_attributes SET entity_id = ?1 WHERE entity_id = ?2 "
            "AND attribute_type NOT IN "
            "(SELECT attribute_type FROM entity_attributes WHERE entity_id = ?1)",
            (heir, row.id),
        )
    db.execute("DELETE FROM entity_attributes WHERE entity_id = ?", (row.id,))
    db.execute("DELETE FROM entities WHERE id = ?", (row.id,))


def _write(db: Store, profile_id: int, everybody: list[_Person]) -> None:
    wanted = {person.name for person in everybody}
    for person in everybody:
        row = person.row
        if row is not None and row.name != person.name and row.name in wanted:
            # Who is to have this name must not meet it here; none that is read has such a one.
            _set(db, row.id, "name", f"\x1f{row.id}")
    for person in everybody:
        row_id = _write_row(db, profile_id, person)
        for record in person.records:
            if record.row_id != row_id:
                db.execute("UPDATE records SET row_id = ? WHERE id = ?", (row_id, record.id))


def _write_row(db: Store, profile_id: int, person: _Person) -> int:
    origin = person.records[0].key[0]
    known = {key: value for key, value in person.about().items() if value}
    note = next((record.note for record in person.records if record.note), None)
    row = person.row
    if row is None:
        return db.insert(
            "entities",
            profile_id=profile_id,
            entity_type="person",
            name=person.name,
            description=note,
            created_at=db.now(),
            metadata=to_json({"origin": origin, **known}),
        )
    if row.name != person.name:
        _set(db, row.id, "name", person.name)
    if row.made_here:
        others = {key: value for key, value in row.about.items() if key not in person.about()}
        about = {**others, **known, "origin": origin}
        if row.description != note:
            _set(db, row.id, "description", note)
    else:
        added = {key: value for key, value in known.items() if key not in row.own()}
        about = {**row.own(), **added, **({_ADDED: sorted(added)} if added else {})}
    if about != row.about:
        _set(db, row.id, "metadata", to_json(about))
    return row.id


def _set(db: Store, row_id: int, column: str, value: str | None) -> None:
    db.execute(f"UPDATE entities SET {column} = ? WHERE id = ?", (value, row_id))


# --- people and events ---------------------------------------------------------------------------


def link_events(db: Store, profile_id: int, records: Iterable[int] | None = None) -> None:
    """Link those who attend events to the people with their addresses.

    records: the ids of the events to look at; None for all, with the addresses made anew.
    """
    which: int | str
    if records is None:
        db.execute("DELETE FROM addresses WHERE profile_id = ?", (profile_id,))
        db.execute(
            "INSERT OR IGNORE INTO addresses "
            "SELECT e.profile_id, lower(j.value), e.id FROM entities e, "
            "json_each(CASE WHEN json_valid(e.metadata) THEN e.metadata ELSE '{}' END, "
            "'$.emails') j WHERE e.profile_id = ?1 AND e.entity_type = 'person' "
            "UNION SELECT r.profile_id, lower(j.value), r.row_id FROM records r, "
            "json_each(r.payload, '$.emails') j "
            "WHERE r.profile_id = ?1 AND r.kind = 'person' AND r.row_id IS NOT NULL",
            (profile_id,),
        )
        chosen, which = "r.profile_id = ? AND r.kind = 'event'", profile_id
    else:
        chosen, which = "r.id IN (SELECT value FROM json_each(?))", to_json(list(records))
    db.execute(
        f"DELETE FROM event_people WHERE record_id IN (SELECT r.id FROM records r WHERE {chosen})",
        (which,),
    )
    db.execute(
        "INSERT OR IGNORE INTO event_people SELECT r.id, a.entity_id "
        "FROM records r, json_each(r.payload, '$.attendees') j JOIN addresses a "
        "ON a.address = lower(json_extract(j.value, '$.email')) AND a.profile_id = r.profile_id "
        f"WHERE {chosen} AND json_extract(j.value, '$.status') != 'declined'",
        (which,),
    )


# --- the user's word -----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Link:
    """Two records behind one person: how sure that is, and why ("you said so")."""

    a: Key
    b: Key
    confidence: float
    why: str


@dataclass(frozen=True, slots=True)
class Known:
    """A person and the records behind them.

    Attributes:
        id: the row in `entities`.
        name: as it stands there.
        records: (source, uid); a row made elsewhere is ("", its id).
        names: what each record calls them.
        about: e-mail addresses, telephone numbers … as the row has them.
        links: why the records are one person: for each pair that shares something.

    """

    id: int
    name: str
    records: tuple[Key, ...]
    names: tuple[str, ...]
    about: dict[str, Any]
    links: tuple[Link, ...]


def known(db: Store, profile_id: int, entity_id: int | None = None) -> list[Known]:
    """Return everybody, or one person, by name. Raises NotFoundError for one who is not there."""
    rows = _rows(db, profile_id)
    if entity_id is not None:
        if entity_id not in rows:
            raise NotFoundError(f"there is no person {entity_id}; see `twind people`")
        rows = {entity_id: rows[entity_id]}
    behind: dict[int, list[_Record]] = defaultdict(list)
    for record in _records(db, profile_id).values():
        if record.row_id in rows:
            behind[record.row_id].append(record)
    keys = {key for row in rows for key in _keys(rows[row], behind[row])}
    said = _said(db, profile_id, keys)
    people = [_known(row, behind[row.id], said) for row in rows.values()]
    return sorted(people, key=lambda one: (one.name.casefold(), one.id))


def _keys(row: _Row, records: list[_Record]) -> list[Key]:
    own = [] if row.made_here else [(ELSEWHERE, str(row.id))]
    return [*own, *(record.key for record in records)]


def _known(row: _Row, records: list[_Record], said: dict[Pair, bool]) -> Known:
    keys = _keys(row, records)
    cards = {record.key: record.card for record in records}
    names = tuple(cards[key].name if key in cards else row.name for key in keys)
    links = [_link(a, b, cards, said) for a, b in combinations(sorted(keys), 2)]
    about = {key: value for key, value in row.about.items() if key not in {"origin", _ADDED}}
    return Known(
        row.id, row.name, tuple(keys), names, about, tuple(one for one in links if one is not None)
    )


def _link(a: Key, b: Key, cards: dict[Key, linking.Card], said: dict[Pair, bool]) -> Link | None:
    if said.get((a, b)):
        return Link(a, b, linking.SAID, "you said so")
    if a not in cards or b not in cards:
        return Link(a, b, linking.LINKED_FROM, "the name of a row made elsewhere")
    found = linking.evidence(cards[a], cards[b])
    if found.confidence < linking.LINKED_FROM:
        return None
    return Link(a, b, found.confidence, ", ".join(found.shared))


def link(db: Store, profile_id: int, one: int, other: int) -> Known:
    """Say that two people are one, for good, and return them.

    Raises NotFoundError where there is nobody, or where neither row is of twind's making.
    """
    with db.transaction():
        [a], [b] = (known(db, profile_id, row) for row in (one, other))
        if one == other:
            raise NotFoundError(f"{one} is one person already: {a.name}")
        if all((ELSEWHERE, str(row.id)) in row.records for row in (a, b)):
            raise NotFoundError(
                f"{a.name} and {b.name} were both made elsewhere; twind joins neither away"
            )
        _say(db, profile_id, product(a.records, b.records), same=True)
        settle(db, profile_id)
        row = min((a, b), key=lambda person: not _is_there(db, profile_id, person.id))
        return known(db, profile_id, row.id)[0]


def unlink(
    db: Store, profile_id: int, entity_id: int, apart: Iterable[Key] | None = None
) -> list[Known]:
    """Say that the records behind a person are different people, for good.

    apart: the records that are somebody else; None for each a person of their own. Returns who
    they are now. Raises NotFoundError where there is nobody, or nothing to part.
    """
    with db.transaction():
        [person] = known(db, profile_id, entity_id)
        split = set(person.records if apart is None else apart)
        if missing := split - set(person.records):
            raise NotFoundError(f"{person.name} has no record {':'.join(min(missing))}")
        if len(person.records) < 2:
            raise NotFoundError(f"{person.name} is one record alone: there is nothing to part")
        pairs = combinations(sorted(person.records), 2)
        across = [(a, b) for a, b in pairs if apart is None or (a in split) != (b in split)]
        if not across:
            raise NotFoundError(f"those are all the records of {person.name}; name some of them")
        _say(db, profile_id, across, same=False)
        settle(db, profile_id)
        return [one for one in known(db, profile_id) if set(one.records) & set(person.records)]


def forget_links(db: Store, profile_id: int, source: str, uid: str | None = None) -> None:
    """Delete the user's word on who a record is or is not; None for all records of a source."""
    for end in "ab":
        db.execute(
            f"DELETE FROM same_person WHERE profile_id = ?1 AND source_{end} = ?2 "
            f"AND (?3 IS NULL OR uid_{end} = ?3)",
            (profile_id, source, uid),
        )


def _is_there(db: Store, profile_id: int, entity_id: int) -> bool:
    return entity_id in _rows(db, profile_id)


def _say(db: Store, profile_id: int, pairs: Iterable[Pair], *, same: bool) -> None:
    for one, other in pairs:
        a, b = linking.pair(one, other)
        db.execute(
            "INSERT INTO same_person VALUES (?, ?, ?, ?, ?, ?, ?) "
            "ON CONFLICT (profile_id, source_a, uid_a, source_b, uid_b) "
            "DO UPDATE SET same = excluded.same, decided_at = excluded.decided_at",
            (profile_id, *a, *b, int(same), db.now()),
        )
