"""Proposals that what has come in since leaves nothing to say yes to.

An event has taken their time, or what they are for is done. They are withdrawn before anybody
accepts them, which is nobody's answer: the same may be proposed once more.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from twind.sentences import beginning
from twind.store import life, proposals

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from twind.model import Proposal
    from twind.store import Store

TAKEN = "an event has taken its time"
DONE = "what it was for is done or gone"


def withdraw(db: Store, profile_id: int) -> None:
    """Withdraw the pending proposals that can no longer stand.

    One that is over was the user's to answer as long as it lasted (`proposals.expire`).
    """
    with db.transaction():
        pending = proposals.load(db, profile_id, status="pending", brief=True)
        ahead = [one for one in pending if one.end > db.clock.now()]
        for one, why in zip(ahead, by_what(db, profile_id, ahead), strict=True):
            if one.id is not None and why is not None:
                proposals.withdraw(db, profile_id, [one.id], why)


def by_what(db: Store, profile_id: int, found: Sequence[Proposal]) -> list[str | None]:
    """Say of each proposal why it can no longer stand; None where it can."""
    projects: dict[int, life.ProjectRow] = {}
    if any(one.target is not None and one.target.kind == "project" for one in found):
        projects = {project.id: project for project in life.projects(db, profile_id)}
    return [
        TAKEN if _is_taken(db, profile_id, one) else DONE if _is_done(one, projects) else None
        for one in found
    ]


def _is_taken(db: Store, profile_id: int, one: Proposal) -> bool:
    clashes = life.events(db, profile_id, one.start, one.end)
    return any(event.takes_time for event in clashes)


def _is_done(one: Proposal, projects: Mapping[int, life.ProjectRow]) -> bool:
    """Tell whether the step it begins with, or all of its project, is no longer open."""
    if one.target is None or one.target.kind != "project":
        return False
    project = projects.get(one.target.id)
    if project is None:
        return True
    still = [step for step in project.steps if not step.done]
    if "step" not in one.details:
        # A project that nobody has cut into steps is worked on as a whole.
        return bool(project.steps) and not still
    # A line that is moved to another file is another step of the same name.
    return not any(
        step.id == one.details["step"] or beginning(step.text) in one.text for step in still
    )
