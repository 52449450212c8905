"""Questions: which there are, which is asked next, and that none outlives what it is about."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from zoneinfo import ZoneInfo

from twind import asking, evidence
from twind.model import Person, Project
from twind.preferences import catalogue, situations
from twind.store import ownership, patterns, questions, records

ZONE = ZoneInfo("Europe/Berlin")


def rows(db, table):
    return [tuple(row) for row in db.rows(f"SELECT * FROM {table} ORDER BY 1")]


def sync(reader, *fetched, source="test"):
    window = (reader.now - timedelta(days=200), reader.now + timedelta(days=100))
    records.apply(reader.db, 1, source, fetched, window)


# --- the bank -------------------------------------------------------------------------------------


def test_seeding_twice_changes_nothing(db, seeded):
    before = [rows(db, table) for table in ("dimensions", "aspects", "questions")]
    asking.seed(seeded)
    assert [rows(db, table) for table in ("dimensions", "aspects", "questions")] == before
    assert [len(table) for table in before[:2]] == [15, 75]


def test_seeding_takes_dimensions_made_elsewhere_into_use(db, reader):
    with db.transaction():
        own = db.insert("dimensions", name="Values", weight=3.0)
        aspect = db.insert("aspects", dimension_id=own, name="growth", code="VAL_GROWTH")
        db.insert("questions", text="Whose?", question_type="choice", active=1)
    asking.seed(reader)
    assert db.value("SELECT weight FROM dimensions WHERE id = ?", (own,)) == 3.0
    assert db.value("SELECT COUNT(*) FROM aspects WHERE code = 'VAL_GROWTH'") == 1
    assert db.value("SELECT id FROM aspects WHERE code = 'VAL_GROWTH'") == aspect
    evidence.refresh(reader)
    assert len(patterns.load(db, 1)) == 75


def test_a_bank_of_an_earlier_version_is_put_away_and_its_answers_count(db, reader):
    def put(text):
        return questions.put(
            db,
            profile_id=None,
            text=text,
            kind="binary",
            dimension_id=None,
            difficulty=1,
            engagement=0.5,
            effort_s=6.0,
            options=[("Tea", {"VAL_GROWTH": 1.0}), ("Coffee", {"VAL_FREEDOM": 0.5})],
            aspect_ids={},
        )

    with db.transaction():
        answered, unanswered = put("Tea or coffee, of old?"), put("Coffee or tea, of old?")
    option = questions.load(db, 1)[0].options[0].id
    given = questions.answer(db, 1, answered, option)
    asking.seed(reader)
    asked = {question.id for question in questions.load(db, 1)}
    assert asked
    assert not asked & {answered, unanswered}
    assert [one.key for one in evidence.collect(reader)] == [f"response:{given}"]


def test_questions_about_this_life_come_and_go_with_it(reader):
    for name in ("Ann", "Bob"):
        sync(reader, Person(uid=name, name=name), source=name)
    asking.seed(reader)
    about = [one.text for one in questions.load(reader.db, 1) if "Ann" in one.text]
    assert about
    sync(reader, Person(uid="Zoe", name="Zoe"), source="Ann")
    asking.seed(reader)
    assert not any("Ann" in one.text for one in questions.load(reader.db, 1))


def test_what_cannot_be_observed_is_marked_in_databases_made_before_too(db, seeded):
    db.execute("UPDATE aspects SET metadata = '{}'")
    asking.seed(seeded)
    evidence.refresh(seeded)
    marked = {one.code for _, one in patterns.load(db, 1) if not one.observable}
    assert {"COM_DIRECT", "HEA_NUTRITION", "FIN_SAVING"} < marked
    assert not {"REL_TRUST", "TIM_PLANNING"} & marked


# --- asking ---------------------------------------------------------------------------------------


def test_the_next_question_is_one_not_asked_yet(db, seeded):
    chosen = asking.next_question(seeded)
    assert chosen.best is not None
    questions.answer(db, 1, chosen.best.question.id, chosen.best.question.options[0].id)
    again = asking.next_question(seeded)
    assert again.best is not None
    assert again.best.question.id != chosen.best.question.id


def situations_on_offer(reader):
    asked = {one.question_id for one in questions.responses(reader.db, 1)}
    return [
        one
        for one in questions.load(reader.db, 1)
        if one.kind == "scenario" and "Which would you rather" in one.text and one.id not in asked
    ]


def test_a_handful_of_situations_is_on_offer_until_they_are_answered(reader):
    sync(
        reader,
        *(Person(uid=name, name=name) for name in ("Ann", "Bob")),
        Project(uid="p", name="Thesis"),
    )
    asking.seed(reader)
    asking.next_question(reader)
    offered = situations_on_offer(reader)
    assert len(offered) == situations.MOST
    asking.seed(reader)
    asking.next_question(reader)
    assert situations_on_offer(reader) == offered
    answered = offered[0]
    questions.answer(reader.db, 1, answered.id, answered.options[0].id)
    asking.next_question(reader)
    assert len(situations_on_offer(reader)) == situations.MOST
    assert answered not in questions.load(reader.db, 1)
    assert answered in questions.load(reader.db, 1, active=False)
    assert evidence.collect(reader)


def test_a_situation_goes_when_who_it_is_about_does(reader):
    names = ("Ann", "Bob", "Cid")
    for name in names:
        sync(reader, Person(uid=name, name=name), source=name)
    asking.seed(reader)
    about = set()
    while not about:
        asking.next_question(reader)
        offered = situations_on_offer(reader)
        assert offered, "no situation was about anybody"
        about = {one.id for one in offered if any(f"with {name}" in one.text for name in names)}
        for one in offered:
            if not about:
                questions.answer(reader.db, 1, one.id, one.options[0].id)
    for name in names:
        sync(reader, Person(uid=f"not {name}", name=f"Not {name}"), source=name)
    asking.seed(reader)
    assert not about & {one.id for one in situations_on_offer(reader)}


def test_what_was_asked_today_is_counted_on_the_users_clock(db, seeded, clock):
    one, other = questions.load(db, 1)[:2]
    questions.answer(db, 1, one.id, one.options[0].id)
    questions.answer(db, 1, other.id, None, "skipped")
    assert asking.asked_today(seeded) == 2
    night = seeded.local.replace(hour=23, minute=59)
    assert asking.asked_today(replace(seeded, now=night)) == 2
    assert asking.asked_today(replace(seeded, now=night + timedelta(minutes=2))) == 0


def test_nobody_is_asked_about_what_is_forgotten(db, seeded):
    evidence.refresh(seeded)
    chosen = asking.next_question(seeded).best.question
    codes = {name for option in chosen.options for name in option.features}
    for code in codes & catalogue.index_of().keys():
        ownership.say(db, 1, "forget", code)
    again = asking.next_question(seeded).best
    assert again is None or again.question.id != chosen.id
