"""A bad plugin for each rule of the contract: a test that cannot fail holds nothing."""

from __future__ import annotations

import inspect
import os
from pathlib import Path

import pytest

from twind.testing import PluginContract

RULES = {name for name in vars(PluginContract) if name.startswith("test_")}
REGISTERED = "    register(BadPlugin())"
READ = "            records = list(_read(file))\n"
FILES = '        for file in files_under(ctx.settings.paths, ".txt"):\n'
BEGIN = "        stamps = {}\n"
WATCH = "        return ctx.settings.paths\n"
PERSON = "                name=name,\n"
UID = "        uid = email.lower() or name.casefold()\n"
REFUSE = '            yield RecordError(uid, f"{file.name}: {error}", str(file))\n'
IMPORT = "from __future__ import annotations\n"
NAME = '    name = "bad"\n'
STATE = "        ctx.state.update(stamps)\n"


def after(line, more):
    return line, line + more


def before(line, more):
    return line, more + line


def code(*lines):
    return "".join(f"        {line}\n" for line in lines)


def notify(*lines):
    body = code("from twind.api import Delivered, Pressed", *lines)
    head = "\n    def notify(self, ctx, notification):\n"
    return before("\n    def fetch(", head + body)


def task(**values):
    given = ", ".join(f"{key}={value}" for key, value in values.items())
    return after(BEGIN, f"        from twind.api import Task\n        yield Task({given})\n")


BAD = {
    "test_it_loads": [
        (REGISTERED, "    register(BadPlugin)"),
        (NAME, '    name = "Bad One"\n'),
        ("@hookimpl\n", ""),
        (IMPORT, IMPORT + "1 / 0\n"),
        ("    def fetch(\n        self, ctx:", "    async def fetch(\n        self, ctx:"),
        ("paths: list[Path] = []", "paths: list[int] = []"),
    ],
    "test_its_name_is_free": [(NAME, '    name = "calendar"\n')],
    "test_it_imports_twind_api_alone": [
        (IMPORT, IMPORT + "from twind.store import Store\n"),
        (IMPORT, IMPORT + "import twind\n"),
        after(BEGIN, "        from twind import clock\n"),
    ],
    "test_an_unknown_setting_is_refused": [
        before("    paths: list", '    model_config = {"extra": "ignore"}\n')
    ],
    "test_it_yields_records": [
        after(BEGIN, '        yield {"uid": "1", "name": "Ada"}\n'),
        after(BEGIN, "        yield None\n"),
        (FILES, FILES.replace("files_under(ctx.settings.paths", "files_under([]")),
    ],
    "test_every_record_is_valid": [
        (PERSON, '                name=name if name != "Bo" else "",\n'),
        (PERSON, PERSON + "                groups={'a': 1},\n"),
        task(uid="'t'", title="'T'", priority=7),
    ],
    "test_times_are_aware": [task(uid="'t'", title="'T'", due="ctx.now.replace(tzinfo=None)")],
    "test_uids_are_unique": [(UID, '        uid = "somebody"\n')],
    "test_fetch_is_repeatable": [
        after(BEGIN, code("if vars(self).setdefault('calls', []): return", "self.calls += [1]")),
        (UID, "        import uuid\n        uid = str(uuid.uuid4())\n"),
    ],
    "test_another_process_reads_the_same": [
        (UID, "        uid = str(hash(name))\n"),
        after(PERSON, f"                groups=tuple({set('abcdefgh')}),\n"),
        (UID, "        import os\n        uid = f'{name}{os.getpid()}'\n"),
    ],
    "test_a_second_sync_changes_nothing": [
        task(uid="'t'", title="f'{ctx.now}'"),
        task(uid="f'{ctx.now:%H%M}'", title="'T'"),
        (
            "        ctx.state.clear()\n",
            code(
                "ctx.state['then'] = ctx.state.get('then', 0) + 1",
                "yield Person(uid=str(ctx.state['then']), name='N')",
            ),
        ),
        after(STATE, "        raise OSError('once more')\n"),
        # What it has not read is gone.
        ("                yield Unchanged(str(file))\n", ""),
    ],
    "test_a_day_later_nothing_has_changed": [
        task(uid="'t'", title="f'{ctx.now:%d}'"),
        task(uid="f'{ctx.now:%d}'", title="'T'", due="ctx.now"),
        task(uid="f'{ctx.window.start:%d}'", title="'T'"),
    ],
    "test_its_state_is_json": [
        (STATE, "        ctx.state['at'] = ctx.now\n"),
        (STATE, "        ctx.state['at'] = (1, 2)\n"),
        (STATE, "        ctx.state[1] = 2\n"),
    ],
    "test_a_change_is_found": [
        ("[about.st_mtime_ns, about.st_size]", "[1]"),
        # The other file's people keep what they were.
        (READ, "            records = [r for r in _read(file) if not ctx.state]\n"),
    ],
    "test_a_missing_source_deletes_nothing": [
        before(
            FILES,
            code(
                "from twind.api import Deleted",
                "if not ctx.settings.paths[0].exists():",
                "    yield Deleted('bo')",
                "    return",
            ),
        ),
        (FILES, "        [*ctx.settings.paths[0].parent.glob('source')][0]\n" + FILES),
        # It takes the folder's absence for news.
        before(
            FILES,
            code(
                "if not ctx.settings.paths[0].exists():",
                "    yield Person(uid='new', name='New')",
                "    return",
            ),
        ),
    ],
    "test_a_broken_record_costs_no_other": [
        (REFUSE, "            raise\n"),
        (REFUSE, "            pass\n"),
        (REFUSE, "            yield RecordError('what', f'{error}')\n"),
    ],
    "test_it_watches_its_source": [
        (WATCH, "        return []\n"),
        (WATCH, "        return [path / 'people.txt' for path in ctx.settings.paths]\n"),
        (WATCH, "        return [path for path in ctx.settings.paths if path.exists()]\n"),
        (WATCH, "        return [next(path.iterdir()).parent for path in ctx.settings.paths]\n"),
        (WATCH, "        return [3]\n"),
    ],
    "test_it_prints_nothing": [
        after(BEGIN, "        print('hello')\n"),
        after(BEGIN, "        import os\n        os.write(1, b'hello')\n"),
        (WATCH, "        print('hello')\n" + WATCH),
    ],
    "test_it_leaves_the_process_alone": [
        after(BEGIN, "        import os\n        os.chdir('/')\n"),
        after(IMPORT, "import os\nos.chdir('/')\n"),
        after(BEGIN, "        import os\n        os.environ['TZ'] = 'UTC'\n"),
        after(BEGIN, "        import sys\n        sys.path.append('/')\n"),
        after(BEGIN, "        import os\n        os.umask(0o7)\n"),
        after(
            BEGIN,
            code(
                "from threading import Event, Thread",
                "thread = Thread(target=Event().wait, args=(3,), name='left', daemon=True)",
                "thread.start()",
            ),
        ),
    ],
    "test_it_leaves_its_source_alone": [
        (READ, READ + "            file.with_suffix('.cache').write_text('x')\n"),
        (READ, READ + "            file.write_text(file.read_text())\n"),
    ],
    "test_a_notification_is_delivered": [
        notify("return []"),
        notify("notification.title.encode('ascii')"),
        notify("return [Delivered('x'), Pressed('made up')]"),
        notify("print('!')", "return [Delivered('x')]"),
    ],
}


GOOD = Path(__file__).with_name("by_hand.txt").read_text()
"""What keeps every rule."""


class People(PluginContract):
    """As the test has it that `twind plugins new` writes."""

    def sample(self, folder):
        (folder / "people.txt").write_text("Ada; ada@example.org; 1815-12-10\nGrace\n")
        (folder / "others.txt").write_text("Bo\nCy\n")
        return {"paths": ["."]}

    def change(self, folder):
        (folder / "others.txt").write_text("Bo; bo@example.org\nDee\n")

    def spoil(self, folder):
        (folder / "people.txt").write_text("Ada; ada@example.org; 1815-13-10\nGrace\n")


def keep(rule, file, tmp_path, capfd):
    """Run one rule over a plugin file, as pytest would."""
    suite = type("Suite", (People,), {"plugin": file})()
    method = getattr(suite, rule)
    given = {"tmp_path": tmp_path, "capfd": capfd}
    method(**{name: given[name] for name in inspect.signature(method).parameters})


def test_there_is_a_bad_plugin_for_every_rule():
    assert BAD.keys() == RULES


@pytest.mark.parametrize("rule", sorted(RULES - {"test_a_notification_is_delivered"}))
def test_a_good_plugin_keeps_it(rule, tmp_path, capfd):
    file = tmp_path / "bad.py"
    file.write_text(GOOD)
    keep(rule, file, tmp_path, capfd)


@pytest.mark.parametrize(
    ("rule", "old", "new"),
    [
        pytest.param(rule, *change, id=f"{rule.removeprefix('test_')}-{number}")
        for rule, changes in BAD.items()
        for number, change in enumerate(changes)
    ],
)
def test_a_bad_plugin_breaks_it(rule, old, new, tmp_path, capfd):
    assert old in GOOD
    file = tmp_path / "bad.py"
    file.write_text(GOOD.replace(old, new, 1))
    umask = os.umask(0o077)
    os.umask(umask)
    with pytest.raises(AssertionError) as caught:
        keep(rule, file, tmp_path, capfd)
    assert len(str(caught.value)) > 10
    assert os.umask(umask) == umask
