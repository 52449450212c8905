"""What the twin learns of the simulated user as the days go by: from reviews and from answers.

A Gaussian belief over what a day depends on (the reduced belief of twind.rl.world) is updated by
one look at a linear combination of it: exactly where the look is Gaussian (a Kalman filter), by one
step of Newton's method where it is a yes or a no (as the extended Kalman filter for a logistic
likelihood). The real posterior of twind.preferences learns from more, and more carefully; what
matters here is that asking and trying have their worth.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from twind.rl import luck
from twind.rl.compiled import compiled
from twind.rl.person import FAR, NEAR, SEEN, reluctance
from twind.rl.spaces import PROJECTS
from twind.rl.world import (
    AFFINITY,
    ALIGNMENT,
    ATTRIBUTES,
    CORE,
    EFFECT,
    EFFECT_COUNT,
    ENERGY,
    P_ACCEPTANCE,
    P_COMPLETION,
    P_LEAD,
    P_SOCIAL,
    PART,
    PROGRESS,
    RELATIONSHIPS,
    SLOT_H,
    WORTH,
)
from twind.rl.worth import (
    CONTACT_WORTH,
    PER_LIMIT,
    PER_TARGET_LIMIT,
    PROGRESS_WORTH,
    alignment,
    company,
    describe,
    margin,
    speed,
    weight,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from twind.rl.world import Day, Life

ANSWER_NOISE = 0.6
"""Standard deviation of what one answer says of an attribute's worth. Chosen."""


@compiled
def apply_effects(
    life: NDArray[np.float64], values: NDArray[np.float64], out: NDArray[np.float64]
) -> None:
    """Write the parameters of somebody's days, `life` (18,) moved by their traits, into `out`."""
    for index in range(life.shape[0]):
        out[index] = life[index]
    for effect in range(EFFECT_COUNT):
        shift = min(1.0, max(-1.0, values[EFFECT + effect]))
        if effect == P_SOCIAL:
            out[effect] += 0.08 * shift
        elif effect in (P_COMPLETION, P_ACCEPTANCE):
            out[effect] += shift
        else:
            out[effect] *= math.exp(shift)


@compiled
def look(w: Day, mind: NDArray[np.float32], count: int, surprise: float, precision: float) -> None:
    """Take in one look at a linear combination of what is believed.

    w.which and w.amounts hold the `count` weights of the combination; `surprise` is the gradient of
    the log-likelihood at the mean, `precision` the negative of its second derivative. `mind` is the
    covariance (CORE, CORE) of the core; beyond it each thing has a variance of its own. All of it
    changes, and w.mean and w.sd.
    """
    w.lean[:] = 0.0
    variance = 0.0
    for place in range(count):
        which, amount = w.which[place], w.amounts[place]
        if which < CORE:
            for row in range(CORE):
                w.lean[row] += mind[which, row] * amount
        else:
            variance += (w.sd[which] * amount) ** 2
    for place in range(count):
        if w.which[place] < CORE:
            variance += w.lean[w.which[place]] * w.amounts[place]
    rate = 1.0 / (1.0 + precision * variance)
    for place in range(count):
        which = w.which[place]
        if which >= CORE:
            own = w.sd[which] ** 2
            lean = own * w.amounts[place]
            w.mean[which] += lean * surprise * rate
            w.sd[which] = math.sqrt(max(0.0, own - lean * lean * precision * rate))
    for row in range(CORE):
        w.mean[row] += w.lean[row] * surprise * rate
        share = np.float32(w.lean[row] * precision * rate)
        for column in range(CORE):
            mind[row, column] -= share * np.float32(w.lean[column])
        w.sd[row] = math.sqrt(max(0.0, mind[row, row]))


@compiled
def answer(v: Life, w: Day, mind: NDArray[np.float32]) -> None:
    """Hear the answer to a question about what an hour of something is worth, one a night."""
    topic = int(luck.draw(luck.roll(w.seed, w.day, luck.A_NIGHT), luck.TOPIC) * ATTRIBUTES)
    noise = ANSWER_NOISE * luck.normal(w.seed, w.day, luck.A_NIGHT + 1)
    precision = 1.0 / (ANSWER_NOISE * ANSWER_NOISE)
    w.which[0] = WORTH + topic
    w.amounts[0] = 1.0
    surprise = (w.truth[WORTH + topic] + noise - w.mean[WORTH + topic]) * precision
    look(w, mind, 1, surprise, precision)
    apply_effects(v.life, w.mean, w.guess)


@compiled
def review(
    v: Life,
    w: Day,
    mind: NDArray[np.float32],
    activity: int,
    target: int,
    depth: int,
    hours: float,
    expected: float,
    accepted: bool,
) -> None:
    """Learn from whether so many hours were taken up, which was expected so probably.

    The likelihood is that of person.acceptance, linear around the mean: in what its attributes and
    its target are worth, in the weights of the parts, and in how readily the user accepts.
    """
    count = _sensitivity(v, w, activity, target, depth, hours)
    surprise = (1.0 if accepted else 0.0) - expected
    look(w, mind, count, surprise, expected * (1.0 - expected))
    apply_effects(v.life, w.mean, w.guess)


@compiled
def doubt(v: Life, w: Day, activity: int, target: int, depth: int) -> float:
    """Return how unsure the twin is, at the beginning of a life, of what `person.gain` comes to.

    The standard deviation of it under the belief, in neutral free hours an hour; to first order.
    """
    # How readily they accept is no part of what they see in it.
    count = _sensitivity(v, w, activity, target, depth, 1.0) - 1
    variance = 0.0
    for place in range(count):
        which, amount = w.which[place], w.amounts[place]
        if which >= CORE:
            variance += (w.sd[which] * amount) ** 2
            continue
        for other in range(count):
            if w.which[other] < CORE:
                variance += v.covariance[which, w.which[other]] * amount * w.amounts[other]
    return math.sqrt(max(0.0, variance)) / SEEN


@compiled
def _sensitivity(v: Life, w: Day, activity: int, target: int, depth: int, hours: float) -> int:
    """Write the gradient of the log odds of acceptance by what is believed; return its length."""
    seen = SEEN * hours
    people, closeness = company(v, activity, target)
    count = describe(v, w, activity, target, depth, float(people), closeness, w.foreseen)
    aligned = alignment(w, w.mean, activity, target, count) / SLOT_H
    left = margin(w.hours[activity], PER_LIMIT[activity])
    lively = 0.5 + 0.5 * w.energy
    scale = seen * w.mean[PART + ALIGNMENT]
    for place in range(count):
        k = w.which[place]
        share = w.amounts[place] / SLOT_H
        if w.mean[WORTH + k] > 0.0:
            share *= lively * left * (1.0 if k == activity else margin(w.hours[k], PER_LIMIT[k]))
        w.which[place] = WORTH + k
        w.amounts[place] = scale * share
    if target > 0:
        share = 1.0
        if w.mean[AFFINITY + target - 1] > 0.0:
            share = lively * left * margin(w.target_h[target - 1], PER_TARGET_LIMIT)
        count = _add(w, count, AFFINITY + target - 1, scale * share)
    count = _add(w, count, PART + ALIGNMENT, seen * aligned)
    count = _add(w, count, PART + ENERGY, -seen * reluctance(w, activity, depth))
    if 0 < target <= PROJECTS:
        now_h = w.day * 24.0 + w.slot * SLOT_H
        near = v.deadline_h[target - 1] - now_h <= 24.0 * w.guess[P_LEAD]
        worth = PROGRESS_WORTH * weight(v.priority[target - 1]) * (NEAR if near else FAR)
        count = _add(w, count, PART + PROGRESS, seen * worth * speed(w, depth))
    elif target > PROJECTS:
        missing = 1.0 - w.warmth[target - PROJECTS - 1]
        count = _add(w, count, PART + RELATIONSHIPS, seen * CONTACT_WORTH * closeness * missing)
    return int(_add(w, count, EFFECT + P_ACCEPTANCE, 1.0))


@compiled
def _add(w: Day, count: int, which: int, amount: float) -> int:
    w.which[count] = which
    w.amounts[count] = amount
    return count + 1
