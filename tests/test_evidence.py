"""What the database says as evidence, and that nothing stays of what was taken back."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.saying import believed, evidence_keys, propose, say
from twind import asking, evidence
from twind.closeness import Meeting
from twind.model import (
    Attendee,
    CalendarEvent,
    Person,
    Project,
    Target,
    Task,
)
from twind.preferences import catalogue
from twind.preferences.belief import AFFINITY_SD, POPULATION_MEANS, Belief
from twind.preferences.observations import names_in
from twind.reader import Reader
from twind.store import (
    changes,
    life,
    ownership,
    patterns,
    people,
    profiles,
    questions,
    records,
    words,
)

ZONE = ZoneInfo("Europe/Berlin")
ME = "me@example.org"


def sync(reader, *fetched, source="test"):
    window = (reader.now - timedelta(days=200), reader.now + timedelta(days=100))
    records.apply(reader.db, 1, source, fetched, window)


# --- answers -------------------------------------------------------------------------------------


def test_an_answer_moves_patterns_and_taken_back_leaves_nothing(db, seeded):
    evidence.refresh(seeded)
    before, keys = believed(db), evidence_keys(db)
    question = next(one for one in questions.load(db, 1) if one.kind == "choice")
    given = questions.answer(db, 1, question.id, question.options[0].id)
    evidence.refresh(seeded)
    assert believed(db) != before
    assert evidence_keys(db) - keys == {f"response:{given}"}
    told = db.row("SELECT * FROM evidence WHERE key = ?", (f"response:{given}",))
    assert (told["source_table"], told["source_id"]) == ("responses", given)
    assert question.options[0].text in told["text"]
    assert set(json.loads(told["aspects"])) <= set(catalogue.index_of())
    questions.take_back(db, 1, given)
    evidence.refresh(seeded)
    assert believed(db) == before
    assert evidence_keys(db) == keys


def test_of_two_answers_to_a_question_the_last_counts(db, seeded):
    question = next(one for one in questions.load(db, 1) if one.kind == "binary")
    first, last = (questions.answer(db, 1, question.id, option.id) for option in question.options)
    assert {one.key for one in evidence.collect(seeded)} == {f"response:{last}"}
    questions.take_back(db, 1, last)
    assert {one.key for one in evidence.collect(seeded)} == {f"response:{first}"}


@pytest.mark.parametrize("kind", ["selected", "SELECTED", "answered", "skipped", "dont_care"])
def test_answers_made_elsewhere_never_stop_the_rest(db, seeded, kind):
    question = questions.load(db, 1)[0]
    with db.transaction():
        db.insert(
            "responses",
            profile_id=1,
            question_id=question.id,
            response_type=kind,
            created_at="yesterday",
        )
    assert len(evidence.collect(seeded)) == (1 if kind == "dont_care" else 0)


def test_other_profiles_answers_are_not_evidence(db, seeded):
    profiles.ensure(db, 2)
    question = questions.load(db, 1)[0]
    questions.answer(db, 2, question.id, question.options[0].id)
    assert evidence.collect(seeded) == []


# --- priors --------------------------------------------------------------------------------------


def test_earlier_patterns_become_priors_and_stay_so(db, seeded):
    with db.transaction():
        for code, whole in (("VAL_GROWTH", False), ("SPI_BELIEF", True)):
            place = db.row("SELECT id, dimension_id FROM aspects WHERE code = ?", (code,))
            db.insert(
                "patterns",
                profile_id=1,
                pattern_type="preference",
                dimension_id=place["dimension_id"],
                aspect_id=None if whole else place["id"],
                strength=-0.6,
                confidence=0.9,
            )
    belief = evidence.believe(seeded)
    assert belief.strength("VAL_GROWTH") == pytest.approx(-0.6, abs=0.15)
    assert belief.strength("SPI_MEANING") < 0.0
    told = patterns.earlier(db, 1)
    for _ in range(2):
        evidence.refresh(seeded)
        assert patterns.earlier(db, 1) == told
        assert evidence.believe(seeded).strength("VAL_GROWTH") == pytest.approx(
            belief.strength("VAL_GROWTH")
        )


# --- what happened -------------------------------------------------------------------------------


def meeting(uid, when, *emails, **more):
    return CalendarEvent(
        uid=uid,
        title="Lunch",
        start=when,
        end=when + timedelta(hours=1),
        attendees=tuple(Attendee(email=email, status="accepted") for email in emails),
        **more,
    )


def test_history_is_what_was_lived(reader):
    then = reader.now - timedelta(days=3)
    sync(
        reader,
        Person(uid="ann", name="Ann", emails=("ann@example.org",)),
        meeting("lived", then, ME, "ann@example.org"),
        meeting("declined", then, ME, busy=False),
        meeting("called off", then, status="cancelled"),
        meeting("perhaps", then, status="tentative"),
        meeting("still on", reader.now - timedelta(minutes=30)),
        meeting("all day", then, all_day=True),
        Project(uid="p", name="P", status="completed"),
        Task(uid="t", title="t", project="p", status="done", completed_at=then),
        Task(uid="open", title="open", project="p"),
        Task(uid="r/1", title="run", series="r", status="done", completed_at=then),
        Task(uid="r/2", title="run", series="r", status="missed", due=then),
    )
    lived = evidence.history(reader)
    [block] = lived.blocks
    [ann] = life.people(reader.db, 1, reader.now)
    assert block.people_ids == (ann.id,)
    assert str(block.start_local.tzinfo) == "Europe/Berlin"
    assert 0.0 < block.closeness <= 1.0
    assert [(task.title, task.series) for task in lived.tasks] == [("t", ""), ("run", "r")]


def test_when_something_came_in_is_known_from_the_second_day_on(reader, clock):
    evening = reader.now + timedelta(days=2)
    sync(reader, meeting("old", evening))
    clock.advance(days=1)
    sync(
        replace(reader, now=clock.now()),
        meeting("old", evening),
        meeting("new", evening),
    )
    lived = evidence.history(replace(reader, now=reader.now + timedelta(days=3)))
    known = {block.source[1]: block.known_local for block in lived.blocks}
    assert sorted(known.values(), key=bool) == [None, clock.now().astimezone(ZONE)]


def test_answers_to_what_others_set_are_kept_apart_from_silence(reader):
    then = reader.now - timedelta(days=3)
    boss = {"organizer": "boss@example.org"}

    def invited(uid, answer, **more):
        attendees = (Attendee(email=ME, status=answer),)
        return replace(meeting(uid, then, **boss, **more), title=uid, attendees=attendees)

    sync(
        reader,
        invited("yes", "accepted"),
        invited("no", "declined", busy=False),
        invited("silence", "needs-action"),
        invited("called off", "accepted", status="cancelled"),
        meeting("own", then, ME),
    )
    said = {one.block.title: one.accepted for one in evidence.history(reader).invitations}
    assert said == {"yes": True, "no": False}
    assert "no" not in {block.title for block in evidence.history(reader).blocks}


def test_habits_are_no_matter_of_choice(reader):
    sync(
        reader,
        Project(uid="p", name="Thesis"),
        Project(uid="r", name="Run", kind="habit"),
        Task(uid="r/1", title="Run", series="r", due=reader.now),
    )
    asking.seed(reader)
    asked = " ".join(one.text for one in questions.load(reader.db, 1))
    assert "Thesis" in asked
    assert "“Run”" not in asked


def test_a_missed_time_is_no_deadline(reader):
    sync(reader, Task(uid="r/1", title="run", series="r", status="missed", due=reader.now))
    [habit] = life.projects(reader.db, 1)
    assert evidence.deadline(habit, reader.now) is None


def test_deadlines_and_closeness(reader, clock):
    due = clock.now() + timedelta(days=4)
    step = {"title": "t", "project": "p"}
    sync(
        reader,
        Project(uid="p", name="P"),
        Task(uid="a", due=due + timedelta(days=1), **step),
        Task(uid="b", due=due, **step),
        Task(uid="c", due=clock.now(), status="done", completed_at=clock.now(), **step),
    )
    [project] = life.projects(reader.db, 1)
    assert evidence.deadline(project, reader.now) == due

    def person(attributes, contacts=()):
        return life.PersonRow(1, "A", attributes, tuple(Meeting(at) for at in contacts))

    assert evidence.closeness(person({"love": 8, "trust": 0.4}), reader.now) == pytest.approx(0.6)
    assert evidence.closeness(person({"trust": 70}), reader.now) == pytest.approx(0.7)
    assert evidence.closeness(person({"interest": 9}), reader.now) == 0.3
    often = [reader.now - timedelta(days=n) for n in range(30, 0, -1)]
    assert 0.85 < evidence.closeness(person({}, often), reader.now) < 0.9
    assert evidence.days_since(person({}, often), reader.now) == 1.0
    assert evidence.days_since(person({}), reader.now) is None


def test_the_user_is_nobody_the_user_knows(reader):
    then = reader.now - timedelta(days=3)
    sync(
        reader,
        Person(uid="me", name="Mia", emails=("Me@example.org",), related=("spouse: Ann",)),
        Person(uid="ann", name="Ann", emails=("ann@example.org",)),
        meeting("lived", then, ME, "ann@example.org"),
    )
    [ann] = evidence.people(reader)
    assert ann.closeness(reader.local).why == "your spouse, a day together"
    [block] = evidence.history(reader).blocks
    assert block.people_ids == (ann.id,)
    assert block.closeness == evidence.closeness(ann, reader.local) > 0.9
    assert json.loads(evidence.world(reader))["people"] == [ann.id]
    asking.seed(reader)
    assert not any("Mia" in one.text for one in questions.load(reader.db, 1))


def test_how_much_of_a_world_is_another(reader):
    empty = evidence.world(reader)
    sync(reader, Project(uid="p", name="P"))
    some = evidence.world(reader)
    assert evidence.world_distance(None, empty) == 1.0
    assert evidence.world_distance(some, some) == 0.0
    assert evidence.world_distance(empty, some) == 1.0


# --- the user's word -----------------------------------------------------------------------------


@pytest.fixture
def lived(seeded):
    """A life with every kind of evidence in it, read for patterns."""
    people_here = [Person(uid=n, name=n.title(), emails=(f"{n}@x.org",)) for n in ("ann", "bob")]
    meetings = [
        meeting(f"{name} {day}", seeded.now - timedelta(days=day), f"{name}@x.org")
        for name, days in (("ann", (3, 9, 17)), ("bob", (4, 11)))
        for day in days
    ]
    done = seeded.now - timedelta(days=5)
    task = Task(uid="t", title="Write", status="done", completed_at=done, due=seeded.now)
    sync(seeded, *people_here, *meetings, task)
    asking.seed(seeded)
    for question in questions.load(seeded.db, 1)[::9]:
        questions.answer(seeded.db, 1, question.id, question.options[0].id)
    say(seeded, propose(seeded, {"LEA_PRACTICAL": 0.8}), "accept")
    say(seeded, propose(seeded), "edit", duration_min=90)
    evidence.refresh(seeded)
    return seeded


def spoken(reader):
    return {name for one in evidence.collect(reader) for name in names_in(one.likelihood)}


def shown(reader):
    """The names by which evidence is shown, of all aspects and people."""
    rows = reader.db.rows("SELECT DISTINCT origin FROM evidence WHERE profile_id = 1 ORDER BY 1")
    return [words.short(row["origin"]) for row in rows]


@settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_what_is_dropped_is_never_seen_and_restored_it_is_all_as_before(lived, data):
    before, kept = evidence.collect(lived), evidence.refresh(lived).to_bytes()
    names = shown(lived)
    dropped = data.draw(st.lists(st.sampled_from(names), min_size=1, max_size=4, unique=True))
    for name in dropped:
        ownership.drop(lived.db, 1, name)
    after = evidence.collect(lived)
    known = words.origins(lived.db, 1)
    left = {words.short(words.origin(one.source, known)) for one in after}
    assert left == set(names) - set(dropped)
    assert evidence.refresh(lived).to_bytes() != kept
    assert set(shown(lived)) == left
    for name in dropped:
        ownership.restore(lived.db, 1, name)
    assert evidence.collect(lived) == before
    assert evidence.refresh(lived).to_bytes() == kept


def test_a_belief_that_is_wrong_begins_anew_with_what_comes_later(lived, clock):
    code = "REL_TRUST"
    assert code in POPULATION_MEANS
    assert abs(evidence.believe(lived).mean_of(code)) > 0.05
    clock.advance(minutes=1)
    ownership.say(lived.db, 1, "wrong", code)
    now = Reader(lived.db, 1, ZONE, lived.emails, clock.now())
    assert code not in spoken(now)
    belief = evidence.refresh(now)
    assert (belief.mean_of(code), belief.confidence(code)) == (0.0, 0.0)
    assert patterns.evidence_for(lived.db, 1, code) == []
    # What else the same evidence speaks of, it still does.
    assert patterns.evidence_for(lived.db, 1, "REL_INTIMACY")
    clock.advance(days=1)
    later = Reader(lived.db, 1, ZONE, lived.emails, clock.now())
    say(later, propose(later, {code: 0.8}), "accept")
    assert evidence.refresh(later).mean_of(code) > 0.05
    [told] = patterns.evidence_for(lived.db, 1, code)
    assert told["table"] == "feedback"


def test_of_what_is_forgotten_nothing_is_believed_whatever_comes(lived, clock):
    code = "REL_TRUST"
    ownership.say(lived.db, 1, "forget", code)
    clock.advance(days=1)
    later = Reader(lived.db, 1, ZONE, lived.emails, clock.now())
    say(later, propose(later, {code: 0.8}), "accept")
    say(later, propose(later, {code: 0.8, "REL_INTIMACY": 0.8}), "accept")
    belief = evidence.refresh(later)
    assert (belief.mean_of(code), belief.confidence(code)) == (0.0, 0.0)
    assert code not in spoken(later)
    ownership.restore(lived.db, 1, code)
    assert evidence.believe(later).confidence(code) > 0.1


def test_earlier_patterns_are_disowned_too(db, seeded):
    place = db.row("SELECT id, dimension_id FROM aspects WHERE code = 'VAL_GROWTH'")
    with db.transaction():
        db.insert(
            "patterns",
            profile_id=1,
            pattern_type="preference",
            dimension_id=place["dimension_id"],
            aspect_id=place["id"],
            strength=-0.6,
            confidence=0.9,
        )
    evidence.refresh(seeded)
    ownership.say(db, 1, "wrong", "VAL_GROWTH")
    assert evidence.believe(seeded).mean_of("VAL_GROWTH") == 0.0


def test_what_is_set_outweighs_what_was_known_and_later_evidence_moves_it(lived, clock):
    ownership.say(lived.db, 1, "set", "REL_TRUST", -0.5)
    evidence.refresh(lived)
    strength, confidence, _ = believed(lived.db)["REL_TRUST"]
    assert strength == pytest.approx(-0.5, abs=0.02)
    assert confidence > 0.9
    assert "words" in {row["table"] for row in patterns.evidence_for(lived.db, 1, "REL_TRUST")}
    clock.advance(days=200)
    later = Reader(lived.db, 1, ZONE, lived.emails, clock.now())
    for _ in range(8):
        say(later, propose(later, {"REL_TRUST": 1.0}), "accept")
    assert evidence.believe(later).strength("REL_TRUST") > strength + 0.1


@pytest.mark.parametrize("value", [-1.0, 0.0, 0.35])
def test_what_is_pinned_stays_whatever_comes(lived, clock, value):
    free = evidence.believe(lived).to_bytes()
    for code in ("REL_TRUST", "REL_INTIMACY"):
        ownership.say(lived.db, 1, "pin", code, value)
    assert evidence.believe(lived).to_bytes() != free
    for code in ("REL_TRUST", "REL_INTIMACY"):
        ownership.restore(lived.db, 1, code)
    assert evidence.believe(lived).to_bytes() == free
    for code in ("REL_TRUST", "REL_INTIMACY"):
        ownership.say(lived.db, 1, "pin", code, value)
    clock.advance(days=200)
    later = Reader(lived.db, 1, ZONE, lived.emails, clock.now())
    for _ in range(8):
        say(later, propose(later, {"REL_TRUST": 1.0}), "accept")
    for belief in (
        evidence.refresh(later),
        evidence.believe(later),
        evidence.believe(replace(later, withholds=True)),
    ):
        for code in ("REL_TRUST", "REL_INTIMACY"):
            assert belief.mean_of(code) == pytest.approx(value, abs=1e-3)
            assert belief.confidence(code) > 0.99
    assert believed(lived.db)["REL_TRUST"][0] == pytest.approx(value, abs=1e-3)


def test_who_is_forgotten_is_neither_known_nor_told_of(lived):
    free = evidence.refresh(lived).to_bytes()
    [ann] = [one for one in people.known(lived.db, 1) if one.name == "Ann"]
    say(lived, propose(lived, target=Target(kind="person", id=ann.id, name="Ann")), "accept")
    told = evidence.refresh(lived).to_bytes()
    assert told != free
    assert f"person:{ann.id}" in spoken(lived)
    ownership.forget_person(lived.db, 1, ann.id)
    asking.seed(lived)
    assert [one.name for one in evidence.people(lived)] == ["Bob"]
    assert f"person:{ann.id}" not in spoken(lived)
    belief = evidence.refresh(lived)
    assert f"person:{ann.id}" not in belief
    assert ann.id not in json.loads(evidence.world(lived))["people"]
    met = {row for block in evidence.history(lived).blocks for row in block.people_ids}
    assert met == {
        row["id"] for row in lived.db.rows("SELECT id FROM entities") if row["id"] != ann.id
    }
    assert not any("Ann" in question.text for question in questions.load(lived.db, 1))
    ownership.restore_person(lived.db, 1, ann.id)
    asking.seed(lived)
    assert evidence.refresh(lived).to_bytes() == told


# --- an address book of thousands -----------------------------------------------------------------


def test_of_whom_nothing_speaks_the_belief_holds_nothing(lived):
    strangers = [Person(uid=f"s{n}", name=f"Stranger {n}") for n in range(300)]
    before = evidence.refresh(lived)
    sync(lived, *strangers, source="book")
    after = evidence.refresh(lived)
    assert len(evidence.people(lived)) == 302
    assert after.names == before.names
    affinities = {name for name in after.names if name.startswith(("person:", "project:"))}
    assert affinities == {
        name for name in spoken(lived) if name.startswith(("person:", "project:"))
    }
    assert affinities


def test_naming_everybody_beforehand_teaches_the_same(lived):
    """Of who is named and not spoken of, the prior stands: that is why they can be left out."""
    ids = [person.id for person in evidence.people(lived)]
    everybody = Belief.prior([*ids, 98, 99])
    everybody.learn(evidence.collect(lived), lived.now)
    believed = evidence.believe(lived)
    for name in believed.names:
        assert believed.mean_of(name) == pytest.approx(everybody.mean_of(name), abs=1e-9), name
        assert believed.sd_of(name) == pytest.approx(everybody.sd_of(name), abs=1e-9), name
    assert everybody.sd_of("person:99") == pytest.approx(AFFINITY_SD, abs=1e-6)
    believed.take_in(["person:99"])
    assert believed.sd_of("person:99") == pytest.approx(AFFINITY_SD)


def test_people_are_read_again_once_anything_was_written(lived):
    met = len(evidence.people(lived)[0].meetings)
    assert evidence.people(lived) == evidence.people(lived)
    sync(lived, meeting("now", lived.now - timedelta(days=1), "ann@x.org"), source="other")
    assert len(evidence.people(lived)[0].meetings) == met + 1


def test_people_read_in_a_transaction_that_is_undone_have_never_been(lived):
    before = evidence.people(lived)
    with pytest.raises(KeyError), lived.db.transaction():
        sync(lived, Person(uid="cyd", name="Cyd"))
        assert evidence.people(lived) != before
        raise KeyError
    assert evidence.people(lived) == before


# --- change --------------------------------------------------------------------------------------


@pytest.fixture
def turned(seeded, clock):
    """Somebody who took up all that they could learn for a month, and for ten days nothing."""
    reader, subjects = seeded, [f"LEA_{name}" for name in ("SCIENCE", "PRACTICAL", "LANGUAGES")]
    for day in range(40):
        clock.advance(seconds=86_400)
        reader = replace(reader, now=clock.now())
        for number, subject in enumerate(subjects):
            about = Target(kind="project", id=number, name=subject)
            row = propose(reader, {subject: 2.0}, target=about)
            say(reader, row, "accept" if day < 30 else "reject", reason="never")
    return reader


def notice(reader):
    """Look for a change, and note it as `detect` does."""
    found = evidence.look_for_change(reader)
    return found and changes.add(reader.db, 1, found.at, found.dimension)


def test_a_change_is_noticed_once_and_makes_what_was_known_less_sure(db, turned):
    before = evidence.refresh(turned)
    noticed = notice(turned)
    assert noticed.dimension in ("Learning", "")
    assert timedelta(days=7) <= turned.now - noticed.at <= timedelta(days=14)
    assert notice(turned) is None
    after = evidence.refresh(turned)
    assert after.confidence("LEA_SCIENCE") < before.confidence("LEA_SCIENCE")
    assert after.mean_of("LEA_SCIENCE") < before.mean_of("LEA_SCIENCE")
    assert f"change:{noticed.id}" in evidence_keys(db)


def test_a_change_that_is_denied_has_never_been(turned):
    before = evidence.refresh(turned).to_bytes()
    noticed = notice(turned)
    evidence.refresh(turned)
    ownership.drop(turned.db, 1, noticed.subject)
    assert evidence.refresh(turned).to_bytes() == before
    assert notice(turned) is None


def test_nobody_who_stays_the_same_is_taken_to_have_changed(lived):
    assert evidence.look_for_change(lived) is None
