"""From the user's word to what is proposed and why: the whole way, job by job."""

from __future__ import annotations

import re
from datetime import timedelta

import numpy as np
import pytest

from twind import asking, evidence, settings
from twind.clock import format_utc
from twind.jobs import detect, propose, sync
from twind.jobs.work import Work
from twind.model import Attendee, CalendarEvent, Person, Project, Task
from twind.preferences import catalogue
from twind.rl.pipeline import DataPipeline
from twind.rl.world import reduce_belief
from twind.store import ownership, patterns, people, proposals, questions, records, words

SOURCE = """\
from twind.api import Person, hookimpl

class Friends:
    name = "friends"

    def fetch(self, ctx):
        yield Person(uid="ann", name="Ann")

@hookimpl
def twind_register(register):
    register(Friends())
"""
CODE = "PHY_NATURE"
OFF = settings.parse(
    {
        "profile": {"timezone": "UTC"},
        "plugins": {"disabled": ["calendar", "tasks", "contacts", "notify"]},
    }
)


def switched(work, **on):
    section = OFF.proposals.model_copy(update=on)
    return Work(
        work.db,
        work.home,
        OFF.model_copy(update={"proposals": section}),
        work.clock,
        {"day": "2026-03-02"},
    )


def love(work, *codes):
    """Have the user be known for these by a database made elsewhere."""
    asking.seed(work.reader())
    with work.db.transaction():
        for code in codes:
            place = work.db.row("SELECT id, dimension_id FROM aspects WHERE code = ?", (code,))
            work.db.insert(
                "patterns",
                profile_id=1,
                pattern_type="preference",
                dimension_id=place["dimension_id"],
                aspect_id=place["id"],
                strength=0.9,
                confidence=0.9,
            )


def live(work):
    """Walks with Ann every few days, a thesis, and answers."""
    now = work.clock.now()
    span = (now - timedelta(days=60), now + timedelta(days=30))
    walks = [
        CalendarEvent(
            uid=f"walk {day}",
            title=f"Hike with Ann {day}",
            start=now - timedelta(days=day),
            end=now - timedelta(days=day) + timedelta(hours=2),
            attendees=(Attendee(email="ann@x.org", status="accepted"),),
        )
        for day in (3, 8, 15, 24)
    ]
    records.apply(work.db, 1, "calendar", walks, span)
    records.apply(
        work.db, 1, "contacts", [Person(uid="ann", name="Ann", emails=("ann@x.org",))], span
    )
    thesis = [Project(uid="p", name="Thesis"), Task(uid="t", title="Write", project="p")]
    records.apply(work.db, 1, "tasks", thesis, span)
    asking.seed(work.reader())
    for question in questions.load(work.db, 1):
        told = [option for option in question.options if option.features.get(CODE, 0.0) > 0.0]
        if told:
            questions.answer(work.db, 1, question.id, told[0].id)
    detect.run(work)


def cited(db):
    """All rows and beliefs that the reasons of all proposals name."""
    every = [reason for one in proposals.load(db, 1) for reason in one.reasons]
    return {reason.ref for reason in every}, {
        (row["table"], row["id"]) for reason in every for row in reason.evidence
    }


def worth(work):
    """What a new training would begin from, and what it says of CODE."""
    belief = DataPipeline(work.db, work.settings, work.clock).snapshot(1).belief
    return reduce_belief(belief, [], [])[0], belief.mean[catalogue.index_of()[CODE]]


@pytest.mark.slow
def test_a_disowned_belief_is_used_and_cited_no_more(work):
    love(work, CODE)
    live(work)
    work.args = {"day": "2026-03-02"}
    first = propose.run(work)["proposals"]
    assert CODE in cited(work.db)[0]
    before, strength = worth(work)
    assert strength > 0.3
    assert patterns.evidence_for(work.db, 1, CODE)
    assert ownership.say(work.db, 1, "wrong", CODE) >= 1
    work.clock.advance(minutes=5)
    detect.run(work)
    after, strength = worth(work)
    assert strength == 0.0
    assert not np.allclose(before, after)
    assert patterns.evidence_for(work.db, 1, CODE) == []
    second = propose.run(work)["proposals"]
    assert CODE not in cited(work.db)[0]
    assert [one["id"] for one in second] != [one["id"] for one in first]
    ownership.restore(work.db, 1, CODE)
    detect.run(work)
    assert worth(work)[1] > 0.3


@pytest.mark.slow
def test_dropped_evidence_is_used_and_cited_no_more(work):
    love(work, CODE, "REL_INTIMACY")
    live(work)
    work.args = {"day": "2026-03-02"}
    propose.run(work)
    rows = cited(work.db)[1]
    dropped = {row for row in rows if row[0] in {"records", "responses"}}
    assert dropped
    known = words.origins(work.db, 1)
    before, _ = worth(work)
    for row in dropped:
        ownership.drop(work.db, 1, words.origin(row, known))
    assert not dropped & cited(work.db)[1]
    detect.run(work)
    propose.run(work)
    assert not dropped & cited(work.db)[1]
    assert not dropped & {one.source for one in evidence.collect(work.reader())}
    assert not np.allclose(before, worth(work)[0])
    held = {row["origin"] for row in work.db.rows("SELECT origin FROM evidence")}
    assert not {words.origin(row, known) for row in dropped} & held


@pytest.mark.slow
def test_a_forgotten_person_is_in_no_training_and_no_proposal(work):
    live(work)
    [ann] = people.known(work.db, 1)
    work.args = {"day": "2026-03-02"}
    propose.run(work)
    pipeline = DataPipeline(work.db, work.settings, work.clock)
    assert [one.name for one in pipeline.snapshot(1).people] == ["Ann"]
    ownership.forget_person(work.db, 1, ann.id)
    told = detect.run(work)
    assert told["world_moved"] > 0.0
    snapshot = pipeline.snapshot(1)
    assert snapshot.people == ()
    assert f"person:{ann.id}" not in snapshot.belief.names
    for _ in range(2):
        propose.run(work)
        every = proposals.load(work.db, 1)
        assert not [one for one in every if one.target and one.target.name == "Ann"]
        texts = [str(reason) for one in every for reason in one.reasons]
        assert not [text for text in texts if re.search(r"\bAnn\b", text)]
        work.clock.advance(days=1)
        work.args = {"day": f"{work.clock.now():%Y-%m-%d}"}


# --- health and mood -----------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize(
    ("key", "action", "dimension", "codes"),
    [
        ("health", "exercise", "Health", ("HEA_PHYSICAL_ACTIVITY", "RIS_PHYSICAL")),
        ("mood", "reflect", "Mental State", ("SPI_PHILOSOPHY", "SPI_MEANING", "MEN_CALM")),
    ],
)
def test_health_and_mood_are_spoken_of_where_it_is_switched_on(work, key, action, dimension, codes):
    love(work, *codes)
    silent = propose.run(switched(work))["proposals"]
    told = {one.ref for p in proposals.load(work.db, 1) for one in p.reasons}
    of_it = {aspect.code for aspect in catalogue.aspects() if aspect.dimension == dimension}
    assert action not in {one["action"] for one in silent}
    assert not told & of_it
    work.db.execute("DELETE FROM recommendations")
    spoken = propose.run(switched(work, **{key: True}))["proposals"]
    assert action in {one["action"] for one in spoken}
    told = {one.ref for p in proposals.load(work.db, 1) for one in p.reasons}
    assert told & of_it


# --- whole sources -------------------------------------------------------------------------------


def test_a_forgotten_source_is_not_read(work):
    folder = work.home.plugin_dirs[0]
    folder.mkdir(exist_ok=True)
    (folder / "friends.py").write_text(SOURCE)
    assert sync.run(work)["plugins"]["friends"]["added"] == 1
    assert ownership.forget_source(work.db, 1, "friends") == (1, 0)
    assert work.db.value("SELECT COUNT(*) FROM entities") == 0
    assert sync.run(work)["plugins"] == {}
    work.args = {"plugins": ["friends"]}
    told = sync.run(work)["plugins"]["friends"]
    assert told["added"] == 0
    assert "twind plugins restore friends" in told["error"]
    assert work.db.value("SELECT COUNT(*) FROM records") == 0
    ownership.restore_source(work.db, 1, "friends")
    assert sync.run(work)["plugins"]["friends"]["added"] == 1


def test_a_source_that_is_forgotten_while_it_is_read_stays_away(work):
    folder = work.home.plugin_dirs[0]
    folder.mkdir(exist_ok=True)
    said = (
        "INSERT INTO words (profile_id, kind, subject, at) "
        f"VALUES (1, 'source', 'friends', '{format_utc(work.clock.now())}')"
    )
    say = (
        "import sqlite3; "
        f"sqlite3.connect({str(work.home.database)!r}, isolation_level=None).execute({said!r})"
    )
    # Another program's word: SQLite takes no connection across a fork.
    meanwhile = (
        f"import subprocess, sys; subprocess.run([sys.executable, '-c', {say!r}], check=True)"
    )
    text = SOURCE.replace("        yield Person", f"        {meanwhile}\n        yield Person")
    (folder / "friends.py").write_text(text)
    assert "is forgotten" in sync.run(work)["plugins"]["friends"]["error"]
    assert work.db.value("SELECT COUNT(*) FROM records") == 0
