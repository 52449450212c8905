"""Whether people are known better after what they said and did than before.

The people are simulated: their days by the whole of the simulated day, not by what the fit knows of
it. What they say of their energy is one of five levels, on a scale of their own, and some days are
better than others.
"""

from __future__ import annotations

import itertools
import math
import sys
from dataclasses import dataclass, replace
from functools import cache

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from twind.model import HORIZON_DAYS
from twind.rl import fitting
from twind.rl.body import company_effort
from twind.rl.compiled import compiled
from twind.rl.dynamics import begin_life, end_day, next_day, pass_slot
from twind.rl.fitting import BODY, FollowUp, Wait, fit_body
from twind.rl.lived import Body, Stretch, put_together
from twind.rl.lives import sample_life
from twind.rl.population import SPREADS
from twind.rl.snapshot import LifeParameters
from twind.rl.spaces import SLOTS
from twind.rl.world import ACTIVITIES, HABIT, World, pack

AVERAGE = LifeParameters()
DAY_SD, SAYING_SD = 0.1, 0.1
"""How much better or worse than explained a day is, and how loosely it is said."""


def deviations(life, names=BODY):
    """Return how far parameters are from the average person's, in standard deviations."""
    found = []
    for name in names:
        spread, own, average = SPREADS[name], getattr(life, name), getattr(AVERAGE, name)
        differs = math.log(own / average) if spread.kind == "ratio" else own - average
        found.append(differs / spread.spread)
    return np.array(found)


def rms(values):
    return float(np.sqrt(np.mean(np.square(values))))


# --- nothing is known -----------------------------------------------------------------------------


def test_without_evidence_everything_is_exactly_the_populations():
    nothing = np.zeros(0)
    fit = fit_body(lambda _: nothing, nothing, nothing.astype(int), AVERAGE)
    assert fit.life == AVERAGE
    assert (fit.shift, fit.stretch, fit.evidence) == (0.0, 1.0, 0)
    assert fitting.fit_lead_time([], AVERAGE.lead_time) == AVERAGE.lead_time
    assert fitting.fit_follow_through([], 0.12, 2.5) == (0.12, 2.5)
    assert fitting.fit_unplanned([], 0.4) == 0.4


def test_what_says_nothing_moves_nothing():
    # Said exactly as expected; and as many unplanned events as anybody has.
    body, slots, _ = some_body()
    said = body.live(AVERAGE)[0][slots]
    fit = fit_body(lambda life: body.live(life)[0][slots], said, slots // SLOTS, AVERAGE)
    assert np.allclose(deviations(fit.life), 0.0, atol=1e-6)
    assert fitting.fit_unplanned([0, 1, 0, 0, 1], 0.4) == pytest.approx(0.4)


# --- the body -------------------------------------------------------------------------------------


@compiled
def _live_alone(lives, world, seed, energy):
    v, w = lives[0], world[0]
    begin_life(v, w, seed, 0, False)
    t = 0
    while True:
        while w.slot < SLOTS:
            energy[t] = w.energy
            t += 1
            pass_slot(v, w, -1, 0, 1, HABIT)
        end_day(v, w)
        if not next_day(v, w):
            break


@dataclass(frozen=True, slots=True)
class Simulated:
    """Somebody's life and what can be known of it; `energy` (T,) as it really was."""

    seed: int
    life: LifeParameters
    body: Body
    energy: np.ndarray
    awake: np.ndarray

    def check_ins(self, a_day, days):
        """Return (slot, energy said) at random waking moments."""
        rng = np.random.default_rng((self.seed, a_day, days))
        shift, stretch = rng.normal(0.0, 0.15), math.exp(rng.normal(0.0, 0.3))
        told = []
        for day in range(days):
            night = rng.normal(0.0, DAY_SD)
            for slot in rng.choice(self.awake, a_day, replace=False):
                at = day * SLOTS + int(slot)
                felt = 0.7 + shift + stretch * (self.energy[at] - 0.7)
                said = felt + night + rng.normal(0.0, SAYING_SD)
                told.append((at, min(1.0, max(0.0, round(said * 4.0) / 4.0))))
        return fitting.by_hour(told)


@cache
def somebody(seed, fortnights):
    """Simulate fortnights of somebody who sleeps at night, with nobody proposing anything."""
    rng = np.random.default_rng(seed)
    snapshot = sample_life(rng)
    while snapshot.life.chronotype_h > 5.0:
        snapshot = sample_life(rng)
    snapshot = replace(snapshot, slot=0, start=snapshot.instant(0, 0))
    lives, world = pack([snapshot]), World(1)
    energies = []
    for fortnight in range(fortnights):
        energies.append(np.empty(HORIZON_DAYS * SLOTS))
        luck = np.uint64(100 * seed + fortnight)
        _live_alone(lives.records, world.records, luck, energies[-1])
    days = snapshot.days
    known = put_together(days[0].date, len(days) * SLOTS, days[0].asleep, snapshot.habits, [])
    for at, (day, slot) in enumerate(itertools.product(days, range(SLOTS))):
        if day.busy[slot]:
            known.shares[at] = np.eye(ACTIVITIES + 2)[1 + day.event_activity[slot]]
            known.company[at] = company_effort(float(day.event_people[slot]))
    stretch = Stretch(
        known.first, np.tile(known.shares, (fortnights, 1)), np.tile(known.company, fortnights)
    )
    return Simulated(
        seed,
        snapshot.life,
        Body(stretch, lives.mean[0]),
        np.concatenate(energies),
        np.flatnonzero(~days[0].asleep),
    )


def some_body(seed=3, a_day=3, days=14):
    one = somebody(seed, 1)
    told = one.check_ins(a_day, days)
    return one.body, np.array([at for at, _ in told]), np.array([said for _, said in told])


def fitted(body, slots, said):
    return fit_body(lambda life: body.live(life)[0][slots], said, slots // SLOTS, AVERAGE)


PEOPLE = range(32)
SEEN = ((2, 1), (4, 3), (8, 3))
"""Fortnights, and check-ins a day."""


@cache
def errors(fortnights, a_day):
    """Return what is wrong of PEOPLE before and after so many check-ins, (32, 4) each."""
    before, after = [], []
    for seed in PEOPLE:
        one = somebody(seed, fortnights)
        told = one.check_ins(a_day, HORIZON_DAYS * fortnights)
        fit = fitted(one.body, np.array([at for at, _ in told]), np.array([s for _, s in told]))
        before.append(-deviations(one.life))
        after.append(deviations(fit.life) - deviations(one.life))
    return np.array(before), np.array(after)


def test_check_ins_tell_more_of_a_body_than_the_population_and_more_of_them_more():
    # 32 people (seeds 0..31), with 28, then 168 check-ins each, in 8 weeks at most.
    before, few = errors(2, 1)
    _, many = errors(4, 3)
    assert rms(few) < 0.97 * rms(before)
    assert rms(many) < 0.88 * rms(before)
    clock, company = BODY.index("chronotype_h"), BODY.index("social_energy")
    for place in (clock, company):
        assert rms(few[:, place]) < 0.95 * rms(before[:, place])
        assert rms(many[:, place]) < 0.85 * rms(before[:, place])
    # How fast somebody recovers hardly shows in so few words: then the population stands.
    assert np.all(np.sqrt(np.mean(many**2, axis=0)) < 1.03 * np.sqrt(np.mean(before**2, axis=0)))


@given(
    told=st.dictionaries(
        st.integers(26, 14 * SLOTS - 1), st.sampled_from([0.0, 0.25, 0.5, 0.75, 1.0]), max_size=3
    )
)
def test_a_handful_of_check_ins_throws_nothing_about(told):
    body, _, _ = some_body()
    said = fitting.by_hour(told.items())
    slots = np.array([slot for slot, _ in said], int)
    fit = fitted(body, slots, np.array([energy for _, energy in said]))
    assert np.all(np.abs(deviations(fit.life)) < 0.75)
    assert fit.evidence == len(said)


def test_one_word_that_fits_nothing_is_hardly_heard():
    body, slots, _ = some_body()
    said = np.clip(body.live(replace(AVERAGE, chronotype_h=1.5))[0][slots], 0.0, 1.0)
    before = deviations(fitted(body, slots, said).life)
    for place in (0, 20, -1):
        odd = said.copy()
        odd[place] = 0.0
        assert np.all(np.abs(deviations(fitted(body, slots, odd).life) - before) < 0.2)


def test_how_somebody_uses_the_scale_is_not_taken_for_their_body():
    body, slots, _ = some_body()
    own = replace(AVERAGE, chronotype_h=1.5, recovery=1.3)
    energy = body.live(own)[0][slots]
    plain, modest = fitted(body, slots, energy), fitted(body, slots, 0.25 + 0.6 * energy)
    assert np.allclose(deviations(plain.life), deviations(modest.life), atol=0.35)
    assert modest.shift < plain.shift
    assert modest.stretch < plain.stretch
    assert np.allclose(modest.expected(energy), 0.25 + 0.6 * energy, atol=0.06)


def test_a_day_full_of_check_ins_is_one_day():
    body, _, _ = some_body()
    day = np.arange(30, 88, 4)
    said = np.full(len(day), 0.25)
    crowded = fit_body(lambda life: body.live(life)[0][day], said, day // SLOTS, AVERAGE)
    spread = fit_body(lambda life: body.live(life)[0][day], said, np.arange(len(day)), AVERAGE)
    assert abs(crowded.shift) < abs(spread.shift)


def test_what_is_said_within_an_hour_is_one():
    told = [(41, 0.0), (40, 1.0), (43, 0.5), (44, 0.25)]
    for order in itertools.permutations(told):
        assert fitting.by_hour(order) == [(43, 0.5), (44, 0.25)]


def test_a_fit_repeats_to_the_last_bit():
    body, slots, said = some_body()
    assert fitted(body, slots, said) == fitted(body, slots, said)


def test_what_is_said_beyond_the_expected_is_mostly_how_the_day_is():
    fit = fitting.BodyFit(AVERAGE, shift=0.1, stretch=0.5)
    expected = float(fit.expected(np.array(0.6)))
    assert fit.lift(expected, 0.6) == pytest.approx(0.0)
    assert fit.lift(expected - 0.1, 0.6) == pytest.approx(-0.2 * fitting.OF_TODAY)


# --- how long before they are due things are done -------------------------------------------------


def waits(rng, lead, count):
    """Do tasks as somebody of such a lead time does, day by day and by the pull of the deadline."""
    found = []
    for _ in range(count):
        opened = rng.uniform(4.0, 20.0)
        left, step = opened, 1.0 / 16.0
        a_day = 0.4
        while left > -3.0 and rng.random() >= step * a_day / (1.0 + max(0.0, left) / lead):
            left -= step
        found.append(Wait(opened, left, done=left > -3.0))
    return found


def lead_errors(count, people=40):
    found = []
    for seed in range(people):
        rng = np.random.default_rng(seed)
        own = SPREADS["lead_time"].draw(rng, AVERAGE.lead_time)
        fit = fitting.fit_lead_time(waits(rng, own, count), AVERAGE.lead_time)
        found.append((math.log(AVERAGE.lead_time / own), math.log(fit / own)))
    before, after = np.array(found).T
    return rms(before), rms(after)


def test_lead_time_is_known_better_with_every_task():
    # 40 people (seeds 0..39), with 10, 40 and 200 tasks each.
    before, few = lead_errors(10)
    _, more = lead_errors(40)
    _, many = lead_errors(200)
    assert before > few > more > many
    assert few < 0.97 * before
    assert many < 0.7 * before


def test_whoever_is_done_early_has_a_long_lead_and_whoever_is_late_a_short_one():
    early = fitting.fit_lead_time([Wait(20.0, 12.0, True)] * 10, 3.0)
    late = fitting.fit_lead_time([Wait(20.0, 0.1, True)] * 10, 3.0)
    left = fitting.fit_lead_time([Wait(20.0, 0.0, False)] * 10, 3.0)
    assert late < 3.0 < early
    assert left < 3.0


def test_what_traits_explain_of_lead_times_is_not_explained_again():
    # Somebody whose traits double their lead time, and nothing else about them.
    told = waits(np.random.default_rng(1), 2.0 * AVERAGE.lead_time, 400)
    plain = fitting.fit_lead_time(told, AVERAGE.lead_time)
    explained = fitting.fit_lead_time(told, AVERAGE.lead_time, math.log(2.0))
    assert plain > 1.4 * AVERAGE.lead_time
    assert explained == pytest.approx(AVERAGE.lead_time, rel=0.15)


def test_a_task_that_could_not_be_done_before_says_nothing():
    assert fitting.fit_lead_time([Wait(0.0, 2.0, True), Wait(-3.0, -4.0, True)], 3.0) == 3.0


@given(st.permutations([Wait(9.0, 1.0, True), Wait(5.0, 4.5, True, 0.3), Wait(7.0, -2.0, False)]))
def test_lead_time_does_not_hang_on_the_order(told):
    expected = fitting.fit_lead_time(sorted(told), 3.0)
    assert fitting.fit_lead_time(told, 3.0) == expected


# --- what becomes of what was accepted ------------------------------------------------------------


def follow_ups(rng, friction, completion, count):
    found = []
    for _ in range(count):
        hours, demand = float(rng.choice([0.5, 1.0, 1.5])), float(rng.choice([0.1, 0.8]))
        pressing = bool(rng.random() < 0.4)
        begun = 1.0 if pressing else 1.0 - friction * demand
        done = rng.random() < begun * (1.0 / (1.0 + math.exp(-completion))) ** hours
        found.append(FollowUp(hours, demand, pressing, bool(done)))
    return found


def test_follow_through_is_known_better_with_every_promise():
    # 40 people (seeds 0..39), with 15 and with 150 promises each.
    names = ("start_friction", "completion")
    before, after = [], {15: [], 150: []}
    for seed in range(40):
        rng = np.random.default_rng(seed)
        drawn = {name: SPREADS[name].draw(rng, getattr(AVERAGE, name)) for name in names}
        own = deviations(replace(AVERAGE, **drawn), names)
        before.append(own)
        for count, found in after.items():
            told = follow_ups(rng, *drawn.values(), count)
            fit = fitting.fit_follow_through(told, AVERAGE.start_friction, AVERAGE.completion)
            found.append(
                deviations(replace(AVERAGE, **dict(zip(names, fit, strict=True))), names) - own
            )
    assert rms(after[15]) < rms(before)
    assert rms(after[150]) < 0.9 * rms(after[15])


def test_only_what_does_not_press_tells_of_friction():
    left = [FollowUp(1.0, 0.8, pressing, False) for pressing in (True,) * 5]
    pressing = fitting.fit_follow_through(left, 0.12, 2.5)
    assert pressing[0] == pytest.approx(0.12)
    assert pressing[1] < 2.5
    free = fitting.fit_follow_through([replace(one, pressing=False) for one in left], 0.12, 2.5)
    assert free[0] > 0.12
    assert 2.5 > free[1] > pressing[1]


def test_what_traits_do_to_follow_through_is_not_explained_again():
    # Ten people (seeds 0..9) of the same traits, and nothing else about them.
    plain, explained = [], []
    for seed in range(10):
        told = follow_ups(np.random.default_rng(seed), 0.12 * math.exp(0.7), 2.5 - 1.0, 400)
        plain.append(fitting.fit_follow_through(told, 0.12, 2.5))
        explained.append(fitting.fit_follow_through(told, 0.12, 2.5, (0.7, -1.0)))
    assert np.mean([completion for _, completion in plain]) < 1.9
    assert np.mean([friction for friction, _ in explained]) == pytest.approx(0.12, rel=0.2)
    assert np.mean([completion for _, completion in explained]) == pytest.approx(2.5, abs=0.2)


# --- what nobody planned --------------------------------------------------------------------------


@given(st.integers(1, 200), st.floats(0.1, 1.2))
def test_unplanned_events_lie_between_what_was_seen_and_the_population(days, rate):
    seen = [int(rate * (n + 1)) - int(rate * n) for n in range(days)]
    fit = fitting.fit_unplanned(seen, 0.4)
    observed = sum(seen) / days
    assert min(observed, 0.4) - 1e-6 <= fit <= max(observed, 0.4) + 1e-6
    longer = fitting.fit_unplanned(seen * 4, 0.4)
    assert abs(longer - observed) <= abs(fit - observed) + 1e-6


def test_a_day_on_which_a_calendar_was_imported_is_no_day_of_a_hundred_surprises():
    plain = fitting.fit_unplanned([0, 1] * 20, 0.4)
    flooded = fitting.fit_unplanned([*[0, 1] * 20, 100], 0.4)
    assert flooded == fitting.fit_unplanned([*[0, 1] * 20, fitting.MOST_UNPLANNED], 0.4)
    assert flooded < 1.3 * plain


# --- how it is searched ---------------------------------------------------------------------------


@given(st.lists(st.floats(-2.5, 2.5), min_size=1, max_size=2), st.floats(0.2, 50.0))
def test_the_likeliest_place_is_found(at, sharp):
    target = np.array(at)

    def likelihood(z):
        return -0.5 * sharp * np.sum((z - target) ** 2, axis=1)

    found = fitting.likeliest(likelihood, len(at))
    assert np.allclose(found, target * sharp / (1.0 + sharp), atol=1e-3)


def main():
    """Print the table of docs/learning.md: what is wrong of each of BODY, by check-ins."""
    rows = {0: errors(2, 1)[0]}
    rows |= {14 * fortnights * a_day: errors(fortnights, a_day)[1] for fortnights, a_day in SEEN}
    lines = [f"| check-ins | {' | '.join(BODY)} |", "|---" * (1 + len(BODY)) + "|"]
    for count, wrong in rows.items():
        lines.append(f"| {count} | {' | '.join(f'{rms(each):.2f}' for each in wrong.T)} |")
    sys.stdout.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
