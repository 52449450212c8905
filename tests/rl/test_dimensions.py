"""No dead dimension: each of the 15, turned up and down, changes the best day as it says it does.

The best day is what the planner finds for somebody of whom everything is known, lived many times. A
value shows in what fills the day, a trait in how it goes without being rewarded, a style in the
wording and nowhere else.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np
import pytest

from twind.model import Target
from twind.preferences import catalogue, features
from twind.preferences.belief import Belief as Believed
from twind.rl import wording
from twind.rl.candidates import Limits
from twind.rl.explain import Teller
from twind.rl.planner import Effort, plan_day
from twind.rl.snapshot import (
    Belief,
    LifeParameters,
    PersonState,
    ProjectState,
    Snapshot,
    day_plan,
)
from twind.rl.spaces import DURATIONS_SLOTS, SLOTS, TYPES
from twind.rl.vec_env import Simulation, streams
from twind.rl.world import ACCEPTED, AFFINITY, CARRIED_OUT, CORE, COSTS, EFFECT, pack

if TYPE_CHECKING:
    from collections.abc import Mapping

SATURDAY = date(2026, 3, 7)
TODAY, TOMORROW = 0, 1
VALUES = [one for one in catalogue.aspects() if one.kind == "value" and one.means]
TRAITS = [one for one in catalogue.aspects() if one.kind == "trait"]
STYLES = [one for one in catalogue.aspects() if one.kind == "style"]
BUSY_PROJECTS = (
    ProjectState(
        id=1, name="Thesis", kind="learning", priority=0.6, remaining_h=20.0, deadline_h=24.0 * 9
    ),
    ProjectState(id=2, name="Tax", priority=0.6, remaining_h=3.0, deadline_h=44.0),
    ProjectState(id=3, name="Shed", priority=0.4, remaining_h=8.0),
)
"""Ahead, pressing tomorrow, and without a deadline."""
NEGLECTED = (
    PersonState(id=1, name="Ann", closeness=0.9, days_since=12.0, cadence_days=8.0),
    PersonState(id=2, name="Bob", closeness=0.2, days_since=20.0, cadence_days=30.0),
)
FRIENDS = tuple(
    PersonState(id=n, name=f"friend {n}", closeness=0.8, days_since=25.0, cadence_days=8.0)
    for n in range(1, 7)
)


OPEN = LifeParameters(max_proposals=6.0)
RESERVED = LifeParameters(max_proposals=6.0, acceptance=-1.0)
"""Whose acceptance can rise as well as fall: those who are open take up nearly all that is good."""


def life(
    likes: Mapping[str, float],
    some: float,
    *,
    projects=BUSY_PROJECTS,
    people=NEGLECTED,
    own=OPEN,
):
    """Return a free weekend of somebody of whom all is known: `likes` by code, else `some`.

    They do nothing by themselves, and have neither exercised nor sat down to think for long.
    """
    known = Believed.prior((one.id for one in people), (one.id for one in projects))
    mean = np.array(known.posterior.mean)
    mean[: len(catalogue.aspects())] = some
    for code, strength in likes.items():
        mean[known.names.index(code)] = strength
    hours = np.arange(SLOTS) / 4
    awake = (hours >= 7) & (hours < 23)
    day = {"allowed": awake & (hours < 22), "work": ~awake & awake, "asleep": ~awake}
    idle = np.zeros((2, SLOTS, len(TYPES)))
    idle[..., 0] = 1.0
    since = dict.fromkeys(features.ACTIVITIES, 1.0) | {"exercise": 9.0, "reflect": 9.0}
    return Snapshot(
        profile_id=1,
        start=datetime(2026, 3, 7, 6, tzinfo=UTC),
        zone="UTC",
        slot=24,
        days=tuple(day_plan(SATURDAY + timedelta(days=n), **day) for n in range(3)),
        projects=tuple(replace(one, off_hours=True) for one in projects),
        people=tuple(people),
        belief=Belief(names=tuple(known.names), mean=mean, covariance=np.zeros((len(mean),) * 2)),
        habits=idle,
        life=own,
        days_since_done=tuple(since.values()),
    )


def quiet_life(likes: Mapping[str, float], some: float = 0.0):
    """Return the same where nothing presses much and nobody waits: what is valued decides."""
    return life(
        likes,
        some,
        projects=[replace(one, priority=0.0) for one in BUSY_PROJECTS],
        people=[replace(one, days_since=0.5) for one in NEGLECTED],
    )


@dataclass
class Day:
    """A day on average: hours by attribute, and how it went.

    active: hours at what was proposed. carried: the share of proposals that were begun and carried
    through. energy, load: at its end. costs: the reward's last column.
    """

    hours: dict[str, float]
    active: float
    carried: float
    energy: float
    load: float
    costs: float


def best_day(snapshot, day=TODAY, *, seed=0, rehearsals=6000, draws=48):
    effort = Effort(rehearsals=rehearsals, draws=128)
    made = plan_day(snapshot, day, guide=None, limits=Limits(most=6), seed=seed, effort=effort)
    return lived(snapshot, day, [rated.item for rated in made.items], draws)


def lived(snapshot, day, plan, draws):
    simulation = Simulation([snapshot], draws, learns=False)
    simulation.begin(np.zeros(draws, np.int64), streams(99, np.arange(draws)), day=day)
    world = simulation.world
    carried, costs = 0, 0.0
    while not world.done.all():
        going = ~world.done
        actions = np.array([_action(plan, int(slot)) for slot in world.slot])
        simulation.step(actions)
        carried += int(((world.outcome == CARRIED_OUT) & going).sum())
        costs += float(world.reward[going, COSTS].sum())
    means = world.hours.mean(axis=0)
    return Day(
        hours=dict(zip(features.ATTRIBUTES, map(float, means), strict=True)),
        active=float((world.log_source == ACCEPTED).sum()) / 4 / draws,
        carried=carried / draws / max(1, len(plan)),
        energy=float(world.energy.mean()),
        load=float(world.load.mean()),
        costs=costs / draws,
    )


def _action(plan, slot):
    """Return what a plan proposes in a slot, or to leave until it proposes something."""
    ahead = [item for item in plan if item.slot >= slot]
    if ahead and ahead[0].slot == slot:
        item = ahead[0]
        return [item.kind, item.target, item.duration, item.intensity]
    until = (ahead[0].slot if ahead else SLOTS) - slot
    return [0, 0, max(0, int(np.searchsorted(DURATIONS_SLOTS, until, side="right")) - 1), 1]


# --- values --------------------------------------------------------------------------------------

FILLS = {
    "Values": (TOMORROW, ("learn", "help", "planned"), ()),
    "Work Style": (TODAY, ("work", "deep"), ("light",)),
    "Relationships": (TOMORROW, ("close", "together"), ()),
    "Learning": (TODAY, ("learn", "reflect"), ()),
    "Decision Making": (TOMORROW, ("reflect", "ahead"), ("pressed",)),
    "Time Management": (TODAY, ("unplanned",), ()),
    "Creativity": (TOMORROW, ("create", "deep", "varied"), ()),
    "Risk Tolerance": (TODAY, ("group", "exercise", "varied"), ("rest",)),
    "Communication": (TOMORROW, ("together", "close"), ("alone",)),
    "Physical Environment": (TODAY, ("rest", "light"), ()),
    "Mental State": (TODAY, ("rest", "deep"), ("pressed",)),
    "Financial": (TOMORROW, ("ahead", "help"), ("pressed",)),
    "Social": (TODAY, ("help", "group"), ()),
    "Health": (TODAY, ("rest", "exercise", "reflect"), ("late", "pressed")),
    "Spirituality/Purpose": (TODAY, ("reflect", "help"), ()),
}
"""For each dimension the day to look at, and what there is more of, and less, when all its values
are strong: what its aspects' descriptions say. Some are about what was arranged the day before."""


@pytest.mark.parametrize("dimension", catalogue.dimensions(), ids=lambda one: one.name)
def test_each_dimension_changes_the_best_day_as_it_says(dimension):
    """All others are switched on: a little of everything is liked.

    On average over three searches: which near-tie one of them takes is luck.
    """
    day, more, less = FILLS[dimension.name]
    values = [one.code for one in dimension.aspects if one.kind == "value"]
    up, down = (
        [
            best_day(
                quiet_life(dict.fromkeys(values, strength), 0.1), day, seed=seed, rehearsals=9000
            )
            for seed in range(3)
        ]
        for strength in (0.6, -0.6)
    )

    def rises(attribute):
        hours = [np.mean([one.hours[attribute] for one in days]) for days in (up, down)]
        return float(hours[0] - hours[1])

    for attribute in more:
        assert rises(attribute) > 0.25, attribute
    for attribute in less:
        assert rises(attribute) < -0.25, attribute


@pytest.mark.parametrize("aspect", VALUES, ids=lambda one: one.code)
def test_what_is_valued_fills_the_best_day(aspect):
    """There is more, today or tomorrow, of what the aspect means; hours by their weight."""
    more = 0.0
    for day in (TODAY, TOMORROW):
        up, down = (best_day(quiet_life({aspect.code: way}), day, draws=24) for way in (1.0, -1.0))
        more = max(
            more, sum(w * (up.hours[name] - down.hours[name]) for name, w in aspect.means.items())
        )
    assert more > 0.3


# --- traits --------------------------------------------------------------------------------------

GOES = [
    ("Work Style", {"WOR_MULTITASKING": 1}, "costs", 0.05),
    ("Decision Making", {"DEC_RISK_AVERSE": 1}, "active", -0.2),
    ("Decision Making", {"DEC_IMPULSIVE": 1}, "active", 0.5),
    ("Time Management", {"TIM_FLEXIBILITY": 1}, "active", 0.5),
    (
        "Time Management",
        {"TIM_PLANNING": 1, "TIM_PUNCTUALITY": 1, "TIM_PROCRASTINATION": -1},
        "carried",
        0.05,
    ),
    ("Risk Tolerance", {"RIS_FINANCIAL": 1, "RIS_CAREER": 1}, "active", 0.2),
    ("Physical Environment", {"PHY_MINIMALISM": 1, "PHY_CHAOS": -1}, "load", 0.005),
    ("Mental State", {"MEN_ANXIETY": 1}, "active", -0.3),
    ("Mental State", {"MEN_RESILIENCE": 1}, "energy", 0.05),
    ("Social", {"SOC_INTROVERT": 1, "SOC_EXTROVERT": -1}, "together", -1.0),
    ("Health", {"HEA_DISCIPLINE": 1}, "carried", 0.08),
]
"""Traits turned together, and what of the day rises with them (or falls), by how much at least."""


def test_every_trait_is_looked_at():
    told = {code for _, codes, _, _ in GOES for code in codes}
    assert told == {one.code for one in TRAITS}


@pytest.mark.parametrize(
    ("dimension", "traits", "what", "least"), GOES, ids=["+".join(one[1]) for one in GOES]
)
def test_traits_change_how_the_best_day_goes(dimension, traits, what, least):
    """On average over three searches: which near-tie one of them takes is luck."""
    assert all(code.startswith(dimension[:3].upper()) for code in traits)
    # Among six friends who have not been seen for long there is more to look through.
    people, some, rehearsals = (
        (FRIENDS, 0.0, 20_000) if what == "together" else (NEGLECTED, 0.15, 9000)
    )
    own = RESERVED if what == "active" else OPEN
    changed = []
    for seed in range(3):
        up, down = (
            best_day(
                life(
                    {code: way * sign for code, sign in traits.items()},
                    some,
                    people=people,
                    own=own,
                ),
                seed=seed,
                rehearsals=rehearsals,
                draws=128,
            )
            for way in (1.0, -1.0)
        )
        changed.append(_figure(up, what) - _figure(down, what))
    mean = float(np.mean(changed))
    assert mean > least if least > 0 else mean < least


def _figure(day, what):
    return day.hours[what] if what in day.hours else getattr(day, what)


@pytest.mark.parametrize("aspect", TRAITS, ids=lambda one: one.code)
def test_traits_are_never_rewarded(aspect):
    """They move the parameters of the day and nothing of what an hour in it is worth."""
    up, down = (pack([life({aspect.code: way}, 0.15)]) for way in (1.0, -1.0))
    assert np.array_equal(up.mean[:, :CORE], down.mean[:, :CORE])
    assert np.array_equal(up.mean[:, AFFINITY:], down.mean[:, AFFINITY:])
    assert not np.allclose(up.mean[:, EFFECT:AFFINITY], down.mean[:, EFFECT:AFFINITY])


# --- styles --------------------------------------------------------------------------------------


@pytest.mark.parametrize("aspect", STYLES, ids=lambda one: one.code)
def test_styles_change_the_wording_and_nothing_else(aspect):
    """Nothing of them reaches the simulated day; the same proposal is told otherwise."""
    loud, still = ({aspect.code: 1.0}, {aspect.code: -1.0})
    up, down = (pack([life(likes, 0.15)]) for likes in (loud, still))
    assert np.array_equal(up.records, down.records)
    assert told(loud) != told(still)


def told(likes):
    """Return a proposal to somebody with these styles, in words."""

    class Strengths:
        def strength(self, code):
            return likes.get(code, 0.0)

    style = Teller(None, None, Strengths(), "")._style()
    ann = Target(kind="person", id=1, name="Ann")
    return wording.sentence("social", ann, 30, "light", style=style, figures=(0.7, 0.6))
