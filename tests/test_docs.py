"""The documents say what is."""

from __future__ import annotations

import argparse
import re
import subprocess
from pathlib import Path

import pytest

from twind import plugins, settings
from twind.cli import parser

ROOT = Path(__file__).parent.parent
DOCUMENTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("systemd/*.md")])
BUNDLED = {"calendar", "tasks", "contacts", "notify"}


def keys_documented():
    text = (ROOT / "docs/configuration.md").read_text("utf-8")
    return set(re.findall(r"^\| `([a-z_.]+)` \|", text, re.MULTILINE))


def keys_there_are(home):
    core = {
        f"{section}.{key}"
        for section, field in settings.TwindSettings.model_fields.items()
        for key in field.annotation.model_fields
    }
    loaded = plugins.load(home, settings.load(home))
    own = {
        f"plugins.{one.name}.{key}"
        for one in loaded
        if one.name in BUNDLED
        for key in type(one.settings).model_fields
    }
    return core | own


def test_every_setting_is_documented_and_none_else(home):
    assert keys_documented() == keys_there_are(home)


def commands(actions, prefix="twind"):
    for action in actions:
        if isinstance(action, argparse._SubParsersAction):
            for name, sub in action.choices.items():
                yield f"{prefix} {name}"
                yield from commands(sub._actions, f"{prefix} {name}")


def test_every_command_is_documented():
    text = "\n".join(document.read_text("utf-8") for document in DOCUMENTS)
    missing = [
        command for command in commands(parser.build()._actions) if not re.search(command, text)
    ]
    assert missing == []


def test_every_command_that_is_listed_is_there():
    there = {command.removeprefix("twind ") for command in commands(parser.build()._actions)}
    text = (ROOT / "docs/commands.md").read_text("utf-8")
    listed = re.findall(r"`twind ([a-z]+(?: [a-z]+)?)[^`]*`", text)
    assert len(listed) > 30
    groups = {command.partition(" ")[0] for command in there if " " in command}
    for command in listed:
        name = command.partition(" ")[0]
        assert (command if name in groups else name) in there, command


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_links_lead_somewhere(document):
    for target in re.findall(r"\]\((?!https?:)([^)#]+)", document.read_text("utf-8")):
        assert (document.parent / target).exists(), target


def test_documents_named_in_the_code_are_there():
    texts = [path.read_text("utf-8") for path in (ROOT / "twind").rglob("*.py")]
    named = {name for text in texts for name in re.findall(r"\w+/[\w./-]+\.md\b", text)}
    assert "docs/installation.md" in named
    assert [name for name in sorted(named) if not (ROOT / name).exists()] == []


def test_the_examples_are_plugins_that_load(home):
    examples = []
    for document in (ROOT / "README.md", ROOT / "docs/plugins.md"):
        blocks = re.findall(r"```python\n(.*?)```", document.read_text("utf-8"), re.DOTALL)
        examples += [block for block in blocks if "twind_register" in block]
    assert len(examples) == 2
    [folder] = home.plugin_dirs
    folder.mkdir()
    home.config_file.write_text('[plugins.birthdays]\npath = "people.txt"\n')
    for number, example in enumerate(examples):
        (folder / f"example{number}.py").write_text(example)
    loaded = plugins.load(home, settings.load(home))
    states = {one.name: (one.state, one.error) for one in loaded if one.name not in BUNDLED}
    assert states == {"friends": ("ok", None), "birthdays": ("ok", None)}


def test_the_repository_speaks_of_the_product_alone():
    found = subprocess.run(
        [
            "git",
            "grep",
            "-nIE",
            r"/(root|work)/",
            "--",
            ".",
            ":!tests/test_docs.py",
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert found.stdout == ""
