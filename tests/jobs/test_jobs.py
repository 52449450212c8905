"""The jobs as functions of the store and the settings, one after the other as a day has them."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from twind import evidence, overtaken, settings
from twind.errors import NotFoundError, PluginError
from twind.jobs import detect, elicit, inspect, propose, sync
from twind.jobs.work import StaleAttemptError
from twind.model import Attendee, CalendarEvent, Feedback, Person, Project, Task
from twind.preferences.change import Found
from twind.store import (
    Store,
    changes,
    jobs,
    log,
    outbox,
    patterns,
    proposals,
    questions,
    records,
)

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
@pytest.mark.slow
def test_a_habit_is_proposed_on_the_day_it_is_due(work):
    live(work)
    now = work.clock.now()
    due = now.replace(hour=0) + timedelta(days=1)
    window = (now, now + timedelta(days=30))
    plants = Project(uid="h", name="Water plants", kind="habit")
    today = Task(uid="h1", title="Water plants", project="h", due=due, estimate_min=10)
    records.apply(work.db, 1, "habits", [plants, today], window)
    told = {one["text"]: one for one in propose.run(work)["proposals"]}
    [text] = [text for text in told if "Water plants" in text]
    reason = told[text]["reasons"][0]
    assert (reason["kind"], reason["text"]) == ("deadline", "“Water plants” is due today")


def test_tomorrow_is_planned_as_today_is_likely_to_leave_it(work):
    now = work.clock.now()
    guest = (Attendee(email="ada@x.org", status="accepted"),)
    dinner = now + timedelta(days=1, hours=11)
    busy(work, dinner, dinner + timedelta(hours=2), attendees=guest)
    records.apply(
        work.db,
        1,
        "test",
        [
            Person(uid="ada", name="Ada", emails=("ada@x.org",), groups=("Friends",)),
            Person(uid="bo", name="Bo", groups=("Family",)),
            *(Task(uid=n, title=n, due=now + timedelta(hours=39)) for n in ("Cat food", "Plants")),
        ],
        (now, now + timedelta(days=30)),
    )
    for _ in range(2):
        told = propose.run(work)["proposals"]
        made = [proposals.get(work.db, 1, one["id"]) for one in told]
        people = [
            (one.target.name, one.day) for one in made if one.target and one.target.kind == "person"
        ]
        steps = [one.details["step"] for one in made if "step" in one.details]
        assert people
        assert steps
        assert len({name for name, _ in people}) == len(people)
        assert len(set(steps)) == len(steps)
        assert ("Ada", dinner.date()) not in people


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


@pytest.mark.slow
def test_what_is_done_is_not_proposed_any_more(work):
    def proposed():
        made = propose.run(work)["proposals"]
        return [one["id"] for one in made if (one["target"] or {}).get("name") == "Thesis"]

    live(work)
    first = proposed()
    assert first
    now = work.clock.now()
    done = Task(uid="t", title="Write", project="p", status="done", completed_at=now)
    records.apply(work.db, 1, "test", [done], (now, now + timedelta(days=30)), complete=False)
    assert proposed() == []
    whys = {proposals.get(work.db, 1, one).details["withdrawn"] for one in first}
    assert whys == {overtaken.DONE}


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


def test_two_that_look_at_once_note_a_change_once(work, home, clock, monkeypatch):
    live(work)
    found = Found(clock.now() - timedelta(days=5), "Health", 1.0)
    detecting = []

    def look(_reader):
        if not detecting:
            detecting.append("a command's, while the daemon's looks")
            with Store.open(home.database, clock) as db:
                detect.run(replace(work, db=db))
        return found

    monkeypatch.setattr(evidence, "look_for_change", look)
    detect.run(work)
    assert [one.dimension for one in changes.load(work.db, 1)] == ["Health"]


def test_change_is_looked_for_once_a_day(work):
    live(work)
    detect.run(work)
    looked = work.db.meta_get(detect.LOOKED)
    assert looked == work.clock.now().date().isoformat()
    work.clock.advance(seconds=86_400)
    detect.run(work)
    assert work.db.meta_get(detect.LOOKED) > looked
    assert outbox.counts(work.db) == {}


def event(work, uid, hours, title="Gym"):
    start = work.clock.now() + timedelta(hours=hours)
    return CalendarEvent(uid=uid, title=title, start=start, end=start + timedelta(hours=1))


def sync_events(work, *events):
    now = work.clock.now()
    records.apply(work.db, 1, "cal", events, (now - timedelta(days=180), now + timedelta(days=90)))


def test_a_change_of_what_is_to_come_is_known_without_reading_all_evidence_again(work):
    live(work)
    past = [event(work, f"gym{day}", -24 * day) for day in range(1, 9)]
    sync_events(work, *past, event(work, "soon", 5))
    detect.run(work)
    before = patterns.load_belief(work.db, 1)
    work.db.execute("DELETE FROM evidence")  # it would be written again if it were read
    sync_events(work, *past, event(work, "soon", 6, "Choir"), event(work, "new", 30))
    told = detect.run(work)
    assert told == {"patterns": 75, "moved": 0.0, "world_moved": 0.0, "train_due": False}
    assert not log.pending(work.db, "detect")
    assert patterns.load_belief(work.db, 1) == before
    assert work.db.value("SELECT COUNT(*) FROM evidence") == 0


@pytest.mark.parametrize(
    "change", ["lived", "lived otherwise", "never lived", "now over", "answered", "a day later"]
)
def test_evidence_is_read_again_once_anything_was_lived_or_said(work, change):
    live(work)
    past = [event(work, f"gym{day}", -24 * day) for day in range(1, 9)]
    soon = event(work, "soon", 5)
    sync_events(work, *past, soon)
    detect.run(work)
    work.db.execute("DELETE FROM evidence")
    changed = [replace(soon, title="Choir")]
    match change:
        case "lived":
            past.append(event(work, "more", -3))
        case "lived otherwise":
            past[0] = replace(past[0], title="Choir")
        case "never lived":
            past[0] = event(work, "gym1", 50)
        case "now over":
            work.clock.advance(hours=7)
        case "answered":
            asked = questions.load(work.db, 1)[0]
            questions.answer(work.db, 1, asked.id, asked.options[0].id)
        case "a day later":
            work.clock.advance(days=1)
            changed = [event(work, "soon", 5)]
    sync_events(work, *past, *changed)
    detect.run(work)
    assert work.db.value("SELECT COUNT(*) FROM evidence") > 0


def test_the_question_asked_is_one_of_the_bank(work):
    told = elicit.run(work)
    assert told["id"] in {one.id for one in questions.load(work.db, 1)}
    assert len(told["options"]) >= 2
    assert told["kind"]


def test_a_day_has_so_many_questions_and_more_only_on_request(work):
    work.settings = settings.parse({"profile": {"timezone": "UTC"}, "questions": {"per_day": 2}})
    for _ in range(2):
        told = elicit.run(work)
        questions.answer(work.db, 1, told["id"], None, "skipped")
    told = elicit.run(work)
    assert told["id"] is None
    assert "(2); twind ask --more goes on" in told["silent_because"]
    work.args = {"more": True}
    assert elicit.run(work)["id"]
    work.args = {}
    work.clock.advance(days=1)
    assert elicit.run(work)["id"]


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
