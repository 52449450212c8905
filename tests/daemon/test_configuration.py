import pytest

from twind import settings
from twind.daemon.configuration import Configuration
from twind.errors import SettingsError

BERLIN, BAD = '[profile]\ntimezone = "Europe/Berlin"\n', '[profile]\ntimezone = "Nowhere"\n'


def test_settings_that_cannot_be_used_leave_those_there_were(home, clock):
    home.config_file.write_text(BERLIN)
    configuration = Configuration(home, settings.load, clock)
    before = configuration.settings
    home.config_file.write_text(BAD)
    with pytest.raises(SettingsError):
        configuration.reload()
    assert configuration.settings is before
    assert "timezone" in configuration.problem
    home.config_file.write_text(BERLIN.replace("Berlin", "Paris"))
    configuration.reload()
    assert configuration.problem is None
    assert configuration.settings.profile.timezone == "Europe/Paris"


def test_a_file_that_is_gone_is_no_wish_for_the_defaults(home, clock):
    home.config_file.write_text(BERLIN)
    configuration = Configuration(home, settings.load, clock)
    home.config_file.unlink()
    with pytest.raises(SettingsError, match="is gone"):
        configuration.reload()
    assert configuration.settings.profile.timezone == "Europe/Berlin"


def test_where_there_never_was_a_file_the_defaults_hold(home, clock):
    configuration = Configuration(home, settings.load, clock)
    configuration.reload()
    assert configuration.problem is None


def test_now_is_told_on_the_users_clock(home, clock):
    home.config_file.write_text(BERLIN)
    now = Configuration(home, settings.load, clock).now()
    assert now == clock.now()
    assert now.hour == 9
