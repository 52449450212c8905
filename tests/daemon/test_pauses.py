from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from twind.daemon import pauses

BERLIN = ZoneInfo("Europe/Berlin")
NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        (None, "forever"),
        ("18:00", "2026-11-23T17:00:00.000000+00:00"),
        ("07:00", "2026-11-24T06:00:00.000000+00:00"),
        ("2026-12-01", "2026-11-30T23:00:00.000000+00:00"),
        ("2026-12-01T09:00", "2026-12-01T08:00:00.000000+00:00"),
        ("2026-12-01T09:00+00:00", "2026-12-01T09:00:00.000000+00:00"),
    ],
)
def test_a_moment_is_read_on_the_users_clock(text, kept):
    assert pauses.until(text, NOW, BERLIN) == kept
    assert pauses.is_paused(kept, NOW)


@pytest.mark.parametrize("text", ["", "25:00", "soon", "2026-13-01", "2026-11-23T12:30"])
def test_what_is_no_moment_to_come_is_refused(text):
    with pytest.raises(pauses.BadMomentError):
        pauses.until(text, NOW, BERLIN)


def test_a_pause_ends():
    assert not pauses.is_paused(None, NOW)
    assert not pauses.is_paused("2026-11-23T12:00:00.000000+00:00", NOW)


def test_a_pause_outlives_the_process_and_its_end_is_noticed_once(db, clock):
    pause = pauses.Pause(db, clock)
    assert not pause.has_ended()
    pause.begin("2026-03-02T18:00", BERLIN)
    assert pauses.Pause(db, clock).is_on()
    assert not pause.has_ended()
    clock.advance(hours=12)
    assert not pause.is_on()
    assert pause.has_ended()
    assert not pause.has_ended()


def test_a_pause_without_an_end_is_ended_by_hand(db, clock):
    pause = pauses.Pause(db, clock)
    assert pause.begin(None, BERLIN) == pause.until() == pauses.FOREVER
    pause.end()
    assert pause.until() is None
    assert pause.has_ended()
