"""Settings: defaults < twind.toml < environment (TWIND_HOURS__SLEEP=…) < flags.

Every key has a default. An unknown key or a bad value raises SettingsError with the file, or the
environment's variable, and the key. A plugin's own section is kept as it stands and validated by
the plugin's worker.
"""

from __future__ import annotations

import contextlib
import difflib
import json
import os
import re
import tomllib
from datetime import time
from typing import TYPE_CHECKING, Annotated, Any
from zoneinfo import ZoneInfo

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    ValidationError,
)
from pydantic_settings import (
    BaseSettings,
    InitSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from twind import clock
from twind.clock import DAY_MIN
from twind.errors import SettingsError

if TYPE_CHECKING:
    from pathlib import Path

    from twind.home import Home

DAY_S = DAY_MIN * 60
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")

_RANGE = re.compile(r"(\d{1,2}):(\d{2})\s*-\s*(\d{1,2}):(\d{2})")


class HourRange(BaseModel):
    """A stretch of the wall clock in minutes past midnight; `end` before `start` crosses it."""

    model_config = ConfigDict(frozen=True)
    start: int = Field(ge=0, lt=DAY_MIN)
    end: int = Field(ge=0, le=DAY_MIN)

    def contains(self, minute: int) -> bool:
        """Tell whether minute 0..1439 of a day lies inside."""
        if self.start <= self.end:
            return self.start <= minute < self.end
        return minute >= self.start or minute < self.end


def _parse_minute(value: Any) -> int:
    # TOML has times of its own: 07:00:00, without quotes.
    text = value.isoformat("minutes") if isinstance(value, time) else value
    match = re.fullmatch(r"(\d{1,2}):(\d{2})", text) if isinstance(text, str) else None
    if not match or int(match[1]) > 23 or int(match[2]) > 59:
        raise ValueError(f'"{value}" is no time of day; write it like "07:00"')
    return int(match[1]) * 60 + int(match[2])


def _write_minute(minute: int) -> str:
    return "{:02}:{:02}".format(*divmod(minute, 60))


def _parse_range(value: Any) -> Any:
    if isinstance(value, HourRange | dict):
        return value
    match = _RANGE.fullmatch(str(value).strip())
    if not match:
        raise ValueError(f'"{value}" is no range of hours; write it like "09:00-17:30"')
    start_h, start_m, end_h, end_m = (int(group) for group in match.groups())
    if start_h > 23 or end_h > 24 or start_m > 59 or end_m > 59 or (end_h == 24 and end_m):
        raise ValueError(f'"{value}" is no range of hours: a day has 24 of 60 minutes')
    return {"start": start_h * 60 + start_m, "end": end_h * 60 + end_m}


def _parse_ranges(value: Any) -> Any:
    items = value if isinstance(value, list | tuple) else [value]
    return tuple(_parse_range(item) for item in items)


def _parse_week(value: Any) -> Any:
    """Read `{mon-fri = "09:00-17:30"}` into a tuple of ranges for each weekday, Monday first."""
    if isinstance(value, list | tuple):  # seven days, as they go to a worker
        return value
    if not isinstance(value, dict):
        raise ValueError(f'"{value}" names no days; write it like {{ mon-fri = "09:00-17:30" }}')  # noqa: TRY004
    week: list[Any] = [()] * 7
    for key, ranges in value.items():
        first, _, last = str(key).lower().partition("-")
        last = last or first
        if first not in WEEKDAYS or last not in WEEKDAYS:
            raise ValueError(f'"{key}" names no days; write them like "mon-fri" or "sat"')
        day = WEEKDAYS.index(first)
        while True:
            week[day] = _parse_ranges(ranges)
            if WEEKDAYS[day] == last:
                break
            day = (day + 1) % 7
    return tuple(week)


Minute = Annotated[int, BeforeValidator(_parse_minute), PlainSerializer(_write_minute)]
Range = Annotated[HourRange, BeforeValidator(_parse_range)]
Ranges = Annotated[tuple[HourRange, ...], BeforeValidator(_parse_ranges)]
Week = Annotated[tuple[tuple[HourRange, ...], ...], BeforeValidator(_parse_week)]


def _known_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, TypeError, OSError) as error:
        raise ValueError(f'"{name}" is no time zone; write it like "Europe/Berlin"') from error
    return name


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ProfileSettings(_Section):
    """Who the user is."""

    id: int = Field(1, ge=1, description="The row in the table `profile`.")
    timezone: Annotated[str, BeforeValidator(_known_zone)] = Field(
        default_factory=clock.system_zone_name, description="IANA time zone; default: the system's."
    )
    emails: tuple[str, ...] = Field(
        (), description='The user\'s own addresses: whose "declined" and "accepted" count.'
    )


class HoursSettings(_Section):
    """Hours of the day, on the user's wall clock."""

    sleep: Range = Field(
        HourRange(start=23 * 60, end=6 * 60 + 30), description="Nothing is proposed in it."
    )
    work: Week = Field(
        (*((HourRange(start=540, end=1050),),) * 5, (), ()),
        description='Working hours by day, e.g. { mon-fri = "09:00-17:30" }.',
    )
    quiet: Ranges = Field(
        (HourRange(start=22 * 60, end=6 * 60 + 30),),
        description="No proposal and no notification; may cross midnight; a list for several.",
    )


class ScheduleSettings(_Section):
    """When things happen by themselves."""

    propose_at: Minute = Field(7 * 60, description="When the morning's proposals are made.")
    sync_every_min: float = Field(
        15, ge=0.1, le=DAY_MIN, description="How often sources are read anyway."
    )
    poll_s: float = Field(
        60, ge=0.1, le=DAY_S, description="How often files and log are checked for changes."
    )
    checkin: bool = Field(
        default=False, description="Whether to ask once a day, on the desktop, how your energy is."
    )


class ProposalSettings(_Section):
    """How much twind says."""

    max_per_day: int = Field(4, ge=0, le=20, description="Never more than this many a day.")
    min_confidence: float = Field(
        0.4, ge=0, le=1, description="Propose only what is accepted at least this probably."
    )
    health: bool = Field(
        default=False, description="Whether to propose exercise, and to give reasons of health."
    )
    mood: bool = Field(
        default=False,
        description="Whether to propose time to reflect, and to give reasons of your mental state.",
    )


class QuestionSettings(_Section):
    """How much twind asks."""

    per_day: int = Field(
        10,
        ge=0,
        description="Never more than this many a day, unless you say `twind ask --more`.",
    )


class TrainingSettings(_Section):
    """How the twin is trained."""

    enabled: bool = Field(default=True, description="Whether training happens by itself.")
    timesteps: int = Field(50_000, ge=1024, description="Steps of one fine-tuning.")
    threshold: float = Field(
        0.5, gt=0, description="How far beliefs or the world must move for a new training."
    )
    threads: int = Field(1, ge=1, description="Processor threads a training may use.")
    on_battery: bool = Field(
        default=True,
        description="Whether a training begins by itself while the machine runs on its battery.",
    )


class BackupSettings(_Section):
    """What twind keeps copies of, by itself."""

    daily: bool = Field(default=True, description="Whether a backup is made each day.")
    keep_days: int = Field(7, ge=0, description="Of how many days the newest one is kept.")
    keep_weeks: int = Field(4, ge=0, description="The same for weeks.")
    keep_months: int = Field(6, ge=0, description="The same for months.")


class LimitSettings(_Section):
    """What a worker may use."""

    job_timeout_s: float = Field(
        600, gt=0, le=DAY_S, description="A job is killed after this long."
    )
    train_timeout_s: float = Field(3600, gt=0, le=7 * DAY_S, description="The same for training.")
    memory_mib: int = Field(
        3072, ge=256, le=2**20, description="Address space is not limited; memory is."
    )


class PluginsSettings(BaseModel):
    """`[plugins]`: what is on, and one section for each plugin, kept raw."""

    model_config = ConfigDict(extra="allow", frozen=True)
    disabled: tuple[str, ...] = Field((), description="Names of plugins to leave alone.")

    def section(self, name: str) -> dict[str, Any]:
        """Return `[plugins.NAME]` as it was written."""
        value = (self.model_extra or {}).get(name, {})
        if not isinstance(value, dict):
            kind = type(value).__name__  # and not the value: it may be a secret
            raise SettingsError(f"plugins.{name} must be a section of settings, not a {kind}")
        return value


class TwindSettings(BaseSettings):
    """All of twind.toml."""

    model_config = SettingsConfigDict(extra="forbid", frozen=True)

    profile: ProfileSettings = Field(default_factory=ProfileSettings)
    hours: HoursSettings = Field(default_factory=HoursSettings)
    schedule: ScheduleSettings = Field(default_factory=ScheduleSettings)
    proposals: ProposalSettings = Field(default_factory=ProposalSettings)
    questions: QuestionSettings = Field(default_factory=QuestionSettings)
    training: TrainingSettings = Field(default_factory=TrainingSettings)
    backups: BackupSettings = Field(default_factory=BackupSettings)
    limits: LimitSettings = Field(default_factory=LimitSettings)
    plugins: PluginsSettings = Field(default_factory=PluginsSettings)

    @property
    def zone(self) -> ZoneInfo:
        """The user's time zone."""
        return ZoneInfo(self.profile.timezone)

    @property
    def emails(self) -> frozenset[str]:
        """The user's own addresses, as they are compared."""
        return frozenset(email.strip().lower() for email in self.profile.emails)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,  # noqa: ARG003 - they are passed by name
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Let the environment win over the file, which comes in as arguments.

        pydantic's own reading of it passes over a section that it does not know, and takes a range
        of hours for broken JSON.
        """
        return InitSettingsSource(settings_cls, _environment()), init_settings


_PREFIX, _BETWEEN = "TWIND_", "__"
"""TWIND_HOURS__SLEEP is `sleep` in [hours]; what has no two underscores is no setting."""


def _environment() -> dict[str, Any]:
    """Return what the environment sets, in sections as in twind.toml."""
    values: dict[str, Any] = {}
    for name in sorted(os.environ):
        *sections, key = _keys_of(name) or [""]
        place = values
        for section in sections:
            if not isinstance(place.get(section), dict):
                place[section] = {}
            place = place[section]
        if sections:
            place[key] = _value_of(os.environ[name])
    return values


def _keys_of(variable: str) -> list[str]:
    """Return the section and the keys that a variable of the environment names, if it does."""
    if not variable.upper().startswith(_PREFIX) or _BETWEEN not in variable:
        return []
    return variable[len(_PREFIX) :].lower().split(_BETWEEN)


def _value_of(text: str) -> Any:
    """Return a list or a section written as JSON; anything else is read as the text it is."""
    if text.startswith(("[", "{", '"')):
        with contextlib.suppress(ValueError):
            return json.loads(text)
    return text


def variable_of(*keys: object) -> str | None:
    """Return the variable of the environment that sets a key, or a part of it, or all around it."""
    wanted = [str(key) for key in keys]
    for name in sorted(os.environ):
        named = _keys_of(name)
        if named and all(one == other for one, other in zip(named, wanted, strict=False)):
            return name
    return None


def load(home: Home) -> TwindSettings:
    """Read `home`'s twind.toml; a file that does not exist means the defaults.

    Raises SettingsError, naming the file and the key.
    """
    file = home.config_file
    try:
        # Some editors begin a text with a mark that says it is UTF-8.
        values = tomllib.loads(file.read_text("utf-8-sig"))
    except FileNotFoundError:
        values = {}
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise SettingsError(f"{file}: line {line} is not UTF-8; save it as that") from error
    except OSError as error:
        raise SettingsError(f"{file}: cannot be read: {error.strerror or error}") from error
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(f"{file}: {error}") from error
    return parse(values, str(file))


def parse(values: dict[str, Any], origin: str = "twind.toml") -> TwindSettings:
    """Validate the content of a twind.toml that came from `origin`."""
    try:
        return TwindSettings(**values)
    except ValidationError as error:
        places = dict.fromkeys(variable_of(*each) or origin for each in _wrong_keys(error))
        raise SettingsError(f"{', '.join(places)}: {explain(error)}") from None


def _wrong_keys(error: ValidationError) -> list[tuple[int | str, ...]]:
    return [item["loc"] for item in error.errors(include_url=False)]


_LIST, _SECTION = 'must be a list, like ["one", "two"]', "must be a section with keys of its own"
_IN_TOML = {
    **dict.fromkeys(("tuple_type", "list_type", "set_type", "frozen_set_type"), _LIST),
    **dict.fromkeys(("model_type", "dict_type"), _SECTION),
    "extra_forbidden": "unknown key",
}
"""What a type of error is called where the reader knows TOML and not Python."""


def explain(error: ValidationError, prefix: str = "") -> str:
    """Put a validation error into one line that names each key and what is wrong with it."""
    lines = []
    for item in error.errors(include_url=False):
        key = ".".join(str(part) for part in (*filter(None, [prefix]), *item["loc"]))
        message = _IN_TOML.get(item["type"], item["msg"].removeprefix("Value error, "))
        meant = "" if prefix or item["type"] != "extra_forbidden" else _meant(*item["loc"])
        lines.append(f"{key}: {message}{meant}")
    return "; ".join(lines)


def _meant(*keys: int | str) -> str:
    """Say which key of twind's an unknown one is a misspelling of; "" if none."""
    section: Any = TwindSettings
    for key in keys[:-1]:
        section = section.model_fields[key].annotation
    close = difflib.get_close_matches(str(keys[-1]), section.model_fields, 1)
    return f'; did you mean "{close[0]}"?' if close else ""


def base_folder(home: Home) -> Path:
    """Return the folder that relative paths in twind.toml start from."""
    return home.config_file.parent
