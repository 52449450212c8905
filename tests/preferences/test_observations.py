"""Evidence is built from answers and feedback, and says no more than it should."""

import math
from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from twind.model import Option, Question
from twind.preferences.belief import Belief
from twind.preferences.observations import (
    IGNORED,
    NOISE,
    Binary,
    Change,
    Choice,
    Indifferent,
    Linear,
    Observation,
    Ordinal,
    Preference,
    directions,
    foretold_otherwise,
    from_answer,
    from_feedback,
    names_in,
    nth_weight,
    rejection_weight,
    repeat_weight,
)
from twind.preferences.posterior import Posterior

AT = datetime(2026, 3, 2, 9, tzinfo=UTC)


def question(kind, *features):
    options = tuple(Option(10 + n, f"option {n}", given) for n, given in enumerate(features))
    return Question(1, "Which of these?", kind, options)


def answered(asked, option_id, **more):
    return from_answer(asked, option_id, key="response:5", at=AT, source=("responses", 5), **more)


@pytest.mark.parametrize("kind", ["choice", "binary", "trade_off", "scenario", "ranking"])
def test_an_answer_is_a_choice_among_the_options(kind):
    asked = question(kind, {"VAL_GROWTH": 1.0}, {"VAL_SECURITY": 1.0}, {})
    seen = answered(asked, 11)
    assert seen.likelihood == Choice(({"VAL_GROWTH": 1.0}, {"VAL_SECURITY": 1.0}, {}), 1)
    assert (seen.key, seen.kind, seen.source) == ("response:5", "answer", ("responses", 5))
    assert "option 1" in seen.text
    assert "Which of these?" in seen.text
    assert names_in(seen.likelihood) == ("VAL_GROWTH", "VAL_SECURITY")


def test_a_scale_is_a_level_along_its_direction():
    asked = question("scale", *({"VAL_GROWTH": level} for level in (-1.0, -0.5, 0.0, 0.5, 1.0)))
    likelihood = answered(asked, 13).likelihood
    assert isinstance(likelihood, Ordinal)
    assert likelihood.level == 3
    slope = likelihood.features["VAL_GROWTH"]
    assert [cut / slope for cut in likelihood.cuts] == pytest.approx([-0.75, -0.25, 0.25, 0.75])


def test_a_scale_that_does_not_ascend_is_a_choice():
    asked = question("scale", {"VAL_GROWTH": 0.0}, {"VAL_GROWTH": 2.0}, {"VAL_GROWTH": 1.0})
    assert isinstance(answered(asked, 10).likelihood, Choice)


def test_not_caring_is_weak_evidence_and_skipping_is_none():
    asked = question("choice", {"VAL_GROWTH": 1.0}, {})
    assert isinstance(answered(asked, None, response="dont_care").likelihood, Indifferent)
    assert answered(asked, None, response="skipped") is None


def test_options_that_mean_the_same_tell_nothing():
    assert answered(question("choice", {"VAL_GROWTH": 1.0}, {"VAL_GROWTH": 1.0}), 10) is None


def test_an_option_of_another_question_is_an_error():
    with pytest.raises(ValueError, match="no option 99"):
        answered(question("choice", {"VAL_GROWTH": 1.0}, {}), 99)


@given(st.floats(0, 1), st.floats(0, 1))
def test_doubt_weighs_less(one, other):
    asked = question("choice", {"VAL_GROWTH": 1.0}, {})
    less, more = sorted((one, other))
    weights = [answered(asked, 10, confidence=sure).weight for sure in (less, more)]
    assert 0 < weights[0] <= weights[1] <= 1


def reviewed(action, **more):
    return from_feedback(
        {"VAL_GROWTH": 0.5},
        action=action,
        title="Learn Spanish",
        key="feedback:2",
        at=AT,
        source=("feedback", 2),
        **more,
    )


def test_accepting_says_that_it_is_worth_more_than_what_would_have_been():
    (seen,) = reviewed("accept")
    assert seen.likelihood == Binary({"VAL_GROWTH": 0.5}, True)
    assert seen.weight == 1.0
    (seen,) = reviewed("accept", baseline={"VAL_GROWTH": 0.2, "REL_TRUST": 0.1}, offset=-0.4)
    assert seen.likelihood == Binary({"VAL_GROWTH": 0.3, "REL_TRUST": -0.1}, True, -0.4)


@given(st.floats(-3, 3), st.floats(-2, 2), st.floats(0.01, 2))
def test_a_review_is_foretold_as_the_simulated_day_foretold_it(odds, worth, doubt):
    slope = NOISE["feedback"].slope
    believed = Posterior([worth], [[doubt**2]])
    otherwise = foretold_otherwise(odds, worth, doubt)
    told = believed.predict_binary([slope], otherwise)
    assert told == pytest.approx(1.0 / (1.0 + math.exp(-odds)), abs=0.02)


def test_what_would_have_been_anyway_tells_nothing():
    assert reviewed("accept", baseline={"VAL_GROWTH": 0.5}) == ()


def test_rejecting_is_the_other_way_round_and_its_reason_counts():
    (plain,) = reviewed("reject")
    (timing,) = reviewed("reject", reason="Not now, I am busy")
    (never,) = reviewed("reject", reason="never again at this time")
    assert plain.likelihood == Binary({"VAL_GROWTH": 0.5}, False)
    assert timing.weight < plain.weight < never.weight
    assert "busy" in timing.text
    assert rejection_weight("the colour is wrong") == 1.0


def test_an_edit_is_preferred_to_what_it_replaced():
    both = reviewed("edit", edited={"VAL_GROWTH": 0.25})
    assert [seen.key for seen in both] == ["feedback:2", "feedback:2/edit"]
    assert both[0].likelihood == Binary({"VAL_GROWTH": 0.25}, True)
    assert both[1].likelihood == Preference({"VAL_GROWTH": 0.25}, {"VAL_GROWTH": 0.5})


def test_silence_says_little_and_a_snooze_nothing():
    (ignored,) = reviewed("ignored")
    assert ignored.weight == IGNORED
    assert reviewed("snooze") == reviewed("undo") == ()


def test_the_tenth_yes_adds_little():
    weights = [reviewed("accept", nth=nth)[0].weight for nth in range(1, 11)]
    assert weights == sorted(weights, reverse=True)
    assert weights[-1] < 0.35


@given(st.integers(1, 500))
def test_many_words_on_one_kind_count_as_few(count):
    total = sum(nth_weight(nth) for nth in range(1, count + 1))
    assert min(count, 2) * 0.8 <= total <= 2.0 * count**0.5


@given(st.integers(1, 500))
def test_a_series_is_one_decision_confirmed_now_and_then(count):
    assert count * repeat_weight(count) == pytest.approx(1.0 + math.log(count))


# --- which way it speaks --------------------------------------------------------------------------

NAMES = ("VAL_GROWTH", "REL_TRUST", "MEN_CALM")
AMOUNTS = st.integers(-8, 8).map(lambda quarters: quarters / 4)
FEATURES = st.dictionaries(st.sampled_from(NAMES), AMOUNTS)


@st.composite
def choices(draw):
    options = draw(st.lists(FEATURES, min_size=2, max_size=4))
    rates = st.lists(AMOUNTS, min_size=len(options), max_size=len(options))
    chosen = draw(st.integers(0, len(options) - 1))
    return Choice(tuple(options), chosen, tuple(draw(st.just([]) | rates)))


@st.composite
def levels(draw):
    cuts = sorted(draw(st.sets(AMOUNTS, min_size=1, max_size=4)))
    return Ordinal(draw(FEATURES), draw(st.integers(0, len(cuts))), tuple(cuts))


LIKELIHOODS = st.one_of(
    choices(),
    levels(),
    st.builds(Preference, FEATURES, FEATURES),
    st.builds(Binary, FEATURES, st.booleans(), AMOUNTS),
    st.builds(Linear, FEATURES, AMOUNTS, st.just(0.5)),
    st.builds(Indifferent, st.lists(FEATURES, min_size=2, max_size=3).map(tuple)),
)


@given(LIKELIHOODS)
def test_evidence_is_said_to_speak_the_way_in_which_it_moves_what_is_believed(likelihood):
    told = directions(likelihood)
    assert tuple(told) == names_in(likelihood)
    # So sure that only the gradient counts, of parameters that have nothing to do with each other.
    sd = 1e-3
    belief = Belief(NAMES, Posterior(np.zeros(len(NAMES)), sd**2 * np.eye(len(NAMES))))
    seen = Observation(
        key="k", at=AT, kind="answer", text="It happened", source=("t", 1), likelihood=likelihood
    )
    moved = belief.update(seen)
    assert moved.keys() == told.keys()
    for name, way in told.items():
        if way and not np.isclose(moved[name], 0.0, atol=1e-9):
            assert np.sign(moved[name]) == way
        else:
            assert moved[name] == pytest.approx(0.0, abs=1e-8)


def test_what_speaks_for_a_change_is_for_nothing():
    assert directions(Change(("VAL_GROWTH",), 0.5)) == {"VAL_GROWTH": 0}
