"""A change is found where there is one, is named, and is not found where there is none."""

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from twind.preferences import catalogue
from twind.preferences.belief import ATTRIBUTE_NAMES, Belief
from twind.preferences.change import APART_DAYS, as_evidence, find, names_of
from twind.preferences.observations import Choice, Observation

FIRST = datetime(2026, 3, 2, 8, tzinfo=UTC)
DAYS, CHANGED, A_DAY = 42, 32, 6
WORK = names_of("Work Style")


def somebody(rng):
    return dict(zip(names_of(""), 0.8 * rng.choice([-1.0, 1.0], len(names_of(""))), strict=True))


def flipped(tastes, names):
    return {name: -taste if name in names else taste for name, taste in tastes.items()}


def lived(rng, tastes, after, about=WORK):
    """Return what somebody says who is `tastes` first, and `after` from the day CHANGED on."""
    told = []
    for day in range(DAYS):
        now = after if day >= CHANGED else tastes
        for number in range(A_DAY):
            one, other = rng.choice(about, 2, replace=False)
            options = ({str(one): 1.0}, {str(other): 1.0})
            worth = 2.5 * np.array([now[one], now[other]]) + rng.gumbel(size=2)
            told.append(
                Observation(
                    key=f"response:{day}:{number}",
                    at=FIRST + timedelta(days=day, minutes=number),
                    kind="answer",
                    text="",
                    source=("responses", day * A_DAY + number),
                    likelihood=Choice(options, int(np.argmax(worth))),
                )
            )
    return told


def end():
    return FIRST + timedelta(days=DAYS)


def test_dimensions_are_named_as_the_catalogue_names_them():
    assert len(WORK) == 5
    codes = {aspect.code for aspect in catalogue.aspects()}
    assert {*names_of("")} == codes | {*ATTRIBUTE_NAMES}


@pytest.mark.parametrize("seed", range(3))
def test_a_change_of_a_dimension_is_found_and_named(seed):
    rng = np.random.default_rng(seed)
    tastes = somebody(rng)
    told = lived(rng, tastes, flipped(tastes, WORK))
    found = find(Belief.prior(), told, end())
    assert found.dimension in ("Work Style", "")
    assert timedelta(0) <= end() - found.at <= timedelta(days=14)


@pytest.mark.parametrize("seed", range(6))
def test_nothing_is_found_where_nothing_has_changed(seed):
    rng = np.random.default_rng(seed)
    tastes = somebody(rng)
    assert find(Belief.prior(), lived(rng, tastes, tastes), end()) is None


def test_letting_go_of_what_has_changed_makes_the_new_known_sooner():
    rng = np.random.default_rng(1)
    tastes = somebody(rng)
    told = lived(rng, tastes, flipped(tastes, WORK))
    found = find(Belief.prior(), told, end())
    change = Observation(
        key="change:1",
        at=found.at,
        kind="behaviour",
        text="",
        source=("changes", 1),
        likelihood=as_evidence(found.dimension),
    )
    off = []
    for evidence in (told, [*told, change]):
        belief = Belief.prior()
        belief.learn(evidence, end())
        off.append(sum((belief.mean_of(name) + tastes[name]) ** 2 for name in WORK))
    assert off[1] < off[0]


def test_what_is_known_to_have_changed_is_not_found_again():
    rng = np.random.default_rng(0)
    tastes = somebody(rng)
    told = lived(rng, tastes, flipped(tastes, WORK))
    everything = [(end(), one.name) for one in catalogue.dimensions()]
    assert find(Belief.prior(), told, end(), [*everything, (end(), "")]) is None
    long_ago = end() - timedelta(days=APART_DAYS + 1)
    assert find(Belief.prior(), told, end(), [(long_ago, "Work Style"), (long_ago, "")])


def test_little_evidence_tells_nothing():
    rng = np.random.default_rng(0)
    tastes = somebody(rng)
    assert find(Belief.prior(), lived(rng, tastes, tastes)[:25], end()) is None
