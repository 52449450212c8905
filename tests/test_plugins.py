"""Plugins that work, and every way in which they do not."""

from __future__ import annotations

import dataclasses
import json
import os
import subprocess
import sys
from datetime import UTC, date, datetime, timedelta, timezone
from pathlib import Path
from textwrap import dedent

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twind import plugins, settings
from twind.api import (
    Attendee,
    AuthenticationFailed,
    Button,
    CalendarEvent,
    Deleted,
    Delivered,
    Notification,
    Person,
    Pressed,
    Project,
    RecordError,
    Task,
    Unchanged,
    Window,
)
from twind.api import Settings as PluginSettings
from twind.errors import PluginError
from twind.home import Home
from twind.plugins import loading

NOW = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)

BIRTHDAYS = '''\
"""Birthdays from a text file."""
from collections.abc import Iterator
from pathlib import Path
from twind.api import Context, Person, RecordError, Settings, hookimpl

class BirthdaySettings(Settings):
    path: Path                                   # [plugins.birthdays] in twind.toml

class Birthdays:
    name = "birthdays"
    Settings = BirthdaySettings

    def fetch(self, ctx: Context[BirthdaySettings]) -> Iterator[Person | RecordError]:
        for line in ctx.settings.path.read_text().splitlines():
            yield Person(uid=line, name=line)

    def watch(self, ctx: Context[BirthdaySettings]) -> list[Path]:
        return [ctx.settings.path]

@hookimpl
def twind_register(register):
    register(Birthdays())
'''

SMALL = """\
from twind.api import Person, hookimpl
class Small:
    name = "{name}"
    def fetch(self, ctx):
        return [Person(uid="1", name="Ada")]
@hookimpl
def twind_register(register):
    register(Small())
"""


@pytest.fixture(autouse=True)
def _no_bundled(monkeypatch, tmp_path):
    """Only what a test drops in: the bundled plugins have tests of their own."""
    monkeypatch.setattr(plugins.finding, "bundled", lambda folder: tmp_path / "bundled" / folder)


@pytest.fixture
def home(tmp_path):
    root = tmp_path / "home"
    (root / "plugins").mkdir(parents=True)
    return Home.under(root)


def drop(home, name, text):
    file = home.plugin_dirs[0] / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(dedent(text))
    return file


def load(home, **sections):
    return plugins.load(home, settings.parse({"plugins": sections}))


def one(home, **sections):
    [loaded] = load(home, **sections)
    return loaded


def ctx_for(loaded):
    return plugins.context(
        loaded, settings.parse({"profile": {"emails": ["Me@Example.org"]}}), Window(NOW, NOW), NOW
    )


def with_methods(body, name="odd"):
    lines = dedent(body).strip().replace("\n", "\n    ")
    return (
        "from twind.api import *\nfrom twind import api\n"
        f'class Odd:\n    name = "{name}"\n    {lines}\n'
        "@hookimpl\ndef twind_register(register):\n    register(Odd())\n"
    )


# --- what works ----------------------------------------------------------------------------------


def test_the_birthdays_of_the_guide(home):
    file = drop(home, "birthdays.py", BIRTHDAYS)
    (home.root / "days.txt").write_text("Ada\nBob\n")
    loaded = one(home, birthdays={"path": "days.txt"})
    assert (loaded.name, loaded.state, loaded.error) == ("birthdays", "ok", None)
    assert loaded.file == file
    assert loaded.abilities == {"fetch", "watch"}
    assert loaded.settings.path == home.root / "days.txt"
    people = list(plugins.fetch(loaded, ctx_for(loaded)))
    assert people == [Person(uid="Ada", name="Ada"), Person(uid="Bob", name="Bob")]


def test_the_bundled_plugins_are_found_first(home, monkeypatch):
    monkeypatch.undo()
    drop(home, "small.py", SMALL.format(name="small"))
    stems = [found.stem for found in plugins.discover(home, settings.parse({}))]
    assert "notify" in stems
    assert stems[-1] == "small"
    assert plugins.load(home, settings.parse({})).get("notify").state == "ok"


def test_a_package_with_imports_of_its_own(home):
    drop(home, "pack/__init__.py", "from .inner import twind_register as twind_register\n")
    drop(home, "pack/inner.py", SMALL.format(name="packed"))
    path = sys.path.copy()
    assert one(home).name == "packed"
    told = plugins.inspect(home, settings.parse({}), NOW)
    assert told["files"] == [str(home.plugin_dirs[0] / "pack")]
    assert sys.path == path
    assert not list(home.root.rglob("__pycache__"))


def test_a_name_of_the_standard_library_shadows_nothing(home):
    drop(home, "calendar.py", SMALL.format(name="moon"))
    assert one(home).name == "moon"
    import calendar

    assert calendar.isleap(2024)


def test_a_changed_file_is_loaded_as_it_is_now(home):
    drop(home, "small.py", SMALL.format(name="one"))
    assert one(home).name == "one"
    drop(home, "small.py", SMALL.format(name="two"))
    assert one(home).name == "two"


def test_an_installed_distribution(home, tmp_path, monkeypatch):
    site = tmp_path / "site"
    info = site / "acme_twind-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: acme-twind\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[twind]\nacme = acme_twind.plugin\n")
    (site / "acme_twind").mkdir()
    (site / "acme_twind" / "__init__.py").write_text("")
    module = site / "acme_twind" / "plugin.py"
    module.write_text("raise ValueError('no')\n")
    monkeypatch.syspath_prepend(site)

    failed = one(home)
    assert (failed.name, failed.state, failed.file) == ("acme", "failed", module)
    assert failed.error == "acme_twind/plugin.py:1: ValueError: no"
    assert not [name for name in sys.modules if name.startswith("acme_twind")]

    module.write_text(SMALL.format(name="acme-books"))
    loaded = one(home)
    assert (loaded.name, loaded.state, loaded.file) == ("acme-books", "ok", module)
    for name in [name for name in sys.modules if name.startswith("acme_twind")]:
        monkeypatch.delitem(sys.modules, name)


def test_several_plugins_in_one_file(home):
    drop(
        home,
        "many.py",
        """\
        from twind.api import hookimpl
        class P:
            def __init__(self, name):
                self.name = name
            def notify(self, ctx, notification):
                return []
        @hookimpl
        def twind_register(register):
            register(P("one"))
            register(plugin=P("two"))
        """,
    )
    loaded = load(home)
    assert [item.name for item in loaded.working("notify")] == ["one", "two"]
    assert loaded.working("fetch") == []
    assert loaded.get("three") is None
    assert len(loaded) == 2


def test_what_is_no_plugin_is_passed_over(home):
    for name in ("_a.py", ".b.py", "#c.py#", "d.py~", ".e.py.swp", "f.bak.py", "g.txt"):
        drop(home, name, "raise SystemExit")
    drop(home, "h/readme.py", "raise SystemExit")
    drop(home, "i.bak/__init__.py", "raise SystemExit")
    assert list(load(home)) == []


def test_a_missing_folder_is_fine(tmp_path):
    assert list(load(Home.under(tmp_path / "nowhere"))) == []


def test_disabled_ones_are_paused_and_not_imported(home):
    drop(home, "boom.py", "raise ValueError")
    drop(home, "other.py", SMALL.format(name="small"))
    loaded = load(home, disabled=["boom", "small"], small={"any": 1})
    assert [(item.name, item.state) for item in loaded] == [("boom", "paused"), ("small", "paused")]
    assert loaded.working("fetch") == []


# --- what fails ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("x = 1\nraise ValueError('one\\n  two')", "bad.py:2: ValueError: one two"),
        ("import sys\nsys.exit(3)", "bad.py:2: SystemExit: 3"),
        ("raise KeyboardInterrupt", "bad.py:1: KeyboardInterrupt"),
        ("def f():\n    return f()\nf()", "bad.py:2: RecursionError: maximum recursion depth"),
        ("raise MemoryError", "bad.py:1: MemoryError: more than its share of limits.memory_mib"),
        ("class E(BaseException): pass\n\nraise E()", "bad.py:3: E"),
        (
            "class E(Exception):\n    def __str__(self): return 1 / 0\nraise E",
            "bad.py:3: E",
        ),
        ("import no_such_module_anywhere", "bad.py:1: ModuleNotFoundError: No module named"),
        ("x = (", "bad.py:1: SyntaxError: '(' was never closed"),
        ("import json\njson.loads('{')", "bad.py:2: JSONDecodeError: Expecting"),
        ("x = '\\x00'\nint('x\\x1b[31m')", "bad.py:2: ValueError: invalid literal"),
        ("x = 1", "bad.py: it has no hook twind_register; end it with"),
        (
            "def twind_registre(register): ...",
            f'bad.py: {loading._HOW_TO_REGISTER} ("twind_registre": did you mean twind_register?)',
        ),
        ("def twind_register(register): ...", "bad.py: decorate twind_register with @hookimpl"),
        (
            "from twind.api import hookimpl\n@hookimpl\ndef twind_regster(register): ...",
            "bad.py: there is no hook twind_regster; did you mean twind_register?",
        ),
        (
            "from twind.api import hookimpl\n@hookimpl\ndef twind_register(registre): ...",
            "bad.py: Plugin 'bad' for hook 'twind_register'",
        ),
        (
            "from twind.api import hookimpl\n@hookimpl\ndef twind_register(register): ...",
            "bad.py: twind_register registers nothing",
        ),
        (
            "from twind.api import hookimpl\n@hookimpl\ndef twind_register(register):\n    1 / 0",
            "bad.py:4: ZeroDivisionError",
        ),
    ],
)
def test_a_module_that_fails(home, text, reason):
    drop(home, "bad.py", text)
    drop(home, "good.py", SMALL.format(name="good"))
    before = set(sys.modules)
    bad, good = load(home)
    assert (bad.name, bad.state, bad.plugin) == ("bad", "failed", None)
    assert bad.error.startswith(reason)
    assert "\n" not in bad.error
    assert "\x1b" not in bad.error
    assert "importlib" not in bad.error
    assert good.state == "ok"
    new = sys.modules.keys() - before
    assert not [name for name in new if name.startswith("twind_plugin_bad")]


@pytest.mark.parametrize(
    "content", [bytes(500), b"\xff\xfe\x00g", b"# caf\xe9\n", b"", b"\x7fELF\x02\x01"]
)
def test_a_file_that_is_damaged(home, content):
    """Zeros as a power cut leaves them, no text, text in another encoding, nothing, a program."""
    drop(home, "bad.py", "")
    drop(home, "good.py", SMALL.format(name="good"))
    [folder] = home.plugin_dirs
    (folder / "bad.py").write_bytes(content)
    bad, good = load(home)
    assert (bad.name, bad.state, good.state) == ("bad", "failed", "ok")
    assert bad.error.startswith("bad.py:")
    assert bad.error.isprintable()
    assert (folder / "bad.py").read_bytes() == content


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("name = 'Odd One'\ndef fetch(self, ctx): ...", "Odd.name is 'Odd One'; it must be"),
        ("name = None\ndef fetch(self, ctx): ...", "Odd.name is None"),
        ("name = 'disabled'\ndef fetch(self, ctx): ...", '"disabled" is a key of [plugins]'),
        ("pass", "Odd: a plugin has one of the methods fetch, notify, act"),
        ("def fecth(self, ctx): ...", '("fecth": did you mean fetch?)'),
        ("def watch(self, ctx): ...", "Odd: watch needs a fetch"),
        ("def notify(self, ctx, n): ...\n    def undo(self, c, p): ...", "undo is of no use"),
        ("fetch = 3", "Odd.fetch must be a method, not int"),
        ("async def fetch(self, ctx): ...", "Odd.fetch must not be async"),
        ("def fetch(self): ...", "Odd.fetch() must be callable as fetch(ctx)"),
        ("Settings = dict\n    def fetch(self, ctx): ...", "Odd.Settings must be a subclass"),
        ("@property\n    def fetch(self): raise OSError('no')", "OSError: no"),
    ],
)
def test_a_plugin_that_breaks_the_contract(home, body, reason):
    drop(home, "bad.py", with_methods(body.replace("\n    ", "\n")))
    loaded = one(home)
    assert loaded.state == "failed"
    assert loaded.error.startswith("bad.py:")
    assert reason in loaded.error


@pytest.mark.parametrize(
    ("section", "reason"),
    [
        ({}, "plugins.birthdays.path: Field required"),
        ({"path": "x", "pth": 1}, "plugins.birthdays.pth: unknown key"),
        ({"path": 7}, "plugins.birthdays.path: Input is not a valid path"),
        ("x", "plugins.birthdays must be a section of settings"),
        ({"path": "~no-such-user-anywhere/x"}, "home directory"),
    ],
)
def test_a_section_that_does_not_fit(home, section, reason):
    drop(home, "days.py", BIRTHDAYS)
    loaded = one(home, birthdays=section)
    assert (loaded.name, loaded.state) == ("birthdays", "failed")
    assert reason in loaded.error
    if "home directory" not in reason:
        assert loaded.error.startswith(f"{home.config_file}: ")


def test_a_class_is_no_plugin(home):
    drop(home, "bad.py", SMALL.format(name="small").replace("register(Small())", "register(Small)"))
    assert one(home).error == "bad.py: register an object, not a class: Small()"


def test_a_plugin_without_settings_has_no_keys(home):
    drop(home, "small.py", SMALL.format(name="small"))
    assert one(home, small={"x": 1}).error.endswith("plugins.small.x: unknown key")


def test_a_section_of_no_plugin(home):
    drop(home, "small.py", SMALL.format(name="small"))
    good, bad = load(home, smal={"x": 1})
    assert good.state == "ok"
    assert (bad.name, bad.state) == ("smal", "failed")
    assert bad.error == (
        f'{home.config_file}: plugins.smal: there is no plugin of this name; did you mean "small"?'
    )


def test_a_disabled_name_of_no_plugin(home):
    drop(home, "small.py", SMALL.format(name="small"))
    good, bad = load(home, disabled=["smal"])
    assert good.state == "ok"
    assert (bad.name, bad.state) == ("smal", "failed")
    assert bad.error == (
        f'{home.config_file}: plugins.disabled: there is no plugin "smal"; did you mean "small"?'
    )


def test_a_name_that_the_environment_disables_is_not_blamed_on_the_file(home, monkeypatch):
    monkeypatch.setenv("TWIND_PLUGINS__DISABLED", '["smal"]')
    [bad] = load(home)
    assert bad.error.startswith('TWIND_PLUGINS__DISABLED: plugins.disabled: there is no plugin "')


def test_a_plugins_setting_in_the_environment_is_not_blamed_on_the_file(home, monkeypatch):
    drop(home, "small.py", SMALL.format(name="small"))
    monkeypatch.setenv("TWIND_PLUGINS__SMALL__X", "1")
    assert one(home).error == "TWIND_PLUGINS__SMALL__X: plugins.small.x: unknown key"


def test_of_two_with_one_name_the_first_serves(home):
    first = drop(home, "a.py", SMALL.format(name="small"))
    later = drop(home, "b.py", SMALL.format(name="small"))
    good, bad = load(home)
    assert (good.file, good.state) == (first, "ok")
    assert (bad.name, bad.state) == ("b", "failed")
    assert str(first) in bad.error
    assert str(later) in bad.error


def test_a_folder_or_file_that_others_can_write(home):
    file = drop(home, "small.py", SMALL.format(name="small"))
    file.chmod(0o666)
    assert f"{file} can be written by everybody" in one(home).error
    file.chmod(0o644)
    folder = home.plugin_dirs[0]
    folder.chmod(0o777)
    loaded = one(home)
    assert (loaded.name, loaded.state) == ("small", "failed")
    assert f"{folder} can be written by everybody" in loaded.error


def test_a_package_of_which_others_can_write_a_part(home):
    file = drop(home, "small/__init__.py", SMALL.format(name="small"))
    helper = file.parent / "deeper" / "helper.py"
    helper.parent.mkdir()
    helper.write_text("")
    assert one(home).state == "ok"
    helper.chmod(0o666)
    assert f"{helper} can be written by everybody" in one(home).error
    helper.chmod(0o644)
    helper.parent.chmod(0o777)
    assert f"{helper.parent} can be written by everybody" in one(home).error


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_another_users_folder(home):
    drop(home, "small.py", SMALL.format(name="small"))
    os.chown(home.plugin_dirs[0], 12345, -1)
    assert "belongs to another user (uid 12345)" in one(home).error


def test_a_link_that_leads_nowhere_is_seen(home):
    (home.plugin_dirs[0] / "lost.py").symlink_to("/nowhere/lost.py")
    assert "No such file" in one(home).error


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda path: path.mkdir(), "odd.py: it is a folder without an __init__.py; not loaded"),
        (os.mkfifo, "odd.py: it is no file; not loaded"),
        (lambda path: path.symlink_to(path), "odd.py: Too many levels of symbolic links"),
        (
            lambda path: path.touch() or os.truncate(path, 1 << 30),
            "odd.py: it is larger than 4 MiB, and no plugin; not loaded",
        ),
    ],
)
def test_what_is_called_a_module_and_is_none(home, make, reason):
    make(home.plugin_dirs[0] / "odd.py")
    drop(home, "small.py", SMALL.format(name="small"))
    odd, small = load(home)
    assert (odd.state, small.state) == ("failed", "ok")
    assert odd.error.endswith(reason)


def test_a_plugin_that_changes_the_path_of_imports(home):
    drop(home, "small.py", "import sys\nsys.path.insert(0, '/x')\n" + SMALL.format(name="small"))
    path = sys.path.copy()
    assert one(home).state == "ok"
    assert sys.path == path


# --- calling -------------------------------------------------------------------------------------


def test_a_fetch_that_raises_gives_what_it_had_first(home):
    drop(
        home,
        "bad.py",
        with_methods("""
            def fetch(self, ctx):
                yield Person(uid="1", name="Ada")
                raise AuthenticationFailed("the server says no")
        """),
    )
    loaded = one(home)
    fetched = plugins.fetch(loaded, ctx_for(loaded))
    assert next(fetched) == Person(uid="1", name="Ada")
    with pytest.raises(
        PluginError, match=r"^bad.py:7: AuthenticationFailed: the server says no$"
    ) as e:
        next(fetched)
    assert type(e.value.__cause__).__name__ == AuthenticationFailed.__name__


@pytest.mark.parametrize("result", ["None", "'text'", "{}", "3"])
def test_a_fetch_that_gives_no_records(home, result):
    drop(home, "bad.py", with_methods(f"def fetch(self, ctx): return {result}"))
    loaded = one(home)
    with pytest.raises(PluginError, match=r"bad.py: fetch must yield, or return a list"):
        list(plugins.fetch(loaded, ctx_for(loaded)))


def test_whoever_stops_fetching_closes_the_plugin(home):
    drop(
        home,
        "bad.py",
        with_methods("""
            closed = False
            def fetch(self, ctx):
                try:
                    while True:
                        yield Deleted("1")
                finally:
                    Odd.closed = True
        """),
    )
    loaded = one(home)
    fetched = plugins.fetch(loaded, ctx_for(loaded))
    assert next(fetched) == Deleted("1")
    fetched.close()
    assert loaded.plugin.closed


def test_the_context(home):
    drop(home, "small.py", SMALL.format(name="small"))
    ctx = ctx_for(one(home))
    assert ctx.emails == {"me@example.org"}
    assert ctx.log.name == "twind.plugin.small"
    assert ctx.state == {}


def test_deliveries_and_buttons(home):
    drop(
        home,
        "bell.py",
        with_methods(
            """
            def notify(self, ctx, notification):
                yield Delivered("bell")
                yield Pressed("ok")
                yield Pressed("never offered")
            """,
            "bell",
        ),
    )
    loaded = one(home)
    note = Notification(key="k", title="t", body="b", buttons=(Button(id="ok", label="OK"),))
    events = plugins.deliver(loaded, ctx_for(loaded), note)
    assert [next(events), next(events)] == [Delivered("bell"), Pressed("ok")]
    with pytest.raises(PluginError, match="notify yielded Pressed"):
        next(events)


def test_the_description_is_json(home):
    drop(home, "birthdays.py", BIRTHDAYS)
    drop(home, "bad.py", "raise ValueError('no')")
    drop(
        home,
        "worse.py",
        with_methods(
            "def fetch(self, ctx): return []\ndef watch(self, ctx): return 'abc'", "worse"
        ),
    )
    sections = {"birthdays": {"path": "days.txt"}}
    configured = settings.parse({"plugins": sections})
    told = [plugins.describe(loaded, home, configured, NOW) for loaded in load(home, **sections)]
    bad, birthdays, worse = json.loads(json.dumps(told))
    assert birthdays == {
        "name": "birthdays",
        "state": "ok",
        "file": str(home.plugin_dirs[0] / "birthdays.py"),
        "abilities": ["fetch", "watch"],
        "error": None,
        "watch": [str(home.root / "days.txt")],
        "channels": [],
    }
    assert (bad["state"], bad["error"], bad["watch"]) == ("failed", "bad.py:1: ValueError: no", [])
    assert worse["state"] == "ok"
    assert worse["error"] == "worse.py: watch must yield, or return a list, not str"


def test_what_plugins_print_does_not_reach_the_protocol(home):
    drop(
        home,
        "loud.py",
        """\
        import os, subprocess, sys
        print("python")
        os.write(1, b"descriptor\\n")
        sys.__stdout__.write("original\\n")
        subprocess.run(["echo", "child"], check=True)
        """
        + dedent(SMALL.format(name="loud")).replace("\n", "\n        "),
    )
    script = (
        "import sys\nfrom pathlib import Path\nfrom twind import plugins, settings\n"
        "from twind.home import Home\nprint('first')\n"
        "got = plugins.load(Home.under(Path(sys.argv[1])), settings.parse({}))\n"
        "print(got.get('loud').state)\n"
    )
    result = subprocess.run(
        [sys.executable, "-c", script, str(home.root)], capture_output=True, text=True, check=True
    )
    assert result.stdout == "first\nok\n"
    for word in ("python", "descriptor", "original", "child"):
        assert word in result.stderr


# --- records -------------------------------------------------------------------------------------


def fetched(*items, limit=plugins.validation.MAX_RECORDS):
    loaded = plugins.Loaded(
        "odd", None, PluginSettings(), Path("/p/odd.py"), frozenset({"fetch"}), "ok"
    )
    return list(plugins.validate_records(loaded, items, limit=limit))


def event(**values):
    defaults = {"uid": "e", "title": "Tea", "start": NOW, "end": NOW + timedelta(hours=1)}
    return CalendarEvent(**defaults | values)


def test_every_field_of_every_record_is_checked():
    for kind, checks in plugins.validation._CHECKS.items():
        assert list(checks) == [field.name for field in dataclasses.fields(kind)]


def test_good_records_pass_as_they_are():
    records = [
        Person(uid="p", name="Ada", emails=("ada@example.org",), birthday=date(1815, 12, 10)),
        Project(uid="j", name="Engine", priority=1.0, deadline=NOW),
        Task(uid="t", title="Write", project="j", estimate_min=30.0, due=NOW),
        Task(uid="m", title="Run", status="missed", spent_min=9.0, progress=0.5, rescheduled=2),
        event(attendees=(Attendee(email="ada@example.org", status="accepted"),)),
        Unchanged("file.ics"),
        Deleted("x"),
        RecordError("y", "is broken", "file.ics"),
    ]
    assert fetched(*records) == records


def test_records_are_put_in_order():
    berlin = timezone(timedelta(hours=1))
    [person, thing] = fetched(
        Person(
            uid="p", name="  Ada \n\x1b Love\u202elace ", emails=[" Ada@X.org", "ada@x.org", ""]
        ),
        event(start=datetime(2026, 3, 2, 9, tzinfo=berlin), title="x" * 900, location="\udcff"),
    )
    assert person.name == "Ada Lovelace"
    assert person.emails == ("ada@x.org",)
    assert (thing.start, thing.start.tzinfo) == (NOW, UTC)
    assert thing.title == "x" * 499 + "…"
    assert thing.location == "?"


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        (event(start=datetime(2026, 3, 2)), "start has no time zone"),
        (event(start=date(2026, 3, 2)), "start must be a datetime"),
        (event(end=NOW - timedelta(1)), "end is before start"),
        (event(start=datetime.min.replace(tzinfo=timezone(timedelta(hours=1)))), "out of range"),
        (event(status="maybe"), "status must be one of confirmed, tentative, cancelled"),
        (event(busy=1), "busy must be true or false"),
        (event(attendees=("ada@x.org",)), "attendees must hold Attendee only"),
        (event(attendees=(Attendee(email="a", status="late"),)), "attendees status must be one"),
        (event(categories="tea"), "categories must be a tuple"),
        (Person(uid="e", name=" "), "name is empty"),
        (Person(uid="e", name=7), "name must be a text, not 7"),
        (Person(uid="e", name="Ada", birthday="1815"), "birthday must be a date"),
        (Task(uid="e", title="x", priority=1.5), "priority must be a number from 0 to 1"),
        (Task(uid="e", title="x", priority=True), "priority must be a number"),
        (Task(uid="e", title="x", estimate_min=float("nan")), "estimate_min must be a number"),
        (Task(uid="e", title="x", project=""), "project is empty"),
        (Task(uid="e", title="x", status="late"), "status must be one of open, done, cancelled"),
        (Task(uid="e", title="x", spent_min=-1), "spent_min must be a number from 0"),
        (Task(uid="e", title="x", progress=50), "progress must be a number from 0 to 1"),
        (Task(uid="e", title="x", rescheduled=1.5), "rescheduled must be a whole number from 0"),
        (Task(uid="e", title="x", series=None), "series must be a text"),
        (Project(uid="e", name="x", parent=""), "parent is empty"),
    ],
)
def test_a_field_that_cannot_be_right(record, reason):
    [error] = fetched(record)
    assert isinstance(error, RecordError)
    assert error.uid == "e"
    assert reason in error.reason


@pytest.mark.parametrize("uid", ["", "  ", "x" * 513, "a\0b", "\udcff", None, 7])
def test_a_uid_that_is_none_falls_back_on_the_group(uid):
    [error] = fetched(Person(uid=uid, name="Ada", group="a.vcf"))
    assert (error.uid, error.group) == ("a.vcf", "a.vcf")
    assert error.reason.startswith("uid ")


def test_what_is_no_record():
    errors = fetched({"uid": "d"}, 3, None, event)
    assert [error.uid for error in errors] == ["d", "", "", ""]
    assert errors[1].reason == "is a int, which is no record"


def test_a_uid_counts_once():
    first, second = fetched(Person(uid="1", name="Ada"), Project(uid="1", name="Engine"))
    assert first.name == "Ada"
    assert "yielded twice" in second.reason


def test_what_would_delete_by_mistake_stops_the_fetch():
    with pytest.raises(PluginError, match=r"odd.py: Unchanged.group must be a text"):
        fetched(Unchanged(None))
    with pytest.raises(PluginError, match="more than 2 records"):
        fetched(*(Deleted(str(n)) for n in range(3)), limit=2)


class Evasive:
    """Raises whatever it is asked, its class too."""

    def __getattribute__(self, _):
        raise RuntimeError("no comment")


def test_an_item_that_will_not_even_say_what_it_is_costs_no_other():
    odd, person = fetched(Evasive(), Person(uid="1", name="Ada"))
    assert (odd.uid, odd.reason) == ("", "no comment")
    assert person.name == "Ada"


anything = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(), st.binary(), st.datetimes(),
    st.datetimes(timezones=st.timezones()), st.dates(), st.lists(st.text()), st.dictionaries(
        st.text(), st.text()
    ),
)  # fmt: skip


@given(st.data())
def test_whatever_fields_hold_a_record_or_an_error_comes_out(data):
    kind = data.draw(st.sampled_from([Person, Project, Task, CalendarEvent]))
    good = {"uid": "u", "name": "n", "title": "t", "start": NOW, "end": NOW}
    names = [field.name for field in dataclasses.fields(kind)]
    values = {name: good[name] for name in names if name in good}
    for name in data.draw(st.sets(st.sampled_from(names), min_size=1)):
        values[name] = data.draw(anything)
    [result] = fetched(kind(**values))
    assert type(result) in (kind, RecordError)
    for value in dataclasses.asdict(result).values():
        if isinstance(value, datetime):
            assert value.tzinfo is UTC
        if isinstance(value, str):
            assert "\0" not in value
            value.encode("utf-8")
