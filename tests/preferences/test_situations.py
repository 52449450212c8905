"""Situations are about what the twin cannot foretell, and each is asked once."""

import random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from twind.preferences import Belief, situations
from twind.preferences.bank import LifePerson, LifeProject
from twind.preferences.features import ACTIVITIES, Block, aspect_features

ANNA = LifePerson(1, "Anna", 40.0, 0.9)
BEN = LifePerson(2, "Ben", 2.0, 0.6)
TAX = LifeProject(10, "Tax return", "project", 3.0)
ITALIAN = LifeProject(12, "Italian", "learning", None)


def belief():
    return Belief.prior([1, 2], [10, 12])


def options(question):
    return {option.text for option in question.options}


def certain(about, value):
    """A belief that is sure of one affinity."""
    made = belief()
    made.posterior.update_linear(made.vector({about: 1.0}), value, 0.01)
    return made


def test_a_situation_reads_well_and_speaks_of_the_hour_it_is_about():
    possible = situations.possible([ANNA], [TAX])
    [meeting] = [
        one
        for one in possible.values()
        if options(one) == {"An hour with Anna", "An hour on “Tax return”"}
    ]
    assert meeting.text.endswith(
        "Which would you rather: an hour with Anna, or an hour on “Tax return”?"
    )
    [hour] = [at for text, at in situations.OCCASIONS if meeting.text.startswith(text)]
    with_anna = dict(meeting.options[0].features)
    assert with_anna.pop("person:1") == 1.0
    block = Block(
        activity=ACTIVITIES.index("social"), hours=1.0, hour=hour, people=1, closeness=0.9
    )
    assert belief().vector(with_anna)[:75] == pytest.approx(aspect_features(block))
    assert meeting.options[1].features["project:10"] == 1.0


def test_every_pastime_is_an_activity():
    assert set(situations.PASTIMES) == set(ACTIVITIES) - {"work", "social"}
    assert all(len(text) <= 160 for text in situations.possible([ANNA, BEN], [TAX, ITALIAN]))


def test_two_things_meet_in_one_situation_whatever_else_there_is():
    few = situations.possible([ANNA], [TAX])
    many = situations.possible([BEN, ANNA], [ITALIAN, TAX])
    assert set(few) < set(many)
    later = LifePerson(1, "Anna", 90.0, 0.9)
    assert set(situations.possible([later, BEN], [ITALIAN, TAX])) == set(many)
    pairs = [frozenset(options(one)) for one in many.values()]
    assert len(set(pairs)) == len(pairs) == 12 * 11 // 2


def test_what_can_be_foretold_is_not_asked():
    possible = situations.possible([ANNA, BEN], [])
    both = {
        text: one
        for text, one in possible.items()
        if options(one) == {"An hour with Anna", "An hour with Ben"}
    }
    assert len(situations.choose(belief(), both)) == 1
    sure = certain("person:1", 3.0)
    sure.posterior.update_linear(sure.vector({"person:2": 1.0}), -3.0, 0.01)
    assert situations.choose(sure, both) == ()
    assert situations.choose(sure, both, offered=set(both)) == ()


def test_the_least_sure_come_first():
    possible = situations.possible([ANNA, BEN], [])
    narrow = belief()
    # All is known but what is made of Anna.
    narrow.posterior.covariance = narrow.posterior.covariance * 1e-4
    place = narrow.place("person:1")
    narrow.posterior.covariance[place, place] = 1.0
    assert "Anna" in situations.choose(narrow, possible)[0].text


def test_what_is_on_offer_stays_and_what_was_answered_does_not_come_back():
    possible = situations.possible([ANNA, BEN], [TAX, ITALIAN])
    first = situations.choose(belief(), possible)
    texts = {one.text for one in first}
    assert len(first) == situations.MOST
    moved = belief()
    moved.posterior.mean += 0.05 * np.sin(np.arange(len(moved.posterior.mean)))
    assert {one.text for one in situations.choose(moved, possible, offered=texts)} == texts
    after = situations.choose(belief(), possible, asked=texts)
    assert not {one.text for one in after} & texts


@settings(deadline=None, max_examples=10)
@given(st.randoms(use_true_random=False), st.integers(0, 2), st.integers(0, 2))
def test_few_varied_and_always_the_same(shuffler: random.Random, people, projects):
    those, todo = [ANNA, BEN][:people], [TAX, ITALIAN][:projects]
    possible = situations.possible(those, todo)
    chosen = situations.choose(belief(), possible)
    assert 0 < len(chosen) <= situations.MOST
    about = [text for one in chosen for text in options(one)]
    assert len(set(about)) == len(about)
    shuffler.shuffle(those)
    shuffler.shuffle(todo)
    assert situations.choose(belief(), situations.possible(those, todo)) == chosen
