import copy
import random
import re
from collections import Counter
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twind.model import Option, Question
from twind.preferences import bank, catalogue
from twind.preferences.bank import LifePerson, LifeProject, about_life
from twind.preferences.observations import scale_of

QUESTIONS = bank.load()
DATA = catalogue.read_toml("questions.toml")


def changed(**fields):
    """Return a file of one question, changed."""
    entry = copy.deepcopy(DATA["question"][0])
    entry.update(fields)
    return {"question": [entry]}


FILLERS = (
    "a an and are as at be but by do does for from had has have how i in is it its me my no not of "
    "on one or that the this to was what when where which who whom will with would you your"
)


def texts(question):
    return (question.text, *(option.text for option in question.options))


def tokens(*said):
    words = {word for text in said for word in re.findall(r"[\w']+", text.lower())}
    return words.difference(FILLERS.split())


def overlap(some, others):
    """Return how much of two sets of words is shared, 0..1 (Jaccard)."""
    return len(some & others) / len(some | others)


def test_every_aspect_is_asked_about_in_three_ways_at_least():
    asked = Counter(question.primary for question in QUESTIONS)
    assert asked.keys() == catalogue.index_of().keys()
    assert min(asked.values()) >= 3


def test_there_are_many_of_many_kinds():
    kinds = Counter(question.kind for question in QUESTIONS)
    assert len(QUESTIONS) >= 225
    assert set(kinds) == set(bank.KINDS)
    assert max(kinds.values()) <= 0.35 * len(QUESTIONS)
    assert min(kinds.values()) >= 0.05 * len(QUESTIONS)
    assert {question.difficulty for question in QUESTIONS} == {1, 2, 3, 4, 5}


def test_they_are_in_the_order_of_the_aspects():
    places = [catalogue.index_of()[question.primary] for question in QUESTIONS]
    assert places == sorted(places)


def test_what_a_question_is_mostly_about_is_what_an_option_mostly_says():
    for question in QUESTIONS:
        spoken = max(option.features.get(question.primary, 0.0) for option in question.options)
        assert spoken >= 0.5, question.text


def test_trade_offs_are_between_dimensions():
    for question in QUESTIONS:
        if question.kind == "trade_off":
            main = {
                max(option.features, key=lambda code: abs(option.features[code]))[:3]
                for option in question.options
            }
            assert len(main) >= 2, question.text


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda question: question.text[:40])
def test_a_question_reads_well(question):
    said = texts(question)
    assert len(question.text) <= 150
    assert all(len(option.text) <= 60 for option in question.options)
    assert not any(re.search(r"\brate\b|1 to 5|\bscale\b|strongly|agree", text) for text in said)
    assert all(text == text.strip() and "  " not in text for text in said)


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda question: question.text[:40])
def test_a_question_takes_the_life_of_nobody_for_granted(question):
    taken = (
        r"\b(he|she|him|her|his|hers|husband|wife|partner|kids|children|grandchildren|car|boss)\b"
    )
    assert not any(re.search(taken, text.lower()) for text in texts(question))


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda question: question.text[:40])
def test_its_effort_is_four_words_a_second_and_a_moment_to_decide(question):
    reading = sum(len(text.split()) for text in texts(question)) / 4
    assert reading + 2.5 <= question.effort_s <= reading + 4.5


def test_no_two_are_alike():
    said = {question.text: tokens(question.text) for question in QUESTIONS}
    whole = {question.text: tokens(*texts(question)) for question in QUESTIONS}
    alike = [
        (one, other)
        for one, other in combinations(said, 2)
        if overlap(said[one], said[other]) > 0.4 or overlap(whole[one], whole[other]) > 0.25
    ]
    assert not alike
    old, new = "The tax return is due in a month.", "In a month the tax return will be due!"
    assert overlap(tokens(old), tokens(new)) > 0.4


@pytest.mark.parametrize("question", QUESTIONS, ids=lambda question: question.text[:40])
def test_no_option_is_a_wrong_answer(question):
    """Outside scales each option speaks for something, not only against."""
    if question.kind != "scale":
        assert all(max(option.features.values()) > 0.0 for option in question.options)


def test_answers_can_raise_and_lower_every_aspect():
    spoken = {
        (code, weight > 0)
        for question in QUESTIONS
        for option in question.options
        for code, weight in option.features.items()
        if weight
    }
    assert spoken == {(code, up) for code in catalogue.index_of() for up in (True, False)}


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"primary": "VAL_FREEDON"}, "unknown aspect 'VAL_FREEDON'"),
        ({"type": "rating"}, "type 'rating'"),
        ({"difficulty": 6}, "difficulty 6"),
        ({"difficulty": True}, "difficulty True"),
        ({"engagement": 1.5}, "engagement = 1.5"),
        ({"effort_s": 0}, "effort_s = 0"),
        ({"mood": 1}, "unknown key mood"),
        ({"option": []}, "0 options"),
        ({"option": [{"text": "Yes", "aspects": {}}]}, "speaks for no aspect"),
        ({"option": [{"text": "Yes", "aspects": {"VAL_X": 1}}]}, "unknown aspect 'VAL_X'"),
        ({"option": [{"text": "Yes", "aspects": {"VAL_GROWTH": 2}}]}, "VAL_GROWTH = 2"),
        ({"option": [{"text": "Yes", "aspects": {"VAL_FREEDOM": 1}}] * 2}, "one option twice"),
        ({"primary": "SPI_BELIEF"}, "no option speaks for its primary"),
        ({"type": "scale"}, "at least three options"),
    ],
)
def test_a_bad_question_is_an_error_that_names_it(fields, message):
    data = changed(**fields)
    with pytest.raises(ValueError, match=re.escape(message)) as caught:
        bank.parse(data)
    assert data["question"][0]["text"] in str(caught.value)


@pytest.mark.parametrize("missing", sorted(bank._KEYS - {"text"}))
def test_a_missing_key_is_named(missing):
    data = changed()
    del data["question"][0][missing]
    with pytest.raises(ValueError, match=f"lacks {missing}"):
        bank.parse(data)


def test_a_doubled_text_and_an_uneven_scale_are_errors():
    with pytest.raises(ValueError, match="is there twice"):
        bank.parse({"question": DATA["question"][:1] * 2})
    options = [
        {"text": str(level), "aspects": {"VAL_FREEDOM": level}} for level in (-1.0, 0.5, 1.0)
    ]
    with pytest.raises(ValueError, match="steps of a scale must be even"):
        bank.parse(changed(type="scale", option=options))


# --- questions about the user's own life ----------------------------------------------------------

ANNA = LifePerson(1, "Anna", 40.0, 0.9)
BEN = LifePerson(2, "Ben", 2.0, 0.6)
CLARA = LifePerson(3, "Clara", None, 0.3)
TAX = LifeProject(10, "Tax return", "project", 3.0)
BOAT = LifeProject(11, "Boat", "project", None)
ITALIAN = LifeProject(12, "Italian", "learning", 30.0)

people_lists = st.lists(
    st.builds(
        LifePerson,
        st.integers(1, 99),
        st.text(min_size=1, max_size=6),
        st.none() | st.floats(0, 400),
        st.floats(0, 1),
    ),
    max_size=8,
    unique_by=lambda person: person.id,
)
project_lists = st.lists(
    st.builds(
        LifeProject,
        st.integers(1, 99),
        st.text(min_size=1, max_size=6),
        st.sampled_from(["project", "habit", "learning", "decision"]),
        st.none() | st.floats(-50, 100),
    ),
    max_size=8,
    unique_by=lambda project: project.id,
)


def named(questions):
    return {name for q in questions for option in q.options for name in option.features}


def test_it_asks_about_who_is_missed_and_what_is_due():
    questions = about_life([BEN, ANNA, CLARA], [BOAT, ITALIAN, TAX])
    assert questions[0].text == "A free evening opens up on Thursday: Anna, or “Tax return”?"
    assert {"person:1", "person:2", "person:3", "project:10", "project:11"} <= named(questions)
    assert len({question.text.split(":")[0].split("“")[0] for question in questions}) >= 6
    assert len(questions) <= bank.MOST_ABOUT_LIFE


def test_a_text_stays_while_days_pass():
    later = LifePerson(1, "Anna", 41.0, 0.9)
    nearer = LifeProject(10, "Tax return", "project", 2.0)
    assert about_life([ANNA, BEN], [TAX]) == about_life([later, BEN], [nearer])


def test_nothing_and_little_to_ask_about():
    assert about_life([], []) == ()
    assert len(about_life([ANNA], [])) == 1
    assert named(about_life([], [TAX])) == {"project:10"}


def test_namesakes_are_not_asked_about():
    other = LifePerson(7, "anna", 3.0, 0.5)
    assert "person:1" not in named(about_life([ANNA, other, BEN], [TAX]))


@given(people_lists, project_lists, st.randoms(use_true_random=False))
def test_about_life_is_deterministic_small_and_valid(people, projects, shuffler: random.Random):
    questions = about_life(people, projects)
    mixed_people, mixed_projects = list(people), list(projects)
    shuffler.shuffle(mixed_people)
    shuffler.shuffle(mixed_projects)
    assert about_life(mixed_people, mixed_projects) == questions
    assert len(questions) <= bank.MOST_ABOUT_LIFE
    assert len({question.text for question in questions}) == len(questions)
    known = {f"person:{p.id}" for p in people} | {f"project:{p.id}" for p in projects}
    assert named(questions) <= known | set(catalogue.index_of())
    for question in questions:
        assert question.kind in bank.KINDS
        assert 2 <= len(question.options) <= 5
        assert question.primary in {"", *catalogue.index_of()}
        weights = [weight for option in question.options for weight in option.features.values()]
        assert all(-1.0 <= weight <= 1.0 for weight in weights)


def test_every_scale_is_read_as_levels():
    asked = [*QUESTIONS, *about_life([ANNA, BEN, CLARA], [BOAT, ITALIAN, TAX])]
    for question in asked:
        if question.kind == "scale":
            options = tuple(
                Option(place, option.text, option.features)
                for place, option in enumerate(question.options)
            )
            assert scale_of(Question(1, question.text, question.kind, options), 0), question.text
