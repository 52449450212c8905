"""`twind checkin`, with and without somebody at the terminal."""

from __future__ import annotations

import json

import pytest

from twind.store import Store, checkins


def given(home):
    with Store.open(home.database) as db:
        return [(one.level, one.note) for one in checkins.load(db, 1)]


def test_a_level_is_taken_down(run, home):
    home.config_file.write_text('[profile]\ntimezone = "Asia/Kolkata"\n')
    code, told = run("checkin", "4", "--note", "slept well", "--json")
    assert code == 0
    [shape] = json.loads(told.out)["data"].values()
    assert (shape["level"], shape["energy"], shape["note"]) == (4, 0.75, "slept well")
    assert shape["at"].endswith("+05:30")
    assert given(home) == [(4, "slept well")]


def test_without_json_it_is_one_word(run):
    code, told = run("checkin", "2")
    assert (code, told.out) == (0, "noted\n")


def test_the_last_is_taken_back(run, home):
    run("checkin", "1")
    run("checkin", "5")
    code, told = run("checkin", "--back", "--json")
    assert code == 0
    assert json.loads(told.out)["data"] == {"taken_back": 2}
    assert given(home) == [(1, "")]
    run("checkin", "--back")
    code, told = run("checkin", "--back")
    assert code == 1
    assert "no check-in to take back" in told.err


@pytest.mark.parametrize("argv", [["0"], ["6"], ["3.5"], ["fresh"], ["²"]])
def test_what_is_no_level_is_a_usage_error_that_names_the_scale(run, home, capsys, argv):
    with pytest.raises(SystemExit) as caught:
        run("checkin", *argv)
    assert caught.value.code == 2
    assert "1 (exhausted) to 5 (fresh)" in capsys.readouterr().err


@pytest.mark.parametrize("argv", [[], ["--json"], ["--back", "3"], ["--back", "--note", "no"]])
def test_off_a_terminal_nothing_prompts_and_nothing_is_guessed(run, home, argv):
    code, told = run("checkin", *argv)
    assert code == 2
    assert "check" in told.err + told.out
    assert given(home) == []


def test_on_a_terminal_it_asks_until_it_has_understood(home, on_a_terminal):
    status, shown = on_a_terminal("checkin", typed="seven\n9\n3\n")
    assert status == 0
    assert shown.count("How is your energy now") == 3
    assert shown.rstrip().endswith("noted")
    assert given(home) == [(3, "")]


@pytest.mark.parametrize("typed", ["q\n", "\n", "\x04"])
def test_on_a_terminal_nobody_has_to_say(home, on_a_terminal, typed):
    status, shown = on_a_terminal("checkin", typed=typed)
    assert status == 0
    assert "noted" not in shown
    assert given(home) == []
