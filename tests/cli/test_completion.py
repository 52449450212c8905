"""Completion and the man page, both made from the parser."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from twind.cli import completion, main, parser

ROOT = Path(__file__).parents[2]

COMPLETE = """\
source "$1"; shift
COMP_WORDS=(twind "$@"); COMP_CWORD=$#
_shtab_twind
printf '%s\\n' "${COMPREPLY[@]}"
"""


@pytest.fixture(scope="module")
def complete(tmp_path_factory):
    """Ask a real bash what it offers after some words."""
    if not shutil.which("bash"):
        pytest.skip("bash is not installed")
    folder = tmp_path_factory.mktemp("shell")
    (folder / "twind.bash").write_text(completion.script("bash"))
    (folder / "cal.ics").write_text("")
    (folder / "home").mkdir()

    def ask(*words):
        done = subprocess.run(
            ["bash", "--norc", "-c", COMPLETE, "bash", folder / "twind.bash", *words],
            cwd=folder,
            capture_output=True,
            text=True,
            check=True,
        )
        assert done.stderr == ""
        return {line.strip() for line in done.stdout.splitlines()} - {""}

    return ask


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        (["do"], {"doctor"}),
        (["ctl", "re"], {"resume", "reload"}),
        (["doctor", "--"], {"--help", "--home", "--json", "--fix", "--bundle"}),
        (["completion", ""], {"bash", "zsh", "fish"}),
        (["plugins", "a"], {"accept"}),
        (["plugins", "check", "c"], {"cal.ics"}),
        (["doctor", "--home", ""], {"home"}),
        (["ctl", "sync", "--no"], {"--no-wait"}),
    ],
)
def test_bash_completes(complete, words, offered):
    assert complete(*words) == offered


def test_bash_offers_every_command(complete):
    [commands] = [action.choices for action in parser.build()._actions if action.choices]
    assert complete("") >= set(commands)


@pytest.mark.parametrize("shell", parser.SHELLS)
def test_each_shell_can_read_its_script(shell, capsys, tmp_path):
    assert main(["completion", shell]) == 0
    script = capsys.readouterr().out
    for word in ("doctor", "metrics", "no-wait"):
        assert word in script
    (tmp_path / "script").write_text(script)
    if shutil.which(shell):
        subprocess.run([shell, "-n", tmp_path / "script"], check=True)


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    """The man page, as `make man` writes it."""
    if not shutil.which("make"):
        pytest.skip("make is not installed")
    file = tmp_path_factory.mktemp("man") / "twind.1"
    # What runs these tests is installed: there is nothing to make first.
    made = ["make", "man", f"BIN={Path(sys.executable).parent}", "READY=", f"MAN={file}"]
    subprocess.run(made, cwd=ROOT, check=True, capture_output=True)
    return file


def test_the_man_page_has_every_command(page):
    text = page.read_text("utf-8").replace("\\-", "-")
    [actions] = [action for action in parser.build()._actions if action.choices]
    for name, command in actions.choices.items():
        assert re.search(rf"twind {name}\b", text), name
        for action in command._actions:
            for flag in action.option_strings[-1:]:
                assert flag in text or flag == "--help", (name, flag)


def test_the_man_page_renders_without_a_warning(page):
    if not shutil.which("groff"):
        pytest.skip("groff is not installed")
    done = subprocess.run(
        ["groff", "-man", "-ww", "-Tutf8", page],
        env={**os.environ, "MANROFFOPT": ""},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stderr == ""
    assert "twind ctl metrics" in re.sub(r".\x08|\x1b\[[0-9;]*m", "", done.stdout)
