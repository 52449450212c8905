import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from twind.preferences import catalogue, features
from twind.preferences.features import ATTRIBUTES, Block, aspect_features, attributes

contexts = st.fixed_dictionaries(
    {
        "activity": st.integers(0, len(features.ACTIVITIES) - 1),
        "hour": st.floats(0.0, 24.0),
        "people": st.integers(0, 8),
        "closeness": st.floats(0.0, 1.0),
        "depth": st.floats(0.0, 1.0),
        "lead_days": st.floats(0.0, 60.0) | st.just(float("inf")),
        "planned": st.sampled_from([0.0, 1.0]),
        "varied": st.sampled_from([0.0, 1.0]),
    }
)
hours = st.floats(0.01, 12.0)


@given(contexts, hours, hours)
def test_cutting_a_block_in_two_changes_nothing(context, first, second):
    whole = aspect_features(Block(hours=first + second, **context))
    parts = aspect_features(Block(hours=first, **context)) + aspect_features(
        Block(hours=second, **context)
    )
    np.testing.assert_allclose(whole, parts, rtol=1e-9, atol=1e-9)


@given(contexts, hours)
def test_a_block_is_somewhere_on_each_axis_and_no_attribute_exceeds_its_hours(context, length):
    found = dict(zip(ATTRIBUTES, attributes(Block(hours=length, **context)), strict=True))
    assert all(0.0 <= value <= length for value in found.values())
    assert found["alone"] + found["together"] == length
    np.testing.assert_allclose(found["planned"] + found["unplanned"], length)
    assert found["close"] <= found["together"]
    assert found["group"] <= found["together"]
    assert not (found["ahead"] and found["pressed"])
    assert not (found["deep"] and found["light"])
    assert not found["deep"] or context["activity"] in features.FOCUSED
    assert sum(found[activity] for activity in features.ACTIVITIES) == length


@given(contexts, hours)
def test_free_time_has_no_features(context, length):
    free = Block(**{**context, "activity": -1}, hours=length)
    assert not attributes(free).any()
    assert not aspect_features(free).any()


def test_attributes_name_what_they_say():
    block = Block(
        activity=features.ACTIVITIES.index("social"),
        hours=2.0,
        hour=20.0,
        people=3,
        closeness=0.5,
        depth=0.2,
        planned=1.0,
        varied=1.0,
    )
    found = dict(zip(ATTRIBUTES, attributes(block), strict=True))
    assert {name: value for name, value in found.items() if value} == {
        "social": 2.0,
        "together": 2.0,
        "close": 1.0,
        "group": 2.0,
        "light": 2.0,
        "late": 2.0,
        "planned": 2.0,
        "varied": 2.0,
    }


def test_matrices_have_their_shapes_and_are_not_written_to():
    assert features.meaning().shape == (len(ATTRIBUTES), 75)
    assert features.effects().shape == (75, len(catalogue.EFFECTS))
    assert features.rewarded().shape == (75,)
    for matrix in (features.meaning(), features.effects(), features.rewarded()):
        assert not matrix.flags.writeable


def test_meaning_says_what_the_catalogue_says():
    for column, aspect in enumerate(catalogue.aspects()):
        row = features.meaning()[:, column]
        named = {ATTRIBUTES[place]: row[place] for place in np.flatnonzero(row)}
        assert named == aspect.means


def test_a_block_in_nature_speaks_for_nature():
    outdoors = Block(activity=features.ACTIVITIES.index("outdoors"), hours=1.5)
    assert aspect_features(outdoors)[catalogue.index_of()["PHY_NATURE"]] == 1.5


@given(st.lists(st.floats(-1.0, 1.0), min_size=75, max_size=75))
def test_traits_and_styles_are_never_rewarded(strengths):
    given_ = np.array(strengths)
    values_only = np.where(features.rewarded(), given_, 0.0)
    np.testing.assert_array_equal(
        features.attribute_worth(given_), features.attribute_worth(values_only)
    )
    without = np.where(features.rewarded(), 0.0, given_)
    assert not features.attribute_worth(without).any()


@given(contexts, hours)
def test_worth_and_features_agree(context, length):
    block = Block(hours=length, **context)
    strengths = np.linspace(-1.0, 1.0, 75)
    values = np.where(features.rewarded(), strengths, 0.0)
    np.testing.assert_allclose(
        attributes(block) @ features.attribute_worth(strengths),
        aspect_features(block) @ values,
        atol=1e-9,
    )
