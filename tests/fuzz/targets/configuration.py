"""TOML: twind.toml, and a file of questions."""

from __future__ import annotations

import contextlib
import json
import tomllib
from datetime import time, timedelta

from targets import Target
from twind import settings
from twind.errors import SettingsError
from twind.preferences import bank, catalogue

CONFIGURATION = b"""[profile]
timezone = "Europe/Berlin"
emails = ["me@example.org"]
[hours]
sleep = "23:00-07:00"
work = { mon-fri = "09:00-17:30", sat = ["10:00-11:00"] }
[schedule]
propose_at = "07:00"
[plugins]
disabled = ["x"]
[plugins.calendar]
paths = ["/a"]
"""


class _Home:
    """A home whose configuration file holds what it is given."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    @property
    def config_file(self):
        return self

    def read_text(self, encoding: str) -> str:
        return self._data.decode(encoding)


def configuration(data: bytes) -> None:
    """Read a configuration."""
    with contextlib.suppress(SettingsError):
        read = settings.load(_Home(data))
        str(read.zone)
        read.plugins.section("calendar")
        time(*divmod(read.schedule.propose_at, 60))
        for seconds in (
            read.schedule.sync_every_min * 60,
            read.schedule.poll_s,
            read.limits.job_timeout_s,
            read.limits.train_timeout_s,
        ):
            assert timedelta(0) < timedelta(seconds=seconds) <= timedelta(days=7)
        settings.parse(json.loads(json.dumps(read.model_dump(mode="json"))))


def questions(data: bytes) -> None:
    """Read a file of questions."""
    with contextlib.suppress(ValueError, RecursionError):  # the parser's own
        told = tomllib.loads(data.decode("utf-8", "replace"))
        assert isinstance(bank.parse(told), tuple)


def _some_questions() -> bytes:
    text = catalogue.resources.files("twind.preferences").joinpath("data", "questions.toml")
    return b"[[question]]".join(text.read_bytes().split(b"[[question]]")[:4])


TARGETS = {
    "settings": Target(
        configuration,
        (CONFIGURATION,),
        """
        [hours] [schedule] [limits] work= quiet= mon-fri 24:00 inf nan 1979-05-27T07:32:00Z
        \'\'\' { [[ timezone= ../
        """,
    ),
    "bank": Target(
        questions,
        (_some_questions(),),
        "[[question]] text= kind= primary= options= inf nan [[ {",
    ),
}
