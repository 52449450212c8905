"""Find, validate, load, fence and call plugins. Only worker processes import this.

`finding` knows where they are, `loading` what they must be, `fencing` what happens when they
misbehave, `calling` how they are used, and `validation` what they may yield. `apart` gives each a
process of its own, for `inspecting` and `reading`; `wire` is how records come back from there.
"""

from twind.plugins.calling import channels, context, deliver, describe, fetch, watch, window
from twind.plugins.fencing import fence, quiet_stdout
from twind.plugins.finding import Found, discover
from twind.plugins.inspecting import inspect
from twind.plugins.loading import Loaded, Plugins, load
from twind.plugins.reading import Ask, Reading, read, read_all
from twind.plugins.validation import validate_records

__all__ = [
    "Ask",
    "Found",
    "Loaded",
    "Plugins",
    "Reading",
    "channels",
    "context",
    "deliver",
    "describe",
    "discover",
    "fence",
    "fetch",
    "inspect",
    "load",
    "quiet_stdout",
    "read",
    "read_all",
    "validate_records",
    "watch",
    "window",
]
