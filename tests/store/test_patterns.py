from __future__ import annotations

from datetime import timedelta

import pytest

from twind.model import Pattern
from twind.store import patterns, profiles, questions
from twind.store.patterns import EvidenceRow


@pytest.fixture
def aspect(db):
    """The row of VAL_GROWTH."""
    with db.transaction():
        dimension = questions.seed_dimension(db, "Values", "What counts.")
        return questions.seed_aspect(db, dimension, "growth", "VAL_GROWTH", "You want to grow.")


def growth(strength, confidence=0.4):
    return Pattern(
        dimension="Values",
        aspect="growth",
        code="VAL_GROWTH",
        strength=strength,
        confidence=confidence,
        evidence_count=3,
        impact=0.2,
    )


def row(clock, key="response:1", weight=1.0, aspects=("VAL_GROWTH",), days=0, direction=1):
    at = clock.now() - timedelta(days=days)
    ways = dict.fromkeys(aspects, direction)
    return EvidenceRow(key, "answer", at, f"about {key}", "responses", 1, weight, ways)


def test_what_is_written_is_read_and_what_stands_is_left_alone(db, clock, aspect):
    patterns.write(db, 1, [growth(0.3)])
    [(first, kept)] = patterns.load(db, 1)
    assert kept == growth(0.3)
    assert patterns.earlier(db, 1) == {}  # twind's own are no prior
    before = db.value("SELECT last_updated FROM patterns")
    clock.advance(hours=1)
    patterns.write(db, 1, [growth(0.3)])
    assert db.value("SELECT last_updated FROM patterns") == before
    patterns.write(db, 1, [growth(0.4)])
    [(second, kept)] = patterns.load(db, 1)
    assert (second, kept.strength) == (first, 0.4)
    assert db.value("SELECT last_updated FROM patterns") != before
    assert patterns.describe(db, "VAL_GROWTH") == "You want to grow."


@pytest.mark.parametrize(
    ("strength", "confidence", "read"),
    [(0.7, 0.8, (0.7, 0.8)), (7, -3, (1.0, 0.0)), ("0.5", None, (0.5, 0.5)), (None, 0.9, None)],
)
def test_earlier_patterns_stay_priors_however_often_twind_writes(
    db, aspect, strength, confidence, read
):
    with db.transaction():
        db.insert(
            "patterns",
            profile_id=1,
            pattern_type="preference",
            aspect_id=aspect,
            strength=strength,
            confidence=confidence,
        )
    expected = {} if read is None else {"VAL_GROWTH": read}
    assert patterns.earlier(db, 1) == expected
    for now in (0.1, -0.2):
        patterns.write(db, 1, [growth(now)])
        assert patterns.earlier(db, 1) == expected
    [(_, kept)] = patterns.load(db, 1)
    assert kept.strength == -0.2


def test_patterns_of_dimensions_and_of_aspects_without_code(db):
    with db.transaction():
        dimension = questions.seed_dimension(db, "Work Style", "")
        aspect = db.insert("aspects", dimension_id=dimension, name="Deep Work", code="")
        for about in (None, aspect):
            db.insert(
                "patterns",
                profile_id=1,
                pattern_type="preference",
                dimension_id=dimension,
                aspect_id=about,
                strength=0.5,
                confidence=0.5,
            )
    assert patterns.earlier(db, 1) == {"Work Style": (0.5, 0.5), "WOR_DEEP_WORK": (0.5, 0.5)}


def test_evidence_is_exactly_what_was_said_last(db, clock, aspect):
    profiles.ensure(db, 2)
    patterns.write_evidence(db, 2, [row(clock)])
    patterns.write_evidence(
        db, 1, [row(clock, "a", 0.5), row(clock, "b", 1.0, ("VAL_GROWTH", "person:3"))]
    )
    found = patterns.evidence_for(db, 1, "VAL_GROWTH")
    assert [one["text"] for one in found] == ["about b", "about a"]
    assert [one["text"] for one in patterns.evidence_for(db, 1, "person:3")] == ["about b"]
    assert patterns.rows_behind(db, 1, "person:3") == {("responses", 1)}
    assert patterns.rows_behind(db, 1, "person:4") == frozenset()
    assert patterns.evidence_for(db, 1, "VAL_GROWTH", limit=1) == found[:1]
    patterns.write_evidence(db, 1, [row(clock, "a", 0.9)])
    [left] = patterns.evidence_for(db, 1, "VAL_GROWTH")
    assert (left["text"], left["weight"]) == ("about a", 0.9)
    assert len(patterns.evidence_for(db, 2, "VAL_GROWTH")) == 1


def test_evidence_is_told_by_which_way_it_speaks(db, clock, aspect):
    against = row(clock, "against", 1.0, direction=-1)
    neither = row(clock, "neither", 0.9, direction=0)
    patterns.write_evidence(db, 1, [row(clock, "for", 0.5), against, neither])
    found = patterns.evidence_for(db, 1, "VAL_GROWTH")
    assert [(one["text"], one["direction"]) for one in found] == [
        ("about against", -1),
        ("about neither", 0),
        ("about for", 1),
    ]
    assert patterns.evidence_for(db, 1, "VAL_GROWTH", limit=1, direction=1) == found[2:]
    assert patterns.evidence_for(db, 1, "VAL_GROWTH", direction=-1) == found[:1]


def test_evidence_that_an_older_twind_kept_speaks_neither_way_until_it_is_read_again(
    db, clock, aspect
):
    patterns.write_evidence(db, 1, [row(clock)])
    with db.transaction():
        db.execute('UPDATE evidence SET aspects = \'["VAL_GROWTH", "person:3"]\'')
    [kept] = patterns.evidence_for(db, 1, "VAL_GROWTH")
    assert kept["direction"] is None
    assert patterns.evidence_for(db, 1, "VAL_GROWTH", direction=1) == []
    assert patterns.rows_behind(db, 1, "person:3") == {("responses", 1)}
    patterns.write_evidence(db, 1, [row(clock)])
    assert len(patterns.evidence_for(db, 1, "VAL_GROWTH", direction=1)) == 1
    assert patterns.rows_behind(db, 1, "person:3") == frozenset()


def test_the_posterior_is_kept_by_profile(db):
    assert patterns.load_belief(db, 1) is None
    patterns.write_belief(db, 1, b"old")
    patterns.write_belief(db, 1, b"new")
    assert patterns.load_belief(db, 1) == b"new"
    assert patterns.load_belief(db, 2) is None
