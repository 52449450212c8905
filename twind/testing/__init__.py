"""What others need to try twind out: a kit for plugins, and people to live with it.

`twind.testing.kit` holds a plugin against the contract and runs the real thing on a real store;
`twind.testing.users` says what a simulated person is. Everything public is here.
"""

from twind.testing.kit import (
    NOW,
    FixedClock,
    Plugin,
    PluginContract,
    Synced,
    Twin,
    context,
    sync,
)
from twind.testing.users import Life, LivedBlock, SimulatedUser

__all__ = [
    "NOW",
    "FixedClock",
    "Life",
    "LivedBlock",
    "Plugin",
    "PluginContract",
    "SimulatedUser",
    "Synced",
    "Twin",
    "context",
    "sync",
]
