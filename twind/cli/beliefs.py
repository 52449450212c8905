"""`twind patterns`: what twind believes of its user, how sure it is, and from what."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from twind.cli.session import Session, opened
from twind.errors import NotFoundError
from twind.store import patterns as kept

if TYPE_CHECKING:
    import argparse

    from twind.cli.output import Output

HALF_BAR = 12
KNOWN_FROM = 0.05
"""Below this confidence an aspect is as good as unknown, and not listed unless asked for."""


def patterns(arguments: argparse.Namespace, out: Output) -> int:
    """Report all patterns, or one with the evidence behind it."""
    with opened(arguments) as session:
        session.refresh()
        rows = [_shape(one) for _, one in kept.load(session.db, session.profile_id)]
        if arguments.code is not None:
            return _one(session, arguments.code, rows, out)
    if out.as_json:
        return out.done({"patterns": rows})
    return _show(rows, everything=arguments.all)


def _shape(pattern: Any) -> dict[str, Any]:
    return {
        "dimension": pattern.dimension,
        "aspect": pattern.aspect,
        "code": pattern.code,
        "strength": pattern.strength,
        "confidence": pattern.confidence,
        "evidence_count": pattern.evidence_count,
        "impact": pattern.impact,
    }


def _one(session: Session, code: str, rows: list[dict[str, Any]], out: Output) -> int:
    found = [row for row in rows if row["code"] == code.upper()]
    if not found:
        raise NotFoundError(f"there is no pattern {code}; `twind patterns --all` lists them")
    row = found[0]
    evidence = kept.evidence_for(session.db, session.profile_id, row["code"], limit=50)
    described = kept.describe(session.db, row["code"])
    lines = [f"{row['dimension']}: {row['aspect'].replace('_', ' ')} — {described}", _line(row)]
    lines += [f"  {item['at'][:10]}  {item['text']}" for item in evidence]
    if not evidence:
        lines.append("  no evidence yet: this is what twind assumes of anybody")
    return out.done({**row, "description": described, "evidence": evidence}, "\n".join(lines))


def _show(rows: list[dict[str, Any]], *, everything: bool) -> int:
    from rich.console import Console
    from rich.text import Text

    from twind.cli.output import clean

    console = Console()
    unknown = 0
    dimension = None
    for row in rows:
        if row["confidence"] < KNOWN_FROM and not everything:
            unknown += 1
            continue
        if row["dimension"] != dimension:
            dimension = row["dimension"]
            console.print(Text(clean(dimension), style="bold"))
        style = "dim" if row["confidence"] < 0.2 else ""
        console.print(Text(clean(_line(row)), style=style))
    if unknown:
        console.print(Text(f"{unknown} aspects it knows nothing of yet (--all)", style="dim"))
    return 0


def _line(row: dict[str, Any]) -> str:
    """Return a pattern as a bar from -1 to 1 around its middle, with its numbers."""
    filled = round(min(1.0, abs(row["strength"])) * HALF_BAR)
    left = ("█" * filled if row["strength"] < 0 else "").rjust(HALF_BAR)
    right = ("█" * filled if row["strength"] >= 0 else "").ljust(HALF_BAR)
    name = row["aspect"].replace("_", " ")
    return (
        f"  {name:<18}{left}│{right} {row['strength']:+.2f}  sure {row['confidence']:>4.0%}"
        f"  from {row['evidence_count']}"
    )
