"""Accepted proposals as a calendar file, read back with the library that others read it with."""

from __future__ import annotations

import os
from datetime import UTC, date, datetime, timedelta

import icalendar
import pytest
from hypothesis import given
from hypothesis import strategies as st

from twind import published
from twind.api import is_own_event
from twind.clock import FixedClock
from twind.errors import TwindError
from twind.model import Feedback, Proposal, Reason
from twind.store import Store, profiles, proposals

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


def life(folder):
    clock = FixedClock(NOON)
    db = Store.open(folder / "twind.db", clock=clock)
    profiles.ensure(db, 1)
    wanted = [
        Proposal(
            day=date(2026, 3, 2),
            action="rest",
            target=None,
            start=NOON + timedelta(hours=number),
            end=NOON + timedelta(hours=number, minutes=30),
            duration_min=30,
            intensity="light",
            text=f"Rest; a while, \\ {number} “Ünïcode”",
            confidence=0.5,
            reasons=(Reason(kind="energy", ref="energy", weight=1.0, text="You are, well; tired"),),
            would_change="",
        )
        for number in range(2)
    ]
    return db, clock, proposals.add(db, 1, wanted, {})


def say(db, clock, number, action, **more):
    proposals.review(db, 1, Feedback(proposal_id=number, action=action, at=clock.now(), **more))


def events(path):
    if not path.exists():
        return {}
    calendar = icalendar.Calendar.from_ical(path.read_bytes())
    found = {str(event["UID"]): event for event in calendar.walk("VEVENT")}
    assert len(found) == len(calendar.walk("VEVENT"))
    return found


def test_what_is_accepted_is_told_as_it_is(tmp_path):
    db, clock, [first, _] = life(tmp_path)
    path = tmp_path / "twind.ics"
    assert not published.write(db, 1, path)
    assert not path.exists()
    say(db, clock, first, "accept")
    assert published.write(db, 1, path)
    [(uid, event)] = events(path).items()
    assert is_own_event(uid)
    assert event["SUMMARY"] == "Rest; a while, \\ 0 “Ünïcode”"
    assert "You are, well; tired (100%)" in event["DESCRIPTION"]
    assert (event.start, event.end) == (NOON, NOON + timedelta(minutes=30))
    assert (event["STATUS"], event["SEQUENCE"], event["TRANSP"]) == ("CONFIRMED", 0, "OPAQUE")
    assert path.stat().st_mode & 0o777 == 0o600
    assert [one.name for one in tmp_path.iterdir() if "ics" in one.name] == ["twind.ics"]


def test_nothing_is_written_that_says_the_same(tmp_path):
    db, clock, [first, _] = life(tmp_path)
    path = tmp_path / "twind.ics"
    say(db, clock, first, "accept")
    published.write(db, 1, path)
    os.utime(path, (1, 1))
    clock.advance(days=1)
    assert not published.write(db, 1, path)
    assert path.stat().st_mtime == 1
    # A crash between the database and the file, or somebody's edit, is mended.
    path.write_text("BEGIN:VCALENDAR\r\n")
    assert published.write(db, 1, path)
    assert len(events(path)) == 1


def test_what_is_taken_back_is_cancelled_for_a_month_and_begins_no_sequence_again(tmp_path):
    db, clock, [first, _] = life(tmp_path)
    path = tmp_path / "twind.ics"
    say(db, clock, first, "accept")
    published.write(db, 1, path)
    say(db, clock, first, "reject")
    published.write(db, 1, path)
    [event] = events(path).values()
    assert (event["STATUS"], event["SEQUENCE"]) == ("CANCELLED", 1)
    clock.advance(days=31)
    assert published.write(db, 1, path)
    assert events(path) == {}
    say(db, clock, first, "accept")
    published.write(db, 1, path)
    [event] = events(path).values()
    assert (event["STATUS"], event["SEQUENCE"]) == ("CONFIRMED", 2)


@given(
    words=st.lists(
        st.tuples(
            st.integers(0, 1),
            st.sampled_from(["accept", "reject", "edit", "undo", "lose"]),
            st.integers(1, 90),
        ),
        max_size=12,
    )
)
def test_no_sequence_ever_falls_and_times_are_those_accepted(tmp_path_factory, words):
    folder = tmp_path_factory.mktemp("life")
    db, clock, made = life(folder)
    path = folder / "twind.ics"
    before = {}
    for which, action, minutes in words:
        clock.advance(minutes=minutes)
        if action == "lose":
            path.unlink(missing_ok=True)
        else:
            more = {"duration_min": minutes} if action == "edit" else {}
            try:
                say(db, clock, made[which], action, **more)
            except TwindError:
                continue
        published.write(db, 1, path)
        told = events(path)
        for uid, event in told.items():
            assert int(event["SEQUENCE"]) >= before.get(uid, 0)
            before[uid] = int(event["SEQUENCE"])
        accepted = {
            (one.start, one.end) for one in proposals.load(db, 1) if one.status == "accepted"
        }
        confirmed = [event for event in told.values() if event["STATUS"] == "CONFIRMED"]
        assert {(event.start, event.end) for event in confirmed} == accepted
    db.close()


def test_a_folder_that_cannot_be_written_is_an_error(tmp_path):
    db, clock, [first, _] = life(tmp_path)
    say(db, clock, first, "accept")
    with pytest.raises(OSError, match="missing"):
        published.write(db, 1, tmp_path / "missing" / "twind.ics")
