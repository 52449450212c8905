from datetime import timedelta

import pytest

from twind.daemon.inspected import Plugins
from twind.store.jobs import Job


def found(name, state="ok", **more):
    return {"name": name, "state": state, "abilities": ["fetch"], "error": None, **more}


@pytest.fixture
def plugins(home):
    return Plugins(home)


def test_those_that_can_be_read_are_named(plugins, clock):
    deaf = found("deaf", abilities=["notify"])
    broken = found("broken", "failed", error="it raises")
    plugins.take({"plugins": [found("calendar"), deaf, broken]}, clock.now())
    assert plugins.names() == {"calendar", "deaf", "broken"}
    assert plugins.fetching() == ["calendar"]


def test_those_are_named_whose_files_have_changed(plugins, home, clock):
    one = found("one", watch=["/srv/one.ics", "two.ics"])
    broken = found("broken", "failed", watch=["/srv/one.ics"])
    plugins.take({"plugins": [one, broken, found("other")]}, clock.now())
    [absolute] = [path for path in plugins.watched() if path.parent.name == "srv"]
    assert plugins.watching(frozenset({absolute})) == ["one"]
    assert plugins.watching(plugins.watched() - {absolute}) == ["one"]
    assert plugins.watching(frozenset({home.config_file})) == []


def test_what_is_wrong_is_said_once_and_so_is_its_end(plugins, clock, caplog):
    caplog.set_level("INFO")
    broken = {"plugins": [found("broken", "failed", error="it raises")]}
    for result in (broken, broken, {"plugins": [found("broken")]}):
        plugins.take(result, clock.now())
    assert caplog.text.count("plugin broken: it raises") == 1
    assert caplog.text.count("plugin broken loads again") == 1
    for result in (broken, {"plugins": []}):
        plugins.take(result, clock.now())
    assert caplog.text.count("loads again") == 1
    assert caplog.text.count("plugin broken is gone, and fails no more") == 1


def test_what_hung_is_inspected_again_after_ever_longer_rests(plugins, clock):
    assert not plugins.are_to_be_inspected_again(clock.now())
    began = clock.now()
    plugins.take({"plugins": [], "hung": True}, began)
    plugins.take({"plugins": [], "hung": True}, began + timedelta(minutes=10))
    assert not plugins.are_to_be_inspected_again(began + timedelta(minutes=15))
    assert plugins.are_to_be_inspected_again(began + timedelta(minutes=21))
    plugins.take({"plugins": []}, began + timedelta(minutes=21))
    assert not plugins.are_to_be_inspected_again(began + timedelta(days=1))


def test_an_inspection_that_failed_is_a_problem_until_the_next(plugins, clock):
    plugins.not_taken({"message": "it took too long"})
    assert plugins.problem == "the plugins: it took too long"
    plugins.take({"plugins": []}, clock.now())
    assert plugins.problem is None


def test_a_sync_is_told_what_was_found(plugins, clock):
    sync = Job(1, "sync", None, {"plugins": ["one"]}, "running", 1, {}, None, None)
    assert plugins.told_to(sync) == {"plugins": ["one"]}
    plugins.take({"plugins": [found("one", watch=["a.ics"])]}, clock.now())
    told = plugins.told_to(sync)
    assert told["plugins"] == ["one"]
    assert [one["name"] for one in told["inspected"]] == ["one"]
