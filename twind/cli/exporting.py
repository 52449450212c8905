"""`twind export`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from twind.cli.session import opened

if TYPE_CHECKING:
    import argparse

    from twind.cli.output import Output


def export(arguments: argparse.Namespace, out: Output) -> int:
    """Write all that twind knows to a new folder or a new zip file."""
    from twind import export as writing

    target = Path(arguments.target).expanduser().absolute()
    with opened(arguments) as session:
        sizes = writing.write(session.db, session.profile_id, session.settings.zone, target)
    lines = [f"{size:>12,} bytes  {name}" for name, size in sizes.items()]
    return out.done({"target": str(target), "files": sizes}, "\n".join([str(target), *lines]))
