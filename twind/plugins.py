"""Find, validate, load and fence plugins. Runs in worker processes; the daemon imports none of it.

Plugins are other people's code. Everything of theirs that runs, runs inside `fence`: whatever it
raises becomes a PluginError of one line that names their file and line, and what it prints goes to
standard error. What a fence cannot hold (a hang, `os._exit`) ends with the worker it happens in.
"""

from __future__ import annotations

import contextlib
import difflib
import hashlib
import importlib
import importlib.machinery
import importlib.util
import inspect
import logging
import math
import os
import re
import stat
import sys
import traceback
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from importlib.metadata import EntryPoint, entry_points
from itertools import islice
from numbers import Real
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeGuard, get_args, get_type_hints

import pluggy
from pydantic import ValidationError

from twind import api, hookspecs
from twind.errors import PluginError, SettingsError
from twind.home import bundled
from twind.model import (
    Attendee,
    CalendarEvent,
    Deleted,
    Delivered,
    Fetched,
    Notification,
    Person,
    Pressed,
    Project,
    Record,
    RecordError,
    Task,
    Unchanged,
)
from twind.settings import base_folder, explain

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping
    from types import ModuleType

    from twind.home import Home
    from twind.settings import TwindSettings

ENTRY_POINT_GROUP = "twind"
ABILITIES: dict[str, tuple[str, ...]] = {
    "fetch": ("ctx",),
    "watch": ("ctx",),
    "notify": ("ctx", "notification"),
    "act": ("ctx", "proposal"),
    "undo": ("ctx", "proposal"),
}
"""What a plugin may offer, and the arguments it is called with."""

MAX_RECORDS = 1_000_000
MAX_UID = 512
MAX_GROUP = 4096
MAX_LABEL = 500
MAX_TEXT = 20_000
MAX_ITEMS = 1000
MAX_ESTIMATE_MIN = 366 * 24 * 60
MAX_WATCHED = 10_000
MAX_REASON = 300

State = Literal["ok", "failed", "paused"]

_BATCH = 256
_NAME = re.compile(r"[a-z][a-z0-9_-]{0,63}")
_LEFTOVER = (".bak", ".orig", ".old", ".dist-info", ".egg-info", "~")
_HOW_TO_REGISTER = (
    "it has no hook twind_register; end it with "
    "`@hookimpl` `def twind_register(register): register(YourPlugin())`"
)


# --- what is found -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Found:
    """A file that should hold a plugin.

    Attributes:
        stem: what it is listed under until its plugins have told their names.
        file: the module; a package's `__init__.py`.
        entry: the entry point it came from, if it is an installed distribution's.
        paused: the user has disabled it by this stem, so that it is not even imported.
        error: why it is not to be loaded.

    """

    stem: str
    file: Path
    entry: EntryPoint | None = None
    paused: bool = False
    error: str | None = None


@dataclass(frozen=True, slots=True)
class Loaded:
    """One plugin, or the place of one that failed.

    Attributes:
        name: the plugin's own; the file's stem where none could be told.
        plugin: the object; None where there is none to use.
        settings: its section of twind.toml, validated.
        file: the module it came from; twind.toml for a section that belongs to no plugin.
        abilities: of fetch, watch, notify, act, undo.
        state: ok, failed, or paused by the user.
        error: one line that says what is wrong.

    """

    name: str
    plugin: Any
    settings: api.Settings
    file: Path
    abilities: frozenset[str]
    state: State
    error: str | None = None


class Plugins:
    """All plugins that were found, in the order they were found."""

    def __init__(self, loaded: Iterable[Loaded]) -> None:
        self._all = tuple(loaded)

    def __iter__(self) -> Iterator[Loaded]:
        return iter(self._all)

    def __len__(self) -> int:
        return len(self._all)

    def get(self, name: str) -> Loaded | None:
        """Return the plugin of this name; one that works before one that failed under it."""
        named = [loaded for loaded in self._all if loaded.name == name]
        return min(named, key=lambda loaded: loaded.state != "ok", default=None)

    def working(self, ability: str) -> list[Loaded]:
        """Return the plugins in state ok that offer `ability`."""
        return [one for one in self._all if one.state == "ok" and ability in one.abilities]


def discover(home: Home, settings: TwindSettings) -> list[Found]:
    """Return every place that should hold a plugin, in the order they are taken into service.

    First those that ship with twind, then entry points of installed distributions, then the
    folders of `home` in their order. Hidden files, names that start with "_" and what editors leave
    behind are passed over. Nothing is imported. A folder or file that others may write is listed
    with the reason why it is not loaded.
    """
    found = [*_in_folder(bundled("plugins"), guarded=False), *_in_entry_points()]
    for folder in home.plugin_dirs:
        found += _in_folder(folder, guarded=True)
    disabled = frozenset(settings.plugins.disabled)
    unique: dict[Path, Found] = {}
    for one in found:
        key = one.file.resolve() if one.entry is None else Path(one.entry.value)
        unique.setdefault(key, _paused(one) if one.stem in disabled else one)
    return list(unique.values())


def _paused(found: Found) -> Found:
    return Found(found.stem, found.file, found.entry, paused=True)


def _in_folder(folder: Path, *, guarded: bool) -> Iterator[Found]:
    try:
        paths = sorted(folder.iterdir())
        foreign = _untrusted(folder) if guarded else None
    except FileNotFoundError:
        return
    except OSError as error:
        yield Found(folder.name, folder, error=f"{folder}: {error.strerror or error}")
        return
    for path in paths:
        try:
            module = _module_file(path)
            if module is None:
                continue
            reason = foreign or (_untrusted(path, module) if guarded else None)
        except OSError as error:
            module, reason = path, f"{path}: {error.strerror or error}"
        yield Found(path.name.removesuffix(".py"), module, error=reason)


def _module_file(path: Path) -> Path | None:
    """Return the module a folder's entry stands for, or None if it is nothing of ours."""
    if path.name.startswith(("_", ".", "#")):
        return None
    stem = path.name.removesuffix(".py")
    if stem.endswith(_LEFTOVER):
        return None
    if path.is_dir():
        module = path / "__init__.py"
        return module if module.is_file() else None
    # A link that leads nowhere is a plugin the user believes to have: it shall be seen to fail.
    return path if path.suffix == ".py" and (path.is_file() or path.is_symlink()) else None


def _untrusted(*paths: Path) -> str | None:
    """Say why code at one of `paths` might be somebody else's, or return None.

    The owner of `/` is root under whatever number a user namespace gives it (65534 in a per-user
    unit with PrivateUsers=yes).
    """
    trusted = {0, os.geteuid(), Path("/").stat().st_uid}
    for path in paths:
        status = path.stat()
        if status.st_mode & stat.S_IWOTH:
            return f"{path} can be written by everybody; not loaded (mend it: chmod o-w {path})"
        if status.st_uid not in trusted:
            return f"{path} belongs to another user (uid {status.st_uid}); not loaded"
    return None


def _in_entry_points() -> Iterator[Found]:
    entries = entry_points(group=ENTRY_POINT_GROUP)
    for entry in sorted(entries, key=lambda entry: (entry.name, entry.value)):
        yield Found(entry.name, _entry_file(entry), entry)


def _entry_file(entry: EntryPoint) -> Path:
    """Tell where an entry point's module lies without importing it or its package."""
    top, *rest = entry.module.split(".")
    with contextlib.suppress(ImportError, ValueError, AttributeError):
        spec = importlib.util.find_spec(top)
        for base in (spec.submodule_search_locations or ()) if spec else ():
            inside = Path(base).joinpath(*rest)
            for file in (inside / "__init__.py", inside.with_name(f"{inside.name}.py")):
                if file.is_file():
                    return file
        if spec and spec.origin and not rest:
            return Path(spec.origin)
    return Path(*entry.module.split(".")).with_suffix(".py")


# --- the fence -----------------------------------------------------------------------------------


@contextlib.contextmanager
def quiet_stdout() -> Iterator[None]:
    """Send what is printed to standard error, that of subprocesses and C code included.

    A worker's standard output carries its protocol. Process-wide, so for one thread at a time.
    """
    streams = [stream for stream in (sys.stdout, sys.__stdout__) if stream is not None]
    _flush(streams)
    saved = _divert()
    try:
        with contextlib.redirect_stdout(sys.stderr):
            yield
    finally:
        _flush(streams)
        if saved is not None:
            os.dup2(saved, 1)
            os.close(saved)


def _divert() -> int | None:
    """Point descriptor 1 at standard error; return a copy of what it was, None if it was closed."""
    try:
        saved = os.dup(1)
    except OSError:
        return None
    try:
        os.dup2(2, 1)
    except OSError:
        os.close(saved)
        return None
    return saved


def _flush(streams: Iterable[Any]) -> None:
    for stream in streams:
        with contextlib.suppress(OSError, ValueError):
            stream.flush()


@contextlib.contextmanager
def fence(plugin_file: Path) -> Iterator[None]:
    """Run a plugin's code: what it raises becomes a PluginError, what it prints goes to stderr.

    SystemExit, KeyboardInterrupt, RecursionError and MemoryError included, so a worker must not
    rely on an exception to be stopped in the middle of a plugin. The original error is the
    PluginError's `__cause__`: `twind.api.AuthenticationFailed` is told by it. Do not yield inside.
    """
    try:
        with quiet_stdout():
            yield
    except PluginError:
        raise
    except BaseException as error:
        raise PluginError(_reason(error, plugin_file)) from error


def _reason(error: BaseException, file: Path) -> str:
    """Return "birthdays.py:7: ValueError: …": the innermost line of the plugin's, none of ours."""
    root = _root(file)
    place = _label(file)
    frames = traceback.walk_tb(error.__traceback__)
    lines = [(frame.f_code.co_filename, number) for frame, number in frames]
    if isinstance(error, SyntaxError) and error.filename and error.lineno:
        lines.append((error.filename, error.lineno))
    for name, number in reversed(lines):
        path = Path(name)
        if path == file or root in path.parents:
            place = f"{_label(path, root)}:{number}"
            break
    message = _message(error)
    return f"{place}: {type(error).__name__}" + (f": {message}" if message else "")


def _message(error: BaseException) -> str:
    try:
        return _one_line(error.msg if isinstance(error, SyntaxError) else str(error))
    except Exception:  # noqa: BLE001 - a plugin's error may have a __str__ that raises
        return ""


def _one_line(text: str, limit: int = MAX_REASON) -> str:
    return _cut(" ".join(_printable(text).split()), limit)


def _root(file: Path) -> Path:
    """Return the file itself, or the outermost package it lies in."""
    root = file
    while (root.parent / "__init__.py").is_file():
        root = root.parent
    return root


def _label(file: Path, root: Path | None = None) -> str:
    """Name a plugin's file as its author would: `birthdays.py`, `weather/__init__.py`."""
    return str(file.relative_to((root or _root(file)).parent))


# --- loading -------------------------------------------------------------------------------------


def load(home: Home, settings: TwindSettings) -> Plugins:
    """Import, validate and configure every plugin; none of their failures is ours.

    A plugin's settings are its section of twind.toml, validated by its own `Settings`. Of two
    plugins with one name the first found stays in service. A file whose stem is in
    `plugins.disabled` is not imported, a plugin whose name is there is not used. A section of
    twind.toml that belongs to no plugin is listed as a failure of that name.
    """
    importlib.invalidate_caches()
    loaded: list[Loaded] = []
    for found in discover(home, settings):
        for one in _load_found(found, home, settings):
            first = next((other for other in loaded if _in_service(other, one.name)), None)
            loaded.append(_clash(found, one, first) if first and one.state == "ok" else one)
    return Plugins([*loaded, *_unclaimed(loaded, home, settings)])


def _in_service(loaded: Loaded, name: str) -> bool:
    return loaded.plugin is not None and loaded.name == name


def _clash(found: Found, later: Loaded, first: Loaded) -> Loaded:
    return _failed(
        found.stem,
        found.file,
        f'{later.file}: the name "{later.name}" is taken by {first.file}, which stays in service',
    )


def _failed(name: str, file: Path, error: str) -> Loaded:
    return Loaded(name, None, api.Settings(), file, frozenset(), "failed", error)


def _load_found(found: Found, home: Home, settings: TwindSettings) -> Iterator[Loaded]:
    if found.paused:
        yield Loaded(found.stem, None, api.Settings(), found.file, frozenset(), "paused")
        return
    if found.error:
        yield _failed(found.stem, found.file, found.error)
        return
    try:
        with fence(found.file):
            plugins = _offered(found)
    except PluginError as error:
        yield _failed(found.stem, found.file, str(error))
        return
    for plugin in plugins:
        yield _configured(plugin, found, home, settings)


def _configured(plugin: Any, found: Found, home: Home, settings: TwindSettings) -> Loaded:
    name = found.stem
    try:
        with fence(found.file):
            name = _name(plugin, found)
            if name in settings.plugins.disabled:
                return Loaded(name, None, api.Settings(), found.file, frozenset(), "paused")
            abilities = _abilities(plugin, found)
            values = _settings(plugin, name, found, home, settings)
    except PluginError as error:
        return _failed(name, found.file, str(error))
    return Loaded(name, plugin, values, found.file, abilities, "ok")


def _offered(found: Found) -> list[Any]:
    """Import the module and return the plugins it registers. To be called inside the fence."""
    before = frozenset(sys.modules)
    private = _private_name(found)
    path = sys.path.copy()
    # A __pycache__ written into a watched folder is an event, and a stale one an old plugin.
    writes, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    try:
        module = found.entry.load() if found.entry else _import(found.file, private)
        return _registered(module, found)
    except BaseException:
        _forget(private if found.entry is None else found.entry.module.split(".")[0], keep=before)
        raise
    finally:
        sys.dont_write_bytecode = writes
        sys.path[:] = path


def _private_name(found: Found) -> str:
    digest = hashlib.sha256(os.fsencode(found.file)).hexdigest()[:8]
    return f"twind_plugin_{re.sub(r'[^0-9A-Za-z_]', '_', found.stem)}_{digest}"


class _Source(importlib.machinery.SourceFileLoader):
    """Compiles what the file holds now: bytecode is told stale by whole seconds only."""

    def get_code(self, fullname: str) -> Any:
        path = self.get_filename(fullname)
        return self.source_to_code(self.get_data(path), path)


def _import(file: Path, name: str) -> ModuleType:
    """Import `file` under a private name, so that calendar.py shadows nothing."""
    _forget(name)
    package = [str(file.parent)] if file.name == "__init__.py" else None
    spec = importlib.util.spec_from_file_location(
        name, file, loader=_Source(name, str(file)), submodule_search_locations=package
    )
    if spec is None or spec.loader is None:
        raise PluginError(f"{_label(file)}: cannot be imported")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def _forget(name: str, keep: frozenset[str] = frozenset()) -> None:
    for known in list(sys.modules):
        if known not in keep and (known == name or known.startswith(f"{name}.")):
            del sys.modules[known]


def _registered(module: Any, found: Found) -> list[Any]:
    """Return the plugins that a module's hook registers, in order.

    A manager for each module: a hook that raises must not stop the plugins after it.
    """
    label = _label(found.file)
    manager = pluggy.PluginManager("twind")
    manager.add_hookspecs(hookspecs)
    try:
        manager.register(module, found.stem)
    except pluggy.PluginValidationError as error:
        raise PluginError(f"{label}: {_one_line(str(error))}") from error
    try:
        manager.check_pending()
    except pluggy.PluginValidationError as error:
        unknown = [h.name for h in manager.get_hookcallers(module) or () if not h.has_spec()]
        raise PluginError(
            f"{label}: there is no hook {', '.join(unknown)}; did you mean twind_register?"
        ) from error
    if not manager.hook.twind_register.get_hookimpls():
        bare = callable(getattr(module, "twind_register", None))
        raise PluginError(
            f"{label}: {'decorate twind_register with @hookimpl' if bare else _HOW_TO_REGISTER}"
        )
    plugins: list[Any] = []

    def register(plugin: Any) -> None:
        plugins.append(plugin)

    manager.hook.twind_register(register=register)
    if not plugins:
        raise PluginError(f"{label}: twind_register registers nothing; call register(YourPlugin())")
    return plugins


def _name(plugin: Any, found: Found) -> str:
    label = _label(found.file)
    if isinstance(plugin, type):
        raise PluginError(f"{label}: register an object, not a class: {plugin.__name__}()")
    name = getattr(plugin, "name", None)
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise PluginError(
            f"{label}: {type(plugin).__name__}.name is {name!r}; "
            'it must be a name of a-z, 0-9, "_" and "-" that starts with a letter'
        )
    if name == "disabled":
        raise PluginError(f'{label}: "disabled" is a key of [plugins] and no name for a plugin')
    return name


def _abilities(plugin: Any, found: Found) -> frozenset[str]:
    """Return what the plugin offers, having checked that it can be called."""
    label = f"{_label(found.file)}: {type(plugin).__name__}"
    offered = {name for name in ABILITIES if getattr(plugin, name, None) is not None}
    for name in sorted(offered):
        _check_callable(getattr(plugin, name), f"{label}.{name}", ABILITIES[name])
    if not offered & {"fetch", "notify", "act"}:
        lone = "watch needs a fetch; " if "watch" in offered else ""
        raise PluginError(f"{label}: {lone}a plugin has one of the methods fetch, notify, act")
    for needy, needed in (("watch", "fetch"), ("undo", "act")):
        if needy in offered and needed not in offered:
            raise PluginError(f"{label}: {needy} is of no use without {needed}")
    return frozenset(offered)


def _check_callable(method: Any, label: str, arguments: tuple[str, ...]) -> None:
    if not callable(method):
        raise PluginError(f"{label} must be a method, not {type(method).__name__}")
    if inspect.iscoroutinefunction(method) or inspect.isasyncgenfunction(method):
        raise PluginError(f"{label} must not be async")
    try:
        signature = inspect.signature(method)
    except (TypeError, ValueError):
        return
    try:
        signature.bind(*arguments)
    except TypeError:
        raise PluginError(
            f"{label}{signature} must be callable as {label.rpartition('.')[2]}"
            f"({', '.join(arguments)})"
        ) from None


def _settings(
    plugin: Any, name: str, found: Found, home: Home, settings: TwindSettings
) -> api.Settings:
    kind = getattr(plugin, "Settings", None) or api.Settings
    if not (isinstance(kind, type) and issubclass(kind, api.Settings)):
        raise PluginError(
            f"{_label(found.file)}: {type(plugin).__name__}.Settings must be a subclass of "
            "twind.api.Settings"
        )
    try:
        section = settings.plugins.section(name)
        return kind.model_validate(section, context={"base": base_folder(home)})
    except ValidationError as error:
        reason = _one_line(explain(error, f"plugins.{name}"), 4 * MAX_REASON)
        raise PluginError(f"{home.config_file}: {reason}") from error
    except SettingsError as error:
        raise PluginError(f"{home.config_file}: {error}") from error


def _unclaimed(loaded: list[Loaded], home: Home, settings: TwindSettings) -> Iterator[Loaded]:
    known = sorted({one.name for one in loaded})
    broken = ", ".join(sorted({_label(one.file) for one in loaded if one.state == "failed"}))
    for name in sorted(settings.plugins.model_extra or {}):
        if name in known:
            continue
        close = difflib.get_close_matches(name, [*known, "disabled"], 1)
        hint = f'; did you mean "{close[0]}"?' if close else f"; there are {', '.join(known)}"
        unloaded = f" (not loaded: {broken})" if broken else ""
        yield _failed(
            name,
            home.config_file,
            f"{home.config_file}: plugins.{name}: there is no plugin of this name{hint}{unloaded}",
        )


# --- calling -------------------------------------------------------------------------------------


def context(
    loaded: Loaded,
    settings: TwindSettings,
    window: api.Window,
    now: datetime,
    state: dict[str, Any] | None = None,
) -> api.Context[Any]:
    """Return what the plugin is called with; `state` is handed over as it is, to be changed."""
    return api.Context(
        settings=loaded.settings,
        window=window,
        now=now,
        timezone=settings.zone,
        emails=frozenset(email.strip().lower() for email in settings.profile.emails),
        state={} if state is None else state,
        log=logging.getLogger(f"twind.plugin.{loaded.name}"),
    )


def fetch(loaded: Loaded, ctx: api.Context[Any]) -> Iterator[Fetched]:
    """Call the plugin's `fetch` and yield what it has, validated.

    Raises PluginError where the plugin raises: what came before is good, the rest is unknown.
    """
    with fence(loaded.file):
        records = loaded.plugin.fetch(ctx)
    yield from validate_records(loaded, records)


def deliver(
    loaded: Loaded, ctx: api.Context[Any], notification: Notification
) -> Iterator[Delivered | Pressed]:
    """Call the plugin's `notify` and yield each delivery and each button as it happens.

    Raises PluginError where the plugin raises or yields anything else.
    """
    with fence(loaded.file):
        events = loaded.plugin.notify(ctx, notification)
    buttons = {button.id for button in notification.buttons}
    with contextlib.closing(_pull(loaded, events, "notify", 1)) as batches:
        for [event] in batches:
            match event:
                case Delivered(str()):
                    yield event
                case Pressed(button) if button in buttons:
                    yield event
                case _:
                    raise PluginError(
                        f"{_label(loaded.file)}: notify yielded {_one_line(repr(event))}, which is "
                        "neither Delivered nor Pressed with one of the notification's buttons"
                    )


def watch(loaded: Loaded, ctx: api.Context[Any], base: Path) -> list[Path]:
    """Return the absolute paths whose change means that `fetch` has something new.

    None where the plugin has no `watch`; they need not exist. Relative ones start at `base`. Raises
    PluginError.
    """
    if "watch" not in loaded.abilities:
        return []
    with fence(loaded.file):
        given = loaded.plugin.watch(ctx)
    paths: list[Path] = []
    with contextlib.closing(_pull(loaded, given, "watch", _BATCH)) as batches:
        for path in (path for batch in batches for path in batch):
            if not isinstance(path, str | Path) or not str(path) or "\0" in str(path):
                raise PluginError(f"{_label(loaded.file)}: watch gave {path!r}, which is no path")
            with fence(loaded.file):  # ~nobody-of-this-name raises
                paths.append(base / Path(path).expanduser())
            if len(paths) > MAX_WATCHED:
                raise PluginError(
                    f"{_label(loaded.file)}: watch gave more than {MAX_WATCHED} paths; "
                    "name their folder"
                )
    return list(dict.fromkeys(paths))


def describe(
    plugins: Plugins, home: Home, settings: TwindSettings, now: datetime
) -> dict[str, Any]:
    """Return what the daemon needs to know of the plugins, as JSON.

    {"plugins": [{"name", "state", "file", "abilities": [...], "error", "watch": [paths]}],
    "folders": [the plugin folders, existing or not], "files": [the plugins' modules]}. A `watch`
    that raises gives no paths and an `error`; the plugin stays in service.
    """
    return {
        "plugins": [_described(loaded, home, settings, now) for loaded in plugins],
        "folders": [str(folder) for folder in home.plugin_dirs],
        "files": sorted({str(one.file) for one in plugins if one.file != home.config_file}),
    }


def _described(
    loaded: Loaded, home: Home, settings: TwindSettings, now: datetime
) -> dict[str, Any]:
    error = loaded.error
    paths: list[Path] = []
    if loaded.state == "ok":
        ctx = context(loaded, settings, api.Window(now, now), now)
        try:
            paths = watch(loaded, ctx, base_folder(home))
        except PluginError as failure:
            error = str(failure)
    return {
        "name": loaded.name,
        "state": loaded.state,
        "file": str(loaded.file),
        "abilities": sorted(loaded.abilities),
        "error": error,
        "watch": [str(path) for path in paths],
    }


def _pull(loaded: Loaded, items: Any, ability: str, size: int) -> Generator[list[Any]]:
    """Yield what a plugin yields, in lists of up to `size`: a fence costs more than a record.

    What it yielded before it raised is yielded first.
    """
    if isinstance(items, str | bytes | dict) or not isinstance(items, Iterable):
        raise PluginError(
            f"{_label(loaded.file)}: {ability} must yield, or return a list, "
            f"not {type(items).__name__}"
        )
    source: Any = items
    failure: PluginError | None = None
    more = True
    try:
        with fence(loaded.file):
            source = iter(items)
        while more:
            batch: list[Any] = []
            try:
                with fence(loaded.file):
                    for item in islice(source, size):
                        batch.append(item)  # noqa: PERF402 - keeps what came before an error
            except PluginError as error:
                failure = error
            more = len(batch) == size and failure is None
            if batch:
                yield batch
            if failure:
                raise failure
    finally:
        if inspect.isgenerator(source):
            with contextlib.suppress(PluginError), fence(loaded.file):
                source.close()


# --- what fetch yields ---------------------------------------------------------------------------

_BIDI = (0x061C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A))
_LINE_ENDS = dict.fromkeys((0x0B, 0x0C, 0x0D, 0x85, 0x2028, 0x2029), "\n")
_CONTROLS = dict.fromkeys((*range(0x09), *range(0x0E, 0x20), *range(0x7F, 0xA0)))
# Bidi controls go too: in an invitation from a stranger they make a text lie.
_UNPRINTABLE: dict[int, str | None] = {**_CONTROLS, **dict.fromkeys(_BIDI), **_LINE_ENDS}

_Check = Callable[[Any], Any]


def validate_records(
    loaded: Loaded, records: Any, *, limit: int = MAX_RECORDS
) -> Iterator[Fetched]:
    """Yield what a plugin's `fetch` gives, as records the store can trust.

    Times come out in UTC, names and titles trimmed and on one line, texts free of control
    characters and cut to a sane length, e-mail addresses in lower case. Anything that is no record,
    or has a field that cannot be right, comes out as a RecordError; so does the second of one uid.
    A RecordError bears the uid; where that cannot be told, the group, else "".

    Raises PluginError where the plugin raises, yields more than `limit` items, or an `Unchanged`
    that names no group: nothing may be deleted after it.
    """
    seen: set[str] = set()
    count = 0
    with contextlib.closing(_pull(loaded, records, "fetch", _BATCH)) as batches:
        for item in (item for batch in batches for item in batch):
            count += 1
            if count > limit:
                raise PluginError(f"{_label(loaded.file)}: fetch yielded more than {limit} records")
            yield _validated(item, seen, loaded)


def _validated(item: Any, seen: set[str], loaded: Loaded) -> Fetched:
    if isinstance(item, Unchanged):
        try:
            return Unchanged(_group(item.group))
        except ValueError as error:
            raise PluginError(f"{_label(loaded.file)}: Unchanged.group {error}") from None
    try:
        match item:
            case RecordError():
                return _refusal(item, _text(MAX_TEXT)(item.reason) or "cannot be read")
            case Deleted():
                return Deleted(_field("uid", item.uid, _uid))
            case _ if _is_record(item):
                return _record(item, seen)
        return _refusal(item, f"is a {type(item).__name__}, which is no record")
    except Exception as error:  # noqa: BLE001 - fields are foreign objects; any may misbehave
        return _refusal(item, _message(error) or type(error).__name__)


def _is_record(item: Any) -> TypeGuard[Record]:
    return isinstance(item, tuple(_CHECKS))


def _record(item: Record, seen: set[str]) -> Record:
    # A subclass is stored as what it extends.
    kind = next(kind for kind in _CHECKS if isinstance(item, kind))
    values = {
        name: _field(name, getattr(item, name), check) for name, check in _CHECKS[kind].items()
    }
    if kind is CalendarEvent and values["end"] < values["start"]:
        raise ValueError("end is before start")
    uid = values["uid"]
    if uid in seen:
        raise ValueError(f"uid {uid!r} was yielded twice; the first one counts")
    seen.add(uid)
    record: Record = kind(**values)
    return record


def _field(name: str, value: Any, check: _Check) -> Any:
    try:
        return check(value)
    except ValueError as error:
        raise ValueError(f"{name} {error}") from None


def _refusal(item: Any, reason: str) -> RecordError:
    group = _or_empty(item, "group", _group)
    return RecordError(_or_empty(item, "uid", _uid) or group, _cut(reason, MAX_REASON), group)


def _or_empty(item: Any, name: str, check: _Check) -> str:
    """Return an attribute, or a mapping's entry, if it is as it should be, else ""."""
    with contextlib.suppress(Exception):
        value = item.get(name) if isinstance(item, dict) else getattr(item, name)
        return str(check(value))
    return ""


def _shown(value: Any) -> str:
    """Show a value in a reason; whatever it is, it must not spoil the reason."""
    return _cut(_one_line(repr(value)), 80)


def _cut(text: str, limit: int) -> str:
    return text if len(text) <= limit else text[: limit - 1].rstrip() + "…"


def _printable(text: str) -> str:
    """Return `text` without what no terminal and no database should see; line ends are kept."""
    if text.isprintable():
        return text
    text = text.replace("\r\n", "\n").translate(_UNPRINTABLE)
    # Lone surrogates, from names that are no UTF-8, cannot be stored.
    return text.encode("utf-8", "replace").decode("utf-8")


def _string(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError(f"must be a text, not {_shown(value)}")  # noqa: TRY004 - a reason to show
    return str(value)


def _exact(limit: int) -> _Check:
    """Check a text that identifies something and therefore stays as it is."""

    def check(value: Any) -> str:
        text = _string(value)
        if len(text) > limit:
            raise ValueError(f"is longer than {limit} characters")
        if "\0" in text or any("\ud800" <= letter <= "\udfff" for letter in text):
            raise ValueError(f"is no proper text: {_shown(value)}")
        return text

    return check


_group = _exact(MAX_GROUP)
_exact_uid = _exact(MAX_UID)


def _uid(value: Any) -> str:
    uid = str(_exact_uid(value))
    if not uid.strip():
        raise ValueError("is empty")
    return uid


def _label_text(value: Any) -> str:
    return _one_line(_string(value), MAX_LABEL)


def _required(value: Any) -> str:
    label = _label_text(value)
    if not label:
        raise ValueError("is empty")
    return label


def _text(limit: int) -> _Check:
    def check(value: Any) -> str:
        return _cut(_printable(_string(value)).strip(), limit)

    return check


def _flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise ValueError(f"must be true or false, not {_shown(value)}")  # noqa: TRY004
    return value


def _between(low: float, high: float) -> _Check:
    def check(value: Any) -> float:
        if isinstance(value, bool) or not isinstance(value, Real):
            raise ValueError(f"must be a number, not {_shown(value)}")  # noqa: TRY004
        number = float(value)
        if not (math.isfinite(number) and low <= number <= high):
            raise ValueError(f"must be a number from {low:g} to {high:g}, not {_shown(value)}")
        return number

    return check


def _moment(value: Any) -> datetime:
    if not isinstance(value, datetime):
        raise ValueError(f"must be a datetime, not {_shown(value)}")  # noqa: TRY004
    if value.utcoffset() is None:
        raise ValueError(f"has no time zone: {value.isoformat()}")
    try:
        return value.astimezone(UTC)
    except OverflowError:
        raise ValueError(f"is out of range: {value.isoformat()}") from None


def _day(value: Any) -> date:
    if not isinstance(value, date):
        raise ValueError(f"must be a date, not {_shown(value)}")  # noqa: TRY004
    return date(value.year, value.month, value.day)


def _optional(check: _Check) -> _Check:
    return lambda value: None if value is None else check(value)


def _one_of(record: type[Any], name: str) -> _Check:
    allowed = get_args(get_type_hints(record)[name])

    def check(value: Any) -> str:
        if not isinstance(value, str) or value not in allowed:
            raise ValueError(f"must be one of {', '.join(allowed)}, not {_shown(value)}")
        return str(value)

    return check


def _many(check: _Check) -> _Check:
    """Check each item; blanks and repeats go, and what is past MAX_ITEMS."""

    def checked(values: Any) -> tuple[Any, ...]:
        if not isinstance(values, tuple | list):
            raise ValueError(f"must be a tuple, not {_shown(values)}")  # noqa: TRY004
        items = (check(value) for value in islice(values, MAX_ITEMS))
        return tuple(dict.fromkeys(item for item in items if item))

    return checked


def _email(value: Any) -> str:
    return _label_text(value).lower()


def _attendee(value: Any) -> Attendee | None:
    if not isinstance(value, Attendee):
        raise ValueError(f"must hold Attendee only, not {_shown(value)}")  # noqa: TRY004
    email = _field("email", value.email, _email)
    name = _field("name", value.name, _label_text)
    status = _field("status", value.status, _attendance)
    return Attendee(email=email, name=name, status=status) if email or name else None


_attendance = _one_of(Attendee, "status")

_CHECKS: Mapping[type[Any], Mapping[str, _Check]] = {
    Person: {
        "uid": _uid,
        "name": _required,
        "emails": _many(_email),
        "phones": _many(_label_text),
        "organisation": _label_text,
        "groups": _many(_label_text),
        "birthday": _optional(_day),
        "note": _text(MAX_TEXT),
        "group": _group,
    },
    Project: {
        "uid": _uid,
        "name": _required,
        "kind": _one_of(Project, "kind"),
        "status": _one_of(Project, "status"),
        "priority": _optional(_between(0, 1)),
        "deadline": _optional(_moment),
        "description": _text(MAX_TEXT),
        "group": _group,
    },
    Task: {
        "uid": _uid,
        "title": _required,
        "project": _optional(_uid),
        "status": _one_of(Task, "status"),
        "priority": _optional(_between(0, 1)),
        "start": _optional(_moment),
        "due": _optional(_moment),
        "created_at": _optional(_moment),
        "completed_at": _optional(_moment),
        "estimate_min": _optional(_between(0, MAX_ESTIMATE_MIN)),
        "recurrence": _label_text,
        "contexts": _many(_label_text),
        "group": _group,
    },
    CalendarEvent: {
        "uid": _uid,
        "title": _label_text,  # an event without a title still takes its time
        "start": _moment,
        "end": _moment,
        "all_day": _flag,
        "busy": _flag,
        "status": _one_of(CalendarEvent, "status"),
        "series": _exact_uid,
        "organizer": _email,
        "attendees": _many(_attendee),
        "location": _label_text,
        "description": _text(MAX_TEXT),
        "categories": _many(_label_text),
        "group": _group,
    },
}
