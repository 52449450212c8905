"""Questions are chosen by what they teach about proposals; asking stops. Users are simulated."""

import dataclasses
from datetime import UTC, datetime

import numpy as np
import pytest

from twind.model import Option, Question
from twind.preferences import Belief, catalogue, features
from twind.preferences.elicitation import (
    SEVERAL,
    STOP_GAIN_PER_S,
    dimension_of,
    rank,
    relevant_directions,
    select,
)
from twind.preferences.observations import NOISE, from_answer

AT = datetime(2026, 3, 2, 9, tzinfo=UTC)
ASPECTS = catalogue.aspects()
CODES = [aspect.code for aspect in ASPECTS]
MATTERS = [
    aspect.code
    for aspect, means in zip(ASPECTS, np.any(features.meaning() != 0, axis=0), strict=True)
    if aspect.kind == "value" and means
]
IDLE = [
    aspect.code
    for aspect in ASPECTS
    if not aspect.effects and (aspect.kind != "value" or not aspect.means)
]


def question(id_, *rows, kind="choice", effort_s=10.0):
    options = tuple(Option(100 * id_ + n, f"{n}", row) for n, row in enumerate(rows))
    return Question(id_, f"question {id_}", kind, options, effort_s)


def bank(rng, count, codes=CODES):
    questions = []
    for id_ in range(1, count + 1):
        if id_ % 4 == 0:
            code = str(rng.choice(codes))
            rows = [{code: level} for level in (-1.0, -0.5, 0.0, 0.5, 1.0)]
            questions.append(question(id_, *rows, kind="scale"))
        else:
            picked = rng.choice(codes, size=int(rng.integers(2, 5)), replace=False)
            questions.append(question(id_, *({str(code): 1.0} for code in picked)))
    return questions


def answer(rng, belief_names, theta, asked):
    """A simulated user who answers as the likelihood supposes."""
    truth = dict(zip(belief_names, theta, strict=True))
    slope = NOISE["answer"].slope
    worths = [sum(truth[c] * w for c, w in option.features.items()) for option in asked.options]
    if asked.kind == "scale":
        code = next(iter(asked.options[0].features))
        felt = truth[code] + rng.logistic() / (2 * slope)
        chosen = int(np.argmin([abs(option.features[code] - felt) for option in asked.options]))
    else:
        chosen = int(np.argmax(slope * np.array(worths) + rng.gumbel(size=len(worths))))
    return from_answer(
        asked,
        asked.options[chosen].id,
        key=f"response:{asked.id}",
        at=AT,
        source=("responses", asked.id),
    )


def test_what_matters_is_asked_before_what_does_not():
    if len(IDLE) < 2:
        pytest.skip("every aspect matters")
    questions = [
        question(1, {IDLE[0]: 1.0}, {IDLE[1]: 1.0}),
        question(2, {MATTERS[0]: 1.0}, {MATTERS[-1]: 1.0}),
    ]
    best, worst = rank(Belief.prior(), questions)
    assert best.question.id == 2
    assert best.gain > 5 * worst.gain > 0


def test_a_second_of_the_user_is_what_it_costs():
    rows = ({MATTERS[0]: 1.0}, {MATTERS[-1]: 1.0})
    questions = [question(1, *rows, effort_s=40.0), question(2, *rows, effort_s=10.0)]
    best, worst = rank(Belief.prior(), questions)
    assert best.question.id == 2
    assert best.gain_per_s == pytest.approx(4 * worst.gain_per_s)


def test_it_repeats_exactly_and_ties_go_by_id():
    rng = np.random.default_rng(1)
    questions = bank(rng, 40)
    belief = Belief.prior([1, 2], [3])
    first = rank(belief, questions)
    again = rank(belief, questions[::-1])
    assert [one.question.id for one in first] == [one.question.id for one in again]


def test_questions_about_people_count():
    belief = Belief.prior([1, 2])
    (ranked,) = rank(belief, [question(1, {"person:1": 1.0}, {"person:2": 1.0})])
    assert ranked.gain_per_s > STOP_GAIN_PER_S
    assert ranked.dimension == ""


def test_a_question_about_whole_hours_is_about_your_days():
    first = {aspect.dimension: aspect.code for aspect in ASPECTS}
    spread = dict.fromkeys(list(first.values())[:4], 0.5)
    assert dimension_of(question(1, spread, {})) == SEVERAL
    [code, *_] = spread
    assert dimension_of(question(1, spread | {code: 1.0}, {})) == code_dimension(code)


def code_dimension(code):
    return next(aspect.dimension for aspect in ASPECTS if aspect.code == code)


def test_one_dimension_is_not_asked_about_three_times_running():
    belief = Belief.prior()
    questions = bank(np.random.default_rng(2), 60)
    recent, asked = [], set()
    for _ in range(25):
        best = select(belief, questions, asked, recent=recent).best
        assert best is not None
        recent.append(best.dimension)
        asked.add(best.question.id)
    runs = zip(recent, recent[1:], recent[2:], strict=False)
    assert all(len(set(three)) > 1 for three in runs)


def test_no_question_twice_and_an_end_with_a_reason():
    questions = bank(np.random.default_rng(3), 5, MATTERS)
    asked = set()
    while (best := select(Belief.prior(), questions, asked, stop_gain_per_s=0.0).best) is not None:
        assert best.question.id not in asked
        asked.add(best.question.id)
    assert asked == {1, 2, 3, 4, 5}
    assert "asked" in select(Belief.prior(), questions, asked).reason


def test_it_stops_when_asking_no_longer_pays():
    belief = Belief.prior()
    belief.posterior.covariance = belief.posterior.covariance * 1e-4
    chosen = select(belief, bank(np.random.default_rng(4), 20))
    assert chosen.best is None
    assert "worth your time" in chosen.reason


def test_empty_and_pointless_questions_are_passed_over():
    chosen = select(Belief.prior(), [question(1), question(2, {}), question(3, {}, {})])
    assert chosen.best is None
    assert dimension_of(question(1)) == ""


def test_directions_cover_the_reward_and_hardly_the_rest():
    belief = Belief.prior([5])
    directions = relevant_directions(belief)
    assert directions.shape[1] == len(belief.names)
    reached = np.any(directions != 0, axis=0)
    names = dict(zip(belief.names, reached, strict=True))
    assert names["person:5"]
    assert names["part:energy"]
    assert all(names[code] for code in MATTERS)
    lengths = dict(zip(belief.names, np.linalg.norm(directions, axis=0), strict=True))
    assert 0.0 < max(lengths[code] for code in IDLE) < 0.5 * np.mean([lengths[c] for c in MATTERS])


def test_what_is_at_stake_for_more_hours_is_asked_first():
    belief = Belief.prior()
    often, seldom = np.zeros((2, 1, len(belief.names)))
    often[0, belief.place(MATTERS[0])] = 1.0
    seldom[0, belief.place(MATTERS[-1])] = 0.5
    questions = [question(1, {MATTERS[-1]: 1.0}, {}), question(2, {MATTERS[0]: 1.0}, {})]
    best, worst = rank(belief, questions, worth=np.concatenate([often, seldom]))
    assert best.question.id == 2
    assert best.gain == pytest.approx(4 * worst.gain, rel=0.1)


def interview(rng, questions, theta, belief, count, *, chosen):
    asked = set()
    order = iter(rng.permutation(len(questions)))
    for _ in range(count):
        if chosen:
            found = select(belief, questions, asked, stop_gain_per_s=0.0).best
            assert found is not None
            pick = found.question
        else:
            pick = questions[next(order)]
        asked.add(pick.id)
        seen = answer(rng, belief.names, theta, pick)
        assert seen is not None
        belief.update(dataclasses.replace(seen))
    return belief


@pytest.mark.slow
def test_chosen_questions_teach_more_than_random_ones_about_simulated_users():
    rng = np.random.default_rng(7)
    questions = bank(rng, 160)
    prior = Belief.prior()
    worth = features.meaning() * features.rewarded()
    # Cholesky, not the singular values of `multivariate_normal`: the same people on any machine.
    spread = np.linalg.cholesky(prior.posterior.covariance)
    errors, correlations = {True: [], False: []}, []
    for _ in range(16):
        theta = prior.posterior.mean + spread @ rng.standard_normal(len(spread))
        truth = worth @ theta[: len(CODES)]
        for chosen in (True, False):
            belief = interview(rng, questions, theta, prior.copy(), 40, chosen=chosen)
            guess = worth @ belief.strengths()
            errors[chosen].append(float(np.mean((guess - truth) ** 2)))
            if chosen:
                correlations.append(np.corrcoef(guess, truth)[0, 1])
    assert np.mean(errors[True]) < 0.9 * np.mean(errors[False])
    assert np.mean(correlations) > 0.5
