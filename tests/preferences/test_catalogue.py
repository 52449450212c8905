import itertools
import re
from itertools import combinations

import numpy as np
import pytest

from twind.preferences import catalogue, features

MISSION = {
    "Values": "freedom, security, growth, integrity, service",
    "Work Style": "solo, collaborative, deep_work, multitasking, lead",
    "Relationships": "trust, intimacy, loyalty, boundaries, communication",
    "Learning": "science, theoretical, practical, experimental, historical",
    "Decision Making": "rational, intuitive, data_driven, risk_averse, impulsive",
    "Time Management": "punctuality, flexibility, planning, spontaneity, procrastination",
    "Creativity": "innovation, expression, curiosity, abstraction, culture",
    "Risk Tolerance": "financial, social, career, physical, emotional",
    "Communication": "direct, diplomatic, verbal, written, listening",
    "Physical Environment": "minimalism, comfort, nature, urban, chaos",
    "Mental State": "calm, focus, anxiety, resilience, joy",
    "Financial": "saving, spending, investing, generosity, security",
    "Social": "extrovert, introvert, mentorship, networking, community",
    "Health": "physical_activity, nutrition, sleep, mental_health, discipline",
    "Spirituality/Purpose": "meaning, connection, legacy, philosophy, belief",
}
ASPECTS = catalogue.aspects()


def test_the_dimensions_and_aspects_are_the_missions_in_their_order():
    found = {
        dimension.name: ", ".join(aspect.name for aspect in dimension.aspects)
        for dimension in catalogue.dimensions()
    }
    assert list(found.items()) == list(MISSION.items())


def test_codes_are_unique_and_in_shape():
    codes = [aspect.code for aspect in ASPECTS]
    assert len(set(codes)) == 75
    assert "WOR_DEEP_WORK" in codes
    assert "SPI_MEANING" in codes
    assert all(re.fullmatch(r"[A-Z]{3}_[A-Z_]+", code) for code in codes)
    assert [catalogue.index_of()[code] for code in codes] == list(range(75))


def test_every_attribute_and_effect_named_exists():
    assert {key for aspect in ASPECTS for key in aspect.means} <= set(features.ATTRIBUTES)
    assert {key for aspect in ASPECTS for key in aspect.effects} <= set(catalogue.EFFECTS)


def test_every_attribute_and_effect_is_used():
    # One that no aspect moves would be dead weight in the observation.
    assert {key for aspect in ASPECTS for key in aspect.means} == set(features.ATTRIBUTES)
    assert {key for aspect in ASPECTS for key in aspect.effects} == set(catalogue.EFFECTS)


@pytest.mark.parametrize("aspect", ASPECTS, ids=lambda aspect: aspect.code)
def test_an_aspect_is_well_formed(aspect):
    assert aspect.kind in {"value", "trait", "style"}
    assert re.fullmatch(r"\S.*[.]", aspect.description)
    assert len(aspect.means) <= 5
    assert all(0.05 <= abs(weight) <= 1.0 for weight in aspect.means.values())
    assert all(0.2 <= abs(weight) <= 0.8 for weight in aspect.effects.values())


@pytest.mark.parametrize("aspect", ASPECTS, ids=lambda aspect: aspect.code)
def test_only_values_mean_something_to_the_reward(aspect):
    if aspect.kind != "value":
        assert not aspect.means
    if aspect.kind == "style":
        assert not aspect.effects
    if aspect.kind == "trait":
        assert aspect.effects


def test_weaknesses_are_traits():
    kinds = {aspect.code: aspect.kind for aspect in ASPECTS}
    for code in ("TIM_PROCRASTINATION", "MEN_ANXIETY", "WOR_MULTITASKING", "DEC_IMPULSIVE"):
        assert kinds[code] == "trait"
    for code in ("COM_DIRECT", "COM_WRITTEN", "COM_DIPLOMATIC"):
        assert kinds[code] == "style"
    assert sum(kind == "value" for kind in kinds.values()) >= 38


BLOCKS = np.array(
    [
        features.attributes(
            features.Block(
                activity=activity,
                hours=1.0,
                hour=hour,
                people=people,
                closeness=closeness,
                depth=depth,
                lead_days=lead,
                planned=planned,
                varied=varied,
            )
        )
        for activity, hour, people, closeness, depth, lead, planned, varied in itertools.product(
            range(len(features.ACTIVITIES)),
            (8.0, 12.0, 20.0),
            (0, 1, 4),
            (0.1, 0.9),
            (0.0, 0.5, 1.0),
            (0.5, 5.0, np.inf),
            (0.0, 1.0),
            (0.0, 1.0),
        )
    ]
)


@pytest.mark.parametrize("aspect", [a for a in ASPECTS if a.means], ids=lambda a: a.code)
def test_the_best_hour_for_an_aspect_is_worth_about_one_free_hour(aspect):
    column = features.meaning()[:, catalogue.index_of()[aspect.code]]
    assert 0.7 <= (BLOCKS @ column).max() <= 1.3


@pytest.mark.parametrize("dimension", catalogue.dimensions(), ids=lambda d: d.name)
def test_no_dimension_is_dead(dimension):
    """Turned up as a whole, it changes which hour is best or how the day goes."""
    strengths = np.zeros(75)
    for aspect in dimension.aspects:
        strengths[catalogue.index_of()[aspect.code]] = 1.0
    worth = BLOCKS @ features.attribute_worth(strengths)
    moved = strengths @ features.effects()
    assert np.ptp(worth) > 0.5 or np.abs(moved).max() >= 0.3


TURNED_UP = [
    ("Values", "help"),
    ("Work Style", "work"),
    ("Relationships", "social"),
    ("Learning", "learn"),
    ("Decision Making", "plan"),
    ("Creativity", "create"),
    ("Risk Tolerance", "outdoors"),
    ("Communication", "social"),
    ("Mental State", "rest"),
    ("Financial", "plan"),
    ("Social", "help"),
    ("Health", "exercise"),
    ("Spirituality/Purpose", "reflect"),
]


@pytest.mark.parametrize(("name", "activity"), TURNED_UP)
def test_a_dimension_turned_up_makes_its_activity_worth_most_or_nearly(name, activity):
    strengths = np.array([1.0 if aspect.dimension == name else 0.0 for aspect in ASPECTS])
    worth = features.attribute_worth(strengths)[: len(features.ACTIVITIES)]
    best = sorted(zip(worth, features.ACTIVITIES, strict=True), reverse=True)[:2]
    assert activity in {named for _, named in best}


def test_no_two_values_mean_the_same():
    columns = zip(ASPECTS, features.meaning().T, strict=True)
    rows = {aspect.code: column for aspect, column in columns if aspect.means}
    for (one, first), (other, second) in combinations(rows.items(), 2):
        cosine = first @ second / (np.linalg.norm(first) * np.linalg.norm(second))
        assert cosine < 0.98, (one, other)
