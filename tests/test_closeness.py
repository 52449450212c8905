"""Closeness and cadence, on lives made by hand and by what holds of any life."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twind import closeness as room
from twind.closeness import Meeting, cadence_days, cadence_why, closeness, usual_gap_days

NOW = datetime(2026, 3, 2, 8, 0, tzinfo=ZoneInfo("Europe/Berlin"))


def met(*days_ago: float, **more) -> list[Meeting]:
    return [Meeting(NOW - timedelta(days=days), **more) for days in days_ago]


def close(meetings=(), **more) -> float:
    return closeness(meetings, NOW, **more).value


# --- how close -----------------------------------------------------------------------------------

MONTHS = range(10, 360, 30)
WEEKS = range(3, 360, 7)


def test_lives_made_by_hand_come_in_the_order_that_anybody_would_put_them():
    """From a stranger in the address book to the spouse."""
    lives = {
        "stranger": close(),
        "seen once in a crowd": close(met(20, others=19)),
        "colleague of the weekly round": close(met(*WEEKS, others=8, own=False, series="round")),
        "seen once, alone": close(met(20)),
        "boss, every week, alone": close(met(*WEEKS, own=False, series="one to one")),
        "friend, every month, by choice": close(met(*MONTHS)),
        "best friend, every week, by choice": close(met(*WEEKS)),
        "sister, hardly ever": close(met(200), relations=["sister"]),
        "spouse": close(relations=["spouse"]),
    }
    values = list(lives.values())
    assert values[0] == room.DEFAULT
    assert all(after - before > 0.01 for before, after in pairwise(values[1:7]))
    assert values[1] > values[0]
    assert lives["friend, every month, by choice"] > 0.6
    assert lives["best friend, every week, by choice"] > 0.85
    assert lives["sister, hardly ever"] > lives["friend, every month, by choice"]
    assert lives["spouse"] == max(values)


@pytest.mark.parametrize(
    ("more", "less"),
    [
        (met(5), met(5, others=2)),
        (met(5, others=2), met(5, others=19)),
        (met(5), met(5, own=False)),
        (met(5), met(100)),
        (met(5, 40), met(5, 40, series="s")),
        (met(5, 6), met(5, 5.1)),
        (met(5, 6, 7, series="s"), met(5, 5.1, 5.2, series="s")),
    ],
)
def test_what_says_more_counts_more(more, less):
    assert close(more) > close(less) > room.DEFAULT


def test_a_day_together_counts_half_after_a_quarter():
    now, then = room.contact(met(0), NOW), room.contact(met(room.HALF_LIFE_DAYS), NOW)
    assert (now, then) == (1.0, 0.5)


def test_two_meetings_of_a_day_are_one_day_on_the_users_clock():
    late = datetime(2026, 2, 1, 23, 30, tzinfo=UTC).astimezone(NOW.tzinfo)
    early = datetime(2026, 2, 1, 23, 0, tzinfo=UTC).astimezone(NOW.tzinfo)
    assert late.date().day == 2
    assert room.contact([Meeting(late), Meeting(early)], NOW) == room.contact([Meeting(late)], NOW)


def test_what_the_user_has_said_is_the_answer():
    for told, value in (({"love": 8, "trust": 0.4}, 0.6), ({"trust": 70}, 0.7), ({"love": 0}, 0.0)):
        found = closeness(met(*WEEKS), NOW, told=told, relations=["spouse"], groups=["Family"])
        assert (found.value, found.why) == (pytest.approx(value), "you have said so")
    assert close(told={"interest": 9}) == room.DEFAULT


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ({}, "nothing is known yet"),
        ({"relations": ["colleague"], "groups": ["Chess"]}, "nothing is known yet"),
        ({"relations": ["friend", "spouse"]}, "your spouse"),
        ({"groups": ["Freunde", "Family"]}, "in your group Family"),
        ({"relations": ["friend"], "groups": ["friends"]}, "your friend"),
        ({"relations": ["friend"], "groups": ["Family"]}, "in your group Family"),
    ],
)
def test_what_people_are_to_each_other_is_where_it_begins(more, why):
    bare, met_often = closeness([], NOW, **more), closeness(met(*WEEKS), NOW, **more)
    assert bare.why == why
    assert met_often.value >= bare.value
    assert met_often.why.endswith(f"{len(WEEKS)} days together")
    assert closeness(met(3), NOW).why == "a day together"


meetings = st.lists(
    st.builds(
        Meeting,
        at=st.integers(0, 400 * 24).map(lambda hours: NOW - timedelta(hours=hours)),
        others=st.integers(1, 30),
        own=st.booleans(),
        series=st.sampled_from(["", "", "s", "t"]),
    ),
    max_size=30,
)
known = st.fixed_dictionaries(
    {},
    optional={
        "relations": st.lists(st.sampled_from([*room.RELATIONS, "colleague"]), max_size=3),
        "groups": st.lists(st.sampled_from(["Family", "friends", "Chess"]), max_size=3),
    },
)


@given(meetings, meetings, known)
def test_more_contact_never_lowers_closeness(some, more, told):
    assert close([*some, *more], **told) >= close(some, **told) - 1e-12


@given(meetings, known, st.randoms(use_true_random=False))
def test_the_order_of_the_sources_and_copies_change_nothing(some, told, luck):
    shuffled = luck.sample(some, len(some))
    # A calendar that is read from two places has everything twice.
    twice = [*shuffled, *(replace(one, record=one.record + 1) for one in some)]
    for other in (shuffled, twice):
        assert closeness(other, NOW, **told) == closeness(some, NOW, **told)
        assert cadence_days(other, NOW, 0.5) == cadence_days(some, NOW, 0.5)
        assert usual_gap_days(other, NOW) == usual_gap_days(some, NOW)
    reordered = {name: luck.sample(values, len(values)) for name, values in told.items()}
    assert closeness(some, NOW, **reordered) == closeness(some, NOW, **told)


@given(meetings, known)
def test_closeness_is_a_share(some, told):
    assert room.DEFAULT <= close(some, **told) <= max(room.RELATIONS.values())


# --- how often -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("days_ago", "cadence"),
    [
        ([8, 15, 22, 29], 7),
        ([1, 2, 3], 1),
        # Two days in a row each month are a monthly habit.
        ([5, 6, 35, 36, 65, 66], 29),
        # One long absence ends no habit, and three days of a conference make none.
        ([*range(3, 100, 7), *range(250, 350, 7)], 7),
        ([170, 171, 172], 170),
        # After a while without, little is left of a habit that was a short one.
        ([*range(60, 89, 7)], 60),
        ([*range(20, 200, 7)], 7),
    ],
)
def test_rhythms(days_ago, cadence):
    assert cadence_days(met(*days_ago), NOW, 0.3) == cadence


def test_without_contact_closeness_alone_tells():
    assert [round(cadence_days([], NOW, value)) for value in (1.0, 0.3, 0.0)] == [7, 42, 90]


def test_few_contacts_move_what_is_expected():
    expected = cadence_days([], NOW, 0.3)
    assert cadence_days(met(3), NOW, 0.3) == pytest.approx(expected)
    assert cadence_days(met(300), NOW, 0.3) > 1.5 * expected
    assert expected > cadence_days(met(3, 10), NOW, 0.3) > 7
    assert cadence_days(met(10, 300), NOW, 0.3) > 2 * expected


@given(meetings, st.floats(0, 1))
def test_a_cadence_is_between_a_day_and_a_year(some, value):
    assert room.LEAST_DAYS <= cadence_days(some, NOW, value) <= room.MOST_DAYS


@given(meetings, st.floats(0, 1), st.integers(0, 400))
def test_the_longer_it_has_been_the_longer_the_cadence(some, value, days):
    later = NOW + timedelta(days=days)
    assert cadence_days(some, later, value) >= cadence_days(some, NOW, value) - 1e-9


@pytest.mark.parametrize(
    ("days_ago", "usual", "why"),
    [
        ([], None, "how close they are"),
        ([3, 10], None, "how close they are, and when they met"),
        ([3, 10, 17], 7, "3 days together"),
        ([170, 171, 172], None, "3 days together, and the long time since"),
    ],
)
def test_what_is_said_of_it(days_ago, usual, why):
    assert usual_gap_days(met(*days_ago), NOW) == usual
    assert cadence_why(met(*days_ago), NOW) == why
