"""The kit itself: what it says of a plugin is what the daemon would do."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from twind import testing
from twind.api import (
    Button,
    CalendarEvent,
    Delivered,
    Notification,
    Person,
    Pressed,
    RecordError,
    Settings,
    Unchanged,
    Window,
)
from twind.cli import main
from twind.errors import NotFoundError, PluginError
from twind.testing import NOW, FixedClock, Synced, Twin, context, sync

PLUGIN = """\
from datetime import timedelta
from pathlib import Path
from twind.api import *

class Own(Settings):
    path: Path

class Names:
    name = "names"
    Settings = Own

    def watch(self, ctx):
        return [ctx.settings.path]

    def fetch(self, ctx):
        said = ctx.settings.path.read_text()
        if ctx.state.get("said") == said:
            yield Unchanged("names")
            return
        for line in said.splitlines():
            uid, _, name = line.partition(" ")
            yield Person(uid=uid, name=name, group="names") if name else RecordError(uid, "no name")
        ctx.state["said"] = said

    def notify(self, ctx, notification):
        ctx.log.info("%s", notification.title)
        yield Delivered("paper")
        yield Pressed(notification.buttons[0].id)

class Other:
    name = "other"
    def fetch(self, ctx):
        yield CalendarEvent(uid="e", title=",".join(sorted(ctx.emails)), start=ctx.now,
                            end=ctx.now + timedelta(hours=1))

@hookimpl
def twind_register(register):
    register(Names())
    register(Other())
"""


@pytest.fixture
def plugin(tmp_path):
    file = tmp_path / "names.py"
    file.write_text(PLUGIN)
    (tmp_path / "names.txt").write_text("a Ann\nb Bo\n")
    return file


def test_a_context_is_a_syncs():
    ctx = context(Settings(), timezone="Europe/Berlin", emails=["Me@Example.org "])
    assert ctx.now == NOW
    assert ctx.window.start == (NOW - timedelta(days=180)).replace(hour=22) - timedelta(days=1)
    assert ctx.window.end == (NOW + timedelta(days=90)).replace(hour=22) - timedelta(days=1)
    assert ctx.timezone.key == "Europe/Berlin"
    assert ctx.emails == {"me@example.org"}
    assert ctx.state == {}
    state, window = {"a": 1}, Window(NOW, NOW)
    later = FixedClock(NOW + timedelta(hours=1))
    ctx = context(Settings(), state=state, window=window, clock=later)
    assert ctx.state is state
    assert ctx.window is window
    assert ctx.now == NOW + timedelta(hours=1)


def test_a_twin_syncs_again_and_again(plugin, tmp_path):
    names = tmp_path / "names.txt"
    with Twin(plugin, {"path": "names.txt"}, root=tmp_path) as twin:
        assert (twin.name, twin.abilities) == ("names", {"fetch", "watch", "notify"})
        assert twin.settings.path == names
        assert twin.watch() == [names]
        assert twin.fetch() == [
            Person(uid="a", name="Ann", group="names"),
            Person(uid="b", name="Bo", group="names"),
        ]
        assert twin.records == twin.state == {}
        first = twin.sync()
        assert (first.inserted, first.records, str(first)) == (("a", "b"), 2, "inserted ('a', 'b')")
        assert twin.state == {"said": "a Ann\nb Bo\n"}
        assert twin.fetch(twin.state) == [Unchanged("names")]
        assert (twin.sync().changed, str(twin.sync())) == ((), "nothing changed")
        names.write_text("a Anna\nc Cy\nd\n")
        then = twin.sync()
        assert (then.inserted, then.updated, then.deleted) == (("c",), ("a",), ("b",))
        assert then.refused == (RecordError("d", "no name"),)
        assert then.changed == ("c", "a", "b")
        names.write_text("")
        assert "suddenly empty" in twin.sync().held
        names.unlink()
        gone = twin.sync()
        assert gone.error == f"{names}: No such file or directory (names.py:16)"
        assert (gone.changed, gone.records) == ((), 2)
        assert set(twin.records) == {"a", "c"}


def test_sync_once_or_again_in_the_same_place(plugin, tmp_path):
    given = {"path": str(tmp_path / "names.txt")}
    assert sync(plugin, given).inserted == ("a", "b")
    assert sync(plugin, given).inserted == ("a", "b")
    assert sync(plugin, given, root=tmp_path / "twin").inserted == ("a", "b")
    assert sync(plugin, given, root=tmp_path / "twin").inserted == ()


def test_messages_go_out(plugin, tmp_path):
    message = Notification(key="k", title="T", body="", buttons=(Button(id="yes", label="Yes"),))
    with Twin(plugin, {"path": "names.txt"}, root=tmp_path) as twin:
        assert twin.notify(message) == [Delivered("paper"), Pressed("yes")]
        with pytest.raises(PluginError, match="IndexError"):
            twin.notify(Notification(key="k", title="T", body=""))


def test_one_of_several_at_a_time_of_its_own(plugin, tmp_path):
    with Twin(plugin, root=tmp_path, name="other", emails=["A@b.org"]) as twin:
        twin.clock.advance(hours=2)
        [event] = twin.fetch()
    assert isinstance(event, CalendarEvent)
    assert (event.title, event.start) == ("a@b.org", NOW + timedelta(hours=2))
    with pytest.raises(NotFoundError, match="no plugin third; it has names, other"):
        Twin(plugin, {"path": "x"}, root=tmp_path, name="third")


def test_modules_that_are_installed(plugin, tmp_path, monkeypatch):
    site = tmp_path / "site" / "acme_names"
    site.mkdir(parents=True)
    (site / "__init__.py").touch()
    (site / "inner.py").write_text(PLUGIN)
    (site / "plugin.py").write_text("from .inner import twind_register as twind_register\n")
    monkeypatch.syspath_prepend(site.parent)
    given = {"path": str(tmp_path / "names.txt")}
    assert sync("acme_names.plugin", given).inserted == ("a", "b")
    import acme_names.plugin

    assert sync(acme_names.plugin, given).inserted == ("a", "b")

    class Suite(testing.PluginContract):
        plugin = "acme_names.plugin"

        def sample(self, folder):
            (folder / "names.txt").write_text("a Ann\nb Bo\n")
            return {"path": "names.txt"}

    (tmp_path / "run").mkdir()
    Suite().test_another_process_reads_the_same(tmp_path / "run")
    Suite().test_it_imports_twind_api_alone()
    for name in [name for name in sys.modules if name.startswith("acme_names")]:
        monkeypatch.delitem(sys.modules, name)


@pytest.mark.parametrize(
    ("settings", "reason"),
    [({"path": 3}, "plugins.names.path: Input is not a valid path"), ({"x": 1}, "unknown key")],
)
def test_settings_that_do_not_fit(plugin, tmp_path, settings, reason):
    with pytest.raises(PluginError, match=reason):
        Twin(plugin, settings, root=tmp_path)


@pytest.mark.parametrize("path", ["gone.py", "folder", "names.txt"])
def test_what_is_no_plugin(plugin, tmp_path, path):
    (tmp_path / "folder").mkdir()
    with pytest.raises(NotFoundError, match="no plugin"):
        sync(tmp_path / path)
    with pytest.raises(NotFoundError, match="no module"):
        sync("no_such_module_anywhere")


def test_a_suite_without_a_sample_says_so(plugin, tmp_path):
    class Suite(testing.PluginContract):
        pass

    Suite.plugin = plugin
    with pytest.raises(NotImplementedError, match=r"Suite needs sample\(folder\)"):
        Suite().test_it_loads(tmp_path)


def test_pytest_is_no_dependency():
    code = "import sys, twind.testing; sys.exit('pytest' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
    code = "import sys; sys.modules['pytest'] = None; from twind.testing import PluginContract"
    subprocess.run([sys.executable, "-c", code], check=True)


# --- the guide -----------------------------------------------------------------------------------

GUIDE = Path(__file__).parents[1] / "docs" / "plugin-testing.md"


def test_the_guide_names_every_rule_and_everything_there_is():
    text = GUIDE.read_text("utf-8")
    rules = {name for name in vars(testing.PluginContract) if name.startswith("test_")}
    assert set(re.findall(r"^\| `(test_\w+)` \|", text, re.MULTILINE)) == rules
    for name in Synced.__dataclass_fields__.keys() | {"changed"}:
        assert f"`{name}`" in text
    for name in ("sample", "change", "spoil", "lose", "restore", "notification"):
        assert f"`{name}(" in text
        assert hasattr(testing.PluginContract, name)


def test_the_tests_of_the_guide_pass(tmp_path, capsys):
    assert main(["plugins", "new", "birthdays", "--dir", str(tmp_path)]) == 0
    blocks = re.findall(r"```python\n(.*?)```", GUIDE.read_text("utf-8"), re.DOTALL)
    assert len(blocks) == 2
    plugin = 'PLUGIN = Path(__file__).with_name("birthdays.py")\n'
    (tmp_path / "test_guide.py").write_text(f"{blocks[0]}\n{plugin}\n{blocks[1]}")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_guide.py"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(GUIDE.parents[1])},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    assert "21 passed, 1 skipped" in done.stdout
