"""Raises while its settings are validated."""

from pydantic import model_validator

from twind.api import Person, Settings, hookimpl


class Plugin:
    name = "settings_raise"

    class Settings(Settings):
        @model_validator(mode="before")
        def checked(cls, _):
            raise RuntimeError("no such thing")

    def fetch(self, ctx):
        yield Person(uid="x", name="X")


@hookimpl
def twind_register(register):
    register(Plugin())
