"""Plan the day and propose the few things that are worth it; or nothing, and say why.

What has been proposed for a day stays as it is unless a change gains more than changing costs: a
day that keeps moving is what people leave such programs for. What was accepted always stands. A
proposal whose time an event has taken, or whose work is done, is withdrawn.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any

from twind import asking, evidence, messages, overtaken, reviewed
from twind.errors import NotFoundError
from twind.rl import reviews, standing
from twind.rl.candidates import Limits
from twind.rl.explain import Teller
from twind.rl.pipeline import DataPipeline
from twind.rl.planner import Plan, plan_day
from twind.rl.spaces import TYPES
from twind.rl.trainer import serving_choice
from twind.store import life, outbox, ownership, patterns, proposals

if TYPE_CHECKING:
    from twind.jobs.work import Work
    from twind.model import Proposal
    from twind.preferences.uptake import Uptake
    from twind.rl.trainer import Serving
    from twind.settings import TwindSettings

ONLY_IF_ASKED = {"health": ("exercise", "Health"), "mood": ("reflect", "Mental State")}
"""By setting: what is proposed, and the dimension that reasons speak of, only where it is on."""
SILENT = "on simulated days you do best with no proposals at all"
TRYING = 0.15
"""What an hour of doubt is worth in one proposal of a day (`Limits.trying`): of what is never
proposed, nothing is ever heard. Chosen: of 0, 0.15 and 0.35 this served four simulated people best
in their second week, by no more than luck can make of four.
"""
DUE = 0.5
"""What it is worth to propose what is due that day (`Limits.due`). Chosen: more than two hours of
most things that could as well be done on another day gain on simulated ones."""


def run(work: Work) -> dict[str, Any]:
    """Propose for args["day"] (ISO), else for the rest of today and for tomorrow.

    Returns {"proposals": [...], "silent_because": why there are none, or None}.
    """
    zone = work.settings.zone
    today = work.clock.now().astimezone(zone).date()
    asked = [date.fromisoformat(work.args["day"])] if work.args.get("day") else None
    days = asked or [today, today + timedelta(days=1)]
    reader = work.reader()
    asking.seed(reader)
    work.mend()
    pipeline = DataPipeline(work.db, work.settings, work.clock)
    with work.db.transaction():
        work.check()
        proposals.expire(work.db, work.profile_id, work.clock.now())
        overtaken.withdraw(work.db, work.profile_id)
    made: list[Proposal] = []
    replaced: list[Proposal] = []
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
        serving = serving_choice(work.db, work.profile_id, work.home.models_dir)
        _, silent_on = unasked(work.settings)
        teller = Teller(reader, snapshot, evidence.believe(reader), serving.known_as, silent_on)
        uptake = reviewed.uptake_of(reader)
        for day in days:
            every = proposals.load(work.db, work.profile_id, brief=True)
            every = [one for one in every if one not in replaced] + made
            ready = _prepared(pipeline, teller, every, day)
            found, changed, plan = _propose(work, ready, serving, known.index(day), every, uptake)
            made += found
            replaced += changed
            if plan.silent_because and not found:
                told = plan.silent_because
                silences.append(f"{day}: {told}" if len(days) > 1 else told)
    return _keep(work, days, made, replaced, silences)


def _prepared(pipeline: DataPipeline, teller: Teller, every: list[Proposal], day: date) -> Teller:
    """Return a teller of the day as what is proposed for others is likely to leave it."""
    hours = standing.hours_taken(every, day, teller.snapshot.days[0].date)
    snapshot, done = pipeline.ahead(teller.snapshot, hours)
    return replace(teller, snapshot=snapshot, done=done)


def _propose(
    work: Work,
    teller: Teller,
    serving: Serving,
    day: int,
    every: list[Proposal],
    uptake: Uptake,
) -> tuple[list[Proposal], list[Proposal], Plan]:
    """Return new proposals for one day of the snapshot, and which pending ones they replace.

    every: all there are, for whatever day.
    """
    snapshot = teller.snapshot
    earlier = [one for one in every if one.day == snapshot.days[day].date]
    shown = standing.shown_items((one for one in earlier if one.status == "pending"), snapshot, day)
    others = [one for one in earlier if one not in shown.values()]
    fixed = [one for one in others if one.status in {"pending", "accepted"}]
    seen = sum(standing.was_seen(one) for one in others)
    limits = Limits(
        most=max(0, work.settings.proposals.max_per_day - seen),
        min_acceptance=work.settings.proposals.min_confidence,
        spent=standing.spent(others, snapshot),
        barred=standing.barred(
            snapshot, day, [*fixed, *standing.around(every, snapshot.days[day].date)]
        ),
        taken=tuple(standing.slots_of(one, snapshot, day) for one in fixed),
        trying=TRYING,
        due=DUE,
        without=unasked(work.settings)[0],
        uptake=uptake,
    )
    if serving.silent:
        return [], [], Plan(day, (), SILENT, 0)
    if limits.most == 0:
        return [], [], Plan(day, (), "as much is proposed as you want in a day", 0)
    plan = plan_day(
        snapshot,
        day,
        guide=serving.guide,
        limits=limits,
        shown=tuple(shown),
        seed=snapshot.days[day].date.toordinal(),
        progress=lambda done, of: work.progress({"day": day, "done": done, "of": of}),
    )
    kept = {rated.item for rated in plan.items}
    new = [rated for rated in plan.items if rated.item not in shown]
    views = reviews.seen_at(snapshot, day, (rated.item for rated in new))
    made = [teller.proposal(rated, day, views.get(rated.item)) for rated in new]
    return made, [one for item, one in shown.items() if item not in kept], plan


def unasked(settings: TwindSettings) -> tuple[frozenset[int], frozenset[str]]:
    """Return the types of proposals, and the dimensions, that nobody has switched on."""
    off = [both for key, both in ONLY_IF_ASKED.items() if not getattr(settings.proposals, key)]
    return frozenset(TYPES.index(kind) for kind, _ in off), frozenset(name for _, name in off)


def _keep(
    work: Work,
    days: list[date],
    made: list[Proposal],
    replaced: list[Proposal],
    silences: list[str],
) -> dict[str, Any]:
    """Store what was proposed, withdraw what can no longer be, and queue the notification."""
    zone = work.settings.zone
    with work.db.transaction():
        overtaken.withdraw(work.db, work.profile_id)
        # Whoever has answered one meanwhile has had the last word on it.
        waiting = {one.id for one in proposals.load(work.db, work.profile_id, status="pending")}
        ids = [one.id for one in replaced if one.id is not None and one.id in waiting]
        proposals.withdraw(work.db, work.profile_id, ids, standing.CHANGED)
        overtaken_by = overtaken.by_what(work.db, work.profile_id, made)
        made = [one for one, why in zip(made, overtaken_by, strict=True) if why is None]
        codes = {pattern.code: row for row, pattern in patterns.load(work.db, work.profile_id)}
        ids = proposals.add(work.db, work.profile_id, made, codes)
        ownership.enforce(work.db, work.profile_id)
        current = [
            one
            for day in days
            for one in proposals.load(work.db, work.profile_id, day=day)
            if one.status in {"pending", "accepted"} and one.end > work.clock.now()
        ]
        silent = None if current else "; ".join(silences) or "nothing is worth an interruption"
        work.db.meta_set("silent_because", silent)
        if ids:
            announced = messages.of_proposals(ids)
            outbox.put(work.db, work.profile_id, f"proposals:{ids[0]}", announced)
        return work.finish(
            {
                "proposals": [proposals.as_json(one, zone) for one in current],
                "silent_because": silent,
            }
        )
