"""Learning on from what is kept: the same belief, to the last bit, for less work."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from twind.preferences import Belief, catalogue, resuming
from twind.preferences.observations import Binary, Observation, Preference

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
FIRST, SECOND = (aspect.code for aspect in catalogue.aspects()[:2])

observations = st.lists(
    st.builds(
        lambda number, day, likelihood: Observation(
            key=f"test:{number}",
            at=NOW + timedelta(days=day),
            kind="answer",
            text="You did so.",
            source=("responses", number),
            likelihood=likelihood,
        ),
        st.integers(0, 99),
        st.integers(-40, 3),
        st.one_of(
            st.builds(Binary, st.just({FIRST: 1.0}), st.booleans()),
            st.just(Preference({FIRST: 1.0}, {SECOND: 0.5})),
        ),
    ),
    max_size=8,
    unique_by=lambda one: one.key,
)


def at_once(prior, seen, until):
    belief = prior.copy()
    belief.learn(seen, until)
    return belief.to_bytes()


class Counting:
    """A prior that counts what any belief learns."""

    def __init__(self, monkeypatch):
        self.learnt = 0
        real = Belief.update

        def update(belief, observation):
            self.learnt += 1
            return real(belief, observation)

        monkeypatch.setattr(Belief, "update", update)


@settings(deadline=None)
@given(observations, observations, st.integers(0, 9))
def test_in_two_parts_is_as_at_once(before, after, days):
    """Whatever comes in between, wherever in time it belongs, and whatever is gone again."""
    prior = Belief.prior([1, 2], [7])
    belief, kept = resuming.learn(prior, before, NOW)
    assert belief.to_bytes() == at_once(prior, before, NOW)
    later = NOW + timedelta(days=days)
    belief, _ = resuming.learn(prior, after, later, kept)
    assert belief.to_bytes() == at_once(prior, after, later)
    known = {one.key for one in before}
    both = before + [one for one in after if one.key not in known]
    belief, _ = resuming.learn(prior, both, later, kept)
    assert belief.to_bytes() == at_once(prior, both, later)


def answers(n):
    return [
        Observation(
            key=f"answer:{number}",
            at=NOW - timedelta(days=n - number),
            kind="answer",
            text="You said so.",
            source=("responses", number),
            likelihood=Binary({FIRST: 1.0}, outcome=True),
        )
        for number in range(n)
    ]


def test_only_what_is_new_is_learnt(monkeypatch):
    counting, prior, seen = Counting(monkeypatch), Belief.prior(), answers(20)
    _, kept = resuming.learn(prior, seen[:19], NOW)
    assert counting.learnt == 19
    _, kept = resuming.learn(prior, seen, NOW, kept)
    assert counting.learnt == 20
    resuming.learn(prior, seen, NOW, kept)
    assert counting.learnt == 20
    resuming.learn(prior, seen[1:], NOW, kept)
    assert counting.learnt == 39


@pytest.mark.parametrize("kept", [b"", b"x" * 400, None])
def test_what_is_of_no_use_is_passed_over(kept):
    prior, seen = Belief.prior(), answers(3)
    belief, good = resuming.learn(prior, seen, NOW, kept)
    assert belief.to_bytes() == at_once(prior, seen, NOW)
    spoilt = good[:40] + b"spoilt"
    assert resuming.learn(prior, seen, NOW, spoilt)[0].to_bytes() == belief.to_bytes()
