from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from twind.daemon.status import build, plugin_lines

BERLIN = ZoneInfo("Europe/Berlin")
OK = {"records": 3, "errors": 0, "last_ok_at": "2026-11-23T06:00:00+00:00", "last_error": None}


@pytest.mark.parametrize(
    ("plugin", "source", "paused", "state"),
    [
        ({"state": "ok"}, OK, False, "ok"),
        ({"state": "ok"}, OK, True, "paused"),
        ({"state": "paused"}, OK, False, "paused"),
        ({"state": "paused"}, None, False, "paused"),
        ({"state": "paused"}, {**OK, "errors": 2, "last_error": "offline"}, False, "paused"),
        (
            {"state": "paused"},
            {**OK, "last_error": "offline", "last_ok_at": None},
            False,
            "paused",
        ),
        ({"state": "ok"}, None, False, "ok"),
        ({"state": "ok"}, {**OK, "errors": 1}, False, "degraded"),
        ({"state": "ok"}, {**OK, "last_error": "offline"}, False, "degraded"),
        ({"state": "ok", "error": "watch raised"}, OK, False, "degraded"),
        ({"state": "ok"}, {**OK, "last_error": "offline", "last_ok_at": None}, False, "failed"),
        ({"state": "failed", "error": "SyntaxError"}, None, True, "failed"),
    ],
)
def test_a_plugins_state(plugin, source, paused, state):
    sources = {"calendar": source} if source else {}
    (line,) = plugin_lines([{"name": "calendar", **plugin}], sources, BERLIN, paused=paused)
    assert line["state"] == state
    assert {"name", "records", "errors", "last_ok_at", "last_error"} <= set(line)
    assert line["last_error"] == (plugin.get("error") or (source or {}).get("last_error"))


def test_the_status_tells_times_on_the_users_clock_and_the_soonest_first():
    data = build(
        {"profile": 1, "sources": {"a": OK}, "model": {"trained_at": "2026-11-23T06:00:00+00:00"}},
        [{"name": "a", "state": "ok"}],
        zone=BERLIN,
        uptime_s=1.5,
        paused_until="2026-11-23T12:00:00+00:00",
        upcoming=[
            ("propose", datetime(2026, 11, 24, 6, tzinfo=UTC)),
            ("sync", datetime(2026, 11, 23, 6, tzinfo=UTC)),
        ],
        running=[],
        problem=None,
        waiting=None,
        interrupted=None,
        watching="events",
    )
    assert [one["job"] for one in data["next"]] == ["sync", "propose"]
    assert data["next"][0]["at"] == "2026-11-23T07:00:00+01:00"
    assert data["paused"] == "2026-11-23T13:00:00+01:00"
    assert data["plugins"][0]["last_ok_at"] == "2026-11-23T07:00:00+01:00"
    assert data["model"]["trained_at"].endswith("+01:00")
    assert "sources" not in data
