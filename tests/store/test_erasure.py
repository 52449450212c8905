"""What is left of somebody in a database after they were deleted."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from twind.model import Attendee, CalendarEvent, Person
from twind.store import erasure, people, records, sources
from twind.store.connection import to_json

NOW = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
WINDOW = (NOW - timedelta(days=30), NOW + timedelta(days=30))
ANN = Person(uid="ann", name="Ann Lee", emails=("ann@example.org",))


def sync(db, *fetched, source="contacts"):
    records.apply(db, 1, source, fetched, WINDOW)


def lunch(*addresses):
    guests = tuple(Attendee(email=one, status="accepted") for one in addresses)
    end = NOW + timedelta(hours=1)
    return CalendarEvent(uid="lunch", title="Lunch", start=NOW, end=end, attendees=guests)


def named(db, text):
    """Return the tables that hold a text."""
    tables = db.rows("SELECT name FROM sqlite_master WHERE type = 'table'")
    return {
        table["name"]
        for table in tables
        for row in db.rows(f"SELECT * FROM {table['name']}")
        if text in str(tuple(row))
    }


def id_of(db, name):
    [found] = [one.id for one in people.known(db, 1) if one.name == name]
    return found


def test_of_somebody_made_elsewhere_no_address_is_left(db):
    with db.transaction():
        about = to_json({"emails": ["zoe@example.org"]})
        db.insert("entities", profile_id=1, entity_type="person", name="Zoe Old", metadata=about)
    sync(db, ANN)
    sync(db, lunch("zoe@example.org", "ann@example.org"), source="calendar")
    zoe = id_of(db, "Zoe Old")
    assert named(db, "zoe@example.org") == {"entities", "addresses", "records"}
    erasure.person(db, 1, zoe)
    assert named(db, "zoe@example.org") == set()
    met = {row["entity_id"] for row in db.rows("SELECT entity_id FROM event_people")}
    assert met == {id_of(db, "Ann Lee")}


def test_what_a_source_complained_of_does_not_name_them_either(db):
    sync(db, ANN)
    sources.failed(db, 1, "contacts", "ann-lee.vcf: Ann Lee has two birthdays")
    erasure.person(db, 1, id_of(db, "Ann Lee"))
    [health] = sources.health(db, 1).values()
    assert health["last_error"] == "….vcf: … has two birthdays"
