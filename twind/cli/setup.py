"""`twind init` and `twind plugins`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from twind.cli.processes import run_job
from twind.cli.session import opened
from twind.errors import NotFoundError, SettingsError
from twind.home import Home
from twind.store import sources

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

[plugins.calendar]
paths = []                          # files or folders of .ics, like "~/calendars"

[plugins.tasks]
paths = []                          # todo.txt files, like "~/todo.txt"

[plugins.contacts]
paths = []                          # files or folders of .vcf, like "~/contacts"
"""


def init(arguments: argparse.Namespace, out: Output) -> int:
    """Write a twind.toml to start from and make the plugin folder."""
    home = Home.find(arguments.home)
    if home.config_file.exists():
        raise SettingsError(f"{home.config_file} is there already; nothing was changed")
    home.config_file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    home.config_file.write_text(TEMPLATE, "utf-8")
    home.plugin_dirs[-1].mkdir(mode=0o700, parents=True, exist_ok=True)
    data = {"config": str(home.config_file), "plugins": str(home.plugin_dirs[-1])}
    return out.done(data, f"Wrote {home.config_file}. Name your files in it, then: twind run")


def _described(arguments: argparse.Namespace) -> list[dict[str, Any]]:
    with opened(arguments) as session:
        health = sources.health(session.db, session.profile_id)
        found = run_job(session.home, "inspect")["plugins"]
    empty = {"records": 0, "errors": 0, "last_ok_at": None, "last_error": None}
    shapes = []
    for plugin in found:
        known = health.get(plugin["name"], {**empty})
        state = plugin["state"]
        if state == "ok" and (known["errors"] or known["last_error"]):
            state = "degraded"
        shapes.append(
            {
                **plugin,
                **known,
                "state": state,
                "last_error": plugin["error"] or known["last_error"],
            }
        )
    return shapes


def plugins_list(arguments: argparse.Namespace, out: Output) -> int:
    """List all plugins."""
    found = _described(arguments)
    shown = "{name:<14} {state:<9} {records:>6} records  {problem}"
    lines = [shown.format(**one, problem=one["last_error"] or "") for one in found]
    return out.done({"plugins": found}, "\n".join(lines))


def plugins_show(arguments: argparse.Namespace, out: Output) -> int:
    """Show one plugin, and each record of its source that could not be read."""
    matching = [one for one in _described(arguments) if one["name"] == arguments.name]
    if not matching:
        raise NotFoundError(f"there is no plugin {arguments.name}")
    with opened(arguments) as session:
        refused = sources.errors(session.db, session.profile_id, arguments.name)
    one = {**matching[0], "refused": refused}
    lines = [f"{key:<11} {one[key]}" for key in ("name", "state", "file", "records", "last_ok_at")]
    lines.append(f"{'can':<11} {', '.join(one['abilities'])}")
    lines.append(f"{'watches':<11} {', '.join(one['watch'])}")
    if one["last_error"]:
        lines.append(f"{'error':<11} {one['last_error']}")
    lines += [f"refused     {item['uid']}: {item['reason']}" for item in refused]
    return out.done(one, "\n".join(lines))
