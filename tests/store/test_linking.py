from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twind.store import linking
from twind.store.linking import Card, digits, name_words, names_fit, pair, same_number


def card(source, uid, name="", **more):
    return Card((source, uid), name or uid, **more)


def together(*cards, said=None):
    return [[":".join(key) for key in keys] for keys in linking.people(cards, said or {})]


ANN = {"name": "Ann Lee", "emails": ("ann@x.org",)}


@pytest.mark.parametrize(
    ("one", "other", "linked"),
    [
        (ANN, {"name": "Annie", "emails": ("Ann@X.org ",)}, True),
        ({"name": "Ann Lee"}, {"name": "Ann Lee"}, False),
        ({"name": "Ann", "organisation": "Acme"}, {"name": "Ann", "organisation": "Acme"}, False),
        (
            {"name": "Ann Lee", "organisation": "Acme GmbH"},
            {"name": "Lee, Ann", "organisation": "ACME"},
            True,
        ),
        (
            {"name": "Dr. André Lé", "birthday": date(1980, 5, 1)},
            {"name": "andre le", "birthday": date(1904, 5, 1)},
            True,
        ),
        (
            {"name": "Ann Lee", "organisation": "Acme", "birthday": date(1980, 5, 1)},
            {"name": "Ann Lee", "organisation": "Acme", "birthday": date(1980, 6, 1)},
            False,
        ),
        (
            {"name": "Ann Lee", "phones": ("+49 (0)30 123 45 67",)},
            {"name": "A. Lee", "phones": ("030/1234567",)},
            True,
        ),
        (
            {"name": "Ann Lee", "phones": ("030 1234567",)},
            {"name": "Bo Lee", "phones": ("030 1234567",)},
            False,
        ),
        ({"name": "Ann", "phones": ("112",)}, {"name": "Ann", "phones": ("112",)}, False),
        (
            {"name": "王小明", "organisation": "Acme"},
            {"name": "王小明", "organisation": "Acme"},
            True,
        ),
    ],
)
def test_who_is_the_same_person_in_two_sources(one, other, linked):
    told = together(card("a", "1", **one), card("b", "1", **other))
    assert told == ([["a:1", "b:1"]] if linked else [["a:1"], ["b:1"]])


def test_one_source_tells_its_people_apart_unless_name_and_address_agree():
    assert together(card("a", "1", **ANN), card("a", "2", **ANN)) == [["a:1", "a:2"]]
    bo = card("a", "2", "Bo Lee", emails=("ann@x.org",))
    assert together(card("a", "1", **ANN), bo) == [["a:1"], ["a:2"]]


ACME = {"name": "Ann Lee", "organisation": "Acme"}


@pytest.mark.parametrize(
    ("one", "other", "across"),
    [
        (ANN, {"name": "Ann B. Lee", "emails": ("ann@x.org",)}, True),
        (ACME, ACME, True),
        (ANN, {"name": "Ann Lee"}, False),
    ],
)
def test_two_books_of_one_source_are_as_two_sources(one, other, across):
    for within, linked in (("work", across), ("home", False)):
        told = together(
            card("a", "1", **one, within="home"), card("a", "2", **other, within=within)
        )
        assert told == ([["a:1", "a:2"]] if linked else [["a:1"], ["a:2"]])


def test_a_couple_with_one_address_is_told_apart_by_name():
    both = ("family@x.org",)
    cards = [card(s, n, f"{n} Lee", emails=both) for s in ("a", "b") for n in ("Ann", "Bo")]
    assert together(*cards) == [["a:Ann", "b:Ann"], ["a:Bo", "b:Bo"]]


def test_one_who_fits_two_equally_well_is_neither():
    two = [card("a", n, f"{n} Lee", emails=("f@x.org",)) for n in ("Ann", "Bo")]
    assert together(*two, card("b", "1", "Cy Poe", emails=("f@x.org",))) == [
        ["a:Ann"],
        ["a:Bo"],
        ["b:1"],
    ]


def test_nobody_is_told_by_what_everybody_has():
    crowd = [
        card(f"s{number}", "1", f"Ann {number}", emails=("office@x.org",))
        for number in range(linking.MAX_SHARED + 1)
    ]
    assert len(together(*crowd)) == len(crowd)


def test_the_users_word_comes_first():
    a, b = card("a", "1", **ANN), card("b", "1", **ANN)
    c = card("c", "1", "Zed Poe")
    assert together(a, b, c, said={(a.key, b.key): False}) == [["a:1"], ["b:1"], ["c:1"]]
    assert together(a, b, c, said={(a.key, c.key): True}) == [["a:1", "b:1", "c:1"]]


def test_who_was_parted_does_not_meet_again_through_a_third():
    a, b, c = (card(s, "1", **ANN) for s in "abc")
    told = together(a, b, c, said={(a.key, b.key): False})
    assert told == [["a:1", "c:1"], ["b:1"]]


def test_the_confidence_grows_with_what_is_shared():
    a = card("a", "1", "Ann Lee", emails=("a@x",), phones=("0301234567",))
    b = card("b", "1", "Ann Lee", emails=("a@x",), phones=("+49301234567",))
    found = linking.evidence(a, b)
    assert found.confidence == pytest.approx(1 - (1 - linking.EMAIL) * (1 - linking.PHONE))
    assert found.shared == ("e-mail a@x", "telephone 301234567")


def test_numbers_and_names():
    assert digits("+1 (555) 123-4567 ext. 89") == "15551234567"
    assert digits("0049 30 1234567") == "49301234567"
    assert digits("١٢٣٤٥٦٧") == "1234567"
    assert not same_number("", "")
    assert not same_number("12345678", "99912345670")
    assert names_fit(name_words("Chris Poe"), name_words("Christopher J. Poe"))
    assert not names_fit(name_words("Ann Ann"), name_words("Ann Bo"))
    assert not names_fit((), name_words("Ann"))


CARDS = st.lists(
    st.builds(
        Card,
        st.tuples(st.sampled_from("abc"), st.sampled_from("123")),
        st.sampled_from(["Ann", "Ann Lee", "Lee, Ann", "A. Lee", "Bo Lee", "Bo", ""]),
        st.lists(st.sampled_from(["a@x", "b@x", "f@x"]), max_size=2).map(tuple),
        st.lists(st.sampled_from(["+49301234567", "030 1234567", "7654321"]), max_size=1).map(
            tuple
        ),
        st.sampled_from(["", "Acme", "Acme Inc"]),
        st.sampled_from([None, date(1980, 5, 1), date(1904, 5, 1), date(1980, 6, 1)]),
        st.sampled_from(["", "work"]),
    ),
    unique_by=lambda card: card.key,
    max_size=9,
)
WORDS = st.dictionaries(
    st.tuples(
        st.tuples(st.sampled_from("abc"), st.sampled_from("123")),
        st.tuples(st.sampled_from("abc"), st.sampled_from("123")),
    )
    .filter(lambda two: two[0] != two[1])
    .map(lambda two: pair(*two)),
    st.booleans(),
    max_size=4,
)


@given(CARDS, WORDS, st.randoms(use_true_random=False))
def test_any_order_of_the_records_gives_the_same_people(cards, words, luck):
    shuffled = luck.sample(cards, len(cards))
    said = dict(luck.sample(list(words.items()), len(words)))
    groups = linking.people(cards, words)
    assert linking.people(shuffled, said) == groups
    everybody = [key for keys in groups for key in keys]
    assert len(everybody) == len(set(everybody))
    assert {card.key for card in cards} <= set(everybody)
    for (a, b), same in words.items():
        if not same:
            assert not any({a, b} <= set(keys) for keys in groups)


@given(CARDS)
def test_evidence_is_the_same_from_both_sides(cards):
    for a in cards:
        for b in cards:
            assert linking.evidence(a, b).confidence == linking.evidence(b, a).confidence
