"""A simulated person: what answers, reviews and lives in place of a user.

`benchmarks/fidelity.py --user package.module:factory` plays the whole product against anybody who
keeps to `SimulatedUser`; `factory(seed)` returns one. Where they do not keep to it, that ends with
the method, the day and the value. twind is told nothing of how such a person decides: it sees
answers, feedback, check-ins, and what the sources of the person's `Life` hold.

Where a person has more, more is measured: with `tastes`, (75,) strengths in the order of
`catalogue.aspects()`, what answers can lead to at most; with `in_other_luck(number)`, which returns
the same person where luck is otherwise, in what they say and in how days go, what nobody can gain
or foretell without foresight.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from datetime import date, datetime

    from twind.model import Feedback, Proposal, Question, Record


@dataclass(frozen=True, slots=True, kw_only=True)
class LivedBlock:
    """A stretch of a day as it really happened.

    Attributes:
        start, end: aware.
        activity: one of `twind.preferences.features.ACTIVITIES`.
        title: as the person would write it into a calendar.
        people: uids of those who were there; where it is noted, as the life's records have them.
        project: uid of what was worked on; "" for nothing.
        proposal_id: the proposal that it carries out; None for what they did of their own accord.
        noted: whether it stands in the person's calendar afterwards, where twind can read it.

    """

    start: datetime
    end: datetime
    activity: str
    title: str = ""
    people: tuple[str, ...] = ()
    project: str = ""
    proposal_id: int | None = None
    noted: bool = True


class Life(Protocol):
    """What surrounds the person: calendar, tasks and people.

    Attributes:
        settings: the person's twind.toml, as a dict of its sections.
        first_day: the first day on which twind is there.

    """

    settings: Mapping[str, Any]
    first_day: date

    def records(self, now: datetime) -> Iterable[Record]:
        """Return what the person's sources hold at this moment, by their uids.

        Events that are to come, tasks open and done, projects and people. What was lived and noted
        is added by whoever plays the days.
        """
        ...


class SimulatedUser(Protocol):
    """A person, who may be deep-copied: copies live on by themselves.

    The luck of a day is the same whatever was proposed on it, so that a day can be lived twice,
    with and without, and compared.
    """

    life: Life

    def answer(self, question: Question) -> int | Literal["skip"]:
        """Return the id of the option they take, or "skip"."""
        ...

    def review(self, day: date, proposals: Sequence[Proposal]) -> Sequence[Feedback | None]:
        """Return what they say to each proposal, in the same order; None where they say nothing.

        An edit is a yes to what it makes of the proposal. Who snoozes has said neither yes nor no;
        nothing is there to be undone.
        """
        ...

    def live(self, day: date, accepted: Sequence[Proposal]) -> Sequence[LivedBlock]:
        """Live a day and return what really happened; what was accepted may still not be done.

        Days are lived in order, from some weeks before `life.first_day` on. A copy may be asked to
        live a day of the next few without those between, to see what that would be worth.
        """
        ...

    def energy(self, at: datetime) -> float | None:
        """Return how much energy they say they have, 0 to 1; None where they do not say."""
        ...

    def utility(self, blocks: Sequence[LivedBlock]) -> float:
        """Return what the day just lived was worth to them: for scoring alone, never told to twind.

        A finite number in whatever unit; only differences and their ratios are looked at.
        """
        ...
