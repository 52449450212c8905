"""The command line: it parses, calls, and prints; it decides nothing.

Light on purpose: each command imports what it needs when it runs, and `twind ctl` needs a socket
and JSON.
"""

from __future__ import annotations

import importlib
import os
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

USAGE, INTERRUPTED = 2, 130


def main(argv: Sequence[str] | None = None) -> int:
    """Run `twind`. Returns 0 done, 1 failed or a finding, 2 usage, 3 the daemon is not running."""
    from twind.cli import output, owner, parser
    from twind.errors import TwindError
    from twind.home import Home

    words = sys.argv[1:] if argv is None else list(argv)
    output.spell_out()
    out = output.Output(as_json="--json" in words)
    try:
        arguments = parser.parse(words)
        out = output.Output(as_json=arguments.json)
        home = Home.find(arguments.home)
        owner.step_down(home.config_file.parent if arguments.configures else home.state_dir, home)
        module = importlib.import_module(f"twind.cli.{arguments.module}")
        return int(getattr(module, arguments.function)(arguments, out) or 0)
    except TwindError as error:
        return out.fail(error)
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        # Whoever read our output has seen enough (`twind patterns | head`).
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
