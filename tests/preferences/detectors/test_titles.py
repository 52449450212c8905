"""What a title is about."""

from __future__ import annotations

import pytest
from small_lives import WORK

from twind.preferences.detectors import classify
from twind.preferences.features import ACTIVITIES


@pytest.mark.parametrize(
    ("title", "people", "activity"),
    [
        ("Morning run", 0, "exercise"),
        ("Dinner with Anna", 0, "social"),
        ("Lunch", 0, "rest"),
        ("Lunch", 2, "social"),
        ("Sprint planning meeting", 4, "work"),
        ("Spanish class", 3, "learn"),
        ("Spaziergang", 1, "outdoors"),
        ("Choir", 20, "create"),
        ("Dentist", 0, None),
        ("Gym or concert?", 0, "exercise"),
        ("Guitar and gym", 0, None),
        ("", 0, None),
        ("Prune the tree", 0, None),
    ],
)
def test_titles_are_classified_with_care(title, people, activity):
    found = classify(title, people)
    assert (None if found is None else ACTIVITIES[found]) == activity


def test_categories_are_asked_first():
    assert classify("Dinner", 3, ("Work",)) == WORK
    assert classify("Something", 0, ("Blue", "Yoga")) == ACTIVITIES.index("exercise")
