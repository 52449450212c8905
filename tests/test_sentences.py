"""How long something takes, in words, and in a sentence that is to say another length."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twind import sentences
from twind.model import Target
from twind.rl import wording
from twind.rl.spaces import DURATIONS_MIN

MINUTES = st.sampled_from([int(each) for each in DURATIONS_MIN])
NAMES = st.text(min_size=1) | st.sampled_from(["Jog for an hour", "Read for two hours"])
TARGETS = st.builds(Target, kind=st.sampled_from(["person", "project"]), id=st.just(1), name=NAMES)


@pytest.mark.parametrize(
    ("minutes", "said"), [(1, "a minute"), (45, "three quarters of an hour"), (50, "50 minutes")]
)
def test_a_length_is_told_as_people_say_it(minutes, said):
    assert sentences.length(minutes) == said


@given(
    target=st.none() | TARGETS,
    first=st.none() | NAMES,
    diplomatic=st.sampled_from([0.0, 1.0]),
    figures=st.none() | st.just((0.5, 0.6)),
    was=MINUTES,
    now=st.integers(1, 1440),
)
def test_a_sentence_says_another_length_and_all_else_as_before(
    target, first, diplomatic, figures, was, now
):
    style = wording.Style(diplomatic=diplomatic, data_driven=1.0)

    def sentence(minutes):
        return wording.sentence(
            "plan", target, minutes, "normal", first=first, style=style, figures=figures
        )

    assert sentences.relength(sentence(was), was, now) == sentence(now)


def test_what_does_not_speak_of_its_length_stays_as_it_is():
    assert sentences.relength("Read", 60, 45) == "Read"
