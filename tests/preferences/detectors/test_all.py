"""All detectors at once."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from small_lives import block, learnt, task

from twind.preferences.detectors import History, Invitation, detect, habits

blocks = st.builds(
    lambda n, day, hour, hours, activity, people, own, series, known_h: block(
        n,
        day,
        hour,
        hours,
        activity,
        people_ids=people,
        own=own,
        series=series,
        closeness=0.5,
        known_local=None if known_h is None else block(n, day, hour - known_h).start_local,
    ),
    st.integers(1, 400),
    st.integers(0, 40),
    st.floats(0, 24),
    st.floats(0, 30),
    st.one_of(st.none(), st.integers(0, 9)),
    st.lists(st.integers(1, 5), unique=True, max_size=4).map(tuple),
    st.booleans(),
    st.sampled_from(["", "s1", "s2"]),
    st.one_of(st.none(), st.floats(-5, 200)),
)
tasks = st.builds(task, st.integers(0, 25), st.floats(-10, 30), st.sampled_from([None, 2, 30]))


@settings(max_examples=80, deadline=None)
@given(
    st.lists(blocks, max_size=14, unique_by=lambda one: one.source),
    st.lists(tasks, max_size=4, unique_by=lambda one: one.source),
    st.sets(st.integers(0, 13)),
)
def test_any_history_gives_sound_evidence(lived, done, accepted):
    invited = tuple(
        Invitation(one, place in accepted) for place, one in enumerate(lived) if not one.own
    )
    history = History(tuple(lived), tuple(done), invited)
    found = detect(history)
    assert len({seen.key for seen in found}) == len(found)
    assert all(0 < seen.weight <= 1 for seen in found)
    assert all(seen.text for seen in found)
    assert found == detect(history)
    assert found == detect(History(tuple(reversed(lived)), tuple(reversed(done)), invited))
    belief = learnt(found)
    assert np.isfinite(belief.posterior.mean).all()
    np.linalg.cholesky(belief.posterior.covariance)
    table = habits(history)
    assert table.shape == (2, 96, 11)
    assert (table >= 0).all()
    assert_allclose(table.sum(axis=2), 1.0)
