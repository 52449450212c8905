import asyncio
import logging
import os
import re
import socket
import struct
import sys

import pytest

from twind.daemon import logs
from twind.daemon.workers import Workers
from twind.store import jobs


def parsed(data: bytes) -> dict[str, str]:
    """Read an entry as https://systemd.io/JOURNAL_NATIVE_PROTOCOL/ says."""
    fields = {}
    while data:
        line, data = data.split(b"\n", 1)
        name, mark, value = line.partition(b"=")
        if not mark:
            [size] = struct.unpack("<Q", data[:8])
            value, data = data[8 : 8 + size], data[8 + size :]
            assert data[:1] == b"\n"
            data = data[1:]
        assert name.decode() not in fields
        fields[name.decode()] = value.decode()
    return fields


@pytest.fixture
def journal(tmp_path):
    """A socket such as the journal's."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(str(tmp_path / "journal"))
        listener.settimeout(10)
        yield listener


@pytest.fixture
def log(tmp_path):
    """A logger whose records go to the journal, and a list of what went to stderr instead."""
    lines = []

    class Lines(logging.Handler):
        def emit(self, record):
            lines.append(self.format(record))

    otherwise = Lines()
    otherwise.setFormatter(logs.PriorityFormatter("%(name)s: %(message)s"))
    handler = logs.JournalHandler(otherwise, str(tmp_path / "journal"))
    handler.setFormatter(logging.Formatter("%(name)s: %(message)s"))
    logger = logging.getLogger("twind.test")
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    yield logger, lines
    logger.removeHandler(handler)
    handler.close()


def test_a_line_that_cannot_be_formatted_does_not_hurt_its_caller(
    journal, log, capsys, monkeypatch
):
    logger, _ = log
    monkeypatch.setattr(logger, "propagate", False)  # pytest's own handler raises
    logger.warning("%d", "no number")
    assert "no number" in capsys.readouterr().err
    logger.warning("goes on")
    assert parsed(journal.recv(1 << 16))["MESSAGE"] == "twind.test: goes on"


def test_a_record_is_an_entry_with_fields(journal, log):
    logger, lines = log
    about = logs.about(job="sync", job_id=7, source="calendar", code="died", event="job_failed")
    logger.warning("%s", "kalt ☃", extra=about)
    told = parsed(journal.recv(1 << 16))
    assert told.pop("CODE_FILE") == __file__
    assert told.pop("CODE_LINE").isdigit()
    assert told == {
        "MESSAGE": "twind.test: kalt ☃",
        "PRIORITY": "4",
        "SYSLOG_IDENTIFIER": "twind",
        "LOGGER": "twind.test",
        "CODE_FUNC": "test_a_record_is_an_entry_with_fields",
        "TWIND_JOB": "sync",
        "TWIND_JOB_ID": "7",
        "TWIND_SOURCE": "calendar",
        "TWIND_CODE": "died",
        "MESSAGE_ID": logs.EVENTS["job_failed"],
    }
    assert lines == []


def test_a_traceback_is_one_entry_and_no_line_of_it_another_field(journal, log):
    logger, _ = log
    try:
        int("x")
    except ValueError:
        logger.exception("broken\nPRIORITY=0\nTWIND_JOB=none")
    told = parsed(journal.recv(1 << 16))
    head = "twind.test: broken\nPRIORITY=0\nTWIND_JOB=none\nTraceback"
    assert told["MESSAGE"].startswith(head)
    assert told["PRIORITY"] == "3"
    assert "TWIND_JOB" not in told


def test_where_no_journal_listens_lines_go_to_stderr(log):
    logger, lines = log
    logger.info("one\ntwo")
    assert lines == ["<6>twind.test: one two"]


def test_what_is_too_long_for_a_datagram_goes_to_stderr(journal, log):
    logger, lines = log
    logger.error("x" * (1 << 20))
    assert lines == ["<3>twind.test: " + "x" * (1 << 20)]


def test_a_journal_that_does_not_read_holds_up_nobody(journal, log):
    logger, lines = log
    for number in range(2000):
        logger.info("%d", number)
    assert lines[-1] == "<6>twind.test: 1999"


def test_the_journal_is_where_stderr_leads(tmp_path):
    with (tmp_path / "log").open("w") as file:
        there = os.fstat(file.fileno())
        ours = {"JOURNAL_STREAM": f"{there.st_dev}:{there.st_ino}"}
        assert logs.is_journal(file, ours)
        assert not logs.is_journal(file, {"JOURNAL_STREAM": f"{there.st_dev}:{there.st_ino + 1}"})
        assert not logs.is_journal(file, {"JOURNAL_STREAM": "nonsense"})
        assert not logs.is_journal(file, {})
    assert not logs.is_journal(file, ours)


def test_events_are_told_apart():
    assert len(set(logs.EVENTS.values())) == len(logs.EVENTS)
    assert all(re.fullmatch("[0-9a-f]{32}", event) for event in logs.EVENTS.values())


def test_the_daemon_says_as_what_it_starts_and_which_job_fails(daemon, until, tmp_path):
    root = tmp_path / "h"
    root.mkdir()
    log = tmp_path / "h.log"
    log.touch()
    there = log.stat()
    one = daemon(root, env={
        "JOURNAL_STREAM": f"{there.st_dev}:{there.st_ino}", "FAKE_DIE": "inspect",
    }).up()  # fmt: skip
    until(lambda: "inspect failed" in log.read_text())
    one.stop()
    lines = log.read_text().splitlines()
    # No journal listens here: the fields are left out, the priorities are not.
    assert any(re.match(r"<6>twind\.daemon\.service: twind serves ", line) for line in lines)
    assert any(re.match(r"<4>twind\.daemon\.queue: inspect failed: ", line) for line in lines)
    assert all(re.match("<[3-7]>", line) for line in lines)


BROKEN = """\
from twind.api import hookimpl

class Broken:
    name = "broken"
    def fetch(self, ctx):
        raise OSError("it is gone")
        yield

@hookimpl
def twind_register(register):
    register(Broken())
"""


@pytest.mark.slow
def test_a_source_that_fails_is_a_warning_with_its_name(home, db, caplog):
    caplog.set_level(logging.INFO)
    [folder] = home.plugin_dirs
    folder.mkdir()
    (folder / "broken.py").write_text(BROKEN)
    job = jobs.start(db, jobs.enqueue(db, "sync", {"plugins": ["broken"]}).id)

    async def scenario():
        env = {**os.environ, "TWIND_HOME": str(home.root)}
        order = {"job": job.id, "attempt": job.attempt, "name": "sync", "args": job.args}
        await Workers(env, lambda *_: None).run(order, 60)

    asyncio.run(scenario())
    [told] = [one for one in caplog.records if "it is gone" in one.getMessage()]
    assert told.levelno == logging.WARNING
    assert told.getMessage().startswith(f"sync {job.id}: ")
    assert told.fields == {
        "TWIND_JOB": "sync",
        "TWIND_JOB_ID": job.id,
        "TWIND_SOURCE": "broken",
        "MESSAGE_ID": logs.EVENTS["source_failed"],
    }


# --- other people's text ---


def record(message, *args, level=logging.INFO, exc_info=None):
    return logging.LogRecord("twind", level, "", 0, message, args, exc_info)


def test_a_title_cannot_pass_for_a_line_of_the_log():
    made = logs.PlainFormatter("%(levelname)s %(message)s").format(
        record("synced %s", "tea\r\nERROR twind: gone\x85\u2028\x1b[2J\u202e")
    )
    assert made == "INFO synced tea ERROR twind: gone  �[2J�"


def test_each_line_of_a_traceback_has_its_priority_and_nothing_that_acts():
    try:
        raise ValueError("tea\n<0>panic\x1b]0;owned\x07")  # noqa: TRY301
    except ValueError:
        told = logs.PriorityFormatter("%(message)s").format(
            record("failed", level=logging.ERROR, exc_info=sys.exc_info())
        )
    lines = told.splitlines()
    assert lines[0] == "<3>failed"
    assert lines[-1] == "<3><0>panic�]0;owned�"
    assert all(line.startswith("<3>") for line in lines)


@pytest.mark.parametrize(
    ("level", "priority"), [(logging.DEBUG, 7), (logging.WARNING, 4), (logging.CRITICAL, 3)]
)
def test_levels_are_the_journals(level, priority):
    made = logs.PriorityFormatter("%(message)s").format(record("x", level=level))
    assert made == f"<{priority}>x"
