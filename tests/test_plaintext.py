"""What other people write, made harmless."""

from __future__ import annotations

import json
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twind.plaintext import as_json, counted, cut, every, one_line, plain, shown

JOINERS = "\u200c\u200d"
ACTING = {"Cc", "Cf", "Cs", "Zl", "Zp"}
SEEN = "\u0600\u0601\u0602\u0603\u0604\u0605\u06dd\u070f\u08e2\U000110bd\U000110cd"
TEXTS = st.text(
    st.one_of(st.characters(), st.sampled_from("\x1b[]m\u202e\u200d\u200b\r\n\x9b\x07a"))
)


def acting(text, kept=""):
    return [
        letter
        for letter in text
        if unicodedata.category(letter) in ACTING and letter not in kept + JOINERS + SEEN
    ]


@given(TEXTS)
def test_plain_text_holds_nothing_that_acts(text):
    made = plain(text)
    made.encode("utf-8")
    assert not acting(made, "\n")
    assert plain(made) == made
    assert not acting(one_line(text))
    assert len(one_line(text, 5)) <= 5


@given(TEXTS)
def test_what_is_shown_has_a_mark_where_something_acted(text):
    made = shown(text)
    assert not acting(made, "\n\t")
    assert len(made) == len(text)
    assert shown(made) == made


@given(st.recursive(TEXTS, lambda inner: st.lists(inner) | st.dictionaries(TEXTS, inner)))
def test_json_keeps_the_raw_text_and_shows_none_of_what_acts(value):
    written = as_json(value)
    assert not acting(written.replace(JOINERS[0], "").replace(JOINERS[1], ""))
    assert not set(JOINERS) & set(written)
    assert json.loads(written) == value


def test_what_drives_a_terminal_goes_and_the_rest_stays():
    nasty = "\x1b[31mred\x1b[0m\x1b]0;owned\x07 \u202egnp.exe\u2066\x00"
    assert one_line(nasty) == "red gnp.exe"
    assert plain("one\n<3>two\r\x85three\x9b2J") == "one\n<3>two\n\nthree"
    assert plain("a\x1b]0;never ends\nb\tc") == "a\nb c"
    assert shown("a\x1b[31mb\u202ec\td\n") == "a�[31mb�c\td\n"
    assert as_json({"ä\x9b": "\u202e"}) == '{"ä\\u009b": "\\u202e"}'


@pytest.mark.parametrize("text", ["می\u200cروم", "👨\u200d👩\u200d👧 naïve 東京", "क्\u200dष"])
def test_joiners_stay_where_a_script_needs_them(text):
    assert plain(text) == shown(text) == text


def test_joiners_hide_in_no_other_name():
    assert plain("An\u200dn") == plain("Ann\u200c") == plain("\u200dAnn") == "Ann"
    assert plain("é\u200d\u200d\u200bé") == "éé"


def test_what_is_cut_says_so():
    assert cut("abc", 3) == "abc"
    assert cut("ab cd", 4) == "ab…"
    assert one_line("a" * 400) == "a" * 299 + "…"
    assert one_line("a" * 400, None) == "a" * 400


def test_what_is_counted_agrees_with_its_number():
    assert [counted(n, "record") for n in (0, 1, 2)] == ["0 records", "1 record", "2 records"]
    assert [counted(n, "copy", "copies") for n in (1, 2)] == ["1 copy", "2 copies"]


def test_how_often_is_told_in_whole_days():
    assert [every(days) for days in (0.2, 1.4, 1.6)] == ["every day", "every day", "every 2 days"]
