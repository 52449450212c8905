import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from twind.preferences.catalogue import aspects
from twind.rl import dynamics, learning, luck
from twind.rl import world as names
from twind.rl.compiled import compiled
from twind.rl.lives import sample_life
from twind.rl.person import SEEN, acceptance, gain
from twind.rl.snapshot import LifeParameters, PersonState, ProjectState, day_plan
from twind.rl.spaces import DURATIONS_SLOTS, LEAVE, PROJECTS, SLOTS, TYPES
from twind.rl.vec_env import Simulation, stream, streams
from twind.rl.worth import (
    CONTACT_WORTH,
    LIMIT_H,
    PROGRESS_WORTH,
    TARGET_LIMIT_H,
    UNSURE,
    UNSURE_OF_NEW,
    urgency,
)

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
    return replace(life, **given)


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


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    what=st.sampled_from([(CREATE, 0), (REST, 0), (WORK, 1), (WORK, 2), (LEARN, 1), (SOCIAL, 9)]),
    depth=st.integers(0, 2),
    pieces=st.sampled_from([(3, 3), (1, 4), (4, 1), (0, 2, 3), (1, 1, 1, 1), (0,) * 8]),
    cost=st.floats(0.001, 0.5),
)
def test_splitting_and_merging_never_pay(seed, what, depth, pieces, cost):
    """Two hours in pieces come to what they come to in one, less what each further question costs.

    Of somebody who does what is proposed: whoever may refuse may refuse the second hour alone.
    """
    willing = {**WILLING, "interruption_cost": cost, "unplanned_per_day": 0.0}
    life = open_life(life=LifeParameters(**willing))
    kind, target = what
    depth = 0 if kind == REST else depth
    whole, parts = begin(life, seed), begin(life, seed)
    paid = float(whole.step([[kind, target, 5, depth]])[0])
    total = sum(float(parts.step([[kind, target, piece, depth]])[0]) for piece in pieces)
    assert parts.world.slot[0] == whole.world.slot[0]
    asked = cost * (len(pieces) - 1)
    assert total == pytest.approx(paid - asked, abs=1e-9)
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
    world.hours[0, activity] = LIMIT_H[activity] + beyond
    world.thing[0] = activity * 32 + target
    world.reward[0] = 0.0
    world.unplanned[0] = 0
    live_slot(lives.records, world.records, activity, target)
    parts = world.reward[0]
    assert parts[names.ALIGNMENT] <= 0.0
    assert parts[names.RELATIONSHIPS] == 0.0
    assert parts[names.PROGRESS] <= 0.0


@compiled
def live_slot(lives, world, activity, target):
    dynamics.live(lives[0], world[0], activity, target, 1, 1.0, 0.5, names.ACCEPTED)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10**6))
def test_masks_are_legal_and_what_is_legal_is_taken_as_it_is(seed):
    rng = np.random.default_rng(seed)
    life = sample_life(rng)
    simulation = begin(life, seed)
    world = simulation.world
    plan = life.days[0]
    for _ in range(2 * SLOTS):
        seen = simulation.seen
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
        unplanned = (world.log_source[0] == names.UNPLANNED).sum() / 4
        assert hours <= LIMIT_H[kind] + events + unplanned + 1e-9


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
    first, second = (one.world.log_source[0] == names.UNPLANNED for one in (idle, busy))
    assert first.sum() > 4
    assert np.array_equal(first, second)
    assert np.array_equal(idle.world.truth, busy.world.truth)


def test_luck_looks_uniform():
    draws = np.array(
        [
            [luck.draw(luck.roll(np.uint64(s), d, place), which) for which in range(3)]
            for s in range(10)
            for d in range(14)
            for place in range(0, 800, 9)
        ]
    )
    assert draws.min() >= 0.0
    assert draws.max() < 1.0
    assert np.allclose(draws.mean(axis=0), 0.5, atol=0.01)
    assert np.histogram(draws, 10, (0, 1))[0].min() > draws.size / 10 * 0.93
    assert np.abs(np.corrcoef(draws.T) - np.eye(3)).max() < 0.03


def test_the_truth_is_a_fair_draw_from_the_belief():
    life = sample_life(np.random.default_rng(11))
    size = 4000
    simulation = Simulation([life], size)
    simulation.begin(np.zeros(size, np.int64), np.array([stream(9, i) for i in range(size)]))
    # The weights of the parts are kept within bounds; everything else is as it was drawn.
    free = np.r_[names.WORTH : names.PART, names.EFFECT : names.REDUCED]
    drawn = simulation.world.truth[:, free]
    mean, sd = simulation.lives.mean[0, free], simulation.lives.sd[0, free]
    assert np.allclose(drawn.mean(axis=0), mean, atol=5 * sd.max() / np.sqrt(size))
    assert np.allclose(drawn.std(axis=0), sd, rtol=0.08, atol=1e-3)
    factor = simulation.lives.factor[0].astype(float)
    assert np.allclose(np.cov(drawn.T), (factor @ factor.T)[np.ix_(free, free)], atol=0.06)
    still = begin(life, draw_truth=False)
    assert np.allclose(still.world.truth[0, free], mean)


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
        paid.append(simulation.world.reward[0, names.PROGRESS])
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
    assert urgency(4.0, 20.0, 24.0) > urgency(4.0, 20.0, 24.0 * 6) > 0.0
    assert urgency(4.0, 20.0, 24.0 * 9) == 0.0
    assert urgency(4.0, np.inf, 24.0) == 0.0


def _idle():
    habits = np.zeros((2, SLOTS, len(TYPES)))
    habits[..., 0] = 1.0
    return habits


def test_seeing_a_neglected_friend_renews_less_and_less():
    simulation = begin(open_life())
    gains = []
    for _ in range(3):
        simulation.step([[SOCIAL, 1 + PROJECTS, 3, 1]])
        gains.append(simulation.world.reward[0, names.RELATIONSHIPS])
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
    life, day = simulation.lives.records[0], simulation.world.records[0]
    before = acceptance(life, day, day["truth"], day["params"], 0, 0, 0, 1.0)
    simulation.world.proposals[0] = 3
    simulation.world.refused[0] = 2
    after = acceptance(life, day, day["truth"], day["params"], 0, 0, 0, 1.0)
    assert 0.0 < after < before < 1.0


def log_odds(life, day, values, what, hours):
    chance = acceptance(life, day, values, day["guess"], *what, hours)
    return math.log(chance / (1.0 - chance))


ASKED = st.sampled_from(
    [(CREATE - 1, 0, 1), (WORK - 1, 1, 1), (WORK - 1, 2, 2), (SOCIAL - 1, 1 + PROJECTS, 0)]
)


@settings(max_examples=30, deadline=None)
@given(what=ASKED, energy=st.floats(0.1, 0.9))
def test_what_is_taken_up_hangs_on_all_that_is_seen_in_it(what, energy):
    simulation = begin(open_life(life=LifeParameters()))
    simulation.world.energy[0] = energy
    life, day = simulation.lives.records[0], simulation.world.records[0]
    seen = gain(life, day, day["mean"], day["guess"], *what)
    short, long = (log_odds(life, day, day["mean"], what, hours) for hours in (0.5, 2.0))
    assert long - short == pytest.approx(1.5 * SEEN * seen, abs=1e-9)


def test_whoever_minds_effort_less_sees_more_in_late_work():
    simulation = begin(open_life(life=LifeParameters()))
    simulation.world.energy[0] = 0.3
    life, day = simulation.lives.records[0], simulation.world.records[0]
    minds = day["mean"].copy()
    minds[names.PART + names.ENERGY] = 0.2
    odds = {
        what: [log_odds(life, day, values, what, 1.0) for values in (day["mean"], minds)]
        for what in ((WORK - 1, 1, 1), (REST - 1, 0, 0))
    }
    assert odds[WORK - 1, 1, 1][1] > odds[WORK - 1, 1, 1][0] + 0.1
    assert odds[REST - 1, 0, 0][1] == odds[REST - 1, 0, 0][0]


@settings(max_examples=30, deadline=None)
@given(what=ASKED, energy=st.floats(0.1, 0.9), hours=st.sampled_from([0.25, 1.0, 2.0]))
def test_reviews_teach_along_the_gradient_of_what_was_expected(what, energy, hours):
    simulation = begin(open_life(life=LifeParameters()))
    simulation.world.energy[0] = energy
    life, day = simulation.lives.records[0], simulation.world.records[0]
    count = learning._sensitivity(life, day, *what, hours) - 1  # the last is willingness itself
    told = list(zip(day["which"][:count].tolist(), day["amounts"][:count].tolist(), strict=True))
    assert told
    for which, amount in told:
        odds = []
        for step in (-1e-5, 1e-5):
            values = day["mean"].copy()
            values[which] += step
            odds.append(log_odds(life, day, values, what, hours))
        if which >= names.PART or abs(day["mean"][which]) > 1e-4:  # likes and dislikes meet at 0
            assert (odds[1] - odds[0]) / 2e-5 == pytest.approx(amount, abs=1e-3)


@pytest.mark.parametrize(("slot", "room"), [(40, False), (68, True)])
def test_breaks_at_work_are_used_up_and_the_evening_is_free_all_the_same(slot, room):
    life = open_life()
    slots = np.arange(SLOTS)
    day = day_plan(
        life.days[0].date,
        allowed=(slots >= 28) & (slots < 88),
        work=(slots >= 36) & (slots < 68),
    )
    simulation = begin(replace(life, days=(day,), slot=slot))
    simulation.world.idle_h[:] = 5.0
    simulation.step([[LEAVE, 0, 0, 1]])
    assert bool(simulation.seen.mask_type[0, SOCIAL]) is room


def test_after_the_last_proposal_the_day_is_the_users():
    life = open_life(life=replace(LifeParameters(), max_proposals=1.0))
    simulation = begin(life)
    simulation.step([[REST, 0, 0, 0]])
    assert simulation.world.done[0]
    assert (simulation.world.log_source[0] == names.ACCEPTED).sum() <= 1


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


def test_effort_wears_out_without_a_break():
    """A quarter of an hour off pays for itself, and two meetings in a row count as effort."""
    life = glad_of_everything(open_life(life=LifeParameters(**UNEVENTFUL), habits=_idle()))
    simulation = begin(life)
    done = []
    for _ in range(4):
        simulation.step([[CREATE, 0, 3, 1]])
        done.append(simulation.world.reward[0, names.ENERGY])
    assert done[0] > done[1] > done[2] > done[3]
    assert simulation.world.effort[0] == 16
    simulation.step([[LEAVE, 0, 0, 1]])
    assert simulation.world.effort[0] == 0
    through = earn(life, [[LEARN, 0, 5, 1], [LEARN, 0, 5, 1]]).sum()
    paused = earn(life, [[LEARN, 0, 5, 1], [LEAVE, 0, 0, 1], [LEARN, 0, 5, 1]]).sum()
    assert paused > through


def test_meetings_before_the_day_is_planned_have_tired_already():
    slots = np.arange(SLOTS)
    busy = (slots >= 36) & (slots < 44)
    day = day_plan(
        open_life().days[0].date, allowed=slots >= 28, work=busy, busy=busy, asleep=slots < 28
    )
    assert begin(open_life(days=(day,), slot=44)).world.effort[0] == 8
    assert begin(open_life(days=(day,), slot=45)).world.effort[0] == 0


def test_the_user_takes_a_break_from_effort_by_themselves():
    habits = np.zeros((2, SLOTS, len(TYPES)))
    habits[..., WORK] = 1.0
    simulation = begin(open_life(life=LifeParameters(**UNEVENTFUL), habits=habits))
    while not simulation.world.done[0]:
        simulation.step([[LEAVE, 0, 0, 1]])
        assert simulation.world.effort[0] <= 8


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10**6), choices=st.randoms(use_true_random=False))
def test_a_part_of_every_day_stays_free(seed, choices):
    """For meals and the household: of waking time, nothing but events and luck fills the rest."""
    sampled = sample_life(np.random.default_rng(seed))
    life = replace(sampled, life=replace(sampled.life, **WILLING))
    simulation = begin(life, seed)
    world, first = simulation.world, life.slot
    rng = np.random.default_rng(choices.getrandbits(32))
    while not world.done[0]:
        simulation.step([legal(rng, simulation.seen)])
    source, kind = world.log_source[0, first:], world.log_type[0, first:]
    awake = (source != names.SLEEP).sum()
    chosen = ((kind > 0) & np.isin(source, [names.HABIT, names.ACCEPTED])).sum()
    events = ((kind > 0) & (source == names.EVENT)).sum()
    assert chosen <= max(0.0, (1.0 - names.UPKEEP) * awake - events) + 1e-9


# --- what must never pay -------------------------------------------------------------------------

UNEVENTFUL = {**WILLING, "unplanned_per_day": 0.0, "interruptions_per_h": 0.0, "switch_cost": 0.0}
"""Nobody and nothing comes between: what is left is the order in which things are done."""
EASY = [TYPES.index(name) for name in ("rest", "social", "exercise", "outdoors", "reflect")]
TOILS = [TYPES.index(name) for name in ("learn", "create", "plan")]


def earn(life, actions, seed=5, size=64):
    """Return what a day comes to on average, (5,) by part, with some actions at its beginning."""
    simulation = Simulation([life], size, draw_truth=False)
    simulation.begin(np.zeros(size, np.int64), streams(seed, np.arange(size)))
    parts = np.zeros(5)
    for action in [*actions, *[[LEAVE, 0, 5, 1]] * SLOTS]:
        if simulation.world.done.all():
            return parts
        going = ~simulation.world.done
        simulation.step([action] * size)
        parts += simulation.world.reward[going].sum(axis=0) / size
    raise AssertionError("the day does not end")


def glad_of_everything(life):
    """Somebody who half values all there is to value, and is known to."""
    mean = np.where(np.arange(len(life.belief.names)) < len(aspects()), 0.5, life.belief.mean)
    return replace(life, belief=replace(life.belief, mean=mean))


@settings(max_examples=20, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    pair=st.sampled_from([EASY, TOILS]).flatmap(
        lambda kinds: st.lists(st.sampled_from(kinds), min_size=2, max_size=2, unique=True)
    ),
    pieces=st.sampled_from([(1, 2), (0, 4)]),
)
def test_hopping_to_and_fro_never_pays(seed, pair, pieces):
    """An hour each of two things is worth most in one piece, in one order or the other."""
    life = glad_of_everything(open_life(life=LifeParameters(**UNEVENTFUL), habits=_idle()))
    duration, turns = pieces
    one, other = ([kind, 0, duration, 0] for kind in pair)
    whole = max(
        earn(life, [*[first] * turns, *[second] * turns], seed).sum()
        for first, second in ((one, other), (other, one))
    )
    assert earn(life, [one, other] * turns, seed).sum() < whole


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10**6), kind=st.sampled_from(EASY), gap=st.integers(0, 3))
def test_what_is_liked_is_worth_more_in_one_piece(seed, kind, gap):
    life = glad_of_everything(open_life(life=LifeParameters(**UNEVENTFUL), habits=_idle()))
    leave = [LEAVE, 0, gap, 1]
    merged = earn(life, [[kind, 0, 3, 0], leave], seed)
    assert earn(life, [[kind, 0, 1, 0], leave, [kind, 0, 1, 0]], seed).sum() < merged.sum()


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10**6), kind=st.sampled_from([WORK, SOCIAL]), depth=st.integers(0, 2))
def test_equals_can_be_exchanged(seed, kind, depth):
    """Two projects, or two people, between which there is nothing to choose."""
    project = ProjectState(id=9001, name="one", remaining_h=6.0, deadline_h=50.0)
    person = PersonState(id=9001, name="Ada", closeness=0.6, days_since=20, cadence_days=10)
    life = open_life(
        life=LifeParameters(**UNEVENTFUL),
        projects=(project, replace(project, id=9002)),
        people=(person, replace(person, id=9002)),
        habits=_idle(),
    )
    first = 1 if kind == WORK else 1 + PROJECTS
    blocks = [[kind, first, 3, depth], [kind, first + 1, 3, depth]]
    straight, turned = (earn(life, order, seed) for order in (blocks, blocks[::-1]))
    assert turned == pytest.approx(straight, abs=1e-9)


@settings(max_examples=30, deadline=None)
@given(
    seed=st.integers(0, 10**6),
    kind=st.sampled_from([kind for kind in EASY if kind != SOCIAL]),
    acceptance=st.sampled_from([-1e6, 0.0, 1e6]),
    pieces=st.lists(st.integers(0, 5), min_size=1, max_size=6),
)
def test_proposing_what_happens_anyway_only_costs(seed, kind, acceptance, pieces):
    habits = np.zeros((2, SLOTS, len(TYPES)))
    habits[..., kind] = 1.0
    own = {**WILLING, "acceptance": acceptance, "interruption_cost": 0.05, "max_proposals": 6}
    life = open_life(life=LifeParameters(**own, unplanned_per_day=0.0), habits=habits)
    depth = 0 if kind == REST else 1
    alone = earn(life, [], seed)
    asked = earn(life, [[kind, 0, piece, depth] for piece in pieces], seed)
    if kind == REST:  # the habit is no lighter than anything else, the proposal is
        asked[names.ALIGNMENT] = alone[names.ALIGNMENT]
    assert asked.sum() <= alone.sum() - 0.05 + 1e-9


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10**6), choices=st.randoms(use_true_random=False))
def test_refusals_bring_nothing(seed, choices):
    """Whoever refuses everything has the day they would have had, less the interruptions."""
    sampled = sample_life(np.random.default_rng(seed))
    life = replace(sampled, life=replace(sampled.life, acceptance=-1e6))
    simulation, alone = begin(life, seed), begin(life, seed)
    rng = np.random.default_rng(choices.getrandbits(32))
    parts, before = np.zeros(5), np.zeros(5)
    while not simulation.world.done[0]:
        simulation.step([legal(rng, simulation.seen)])
        parts += simulation.world.reward[0]
    while not alone.world.done[0]:
        alone.step([[LEAVE, 0, 5, 1]])
        before += alone.world.reward[0]
    assert parts[:4] == pytest.approx(before[:4], abs=1e-9)
    assert parts[4] <= before[4] + 1e-9


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10**6), choices=st.randoms(use_true_random=False))
def test_a_day_can_earn_no_more_than_its_limits_hold(seed, choices):
    """Whatever is done, and in whatever order: `varied` and `unplanned` hours too."""
    sampled = sample_life(np.random.default_rng(seed))
    simulation = begin(replace(sampled, life=replace(sampled.life, **WILLING)), seed)
    world, lives = simulation.world, simulation.lives
    truth, left = world.truth[0], world.remaining_h[0].copy()
    missing = 1.0 - world.warmth[0]
    rng = np.random.default_rng(choices.getrandbits(32))
    earned = np.zeros(5)
    while not world.done[0]:
        simulation.step([legal(rng, simulation.seen)])
        earned += world.reward[0]
    # What is liked falls linearly to nothing at its limit: half of that can be had.
    worths = np.maximum(0.0, truth[names.WORTH : names.PART]) @ LIMIT_H
    liking = np.maximum(0.0, truth[names.AFFINITY :]).sum() * TARGET_LIMIT_H
    best_mood = 1.0 + UNSURE + UNSURE_OF_NEW
    weights = 0.3 + 0.7 * lives.priority[0]
    most = {
        names.ALIGNMENT: best_mood * (worths + liking) / 2.0,
        names.PROGRESS: PROGRESS_WORTH * 2.0 * (weights * (left - world.remaining_h[0])).sum(),
        names.RELATIONSHIPS: CONTACT_WORTH * (lives.closeness[0] * missing).sum(),
        names.COSTS: 0.0,
    }
    for part, bound in most.items():
        weight = truth[names.PART + part] if part < names.COSTS else 1.0
        assert earned[part] <= weight * bound + 1e-9


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10**6), choices=st.randoms(use_true_random=False))
def test_sleep_is_never_interrupted(seed, choices):
    """Nothing is decided, done or earned in it, and what is proposed before does not reach it."""
    sampled = sample_life(np.random.default_rng(seed))
    life = replace(sampled, life=replace(sampled.life, **WILLING))
    simulation = begin(life, seed)
    world = simulation.world
    asleep = life.days[0].asleep & ~life.days[0].busy
    rng = np.random.default_rng(choices.getrandbits(32))
    while not world.done[0]:
        assert world.slot[0] == SLOTS or not asleep[world.slot[0]]
        simulation.step([legal(rng, simulation.seen)])
    lived = world.log_type[0] >= 0
    assert (world.log_source[0, asleep & lived] == names.SLEEP).all()
    assert (world.log_source[0, ~asleep & lived] != names.SLEEP).all()


def test_nobody_can_be_proposed_anything_in_their_sleep():
    life = open_life()
    always = np.ones(SLOTS, bool)
    night = np.arange(SLOTS) < 40
    day = day_plan(life.days[0].date, allowed=always, work=~always, asleep=night)
    simulation = begin(replace(life, days=(day,)))
    assert simulation.world.slot[0] == 40


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10**6), choices=st.randoms(use_true_random=False))
def test_nothing_is_earned_by_asking(seed, choices):
    """What the twin comes to believe changes no reward: the same actions earn the same."""
    life = sample_life(np.random.default_rng(seed))
    learning, fixed = (Simulation([life], 1, learns=learns) for learns in (True, False))
    rng = np.random.default_rng(choices.getrandbits(32))
    for one in (learning, fixed):
        one.begin(np.zeros(1, np.int64), np.array([stream(seed, 0)]))
    for _ in range(3):
        while not fixed.world.done[0]:
            action = legal(rng, fixed.seen)
            assert learning.step([action])[0] == fixed.step([action])[0]
        again = np.ones(1, np.bool_)
        learning.go_on(again)
        fixed.go_on(again)
    assert not np.allclose(learning.world.mean, fixed.world.mean)
    assert np.array_equal(learning.world.truth, fixed.world.truth)
