"""What twind says, and what it leaves unsaid."""

from __future__ import annotations

from datetime import UTC, timedelta
from zoneinfo import ZoneInfo

import pytest

from twind import messages
from twind.model import Button, CalendarEvent, Feedback, Reason
from twind.store import changes, checkins, outbox, proposals, records, sources, words

BERLIN = ZoneInfo("Europe/Berlin")


def reason(text):
    return Reason(kind="pattern", ref="WOR_DEEP_WORK", weight=1.0, text=text)


@pytest.fixture
def propose(db, clock, proposal):
    """Make a proposal some hours from now, of one hour; return its number."""

    def make(text, hours, why=()):
        start = clock.now() + timedelta(hours=hours)
        reasons = tuple(reason(said) for said in why)
        one = proposal(start, text=text, reasons=reasons)
        [row] = proposals.add(db, 1, [one], {})
        return row

    return make


@pytest.fixture
def say(db, clock):
    """Put payloads in the outbox and then into words."""

    def words(*payloads, zone=UTC):
        for payload in payloads:
            outbox.put(db, 1, str(outbox.counts(db)), payload)
        return messages.in_words(db, 1, outbox.due(db, 1), zone, clock.now())

    return words


def test_a_proposal_is_one_line_with_its_best_reason_in_the_users_zone(propose, say):
    row = propose("Call Ann", 4, ["You have not spoken for weeks", "It is Monday"])
    [text] = say(messages.of_proposals([row]), zone=BERLIN)
    assert text.title == "twind proposes one thing"
    assert text.body == "Mon 13:00  Call Ann. You have not spoken for weeks."
    assert text.answer == (
        f"{text.body}\n\nTo answer: twind review {row} --accept (or --reject, or --snooze 60)"
    )
    assert [button.id for button in text.buttons] == [
        f"accept:{row}",
        f"reject:{row}",
        f"snooze:{row}",
    ]


def test_all_proposals_that_wait_are_one_message_in_their_order(propose, say):
    later, sooner = propose("Read", 6), propose("Call Ann", 4)
    third = propose("Walk", 5)
    texts = say(messages.of_proposals([later, sooner]), messages.of_proposals([third]))
    [text] = texts
    assert text.title == "twind proposes 3 things"
    assert text.body.splitlines() == [
        "Mon 12:00  Call Ann.",
        "Mon 13:00  Walk.",
        "Mon 14:00  Read.",
    ]
    assert text.answer.splitlines()[0] == f"{sooner}: Mon 12:00  Call Ann."
    assert text.answer.splitlines()[-1].startswith(f"To answer: twind review {sooner} --accept")
    assert text.buttons[0] == Button(id=f"accept:{sooner}", label="Accept (first)")
    assert text.ids == (1, 2)


def test_what_is_answered_or_over_is_left_out(db, clock, propose, say):
    numbers = [propose(text, hours) for text, hours in (("A", 1), ("B", 5), ("C", 6), ("D", 7))]
    payload = messages.of_proposals(numbers)
    clock.advance(hours=2)
    now = clock.now()
    for number, action in ((numbers[1], "reject"), (numbers[2], "snooze")):
        until = now + timedelta(hours=1) if action == "snooze" else None
        said = Feedback(proposal_id=number, action=action, at=now, until=until)
        proposals.review(db, 1, said)
    assert messages.useless(db, 1, payload, now) is None
    [text] = say(payload)
    assert (text.title, text.body) == ("twind proposes one thing", "Mon 15:00  D.")
    proposals.withdraw(db, 1, [numbers[3]], "an event has taken its time")
    assert messages.useless(db, 1, payload, now) == (
        "its time has passed; it is answered; an event has taken its time"
    )
    assert say() == []


def test_a_hold_is_told_until_it_is_over_or_answered(db, clock, say):
    assert sources.hold(db, 1, "calendar", 10)
    sources.held(db, 1, "calendar", "would remove 9 of 10 records")
    since = sources.health(db, 1)["calendar"]["held_since"]
    payload = messages.of_trouble("held", "calendar", since, "would remove 9 of 10 records")
    [text] = say(payload)
    assert text.title == "Has calendar lost its records?"
    assert "would remove 9 of 10 records" in text.body
    assert "twind plugins accept calendar" in text.body
    assert messages.useless(db, 1, payload, clock.now()) is None
    sources.accept(db, 1, "calendar")
    assert messages.useless(db, 1, payload, clock.now()) == "it is answered"
    sources.release(db, 1, "calendar")
    assert messages.useless(db, 1, payload, clock.now()) == "that is over"


def test_several_are_one_without_buttons(propose, say):
    row = propose("Call Ann", 4)
    raw = {"title": "Has it?", "body": "Look.", "buttons": [{"id": "accept:9", "label": "Yes"}]}
    texts = say(messages.of_proposals([row]), raw)
    assert [text.title for text in texts] == ["Has it?", "twind proposes one thing"]
    told = messages.digest(texts, buttons=False)
    assert told.title == "Has it? · twind proposes one thing"
    assert told.body == (
        "Has it?\nLook.\n\ntwind proposes one thing\nMon 12:00  Call Ann.\n\n"
        f"To answer: twind review {row} --accept (or --reject, or --snooze 60)"
    )
    assert (told.ids, told.buttons) == ((2, 1), ())
    assert "To answer" not in messages.digest(texts, buttons=True).body
    assert messages.digest(texts[:1], buttons=True).buttons == ()


def test_a_title_of_many_is_not_endless(say):
    raw = [{"title": f"Message number {number}", "body": ""} for number in range(20)]
    told = messages.digest(say(*raw), buttons=False)
    assert told.title == "Message number 19, and 19 more"
    assert told.body.count("Message number") == 20


@pytest.mark.parametrize(
    ("text", "sentence"),
    [("Call Bo", "Call Bo."), ("Ask “who pays?”", "Ask “who pays?”."), ("Why not?", "Why not?")],
)
def test_a_sentence_has_one_stop(text, sentence):
    assert messages._ended(text) == sentence


# --- how the user is ------------------------------------------------------------------------------


def test_the_question_is_short_and_its_buttons_remember_when_it_was_asked(say, clock):
    payload = messages.of_checkin(clock.now())
    [text] = say(payload)
    assert text.title == "How is your energy?"
    assert "twind checkin" in text.body
    assert [button.label for button in text.buttons] == ["Tired", "So-so", "Fresh"]
    assert {button.id.partition(":")[2] for button in text.buttons} == {payload["asked_at"]}
    assert messages.is_question(payload)
    assert not messages.is_question(messages.of_proposals([1]))


def test_the_question_is_of_use_for_a_while_and_until_it_is_answered(db, clock):
    checkins.add(db, 1, 0.5)
    clock.advance(seconds=1)
    payload = messages.of_checkin(clock.now())
    assert messages.useless(db, 1, payload, clock.now()) is None
    assert messages.useless(db, 1, payload, clock.now() + messages.ASKED_FOR) == (
        "its time has passed"
    )
    checkins.add(db, 1, 0.5)
    assert messages.useless(db, 1, payload, clock.now()) == "it is answered"


@pytest.mark.parametrize(
    ("more", "disturbing"),
    [
        ({}, True),
        ({"busy": False}, False),
        ({"status": "cancelled"}, False),
        ({"all_day": True}, False),
    ],
)
def test_whoever_is_at_an_event_is_not_to_be_disturbed(db, clock, more, disturbing):
    start = clock.now() - timedelta(minutes=30)
    end = clock.now() + timedelta(minutes=30)
    event = CalendarEvent(uid="e", title="Review", start=start, end=end, **more)
    records.apply(db, 1, "test", [event], (start - timedelta(days=1), end + timedelta(days=1)))
    assert (messages.disturbs(db, 1, clock.now()) == "an event is on") is disturbing
    payload = messages.of_checkin(clock.now())
    assert (messages.useless(db, 1, payload, clock.now()) is not None) is disturbing
    assert messages.disturbs(db, 1, end) is None


def test_what_was_accepted_is_not_disturbed_either(db, clock, propose):
    row = propose("Write", 1)
    clock.advance(hours=1, minutes=30)
    assert messages.disturbs(db, 1, clock.now()) is None
    proposals.review(db, 1, Feedback(proposal_id=row, action="accept", at=clock.now()))
    assert "accepted" in messages.disturbs(db, 1, clock.now())
    clock.advance(minutes=30)
    assert messages.disturbs(db, 1, clock.now()) is None


def test_a_change_is_told_with_how_to_deny_it_and_not_once_it_is_denied(db, clock, say):
    noticed = changes.add(db, 1, clock.now() - timedelta(days=7), "Work Style")
    payload = messages.of_change(noticed)
    [text] = say(payload)
    assert "knew of work style" in text.body
    assert text.body.endswith(f"twind patterns --drop {noticed.subject}")
    assert messages.useless(db, 1, payload, clock.now()) is None
    words.say(db, 1, "evidence", noticed.subject, text="")
    assert messages.useless(db, 1, payload, clock.now()) == "it is answered"
