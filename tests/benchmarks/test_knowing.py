"""The search that knows: by twind's own limits, and with people as they are."""

from __future__ import annotations

import copy
from dataclasses import replace
from datetime import timedelta

import families
import fidelity
import knowing
import pytest

from twind.model import Feedback, Target

NIGHT_OWL = {"sleep": "01:00-08:30", "quiet": "20:00-09:00", "work": {"mon": "13:00-15:00"}}


class Owl(families.Person):
    """Who goes to bed after midnight, and wants little of twind."""

    def __init__(self, seed):
        super().__init__(seed)
        self.life.settings |= {
            "hours": NIGHT_OWL,
            "schedule": {"propose_at": "10:00"},
            "proposals": {"max_per_day": 1},
        }


class Editor(families.Person):
    """Who says yes to half an hour of everything, a quarter of an hour later."""

    def __init__(self, seed):
        super().__init__(seed)
        self.taken = []

    def review(self, day, proposals):
        return [
            Feedback(
                proposal_id=one.id,
                action="edit",
                at=one.start,
                start=one.start + timedelta(minutes=15),
                duration_min=30,
            )
            for one in proposals
        ]

    def live(self, day, accepted):
        self.taken += accepted
        return super().live(day, accepted)


def local_hours(proposals):
    return [
        (one, start.hour + start.minute / 60)
        for one in proposals
        for start in [one.start.astimezone(families.ZONE)]
    ]


def test_everything_keeps_to_hours_and_to_what_is_switched_on():
    user = Owl(0)
    found = local_hours(knowing.everything(user, user.life.first_day))
    assert found
    for one, begins in found:
        # Proposed at ten; quiet from eight in the evening on.
        assert begins >= 10.25
        assert begins + one.duration_min / 60 <= 20.0
        assert one.action not in ("exercise", "reflect")
        if 12.0 < begins < 15.0:
            assert one.action == "plan" or one.target.kind == "project"
    ahead = local_hours(knowing.everything(user, user.life.first_day, today=False))
    assert min(begins for _, begins in ahead) == 9.0


def test_nothing_is_proposed_over_an_event():
    user = families.Ordinary(1)
    day = next(
        day
        for day in (user.life.first_day + timedelta(days=number) for number in range(5))
        if user.life.meetings(day)
    )
    meetings = [[families.at(day, end) for end in one] for one in user.life.meetings(day)]
    for one in knowing.everything(user, day):
        assert all(one.end <= start or end <= one.start for start, end in meetings)


def test_people_are_asked_for_their_time_by_day_and_once():
    user = families.ShiftWorker(0)
    late = [
        one
        for one, begins in local_hours(knowing.everything(user, user.life.first_day))
        if begins + one.duration_min / 60 > 22.0
    ]
    assert late
    assert not any(one.target and one.target.kind == "person" for one in late)
    friend, other = (Target(kind="person", id=row, name=str(row)) for row in range(2))
    coffee = replace(late[0], action="social", target=friend)
    help_ = replace(coffee, action="help", start=coffee.end, end=coffee.end + timedelta(hours=1))
    assert knowing.clash(coffee, help_)
    assert not knowing.clash(coffee, replace(help_, target=other))


def test_work_is_for_a_project():
    user = families.Ordinary(0)
    found = knowing.everything(user, user.life.first_day)
    assert all(one.target for one in found if one.action == "work")
    assert len({one.id for one in found}) == len(found)


def test_no_more_is_proposed_than_is_wanted():
    user = Owl(0)
    day = user.life.first_day
    assert len(knowing.best_proposals(user, day, knowing.luck_of(0, day))) == 1
    predictor = fidelity.Predictor(0, 1)
    assert len(predictor.propose(knowing.everything(user, day), day, knowing.clash)) == 1
    assert predictor.propose([], day, knowing.clash) == []


def test_what_is_edited_is_lived_as_edited():
    user = Editor(0)
    days = [user.life.first_day + timedelta(days=number) for number in range(2)]
    fidelity.live_with_a_predictor(user, days, 0)
    shown = knowing.everything(user, days[0])[:1]
    told = fidelity.Told()
    user.taken += fidelity._taken(user, days[0], 0, shown, told)
    assert len(user.taken) > 2
    for one in user.taken:
        assert one.duration_min == 30
        assert one.end - one.start == timedelta(minutes=30)
        assert one.start.minute in (15, 45)
    half = knowing.imagined(user, days[0], user.taken[-1:]) - knowing.imagined(user, days[0], ())
    assert knowing.added(user, days[0], shown) == half
    assert told.said == [(0, 0.5, True)]


def test_a_plan_is_judged_again_and_again_by_the_same_person():
    user = families.Tiring(3)
    day = user.life.first_day
    plan = knowing.everything(user, day)[::40]
    before = copy.deepcopy(user.seen_on)
    assert len({knowing.added(user, day, plan) for _ in range(4)}) == 1
    assert user.seen_on == before


@pytest.mark.parametrize("unit", [1e-12, 1e6])
def test_in_whatever_unit_the_same_is_best(unit, monkeypatch):
    monkeypatch.setattr(knowing, "CANDIDATES", 30)
    user = families.Linear(1)
    day = user.life.first_day
    plan = knowing.best_proposals(user, day, knowing.luck_of(1, day))
    assert plan

    class Otherwise(families.Linear):
        def utility(self, blocks):
            return unit * super().utility(blocks)

    assert knowing.best_proposals(Otherwise(1), day, knowing.luck_of(1, day)) == plan


class Quiet(families.Person):
    """Who says yes, where they say anything; and never anything in the evening."""

    def inclined(self, gain, seen):
        return 1.0

    def review(self, day, proposals):
        said = super().review(day, proposals)
        speaks = self._luck(77, *self.salt).random(len(said)) < 0.4
        return [
            word if may and one.start.hour < 18 else None
            for one, word, may in zip(proposals, said, speaks, strict=True)
        ]


def test_silence_is_no_refusal():
    user = Quiet(0)
    day = user.life.first_day
    found = [one for one in knowing.everything(user, day) if one.action == "create"]
    early, late = found[0], found[-1]
    (yes, answered), silent = knowing.inclinations(user, day, [early, late], 20)
    assert 0 < yes == answered < 20
    assert silent == (0, 0)


@pytest.mark.parametrize("bed", ["00:00", "01:00", "02:59", "23:00"])
def test_alternatives_are_on_the_very_day(bed):
    user = families.Ordinary(0)
    user.life.settings["hours"] |= {"sleep": f"{bed}-08:00"}
    day = user.life.first_day
    offered = knowing.alternatives(user, day)
    assert len(offered) == 10
    for one, begins in local_hours(offered):
        assert one.start.astimezone(families.ZONE).date() == day
        assert 20.0 <= begins <= 23.0
