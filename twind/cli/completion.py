"""`twind completion`: what a shell needs to complete commands, made from the parser."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

import shtab

from twind.cli import parser

if TYPE_CHECKING:
    from collections.abc import Iterator

    from twind.cli.output import Output

FILES, FOLDERS = frozenset({"file", "path", "bundle"}), frozenset({"home", "dir"})
"""The arguments that are paths."""


def completion(arguments: argparse.Namespace, out: Output) -> int:
    """Print a shell's completion script."""
    text = script(arguments.shell)
    return out.done({"script": text}, text.rstrip())


def script(shell: str) -> str:
    """Return the completion script for "bash", "zsh" or "fish"."""
    top = parser.build()
    for action in _arguments(top):
        if action.dest in FILES:
            action.complete = shtab.FILE  # type: ignore[attr-defined]
        elif action.dest in FOLDERS:
            action.complete = shtab.DIRECTORY  # type: ignore[attr-defined]
    return shtab.complete(top, shell)


def _arguments(of: argparse.ArgumentParser) -> Iterator[argparse.Action]:
    """Return the arguments of a command and of all commands below it."""
    for action in of._actions:  # noqa: SLF001 - argparse has no public way to them
        yield action
        if isinstance(action, argparse._SubParsersAction):  # noqa: SLF001
            for below in action.choices.values():
                yield from _arguments(below)
