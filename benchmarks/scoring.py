"""What six weeks with somebody came to, as figures: of fidelity.py's days, one line each.

All are of simulated people, and say so. Intervals are over people (bootstrap), 95 %. What cannot be
told has no value: shares of what is not there to be gained, for one.
"""

from __future__ import annotations

import math

import numpy as np
from figures import FAST, SEED

WEEKS = {"week1": (0, 7), "week2": (7, 14), "week6": (35, 42)}
ANSWERS = (0, 10) if FAST else (0, 5, 10, 20, 40)
BOOTSTRAPS = 2000
ASKED_AGAIN = 20
"""How often, in other luck, somebody is asked who is to say how probably they say yes."""
SURE = 0.9
"""What the twin is this sure of has to be so, about so often."""
TAIL = 0.05
"""How probably less, and how probably more, comes than an interval of 90 % holds."""
NEWTON_STEPS, CLOSE = 100, 1e-9
RECOVERED, LOOKED_AT_DAYS = 0.8, 5
"""A change is recovered from when so much of what was gained before it is gained again, on average
over so many days."""


def report(family, everyone, days, ways, drift_day=None):
    """Yield the figures of a family.

    everyone: by person, what came of each of the ways, as fidelity.one_person returns it.
    drift_day: the day, from 0, after which they are others, if they are.
    """
    for way in ways:
        for week, when in _weeks(days):
            yield lived_gain(family, way, week, everyone, when)
            yield day_gain(family, way, week, everyone, when)
    told = [person["twind"] for person in everyone]
    for week, when in _weeks(days):
        yield from _proposed(family, week, told, when)
        yield refused_of_who_knows(family, week, everyone, when)
    yield brier_skill(family, told)
    yield brier_skill_at_most(family, told)
    yield calibration(family, told)
    yield coverage(family, told)
    yield order_of_pairs(family, told)
    yield _figure(f"{family}.churn", [one for each in told for one in each.moved], "share moved")
    if all(each.ahead for each in told):
        for learnt in ("learnt", "unlearnt"):
            yield ahead(family, learnt, [each.ahead for each in told])
    if drift_day is not None and days > drift_day + LOOKED_AT_DAYS:
        yield recovery(family, everyone, drift_day)
    for order in ("chosen", "random"):
        for answers in ANSWERS[1:]:
            yield gap_closed(family, everyone, order, answers)
    for ceiling in ("told", "no_foresight"):
        if all(person["gap"][ceiling] is not None for person in everyone):
            yield gap_ceiling(family, everyone, ceiling)


def pooled(told):
    """Yield what is asked of everybody together, whatever their family."""
    yield brier_skill("everybody", told)
    yield brier_skill_at_most("everybody", told)
    yield calibration("everybody", told)
    yield coverage("everybody", told)
    yield order_of_pairs("everybody", told)


def _weeks(days):
    """Return the weeks that are looked at, and all days together, as slices of the days."""
    weeks = [(week, slice(*ends)) for week, ends in WEEKS.items() if ends[1] <= days]
    return [*weeks, ("all", slice(0, days))]


# --- how much better the days became -------------------------------------------------------------


def lived_gain(family, way, week, everyone, when):
    """Return the gain of a way, scaled: 0 nothing proposed, 1 by somebody who knows."""
    sums = {
        name: np.array([sum(person[name].worth[when]) for person in everyone])
        for name in ("nothing", "knowing", way)
    }
    gained, possible = sums[way] - sums["nothing"], sums["knowing"] - sums["nothing"]
    unit = "0 nothing, 1 knowing; simulated"
    return _scaled(f"{family}.lived_gain.{way}.{week}", gained, possible, unit)


def day_gain(family, way, week, everyone, when):
    """Return the same of each day alone: beside that very day with nothing taken up.

    What is done or met today is not there to be gained next week: that is in `lived_gain` and not
    here, so that the two tell learning from living on.
    """
    gained, possible = (
        np.array([sum(person[name].own[when]) for person in everyone]) for name in (way, "knowing")
    )
    unit = "of what who knows adds to a day; simulated"
    return _scaled(f"{family}.day_gain.{way}.{week}", gained, possible, unit)


def ahead(family, learnt, everyone):
    """Return what plans for the days after the last would add, as a share of what there is to add.

    From where each person is by then, and in other luck: so that neither what has been gained
    already nor the luck of a week counts.
    """
    gained, possible = (np.array([each[name] for each in everyone]) for name in (learnt, "knowing"))
    unit = "of what who knows all but luck would add; simulated"
    return _scaled(f"{family}.ahead.{learnt}", gained, possible, unit)


def gap_closed(family, everyone, order, answers):
    """Return which share of the way from the first plan to that of who knows answers have led."""
    first = np.array([person["gap"][order][0] for person in everyone])
    then = np.array([person["gap"][order][answers] for person in everyone])
    knowing = np.array([person["gap"]["knowing"] for person in everyone])
    unit = "0 before any answer, 1 knowing; simulated"
    return _scaled(f"{family}.gap_closed.{order}.{answers}", then - first, knowing - first, unit)


def gap_ceiling(family, everyone, ceiling):
    """Return the same of the plans of who has a share of the knowledge.

    ceiling: "told", twind that is told the tastes which answers would tell of, or "no_foresight",
    the search that knows, but for the day's luck.
    """
    first = np.array([person["gap"]["chosen"][0] for person in everyone])
    told = np.array([person["gap"][ceiling] for person in everyone])
    knowing = np.array([person["gap"]["knowing"] for person in everyone])
    unit = "0 before any answer, 1 knowing; simulated"
    return _scaled(f"{family}.gap_closed.{ceiling}", told - first, knowing - first, unit)


def recovery(family, everyone, drift_day):
    """Return how many days after a change as much is gained again as in the week before it.

    Of everybody together, as a share of what was to be gained; no value where they never do, or
    where nothing was gained in that week.
    """
    days = len(everyone[0]["twind"].worth)
    sums = {
        name: np.sum([person[name].worth for person in everyone], axis=0)
        for name in ("nothing", "knowing", "twind")
    }
    gained, possible = sums["twind"] - sums["nothing"], sums["knowing"] - sums["nothing"]

    def share(first, end):
        scale = possible[first:end].sum()
        return gained[first:end].sum() / scale if scale > 0.0 else 0.0

    mark = RECOVERED * share(max(0, drift_day - 7), drift_day)
    ends = range(drift_day + LOOKED_AT_DAYS, days + 1)
    found = next(
        (end - drift_day for end in ends if 0.0 < mark <= share(end - LOOKED_AT_DAYS, end)), None
    )
    unit = f"days until {RECOVERED:.0%} of it; simulated"
    return _line(f"{family}.recovered", found, None, None, unit, mark, len(everyone))


def _scaled(name, gained, possible, unit):
    """Return what everybody gained of what they could have gained, all together.

    Not the mean or median of each one's share: with nearly nothing to be gained it is anything. No
    value where there is nothing, and no interval where that may well be so.
    """
    value = low = high = None
    if possible.sum() > 0.0:
        value = gained.sum() / possible.sum()
        picks = np.random.default_rng(SEED).integers(0, len(gained), (BOOTSTRAPS, len(gained)))
        scales = possible[picks].sum(axis=1)
        if scales.min() > 0.0:
            low, high = np.percentile(gained[picks].sum(axis=1) / scales, [2.5, 97.5])
    return _line(name, value, low, high, unit, possible.mean(), len(gained))


# --- how well the twin knows what is said --------------------------------------------------------


def _proposed(family, week, told, when):
    said = [one for each in told for one in each.said if when.start <= one[0] < when.stop]
    accepted = [taken for _, _, taken in said]
    refused = [not taken for taken in accepted]
    yield _figure(f"{family}.accepted.{week}", accepted, "share of what was answered")
    yield _figure(f"{family}.false_alarms.{week}", refused, "share of what was answered")
    proposed = [count for each in told for count in each.proposed[when]]
    yield _figure(f"{family}.proposed.{week}", proposed, "a day")


def refused_of_who_knows(family, week, everyone, when):
    """Return the share that is refused of what the search that knows proposes."""
    said = [one for person in everyone for one in person["knowing"].said]
    refused = [not taken for day, _, taken in said if when.start <= day < when.stop]
    return _figure(f"{family}.false_alarms.knowing.{week}", refused, "share of what was answered")


def brier_skill(family, told):
    """Return how much better twind foretells acceptance than the rate so far does."""
    own = [(chance - taken) ** 2 for person in told for _, chance, taken in person.said]
    base = [error for person in told for error in _by_the_rate_so_far(person.said)]
    return _skill(f"{family}.brier_skill", own, base)


def brier_skill_at_most(family, told):
    """Return the same of who knows how probable each yes was: no value where it is untold.

    That is known from asking again only, so that the luck of that is taken off: what was answered
    less than twice then is left out.
    """
    own, base = [], []
    for person in told:
        errors = _by_the_rate_so_far(person.said)
        for (yes, answered), (_, _, taken), error in zip(
            person.truly, person.said, errors, strict=False
        ):
            if answered > 1:
                chance = yes / answered
                own.append((chance - taken) ** 2 - chance * (1.0 - chance) / (answered - 1))
                base.append(error)
    return _skill(f"{family}.brier_skill.at_most", own, base)


def _by_the_rate_so_far(said):
    """Return the squared errors of one person's rate of acceptance so far."""
    errors, accepted = [], 1.0
    for count, (_, _, taken) in enumerate(said):
        errors.append((accepted / (count + 2.0) - taken) ** 2)
        accepted += taken
    return errors


def _skill(name, own, base):
    skill = 1.0 - float(np.mean(own) / np.mean(base)) if base else None
    baseline = float(np.mean(base)) if base else None
    return _line(name, skill, None, None, "over the rate so far; simulated", baseline, len(own))


def calibration(family, told):
    """Return the slope of what was said on what was foretold, both as log odds (Cox 1958).

    1 is calibrated; less is too sure, more not sure enough. The interval is that of the logistic
    regression. No value of fewer than ten words, or where one chance parts the yeses from the noes:
    the steeper a slope, the better it fits them then.
    """
    chances = np.clip([chance for each in told for _, chance, _ in each.said], 1e-3, 1.0 - 1e-3)
    taken = np.array([taken for each in told for _, _, taken in each.said], bool)
    odds = np.log(chances / (1.0 - chances))
    fitted = None if len(taken) < 10 or _are_parted(odds, taken) else _slope(odds, taken)
    slope, low, high = fitted or (None, None, None)
    unit = "1 is calibrated; simulated"
    return _line(f"{family}.calibration_slope", slope, low, high, unit, None, len(taken))


def _are_parted(odds, taken):
    """Tell whether one chance parts the yeses from the noes; so it does where one is missing."""
    yes, no = odds[taken], odds[~taken]
    return not len(yes) or not len(no) or yes.min() >= no.max() or yes.max() <= no.min()


def _slope(odds, taken):
    """Return the slope of a logistic regression and its interval; None where it finds none.

    By Newton's method, each step halved until nothing is lost by it: whole ones run off.
    """
    rows = np.column_stack([np.ones(len(odds)), odds])
    signs = np.where(taken, -1.0, 1.0)

    def lost(weights):
        return np.logaddexp(0.0, signs * (rows @ weights)).sum()

    weights = np.array([0.0, 1.0])
    for _ in range(NEWTON_STEPS):
        foretold = 0.5 + 0.5 * np.tanh(0.5 * (rows @ weights))
        curvature = (rows.T * (foretold * (1.0 - foretold))) @ rows
        if np.linalg.cond(curvature) > 1.0 / np.finfo(float).eps:
            return None
        covariance = np.linalg.inv(curvature)
        step = covariance @ (rows.T @ (taken - foretold))
        while lost(weights + step) > lost(weights) and np.abs(step).max() > CLOSE:
            step = 0.5 * step
        weights = weights + step
        if np.abs(step).max() <= CLOSE:
            error = 1.96 * math.sqrt(covariance[1, 1])
            return weights[1], weights[1] - error, weights[1] + error
    return None


def coverage(family, told):
    """Return how often a week's number of acceptances lies within the 90 % interval foretold.

    That of a sum of independent yeses of the chances foretold. A number that an end of it falls on
    counts by the share of its probability that lies within: of who is calibrated, nine in ten do.
    """
    inside = []
    for person in told:
        for week in range(math.ceil(len(person.proposed) / 7)):
            said = [one for one in person.said if one[0] // 7 == week]
            if said:
                chances = [chance for _, chance, _ in said]
                inside.append(_share_within(chances, sum(taken for _, _, taken in said)))
    return _figure(f"{family}.coverage", inside, "of 90 % intervals, a week's acceptances")


def _share_within(chances, count):
    """Return which share of the probability of so many yeses lies between the tails."""
    probable = np.ones(1)
    for chance in chances:
        probable = np.convolve(probable, [1.0 - chance, chance])
    less, own = probable[:count].sum(), probable[count]
    within = min(less + own, 1.0 - TAIL) - max(less, TAIL)
    return float(np.clip(within / own, 0.0, 1.0)) if own > 0.0 else 0.0


def order_of_pairs(family, told):
    """Return how often it is so, of two things, when the twin is SURE that one is worth more."""
    pairs = [pair for person in told for pair in person.pairs]
    right = [order for sure, order in pairs if sure >= SURE]
    return _figure(f"{family}.sure_pairs_right", right, f"of pairs at least {SURE:.0%} sure")


# --- as lines ------------------------------------------------------------------------------------


def _figure(name, values, unit):
    mean = float(np.mean(values)) if values else None
    return _line(name, mean, None, None, f"{unit}; simulated", None, len(values))


def _line(name, value, low, high, unit, baseline, n):
    return {
        "name": f"fidelity.{name}",
        "value": None if value is None else float(value),
        "low": low,
        "high": high,
        "unit": unit,
        "baseline": baseline,
        "ratio": None,
        "n": n,
        "seed": SEED,
    }
