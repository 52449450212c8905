"""Other people's text in the log."""

from __future__ import annotations

import logging
import sys

import pytest

from twind.daemon.logs import JournalFormatter, PlainFormatter


def record(message, *args, level=logging.INFO, exc_info=None):
    return logging.LogRecord("twind", level, "", 0, message, args, exc_info)


def test_a_title_cannot_pass_for_a_line_of_the_log():
    made = PlainFormatter("%(levelname)s %(message)s").format(
        record("synced %s", "tea\r\nERROR twind: gone\x85\u2028\x1b[2J\u202e")
    )
    assert made == "INFO synced tea ERROR twind: gone  �[2J�"


def test_each_line_of_a_traceback_has_its_priority_and_nothing_that_acts():
    try:
        raise ValueError("tea\n<0>panic\x1b]0;owned\x07")  # noqa: TRY301
    except ValueError:
        told = JournalFormatter("%(message)s").format(
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
    made = JournalFormatter("%(message)s").format(record("x", level=level))
    assert made == f"<{priority}>x"
