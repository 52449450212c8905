r"""What a plugin's author needs to test it, and nothing of twind's insides.

    from twind.testing import PluginContract

    class TestBirthdays(PluginContract):
        plugin = Path(__file__).with_name("birthdays.py")

        def sample(self, folder):
            (folder / "people.txt").write_text("Ada\nBob\n")
            return {"paths": [str(folder)]}

`pytest` then holds the plugin against the contract, rule by rule. For tests of its own there are
`context`, which makes what a plugin is called with; `sync`, which runs the real thing on a real
store, once; and `Twin`, for several syncs of a source that changes.

Importing this module needs no pytest; the suite runs under it.
"""

from __future__ import annotations

import ast
import copy
import json
import locale
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime, timedelta
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, ClassVar, NoReturn, Self, TypeVar, get_args
from zoneinfo import ZoneInfo

from twind import api, plugins
from twind import settings as configuration
from twind.clock import Clock, FixedClock
from twind.daemon import workers
from twind.errors import NotFoundError, PluginError
from twind.home import Home, bundled, bundled_plugins
from twind.jobs import check
from twind.jobs.sync import sync_one
from twind.jobs.work import Work
from twind.model import CalendarEvent, Record, Task
from twind.store import Store, profiles, records, sources

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from pytest import CaptureFixture  # noqa: PT013 - a type; pytest is no dependency

    from twind.model import Fetched

__all__ = [
    "NOW",
    "FixedClock",
    "Plugin",
    "PluginContract",
    "Synced",
    "Twin",
    "context",
    "sync",
]

NOW = datetime(2026, 3, 2, 8, 0, tzinfo=UTC)
"""A Monday morning: when tests happen unless they say otherwise."""

Plugin = str | Path | ModuleType
"""A plugin's file or package folder; or a module, or its dotted name, that can be imported."""

S = TypeVar("S", bound=api.Settings)


def context(
    settings: S,
    *,
    state: dict[str, Any] | None = None,
    window: api.Window | None = None,
    clock: Clock | None = None,
    timezone: str = "UTC",
    emails: Iterable[str] = (),
) -> api.Context[S]:
    """Return what a plugin is called with, for calling its methods by hand.

    `window` is by default a sync's: 180 days back and 90 ahead of `clock`, in whole days of
    `timezone`; `clock` stands at NOW. `state` is handed over as it is, to be changed.
    """
    now = (clock or FixedClock(NOW)).now()
    core = configuration.parse({"profile": {"timezone": timezone}})
    return api.Context(
        settings=settings,
        window=window or plugins.window(now, core.zone),
        now=now,
        timezone=ZoneInfo(timezone),
        emails=frozenset(email.strip().lower() for email in emails),
        state={} if state is None else state,
    )


# --- the real thing ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Synced:
    """What one sync did to the store.

    Attributes:
        inserted, updated, deleted: the uids of the records, sorted.
        refused: what could not be read.
        records: how many records the source has in the store now.
        error: why the fetch ended early; None when it went well.
        held: why records that the source no longer has are kept all the same; "" if none are.

    """

    inserted: tuple[str, ...]
    updated: tuple[str, ...]
    deleted: tuple[str, ...]
    refused: tuple[api.RecordError, ...]
    records: int
    error: str | None
    held: str

    @property
    def changed(self) -> tuple[str, ...]:
        """The uids of all records inserted, updated and deleted."""
        return (*self.inserted, *self.updated, *self.deleted)

    def __str__(self) -> str:
        told = [f"{name} {uids}" for name in _DEEDS if (uids := getattr(self, name))]
        told += [f"refused {error.uid!r}: {error.reason}" for error in self.refused]
        told += [text for text in (self.held, self.error) if text]
        return "; ".join(told) or "nothing changed"


_DEEDS = ("inserted", "updated", "deleted")


class Twin:
    """A twin for one plugin: a store, a configuration and a clock of its own under `root`.

    To be used in a `with`. `settings` is what would stand in `[plugins.NAME]`; relative paths start
    at `base`, which is `root` unless it is said.

    Attributes:
        name: the plugin's.
        plugin: the object it registered.
        abilities: of fetch, watch, notify, act, undo.
        given: the settings as they were given.
        settings: the same, validated by the plugin's own `Settings`.
        clock: it stands still; move it with `clock.advance(hours=1)`.

    Raises PluginError where the plugin does not load, NotFoundError where there is none.

    """

    def __init__(
        self,
        plugin: Plugin,
        settings: Mapping[str, Any] | None = None,
        *,
        root: Path,
        now: datetime = NOW,
        base: Path | None = None,
        timezone: str = "UTC",
        emails: Iterable[str] = (),
        name: str | None = None,
    ) -> None:
        base = base or root
        self._home = replace(Home.under(root), config_file=base.absolute() / "twind.toml")
        self.given = dict(settings or {})
        self._settings = configuration.parse(
            {"profile": {"timezone": timezone, "emails": tuple(emails)}}
        )
        self._loaded = _load(plugin, self.given, self._home, self._settings, name)
        self.clock = FixedClock(now)
        self.name = self._loaded.name
        self.plugin = self._loaded.plugin
        self.abilities = self._loaded.abilities
        self.settings = self._loaded.settings
        root.mkdir(parents=True, exist_ok=True)
        self._db = Store.open(self._home.database, self.clock)
        profiles.ensure(self._db, self._profile)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the store."""
        self._db.close()

    @property
    def _profile(self) -> int:
        return self._settings.profile.id

    @property
    def state(self) -> dict[str, Any]:
        """What the plugin kept at its last good sync."""
        return sources.state(self._db, self._profile, self.name)

    @property
    def records(self) -> dict[str, str]:
        """The records in the store: a digest of each one's content, by uid."""
        return records.digests(self._db, self._profile, self.name)

    def context(
        self, state: dict[str, Any] | None = None, window: api.Window | None = None
    ) -> api.Context[Any]:
        """Return what the plugin would be called with now."""
        now = self.clock.now()
        window = window or plugins.window(now, self._settings.zone)
        return plugins.context(self._loaded, self._settings, window, now, state)

    def fetch(
        self, state: dict[str, Any] | None = None, window: api.Window | None = None
    ) -> list[Fetched]:
        """Return what `fetch` yields, validated as in a sync; nothing is stored.

        Raises PluginError where the plugin raises.
        """
        return list(plugins.fetch(self._loaded, self.context(state, window)))

    def sync(self) -> Synced:
        """Do what the daemon does: fetch, and bring the store up to it."""
        before = self.records
        work = Work(self._db, self._home, self._settings, self.clock)
        told = sync_one(work, self._loaded)
        after = self.records
        refused = sources.errors(self._db, self._profile, self.name)
        return Synced(
            tuple(uid for uid in after if uid not in before),
            tuple(uid for uid in after if uid in before and before[uid] != after[uid]),
            tuple(uid for uid in before if uid not in after),
            tuple(api.RecordError(one["uid"], one["reason"], one["group"]) for one in refused),
            len(after),
            told.get("error"),
            told.get("held") or "",
        )

    def watch(self) -> list[Path]:
        """Return the paths that `watch` names. Raises PluginError where the plugin raises."""
        base = configuration.base_folder(self._home)
        return plugins.watch(self._loaded, self.context(), base)

    def channels(self) -> list[api.Channel]:
        """Return the channels that `notify` knows. Raises PluginError for what is wrong with one.

        A plugin without `channels` is a single one.
        """
        found, problem = plugins.channels(self._loaded, self.context(self.state))
        if problem:
            raise PluginError(problem)
        return found

    def notify(self, notification: api.Notification) -> list[api.Delivered | api.Pressed]:
        """Deliver a message; return what `notify` yields. Raises PluginError where it raises.

        Where there are several channels, `notification.channel` says to which.
        """
        return list(plugins.deliver(self._loaded, self.context(self.state), notification))


def sync(
    plugin: Plugin,
    settings: Mapping[str, Any] | None = None,
    *,
    root: Path | None = None,
    now: datetime = NOW,
    timezone: str = "UTC",
    emails: Iterable[str] = (),
    name: str | None = None,
) -> Synced:
    """Sync a plugin's source once, into a store under `root` (default: one that is thrown away).

    Called again with the same `root`, it is the next sync of the same twin. Raises as `Twin` does.
    """
    with tempfile.TemporaryDirectory() as away:
        place = root or Path(away)
        with Twin(
            plugin, settings, root=place, now=now, timezone=timezone, emails=emails, name=name
        ) as twin:
            return twin.sync()


def _load(
    plugin: Plugin,
    given: Mapping[str, Any],
    home: Home,
    core: configuration.TwindSettings,
    name: str | None,
) -> plugins.Loaded:
    """Load a file alone. Raises PluginError with the reason it would be listed with."""
    found = _find(plugin)
    loaded = [offer.loaded for offer in check.load_alone(found, home, core, given)]
    matching = [one for one in loaded if name in (None, one.name)]
    if not matching:
        there = ", ".join(one.name for one in loaded)
        raise NotFoundError(f"{found.file} has no plugin {name}; it has {there}")
    if matching[0].error:
        raise PluginError(matching[0].error)
    return matching[0]


def _find(plugin: Plugin) -> plugins.Found:
    if isinstance(plugin, ModuleType):
        plugin = plugin.__name__
    if isinstance(plugin, Path) or plugin.endswith(".py") or os.sep in plugin:
        return check.find(Path(plugin))
    spec = find_spec(plugin)
    if spec is None or spec.origin is None:
        raise NotFoundError(f"there is no module {plugin}")
    return check.find(Path(spec.origin), plugin)


# --- the contract --------------------------------------------------------------------------------


class PluginContract:
    """The rules every plugin keeps, as a pytest suite to subclass.

    Set `plugin` and write `sample`; override `change`, `spoil`, `lose` and `restore` where the
    source is not files in a folder, or to have more rules checked. A rule that does not apply is
    skipped and says why.
    """

    plugin: ClassVar[Plugin]
    """The plugin under test."""
    name: ClassVar[str | None] = None
    """Which one, if its file registers several."""
    now: ClassVar[datetime] = NOW
    """When the first sync happens."""
    timezone: ClassVar[str] = "Europe/Berlin"
    """The user's zone; not UTC, so that a time read in the wrong zone shows."""
    emails: ClassVar[tuple[str, ...]] = ("me@example.org",)
    """The user's own addresses."""

    def sample(self, folder: Path) -> Mapping[str, Any]:
        """Make a source of at least two good records, in `folder` if it is files.

        Returns the plugin's settings, as they would stand in a twind.toml in `folder`. Times should
        be near `now`.
        """
        raise NotImplementedError(f"{type(self).__name__} needs sample(folder) -> settings")

    def change(self, folder: Path) -> None:
        """Change, add or remove one record of the source. Optional."""

    def spoil(self, folder: Path) -> None:
        """Make one record of the source unreadable, the others staying as they are. Optional."""

    def lose(self, folder: Path) -> None:
        """Take the source away, as an unplugged disk or a server that is down would."""
        folder.rename(_lost(folder))

    def restore(self, folder: Path) -> None:
        """Give the source back as it was."""
        _lost(folder).rename(folder)

    def notification(self) -> api.Notification:
        """Return the message that `notify` is tried with: text as sources have it."""
        return api.Notification(
            key="twind-testing",
            title='Walk with "Ann" <ann@example.org> & Bö',
            body="09:00\u201309:30 \u2603\n<b>not bold</b> [link](http://example.org) \\ ${HOME}",
            buttons=(api.Button(id="accept", label="Accept"),),
        )

    # --- what the rules share --------------------------------------------------------------------

    def _source(self, tmp_path: Path) -> tuple[Path, Mapping[str, Any]]:
        folder = tmp_path / "source"
        folder.mkdir()
        settings = self.sample(folder)
        # Files that have lain still: a plugin may well distrust one that is seconds old.
        _date(folder, {}, self.now - timedelta(hours=1))
        return folder, settings

    def _twin(self, root: Path, settings: Mapping[str, Any]) -> Twin:
        return Twin(
            self.plugin,
            settings,
            root=root,
            base=root.with_name("source"),
            now=self.now,
            timezone=self.timezone,
            emails=self.emails,
            name=self.name,
        )

    @contextmanager
    def _fetching(self, tmp_path: Path) -> Iterator[tuple[Twin, Path]]:
        """Make the source and a twin for it; skip where the plugin fetches nothing."""
        folder, settings = self._source(tmp_path)
        with self._twin(tmp_path / "twin", settings) as twin:
            if "fetch" not in twin.abilities:
                _skip(f"{twin.name} has no fetch")
            yield twin, folder

    def _first_sync(self, twin: Twin) -> Synced:
        first = twin.sync()
        if first.error or not first.records:
            _broken(f"the sample cannot be synced: {first}")
        return first

    def _is_optional(self, method: str) -> bool:
        return getattr(type(self), method) is getattr(PluginContract, method)

    def _alter(self, twin: Twin, folder: Path, method: str) -> None:
        """Call `change` or `spoil` ten minutes on; skip where it has not been written."""
        if self._is_optional(method):
            _skip(f"write {method}(folder) to have this rule checked")
        twin.clock.advance(minutes=10)
        before = _stamps(folder)
        getattr(self, method)(folder)
        _date(folder, before, twin.clock.now() - timedelta(minutes=1))

    # --- loading ---------------------------------------------------------------------------------

    def test_it_loads(self, tmp_path: Path) -> None:
        """It imports, registers, and takes the sample's settings."""
        _, settings = self._source(tmp_path)
        try:
            with self._twin(tmp_path / "twin", settings):
                pass
        except PluginError as error:
            _broken(str(error))

    def test_its_name_is_free(self, tmp_path: Path) -> None:
        """No bundled plugin has its name: of two, the bundled one would serve."""
        _, settings = self._source(tmp_path)
        with self._twin(tmp_path / "twin", settings) as twin:
            home = bundled("plugins").resolve()
            ours = home in _find(self.plugin).file.resolve().parents
            if not ours and twin.name in bundled_plugins():
                _broken(f'the name "{twin.name}" is taken by a bundled plugin')

    def test_it_imports_twind_api_alone(self) -> None:
        """Of twind it imports `twind.api` and nothing else, which may change any day."""
        for file in _sources_of(_find(self.plugin).file):
            for line, module in _imports(file):
                inside = module.partition(".")[0] == "twind"
                if inside and module != "twind.api" and not module.startswith("twind.api."):
                    _broken(f"{file.name}:{line} imports {module}; only twind.api is for plugins")

    def test_an_unknown_setting_is_refused(self, tmp_path: Path) -> None:
        """A misspelt key in twind.toml is an error, not a setting without effect."""
        _, settings = self._source(tmp_path)
        try:
            with self._twin(tmp_path / "twin", {**settings, "no_such_setting": 1}):
                pass
        except PluginError as error:
            if "no_such_setting" not in str(error):
                _broken(f"the key is not named: {error}")
        else:
            _broken("its Settings take any key: leave extra='forbid' as twind.api.Settings has it")

    # --- what fetch yields -----------------------------------------------------------------------

    def test_it_yields_records(self, tmp_path: Path) -> None:
        """`fetch` yields records, RecordError, Unchanged and Deleted, and nothing else."""
        with self._fetching(tmp_path) as (twin, _):
            items = list(twin.plugin.fetch(twin.context({})))
            for item in items:
                if not isinstance(item, (*get_args(Record), *_SIGNS)):
                    _broken(f"fetch yields {item!r}, a {type(item).__name__}")
            found = [item for item in items if isinstance(item, Record)]
            if len(found) < 2:
                _broken(f"fetch finds {len(found)} records in the sample; the rules need two")

    def test_every_record_is_valid(self, tmp_path: Path) -> None:
        """No record of its own making is refused: every field is as twind.api says."""
        with self._fetching(tmp_path) as (twin, _):
            own = Counter(
                item.uid
                for item in twin.plugin.fetch(twin.context({}))
                if isinstance(item, api.RecordError)
            )
            for item in twin.fetch({}):
                if isinstance(item, api.RecordError):
                    if not own[item.uid]:
                        _broken(f"the record {item.uid!r} is refused: {item.reason}")
                    own[item.uid] -= 1

    def test_times_are_aware(self, tmp_path: Path) -> None:
        """Every time has a zone: guessing one is how calendars go wrong."""
        with self._fetching(tmp_path) as (twin, _):
            for item in twin.plugin.fetch(twin.context({})):
                for name, value in _fields(item):
                    if isinstance(value, datetime) and value.utcoffset() is None:
                        _broken(f"{name} of {item.uid!r} has no time zone: {value}")

    def test_uids_are_unique(self, tmp_path: Path) -> None:
        """No two records have one uid."""
        with self._fetching(tmp_path) as (twin, _):
            items = [i for i in twin.plugin.fetch(twin.context({})) if isinstance(i, Record)]
            for uid, count in Counter(item.uid for item in items).items():
                if count > 1:
                    _broken(f"{count} records have the uid {uid!r}")

    def test_fetch_is_repeatable(self, tmp_path: Path) -> None:
        """The same source, read again with the same state, yields the same."""
        with self._fetching(tmp_path) as (twin, _):
            first, again = (list(twin.plugin.fetch(twin.context({}))) for _ in range(2))
            if first != again:
                odd = next((i for i in [*first, *again] if i not in first or i not in again), None)
                _broken(f"a second fetch yields something else: {odd or 'another order'}")

    def test_another_process_reads_the_same(self, tmp_path: Path) -> None:
        """Uids and content do not depend on the process: each sync runs in a new one."""
        folder, settings = self._source(tmp_path)
        with self._twin(tmp_path / "twin", settings) as twin:
            if "fetch" not in twin.abilities:
                _skip(f"{twin.name} has no fetch")
            items = [item for item in twin.fetch({}) if isinstance(item, Record)]
        here = check.fingerprints(items)
        there = self._read_elsewhere(folder, settings, twin.name)
        if here.keys() != there.keys():
            odd = min(here.keys() ^ there.keys())
            _broken(f"uids differ from process to process: {odd!r} (is it made with hash()?)")
        for uid, digest in here.items():
            if there[uid] != digest:
                _broken(f"the record {uid!r} differs from process to process (is it from a set?)")

    def _read_elsewhere(self, folder: Path, settings: Mapping[str, Any], name: str) -> Any:
        found = _find(self.plugin)
        root = folder.with_name("elsewhere")  # the same source, another store
        root.mkdir()
        zone = f'[profile]\ntimezone = "{self.timezone}"\nemails = {json.dumps(self.emails)}\n'
        (root / "twind.toml").write_text(zone, "utf-8")
        told = _in_worker(
            root,
            {
                "path": str(found.file),
                "module": found.entry.value if found.entry else None,
                "settings": _as_written(settings),
                "base": str(folder),
                "now": self.now.isoformat(),
                "fingerprints": True,
            },
        )
        [one] = [one for one in told["plugins"] if one["name"] == name]
        if one["fetched"] is None:
            _broken(f"in a process of its own it fails: {told['problems']}")
        return one["fetched"]["fingerprints"]

    # --- syncing ---------------------------------------------------------------------------------

    def test_a_second_sync_changes_nothing(self, tmp_path: Path) -> None:
        """A source that stands changes nothing, with the state kept and without it."""
        with self._fetching(tmp_path) as (twin, _):
            self._first_sync(twin)
            twin.clock.advance(minutes=5)
            second = twin.sync()
            if second.error or second.changed or second.held:
                _broken(f"five minutes later, with the state of the first sync: {second}")
            kept, fresh = twin.records, {}
            with self._twin(tmp_path / "again", twin.given) as other:
                other.clock.advance(minutes=5)
                other.sync()
                fresh = other.records
            if kept != fresh:
                _broken("five minutes later, without the state, its records are others")

    def test_a_day_later_nothing_has_changed(self, tmp_path: Path) -> None:
        """The window moves by a day; what lies well inside it stays as it was."""
        with self._fetching(tmp_path) as (twin, _):
            self._first_sync(twin)
            before = twin.context().window
            inside = {
                item.uid
                for item in twin.fetch({})
                if isinstance(item, Record) and _lies_inside(item, before)
            }
            twin.clock.advance(days=1)
            later = twin.sync()
            lost = inside.intersection([*later.updated, *later.deleted])
            if later.error or later.held or lost:
                _broken(f"a day later: {later}")
            # A series may have one more occurrence; what has just been there is nothing new.
            for item in twin.fetch({}):
                if isinstance(item, CalendarEvent | Task) and item.uid in later.inserted:
                    _, end = _span(item)
                    if end is not None and before.start < end < before.end - timedelta(days=2):
                        _broken(f"a day later {item.uid!r} is new, though it lay in the window")

    def test_its_state_is_json(self, tmp_path: Path) -> None:
        """`ctx.state` comes back from the store as it was left."""
        with self._fetching(tmp_path) as (twin, _):
            state: dict[str, Any] = {}
            for _item in twin.plugin.fetch(twin.context(state)):
                pass
            try:
                back = json.loads(json.dumps(state))
            except (TypeError, ValueError) as error:
                _broken(f"ctx.state cannot be stored: {error}")
            if back != state:
                odd = next(key for key in state if back.get(key) != state[key])
                _broken(f"ctx.state[{odd!r}] comes back as something else (a tuple? a number key?)")

    def test_a_change_is_found(self, tmp_path: Path) -> None:
        """A changed source is seen in spite of the state, and read as if for the first time."""
        with self._fetching(tmp_path) as (twin, folder):
            self._first_sync(twin)
            self._alter(twin, folder, "change")
            after = twin.sync()
            if after.error or after.held or not after.changed:
                _broken(f"after change(): {after}")
            with self._twin(tmp_path / "again", twin.given) as fresh:
                fresh.clock.advance(minutes=10)
                fresh.sync()
                for uid, digest in fresh.records.items():
                    if twin.records.get(uid) != digest:
                        _broken(f"after change(), {uid!r} is not what a first sync makes of it")

    def test_a_missing_source_deletes_nothing(self, tmp_path: Path) -> None:
        """A source that is gone is an error, or empty; nothing is lost, and it comes back whole."""
        with self._fetching(tmp_path) as (twin, folder):
            if self._is_optional("lose") and not any(folder.iterdir()):
                _skip("the source is no folder: write lose(folder) and restore(folder)")
            self._first_sync(twin)
            twin.clock.advance(minutes=10)
            self.lose(folder)
            try:
                without = twin.sync()
            finally:
                self.restore(folder)
            if without.changed:
                _broken(f"with its source gone: {without}")
            for slip in _SLIPS:
                if without.error and f" {slip.__name__}:" in without.error:
                    _broken(f"with its source gone it stumbles instead of saying so: {without}")
            twin.clock.advance(minutes=10)
            back = twin.sync()
            if back.error or back.changed or back.held:
                _broken(f"with its source back as it was: {back}")

    def test_a_broken_record_costs_no_other(self, tmp_path: Path) -> None:
        """What cannot be read is a RecordError with a reason; the others stay, and so does it."""
        with self._fetching(tmp_path) as (twin, folder):
            first = self._first_sync(twin)
            self._alter(twin, folder, "spoil")
            after = twin.sync()
            if after.error or after.held or after.changed:
                _broken(f"with one record spoilt: {after}")
            if len(after.refused) <= len(first.refused):
                _broken("one record is spoilt, and it is passed over without a RecordError")
            twin.clock.advance(minutes=5)
            later = twin.sync()
            if later.changed or later.held or len(later.refused) < len(after.refused):
                _broken(f"at the sync after that: {later}")

    # --- manners ---------------------------------------------------------------------------------

    def test_it_watches_its_source(self, tmp_path: Path) -> None:
        """`watch` names paths, whether they exist or not, and what `change` touches is in them."""
        with self._fetching(tmp_path) as (twin, folder):
            if "watch" not in twin.abilities:
                _skip(f"{twin.name} has no watch")
            watched = _watched(twin)
            before = _stamps(folder)
            if not before:
                _skip("the source is no folder")
            if not self._is_optional("change"):
                self._alter(twin, folder, "change")
            touched = [file for file, stamp in _stamps(folder).items() if before.get(file) != stamp]
            for file in touched:
                if not any(path == file or path in file.parents for path in watched):
                    _broken(f"a change of {file.name} goes unnoticed; watched are {watched}")
            if not any(path in (file, *file.parents) for path in watched for file in before):
                _broken(f"none of the sample's files is watched; watched are {watched}")
            if self._is_optional("lose"):
                self.lose(folder)
                if _watched(twin) != watched:
                    _broken("with its source gone it watches something else, and misses its return")

    def test_it_prints_nothing(self, tmp_path: Path, capfd: CaptureFixture[str]) -> None:
        """It is silent on standard output; `ctx.log` is for what it has to say."""
        with self._fetching(tmp_path) as (twin, _):
            capfd.readouterr()
            list(twin.plugin.fetch(twin.context({})))
            if "watch" in twin.abilities:
                list(twin.plugin.watch(twin.context({})))
            said = capfd.readouterr().out
            if said:
                _broken(f"it prints on standard output: {said.splitlines()[0]!r}")

    def test_it_leaves_the_process_alone(self, tmp_path: Path) -> None:
        """Working directory, environment, sys.path, signals, locale, umask stay; no thread does."""
        folder, settings = self._source(tmp_path)
        before = _process()
        with self._twin(tmp_path / "twin", settings) as twin:
            if "fetch" in twin.abilities:
                twin.fetch({})
            if "watch" in twin.abilities:
                twin.watch()
        try:
            for what, value in _process().items():
                if value != before[what]:
                    _broken(f"it changes the process's {what}: {before[what]!r} -> {value!r}")
        finally:
            os.chdir(before["working directory"])
            sys.path[:] = before["sys.path"]
            _set_environment(before["environment"])
            os.umask(before["umask"])
            del folder

    def test_it_leaves_its_source_alone(self, tmp_path: Path) -> None:
        """Reading changes nothing: not a file is made, written, touched or removed."""
        with self._fetching(tmp_path) as (twin, folder):
            before = _stamps(folder)
            if not before:
                _skip("the source is no folder")
            twin.fetch({})
            for file in before.keys() ^ _stamps(folder).keys():
                _broken(f"fetch makes or removes {file.relative_to(folder)}")
            for file, stamp in _stamps(folder).items():
                if before[file] != stamp:
                    _broken(f"fetch writes {file.relative_to(folder)}")

    def test_a_notification_is_delivered(self, tmp_path: Path, capfd: CaptureFixture[str]) -> None:
        """`notify` says `Delivered` for any text, prints nothing, and makes up no buttons."""
        _, settings = self._source(tmp_path)
        with self._twin(tmp_path / "twin", settings) as twin:
            if "notify" not in twin.abilities:
                _skip(f"{twin.name} has no notify")
            capfd.readouterr()
            events: list[Any] = []
            for channel in _channels(twin):
                full = replace(self.notification(), channel=channel.id)
                for message in (full, replace(full, body="", buttons=())):
                    try:
                        events = twin.notify(message)
                    except PluginError as error:
                        _broken(f"notify fails: {error}")
                    if not any(isinstance(event, api.Delivered) for event in events):
                        _broken(f"notify ends without Delivered: {events}")
                list(twin.plugin.notify(twin.context({}), full))
            said = capfd.readouterr().out
            if said:
                _broken(f"it prints on standard output: {said.splitlines()[0]!r}")


# --- what the rules look at ----------------------------------------------------------------------

_SIGNS = (api.RecordError, api.Unchanged, api.Deleted)
_SLIPS = (
    AttributeError,
    IndexError,
    KeyError,
    NameError,
    TypeError,
    UnboundLocalError,
    ZeroDivisionError,
)
"""Errors that tell of a slip in the plugin, and tell the user nothing of the source."""


def _broken(rule: str) -> NoReturn:
    raise AssertionError(rule)


def _skip(reason: str) -> NoReturn:
    import pytest

    pytest.skip(reason)


def _lost(folder: Path) -> Path:
    return folder.with_name(f"{folder.name}.lost")


def _stamps(folder: Path) -> dict[Path, tuple[int, int, int, int]]:
    """Return what tells each file under `folder` from what it was: times, size, inode, mode."""
    return {
        path: (about.st_mtime_ns, about.st_size, about.st_ino, about.st_mode)
        for path in sorted(folder.rglob("*"))
        if path.is_file()
        for about in [path.stat()]
    }


def _date(folder: Path, before: Mapping[Path, Any], moment: datetime) -> None:
    """Date the files that are not as they were `before`."""
    for file, stamp in _stamps(folder).items():
        if before.get(file) != stamp:
            os.utime(file, (moment.timestamp(), moment.timestamp()))


def _fields(item: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(item, Record):
        for one in fields(item):
            yield one.name, getattr(item, one.name)


def _span(item: Record) -> tuple[datetime | None, datetime | None]:
    """Return when a record begins and ends, None for one that has no time."""
    if isinstance(item, CalendarEvent):
        return item.start, item.end
    if not isinstance(item, Task):
        return None, None
    moments = [m for m in (item.start, item.created_at, item.due, item.completed_at) if m]
    return (min(moments), max(moments)) if moments else (None, None)


def _lies_inside(item: Record, window: api.Window) -> bool:
    """Tell whether a record would be fetched a day earlier and a day later as well."""
    start, end = _span(item)
    margin = timedelta(days=2)
    return (
        start is None or end is None or window.start + margin < start <= end < window.end - margin
    )


def _sources_of(file: Path) -> list[Path]:
    """Return the plugin's modules, its tests left out."""
    if file.name != "__init__.py":
        return [file]
    return [
        one
        for one in sorted(file.parent.rglob("*.py"))
        if not one.name.startswith("test_") and not one.name.endswith("_test.py")
    ]


def _imports(file: Path) -> Iterator[tuple[int, str]]:
    """Yield the line and the name of each module a file imports, wherever in it."""
    for node in ast.walk(ast.parse(file.read_bytes(), str(file))):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, name.name) for name in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            if node.module == "twind":
                yield from ((node.lineno, f"twind.{name.name}") for name in node.names)
            else:
                yield node.lineno, node.module


def _channels(twin: Twin) -> list[api.Channel]:
    try:
        return twin.channels()
    except PluginError as error:
        _broken(f"channels fails: {error}")


def _watched(twin: Twin) -> list[Path]:
    try:
        return twin.watch()
    except PluginError as error:
        _broken(f"watch fails: {error}")


def _process() -> dict[str, Any]:
    umask = os.umask(0o077)
    os.umask(umask)
    return {
        "working directory": Path.cwd(),
        "environment": copy.copy(dict(os.environ)),
        "sys.path": sys.path.copy(),
        "umask": umask,
        "locale": locale.setlocale(locale.LC_ALL),
        "socket timeout": socket.getdefaulttimeout(),
        "signal handlers": [signal.getsignal(one) for one in (signal.SIGINT, signal.SIGTERM)],
        "threads": sorted(thread.name for thread in threading.enumerate()),
    }


def _set_environment(environment: Mapping[str, str]) -> None:
    for key in os.environ.keys() - environment.keys():
        del os.environ[key]
    os.environ.update(environment)


def _as_written(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return settings as TOML or JSON could hold them."""
    written: dict[str, Any] = json.loads(json.dumps(dict(settings), default=str))
    return written


def _in_worker(root: Path, args: dict[str, Any]) -> Any:
    """Run the job `check` in a worker, with the hashes of another process."""
    env = workers.environment(Home.under(root), os.environ)
    env["PYTHONHASHSEED"] = "8" if env.get("PYTHONHASHSEED") == "7" else "7"
    env["PYTHONPATH"] = os.pathsep.join(filter(None, sys.path))
    # A worker ends when its stdin closes: it stays open until the worker is done.
    reader, writer = os.pipe()
    try:
        os.write(writer, json.dumps({"args": args}).encode() + b"\n")
        done = subprocess.run(
            [*workers.COMMAND, "check"], stdin=reader, capture_output=True, env=env, check=False
        )
    finally:
        os.close(reader)
        os.close(writer)
    lines = done.stdout.splitlines()
    answer = json.loads(lines[-1]) if lines else {}
    if "result" not in answer:
        told = answer.get("error", {}).get("message") or done.stderr.decode()[-300:]
        _broken(f"in a process of its own it fails: {told}")
    return answer["result"]
