"""`twind models`: what was trained, what became of it, and the way back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from twind.cli.session import opened
from twind.clock import when
from twind.store import models

if TYPE_CHECKING:
    import argparse
    from datetime import tzinfo

    from twind.cli.output import Output
    from twind.store.models import ModelRow


def list_all(arguments: argparse.Namespace, out: Output) -> int:
    """List every model: when it was trained, how it scored, and whether it serves."""
    with opened(arguments) as session:
        found = [
            _told(model, session.settings.zone)
            for model in models.history(session.db, session.profile_id)
        ]
    lines = [_line(one) for one in found]
    return out.done({"models": found}, "\n".join(lines) or "the base policy serves")


def rollback(arguments: argparse.Namespace, out: Output) -> int:
    """Take what serves out of service, and put what served before it back."""
    with opened(arguments) as session:
        now = models.roll_back(session.db, session.profile_id)
        told = None if now is None else _told(now, session.settings.zone)
    text = "the base policy" if now is None else f"{now.kind} {now.id}"
    return out.done({"serving": told}, f"{text} serves now")


def _told(model: ModelRow, zone: tzinfo) -> dict[str, Any]:
    return {
        "id": model.id,
        "kind": model.kind,
        "state": model.state,
        "trained_at": model.created_at.astimezone(zone).isoformat(),
        "timesteps": model.timesteps,
        "score": model.score,
        "because": model.report.get("because", ""),
        "field": model.report.get("field", []),
        "plans": model.report.get("plans", []),
    }


def _line(one: dict[str, Any]) -> str:
    score = "" if one["score"] is None else f"{one['score']:8.3f}"
    best = max(one["field"], key=lambda other: other["mean"], default=None)
    lost = "" if best is None else f"best: {best['name']} {best['mean']:.3f}"
    why = one["because"] or lost
    at = when(one["trained_at"])
    return f"{one['id']:>4}  {one['kind']:<18} {one['state']:<9} {at} {score:>8}  {why}".rstrip()
