"""What `twind demo` has Ada say; tests/system runs it."""

from __future__ import annotations

from datetime import UTC, date

import pytest

from twind import sample
from twind.cli.demo import ABOUT, REASONS, _objection
from twind.preferences.features import ACTIVITIES
from twind.preferences.observations import REJECTED, rejection_weight


def test_ada_has_something_to_say_on_all_there_is_and_it_counts_in_full():
    assert REASONS.keys() == set(ACTIVITIES)
    for reason in (*REASONS.values(), *ABOUT.values()):
        assert rejection_weight(reason) == REJECTED


@pytest.mark.parametrize("name", ABOUT)
def test_ada_speaks_of_projects_that_she_has(tmp_path, name):
    sample.write(tmp_path, date(2026, 3, 2), UTC)
    assert f"+{name.replace(' ', '_')} " in (tmp_path / "todo.txt").read_text("utf-8")


@pytest.mark.parametrize(
    ("action", "name", "said"),
    [
        ("work", "Taxes", ABOUT["Taxes"]),
        ("plan", "Captain's bench", ABOUT["Captain's bench"]),
        ("work", "Water the plants", REASONS["work"]),
        ("rest", None, REASONS["rest"]),
    ],
)
def test_an_objection_fits_what_was_proposed(action, name, said):
    target = None if name is None else {"kind": "project", "id": 1, "name": name}
    assert _objection({"action": action, "target": target}) == said
