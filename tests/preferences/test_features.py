from __future__ import annotations

from dataclasses import replace

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from twind.preferences import features
from twind.preferences.features import ACTIVITIES, ATTRIBUTES, Block

BLOCKS = st.builds(
    Block,
    activity=st.integers(-1, len(ACTIVITIES) - 1),
    hours=st.floats(0.0, 8.0),
    hour=st.floats(0.0, 23.99),
    people=st.integers(0, 6),
    closeness=st.floats(0.0, 1.0),
    depth=st.sampled_from([0.0, 0.5, 1.0]),
    lead_days=st.sampled_from([-1.0, 0.5, 2.0, 9.0, float("inf")]),
    planned=st.sampled_from([0.0, 1.0]),
    varied=st.sampled_from([0.0, 1.0]),
)


@given(BLOCKS, st.floats(0.0, 1.0))
def test_cutting_a_block_in_two_changes_nothing(block, share):
    first = replace(block, hours=block.hours * share)
    second = replace(block, hours=block.hours * (1 - share))
    whole = features.aspect_features(block)
    parts = features.aspect_features(first) + features.aspect_features(second)
    np.testing.assert_allclose(parts, whole, atol=1e-9)


@given(BLOCKS)
def test_free_time_is_the_zero_everything_is_measured_from(block):
    assert not features.attributes(replace(block, activity=-1)).any()


@given(BLOCKS)
def test_attributes_are_hours_of_the_block(block):
    found = features.attributes(block)
    assert np.all(found >= 0)
    assert np.all(found <= block.hours)
    if block.activity >= 0:
        assert found[block.activity] == block.hours
        company = found[ATTRIBUTES.index("alone")] + found[ATTRIBUTES.index("together")]
        assert company == block.hours


def test_what_the_context_says():
    block = Block(activity=1, hours=2.0, hour=8.0, depth=1.0, lead_days=0.5)
    named = dict(zip(ATTRIBUTES, features.attributes(block), strict=True))
    told = {name for name, hours in named.items() if hours}
    assert told == {"work", "alone", "deep", "early", "pressed", "unplanned"}


def test_only_values_are_worth_anything():
    traits = np.where(features.rewarded(), 0.0, 1.0)
    assert not features.attribute_worth(traits).any()
    assert features.attribute_worth(np.where(features.rewarded(), 1.0, 0.0)).any()
