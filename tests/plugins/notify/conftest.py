"""The bundled notify plugin, imported by path as twind does."""

from __future__ import annotations

import importlib.util
import sys
from datetime import UTC, datetime

import pytest

from twind.api import Button, Context, Notification, Window
from twind.home import bundled

NAME = "notify_under_test"
NOW = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)


@pytest.fixture(scope="session")
def plugin():
    """The package; its modules are `plugin.desktop`, `plugin.urls`."""
    folder = bundled("plugins") / "notify"
    spec = importlib.util.spec_from_file_location(
        NAME, folder / "__init__.py", submodule_search_locations=[str(folder)]
    )
    module = importlib.util.module_from_spec(spec)
    sys.modules[NAME] = module
    spec.loader.exec_module(module)
    yield module
    for name in [name for name in sys.modules if name.split(".")[0] == NAME]:
        del sys.modules[name]


@pytest.fixture
def message():
    """Make a notification with two buttons, on Monday morning."""

    def make(**values):
        defaults = {
            "key": "propose:2026-03-02",
            "title": "Today",
            "body": "Call Ada & Bob <today>\n10:00",
            "buttons": (
                Button(id="accept", label="Accept"),
                Button(id="reject", label="Not today"),
            ),
            "listen_s": 60.0,
        }
        return Notification(**defaults | values)

    return make


@pytest.fixture
def context(plugin):
    """Make what the plugin is called with; keyword arguments are its settings."""

    def make(state=None, **settings):
        return Context(
            settings=plugin.NotifySettings.model_validate(settings),
            window=Window(NOW, NOW),
            now=NOW,
            state={} if state is None else state,
        )

    return make


# Hypothesis tries many messages on one server.


@pytest.fixture(scope="session")
def web_of_all_tests(servers):
    """A web server that answers 200."""
    server = servers.WebServer()
    yield server
    server.close()


@pytest.fixture(scope="session")
def mail_of_all_tests(servers):
    """A mail server that takes anything."""
    server = servers.MailServer()
    yield server
    server.close()


@pytest.fixture(scope="session")
def services_of_all_tests(web_of_all_tests):
    """The same web server in the place of Telegram, Slack and Discord."""
    from apprise.plugins.discord import NotifyDiscord
    from apprise.plugins.slack import NotifySlack
    from apprise.plugins.telegram import NotifyTelegram

    here = f"http://127.0.0.1:{web_of_all_tests.port}"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(NotifyTelegram, "notify_url", f"{here}/bot")
        patch.setattr(NotifyDiscord, "notify_url", f"{here}/webhooks")
        patch.setattr(NotifySlack, "webhook_url", f"{here}/services")
        yield web_of_all_tests
