"""Work in processes of its own: what it says, how it ends, and what it leaves behind."""

from __future__ import annotations

import ctypes
import json
import os
import signal
import socket
import time
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twind import api, processes
from twind.clock import monotonic_s
from twind.model import (
    Attendee,
    CalendarEvent,
    Deleted,
    Person,
    Project,
    RecordError,
    Task,
    Unchanged,
)
from twind.plugins import apart, reading, wire

ENOUGH = apart.Limits(20.0, 512)


def told(task, limits=ENOUGH):
    [(_, told)] = apart.run([("only", task)], limits)
    return told


def test_what_is_said_comes_back_line_by_line():
    def task(say):
        for number in range(1000):
            say({"n": number})

    answer = told(task)
    assert [json.loads(line)["n"] for line in answer.lines] == list(range(1000))
    assert answer.end == ""


def test_nothing_said_is_an_answer_as_well():
    assert told(lambda say: None) == apart.Told([], "")


def raises(say):
    say(1)
    raise KeyError("Zoë")


def crashes(say):
    ctypes.string_at(0)


def floods(say):
    while True:
        os.write(1, b"x" * 65536)


def talks(say):
    while True:
        say("x" * 65536)


def pretends(line):
    """End as one does that has stumbled."""
    os.write(3, line + b"\n")
    os._exit(70)


def eats(say):
    full = []
    while True:
        full.append(bytearray(1 << 24))


@pytest.mark.parametrize(
    ("task", "end"),
    [
        (raises, "stumbled over KeyError: 'Zoë'"),
        (crashes, "was killed by SIGSEGV"),
        (lambda say: os._exit(0), "ended with status 0"),
        (lambda say: os.kill(os.getpid(), signal.SIGRTMIN + 5), "was killed by signal 39"),
        (lambda say: os.killpg(0, signal.SIGKILL), "was killed by SIGKILL"),
        (lambda say: os.closerange(0, 100), "closed files that are not its own"),
        (lambda say: time.sleep(100), "was not done within 2 s"),
        (floods, "printed more than 16 MiB"),
        (talks, "said more than 1 MiB"),
        (eats, "stumbled over MemoryError:"),
        (lambda say: pretends(b'"half a word'), "ended with status 70"),
        (lambda say: pretends(b"[" * 100_000), "ended with status 70"),
        (lambda say: pretends(b"[1]"), "ended with status 70"),
        (lambda say: pretends(rb'"a\ud800\nb"'), "stumbled over a? b"),
    ],
)
def test_how_one_ends_is_told_in_words(task, end, monkeypatch):
    monkeypatch.setattr(apart, "MAX_ANSWER", 1 << 20)
    within_s = 2.0 if "within" in end else 20.0
    # The tests' own process may hold more already than a worker ever does.
    memory_mib = 512 if task is eats else 4096
    assert told(task, apart.Limits(within_s, memory_mib)).end == end


def test_what_it_changes_stays_its_own_and_what_we_have_open_is_not_open_there(tmp_path):
    def task(say):
        os.chdir(tmp_path)
        os.umask(0o777)
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        say(sorted(int(file.name) for file in Path("/proc/self/fd").iterdir()))

    before = Path.cwd(), signal.getsignal(signal.SIGTERM)
    one, other = socket.socketpair()
    with one, other:
        [line] = told(task).lines
    # The last one is that of the listing itself.
    assert json.loads(line)[:-1] == [0, 1, 2, 3]
    assert (Path.cwd(), signal.getsignal(signal.SIGTERM)) == before


def test_what_it_prints_is_passed_on_up_to_a_length(capfd):
    def task(say):
        os.write(2, b"a word\n")
        os.write(1, b"x\n" * apart.MAX_LOGGED)

    told(task)
    out, err = capfd.readouterr()
    assert out == ""
    assert err.startswith("a word\nx\nx\n")
    assert len(err) < 1.1 * apart.MAX_LOGGED
    assert err.endswith("bytes more)\n")


def test_what_it_has_started_ends_with_it_and_what_we_had_does_not():
    def task(say):
        if os.fork() == 0:
            os.setsid()
            if os.fork() == 0:
                time.sleep(100)
            os._exit(0)
        os.wait()
        say(os.getpid())

    ours = os.fork()
    if ours == 0:
        time.sleep(100)
        os._exit(0)
    try:
        before = processes.children()
        assert ours in before
        told(task)
        assert processes.children() == before
    finally:
        os.kill(ours, signal.SIGKILL)
        os.waitpid(ours, 0)


def test_one_that_hangs_holds_up_no_other():
    began_s = monotonic_s()
    tasks = [("hangs", lambda say: time.sleep(100))] + [(n, lambda say: None) for n in range(6)]
    ends = {key: answer.end for key, answer in apart.run(tasks, apart.Limits(3.0, 512), 2)}
    assert [*ends][-1] == "hangs"
    assert [ends[n] for n in range(6)] == [""] * 6
    assert monotonic_s() - began_s < 15


def test_the_time_that_the_caller_takes_is_not_counted():
    def slow(say):
        time.sleep(1.5)

    ends = []
    for _, answer in apart.run([(1, lambda say: None), (2, slow)], apart.Limits(2.0, 512)):
        ends.append(answer.end)
        time.sleep(1.5)
    assert ends == ["", ""]


def test_whoever_stops_listening_leaves_no_process():
    before = processes.children()
    answers = apart.run([(1, lambda say: None), (2, lambda say: time.sleep(100))], ENOUGH)
    assert next(answers)[0] == 1
    answers.close()
    assert processes.children() == before


@pytest.mark.parametrize(
    ("status", "words"),
    [(3, "ended with status 3"), (-9, "was killed by SIGKILL"), (-40, "was killed by signal 40")],
)
def test_every_ending_has_words(status, words):
    assert processes.ending(status) == words


# --- records on their way ------------------------------------------------------------------------

texts = st.text(max_size=20)
moments = st.datetimes(
    min_value=datetime(1970, 1, 1), max_value=datetime(2100, 1, 1), timezones=st.just(UTC)
)
records = st.one_of(
    st.builds(Person, birthday=st.none() | st.dates(), emails=st.tuples(texts, texts)),
    st.builds(Project, deadline=st.none() | moments),
    st.builds(Task, due=moments, created_at=st.none() | moments, progress=st.floats(0, 1)),
    st.builds(
        CalendarEvent,
        start=moments,
        end=moments,
        attendees=st.lists(st.builds(Attendee, email=texts), max_size=2).map(tuple),
    ),
    st.builds(RecordError, texts, texts, texts),
    st.builds(Unchanged, texts),
    st.builds(Deleted, texts),
)  # fmt: skip


@pytest.mark.parametrize(
    ("line", "wrong"),
    [
        (b"oops", "b'oops' cannot be read as JSON"),
        (b"", "b'' cannot be read as JSON"),
        (b'"\xff"', r"""b'"\xff"' cannot be read as JSON"""),
        (b"[" * 100_000, f"b'{'[' * 40}' cannot be read as JSON"),
        (b"9" * 10_000, f"b'{'9' * 40}' cannot be read as JSON"),
        (b"[1]", "b'[1]' is no dict"),
        (b"null", "b'null' is no dict"),
    ],
)
def test_a_line_that_is_not_what_it_should_be_is_one_error(line, wrong):
    with pytest.raises(ValueError) as caught:
        wire.parse(line, dict)
    assert str(caught.value) == wrong


def test_a_line_that_unfolds_to_more_than_there_is_room_for_is_the_same_error():
    line = b"[" + b"[]," * (8 << 20) + b"[]]"  # made here, where there is room for it

    def task(say):
        try:
            wire.parse(line, list)
        except ValueError as error:
            say(str(error).partition("' ")[2])

    assert told(task) == apart.Told([b'"cannot be read as JSON"'], "")


@given(records)
def test_a_record_comes_back_as_it_was(record):
    assert wire.decode(json.loads(apart._encode(wire.encode(record)))) == record


ASK = reading.Ask(
    "odd",
    Path("/p/odd.py"),
    api.Window(datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 2, 1, tzinfo=UTC)),
    datetime(2026, 1, 1, tzinfo=UTC),
    {"kept": 1},
)
END = b'{"state": {"kept": 2}}'


def test_what_was_told_is_read():
    born = date(2000, 2, 29)
    line = apart._encode(wire.encode(Person(uid="1", name="Ada", birthday=born))).encode()
    got = reading._reading(ASK, apart.Told([line, END], ""))
    assert got == reading.Reading(
        [Person(uid="1", name="Ada", birthday=born)], {"kept": 2}, "", None
    )


@pytest.mark.parametrize(
    "lines",
    [
        [],
        [b"no json", END],
        [b"null", END],
        [b'["Person"]', END],
        [b'["os.system", "x"]', END],
        [b'["CalendarEvent", 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14]', END],
        [b"null"],
        [b"{}"],
        [b'{"state": 7}'],
        [b'{"failure": "x"}'],
        [b"[" * 100_000, END],
        [b"[" * 100_000],
        [b'{"Person": 1}', END],
        [b'{"state": {"half a letter": "\\ud800"}}'],
    ],
)
def test_whoever_tells_nonsense_changes_nothing(lines):
    got = reading._reading(ASK, apart.Told(lines, ""))
    assert got.fetched == []
    assert got.state == {"kept": 1}
    assert "odd.py" in got.failure


def test_what_ended_it_is_a_line_that_can_be_kept_whoever_says_it():
    last = rb'{"failure": "a\nb \ud800", "refused": ["c", "\u001b[1m"]}'
    assert reading._reading(ASK, apart.Told([last], "")) == reading.Reading(
        [], {"kept": 1}, "a b ?", r"['c', '\x1b[1m']"
    )


def test_a_field_that_cannot_be_right_is_refused_however_it_came():
    good = wire.encode(Person(uid="1", name="Ada"))
    bad = [part if part != "Ada" else 7 for part in good]
    [refused] = reading._reading(ASK, apart.Told([apart._encode(bad).encode(), END], "")).fetched
    assert refused == RecordError("1", "name must be a text, not 7", "")


def test_nothing_is_taken_of_one_that_never_came_to_an_end():
    line = apart._encode(wire.encode(Person(uid="1", name="Ada"))).encode()
    got = reading._reading(ASK, apart.Told([line], "was not done within 3 s"))
    assert got.fetched == []
    assert got.failure == (
        'odd.py: it was not done within 3 s while it was read: mend it, or add "odd" to '
        "plugins.disabled"
    )
    void = apart.Told([line, b'{"failure": "too many", "refused": null, "void": true}'], "")
    assert reading._reading(ASK, void) == reading.Reading([], {"kept": 1}, "too many", None)
