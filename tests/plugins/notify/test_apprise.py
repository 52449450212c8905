"""Apprise is imported where it is needed and nowhere else, and touches nothing unasked."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

DOCUMENT = Path(__file__).parents[3] / "docs" / "notifications.md"
PROLOGUE = """\
import json, sys
from twind import plugins, settings
from twind.api import Window
from twind.clock import SystemClock
from twind.home import Home
from pathlib import Path

touched = []
def watch(event, args):
    if event in {"socket.connect", "socket.getaddrinfo"}:
        touched.append(str(args[1] if event == "socket.connect" else args))
    if event == "open" and isinstance(args[1], str) and set(args[1]) & set("wax+"):
        touched.append(f"writes {args[0]}")
sys.dont_write_bytecode = True

home = Home.under(Path(sys.argv[1]))
configuration = settings.load(home)
sys.addaudithook(watch)
[loaded] = [one for one in plugins.load(home, configuration) if one.name == "notify"]
now = SystemClock().now()
ctx = plugins.context(loaded, configuration, Window(now, now), now)
"""
EPILOGUE = """
print(json.dumps({
    "channels": [one.name for one in found], "problem": problem, "touched": touched,
    "apprise": "apprise" in sys.modules,
}))
"""
LOADED_ONLY = "found, problem = [], loaded.error"
CHANNELS = "found, problem = plugins.channels(loaded, ctx)"


def try_out(home, urls, code):
    """Load the plugin in a process of its own; return what became of it."""
    lines = ["[plugins.notify]", "desktop = false", f"urls = {json.dumps(urls)}"]
    home.config_file.write_text("\n".join(lines))
    done = subprocess.run(
        [sys.executable, "-c", f"{PROLOGUE}{code}{EPILOGUE}", str(home.root)],
        capture_output=True,
        text=True,
        check=False,
        env={"PATH": "/usr/bin", "HOME": str(home.root), "APPRISE_URLS": "json://127.0.0.1/odd"},
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_a_worker_that_only_loads_the_plugin_does_not_import_it(home):
    told = try_out(home, ["json://127.0.0.1/hook"], LOADED_ONLY)
    assert told == {"channels": [], "problem": None, "touched": [], "apprise": False}


def test_without_urls_it_is_not_imported(home):
    told = try_out(home, [], CHANNELS)
    assert told == {"channels": ["journal"], "problem": None, "touched": [], "apprise": False}


def documented():
    """Return the URLs of the document, with values for what the reader fills in."""
    text = DOCUMENT.read_text("utf-8")
    rows = re.findall(r"^\| .* \| `(\S+://\S+?)`", text, re.MULTILINE)
    fill = {"BOT_TOKEN": "123456789:abcdefg_hijklmnop", "CHAT_ID": "12345"}
    return [re.sub("|".join(fill), lambda found: fill[found[0]], url) for url in rows]


@pytest.mark.parametrize("folder", [".apprise", ".config/apprise"])
def test_the_documented_urls_work_and_nothing_else_is_looked_up(home, folder):
    own = home.root / folder
    own.mkdir(parents=True)
    (own / "apprise.yml").write_text("urls:\n  - json://127.0.0.1/odd\n")
    (own / "plugins").mkdir()
    (own / "plugins" / "odd.py").write_text("raise SystemExit('imported')\n")
    urls = documented()
    assert len(urls) == 6
    told = try_out(home, urls, CHANNELS)
    schemes = [url.partition("://")[0] for url in urls]
    names = [f"{scheme} {number}" for number, scheme in enumerate(schemes, start=1)]
    assert told == {
        "channels": ["journal", *names],
        "problem": None,
        "touched": [],
        "apprise": True,
    }
