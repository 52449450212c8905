from __future__ import annotations

import json
import re

import pytest

from twind import settings
from twind.errors import SettingsError


def test_every_key_has_a_default(home):
    loaded = settings.load(home)
    assert loaded.schedule.propose_at == 7 * 60
    assert loaded.hours.work[0][0].start == 9 * 60
    assert loaded.hours.work[5] == ()


def test_hours_are_read_as_written():
    loaded = settings.parse(
        {
            "hours": {
                "sleep": "23:30-07:00",
                "work": {"mon-fri": "09:00-17:30", "sat": ["09:00-10:00", "14:00-15:00"]},
                "quiet": ["22:00-06:30", "12:00-13:00"],
            }
        }
    )
    assert [len(day) for day in loaded.hours.work] == [1, 1, 1, 1, 1, 2, 0]
    assert loaded.hours.sleep.contains(0)
    assert loaded.hours.sleep.contains(23 * 60 + 45)
    assert not loaded.hours.sleep.contains(7 * 60)
    assert len(loaded.hours.quiet) == 2


def test_a_range_of_days_may_pass_the_weekend():
    loaded = settings.parse({"hours": {"work": {"sat-mon": "10:00-12:00"}}})
    assert [len(day) for day in loaded.hours.work] == [1, 0, 0, 0, 0, 1, 1]


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"foo": 1}, "foo: unknown key"),
        ({"hours": {"slep": "1:00-2:00"}}, "hours.slep: unknown key"),
        ({"hours": {"sleep": "25:00-01:00"}}, 'hours.sleep: "25:00-01:00" is no range'),
        ({"hours": {"work": {"mond": "9:00-10:00"}}}, 'hours.work: "mond" names no days'),
        ({"profile": {"timezone": 5}}, 'profile.timezone: "5" is no time zone'),
        ({"profile": {"timezone": "Mars/Base"}}, 'profile.timezone: "Mars/Base" is no time zone'),
        ({"schedule": {"propose_at": "7"}}, 'schedule.propose_at: "7" is no time of day'),
        ({"schedule": {"sync_every_min": 0}}, "schedule.sync_every_min: Input should be greater"),
        ({"plugins": {"disabled": "calendar"}}, "plugins.disabled: must be a list, like ["),
        ({"profile": {"emails": "me@example.org"}}, "profile.emails: must be a list, like ["),
        ({"profile": 3}, "profile: must be a section with keys of its own"),
        ({"plugins": 3}, "plugins: must be a section with keys of its own"),
        ({"hours": {"sleep": 3}}, 'hours.sleep: "3" is no range of hours; write it like "09:'),
        ({"hours": {"quiet": [3]}}, 'hours.quiet: "3" is no range of hours'),
        ({"hours": {"work": {"mon": 5}}}, 'hours.work: "5" is no range of hours'),
        ({"hours": {"work": "9-5"}}, 'hours.work: "9-5" names no days; write it like { mon-fri ='),
    ],
)
def test_a_bad_key_is_named(values, told):
    with pytest.raises(SettingsError) as caught:
        settings.parse(values, "H/twind.toml")
    assert str(caught.value).startswith("H/twind.toml: ")
    assert told in str(caught.value)
    assert not re.search(r"tuple|dictionary|instance|HourRange|pydantic", str(caught.value))


def test_broken_toml_names_the_file_and_the_line(home):
    home.config_file.write_text("[profile\n")
    with pytest.raises(SettingsError, match=r"twind\.toml: .*line 1"):
        settings.load(home)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"[hours]\n# caf\xe9\n", r"twind\.toml: line 2 is not UTF-8"),
        ("[hours]\n".encode("utf-16"), r"twind\.toml: line 1 is not UTF-8"),
        (b"[hours]\nsleep = 3 4\n", r"twind\.toml: .*line 2"),
        (b"[questions]\nper_day = 'ten'\n", r"twind\.toml: questions\.per_day: .*integer"),
        (b"[hours]\x00", r"twind\.toml: .*line 1"),
    ],
)
def test_what_is_wrong_is_named_with_its_place(home, content, told):
    home.config_file.write_bytes(content)
    with pytest.raises(SettingsError, match=told):
        settings.load(home)


def test_a_mark_at_the_beginning_of_the_text_is_passed_over(home):
    home.config_file.write_bytes(b"\xef\xbb\xbf[questions]\nper_day = 3\n")
    assert settings.load(home).questions.per_day == 3


def test_what_is_no_file_says_so(home):
    home.config_file.mkdir()
    with pytest.raises(SettingsError, match=r"twind\.toml: cannot be read: Is a directory"):
        settings.load(home)


def test_settings_go_to_a_worker_and_come_back_the_same(home):
    home.config_file.write_text(
        '[hours]\nwork = { mon-fri = "09:00-17:30", sat = ["10:00-12:00", "13:00-14:00"] }\n'
        'quiet = ["22:00-06:30"]\n[profile]\ntimezone = "Europe/Berlin"\n'
        '[plugins.calendar]\npaths = ["~/c"]\n'
    )
    loaded = settings.load(home)
    assert settings.parse(json.loads(json.dumps(loaded.model_dump(mode="json")))) == loaded


@pytest.mark.parametrize("text", ["7", "700", "5000", "true", '"7"', '"24:00"', "1.5", "[7]"])
def test_what_is_no_time_of_day_is_refused(home, text):
    home.config_file.write_text(f"[schedule]\npropose_at = {text}\n")
    with pytest.raises(SettingsError, match=r'schedule\.propose_at: .* write it like "07:00"'):
        settings.load(home)


def test_a_time_of_day_may_be_tomls_own(home):
    home.config_file.write_text("[schedule]\npropose_at = 06:30:00\n")
    assert settings.load(home).schedule.propose_at == 6 * 60 + 30


@pytest.mark.parametrize("value", ["inf", "nan", "1e300", "0", "-1"])
@pytest.mark.parametrize(
    "key",
    ["schedule.sync_every_min", "schedule.poll_s", "limits.train_timeout_s", "limits.memory_mib"],
)
def test_what_no_timer_and_no_limit_can_be_set_to_is_refused(home, key, value):
    home.config_file.write_text(f"{key} = {value}\n")
    with pytest.raises(SettingsError, match=key):
        settings.load(home)


def test_the_environment_wins_over_the_file(home, monkeypatch):
    home.config_file.write_text('[schedule]\npropose_at = "08:00"\nsync_every_min = 5\n')
    monkeypatch.setenv("TWIND_SCHEDULE__PROPOSE_AT", "09:30")
    loaded = settings.load(home)
    assert loaded.schedule.propose_at == 9 * 60 + 30
    assert loaded.schedule.sync_every_min == 5


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("SCHEDULE__PROPOSE_A", "08:00", "schedule.propose_a: unknown key; did you mean "),
        ("PROPOSAL__MAX_PER_DAY", "1", 'proposal: unknown key; did you mean "proposals"?'),
        ("PROFILE__TIMEZONE", "Foo", 'profile.timezone: "Foo" is no time zone'),
        ("PROFILE__EMAILS", "me@example.org", "profile.emails: must be a list"),
        ("HOURS__SLEEP", "25:00-01:00", 'hours.sleep: "25:00-01:00" is no range of hours'),
        ("HOURS__WORK", '{"mond": "9:00-10:00"}', 'hours.work: "mond" names no days'),
    ],
)
def test_what_the_environment_has_wrong_is_not_blamed_on_the_file(
    home, monkeypatch, name, value, told
):
    monkeypatch.setenv(f"TWIND_{name}", value)
    with pytest.raises(SettingsError) as caught:
        settings.load(home)
    assert str(caught.value).startswith(f"TWIND_{name}: {told}")


def test_what_is_wrong_in_both_names_both(home, monkeypatch):
    home.config_file.write_text("[hours]\nslep = 3\n")
    monkeypatch.setenv("TWIND_PROFILE__TIMEZONE", "Foo")
    with pytest.raises(SettingsError) as caught:
        settings.load(home)
    assert str(caught.value).startswith(f"TWIND_PROFILE__TIMEZONE, {home.config_file}: ")
    assert 'hours.slep: unknown key; did you mean "sleep"?' in str(caught.value)


def test_the_environment_is_read_like_the_file_and_lists_as_json(home, monkeypatch):
    monkeypatch.setenv("TWIND_HOURS__SLEEP", "22:00-06:30")
    monkeypatch.setenv("TWIND_PLUGINS__DISABLED", '["notify"]')
    monkeypatch.setenv("TWIND_PLUGINS__CALENDAR", '{"paths": ["a"], "max_mib": 3}')
    monkeypatch.setenv("TWIND_PLUGINS__CALENDAR__MAX_MIB", "5")
    loaded = settings.load(home)
    assert loaded.hours.sleep.start == 22 * 60
    assert loaded.plugins.disabled == ("notify",)
    assert loaded.plugins.section("calendar") == {"paths": ["a"], "max_mib": "5"}


@pytest.mark.parametrize("name", ["TWIND_HOME", "TWIND_CORPUS", "TWIND_PROFILE", "TWINDS__X__Y"])
def test_other_variables_are_left_alone(home, monkeypatch, name):
    monkeypatch.setenv(name, "anything")
    settings.load(home)


def test_a_plugins_section_is_kept_as_written():
    loaded = settings.parse({"plugins": {"calendar": {"paths": ["~/c"]}}})
    assert loaded.plugins.section("calendar") == {"paths": ["~/c"]}
    assert loaded.plugins.section("tasks") == {}
    with pytest.raises(SettingsError, match=r"plugins\.tasks must be a section"):
        settings.parse({"plugins": {"tasks": 3}}).plugins.section("tasks")
