from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twind.model import Option, Question
from twind.preferences.detectors import DoneTask, History, LivedBlock
from twind.preferences.disowning import Disowned, without
from twind.preferences.observations import (
    Binary,
    Choice,
    Indifferent,
    Linear,
    Observation,
    Ordinal,
    Preference,
    names_in,
)

NOW = datetime(2026, 3, 2, tzinfo=UTC)
NAMES = ("VAL_GROWTH", "VAL_SECURITY", "person:3", "project:4")
features = st.dictionaries(st.sampled_from(NAMES), st.floats(-2, 2).filter(bool))
many = st.lists(features, min_size=2, max_size=4).map(tuple)
likelihoods = st.one_of(
    many.map(lambda options: Choice(options, 0)),
    many.map(Indifferent),
    st.builds(Preference, features, features),
    features.map(lambda one: Ordinal(one, 1, (0.0, 1.0))),
    features.map(lambda one: Binary(one, outcome=True)),
    features.map(lambda one: Linear(one, 0.5, 0.1)),
)


def seen(likelihood, *, days=0, source=("records", 1)):
    return Observation(
        key="k",
        at=NOW + timedelta(days=days),
        kind="answer",
        text="",
        source=source,
        likelihood=likelihood,
    )


@given(likelihoods, st.sets(st.sampled_from(NAMES)))
def test_what_is_silenced_plays_no_part_and_all_else_the_same(likelihood, names):
    left = without(likelihood, names)
    assert not names & set(names_in(left))
    assert set(names_in(left)) >= set(names_in(likelihood)) - names
    assert type(left) is type(likelihood)
    if not names & set(names_in(likelihood)):
        assert left is likelihood


@pytest.mark.parametrize(("days", "speaks"), [(-1, False), (0, False), (1, True)])
def test_evidence_is_silent_up_to_a_moment(days, speaks):
    one = seen(Preference({"VAL_GROWTH": 1.0, "VAL_SECURITY": 1.0}, {}), days=days)
    [left] = Disowned(until={"VAL_GROWTH": NOW}).evidence([one])
    assert ("VAL_GROWTH" in names_in(left.likelihood)) is speaks
    assert "VAL_SECURITY" in names_in(left.likelihood)
    [never] = Disowned(until={"VAL_GROWTH": None}).evidence([one])
    assert names_in(never.likelihood) == ("VAL_SECURITY",)


def test_evidence_of_nothing_else_is_left_out():
    one = seen(Preference({"VAL_GROWTH": 1.0}, {}))
    assert list(Disowned(until={"VAL_GROWTH": None}).evidence([one])) == []
    assert list(Disowned(rows=frozenset({("records", 1)})).evidence([one])) == []
    assert list(Disowned(rows=frozenset({("feedback", 1)})).evidence([one])) == [one]


def test_evidence_of_somebody_is_left_out_whole():
    one = seen(Preference({"person:3": 1.0, "VAL_GROWTH": 1.0}, {}))
    assert list(Disowned(people=frozenset({"person:3"})).evidence([one])) == []
    assert list(Disowned(people=frozenset({"person:4"})).evidence([one])) == [one]


def test_history_is_without_what_is_dropped():
    block = LivedBlock(start_local=NOW, end_local=NOW, title="b", source=("records", 1))
    task = DoneTask(completed_local=NOW, title="t", source=("workflow_steps", 1))
    lived = History((block,), (task,))
    assert Disowned().history(lived) == lived
    assert Disowned(rows=frozenset({("records", 1)})).history(lived) == History((), (task,))
    assert Disowned(rows=frozenset({("workflow_steps", 1)})).history(lived) == History((block,))


def test_a_question_is_heard_without_what_is_never_believed():
    options = (Option(1, "a", {"VAL_GROWTH": 1.0, "VAL_SECURITY": 0.5}), Option(2, "b", {}))
    asked = Question(1, "?", "binary", options)
    heard = Disowned(until={"VAL_GROWTH": None}).question(asked)
    assert heard.options[0].features == {"VAL_SECURITY": 0.5}
    assert Disowned(until={"VAL_GROWTH": NOW}).question(asked) == asked
