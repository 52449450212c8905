"""Try one plugin file: load it as the daemon does, tell what it offers, and fetch from its source.

Nothing is stored. What hangs is interrupted; what ends the process ends this worker alone.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import signal
from collections import Counter
from dataclasses import asdict, dataclass, replace
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic_core import to_jsonable_python

from twind import api, plugins
from twind.clock import format_utc, monotonic_s, parse_utc
from twind.errors import NotFoundError, PluginError
from twind.home import bundled, bundled_plugins
from twind.model import Record
from twind.plaintext import one_line
from twind.plugins.fencing import fence
from twind.plugins.finding import ENTRY_POINT_GROUP
from twind.plugins.loading import configured, plugins_of
from twind.settings import base_folder

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping
    from datetime import datetime
    from types import FrameType

    from twind.home import Home
    from twind.jobs.work import Work
    from twind.model import Fetched
    from twind.settings import TwindSettings

TIMEOUT_S = 60.0
SHOWN_ERRORS = 20
SHOWN_RECORDS = 3
HUNG = 70
"""Exit status where a plugin goes on after it has been interrupted (EX_SOFTWARE)."""

_MODULE_PREFIX = re.compile(r"(?<!['\"\w])(?:[A-Za-z_]\w*\.)+(?=[A-Za-z_])")


@dataclass(frozen=True, slots=True)
class Offer:
    """One plugin that a file registers: the object, and how it was taken into service.

    `plugin` is None where the file could not be imported; `loaded` then says why.
    """

    plugin: Any
    loaded: plugins.Loaded


def run(work: Work) -> dict[str, Any]:
    """Check args["path"], a file or a package's folder; or tell of args["name"] in args["file"].

    With "path" the plugin's section of twind.toml is overlaid by args["settings"], and what it
    fetches is tried within args["timeout_s"] at args["now"] (default: the present). With "name" and
    "file", as `inspect` tells them, the one in service is described and fetches nothing.

    "module" is the dotted name of what is installed rather than dropped in; "base" the folder
    where relative paths start, if not twind.toml's; with "fingerprints" they are told, too.

    Returns {"file", "plugins": [{"name", "state", "error", "abilities", "settings": [{"key",
    "type", "required", "default", "value", "description"}], "watch", "channels", "fetched"}],
    "problems"}: `fetched` is as `_tried` tells, or None. Raises NotFoundError where there is no
    such file.
    """
    with _within(float(work.args.get("timeout_s") or TIMEOUT_S)):
        if "name" in work.args:
            return _described(work, work.args["name"], work.args["file"])
        found = find(Path(work.args["path"]), work.args.get("module"))
        if base := work.args.get("base"):
            work = replace(work, home=replace(work.home, config_file=Path(base) / "twind.toml"))
        offers = load_alone(found, work.home, work.settings, work.args.get("settings") or {})
        told = [_told(offer, work, tried=True) for offer in offers]
    problems = [
        *_name_problems(found, offers),
        *(problem for one in told for problem in one.pop("problems")),
    ]
    return {"file": str(found.file), "plugins": told, "problems": problems}


def _described(work: Work, name: str, file: str) -> dict[str, Any]:
    told = [
        _told(offer, work, tried=False)
        for found in plugins.discover(work.home, work.settings)
        if str(found.file) == file
        for offer in load_alone(found, work.home, work.settings, {})
        if offer.loaded.name == name
    ]
    return {"file": file, "plugins": told, "problems": [p for one in told for p in one["problems"]]}


# --- loading one file ----------------------------------------------------------------------------


def find(path: Path, module: str | None = None) -> plugins.Found:
    """Return the plugin file at `path`, which may be a package's folder.

    `module` is its dotted name where it is to be imported as what is installed, by that name.
    Raises NotFoundError where there is none.
    """
    path = path.absolute()
    file = path / "__init__.py" if path.is_dir() else path
    if not file.is_file():
        raise NotFoundError(f"there is no plugin at {path}: a plugin is a .py file or a package")
    if file.suffix != ".py":
        raise NotFoundError(f"{path} is no plugin: its name must end in .py")
    if module is not None:
        return plugins.Found(module, file, EntryPoint(module, module, ENTRY_POINT_GROUP))
    return plugins.Found((file.parent if path.is_dir() else path).stem, file)


def load_alone(
    found: plugins.Found, home: Home, settings: TwindSettings, given: Mapping[str, Any]
) -> list[Offer]:
    """Import one file and configure what it registers, whatever else is installed.

    `given` is laid over each plugin's section of twind.toml; a plugin that is disabled there is
    loaded all the same.
    """
    try:
        with fence(found.file):
            offered = plugins_of(found)
    except PluginError as error:
        failed = plugins.Loaded(
            found.stem, None, api.Settings(), found.file, frozenset(), "failed", str(error)
        )
        return [Offer(None, failed)]
    return [
        Offer(one, configured(one, found, home, _with_section(settings, one, given), given))
        for one in offered
    ]


def _with_section(settings: TwindSettings, plugin: Any, given: Mapping[str, Any]) -> TwindSettings:
    name = getattr(plugin, "name", None)
    update: dict[str, Any] = {"disabled": ()}
    if given and isinstance(name, str):
        update[name] = {**settings.plugins.section(name), **given}
    return settings.model_copy(update={"plugins": settings.plugins.model_copy(update=update)})


def _name_problems(found: plugins.Found, offers: Iterable[Offer]) -> Iterator[str]:
    entry = found.file.parent if found.file.name == "__init__.py" else found.file
    if entry.name.startswith(("_", ".", "#")):
        yield f"{entry.name}: a name that starts with {entry.name[0]!r} is passed over in a folder"
    home = bundled("plugins").resolve()
    taken = bundled_plugins()
    if home in found.file.resolve().parents:
        return
    for offer in offers:
        if offer.loaded.name in taken and offer.plugin is not None:
            yield f'{entry.name}: the name "{offer.loaded.name}" is taken by a bundled plugin'


# --- telling what it offers ----------------------------------------------------------------------


def _told(offer: Offer, work: Work, *, tried: bool) -> dict[str, Any]:
    one = offer.loaded
    problems = [one.error] if one.error else []
    settings, watched, fetched = _settings_of(offer, problems), _watched(one, work, problems), None
    missing = [item["key"] for item in settings if item["required"] and item["value"] is None]
    if one.state == "failed" and missing:
        problems.append(f"{one.name} needs settings: {', '.join(missing)}")
    if tried and one.state == "ok" and "fetch" in one.abilities:
        fetched = _tried(one, work)
        problems += fetched["problems"]
    channels = _channels(one, work, problems)
    return {
        "name": one.name,
        "state": one.state,
        "error": one.error,
        "abilities": sorted(one.abilities),
        "settings": settings,
        "watch": watched,
        "channels": channels,
        "fetched": fetched,
        "problems": problems,
    }


def _settings_of(offer: Offer, problems: list[str]) -> list[dict[str, Any]]:
    """Return each key of the plugin's settings; "value" is None where it failed to load."""
    kind = getattr(offer.plugin, "Settings", None) or api.Settings
    if not (isinstance(kind, type) and issubclass(kind, api.Settings)):
        return []
    loaded = offer.loaded
    values = loaded.settings if loaded.state == "ok" else None
    try:
        with fence(loaded.file):  # a default's factory and a value's text are the plugin's
            return [
                {
                    "key": key,
                    "type": type_name(field.annotation),
                    "required": field.is_required(),
                    "default": None
                    if field.is_required()
                    else _plain(field.get_default(call_default_factory=True)),
                    "value": None if values is None else _plain(getattr(values, key)),
                    "description": one_line(field.description or ""),
                }
                for key, field in kind.model_fields.items()
            ]
    except PluginError as error:
        problems.append(str(error))
        return []


def _plain(value: Any) -> Any:
    return to_jsonable_python(value, fallback=str)


def type_name(annotation: Any) -> str:
    """Write a type as its author would: `list[Path]`, `str | None`."""
    if isinstance(annotation, type) and not hasattr(annotation, "__args__"):
        return annotation.__name__
    return _MODULE_PREFIX.sub("", repr(annotation)).replace("NoneType", "None")


def _watched(one: plugins.Loaded, work: Work, problems: list[str]) -> list[str]:
    if one.state != "ok":
        return []
    try:
        return [str(path) for path in plugins.watch(one, _ctx(one, work), base_folder(work.home))]
    except PluginError as error:
        problems.append(str(error))
        return []


def _channels(one: plugins.Loaded, work: Work, problems: list[str]) -> list[str]:
    if one.state != "ok" or "notify" not in one.abilities:
        return []
    found, problem = plugins.channels(one, _ctx(one, work))
    problems += [problem] if problem else []
    return [channel.name or channel.id for channel in found]


def _ctx(one: plugins.Loaded, work: Work) -> api.Context[Any]:
    now = work.clock.now()
    return plugins.context(one, work.settings, api.Window(now, now), now)


# --- a trial -------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Trial:
    """What one fetch gave."""

    items: list[Fetched]
    state: dict[str, Any]
    error: str | None
    took_s: float

    @property
    def records(self) -> dict[str, Record]:
        return {item.uid: item for item in self.items if isinstance(item, Record)}

    def of(self, kind: type[Any]) -> list[Any]:
        return [item for item in self.items if isinstance(item, kind)]


def _tried(one: plugins.Loaded, work: Work) -> dict[str, Any]:
    """Fetch twice, the second time with the state that the first has left.

    Returns {"records": {kind: count}, "first": [texts], "refused", "errors": [{"uid", "group",
    "reason"}, the first 20], "deleted", "unchanged", "again_unchanged", "took_s", "again_took_s",
    "problems": [lines], "fingerprints": {uid: digest} if they were asked for}.
    """
    asked_for = work.args.get("now")
    now = parse_utc(asked_for) if asked_for else work.clock.now()
    first = _fetch(one, work, now, {})
    problems = [first.error] if first.error else []
    state: dict[str, Any] = {}
    try:
        state = json.loads(json.dumps(first.state))
    except (TypeError, ValueError) as error:
        problems.append(f"{one.name}: ctx.state is no JSON: {one_line(str(error))}")
    again = None if problems else _fetch(one, work, now, state)
    if again is not None:
        problems += _differences(one.name, first, again)
    refused = first.of(api.RecordError)
    told = {
        "records": dict(Counter(type(item).__name__ for item in first.records.values())),
        "first": [_title(item) for item in [*first.records.values()][:SHOWN_RECORDS]],
        "refused": len(refused),
        "errors": [
            {"uid": item.uid, "group": item.group, "reason": item.reason}
            for item in refused[:SHOWN_ERRORS]
        ],
        "deleted": len(first.of(api.Deleted)),
        "unchanged": len(first.of(api.Unchanged)),
        "again_unchanged": len(again.of(api.Unchanged)) if again else 0,
        "took_s": round(first.took_s, 3),
        "again_took_s": round(again.took_s, 3) if again else None,
        "problems": problems,
    }
    if work.args.get("fingerprints"):
        told["fingerprints"] = fingerprints(first.records.values())
    return told


def _title(record: Record) -> str:
    text = getattr(record, "title", "") or getattr(record, "name", "") or record.uid
    return f"{type(record).__name__} {one_line(text, 80)}"


def _fetch(one: plugins.Loaded, work: Work, now: datetime, state: dict[str, Any]) -> _Trial:
    ctx = plugins.context(one, work.settings, plugins.window(now, work.settings.zone), now, state)
    trial = _Trial([], state, None, 0.0)
    start_s = monotonic_s()
    try:
        for item in plugins.fetch(one, ctx):
            trial.items.append(item)
    except PluginError as error:
        trial.error = str(error)
    trial.took_s = monotonic_s() - start_s
    return trial


def _differences(name: str, first: _Trial, again: _Trial) -> Iterator[str]:
    """Say in what a second fetch of an unchanged source differs from the first."""
    if again.error:
        yield f"{name}: a second fetch fails: {again.error}"
        return
    standing = {item.group for item in again.of(api.Unchanged)}
    before, after = first.records, again.records
    gone = [u for u, r in before.items() if u not in after and r.group not in standing]
    new = [uid for uid in after if uid not in before]
    other = [uid for uid, record in after.items() if uid in before and before[uid] != record]
    for uids, what in (
        (gone, "no longer has"),
        (new, "has, and did not have before,"),
        (other, "has in another form"),
    ):
        if uids:
            yield (
                f"{name}: a second fetch of the same source {what} {len(uids)} of the records "
                f"(uid {one_line(uids[0], 80)!r}): uids and content must stay as they are"
            )


def fingerprints(records: Iterable[Record]) -> dict[str, str]:
    """Return a digest of each record's content, by uid; the same in any process."""
    return {
        record.uid: hashlib.sha256(
            json.dumps(asdict(record), default=_in_words, sort_keys=True).encode()
        ).hexdigest()[:16]
        for record in records
    }


def _in_words(value: Any) -> str:
    return format_utc(value) if hasattr(value, "tzinfo") else str(value)


# --- what takes too long -------------------------------------------------------------------------


@contextlib.contextmanager
def _within(timeout_s: float) -> Iterator[None]:
    """Interrupt the block after `timeout_s`; where it goes on all the same, end the process.

    The interruption is a TimeoutError at the very line that is waiting, which so gets told. Only
    in a process of its own: the timer is the process's only one.
    """
    rings = 0

    def ring(_signal: int, _frame: FrameType | None) -> None:
        nonlocal rings
        rings += 1
        if rings > 1:
            os._exit(HUNG)
        raise TimeoutError(f"not done within {timeout_s:g} s")

    before = signal.signal(signal.SIGALRM, ring)
    left_s, every_s = signal.setitimer(signal.ITIMER_REAL, timeout_s, max(1.0, timeout_s / 4))
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, left_s, every_s)
        signal.signal(signal.SIGALRM, before)
