"""Every file of the corpus through a real sync: alone and with all others, twice; and the table."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import pytest

spec = importlib.util.spec_from_file_location("corpus_table", Path(__file__).with_name("table.py"))
corpus = importlib.util.module_from_spec(spec)
sys.modules[spec.name] = corpus
spec.loader.exec_module(corpus)

FILES = [(kind, path) for kind in corpus.PLUGINS for path in corpus.files(kind)]
pytestmark = pytest.mark.skipif(
    not FILES, reason=f"no corpus at {corpus.CORPUS}; set TWIND_CORPUS to its folder"
)


def assert_sound(first, second):
    """Nothing ends a sync or is held back, all that is refused is named, and again is no news."""
    assert (first.error, first.held, second.error, second.held) == (None, "", None, "")
    assert all(one.uid and one.reason and one.group for one in first.refused)
    assert second.changed == ()
    assert set(second.refused) == set(first.refused)
    assert second.records == first.records == len(first.inserted)


@pytest.mark.parametrize(("kind", "path"), FILES, ids=[path.name for _, path in FILES])
def test_a_file_by_itself(kind, path):
    first, second = corpus.synced(corpus.PLUGINS[kind], [path], corpus.day_for(path))
    assert_sound(first, second)
    # The one event of pacific_fiji.ics is of another time than its first DTSTART says.
    eventless = b"BEGIN:VEVENT" not in path.read_bytes() or path.name == "pacific_fiji.ics"
    assert first.records or first.refused or (kind == "ics" and eventless)


@pytest.mark.parametrize("kind", corpus.PLUGINS)
def test_all_together(kind):
    paths = corpus.files(kind)
    first, second = corpus.synced(corpus.PLUGINS[kind], paths, corpus.READ_ON)
    assert_sound(first, second)
    # No file's trouble is another's: together they are refused what each is refused alone.
    alone = [next(corpus.synced(corpus.PLUGINS[kind], [path], corpus.READ_ON)) for path in paths]
    refused = [error for one in alone for error in one.refused]
    assert {(error.group, error.reason) for error in first.refused} == {
        (error.group, error.reason) for error in refused
    }


def test_the_table_says_what_is():
    said = corpus.DOCUMENT.read_text("utf-8")
    assert said == corpus.updated(said, corpus.table(corpus.rows())), (
        f"docs/corpus.md is out of date; run: {corpus.COMMAND}"
    )


def test_the_table_is_put_where_it_belongs():
    before = f"a\n{corpus.BEGIN}\nold\n{corpus.END}\nb\n"
    after = f"a\n{corpus.BEGIN}\n\nnew\n\n{corpus.END}\nb\n"
    assert corpus.updated(before, "new") == after
    assert corpus.updated(after, "new") == after


@pytest.mark.parametrize(
    ("refused", "why"),
    [
        ("c.ics, line 3: has no DTSTART", "has no DTSTART"),
        ("c.ics, line 3: RRULE cannot be read: Expected x: y", "RRULE cannot be read"),
        (
            "a, b.ics, line 1: the time zone Not/A Zone is not known; read as if in UTC",
            "the time zone … is not known; read as if in UTC",
        ),
        ("holds no card", "holds no card"),
    ],
)
def test_reasons_are_gathered(refused, why):
    assert corpus.reason(refused) == why
