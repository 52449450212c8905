"""Evidence without what the user has disowned.

What was dropped was never there. Evidence that an aspect has nothing to do with, by the user's
word, is read as if the aspect were worth nothing: what it showed is left to the others it speaks
of.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from twind.preferences.observations import Change, Choice, Indifferent, Preference, names_in

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping
    from datetime import datetime

    from twind.model import Question
    from twind.preferences.detectors import History
    from twind.preferences.observations import Features, Likelihood, Observation

    Row = tuple[str, int]


@dataclass(frozen=True, slots=True)
class Disowned:
    """What nothing is to be learnt from, or of.

    Attributes:
        rows: (table, id) of what no evidence may rest on.
        people: parameters ("person:3") whose evidence is left out whole.
        until: aspect -> the moment up to which evidence does not speak of it; None for ever.

    """

    rows: frozenset[Row] = frozenset()
    people: frozenset[str] = frozenset()
    until: Mapping[str, datetime | None] = field(default_factory=dict)

    def history(self, lived: History) -> History:
        """Return what happened without what is disowned, so that habits do not hold it either."""
        if not self.rows:
            return lived
        return replace(
            lived,
            blocks=tuple(one for one in lived.blocks if one.source not in self.rows),
            tasks=tuple(one for one in lived.tasks if one.source not in self.rows),
            invitations=tuple(
                one for one in lived.invitations if one.block.source not in self.rows
            ),
        )

    def evidence(self, seen: Iterable[Observation]) -> Iterator[Observation]:
        """Yield what still stands, speaking of no more than it may."""
        for one in seen:
            if one.source in self.rows or self._is_of_nobody(one):
                continue
            silenced = {
                name for name, until in self.until.items() if until is None or one.at <= until
            }
            left = without(one.likelihood, silenced)
            if left is one.likelihood:
                yield one
            elif names_in(left):
                yield replace(one, likelihood=left)

    def _is_of_nobody(self, one: Observation) -> bool:
        return bool(self.people and self.people.intersection(names_in(one.likelihood)))

    def question(self, asked: Question) -> Question:
        """Return a question as its answer would be heard: of what is never to be believed, not."""
        never = {name for name, until in self.until.items() if until is None}
        options = [replace(o, features=_without(o.features, never)) for o in asked.options]
        return replace(asked, options=tuple(options)) if never else asked


def without(likelihood: Likelihood, names: Collection[str]) -> Likelihood:
    """Return a likelihood in which these parameters play no part; itself where they play none."""
    if not names or not set(names).intersection(names_in(likelihood)):
        return likelihood
    if isinstance(likelihood, Choice | Indifferent):
        options = tuple(_without(option, names) for option in likelihood.options)
        return replace(likelihood, options=options)
    if isinstance(likelihood, Change):
        return replace(likelihood, names=tuple(n for n in likelihood.names if n not in names))
    if isinstance(likelihood, Preference):
        return Preference(_without(likelihood.better, names), _without(likelihood.worse, names))
    return replace(likelihood, features=_without(likelihood.features, names))


def _without(features: Features, names: Collection[str]) -> dict[str, float]:
    return {name: weight for name, weight in features.items() if name not in names}
