"""`twind run`: the daemon in the foreground."""

from __future__ import annotations

from typing import TYPE_CHECKING

from twind.home import Home

if TYPE_CHECKING:
    import argparse

    from twind.cli.output import Output


def run(arguments: argparse.Namespace, out: Output) -> int:
    """Run the daemon until it is told to stop."""
    del out
    from twind.daemon import service

    return service.run(Home.find(arguments.home))
