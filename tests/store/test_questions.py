from __future__ import annotations

import pytest

from twind.errors import NotFoundError
from twind.store import profiles, questions


def put(db, text="Tea or coffee?", profile_id=None, effort_s=6.0, **features):
    options = [("Tea", features or {"VAL_GROWTH": 1.0}), ("Coffee", {"VAL_FREEDOM": 0.5})]
    with db.transaction():
        return questions.put(
            db,
            profile_id=profile_id,
            text=text,
            kind="binary",
            dimension_id=None,
            difficulty=1,
            engagement=0.5,
            effort_s=effort_s,
            options=options,
            aspect_ids={},
        )


def test_a_question_comes_back_as_it_was_put_and_only_once(db):
    row = put(db)
    assert put(db) == row
    [question] = questions.load(db, 1)
    assert (question.id, question.text, question.kind, question.effort_s) == (
        row,
        "Tea or coffee?",
        "binary",
        6.0,
    )
    assert [option.text for option in question.options] == ["Tea", "Coffee"]
    assert question.options[0].features == {"VAL_GROWTH": 1.0}


def test_an_answer_taken_back_leaves_nothing(db):
    row = put(db)
    option = questions.load(db, 1)[0].options[1].id
    given = questions.answer(db, 1, row, option)
    [response] = questions.responses(db, 1)
    assert (response.id, response.option_id, response.response_type) == (given, option, "selected")
    assert db.value("SELECT total_responses FROM profile WHERE id = 1") == 1
    questions.take_back(db, 1, given)
    assert questions.responses(db, 1) == []
    assert db.value("SELECT total_responses FROM profile WHERE id = 1") == 0
    assert db.value("SELECT times_asked FROM questions WHERE id = ?", (row,)) == 0
    with pytest.raises(NotFoundError, match=f"no answer {given}"):
        questions.take_back(db, 1, given)


def test_unknown_questions_options_and_those_of_others(db):
    profiles.ensure(db, 2)
    mine, theirs = put(db), put(db, "Theirs?", profile_id=2)
    for question, option in ((999, None), (theirs, None), (mine, 999)):
        with pytest.raises(NotFoundError):
            questions.answer(db, 1, question, option)
    assert [question.id for question in questions.load(db, 1)] == [mine]
    given = questions.answer(db, 2, theirs, None, "skipped")
    with pytest.raises(NotFoundError):
        questions.take_back(db, 1, given)
    assert questions.responses(db, 1) == []


def test_generated_questions_retire_and_come_back(db):
    answered, plain = put(db, "A?", profile_id=1), put(db, "B?", profile_id=1)
    questions.answer(db, 1, answered, None, "dont_care")
    with db.transaction():
        questions.retire(db, 1, [])
    assert questions.load(db, 1) == []
    assert [one.id for one in questions.load(db, 1, active=False)] == [answered]
    assert db.value("SELECT COUNT(*) FROM answer_options WHERE question_id = ?", (plain,)) == 0
    assert put(db, "A?", profile_id=1) == answered
    assert [one.id for one in questions.load(db, 1)] == [answered]


def test_a_question_of_the_bank_that_was_rewritten_is_not_asked_again_and_its_answers_stay(db):
    answered, plain, kept = put(db, "A?"), put(db, "B?"), put(db, "C?")
    given = questions.answer(db, 1, answered, questions.load(db, 1)[0].options[0].id)
    with db.transaction():
        elsewhere = db.insert("questions", text="D?", question_type="binary", active=1)
        own = put(db, "E?", profile_id=1)
        questions.retire(db, None, ["C?"])
    assert [one.id for one in questions.load(db, 1)] == [kept, own]
    assert [one.id for one in questions.load(db, 1, active=False)] == [answered, kept, own]
    assert [one.id for one in questions.responses(db, 1)] == [given]
    assert db.value("SELECT COUNT(*) FROM answer_options WHERE question_id = ?", (plain,)) == 0
    assert db.value("SELECT active FROM questions WHERE id = ?", (elsewhere,)) == 1


def test_a_question_of_the_bank_that_says_something_else_now_is_read_so(db):
    row = put(db, VAL_GROWTH=1.0)
    assert put(db, effort_s=9.0, VAL_GROWTH=0.4, VAL_SERVICE=0.7) == row
    [question] = questions.load(db, 1)
    assert question.effort_s == 9.0
    assert question.options[0].features == {"VAL_GROWTH": 0.4, "VAL_SERVICE": 0.7}
    assert db.value("SELECT weight FROM answer_options WHERE text = 'Tea'") == 0.7


def test_a_question_made_elsewhere_keeps_what_it_says(db):
    row = put(db, VAL_GROWTH=1.0)
    db.connection.execute('UPDATE questions SET metadata = \'{"by": "hand"}\', active = 0')
    assert put(db, effort_s=9.0, VAL_GROWTH=0.4) == row
    [question] = questions.load(db, 1, active=False)
    assert question.options[0].features == {"VAL_GROWTH": 1.0}
    assert db.value("SELECT metadata FROM questions") == '{"by": "hand"}'
    assert questions.load(db, 1) == []


def test_another_profile_does_not_wake_what_this_one_put_away(db):
    profiles.ensure(db, 2)
    row = put(db, "A?", profile_id=1)
    questions.answer(db, 1, row, None, "skipped")
    with db.transaction():
        questions.retire(db, 1, [])
    put(db, "A?", profile_id=2)
    assert questions.load(db, 1) == []


def test_a_question_about_somebody_who_came_back_means_their_new_row(db):
    row = put(db, "See Ann?", profile_id=1, **{"person:3": 1.0})
    assert put(db, "See Ann?", profile_id=1, **{"person:9": 1.0}) == row
    assert questions.load(db, 1)[0].options[0].features == {"person:9": 1.0}


def test_aspects_made_elsewhere_are_recognised_and_gain_their_code(db):
    with db.transaction():
        dimension = questions.seed_dimension(db, "Work Style", "How you work.")
        assert questions.seed_dimension(db, "Work Style", "Otherwise") == dimension
        foreign = db.insert("aspects", dimension_id=dimension, name="Deep Work", code="")
        found = questions.seed_aspect(db, dimension, "deep_work", "WOR_DEEP_WORK", "Undisturbed.")
        other = questions.seed_aspect(db, dimension, "solo", "WOR_SOLO", "Alone.")
    assert found == foreign != other
    assert db.value("SELECT code FROM aspects WHERE id = ?", (foreign,)) == "WOR_DEEP_WORK"


@pytest.mark.parametrize("odd", ["much", "", None])
def test_odd_numbers_are_read_as_if_they_were_missing(db, odd):
    row = put(db)
    questions.answer(db, 1, row, None, "dont_care")
    db.connection.execute("UPDATE responses SET confidence_level = ?", (odd,))
    db.connection.execute("UPDATE answer_options SET weight = ?, metadata = ?", (odd, odd))
    db.connection.execute("UPDATE questions SET metadata = ?", (odd,))
    assert questions.responses(db, 1)[0].confidence == 1.0
    [question] = questions.load(db, 1)
    assert question.effort_s == questions.DEFAULT_EFFORT_S
    assert question.options[0].features == {}
