"""`twind plugins`: real workers, real files, and pytest on what `new` writes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from twind.cli import main
from twind.cli.plugins import HIDDEN, hidden, setting
from twind.model import Person, RecordError
from twind.store import records, sources

CHECKOUT = Path(__file__).parents[2]
PLUGIN = """\
from pathlib import Path
from pydantic import Field
from twind.api import Person, RecordError, Settings, hookimpl

class Own(Settings):
    path: Path = Field(description="A list of names.")
    depth: int | None = 3
    url: str = "https://me:s3same@example.org/x"
    password: str = "hunter2"

class Friends:
    name = "friends"
    Settings = Own

    def watch(self, ctx):
        return [ctx.settings.path]

    def fetch(self, ctx):
        for line in ctx.settings.path.read_text().splitlines():
            yield Person(uid=line, name=line) if line != "?" else RecordError("?", "who is it?")
        {after}

@hookimpl
def twind_register(register):
    register(Friends())
"""


@pytest.fixture
def plugin(tmp_path):
    """A plugin file anywhere, and beside it a source."""

    def write(after="return", name="friends.py"):
        file = tmp_path / name
        file.write_text(PLUGIN.replace("{after}", after))
        (tmp_path / "people.txt").write_text("Ann\n?\nBo\n")
        return file

    return write


# --- check ---------------------------------------------------------------------------------------


def test_check_tells_what_a_plugin_offers_and_finds(say, run, plugin, tmp_path):
    file, people = plugin(), tmp_path / "people.txt"
    data = say("plugins", "check", str(file), "--set", f"path={people}")
    [one] = data["plugins"]
    assert data["problems"] == []
    assert data["file"] == str(file)
    assert (one["name"], one["state"], one["abilities"]) == ("friends", "ok", ["fetch", "watch"])
    assert one["watch"] == [str(people)]
    path, depth, *_ = one["settings"]
    assert (path["key"], path["type"], path["required"]) == ("path", "Path", True)
    assert (path["value"], path["description"]) == (str(people), "A list of names.")
    assert (depth["type"], depth["default"], depth["value"]) == ("int | None", 3, 3)
    fetched = one["fetched"]
    assert fetched["records"] == {"Person": 2}
    assert fetched["first"] == ["Person Ann", "Person Bo"]
    assert (fetched["refused"], fetched["errors"]) == (
        1,
        [{"uid": "?", "group": "", "reason": "who is it?"}],
    )
    code, said = run("plugins", "check", str(file), "--set", f"path={people}")
    assert code == 0
    assert "fetched     2 Person in" in said.out
    assert "who is it?" in said.out
    assert said.out.endswith("friends.py works, and refuses 1 of the records it finds\n")


def test_check_takes_the_settings_of_the_configuration(home, say, plugin, tmp_path):
    home.config_file.write_text(f'[plugins.friends]\npath = "{tmp_path}/people.txt"\ndepth = 7\n')
    [one] = say("plugins", "check", str(plugin()))["plugins"]
    assert one["fetched"]["records"] == {"Person": 2}
    assert {item["key"]: item["value"] for item in one["settings"]}["depth"] == 7
    [one] = say("plugins", "check", str(plugin()), "--set", "depth=8")["plugins"]
    assert {item["key"]: item["value"] for item in one["settings"]}["depth"] == 8


def test_check_blames_what_a_wrong_setting_came_from(home, say, plugin, tmp_path):
    home.config_file.write_text(f'[plugins.friends]\npath = "{tmp_path}/people.txt"\n')
    error = say("plugins", "check", str(plugin()), "--set", "depth=deep", expect=1)
    assert error["message"].startswith("--set: plugins.friends.depth: ")
    home.config_file.write_text("[plugins.friends]\npath = 3\n")
    error = say("plugins", "check", str(plugin()), "--set", "depth=3", expect=1)
    assert error["message"].startswith(f"{home.config_file}: plugins.friends.path: ")
    error = say("plugins", "check", str(plugin()), "--set", "depth=deep", expect=1)
    assert error["message"].startswith(f"{home.config_file}, --set: plugins.friends.path: ")
    error = say("plugins", "check", str(plugin()), "--set", "path=x", "--set", "dpeth=3", expect=1)
    assert error["message"].startswith("--set: plugins.friends.dpeth: unknown key")


def test_check_stores_nothing(say, plugin, tmp_path, db):
    say("plugins", "check", str(plugin()), "--set", f"path={tmp_path}/people.txt")
    assert sources.health(db, 1) == {}


def test_check_says_which_settings_it_needs(report, run, plugin):
    shape = report("plugins", "check", str(plugin()), expect=1)
    assert shape["error"]["code"] == "plugin"
    assert "plugins.friends.path: Field required" in shape["error"]["message"]
    assert "friends needs settings: path" in shape["error"]["message"]
    [one] = shape["data"]["plugins"]
    assert [item["key"] for item in one["settings"]] == ["path", "depth", "url", "password"]
    code, said = run("plugins", "check", str(plugin()))
    assert code == 1
    assert "setting     path: Path, required — A list of names." in said.out
    assert said.err.splitlines()[-1] == "twind: friends needs settings: path"


@pytest.mark.parametrize(
    ("after", "problem"),
    [
        ("1 / 0", "friends.py:21: ZeroDivisionError: division by zero"),
        ("ctx.state['at'] = ctx.now", "friends: ctx.state is no JSON"),
        (
            "yield Person(uid=str(len(vars(self))), name='N'); self.x = 1",
            "a second fetch of the same source",
        ),
        ("__import__('os')._exit(0)", "friends.py ended or hung the process it was tried in"),
        ("import time\n        while True: time.sleep(9)", "friends.py:22: TimeoutError: not done"),
        (
            (
                "import time\n        while True:\n            try: time.sleep(9)\n"
                "            except TimeoutError: pass"
            ),
            "friends.py ended or hung the process",
        ),
    ],
)
def test_check_ends_with_one_where_a_fetch_goes_wrong(run, plugin, tmp_path, after, problem):
    settings = ("--set", f"path={tmp_path}/people.txt", "--timeout", "1")
    code, said = run("plugins", "check", str(plugin(after)), *settings)
    assert code == 1
    assert problem in said.err.splitlines()[-1]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("x = (", "bad.py:1: SyntaxError"),
        ("x = 1", "bad.py: it has no hook twind_register"),
        ("import sys\nsys.exit()", "bad.py:2: SystemExit"),
        ("import no_such_module_anywhere", "bad.py:1: ModuleNotFoundError"),
    ],
)
def test_check_says_why_a_file_does_not_load(report, tmp_path, text, problem):
    file = tmp_path / "bad.py"
    file.write_text(text)
    shape = report("plugins", "check", str(file), expect=1)
    assert shape["error"]["message"].startswith(problem)


def test_check_tells_of_names_that_cannot_serve(report, plugin, tmp_path):
    people = f"path={tmp_path}/people.txt"
    file = plugin(name="_friends.py")
    shape = report("plugins", "check", str(file), "--set", people, expect=1)
    assert "_friends.py: a name that starts with '_'" in shape["error"]["message"]
    file = plugin()
    file.write_text(file.read_text().replace('"friends"', '"tasks"'))
    shape = report("plugins", "check", str(file), "--set", people, expect=1)
    assert 'the name "tasks" is taken by a bundled plugin' in shape["error"]["message"]


def test_check_takes_packages_and_bundled_plugins(say, plugin, tmp_path):
    folder = tmp_path / "pack"
    folder.mkdir()
    plugin().rename(folder / "inner.py")
    (folder / "__init__.py").write_text("from .inner import twind_register as twind_register\n")
    people = f"path={tmp_path}/people.txt"
    data = say("plugins", "check", str(folder), "--set", people)
    assert data["plugins"][0]["fetched"]["records"] == {"Person": 2}
    from twind.home import bundled, bundled_plugins

    for name in bundled_plugins():
        file, folder = (bundled("plugins") / kind for kind in (f"{name}.py", name))
        data = say("plugins", "check", str(file if file.exists() else folder))
        assert (data["plugins"][0]["name"], data["problems"]) == (name, [])


def test_check_of_nothing(say, tmp_path):
    assert say("plugins", "check", "nowhere.py", expect=1)["code"] == "not_found"
    assert say("plugins", "check", str(tmp_path), expect=1)["code"] == "not_found"
    with pytest.raises(SystemExit) as caught:
        main(["plugins", "check", "x.py", "--set", "nonsense"])
    assert caught.value.code == 2


def test_settings_are_toml_or_text(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "here.txt").touch()
    assert setting("depth=3") == ("depth", 3)
    assert setting("paths=['here.txt', 'gone.txt']") == (
        "paths",
        [f"{tmp_path}/here.txt", "gone.txt"],
    )
    assert setting("path=here.txt") == ("path", f"{tmp_path}/here.txt")
    assert setting("title=a = b") == ("title", "a = b")
    with pytest.raises(ValueError, match="is not KEY=VALUE"):
        setting("nonsense")


# --- new -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["my-books", "person"])
def test_what_new_writes_passes_its_own_test(home, say, name):
    data = say("plugins", "new", name)
    assert Path(data["plugin"]).parent == home.plugin_dirs[-1]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-W", "error", "."],
        cwd=home.plugin_dirs[-1],
        env={**os.environ, "PYTHONPATH": str(CHECKOUT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    assert "22 passed" in done.stdout
    listed = {one["name"]: one for one in say("plugins", "list")["plugins"]}
    assert listed[name]["state"] == "ok"
    assert len(listed) == 5, "its test is taken for a plugin"
    assert say("plugins", "check", data["plugin"])["problems"] == []


def test_new_overwrites_nothing(say, tmp_path):
    where = ("--dir", str(tmp_path / "made"))
    data = say("plugins", "new", "birthdays", *where)
    for path in (data["plugin"], data["test"]):
        for other in (data["plugin"], data["test"]):
            Path(other).unlink(missing_ok=True)
        Path(path).write_text("mine")
        error = say("plugins", "new", "birthdays", *where, expect=1)
        assert f"{path} is there already" in error["message"]
        assert Path(path).read_text() == "mine"
        assert len(list((tmp_path / "made").iterdir())) == 1
    Path(path).unlink()
    (tmp_path / "made" / "birthdays").mkdir()
    error = say("plugins", "new", "birthdays", *where, expect=1)
    assert "is there already" in error["message"]


@pytest.mark.parametrize("name", ["calendar", "disabled", "Up", "1st", "a b", "../x", "json", ""])
def test_new_refuses_names_that_would_not_serve(report, tmp_path, name):
    shape = report("plugins", "new", "--dir", str(tmp_path / "made"), name, expect=1)
    assert shape["error"]["code"] == "plugin"
    assert not (tmp_path / "made").exists()


def test_new_where_nothing_can_be_written(report, tmp_path):
    (tmp_path / "file").touch()
    shape = report("plugins", "new", "x", "--dir", str(tmp_path / "file" / "in"), expect=1)
    assert "Not a directory" in shape["error"]["message"]


# --- show ----------------------------------------------------------------------------------------


@pytest.fixture
def friends(home, db, clock, plugin, tmp_path):
    """A plugin in service, which has read Ann and refused thirty others."""
    home.plugin_dirs[0].mkdir()
    plugin().rename(home.plugin_dirs[0] / "friends.py")
    home.config_file.write_text(f'[plugins.friends]\npath = "{tmp_path}/people.txt"\n')
    refused = [RecordError(f"u{number:02}", "out of date") for number in range(30)]
    span = (clock.now(), clock.now())
    records.apply(db, 1, "friends", [Person(uid="ann", name="Ann"), *refused], span)
    sources.succeeded(db, 1, "friends", {}, 1, "")
    return home


def test_show_tells_all_there_is_to_tell(friends, say, run):
    one = say("plugins", "show", "friends")
    assert (one["name"], one["state"], one["records"], one["errors"]) == (
        "friends",
        "degraded",
        1,
        30,
    )
    assert one["file"].endswith("plugins/friends.py")
    assert one["abilities"] == ["fetch", "watch"]
    assert one["last_ok_at"].startswith("2026-03-02T08:00")
    assert one["last_error"] is None
    assert (len(one["refused"]), one["refused_count"]) == (20, 30)
    assert one["refused"][0]["uid"] == "u00"
    assert len(say("plugins", "show", "friends", "--all")["refused"]) == 30
    code, said = run("plugins", "show", "friends")
    assert code == 0
    assert "refused     u19: out of date\n" in said.out
    assert "u20" not in said.out
    assert "and 10 more: twind plugins show friends --all" in said.out
    assert "setting     depth = 3" in said.out


@pytest.mark.usefixtures("friends")
def test_the_list_says_why_and_where_there_is_more(run):
    code, told = run("plugins")
    assert code == 0
    assert "1 record, 30 could not be read (twind plugins show friends)\n" in told.out
    assert run("plugins", "--json", "list")[1].out.startswith('{"ok": true')


def test_show_tells_times_on_the_users_own_clock(friends, run):
    with friends.config_file.open("a") as file:
        file.write('[profile]\ntimezone = "Asia/Kolkata"\n')
    assert "last sync   2026-03-02 13:30\n" in run("plugins", "show", "friends")[1].out


def test_nothing_is_accepted_of_what_is_not_there(friends, say):
    error = say("plugins", "accept", "nope", expect=1)
    assert error["code"] == "not_found"
    assert error["message"].startswith("there is no plugin nope; there are ")
    for name in ("friends", "calendar"):
        error = say("plugins", "accept", name, expect=1)
        assert error["message"] == f"{name} holds nothing back: there is nothing to accept"


def test_show_keeps_secrets(friends, say):
    one = say("plugins", "show", "friends")
    values = {item["key"]: item["value"] for item in one["settings"]}
    assert values["url"] == f"https://{HIDDEN}"
    assert values["password"] == HIDDEN
    assert "hunter2" not in json.dumps(one)
    assert "s3same" not in json.dumps(one)
    assert hidden("urls", ["mailto://a:b@c"]) == [f"mailto://{HIDDEN}"]
    assert hidden("server", {"api_key": "x", "port": 3}) == {"api_key": HIDDEN, "port": 3}


def test_show_of_one_that_failed_and_of_none(home, say):
    home.plugin_dirs[0].mkdir()
    (home.plugin_dirs[0] / "bad.py").write_text("1 / 0\n")
    one = say("plugins", "show", "bad")
    assert (one["state"], one["settings"], one["last_ok_at"]) == ("failed", [], None)
    assert one["last_error"] == "bad.py:1: ZeroDivisionError: division by zero"
    assert say("plugins", "show", "worse", expect=1)["code"] == "not_found"


def test_of_what_only_delivers_it_is_told_when_it_last_did(run):
    code, said = run("plugins", "show", "notify")
    lines = said.out.splitlines()
    assert code == 0
    assert "last sent   never" in lines
    assert not [line for line in lines if line.startswith(("records", "last sync"))]
