"""Driven by a loop whose clock stands still until there is nothing left to do at that moment."""

import asyncio
import itertools
import selectors

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twind.daemon.debounce import Debounce

QUIET_S, MOST_S = 2.0, 30.0


class DrivenLoop(asyncio.SelectorEventLoop):
    """Waits by moving its clock."""

    def __init__(self):
        self.now_s = 1000.0
        loop = self

        class Selector(selectors.SelectSelector):
            def select(self, timeout=None):
                loop.now_s += max(timeout or 0.0, 0.0)
                return super().select(0)

        super().__init__(Selector())

    def time(self):
        return self.now_s


def acted(changes, *, for_s=10_000.0):
    """Touch at each of `changes`, in seconds from the start, and return when it acted."""
    loop = DrivenLoop()
    begun, at = loop.time(), []

    async def scenario():
        debounce = Debounce(lambda: at.append(loop.time() - begun), quiet_s=QUIET_S, most_s=MOST_S)
        for change in sorted(changes):
            await asyncio.sleep(begun + change - loop.time())
            debounce.touch()
        await asyncio.sleep(begun + for_s - loop.time())

    try:
        loop.run_until_complete(scenario())
    finally:
        loop.close()
    return at


def test_a_lone_change_waits_for_quiet_and_no_longer():
    assert acted([5.0]) == pytest.approx([7.0])


def test_a_burst_is_acted_upon_once():
    assert acted([5.0, 5.5, 6.0, 7.9]) == pytest.approx([9.9])


@pytest.mark.parametrize("every_s", [0.5, 1.5, 5.0, 10.0])
def test_answers_that_keep_coming_neither_starve_it_nor_set_it_off_each_time(every_s):
    answers = [every_s * number for number in range(int(600 / every_s))]
    at = acted(answers)
    assert 600 / MOST_S - 1 <= len(at) <= 600 / MOST_S + 2
    assert at[-1] >= answers[-1], "the last answer counts too"


def test_what_is_forgotten_is_not_acted_upon():
    loop, at = DrivenLoop(), []

    async def scenario():
        debounce = Debounce(lambda: at.append(loop.time()), quiet_s=QUIET_S, most_s=MOST_S)
        debounce.touch()
        debounce.forget()
        await asyncio.sleep(100)

    loop.run_until_complete(scenario())
    loop.close()
    assert at == []


@given(st.lists(st.floats(0, 300), min_size=1, max_size=60))
def test_no_change_waits_too_long_and_none_is_lost(changes):
    at = acted(changes)
    for change in changes:
        later = [moment for moment in at if moment >= change - 1e-6]
        assert later
        assert later[0] - change <= MOST_S + 1e-6
    assert all(b - a >= MOST_S - 1e-6 for a, b in itertools.pairwise(at))
