"""A plugin that is installed with pip: built, installed, found, loaded and synced, offline."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from twind.store import Store

CHECKOUT = Path(__file__).parents[2]
PROJECT = """\
[build-system]
requires = ["hatchling"]
build-backend = "hatchling.build"

[project]
name = "acme-twind"
version = "1.0"

[project.entry-points.twind]
acme = "acme_twind.plugin"

[tool.hatch.build.targets.wheel]
packages = ["acme_twind"]
"""
PLUGIN = """\
from twind.api import Person, Settings, hookimpl
from .names import NAMES

class AcmeSettings(Settings):
    greeting: str = "hello"

class Acme:
    name = "acme-people"
    Settings = AcmeSettings

    def fetch(self, ctx):
        for name in NAMES:
            yield Person(uid=name, name=name, note=ctx.settings.greeting)

@hookimpl
def twind_register(register):
    register(Acme())
"""


def run(*argv, order=None, cwd=None, **env):
    """Run Python; a worker's stdin stays open until it is done."""
    with subprocess.Popen(
        [sys.executable, *argv],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env={**os.environ, **env},
        cwd=cwd,
        text=True,
    ) as process:
        if order is not None:
            process.stdin.write(json.dumps({"args": order}) + "\n")
            process.stdin.flush()
        said = process.stdout.read()
        process.wait()
    assert process.returncode == 0, said
    return said


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """A folder with the distribution in it, as pip puts it there."""
    source, target = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("site")
    (source / "pyproject.toml").write_text(PROJECT)
    (source / "acme_twind").mkdir()
    (source / "acme_twind" / "__init__.py").touch()
    (source / "acme_twind" / "names.py").write_text('NAMES = ["Ann", "Bo"]\n')
    (source / "acme_twind" / "plugin.py").write_text(PLUGIN)
    offline = ["--no-index", "--no-deps", "--no-build-isolation", "--disable-pip-version-check"]
    run("-m", "pip", "install", "-q", *offline, "--target", str(target), str(source))
    assert [*target.glob("acme_twind-1.0.dist-info/entry_points.txt")]
    return target


def test_it_is_found_loaded_and_synced(site, home):
    path = {"PYTHONPATH": f"{CHECKOUT}:{site}", "TWIND_HOME": str(home.root)}
    home.config_file.write_text('[plugins.acme-people]\ngreeting = "hi"\n')
    listed = json.loads(run("-m", "twind", "plugins", "list", "--json", **path))
    acme = {one["name"]: one for one in listed["data"]["plugins"]}["acme-people"]
    assert (acme["state"], acme["abilities"]) == ("ok", ["fetch"])
    assert acme["file"] == str(site / "acme_twind" / "plugin.py")

    told = json.loads(run("-m", "twind.jobs", "sync", order={}, **path).splitlines()[-1])
    assert told["result"]["plugins"]["acme-people"]["added"] == 2
    with Store.open(home.database) as db:
        kept = db.rows("SELECT uid, payload FROM records WHERE source = 'acme-people'")
    assert [(uid, json.loads(payload)["note"]) for uid, payload in kept] == [
        ("Ann", "hi"),
        ("Bo", "hi"),
    ]

    shown = json.loads(run("-m", "twind", "plugins", "show", "acme-people", "--json", **path))
    assert shown["data"]["records"] == 2
    assert [(one["key"], one["value"]) for one in shown["data"]["settings"]] == [("greeting", "hi")]


def test_it_can_be_turned_off(site, home):
    path = {"PYTHONPATH": f"{CHECKOUT}:{site}", "TWIND_HOME": str(home.root)}
    home.config_file.write_text('[plugins]\ndisabled = ["acme-people"]\n')
    listed = json.loads(run("-m", "twind", "plugins", "list", "--json", **path))
    states = {one["name"]: one["state"] for one in listed["data"]["plugins"]}
    assert states["acme-people"] == "paused"


def test_it_keeps_the_contract(site, tmp_path):
    test = tmp_path / "test_acme.py"
    test.write_text(
        "from twind.testing import PluginContract\n\n"
        "class TestAcme(PluginContract):\n"
        '    plugin = "acme_twind.plugin"\n\n'
        "    def sample(self, folder):\n"
        "        return {}\n"
    )
    arguments = ["-q", "-p", "no:cacheprovider", "-W", "error", "--rootdir", str(tmp_path)]
    run("-m", "pytest", *arguments, str(test), PYTHONPATH=f"{CHECKOUT}:{site}")


@pytest.mark.slow
def test_twinds_own_wheel_has_its_plugins_whole(tmp_path):
    run("-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path), cwd=CHECKOUT)
    [wheel] = tmp_path.glob("twind-*.whl")
    shipped = set(zipfile.ZipFile(wheel).namelist())
    plugins = CHECKOUT / "plugins"
    ours = {str(file.relative_to(plugins)) for file in plugins.rglob("*.py")}
    assert {f"twind/bundled/{name}" for name in ours} <= shipped
    assert not [name for name in shipped if "__pycache__" in name]
    assert "tasks/__init__.py" in ours
