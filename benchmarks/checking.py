"""Somebody who brings their own simulated person is told where it is none, and not by a figure.

`Checked` stands between the benchmark and a person, and looks at all that they say and do.
"""

from __future__ import annotations

import math

import knowing
import numpy as np

METHODS = ("answer", "review", "live", "energy", "utility")
SURROUNDINGS = ("settings", "first_day", "records")
WORDS = ("accept", "reject", "edit", "snooze")
"""What can be said to a proposal of which nothing has been said yet."""


class BreachError(Exception):
    """A person does not keep to `twind.testing.SimulatedUser`: the method, the day, the value."""


class Checked:
    """A simulated person who keeps to the protocol, or raises BreachError; so do copies."""

    def __init__(self, user):
        life = getattr(user, "life", None)
        lacks = [name for name in METHODS if not callable(getattr(user, name, None))]
        lacks += [f"life.{name}" for name in SURROUNDINGS if not hasattr(life, name)]
        if lacks:
            raise BreachError(f"{type(user).__name__} has no {', '.join(lacks)}")
        self.user, self.day = user, life.first_day
        self._known = frozenset()

    @property
    def life(self):
        """What surrounds the person."""
        return self.user.life

    @property
    def tastes(self):
        """Their strengths, where they tell them."""
        from twind.preferences import catalogue

        tastes, shape = self.user.tastes, (len(catalogue.aspects()),)
        if np.shape(tastes) != shape or not np.isfinite(tastes).all():
            raise BreachError(f"tastes: {tastes!r} are no {shape[0]} finite strengths")
        return tastes

    @property
    def in_other_luck(self):
        """What returns them where luck is otherwise, where they can say."""
        return self._in_other_luck if self.user.in_other_luck else None

    def _in_other_luck(self, number):
        other = Checked(self.user.in_other_luck(number))
        other.day, other._known = self.day, self._known
        return other

    def answer(self, question):
        """Return the option they take, which there is, or "skip"."""
        said = self.user.answer(question)
        options = [one.id for one in question.options]
        if said != "skip" and said not in options:
            rule = f'neither "skip" nor one of the options {options}'
            self._break("answer", said, rule, f"after {self.day}")
        return said

    def review(self, day, proposals):
        """Return what they say, a word or None to each of the proposals, in their order."""
        self.day = day
        said = list(self.user.review(day, proposals))
        if len(said) != len(proposals):
            self._break("review", said, f"{len(said)} words to {len(proposals)} proposals")
        for one, word in zip(proposals, said, strict=True):
            self._look_at_word(one, word)
        return said

    def _look_at_word(self, proposal, word):
        from twind.model import Feedback

        if word is None:
            return
        if not isinstance(word, Feedback):
            self._break("review", word, "neither Feedback nor None")
        if word.proposal_id != proposal.id:
            self._break("review", word, f"in the place of what is said to proposal {proposal.id}")
        if word.action not in WORDS:
            self._break("review", word, f"action is none of {', '.join(WORDS)}")
        if word.start is not None and word.start.tzinfo is None:
            self._break("review", word, "start is in no time zone")
        if word.duration_min is not None and not word.duration_min > 0:
            self._break("review", word, "duration_min is not positive")

    def live(self, day, accepted):
        """Return what happened: blocks of a known kind, with those whom the calendar can name."""
        self.day = day
        blocks = list(self.user.live(day, accepted))
        for block in blocks:
            self._look_at_block(block)
        return blocks

    def _look_at_block(self, block):
        from twind.preferences.features import ACTIVITIES
        from twind.testing import LivedBlock

        if not isinstance(block, LivedBlock):
            self._break("live", block, "no LivedBlock")
        if block.start.tzinfo is None or block.end.tzinfo is None:
            self._break("live", block, "start or end is in no time zone")
        if block.start >= block.end:
            self._break("live", block, "it does not end after its start")
        if block.activity not in ACTIVITIES:
            self._break("live", block, f"activity is none of {', '.join(ACTIVITIES)}")
        if block.noted and (strangers := self._strangers(block.people)):
            self._break("live", block, f"no Person in life.records has the uid {strangers[0]!r}")

    def _strangers(self, people):
        from twind.model import Person

        if not self._known.issuperset(people):
            now = knowing.moment_of(self.day, 0, knowing.settings_of(self).zone)
            records = self.life.records(now)
            self._known = frozenset(one.uid for one in records if isinstance(one, Person))
        return [one for one in people if one not in self._known]

    def energy(self, at):
        """Return how much energy they have, 0 to 1, or None."""
        level = self.user.energy(at)
        if level is not None and not _is_number(level, 0.0, 1.0):
            self._break("energy", level, "neither None nor within 0 to 1", at)
        return level

    def utility(self, blocks):
        """Return what the day just lived was worth, which is a number."""
        worth = self.user.utility(blocks)
        if not _is_number(worth):
            self._break("utility", worth, "no finite number")
        return worth

    def _break(self, method, value, rule, when=None):
        raise BreachError(f"{method}, {when or self.day}: {value!r}: {rule}")


def _is_number(value, least=-math.inf, most=math.inf):
    try:
        return math.isfinite(value) and least <= value <= most
    except TypeError:
        return False
