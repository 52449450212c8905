from __future__ import annotations

from twind.model import Person, RecordError
from twind.store import records, sources


def test_a_good_fetch_keeps_its_state_and_a_failed_one_leaves_it(db, clock):
    assert sources.state(db, 1, "calendar") == {}
    sources.succeeded(db, 1, "calendar", {"etag": "x"}, 12, "")
    good_at = db.now()
    clock.advance(hours=1)
    sources.failed(db, 1, "calendar", "gone", needs_user=True)
    assert sources.state(db, 1, "calendar") == {"etag": "x"}
    told = sources.health(db, 1)["calendar"]
    assert told == {
        "records": 0,
        "errors": 0,
        "last_ok_at": good_at,
        "last_error": "gone",
        "needs_user": True,
        "trouble": "refused",
        "trouble_since": db.now(),
        "held_since": None,
        "forgotten": False,
    }
    sources.succeeded(db, 1, "calendar", {}, 12, "is suddenly empty")
    told = sources.health(db, 1)["calendar"]
    assert (told["last_error"], told["needs_user"]) == ("is suddenly empty", False)
    sources.succeeded(db, 1, "calendar", {}, 12, "")
    assert sources.health(db, 1)["calendar"]["last_error"] is None


def test_bad_records_are_told_by_source_and_profile(db, clock):
    bad = RecordError("2", "no date", "a.ics")
    records.apply(db, 1, "contacts", [Person(uid="1", name="A"), bad], (clock.now(), clock.now()))
    sources.failed(db, 1, "contacts", "broke off")
    assert sources.health(db, 1)["contacts"]["records"] == 1
    assert sources.health(db, 1)["contacts"]["errors"] == 1
    [told] = sources.errors(db, 1, "contacts")
    assert (told["uid"], told["group"], told["reason"]) == ("2", "a.ics", "no date")
    assert sources.errors(db, 1, "calendar") == sources.errors(db, 2, "contacts") == []
    assert sources.health(db, 2) == {}
