"""Whether the day's question how the user is gets asked."""

from __future__ import annotations

from datetime import timedelta

import pytest

from twind import messages
from twind.jobs import checkin
from twind.jobs.work import StaleAttemptError
from twind.model import CalendarEvent
from twind.store import checkins, jobs, outbox, records
from twind.store.outbox import Address

DESK = Address("notify", "desktop", "desktop")


def ask(work):
    work.args = {"day": work.clock.now().date().isoformat()}
    return checkin.run(work)


def show(work):
    """Let the question that waits be shown."""
    for message in outbox.due(work.db):
        outbox.address(work.db, message.id, [DESK])
        outbox.sent(work.db, [message.id], DESK)


def test_the_question_waits_in_the_outbox_and_calls_for_its_delivery(work):
    assert ask(work) == {"asked": True, "because": None, "then": ["notify"]}
    [message] = outbox.due(work.db)
    assert message.key == "checkin:2026-03-02"
    assert message.payload == messages.of_checkin(work.clock.now())


def test_the_same_day_is_asked_once_whatever_runs_it_again(work, clock):
    ask(work)
    show(work)
    clock.advance(minutes=20)
    ask(work)
    assert outbox.due(work.db) == []


def test_who_has_said_so_today_is_not_asked(work, clock):
    checkins.add(work.db, 1, 0.5)
    clock.advance(hours=5)
    assert ask(work) == {"asked": False, "because": "it is told already", "then": []}
    assert outbox.counts(work.db) == {}
    clock.advance(hours=18)
    assert ask(work)["asked"]


def test_nobody_is_asked_in_a_meeting(work, clock):
    start = clock.now() - timedelta(minutes=5)
    event = CalendarEvent(uid="e", title="x", start=start, end=start + timedelta(hours=1))
    records.apply(work.db, 1, "test", [event], (start, start + timedelta(days=1)))
    assert ask(work)["because"] == "an event is on"


def days_asked(work, clock, days, answers):
    """Go through days, asking each; return those on which the question came."""
    found = []
    for day in range(days):
        if ask(work)["asked"]:
            show(work)
            found.append(day)
            if answers(day):
                clock.advance(minutes=2)
                checkins.add(work.db, 1, 0.5)
                clock.advance(minutes=-2)
        clock.advance(days=1)
    return found


def test_whoever_answers_is_asked_daily(work, clock):
    assert days_asked(work, clock, 12, lambda _: True) == list(range(12))


def test_whoever_answers_now_and_then_is_asked_daily(work, clock):
    assert days_asked(work, clock, 12, lambda day: day % 3 == 0) == list(range(12))


def test_whoever_never_answers_is_asked_three_times_and_then_once_a_week(work, clock):
    assert days_asked(work, clock, 25, lambda _: False) == [0, 1, 2, 9, 16, 23]


def test_an_answer_brings_the_daily_question_back(work, clock):
    assert days_asked(work, clock, 15, lambda day: day == 9) == [0, 1, 2, 9, 10, 11, 12]


def test_once_enough_is_known_it_is_asked_once_a_week(work, clock):
    for _ in range(checkin.ENOUGH):
        checkins.add(work.db, 1, 0.5)
        clock.advance(hours=24)
    asked = days_asked(work, clock, 15, lambda _: True)
    assert asked == [0, 7, 14]


def test_what_was_never_shown_is_no_question_that_was_left_unanswered(work, clock):
    for _ in range(5):
        assert ask(work)["asked"]
        for message in outbox.due(work.db):
            outbox.drop(work.db, message.id, "no channel has buttons")
        clock.advance(days=1)


def test_a_worker_that_was_given_up_asks_nothing(work):
    job = jobs.enqueue(work.db, "checkin", {})
    work.job_id, work.attempt = job.id, 1
    with pytest.raises(StaleAttemptError):
        ask(work)
    assert outbox.counts(work.db) == {}
