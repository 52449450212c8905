"""`twind init`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from twind.errors import SettingsError
from twind.home import Home

if TYPE_CHECKING:
    import argparse

    from twind.cli.output import Output

TEMPLATE = """\
# twind.toml: every key has a default; take out what you do not need.
[profile]
# timezone = "Europe/Berlin"        # default: the system's
# emails = ["me@example.org"]       # whose "declined" and "accepted" count

[hours]
# sleep = "23:00-06:30"
# work = { mon-fri = "09:00-17:30" }
# quiet = "22:00-06:30"

[proposals]
# health = true                     # propose exercise, and give reasons of health
# mood = true                       # propose time to reflect, and give reasons of your mental state

[plugins.calendar]
paths = []                          # files or folders of .ics, like "~/calendars"

[plugins.tasks]
paths = []                          # todo.txt, .ics, .org, Taskwarrior, like "~/todo.txt"

[plugins.contacts]
paths = []                          # files or folders of .vcf, like "~/contacts"

[plugins.notify]
urls = []                           # mail, push, chat: without any, nothing leaves the machine
"""


def init(arguments: argparse.Namespace, out: Output) -> int:
    """Write a twind.toml to start from and make the plugin folder."""
    home = Home.find(arguments.home)
    if home.config_file.exists():
        raise SettingsError(f"{home.config_file} is there already; nothing was changed")
    home.config_file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    home.config_file.touch(mode=0o600)  # passwords may come to stand in it
    home.config_file.write_text(TEMPLATE, "utf-8")
    home.plugin_dirs[-1].mkdir(mode=0o700, parents=True, exist_ok=True)
    data = {"config": str(home.config_file), "plugins": str(home.plugin_dirs[-1])}
    return out.done(data, f"Wrote {home.config_file}. Name your files in it, then: twind run")
