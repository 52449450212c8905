from __future__ import annotations

import json
import tempfile
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from twind.clock import FixedClock
from twind.errors import NotFoundError
from twind.model import Attendee, CalendarEvent, Deleted, Person
from twind.store import Store, life, migrations, people, profiles, records

NOW = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
WINDOW = (NOW - timedelta(days=30), NOW + timedelta(days=30))


def sync(db, source, *fetched):
    return records.apply(db, 1, source, fetched, WINDOW)


def ann(uid="1", name="Ann Lee", email="ann@x.org", **more):
    return Person(uid=uid, name=name, emails=(email,) if email else (), **more)


def told(db):
    return {one.name: sorted(":".join(key) for key in one.records) for one in people.known(db, 1)}


def named(db, name):
    [one] = [one for one in people.known(db, 1) if one.name == name]
    return one


def elsewhere(db, name="Ann Lee", **about):
    with db.transaction():
        return db.insert(
            "entities", profile_id=1, entity_type="person", name=name, metadata=json.dumps(about)
        )


def attribute(db, row, kind="love", value=0.9):
    with db.transaction():
        db.insert(
            "entity_attributes", profile_id=1, entity_id=row, attribute_type=kind, value=value
        )


def test_one_person_in_two_sources_is_one_row_with_what_both_know(db):
    sync(db, "a", ann(name="Ann", phones=("030 1234567",), groups=("friends",)))
    before = db.value("SELECT id FROM entities")
    sync(
        db,
        "b",
        ann(
            phones=("+49 30 1234567", "7654321"),
            organisation="Acme",
            birthday=date(1980, 5, 1),
            related=("spouse: Bo",),
            note="from b",
        ),
    )
    [row] = db.rows("SELECT * FROM entities")
    assert (row["id"], row["name"], row["description"]) == (before, "Ann Lee", "from b")
    assert json.loads(row["metadata"]) == {
        "origin": "a",
        "emails": ["ann@x.org"],
        "phones": ["030 1234567", "7654321"],
        "organisation": "Acme",
        "groups": ["friends"],
        "birthday": "1980-05-01",
        "related": ["spouse: Bo"],
    }


def test_one_person_in_two_address_books_of_one_source_is_one_row(db):
    sync(db, "a", ann(book="phone"), ann("2", "Ann B. Lee", book="mail"))
    assert told(db) == {"Ann B. Lee": ["a:1", "a:2"]}
    sync(db, "a", ann(book="phone"), ann("2", "Ann B. Lee", book="phone"))
    assert told(db) == {"Ann Lee": ["a:1"], "Ann B. Lee": ["a:2"]}


def test_what_one_source_drops_goes_and_the_person_stays(db):
    sync(db, "a", ann(name="Ann"))
    sync(db, "b", ann(organisation="Acme"))
    row = db.value("SELECT id FROM entities")
    sync(db, "a", Deleted("1"))
    assert told(db) == {"Ann Lee": ["b:1"]}
    assert db.value("SELECT id FROM entities") == row
    sync(db, "b", Deleted("1"))
    assert told(db) == {}


def test_a_link_can_be_undone_and_stays_undone(db):
    sync(db, "a", ann())
    sync(db, "b", ann())
    [one] = people.known(db, 1)
    [why] = one.links
    assert (why.why, why.confidence) == ("e-mail ann@x.org", 0.97)
    parted = people.unlink(db, 1, one.id)
    assert [person.records for person in parted] == [(("a", "1"),), (("b", "1"),)]
    assert parted[0].id == one.id
    sync(db, "a", ann(note="changed"))
    sync(db, "b", Deleted("1"))
    sync(db, "b", ann())
    assert told(db) == {"Ann Lee": ["a:1"], "Ann Lee (ann@x.org)": ["b:1"]}
    people.link(db, 1, *(person.id for person in people.known(db, 1)))
    assert told(db) == {"Ann Lee": ["a:1", "b:1"]}
    assert people.known(db, 1)[0].links[0].why == "you said so"


def test_what_each_knew_survives_linking_and_is_given_back(db):
    sync(db, "a", ann(related=("spouse: Bo",), groups=("Choir",)))
    sync(db, "b", ann(related=("spouse: Bo", "child: Cy"), groups=("Work",)))
    [one] = people.known(db, 1)
    assert one.about["related"] == ["spouse: Bo", "child: Cy"]
    assert one.about["groups"] == ["Choir", "Work"]
    parted = people.unlink(db, 1, one.id)
    assert [person.about["related"] for person in parted] == [
        ["spouse: Bo"],
        ["spouse: Bo", "child: Cy"],
    ]
    again = people.link(db, 1, *(person.id for person in parted))
    assert (again.id, again.about) == (one.id, one.about)


SOURCES = st.dictionaries(
    st.sampled_from("abcd"),
    st.lists(
        st.builds(
            Person,
            uid=st.sampled_from("12"),
            name=st.sampled_from(["Ann", "Ann Lee", "Lee, Ann", "Bo Lee"]),
            emails=st.lists(st.sampled_from(["a@x", "b@x", "f@x"]), max_size=2).map(tuple),
            phones=st.sampled_from([(), ("030 1234567",), ("+49 30 1234567",)]),
            organisation=st.sampled_from(["", "Acme"]),
            related=st.sampled_from([(), ("spouse: Bo",), ("child: Cy",)]),
        ),
        unique_by=lambda person: person.uid,
        max_size=2,
    ),
    min_size=2,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40)
@given(SOURCES, st.randoms(use_true_random=False))
def test_any_order_of_the_sources_gives_the_same_people(tmp_path, sources, luck):
    def told_after(names) -> list:
        with (
            tempfile.TemporaryDirectory(dir=tmp_path) as folder,
            Store.open(Path(folder) / "twind.db", FixedClock(NOW)) as db,
        ):
            profiles.ensure(db, 1)
            for name in names:
                sync(db, name, *sources[name])
            return [(one.name, one.records, one.about) for one in people.known(db, 1)]

    names = sorted(sources)
    # The first of all may come again, and changes nothing.
    shuffled = luck.sample(names, len(names))
    assert told_after([*shuffled, shuffled[0]]) == told_after(names)


def test_only_the_record_that_is_wrong_is_parted(db):
    for source in "abc":
        sync(db, source, ann())
    [one] = people.known(db, 1)
    people.unlink(db, 1, one.id, [("c", "1")])
    assert told(db) == {"Ann Lee": ["a:1", "b:1"], "Ann Lee (ann@x.org)": ["c:1"]}


def test_two_who_share_nothing_are_linked_by_the_users_word(db):
    sync(db, "a", ann(name="Ann"), ann("2", "Zed", "zed@x.org"))
    first, other = people.known(db, 1)
    attribute(db, other.id)
    one = people.link(db, 1, other.id, first.id)
    assert (one.id, one.name) == (first.id, "Ann")
    assert db.value("SELECT entity_id FROM entity_attributes") == first.id
    assert one.about["emails"] == ["ann@x.org", "zed@x.org"]


def test_what_cannot_be_said_is_refused_in_words(db):
    sync(db, "a", ann())
    row = named(db, "Ann Lee").id
    one, two = elsewhere(db, "X"), elsewhere(db, "Y")
    for call, said in (
        (lambda: people.known(db, 1, 99), "no person 99"),
        (lambda: people.link(db, 1, row, row), "one person already"),
        (lambda: people.link(db, 1, one, two), "both made elsewhere"),
        (lambda: people.unlink(db, 1, row), "one record alone"),
        (lambda: people.unlink(db, 1, row, [("z", "1")]), "no record z:1"),
    ):
        before = db.connection.total_changes
        with pytest.raises(NotFoundError, match=said):
            call()
        assert db.connection.total_changes == before


def test_a_row_made_elsewhere_is_linked_and_parted_and_keeps_its_own(db):
    row = elsewhere(db, "Annie", x=1)
    attribute(db, row)
    sync(db, "a", ann())
    people.link(db, 1, row, named(db, "Ann Lee").id)
    assert told(db) == {"Ann Lee": [f":{row}", "a:1"]}
    people.unlink(db, 1, row)
    assert {len(keys) for keys in told(db).values()} == {1}
    assert json.loads(db.value("SELECT metadata FROM entities WHERE id = ?", (row,))) == {"x": 1}
    assert db.value("SELECT entity_id FROM entity_attributes") == row


def test_a_row_that_was_taken_by_name_is_given_back(db):
    row = elsewhere(db)
    sync(db, "a", ann())
    assert named(db, "Ann Lee").id == row
    people.unlink(db, 1, row)
    sync(db, "a", ann(note="again"))
    assert told(db) == {"Ann Lee": [f":{row}"], "Ann Lee (ann@x.org)": ["a:1"]}


def test_people_swap_names(db):
    sync(db, "a", ann("1", "Ann", "1@x"), ann("2", "Bo", "2@x"))
    ids = {one.name: one.id for one in people.known(db, 1)}
    sync(db, "a", ann("1", "Bo", "1@x"), ann("2", "Ann", "2@x"))
    assert {one.name: one.id for one in people.known(db, 1)} == {
        "Ann": ids["Bo"],
        "Bo": ids["Ann"],
    }


def test_a_person_whose_uid_changes_keeps_the_row(db):
    sync(db, "a", ann("1"), ann("9", "Bo", "bo@x"))
    row = named(db, "Ann Lee").id
    sync(db, "a", ann("2"), ann("9", "Bo", "bo@x"))
    assert named(db, "Ann Lee").id == row


def test_an_event_follows_a_link(db):
    guests = (Attendee(email="old@x.org"),)
    start = NOW - timedelta(days=1)
    meeting = CalendarEvent(uid="e", title="e", start=start, end=NOW, attendees=guests)
    sync(db, "calendar", meeting)
    sync(db, "a", ann(), ann("2", "Ann", "old@x.org"))
    first = named(db, "Ann Lee")
    assert [p.name for p in life.people(db, 1, NOW) if p.contacts] == ["Ann"]
    people.link(db, 1, first.id, named(db, "Ann").id)
    assert [p.name for p in life.people(db, 1, NOW) if p.contacts] == ["Ann Lee"]


def test_people_of_an_older_database_are_linked_by_the_next_sync(db):
    sync(db, "a", ann())
    sync(db, "b", ann(email="", name="Bo"))
    payload = db.value("SELECT payload FROM records WHERE source = 'a'")
    with db.transaction():
        db.execute("UPDATE records SET payload = ? WHERE source = 'b'", (payload,))
        db.meta_set("people:1", None)
    sync(db, "calendar")
    assert told(db) == {"Ann Lee": ["a:1", "b:1"]}


def test_the_first_schema_gains_the_columns_of_the_second(db):
    for column in ("trouble", "trouble_since", "held_since", "held_upto", "accepted"):
        db.execute(f"ALTER TABLE sources DROP COLUMN {column}")
    db.execute("ALTER TABLE sources DROP COLUMN more_errors")
    db.execute("ALTER TABLE source_errors DROP COLUMN first_seen_at")
    db.execute("DROP TABLE same_person")
    db.execute(f"DELETE FROM {migrations.TABLE} WHERE name = 'health_and_links'")
    with db.transaction():
        db.execute("INSERT INTO sources (profile_id, name, records) VALUES (1, 'a', 3)")
        migrations.run(db.connection)
    row = db.row("SELECT * FROM sources")
    assert (row["records"], row["accepted"], row["more_errors"]) == (3, 0, 0)
    assert migrations.pending(db.connection) == []
    sync(db, "a", ann())
