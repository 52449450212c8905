"""What the simulated day pays best for, whoever may like it: a search for indecent days.

Whatever the reward pays for too well, an agent will find. So the search is unfair: simulated people
who do whatever they are told, at no cost, as often as anybody likes; with all luck known before and
nothing that comes between; and every quarter of an hour free to be anything legal, as deep as
anybody likes. Whole days are annealed (Kirkpatrick, Gelatt & Vecchi 1983), from the day as it would
go by itself. The best day found for each of the people is lived and looked at: what it consists of,
beside what people write in time-use diaries, and whether it stays within BOUNDS.
"""

from __future__ import annotations

import csv
from typing import NamedTuple

import numba
import numpy as np
from figures import CORPUS, FAST, PEOPLE, SEED, tell

from twind.preferences.features import ACTIVITIES
from twind.rl.body import DEMAND, EFFORTFUL
from twind.rl.dynamics import end_day, next_day, pass_slot, propose, spend_slots
from twind.rl.legal import free_run, is_open, leisure_run, may_depth, may_target, room
from twind.rl.spaces import INTENSITIES, PROJECTS, SLOTS, TARGETS, TYPES
from twind.rl.world import ACCEPTED, DAY, EVENT, HABIT, LIFE, SLEEP

DIARIES = CORPUS / "behaviour" / "time_use.csv"
DEEP = INTENSITIES.index("deep")
CORNER = 900_003
"""Seed of the lives: far from those of training and of the tests."""
STEPS, RESTARTS = (10_000, 1) if FAST else (40_000, 3)
WARM, COLD = 0.5, 0.005
"""Neutral free hours that a step may lose, at the beginning and at the end."""
LONGEST = 8
HALVES = {2: 0, 4: 1, 8: 3}
"""Slots of a block that can be asked for in halves, and the duration of a half."""
ASKED, BLOCKS = 512 if FAST else 1024, 6

WILLING = {
    "acceptance": 1e6,
    "completion": 1e6,
    "start_friction": 0.0,
    "interruption_cost": 0.0,
    "max_proposals": 1e6,
    "interruptions_per_h": 0.0,
    "unplanned_per_day": 0.0,
}
"""Somebody who does what is proposed, at no cost, while nothing comes between."""


class Bound(NamedTuple):
    """What a decent day has at most (at least, where it is a floor), in a unit."""

    limit: float
    unit: str
    floor: bool = False


BOUNDS = {
    # With eleven hours off between two days and breaks at work (Directive 2003/88/EC) no more is
    # left for longer; study is work by another name. Events count.
    "toil": Bound(10.0, "h"),
    # Attention is gone after three hours without a break (Boksem, Meijman & Lorist 2005).
    "effort_in_a_row": Bound(3.0, "h"),
    # A morning or an afternoon; more is a day trip, which somebody plans for themselves.
    "one_thing_in_a_row": Bound(4.0, "h"),
    # Deliberate practice ends at four hours a day even for masters (Ericsson, Krampe &
    # Tesch-Roemer 1993); an hour more, since not all of ours is as hard.
    "deep": Bound(5.0, "h"),
    # Of sixteen waking hours most may be other people's, and some are one's own.
    "company": Bound(9.0, "h"),
    # Whom one talks to in a day, one by one, before it is a round of calls.
    "people": Bound(5.0, "people"),
    # An hour each, on average, for somebody awake for sixteen: more is a day in pieces.
    "blocks": Bound(16.0, "blocks"),
    # A few short calls and errands are a day's life; more are hopping. Breaks do not count.
    "quarter_hours": Bound(4.0, "blocks"),
    # Of waking time, for meals, washing, the household and ways: what legal.py promises.
    "unfilled": Bound(1.0 / 6.0, "share", floor=True),
    # Free, at rest, outdoors or in thought: effort is recovered from in hours off (Meijman &
    # Mulder 1998), and what the unfilled hours hold is not all rest.
    "slack": Bound(2.5, "h", floor=True),
}
"""What is asked of every day, whoever likes it. Chosen, from sources where there are any. All are
about the whole day as lived, but people, blocks and quarter_hours: they are about what is proposed.
"""
BREAKS = [ACTIVITIES.index(name) for name in ("rest", "exercise", "outdoors", "reflect")]

DIARY = {
    "work": (("work",), ("t_a02",)),
    "toil": (("work", "learn", "plan"), ("t_a02", "t_a03", "t_a05")),
    "leisure_with_others": (("social", "help"), ("t_a07",)),
    "exercise": (("exercise", "outdoors"), ("t_a09",)),
    "anything_out": (
        tuple(name for name in ACTIVITIES if name not in ("rest", "reflect", "plan")),
        ("t_a01", "t_a02", "t_a03", "t_a04", "t_a05", "t_a06", "t_a07", "t_a08", "t_a09", "t_a11"),
    ),
}
"""Our activities, and columns of the diaries that are nearest to them. The diaries tell what people
go out for, not what they do at home: they are a bound from life, not a target."""


class Lived(NamedTuple):
    """A day as it was lived, from the snapshot's slot on; each (slots,).

    kind: activities, -1 for free; target; depth; source: as in World.log_source.
    """

    kind: np.ndarray
    target: np.ndarray
    depth: np.ndarray
    source: np.ndarray


def measure():
    """Print adversary.*: figures of the days liked best, over people, beside diaries and bounds."""
    from twind.rl.lives import sample_life

    count = PEOPLE or (4 if FAST else 60)
    lives = [sample_life(np.random.default_rng([CORNER, SEED, n])) for n in range(count)]
    found = [best_day(life, number) for number, life in enumerate(lives)]
    days = [day for day, _, _ in found]
    _tell_gain([gain for _, _, gain in found])
    _tell_minutes(days, [alone for _, alone, _ in found])
    _tell_bounds([measures(day) for day in days])
    _tell_diaries(days)
    _tell_splitting(np.concatenate([splitting(life) for life in lives]))


# --- searching -----------------------------------------------------------------------------------


def best_day(snapshot, number):
    """Return the best day found for somebody willing, the day left alone, and what is gained."""
    lives, morning = _morning(snapshot, number)
    scratch, plan = morning.copy(), np.zeros((SLOTS, 3), np.int64)
    _live(lives, morning, scratch, plan, 0)
    alone, before = _as_lived(scratch[0], plan), _live(lives, morning, scratch, plan, 1)
    rng = np.random.default_rng([SEED, number])
    after = _anneal(lives, morning, scratch, plan, _options(lives), STEPS, RESTARTS, rng)
    _live(lives, morning, scratch, plan, 0)
    return _as_lived(scratch[0], plan), alone, after - before


def _morning(snapshot, number):
    """Return the life of somebody willing, packed, and the records of its first morning."""
    from dataclasses import replace

    from twind.rl.snapshot import Snapshot
    from twind.rl.vec_env import Simulation, stream
    from twind.rl.world import pack

    told = {name: getattr(snapshot, name) for name in Snapshot.__slots__}
    first = int(np.argmax(~snapshot.days[0].asleep))
    told |= {"life": replace(snapshot.life, **WILLING), "slot": first}
    lives = pack([Snapshot(**told)])
    lives.records["moods"] = 0.0
    simulation = Simulation(lives, 1, learns=False)
    simulation.begin(np.zeros(1, np.int64), np.array([stream(SEED, number)]))
    return lives.records, simulation.world.records


def _options(lives):
    """Return everything that could be done at some time: type, target, intensity, (n, 3)."""
    life = lives[0]
    projects, people = int(life["project_count"]), int(life["people_count"])
    targets = [0, *range(1, 1 + projects), *range(1 + PROJECTS, 1 + PROJECTS + people)]
    rows = [
        (kind, target, depth)
        for kind in range(1, len(TYPES))
        for target in targets
        for depth in range(len(INTENSITIES))
        if may_depth(kind - 1, depth)
        and (target == 0) <= (TYPES[kind] != "work")
        and (not 0 < target <= PROJECTS or TYPES[kind] in ("work", "learn"))
        and (target <= PROJECTS or TYPES[kind] in ("social", "help"))
    ]
    return np.array(rows, np.int64)


@numba.njit(
    numba.float64(LIFE[::1], DAY[::1], DAY[::1], numba.int64[:, ::1], numba.int64),
    error_model="numpy",
)
def _live(lives, morning, scratch, plan, days_after):
    """Live a day by a plan (SLOTS, 3) and some after it; return what it all comes to.

    What is not legal in its slot is left to the user, as a type of 0 is.
    """
    scratch[0] = morning[0]
    v, w = lives[0], scratch[0]
    while w.slot < SLOTS:
        kind, target, depth = plan[w.slot, 0], plan[w.slot, 1], plan[w.slot, 2]
        legal = kind > 0 and is_open(v, w)
        if legal:
            run = free_run(v, w)
            fits = room(v, w, kind - 1, run, leisure_run(v, w, run))
            legal = fits > 0 and may_target(v, w, kind - 1, target) and may_depth(kind - 1, depth)
        if legal:
            begun = propose(v, w, kind - 1, target, depth, 1)
            spend_slots(v, w, kind - 1, target, depth, 1, begun)
        else:
            pass_slot(v, w, -1, 0, 1, HABIT)
    end_day(v, w)
    total = w.reward.sum()
    for _ in range(days_after):
        if not next_day(v, w):
            break
        while w.slot < SLOTS:
            pass_slot(v, w, -1, 0, 1, HABIT)
        end_day(v, w)
        total += w.reward.sum()
    return total


@numba.njit(error_model="numpy")
def _anneal(lives, morning, scratch, best, options, steps, restarts, rng):
    """Look for the best plan, write it to `best` (SLOTS, 3) and return what it comes to."""
    first = morning[0].slot
    highest = _live(lives, morning, scratch, best, 1)
    plan, other = best.copy(), best.copy()
    for _ in range(restarts):
        plan[:] = 0
        value = _live(lives, morning, scratch, plan, 1)
        for step in range(steps):
            warmth = WARM * (COLD / WARM) ** (step / steps)
            other[:] = plan
            _change(other, options, first, rng)
            found = _live(lives, morning, scratch, other, 1)
            if found >= value or rng.random() < np.exp((found - value) / warmth):
                plan[:] = other
                value = found
                if value > highest:
                    best[:] = plan
                    highest = value
    return highest


@numba.njit(error_model="numpy")
def _change(plan, options, first, rng):
    """Change a stretch of a plan: to something else, to what is next to it, or with another."""
    length = rng.integers(1, LONGEST + 1)
    at = rng.integers(first, SLOTS - length + 1)
    way = rng.random()
    if way < 0.4:
        chosen = options[rng.integers(0, len(options))]
        for slot in range(at, at + length):
            plan[slot] = chosen
    elif way < 0.5:
        plan[at : at + length] = 0
    elif way < 0.65 and at > first:
        for slot in range(at, at + length):
            plan[slot] = plan[at - 1]
    elif way < 0.8 and at + length < SLOTS:
        for slot in range(at, at + length):
            plan[slot] = plan[at + length]
    elif way < 0.9:
        to = rng.integers(first, SLOTS - length + 1)
        for step in range(length):
            for part in range(3):
                held = plan[at + step, part]
                plan[at + step, part] = plan[to + step, part]
                plan[to + step, part] = held
    else:
        depth = rng.integers(0, 3)
        for slot in range(at, at + length):
            if may_depth(plan[slot, 0] - 1, depth):
                plan[slot, 2] = depth


# --- looking -------------------------------------------------------------------------------------


def _as_lived(world, plan):
    """Return the waking slots of the day that has just been lived."""
    lived = (world["log_type"] >= 0) & (world["log_source"] != SLEEP)
    depth = np.where(world["log_source"] == ACCEPTED, plan[:, 2], 1)
    return Lived(
        world["log_type"][lived].astype(int) - 1,
        world["log_target"][lived].astype(int),
        depth[lived],
        world["log_source"][lived].astype(int),
    )


def measures(day):
    """Return what BOUNDS are about, of one day."""
    hours = {name: (day.kind == n).sum() / 4 for n, name in enumerate(ACTIVITIES)}
    filled, chosen = day.kind >= 0, day.source != EVENT
    proposed = day.source == ACCEPTED
    effort = filled & (DEMAND[day.kind] >= EFFORTFUL)
    blocks = _blocks(day, proposed)
    return {
        "toil": hours["work"] + hours["learn"],
        "effort_in_a_row": max(_blocks(day, effort & chosen, day.kind * 0), default=0) / 4,
        "one_thing_in_a_row": max(_blocks(day, filled & chosen), default=0) / 4,
        "deep": (effort & (day.depth == DEEP)).sum() / 4,
        "company": hours["social"] + hours["help"],
        "people": len(set(day.target[proposed & (day.target > PROJECTS)])),
        "blocks": len(blocks),
        "quarter_hours": _blocks(day, proposed & ~np.isin(day.kind, BREAKS)).count(1),
        "unfilled": 1.0 - filled.mean(),
        "slack": (~filled).sum() / 4 + sum(hours[name] for name in ("rest", "outdoors", "reflect")),
    }


def _blocks(day, where, what=None):
    """Return the lengths, in slots, of stretches of one thing where `where` holds."""
    thing = day.kind * TARGETS + day.target if what is None else what
    edges = np.flatnonzero(np.diff(np.where(where, thing, -1_000))) + 1
    pieces = np.split(np.arange(len(thing)), edges)
    return [len(piece) for piece in pieces if where[piece[0]]]


def _tell_gain(gains):
    low, high = np.percentile(gains, [5, 95])
    tell("adversary.gain", float(np.median(gains)), low, high, "free hours a day", None, None,
         len(gains))  # fmt: skip


def _tell_minutes(days, alone):
    """Print what the days consist of, beside the same people's days left alone."""
    for n, name in enumerate(("free", *ACTIVITIES), start=-1):
        here, there = ([(day.kind == n).sum() * 15.0 for day in one] for one in (days, alone))
        low, high = np.percentile(here, [5, 95])
        mean, base = float(np.mean(here)), float(np.mean(there))
        ratio = mean / base if base else None
        tell(f"adversary.minutes_{name}", mean, low, high, "min/day", base, ratio, len(days))
    here, there = (
        [15.0 * length for day in one for length in _blocks(day, day.kind >= 0)]
        for one in (days, alone)
    )
    low, high = np.percentile(here, [5, 95])
    middle, base = float(np.median(here)), float(np.median(there))
    tell("adversary.block_minutes", middle, low, high, "min", base, middle / base, len(here))


def _tell_bounds(rows):
    """Print the worst day by each bound, and how many days break it."""
    broken = np.zeros(len(rows), bool)
    for name, bound in BOUNDS.items():
        values = np.array([row[name] for row in rows], float)
        sign = -1.0 if bound.floor else 1.0
        beyond = sign * values > sign * bound.limit + 1e-9
        broken |= beyond
        worst = float(sign * (sign * values).max())
        low, high = np.percentile(values, [5, 95])
        tell(f"adversary.worst_{name}", worst, low, high, bound.unit, bound.limit,
             worst / bound.limit, len(rows))  # fmt: skip
        _tell_share(f"adversary.beyond_{name}", beyond)
    _tell_share("adversary.beyond_any", broken)


def _tell_share(name, where):
    """Print a share of days with its 95 % interval (Wilson 1927)."""
    n, share, z = len(where), float(where.mean()), 1.96
    middle = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z * np.sqrt(share * (1 - share) / n + z * z / (4 * n * n)) / (1 + z * z / n)
    tell(name, share, max(0.0, middle - half), min(1.0, middle + half), "share of days", 0.0, None,
         n)  # fmt: skip


def _tell_diaries(days):
    """Print hours by activity beside those of diaries, and how many are longer than 99 % there."""
    if not DIARIES.is_file():
        print(f"adversary: no diaries at {DIARIES}: the days are not held against them")
        return
    with DIARIES.open(encoding="utf-8") as file:
        diaries = list(csv.DictReader(file))
    for name, (ours, theirs) in DIARY.items():
        there = np.array([sum(float(row[column]) for column in theirs) for row in diaries])
        kinds = [ACTIVITIES.index(one) for one in ours]
        here = np.array([np.isin(day.kind, kinds).sum() * 15.0 for day in days])
        low, high = np.percentile(here, [5, 95])
        mean, base = float(here.mean()), float(there.mean())
        tell(f"adversary.diary_{name}", mean, low, high, "min/day", base, mean / base, len(days))
        _tell_share(f"adversary.diary_{name}_beyond", here > np.percentile(there, 99))


# --- asking twice --------------------------------------------------------------------------------


def splitting(snapshot):
    """Return what is gained by asking for blocks in two halves, over asking once, (n, 3).

    With the mean over days of somebody as they are, who may refuse, not begin and break off: beyond
    the whole block, and beyond the best of it and of each half by itself; and the standard error of
    the latter. The blocks are the most promising of the day.
    """
    from twind.rl.candidates import Candidates, Limits
    from twind.rl.rehearsal import Item, Rehearsal
    from twind.rl.world import pack

    lives = pack([snapshot])
    luck = Rehearsal(lives, 0, ASKED, SEED)
    candidates = Candidates(snapshot, lives, 0, Limits(min_acceptance=0.0)).promising()
    found = []
    for item in [one for one in candidates if one.end - one.slot in HALVES][:BLOCKS]:
        half = HALVES[item.end - item.slot]
        first = Item(item.slot, item.kind, item.target, half, item.intensity)
        second = Item(first.end, item.kind, item.target, half, item.intensity)
        plans = [[item], [first], [second], [first, second]]
        returns = luck.live(plans, 0, ASKED).returns
        best = returns[:3][returns[:3].mean(axis=1).argmax()]
        gain = returns[3] - best
        spread = gain.std() / np.sqrt(ASKED)
        found.append(((returns[3] - returns[0]).mean(), gain.mean(), spread))
    return np.array(found).reshape(-1, 3)


def _tell_splitting(rows):
    """Print what a second question for the same thing brings: on average it should cost."""
    for place, name in enumerate(("whole", "best")):
        gains = rows[:, place]
        half = 1.96 * gains.std() / np.sqrt(len(gains))
        mean = float(gains.mean())
        tell(f"adversary.split_over_{name}", mean, mean - half, mean + half, "free hours", 0.0,
             None, len(gains))  # fmt: skip
    _tell_share("adversary.split_pays", rows[:, 1] > 2.0 * rows[:, 2])
