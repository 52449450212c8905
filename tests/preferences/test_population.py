"""Empirical Bayes: right on populations whose truth is known (simulated), safe on any choices."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.testing import assert_allclose, assert_array_equal

from twind.preferences import fit_prior


def simulated_choices(rng, theta, count):
    """Yield choices among three by somebody of these values."""
    for _ in range(count):
        options = rng.normal(size=(3, len(theta)))
        yield options, int(np.argmax(options @ theta + rng.gumbel(size=3)))


def population(seed, people, choices, mean, covariance):
    rng = np.random.default_rng(seed)
    values = rng.multivariate_normal(mean, covariance, people)
    return [list(simulated_choices(rng, theta, choices)) for theta in values]


def assert_sound(prior):
    assert np.isfinite(prior.mean).all()
    np.linalg.cholesky(prior.covariance)


def test_a_population_is_found_in_its_choices():
    mean, covariance = np.array([1.0, -0.5, 0.0]), np.diag([0.3, 1.0, 0.6])
    prior = fit_prior(population(12, 150, 15, mean, covariance))
    assert_sound(prior)
    assert_allclose(prior.mean, mean, atol=0.25)
    assert_allclose(np.diag(prior.covariance), np.diag(covariance), rtol=0.5)


def test_how_much_people_differ_is_not_underestimated():
    """Of strong values, seen in few choices each, the curvature at the mode sees too little."""
    covariance = np.diag([9.0, 9.0])
    prior = fit_prior(population(3, 300, 8, np.zeros(2), covariance))
    assert_allclose(np.diag(prior.covariance), np.diag(covariance), rtol=0.25)


def test_what_goes_together_is_found():
    covariance = np.array([[1.0, 0.8], [0.8, 1.0]])
    prior = fit_prior(population(5, 200, 15, np.zeros(2), covariance))
    found = prior.covariance[0, 1] / np.sqrt(np.prod(np.diag(prior.covariance)))
    assert 0.6 < found < 0.95


@pytest.mark.parametrize("iterations", [5, 60, 300])
def test_of_what_no_choice_tells_a_broad_guess_stands(iterations):
    """Options that are each of one kind say which kind is liked more, and not how much all are."""
    histories = [
        [(np.column_stack([np.eye(3), options]), chosen) for options, chosen in person]
        for person in population(2, 12, 10, np.array([0.5]), np.eye(1))
    ]
    prior = fit_prior(histories, iterations)
    assert_sound(prior)
    assert prior.mean @ [1.0, 1.0, 1.0, 0.0] == pytest.approx(0.0, abs=1e-9)


@pytest.mark.parametrize(
    "options",
    [[[1.0]], [[0.7], [0.7]], [[1.0, 0.0], [1.0, 0.0]]],
    ids=["one", "the same twice", "the same of two features"],
)
def test_choices_without_a_difference_tell_nothing(options):
    prior = fit_prior([[(options, 0)], [(options, 0)]])
    assert_array_equal(prior.mean, np.zeros(len(options[0])))
    assert_array_equal(prior.covariance, np.eye(len(options[0])))


@pytest.mark.parametrize("unit", [1e-4, 1e3])
def test_features_may_have_any_unit(unit):
    histories = population(7, 40, 10, np.array([1.0, -1.0]), np.eye(2))
    scaled = [[(unit * options, chosen) for options, chosen in person] for person in histories]
    prior, other = fit_prior(histories), fit_prior(scaled)
    assert_allclose(unit * other.mean, prior.mean, rtol=1e-6)
    assert_allclose(unit**2 * other.covariance, prior.covariance, rtol=1e-6)


def test_the_same_choices_give_the_same_prior():
    histories = population(1, 10, 5, np.zeros(2), np.eye(2))
    first, second = fit_prior(histories), fit_prior(histories)
    assert_array_equal(first.mean, second.mean)
    assert_array_equal(first.covariance, second.covariance)


def test_one_person_is_population_enough():
    assert_sound(fit_prior([[(np.eye(2), 0)], []]))


def test_many_dimensions_are_no_trouble():
    assert_sound(fit_prior(population(2, 12, 20, np.zeros(75), np.eye(75)), iterations=5))


@settings(max_examples=40)
@given(
    st.lists(
        st.lists(
            st.tuples(arrays(np.float64, (3, 2), elements=st.floats(-1e9, 1e9)), st.integers(0, 2)),
            min_size=1,
            max_size=4,
        ),
        min_size=1,
        max_size=4,
    )
)
def test_any_choices_give_a_sound_prior(histories):
    assert_sound(fit_prior(histories, iterations=5))


@pytest.mark.parametrize(
    ("histories", "named"),
    [
        ([], "histories"),
        ([[(np.ones((2, 1)), 0), (np.ones((2, 2)), 0)]], "histories"),
        ([[(np.ones((2, 1)), 5)]], "chosen"),
    ],
)
def test_bad_input_is_named(histories, named):
    with pytest.raises(ValueError, match=named):
        fit_prior(histories)
