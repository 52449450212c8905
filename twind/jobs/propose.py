"""Plan the day and propose the few things that are worth it; or nothing, and say why.

What has been proposed for a day and is still possible stays as it is: a day that keeps moving is
what people leave such programs for. A proposal whose time an event has taken is withdrawn.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np

from twind import evidence, messages
from twind.errors import NotFoundError
from twind.rl.explain import Teller
from twind.rl.pipeline import DataPipeline
from twind.rl.planner import Limits, Plan, plan_day
from twind.rl.snapshot import shortlist
from twind.rl.spaces import PROJECTS, SLOTS, TYPES
from twind.rl.trainer import serving_choice
from twind.store import life, outbox, patterns, proposals

if TYPE_CHECKING:
    from twind.jobs.work import Work
    from twind.model import Proposal
    from twind.rl.evaluate import Choose
    from twind.rl.snapshot import Snapshot

TAKEN = "an event has taken its time"


def run(work: Work) -> dict[str, Any]:
    """Propose for args["day"] (ISO), else for the rest of today and for tomorrow.

    Returns {"proposals": [...], "silent_because": why there are none, or None}.
    """
    zone = work.settings.zone
    today = work.clock.now().astimezone(zone).date()
    asked = [date.fromisoformat(work.args["day"])] if work.args.get("day") else None
    days = asked or [today, today + timedelta(days=1)]
    reader = work.reader()
    evidence.seed(reader)
    pipeline = DataPipeline(work.db, work.settings, work.clock)
    with work.db.transaction():
        work.check()
        proposals.expire(work.db, work.profile_id, work.clock.now())
        _withdraw_overrun(work)
    made: list[Proposal] = []
    silences: list[str] = []
    if life.is_empty(work.db, work.profile_id):
        silences.append("there is nothing to go by yet: no calendar, tasks, people or answers")
    else:
        snapshot = pipeline.snapshot(work.profile_id)
        known = [plan.date for plan in snapshot.days]
        unknown = [day for day in days if day not in known]
        if unknown:
            raise NotFoundError(
                f"{unknown[0]} lies outside what can be planned, {known[0]} to {known[-1]}"
            )
        name, model_id, choose = serving_choice(work.db, work.profile_id, work.home.models_dir)
        model = name if model_id is None else f"{name} {model_id}"
        teller = Teller(reader, snapshot, evidence.believe(reader), model)
        for day in days:
            found, plan = _propose(work, teller, choose, known.index(day))
            made += found
            if plan.silent_because and not found:
                told = plan.silent_because
                silences.append(f"{day}: {told}" if len(days) > 1 else told)
    return _keep(work, days, made, silences)


def _propose(work: Work, teller: Teller, choose: Choose, day: int) -> tuple[list[Proposal], Plan]:
    """Return new proposals for one day of the snapshot, beside those it has already."""
    snapshot = teller.snapshot
    earlier = proposals.load(work.db, work.profile_id, day=snapshot.days[day].date)
    standing = [one for one in earlier if one.status in {"pending", "accepted"}]
    said = [one for one in earlier if "withdrawn" not in one.details]
    limits = Limits(
        most=max(0, work.settings.proposals.max_per_day - len(said)),
        min_acceptance=work.settings.proposals.min_confidence,
        spent=_spent(earlier, snapshot),
        taken=tuple(_slots(one, snapshot, day) for one in standing),
    )
    if limits.most == 0:
        return [], Plan(day, (), "as much is proposed as you want in a day", 0)
    plan = plan_day(
        snapshot,
        day,
        choose=choose,
        limits=limits,
        seed=snapshot.days[day].date.toordinal(),
        progress=lambda done, of: work.progress({"day": day, "done": done, "of": of}),
    )
    return [teller.proposal(rated, day) for rated in plan.items], plan


def _spent(earlier: list[Proposal], snapshot: Snapshot) -> frozenset[tuple[int, int]]:
    """Return what that day's earlier proposals were, as (type, target): none is made twice.

    One that an event displaced was never for the user to answer, and may find another hour.
    """
    shown = shortlist(snapshot)
    rows = {("project", snapshot.projects[i].id): row + 1 for row, i in enumerate(shown.projects)}
    rows |= {
        ("person", snapshot.people[i].id): row + 1 + PROJECTS for row, i in enumerate(shown.people)
    }
    found = set()
    for one in earlier:
        if "withdrawn" in one.details:
            continue
        row = rows.get((one.target.kind, one.target.id), -1) if one.target else 0
        found.add((TYPES.index(one.action), row))
    return frozenset(found)


def _slots(proposal: Proposal, snapshot: Snapshot, day: int) -> tuple[int, int]:
    edges = [snapshot.instant(day, slot) for slot in range(SLOTS + 1)]
    first = int(np.searchsorted(edges, proposal.start, side="right")) - 1  # type: ignore[call-overload]
    last = int(np.searchsorted(edges, proposal.end, side="left"))  # type: ignore[call-overload]
    return first, last


def _keep(
    work: Work, days: list[date], made: list[Proposal], silences: list[str]
) -> dict[str, Any]:
    """Store what was proposed, withdraw what can no longer be, and queue the notification."""
    zone = work.settings.zone
    with work.db.transaction():
        _withdraw_overrun(work)
        made = [one for one in made if not _overrun(work, one)]
        codes = {pattern.code: row for row, pattern in patterns.load(work.db, work.profile_id)}
        ids = proposals.add(work.db, work.profile_id, made, codes)
        standing = [
            one
            for day in days
            for one in proposals.load(work.db, work.profile_id, day=day)
            if one.status in {"pending", "accepted"} and one.end > work.clock.now()
        ]
        silent = None if standing else "; ".join(silences) or "nothing is worth an interruption"
        work.db.meta_set("silent_because", silent)
        if ids:
            announced = messages.of_proposals(ids)
            outbox.put(work.db, work.profile_id, f"proposals:{ids[0]}", announced)
        return work.finish(
            {
                "proposals": [proposals.as_json(one, zone) for one in standing],
                "silent_because": silent,
            }
        )


def _withdraw_overrun(work: Work) -> None:
    """Withdraw pending proposals whose time a busy event has taken since."""
    late = [
        one.id
        for one in proposals.load(work.db, work.profile_id, status="pending")
        if one.id is not None and _overrun(work, one)
    ]
    proposals.withdraw(work.db, work.profile_id, late, TAKEN)


def _overrun(work: Work, one: Proposal) -> bool:
    clashes = life.events(work.db, work.profile_id, one.start, one.end)
    return any(event.takes_time for event in clashes)
