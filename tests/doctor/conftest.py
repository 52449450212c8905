import pytest

from twind.doctor import Subject


def plugin(name="calendar", state="ok", error=None, watch=()):
    return {"name": name, "state": state, "error": error, "watch": list(watch)}


@pytest.fixture
def examined(home, clock):
    """Make a subject of the home, whose plugins are those given; close it at the end."""
    made = []

    def make(*plugins, environ=None):
        told = list(plugins) or [plugin()]
        made.append(Subject(home, lambda _home: told, clock, environ or {}))
        return made[-1]

    yield make
    for one in made:
        one.close()


@pytest.fixture(name="plugin")
def plugin_fixture():
    return plugin
