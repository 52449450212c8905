from __future__ import annotations

import numpy as np
import pytest

from twind.preferences import catalogue, features

MISSION = {
    "Values": "freedom security growth integrity service",
    "Work Style": "solo collaborative deep_work multitasking lead",
    "Relationships": "trust intimacy loyalty boundaries communication",
    "Learning": "science theoretical practical experimental historical",
    "Decision Making": "rational intuitive data_driven risk_averse impulsive",
    "Time Management": "punctuality flexibility planning spontaneity procrastination",
    "Creativity": "innovation expression curiosity abstraction culture",
    "Risk Tolerance": "financial social career physical emotional",
    "Communication": "direct diplomatic verbal written listening",
    "Physical Environment": "minimalism comfort nature urban chaos",
    "Mental State": "calm focus anxiety resilience joy",
    "Financial": "saving spending investing generosity security",
    "Social": "extrovert introvert mentorship networking community",
    "Health": "physical_activity nutrition sleep mental_health discipline",
    "Spirituality/Purpose": "meaning connection legacy philosophy belief",
}


def test_the_dimensions_and_their_aspects_are_the_missions():
    found = {
        dimension.name: " ".join(aspect.name for aspect in dimension.aspects)
        for dimension in catalogue.dimensions()
    }
    assert found == MISSION
    assert list(found) == list(MISSION)


def test_codes():
    assert len(catalogue.index_of()) == 75
    assert catalogue.aspect_code("Work Style", "deep_work") == "WOR_DEEP_WORK"
    assert catalogue.aspect_code("Spirituality/Purpose", "meaning") == "SPI_MEANING"


@pytest.mark.parametrize("aspect", catalogue.aspects(), ids=lambda aspect: aspect.code)
def test_every_aspect_is_described_and_names_only_what_exists(aspect):
    assert aspect.kind in {"value", "trait", "style"}
    assert aspect.description.endswith(".")
    assert set(aspect.means) <= set(features.ATTRIBUTES)
    assert set(aspect.effects) <= set(catalogue.EFFECTS)
    assert all(0 < abs(weight) <= 1 for weight in (aspect.means | aspect.effects).values())


def test_no_dimension_is_dead():
    for dimension in catalogue.dimensions():
        assert (
            any(
                (aspect.kind == "value" and aspect.means) or aspect.effects
                for aspect in dimension.aspects
            )
            or dimension.name == "Decision Making"
        ), dimension.name


def test_values_can_be_told_apart():
    rows = (features.meaning() * features.rewarded()).T
    rows = rows[np.any(rows != 0, axis=1)]
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    alike = rows @ rows.T - np.eye(len(rows))
    assert alike.max() < 0.98


def test_every_attribute_and_effect_means_something():
    assert np.all(np.any(features.meaning() != 0, axis=1))
    assert np.all(np.any(features.effects() != 0, axis=0))
