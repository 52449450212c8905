"""How loudly evidence speaks: what is changed is read otherwise, and is as it was afterwards."""

from __future__ import annotations

import numpy as np
import pytest
import weighing

from twind.preferences import observations


def test_a_constant_is_otherwise_for_a_while():
    before = dict(observations.NOISE), observations.SCALE_SLOPE
    with weighing.changed("SCALE_SLOPE", 2.0):
        assert before[1] * 2.0 == observations.SCALE_SLOPE
    with pytest.raises(KeyError), weighing.changed("answer", 0.5):
        assert observations.NOISE["answer"].slope == before[0]["answer"].slope / 2.0
        raise KeyError
    assert before == (observations.NOISE, observations.SCALE_SLOPE)


def test_every_constant_is_halved_and_doubled():
    changes = list(weighing.settings().values())
    for name in ("SCALE_SLOPE", "REJECTED", *observations.NOISE):
        assert {factor for which, factor in changes if which == name} >= {0.5, 2.0}


@pytest.mark.slow
def test_what_a_person_said_is_foretold_by_each_setting(monkeypatch):
    monkeypatch.setattr(weighing, "DAYS", 3)
    lost = weighing.foretold(0, 1)
    assert lost.keys() == weighing.settings().keys()
    # Whether a scale was among the questions of so few days is luck.
    told = [weighing.MEASURED.index(name) for name in ("answer", "feedback", "rmse")]
    as_is, otherwise = (np.array(lost[name])[told] for name in ("as_is", "answer_slope_x2"))
    assert np.all(as_is > 0.0)
    # What is heard twice as loudly is foretold otherwise, and leaves another belief.
    assert np.all(as_is != otherwise)
