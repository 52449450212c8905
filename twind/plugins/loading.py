"""Import, validate and configure plugins; one that fails is a line, not an outage."""

from __future__ import annotations

import difflib
import hashlib
import importlib
import importlib.machinery
import importlib.util
import inspect
import os
import re
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import pluggy
from pydantic import ValidationError

from twind import api, hookspecs
from twind.errors import PluginError, SettingsError
from twind.settings import base_folder, explain, variable_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator
    from pathlib import Path
    from types import ModuleType

    from twind.home import Home
    from twind.settings import TwindSettings

from twind.plaintext import MAX_LINE, one_line
from twind.plugins.fencing import fence, file_label
from twind.plugins.finding import Found, discover

ABILITIES: dict[str, tuple[str, ...]] = {
    "fetch": ("ctx",),
    "watch": ("ctx",),
    "notify": ("ctx", "notification"),
    "channels": ("ctx",),
    "act": ("ctx", "proposal"),
    "undo": ("ctx", "proposal"),
}


"""What a plugin may offer, and the arguments it is called with."""


State = Literal["ok", "failed", "paused"]


_NAME = re.compile(r"[a-z][a-z0-9_-]{0,63}")


_HOW_TO_REGISTER = (
    "it has no hook twind_register; end it with "
    "`@hookimpl` `def twind_register(register): register(YourPlugin())`"
)


@dataclass(frozen=True, slots=True)
class Loaded:
    """One plugin, or the place of one that failed.

    Attributes:
        name: the plugin's own; the file's stem where none could be told.
        plugin: the object; None where there is none to use.
        settings: its section of twind.toml, validated.
        file: the module it came from; twind.toml for a section that belongs to no plugin.
        abilities: of fetch, watch, notify, channels, act, undo; as far as known of one that failed.
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


def load(home: Home, settings: TwindSettings) -> Plugins:
    """Import, validate and configure every plugin; none of their failures is ours.

    A plugin's settings are its section of twind.toml, validated by its own `Settings`. Of two
    plugins with one name the first found stays in service. A file whose stem is in
    `plugins.disabled` is not imported, a plugin whose name is there is not used. A section of
    twind.toml, or a name that is disabled there, that belongs to no plugin is listed as a failure
    of that name.
    """
    importlib.invalidate_caches()
    loaded: list[Loaded] = []
    for found in discover(home, settings):
        for one in load_found(found, home, settings):
            first = next((other for other in loaded if _in_service(other, one.name)), None)
            # One that failed has told its name where it is not the file's.
            told = one.state == "ok" or one.name != found.stem
            loaded.append(clash(found, one.name, first.file) if first and told else one)
    names = {one.name for one in loaded}
    broken = [one.file for one in loaded if one.state == "failed"]
    return Plugins([*loaded, *unclaimed(names, broken, home, settings)])


def load_one(home: Home, settings: TwindSettings, name: str, file: Path) -> Loaded:
    """Import one plugin's file and return the plugin, in working order.

    Raises PluginError where it is not, or not there any more.
    """
    errors = []
    for found in discover(home, settings):
        for one in load_found(found, home, settings) if found.file == file else ():
            if one.name == name and one.state == "ok":
                return one
            errors += [one.error] if one.error else []
    raise PluginError(errors[0] if errors else f"{file}: there is no plugin {name} any more")


def _in_service(loaded: Loaded, name: str) -> bool:
    return loaded.plugin is not None and loaded.name == name


def clash(found: Found, name: str, first: Path) -> Loaded:
    """Return the place of a plugin whose name the one in `first` has already."""
    return failed(
        found.stem,
        found.file,
        f'{found.file}: the name "{name}" is taken by {first}, which stays in service',
    )


def failed(name: str, file: Path, error: str, abilities: frozenset[str] = frozenset()) -> Loaded:
    """Return the place of a plugin that failed, and why."""
    return Loaded(name, None, api.Settings(), file, abilities, "failed", error)


def load_found(found: Found, home: Home, settings: TwindSettings) -> Iterator[Loaded]:
    """Import what was found, if it is to be, and yield its plugins or what became of it."""
    if found.paused:
        yield Loaded(found.stem, None, api.Settings(), found.file, frozenset(), "paused")
        return
    if found.error:
        yield failed(found.stem, found.file, found.error)
        return
    try:
        with fence(found.file):
            plugins = plugins_of(found)
    except PluginError as error:
        yield failed(found.stem, found.file, str(error))
        return
    for plugin in plugins:
        yield configured(plugin, found, home, settings)


def configured(
    plugin: Any, found: Found, home: Home, settings: TwindSettings, given: Collection[str] = ()
) -> Loaded:
    """Return a registered plugin with its section of the settings, or what is wrong with it.

    given: the keys of that section which did not come from twind.toml but from `--set`.
    """
    name, abilities = found.stem, frozenset[str]()
    try:
        with fence(found.file):
            name = _name(plugin, found)
            if name in settings.plugins.disabled:
                return Loaded(name, None, api.Settings(), found.file, frozenset(), "paused")
            abilities = _abilities(plugin, found)
            values = _settings(plugin, name, found, home, settings, given)
    except PluginError as error:
        return failed(name, found.file, str(error), abilities)
    return Loaded(name, plugin, values, found.file, abilities, "ok")


def plugins_of(found: Found) -> list[Any]:
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
        raise PluginError(f"{file_label(file)}: cannot be imported")
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
    label = file_label(found.file)
    manager = pluggy.PluginManager("twind")
    manager.add_hookspecs(hookspecs)
    try:
        manager.register(module, found.stem)
    except pluggy.PluginValidationError as error:
        raise PluginError(f"{label}: {one_line(str(error))}") from error
    try:
        manager.check_pending()
    except pluggy.PluginValidationError as error:
        unknown = [h.name for h in manager.get_hookcallers(module) or () if not h.has_spec()]
        raise PluginError(
            f"{label}: there is no hook {', '.join(unknown)}; did you mean twind_register?"
        ) from error
    if not manager.hook.twind_register.get_hookimpls():
        bare = callable(getattr(module, "twind_register", None))
        how = "decorate twind_register with @hookimpl" if bare else _HOW_TO_REGISTER
        raise PluginError(f"{label}: {how}{_meant(vars(module), ['twind_register'])}")
    plugins: list[Any] = []

    def register(plugin: Any) -> None:
        plugins.append(plugin)

    manager.hook.twind_register(register=register)
    if not plugins:
        raise PluginError(f"{label}: twind_register registers nothing; call register(YourPlugin())")
    return plugins


def _name(plugin: Any, found: Found) -> str:
    label = file_label(found.file)
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
    label = f"{file_label(found.file)}: {type(plugin).__name__}"
    offered = {name for name in ABILITIES if getattr(plugin, name, None) is not None}
    for name in sorted(offered):
        _check_callable(getattr(plugin, name), f"{label}.{name}", ABILITIES[name])
    if not offered & {"fetch", "notify", "act"}:
        lone = "watch needs a fetch; " if "watch" in offered else ""
        meant = _meant(dir(plugin), ABILITIES)
        raise PluginError(
            f"{label}: {lone}a plugin has one of the methods fetch, notify, act{meant}"
        )
    for needy, needed in (("watch", "fetch"), ("channels", "notify"), ("undo", "act")):
        if needy in offered and needed not in offered:
            raise PluginError(f"{label}: {needy} is of no use without {needed}")
    return frozenset(offered)


def _meant(given: Iterable[str], wanted: Iterable[str]) -> str:
    """Say which name is a misspelling of one that is wanted; "" if none is."""
    for name in wanted:
        for close in difflib.get_close_matches(name, [one for one in given if one != name], 1, 0.8):
            return f' ("{close}": did you mean {name}?)'
    return ""


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
    plugin: Any,
    name: str,
    found: Found,
    home: Home,
    settings: TwindSettings,
    given: Collection[str],
) -> api.Settings:
    kind = getattr(plugin, "Settings", None) or api.Settings
    if not (isinstance(kind, type) and issubclass(kind, api.Settings)):
        raise PluginError(
            f"{file_label(found.file)}: {type(plugin).__name__}.Settings must be a subclass of "
            "twind.api.Settings"
        )
    try:
        section = settings.plugins.section(name)
        return kind.model_validate(section, context={"base": base_folder(home)})
    except ValidationError as error:
        reason = one_line(explain(error, f"plugins.{name}"), 4 * MAX_LINE)
        wrong = [str(item["loc"][0]) for item in error.errors(include_url=False) if item["loc"]]
        places = dict.fromkeys(_place_of(name, key, home, given) for key in wrong)
        raise PluginError(f"{', '.join(places or [str(home.config_file)])}: {reason}") from error
    except SettingsError as error:
        raise PluginError(f"{home.config_file}: {error}") from error


def _place_of(name: str, key: str, home: Home, given: Collection[str]) -> str:
    """Return where a key of a plugin's section is set."""
    if key in given:
        return "--set"
    return variable_of("plugins", name, key) or str(home.config_file)


def unclaimed(
    names: Collection[str], broken: Iterable[Path], home: Home, settings: TwindSettings
) -> Iterator[Loaded]:
    """Yield a failure for each section of twind.toml that belongs to no plugin of these names.

    So it does for each name that is disabled there. broken: the files of those that are not loaded;
    it may be one of theirs.
    """
    known = sorted(names)
    labels = ", ".join(sorted({file_label(file) for file in broken}))
    wanted = [(name, name, "of this name") for name in sorted(settings.plugins.model_extra or {})]
    wanted += [("disabled", name, f'"{name}"') for name in settings.plugins.disabled]
    for key, name, called in wanted:
        if name in names:
            continue
        close = difflib.get_close_matches(name, [*known, "disabled"], 1)
        hint = f'; did you mean "{close[0]}"?' if close else f"; there are {', '.join(known)}"
        unloaded = f" (not loaded: {labels})" if labels else ""
        place = variable_of("plugins", key) or home.config_file
        error = f"{place}: plugins.{key}: there is no plugin {called}{hint}{unloaded}"
        yield failed(name, home.config_file, error)
