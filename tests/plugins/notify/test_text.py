"""What other people write, made harmless."""

from __future__ import annotations

import unicodedata

from hypothesis import given
from hypothesis import strategies as st

KEPT = "\n\u200c\u200d"


@given(st.text())
def test_plain_text_holds_nothing_that_acts(plugin, text):
    plain = plugin.text.plain(text)
    plain.encode("utf-8")
    assert not any(
        unicodedata.category(letter) in {"Cc", "Cf", "Cs"} for letter in plain if letter not in KEPT
    )
    assert plugin.text.plain(plain) == plain
    assert "\n" not in plugin.text.one_line(text)


def test_what_drives_a_terminal_goes_and_the_rest_stays(plugin):
    nasty = "\x1b[31mred\x1b[0m\x1b]0;owned\x07 \u202egnp.exe\u2066\x00"
    assert plugin.text.one_line(nasty) == "red gnp.exe"
    assert plugin.text.plain("one\n<3>two\r\x85three\x9b2J") == "one\n<3>twothree"
    assert (
        plugin.text.plain("می\u200cروم 👨\u200d👩\u200d👧 naïve 東京")
        == "می\u200cروم 👨\u200d👩\u200d👧 naïve 東京"
    )
