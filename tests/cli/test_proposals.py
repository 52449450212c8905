"""`twind proposals` and `twind review`, on proposals of tomorrow."""

from __future__ import annotations

from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest

from twind.clock import SystemClock, local_time
from twind.model import CalendarEvent
from twind.store import Store, profiles, proposals, records

ZONE = ZoneInfo("Asia/Kolkata")
TOMORROW = SystemClock().now().astimezone(ZONE).date() + timedelta(days=1)
TEXT = "Read for an hour"


@pytest.fixture
def made(home, proposal):
    """Proposals of tomorrow at 9 and at 12, their ids 1 and 2."""
    home.config_file.write_text('[profile]\ntimezone = "Asia/Kolkata"\n')
    with Store.open(home.database) as db:
        profiles.ensure(db, 1)
        at = (local_time(TOMORROW, hour * 60, ZONE) for hour in (9, 12))
        wanted = [proposal(start, day=TOMORROW, text=TEXT) for start in at]
        return proposals.add(db, 1, wanted, {})


def states(home):
    with Store.open(home.database) as db:
        return {one.id: one.status for one in proposals.load(db, 1)}


# --- list ----------------------------------------------------------------------------------------


def test_what_nobody_answers_any_more_is_marked_and_says_why(made, home, run):
    with Store.open(home.database) as db:
        proposals.withdraw(db, 1, [1], "an event has taken its time")
        proposals.expire(db, 1, local_time(TOMORROW, 24 * 60, ZONE))
    lines = run("proposals", "--all")[1].out.splitlines()
    assert [line.partition(TEXT)[2] for line in lines if TEXT in line] == [
        " – withdrawn",
        " – unanswered",
    ]


def test_what_the_last_try_came_to_is_said_of_no_other_day(made, home, say):
    told = say("proposals", "--day", "2027-01-01")
    assert told == {"proposals": [], "silent_because": "nothing is proposed for that day"}
    with Store.open(home.database) as db:
        db.meta_set("silent_because", "there is no free time left in it")
    assert say("proposals", "--day", "2027-01-01") == told


def test_what_is_over_was_proposed_all_the_same(made, say):
    for number in made:
        say("review", str(number), "--reject")
    assert say("proposals")["silent_because"] == "nothing that was proposed lies ahead"


# --- review --------------------------------------------------------------------------------------


def test_what_is_shown_is_what_was_accepted(made, home, run, say):
    code, told = run("review", "1", "--start", "10:00", "--duration", "45")
    assert (code, told.out) == (0, "1: accepted, edited to 10:00, 45 min\n")
    text = "Read for three quarters of an hour"
    for argv in (["proposals"], ["why", "1"]):
        assert f"{text}, edited to 10:00, 45 min" in run(*argv)[1].out
    [first, _] = say("proposals")["proposals"]
    assert first["text"] == text
    assert f"SUMMARY:{text}\r\n".encode() in home.calendar.read_bytes()
    say("review", "1", "--undo")
    assert say("proposals")["proposals"][0]["text"] == TEXT


@pytest.mark.parametrize(
    ("argv", "told"),
    [
        (["--start", "10:00"], f"{TEXT}, edited to 10:00 ✓"),
        (["--duration", "30"], "Read for half an hour, edited to 30 min ✓"),
    ],
)
def test_what_was_not_changed_is_not_said_to_be(made, run, argv, told):
    run("review", "1", *argv)
    [line] = [line for line in run("proposals")[1].out.splitlines() if line.endswith("✓")]
    assert line.endswith(f"  {told}")


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (["--duration", "1440"], "1440 min from 09:00 end after"),
        (["--start", "23:01"], "60 min from 23:01 end after"),
        (["--start", "23:00", "--duration", "61"], "61 min from 23:00 end after"),
        (["--start", "25:00"], '"25:00" is no time of day'),
        (["--start", ""], '"" is no time of day'),
    ],
)
def test_what_ends_after_its_day_is_a_usage_error(made, home, say, argv, said):
    error = say("review", "1", *argv, expect=2)
    assert error["code"] == "usage"
    assert said in error["message"]
    assert states(home) == {1: "pending", 2: "pending"}


def test_it_may_last_to_the_end_of_its_day(made, say):
    one = say("review", "1", "--duration", str(15 * 60))["proposal"]
    assert one["end"].startswith(f"{TOMORROW + timedelta(days=1)}T00:00")


def test_what_stands_in_the_way_is_told_in_one_line_and_accepted(made, home, run, say):
    say("review", "2", "--accept")
    overlaps = "it overlaps 2, which you have accepted, too"
    assert say("review", "1", "--start", "11:30")["mind"] == [overlaps]
    assert say("review", "1", "--start", "21:00")["mind"] == []
    code, told = run("review", "2", "--start", "21:01")
    assert code == 0
    assert told.out == (
        "2: accepted, edited to 21:01; it overlaps 1, which you have accepted, too; "
        "it is in your quiet hours\n"
    )
    assert states(home) == {1: "accepted", 2: "accepted"}


def test_an_event_in_the_way_of_what_is_accepted_is_named(made, home, say):
    def event(title, hour, **more):
        start = local_time(TOMORROW, hour * 60, ZONE)
        end = start + timedelta(hours=1)
        return CalendarEvent(uid=title, title=title, start=start, end=end, **more)

    events = [event("Funeral", 9), event("Lunch", 13), event("Radio", 15, busy=False)]
    with Store.open(home.database) as db:
        records.apply(db, 1, "test", events, (events[0].start, events[-1].end))
    funeral, lunch = (f"it overlaps “{one}” in your calendar" for one in ("Funeral", "Lunch"))
    assert say("review", "1", "--accept")["mind"] == [funeral]
    assert say("review", "2", "--accept")["mind"] == []
    assert say("review", "2", "--start", "12:30")["mind"] == [lunch]
    assert say("review", "2", "--start", "15:00")["mind"] == []


def test_what_had_been_withdrawn_is_accepted_and_said_so(made, home, say):
    with Store.open(home.database) as db:
        proposals.withdraw(db, 1, [1], "what it was for is done or gone")
    assert say("review", "1", "--accept")["mind"] == [
        "it had been withdrawn: what it was for is done or gone"
    ]


def test_what_is_put_off_says_until_when(made, run):
    code, told = run("review", "1", "--snooze", "44640")
    until = SystemClock().now().astimezone(ZONE) + timedelta(days=31)
    assert code == 0
    assert told.out.startswith(f"1: pending, snoozed until {until:%Y-%m-%d}")


# --- the dialogue --------------------------------------------------------------------------------


def test_a_dialogue_asks_again_until_it_has_understood(made, home, on_a_terminal):
    typed = "x\nt\n25:00\nt\nabc\nl\n0\nl\n2000\nt\n10:30\nr\nno time\n"
    status, shown = on_a_terminal("review", typed=typed)
    assert status == 0
    for said in (
        "Please type one of a, t, l, r, s, w, q.",
        '"25:00" is no time of day',
        '"abc" is no time of day',
        "'0' is no whole number from 1 to 1440",
        "'2000' is no whole number",
        "1: accepted, edited to 10:30",
        "2: rejected",
        "Nothing else waits for you.",
    ):
        assert said in shown
    assert states(home) == {1: "accepted", 2: "rejected"}


@pytest.mark.parametrize("typed", ["a\nt\n\x04", "a\nr\n\x04", "a\nq\n"])
def test_what_was_said_before_a_dialogue_was_left_counts(made, home, on_a_terminal, typed):
    status, shown = on_a_terminal("review", typed=typed)
    assert status == 0
    assert "Traceback" not in shown
    assert "Nothing else" not in shown
    assert states(home) == {1: "accepted", 2: "pending"}
    assert home.calendar.read_bytes().count(b"BEGIN:VEVENT") == 1


def test_a_dialogue_on_one_confirms_and_publishes(made, home, on_a_terminal):
    status, shown = on_a_terminal("review", "2", typed="w\na\n")
    assert status == 0
    assert "You would take it up with a probability of 50%." in shown
    assert "2: accepted" in shown
    assert home.calendar.read_bytes().count(b"BEGIN:VEVENT") == 1
