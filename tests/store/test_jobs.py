from __future__ import annotations

import pytest

from twind.store import jobs


def test_a_key_is_done_once_and_failing_does_not_count(db):
    job = jobs.enqueue(db, "propose", {}, "propose:2026-03-02")
    jobs.start(db, job.id)
    jobs.fail(db, job.id, 1, "job_failed", "no")
    assert jobs.enqueue(db, "propose", {}, "propose:2026-03-02").state == "queued"
    assert jobs.start(db, job.id).attempt == 2
    assert jobs.finish(db, job.id, 2, {"n": 1})
    assert jobs.enqueue(db, "propose", {}, "propose:2026-03-02").state == "done"
    assert jobs.done_keys(db, "propose:") == {"propose:2026-03-02"}


def test_what_is_queued_again_waits_from_then_on(db, clock):
    job = jobs.enqueue(db, "propose", {}, "propose:2026-03-02")
    jobs.fail(db, job.id, jobs.start(db, job.id).attempt, "job_failed", "no")
    clock.advance(hours=5)
    jobs.enqueue(db, "propose", {}, "propose:2026-03-02")
    assert db.value("SELECT queued_at FROM jobs") == db.now()


def test_a_late_result_changes_nothing(db):
    job = jobs.enqueue(db, "train", {})
    jobs.start(db, job.id)
    assert [again.id for again in jobs.requeue_interrupted(db)] == [job.id]
    jobs.start(db, job.id)
    assert not jobs.finish(db, job.id, 1, {"from": "the dead"})
    assert jobs.finish(db, job.id, 2, {"from": "the living"})
    assert jobs.get(db, job.id).result == {"from": "the living"}


@pytest.mark.parametrize(
    ("end", "told"), [(jobs.finish, ({},)), (jobs.fail, ("offline", "no network"))]
)
def test_interruptions_are_counted_until_it_ends_by_itself(db, end, told):
    job = jobs.enqueue(db, "train", {})
    for times in (1, 2):
        jobs.start(db, job.id)
        [again] = jobs.requeue_interrupted(db)
        assert again.interruptions == times
    jobs.give_back(db, job.id, jobs.start(db, job.id).attempt)
    assert jobs.get(db, job.id).interruptions == 2
    assert end(db, job.id, jobs.start(db, job.id).attempt, *told)
    assert jobs.get(db, job.id).interruptions == 0


def test_old_jobs_are_forgotten_and_keys_are_not(db):
    for number in range(jobs.KEPT_PER_NAME + 20):
        job = jobs.enqueue(db, "sync", {"n": number}, f"k:{number}" if number < 3 else None)
        jobs.start(db, job.id)
        jobs.finish(db, job.id, 1, {})
    kept = db.value("SELECT COUNT(*) FROM jobs WHERE key IS NULL")
    assert kept <= jobs.KEPT_PER_NAME + 1
    assert len(jobs.done_keys(db, "k:")) == 3


def test_counts_say_what_failed_last(db):
    for outcome in ("fail", "finish"):
        job = jobs.enqueue(db, "sync", {})
        jobs.start(db, job.id)
        if outcome == "fail":
            jobs.fail(db, job.id, 1, "x", "y")
            assert jobs.counts(db)["failed"] == 1
        else:
            jobs.finish(db, job.id, 1, {})
    assert jobs.counts(db) == {"queued": 0, "running": 0, "failed": 0}


def test_unknown_job(db):
    with pytest.raises(KeyError):
        jobs.get(db, 99)


def test_what_failed_last_is_told_with_its_reason_until_it_succeeds(db):
    for name, message in (("train", "first"), ("train", "second"), ("sync", "other")):
        job = jobs.enqueue(db, name, {})
        jobs.start(db, job.id)
        jobs.fail(db, job.id, 1, "died", message)
    told = [(job.name, job.error["message"]) for job in jobs.failures(db)]
    assert told == [("train", "second"), ("sync", "other")]
    job = jobs.enqueue(db, "train", {})
    jobs.start(db, job.id)
    jobs.finish(db, job.id, 1, {})
    assert [job.name for job in jobs.failures(db)] == ["sync"]
