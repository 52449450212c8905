from __future__ import annotations

from datetime import timedelta

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
        "last_run_at": db.now(),
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


def test_a_source_that_fails_is_tried_ever_more_seldom_and_at_once_again_after_a_success(db, clock):
    def rest():
        """Return how many minutes it rests after it has failed once more."""
        sources.failed(db, 1, "mail", "down")
        minutes = 0
        while sources.is_resting(sources.health(db, 1)["mail"], clock.now()):
            clock.advance(minutes=15)
            minutes += 15
        return minutes

    sources.succeeded(db, 1, "mail", {}, 1)
    assert not sources.is_resting(sources.health(db, 1)["mail"], clock.now())
    assert rest() == 0  # an outage of minutes costs nothing
    clock.advance(minutes=15)
    assert [rest() for _ in range(7)] == [15, 30, 60, 120, 240, 360, 360]
    sources.succeeded(db, 1, "mail", {}, 1)
    assert rest() == 0


def test_one_that_is_held_is_polled_and_one_that_wants_a_password_is_not(db, clock):
    sources.held(db, 1, "mail", "would remove 9 of 10 records")
    assert not sources.is_resting(sources.health(db, 1)["mail"], clock.now())
    sources.failed(db, 1, "mail", "who are you?", needs_user=True)
    clock.advance(days=30)
    assert sources.is_resting(sources.health(db, 1)["mail"], clock.now())


def test_a_clock_that_jumps_back_keeps_no_source_from_being_read(db, clock):
    sources.failed(db, 1, "mail", "down")
    clock.advance(hours=5)
    sources.failed(db, 1, "mail", "down")
    told = sources.health(db, 1)["mail"]
    assert sources.is_resting(told, clock.now())
    assert not sources.is_resting(told, clock.now() - timedelta(days=365))
    assert not sources.is_resting({}, clock.now())
