"""`twind patterns` and the user's word on it, on a database with a life in it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from twind.clock import FixedClock, SystemClock
from twind.model import CalendarEvent
from twind.store import Store, profiles, records, sources, words


@pytest.fixture
def lived(home):
    """Some evenings alone with a book, all of the user's own."""
    home.config_file.write_text('[plugins]\ndisabled = ["calendar", "tasks", "contacts", "notify"]')
    now = SystemClock().now().replace(microsecond=0)
    evenings = [now - timedelta(days=day) for day in (2, 5, 11)]
    events = [
        CalendarEvent(uid=f"{n}", title=f"Read alone {n}", start=at, end=at + timedelta(hours=2))
        for n, at in enumerate(evenings)
    ]
    with Store.open(home.database) as db:
        profiles.ensure(db, 1)
        records.apply(db, 1, "diary", events, (now - timedelta(days=30), now))
        sources.succeeded(db, 1, "diary", {}, len(events))


CODE = "REL_INTIMACY"


def test_each_belief_says_how_sure_from_what_and_whether_it_can_be_observed(lived, say, run):
    shapes = {one["code"]: one for one in say("patterns")["patterns"]}
    assert len(shapes) == 75
    assert shapes[CODE]["observable"]
    assert shapes[CODE]["evidence_count"] == 3
    assert not shapes["HEA_NUTRITION"]["observable"]
    assert shapes[CODE]["said"] is None
    one = say("patterns", CODE.lower())
    assert {row["table"] for row in one["evidence"]} == {"records"}
    assert len({row["evidence"] for row in one["evidence"]}) == 3
    lines = run("patterns", CODE)[1].out.splitlines()
    for row in one["evidence"]:
        [line] = [line for line in lines if row["evidence"] in line]
        assert line.split()[2] == {1: "+", -1: "-"}[row["direction"]]
    every = run("patterns", "--all")[1].out
    assert "nutrition *" in every
    assert "* twind cannot observe these: only your answers tell" in every
    assert "cannot observe this" in run("patterns", "HEA_NUTRITION")[1].out
    assert "cannot observe this" not in run("patterns", CODE)[1].out


def test_each_row_names_its_code_and_an_aspect_is_known_by_its_own_name_too(lived, say, run):
    lines = run("patterns", "--all")[1].out.splitlines()
    for one in say("patterns")["patterns"]:
        [line] = [line for line in lines if one["code"] in line.split()]
        assert line.split()[0] == one["aspect"].partition("_")[0]
    assert say("patterns", "Intimacy")["code"] == CODE
    assert say("patterns", "physical activity")["code"] == "HEA_PHYSICAL_ACTIVITY"
    assert say("patterns", "intimacy", "--pin", "0.5")["code"] == CODE
    assert say("patterns", "--restore", "intimacy")["restored"][0]["subject"] == CODE
    error = say("patterns", "security", expect=1)
    assert error["code"] == "not_found"
    assert "VAL_SECURITY, " in error["message"]


def test_days_are_those_of_the_users_own_clock(home, run):
    """Half past ten at night in UTC is the next day already where the user is."""
    home.config_file.write_text('[profile]\ntimezone = "Pacific/Kiritimati"\n')  # 14 h ahead
    evening = datetime(2026, 3, 2, 22, 30, tzinfo=UTC)
    read = CalendarEvent(uid="1", title="Read", start=evening, end=evening + timedelta(hours=1))
    with Store.open(home.database, FixedClock(evening)) as db:
        profiles.ensure(db, 1)
        records.apply(db, 1, "diary", [read], (evening, evening))
        words.say(db, 1, "pin", CODE, value=0.5)
        words.say(db, 1, "source", "web")
    text = run("patterns", CODE)[1].out
    assert "pinned by you on 2026-03-03" in text
    assert "2026-03-02" not in text
    assert run("patterns", "--said")[1].out.splitlines()[0].startswith("2026-03-03  pin ")


def test_wrong_and_back(lived, say, run):
    before = say("patterns", CODE)
    told = say("patterns", CODE, "--wrong")
    assert (told["strength"], told["confidence"], told["evidence"]) == (0.0, 0.0, [])
    assert (told["said"]["kind"], told["withdrawn"]) == ("wrong", 0)
    text = run("patterns", CODE)[1].out
    assert "does not count, what comes later does" in text
    assert f"twind patterns --restore {CODE}" in text
    [word] = say("patterns", "--said")["words"]
    assert (word["kind"], word["subject"]) == ("wrong", CODE)
    assert word["back"] == f"twind patterns --restore {CODE}"
    [back] = say("patterns", "--restore", CODE)["restored"]
    assert back["kind"] == "wrong"
    after = say("patterns", CODE)
    # The clock has moved on, and with it what has faded.
    assert after["strength"] == pytest.approx(before["strength"], abs=1e-6)
    assert (after["said"], after["evidence"]) == (None, before["evidence"])


@pytest.mark.parametrize(("word", "mark"), [("set", "set by you"), ("pin", "pinned by you")])
def test_a_strength_of_the_users_own(lived, say, run, word, mark):
    told = say("patterns", CODE, f"--{word}", "-0.7")
    assert told["strength"] == pytest.approx(-0.7, abs=0.02)
    assert told["confidence"] > 0.95
    assert told["said"]["value"] == -0.7
    assert any(row["table"] == "words" for row in told["evidence"])
    assert mark in run("patterns")[1].out
    assert "-0.70" in run("patterns", "--said")[1].out


def test_what_is_forgotten_is_not_listed_unless_asked_for(lived, say, run):
    assert "intimacy" in run("patterns")[1].out
    assert say("patterns", CODE, "--forget")["strength"] == 0.0
    listed = run("patterns")[1].out
    assert "intimacy" not in listed
    assert "1 that you have had it forget (--all)" in listed
    assert "forgotten" in run("patterns", "--all")[1].out


def test_evidence_is_dropped_by_its_name_and_restored(lived, say, run):
    before = say("patterns", CODE)
    name = before["evidence"][0]["evidence"]
    assert name in run("patterns", CODE)[1].out
    assert say("patterns", "--drop", name)["dropped"] == name
    after = say("patterns", CODE)
    assert name not in {row["evidence"] for row in after["evidence"]}
    assert after["evidence_count"] == 2
    assert after["strength"] != before["strength"]
    assert name in run("patterns", "--said")[1].out
    code, told = run("patterns", "--restore", name)
    assert (code, told.out.startswith("Taken back: evidence")) == (0, True)
    assert say("patterns", CODE)["evidence"] == before["evidence"]
    assert say("patterns", "--said")["words"] == []


@pytest.mark.parametrize(
    ("argv", "code", "part"),
    [
        (["--wrong"], "usage", "twind patterns CODE --wrong"),
        (["--pin", "0.5"], "usage", "twind patterns CODE --pin"),
        ([CODE, "--drop", "x"], "usage", "no CODE before"),
        (["NONSENSE", "--wrong"], "not_found", "twind patterns --all"),
        (["NONSENSE"], "not_found", "twind patterns --all"),
        (["--drop", "nonsense"], "not_found", "twind patterns CODE"),
        (["--restore", CODE], "not_found", "twind patterns --said"),
    ],
)
def test_errors_say_what_to_do(lived, say, home, argv, code, part):
    error = say("patterns", *argv, expect=2 if code == "usage" else 1)
    assert error["code"] == code
    assert part in error["message"]
    with Store.open(home.database) as db:
        assert words.load(db, 1) == []


@pytest.mark.parametrize("value", ["1.5", "-2", "nan", "much"])
def test_what_is_no_strength_is_a_usage_error(run, value):
    with pytest.raises(SystemExit) as caught:
        run("patterns", CODE, "--pin", value)
    assert caught.value.code == 2


def test_the_users_own_word_is_taken_back_not_dropped(lived, say):
    [own] = [
        row for row in say("patterns", CODE, "--pin", "0.2")["evidence"] if row["table"] == "words"
    ]
    assert "--restore" in say("patterns", "--drop", own["evidence"], expect=1)["message"]


def test_a_whole_source_is_forgotten_and_read_again(home, lived, say):
    assert say("plugins", "forget", "diary") == {"name": "diary", "deleted": 3, "withdrawn": 0}
    assert say("patterns", CODE)["evidence"] == []
    [word] = say("patterns", "--said")["words"]
    assert word["back"] == "twind plugins restore diary"
    with Store.open(home.database) as db:
        assert sources.health(db, 1)["diary"]["last_error"].startswith("diary is forgotten, by you")
    for name in ("diary", "nonsense"):
        assert name in say("plugins", "forget", name, expect=1)["message"]
    assert say("plugins", "restore", "diary") == {"name": "diary", "queued": False}
    assert "nothing to restore" in say("plugins", "restore", "diary", expect=1)["message"]
