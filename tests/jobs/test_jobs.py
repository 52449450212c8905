"""The jobs as functions of the store and the settings, one after the other as a day has them."""

from __future__ import annotations

from datetime import timedelta

import pytest

from twind import evidence, settings
from twind.errors import NotFoundError, PluginError
from twind.jobs import detect, elicit, inspect, notify, propose, sync
from twind.jobs.work import StaleAttemptError, Work
from twind.model import CalendarEvent, Feedback, Person, Project, Task
from twind.store import jobs, log, outbox, patterns, proposals, questions, records

CHANNEL = """\
from pathlib import Path
from twind.api import Delivered, Pressed, hookimpl

class Paper:
    name = "paper"

    def notify(self, ctx, notification):
        with Path({file!r}).open("a") as out:
            print(notification.key, file=out)
        yield Delivered("paper")
        {after}

@hookimpl
def twind_register(register):
    register(Paper())
"""
SOURCE = """\
from twind.api import Person, hookimpl

class Friends:
    name = "friends"

    def fetch(self, ctx):
        yield Person(uid="ann", name="Ann")
        {after}

@hookimpl
def twind_register(register):
    register(Friends())
"""


@pytest.fixture
def work(db, home, clock):
    """Work in UTC without the bundled plugins, so that what a test drops in is all there is."""
    configuration = settings.parse(
        {
            "profile": {"timezone": "UTC"},
            "plugins": {"disabled": ["calendar", "tasks", "contacts", "notify"]},
        }
    )
    return Work(db, home, configuration, clock)


def drop_in(home, name, text):
    folder = home.plugin_dirs[0]
    folder.mkdir(exist_ok=True)
    (folder / f"{name}.py").write_text(text)


def busy(work, start, end, uid="meeting", **more):
    window = (work.clock.now(), work.clock.now() + timedelta(days=30))
    one = CalendarEvent(uid=uid, title="Meeting", start=start, end=end, **more)
    records.apply(work.db, 1, uid, [one], window)


def live(work):
    now = work.clock.now()
    records.apply(
        work.db,
        1,
        "test",
        [
            Person(uid="ann", name="Ann"),
            Project(uid="p", name="Thesis", priority=0.8, deadline=now + timedelta(hours=33)),
            Task(uid="t", title="Write", project="p", estimate_min=480),
        ],
        (now, now + timedelta(days=30)),
    )
    work.args = {"day": "2026-03-02"}
    # Somebody known to love being outside and on the move: there is always something to propose.
    for dimension, aspect, code in (
        ("Physical Environment", "nature", "PHY_NATURE"),
        ("Health", "physical_activity", "HEA_PHYSICAL_ACTIVITY"),
    ):
        row = questions.seed_dimension(work.db, dimension, "")
        work.db.insert(
            "patterns",
            profile_id=1,
            pattern_type="preference",
            dimension_id=row,
            aspect_id=questions.seed_aspect(work.db, row, aspect, code, ""),
            strength=0.9,
            confidence=0.9,
        )


# --- propose -------------------------------------------------------------------------------------


def test_nothing_to_go_by_is_an_answer(work):
    told = propose.run(work)
    assert told["proposals"] == []
    assert "no calendar, tasks, people or answers" in told["silent_because"]
    assert work.db.meta_get("silent_because") == told["silent_because"]


@pytest.mark.slow
def test_twice_in_a_row_keeps_what_stands(work):
    live(work)
    first = propose.run(work)["proposals"]
    assert first
    assert propose.run(work)["proposals"][: len(first)] == first
    for one in first:
        assert one["start"].startswith("2026-03-02")
        assert one["end"] is not None


@pytest.mark.slow
def test_what_was_rejected_is_not_proposed_again_that_day(work):
    live(work)
    first = propose.run(work)["proposals"][0]
    said = Feedback(proposal_id=first["id"], action="reject", at=work.clock.now())
    proposals.review(work.db, 1, said)

    def kind(one):
        return one["action"], one["target"]

    assert kind(first) not in [kind(one) for one in propose.run(work)["proposals"]]


@pytest.mark.slow
@pytest.mark.parametrize(("status", "withdrawn"), [("confirmed", True), ("cancelled", False)])
def test_an_event_withdraws_what_it_displaces(work, status, withdrawn):
    live(work)
    told = propose.run(work)["proposals"][0]
    first = proposals.get(work.db, 1, told["id"])
    busy(work, first.start, first.end, status=status)
    again = propose.run(work)["proposals"]
    assert (told["id"] not in [one["id"] for one in again]) is withdrawn
    assert proposals.get(work.db, 1, told["id"]).status == ("ignored" if withdrawn else "pending")
    standing = [proposals.get(work.db, 1, one["id"]) for one in again]
    if withdrawn:
        assert all(one.end <= first.start or one.start >= first.end for one in standing)
    assert not [one for one in evidence.collect(work.reader()) if one.kind == "feedback"]


def test_a_day_too_far_away_is_refused(work):
    live(work)
    work.args = {"day": "2027-01-01"}
    with pytest.raises(NotFoundError, match="outside what can be planned"):
        propose.run(work)


def stale(work):
    job = jobs.enqueue(work.db, "any", {})
    work.job_id, work.attempt = job.id, jobs.start(work.db, job.id).attempt
    jobs.start(work.db, job.id)


def test_a_stale_attempt_changes_nothing(work):
    live(work)
    before = patterns.load(work.db, 1)
    drop_in(work.home, "friends", SOURCE.format(after=""))
    stale(work)
    for run in (propose.run, detect.run, sync.run):
        with pytest.raises(StaleAttemptError):
            run(work)
    assert proposals.load(work.db, 1) == []
    assert patterns.load(work.db, 1) == before
    assert log.cursor(work.db, "detect") is None
    sources = work.db.rows("SELECT DISTINCT source FROM records")
    assert [row["source"] for row in sources] == ["test"]


# --- detect and elicit ---------------------------------------------------------------------------


def test_detect_writes_patterns_once_and_says_when_training_pays(work):
    live(work)
    assert log.pending(work.db, "detect")
    told = detect.run(work)
    assert told["patterns"] == len(patterns.load(work.db, 1)) == 75
    assert told["train_due"]
    assert told["world_moved"] == 1.0
    assert not log.pending(work.db, "detect")


def test_the_question_asked_is_one_of_the_bank(work):
    told = elicit.run(work)
    assert told["id"] in {one.id for one in questions.load(work.db, 1)}
    assert len(told["options"]) >= 2
    assert told["kind"]


# --- sync and inspect ----------------------------------------------------------------------------


def test_one_sources_failure_is_its_own(work):
    drop_in(work.home, "friends", SOURCE.format(after=""))
    text = SOURCE.format(after="raise RuntimeError('cut off')")
    drop_in(work.home, "broken", text.replace("friends", "broken").replace('"ann"', '"bob"'))
    told = sync.run(work)["plugins"]
    assert told["friends"]["added"] == 1
    assert "cut off" in told["broken"]["error"]
    assert told["broken"]["added"] == 1  # what came before the failure is good
    assert sync.run(work)["plugins"]["friends"]["added"] == 0
    work.args = {"plugins": ["friends"]}
    assert list(sync.run(work)["plugins"]) == ["friends"]
    work.args = {"plugins": ["foes"]}
    with pytest.raises(NotFoundError, match="no plugin foes"):
        sync.run(work)


def test_a_plugin_that_did_not_load_says_why(work):
    drop_in(work.home, "sour", "raise ValueError('no milk')")
    [sour] = [one for one in inspect.run(work)["plugins"] if one["name"] == "sour"]
    assert sour["state"] == "failed"
    work.args = {"plugins": ["sour"]}
    with pytest.raises(PluginError, match=r"sour failed to load: .*no milk"):
        sync.run(work)


# --- notify --------------------------------------------------------------------------------------


@pytest.fixture
def waiting(work):
    """A pending proposal and the message that announces it."""
    live(work)
    start = work.clock.now() + timedelta(hours=4)
    made = proposals.Proposal(
        day=start.date(),
        action="learn",
        target=None,
        start=start,
        end=start + timedelta(hours=1),
        duration_min=60,
        intensity="normal",
        text="Read",
        confidence=0.5,
        reasons=(),
        would_change="",
    )
    [row] = proposals.add(work.db, 1, [made], {})
    buttons = [
        {"id": f"{action}:{row}", "label": action} for action in ("accept", "reject", "snooze")
    ]
    message = {"title": "One", "body": "Read", "buttons": buttons, "listen_s": 60.0}
    outbox.put(work.db, 1, f"proposals:{row}", message)
    return row


def channel(work, after="pass"):
    file = work.home.state_dir / "paper.txt"
    file.touch()
    drop_in(work.home, "paper", CHANNEL.format(file=str(file), after=after))
    return file


def test_nothing_is_sent_twice(work, waiting):
    file = channel(work)
    assert notify.run(work) == {"sent": 1, "failed": 0, "pressed": 0}
    assert notify.run(work) == {"sent": 0, "failed": 0, "pressed": 0}
    assert file.read_text() == f"proposals:{waiting}\n"
    assert outbox.counts(work.db) == {"sent": 1}
    assert not outbox.put(work.db, 1, f"proposals:{waiting}", {"title": "", "body": ""})


@pytest.mark.parametrize(
    ("button", "status", "counted"),
    [
        ("accept", "accepted", 1),
        ("reject", "rejected", 1),
        ("snooze", "pending", 1),
        ("undo", "pending", 0),
        ("dance", "pending", 0),
    ],
)
def test_a_button_is_the_users_word(work, waiting, button, status, counted):
    channel(work, f"yield Pressed('{button}:{waiting}')")
    assert notify.run(work) == {"sent": 1, "failed": 0, "pressed": counted}
    assert proposals.get(work.db, 1, waiting).status == status
    assert len(proposals.feedback(work.db, 1)) == counted


@pytest.mark.parametrize("button", ["accept:999", "accept:x", "accept", ""])
def test_a_button_that_means_nothing_harms_nothing(work, waiting, button):
    channel(work, f"yield Pressed({button!r})")
    assert notify.run(work)["pressed"] == 0
    assert proposals.feedback(work.db, 1) == []


def test_quiet_hours_hold_it_back(work, waiting, clock):
    file = channel(work)
    clock.advance(hours=15)
    assert notify.run(work)["sent"] == 0
    assert outbox.pending(work.db)
    assert file.read_text() == ""
    work.args = {"now": True}
    assert notify.run(work)["sent"] == 1


def test_a_channel_that_fails_after_delivery_has_delivered(work, waiting):
    channel(work, "raise OSError('paper jam')")
    assert notify.run(work)["sent"] == 1
    assert outbox.counts(work.db) == {"sent": 1}


@pytest.mark.parametrize("broken", [True, False])
def test_without_a_working_channel_it_failed(work, waiting, broken):
    if broken:
        file = channel(work)
        plugin = work.home.plugin_dirs[0] / "paper.py"
        plugin.write_text(plugin.read_text().replace(".open(", ".nothing("))
        assert file.read_text() == ""
    assert notify.run(work) == {"sent": 0, "failed": 1, "pressed": 0}
    reason = work.db.value("SELECT error FROM outbox")
    assert ("paper" if broken else "no plugin delivers") in reason
    assert notify.run(work)["sent"] == 0


@pytest.mark.parametrize(
    ("text", "sentence"),
    [("Call Bo", "Call Bo."), ("Ask “who pays?”", "Ask “who pays?”."), ("Why not?", "Why not?")],
)
def test_a_sentence_has_one_stop(text, sentence):
    assert propose._ended(text) == sentence
