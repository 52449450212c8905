from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from twind.rl import dynamics
from twind.rl.lives import sample_life
from twind.rl.snapshot import LifeParameters, PersonState, ProjectState, Snapshot, day_plan
from twind.rl.spaces import DURATIONS_SLOTS, LEAVE, PROJECTS, SLOTS, TYPES
from twind.rl.vec_env import Simulation, stream

WORK, SOCIAL, LEARN = TYPES.index("work"), TYPES.index("social"), TYPES.index("learn")
CREATE, REST = TYPES.index("create"), TYPES.index("rest")

# Somebody who does what is proposed, at no cost: what is left is what the time itself does.
WILLING = {
    "acceptance": 1e6,
    "completion": 1e6,
    "start_friction": 0.0,
    "interruption_cost": 0.0,
    "max_proposals": 1e6,
}


def with_(life, /, **changes):
    names = [name for name in Snapshot.__slots__ if name not in changes]
    return Snapshot(**{name: getattr(life, name) for name in names}, **changes)


def open_life(seed=3, **changes):
    """Return a life whose first day is free from 7 to 22, for work and for anything else."""
    life = sample_life(np.random.default_rng(seed))
    slots = np.arange(SLOTS)
    awake = (slots >= 28) & (slots < 88)
    day = day_plan(life.days[0].date, allowed=awake, work=np.zeros(SLOTS, bool))
    base = {
        "days": (day,),
        "slot": 28,
        "start": life.start,
        "projects": (
            ProjectState(id=1, name="thesis", kind="learning", remaining_h=30.0, deadline_h=60.0),
            ProjectState(id=2, name="shed", remaining_h=9.0, priority=0.8),
        ),
        "people": (PersonState(id=1, name="Ada", closeness=0.9, days_since=40, cadence_days=10),),
        "life": replace(life.life, **WILLING),
        "energy": 0.8,
        "load": 0.1,
    }
    given = {**base, **changes}
    given["projects"] = tuple(replace(one, off_hours=True) for one in given["projects"])
    return with_(life, **given)


def begin(life, seed=5, size=1, draw_truth=True):
    simulation = Simulation([life], size, draw_truth=draw_truth)
    simulation.begin(np.zeros(size, np.int64), np.full(size, stream(seed, 0)))
    return simulation


def legal(rng, seen, row=0):
    def pick(mask):
        return int(rng.choice(np.flatnonzero(mask)))

    kind = pick(seen.mask_type[row])
    return [
        kind,
        pick(seen.mask_target[row, kind]),
        pick(seen.mask_duration[row, kind]),
        pick(seen.mask_intensity[row, kind]),
    ]


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    target=st.sampled_from([0, 2, 9]),
    depth=st.integers(0, 2),
    cut=st.integers(0, 4),
)
def test_cutting_a_block_changes_nothing(seed, target, depth, cut):
    kind = {0: CREATE, 2: CREATE, 9: SOCIAL}[target]
    pieces = {0: [5], 1: [0, 5], 2: [3, 3], 3: [1, 1, 1, 1], 4: [0] * 8}[cut]
    if cut == 1:
        pieces = [3, 1, 1]
    whole, parts = begin(open_life(), seed), begin(open_life(), seed)
    paid = float(whole.step([[kind, target, 5, depth]])[0])
    total = 0.0
    for duration in pieces:
        if parts.world.slot[0] >= whole.world.slot[0]:
            break  # an unplanned event took the rest
        left = int(whole.world.slot[0] - parts.world.slot[0])
        fits = int(np.searchsorted(DURATIONS_SLOTS, left, side="right")) - 1
        total += float(parts.step([[kind, target, min(duration, fits), depth]])[0])
    assert parts.world.slot[0] == whole.world.slot[0]
    assert total == pytest.approx(paid, abs=1e-9)
    for name in ("energy", "load", "fatigue", "hours", "remaining_h", "warmth", "target_h"):
        left, right = getattr(parts.world, name), getattr(whole.world, name)
        assert np.allclose(left, right, atol=1e-12), name


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10**6), durations=st.lists(st.integers(0, 5), max_size=40))
def test_leaving_in_pieces_changes_nothing(seed, durations):
    life = sample_life(np.random.default_rng(seed))
    one, other = begin(life, seed), begin(life, seed)
    first, second = 0.0, 0.0
    while not one.world.done[0]:
        first += float(one.step([[LEAVE, 0, 0, 1]])[0])
    for duration in [*durations, *[5] * 200]:
        if other.world.done[0]:
            break
        second += float(other.step([[LEAVE, 0, duration, 1]])[0])
    assert second == pytest.approx(first, abs=1e-9)
    assert np.allclose(one.world.hours, other.world.hours)
    assert np.array_equal(one.world.log_type, other.world.log_type)


def test_a_proposal_costs_more_in_two_pieces():
    life = open_life(life=replace(LifeParameters(**WILLING), interruption_cost=0.05))
    whole, parts = begin(life), begin(life)
    paid = float(whole.step([[CREATE, 0, 5, 1]])[0])
    total = sum(float(parts.step([[CREATE, 0, 3, 1]])[0]) for _ in range(2))
    assert total < paid


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 10**5),
    activity=st.integers(0, 9),
    target=st.sampled_from([0, 1, 2, 9]),
    beyond=st.floats(0.0, 10.0),
)
def test_nothing_is_earned_past_a_limit(seed, activity, target, beyond):
    simulation = begin(open_life(), seed)
    world, lives = simulation.world, simulation.lives
    world.hours[0, activity] = dynamics.LIMIT_H[activity] + beyond
    world.thing[0] = activity * 32 + target
    world.reward[0] = 0.0
    world.unplanned[0] = 0
    live_slot(lives.records, world.records, activity, target)
    parts = world.reward[0]
    assert parts[dynamics.ALIGNMENT] <= 0.0
    assert parts[dynamics.RELATIONSHIPS] == 0.0
    assert parts[dynamics.PROGRESS] <= 0.0


@dynamics.compiled
def live_slot(lives, world, activity, target):
    dynamics._live(lives[0], world[0], activity, target, 1, 1.0, 0.5, dynamics.ACCEPTED)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_masks_are_legal_and_what_is_legal_is_taken_as_it_is(seed):
    rng = np.random.default_rng(seed)
    life = sample_life(rng)
    simulation = begin(life, seed)
    seen, world = simulation.seen, simulation.world
    plan = life.days[0]
    for _ in range(2 * SLOTS):
        if world.done[0]:
            break
        assert seen.mask_type[0, LEAVE] == 1.0
        for kind in np.flatnonzero(seen.mask_type[0]):
            assert seen.mask_target[0, kind].any()
            assert seen.mask_duration[0, kind].any()
            assert seen.mask_intensity[0, kind].any()
        action = legal(rng, seen)
        slot = int(world.slot[0])
        if slot < SLOTS and action[0] != LEAVE:
            span = slice(slot, slot + int(DURATIONS_SLOTS[action[2]]))
            assert plan.free[span].all()
            assert span.stop <= SLOTS
            if action[0] == WORK and not simulation.lives.off_hours[0, action[1] - 1]:
                assert plan.work[span].all()
        simulation.step([action])
        assert not world.projected[0]
        for name in ("energy", "load", "pressure"):
            assert 0.0 <= getattr(world, name)[0] <= 1.0
        for array in seen.as_dict().values():
            assert np.isfinite(array).all()
            assert np.abs(array).max() <= 10.0
    assert world.done[0]
    for kind, hours in enumerate(world.hours[0, :10]):
        events = (plan.event_activity == kind).sum() / 4
        unplanned = (world.log_source[0] == dynamics.UNPLANNED).sum() / 4
        assert hours <= dynamics.LIMIT_H[kind] + events + unplanned + 1e-9


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 1000),
    action=st.tuples(*[st.integers(-3, 30)] * 4),
)
def test_any_action_is_made_legal(seed, action):
    simulation = begin(sample_life(np.random.default_rng(seed)), seed)
    seen = simulation.seen
    kind, target, duration, depth = action
    possible = (
        0 <= kind < 11
        and seen.mask_type[0, kind]
        and 0 <= target < 21
        and seen.mask_target[0, kind, target]
        and 0 <= duration < 6
        and seen.mask_duration[0, kind, duration]
        and 0 <= depth < 3
        and seen.mask_intensity[0, kind, depth]
    )
    simulation.step([action])
    assert bool(simulation.world.projected[0]) == (not possible)


def test_luck_is_common_to_two_policies():
    life = open_life(life=replace(LifeParameters(**WILLING), unplanned_per_day=20.0))
    idle, busy = begin(life), begin(life)
    rng = np.random.default_rng(0)
    while not idle.world.done[0]:
        idle.step([[LEAVE, 0, 5, 1]])
    while not busy.world.done[0]:
        busy.step([legal(rng, busy.seen)])
    first, second = (one.world.log_source[0] == dynamics.UNPLANNED for one in (idle, busy))
    assert first.sum() > 4
    assert np.array_equal(first, second)
    assert np.array_equal(idle.world.truth, busy.world.truth)


def test_luck_looks_uniform():
    draws = np.array(
        [
            dynamics.luck(np.uint64(s), d, k, c)
            for s in range(10)
            for d in range(14)
            for k in range(0, 96, 5)
            for c in range(4)
        ]
    )
    assert draws.min() >= 0.0
    assert draws.max() < 1.0
    assert draws.mean() == pytest.approx(0.5, abs=0.01)
    assert np.histogram(draws, 10, (0, 1))[0].min() > len(draws) / 10 * 0.85
    assert len(np.unique(draws)) == len(draws)


def test_the_truth_is_a_fair_draw_from_the_belief():
    life = sample_life(np.random.default_rng(11))
    size = 4000
    simulation = Simulation([life], size)
    simulation.begin(np.zeros(size, np.int64), np.array([stream(9, i) for i in range(size)]))
    worth = simulation.world.truth[:, :33]
    mean, sd = simulation.lives.mean[0, :33], simulation.lives.sd[0, :33]
    assert np.allclose(worth.mean(axis=0), mean, atol=5 * sd.max() / np.sqrt(size))
    assert np.allclose(worth.std(axis=0), sd, rtol=0.08)
    still = begin(life, draw_truth=False)
    assert np.allclose(still.world.truth[0, :33], mean)


def test_work_tires_and_loads_and_rest_restores():
    tired, rested = begin(open_life()), begin(open_life())
    for _ in range(3):
        tired.step([[CREATE, 2, 5, 2]])
    while rested.world.slot[0] < tired.world.slot[0]:
        rested.step([[REST, 0, 0, 0]])
    assert tired.world.energy[0] < rested.world.energy[0]
    assert tired.world.load[0] > rested.world.load[0]
    before = tired.world.load[0]
    tired.step([[REST, 0, 3, 0]])
    assert tired.world.load[0] < before


def test_what_is_due_earns_more_than_what_is_not():
    tomorrow = ProjectState(id=1, name="due", remaining_h=4.0, deadline_h=30.0)
    someday = replace(tomorrow, deadline_h=np.inf)
    paid = []
    for project in (tomorrow, someday):
        simulation = begin(open_life(projects=(project,)))
        simulation.step([[WORK, 1, 3, 1]])
        paid.append(simulation.world.reward[0, dynamics.PROGRESS])
    assert paid[0] > 1.2 * paid[1] > 0.0


def test_what_is_left_undone_keeps_its_price():
    due = ProjectState(id=1, name="due", remaining_h=4.0, deadline_h=20.0, priority=1.0)
    idle, busy = (begin(open_life(projects=(due,), habits=_idle())) for _ in range(2))
    busy.step([[WORK, 1, 5, 1]])
    lost = []
    for one in (idle, busy):
        while not one.world.done[0]:
            one.step([[LEAVE, 0, 5, 1]])
        lost.append(one.world.remaining_h[0, 0])
    assert lost[1] < lost[0] == 4.0
    assert dynamics.urgency(4.0, 20.0, 24.0) > dynamics.urgency(4.0, 20.0, 24.0 * 6) > 0.0
    assert dynamics.urgency(4.0, 20.0, 24.0 * 9) == 0.0
    assert dynamics.urgency(4.0, np.inf, 24.0) == 0.0


def _idle():
    habits = np.zeros((2, SLOTS, len(TYPES)))
    habits[..., 0] = 1.0
    return habits


def test_seeing_a_neglected_friend_renews_less_and_less():
    simulation = begin(open_life())
    gains = []
    for _ in range(3):
        simulation.step([[SOCIAL, 1 + PROJECTS, 3, 1]])
        gains.append(simulation.world.reward[0, dynamics.RELATIONSHIPS])
    assert gains[0] > gains[1] > gains[2] > 0.0
    assert simulation.world.since[0, 0] == 0.0


def test_a_finished_project_ends_its_block_and_is_no_target_any_more():
    small = ProjectState(id=1, name="small", remaining_h=0.3)
    simulation = begin(open_life(projects=(small,)))
    before = simulation.world.slot[0]
    simulation.step([[WORK, 1, 5, 1]])
    assert simulation.world.remaining_h[0, 0] == 0.0
    assert simulation.world.slot[0] - before < 8
    assert simulation.seen.mask_type[0, WORK] == 0.0


def test_asking_often_is_answered_less():
    simulation = begin(open_life(life=LifeParameters()))
    before = dynamics.acceptance(simulation.lives, simulation.world, 0, 0, 0, 0)
    simulation.world.proposals[0] = 3
    simulation.world.refused[0] = 2
    after = dynamics.acceptance(simulation.lives, simulation.world, 0, 0, 0, 0)
    assert 0.0 < after < before < 1.0


def test_after_the_last_proposal_the_day_is_the_users():
    life = open_life(life=replace(LifeParameters(), max_proposals=1.0))
    simulation = begin(life)
    simulation.step([[REST, 0, 0, 0]])
    assert simulation.world.done[0]
    assert (simulation.world.log_source[0] == dynamics.ACCEPTED).sum() <= 1


@pytest.mark.parametrize(
    ("name", "better", "worse"),
    [("switch_cost", 0.0, 0.5), ("recovery", 2.0, 0.3), ("focus_gain", 1.0, 0.0)],
)
def test_traits_change_how_a_day_goes(name, better, worse):
    results = []
    for value in (better, worse):
        simulation = begin(open_life(life=replace(LifeParameters(**WILLING), **{name: value})))
        total = 0.0
        for action in ([WORK, 1, 5, 2], [WORK, 2, 5, 2], [WORK, 1, 5, 2]):
            total += float(simulation.step([action])[0])
        results.append(total)
    assert results[0] > results[1]
