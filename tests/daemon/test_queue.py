import asyncio

import pytest

from twind.daemon import queue
from twind.daemon.queue import MAX_INTERRUPTIONS, SUSPECT, Queue, follow_ups, lane_of, retry_after_s
from twind.errors import JobError, TwindError
from twind.store import Store, jobs
from twind.store.jobs import Job


def job(name, result=None, error=None):
    return Job(1, name, None, {}, "done", 1, result or {}, error)


def test_what_follows_what():
    assert follow_ups(job("detect", {"train_due": True})) == []
    assert follow_ups(job("propose", {})) == ["notify"]
    assert follow_ups(job("propose", {"then": ["notify"]})) == ["notify"]
    assert follow_ups(job("x", {"then": "notify"})) == []


def test_tries_grow_rarer_up_to_the_interval_between_syncs():
    waits = [retry_after_s(job("sync"), n, 900.0) for n in range(1, 7)]
    assert waits == [60, 120, 240, 480, 900, 900]
    assert retry_after_s(job("sync"), 10_000, 900.0) == 900
    assert retry_after_s(job("train"), 1, 900.0) == 600
    assert retry_after_s(job("propose", error={"code": "empty_profile"}), 1, 900.0) == 3600


def test_training_and_listening_hold_up_nobody():
    assert len({lane_of("train"), lane_of("notify"), lane_of("sync"), lane_of("propose")}) == 4
    assert lane_of("inspect") == lane_of("sync")
    assert lane_of("propose") == lane_of("detect")


class Bench:
    """A queue whose workers are functions."""

    def __init__(self, db, work=None, **more):
        self.ran: list[Job] = []
        self.ended: list[Job] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.begun = asyncio.Semaphore(0)
        self._work = work or (lambda _job: {})
        self.queue = Queue(db, run=self._run, on_ended=self.ended.append, **more)

    async def _run(self, one):
        self.ran.append(one)
        self.begun.release()
        await self.gate.wait()
        return self._work(one)


def bench(tmp_path, scenario, work=None, **more):
    async def body():
        with Store.open(tmp_path / "t.db") as db:
            made = Bench(db, work, **more)
            made.queue.start()
            try:
                async with asyncio.timeout(20):
                    await scenario(made, db)
            finally:
                await made.queue.stop()

    asyncio.run(body())


def test_a_job_runs_and_is_done(tmp_path):
    async def scenario(b, db):
        queued = b.queue.put("sync", {"plugins": ["a"]})
        done = await b.queue.wait(queued.id)
        assert (done.state, done.result) == ("done", {"n": 1})
        assert b.ended == [done]
        assert await b.queue.wait(queued.id) == done
        assert jobs.counts(db) == {"queued": 0, "running": 0, "failed": 0}

    bench(tmp_path, scenario, lambda _job: {"n": 1})


def test_a_lane_runs_one_at_a_time_and_training_beside_it(tmp_path):
    async def scenario(b, _db):
        b.gate.clear()
        first = b.queue.put("detect")
        second = b.queue.put("propose")
        trained = b.queue.put("train")
        await b.begun.acquire()
        await b.begun.acquire()
        assert {one.name for one in b.ran} == {"detect", "train"}
        b.gate.set()
        for one in (first, second, trained):
            await b.queue.wait(one.id)

    bench(tmp_path, scenario)


def test_what_the_user_asks_for_comes_first(tmp_path):
    async def scenario(b, _db):
        b.gate.clear()
        b.queue.put("detect")
        await b.begun.acquire()
        b.queue.put("elicit")
        asked = b.queue.ask("propose")
        b.gate.set()
        await b.queue.wait(asked.id)
        assert [one.name for one in b.ran][:2] == ["detect", "propose"]

    bench(tmp_path, scenario)


def test_after_a_crash_what_was_interrupted_goes_behind_what_was_not(tmp_path):
    async def body():
        with Store.open(tmp_path / "t.db") as db:
            interrupted = jobs.enqueue(db, "sync", {"plugins": ["deadly"]})
            jobs.start(db, interrupted.id)
            jobs.enqueue(db, "sync", {"plugins": ["other"]})
            jobs.enqueue(db, "inspect", {})
            made = Bench(db)
            made.queue.recover()
            made.queue.start()
            await made.queue.wait(interrupted.id)
            ran = [one.args.get("plugins") or one.name for one in made.ran]
            assert ran == ["inspect", ["other"], ["deadly"]]
            await made.queue.stop()

    asyncio.run(body())


def test_a_sync_of_all_covers_those_of_some_and_not_the_other_way(tmp_path):
    async def scenario(b, _db):
        b.gate.clear()
        b.queue.put("inspect")
        some = b.queue.put("sync", {"plugins": ["a"]})
        every = b.queue.put("sync")
        assert some.id != every.id
        assert b.queue.put("sync", {"plugins": ["b"]}).id == every.id
        assert b.queue.put("sync").id == every.id

    bench(tmp_path, scenario)


def failing(_job):
    error = JobError("no network")
    error.code = "offline"
    raise error


def test_a_failed_job_backs_off_until_there_is_news_or_the_user_asks(tmp_path, caplog):
    async def scenario(b, _db):
        failed = await b.queue.wait(b.queue.put("sync").id)
        assert failed.error == {"code": "offline", "message": "no network"}
        assert b.queue.put("sync") is None
        again = await b.queue.wait(b.queue.put("sync", news=True).id)
        assert again.state == "failed"
        assert (await b.queue.wait(b.queue.ask("sync").id)).state == "failed"
        assert len(b.ran) == 3

    bench(tmp_path, scenario, failing)
    assert "sync failed: no network" in caplog.text


def test_a_failed_job_that_somebody_else_sees_to_is_not_tried_again_and_still_logged_once(
    tmp_path, caplog
):
    async def scenario(b, _db):
        for _ in range(2):
            failed = await b.queue.wait(b.queue.put("sync").id)
            assert b.queue._retries
            b.queue.drop_retry(failed)
            assert not b.queue._retries

    bench(tmp_path, scenario, failing)
    assert caplog.text.count("sync failed") == 1


def test_a_morning_that_failed_is_not_tried_again_once_the_day_is_over(tmp_path):
    over = False

    async def scenario(b, db):
        nonlocal over
        key = "propose:2026-11-20"
        failed = await b.queue.wait(b.queue.put("propose", {}, key=key).id)
        over = True
        [(identity, timer)] = b.queue._retries.items()
        timer.cancel()
        b.queue._retry(failed, identity)
        assert jobs.queued(db) == []
        over = False
        assert b.queue.put("propose", {}, key=key) is not None, "it is not backing off any more"

    bench(tmp_path, scenario, failing, obsolete=lambda _job: over)


def test_a_pause_holds_back_all_but_what_the_user_asks_for(tmp_path):
    paused = True

    async def scenario(b, db):
        nonlocal paused
        old = jobs.enqueue(db, "detect", {})
        assert b.queue.put("sync") is None
        await b.queue.wait(b.queue.ask("propose").id)
        assert [one.name for one in b.ran] == ["propose"]
        paused = False
        b.queue.wake()
        await b.queue.wait(old.id)

    bench(tmp_path, scenario, paused=lambda: paused)


def test_a_key_that_is_done_is_not_done_again(tmp_path):
    async def scenario(b, _db):
        for _ in range(3):
            await b.queue.wait(b.queue.put("propose", {}, key="propose:2026-11-23").id)
        assert len(b.ran) == 1

    bench(tmp_path, scenario)


def test_a_worker_that_finished_its_own_row_has_the_last_word(tmp_path):
    async def body():
        with Store.open(tmp_path / "t.db") as db:

            def finish_and_die(one):
                jobs.finish(db, one.id, one.attempt, {"kept": True})
                raise JobError("killed after it had committed")

            made = Bench(db, finish_and_die)
            made.queue.start()
            done = await made.queue.wait(made.queue.put("sync").id)
            assert (done.state, done.result) == ("done", {"kept": True})
            await made.queue.stop()

    asyncio.run(body())


def test_what_a_stop_interrupts_is_done_again_and_those_who_wait_are_told(tmp_path):
    async def body():
        with Store.open(tmp_path / "t.db") as db:
            first = Bench(db)
            first.gate.clear()
            first.queue.start()
            queued = first.queue.put("sync")
            waiting = asyncio.ensure_future(first.queue.wait(queued.id))
            await first.begun.acquire()
            await first.queue.stop()
            with pytest.raises(TwindError, match="stopping"):
                await waiting
            second = Bench(db)
            assert second.queue.recover() == []
            second.queue.start()
            done = await second.queue.wait(queued.id)
            assert (done.state, done.attempt) == ("done", 1)
            await second.queue.stop()

    asyncio.run(body())


MORNING = "propose:2026-03-02"


def killed(db, job_id, times=1):
    """Have so many daemons die in the middle of a job; return what the last one recovers."""
    again = []
    for _ in range(times):
        jobs.start(db, job_id)
        again = Bench(db).queue.recover()
    return again


def interrupted(tmp_path, scenario, clock=None, **more):
    async def body():
        with Store.open(tmp_path / "t.db", clock) as db:
            made = Bench(db, **more)
            try:
                async with asyncio.timeout(20):
                    await scenario(made, db)
            finally:
                await made.queue.stop()

    asyncio.run(body())


@pytest.mark.parametrize("key", [None, MORNING])
def test_a_job_that_is_always_interrupted_is_given_up_for_a_day(tmp_path, clock, caplog, key):
    async def scenario(b, db):
        queued = jobs.enqueue(db, "propose", {}, key)
        assert killed(db, queued.id, MAX_INTERRUPTIONS - 1) == [jobs.get(db, queued.id)]
        assert killed(db, queued.id) == []
        told = "propose was interrupted 5 times in a row; it rests for a day, until there is news"
        assert jobs.get(db, queued.id).error["message"].startswith(told)
        assert told in caplog.text
        assert b.queue.put("propose", {}, key=key) is None
        clock.advance(hours=23)
        assert Bench(db).queue.put("propose", {}, key=key) is None
        clock.advance(hours=2)
        assert b.queue.put("propose", {}, key=key).state == "queued"

    interrupted(tmp_path, scenario, clock)


def test_a_clock_that_was_ahead_gives_nothing_up_for_longer(tmp_path, clock):
    async def scenario(b, db):
        clock.advance(days=100)
        killed(db, jobs.enqueue(db, "train", {}).id, MAX_INTERRUPTIONS)
        clock.advance(days=-100)
        assert b.queue.put("train").state == "queued"

    interrupted(tmp_path, scenario, clock)


def again_for_news(queue):
    return queue.put("detect", news=True)


def again_as_asked(queue):
    return queue.ask("detect")


@pytest.mark.parametrize("again", [again_for_news, again_as_asked])
def test_what_was_given_up_has_a_single_try_where_there_is_news_or_it_is_asked_for(tmp_path, again):
    async def scenario(b, db):
        first = jobs.enqueue(db, "detect", {})
        killed(db, first.id, MAX_INTERRUPTIONS)
        for _ in range(2):
            assert again(b.queue).id == first.id
            assert killed(db, first.id) == []
            assert b.queue.put("detect") is None
        b.queue.start()
        assert (await b.queue.wait(again(b.queue).id)).state == "done"
        another = b.queue.put("detect")
        assert another.id != first.id
        assert another.interruptions == 0

    interrupted(tmp_path, scenario)


def test_one_that_does_something_else_is_not_given_up_with_it(tmp_path):
    async def scenario(b, db):
        killed(db, jobs.enqueue(db, "sync", {}).id, MAX_INTERRUPTIONS)
        assert b.queue.put("sync") is None
        assert b.queue.put("sync", {"plugins": ["a"]}).state == "queued"
        assert b.queue.put("propose", key=MORNING).state == "queued"

    interrupted(tmp_path, scenario)


def test_failures_are_no_interruptions(tmp_path):
    async def scenario(b, db):
        queued = jobs.enqueue(db, "propose", {}, MORNING)
        for _ in range(MAX_INTERRUPTIONS):
            jobs.fail(db, queued.id, jobs.start(db, queued.id).attempt, "offline", "no network")
            assert b.queue.put("propose", {}, key=MORNING).state == "queued"
        [again] = killed(db, queued.id)
        assert (again.attempt, again.interruptions) == (MAX_INTERRUPTIONS + 1, 1)

    interrupted(tmp_path, scenario)


def test_a_suspect_begins_while_nothing_else_is_at_work(tmp_path):
    """Else what is only beside the one that kills would be given up with it."""

    async def scenario(b, db):
        begun = asyncio.Queue()

        async def run(one):
            gate = asyncio.Event()
            begun.put_nowait((one.name, gate))
            await gate.wait()
            return {}

        b.queue = Queue(db, run=run, on_ended=b.ended.append)
        for name in ("train", "sync"):
            killed(db, jobs.enqueue(db, name, {}).id, SUSPECT)
        b.queue.put("inspect")
        b.queue.start()
        for expected in ("inspect", "sync", "train"):
            name, gate = await begun.get()
            assert (name, begun.empty()) == (expected, True)
            gate.set()

    interrupted(tmp_path, scenario)


def test_a_morning_that_is_over_is_not_proposed_for(tmp_path):
    async def body():
        with Store.open(tmp_path / "t.db") as db:
            queued = jobs.enqueue(db, "propose", {}, "propose:2026-11-20")
            Bench(db, obsolete=lambda one: one.key is not None).queue.drop_obsolete()
            assert jobs.get(db, queued.id).error["code"] == "missed"

    asyncio.run(body())


@pytest.mark.parametrize("state", ["done", "failed"])
def test_an_end_that_cannot_be_stored_is_stored_once_it_can(tmp_path, monkeypatch, caplog, state):
    """Else the job would be at work for good, in the table, and whoever waits would for ever."""
    monkeypatch.setattr(queue, "STORE_PAUSE_S", 0.05)

    def work(_job):
        if state == "failed":
            raise JobError("no")
        return {}

    async def scenario(b, db):
        db.execute(
            "CREATE TRIGGER full BEFORE UPDATE ON jobs WHEN NEW.finished_at IS NOT NULL "
            "BEGIN SELECT RAISE(ABORT, 'database or disk is full'); END"
        )
        queued = b.queue.ask("sync")
        while "cannot be stored yet: database or disk is full" not in caplog.text:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        assert jobs.get(db, queued.id).state == "running"
        db.execute("DROP TRIGGER full")
        assert (await b.queue.wait(queued.id)).state == state
        assert not b.queue.running

    bench(tmp_path, scenario, work)


def test_a_database_that_is_locked_is_a_line_on_loss_and_one_on_return(
    tmp_path, monkeypatch, caplog
):
    caplog.set_level("INFO")
    monkeypatch.setattr(queue, "STORE_PAUSE_S", 0.01)
    tried, several = [], asyncio.Event()

    def note(job):
        tried.append(job.id)
        if len(tried) > 5:
            several.set()
        return False

    async def scenario(b, db):
        queued = b.queue.put("sync")
        db.execute("PRAGMA busy_timeout = 0")
        with Store.open(tmp_path / "t.db") as other, other.transaction():
            await several.wait()
        assert (await b.queue.wait(queued.id)).state == "done"

    bench(tmp_path, scenario, held=note)
    told = [record for record in caplog.records if record.name == queue.__name__]
    assert [record.getMessage() for record in told] == [
        "the database cannot be used; trying again: database is locked",
        "the database can be used again",
    ]
    assert not any(record.exc_info for record in told)


def test_a_job_that_cannot_even_be_run_fails_and_holds_up_no_other(tmp_path, caplog):
    def work(one):
        if one.name == "sync":
            raise PermissionError("not even that")
        return {}

    async def scenario(b, _db):
        failed = await b.queue.wait(b.queue.ask("sync").id)
        assert (failed.state, failed.error["code"]) == ("failed", "internal")
        assert "not even that" in failed.error["message"]
        assert (await b.queue.wait(b.queue.ask("inspect").id)).state == "done"

    bench(tmp_path, scenario, work)
    assert any(record.exc_info for record in caplog.records)


def test_who_hears_of_an_end_and_raises_holds_up_no_other_job(tmp_path, monkeypatch, caplog):
    monkeypatch.setattr(queue, "STORE_PAUSE_S", 0.01)

    async def body():
        with Store.open(tmp_path / "t.db") as db:
            made = Bench(db)
            made.queue = Queue(db, run=made._run, on_ended=lambda one: {}[one.name])
            made.queue.start()
            try:
                async with asyncio.timeout(20):
                    for _ in range(2):
                        one = await made.queue.wait(made.queue.ask("sync").id)
                        assert one.state == "done"
            finally:
                await made.queue.stop()

    asyncio.run(body())
    assert "carrying on" in caplog.text


def test_an_orderly_stop_is_no_interruption(tmp_path):
    async def body(db):
        made = Bench(db)
        made.gate.clear()
        made.queue.recover()
        made.queue.start()
        await made.begun.acquire()
        await made.queue.stop()

    with Store.open(tmp_path / "t.db") as db:
        waiting = jobs.enqueue(db, "train", {})
        for _ in range(MAX_INTERRUPTIONS + 1):
            asyncio.run(body(db))
        stands = jobs.get(db, waiting.id)
        assert (stands.state, stands.attempt) == ("queued", 0)


def test_a_fault_of_our_own_keeps_its_traceback(tmp_path, monkeypatch, caplog):
    monkeypatch.setattr(queue, "STORE_PAUSE_S", 0.01)

    async def scenario(b, db):
        db.execute("ALTER TABLE jobs RENAME TO gone")
        b.queue.wake()
        while not caplog.records:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
        db.execute("ALTER TABLE gone RENAME TO jobs")

    bench(tmp_path, scenario)
    [record] = caplog.records
    assert record.exc_info
    assert "no such table" in str(record.exc_info[1])
