"""Whoever does not keep to the protocol is told so: the method, the day and the value."""

from __future__ import annotations

import copy
import math
from dataclasses import replace
from datetime import timedelta

import families
import fidelity
import knowing
import pytest
from checking import BreachError, Checked

from twind.model import Feedback, Option, Question

DAY = families.FIRST_DAY
QUESTION = Question(
    7, "A free evening?", "choice", (Option(70, "Alone", {}), Option(71, "In company", {}))
)


def person(**ways):
    """Return somebody who does some things in their own way; each takes what they would do."""

    class Otherwise(families.Ordinary):
        pass

    for name, way in ways.items():
        usual = getattr(families.Ordinary, name)

        def otherwise(self, *args, way=way, usual=usual):
            return way(usual(self, *args))

        setattr(Otherwise, name, otherwise)
    return Checked(Otherwise(0))


def a_day(user):
    """Have somebody do all there is to do on a day."""
    shown = knowing.everything(user, DAY)[:2]
    user.answer(QUESTION)
    user.energy(shown[0].start)
    user.review(DAY, shown)
    knowing.lived(user, DAY, shown)


def every(**changes):
    return lambda blocks: [replace(one, **changes) for one in blocks]


def said(**changes):
    return lambda words: [
        replace(Feedback(proposal_id=word.proposal_id, action="edit", at=word.at), **changes)
        for word in words
    ]


@pytest.mark.parametrize("factory", families.FAMILIES, ids=lambda one: one.__name__)
def test_those_that_ship_keep_to_it(factory):
    user = Checked(factory(0))
    before = fidelity.lived_before(user)
    assert before
    a_day(user)
    a_day(copy.deepcopy(user))
    a_day(user.in_other_luck(1))
    assert len(user.tastes) == 75


BROKEN = {
    "a stranger": (
        {"live": every(people=("Yuki",), noted=True)}, "live, 2026-03-02:.*'Yuki'"
    ),
    "no activity": ({"live": every(activity="pottery")}, "live, 2026-03-02:.*'pottery'.*none of"),
    "no zone": (
        {"live": lambda blocks: [replace(one, start=one.start.replace(tzinfo=None))
                                 for one in blocks]},
        "live, 2026-03-02:.*no time zone",
    ),
    "no time": (
        {"live": lambda blocks: [replace(one, end=one.start) for one in blocks]},
        "live, 2026-03-02:.*end after",
    ),
    "no block": ({"live": lambda _: ["slept"]}, "live, 2026-03-02: 'slept': no LivedBlock"),
    "no answer": ({"answer": lambda _: None}, "answer, after 2026-03-02: None: .*70, 71"),
    "an unknown answer": ({"answer": lambda _: 72}, "answer, after 2026-03-02: 72: .*70, 71"),
    "too few words": (
        {"review": lambda words: words[:1]}, "review, 2026-03-02:.*1 words to 2 proposals"
    ),
    "another order": (
        {"review": lambda words: words[::-1]}, "review, 2026-03-02:.*proposal 0"
    ),
    "no word": ({"review": lambda words: [True for _ in words]}, "review, 2026-03-02: True:"),
    "nothing to undo": ({"review": said(action="undo")}, "review, 2026-03-02:.*'undo'.*none of"),
    "an edit to nothing": (
        {"review": said(duration_min=-5)}, "review, 2026-03-02:.*duration_min is not positive"
    ),
    "four": ({"energy": lambda _: 4}, "energy, 2026-03-02 .*: 4: neither None"),
    "no level": ({"energy": lambda _: math.nan}, "energy, 2026-03-02 .*: nan:"),
    "no worth": ({"utility": lambda _: math.nan}, "utility, 2026-03-02: nan: no finite number"),
    "endless worth": ({"utility": lambda _: math.inf}, "utility, 2026-03-02: inf:"),
    "nothing": ({"utility": lambda _: None}, "utility, 2026-03-02: None:"),
}  # fmt: skip


@pytest.mark.parametrize(("ways", "told"), BROKEN.values(), ids=BROKEN)
def test_who_does_not_is_told(ways, told):
    with pytest.raises(BreachError, match=told):
        a_day(person(**ways))


def test_of_a_later_day_that_day_is_told():
    user = person(utility=lambda _: math.inf)
    user.live(DAY, ())
    with pytest.raises(BreachError, match="2026-03-09"):
        knowing.imagined(user, DAY + timedelta(days=7), ())


def test_who_lacks_something_is_told():
    with pytest.raises(BreachError, match=r"object has no answer, .*life\.records"):
        Checked(object())
    user = Checked(families.Ordinary(0))
    user.user.tastes = [0.1, 0.2]
    with pytest.raises(BreachError, match="tastes"):
        _ = user.tastes
    del user.user.tastes
    assert getattr(user, "tastes", None) is None


class Stranger(families.Ordinary):
    """Who says neither what they like nor how other luck would be."""

    in_other_luck = None

    def __init__(self, seed):
        super().__init__(seed)
        self.likes = self.tastes
        del self.tastes

    def said(self):
        return self.likes


@pytest.mark.parametrize(("way", "lacks"), [("told", "tastes"), ("no_foresight", "in_other_luck")])
def test_ways_that_need_more_are_refused_before_anything_is_played(way, lacks, monkeypatch):
    monkeypatch.setattr(fidelity, "_found", lambda _: Stranger)
    monkeypatch.setattr(fidelity, "ProcessPoolExecutor", None)
    with pytest.raises(SystemExit, match=f"outside:Stranger has no {lacks}.* no {way}"):
        fidelity.play(["outside:Stranger"], 1, 7, 0, 0, ("twind", way))
    fidelity.refuse("outside:Stranger", 0, fidelity.WAYS)


@pytest.mark.parametrize("factory", ["nowhere:Nobody", "families:Nobody"])
def test_a_family_that_is_not_there_is_refused(factory):
    with pytest.raises(SystemExit, match=f'--user "{factory}": '):
        fidelity.refuse(factory, 0, fidelity.WAYS)


def test_settings_that_cannot_be_are_refused(monkeypatch):
    class Unsettled(families.Ordinary):
        def __init__(self, seed):
            super().__init__(seed)
            self.life.settings["hour"] = {}

    monkeypatch.setattr(fidelity, "_found", lambda _: Unsettled)
    with pytest.raises(SystemExit, match="hour"):
        fidelity.refuse("outside:Unsettled", 0, fidelity.WAYS)
