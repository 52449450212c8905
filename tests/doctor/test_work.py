import pytest

from twind.daemon import client
from twind.doctor import work
from twind.store import jobs, outbox, sources


class Answering:
    """A daemon's word, for what only asks for it."""

    def __init__(self, subject, **status):
        subject.__dict__["status"] = {"paused": None, "waiting": None, **status}
        self.subject = subject


def test_faulty_plugins_are_named(examined, db, plugin):
    good = plugin()
    assert work.plugins(examined(good)).severity == "ok"
    bad = plugin("broken", "failed", "SyntaxError")
    finding = work.plugins(examined(good, bad))
    assert (finding.severity, finding.facts) == ("warning", {"plugins": 2, "faulty": 1})
    assert finding.saw == "broken: SyntaxError"
    assert finding.do == "twind plugins show broken"


def test_files_that_are_not_there_are_named(examined, db, home, plugin):
    (home.root / "cal.ics").write_text("")
    there = plugin(watch=["cal.ics"])
    assert work.files(examined(there)).severity == "ok"
    finding = work.files(examined(there, plugin("tasks", watch=["~no/todo.txt"])))
    assert (finding.severity, finding.facts) == ("warning", {"watched": 2, "missing": 1})
    assert f"tasks: {home.root}/~no/todo.txt" in finding.saw


def test_sources_in_trouble_are_named_and_refused_records_counted(examined, db):
    sources.succeeded(db, 1, "calendar", {}, 3)
    assert work.sources(examined()).severity == "ok"
    sources.note_unlisted(db, 1, "calendar", 2)
    finding = work.sources(examined())
    assert (finding.severity, finding.facts["refused_records"]) == ("notice", 2)
    sources.failed(db, 1, "tasks", "it is down")
    finding = work.sources(examined())
    assert (finding.severity, finding.facts["in_trouble"]) == ("warning", 1)
    assert finding.saw == "tasks: it is down"


def fail(db, name):
    job = jobs.start(db, jobs.enqueue(db, name, {}).id)
    jobs.fail(db, job.id, job.attempt, "died", "it was killed")


def test_a_job_that_failed_last_time_is_told_until_it_works(examined, db):
    fail(db, "detect")
    finding = work.jobs(examined())
    assert (finding.severity, finding.repair) == ("warning", None)
    assert finding.saw == "detect failed last time: it was killed"
    job = jobs.start(db, jobs.enqueue(db, "detect", {}).id)
    jobs.finish(db, job.id, job.attempt, {})
    assert work.jobs(examined()).severity == "ok"


def test_a_job_that_failed_is_asked_for_again(examined, db, monkeypatch):
    fail(db, "sync")
    assert work.jobs(examined()).repair is None  # nobody to ask
    asked = []
    monkeypatch.setattr(client, "request", lambda _home, command: asked.append(command))
    finding = work.jobs(Answering(examined()).subject)
    assert finding.repair() == "queued again: sync"
    assert asked == [{"cmd": "sync", "wait": False}]


@pytest.mark.parametrize(
    ("status", "severity"),
    [({}, "warning"), ({"paused": "forever"}, "ok"), ({"waiting": "…"}, "ok")],
)
def test_a_job_without_an_end_is_told_where_there_is_a_daemon(
    examined, db, clock, status, severity
):
    jobs.start(db, jobs.enqueue(db, "train", {}).id)
    clock.advance(hours=2)
    assert work.jobs(Answering(examined(), **status).subject).severity == "ok"
    clock.advance(days=2)
    assert work.jobs(examined()).severity == "ok"  # the next daemon begins it again
    assert work.jobs(Answering(examined(), **status).subject).severity == severity


def test_messages_that_do_not_arrive_are_told(examined, db, clock):
    assert work.notifications(examined()).severity == "ok"
    outbox.put(db, 1, "a", {"title": "x"})
    assert work.notifications(examined()).severity == "ok"
    clock.advance(days=2)
    finding = work.notifications(examined())
    assert (finding.severity, finding.facts["pending"]) == ("warning", 1)
