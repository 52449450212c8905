"""The engine: safe on any finite evidence, right on evidence whose truth is known (simulated)."""

import math

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.testing import assert_allclose, assert_array_equal

from twind.preferences import Posterior
from twind.preferences import posterior as posterior_module
from twind.preferences.posterior import (
    choice_information,
    choice_lesson,
    log_softmax,
    ordinal_information,
    ordinal_lesson,
)

D = 4
tame = st.floats(-3, 3)
wild = st.one_of(
    tame,
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from([0.0, 1e6, -1e6, 1e-300]),
)


def vectors(elements, size=D):
    return arrays(np.float64, size, elements=elements)


def choices(elements):
    return st.integers(1, 5).flatmap(
        lambda k: st.tuples(
            st.just("choice"),
            arrays(np.float64, (k, D), elements=elements),
            st.integers(0, k - 1),
            st.sampled_from([0.0, 0.2, 1.0, 1e9]),
        )
    )


def evidence(elements):
    return st.one_of(
        choices(elements),
        st.tuples(st.just("preference"), vectors(elements), vectors(elements)),
        st.tuples(st.just("binary"), vectors(elements), st.booleans(), elements),
        st.tuples(st.just("ordinal"), vectors(elements), st.integers(0, 2)),
        st.tuples(
            st.just("linear"), vectors(elements), elements, st.sampled_from([1e-12, 0.1, 1e12])
        ),
        st.tuples(st.just("forget"), st.floats(0, 1e5)),
    )


def take(posterior, piece):
    kind, *rest = piece
    if kind == "choice":
        posterior.update_choice(*rest)
    elif kind == "preference":
        posterior.update_preference(*rest)
    elif kind == "binary":
        posterior.update_binary(*rest)
    elif kind == "ordinal":
        posterior.update_ordinal(*rest, cuts=[-1.0, 1.0])
    elif kind == "linear":
        posterior.update_linear(*rest)
    else:
        posterior.forget(*rest)


def assert_sound(posterior):
    assert np.isfinite(posterior.mean).all()
    assert np.isfinite(posterior.covariance).all()
    assert_array_equal(posterior.covariance, posterior.covariance.T)
    np.linalg.cholesky(posterior.covariance)


def standard(size=D):
    return Posterior(np.zeros(size), np.eye(size))


@settings(max_examples=300, deadline=None)
@given(st.lists(evidence(wild), max_size=12))
def test_any_finite_evidence_leaves_a_sound_posterior(pieces):
    posterior = standard()
    for piece in pieces:
        take(posterior, piece)
        assert_sound(posterior)


@settings(max_examples=100, deadline=None)
@given(evidence(wild), st.integers(30, 80))
def test_the_same_evidence_again_and_again_stays_sound(piece, times):
    posterior = standard()
    for _ in range(times):
        take(posterior, piece)
    assert_sound(posterior)


def test_contradictions_cancel():
    posterior = standard()
    for _ in range(50):
        posterior.update_preference([1, 0, 0, 0], [0, 1, 0, 0])
        posterior.update_preference([0, 1, 0, 0], [1, 0, 0, 0])
    assert abs(posterior.mean[0] - posterior.mean[1]) < 0.3
    assert_sound(posterior)


@settings(deadline=None)
@given(choices(tame))
def test_evidence_never_widens(piece):
    posterior = standard()
    take(posterior, piece)
    assert (np.diag(posterior.covariance) <= 1.0 + 1e-9).all()


def test_evidence_that_says_nothing_changes_nothing():
    posterior, rng = standard(), np.random.default_rng(8)
    for _ in range(500):
        posterior.update_choice(1e-6 * rng.normal(size=(4, D)), 1)
        posterior.update_choice(np.ones((3, D)), 1)
        posterior.update_binary(np.zeros(D), outcome=True)
        posterior.update_choice(rng.normal(size=(4, D)), 1, weight=1e-9)
    assert_allclose(posterior.covariance, np.eye(D), atol=1e-5)
    assert_allclose(posterior.mean, 0, atol=1e-3)


@settings(deadline=None)
@given(vectors(tame), vectors(tame))
def test_a_preference_is_a_choice_of_two(better, worse):
    one, other = standard(), standard()
    one.update_preference(better, worse)
    other.update_choice(np.stack([better, worse]), 0)
    assert_allclose(one.mean, other.mean, atol=1e-4)
    assert_allclose(one.covariance, other.covariance, atol=1e-4)


def assert_moments(posterior, log):
    """Against a fine grid in one dimension, where theta ~ N(0, 1) before the evidence."""
    theta = np.linspace(-8, 8, 40_001)
    density = np.exp(log(theta) - theta**2 / 2)
    density /= density.sum()
    mean = density @ theta
    assert posterior.mean[0] == pytest.approx(mean, abs=0.01)
    variance = density @ (theta - mean) ** 2
    assert posterior.covariance[0, 0] == pytest.approx(variance, rel=0.02)


def test_a_choice_moves_to_the_exact_moments():
    posterior = standard(1)
    options, offsets = np.array([[1.0], [0.0], [-2.0]]), np.array([0.0, 0.5, 1.0])
    posterior.update_choice(options, 0, weight=2.0, offsets=offsets)

    def log(theta):
        logits = theta[:, None] * options[:, 0] + offsets
        return 2 * (logits[:, 0] - np.log(np.exp(logits).sum(axis=1)))

    assert_moments(posterior, log)


@pytest.mark.parametrize("sd", [2.0, 10.0, 30.0, 100.0])
def test_a_choice_is_learnt_from_however_little_was_known(sd):
    """Of a wide belief a choice leaves most far from the mode, beside a corner."""
    rng = np.random.default_rng(1)
    for _ in range(4):
        options, mean = rng.normal(size=(4, 2)), 0.5 * sd * rng.normal(size=2)
        chosen = int(rng.integers(4))
        posterior = Posterior(mean, sd**2 * np.eye(2))
        posterior.update_choice(options, chosen)
        steps = np.linspace(-8.0, 8.0, 801)
        grid = np.stack(np.meshgrid(steps, steps, indexing="ij"), axis=-1).reshape(-1, 2)
        logs = log_softmax((mean + sd * grid) @ options.T)[:, chosen]
        shares = np.exp(logs - 0.5 * np.sum(grid**2, axis=1))
        shares /= shares.sum()
        exact = mean + sd * (shares @ grid)
        exact_sd = sd * np.sqrt(shares @ (grid - shares @ grid) ** 2)
        assert_allclose((posterior.mean - exact) / exact_sd, 0.0, atol=0.2)
        assert_allclose(posterior.sd() / exact_sd, 1.0, atol=0.3)


@pytest.mark.parametrize("count", [128, 129, 200])
def test_there_may_be_more_options_than_points(count):
    options = np.random.default_rng(2).normal(size=(count, count))
    for scale, weight in (0.3, 1.0), (0.003, 0.001):
        posterior = standard(count)
        posterior.update_choice(scale * options, 0, weight)
        np.linalg.cholesky(posterior.covariance)
        assert posterior.predict_choice(scale * options).sum() == pytest.approx(1.0)
        assert 0.0 <= posterior.information_gain(scale * options) <= math.log(count)


@pytest.mark.parametrize("weight", [1e-6, 1e-10, 1e-11, 1e-14])
def test_faint_choices_among_equal_options_of_any_size(weight):
    posterior = Posterior(np.zeros(2), 100.0 * np.eye(2))
    posterior.update_choice([[0.0, 0.0], [1e4, 0.0], [1e4, 0.0]], 1, weight)
    np.linalg.cholesky(posterior.covariance)


@pytest.mark.parametrize("chosen", [0, 1, 2])
@pytest.mark.parametrize("scale", [0.4, 1.0])
def test_faint_choices_add_up_as_choices_do(chosen, scale, monkeypatch):
    """Two hundred of them, each of which counts a hundredth, by the short way and by the long."""
    options, offsets = scale * np.array([[1.0], [0.0], [-1.0]]), np.array([0.0, 0.5, 1.0])
    told = []
    for faint in (posterior_module.FAINT, 0.0):
        monkeypatch.setattr(posterior_module, "FAINT", faint)
        posterior = standard(1)
        for _ in range(200):
            posterior.update_choice(options, chosen, weight=0.01, offsets=offsets)
        told.append((posterior.mean[0], posterior.covariance[0, 0]))
    (mean, variance), (expected, left) = told
    assert abs(expected) > 0.1
    assert mean != expected
    assert mean == pytest.approx(expected, abs=0.005 * abs(expected))
    assert variance == pytest.approx(left, rel=0.005)


def test_a_level_moves_to_the_exact_moments():
    posterior = standard(1)
    posterior.update_ordinal([2.0], 1, [-0.5, 0.7])
    assert_moments(
        posterior,
        lambda theta: np.log(
            1 / (1 + np.exp(-(0.7 - 2 * theta))) - 1 / (1 + np.exp(-(-0.5 - 2 * theta)))
        ),
    )


@pytest.mark.parametrize("outcome", [True, False])
def test_a_yes_or_no_moves_to_the_exact_moments(outcome):
    posterior = standard(1)
    posterior.update_binary([1.5], outcome, offset=0.4)
    sign = 1 if outcome else -1
    assert_moments(posterior, lambda theta: -np.logaddexp(0, -sign * (1.5 * theta + 0.4)))


@settings(deadline=None)
@given(
    centre=st.floats(-100, 100),
    sd=st.floats(0.01, 100),
    outcome=st.booleans(),
    weight=st.sampled_from([0.1, 1.0, 5.0]),
)
@example(centre=-5.94, sd=4.4, outcome=True, weight=1.0)
def test_a_yes_or_no_is_learnt_exactly_however_much_it_contradicts(centre, sd, outcome, weight):
    posterior = Posterior([centre], [[sd**2]])
    posterior.update_binary([1.0], outcome, weight=weight)
    # No likelihood moves the mean by more than the weight times the variance.
    reach = 10 * sd + weight * sd**2
    places = np.linspace(centre - reach, centre + reach, 400_001)
    sign = 1 if outcome else -1
    logs = -weight * np.logaddexp(0, -sign * places) - (places - centre) ** 2 / (2 * sd**2)
    density = np.exp(logs - logs.max())
    density /= density.sum()
    mean = density @ places
    variance = density @ (places - mean) ** 2
    assert posterior.mean[0] == pytest.approx(mean, abs=1e-3 * sd)
    assert posterior.covariance[0, 0] == pytest.approx(variance, rel=2e-3)


@settings(deadline=None)
@given(vectors(tame), tame)
def test_linear_evidence_is_exact(row, value):
    posterior = Posterior(np.arange(D), np.diag([1.0, 2.0, 3.0, 0.5]))
    precision = np.linalg.inv(posterior.covariance) + np.outer(row, row) / 0.25
    expected = np.linalg.solve(
        precision, np.linalg.inv(posterior.covariance) @ posterior.mean + row * value / 0.25
    )
    posterior.update_linear(row, value, 0.5)
    assert_allclose(posterior.mean, expected, atol=1e-8)
    assert_allclose(posterior.covariance, np.linalg.inv(precision), atol=1e-8)


@settings(deadline=None)
@given(arrays(np.float64, (4, D), elements=wild))
def test_predictions_are_probabilities(options):
    chances = standard().predict_choice(options)
    assert chances.sum() == pytest.approx(1.0)
    assert (chances >= 0).all()


def test_predictions_average_over_what_is_not_known():
    # Against plain Monte Carlo.
    rng = np.random.default_rng(3)
    options = rng.normal(size=(4, D))
    posterior = Posterior(rng.normal(size=D), np.diag([0.2, 1.0, 2.0, 4.0]))
    draws = rng.multivariate_normal(posterior.mean, posterior.covariance, 200_000) @ options.T
    draws = np.exp(draws - draws.max(axis=1, keepdims=True))
    expected = (draws / draws.sum(axis=1, keepdims=True)).mean(axis=0)
    assert_allclose(posterior.predict_choice(options), expected, atol=0.01)


@settings(deadline=None)
@given(arrays(np.float64, (3, D), elements=wild))
def test_information_is_between_nothing_and_all(options):
    gain = standard().information_gain(options)
    assert 0.0 <= gain <= math.log(3) + 1e-9


@given(vectors(wild), st.integers(1, 5))
def test_options_that_do_not_differ_tell_nothing(row, count):
    assert standard().information_gain(np.tile(row, (count, 1))) == pytest.approx(0.0, abs=1e-6)


def test_information_falls_as_it_is_gained():
    posterior, options = standard(), np.eye(D)[:2]
    gains = []
    for _ in range(6):
        gains.append(posterior.information_gain(options))
        posterior.update_choice(options, 0)
    assert gains == sorted(gains, reverse=True)


def test_information_against_monte_carlo():
    rng = np.random.default_rng(5)
    options = 2 * rng.normal(size=(3, D))
    logits = rng.normal(size=(200_000, D)) @ options.T
    chances = np.exp(logits - logits.max(axis=1, keepdims=True))
    chances /= chances.sum(axis=1, keepdims=True)
    entropy = -(chances * np.log(chances + 1e-300)).sum(axis=1).mean()
    mean = chances.mean(axis=0)
    expected = -(mean * np.log(mean)).sum() - entropy
    assert standard().information_gain(options) == pytest.approx(expected, abs=0.01)


def test_padding_does_not_count():
    rng = np.random.default_rng(6)
    options = rng.normal(size=(3, D))
    gram = np.zeros((1, 5, 5))
    gram[0, :3, :3] = options @ options.T
    offered = np.array([[True, True, True, False, False]])
    padded = choice_information(np.zeros((1, 5)), gram, offered)[0]
    assert padded == pytest.approx(standard().information_gain(options), abs=0.01)
    cuts = np.array([[0.0, np.inf, np.inf]])
    binary = ordinal_information(np.zeros(1), np.ones(1), cuts)[0]
    assert binary == pytest.approx(standard(1).information_gain([[1.0], [0.0]]), abs=0.002)


def test_a_lesson_is_the_variance_that_answers_remove():
    rng = np.random.default_rng(7)
    options, directions = 2 * rng.normal(size=(3, D)), rng.normal(size=(2, D))
    prior = Posterior(np.zeros(D), np.diag(rng.uniform(0.3, 2.0, D)))
    spread = options @ prior.covariance @ directions.T
    inner = options @ prior.covariance @ options.T
    offered = np.array([[True, True, True, False]])
    padded = [np.pad(each, (0, 1))[None] for each in (inner, spread @ spread.T)]
    [lesson] = choice_lesson(np.zeros((1, 4)), *padded, offered)
    left = 0.0
    for chosen, chance in enumerate(prior.predict_choice(options)):
        told = prior.copy()
        told.update_choice(options, chosen)
        left += chance * np.trace(directions @ told.covariance @ directions.T)
    before = np.trace(directions @ prior.covariance @ directions.T)
    assert lesson == pytest.approx(before - left, rel=0.05)


def test_a_lesson_on_a_scale_is_the_variance_that_levels_remove():
    prior, row, cuts = Posterior([0.3], [[1.5]]), np.array([1.2]), np.array([-1.0, 0.2, 1.4])
    variance = 1.2**2 * 1.5
    [lesson] = ordinal_lesson([0.36], [variance], [(1.2 * 1.5) ** 2], cuts[None])
    chance = np.diff([0.0, *(prior_chance(prior, row, cut) for cut in cuts), 1.0])
    left = 0.0
    for level in range(4):
        told = prior.copy()
        told.update_ordinal(row, level, cuts)
        left += chance[level] * told.covariance[0, 0]
    assert lesson == pytest.approx(1.5 - left, rel=0.02)
    [nothing] = ordinal_lesson([0.0], [0.0], [0.0], cuts[None])
    assert nothing == 0.0


def prior_chance(posterior, row, cut):
    """How likely a logistic variable around row @ parameters lies below the cut."""
    return posterior.predict_choice([row, [0.0]], [0.0, cut])[1]


@settings(deadline=None)
@given(st.lists(evidence(tame), max_size=6), st.floats(0, 2000))
def test_forgetting_goes_back_to_the_prior(pieces, days):
    posterior = standard()
    for piece in pieces:
        take(posterior, piece)
    before = posterior.copy()
    posterior.forget(days)
    assert_sound(posterior)
    assert np.linalg.norm(posterior.mean) <= np.linalg.norm(before.mean) + 1e-9
    twice = before.copy()
    twice.forget(days / 2)
    twice.forget(days / 2)
    assert_allclose(posterior.covariance, twice.covariance, atol=1e-9)
    before.forget(1e7)
    assert_allclose(before.mean, 0, atol=1e-9)
    assert_allclose(before.covariance, np.eye(D), atol=1e-9)


def test_half_of_it_is_gone_after_half_a_life():
    posterior = standard(1)
    posterior.update_linear([1.0], 2.0, 1.0)
    posterior.forget(30, half_life_days=30)
    assert posterior.mean[0] == pytest.approx(0.5)
    posterior.forget(1e6, prior=Posterior([7.0], [[2.0]]))
    assert posterior.mean[0] == pytest.approx(7.0)


def test_a_copy_is_its_own():
    posterior = standard()
    other = posterior.copy()
    other.update_linear(np.ones(D), 3.0, 0.1)
    assert_array_equal(posterior.mean, np.zeros(D))
    assert_array_equal(posterior.covariance, np.eye(D))


@settings(max_examples=50, deadline=None)
@given(st.lists(choices(tame), min_size=2, max_size=8), st.randoms(use_true_random=False))
def test_the_order_hardly_matters(pieces, random):
    pieces = [(*piece[:3], 1.0) for piece in pieces]
    shuffled = pieces.copy()
    random.shuffle(shuffled)
    one, other = standard(), standard()
    for piece, twin in zip(pieces, shuffled, strict=True):
        take(one, piece)
        take(other, twin)
    # Each step projects onto a Gaussian, so that the order shows a little, against a prior sd of 1:
    # by 0.32 where eight sharp choices contradict each other, in the worst that was found.
    assert_allclose(one.mean, other.mean, atol=0.5)


@pytest.mark.parametrize(
    ("call", "named"),
    [
        (lambda p: p.update_choice(np.ones((2, D + 1)), 0), "options"),
        (lambda p: p.update_choice(np.ones((2, D)), 2), "chosen"),
        (lambda p: p.update_choice(np.ones((2, D)), -1), "chosen"),
        (lambda p: p.update_choice(np.full((2, D), np.nan), 0), "options"),
        (lambda p: p.update_choice(np.ones((2, D)), 0, weight=-1.0), "weight"),
        (lambda p: p.update_choice(np.ones((2, D)), 0, offsets=[0.0]), "offsets"),
        (lambda p: p.update_preference(np.ones(D), np.ones(D + 1)), "worse"),
        (lambda p: p.update_binary("no numbers", outcome=True), "features"),
        (lambda p: p.update_binary(np.ones(D), outcome=True, offset=math.inf), "offset"),
        (lambda p: p.update_ordinal(np.ones(D), 3, [0.0, 1.0]), "level"),
        (lambda p: p.update_ordinal(np.ones(D), 0, [1.0, 0.0]), "cuts"),
        (lambda p: p.update_linear(np.ones(D), math.nan, 1.0), "value"),
        (lambda p: p.update_linear(np.ones(D), 0.0, 0.0), "noise_sd"),
        (lambda p: p.forget(-1), "days"),
        (lambda p: p.forget(1, prior=standard(2)), "prior"),
        (lambda p: p.predict_choice(np.ones((0, D))), "options"),
        (lambda p: p.predict_ordinal(np.ones(D), [1.0, -1.0]), "cuts"),
        (lambda p: p.predict_ordinal(np.ones(D), []), "cuts"),
        (lambda p: p.widen([D], 0.5), "places"),
        (lambda p: p.widen([0.7], 0.5), "places"),
        (lambda p: p.widen([1, 1], 0.5), "places"),
        (lambda _: Posterior([0.0, 0.0], [[1.0, 2.0], [2.0, 1.0]]), "covariance"),
        (lambda _: Posterior([math.inf], [[1.0]]), "mean"),
    ],
)
def test_bad_input_is_named_and_changes_nothing(call, named):
    posterior = standard()
    with pytest.raises(ValueError, match=named):
        call(posterior)
    assert_array_equal(posterior.mean, np.zeros(D))
    assert_array_equal(posterior.covariance, np.eye(D))


# --- simulated people, whose truth is known -------------------------------------------------------


def simulated_choices(rng, theta, count, size):
    for _ in range(count):
        options = rng.normal(size=(3, size))
        utilities = options @ theta + rng.gumbel(size=3)
        yield options, int(np.argmax(utilities))


def test_it_recovers_simulated_people_and_knows_how_sure_it_is():
    rng = np.random.default_rng(11)
    correlations, covered = [], []
    for _ in range(40):
        theta = rng.normal(size=8)
        posterior = standard(8)
        for options, chosen in simulated_choices(rng, theta, 40, 8):
            posterior.update_choice(options, chosen)
        correlations.append(np.corrcoef(theta, posterior.mean)[0, 1])
        covered.append(np.abs(theta - posterior.mean) < 1.645 * posterior.sd())
    assert np.median(correlations) > 0.9
    # 90 % intervals; projecting each step onto a Gaussian costs a few points.
    assert 0.83 < np.mean(covered) < 0.95


@pytest.mark.parametrize("sd", [3.0, 30.0])
def test_it_knows_how_sure_it_is_where_little_was_known(sd):
    rng = np.random.default_rng(3)
    covered = []
    for _ in range(25):
        theta = sd * rng.normal(size=8)
        posterior = Posterior(np.zeros(8), sd**2 * np.eye(8))
        for options, chosen in simulated_choices(rng, theta, 40, 8):
            posterior.update_choice(options, chosen)
        covered.append(np.abs(theta - posterior.mean) < 1.645 * posterior.sd())
    # 90 % intervals: what a Gaussian leaves out of sharp evidence costs some more points.
    assert 0.65 < np.mean(covered) < 0.95


def test_a_foretold_yes_is_the_average_over_what_is_believed():
    posterior = Posterior([0.4, -0.2], [[1.0, 0.3], [0.3, 0.5]])
    row, offset = np.array([1.0, 2.0]), -0.3
    drawn = np.random.default_rng(0).multivariate_normal(
        posterior.mean, posterior.covariance, 20000
    )
    expected = (1.0 / (1.0 + np.exp(-(drawn @ row + offset)))).mean()
    assert posterior.predict_binary(row, offset) == pytest.approx(expected, abs=0.01)
    assert posterior.predict_binary(row, 800.0) == pytest.approx(1.0)


def test_foretold_levels_are_those_of_a_choice_at_each_cut():
    prior, row, cuts = Posterior([0.3], [[1.5]]), np.array([1.2]), np.array([-1.0, 0.2, 1.4])
    expected = np.diff([0.0, *(prior_chance(prior, row, cut) for cut in cuts), 1.0])
    assert_allclose(prior.predict_ordinal(row, cuts), expected, atol=0.005)
    assert prior.predict_ordinal(row, cuts).sum() == pytest.approx(1.0)


@settings(deadline=None)
@given(
    st.lists(evidence(tame), max_size=6),
    st.sets(st.integers(0, D - 1)),
    st.floats(0, 1),
)
def test_letting_go_touches_what_it_names_alone(pieces, places, kept):
    posterior = standard()
    for piece in pieces:
        take(posterior, piece)
    before = posterior.copy()
    posterior.widen(sorted(places), kept)
    assert_sound(posterior)
    others = sorted(set(range(D)) - places)
    assert_array_equal(posterior.mean[others], before.mean[others])
    assert_allclose(
        posterior.covariance[np.ix_(others, others)], before.covariance[np.ix_(others, others)]
    )
    named = sorted(places)
    assert_allclose(posterior.mean[named], kept * before.mean[named])
    assert np.all(np.diag(posterior.covariance) >= np.diag(before.covariance) - 1e-9)


def test_a_surprise_is_not_faint():
    """All but one of the options are alike, and the other is chosen."""
    posterior = Posterior([1.5], [[0.2]])
    options = np.array([[-1.0], [1.0], [1.0], [1.0]])
    posterior.update_choice(options, 0)
    theta = np.linspace(-3, 6, 9001)
    logs = -((theta - 1.5) ** 2) / 0.4 - np.log1p(3.0 * np.exp(2.0 * theta))
    density = np.exp(logs - logs.max())
    assert posterior.mean[0] == pytest.approx(theta @ density / density.sum(), abs=0.01)
