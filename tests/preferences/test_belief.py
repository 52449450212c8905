"""The belief: names, priors, evidence and what it comes to."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose, assert_array_equal

from twind.errors import ModelError
from twind.preferences import Belief, Posterior, catalogue, features
from twind.preferences.belief import AFFINITY_SD, ASPECT_SD
from twind.preferences.observations import (
    Binary,
    Choice,
    Indifferent,
    Linear,
    Observation,
    Ordinal,
    Preference,
)

START = datetime(2026, 3, 2, 9, tzinfo=UTC)
CODES = [aspect.code for aspect in catalogue.aspects()]


def seen(likelihood, n=1, kind="answer", **more):
    return Observation(
        key=f"test:{n}",
        at=START + timedelta(days=n),
        kind=kind,
        text="You did so.",
        source=("responses", n),
        likelihood=likelihood,
        **more,
    )


def sparse(names):
    return st.dictionaries(st.sampled_from(names), st.floats(-2, 2), max_size=4)


features_of = sparse([*CODES, "part:energy", "person:1", "person:99", "project:7", "NO_SUCH"])
likelihoods = st.one_of(
    st.builds(
        lambda options: Choice(tuple(options), len(options) - 1),
        st.lists(features_of, min_size=2, max_size=4),
    ),
    st.builds(lambda row, level: Ordinal(row, level, (-1.0, 1.0)), features_of, st.integers(0, 2)),
    st.builds(Preference, features_of, features_of),
    st.builds(Binary, features_of, st.booleans()),
    st.builds(Linear, features_of, st.floats(-2, 2), st.floats(0.1, 3)),
    st.builds(lambda a, b, c: Indifferent((a, b, c)), features_of, features_of, features_of),
)


def test_the_prior_is_that_of_the_population():
    belief = Belief.prior([3, 1], [7])
    assert belief.names == (
        *CODES,
        *(f"part:{part}" for part in features.PARTS),
        *(f"attribute:{name}" for name in features.ATTRIBUTES),
        "person:1",
        "person:3",
        "project:7",
    )
    assert_allclose(belief.parts(), 1.0)
    assert belief.sd_of("VAL_GROWTH") == pytest.approx(ASPECT_SD)
    assert belief.sd_of("person:3") == pytest.approx(AFFINITY_SD)
    assert all(belief.confidence(code) == pytest.approx(0.0, abs=1e-9) for code in CODES)


def test_patterns_made_elsewhere_become_the_prior():
    belief = Belief.prior(
        earlier={
            "VAL_GROWTH": (0.8, 0.6),
            "VAL_SECURITY": (0.3, 0.0),
            "NO_SUCH": (1.0, 1.0),
            "VAL_SERVICE": (float("nan"), 0.5),
            "VAL_FREEDOM": (5.0, 1.0),
        }
    )
    assert belief.strength("VAL_GROWTH") == pytest.approx(0.8)
    assert belief.confidence("VAL_GROWTH") == pytest.approx(0.6)
    assert belief.strength("VAL_SECURITY") == 0.0
    assert belief.strength("VAL_FREEDOM") == 1.0
    assert belief.confidence("VAL_FREEDOM") == pytest.approx(0.95)


@settings(max_examples=60, deadline=None)
@given(st.lists(likelihoods, max_size=6), st.sampled_from(["answer", "feedback", "behaviour"]))
def test_any_evidence_leaves_a_sound_belief(likelihoods, kind):
    belief = Belief.prior([1])
    belief.learn(seen(one, n, kind) for n, one in enumerate(likelihoods))
    np.linalg.cholesky(belief.posterior.covariance)
    for pattern in belief.patterns():
        assert -1 <= pattern.strength <= 1
        assert 0 <= pattern.confidence <= 1
        assert 0 <= pattern.impact <= 1
        assert pattern.evidence_count <= len(likelihoods)
    again = Belief.from_bytes(belief.to_bytes())
    assert again.to_bytes() == belief.to_bytes()
    assert again.names == belief.names
    assert again.patterns() == belief.patterns()


def test_evidence_moves_what_it_speaks_of():
    belief = Belief.prior()
    shifts = belief.update(seen(Choice(({"VAL_GROWTH": 1.0}, {"VAL_SECURITY": 1.0}), 0)))
    assert shifts["VAL_GROWTH"] > 0 > shifts["VAL_SECURITY"]
    assert belief.confidence("VAL_GROWTH") > 0.05
    explained = belief.explain("VAL_GROWTH")
    assert explained.evidence_count == 1
    assert explained.strongest[0].key == "test:1"
    assert explained.mean == pytest.approx(explained.prior_mean + shifts["VAL_GROWTH"])


def test_only_the_strongest_evidence_is_kept_but_all_is_counted():
    belief = Belief.prior()
    belief.learn(seen(Linear({"VAL_GROWTH": 1.0}, 0.5, 1.0), n) for n in range(30))
    explained = belief.explain("VAL_GROWTH")
    assert explained.evidence_count == 30
    assert len(explained.strongest) == 10
    sizes = [abs(one.shift) for one in explained.strongest]
    assert sizes == sorted(sizes, reverse=True)


def test_people_are_taken_in_when_they_appear():
    belief = Belief.prior()
    belief.update(seen(Preference({"person:9": 1.0}, {})))
    assert belief.mean_of("person:9") > 0
    assert "person:10" not in belief
    with pytest.raises(ValueError, match="FOO"):
        belief.extend(["FOO"])


def test_a_kind_of_evidence_speaks_as_loudly_as_its_noise_allows():
    moved = []
    for kind in ("answer", "feedback", "behaviour"):
        belief = Belief.prior()
        belief.update(seen(Preference({"VAL_GROWTH": 1.0}, {}), kind=kind))
        moved.append(belief.confidence("VAL_GROWTH"))
    assert moved == sorted(moved, reverse=True)


def test_indifference_pulls_together():
    belief = Belief.prior(earlier={"VAL_GROWTH": (0.9, 0.2), "VAL_SECURITY": (-0.9, 0.2)})
    belief.update(seen(Indifferent(({"VAL_GROWTH": 1.0}, {"VAL_SECURITY": 1.0}))))
    assert belief.strength("VAL_GROWTH") - belief.strength("VAL_SECURITY") < 1.7


def test_old_evidence_fades():
    fresh, old = Belief.prior(), Belief.prior()
    evidence = [seen(Linear({"VAL_GROWTH": 1.0}, 0.5, 0.2))]
    fresh.learn(evidence, until=START + timedelta(days=1))
    old.learn(evidence, until=START + timedelta(days=1000))
    assert old.confidence("VAL_GROWTH") < fresh.confidence("VAL_GROWTH")
    assert 0 < old.strength("VAL_GROWTH") < fresh.strength("VAL_GROWTH")


def test_the_order_in_which_evidence_is_read_does_not_matter():
    evidence = [seen(Preference({CODES[n]: 1.0}, {CODES[n + 1]: 1.0}), n) for n in range(8)]
    one, other = Belief.prior(), Belief.prior()
    one.learn(evidence)
    other.learn(reversed(evidence))
    assert_array_equal(one.posterior.mean, other.posterior.mean)


def test_distance_is_in_prior_standard_deviations():
    belief = Belief.prior([1])
    assert belief.distance(belief.copy()) == 0.0
    moved = belief.copy()
    values = [place for place, kind in enumerate(features.rewarded()) if kind]
    moved.posterior.mean[values] += 0.01
    little = belief.distance(moved)
    moved.posterior.mean[values] += 1.0
    assert 0 < little < 0.5 < belief.distance(moved)
    assert belief.distance(moved) == pytest.approx(moved.distance(belief))
    fond = belief.copy()
    fond.posterior.mean[belief.names.index("person:1")] += AFFINITY_SD
    assert belief.distance(fond) == pytest.approx(1.0)


def test_traits_do_not_move_the_reward():
    belief = Belief.prior()
    moved = belief.copy()
    moved.posterior.mean[: len(CODES)][~features.rewarded()] += 1.0
    assert belief.distance(moved) == 0.0


def test_worth_is_that_of_the_features():
    belief = Belief.prior(earlier={"VAL_GROWTH": (0.5, 0.5)})
    mean, sd = belief.worth({"VAL_GROWTH": 2.0, "NO_SUCH": 1.0})
    assert mean == pytest.approx(1.0)
    assert sd == pytest.approx(2 * belief.sd_of("VAL_GROWTH"))


def test_damaged_bytes_are_said_to_be_damaged():
    data = Belief.prior().to_bytes()
    for broken in (b"", b"not a belief", data[:-8], data[:40]):
        with pytest.raises(ModelError, match="belief"):
            Belief.from_bytes(broken)


def test_names_must_fit_the_posterior():
    with pytest.raises(ValueError, match="names"):
        Belief(("a", "a"), Posterior(np.zeros(2), np.eye(2)))


def test_the_same_evidence_under_a_copy_is_its_own():
    belief = Belief.prior()
    other = belief.copy()
    other.update(seen(Preference({"VAL_GROWTH": 1.0}, {})))
    assert belief.explain("VAL_GROWTH").evidence_count == 0
    assert belief.strength("VAL_GROWTH") == 0.0
