"""`twind ask` on a terminal."""

from __future__ import annotations

from twind.store import Store, questions


def given(home):
    with Store.open(home.database) as db:
        return [one.response_type for one in questions.responses(db, 1)]


def test_a_dialogue_asks_again_until_it_has_understood(home, on_a_terminal):
    status, shown = on_a_terminal("ask", typed="b\n0\n99\n²\n1\ns\nb\nd\nq\n")
    assert status == 0
    assert shown.count("Please type a number, s, d, b or q.") == 4
    assert given(home) == ["selected", "dont_care"]


def test_a_dialogue_can_be_left(home, on_a_terminal):
    status, shown = on_a_terminal("ask", typed="1\n\x04")
    assert status == 0
    assert "Traceback" not in shown
    assert given(home) == ["selected"]
