"""A tool that writes everything anew, file by file, is one change: the real daemon in a storm."""

from __future__ import annotations

FILES, ROUNDS = 100, 100
"""So many files, each written so many times: ten thousand changes."""
LEAST_APART_S = 3.0
"""The daemon tells of a burst that does not end after as long (`Watcher.max_wait_s`)."""


def calendar(life, number, title):
    parts = life.event(f"storm{number}", 1 + number % 20, "1400", "1500", title)
    return f"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//example//EN\r\n{parts}END:VCALENDAR\r\n"


def syncs(life):
    return life.rows("SELECT COUNT(*) FROM jobs WHERE name = 'sync'")[0][0]


def titles(life):
    found = life.rows(
        "SELECT DISTINCT json_extract(payload, '$.title') FROM records WHERE uid LIKE 'storm%'"
    )
    return {title for (title,) in found}


def test_ten_thousand_changes_are_a_few_syncs(own_life, eventually):
    folder = own_life.root / "calendars"
    folder.mkdir()
    configuration = own_life.home.config_file
    configuration.write_text(
        configuration.read_text().replace('paths = ["cal.ics"]', 'paths = ["calendars"]')
    )
    daemon = own_life.start()
    eventually(own_life.at_rest)
    before, began = syncs(own_life), own_life.rows("SELECT julianday('now') * 86400.0")[0][0]
    for round_ in range(ROUNDS):
        for number in range(FILES):
            (folder / f"{number}.ics").write_text(calendar(own_life, number, f"Round {round_}"))
    eventually(lambda: titles(own_life) == {f"Round {ROUNDS - 1}"})
    eventually(own_life.at_rest)
    took_s = own_life.rows("SELECT julianday('now') * 86400.0")[0][0] - began
    assert own_life.rows("SELECT COUNT(*) FROM records WHERE uid LIKE 'storm%'") == [(FILES,)]
    # Two more: one that was waiting when it ended, and one that looks at what it left.
    assert 1 <= syncs(own_life) - before <= took_s / LEAST_APART_S + 2
    assert daemon.process.poll() is None
