"""What is let go of after a while, and what is not."""

from __future__ import annotations

from datetime import timedelta

from twind.jobs import prune
from twind.model import Feedback
from twind.store import jobs, log, models, outbox, proposals

LONG = prune.KEPT_DAYS + 1


def keys(db):
    return {row["key"] for row in db.rows("SELECT key FROM jobs WHERE key IS NOT NULL")}


def finish(db, name, key, result):
    job = jobs.start(db, jobs.enqueue(db, name, {}, key).id)
    jobs.finish(db, job.id, job.attempt, result)
    return job.id


def test_the_log_goes_once_it_has_been_read_and_goes_on_where_it_was(work, db):
    db.execute("UPDATE profile SET metadata = '{}' WHERE id = 1")
    db.execute("UPDATE profile SET metadata = NULL WHERE id = 1")
    prune.run(work)
    there = log.max_seq(db)
    assert db.value("SELECT COUNT(*) FROM change_log") == there, "nobody has read it yet"
    log.advance(db, "detect", there - 1)
    prune.run(work)
    assert [row["seq"] for row in db.rows("SELECT seq FROM change_log")] == [there]
    log.advance(db, "detect", there)
    prune.run(work)
    assert log.max_seq(db) == there
    db.execute(
        "INSERT INTO entities (id, profile_id, entity_type, name) VALUES (1, 1, 'person', '')"
    )
    assert log.max_seq(db) == there + 1
    assert log.pending(db, "detect")


def test_a_day_that_is_done_stays_done_for_as_long_as_anybody_asks(work, db, clock):
    old = finish(db, "propose", "propose:2026-03-02", {"proposals": []})
    clock.advance(days=prune.TOLD_DAYS + 1)
    prune.run(work)
    assert jobs.get(db, old).result == {}
    assert keys(db) == {"propose:2026-03-02"}
    clock.advance(days=LONG - prune.TOLD_DAYS - 1)
    queued = jobs.enqueue(db, "propose", {}, "propose:today")
    new = finish(db, "backup", "backup:today", {"kept": 1})
    prune.run(work)
    assert keys(db) == {"propose:today", "backup:today"}
    assert jobs.get(db, queued.id).state == "queued"
    assert jobs.get(db, new).result == {"kept": 1}


def test_messages_go_once_they_are_old_and_nothing_is_to_be_sent_of_them(work, db, clock):
    for key in ("sent", "pending", "new"):
        if key == "new":
            clock.advance(days=LONG)
        outbox.put(db, 1, key, {})
    to = outbox.Address("desktop", "d", "desktop")
    first = outbox.due(db, 1)[0].id
    outbox.address(db, first, [to])
    outbox.sent(db, [first], to)
    prune.run(work)
    assert [row["key"] for row in db.rows("SELECT key FROM outbox ORDER BY id")] == [
        "pending",
        "new",
    ]
    assert not db.value("SELECT COUNT(*) FROM deliveries")


def test_no_proposal_goes_that_the_user_has_said_a_word_to(work, db, clock, proposal):
    start = clock.now() + timedelta(hours=2)
    silent, answered, waiting = proposals.add(db, 1, [proposal(start)] * 3, {})
    proposals.review(db, 1, Feedback(proposal_id=answered, action="reject", at=clock.now()))
    proposals.withdraw(db, 1, [silent], "changed")
    clock.advance(days=LONG)
    [new] = proposals.add(db, 1, [proposal(clock.now())], {})
    proposals.withdraw(db, 1, [new], "changed")
    prune.run(work)
    left = {one.id for one in proposals.load(db, 1)}
    assert left == {answered, waiting, new}
    assert len(proposals.feedback(db, 1)) == 1


def test_what_was_believed_is_kept_of_the_newest_network_alone(work, db):
    for kind in ("ppo", "ppo", "rule"):
        models.put(db, 1, kind=kind, state="serving", belief=b"b", world="w")
    prune.run(work)
    kept = {model.id: model.belief for model in models.history(db, 1)}
    assert kept == {1: None, 2: b"b", 3: None}


def test_what_was_pruned_is_told_and_nothing_is_left_the_second_time(work, db, clock):
    finish(db, "backup", "backup:2026-03-02", {"kept": 1})
    log.advance(db, "detect", log.max_seq(db))
    clock.advance(days=LONG)
    first = prune.run(work)
    assert first["jobs"] == 1
    assert set(prune.run(work).values()) == {0}
