"""The pluggy contract: one hook. pluggy discovers, the core calls."""

from __future__ import annotations

from typing import Any, Protocol

import pluggy

hookspec = pluggy.HookspecMarker("twind")


class Register(Protocol):
    """Take one plugin object into service."""

    def __call__(self, plugin: Any) -> None:
        """Register `plugin`; see twind.api for what it may offer."""


@hookspec
def twind_register(register: Register) -> None:
    """Call `register(plugin)` once for each plugin this module offers."""
