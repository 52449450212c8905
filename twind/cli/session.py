"""What the commands on the database share: the home, the settings, the open store."""

from __future__ import annotations

import sqlite3
import sys
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from twind import settings
from twind.cli.output import say
from twind.cli.processes import run_job
from twind.errors import StoreError
from twind.home import Home
from twind.store import log, profiles, rotation

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

    from twind.settings import TwindSettings
    from twind.store import Store


@dataclass(frozen=True, slots=True)
class Session:
    """One command's view of the user's twind."""

    home: Home
    settings: TwindSettings
    db: Store

    @property
    def profile_id(self) -> int:
        """The profile of twind.toml."""
        return self.settings.profile.id

    def refresh(self) -> None:
        """Bring beliefs up to what the user has said and done, daemon or not."""
        if log.pending(self.db, "detect"):
            run_job(self.home, "detect")


@contextmanager
def opened(arguments: argparse.Namespace) -> Iterator[Session]:
    """Open the database of the home that is meant; what it cannot do is a StoreError."""
    home = Home.find(arguments.home)
    configuration = settings.load(home)
    with rotation.opened(home) as db:
        try:
            profiles.ensure(db, configuration.profile.id)
            yield Session(home, configuration, db)
        except sqlite3.OperationalError as error:  # a full disk, say
            raise StoreError(f"{home.database}: {error}") from error


def interactive() -> bool:
    """Tell whether somebody is there to answer."""
    return sys.stdin.isatty() and sys.stdout.isatty()


def choose(prompt: str, choices: dict[str, str]) -> str:
    """Ask for one of `choices` (key -> what it does) and return its key; end of input is "q"."""
    told = "  ".join(f"[{key}] {text}" for key, text in choices.items())
    while True:
        try:
            said = input(f"{prompt}{told}: ").strip().lower()
        except EOFError:
            return "q"
        if said in choices:
            return said
        say(f"Please type one of {', '.join(choices)}.")
