"""What becomes of a message, channel by channel."""

from __future__ import annotations

import sqlite3

import pytest

from twind.store import Store, migrations, outbox, schema

MAIL, PHONE = (outbox.Address("notify", f"{name}:00", f"{name} 1") for name in ("mailto", "ntfy"))
GOOD_MORNING = {"title": "Good morning", "body": ""}


@pytest.fixture
def message(db):
    """The number of a message that is for the mail and for the phone."""
    assert outbox.put(db, 1, "morning:2026-03-02", GOOD_MORNING)
    [found] = outbox.due(db, 1)
    outbox.address(db, found.id, [MAIL, PHONE])
    return found.id


def row(db):
    return db.row("SELECT * FROM outbox")


def test_a_message_is_put_once(db):
    assert outbox.put(db, 1, "morning:2026-03-02", GOOD_MORNING)
    assert not outbox.put(db, 1, "morning:2026-03-02", {"title": "Again", "body": ""})
    [found] = outbox.due(db, 1)
    assert (found.key, found.payload, found.due) == ("morning:2026-03-02", GOOD_MORNING, None)
    assert outbox.due(db, 2) == []
    assert outbox.is_due(db, 1)
    assert not outbox.is_due(db, 2)


def test_it_is_sent_when_every_channel_has_taken_it(db, message):
    [found] = outbox.due(db, 1)
    assert found.due == {MAIL, PHONE}
    outbox.sending(db, [message], MAIL)
    assert row(db)["state"] == "sending"
    assert not outbox.is_due(db, 1)
    outbox.sent(db, [message], MAIL)
    assert (row(db)["state"], row(db)["channel"]) == ("pending", "mailto 1")
    assert outbox.due(db, 1)[0].due == {PHONE}
    outbox.sending(db, [message], PHONE)
    outbox.sent(db, [message], PHONE)
    assert (row(db)["state"], row(db)["channel"]) == ("sent", "mailto 1, ntfy 1")
    assert row(db)["sent_at"] == db.now()
    assert not outbox.is_due(db, 1)


def test_what_failed_is_tried_again_after_a_while_that_doubles(db, message, clock):
    outbox.sent(db, [message], PHONE)
    waited = []
    for tries in range(1, outbox.MAX_TRIES):
        outbox.sending(db, [message], MAIL)
        assert outbox.failed(db, [message], MAIL, "connection refused", again=True) == tries
        assert (row(db)["state"], row(db)["error"]) == ("pending", "mailto 1: connection refused")
        minutes = 0
        while not outbox.is_due(db, 1):
            clock.advance(minutes=1)
            minutes += 1
        waited.append(minutes)
        assert outbox.due(db, 1)[0].due == {MAIL}
        assert not outbox.is_due(db, 1, new=True), "it has been tried before"
    assert waited[:8] == [1, 2, 4, 8, 16, 32, 60, 60]
    assert sum(waited) / 60 == pytest.approx(24, abs=1)
    outbox.failed(db, [message], MAIL, "connection refused", again=True)
    assert (row(db)["state"], row(db)["channel"]) == ("sent", "ntfy 1")
    assert not outbox.is_due(db, 1)


@pytest.mark.parametrize(
    ("mail", "phone", "state"),
    [
        ("sent", "failed", "sent"),
        ("failed", "failed", "failed"),
        ("uncertain", "sent", "uncertain"),
        ("uncertain", "failed", "uncertain"),
    ],
)
def test_a_messages_state_sums_its_channels_up(db, message, mail, phone, state):
    for to, became in ((MAIL, mail), (PHONE, phone)):
        outbox.sending(db, [message], to)
        match became:
            case "sent":
                outbox.sent(db, [message], to)
            case "failed":
                outbox.failed(db, [message], to, "no", again=False)
            case "uncertain":
                outbox.uncertain(db, [message], to, "perhaps")
    assert row(db)["state"] == state
    assert not outbox.is_due(db, 1)


def test_what_a_dead_sender_left_is_uncertain_and_the_rest_goes_on(db, message):
    outbox.sending(db, [message], MAIL)
    assert outbox.mark_uncertain(db) == 1
    assert (row(db)["state"], row(db)["error"]) == (
        "pending",
        "mailto 1: the sender was interrupted",
    )
    assert outbox.due(db, 1)[0].due == {PHONE}
    outbox.sending(db, [message], PHONE)
    assert outbox.mark_uncertain(db) == 1
    assert outbox.counts(db) == {"uncertain": 1}
    assert outbox.mark_uncertain(db) == 0
    assert not outbox.is_due(db, 1)


def test_what_nobody_needs_is_dropped_where_it_has_not_been_sent(db, message):
    outbox.drop(db, message, "it is answered")
    assert (row(db)["state"], row(db)["error"]) == (
        "dropped",
        "mailto 1: it is answered; ntfy 1: it is answered",
    )
    outbox.put(db, 1, "other", GOOD_MORNING)
    outbox.drop(db, 2, "that is over")
    assert outbox.counts(db) == {"dropped": 2}


def test_what_one_channel_had_is_sent_though_it_is_dropped_for_the_other(db, message):
    outbox.sent(db, [message], MAIL)
    outbox.drop(db, message, "it is answered")
    assert row(db)["state"] == "sent"
    assert not outbox.is_due(db, 1)


def test_without_any_channel_it_waits(db, clock):
    outbox.put(db, 1, "k", GOOD_MORNING)
    outbox.postpone(db, 1, "nobody delivers")
    assert not outbox.is_due(db, 1)
    clock.advance(minutes=15)
    [found] = outbox.due(db, 1)
    assert found.due is None
    outbox.give_up(db, 1, "nobody delivers")
    assert (row(db)["state"], row(db)["error"]) == ("failed", "nobody delivers")


def test_the_health_of_a_plugin_is_that_of_its_channels(db, message, clock):
    assert outbox.health(db, 1) == {
        "notify": {"records": 0, "errors": 0, "last_ok_at": None, "last_error": None}
    }
    outbox.sent(db, [message], PHONE)
    at = db.now()
    outbox.failed(db, [message], MAIL, "connection refused", again=True)
    assert outbox.health(db, 1)["notify"] == {
        "records": 0,
        "errors": 0,
        "last_ok_at": at,
        "last_error": "mailto 1: connection refused",
    }
    assert outbox.health(db, 2) == {}
    clock.advance(hours=1)
    outbox.put(db, 1, "next", GOOD_MORNING)
    outbox.address(db, 2, [PHONE])
    outbox.sent(db, [2], PHONE)
    told = outbox.health(db, 1)["notify"]
    assert (told["last_ok_at"], told["last_error"]) == (db.now(), None), "there is no mail any more"


OLD = """
    id INTEGER PRIMARY KEY AUTOINCREMENT, profile_id INTEGER NOT NULL,
    key TEXT NOT NULL UNIQUE, payload TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('pending', 'sending', 'sent', 'failed', 'uncertain')),
    channel TEXT, created_at TEXT NOT NULL, sent_at TEXT, error TEXT"""


def test_an_outbox_of_before_there_were_channels_is_kept(home, clock):
    with Store.open(home.database, clock):
        pass
    with sqlite3.connect(home.database) as old:
        old.execute("DROP TABLE deliveries")
        old.execute("DROP TABLE outbox")
        old.execute(f"CREATE TABLE outbox ({OLD})")
        old.execute("DELETE FROM twind_migrations WHERE name = 'channels'")
        rows = [
            (4, 1, "a", "{}", "sent", "journal, desktop", "2026-03-01T07:00:00", "later", None),
            (5, 1, "b", "{}", "sending", None, "2026-03-01T07:00:00", None, None),
            (6, 1, "c", '{"title":"x","body":"y"}', "pending", None, "2026-03-02", None, None),
            (7, 1, "d", "{}", "failed", None, "2026-03-02", None, "paper jam"),
        ]
        old.executemany("INSERT INTO outbox VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)", rows)
    old.close()
    with Store.open(home.database, clock) as db:
        kept = db.rows("SELECT * FROM outbox ORDER BY id")
        assert [tuple(one)[:9] for one in kept] == rows
        assert outbox.mark_uncertain(db) == 1
        assert outbox.counts(db) == {"sent": 1, "uncertain": 1, "pending": 1, "failed": 1}
        [waiting] = outbox.due(db, 1)
        assert waiting.payload == {"title": "x", "body": "y"}
        assert outbox.put(db, 1, "e", {})
        assert db.value("SELECT MAX(id) FROM outbox") == 8
        outbox.drop(db, 8, "no use")
        assert not migrations.pending(db.connection)
        assert schema.create("outbox").count("dropped") == 1


def test_a_clock_that_was_ahead_puts_nothing_off_for_longer_than_an_hour(db, message, clock):
    clock.advance(days=400)
    outbox.sending(db, [message], MAIL)
    outbox.failed(db, [message], MAIL, "connection refused", again=True)
    outbox.sent(db, [message], PHONE)
    clock.advance(days=-400)
    assert outbox.is_due(db, 1)
    [found] = outbox.due(db, 1)
    assert found.due == {MAIL}
