from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import UTC, datetime

import pytest

from twind.cli import main
from twind.cli.output import Output, say
from twind.model import Person
from twind.store import Store, profiles, proposals, records


def run(capsys, *argv):
    code = main(argv)
    return code, capsys.readouterr()


def test_no_daemon_is_exit_status_three(home, capsys):
    code, told = run(capsys, "ctl", "status", "--home", str(home.root))
    assert code == 3
    assert told.out == ""
    assert told.err.count("\n") == 1
    code, told = run(capsys, "ctl", "status", "--home", str(home.root), "--json")
    assert code == 3
    assert json.loads(told.out)["error"]["code"] == "not_running"


@pytest.mark.parametrize("argv", [["nonsense"], ["review", "x"], ["ctl"], []])
def test_usage_is_exit_status_two(argv, capsys):
    with pytest.raises(SystemExit) as caught:
        main(argv)
    assert caught.value.code == 2
    assert "usage" in capsys.readouterr().err


def test_a_usage_error_is_json_where_json_was_asked_for(capsys):
    with pytest.raises(SystemExit):
        main(["review", "x", "--json"])
    assert json.loads(capsys.readouterr().out)["error"]["code"] == "usage"


def test_init_writes_a_configuration_once(home, capsys):
    from twind import settings

    assert run(capsys, "init", "--home", str(home.root))[0] == 0
    settings.load(home)
    code, told = run(capsys, "init", "--home", str(home.root))
    assert code == 1
    assert "is there already" in told.err


def test_a_broken_configuration_is_one_line(home, capsys):
    home.config_file.write_text("nonsense = 1\n")
    code, told = run(capsys, "proposals", "--home", str(home.root))
    assert code == 1
    assert "nonsense: unknown key" in told.err
    assert told.err.count("\n") == 1


def test_no_proposals_yet_says_why(home, capsys):
    code, told = run(capsys, "proposals", "--home", str(home.root), "--json")
    assert code == 0
    data = json.loads(told.out)["data"]
    assert data["proposals"] == []
    assert data["silent_because"]


def test_unknown_proposals(home, capsys):
    for argv in (["why", "7"], ["review", "7", "--accept"]):
        code, told = run(capsys, *argv, "--home", str(home.root))
        assert code == 1
        assert "no proposal 7" in told.err


NONE_SO_LARGE = ("9223372036854775808", "99999999999999999999", "9" * 5000)


@pytest.mark.parametrize("number", [*NONE_SO_LARGE, "9223372036854775807"])
def test_no_id_is_too_large_to_be_unknown(say, number):
    for argv, what in (
        (["why", number], "proposal"),
        (["review", number, "--accept"], "proposal"),
        (["people", "show", number], "person"),
        (["people", "link", number, "1"], "person"),
        (["forget", "person", number, "--yes"], "person"),
        (["ask", "--answer", f"{number}=1"], "question"),
    ):
        error = say(*argv, expect=1)
        assert error["code"] == "not_found", argv
        assert f"there is no {what} {number}" in error["message"]


@pytest.mark.parametrize("number", NONE_SO_LARGE)
def test_no_option_is_too_large_to_be_unknown(say, number):
    error = say("ask", "--answer", f"1={number}", expect=1)
    assert error == {"code": "not_found", "message": f"there is no option {number}"}


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (["why", "x"], "'x' is not the number of a proposal"),
        (["why", "²"], "'²' is not the number of a proposal"),
        (["ctl", "train", "--timesteps", "abc"], "'abc' is no whole number from 1 to"),
        (["review", "1", "--snooze", "0"], "'0' is no whole number from 1 to 44640"),
        (["review", "1", "--snooze", "99999999999"], "is no whole number from 1 to 44640"),
        (["review", "1", "--duration", "99999999999999"], "is no whole number from 1 to 1440"),
        (["plugins", "check", "x.py", "--timeout", "9" * 5000], "no whole number from 1 to 86400"),
    ],
)
def test_a_number_that_cannot_be_meant_is_a_usage_error_in_words(argv, said, capsys):
    with pytest.raises(SystemExit) as caught:
        main(argv)
    assert caught.value.code == 2
    assert said in capsys.readouterr().err


def test_why_tells_what_is_known_of_the_user_and_what_is_assumed(home, capsys, proposal):
    known = {"value": 1.4, "population": 1.0, "evidence": 12, "text": "you usually need more"}
    assumed = {"value": 0.06, "population": 0.06, "evidence": 0, "text": None}
    start = datetime(2026, 3, 2, 9, tzinfo=UTC)
    details = [
        {},
        {"life": {"switch_cost": assumed}},
        {"life": {"switch_cost": assumed, "estimate_ratio": known}, "weighed": "Planned with 2."},
    ]
    with Store.open(home.database) as db:
        profiles.ensure(db, 1)
        proposals.add(db, 1, [proposal(start, details=one) for one in details], {})
    texts = [run(capsys, "why", str(row), "--home", str(home.root))[1].out for row in (1, 2, 3)]
    assert ["assumed" in text for text in texts] == [False, True, True]
    assert ["you usually need more" in text for text in texts] == [False, False, True]
    assert ["Planned with 2." in text for text in texts] == [False, False, True]
    told = run(capsys, "why", "3", "--home", str(home.root), "--json")[1].out
    data = json.loads(told)["data"]
    assert data["life"] == details[2]["life"]
    assert "life" not in data["details"]


@pytest.mark.parametrize("encoding", ["ascii", "iso-8859-1"])
def test_a_terminal_that_does_not_know_a_letter_gets_its_number(home, proposal, encoding):
    """And JSON stays JSON."""
    start = datetime(2026, 3, 2, 9, tzinfo=UTC)
    with Store.open(home.database) as db:
        profiles.ensure(db, 1)
        proposals.add(db, 1, [proposal(start, text="Work on “Käse”")], {})
        person = [Person(uid="zoe", name="Zoë Ωmega")]
        records.apply(db, 1, "contacts", person, (start, start))

    def told(*argv):
        done = subprocess.run(
            [sys.executable, "-m", "twind", *argv, "--home", str(home.root)],
            env=os.environ | {"PYTHONIOENCODING": encoding},
            capture_output=True,
            check=False,
        )
        assert (done.returncode, done.stderr) == (0, b""), done.stderr.decode()
        return done.stdout.decode(encoding)

    assert r"\u201c" in told("proposals", "--day", "2026-03-02")
    assert r"\u03a9mega" in told("people")
    data = json.loads(told("people", "--json"))["data"]
    assert data["people"][0]["name"] == "Zoë Ωmega"


def test_text_from_sources_cannot_command_the_terminal(capsys):
    say("a\x1b[31mb\u202ec\td")
    say("a\x9b", aside=True)
    told = capsys.readouterr()
    assert (told.out, told.err) == ("a�[31mb�c\td\n", "a�\n")
    Output(as_json=True).done({"title": "ä\u202e\ud800\x9b"})
    assert capsys.readouterr().out == '{"ok": true, "data": {"title": "ä\\u202e\\ud800\\u009b"}}\n'
