"""Root's commands; each in a process of its own, for what it becomes it stays."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import twind

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")

NOBODY = 65534
CHECKOUT = str(Path(twind.__file__).parents[1])

CODE = """\
import json, os
from pathlib import Path
from twind.cli.owner import step_down
from twind.home import Home

root = Path({root!r})
step_down(root, Home.under(root))
try:
    os.setresuid(0, 0, 0)
    regained = True
except PermissionError:
    regained = False
print(json.dumps({{
    "uids": os.getresuid(), "gids": os.getresgid(), "groups": os.getgroups(), "regained": regained,
    "home": os.environ["HOME"], "xdg": [key for key in os.environ if key.startswith("XDG_")],
}}))
"""


def step_down(root: Path):
    done = subprocess.run(
        [sys.executable, "-c", CODE.format(root=str(root))],
        env={
            **os.environ,
            "XDG_STATE_HOME": "/root",
            "PYTHONPATH": str(Path(twind.__file__).parents[1]),
        },
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(done.stdout)


def test_root_becomes_whose_the_folder_is_for_good(tmp_path):
    os.chown(tmp_path, NOBODY, NOBODY)
    became = step_down(tmp_path)
    assert became["uids"] == [NOBODY] * 3
    assert became["gids"] == [NOBODY] * 3
    assert became["groups"] == [NOBODY]
    assert not became["regained"]
    assert became["xdg"] == []
    assert became["home"] != os.environ["HOME"]


def test_of_a_user_that_is_gone_only_the_number_is_left(tmp_path):
    os.chown(tmp_path, 54321, 54322)
    became = step_down(tmp_path)
    assert became["uids"] == [54321] * 3
    assert became["gids"] == [54322] * 3
    assert became["groups"] == []


def test_a_link_is_whose_it_is_and_not_whose_it_leads_to(tmp_path):
    link = tmp_path / "link"
    link.symlink_to("/etc")
    os.chown(link, NOBODY, NOBODY, follow_symlinks=False)
    assert step_down(link)["uids"] == [NOBODY] * 3


@pytest.mark.parametrize("below", ["own/deep", "not-there-yet", "link/etc"])
def test_what_lies_below_a_users_folder_is_in_that_users_hands(tmp_path, below):
    (tmp_path / "own" / "deep").mkdir(parents=True)
    (tmp_path / "link").symlink_to("/")
    os.chown(tmp_path, NOBODY, NOBODY)
    assert step_down(tmp_path / below)["uids"] == [NOBODY] * 3


@pytest.mark.parametrize("name", ["own", "not-there"])
def test_root_stays_root_on_what_is_roots_own_or_nobodys(tmp_path, name):
    (tmp_path / "own").mkdir()
    assert step_down(tmp_path / name)["uids"] == [0] * 3
