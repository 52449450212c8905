"""`twind plugins`: what there is, how it fares, and a start for one of your own."""

from __future__ import annotations

import json
import re
import sys
import tomllib
from pathlib import Path
from string import Template
from typing import TYPE_CHECKING, Any

from twind.cli.output import plugin_line, say, say_json
from twind.cli.processes import run_job
from twind.cli.session import opened
from twind.clock import when
from twind.errors import NotFoundError, PluginError, TwindError
from twind.home import Home, bundled_plugins
from twind.plaintext import counted
from twind.store import outbox, sources

if TYPE_CHECKING:
    import argparse
    from datetime import tzinfo

    from twind.cli.output import Output

SHOWN_REFUSALS = 20
TEMPLATES = Path(__file__).parent / "templates"
HIDDEN = "********"

_NAME = re.compile(r"[a-z][a-z0-9_-]{0,63}")
_SECRET = re.compile(r"pass|secret|token|credential|api_?key", re.IGNORECASE)


# --- list and show -------------------------------------------------------------------------------


def _described(arguments: argparse.Namespace) -> list[dict[str, Any]]:
    with opened(arguments) as session:
        delivering = outbox.health(session.db, session.profile_id)
        health = {**delivering, **sources.health(session.db, session.profile_id)}
        found = run_job(session.home, "inspect")["plugins"]
    empty = {"records": 0, "errors": 0, "last_ok_at": None, "last_error": None}
    shapes = []
    for plugin in found:
        known = health.get(plugin["name"], {**empty})
        state = "paused" if known.get("forgotten") else plugin["state"]
        if state == "ok" and (known["errors"] or known["last_error"] or plugin["error"]):
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
    return out.done({"plugins": found}, "\n".join(map(plugin_line, found)))


def plugins_show(arguments: argparse.Namespace, out: Output) -> int:
    """Show one plugin: what it can, its settings, its health, and what it could not read."""
    matching = [one for one in _described(arguments) if one["name"] == arguments.name]
    if not matching:
        raise NotFoundError(f"there is no plugin {arguments.name}")
    with opened(arguments) as session:
        refused = sources.errors(session.db, session.profile_id, arguments.name)
        settings = _settings(session.home, matching[0])
        zone = session.settings.zone
    shown = refused if arguments.all else refused[:SHOWN_REFUSALS]
    one = {**matching[0], "settings": settings, "refused": shown, "refused_count": len(refused)}
    return out.done(one, "\n".join(_lines_of(one, zone)))


def _settings(home: Home, plugin: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the settings of a plugin in service, secrets left out."""
    if plugin["state"] not in {"ok", "degraded"}:
        return []
    told = run_job(home, "check", {"name": plugin["name"], "file": plugin["file"]})
    return [item for one in told["plugins"] for item in _without_secrets(one["settings"])]


def _without_secrets(settings: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [
        {**item, **{what: hidden(item["key"], item[what]) for what in ("default", "value")}}
        for item in settings
    ]


def hidden(key: str, value: Any) -> Any:
    """Return a setting's value without what could be a secret: URLs carry them, too."""
    if isinstance(value, dict):
        return {inner: hidden(str(inner), item) for inner, item in value.items()}
    if isinstance(value, list):
        return [hidden(key, item) for item in value]
    if not isinstance(value, str) or not value:
        return value
    scheme, mark, _ = value.partition("://")
    if mark:
        return f"{scheme}://{HIDDEN}"
    return HIDDEN if _SECRET.search(key) else value


def _lines_of(one: dict[str, Any], zone: tzinfo) -> list[str]:
    watch = ", ".join(one["watch"])
    last = when(one["last_ok_at"], zone) if one["last_ok_at"] else "never"
    only_delivers = "notify" in one["abilities"] and "fetch" not in one["abilities"]
    lines = [
        _line("name", one["name"]),
        _line("state", one["state"]),
        _line("file", one["file"]),
        _line("can", ", ".join(one["abilities"]) or "nothing"),
        *([_line("watches", watch)] if watch else []),
        *([_line("channels", ", ".join(one["channels"]))] if one["channels"] else []),
        *(
            _line("setting", f"{item['key']} = {_literal(item['value'])}")
            for item in one["settings"]
        ),
        *([] if only_delivers else [_line("records", one["records"])]),
        _line("last sent" if only_delivers else "last sync", last),
    ]
    if one["last_error"]:
        lines.append(_line("error", one["last_error"]))
    lines += [_line("refused", f"{item['uid']}: {item['reason']}") for item in one["refused"]]
    if left := one["refused_count"] - len(one["refused"]):
        lines.append(_line("refused", f"and {left} more: twind plugins show {one['name']} --all"))
    return lines


def _line(title: str, text: Any) -> str:
    return f"{title:<11} {text}"


def _literal(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


# --- check ---------------------------------------------------------------------------------------


def check(arguments: argparse.Namespace, out: Output) -> int:
    """Try a plugin file: load it, tell what it offers, and fetch from its source."""
    path = Path(arguments.path).absolute()
    args = {
        "path": str(path),
        "settings": dict(arguments.set),
        "timeout_s": arguments.timeout,
    }
    try:
        told = run_job(Home.find(arguments.home), "check", args)
    except TwindError as error:
        if error.code != "job_failed":
            raise
        raise PluginError(f"{path.name} ended or hung the process it was tried in") from error
    for one in told["plugins"]:
        one["settings"] = _without_secrets(one["settings"])
    if not out.as_json:
        say("\n".join(line for one in told["plugins"] for line in _report(one)))
    if not told["problems"]:
        refused = sum((one["fetched"] or {"refused": 0})["refused"] for one in told["plugins"])
        some = f", and refuses {refused} of the records it finds" if refused else ""
        return out.done(told, f"{path.name} works{some}")
    return _found_wanting(told, out)


def _found_wanting(told: dict[str, Any], out: Output) -> int:
    """Report problems: each on a line of its own, or with the report as one JSON object."""
    problems = list(dict.fromkeys(told["problems"]))
    if out.as_json:
        error = {"code": PluginError.code, "message": "; ".join(problems)}
        say_json({"ok": False, "error": error, "data": told})
    for problem in () if out.as_json else problems:
        say(f"twind: {problem}", aside=True)
    return 1


def _report(one: dict[str, Any]) -> list[str]:
    lines = [
        _line("name", one["name"]),
        _line("state", one["state"]),
        *([_line("can", ", ".join(one["abilities"]))] if one["abilities"] else []),
        *(_line("setting", _about(item)) for item in one["settings"]),
        *(_line("watches", path) for path in one["watch"]),
        *(_line("channel", name) for name in one["channels"]),
    ]
    if (fetched := one["fetched"]) is not None:
        counts = [f"{count} {kind}" for kind, count in fetched["records"].items()]
        lines.append(_line("fetched", f"{', '.join(counts) or 'nothing'} in {fetched['took_s']} s"))
        lines += [_line("such as", text) for text in fetched["first"]]
        if fetched["again_took_s"] is not None:
            stand = f", {counted(fetched['again_unchanged'], 'group')} left unread"
            again = f"{fetched['again_took_s']} s{stand if fetched['again_unchanged'] else ''}"
            lines.append(_line("again", again))
        lines.append(_line("refused", fetched["refused"]))
        lines += [_line("", f"{item['uid']}: {item['reason']}") for item in fetched["errors"]]
    return lines


def _about(item: dict[str, Any]) -> str:
    default = "required" if item["required"] else f"default {_literal(item['default'])}"
    value = item["value"]
    set_to = "" if value is None or value == item["default"] else f", here {_literal(value)}"
    description = f" — {item['description']}" if item["description"] else ""
    return f"{item['key']}: {item['type']}, {default}{set_to}{description}"


def setting(text: str) -> tuple[str, Any]:
    """Read KEY=VALUE; VALUE is TOML, and where it is none a text.

    What is there from the current folder is meant from there, as a shell's words are. Raises
    ValueError for a text without a key.
    """
    key, mark, value = text.partition("=")
    if not mark or not key.strip():
        raise ValueError(f"{text!r} is not KEY=VALUE")
    try:
        read = tomllib.loads(f"value = {value}")["value"]
    except tomllib.TOMLDecodeError:
        read = value
    return key.strip(), _from_here(read)


def _from_here(value: Any) -> Any:
    if isinstance(value, list):
        return [_from_here(item) for item in value]
    if isinstance(value, str) and value and Path(value).exists():
        return str(Path(value).absolute())
    return value


# --- new -----------------------------------------------------------------------------------------


def new(arguments: argparse.Namespace, out: Output) -> int:
    """Write a small, complete plugin and its test, to start from."""
    name = arguments.name
    _check_name(name)
    home = Home.find(arguments.home)
    folder = Path(arguments.dir).absolute() if arguments.dir else home.plugin_dirs[-1]
    stem = name.replace("-", "_")
    # In a plugin folder a name that starts with "_" is no plugin, and pytest finds *_test.py.
    plugin, test = folder / f"{stem}.py", folder / f"_{stem}_test.py"
    for path in (plugin, test, folder / stem):
        if path.exists() or path.is_symlink():
            raise PluginError(f"{path} is there already; nothing was written")
    words = {
        "name": name,
        "cls": "".join(part.capitalize() for part in re.split(r"[_-]", name)),
        "file": plugin.name,
        "test": test.name,
    }
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        # The test first: what a daemon picks up is the plugin, and then all of it is there.
        for path, template in ((test, "test.txt"), (plugin, "plugin.txt")):
            text = Template((TEMPLATES / template).read_text("utf-8")).substitute(words)
            with path.open("x", encoding="utf-8") as file:
                file.write(text)
    except OSError as error:
        raise PluginError(f"{error.filename or folder}: {error.strerror or error}") from error
    return out.done(
        {"plugin": str(plugin), "test": str(test)},
        f"Wrote {plugin} and {test.name} beside it. Try them:\n"
        f"  twind plugins check {plugin}\n  pytest {test}",
    )


def _check_name(name: str) -> None:
    if not _NAME.fullmatch(name):
        raise PluginError(
            f'{name!r} is no name for a plugin: a-z, 0-9, "_" and "-", starting with a letter'
        )
    taken = {*bundled_plugins(), "disabled"}
    if name in taken:
        raise PluginError(f"the name {name} is taken; choose another")
    if name.replace("-", "_") in sys.stdlib_module_names:
        # pytest puts the folder of a test on the path of imports.
        raise PluginError(f"{name} is a module of Python's own; choose another name")
