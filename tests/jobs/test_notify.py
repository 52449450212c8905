"""The notify job, with channels that the test drops in."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest

from twind import messages
from twind.errors import NotFoundError
from twind.jobs import notify
from twind.jobs.work import StaleAttemptError
from twind.model import Feedback
from twind.store import checkins, jobs, outbox, proposals

OLD_CHANNEL = """\
from pathlib import Path
from twind.api import Delivered, Pressed, hookimpl

class Paper:
    name = "paper"

    def notify(self, ctx, notification):
        with Path({file!r}).open("a") as out:
            print(notification.key, file=out)
        yield Delivered("paper")
        {after}

@hookimpl
def twind_register(register):
    register(Paper())
"""
CHANNELS = """\
import json
from pathlib import Path
from twind.api import Channel, Delivered, MaybeDelivered, NotDelivered, Pressed, hookimpl

FOLDER = Path({folder!r})

class Paper:
    name = "paper"

    def channels(self, ctx):
        for name in json.loads((FOLDER / "offered").read_text()):
            yield Channel(id=name, name=f"{{name}} 1", buttons=name in {buttons!r})
        {more}

    def notify(self, ctx, notification):
        channel = notification.channel
        told = {{"to": channel, "title": notification.title, "body": notification.body,
                 "buttons": [button.id for button in notification.buttons]}}
        with (FOLDER / "had").open("a") as out:
            print(json.dumps(told), file=out)
        script = FOLDER / f"{{channel}}.says"
        if script.exists():
            exec(script.read_text())
        yield Delivered(channel)
        if (FOLDER / "press").exists():
            yield Pressed((FOLDER / "press").read_text())

@hookimpl
def twind_register(register):
    register(Paper())
"""


def drop_in(home, text):
    folder = home.plugin_dirs[0]
    folder.mkdir(exist_ok=True)
    (folder / "paper.py").write_text(text)


@pytest.fixture
def propose(work, proposal):
    """Make a proposal and queue its message; return the proposal's number."""

    def make(text="Read", hours=4):
        start = work.clock.now() + timedelta(hours=hours)
        one = proposal(start, text=text)
        [row] = proposals.add(work.db, 1, [one], {})
        outbox.put(work.db, 1, f"proposals:{row}", messages.of_proposals([row]))
        return row

    return make


@pytest.fixture
def waiting(propose):
    """The number of a proposal whose message waits."""
    return propose()


class Channels:
    """What the channels of a drop-in plugin get and how they behave."""

    def __init__(self, work, tmp_path):
        self._work = work
        self.folder = tmp_path / "channels"
        self.folder.mkdir()
        self.offer("mail", "push")

    def offer(self, *names, more="return", buttons=("desk",)):
        (self.folder / "offered").write_text(json.dumps(names))
        text = CHANNELS.format(folder=str(self.folder), more=more, buttons=buttons)
        drop_in(self._work.home, text)

    def behave(self, name, code=""):
        """Have a channel do this before it says that it has delivered."""
        (self.folder / f"{name}.says").write_text(code)

    @property
    def had(self):
        """What they have got so far."""
        file = self.folder / "had"
        return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []

    def titles(self, name):
        return [one["title"] for one in self.had if one["to"] == name]


@pytest.fixture
def channels(work, tmp_path):
    """Two channels without buttons, "mail" and "push"."""
    return Channels(work, tmp_path)


def states(work):
    return [row["state"] for row in work.db.rows("SELECT state FROM outbox ORDER BY id")]


def error(work, number=1):
    return work.db.value("SELECT error FROM outbox WHERE id = ?", (number,))


# --- a plugin that is a single channel -----------------------------------------------------------


def old_channel(work, after="pass"):
    file = work.home.state_dir / "paper.txt"
    file.touch()
    drop_in(work.home, OLD_CHANNEL.format(file=str(file), after=after))
    return file


def test_nothing_is_sent_twice(work, waiting):
    file = old_channel(work)
    assert notify.run(work) == {"sent": 1, "failed": 0, "pressed": 0}
    assert notify.run(work) == {"sent": 0, "failed": 0, "pressed": 0}
    assert file.read_text() == f"proposals:{waiting}\n"
    assert outbox.counts(work.db) == {"sent": 1}
    assert not outbox.put(work.db, 1, f"proposals:{waiting}", {"title": "", "body": ""})


@pytest.mark.parametrize(
    ("button", "status", "counted"),
    [
        ("accept", "accepted", 1),
        ("reject", "rejected", 1),
        ("snooze", "pending", 1),
        ("undo", "pending", 0),
        ("dance", "pending", 0),
    ],
)
def test_a_button_is_the_users_word(work, waiting, button, status, counted):
    old_channel(work, f"yield Pressed('{button}:{waiting}')")
    assert notify.run(work) == {"sent": 1, "failed": 0, "pressed": counted}
    assert proposals.get(work.db, 1, waiting).status == status
    assert len(proposals.feedback(work.db, 1)) == counted


@pytest.mark.parametrize("button", ["accept:999", "accept:x", "accept", ""])
def test_a_button_that_means_nothing_harms_nothing(work, waiting, button):
    old_channel(work, f"yield Pressed({button!r})")
    assert notify.run(work)["pressed"] == 0
    assert proposals.feedback(work.db, 1) == []


def test_a_channel_that_fails_after_delivery_has_delivered(work, waiting):
    old_channel(work, "raise OSError('paper jam')")
    assert notify.run(work)["sent"] == 1
    assert outbox.counts(work.db) == {"sent": 1}


def test_what_a_plugin_stumbles_over_is_uncertain_and_not_sent_again(work, waiting, clock):
    file = old_channel(work)
    plugin = work.home.plugin_dirs[0] / "paper.py"
    plugin.write_text(plugin.read_text().replace('yield Delivered("paper")', "ctx.nothing"))
    assert notify.run(work) == {"sent": 0, "failed": 1, "pressed": 0}
    assert states(work) == ["uncertain"]
    assert error(work).startswith("paper: paper.py:10: AttributeError")
    clock.advance(hours=3)
    assert notify.run(work) == {"sent": 0, "failed": 0, "pressed": 0}
    assert len(file.read_text().splitlines()) == 1


def test_a_plugin_that_says_nothing_leaves_it_in_doubt(work, waiting):
    old_channel(work)
    plugin = work.home.plugin_dirs[0] / "paper.py"
    plugin.write_text(plugin.read_text().replace('yield Delivered("paper")', "yield from ()"))
    assert notify.run(work)["failed"] == 1
    assert (states(work), error(work)) == (
        ["uncertain"],
        "paper: it ended without saying that the message is delivered",
    )


def test_quiet_hours_hold_it_back(work, propose, clock):
    file = old_channel(work)
    propose(hours=30)
    clock.advance(hours=15)
    assert notify.run(work)["sent"] == 0
    assert outbox.is_due(work.db)
    assert file.read_text() == ""
    work.args = {"now": True}
    assert notify.run(work)["sent"] == 1


def test_without_any_channel_it_waits_for_one(work, propose, clock):
    propose(hours=40)
    assert notify.run(work) == {"sent": 0, "failed": 1, "pressed": 0}
    assert (states(work), error(work)) == (["pending"], "no plugin delivers anything")
    assert notify.run(work)["failed"] == 0
    clock.advance(minutes=15)
    old_channel(work)
    assert notify.run(work)["sent"] == 1
    assert (states(work), error(work)) == (["sent"], None)


def test_without_any_channel_for_a_day_it_is_given_up(work, propose, clock):
    propose(hours=40)
    notify.run(work)
    clock.advance(hours=24)
    assert notify.run(work) == {"sent": 0, "failed": 1, "pressed": 0}
    assert states(work) == ["failed"]


def test_a_stale_attempt_sends_nothing(work, waiting, channels):
    job = jobs.enqueue(work.db, "notify", {})
    work.job_id, work.attempt = job.id, jobs.start(work.db, job.id).attempt
    jobs.start(work.db, job.id)
    with pytest.raises(StaleAttemptError):
        notify.run(work)
    assert channels.had == []
    assert states(work) == ["pending"]


# --- several channels, each for itself -----------------------------------------------------------


def test_one_that_fails_stops_no_other_and_alone_is_tried_again(work, waiting, channels, clock):
    channels.behave("mail", "raise NotDelivered('connection refused')")
    assert notify.run(work) == {"sent": 1, "failed": 0, "pressed": 0}
    assert (states(work), error(work)) == (["pending"], "mail 1: connection refused")
    assert notify.run(work)["sent"] == 0, "not so soon"
    clock.advance(minutes=1)
    notify.run(work)
    clock.advance(minutes=1)
    assert len(channels.titles("mail")) == 2, "the second time it waits longer"
    notify.run(work)
    clock.advance(minutes=1)
    channels.behave("mail")
    assert notify.run(work) == {"sent": 1, "failed": 0, "pressed": 0}
    assert (states(work), error(work)) == (["sent"], None)
    assert [len(channels.titles(name)) for name in ("mail", "push")] == [3, 1]


@pytest.mark.parametrize(
    ("code", "state", "said"),
    [
        ("raise NotDelivered('HTTP 401', again=False)", "sent", "HTTP 401"),
        ("raise MaybeDelivered('no answer')", "uncertain", "no answer"),
        ("raise OSError('odd')", "uncertain", "OSError: odd"),
    ],
)
def test_what_is_refused_or_in_doubt_is_not_tried_again(
    work, waiting, channels, clock, code, state, said
):
    channels.behave("mail", code)
    assert notify.run(work)["sent"] == 1
    assert states(work) == [state]
    assert error(work).startswith("mail 1: ")
    assert error(work).endswith(said)
    clock.advance(hours=2)
    assert notify.run(work)["sent"] == 0
    assert [len(channels.titles(name)) for name in ("mail", "push")] == [1, 1]


def test_a_failure_is_one_line_and_not_one_each_time(work, waiting, channels, clock, caplog):
    channels.behave("mail", "raise NotDelivered('connection refused')")
    for _ in range(4):
        notify.run(work)
        clock.advance(hours=1)
    lines = [one.getMessage() for one in caplog.records if one.levelname == "WARNING"]
    assert lines == ["mail 1: connection refused; it is tried again"]


def test_where_it_goes_is_settled_when_it_is_first_sent(work, waiting, channels, clock):
    channels.behave("mail", "raise NotDelivered('down')")
    notify.run(work)
    channels.offer("push", "new")
    clock.advance(hours=1)
    notify.run(work)
    assert channels.titles("new") == []
    assert error(work) == "mail 1: it is not there"
    channels.offer("mail", "new")
    channels.behave("mail")
    clock.advance(hours=1)
    notify.run(work)
    assert [len(channels.titles(name)) for name in ("mail", "push", "new")] == [2, 1, 0]
    assert states(work) == ["sent"]


def test_what_is_wrong_with_one_channel_is_told_and_stops_no_other(work, waiting, channels, caplog):
    channels.offer("mail", more="raise ValueError('urls, number 2 is no URL')")
    assert notify.run(work)["sent"] == 1
    assert "urls, number 2 is no URL" in caplog.messages


# --- several messages ----------------------------------------------------------------------------


def queue(work, *titles):
    for title in titles:
        outbox.put(work.db, 1, title, {"title": title, "body": f"{title} is the case."})


def test_what_waits_at_once_is_one_message(work, waiting, channels):
    queue(work, "One", "Two")
    assert notify.run(work) == {"sent": 3, "failed": 0, "pressed": 0}
    assert channels.titles("mail") == ["One · Two · twind proposes one thing"]
    assert channels.had[0]["body"] == (
        "One\nOne is the case.\n\nTwo\nTwo is the case.\n\ntwind proposes one thing\n"
        f"Mon 12:00  Read.\n\nTo answer: twind review {waiting} --accept "
        "(or --reject, or --snooze 60)"
    )
    assert states(work) == ["sent"] * 3


def test_where_there_are_buttons_what_bears_them_stands_alone(work, waiting, channels):
    channels.offer("desk")
    queue(work, "One", "Two")
    assert notify.run(work)["sent"] == 3
    first, last = channels.had
    assert (first["title"], first["buttons"]) == ("One · Two", [])
    assert (last["title"], last["body"]) == ("twind proposes one thing", "Mon 12:00  Read.")
    assert last["buttons"] == [f"{word}:{waiting}" for word in ("accept", "reject", "snooze")]


def test_what_one_channel_has_missed_it_gets_with_the_next(work, channels, clock):
    queue(work, "One")
    channels.behave("mail", "raise NotDelivered('down')")
    notify.run(work)
    clock.advance(minutes=2)
    queue(work, "Two")
    channels.behave("mail")
    notify.run(work)
    assert channels.titles("mail") == ["One", "One · Two"]
    assert channels.titles("push") == ["One", "Two"]
    assert states(work) == ["sent", "sent"]


def test_after_quiet_hours_there_is_one_message_of_what_is_still_of_use(
    work, propose, channels, clock
):
    old, answered, good = propose("Old", 20), propose("Answered", 28), propose("Good", 30)
    queue(work, "One")
    clock.advance(hours=15)
    assert notify.run(work)["sent"] == 0
    said = Feedback(proposal_id=answered, action="accept", at=clock.now())
    proposals.review(work.db, 1, said)
    clock.advance(hours=9)
    assert notify.run(work)["sent"] == 2
    assert channels.titles("mail") == ["One · twind proposes one thing"]
    assert "Good" in channels.had[0]["body"]
    assert f"twind review {good} " in channels.had[0]["body"]
    assert states(work) == ["dropped", "dropped", "sent", "sent"]
    assert (error(work, old), error(work, answered)) == ("its time has passed", "it is answered")
    assert notify.run(work)["sent"] == 0


def test_what_the_user_has_answered_elsewhere_is_not_tried_again(work, waiting, channels, clock):
    channels.behave("mail", "raise NotDelivered('down')")
    notify.run(work)
    said = Feedback(proposal_id=waiting, action="accept", at=clock.now())
    proposals.review(work.db, 1, said)
    clock.advance(hours=1)
    channels.behave("mail")
    assert notify.run(work) == {"sent": 0, "failed": 0, "pressed": 0}
    assert (states(work), error(work)) == (["sent"], "mail 1: it is answered")
    assert len(channels.titles("mail")) == 1


def test_a_button_is_heard_when_all_is_delivered(work, waiting, channels):
    channels.offer("desk", "mail")
    (channels.folder / "press").write_text(f"accept:{waiting}")
    steps = []
    work.progress = lambda step: steps.append((step, [one["to"] for one in channels.had]))
    assert notify.run(work) == {"sent": 1, "failed": 0, "pressed": 1}
    assert steps == [({"listening": True}, ["desk", "mail"])]


# --- a question ----------------------------------------------------------------------------------


@pytest.fixture
def asked(work):
    """Queue the question how the user is; return when it was asked, as its buttons have it."""
    payload = messages.of_checkin(work.clock.now())
    outbox.put(work.db, 1, "checkin:2026-03-02", payload)
    return payload["asked_at"]


def energies(work):
    return [one.energy for one in checkins.load(work.db, 1)]


def test_a_question_goes_where_there_are_buttons_and_nowhere_else(work, channels, asked):
    channels.offer("mail", "desk")
    assert notify.run(work) == {"sent": 1, "failed": 0, "pressed": 0}
    [told] = channels.had
    assert (told["to"], told["title"]) == ("desk", "How is your energy?")
    assert told["buttons"] == [f"{word}:{asked}" for word in ("tired", "soso", "fresh")]
    assert states(work) == ["sent"]


def test_a_question_that_nobody_could_answer_is_dropped(work, channels, asked):
    assert notify.run(work) == {"sent": 0, "failed": 0, "pressed": 0}
    assert channels.had == []
    assert (states(work), error(work)) == (["dropped"], "no channel has buttons")


@pytest.mark.parametrize(("word", "energy"), [("tired", 0.125), ("soso", 0.5), ("fresh", 0.875)])
def test_a_button_is_a_check_in(work, channels, asked, word, energy):
    channels.offer("desk")
    (channels.folder / "press").write_text(f"{word}:{asked}")
    assert notify.run(work)["pressed"] == 1
    assert energies(work) == [energy]


def test_a_question_is_answered_once(work, channels, asked, clock):
    channels.offer("desk")
    (channels.folder / "press").write_text(f"fresh:{asked}")
    notify.run(work)
    clock.advance(minutes=3)
    assert notify._pressed(work, f"tired:{asked}") == 0
    assert energies(work) == [0.875]


@pytest.mark.parametrize("button", ["tired:", "tired:soon", "sleepy:2026-03-02T08:00:00+00:00"])
def test_a_button_that_means_nothing_is_told_and_no_check_in(work, caplog, button):
    assert notify._pressed(work, button) == 0
    assert f"button {button}: means nothing" in caplog.messages
    assert energies(work) == []


def test_a_question_gives_way_to_what_there_is_to_say(work, asked, waiting, channels):
    channels.offer("desk")
    assert notify.run(work)["sent"] == 1
    [told] = channels.had
    assert told["buttons"][0] == f"accept:{waiting}"
    assert states(work) == ["dropped", "sent"]


def test_a_question_that_was_held_up_is_not_asked_later(work, channels, asked, clock):
    channels.offer("desk")
    channels.behave("desk", "raise NotDelivered('down')")
    notify.run(work)
    assert states(work) == ["pending"]
    channels.behave("desk")
    clock.advance(minutes=59)
    checkins.add(work.db, 1, 0.5)
    assert notify.run(work)["sent"] == 0
    assert (states(work), error(work)) == (["dropped"], "desk 1: it is answered")


def test_a_channel_that_has_lost_its_buttons_is_as_good_as_away(work, channels, asked, clock):
    """The desktop may show its notifications with another program than it did."""
    channels.offer("desk", "lamp", buttons=("desk", "lamp"))
    channels.behave("desk", "raise NotDelivered('down')")
    notify.run(work)
    assert channels.titles("lamp") == ["How is your energy?"]
    channels.offer("desk", "lamp", buttons=("lamp",))
    clock.advance(minutes=3)
    assert notify.run(work) == {"sent": 0, "failed": 1, "pressed": 0}
    assert (states(work), error(work)) == (["pending"], "desk 1: it has no buttons")
    channels.offer("desk", "lamp", buttons=("desk", "lamp"))
    channels.behave("desk")
    clock.advance(minutes=10)
    assert notify.run(work)["sent"] == 1
    assert states(work) == ["sent"]


def test_a_round_that_changes_nothing_is_the_last(work, waiting, channels, monkeypatch):
    monkeypatch.setattr(messages, "in_words", lambda *_: [])
    assert notify.run(work)["sent"] == 0
    assert (states(work), channels.had) == (["pending"], [])


# --- a trial -------------------------------------------------------------------------------------


def test_a_trial_goes_to_every_channel_and_is_kept_nowhere(work, channels):
    channels.behave("push", "raise NotDelivered('HTTP 401', again=False)")
    work.args = {"trial": []}
    told = notify.run(work)
    assert told == {
        "channels": [
            {"channel": "mail 1", "plugin": "paper", "delivered": True, "error": None},
            {"channel": "push 1", "plugin": "paper", "delivered": False, "error": "HTTP 401"},
        ],
        "problems": [],
    }
    assert channels.titles("mail") == ["twind can reach you here"]
    assert outbox.counts(work.db) == {}
    work.args = {"trial": ["mail 1"]}
    assert len(notify.run(work)["channels"]) == 1
    work.args = {"trial": ["nail 1"]}
    with pytest.raises(NotFoundError, match="no channel nail 1; there are mail 1, push 1"):
        notify.run(work)
