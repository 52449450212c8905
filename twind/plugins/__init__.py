"""Find, validate, load, fence and call plugins. Only worker processes import this.

`finding` knows where they are, `loading` what they must be, `fencing` what happens when they
misbehave, `calling` how they are used, and `validation` what they may yield.
"""

from twind.plugins.calling import channels, context, deliver, describe, fetch, watch
from twind.plugins.fencing import fence, quiet_stdout
from twind.plugins.finding import Found, discover
from twind.plugins.loading import Loaded, Plugins, load
from twind.plugins.validation import validate_records

__all__ = [
    "Found",
    "Loaded",
    "Plugins",
    "channels",
    "context",
    "deliver",
    "describe",
    "discover",
    "fence",
    "fetch",
    "load",
    "quiet_stdout",
    "validate_records",
    "watch",
]
