"""`twind people` and `twind plugins accept`, on a database with records in it."""

from __future__ import annotations

from datetime import timedelta

import pytest

from twind.clock import SystemClock
from twind.model import Attendee, CalendarEvent, Person
from twind.store import records, sources


def sync(db, source, *people):
    now = db.clock.now()
    return records.apply(db, 1, source, people, (now - timedelta(days=30), now))


@pytest.fixture
def two_anns(db):
    """One Ann in two address books, and another Ann."""
    sync(db, "phone", Person(uid="1", name="Ann Lee", emails=("ann@example.org",)))
    sync(
        db,
        "work",
        Person(uid="7", name="Lee, Ann", emails=("ANN@example.org",)),
        Person(uid="8", name="Ann Lee"),
    )
    return db


def test_who_is_one_person_and_why(two_anns, say):
    found = say("people", "list")["people"]
    assert [(one["name"], len(one["records"])) for one in found] == [
        ("Ann Lee", 2),
        ("Ann Lee (8)", 1),
    ]
    one = say("people", "show", str(found[0]["id"]))
    [link] = one["links"]
    assert (link["a"], link["b"]) == (
        {"source": "phone", "uid": "1"},
        {"source": "work", "uid": "7"},
    )
    assert "e-mail ann@example.org" in str(link["why"])
    assert link["confidence"] > 0.9


def lunches(now, email, *days_ago):
    guests = (Attendee(email=email, status="accepted"),)
    return [
        CalendarEvent(
            uid=f"lunch {days}",
            title="Lunch",
            start=now - timedelta(days=days),
            end=now - timedelta(days=days, hours=-1),
            attendees=guests,
        )
        for days in days_ago
    ]


def test_who_is_met_daily_is_met_every_day(db, say, run):
    now = SystemClock().now()
    person = Person(uid="1", name="Bo", emails=("bo@x.org",))
    met = lunches(now, "bo@x.org", 1, 2, 3, 4)
    records.apply(db, 1, "phone", [person, *met], (now - timedelta(days=30), now))
    [bo] = say("people", "list")["people"]
    assert "cadence      every day (" in run("people", "show", str(bo["id"]))[1].out


def test_how_close_and_how_often_and_from_what(db, say, run):
    now = SystemClock().now()  # as the command line has it
    people = [Person(uid="1", name="Bo", emails=("bo@x.org",), groups=("friends",))]
    window = (now - timedelta(days=30), now)
    records.apply(db, 1, "phone", [*people, Person(uid="2", name="Cy")], window)
    records.apply(db, 1, "calendar", lunches(now, "bo@x.org", 2, 9, 16, 23), window)
    bo, cy = say("people", "list")["people"]
    assert bo["closeness"]["why"] == "in your group friends, 4 days together"
    assert 0.6 < bo["closeness"]["value"] < 0.9
    assert bo["cadence"] == {"days": 7.0, "why": "4 days together"}
    assert cy["closeness"] == {"value": 0.3, "why": "nothing is known yet"}
    assert cy["cadence"]["why"] == "how close they are"
    shown = run("people", "show", str(bo["id"]))[1].out
    assert "(in your group friends, 4 days together)" in shown
    assert "cadence      every 7 days (4 days together)" in shown


def test_the_users_word_stands_above_it(two_anns, say):
    [one, other] = say("people", "list")["people"]
    say("people", "unlink", str(one["id"]))
    assert len(say("people", "list")["people"]) == 3
    sync(two_anns, "phone", Person(uid="1", name="Ann B. Lee", emails=("ann@example.org",)))
    assert len(say("people", "list")["people"]) == 3
    say("people", "link", str(one["id"]), str(other["id"]))
    assert len(say("people", "list")["people"]) == 2


def test_people_are_told_in_words_unless_json_is_asked_for(two_anns, run):
    for argv in (["people"], ["people", "list"], ["people", "show", "1"]):
        for place, is_json in ((None, False), (1, True), (len(argv), True)):
            asked = [*argv[:place], "--json", *argv[place:]] if is_json else argv
            code, told = run(*asked)
            assert (code, told.out.startswith("{")) == (0, is_json), asked


def test_nobody_of_that_number(two_anns, say):
    assert say("people", "show", "99", expect=1)["code"] == "not_found"
    assert say("people", "link", "1", "99", expect=1)["code"] == "not_found"


def test_a_loss_is_let_go_when_the_user_says_so(db, say):
    sync(db, "phone", *(Person(uid=str(number), name=f"P {number}") for number in range(30)))
    assert say("plugins", "accept", "phone", expect=1)["code"] == "not_found"
    changes = sync(db, "phone", Person(uid="0", name="P 0"))
    assert (changes.removed, changes.held) == (0, "would remove 29 of 30 records")
    sources.held(db, 1, "phone", changes.held)
    assert say("plugins", "accept", "phone") == {
        "name": "phone",
        "held": "would remove 29 of 30 records",
        "queued": False,
    }
    assert sync(db, "phone", Person(uid="0", name="P 0")).removed == 29
    assert [one["name"] for one in say("people", "list")["people"]] == ["P 0"]


def test_somebody_is_forgotten_and_known_again(two_anns, say, run):
    [one, other] = say("people", "list")["people"]
    assert say("people", "forget", str(one["id"])) == {
        "id": one["id"],
        "name": "Ann Lee",
        "withdrawn": 0,
    }
    assert [who["forgotten"] for who in say("people", "list")["people"]] == [True, False]
    said = say("patterns", "--said")["words"]
    assert {(word["kind"], word["back"]) for word in said} == {
        ("person", f"twind people restore {one['id']}")
    }
    say("people", "restore", str(one["id"]))
    assert not any(who["forgotten"] for who in say("people", "list")["people"])
    say("people", "forget", str(other["id"]))
    sync(two_anns, "work", Person(uid="7", name="Lee, Ann", emails=("ANN@example.org",)))
    [gone] = say("patterns", "--said")["words"]
    assert (gone["subject"], gone["back"]) == ("work:8", None)
    assert "Ann Lee (8)  (no source has them any more)" in run("patterns", "--said")[1].out
    error = say("people", "restore", str(one["id"]), expect=1)
    assert "nothing to restore" in error["message"]
    assert "no person 99" in say("people", "forget", "99", expect=1)["message"]
