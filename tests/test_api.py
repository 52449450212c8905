"""What plugin authors import."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import Field, ValidationError

from twind import api
from twind.api import Settings, hookimpl


class Sources(Settings):
    path: Path = Path("default.txt")
    paths: tuple[Path, ...] = ()
    more: list[Path] = Field(default_factory=list)
    words: tuple[str, ...] = ()


def read(**values):
    return Sources.model_validate(values, context={"base": Path("/etc/twind")})


def test_everything_offered_is_there():
    assert all(hasattr(api, name) for name in api.__all__)


def test_paths_start_at_the_folder_of_the_configuration(monkeypatch):
    monkeypatch.setenv("HOME", "/home/ada")
    settings = read(path="a.ics", paths=["b", "/c", "~/d"], more=["e"], words=["f"])
    assert settings.path == Path("/etc/twind/a.ics")
    assert settings.paths == (Path("/etc/twind/b"), Path("/c"), Path("/home/ada/d"))
    assert settings.more == [Path("/etc/twind/e")]
    assert settings.words == ("f",)


def test_an_unknown_key_is_an_error():
    with pytest.raises(ValidationError, match="pth"):
        read(pth="x")


def test_settings_do_not_change():
    with pytest.raises(ValidationError):
        read().path = Path("other")


def test_the_hook_marker_is_twinds():
    @hookimpl
    def twind_register(register): ...

    assert twind_register.twind_impl
