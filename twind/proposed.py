"""A proposal as a block of time, and its features: what was proposed is what was rehearsed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from twind.preferences import detectors
from twind.preferences.belief import ATTRIBUTE_NAMES
from twind.preferences.features import ACTIVITIES, Block, attributes

if TYPE_CHECKING:
    from zoneinfo import ZoneInfo

    from twind.model import Proposal


def block_of(proposal: Proposal, zone: ZoneInfo, **context: Any) -> Block:
    """Return a proposal as a block; `context` gives people, closeness, lead_days, varied."""
    start = proposal.start.astimezone(zone)
    hours = proposal.duration_min / 60
    return Block(
        activity=ACTIVITIES.index(proposal.action),
        hours=hours,
        hour=(start.hour + start.minute / 60 + hours / 2) % 24,
        depth={"light": 0.0, "normal": 0.5, "deep": 1.0}[proposal.intensity],
        **context,
    )


def features(proposal: Proposal, block: Block) -> dict[str, float]:
    """Return the features of a proposal done as this block.

    Its aspects, whom or what it is for, and its attributes themselves (see `belief.Belief`).
    """
    named = named_features(block) | attribute_features(block)
    if proposal.target is not None:
        named[f"{proposal.target.kind}:{proposal.target.id}"] = block.hours
    return named


def attribute_features(block: Block) -> dict[str, float]:
    """Return the hours of a proposed block's attributes, by their names in a belief."""
    told = attributes(block)
    return {ATTRIBUTE_NAMES[place]: float(told[place]) for place in told.nonzero()[0]}


def named_features(block: Block) -> dict[str, float]:
    """Return a block's features by aspect code, the zeros left out."""
    return dict(detectors.sparse(block))
