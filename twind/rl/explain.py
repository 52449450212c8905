"""From a rated plan to proposals: the words, the reasons, and the rows behind them.

A proposal's gain is known by part of the reward, from living the same days with and without it. The
part that is alignment is told by aspect, through the one feature map; the others by the deadline,
the person or the rest they come from. Weights are shares of what speaks for the proposal.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import numpy as np

from twind import evidence, proposed
from twind.closeness import usual_gap_days
from twind.model import HORIZON_DAYS, Proposal, Reason, Target
from twind.plaintext import every
from twind.preferences import catalogue, observations
from twind.preferences.belief import ATTRIBUTE_NAMES, POPULATION_MEANS
from twind.preferences.features import ACTIVITIES, PARTS, Block
from twind.rl import wording
from twind.rl.planner import LEAST_GAIN, RISK_PRICE, Rated
from twind.rl.snapshot import (
    LifeParameters,
    PersonState,
    ProjectState,
    Snapshot,
    need_per_day,
    shortlist,
)
from twind.rl.spaces import DURATIONS_MIN, DURATIONS_SLOTS, INTENSITIES, PROJECTS, SLOTS, TYPES
from twind.rl.world import SLOT_H
from twind.rl.worth import VARIED_DAYS, in_general
from twind.sentences import in_quotes
from twind.store import life, patterns
from twind.store.projection import SINGLE_TASKS

if TYPE_CHECKING:
    from datetime import datetime

    from twind.preferences.belief import Belief
    from twind.reader import Reader

ALIGNMENT, ENERGY, RELATIONSHIPS, PROGRESS = range(4)
MOST_ASPECTS = 3
MOST_ROWS, MOST_READ = 3, 30
"""So many rows are cited for an aspect, and looked through for them: many say the same."""
KNOWN_FROM = 0.01
"""Confidence below which a strength is the population's and not the user's."""
LEAST_PART = 0.1
"""No part of a day is believed to count less than that, when what it gained is told from it."""
LEAST_WEIGHT = 0.05
"""A reason that makes up less than this share is not worth telling."""
LEAST_STRENGTH = 0.05
"""What is believed to be weaker than that, in neutral free hours an hour, is no reason: three
minutes an hour are within what anybody's day makes of them."""

_ALL_IN_ALL, _BETTER_SPENT, _GETS_ON, _SEES_MORE = (
    Reason(kind="time", ref=ref, weight=0.0, text=text)
    for ref, text in (
        ("day", "The day goes better with it, all in all"),
        ("time", "More of the day goes to what you value, as far as twind knows you"),
        ("progress", "What you have to do gets on better with it"),
        ("relationships", "Those close to you get more of you with it"),
    )
)


@dataclass(frozen=True, slots=True)
class Teller:
    """Tells about one snapshot.

    silent_on: dimensions that no reason is to speak of. done: the rows of open steps that are as
    good as done (`DataPipeline.ahead`).
    """

    reader: Reader
    snapshot: Snapshot
    belief: Belief
    model: str
    silent_on: frozenset[str] = frozenset()
    done: frozenset[int] = frozenset()

    def proposal(self, rated: Rated, day: int, seen: str | None = None) -> Proposal:
        """Return an item of the plan as a proposal with its reasons.

        seen: what a policy would see as it is proposed (twind.rl.reviews), to judge later ones by.
        """
        item = rated.item
        about = self._about(item.target)
        target = _target(about)
        start = self.snapshot.instant(day, item.slot)
        minutes = DURATIONS_MIN[item.duration]
        action, intensity = TYPES[item.kind], INTENSITIES[item.intensity]
        block = self._block(rated, day, about)
        reasons = self._reasons(rated, block, about, day)
        steps = self._next_steps(about) if isinstance(about, ProjectState) else []
        # One time of a habit has the habit's name.
        begin = next((step.text for step in steps[:1] if target and step.text != target.name), None)
        text = wording.sentence(
            action,
            target,
            minutes,
            intensity,
            first=begin,
            habit=_is_habit(about),
            style=self._style(),
            figures=(rated.gain + rated.due, rated.acceptance),
        )
        made = Proposal(
            day=self.snapshot.days[day].date,
            action=action,
            target=target,
            start=start,
            end=start + timedelta(minutes=minutes),
            duration_min=minutes,
            intensity=intensity,  # type: ignore[arg-type]
            text=text,
            confidence=rated.acceptance,
            reasons=reasons,
            would_change=_would_change(rated, reasons, meets=self._meets(about, start)),
        )
        features = {**proposed.features(made, block), **self._parts(rated)}
        usual = self._usual(rated, day)
        details = {
            "gain": rated.gain,
            "doubt": rated.doubt,
            "parts": list(rated.parts),
            "model": self.model,
            "features": features,
            "baseline": usual,
            "odds": self._odds(rated),
            "rehearsed": rated.rehearsed,
            "worth": self.belief.worth(observations.beyond(features, usual))[0],
            "block": _as_json(block),
            **({"step": steps[0].id} if steps else {}),
            "acted": [item.kind, item.target, item.duration, item.intensity],
            "considered": [[*one.item, one.worth, one.probability] for one in rated.considered],
            **({"seen": seen} if seen else {}),
            "life": self._own_life(),
            "weighed": self._weighed(),
        }
        made.details.update(details)
        return made

    def _parts(self, rated: Rated) -> dict[str, float]:
        """Return what it does, if taken up, beyond what its aspects say, by the weights of that."""
        told = zip(PARTS, rated.parts, self.belief.parts(), strict=False)
        return {
            f"part:{name}": gain / (max(LEAST_PART, weight) * rated.rehearsed)
            for name, gain, weight in told
            if name != PARTS[ALIGNMENT] and gain
        }

    def _usual(self, rated: Rated, day: int) -> dict[str, float]:
        """Return the features of what the user would do in that time by themselves."""
        first = rated.item.slot
        slots = slice(first, min(SLOTS, first + int(DURATIONS_SLOTS[rated.item.duration])))
        weekend = int(self.snapshot.days[day].weekday >= 5)
        usual: Counter[str] = Counter()
        hours = self.snapshot.habits[weekend, slots, 1:].sum(axis=0) * SLOT_H
        for activity, share in enumerate(hours):
            others, closeness = in_general(activity)
            block = Block(
                activity=activity,
                hours=float(share),
                hour=(slots.start + slots.stop) / 8,
                people=others,
                closeness=closeness,
            )
            usual.update(proposed.named_features(block))
        return dict(usual)

    def _odds(self, rated: Rated) -> float:
        """Return the log odds of a yes by what is seen in it, the user's own willingness apart."""
        seen = math.log(rated.rehearsed / (1.0 - rated.rehearsed))
        return seen + LifeParameters().acceptance - self.snapshot.life.acceptance

    def _own_life(self) -> dict[str, Any]:
        """Return what is taken of the user's own days, and what it would be of anybody's."""
        return {
            one.name: {
                "value": one.value,
                "population": one.population,
                "evidence": one.evidence,
                "text": wording.own(one),
            }
            for one in self.snapshot.fitted
        }

    def _weighed(self) -> str:
        """Say which projects and people the day was planned with (`snapshot.shortlist`)."""
        shown = shortlist(self.snapshot)
        still = sum(project.remaining_h > 0 for project in self.snapshot.projects)
        return wording.weighed(
            (len(shown.projects), still), (len(shown.people), len(self.snapshot.people))
        )

    def _style(self) -> wording.Style:
        likes = self.belief.strength
        return wording.Style(
            diplomatic=likes("COM_DIPLOMATIC") - likes("COM_DIRECT"),
            written=likes("COM_WRITTEN") - likes("COM_VERBAL"),
            data_driven=likes("DEC_DATA_DRIVEN") - likes("DEC_INTUITIVE"),
        )

    def _about(self, target: int) -> ProjectState | PersonState | None:
        shown = shortlist(self.snapshot)
        if target == 0:
            return None
        if target <= PROJECTS:
            return self.snapshot.projects[shown.projects[target - 1]]
        return self.snapshot.people[shown.people[target - 1 - PROJECTS]]

    def _block(self, rated: Rated, day: int, about: ProjectState | PersonState | None) -> Block:
        item = rated.item
        hours = DURATIONS_MIN[item.duration] / 60
        person = about if isinstance(about, PersonState) else None
        lead = float("inf")
        if isinstance(about, ProjectState):
            lead = (about.deadline_h - day * 24 - item.slot / 4) / 24
        activity = ACTIVITIES.index(TYPES[item.kind])
        others, closeness = (1, person.closeness) if person else in_general(activity)
        return Block(
            activity=activity,
            hours=hours,
            hour=(item.slot / 4 + hours / 2) % 24,
            people=others,
            closeness=closeness,
            depth=item.intensity / 2,
            lead_days=lead,
            planned=1.0 if day > 0 else 0.0,
            varied=1.0 if self.snapshot.days_since_done[activity] >= VARIED_DAYS else 0.0,
        )

    # --- reasons ---------------------------------------------------------------------------------

    def _reasons(
        self,
        rated: Rated,
        block: Block,
        about: ProjectState | PersonState | None,
        day: int,
    ) -> tuple[Reason, ...]:
        told: list[tuple[float, Reason]] = []
        if rated.parts[ALIGNMENT] > 0:
            told += self._aspects(rated, block, about)
        if (progress := rated.parts[PROGRESS] + rated.due) > 0:
            due = _GETS_ON
            if isinstance(about, ProjectState):
                due = self._deadline(about, day, block.hours)
            told.append((progress, due))
        if rated.parts[RELATIONSHIPS] > 0:
            start = self.snapshot.instant(day, rated.item.slot)
            met = self._person(about, start) if isinstance(about, PersonState) else _SEES_MORE
            told.append((rated.parts[RELATIONSHIPS], met))
        if rated.parts[ENERGY] > 0:
            text = "You come out of it with more energy for what follows"
            told.append(
                (rated.parts[ENERGY], Reason(kind="energy", ref="energy", weight=0.0, text=text))
            )
        missing = LEAST_GAIN + RISK_PRICE * rated.doubt - rated.gain - rated.due
        if missing > 0.0:
            text = "twind cannot tell yet what it is worth to you: what you say to it will"
            told.append((missing, Reason(kind="trial", ref="trial", weight=0.0, text=text)))
        if not told:
            told.append((1.0, _ALL_IN_ALL))
        whole = sum(worth for worth, _ in told)
        weighed = [
            Reason(
                kind=reason.kind,
                ref=reason.ref,
                weight=worth / whole,
                text=reason.text,
                evidence=reason.evidence,
            )
            for worth, reason in told
        ]
        weighed.sort(key=lambda reason: -reason.weight)
        return tuple(
            reason for reason in weighed if reason.weight >= LEAST_WEIGHT or reason is weighed[0]
        )

    def _aspects(
        self, rated: Rated, block: Block, about: ProjectState | PersonState | None
    ) -> list[tuple[float, Reason]]:
        """Split what alignment is worth over what speaks for the block, of aspects and the like.

        None is told to be worth more than it is if the block is taken up. What is left comes of
        the day as a whole, which is spent better, and of what is not to be told.
        """
        worth = rated.parts[ALIGNMENT]
        found = self._shares(block, about)
        best = sorted(found.items(), key=lambda item: (-abs(item[1]), item[0]))[:MOST_ASPECTS]
        whole = rated.rehearsed * sum(abs(share) for _, share in best)
        of_it = min(1.0, worth / whole) * rated.rehearsed if whole else 0.0
        told = [(of_it * abs(share), self._pattern(code, share, about)) for code, share in best]
        rest = worth - sum(part for part, _ in told)
        return [*told, (rest, _BETTER_SPENT)] if rest > 0.0 else told

    def _shares(self, block: Block, about: ProjectState | PersonState | None) -> dict[str, float]:
        """Return what speaks for a block, in neutral free hours if it is done.

        Below 0 where it is what the block does without, and the user would rather do without too.
        """
        names = proposed.attribute_features(block)
        if about is not None:
            name = f"{'person' if isinstance(about, PersonState) else 'project'}:{about.id}"
            names |= {name: block.hours} if name in self.belief else {}
        for code, hours in proposed.named_features(block).items():
            aspect = catalogue.aspects()[catalogue.index_of()[code]]
            if aspect.kind == "value" and aspect.dimension not in self.silent_on:
                names[code] = hours
        strengths = {name: self._strength(name) for name in names}
        return {
            name: hours * abs(strengths[name])
            for name, hours in names.items()
            if abs(strengths[name]) >= LEAST_STRENGTH and hours * strengths[name] > 0.0
        }

    def _strength(self, name: str) -> float:
        known = name in catalogue.index_of()
        return self.belief.strength(name) if known else self.belief.mean_of(name)

    def _pattern(self, code: str, share: float, about: ProjectState | PersonState | None) -> Reason:
        rows = self._rows(code, 1 if share > 0.0 else -1)
        if code in ATTRIBUTE_NAMES:
            called = wording.ATTRIBUTES[code.removeprefix("attribute:")]
            text = f"What you have said to proposals speaks for {called}"
            return Reason(kind="reviews", ref=code, weight=0.0, text=text, evidence=rows)
        if code not in catalogue.index_of():
            target = _target(about)
            assert target is not None
            text = f"What you have said and done speaks for {wording.quoted(target)}"
            return Reason(kind="pattern", ref=code, weight=0.0, text=text, evidence=rows)
        aspect = catalogue.aspects()[catalogue.index_of()[code]]
        sure = self.belief.confidence(code)
        assumed = not rows and POPULATION_MEANS.get(code, 0.0) * share > 0.0
        known = "as with most people" if assumed or sure < KNOWN_FROM else f"{sure:.0%} sure"
        text = wording.aspect(aspect, known, spared=share < 0.0)
        return Reason(kind="pattern", ref=code, weight=0.0, text=text, evidence=rows)

    def _rows(self, code: str, direction: int) -> tuple[dict[str, Any], ...]:
        """Return the rows of the evidence that says so; what says the opposite is none of it.

        Of what rests on one row, or is said in the same words, one is enough.
        """
        db, profile_id = self.reader.db, self.reader.profile_id
        chosen: list[dict[str, Any]] = []
        for row in patterns.evidence_for(db, profile_id, code, MOST_READ, direction=direction):
            same = any(
                row["text"] == one["text"] or (row["table"], row["id"]) == (one["table"], one["id"])
                for one in chosen
            )
            if not same:
                chosen.append({key: row[key] for key in ("table", "id", "text", "at")})
        return tuple(chosen[:MOST_ROWS])

    def _deadline(self, project: ProjectState, day: int, hours: float) -> Reason:
        """Return what speaks for so many hours of a project on a day."""
        steps = self._next_steps(project)
        if steps and (project.name == SINGLE_TASKS or _is_habit(project)):
            # Such have nothing in common but the list: the one to begin with speaks for itself.
            steps = steps[:1]
            text = f"{in_quotes(steps[0].text)} {self._due(self._due_h(steps[0]), day)}"
        else:
            left = (
                f"about {project.remaining_h:.0f} h left"
                if project.remaining_h >= 1
                else "little left"
            )
            if 1 <= project.remaining_h < hours:
                left += ", plus the time to get into it"
            text = f"“{project.name}” {self._due(project.deadline_h, day)}"
            text += f" with {left}" if np.isfinite(project.deadline_h) else f" ({left})"
            need = need_per_day(project, self.snapshot.slot / 4 + day * 24)
            # What is due on the day itself, or was before, is not spread over days any more.
            if need >= 1 and project.deadline_h > (day + 1) * 24:
                text += f": it needs {need:.1f} h a day"
        if wording.is_notable(project.estimate_ratio, 1.0):
            text += f"; {wording.ratio(project.estimate_ratio)}"
        rows = tuple(
            {"table": "workflow_steps", "id": step.id, "text": step.text} for step in steps[:3]
        )
        return Reason(
            kind="deadline", ref=f"workflow:{project.id}", weight=0.0, text=text, evidence=rows
        )

    def _due(self, deadline_h: float, day: int) -> str:
        if math.isinf(deadline_h):
            return "moves forward"
        return f"is {wording.due(deadline_h, self.snapshot.slot / 4, day)}"

    def _due_h(self, step: life.StepRow) -> float:
        """Return when a step is due, in hours from midnight of today; infinity for never."""
        if step.due is None:
            return math.inf
        return (step.due - self.snapshot.instant(0, 0)).total_seconds() / 3600

    def _next_steps(self, project: ProjectState) -> list[life.StepRow]:
        """Return the open steps that may be begun, in the order in which they are due."""
        [row] = [
            row
            for row in life.projects(self.reader.db, self.reader.profile_id)
            if row.id == project.id
        ]
        now = self.reader.now
        return sorted(
            (
                s
                for s in row.steps
                if not s.done and s.id not in self.done and (s.start is None or s.start <= now)
            ),
            key=lambda step: (step.due is None, step.due, step.id),
        )

    def _person(self, person: PersonState, start: datetime) -> Reason:
        """Return what speaks for somebody at that moment; whom the user meets before is met."""
        [row] = [row for row in evidence.people(self.reader) if row.id == person.id]
        before, after = self._coming(person, start)
        if before is not None:
            text = f"By then you will have met {person.name} for {self._event(before)}"
        elif row.meetings:
            since = wording.days_ago((self.reader.now - row.contacts[-1]).days)
            text = f"You last saw {person.name} {since}"
        elif after is not None:
            text = f"twind knows of no meeting with {person.name} before {self._event(after)}"
        else:
            text = f"twind knows of no meeting with {person.name} yet"
        usual = usual_gap_days(row.meetings, self.reader.local)
        if usual is not None:
            text += f"; you usually meet {every(usual)}"
        if after is not None and (row.meetings or before is not None):
            text += f"; you meet {'next' if before is None else 'again'} for {self._event(after)}"
        if kind := row.closeness(self.reader.local).kind:
            text += f"; {person.name} is {kind}"
        events = [met.record for met in row.meetings[-1:]]
        events += [event.id for event in (before, after) if event is not None]
        return Reason(
            kind="person",
            ref=f"entity:{person.id}",
            weight=0.0,
            text=text,
            evidence=tuple(
                patterns.event_row(self.reader.db, event) for event in dict.fromkeys(events)
            ),
        )

    def _meets(self, about: ProjectState | PersonState | None, start: datetime) -> bool:
        """Tell whether it is about somebody whom the user meets before that moment."""
        return isinstance(about, PersonState) and self._coming(about, start)[0] is not None

    def _coming(
        self, person: PersonState, start: datetime
    ) -> tuple[life.EventRow | None, life.EventRow | None]:
        """Return the last event with somebody before a moment to come, and the next after it."""
        reader = self.reader
        until = reader.now + timedelta(days=HORIZON_DAYS)
        ahead = [
            event
            for event in life.events(
                reader.db, reader.profile_id, reader.now, until, with_people=True
            )
            if person.id in event.people and event.brought_together(reader.emails)
        ]
        before = [event for event in ahead if event.start < start]
        after = ahead[len(before) :]
        return before[-1] if before else None, after[0] if after else None

    def _event(self, event: life.EventRow) -> str:
        start = event.start.astimezone(self.reader.zone)
        return f"{in_quotes(event.title)} on {start:%A}, {start.day} {start:%B}"


def _is_habit(about: ProjectState | PersonState | None) -> bool:
    return isinstance(about, ProjectState) and about.kind == "habit"


def _target(about: ProjectState | PersonState | None) -> Target | None:
    if about is None:
        return None
    kind = "person" if isinstance(about, PersonState) else "project"
    return Target(kind=kind, id=about.id, name=about.name)  # type: ignore[arg-type]


def _would_change(rated: Rated, reasons: tuple[Reason, ...], *, meets: bool = False) -> str:
    """Say what would make it another proposal: the first reason gone, if it stands on that.

    meets: that the user meets whom it is for before.
    """
    first = reasons[0]
    without = (rated.gain + rated.due) * (1.0 - first.weight)
    what = {
        "deadline": "If that were done or less pressing",
        "person": "If you met once more by then" if meets else "If you had met by then",
        "energy": "If you were rested",
        "trial": "Once that is known",
        "reviews": "If you had said otherwise",
        "pattern": f"If that is not so{_where(first.ref)}",
    }.get(first.kind, "If the day looked different")
    if without <= LEAST_GAIN:
        return f"{what}, this would not be proposed."
    return f"{what}, it would count for {first.weight:.0%} less, and still be proposed."


def _where(ref: str) -> str:
    """Return the command that shows what a reason rests on, for whoever wants to put it right."""
    kind, _, row = ref.partition(":")
    command = {"person": f"people show {row}", "project": ""}.get(kind, f"patterns {ref}")
    return f" (twind {command})" if command else ""


def _as_json(block: Block) -> dict[str, Any]:
    values = {name: getattr(block, name) for name in block.__slots__}
    # JSON has no infinity.
    values["lead_days"] = min(values["lead_days"], 1e6)
    return values
